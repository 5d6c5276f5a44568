"""`course doctor`, the day before: each line says OK, or what to do."""

import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from helpers._ground import ROOT
from helpers.course import doctor

LINE = re.compile(r"\[(OK|NOTE|FAIL)\] +[\w ]+: \S.*")
Disk = namedtuple("Disk", "total used free")


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_here_everything_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for the packages: a developer may try others; and a kernel is started below."""
    for name in ("packages", "environment", "kernel", "torch"):
        monkeypatch.delitem(doctor.CHECKS, name)
    assert doctor.main([]) == 0
    *checked, last = lines(capsys)
    assert len(checked) == len(doctor.CHECKS)
    assert all(LINE.fullmatch(line) for line in checked)
    assert last == "Everything works."


def test_a_kernel_is_started_and_asked() -> None:
    assert doctor._asked_of_a_kernel("import helpers; print(helpers.__name__)") == "helpers"


def lost_kernel(*_: object) -> None:
    raise NoSuchKernel("python3")


def spec(command: str) -> SimpleNamespace:
    return SimpleNamespace(argv=[command, "-m", "ipykernel_launcher"])


def old(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], 1, "", "Traceback\nOSError: no shm.dll")


def readonly(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


BROKEN = {
    "an old Python": ("Python", doctor, "PYTHONS", ((3, 98), (3, 99)), "PYTHON=python3.12"),
    "other packages": ("packages", doctor, "version", lambda _: "0.0.1", "make lab"),
    "torch": ("torch", doctor.subprocess, "run", old, "delete the folder .venv"),
    "no kernel": ("kernel", KernelSpecManager, "get_kernel_spec", lost_kernel, "ipykernel install"),
    "a kernel that is gone": (
        "kernel", KernelSpecManager, "get_kernel_spec", lambda *_: spec("/gone/python"),
        "ipykernel install",
    ),
    "a silent kernel": ("kernel", doctor, "_asked_of_a_kernel", lambda _: "", "firewall"),
    "a full disk": ("disk", shutil, "disk_usage", lambda _: Disk(1, 1, 10**8), "make room"),
    "no memory": (
        "memory", psutil, "virtual_memory", lambda: SimpleNamespace(available=10**8),
        "close other programs",
    ),
    "a read-only home": ("answers", doctor.tempfile, "TemporaryFile", readonly, "COURSE_HOME"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_one_line_that_says_what_to_do(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, where, what, stand_in, said = BROKEN[case]
    monkeypatch.setattr(doctor, "CHECKS", {name: doctor.CHECKS[name]})
    if name == "kernel" and what != "get_kernel_spec":
        monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: spec(sys.executable))
    monkeypatch.setattr(where, what, stand_in)
    assert doctor.main([]) == 1
    line, last = lines(capsys)
    assert LINE.fullmatch(line)
    assert line.startswith("[FAIL]")
    assert said in line.split(". Do this: ")[1]
    assert last == "1 of 1 checks failed: do what they say, then run this again."


def test_what_nobody_thought_of_says_whom_to_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def surprise() -> str:
        raise KeyError("first line\nsecond line")

    monkeypatch.setattr(doctor, "CHECKS", {"disk": surprise})
    assert doctor.main([]) == 1
    line, _ = lines(capsys)
    assert line.startswith("[FAIL]  disk: KeyError: 'first line")
    assert line.endswith(doctor.ASK)


def test_copies_that_are_not_made_yet_are_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", {"lessons": doctor.lessons})
    monkeypatch.setattr(doctor, "home", lambda: tmp_path)
    assert doctor.main([]) == 0
    assert "have no copy in" in lines(capsys)[0]
    shutil.copytree(ROOT / "notebooks", tmp_path / "my")
    assert doctor.main([]) == 0
    assert lines(capsys)[0].startswith("[OK]")


def test_no_check_fails_without_saying_what_to_do() -> None:
    """RuntimeError and its like would leave the learner alone with a reason."""
    text = Path(doctor.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"raise (\w+)", text)) == {"Broken", "Missing"}
