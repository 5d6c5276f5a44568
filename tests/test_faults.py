"""The command that tests the tests: what it draws, and that it can tell found from survived."""

from __future__ import annotations

import ast
import subprocess
from multiprocessing import get_context
from pathlib import Path

import faults
import pytest

SOURCE = '''"""Words 1 + 1."""
from typing import Protocol


class Seen(Protocol):
    limit: int = 3


def grow(size: int, *, kind: str = "all") -> list[int]:
    """More than 3."""
    if size < 2 and not kind:
        raise ValueError(f"size must be at least {1 + 1}, got {size}")
    made = list(range(size, 10, 2))
    made = [one for one, _ in zip(made, made, strict=True)]
    made.sort(reverse=True)
    return made
'''


def test_every_fault_is_another_program_and_none_is_in_words() -> None:
    found = faults.faults(SOURCE, "helpers/m.py")
    assert {(fault.before, fault.after) for fault in found} == {
        ('"all"', "'all_'"),
        ("size < 2", "(size >= 2)"),
        ("size < 2", "(size <= 2)"),
        ("size < 2 and not kind", "(size < 2 or not kind)"),
        ("not kind", "(kind)"),
        ("2", "(3)"),
        ("10", "(11)"),
        ('raise ValueError(f"size must be at least {1 + 1}, got {size}")', "pass"),
        ("range(size, 10, 2)", "(range(10, size, 2))"),
        ("made.sort(reverse=True)", "pass"),
        ("made.sort(reverse=True)", "(made.sort())"),
        ("True", "(False)"),
    }
    for fault in found:
        assert ast.dump(ast.parse(fault.applied(SOURCE))) != ast.dump(ast.parse(SOURCE))
    names = [fault.name for fault in found]
    assert len(set(names)) == len(names)
    assert "helpers/m.py grow: 2 -> (3) (2)" in names


def test_a_name_outlives_lines_that_move_and_umlauts() -> None:
    moved = SOURCE.replace('"""Words 1 + 1."""', '"""Wörter: ä, ö."""\nname = "ü"\n')
    before, after = (faults.faults(text, "helpers/m.py") for text in (SOURCE, moved))
    assert [fault.name for fault in before] == [fault.name for fault in after]
    assert "(size >= 2)" in next(f for f in after if f.after == "(size >= 2)").applied(moved)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A little checkout: one module, one test that looks at half of what it does."""
    root = tmp_path / "root"
    files = {
        "helpers/m.py": "def both(a: int, b: int) -> tuple[int, int]:\n    return a + b, a - b\n",
        "tests/test_m.py": (
            "from helpers.m import both\n\n\ndef test_sum():\n    assert both(2, 1)[0] == 3\n"
        ),
        "pyproject.toml": "",
        "helpers/__init__.py": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def test_found_is_told_from_survived_and_the_checkout_is_left_alone(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "PROCESSES", get_context("spawn"))  # without the course loaded
    module = tree / "helpers" / "m.py"
    source = module.read_text()
    copy = faults.Copy(tmp_path / "copy", tree)
    said = {
        fault.before: copy.try_out(fault, ["tests/test_m.py"], 120)
        for fault in faults.faults(source, "helpers/m.py")
    }
    assert said == {"a + b": "tests/test_m.py::test_sum", "a - b": ""}
    assert module.read_text() == (tmp_path / "copy" / "helpers" / "m.py").read_text() == source
    copy._write(tmp_path / "copy" / "helpers" / "m.py", "while True:\n    pass\n")
    assert copy.run(["tests/test_m.py"], 1) == "time"


def test_a_known_equivalent_is_a_fault_that_can_be_drawn() -> None:
    drawn = {fault.name for area in faults.AREAS.values() for fault in faults.of_area(area)}
    assert len(drawn) > 5000
    known = faults.equivalents()
    assert not set(known) - drawn
    assert all(len(reason.split()) > 3 for reason in known.values())


def test_an_area_has_its_tests() -> None:
    for area in faults.AREAS.values():
        assert faults.of_area(area)
        for name in area.tests:
            assert (faults.ROOT / "tests" / f"test_{name}.py").is_file()
    metrics = faults.AREAS["metrics"]
    found = faults.concerned(metrics, "helpers/metrics/language.py")
    assert found == ["tests/test_language_metrics.py"]
    assert len(faults.concerned(metrics, "helpers/metrics/unheard_of.py")) == len(metrics.tests)
    together = faults.AREAS["verification"]
    found = faults.concerned(together, "helpers/verification/screen.py")
    assert sorted(found) == sorted(f"tests/test_{name}.py" for name in together.tests)


@pytest.mark.parametrize("name", faults.AREAS)
def test_every_module_is_named_by_a_test_of_its_area(name: str) -> None:
    """A module that came later than the list would be judged by tests that never heard of it."""
    area = faults.AREAS[name]
    tests = [faults.ROOT / "tests" / f"test_{test}.py" for test in area.tests]
    paths = [path for pattern in area.modules for path in (faults.ROOT / "helpers").glob(pattern)]
    public = {p.relative_to(faults.ROOT).as_posix() for p in paths if not p.name.startswith("_")}
    unheard_of = {module for module in public if not any(faults.names(t, module) for t in tests)}
    assert unheard_of == set()
