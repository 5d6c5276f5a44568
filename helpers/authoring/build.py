"""`course build`: lessons/*.md to executed notebooks/*.ipynb, one way only.

A notebook is the lesson's cells, its references filled in, and the outputs of one run on one thread.
Rebuilding an unchanged lesson gives the same bytes. Outputs are made anew only when the code of the
lesson changed, when helpers or results that it uses changed, or on `--force`. A notebook that was
edited by hand is never overwritten without `--force`. `--check` runs no kernel: that the outputs are
still what the code prints is nbval's to prove.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from helpers.authoring.execute import CellFailed, execute, normalise, notebook_of
from helpers.authoring.fingerprint import fingerprint
from helpers.authoring.lesson import Lesson, LessonError, Problem, parse
from helpers.authoring.references import References
from helpers.authoring.rules import validate

ROOT = Path(__file__).resolve().parents[2]
IGNORED_BY_NBVAL = {"predict", "quiz", "explorer"}  # tags of cells whose output is not compared
FOLDED_SOURCE, FOLDED_OUTPUT = {"solution", "hide-input"}, {"reveal"}

_DATA_URI = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s\\]+")
_MACHINE = re.compile(r"(?<![\w.:/+=-])/(?:home|root|Users|tmp|var|private|work|usr|opt|mnt)/[\w.-]+"
                      r"|[A-Z]:\\+Users\\+\w+|\b0x[0-9a-f]{8,}\b")  # fmt: skip
_IMG = re.compile(r"<img\b(?![^>]*\balt\s*=\s*[\"'][^\"']*\S)[^>]*>")


@dataclass(frozen=True)
class Course:
    """Where things are. `helpers` is the package whose files make outputs stale."""

    root: Path
    helpers: Path

    @classmethod
    def at(cls, root: Path) -> Course:
        return cls(root, root / "helpers")

    @property
    def lessons(self) -> Path:
        return self.root / "lessons"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def results(self) -> Path:
        return self.helpers / "results"

    def measured(self) -> dict[str, dict[str, float]]:
        """lessons/budget.json: lesson stem -> {"cpu_seconds", "memory_mb"}; empty when there is none."""
        path = self.lessons / "budget.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def stems(self, wanted: Sequence[str] = ()) -> list[str]:
        """All lessons, sorted, or those named: "02", "02-fit-sample-repeat" or a path to it.

        Raises ValueError for a name that no lesson has.
        """
        known = sorted(path.stem for path in self.lessons.glob("*.md"))
        if not known:
            raise ValueError(
                f"no lessons under {self.lessons}: build works in a checkout of the course"
            )
        found = []
        for name in wanted:
            stem = Path(name).name.removesuffix(".md").removesuffix(".ipynb")
            matches = [s for s in known if s == stem or s.startswith(f"{stem}-")]
            if len(matches) != 1:
                raise ValueError(
                    f"no single lesson is called {name!r}; there are {', '.join(known)}"
                )
            found += matches
        return sorted(set(found)) if wanted else known


@dataclass(frozen=True)
class Draft:
    """A lesson ready to become a notebook: its cells' texts with references filled, and what is wrong."""

    lesson: Lesson
    sources: list[str]
    problems: list[Problem]


def draft(course: Course, stem: str) -> Draft:
    """Parse, fill and validate one lesson. Raises LessonError when it cannot even be parsed."""
    lesson = parse(course.lessons / f"{stem}.md", f"lessons/{stem}.md")
    problems = validate(lesson, course.notebooks)
    references = References(lesson, course.results, course.measured().get(stem, {}))
    sources = []
    for cell in lesson.cells:
        filled, wrong = (
            references.fill(cell.source, cell.line)
            if cell.kind == "markdown"
            else (cell.source, [])
        )
        sources.append(filled)
        problems += wrong
    return Draft(lesson, sources, sorted(problems))


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
    if (
        old is not None
        and not force
        and old.metadata.get("course", {}).get("built_sha256") != sources_hash(old)
    ):
        message = (f"notebooks/{stem}.ipynb was edited by hand since it was built: move the edits into "
                   f"{lesson.name}, then run `course build --force {stem}`")  # fmt: skip
        raise LessonError(lesson.name, [Problem(1, message)])
    used = fingerprint(lesson, course.helpers)
    notebook = _assemble(ready)
    if force or not _reuse(old, notebook, used):
        done = "executed"
        _execute(lesson, notebook, course.notebooks)
    else:
        done = "written"
    _stamp(lesson, notebook, used)
    text = write(notebook)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return "current" if done == "written" else done
    course.notebooks.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".ipynb.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)
    return done


def _assemble(ready: Draft) -> NotebookNode:
    """The notebook without outputs: tags as the author wrote them, and what follows from them."""
    notebook = notebook_of(ready.lesson.cells, ready.sources)
    for cell in notebook.cells:
        tags = list(cell.metadata.get("tags", []))
        if IGNORED_BY_NBVAL & set(tags) and "nbval-ignore-output" not in tags:
            cell.metadata["tags"] = [*tags, "nbval-ignore-output"]
        folded = {}
        if FOLDED_SOURCE & set(tags):
            folded["source_hidden"] = True
        if FOLDED_OUTPUT & set(tags):  # JupyterLab unfolds the output when the cell is run
            folded["outputs_hidden"] = True
        if folded:
            cell.metadata["jupyter"] = {**cell.metadata.get("jupyter", {}), **folded}
    return notebook


def _execute(lesson: Lesson, notebook: NotebookNode, where: Path) -> None:
    try:
        execute(notebook, where, title=lesson.stem)
    except CellFailed as failure:
        cell = lesson.cells[failure.index]
        number = sum(c.kind == "code" for c in lesson.cells[: failure.index + 1])
        problem = Problem(cell.line + failure.line, f"code cell {number} ({cell.id}): {failure}")
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
    stamp = old.metadata.get("course", {})
    if stamp.get("helpers_sha256") != used or stamp.get("outputs_sha256") != outputs_hash(old):
        return False
    before, after = _code_cells(old), _code_cells(notebook)
    if [(c.source, c.metadata.get("tags")) for c in before] != [
        (c.source, c.metadata.get("tags")) for c in after
    ]:
        return False
    for made, cell in zip(before, after, strict=True):
        cell.outputs, cell.execution_count = made.outputs, made.execution_count
    return True


def _stamp(lesson: Lesson, notebook: NotebookNode, used: str) -> None:
    notebook.metadata["course"] = {
        "source": lesson.name,
        "source_sha256": hashlib.sha256(lesson.text.encode()).hexdigest(),
        "helpers_sha256": used,
        "built_sha256": sources_hash(notebook),
        "outputs_sha256": outputs_hash(notebook),
    }


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def sources_hash(notebook: NotebookNode) -> str:
    """Hash of what a person may edit: kind, text and tags of every cell, in order."""
    return _hash([[c.cell_type, c.source, c.metadata.get("tags", [])] for c in notebook.cells])


def outputs_hash(notebook: NotebookNode) -> str:
    """Hash of every code cell's outputs and execution count."""
    return _hash([[c.execution_count, c.outputs] for c in _code_cells(notebook)])


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def read_notebook(path: Path) -> NotebookNode | None:
    """The notebook at `path`, None when there is none. Raises ValueError when it is not a notebook."""
    if not path.is_file():
        return None
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except Exception as error:  # nbformat raises half a dozen kinds, none of them its own base
        raise ValueError(
            f"{path.name} is not a notebook ({error}); delete it and build again"
        ) from None


def write(notebook: NotebookNode) -> str:
    """The text of a valid notebook, always the same for the same notebook."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


# Checks that need no kernel ---------------------------------------------------------------------


def output_problems(cell: NotebookNode) -> list[str]:
    """What is wrong with the outputs of one executed code cell."""
    found = []
    for output in cell.outputs:
        if output.output_type == "error" and not {
            "raises-exception",
            "nbval-raises-exception",
        } & set(cell.metadata.get("tags", [])):
            found.append(f"the output is an error: {output.ename}: {output.evalue}")
        if output.output_type == "stream" and output.name == "stderr":
            first = output.text.strip().split("\n")[0][:100]
            found.append(f"writes to stderr, where warnings belong, not results: {first}")
        data = output.get("data", {})
        html = str(data.get("text/html", ""))
        if any(kind.startswith("image/") for kind in data) and "<img" not in html:
            found.append(
                "an image without alt text: show a helpers.plots.Picture, not a bare figure"
            )
        if _IMG.search(_DATA_URI.sub("", html)):
            found.append("an <img> without alt text in the output")
        text = _DATA_URI.sub("", "\n".join(map(str, [output.get("text", ""), *data.values()])))
        if match := _MACHINE.search(text):
            found.append(f"the output holds a path or address of this machine: {match[0]}")
    return found


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
    wanted = _assemble(ready)
    drift = list(_drift(ready, wanted, notebook))
    found += [f"{name}: {message}" for message in [*drift, *_execution(notebook)]]
    if not drift:
        for made, cell in zip(notebook.cells, wanted.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = made.outputs, made.execution_count
        _stamp(lesson, wanted, notebook.metadata.get("course", {}).get("helpers_sha256", ""))
        if write(wanted) != (course.notebooks / f"{stem}.ipynb").read_text(encoding="utf-8"):
            found.append(f"{name}: not as the build writes it (saved from JupyterLab?): "
                         f"run `course build {stem}`")  # fmt: skip
    return found


def _drift(ready: Draft, wanted: NotebookNode, notebook: NotebookNode) -> Iterable[str]:
    """Where the notebook's cells are not those of its lesson: the first place is enough to act on."""
    stem = ready.lesson.stem
    if notebook.metadata.get("course", {}).get("built_sha256") != sources_hash(notebook):
        yield f"edited by hand: move the edits into {ready.lesson.name}, then `course build --force {stem}`"
        return
    if len(wanted.cells) != len(notebook.cells):
        yield f"has {len(notebook.cells)} cells, its lesson {len(wanted.cells)}: run `course build {stem}`"
        return
    for cell, want, have in zip(ready.lesson.cells, wanted.cells, notebook.cells, strict=True):
        for part in ("cell_type", "source", "metadata", "id"):
            if want[part] != have.get(part):
                where = f"{ready.lesson.name}:{cell.line}"
                yield f"the {part} of cell {cell.id} differs from {where}: run `course build {stem}`"
                return


def _execution(notebook: NotebookNode) -> Iterable[str]:
    cells = _code_cells(notebook)
    counts = [cell.execution_count for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        yield f"execution counts are {counts}, not 1 to {len(cells)} in order"
    for cell in cells:
        for message in output_problems(cell):
            yield f"cell {cell.get('id')}: {message}"


def stale(course: Course, stem: str) -> bool:
    """Whether helpers or results that the lesson uses have changed since its outputs were made."""
    notebook = read_notebook(course.notebooks / f"{stem}.ipynb")
    lesson = parse(course.lessons / f"{stem}.md")
    stamp = notebook.metadata.get("course", {}) if notebook else {}
    return stamp.get("helpers_sha256") != fingerprint(lesson, course.helpers)


def orphans(course: Course) -> list[str]:
    """Notebooks without a lesson."""
    lessons = {path.stem for path in course.lessons.glob("*.md")}
    return sorted(p.name for p in course.notebooks.glob("*.ipynb") if p.stem not in lessons)


# The command ------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None, course: Course | None = None) -> int:
    """`course build`; returns 0, or 1 when a lesson is wrong, 2 when the command is."""
    parser = argparse.ArgumentParser("course build", description="Lessons to executed notebooks.")
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
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if options.stale:
        print("\n".join(stem for stem in stems if stale(course, stem)) or "none is stale")
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
    return 1 if failed else 0


def _check_all(course: Course, stems: list[str], *, everything: bool) -> int:
    messages = [message for stem in stems for message in check(course, stem)]
    if everything:
        messages += [
            f"notebooks/{name}: no lesson makes this notebook: delete it"
            for name in orphans(course)
        ]
    if messages:
        print("\n".join(messages))
        return 1
    old = [stem for stem in stems if stale(course, stem)]
    print(f"{len(stems)} notebooks match their lessons")
    if old:  # a note, not an error: nbval proves whether the outputs still hold
        print(f"note: older helpers made the outputs of {', '.join(old)}: run `course build`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
