"""`course doctor`: what works on this machine, a line each: OK, or what to do.

Each check is a function that returns a remark, or raises Broken with the reason and what to do. It
looks and does not mend; what only tests need is a note and not a failure. Learners run it on the
day before a class, so that a line that does not say OK can be followed, or sent to somebody.
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
from typing import Any

from helpers._ground import ROOT, answers_file, home
from helpers.course.bootstrap import PYTHONS, VENV, fingerprint, inside_venv, read_stamp

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DISK_GB, MEMORY_GB = 2.0, 1.0  # a second environment's worth; two notebooks with torch
KERNEL_SECONDS = 120  # to start one and import the course, on a slow and busy machine
ASK = "send this line to whoever teaches you, or file it as an issue of the course"
AGAIN = "make lab, or without make python3 -m helpers lab (Windows: py -m helpers lab)"


class Broken(Exception):  # noqa: N818 - it is a finding
    """What does not work, and what whoever reads it should do."""

    def __init__(self, reason: str, do: str) -> None:
        super().__init__(f"{reason}. Do this: {do}")


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
            known = reason if isinstance(reason, Broken) else Broken(_words(reason), ASK)
            status, remark = "FAIL", str(known)
            failures += 1
        print(f"[{status}]".ljust(7), f"{name}: {remark}", flush=True)
    verdict = f"{failures} of {len(CHECKS)} checks failed: do what they say, then run this again."
    print(verdict if failures else "Everything works.")
    return 1 if failures else 0


def _words(error: Exception) -> str:
    """An error that no check expected, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".: ")


def python() -> str:
    """The interpreter is one that the course is made for."""
    if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        raise Broken(
            f"{platform.python_version()}, and 3.11, 3.12 or 3.13 is needed",
            "install one of these and name it: make lab PYTHON=python3.12",
        )
    return f"{platform.python_version()} ({sys.executable})"


def environment() -> str:
    """.venv is complete and made for the files that are here now."""
    if not inside_venv():
        if VENV.exists() and os.environ.get("COURSE_ENV") != "current":
            raise Broken(".venv is there and does not start", f"{AGAIN}; it makes it again")
        raise Missing("not in .venv: make lab makes it, unless you use an environment of your own")
    stamp = read_stamp()
    if stamp.get("fingerprint") != fingerprint():
        raise Broken("the list of packages has changed since", f"{AGAIN}; it installs the new ones")
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
        raise Broken(f"not installed: {', '.join(absent)}", f"{AGAIN}; it installs them")
    if other:
        raise Broken(", ".join(other), f"{AGAIN}; it installs the tested versions")
    return f"all of the {len(needed)} the course imports, at the tested versions"


def torch() -> str:
    """Torch computes on the CPU (asked in a process of its own: it is big, and it may crash)."""
    program = "import torch; print(torch.__version__, (torch.ones(2, 3) @ torch.ones(3)).tolist())"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    if answer.returncode != 0 or "[3.0, 3.0]" not in answer.stdout:
        *_, reason = (answer.stderr or answer.stdout or f"code {answer.returncode}").splitlines()
        raise Broken(f"does not compute: {reason}", f"delete the folder .venv, then {AGAIN}")
    return f"{answer.stdout.split()[0]} computes"


def kernel() -> str:
    """Jupyter's kernel `python3` is this Python, starts, answers, and finds the course."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    mend = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv
    except NoSuchKernel:
        raise Broken("Jupyter knows no kernel python3", mend) from None
    if shutil.which(command[0]) is None:
        raise Broken(f"python3 starts {command[0]}, which does not exist", mend)
    if Path(command[0]).is_absolute() and Path(command[0]) != Path(sys.executable):
        raise Missing(f"python3 starts another Python: {command[0]}")
    said = _asked_of_a_kernel("import helpers; print(helpers.__name__)")
    if said != "helpers":
        raise Broken(
            f"a kernel starts and does not answer ({said or 'no answer'})",
            "allow connections to 127.0.0.1 in the firewall or virus scanner, then run this again",
        )
    return f"python3 starts {sys.executable}, and answers"


def _asked_of_a_kernel(code: str) -> str:
    """What `code` prints in a new kernel, or what went wrong."""
    from jupyter_client.manager import start_new_kernel

    printed: list[str] = []

    def listen(message: dict[str, Any]) -> None:
        content = message["content"]
        printed.append(str(content.get("text") or content.get("evalue") or ""))

    manager, client = start_new_kernel(
        startup_timeout=KERNEL_SECONDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        client.execute_interactive(code, timeout=KERNEL_SECONDS, output_hook=listen)
    except TimeoutError as error:
        return str(error)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(printed).strip()


def disk() -> str:
    """There is room for results and caches."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < DISK_GB:
        raise Broken(
            f"{free:.1f} GB free, and {DISK_GB:g} are needed",
            f"make room on this disk, or move {ROOT.name} to a larger one",
        )
    return f"{free:.0f} GB free"


def memory() -> str:
    """There is memory for two kernels with torch."""
    import psutil

    free = psutil.virtual_memory().available / 1e9
    if free < MEMORY_GB:
        raise Broken(
            f"{free:.1f} GB free, and {MEMORY_GB:g} is needed",
            "close other programs, and in JupyterLab shut down idle kernels",
        )
    return f"{free:.1f} GB free"


def threads() -> str:
    """How many cores there are, and how many of them a lesson uses."""
    from helpers._threads import wanted

    return f"{os.cpu_count()} cores; lessons use {wanted()} (COURSE_THREADS=N: that many)"


def answers() -> str:
    """Predictions and quiz answers can be written."""
    path = answers_file()
    folder = next(parent for parent in path.parents if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            return f"can be written to {path}"
    except OSError as error:
        raise Broken(
            f"cannot be written to {path} ({error.strerror})",
            "set COURSE_HOME to a folder of your own",
        ) from None


def lessons() -> str:
    """The learner's copies of the lessons are there."""
    own = home() / "my"
    there = sorted(path.name for path in own.glob("[0-9][0-9]-*.ipynb"))
    wanted = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb"))
    if lost := [name for name in wanted if name not in there]:
        raise Missing(
            f"{len(lost)} of {len(wanted)} have no copy in {own} yet; make lab makes them"
        )
    return f"{len(wanted)} copies in {own}"


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
    "lessons": lessons,
    "browser for tests": browser,
}
