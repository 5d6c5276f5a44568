"""A program run by somebody who may not write everywhere, as root in a container may."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1  # <sys/prctl.h>, <linux/capability.h>


@contextmanager
def without_write(folder: Path) -> Iterator[None]:
    """`folder` and all in it without permission to write, for the time being."""
    paths = [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def as_nobody(
    command: list[str], *, read_only: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `command` while `read_only` cannot be written; root loses its power over permissions."""
    libc = ctypes.CDLL(None, use_errno=True)

    def give_up() -> None:
        if os.geteuid() == 0 and libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
            os._exit(99)  # then the tests would prove nothing

    with without_write(read_only):
        return subprocess.run(
            command,
            cwd=read_only,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            preexec_fn=give_up,
            capture_output=True,
            text=True,
            check=False,
        )
