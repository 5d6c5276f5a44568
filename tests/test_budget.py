"""What a lesson costs: the meter on tiny lessons, and the recorded costs of the real ones."""

import json
from pathlib import Path

import pytest

from helpers._ground import ROOT
from helpers.authoring.budget import main, measure, over_limit
from helpers.authoring.course import Course
from helpers.authoring.execute import CellError
from helpers.authoring.lesson import LIVE, Lesson, parse
from helpers.authoring.references import NOT_MEASURED, budget_values, rounded_seconds

COURSE = Course.at(ROOT)
STEMS = sorted(path.stem for path in COURSE.lessons.glob("*.md"))

FRONT = """\
---
kernelspec: {{name: python3, display_name: Python 3, language: python}}
course:
  shape: lab
  minutes: 1
  core_minutes: 1
  budget: {limits}
---

# Cost

"""
BURN = "import time\nend = time.process_time() + 1.5\nwhile time.process_time() < end: pass\n"


def make_course(root: Path, *sources: str, limits: str = "{}") -> Course:
    course = Course(root, root / "helpers")
    course.lessons.mkdir()
    cells = "".join(f"```{{code-cell}} ipython3\n{source}\n```\n\n" for source in sources)
    (course.lessons / "05-cost.md").write_text(FRONT.format(limits=limits) + cells)
    return course


def the_lesson(course: Course) -> Lesson:
    return parse(course.lessons / "05-cost.md")


def test_time_is_that_of_the_processor_children_included(tmp_path: Path) -> None:
    child = f"import subprocess, sys\n_ = subprocess.run([sys.executable, '-c', {BURN!r}])"
    sleeping = make_course(tmp_path, "import time\ntime.sleep(2)")
    idle, _ = measure(the_lesson(sleeping), tmp_path)
    (tmp_path / "busy").mkdir()
    busy, _ = measure(the_lesson(make_course(tmp_path / "busy", BURN, child)), tmp_path)
    assert busy["cpu_seconds"] >= 3.0
    assert busy["cpu_seconds"] - idle["cpu_seconds"] >= 2.0  # 3 s were burnt


def test_a_live_cell_is_measured_under_its_name(tmp_path: Path) -> None:
    course = make_course(tmp_path, BURN, f'progress="05-live"\n{BURN}')
    cost, _ = measure(the_lesson(course), tmp_path)
    assert 1.4 < cost["05-live"] < cost["cpu_seconds"] - 1.4
    assert budget_values(the_lesson(course), cost)["live"] == "5 seconds"
    assert budget_values(the_lesson(course), {})["live"] == NOT_MEASURED


BUTTON = """\
import time
from helpers.explorers.controls import live_run
from helpers.explorers.lesson_00 import quilt_picture
def steps(should_stop):
    end = time.process_time() + 1.5
    while time.process_time() < end: pass
    block = bytearray(300 * 2**20)
    yield {result}
live_run(steps, lambda done: quilt_picture(tiles=10), total=1, progress="05-run")
"""


def make_button(root: Path, result: str) -> Lesson:
    course = make_course(root, "1", BUTTON.format(result=result))
    page = course.lessons / "05-cost.md"
    page.write_text(
        page.read_text().replace("ipython3\nimport", "ipython3\n:tags: [explorer]\n\nimport")
    )
    return the_lesson(course)


def test_a_run_button_is_pressed_and_measured_apart(tmp_path: Path) -> None:
    lesson = make_button(tmp_path, "1")
    without, _ = measure(lesson, ROOT / "notebooks", buttons=False)
    cost, _ = measure(lesson, ROOT / "notebooks")
    assert "05-run" not in without
    assert 1.4 < cost["05-run"] < 10
    assert abs(cost["cpu_seconds"] - without["cpu_seconds"]) < 1.4
    assert abs(cost["memory_mb"] - without["memory_mb"]) < 200
    assert budget_values(lesson, cost)["live"] == NOT_MEASURED  # it counts what runs with the page


def test_a_run_button_that_fails_fails_the_measurement(tmp_path: Path) -> None:
    lesson = make_button(tmp_path, "1 / 0")
    with pytest.raises(
        CellError, match=r"the Run button '05-run': AssertionError: .*division"
    ) as e:
        measure(lesson, ROOT / "notebooks")
    assert "live_run" in lesson.cells[e.value.index].source


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.1, "5 seconds"), (21.2, "25 seconds"), (90, "90 seconds"),
                          (91, "2 minutes"), (129.1, "2.5 minutes")]
)  # fmt: skip
def test_times_are_rounded_up(seconds: float, said: str) -> None:
    assert rounded_seconds(seconds) == said


def test_every_live_cell_of_a_lesson_has_its_time() -> None:
    recorded = COURSE.measured()
    named = {stem: LIVE.findall((COURSE.lessons / f"{stem}.md").read_text()) for stem in STEMS}
    assert any(named.values())
    for stem, names in named.items():
        assert {key for key in recorded.get(stem, {}) if key[0].isdigit()} == set(names)


def test_memory_is_the_peak_of_kernel_and_children(tmp_path: Path) -> None:
    hold = "import time; block = bytearray(200 * 2**20); time.sleep(1)"
    child = f"import subprocess, sys\n_ = subprocess.run([sys.executable, '-c', {hold!r}])"
    cost, _ = measure(the_lesson(make_course(tmp_path, child)), tmp_path)
    assert 200 < cost["memory_mb"] < 400
    forked = """import os, time
block = bytearray(200 * 2**20)
child = os.fork()
if child == 0:
    {more}
    time.sleep(1)
    os._exit(0)
os.waitpid(child, 0)"""  # as each program is for a moment, before it is another one
    for more, (low, high) in {"pass": (200, 400), "own = b'x' * (200 * 2**20)": (400, 600)}.items():
        (tmp_path / str(low)).mkdir()
        made = make_course(tmp_path / str(low), forked.format(more=more))
        assert low < measure(the_lesson(made), tmp_path)[0]["memory_mb"] < high, more
    freed = "block = bytearray(200 * 2**20)\ndel block"
    (tmp_path / "b").mkdir()
    cost, _ = measure(the_lesson(make_course(tmp_path / "b", freed)), tmp_path)
    assert 200 < cost["memory_mb"] < 400


def test_limits_come_from_the_front_matter(tmp_path: Path) -> None:
    usual = the_lesson(make_course(tmp_path, "1"))
    assert usual.limits == {"cpu_seconds": 60, "memory_mb": 500}
    assert over_limit(usual, {"cpu_seconds": 60, "memory_mb": 500}) == []
    assert over_limit(usual, {"cpu_seconds": 61, "memory_mb": 501}) == [
        "61 s of processor time, 60 allowed",
        "501 MB, 500 allowed",
    ]
    (tmp_path / "more").mkdir()
    heavy = make_course(tmp_path / "more", "1", limits="{cpu_seconds: 120, memory_mb: 1200}")
    assert over_limit(the_lesson(heavy), {"cpu_seconds": 119, "memory_mb": 1199}) == []


def test_the_command_records_and_fails_above_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = make_course(tmp_path, BURN, limits="{cpu_seconds: 1}")
    old = {"05-cost": {"cpu_seconds": 0.1, "memory_mb": 1}, "99-lost": {"cpu_seconds": 1.0}}
    (course.lessons / "budget.json").write_text(json.dumps(old))
    assert main(["05"], course) == 1  # without --record the file stays
    assert json.loads((course.lessons / "budget.json").read_text()) == old
    assert "over budget" in capsys.readouterr().out
    assert main(["--record"], course) == 1
    recorded = json.loads((course.lessons / "budget.json").read_text())
    assert set(recorded) == {"05-cost"}
    assert recorded["05-cost"]["cpu_seconds"] > 1.5


def test_a_failing_cell_and_a_wrong_name_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = make_course(tmp_path, "x = 1\n1 / 0")
    assert main([], course) == 1
    assert "lessons/05-cost.md:14: ZeroDivisionError" in capsys.readouterr().err
    assert main(["77"], course) == 2


# The real lessons --------------------------------------------------------------------------------


@pytest.mark.parametrize("stem", STEMS)
def test_recorded_cost_is_within_the_limits(stem: str) -> None:
    lesson = parse(COURSE.lessons / f"{stem}.md")
    if lesson.code:
        recorded = COURSE.measured().get(stem)
        assert recorded is not None, f"never measured: course budget --record {stem}"
        assert over_limit(lesson, recorded) == []
