"""The virtual environment of a checkout: made once in .venv, checked by a stamp at every start.

It is what `make lab` and `make test` do first. Not a package manager: pip does the work, the ranges
are in pyproject.toml and the exact versions in constraints.txt. Only the standard library, because
nothing else is there yet.

torch is installed first and by itself: on Linux PyPI's own build brings gigabytes of CUDA, so the
index of CPU builds is asked too. Everything after that finds torch in place and leaves it alone.
"""

import errno
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

from helpers._ground import CPU_INDEX, ROOT, write_whole
from helpers.course.moved import mend_links

VENV = ROOT / ".venv"
NEXT, OLD = ROOT / ".venv-next", ROOT / ".venv-old"  # its successor until that is whole; before it
STAMP = "course-stamp.json"
UNFINISHED = "course-unfinished"  # there while pip runs; found later, it tells of a kill
PYTHONS = ((3, 11), (3, 14))  # from the first, below the second; pyproject.toml says the same
LEARNER, DEVELOPER = "learner", "developer"  # what is installed: the course, or everything
FIND_COURSE = (
    "import sys, pathlib, importlib.util as u; found = u.find_spec('helpers'); "
    "sys.exit(not found or pathlib.Path(found.origin).parents[1] != pathlib.Path(sys.argv[1]))"
)
EXTRAS = {LEARNER: "", DEVELOPER: "[author,test]"}


class SetUpError(Exception):
    """The environment, or a folder, could not be made; the message says what to do."""


def in_checkout() -> bool:
    """Whether this package lies in a checkout of the course, not in somebody's site-packages."""
    return (ROOT / "pyproject.toml").is_file() and (ROOT / "constraints.txt").is_file()


def venv_python(venv: Path | None = None) -> Path:
    """The interpreter of .venv, or of another environment, on this system."""
    return (venv or VENV) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


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

    After a move of the checkout the links in .venv are mended, without a network. An environment
    that is broken, or that an interrupted installation left, is made anew beside the old one, which
    is taken away only when its successor is whole. Two set-ups at once wait for each other. Where
    the checkout cannot be written, an environment that works is used as it is. Raises SetUpError
    with advice when venv or pip fails.
    """
    if _is_ready(level):
        return venv_python()
    if not _writable():
        return _as_it_is()
    with _one_at_a_time():
        if not VENV.exists() and read_stamp(NEXT):
            os.rename(NEXT, VENV)  # it was whole, and the swap was interrupted
        if _has_moved():
            _mend(VENV)
        if _is_ready(level):
            shutil.rmtree(OLD, ignore_errors=True)
            return venv_python()
        if read_stamp().get("level") == DEVELOPER:
            level = DEVELOPER  # never take away what is there
        reason = _why_remake()
        if VENV.exists() and not reason:
            _install(VENV, level)
        else:
            _make(level, reason)
        return venv_python()


def fingerprint(venv: Path | None = None) -> str:
    """What an installation depends on: the two files, the Python and the kind of processor."""
    digest = hashlib.sha256()
    for part in (ROOT / "pyproject.toml", ROOT / "constraints.txt"):
        digest.update(part.read_bytes())
    digest.update(f"{_python_version(venv or VENV)} {platform.machine()}".encode())
    return digest.hexdigest()


def read_stamp(venv: Path | None = None) -> dict[str, str]:
    """What the last complete installation left, or {}: fingerprint, level, and for which paths.

    `root` is the checkout, `venv` the environment: elsewhere by now if somebody has moved them.
    """
    try:
        stamp = json.loads(((venv or VENV) / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _stamp(venv: Path, level: str, made_for: str) -> None:
    new = {"fingerprint": made_for, "level": level, "root": str(ROOT), "venv": str(venv)}
    write_whole(venv / STAMP, json.dumps(new))


def _is_ready(level: str) -> bool:
    """Whether .venv is whole, works, and holds what is wanted now. Nothing is written."""
    stamp = read_stamp()
    return (
        bool(stamp)
        and not _has_moved()
        and stamp.get("level") in (level, DEVELOPER)
        and not _why_remake()
        and stamp.get("fingerprint") == fingerprint()
    )


def _why_remake() -> str:
    """Why an existing .venv cannot be used, or an empty string."""
    if not VENV.exists():
        return ""
    if (VENV / UNFINISHED).exists():
        return "its installation was interrupted"
    if not _works([str(venv_python()), "-c", "import pip"]):
        return "it is broken"
    version = _python_version(VENV)
    if not PYTHONS[0] <= tuple(map(int, version.split(".")[:2])) < PYTHONS[1]:
        return f"it holds Python {version}"
    return ""


def _writable() -> bool:
    """Whether the checkout can be written; tried, since permissions do not tell the whole story."""
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            return True
    except OSError:
        return False


def _as_it_is() -> Path:
    """The interpreter of a .venv that may not be changed, if it works."""
    if read_stamp() and not _has_moved() and not _why_remake():
        _say(f"{ROOT} cannot be written: .venv is used as it is, older than the course.")
        return venv_python()
    raise SetUpError(
        f"{ROOT} cannot be written, so that .venv cannot be made there. Copy the folder to a "
        "place of your own and start there; or, where the packages are installed already: "
        "COURSE_ENV=current python3 -m helpers lab"
    )


# ---------------------------------------------------------------------- a new environment


def _make(level: str, reason: str) -> None:
    """Build an environment beside .venv, and put it in its place when it is whole."""
    if VENV.exists():
        names = {path.name for path in VENV.iterdir()}
        if names and not names & {"pyvenv.cfg", "bin", "Scripts", UNFINISHED}:
            raise SetUpError(f"{VENV} is not a virtual environment: move it away, then try again.")
        if inside_venv():
            raise SetUpError(
                f"{VENV} must be made again ({reason}), and this process runs in it: "
                "leave it (deactivate), then try again."
            )
        _say(f"Making .venv again: {reason}. The old one stays until the new one is whole.")
    if NEXT.exists() and not _can_go_on():
        shutil.rmtree(NEXT)
    if not NEXT.exists():
        _create(NEXT)
    _install(NEXT, level)
    _swap()
    _mend(VENV)
    shutil.rmtree(OLD, ignore_errors=True)


def _can_go_on() -> bool:
    """Whether a successor that an earlier try left can be used: pip failed, and nothing else."""
    return (
        not (NEXT / UNFINISHED).exists()
        and _works([str(venv_python(NEXT)), "-c", "import pip"])
        and _python_version(NEXT) == platform.python_version()
    )


def _swap() -> None:
    try:
        if OLD.exists():
            shutil.rmtree(OLD)
        if VENV.exists():
            os.rename(VENV, OLD)
        os.rename(NEXT, VENV)
    except OSError as error:  # on Windows a program that runs in .venv holds it
        if OLD.exists() and not VENV.exists():
            os.rename(OLD, VENV)
        raise SetUpError(
            f"{VENV} could not be replaced ({error.strerror}): close the programs that use it, "
            "then try again; the new environment is kept."
        ) from None


def _create(venv: Path) -> None:
    if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        raise SetUpError(
            f"this course needs Python 3.11, 3.12 or 3.13; this is {platform.python_version()}. "
            "Name another: make lab PYTHON=python3.12, or python3.12 -m helpers lab"
        )
    _say(f"Setting up in .venv, once: Python {platform.python_version()}, a few minutes.")
    venv.mkdir()
    (venv / UNFINISHED).touch()
    answer = subprocess.run(
        [sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        shutil.rmtree(venv, ignore_errors=True)
        raise SetUpError(
            f"{sys.executable} -m venv failed:\n{(answer.stdout + answer.stderr).strip()}\n"
            "On Debian and Ubuntu this module is a package of its own: "
            "sudo apt-get install python3-venv"
        )


def _install(venv: Path, level: str) -> None:
    """Install torch, then the project editable with its extras, at the pinned versions."""
    unfinished = venv / UNFINISHED
    unfinished.touch()
    started = time.monotonic()
    constraints = ROOT / "constraints.txt"
    torch = torch_pin(constraints.read_text(encoding="utf-8"))
    _pip(venv, "install", "--upgrade", "pip")  # an old pip installs too: no need to stop
    _say(f"Installing {torch} for the CPU (about 200 MB) ...")
    cpu_build = ["install", "--retries", "0", "--extra-index-url", CPU_INDEX, torch]
    if sys.platform != "linux" or _pip(venv, *cpu_build):
        _need(venv, _pip(venv, "install", torch), torch)
    _say("Installing the rest (about 120 packages) ...")
    project = f"{ROOT}{EXTRAS[level]}"
    arguments = ("install", "-c", str(constraints), "-e", project)
    _need(venv, _pip(venv, *arguments), "the packages of the course")
    _stamp(venv, level, fingerprint(venv))
    unfinished.unlink()
    _say(f"Ready after {time.monotonic() - started:.0f} s.")


def _pip(venv: Path, *arguments: str) -> str:
    """Run pip in `venv`; what it complained of, or an empty string when it did its work."""
    command = [str(venv_python(venv)), "-m", "pip", "--quiet", "--disable-pip-version-check"]
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


def _need(venv: Path, complaint: str, what: str) -> None:
    if complaint:
        (venv / UNFINISHED).unlink(
            missing_ok=True
        )  # pip failed in good order: what is there can be kept
        raise SetUpError(
            f"{complaint[-3000:]}\n\npip could not install {what}: see above. Check the network "
            "and try again; what has been downloaded is kept."
        )


# ---------------------------------------------------------------------- a moved environment


def _has_moved() -> bool:
    """Whether the links in .venv are for another place than the one where it lies."""
    stamp = read_stamp()
    root = stamp.get("root", str(ROOT))
    here = (str(ROOT), str(VENV))
    return VENV.exists() and (root, stamp.get("venv", str(Path(root, VENV.name)))) != here


def _mend(venv: Path) -> None:
    """Make the links in `venv` right for where it lies; without its stamp pip is to do it."""
    stamp = read_stamp(venv)
    root = stamp.get("root", str(ROOT))
    old = stamp.get("venv", str(Path(root, VENV.name)))
    if root != str(ROOT):
        _say("The course has been moved: mending the links in .venv.")
    mend_links(venv, venv_python(venv), {old: str(venv), root: str(ROOT)})
    if _works([str(venv_python(venv)), "-I", "-c", FIND_COURSE, str(ROOT)]):
        _stamp(venv, stamp["level"], stamp["fingerprint"])
    else:
        (venv / STAMP).unlink(missing_ok=True)


# ---------------------------------------------------------------------- details


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock of this checkout; the system frees it when the process ends, however it ends.

    It is a lock on the folder itself, so that no file is left that would belong to one user
    (Windows locks no folders: there it is a file in it). A file system without locks has none.
    """
    file = _lockable()
    try:
        try:
            if not _lock(file, wait=False):
                _say("Another set-up of this checkout is running: waiting for it.")
                _lock(file, wait=True)
        except OSError:
            _say("This file system has no locks: start no second set-up meanwhile.")
        yield
    finally:
        os.close(file)


def _lockable() -> int:
    if sys.platform == "win32":
        return os.open(ROOT / ".venv.lock", os.O_RDWR | os.O_CREAT)
    return os.open(ROOT, os.O_RDONLY)


def _lock(file: int, *, wait: bool) -> bool:
    """Lock an open file; False where somebody else holds it. OSError where there are no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if not wait and error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True


def _python_version(venv: Path) -> str:
    """Version of the Python in `venv`, as pyvenv.cfg tells: no process is started."""
    text = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
    found = re.search(r"(?m)^version(?:_info)? *= *(\d+\.\d+\.\d+)", text)
    return found.group(1) if found else "0.0.0"


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _say(message: str) -> None:
    print(f"[course] {message}", file=sys.stderr, flush=True)
