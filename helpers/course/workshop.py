"""`course build --workshop FOLDER`: what a class gets, and what stays with its instructor.

    FOLDER/class/NN-slug.ipynb   without solutions, and without outputs that tell an answer
    FOLDER/key/NN-slug.ipynb     as published, with both
    FOLDER/slides/NN-slug.html   slides of a lesson, for any browser, without solutions
    FOLDER/key/answers.md        solutions, known misses and quiz keys, lesson by lesson
    FOLDER/key/tickets.md        the exit tickets of the plans, to be printed

It is made of notebooks that are built already: no kernel starts, and nothing outside FOLDER is
written.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from helpers._ground import ROOT, write_whole
from helpers.authoring.course import Course
from helpers.authoring.instructors import answers
from helpers.authoring.lesson import Lesson, parse
from helpers.authoring.notebook import made_of, read_notebook
from helpers.authoring.runsheet import read_plans
from helpers.book.slides import write_slides
from helpers.course.desk import untold

AWAY = "*The solution is with your instructor.*"
OURS = ("notebooks", "lessons", "helpers", "tests")  # folders of the course that stay as they are


def make_workshop(course: Course, stems: Iterable[str], folder: Path) -> list[str]:
    """Write the kit of the lessons and pages `stems`; the names of its files, sorted.

    Raises ValueError, before anything is written, where `folder` holds something or belongs to the
    course, and for a notebook that is not what its lesson says. The folder is there whole or not at
    all.
    """
    folder = folder.absolute()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ValueError(f"FOLDER must be new or empty, and {folder} is not")
    for name in OURS:
        if folder.resolve().is_relative_to((course.root / name).resolve()):
            raise ValueError(f"FOLDER must lie outside {name}/ of the course, got {folder}")
    ready = [_ready(course, stem) for stem in stems]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".workshop-") as made:
        kit = Path(made, folder.name)
        for name, text in _files(course, ready):
            (kit / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(kit / name, text)
        _write_slides(course, ready, kit / "slides")
        names = [path.relative_to(kit).as_posix() for path in kit.rglob("*") if path.is_file()]
        if folder.exists():
            folder.rmdir()
        shutil.move(kit, folder)
    return sorted(names)


def _ready(course: Course, stem: str) -> tuple[Lesson, str]:
    """A lesson and the text of its notebook."""
    lesson = parse(course.lessons / f"{stem}.md", f"lessons/{stem}.md")
    path = course.notebooks / f"{stem}.ipynb"
    notebook = read_notebook(path)
    if notebook is None or not made_of(lesson, notebook):
        raise ValueError(f"notebooks/{stem}.ipynb is not what its lesson says: course build {stem}")
    return lesson, path.read_text(encoding="utf-8")


def _write_slides(course: Course, ready: list[tuple[Lesson, str]], folder: Path) -> None:
    """Slides of the lessons; a page without a number has none."""
    taught = [
        (lesson.stem, f"{lesson.number} {lesson.course.get('title', '')}", notebook)
        for lesson, _ in ready
        if lesson.number and (notebook := read_notebook(course.notebooks / f"{lesson.stem}.ipynb"))
    ]
    if taught:
        folder.mkdir(parents=True)
        write_slides(taught, folder)


def _files(course: Course, ready: list[tuple[Lesson, str]]) -> Iterator[tuple[str, str]]:
    for lesson, text in ready:
        name = f"{lesson.stem}.ipynb"
        given = json.dumps(for_class(json.loads(text)), ensure_ascii=False, indent=1)
        yield f"class/{name}", f"{given}\n"
        yield f"key/{name}", text
    taught = [lesson for lesson, _ in ready if lesson.number]
    if taught:
        yield (
            "key/answers.md",
            "".join(
                f"# {lesson.number} {lesson.course.get('title', '')}\n\n{answers(lesson)}\n\n"
                for lesson in taught
            ),
        )
    tickets = [
        f"# {plan.said['title']}: exit ticket\n\nThree minutes, on paper, without names.\n\n"
        + "".join(f"{n}. {question}\n\n" for n, question in enumerate(plan.said["ticket"], start=1))
        for plan in read_plans(course.lessons).values()
    ]
    yield "key/tickets.md", "\n".join(tickets)


def for_class(notebook: dict[str, Any]) -> dict[str, Any]:
    """A copy of `notebook` without solutions, and without what a learner's copy leaves out."""
    given = untold(copy.deepcopy(notebook))
    given["metadata"].pop("course", None)  # its hashes are those of the published page
    for cell in given["cells"]:
        if "solution" in cell.get("metadata", {}).get("tags", []):
            for key in ("outputs", "execution_count"):
                cell.pop(key, None)
            cell |= {"cell_type": "markdown", "metadata": {}, "source": [AWAY]}
    return given


def main(argv: Sequence[str], course: Course | None = None) -> int:
    """`course build --workshop FOLDER`; returns 0, or 2 when it cannot be made."""
    parser = argparse.ArgumentParser(
        "course build",
        description="Notebooks without solutions, slides, and a key; nothing is built.",
    )
    parser.add_argument("stem", nargs="*", help="lessons, such as 02 (default: all)")
    parser.add_argument("--workshop", metavar="FOLDER", type=Path, required=True, help="new")
    options = parser.parse_args(argv)
    course = course or Course.at(ROOT)
    try:
        made = make_workshop(course, course.stems(options.stem), options.workshop)
    except ValueError as error:
        print(f"course build --workshop: {error}", file=sys.stderr)
        return 2
    print(f"{options.workshop}: {len(made)} files. Give out class/, show slides/, keep key/.")
    return 0
