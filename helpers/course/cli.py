"""The command `course`: one small function a subcommand. Standard library only at the top level.

What a subcommand does is elsewhere: the environment in helpers.course.bootstrap, the learner's
copies in helpers.course.desk, building in helpers.authoring, recorded experiments in
helpers.studies.
"""

import argparse
import importlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from helpers._ground import ROOT, chosen_home, home
from helpers.course import bootstrap, desk
from helpers.course.bootstrap import DEVELOPER, LEARNER

NOTEBOOKS = ROOT / "notebooks"
READER_GONE = 141  # what a shell says of a program whose reader went away: 128 and SIGPIPE
LEFTOVERS = (
    *("build", "dist", ".artefacts", ".mypy_cache", ".ruff_cache", ".pytest_cache"),
    *(".hypothesis", "*.egg-info", ".virtual_documents"),
)


def lab(arguments: list[str]) -> int:
    """Open JupyterLab; `arguments` are its own, such as --no-browser."""
    copies([])
    own = home()
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={own}"]
    page = desk.first_page(own / "my")
    if page:
        command.append(f"--LabApp.default_url=/lab/tree/my/{page}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container one is root, and Jupyter would refuse
    said = "your browser opens; if it does not, open an address below. Ctrl+C, then y, stops it"
    print(f"[course] JupyterLab starts: {said}.", file=sys.stderr)
    return _become([*command, *arguments], lab_environment(os.environ))


def lab_environment(inherited: "os._Environ[str] | dict[str, str]") -> dict[str, str]:
    """The environment JupyterLab runs in: our settings and our Python first."""
    environment = dict(inherited)
    settings = str(ROOT / "binder" / "jupyter")
    for name, first in (
        ("JUPYTER_CONFIG_PATH", settings),
        ("PATH", str(Path(sys.executable).parent)),
    ):
        rest = environment.get(name)
        environment[name] = f"{first}{os.pathsep}{rest}" if rest else first
    return environment


def test(arguments: list[str]) -> int:
    """Run every check; with `arguments`, those of pytest, only the tests that they choose."""
    python = [sys.executable, "-m"]
    environment = {**os.environ, "COURSE_THREADS": "1", "COURSE_ENV": "current"}
    chosen = arguments[1:] if arguments[:1] == ["--"] else arguments
    failed = []
    if not chosen:
        stages = {
            "lint": [*python, "ruff", "check", "."],
            "format": [*python, "ruff", "format", "--check", "."],
            "types": [*python, "mypy", "--num-workers", "2"],
            "build": [*python, "helpers", "build", "--check"],
        }
        with ThreadPoolExecutor(max_workers=2) as both:
            for name, passed in zip(
                stages, both.map(lambda n: _check(n, stages[n], environment), stages), strict=True
            ):
                failed += [] if passed else [name]
        print(f"\nbefore pytest: {'failed: ' + ', '.join(failed) if failed else 'all well'}")
    # pytest comes last, so that its closing line is the last thing on the screen. The whole suite
    # runs on two workers, a file on one of them: cells of a notebook belong together.
    how = chosen or ["-n", "2", "--dist", "loadfile"]
    print(f"\n== pytest: {' '.join(['pytest', *how])}", flush=True)
    command = [*python, "pytest", *how]
    passed = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    return 0 if passed and not failed else 1


def copies(arguments: list[str]) -> int:
    """Make the learner's own copies of the lessons."""
    own = home()
    if own != ROOT and not chosen_home():
        said = f"{ROOT} is not yours to write: your copies are in {own} (COURSE_HOME=FOLDER: there)"
        print(f"[course] {said}", file=sys.stderr)
    for line in desk.refresh(NOTEBOOKS, own / "my"):
        print(f"[course] {line}", file=sys.stderr)
    return 0


def reset(arguments: list[str]) -> int:
    """Put a fresh copy of the lesson in `arguments` beside the learner's."""
    own = home()
    print(f"A fresh copy: {desk.reset(NOTEBOOKS, own / 'my', arguments[0]).relative_to(own)}")
    print(desk.KEPT)
    return 0


def clean(arguments: list[str]) -> int:
    """Remove caches and build leftovers."""
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


def build(arguments: list[str]) -> int:
    """Lessons to notebooks; with --workshop FOLDER, notebooks to what a class gets."""
    workshop = any(one.split("=")[0] == "--workshop" for one in arguments)
    name = "helpers.course.workshop" if workshop else "helpers.authoring.build"
    return int(importlib.import_module(name).main(arguments))


def study(arguments: list[str]) -> int:
    """The recorded experiments; `run all` is run NAME for every one."""
    studies = importlib.import_module("helpers.studies")
    if arguments[:2] == ["run", "all"]:
        return max(studies.main(["run", name, *arguments[2:]]) for name in studies.names())
    return int(studies.main(arguments))


def scorecard(arguments: list[str]) -> int:
    """Print the scorecard; with --page its page and README's table are written, too."""
    asked = [one for one in arguments if one != "--page"]
    code = int(importlib.import_module("helpers.studies.scorecard.printed").main(asked))
    if code or asked == arguments:
        return code
    return int(importlib.import_module("helpers.authoring.build").main(["scorecard"]))


def _module(name: str) -> Callable[[list[str]], int]:
    """A subcommand that lives in `name`.main: imported when it is called and not before."""
    return lambda arguments: int(importlib.import_module(name).main(arguments))


AS_IT_IS = "as it is"


class Command(NamedTuple):
    """A subcommand, what it is for, and what must be in .venv first.

    needs: LEARNER (the course), DEVELOPER (everything), AS_IT_IS (what is there; nobody makes it)
    or None (no .venv at all). takes: what is typed behind it and is not for this module to read;
    with "its own options" it prints its own help, too.
    """

    run: Callable[[list[str]], int]
    needs: str | None
    summary: str
    takes: str = ""


OWN = "its own options"
COMMANDS = {
    "lab": Command(
        lab, LEARNER, "open JupyterLab on your own copies in my/", "options of JupyterLab"
    ),
    "test": Command(
        test, DEVELOPER, "run every check; with paths, only pytest on these", "options of pytest"
    ),
    "doctor": Command(
        _module("helpers.course.doctor"), AS_IT_IS, "what works here, and what does not"
    ),
    "copies": Command(
        copies, None, "make your own copies of the lessons in my/; nothing of yours is overwritten"
    ),
    "reset": Command(reset, None, "put a fresh copy of a lesson beside yours: reset 02"),
    "build": Command(
        build,
        DEVELOPER,
        "lessons to notebooks; --check: are they up to date? --workshop FOLDER: for a class",
        OWN,
    ),
    "book": Command(
        _module("helpers.book.build"),
        DEVELOPER,
        "the course as web pages, in build/book, to be read without a kernel",
        OWN,
    ),
    "new": Command(
        _module("helpers.authoring.new"),
        DEVELOPER,
        "the files of a new lesson, to be overwritten: new 03 losing-the-tails",
        OWN,
    ),
    "budget": Command(
        _module("helpers.authoring.budget"),
        DEVELOPER,
        "time and memory of each lesson; --record keeps them",
        OWN,
    ),
    "runsheet": Command(
        _module("helpers.authoring.runsheet"),
        LEARNER,
        "a sheet for a class with the times of its day: runsheet --plan 90min --start 09:30",
        OWN,
    ),
    "pins": Command(
        _module("helpers.authoring.pins"),
        DEVELOPER,
        "exact versions into constraints.txt and binder/; --check",
        OWN,
    ),
    "study": Command(
        study, LEARNER, "the recorded experiments: list | run NAME (or all) | verify NAME", OWN
    ),
    "scorecard": Command(
        scorecard,
        LEARNER,
        "a verdict for every claim; ID: its rule, part by part; --page: write its page",
        OWN,
    ),
    "badge": Command(
        _module("helpers.course.badge"),
        None,
        "where the course is published, into README and CITATION: badge OWNER/REPO TAG",
        OWN,
    ),
    "take-home": Command(
        _module("helpers.teaching.takehome"),
        LEARNER,
        "what you have at the end of the course, in one HTML file; nothing is sent",
        OWN,
    ),
    "clean": Command(
        clean,
        None,
        "remove caches and build leftovers; never .venv, my/, your progress or recorded trials",
    ),
}


def version() -> str:
    """The version of the course, as pyproject.toml says; installed without one, as pip noted."""
    if bootstrap.in_checkout():  # an editable installation may still know the version before
        said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        return str(said["project"]["version"])
    return importlib.metadata.version("closing-the-loop")


class _SayVersion(argparse.Action):
    """The version is looked up when it is asked for: no other command needs the file."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"course {version()}")
        parser.exit()


def command_line() -> argparse.ArgumentParser:
    """What may be typed. Options that belong to another program are left over by it."""
    parser = argparse.ArgumentParser(
        "course",
        description="The course as a program.",
        epilog="Where there is no `course` yet: python -m helpers COMMAND ...",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_SayVersion, nargs=0, help="say the version and go")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", required=True
    )
    for name, entry in COMMANDS.items():
        described = commands.add_parser(
            name,
            help=entry.summary,
            description=entry.summary,
            usage=f"course {name} [{entry.takes} ...]" if entry.takes else None,
            add_help=entry.takes != OWN,
            allow_abbrev=False,
        )
        if name == "reset":
            described.add_argument("lesson", help='its number or name, such as "02"')
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand, in .venv, which is made first if need be; returns the exit code.

    In an installed copy without a checkout, or with COURSE_ENV=current, it runs where it is.
    """
    try:
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:
            sys.stdout.flush()  # now, and not at exit, where nobody could catch what follows
    except BrokenPipeError:  # `course ... | head` has seen enough: what is left goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except (bootstrap.SetUpError, ValueError) as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(argv: list[str]) -> int:
    parser = command_line()
    try:
        typed, others = parser.parse_known_args(["--help"] if argv in ([], ["help"]) else argv)
        command = COMMANDS[typed.command]
        if others and not command.takes:
            parser.error(f"{typed.command}: unexpected: {' '.join(others)}")
    except SystemExit as stop:  # the help was asked for, or needed
        return int(stop.code or 0)
    own_environment = bootstrap.in_checkout() and os.environ.get("COURSE_ENV") != "current"
    if command.needs and own_environment:
        looking = command.needs == AS_IT_IS
        python = bootstrap.venv_python() if looking else bootstrap.ensure(command.needs)
        if python.exists() and not bootstrap.inside_venv():
            return _become([str(python), "-m", "helpers", *argv], dict(os.environ))
    return command.run([typed.lesson] if typed.command == "reset" else others)


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


def _check(name: str, command: list[str], environment: dict[str, str]) -> bool:
    """Run one check beside others; what it says is printed whole when it has ended."""
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        errors="backslashreplace",
    )  # fmt: skip
    passed = done.returncode == 0
    verdict = f"{'passed' if passed else 'FAILED'} in {time.monotonic() - started:.1f} s"
    print(f"\n== {name}: {' '.join(command[2:])}\n{done.stdout}== {name} {verdict}", flush=True)
    return passed
