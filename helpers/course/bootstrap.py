"""The virtual environment of a checkout: made once in .venv, checked by a stamp at every start.

It is what `make lab` and `make test` do first. Not a package manager: pip does the work, the ranges
are in pyproject.toml and the exact versions in constraints.txt. Only the standard library, because
nothing else is there yet.

torch is installed first and by itself: on Linux PyPI's own build brings gigabytes of CUDA, so the
index of CPU builds is asked too. Everything after that finds torch in place and leaves it alone.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers._ground import CPU_INDEX, ROOT

VENV = ROOT / ".venv"
STAMP = VENV / "course-stamp.json"
UNFINISHED = VENV / "course-unfinished"  # there while pip runs; found later, it tells of a kill
PYTHONS = ((3, 11), (3, 14))  # from the first, below the second; pyproject.toml says the same
LEARNER, DEVELOPER = "learner", "developer"  # what is installed: the course, or everything
EXTRAS = {LEARNER: "", DEVELOPER: "[author,test]"}


class SetUpError(Exception):
    """The environment could not be made; the message says what to do."""


def in_checkout() -> bool:
    """Whether this package lies in a checkout of the course, not in somebody's site-packages."""
    return (ROOT / "pyproject.toml").is_file() and (ROOT / "constraints.txt").is_file()


def venv_python() -> Path:
    """The interpreter of .venv, on this system."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def inside_venv() -> bool:
    """Whether this very process runs in .venv."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def torch_pin(constraints: str) -> str:
    """The line `torch==...` of a constraints file, given as text."""
    pins = re.findall(r"(?m)^torch==\S+$", constraints)
    if len(pins) != 1:
        raise SetUpError(f"constraints.txt must hold one line torch==VERSION, found {pins}")
    return str(pins[0])


def ensure(level: str) -> Path:
    """Make .venv hold what `level` needs, and return its interpreter; quick when it already does.

    A broken environment, one left by an interrupted installation, and one of a checkout that has
    been moved are made again. Two set-ups at once wait for each other. Raises SetUpError with
    advice when venv or pip fails.
    """
    with _one_at_a_time():
        reason = _why_remake()
        if reason:
            _remove(reason)
        if not VENV.exists():
            _create()
        stamp = read_stamp()
        wanted = fingerprint()
        if stamp.get("fingerprint") == wanted and stamp.get("level") in (level, DEVELOPER):
            return venv_python()
        if stamp.get("level") == DEVELOPER:
            level = DEVELOPER  # never take away what is there
        _install(level)
        new = {"fingerprint": wanted, "level": level, "root": str(ROOT)}
        STAMP.write_text(json.dumps(new), encoding="utf-8")
        return venv_python()


def fingerprint() -> str:
    """What an installation depends on: the two files, the Python, and where the checkout lies."""
    digest = hashlib.sha256()
    for part in (ROOT / "pyproject.toml", ROOT / "constraints.txt"):
        digest.update(part.read_bytes())
    digest.update(f"{_python_version()} {platform.machine()} {ROOT}".encode())
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    """What the last complete installation left: fingerprint, level and root; {} without one."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _why_remake() -> str:
    """Why an existing .venv cannot be used, or an empty string."""
    if not VENV.exists():
        return ""
    if UNFINISHED.exists():
        return "its installation was interrupted"
    if read_stamp().get("root", str(ROOT)) != str(ROOT):
        return "the course has been moved to another folder"
    if not _works([str(venv_python()), "-c", "import pip"]):
        return "it is broken"
    version = _python_version()
    if not PYTHONS[0] <= tuple(map(int, version.split(".")[:2])) < PYTHONS[1]:
        return f"it holds Python {version}"
    return ""


def _remove(reason: str) -> None:
    names = {path.name for path in VENV.iterdir()}
    if names and not names & {"pyvenv.cfg", "bin", "Scripts", UNFINISHED.name}:
        raise SetUpError(f"{VENV} is not a virtual environment: move it away, then try again.")
    if inside_venv():
        raise SetUpError(
            f"{VENV} must be made again ({reason}), and this process runs in it: "
            "leave it (deactivate), then try again."
        )
    _say(f"Making .venv again: {reason}.")
    shutil.rmtree(VENV)


def _create() -> None:
    if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        raise SetUpError(
            f"this course needs Python 3.11, 3.12 or 3.13; this is {platform.python_version()}. "
            "Name another: make lab PYTHON=python3.12, or python3.12 -m helpers lab"
        )
    _say(f"Setting up in .venv, once: Python {platform.python_version()}, a few minutes.")
    VENV.mkdir()
    UNFINISHED.touch()
    answer = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetUpError(
            f"{sys.executable} -m venv failed:\n{(answer.stdout + answer.stderr).strip()}\n"
            "On Debian and Ubuntu this module is a package of its own: "
            "sudo apt-get install python3-venv"
        )


def _install(level: str) -> None:
    """Install torch, then the project editable with its extras, at the pinned versions."""
    UNFINISHED.touch()
    started = time.monotonic()
    constraints = ROOT / "constraints.txt"
    torch = torch_pin(constraints.read_text(encoding="utf-8"))
    _pip("install", "--upgrade", "pip")  # an old pip installs too: no need to stop
    _say(f"Installing {torch} for the CPU (about 200 MB) ...")
    cpu_build = ["install", "--retries", "0", "--extra-index-url", CPU_INDEX, torch]
    if sys.platform != "linux" or _pip(*cpu_build):
        _need(_pip("install", torch), torch)
    _say("Installing the rest (about 120 packages) ...")
    project = f"{ROOT}{EXTRAS[level]}"
    _need(_pip("install", "-c", str(constraints), "-e", project), "the packages of the course")
    UNFINISHED.unlink()
    _say(f"Ready after {time.monotonic() - started:.0f} s.")


def _pip(*arguments: str) -> str:
    """Run pip in .venv; what it complained of, or an empty string when it did its work."""
    command = [str(venv_python()), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    answer = subprocess.run(
        [*command, *arguments],
        env={**os.environ, "PIP_USER": "0"},  # a personal `user = true` fails in an environment
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode == 0:
        return ""  # warnings of an index that was not reached are of no use to the reader
    return (answer.stdout + answer.stderr).strip() or f"exit code {answer.returncode}"


def _need(complaint: str, what: str) -> None:
    if complaint:
        UNFINISHED.unlink(missing_ok=True)  # pip failed in good order: what is there can be kept
        raise SetUpError(
            f"{complaint[-3000:]}\n\npip could not install {what}: see above. Check the network "
            "and try again; what has been downloaded is kept."
        )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock of this checkout; the system frees it when the process ends, however it ends."""
    name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    with open(Path(tempfile.gettempdir()) / f"closing-the-loop-{name}.lock", "a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _python_version() -> str:
    """Version of the Python in .venv, as pyvenv.cfg tells: no process is started."""
    text = (VENV / "pyvenv.cfg").read_text(encoding="utf-8")
    found = re.search(r"(?m)^version(?:_info)? *= *(\d+\.\d+\.\d+)", text)
    return found.group(1) if found else "0.0.0"


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _say(message: str) -> None:
    print(f"[course] {message}", file=sys.stderr, flush=True)
