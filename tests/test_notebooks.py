"""The committed notebooks: current, executed, clean, and really compared by nbval.

nbval itself (see pyproject.toml) runs every notebook and compares its outputs. These tests see that
there is something to compare, that each section of a lesson can be run first, and that the cost
which its page promises is still true.
"""

import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from nbformat import NotebookNode

from helpers._ground import ROOT
from helpers.authoring import rehearse
from helpers.authoring.budget import Meter, measure
from helpers.authoring.check import check, orphans
from helpers.authoring.course import Course
from helpers.authoring.lesson import Cell, Lesson, Section, parse
from helpers.authoring.notebook import code_cells, output_problems, read_notebook

COURSE = Course.at(ROOT)
STEMS = sorted(path.stem for path in COURSE.lessons.glob("*.md"))
LESSONS = [stem for stem in STEMS if re.match(r"\d\d-", stem)]
LEAST_COMPARED = 10
# How far a fresh cost in CPU seconds may be from the recorded one, either way: machines differ by
# two, and the start of a kernel varies by a second.
FACTOR, SLACK = 3.0, 1.0
UNCOMPARED_TAGS = {"nbval-ignore-output", "nbval-skip"}
UNCOMPARED_KINDS = {"image/png", "image/jpeg"}  # what nbval skips in a cell's output
# Before each section: forget all names, and from now on write down how the arms of a figure look.
FORGET_AND_WATCH = """%reset -f
def _watch():
    import json, sys
    style = sys.modules.get("helpers.plots.style")
    if style is None or style.styles.__name__ == "watched":
        return
    plain = style.styles
    def watched(names):
        looks = plain(names)
        with open({log!r}, "a") as file:
            for name, look in looks.items():
                print(json.dumps([name, look.colour, str(look.line), look.marker]), file=file)
        return looks
    style.styles = watched
_watch()
del _watch
"""


def notebook(stem: str) -> NotebookNode:
    found = read_notebook(COURSE.notebooks / f"{stem}.ipynb")
    assert found is not None, f"notebooks/{stem}.ipynb is missing: run `course build {stem}`"
    return found


def lesson(stem: str) -> Lesson:
    return parse(COURSE.lessons / f"{stem}.md", f"lessons/{stem}.md")


def compared(stem: str) -> int:
    """How many code cells have an output that strict nbval compares."""
    count = 0
    for cell in code_cells(notebook(stem)):
        kinds: set[str] = set()
        for output in cell.outputs:
            kinds |= set(output.get("data", {output.output_type: ""}))
        ignored = UNCOMPARED_TAGS & set(cell.metadata.get("tags", []))
        ignored |= set(re.findall(r"#\s*(?:NBVAL_IGNORE_OUTPUT|NBVAL_SKIP)\b", cell.source))
        count += bool(kinds - UNCOMPARED_KINDS) and not ignored
    return count


def test_there_are_lessons_and_no_notebook_without_one() -> None:
    assert LESSONS
    assert orphans(COURSE) == []


@pytest.mark.parametrize("stem", STEMS)
def test_notebook_is_what_the_build_makes_of_its_lesson(stem: str) -> None:
    assert check(COURSE, stem) == []


@pytest.mark.parametrize("stem", LESSONS)
def test_enough_outputs_are_compared(stem: str) -> None:
    assert compared(stem) >= LEAST_COMPARED, "nbval has too little to compare: print results"


@pytest.mark.parametrize("stem", STEMS)
def test_every_image_of_an_output_says_what_it_shows(stem: str) -> None:
    assert [p for cell in code_cells(notebook(stem)) for p in output_problems(cell)] == []


@pytest.mark.parametrize("stem", STEMS)
def test_no_machine_and_no_widget_state_in_the_file(stem: str) -> None:
    text = (COURSE.notebooks / f"{stem}.ipynb").read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert "widget-state" not in text
    about = {"kernelspec", "language_info", "course", "title"}
    assert set(json.loads(text)["metadata"]) == about


@pytest.mark.parametrize("number", ["02", "05", "06"])
def test_sliders_are_where_the_argument_is(number: str) -> None:
    """Not only at the end of the page, where a reader who is short of time never comes."""
    (stem,) = [stem for stem in LESSONS if stem.startswith(number)]
    code = lesson(stem).code
    first = next(place for place, cell in enumerate(code) if "explorer" in cell.tags)
    assert first < 2 / 3 * len(code)


def assert_cost_is_still_true(stem: str, cpu_seconds: float, memory_mb: float) -> None:
    recorded = COURSE.measured()[stem]["cpu_seconds"]
    assert cpu_seconds <= FACTOR * recorded + SLACK, f"course budget --record {stem}"
    assert cpu_seconds + SLACK >= recorded / FACTOR, f"course budget --record {stem}"
    assert memory_mb <= lesson(stem).limits["memory_mb"]


@pytest.mark.parametrize(
    "stem", [stem for stem in STEMS if lesson(stem).code and stem not in LESSONS]
)
def test_the_recorded_cost_of_a_page_is_still_true(stem: str) -> None:
    fresh, _ = measure(lesson(stem), COURSE.notebooks, buttons=False)
    assert_cost_is_still_true(stem, fresh["cpu_seconds"], fresh["memory_mb"])


@pytest.mark.parametrize("stem", LESSONS)
def test_every_section_stands_a_learner_s_hands(
    stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, each cell twice, and one of its cells and every live one interrupted somewhere.

    And an arm has one look in all figures of the lesson, and the cells cost what is recorded.
    """

    def moment(section: Section, cell: Cell) -> float | None:
        rng = np.random.default_rng([zlib.crc32(section.heading.encode())])
        chosen = section.cells[rng.integers(len(section.cells))]
        if "slow" in cell.tags:
            return float(rng.uniform(0, 8))
        return float(rng.uniform(0, 0.3)) if cell is chosen else None

    log = tmp_path / "looks"
    watch = Cell("code", FORGET_AND_WATCH.format(log=str(log)), 0, "forget", {})
    monkeypatch.setattr(rehearse, "FORGET", watch)
    meter = Meter()
    try:
        rehearse.rehearse(lesson(stem), COURSE.notebooks, moment=moment, watch=meter)
    finally:
        meter.close()
    spent = meter.cpu_seconds  # before each cell, after its first whole run; at first, the start
    whole = spent[0] + sum(np.subtract(spent[1::2], spent[::2]))
    assert_cost_is_still_true(stem, whole, meter.memory_mb[-1])
    looks: dict[str, set[tuple[str, ...]]] = {}
    for line in log.read_text("utf-8").splitlines() if log.exists() else ():
        name, *look = json.loads(line)
        looks.setdefault(name, set()).add(tuple(look))
    several = [name for name, found in looks.items() if len(found) > 1]
    assert several == [], "give them their turns in helpers.plots.style"
    assert looks or stem == "14-to-real-models"  # it draws no arms
