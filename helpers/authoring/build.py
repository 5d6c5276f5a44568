"""`course build`: lessons/*.md to executed notebooks/*.ipynb, one way only.

A notebook is the lesson's cells, its references filled in, and the outputs of a run on one thread.
Rebuilding an unchanged lesson gives the same bytes. Outputs are made anew only when the code of the
lesson changed, when helpers or results that it uses changed, or on `--force`. A notebook that was
edited by hand is never overwritten without `--force`. `--check` is in `check`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode

from helpers._ground import ROOT, write_whole
from helpers.authoring.check import check, orphans, stale
from helpers.authoring.course import Course, draft
from helpers.authoring.execute import CellError, execute, normalise
from helpers.authoring.fingerprint import fingerprint
from helpers.authoring.front import LessonError, Problem
from helpers.authoring.lesson import Lesson
from helpers.authoring.notebook import (
    GUARD,
    assemble,
    code_cells,
    edited_by_hand,
    guarded,
    output_problems,
    outputs_hash,
    read_notebook,
    stamp,
    write,
)
from helpers.authoring.pages import make_pages, page_problems
from helpers.authoring.questions import all_quizzes, spread
from helpers.authoring.runsheet import plan_problems


def build(course: Course, stem: str, *, force: bool = False) -> str:
    """Build one lesson; says in a word what was done: "current", "written" or "executed".

    Raises LessonError when the lesson has a fatal problem, a cell fails or writes to stderr, or the
    notebook was edited by hand (unless `force`). The notebook is replaced whole or not at all.
    """
    ready = draft(course, stem)
    lesson = ready.lesson
    fatal = [problem for problem in ready.problems if problem.fatal]
    if fatal:
        raise LessonError(lesson.name, fatal)
    path = course.notebooks / f"{stem}.ipynb"
    old = read_notebook(path)
    if old is not None and not force and edited_by_hand(old):
        message = (
            f"notebooks/{stem}.ipynb was edited by hand since it was built: move the edits "
            f"into {lesson.name}, then run `course build --force {stem}`"
        )
        raise LessonError(lesson.name, [Problem(1, message)])
    used = fingerprint(lesson, course.helpers)
    notebook = assemble(lesson, ready.sources)
    if force or not _reuse(old, notebook, used):
        done = "executed"
        _execute(lesson, notebook, course.notebooks)
    else:
        done = "written"
    stamp(lesson, notebook, used)
    text = write(notebook)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return "current" if done == "written" else done
    course.notebooks.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return done


def _execute(lesson: Lesson, notebook: NotebookNode, where: Path) -> None:
    try:
        execute(notebook, where, title=lesson.stem)
    except CellError as failure:
        cell = lesson.cells[failure.index]
        number = sum(c.kind == "code" for c in lesson.cells[: failure.index + 1])
        ours = GUARD.count("\n") if failure.index == guarded(lesson) else 0
        line = cell.line + max(0, failure.line - ours)
        problem = Problem(line, f"code cell {number} ({cell.id}): {failure}")
        raise LessonError(lesson.name, [problem]) from None
    problems = []
    for cell, node in zip(lesson.cells, notebook.cells, strict=True):
        if node.cell_type == "code":
            normalise(node)
            problems += [Problem(cell.line, message) for message in output_problems(node)]
    if problems:
        raise LessonError(lesson.name, problems)


def _reuse(old: NotebookNode | None, notebook: NotebookNode, used: str) -> bool:
    """Take over the old outputs, if the same code under the same helpers made them."""
    if old is None:
        return False
    made = old.metadata.get("course", {})
    if made.get("helpers_sha256") != used or made.get("outputs_sha256") != outputs_hash(old):
        return False
    before, after = code_cells(old), code_cells(notebook)
    if _code(before) != _code(after):
        return False
    for cell, target in zip(before, after, strict=True):
        target.outputs, target.execution_count = cell.outputs, cell.execution_count
    return True


def _code(cells: Sequence[NotebookNode]) -> list[tuple[str, list[str]]]:
    return [(cell.source, cell.metadata.get("tags", [])) for cell in cells]


def main(argv: Sequence[str] | None = None, course: Course | None = None) -> int:
    """`course build`; returns 0, or 1 when a lesson is wrong, 2 when the command is."""
    parser = argparse.ArgumentParser(
        "course build",
        description="Lessons to executed notebooks.",
        epilog="course build --workshop FOLDER [stem ...]: for a class, notebooks without "
        "solutions, and a key.",
    )
    parser.add_argument("stem", nargs="*", help="lessons, such as 02 or notation (default: all)")
    parser.add_argument(
        "--force", action="store_true", help="execute again, and overwrite edits made by hand"
    )
    parser.add_argument(
        "--check", action="store_true", help="compare notebooks with lessons, without a kernel"
    )
    parser.add_argument(
        "--stale", action="store_true", help="list notebooks that older helpers made"
    )
    options = parser.parse_args(argv)
    course = course or Course.at(ROOT)
    try:
        stems = course.stems(options.stem)
        old = [stem for stem in stems if stale(course, stem)] if options.stale else []
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if options.stale:
        print("\n".join(old) or "none is stale")
        return 0
    if options.check:
        return _check_all(course, stems, everything=not options.stem)
    failed = 0
    for stem in stems:
        try:
            print(f"{stem}: {build(course, stem, force=options.force)}", flush=True)
        except ValueError as error:
            failed += 1
            print(f"{stem}: NOT BUILT\n{error}", file=sys.stderr, flush=True)
    if not failed:  # then all of them could be read
        for name in make_pages(course.root):
            print(f"{name}: written")
    return 1 if failed else 0


def _check_all(course: Course, stems: list[str], *, everything: bool) -> int:
    messages = [message for stem in stems for message in check(course, stem)]
    if everything:
        messages += [
            f"notebooks/{name}: no lesson makes this notebook: delete it"
            for name in orphans(course)
        ]
        try:
            messages += [*page_problems(course.root), *plan_problems(course.lessons)]
        except LessonError as error:  # of a lesson whose own check has said so already
            messages += [line for line in str(error).split("\n") if line not in messages]
        messages += spread(all_quizzes(course.lessons))
    if messages:
        print("\n".join(messages))
        return 1
    print(f"{len(stems)} notebooks match their lessons and helpers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
