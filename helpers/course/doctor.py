"""`course doctor`: what works on this machine and what does not, a line each.

Each check is a function that returns a remark, or raises with the reason and what to do about it.
It looks and does not mend; what only tests need is a note and not a failure.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from helpers._ground import ROOT, answers_file
from helpers.course.bootstrap import PYTHONS, VENV, fingerprint, inside_venv, read_stamp

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DISK_GB, MEMORY_GB = 2.0, 1.0  # a second environment's worth; two notebooks with torch


class Missing(Exception):  # noqa: N818 - it is a remark
    """Something the course can do without, or only tests need."""


def main(argv: list[str]) -> int:
    """Print a line for each check; 0 if nothing failed, else 1. Takes no arguments."""
    failures = 0
    for name, check in CHECKS.items():
        try:
            status, remark = "OK", check()
        except Missing as reason:
            status, remark = "NOTE", str(reason)
        except Exception as reason:
            status, remark = "FAIL", f"{reason or type(reason).__name__}"
            failures += 1
        print(f"[{status}]".ljust(7), f"{name}: {remark}", flush=True)
    print("Everything works." if not failures else f"{failures} of {len(CHECKS)} checks failed.")
    return 1 if failures else 0


def python() -> str:
    """The interpreter is one that the course is made for."""
    if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        raise RuntimeError(f"{platform.python_version()}; needed: 3.11, 3.12 or 3.13")
    return f"{platform.python_version()} ({sys.executable})"


def environment() -> str:
    """.venv is complete and made for the files that are here now."""
    if not inside_venv():
        if VENV.exists() and os.environ.get("COURSE_ENV") != "current":
            raise RuntimeError(".venv is there but does not start: make lab makes it again")
        raise Missing("not in .venv: make lab makes it, unless you use an environment of your own")
    stamp = read_stamp()
    if stamp.get("fingerprint") != fingerprint():
        raise RuntimeError("the list of packages has changed since: make lab brings it up to date")
    return f".venv, installed for a {stamp['level']}"


def packages() -> str:
    """What the course imports is installed, at the versions it was tested with."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    pins = dict(line.split("==") for line in lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in project["dependencies"]}
    absent, other = [], []
    for name, pinned in pins.items():
        try:
            found = version(name).split("+")[0]  # 2.13.0+cpu is 2.13.0
        except PackageNotFoundError:
            if name in needed:
                absent.append(name)
            continue
        if found != pinned:
            other.append(f"{name} {found} instead of {pinned}")
    if absent:
        raise RuntimeError(f"not installed: {', '.join(absent)}; make lab installs them")
    if other:
        raise RuntimeError(f"{', '.join(other)}; make lab installs the tested versions")
    return f"all of the {len(needed)} the course imports, at the tested versions"


def torch() -> str:
    """Torch computes on the CPU (asked in a process of its own: it is big, and it may crash)."""
    program = "import torch; print(torch.__version__, (torch.ones(2, 3) @ torch.ones(3)).tolist())"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    if answer.returncode != 0 or "[3.0, 3.0]" not in answer.stdout:
        *_, reason = (answer.stderr or answer.stdout or f"code {answer.returncode}").splitlines()
        raise RuntimeError(f"does not compute: {reason}")
    return f"{answer.stdout.split()[0]} computes"


def kernel() -> str:
    """Jupyter knows a kernel `python3`, and it is this Python."""
    from jupyter_client.kernelspec import KernelSpecManager

    command = KernelSpecManager().get_kernel_spec("python3").argv
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"python3 starts {command[0]}, which does not exist")
    if Path(command[0]).is_absolute() and Path(command[0]) != Path(sys.executable):
        raise Missing(f"python3 starts another Python: {command[0]}")
    return f"python3 starts {sys.executable}"


def disk() -> str:
    """There is room for results and caches."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < DISK_GB:
        raise RuntimeError(f"{free:.1f} GB free; needed: {DISK_GB:g}")
    return f"{free:.0f} GB free"


def memory() -> str:
    """There is memory for two kernels with torch."""
    import psutil

    free = psutil.virtual_memory().available / 1e9
    if free < MEMORY_GB:
        raise RuntimeError(f"{free:.1f} GB free; needed: {MEMORY_GB:g}. Shut down idle kernels")
    return f"{free:.1f} GB free"


def threads() -> str:
    """How many cores there are, and how many of them a lesson uses."""
    from helpers._threads import wanted

    return f"{os.cpu_count()} cores; lessons use {wanted()} (COURSE_THREADS=N: that many)"


def answers() -> str:
    """Predictions and quiz answers can be written."""
    path = answers_file()
    folder = next(parent for parent in path.parents if parent.exists())
    with tempfile.TemporaryFile(dir=folder):
        return f"can be written to {path}"


def browser() -> str:
    """A browser for the tests that click; a learner's own browser is not asked about."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise Missing("no Chromium; only the browser tests need one (apt-get install chromium)")
    return found


CHECKS: dict[str, Callable[[], str]] = {
    "Python": python,
    "environment": environment,
    "packages": packages,
    "torch": torch,
    "kernel": kernel,
    "disk": disk,
    "memory": memory,
    "threads": threads,
    "answers": answers,
    "browser for tests": browser,
}
