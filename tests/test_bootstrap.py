"""Setting up: when .venv is made, made again or left alone. pip and venv are stood in for."""

import contextlib
import errno
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from nobody import as_nobody

from helpers.course import bootstrap, cli
from helpers.course.bootstrap import DEVELOPER, LEARNER, SetUpError
from helpers.course.moved import mend_links

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
        monkeypatch.setattr(bootstrap, "ROOT", root)
        for name in ("VENV", "NEXT", "OLD"):
            monkeypatch.setattr(bootstrap, name, root / getattr(bootstrap, name).name)
        monkeypatch.setattr(bootstrap, "_pip", self.pip)
        # A real venv without pip takes a tenth of a second, with pip ten.
        monkeypatch.setattr(bootstrap.subprocess, "run", self.run)
        monkeypatch.setattr(bootstrap, "_works", lambda command: Path(command[0]).exists())

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return RUN([*command, "--without-pip"] if "venv" in command else command, **options)

    def pip(self, venv: Path, *arguments: str) -> str:
        assert (venv / bootstrap.UNFINISHED).exists(), "an interruption now must be noticed"
        self.asked.append(arguments)
        joined = " ".join(arguments)
        return next((text for key, text in self.complaints.items() if key in joined), "")

    def ensure(self, level: str = LEARNER) -> int:
        """How often pip was called."""
        self.asked.clear()
        assert bootstrap.ensure(level) == bootstrap.venv_python()
        left = {path.name for path in self.root.iterdir()}
        assert left == {".venv", "pyproject.toml", "constraints.txt"}
        assert not (self.venv / bootstrap.UNFINISHED).exists()
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
    (ready.venv / bootstrap.UNFINISHED).touch()
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


def test_nothing_that_works_is_destroyed_before_the_new_one_is_whole(ready: Machine) -> None:
    config = ready.venv / "pyvenv.cfg"
    config.write_text(re.sub(r"(?m)^version = .*$", "version = 3.9.18", config.read_text()))
    (ready.venv / "old").touch()
    ready.complaints = {"torch": "no network"}
    for _ in range(2):
        with pytest.raises(SetUpError, match="no network"):
            bootstrap.ensure(LEARNER)
        assert (ready.venv / "old").exists()
    ready.complaints = {}
    ready.ensure()
    assert not (ready.venv / "old").exists()


class Killed(BaseException):
    """What a power cut is to a program."""


@pytest.mark.parametrize("at", ["pip", "rename 1", "rename 2", "mend"])
def test_a_set_up_killed_at_any_moment_leaves_an_environment(
    ready: Machine, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    (ready.venv / bootstrap.UNFINISHED).touch()
    renames = iter(("rename 1", "rename 2"))
    rename, mend, pip = os.rename, bootstrap._mend, bootstrap._pip

    def killed(moment: str, work: Any, *arguments: Any) -> Any:
        if moment == at:
            raise Killed
        return work(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap.os, "rename", lambda *a: killed(next(renames), rename, *a))
        patch.setattr(bootstrap, "_mend", lambda *a: killed("mend", mend, *a))
        patch.setattr(bootstrap, "_pip", lambda *a: killed("pip", pip, *a))
        with pytest.raises(Killed):
            bootstrap.ensure(LEARNER)
    assert ready.venv.exists() or bootstrap.OLD.exists()
    ready.ensure()
    assert ready.ensure() == 0


def test_what_is_ready_needs_no_lock_and_no_writing(
    ready: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "_one_at_a_time", lambda: pytest.fail("locked"))
    monkeypatch.setattr(bootstrap, "_stamp", lambda *_: pytest.fail("written"))
    assert ready.ensure() == 0


def test_a_file_system_without_locks_is_said_and_used(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(*_: Any, **__: Any) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(bootstrap, "_lock", none)
    assert machine.ensure() > 0
    assert "This file system has no locks" in capsys.readouterr().err


def test_two_set_ups_wait_for_each_other(machine: Machine) -> None:
    program = (
        "import sys; from pathlib import Path; from helpers.course import bootstrap\n"
        "bootstrap.ROOT = Path(sys.argv[1])\n"
        "with bootstrap._one_at_a_time():\n"
        "    print('locked', flush=True); sys.stdin.readline(); print('freed', flush=True)\n"
    )
    command = [sys.executable, "-c", program, str(machine.root)]
    pipe = subprocess.PIPE
    one = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
    assert one.stdin is not None
    assert one.stdout is not None
    assert one.stdout.readline() == "locked\n"
    two = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)
    assert two.stderr is not None
    assert "waiting" in two.stderr.readline()
    assert two.poll() is None
    one.communicate("\n", timeout=30)
    said, _ = two.communicate("\n", timeout=30)
    assert said == "locked\nfreed\n"


def test_nothing_is_left_in_the_temporary_folder(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file there belongs to the first user, and a second one may not open it."""
    temporary = tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    machine.ensure()
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("has_old", [False, True])
def test_a_read_only_checkout(tmp_path: Path, has_old: bool) -> None:
    """In a process of its own: whoever is root may write everywhere, so it is nobody there."""
    root = tmp_path / "course"
    root.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        (root / name).write_text("torch==2.13.0\n")
    if has_old:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True)
        stamp = {"fingerprint": "of yesterday", "level": "learner", "root": str(root)}
        (root / ".venv" / "course-stamp.json").write_text(json.dumps(stamp))
    program = (
        "import sys; from pathlib import Path; from helpers.course import bootstrap\n"
        "bootstrap.ROOT = Path(sys.argv[1]); bootstrap.VENV = bootstrap.ROOT / '.venv'\n"
        "bootstrap._works = lambda command: True  # it has no pip: that takes ten seconds\n"
        "try: print('used', bootstrap.ensure('learner'))\n"
        "except bootstrap.SetUpError as error: print(error)\n"
    )
    answer = as_nobody([sys.executable, "-c", program, str(root)], read_only=root)
    assert (answer.returncode, "Traceback" in answer.stderr) == (0, False), answer.stderr
    if has_old:
        assert answer.stdout == f"used {root}/.venv/bin/python\n"
        assert "used as it is" in answer.stderr
    else:
        assert "cannot be written" in answer.stdout
        assert "Copy the folder to a place of your own" in answer.stdout


def test_a_moved_environment_is_mended_and_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real one, moved to a path with a blank: scripts, packages and stamp, without pip."""
    before, after = tmp_path / "course", tmp_path / "my courses" / "loop"
    before.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", before / ".venv"], check=True)
    python = before / ".venv" / "bin" / "python"
    (site,) = (before / ".venv").glob("lib/python*/site-packages")
    (before / "helpers").mkdir()
    (before / "helpers" / "__init__.py").touch()
    (site / "__editable__.course.pth").write_text(f"{before}\n")
    (site / "course-1.dist-info").mkdir()
    (site / "course-1.dist-info" / "direct_url.json").write_text(f'{{"url": "file://{before}"}}')
    script = before / ".venv" / "bin" / "course"
    script.write_text(f"#!{python}\nimport helpers, sys; print(helpers.__file__, sys.prefix)\n")
    script.chmod(0o755)
    for name in ("pyproject.toml", "constraints.txt"):
        (before / name).write_text("torch==2.13.0\n")
    after.parent.mkdir()
    before.rename(after)
    program = (
        "import sys, json; from pathlib import Path; from helpers.course import bootstrap as b\n"
        "b.ROOT = Path(sys.argv[1]); b.VENV = b.ROOT / '.venv'\n"
        "b.NEXT, b.OLD = b.ROOT / '.venv-next', b.ROOT / '.venv-old'\n"
        "b._install = b._make = None\n"
        "b._why_remake = lambda: ''  # there is no pip in this one\n"
        "old = {'root': sys.argv[2], 'level': 'learner', 'fingerprint': b.fingerprint()}\n"
        "(b.VENV / b.STAMP).write_text(json.dumps(old))\n"
        "b.ensure('learner'); b.ensure('learner')\n"
    )
    command = [sys.executable, "-c", program, str(after), str(before)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.stderr == "[course] The course has been moved: mending the links in .venv.\n"
    monkeypatch.delenv("PYTHONPATH")
    ran = subprocess.run([after / ".venv" / "bin" / "course"], capture_output=True, text=True)
    (address,) = (after / ".venv").glob("lib/python*/site-packages/*/direct_url.json")
    assert json.loads(address.read_text())["url"] == after.as_uri()
    assert ran.stdout == f"{after}/helpers/__init__.py {after}/.venv\n"
    texts = [path for path in (after / ".venv").rglob("*") if path.is_file()]
    assert not [path for path in texts if str(before).encode() in path.read_bytes()]


@pytest.mark.parametrize("there", ["/a/b/course", "/a", "/x"])
def test_mending_twice_is_mending_once(tmp_path: Path, there: str) -> None:
    config = tmp_path / "pyvenv.cfg"
    config.write_text("command = /a/b -m venv /a/b/.venv /a/b-2 /a/bc\n")
    (tmp_path / "bin").mkdir()
    for _ in range(2):
        moved = {"/a/b": there, "/a/b/.venv": f"{there}/.venv"}
        mend_links(tmp_path, tmp_path / "bin" / "python", moved)
    assert config.read_text() == f"command = {there} -m venv {there}/.venv /a/b-2 /a/bc\n"


@pytest.mark.parametrize("stamp", ["", "{broken", "[1]"])
def test_a_corrupt_stamp_installs_again(ready: Machine, stamp: str) -> None:
    (ready.venv / bootstrap.STAMP).write_text(stamp)
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
    assert not machine.venv.exists()
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
    assert not bootstrap.NEXT.exists()


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
        assert re.search(rf"(?m)^ +{name}\s+\w", shown)
        assert command.summary.split(":")[0] in " ".join(shown.split())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["lba"], 2, "invalid choice: 'lba' (choose from"),
        (["--chekc"], 2, "course: error: the following arguments are required: COMMAND"),
        (["reset"], 2, "course reset: error: the following arguments are required: lesson"),
        (["reset", "99"], 1, "lesson must be"),
        (["reset", "02", "06"], 2, "course: error: reset: unexpected: 06"),
        (["clean", "all"], 2, "course: error: clean: unexpected: all"),
        (["copies", "--al"], 2, "course: error: copies: unexpected: --al"),
        (["doctor", "me"], 2, "course: error: doctor: unexpected: me"),
    ],
)
def test_mistakes_end_in_one_line(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == code
    shown = capsys.readouterr()
    assert said in shown.err.splitlines()[-1]
    assert not shown.out


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_says_what_it_is_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):  # from those with a parser of their own
        assert cli.main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: course {name} [")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-browser", "--port", "9999", "--ServerApp.token=x"],
        ["-x", "tests/test_loop.py", "-k", "not slow", "-vv", "--maxfail=2"],
        ["--", "tests/test_loop.py", "-x"],
        ["tests/test_loop.py::test_a[b-c]", "--", "-h"],
        [],
    ],
)
def test_options_of_other_programs_pass_through(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lab", "test"):
        given: list[list[str]] = []
        command = cli.COMMANDS[name]._replace(run=lambda others, g=given: g.append(others) or 0)
        monkeypatch.setitem(cli.COMMANDS, name, command)
        assert cli.main([name, *arguments]) == 0
        assert given == [arguments]


@pytest.mark.parametrize("arguments", [["--help"], ["study", "list"], ["build", "--help"]])
def test_a_reader_that_goes_away_is_no_error(arguments: list[str]) -> None:
    """As in `course --help | head -1`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "helpers", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "COURSE_ENV": "current", "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == cli.READER_GONE


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


def test_lab_settings_come_first() -> None:
    inherited = {"PATH": "bin", "JUPYTER_CONFIG_PATH": "mine"}
    environment = cli.lab_environment(inherited)
    ours, theirs = environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert (Path(ours, "jupyter_lab_config.py").exists(), theirs) == (True, "mine")
    assert environment["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "bin"]
    assert inherited["PATH"] == "bin"


def test_lab_says_how_to_get_there_and_how_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """JupyterLab itself says it among thirty lines that a learner does not need."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    started: list[list[str]] = []
    monkeypatch.setattr(cli, "_become", lambda command, _: started.append(command) or 0)
    assert cli.lab(["--no-browser"]) == 0
    assert len(started) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "open an address below" in last
    assert "Ctrl+C" in last


def test_every_stage_runs_and_any_failure_counts(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ran, bad = [], "types"

    def run(command: list[str], **settings: Any) -> Any:
        ran.append(command[2:4])
        if command[2] == "pytest":
            assert "stdout" not in settings  # its progress is seen as it comes
        done = "mypy" if bad == "types" else bad
        return subprocess.CompletedProcess(command, int(done in command), f"of {command[2]}\n", "")

    monkeypatch.setattr(cli.subprocess, "run", run)
    assert cli.test([]) == 1
    assert sorted(ran[:-1]) == [
        ["helpers", "build"],
        ["mypy", "--num-workers"],
        ["ruff", "check"],
        ["ruff", "format"],
    ]
    assert ran[-1] == ["pytest", "-n"]
    said = capfd.readouterr().out
    assert "failed: types" in said
    assert "of mypy\n== types FAILED in" in said
    assert "of ruff\n== lint passed in" in said
    ran.clear()
    assert cli.test(["--", "tests/test_house.py", "-x"]) == 0
    assert ran == [["pytest", "tests/test_house.py"]]
    bad = "pytest"
    assert cli.test([]) == 1
    assert "all well" in capfd.readouterr().out


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
