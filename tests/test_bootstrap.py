"""Setting up: when .venv is made, made again or left alone. pip and venv are stood in for."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.course import bootstrap, cli
from helpers.course.bootstrap import DEVELOPER, LEARNER, SetUpError

ROOT = Path(__file__).resolve().parent.parent
RUN = subprocess.run


class Machine:
    """A checkout in a temporary folder, whose pip only writes down what it was asked for."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.venv = root, root / ".venv"
        self.asked: list[tuple[str, ...]] = []
        self.complaints: dict[str, str] = {}
        (root / "pyproject.toml").write_text("[project]\n")
        (root / "constraints.txt").write_text("numpy==2.0.0\ntorch==2.13.0\n")
        names = {"STAMP": "course-stamp.json", "UNFINISHED": "course-unfinished"}
        monkeypatch.setattr(bootstrap, "ROOT", root)
        monkeypatch.setattr(bootstrap, "VENV", self.venv)
        for name, file in names.items():
            monkeypatch.setattr(bootstrap, name, self.venv / file)
        monkeypatch.setattr(bootstrap, "_pip", self.pip)
        # A real venv without pip takes a tenth of a second, with pip ten.
        monkeypatch.setattr(bootstrap.subprocess, "run", self.run)
        monkeypatch.setattr(bootstrap, "_works", lambda command: Path(command[0]).exists())

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return RUN([*command, "--without-pip"] if "venv" in command else command, **options)

    def pip(self, *arguments: str) -> str:
        assert bootstrap.UNFINISHED.exists(), "an interruption now must be noticed"
        self.asked.append(arguments)
        joined = " ".join(arguments)
        return next((text for key, text in self.complaints.items() if key in joined), "")

    def ensure(self, level: str = LEARNER) -> int:
        """How often pip was called."""
        self.asked.clear()
        assert bootstrap.ensure(level) == bootstrap.venv_python()
        assert not bootstrap.UNFINISHED.exists()
        return len(self.asked)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    machine.ensure()
    return machine


def test_first_start_installs_torch_alone_then_the_rest(machine: Machine) -> None:
    machine.ensure()
    upgrade, torch, rest = machine.asked
    assert upgrade == ("install", "--upgrade", "pip")
    assert torch[-1] == "torch==2.13.0"
    if sys.platform == "linux":
        assert bootstrap.CPU_INDEX in torch
    assert rest[:2] == ("install", "-c")
    assert rest[-2:] == ("-e", str(machine.root))


def test_tests_get_the_extras(machine: Machine) -> None:
    machine.ensure(DEVELOPER)
    assert machine.asked[-1][-1] == f"{machine.root}[author,test]"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux asks the index of CPU builds")
def test_without_the_cpu_index_torch_comes_from_the_usual_one(machine: Machine) -> None:
    machine.complaints = {bootstrap.CPU_INDEX: "cannot be reached"}
    machine.ensure()
    assert machine.asked[2] == ("install", "torch==2.13.0")


def test_second_start_installs_nothing(ready: Machine) -> None:
    assert ready.ensure() == 0


def test_a_developer_is_a_learner_too(ready: Machine) -> None:
    assert ready.ensure(DEVELOPER) > 0
    assert ready.ensure(LEARNER) == 0
    assert ready.ensure(DEVELOPER) == 0
    (ready.root / "constraints.txt").write_text("torch==2.13.0\n")
    ready.ensure(LEARNER)
    assert ready.asked[-1][-1].endswith("[author,test]"), "what is there is not taken away"


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_a_changed_file_installs_again(ready: Machine, file: str) -> None:
    (ready.root / file).write_text((ready.root / file).read_text() + "# changed\n")
    assert ready.ensure() > 0
    assert ready.ensure() == 0


def test_an_interrupted_installation_is_made_again(
    ready: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.UNFINISHED.touch()
    (ready.venv / "leftover").touch()
    ready.ensure()
    assert "interrupted" in capsys.readouterr().err
    assert not (ready.venv / "leftover").exists()


def test_a_broken_environment_is_made_again(
    ready: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.venv_python().unlink()
    ready.ensure()
    assert "Making .venv again: it is broken" in capsys.readouterr().err
    assert bootstrap.venv_python().exists()


def test_another_python_is_made_again(ready: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    config = ready.venv / "pyvenv.cfg"
    config.write_text(re.sub(r"(?m)^version = .*$", "version = 3.9.18", config.read_text()))
    ready.ensure()
    assert "it holds Python 3.9.18" in capsys.readouterr().err


def test_a_moved_checkout_is_made_again(ready: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    bootstrap.STAMP.write_text('{"root": "elsewhere", "fingerprint": "", "level": "learner"}')
    ready.ensure()
    assert "moved" in capsys.readouterr().err


@pytest.mark.parametrize("stamp", ["", "{broken", "[1]"])
def test_a_corrupt_stamp_installs_again(ready: Machine, stamp: str) -> None:
    bootstrap.STAMP.write_text(stamp)
    assert ready.ensure() > 0


def test_a_folder_of_somebody_is_left_alone(machine: Machine) -> None:
    machine.venv.mkdir()
    (machine.venv / "thesis.tex").write_text("years of work")
    with pytest.raises(SetUpError, match="is not a virtual environment"):
        bootstrap.ensure(LEARNER)
    assert (machine.venv / "thesis.tex").exists()


def test_pip_that_fails_is_quoted_and_nothing_is_marked_done(machine: Machine) -> None:
    machine.complaints = {"-e": "No matching distribution found for jupyterlab"}
    with pytest.raises(SetUpError, match=r"(?s)No matching distribution.*try again"):
        bootstrap.ensure(LEARNER)
    assert not bootstrap.STAMP.exists()
    machine.complaints = {}
    assert machine.ensure() > 0


def test_a_missing_venv_module_is_explained(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = machine.root / "python-without-venv"
    broken.write_text("#!/bin/sh\necho 'No module named venv'; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(SetUpError, match=r"(?s)No module named venv.*python3-venv"):
        bootstrap.ensure(LEARNER)
    assert not machine.venv.exists()


def test_a_python_too_new_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "PYTHONS", ((3, 8), (3, 9)))
    with pytest.raises(SetUpError, match="needs Python"):
        bootstrap.ensure(LEARNER)
    assert not machine.venv.exists()


@pytest.mark.parametrize("text", ["", "torch>=2\n", "torch==2.13.0\ntorch==2.12.0\n"])
def test_constraints_pin_torch_once(text: str) -> None:
    with pytest.raises(SetUpError, match="one line torch==VERSION"):
        bootstrap.torch_pin(text)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, command in cli.COMMANDS.items():
        assert re.search(rf"(?m)^  {name} +\w", shown), f"{name}: {command.run.__doc__}"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["lba"], 2, "no such command: lba"),
        (["reset"], 1, "reset takes one lesson"),
        (["reset", "99"], 1, "lesson must be"),
        (["clean", "all"], 1, "unexpected: all"),
        (["doctor", "me"], 1, "doctor takes no arguments"),
        (["pins", "--chekc"], 1, "pins takes --check"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == code
    assert said in capsys.readouterr().err


def test_an_old_python_is_told_so() -> None:
    program = (
        "import runpy, sys; sys.version_info = (3, 9, 18)\n"
        "runpy.run_module('helpers', run_name='__main__')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith("This course needs Python 3.11, 3.12 or 3.13, and this is")
    assert "Traceback" not in answer.stderr


def test_lab_settings_come_first_and_threads_are_one() -> None:
    inherited = {"PATH": "bin", "JUPYTER_CONFIG_PATH": "mine", "OMP_NUM_THREADS": "4"}
    environment = cli.lab_environment(inherited)
    ours, theirs = environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert (Path(ours, "jupyter_lab_config.py").exists(), theirs) == (True, "mine")
    assert environment["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "bin"]
    assert environment["OMP_NUM_THREADS"] == "4", "who sets it knows why"
    assert environment["MKL_NUM_THREADS"] == "1"
    assert inherited["PATH"] == "bin"


def test_every_stage_runs_and_any_failure_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def stage(name: str, *_: object, **__: object) -> bool:
        ran.append(name)
        return name != "types"

    monkeypatch.setattr(cli, "_stage", stage)
    assert cli.test([]) == 1
    assert ran == ["lint", "format", "types", "build", "pytest"]
    assert "failed: types" in capsys.readouterr().out
    ran.clear()
    assert cli.test(["--", "tests/test_house.py", "-x"]) == 0
    assert ran == ["pytest"]


def test_clean_leaves_what_is_the_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [tmp_path / name / "file" for name in (".progress", "my", ".studies", "helpers")]
    gone = [tmp_path / name / "file" for name in (".ruff_cache", "a.egg-info", "build")]
    gone += [tmp_path / "helpers" / "deep" / "__pycache__" / "x.pyc"]
    kept += [tmp_path / ".venv" / "lib" / "__pycache__" / "x.pyc"]
    for path in kept + gone:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.clean([]) == 0
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in gone)
