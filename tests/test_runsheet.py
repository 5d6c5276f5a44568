"""Run sheets: minutes stand in the lessons, and the ninety minutes run on recorded results."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from nbformat.v4 import new_code_cell

from helpers._ground import ROOT
from helpers.authoring import execute
from helpers.authoring.catalogue import catalogue
from helpers.authoring.front import PATHS, LessonError, front_matter, timings
from helpers.authoring.instructors import PARTS, answers, lacking
from helpers.authoring.lesson import Lesson, parse
from helpers.authoring.questions import asked
from helpers.authoring.rules import validate
from helpers.authoring.runsheet import (
    LINES,
    WIDTH,
    Plan,
    main,
    minutes_of,
    plan_problems,
    read_plans,
    sheet,
    shown,
)
from helpers.teaching.exercises import exercises_of

LESSONS = ROOT / "lessons"
STEMS = sorted(path.stem for path in LESSONS.glob("[0-9][0-9]-*.md"))
WORKSHOP = "90min"


def lesson_of(number: str) -> Lesson:
    return parse(next(LESSONS.glob(f"{number}-*.md")))


@pytest.fixture
def lessons(tmp_path: Path) -> Path:
    """The sources of lessons and plans, to be changed."""
    for path in [*LESSONS.glob("*.md"), *LESSONS.glob("*.yaml")]:
        shutil.copy(path, tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# --- minutes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stem", STEMS)
def test_the_minutes_of_a_lesson_are_the_sum_of_its_sections(stem: str) -> None:
    text = (LESSONS / f"{stem}.md").read_text(encoding="utf-8")
    course = front_matter(text, stem)
    assert course["minutes"] == sum(one.minutes for one in timings(course)) >= 30
    assert course["core_minutes"] == sum(one.core for one in timings(course)) >= 15
    written = yaml.safe_load(text.split("---\n")[1])["course"]
    assert not {"minutes", "core_minutes"} & set(written), "typed once"
    assert [p for p in validate(parse(LESSONS / f"{stem}.md"), ROOT / "notebooks")
            if "sections" in p.message] == []  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minutes: 14", "minutes: soon", "One changed line'].minutes must be a whole number of"),
        ("minutes: 14", "minutes: 10", "core takes 11 minutes, more than the 10 of all of it"),
        ("shown: 6", "screens: 6", "unknown key course.sections['One changed line'].screens"),
        ("  sections:", "  minutes: 80\n  sections:", "course.minutes is the sum of"),
        ("late: the guess only", "late: 5", "late must be a line of text, got 5"),
        ("    One changed line:", "    One changed line: 5\n    Another:", "must map headings to"),
    ],
)
def test_wrong_minutes_are_refused_by_name(lessons: Path, old: str, new: str, message: str) -> None:
    path = lessons / "06-replace-or-accumulate.md"
    change(path, old, new)
    with pytest.raises(LessonError) as error:
        parse(path)
    assert message in str(error.value)


def test_sections_and_minutes_belong_together(lessons: Path) -> None:
    path = lessons / "05-language-that-forgets.md"
    course = parse(path).course
    (live,) = [one for one in timings(course) if one.without]
    plain = next(one.heading for one in timings(course) if ":" not in one.heading)
    change(path, f"    {plain}:\n", "    Another word:\n")
    change(path, f"without: [{', '.join(live.without)}]", "without: [ran]")
    found = [p for p in validate(parse(path), ROOT / "notebooks") if "sections" in p.message]
    assert [p.message for p in found] == [
        f"front matter: course.sections {message}"
        for message in (
            f"[{live.heading!r}].without names 'ran', which no cell there does",
            f"has no minutes for {plain!r}",
            "names 'Another word', and no section is called so",
        )
    ]
    assert not any(p.fatal for p in found)


# --- plans -------------------------------------------------------------------------------------


def plans() -> dict[str, Plan]:
    return read_plans(LESSONS)


def test_the_plans_are_sound() -> None:
    assert plan_problems(LESSONS) == []
    assert set(plans()) == {"90min", "half-day", "two-days"}
    assert plans()[WORKSHOP].minutes == 90
    assert plans()[WORKSHOP].lessons() == ["00", "02", "06", "05", "11"]


def test_ninety_minutes_are_on_one_page_and_end_with_a_ticket() -> None:
    text = sheet(plans()[WORKSHOP], catalogue(LESSONS), minutes_of("09:30"))
    lines = text.split("\n")
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH
    assert "09:30 to 11:00" in lines
    rows = [line for line in lines if line[:5].count(":") == 1 and line[:2].isdigit()]
    times = [minutes_of(row[:5]) for row in rows[1:]]
    minutes = [int(row[5:9]) for row in rows[1:]]
    assert times[0] == minutes_of("09:30")
    assert [a + b for a, b in zip(times, minutes, strict=True)] == [*times[1:], minutes_of("11:00")]
    assert "Exit ticket" in rows[-1]
    assert "IF LATE: leave out CUT 1" in text
    assert text.index("EXIT TICKET") > text.index("IF LATE")
    assert lines[-1].startswith(" 3. ")
    for word in ("dice cards", "make lab", "BRING", "BEFORE", "OPEN"):
        assert word in text


def test_a_plan_of_two_days_begins_each_day_anew() -> None:
    text = sheet(plans()["two-days"], catalogue(LESSONS), minutes_of("9:00"))
    assert "Day 1, 09:00 to " in text
    assert "Day 2, 09:00 to " in text
    assert "run the live cell of lesson 05 once" in text, "what must be run before"
    assert "run the live cell" not in sheet(plans()[WORKSHOP], catalogue(LESSONS), 0)


def test_two_days_are_all_of_every_finished_lesson() -> None:
    """A new lesson belongs there, whole, and its plan says so; half a day names what it leaves."""
    plan = plans()["two-days"]
    assert str(plan.said["about"]).startswith("All of every finished lesson")
    whole = {(n, one.heading): one.minutes for n, e in catalogue(LESSONS).items() if e.sections
             for one in e.sections}  # fmt: skip
    taught = {(s.lesson, s.section.heading): s.minutes for s in plan.stops if s.lesson}
    assert taught == whole
    assert {number for number, _ in taught} == {stem[:2] for stem in STEMS}
    half = plans()["half-day"]
    for number in {stem[:2] for stem in STEMS} - set(half.lessons()):
        assert number in str(half.said["about"]), "neither taught nor named as homework"


def test_no_day_of_a_class_runs_on_without_a_break() -> None:
    """Two hours at most, a break or lunch, and so on; the workshop is ninety minutes in one."""
    for plan in plans().values():
        since = 0
        for before, stop in zip([None, *plan.stops], plan.stops, strict=False):
            rests = stop.section.heading in ("Break", "Lunch")
            since = 0 if rests or before is None or before.day != stop.day else since
            since += 0 if rests else stop.minutes
            assert since <= 120, f"{plan.name}: {since} minutes up to {stop.section.heading}"


def test_a_sheet_follows_its_lessons(lessons: Path) -> None:
    change(lessons / "11-learning-from-execution.md", "shown: 5\n      do: Two predictions",
           "shown: 7\n      do: Three predictions")  # fmt: skip
    assert plan_problems(lessons) == ["plans.yaml: 90min: takes 92 minutes, not 90"]
    text = sheet(read_plans(lessons)[WORKSHOP], catalogue(lessons), 0)
    assert "Three predictions" in text
    assert "00:00 to 01:32" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minutes: 90", "minutes: 91", "90min: takes 90 minutes, not 91"),
        ('{lesson: "06", path: shown}', '{lesson: "06", path: seen}', "path must be one of all,"),
        ('{lesson: "06", path: shown}', '{lesson: "15", path: shown}', "lesson must be one whose"),
        ('{lesson: "06", path: shown}', "{lunch: 30}", "stop 4: must be one of lesson (path,"),
        (
            "sections: [The telephone village]",
            "sections: [The village]",
            "no section 'The village'",
        ),
        ("section: What a check lets through", "section: What a check lets", "a cut is no section"),
        ("title: The workshop", "name: The workshop", "the keys may be title, about"),
        ("stops:\n", "stops: [\n", "plans.yaml is not valid YAML"),
    ],
)
def test_what_cannot_be_in_a_plan_is_named(lessons: Path, old: str, new: str, message: str) -> None:
    path = lessons / "plans.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    (found,) = plan_problems(lessons)
    assert message in found


def test_the_command_prints_a_sheet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--plan", "half-day", "--start", "13:15"]) == 0
    said = capsys.readouterr().out
    assert "13:15 to 17:00" in said
    assert main(["--plan", "90min", "--start", "25:00"]) == 2
    assert "start must be a time of day such as 09:30, got '25:00'" in capsys.readouterr().err
    assert main(["--plan", "90min"], Path("/nowhere")) == 2
    assert "run sheets need a checkout" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--plan", "a week"])
    assert "choose from" in capsys.readouterr().err


def test_an_instructor_needs_nothing_that_only_authors_install() -> None:
    program = (
        "import sys\n"
        "for name in ('jupytext', 'nbformat', 'nbclient', 'markdown_it', 'torch', 'numpy'):\n"
        "    sys.modules[name] = None\n"
        "from helpers.course.cli import main\n"
        "sys.exit(main(['runsheet', '--plan', '90min', '--start', '09:30']))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "EXIT TICKET" in answer.stdout


# --- bad wifi, no torch ------------------------------------------------------------------------

PROOF = """
import socket
try:
    import torch
except ImportError as error:
    print("torch:", error)
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
except OSError as error:
    print("network:", error)
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels in which torch cannot be imported, and no socket leaves the machine."""
    fake = tmp_path / "torch"
    fake.mkdir()
    (fake / "__init__.py").write_text('raise ImportError("not in this room")\n')
    offline = ROOT / "tests" / "offline"
    # In front of all, and of the folder that `execute` itself puts in front.
    monkeypatch.setattr(
        execute, "PACKAGE_ROOT", os.pathsep.join(map(str, (tmp_path, offline, ROOT)))
    )


@pytest.mark.parametrize("number", ["00", "02", "05", "06", "11"])
@pytest.mark.usefixtures("bare")
def test_the_workshop_runs_without_torch_and_network(number: str, tmp_path: Path) -> None:
    """The very cells that the plan names, in its order, in one kernel a lesson."""
    lesson = lesson_of(number)
    stops = [stop for stop in plans()[WORKSHOP].stops if stop.lesson == number]
    cells = [cell for stop in stops for cell in shown(lesson, stop.section)]
    assert len(cells) >= 5
    assert not any("slow" in cell.tags for cell in cells)
    assert any("reveal" in cell.tags for cell in cells)
    notebook = execute.notebook_of(cells)
    notebook.cells.insert(0, new_code_cell(PROOF))
    execute.execute(notebook, tmp_path / "notebooks", title=number)
    (proof,) = [output.text for output in notebook.cells[0].outputs]
    assert "torch: not in this room" in proof
    assert "network: " in proof


def test_cells_that_train_are_not_shown() -> None:
    """Else the test above would be no test: the live section of lesson 05 needs torch."""
    lesson = lesson_of("05")
    (live,) = [one for one in timings(lesson.course) if one.without]
    everything = next(s.cells for s in lesson.sections() if s.heading == live.heading)
    sources = [cell.source for cell in shown(lesson, live)]
    assert any("import GPT" in cell.source for cell in everything)
    assert not any("import GPT" in source for source in sources)
    assert any("recorded_page" in source for source in sources)


def test_every_path_has_its_key() -> None:
    for one in timings(lesson_of("02").course):
        assert [one.on(path) for path in PATHS] == [one.minutes, one.core, one.shown]


# --- pages for instructors ---------------------------------------------------------------------


def pages() -> list[Path]:
    return sorted((LESSONS / "instructors").glob("[0-9][0-9]-*.md"))


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.stem)
def test_a_page_for_instructors_has_every_part(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert lacking(text) == []
    lesson = parse(LESSONS / page.name)
    for one in timings(lesson.course):
        assert f"| {one.heading} |" in text
    for quiz in (quiz for cell in lesson.code for quiz in asked(cell)):
        assert f"(`{quiz.key}`)" in text
    for key, exercise in exercises_of(lesson.number or "").items():
        assert f"(`{key}`)" in text
        plain = text.replace(r"]\(", "](")  # a hint that would read as a link
        assert all(miss.hint in plain for miss in exercise.wrong_answers)


@pytest.mark.parametrize("part", PARTS)
def test_a_page_without_a_part_is_found(part: str) -> None:
    text = pages()[0].read_text(encoding="utf-8")
    assert lacking(text.replace(f"## {part}", "## Another")) == [
        f"no part called {part!r}: begin a heading of level 2 with it"
    ]


def test_an_empty_part_is_found() -> None:
    text = "\n".join(f"## {part}\n\n{'word ' * 20}" for part in PARTS)
    assert lacking(text) == []
    thin = text.replace(f"## Exit ticket\n\n{'word ' * 20}", "## Exit ticket\n\nTo do.\n\n")
    assert lacking(thin) == ["2 words under 'Exit ticket'; at least 15"]


def test_answers_come_from_the_lesson() -> None:
    made = answers(lesson_of("06"))
    assert "**A. Synthetic only** (`06-synthetic-only`)" in made
    assert "solution_bandwidth = (1 / 99) ** 0.5" in made
    assert "# Solution" not in made
    assert "- right: **collapse in the other direction**" in made
