"""Settings and results stay as they were made; what holds data is compared by identity."""

from __future__ import annotations

from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("loop", "policies", "metrics", "coding", "verification", "studies", "teaching")
CHILDREN = {"child", "worker"}  # programs of their own: importing them changes the process
# What grows while something runs.
GROWING = {
    "loop.History",
    "verification.judge.Claims",
    "verification.processes.Program",
    "verification.screen._Parts",
}
# `==` of the arrays in them is no bool; a task is a key, and two may read the same.
BY_IDENTITY = {
    *("loop.Verified", "loop.Generation", "studies.execution.Start"),
    *("coding.language.Task", "coding.language.TaskSets", "coding.writer.Example"),
    "coding.hub_writer.Answer",
}


def found() -> dict[str, type]:
    """Every dataclass of these rooms: its name without `helpers.`, and the class."""
    classes: dict[str, type] = {}
    for room in ROOMS:
        place = ROOT / "helpers" / room
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]:
            if path.stem in CHILDREN or "@dataclass" not in path.read_text(encoding="utf-8"):
                continue
            parts = path.relative_to(ROOT / "helpers").with_suffix("").parts
            name = ".".join(part for part in parts if part != "__init__")
            for kind in vars(import_module(f"helpers.{name}")).values():
                if isinstance(kind, type) and is_dataclass(kind) and kind.__module__.endswith(name):
                    classes[f"{name}.{kind.__name__}"] = kind
    return classes


FOUND = found()


@pytest.mark.parametrize("name", FOUND)
def test_a_dataclass_is_frozen_unless_it_grows(name: str) -> None:
    parameters = FOUND[name].__dataclass_params__  # type: ignore[attr-defined]
    assert parameters.frozen is (name not in GROWING)
    assert parameters.eq is (name not in BY_IDENTITY)


def test_the_exceptions_are_there() -> None:
    assert set(FOUND) >= GROWING | BY_IDENTITY
    assert len(FOUND) > 30
