"""`course build --check`: do notebooks and lessons agree? No kernel runs, nothing is written.

That the stored outputs are what the code prints is nbval's to prove; here it is only seen that
every cell was executed, in order, under the helpers of today, and that no output holds an error, a
machine's path or a bare image.
"""

from __future__ import annotations

from collections.abc import Iterable

from nbformat import NotebookNode

from helpers.authoring.course import Course, Draft, draft
from helpers.authoring.fingerprint import fingerprint
from helpers.authoring.front import LessonError
from helpers.authoring.lesson import parse
from helpers.authoring.notebook import (
    assemble,
    code_cells,
    edited_by_hand,
    output_problems,
    read_notebook,
    stamp,
    write,
)


def check(course: Course, stem: str) -> list[str]:
    """Everything wrong with one lesson and its notebook, one line each; empty when all is well."""
    try:
        ready = draft(course, stem)
    except LessonError as error:
        return str(error).split("\n")
    lesson, name = ready.lesson, f"notebooks/{stem}.ipynb"
    found = [f"{lesson.name}:{p.line}: {p.message}" for p in ready.problems]
    try:
        notebook = read_notebook(course.notebooks / f"{stem}.ipynb")
    except ValueError as error:
        return [*found, f"notebooks/{error}"]
    if notebook is None:
        return [*found, f"{name}: not built yet: run `course build {stem}`"]
    wanted = assemble(lesson, ready.sources)
    drift = list(_drift(ready, wanted, notebook))
    found += [f"{name}: {message}" for message in [*drift, *_execution(notebook)]]
    if not drift:
        for made, cell in zip(notebook.cells, wanted.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = made.outputs, made.execution_count
        stamp(lesson, wanted, notebook.metadata.get("course", {}).get("helpers_sha256", ""))
        if write(wanted) != (course.notebooks / f"{stem}.ipynb").read_text(encoding="utf-8"):
            found.append(
                f"{name}: not as the build writes it (the lesson changed, or the notebook was "
                f"saved from JupyterLab): run `course build {stem}`"
            )
    if not drift and stale(course, stem):
        found.append(f"{name}: older helpers made its outputs: run `course build {stem}`")
    return found


def _drift(ready: Draft, wanted: NotebookNode, notebook: NotebookNode) -> Iterable[str]:
    """Where the notebook's cells are not those of its lesson: the first place is enough."""
    name, command = ready.lesson.name, f"course build {ready.lesson.stem}"
    if edited_by_hand(notebook):
        yield f"edited by hand: move the edits into {name}, then run `{command} --force`"
        return
    have_cells, want_cells = len(notebook.cells), len(wanted.cells)
    if have_cells != want_cells:
        yield f"has {have_cells} cells, its lesson {want_cells}: run `{command}`"
        return
    for cell, want, have in zip(ready.lesson.cells, wanted.cells, notebook.cells, strict=True):
        for part in ("cell_type", "source", "metadata", "id"):
            if want[part] != have.get(part):
                yield f"the {part} of cell {cell.id} is not that of {name}:{cell.line}: `{command}`"
                return


def _execution(notebook: NotebookNode) -> Iterable[str]:
    cells = code_cells(notebook)
    counts = [cell.execution_count for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        yield f"execution counts are {counts}, not 1 to {len(cells)} in order"
    for cell in cells:
        for message in output_problems(cell):
            yield f"cell {cell.get('id')}: {message}"


def stale(course: Course, stem: str) -> bool:
    """Whether helpers or results that the lesson uses have changed since its outputs were made."""
    notebook = read_notebook(course.notebooks / f"{stem}.ipynb")
    lesson = parse(course.lessons / f"{stem}.md", f"lessons/{stem}.md")
    made = notebook.metadata.get("course", {}) if notebook else {}
    return bool(made.get("helpers_sha256") != fingerprint(lesson, course.helpers))


def orphans(course: Course) -> list[str]:
    """Notebooks without a lesson."""
    lessons = {path.stem for path in course.lessons.glob("*.md")}
    return sorted(p.name for p in course.notebooks.glob("*.ipynb") if p.stem not in lessons)
