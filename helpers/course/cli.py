"""The command `course`: one small function a subcommand. Standard library only at the top level.

What a subcommand does is elsewhere: the environment in helpers.course.bootstrap, the learner's
copies in helpers.course.desk, building in helpers.authoring, recorded experiments in
helpers.studies.
"""

import importlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from helpers._ground import ROOT, chosen_home, home
from helpers.course import bootstrap, desk
from helpers.course.bootstrap import DEVELOPER, LEARNER

NOTEBOOKS = ROOT / "notebooks"
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
LEFTOVERS = (
    *("build", "dist", ".artefacts", ".mypy_cache", ".ruff_cache", ".pytest_cache"),
    *(".hypothesis", "*.egg-info", ".virtual_documents"),
)


def lab(arguments: list[str]) -> int:
    """open JupyterLab on your own copies in my/ (its options pass through: --no-browser)"""
    copies([])
    own = home()
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={own}"]
    page = desk.first_page(own / "my")
    if page:
        command.append(f"--LabApp.default_url=/lab/tree/my/{page}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container one is root, and Jupyter would refuse
    return _become([*command, *arguments], lab_environment(os.environ))


def lab_environment(inherited: "os._Environ[str] | dict[str, str]") -> dict[str, str]:
    """The environment JupyterLab runs in: our settings, one thread a kernel, our Python first."""
    environment = {**dict.fromkeys(ONE_THREAD, "1"), **inherited}
    settings = str(ROOT / "binder" / "jupyter")
    for name, first in (
        ("JUPYTER_CONFIG_PATH", settings),
        ("PATH", str(Path(sys.executable).parent)),
    ):
        rest = environment.get(name)
        environment[name] = f"{first}{os.pathsep}{rest}" if rest else first
    return environment


def test(arguments: list[str]) -> int:
    """run every check; with paths or after --, only pytest on these: test tests/test_loop.py -x"""
    python = [sys.executable, "-m"]
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "COURSE_ENV": "current"}
    chosen = arguments[1:] if arguments[:1] == ["--"] else arguments
    failed = []
    if not chosen:
        stages = {
            "lint": [*python, "ruff", "check", "."],
            "format": [*python, "ruff", "format", "--check", "."],
            "types": [*python, "mypy"],
            "build": [*python, "helpers", "build", "--check"],
        }
        failed = [
            name for name, command in stages.items() if not _stage(name, command, environment)
        ]
        print(f"\nbefore pytest: {'failed: ' + ', '.join(failed) if failed else 'all well'}")
    # pytest comes last, so that its closing line is the last thing on the screen. The whole suite
    # runs on two workers, a file on one of them: cells of a notebook belong together.
    how = chosen or ["-n", "2", "--dist", "loadfile"]
    passed = _stage("pytest", [*python, "pytest", *how], environment, say_time=False)
    return 0 if passed and not failed else 1


def copies(arguments: list[str]) -> int:
    """make your own copies of the lessons in my/; nothing of yours is overwritten"""
    _no_more(arguments)
    own = home()
    if own != ROOT and not chosen_home():
        said = f"{ROOT} is not yours to write: your copies are in {own} (COURSE_HOME=FOLDER: there)"
        print(f"[course] {said}", file=sys.stderr)
    for line in desk.refresh(NOTEBOOKS, own / "my"):
        print(f"[course] {line}", file=sys.stderr)
    return 0


def reset(arguments: list[str]) -> int:
    """put a fresh copy of a lesson beside yours: reset 02"""
    if len(arguments) != 1:
        raise ValueError("reset takes one lesson, for example: course reset 02")
    own = home()
    print(f"A fresh copy: {desk.reset(NOTEBOOKS, own / 'my', arguments[0]).relative_to(own)}")
    return 0


def clean(arguments: list[str]) -> int:
    """remove caches and build leftovers; never .venv, my/, your progress or recorded trials"""
    _no_more(arguments)
    keep = {ROOT / name for name in (".venv", ".venv-next", "my", ".progress", ".studies", ".git")}
    for pattern in LEFTOVERS:
        for path in ROOT.glob(pattern):
            shutil.rmtree(path)
    for top in ROOT.iterdir():
        if top.is_dir() and top not in keep:
            for name in ("__pycache__", ".ipynb_checkpoints"):
                for path in [top] if top.name == name else list(top.rglob(name)):
                    shutil.rmtree(path)
    return 0


def study(arguments: list[str]) -> int:
    """the recorded experiments: study list | run NAME (or all) | verify NAME"""
    studies = importlib.import_module("helpers.studies")
    if arguments[:2] == ["run", "all"]:
        return max(studies.main(["run", name, *arguments[2:]]) for name in studies.names())
    return int(studies.main(arguments))


def _module(name: str, summary: str) -> Callable[[list[str]], int]:
    """A subcommand that lives in `name`.main: imported when it is called and not before."""

    def command(arguments: list[str]) -> int:
        return int(importlib.import_module(name).main(arguments))

    command.__doc__ = summary
    return command


AS_IT_IS = "as it is"


class Command(NamedTuple):
    """A subcommand, and what must be in .venv first: the course, everything, what is there."""

    run: Callable[[list[str]], int]
    needs: str | None  # LEARNER, DEVELOPER, AS_IT_IS (made by nobody), or None: no .venv at all


COMMANDS = {
    "lab": Command(lab, LEARNER),
    "test": Command(test, DEVELOPER),
    "doctor": Command(
        _module("helpers.course.doctor", "what works here, and what does not"), AS_IT_IS
    ),
    "copies": Command(copies, None),
    "reset": Command(reset, None),
    "build": Command(
        _module("helpers.authoring.build", "lessons to notebooks; --check: are they up to date?"),
        DEVELOPER,
    ),
    "budget": Command(
        _module("helpers.authoring.budget", "time and memory of each lesson; --record keeps them"),
        DEVELOPER,
    ),
    "pins": Command(
        _module(
            "helpers.authoring.pins", "exact versions into constraints.txt and binder/; --check"
        ),
        DEVELOPER,
    ),
    "study": Command(study, LEARNER),
    "clean": Command(clean, None),
}


def usage() -> str:
    """The text of `course --help`."""
    lines = [f"  {name:<8}{(entry.run.__doc__ or '').strip()}" for name, entry in COMMANDS.items()]
    return "\n".join(["usage: course COMMAND ...    or: python -m helpers COMMAND ...", "", *lines])


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand, in .venv, which is made first if need be; returns the exit code.

    In an installed copy without a checkout, or with COURSE_ENV=current, it runs where it is.
    """
    name, *arguments = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help", "help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        print(f"course: no such command: {name}\n\n{usage()}", file=sys.stderr)
        return 2
    command = COMMANDS[name]
    own_environment = bootstrap.in_checkout() and os.environ.get("COURSE_ENV") != "current"
    try:
        if command.needs and own_environment:
            looking = command.needs == AS_IT_IS
            python = bootstrap.venv_python() if looking else bootstrap.ensure(command.needs)
            if python.exists() and not bootstrap.inside_venv():
                return _become([str(python), "-m", "helpers", name, *arguments], dict(os.environ))
        return command.run(arguments)
    except (bootstrap.SetUpError, ValueError) as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _become(command: list[str], environment: dict[str, str]) -> int:
    """Go on as `command`. Windows cannot replace a process: there it is waited for."""
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], command, environment)
    with subprocess.Popen(command, env=environment) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                pass  # it got the same signal, and decides


def _stage(
    name: str, command: list[str], environment: dict[str, str], say_time: bool = True
) -> bool:
    print(f"\n== {name}: {' '.join(command[2:])}", flush=True)
    started = time.monotonic()
    passed = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    if say_time:
        verdict = "passed" if passed else "FAILED"
        print(f"== {name} {verdict} in {time.monotonic() - started:.1f} s", flush=True)
    return passed


def _no_more(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"unexpected: {' '.join(arguments)}")
