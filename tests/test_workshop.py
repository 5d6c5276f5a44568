"""What a class gets has no solution in it, what its instructor keeps has all of them."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_output

from helpers._ground import ROOT
from helpers.authoring.course import Course, draft
from helpers.authoring.lesson import Lesson, parse
from helpers.authoring.notebook import assemble, code_cells, stamp, write
from helpers.authoring.questions import asked
from helpers.authoring.runsheet import read_plans
from helpers.course import cli, workshop

COURSE = Course.at(ROOT)
SHOWN = "what the cell printed"
STEM = "02-fit-sample-repeat"
STEMS = [stem for stem in COURSE.stems() if stem[0].isdigit()]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """One lesson and one page as they are, with a notebook in which every cell has an output."""
    course = Course(tmp_path_factory.mktemp("course"), ROOT / "helpers")
    course.notebooks.mkdir()
    shutil.copytree(COURSE.lessons, course.lessons)
    for stem in (STEM, "notation"):
        ready = draft(course, stem)
        notebook = assemble(ready.lesson, ready.sources)
        for cell in code_cells(notebook):
            cell.outputs = [new_output("stream", text=SHOWN)]
        stamp(ready.lesson, notebook, "")
        (course.notebooks / f"{stem}.ipynb").write_text(write(notebook), encoding="utf-8")
    return course


@pytest.fixture(scope="module")
def kit(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit") / "monday"
    names = workshop.make_workshop(course, [STEM, "notation"], folder)
    there = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    assert names == sorted(there)
    return folder


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return parse(COURSE.lessons / f"{STEM}.md")


def cells(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


def solutions(lesson: Lesson) -> list[str]:
    return [cell.source for cell in lesson.cells if "solution" in cell.tags]


def names_of(source: str) -> set[str]:
    return {word for word in source.replace("(", " ").split() if word.startswith("solution_")}


def test_a_class_gets_no_solution(kit: Path, lesson: Lesson) -> None:
    given = cells(kit / "class" / f"{STEM}.ipynb")
    text = (kit / "class" / f"{STEM}.ipynb").read_text(encoding="utf-8")
    wanted = solutions(lesson)
    assert len(wanted) == 2
    assert "# Solution" not in text
    for source in wanted:
        assert names_of(source)
        assert not [name for name in names_of(source) if name in text]
    away = [cell for cell in given if cell["source"] == [workshop.AWAY]]
    assert [cell["cell_type"] for cell in away] == ["markdown"] * len(wanted)


def test_and_no_output_that_answers_but_everything_else(kit: Path, lesson: Lesson) -> None:
    given = cells(kit / "class" / f"{STEM}.ipynb")
    kept = cells(kit / "key" / f"{STEM}.ipynb")
    assert len(given) == len(kept) == len(lesson.cells)
    for mine, theirs, cell in zip(given, kept, lesson.cells, strict=True):
        if "solution" not in cell.tags:
            assert (mine["cell_type"], mine["source"]) == (theirs["cell_type"], theirs["source"])
        if "reveal" in cell.tags:
            assert (mine["outputs"], len(theirs["outputs"])) == ([], 1)
    outputs = [cell.get("outputs") for cell in given]
    asked_at = next(n for n, cell in enumerate(lesson.cells) if "predict" in cell.tags)
    assert any(outputs[:asked_at]), "what comes before the first question is shown"


def test_the_key_has_all(kit: Path, course: Course, lesson: Lesson) -> None:
    published = (course.notebooks / f"{STEM}.ipynb").read_bytes()
    assert (kit / "key" / f"{STEM}.ipynb").read_bytes() == published
    key = (kit / "key" / "answers.md").read_text(encoding="utf-8")
    for source in solutions(lesson):
        assert source.removeprefix("# Solution").strip() in key
    quizzes = [quiz for cell in lesson.code for quiz in asked(cell)]
    assert quizzes
    for quiz in quizzes:
        assert f"(`{quiz.key}`)" in key
    tickets = (kit / "key" / "tickets.md").read_text(encoding="utf-8")
    for plan in read_plans(COURSE.lessons).values():
        assert all(question in tickets for question in plan.said["ticket"])


def test_slides_have_all_that_they_need_and_no_solution(kit: Path, lesson: Lesson) -> None:
    folder = kit / "slides"
    assert [path.name for path in folder.glob("*.html")] == [f"{STEM}.html"]
    text = (folder / f"{STEM}.html").read_text(encoding="utf-8")
    needed = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(needed) >= 4
    assert all((folder / name).is_file() for name in needed)
    assert "MIT" in (folder / "reveal" / "LICENSE").read_text(encoding="utf-8")
    assert f"<title>02 {lesson.course['title']}</title>" in text
    for source in solutions(lesson):
        assert not [name for name in names_of(source) if name in text]


@pytest.mark.parametrize("stem", STEMS)
def test_nothing_else_of_a_lesson_needs_its_solutions(stem: str) -> None:
    lesson = parse(COURSE.lessons / f"{stem}.md")
    for name in set().union(*map(names_of, solutions(lesson))):
        others = [cell for cell in lesson.cells if "solution" not in cell.tags]
        assert not [cell.line for cell in others if name in cell.source], name


def state(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_writes_into_its_folder_only(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(course.root)
    folder = tmp_path / "a" / "kit"
    assert workshop.main([f"--workshop={folder}", STEM[:2]], course) == 0
    said = capsys.readouterr().out
    made = [path for path in folder.rglob("*") if path.is_file()]
    assert said == f"{folder}: {len(made)} files. Give out class/, show slides/, keep key/.\n"
    assert [path.name for path in folder.parent.iterdir()] == ["kit"]
    assert state(course.root) == before


def test_what_is_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("years of work")
    assert cli.main(["build", "--workshop", str(tmp_path), STEM]) == 2
    assert "FOLDER must be new or empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_no_folder_of_the_course_is_taken(course: Course) -> None:
    with pytest.raises(ValueError, match="FOLDER must lie outside notebooks/"):
        workshop.make_workshop(course, [STEM], course.notebooks / "class")
    assert not (course.notebooks / "class").exists()


def test_an_empty_folder_may_be_named(course: Course, tmp_path: Path) -> None:
    assert workshop.make_workshop(course, ["notation"], tmp_path)
    there = {path.name for path in tmp_path.iterdir()}
    assert there == {"class", "key"}, "a page without a number has no slides"


def test_a_notebook_of_another_lesson_is_not_given_out(course: Course, tmp_path: Path) -> None:
    changed = Course(tmp_path / "course", course.helpers)
    shutil.copytree(course.root, changed.root)
    with (changed.lessons / f"{STEM}.md").open("a", encoding="utf-8") as file:
        file.write("\nOne more sentence.\n")
    with pytest.raises(ValueError, match=f"is not what its lesson says: course build {STEM}"):
        workshop.make_workshop(changed, ["notation", STEM], tmp_path / "kit")
    (changed.notebooks / f"{STEM}.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{STEM}\.ipynb is not a notebook"):
        workshop.make_workshop(changed, ["notation", STEM], tmp_path / "kit")
    assert [path.name for path in tmp_path.iterdir()] == ["course"]
