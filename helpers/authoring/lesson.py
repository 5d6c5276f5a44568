"""A lesson as its author wrote it: parsed from MyST Markdown, every cell with its line in the file.

What it is: `parse` (file to `Lesson`) and the small records the rest of `authoring` works on. What
it is not: the front matter (`front`), what is code and what is prose (`markdown`), the rules of a
good lesson (`rules`), nor the notebook (`build`). jupytext splits the text into cells; this module
adds line numbers, stable cell ids and error messages that name file and line.
"""

from __future__ import annotations

import ast
import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jupytext.myst import MystMetadataParsingError, myst_to_notebook
from nbformat import ValidationError

from helpers.authoring.front import BUDGET_LIMITS, LessonError, Problem, read_front
from helpers.authoring.markdown import fences, headings

LIVE = re.compile(r"""progress=["'](\d\d-[a-z0-9-]+)["']""")


@dataclass(frozen=True)
class Cell:
    """One cell: `kind` is "markdown" or "code", `line` the line of its first source line."""

    kind: str
    source: str
    line: int
    id: str
    metadata: Mapping[str, Any]

    @property
    def tags(self) -> tuple[str, ...]:
        tags = self.metadata.get("tags", [])
        return tuple(tags) if isinstance(tags, list) else ()

    @property
    def live(self) -> tuple[str, ...]:
        """The names under which lessons/budget.json keeps how long the cell takes."""
        return tuple(LIVE.findall(self.source))

    @property
    def lines(self) -> list[tuple[int, str]]:
        """The source's lines, each with its line number in the lesson file."""
        return list(enumerate(self.source.split("\n"), start=self.line))

    def tree(self) -> ast.Module:
        """The syntax tree of a code cell; empty for what is no Python."""
        try:
            return ast.parse(self.source)
        except SyntaxError:  # a magic, or an error that running the cell will show
            return ast.Module([], [])


@dataclass(frozen=True)
class Section:
    """What stands under one H2 (or under the title, before the first H2): its code cells."""

    heading: str
    line: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Lesson:
    """A parsed lesson. `name` is how messages call its file, `text` the whole file."""

    name: str
    stem: str
    text: str
    course: Mapping[str, Any]
    cells: tuple[Cell, ...]

    @property
    def shape(self) -> str:
        return str(self.course["shape"])

    @property
    def number(self) -> str | None:
        """The two digits a lesson's file name begins with; None for a page."""
        return lesson_number(self.stem)

    @property
    def limits(self) -> dict[str, float]:
        """What the lesson may cost: cpu_seconds and memory_mb, on one thread."""
        return {**BUDGET_LIMITS, **self.course.get("budget", {})}

    @property
    def code(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.kind == "code")

    def headings(self) -> list[tuple[int, int, str]]:
        """Every heading outside code as (line, level, text)."""
        return [
            (cell.line + line, level, text)
            for cell in self.cells
            if cell.kind == "markdown"
            for line, level, text in headings(cell.source)
        ]

    def sections(self) -> list[Section]:
        """The lesson cut at its H2 headings, in order; sections without code have no cells."""
        starts = [(line, text) for line, level, text in self.headings() if level <= 2]
        ends = [line for line, _ in starts[1:]] + [len(self.text.split("\n")) + 1]
        return [
            Section(text, line, tuple(c for c in self.code if line <= c.line < end))
            for (line, text), end in zip(starts, ends, strict=True)
        ]


def lesson_number(stem: str) -> str | None:
    """The number in "02-fit-sample-repeat", as "02"; None when the stem does not begin so."""
    match = re.match(r"(\d\d)-", stem)
    return match[1] if match else None


def parse(path: Path, name: str | None = None) -> Lesson:
    """Read one lesson file.

    Raises LessonError with every problem of its front matter, fences and cell options;
    whether the lesson keeps the rules is for :func:`helpers.authoring.rules.validate`.
    """
    name = name or path.name
    text = path.read_text(encoding="utf-8")
    course, problems = read_front(text)
    problems += _fences(text)
    if problems:
        raise LessonError(name, problems)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jupytext on mixed lexers: the kernel is ours anyway
            notebook = myst_to_notebook(text, add_source_map=True)
    except (MystMetadataParsingError, yaml.YAMLError, ValidationError) as error:
        where = re.search(r"at line (\d+)", str(error))
        line = int(where[1]) if where else 1
        message = " ".join(str(error).split())
        raise LessonError(name, [Problem(line, f"the options of a cell: {message}")]) from None
    cells = _cells(path.stem, text.split("\n"), notebook)
    return Lesson(name, path.stem, text, course, cells)


def _fences(text: str) -> list[Problem]:
    """Code fences that never close, and MyST directives that JupyterLab would show as text."""
    problems = []
    lines = text.split("\n")
    inside: set[int] = set()
    for first, end, info, closed in fences(text):
        inside |= set(range(first, end))
        where = first + 1
        if not closed:
            problems.append(Problem(where, "this fence is never closed"))
        if info.startswith("{") and not re.fullmatch(r"\{code-cell\}( ipython3| python3?)?", info):
            message = f"only ```{{code-cell}} ipython3 is known here, got {info!r}"
            problems.append(Problem(where, message))
        if not info.startswith("{code-cell}"):
            continue
        for line in range(first + 1, end):
            if re.match(r":tags:\s*[^\s\[]", lines[line]):
                message = f"tags must be a list, :tags: [...], got {lines[line]!r}"
                problems.append(Problem(line + 1, message))
            if re.match(r" {0,3}(`{3,}|~{3,}) *[^`~ ]", lines[line]):
                message = f"this cell of line {where} is not closed before here"
                problems.append(Problem(line + 1, message))
    problems += [
        Problem(line, "JupyterLab shows `:::` as raw text: use <details> or a quote")
        for line, content in enumerate(lines, start=1)
        if line - 1 not in inside and re.match(r"\s*:{3,}", content)
    ]
    return problems


def _cells(stem: str, lines: list[str], notebook: Any) -> tuple[Cell, ...]:
    slug = re.sub(r"[^A-Za-z0-9_-]", "-", re.sub(r"^\d\d-", "", stem))[:48]
    twins: Counter[str] = Counter()
    cells = []
    for node, start in zip(notebook.cells, notebook.metadata["source_map"], strict=True):
        source = node.source.rstrip()
        wanted = source.split("\n")
        # jupytext's map points at options or leading blank lines: find the source itself.
        offset = next(
            (
                k
                for k in range(start, len(lines))
                if lines[k : k + len(wanted) - 1] == wanted[:-1]
                and lines[k + len(wanted) - 1].rstrip() == wanted[-1]
            ),
            start,
        )
        digest = hashlib.sha256(f"{node.cell_type}\n{source}".encode()).hexdigest()[:8]
        twins[digest] += 1
        identity = f"{slug}-{digest}" + (f"-{twins[digest]}" if twins[digest] > 1 else "")
        cells.append(Cell(node.cell_type, source, offset + 1, identity, dict(node.metadata)))
    return tuple(cells)
