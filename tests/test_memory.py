"""How much memory a learner needs: the numbers of lesson 00 and of the page for hubs."""

import json
import re
from pathlib import Path

import pytest
import yaml

from helpers._ground import ROOT
from helpers.authoring.catalogue import catalogue
from helpers.authoring.course import Course, draft
from helpers.authoring.memory import (
    COMMAND_MB,
    SERVER_MB,
    hub_table,
    kernels,
    memory_values,
    per_learner,
)
from helpers.authoring.pages import pages
from helpers.authoring.runsheet import read_plans

COURSE = Course.at(ROOT)
ENTRIES = catalogue(COURSE.lessons)
INSTRUCTORS = COURSE.lessons / "instructors"
COSTS = {
    "00-a": {"cpu_seconds": 1.2, "memory_mb": 301.0},
    "01-b": {"cpu_seconds": 9.0, "memory_mb": 250.0, "01-live": 3.0},
    "02-c": {"cpu_seconds": 2.0, "memory_mb": 900.0},
    "notation": {"cpu_seconds": 0.0, "memory_mb": 5000.0},
}


def test_kernels_of_lessons_are_counted_and_those_of_pages_are_not() -> None:
    assert kernels(COSTS) == [250, 310, 900]
    assert memory_values(COSTS) == {
        "smallest_kernel_mb": 250,
        "largest_kernel_mb": 900,
        "kernels_that_fit": 2,  # 160 + 2 * 900 of 2048, and not three
        "usual_kernels_that_fit": 6,  # 160 + 6 * 310 is 2020
    }
    assert memory_values({}) == {}
    with pytest.raises(ValueError, match="course budget --record"):
        kernels({"notation": {"cpu_seconds": 0.0, "memory_mb": 1.0}})


def test_a_learner_gets_the_largest_kernel_for_sure_and_room_for_two_and_a_command() -> None:
    assert per_learner(COSTS) == {"guarantee": 1536, "limit": 2048}  # 160 + 900 + 310 + 230
    asked = per_learner(COURSE.measured())
    largest = sorted(cost["memory_mb"] for cost in COURSE.measured().values())[-2:]
    assert asked["guarantee"] >= SERVER_MB + largest[-1] > asked["guarantee"] - 522
    planned = SERVER_MB + sum(largest) + COMMAND_MB
    assert asked["limit"] >= planned > asked["limit"] - 532
    assert asked["guarantee"] % 512 == asked["limit"] % 512 == 0


def test_the_table_has_every_measured_lesson_and_grows_with_the_class() -> None:
    table = hub_table(COURSE.measured(), ENTRIES)
    rows = re.findall(r"(?m)^\| (\d\d) .* \| (\d+) \| (\d+) \|$", table)
    there = [number for number, entry in ENTRIES.items() if entry.stem in COURSE.measured()]
    assert [number for number, _, _ in rows] == there
    for number, seconds, memory in rows:
        cost = COURSE.measured()[ENTRIES[number].stem or ""]
        assert 0 <= int(seconds) - cost["cpu_seconds"] < 1
        assert 0 <= int(memory) - cost["memory_mb"] < 10
    classes = [
        [*map(int, row)] for row in re.findall(r"(?m)^\| (\d+) \| (\d+) \| (\d+) \|$", table)
    ]
    assert [row[0] for row in classes] == [8, 20, 40]
    for learners, largest, usual in classes:
        assert learners * kernels(COURSE.measured())[-1] / 1024 < largest
        assert usual < largest


def test_lesson_00_says_how_many_kernels_fit() -> None:
    ready = draft(COURSE, "00-start-here")
    assert not [problem for problem in ready.problems if "reference" in problem.message]
    (said,) = [text for text in ready.sources if "Memory goes to kernels" in text]
    words = " ".join(said.split())
    values = memory_values(COURSE.measured())
    assert f"holds {values['smallest_kernel_mb']} to {values['largest_kernel_mb']} MB" in words
    assert f"room for {values['kernels_that_fit']} of the largest" in words
    assert f"for {values['usual_kernels_that_fit']} of the usual ones" in words
    assert "on one thread" in words


def test_the_page_for_hubs_follows_the_measurements() -> None:
    now = (INSTRUCTORS / "hubs.md").read_text(encoding="utf-8")
    assert hub_table(COURSE.measured(), ENTRIES) in now
    assert "Nobody of us has run the installer of The Littlest JupyterHub" in " ".join(now.split())
    config = re.findall(r"(?s)```yaml\n(.*?)```", now)
    assert yaml.safe_load(config[0])["singleuser"]["memory"] == {
        "guarantee": "GUARANTEE",
        "limit": "LIMIT",
    }
    typed = [number for text in config for number in re.findall(r"\d{3,}M|\d(?:\.\d)?G", text)]
    assert typed == ["1024M"], "the one example; numbers come from the table"


def test_the_page_of_the_first_class_has_each_row_of_each_plan() -> None:
    now = (INSTRUCTORS / "first-class.md").read_text(encoding="utf-8")
    for plan in read_plans(COURSE.lessons).values():
        for stop in plan.stops:
            row = f"| {stop.lesson} | {stop.section.heading} | {stop.path} | {stop.minutes} | |"
            assert row in now


@pytest.mark.parametrize("name", ["hubs.md", "clusters.md", "first-class.md", "workshop.md"])
def test_links_of_pages_of_no_lesson_lead_somewhere(name: str) -> None:
    text = re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", (INSTRUCTORS / name).read_text("utf-8"))
    for target in re.findall(r"\]\(([^)#]+?)\)", text):
        assert (INSTRUCTORS / target).exists(), target


def test_a_changed_measurement_changes_the_page(tmp_path: Path) -> None:
    (tmp_path / "lessons" / "instructors").mkdir(parents=True)
    for name in ("budget.json", "planned.yaml", "00-start-here.md", "instructors/hubs.md"):
        text = (COURSE.lessons / name).read_text(encoding="utf-8")
        (tmp_path / "lessons" / name).write_text(text, encoding="utf-8")
    cost = {"00-start-here": {"cpu_seconds": 1.0, "memory_mb": 1234.0}}
    (tmp_path / "lessons" / "budget.json").write_text(json.dumps(cost))
    page = dict(pages(tmp_path))[tmp_path / "lessons" / "instructors" / "hubs.md"]
    assert "| 1240 |" in page
