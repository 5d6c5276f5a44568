"""A lesson as its author wrote it: parsed from MyST Markdown, every cell with its line in the file.

What it is: `parse` (file to `Lesson`) and the small records the rest of `authoring` works on. What
it is not: what is code and what is prose (`markdown`), the rules of a good lesson (`rules`), nor
the notebook (`build`). jupytext splits the text into cells; this module adds line numbers, stable
cell ids and error messages that name file and line.
"""

from __future__ import annotations

import ast
import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jupytext.myst import MystMetadataParsingError, myst_to_notebook
from nbformat import ValidationError

from helpers.authoring.markdown import fences, headings

SHAPES = ("experiment", "lab", "reading", "page")
# What a lesson turns; "budget" is how long a fit goes on.
KNOBS = ("loop", "size", "model", "budget", "sampler", "policy", "verifier")
TEXTS = ("title", "question", "runs", "aim")  # what a lesson says of itself, one line each
LISTS = ("claims", "needs")
COURSE_KEYS = ("shape", "minutes", "core_minutes", "knob", "budget", *TEXTS, *LISTS)
LIVE = re.compile(r"""progress=["'](\d\d-[a-z0-9-]+)["']""")
BUDGET_LIMITS = {"cpu_seconds": 60.0, "memory_mb": 500.0}  # unless the front matter says more


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong in a lesson. Fatal ones stop the build; the others only fail `--check`."""

    line: int
    message: str
    fatal: bool = True


class LessonError(ValueError):
    """A lesson that cannot be built: all its problems, one a line, as `file:line: message`."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(f"{name}:{p.line}: {p.message}" for p in self.problems))


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
    course, problems = _front_matter(text)
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


def front_matter(text: str, name: str) -> dict[str, Any]:
    """What stands under `course:` at the head of a lesson; LessonError with all its problems."""
    course, problems = _front_matter(text)
    if problems:
        raise LessonError(name, problems)
    return course


def _front_matter(text: str) -> tuple[dict[str, Any], list[Problem]]:
    match = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    if not match:
        return {}, [Problem(1, "no front matter: begin with `---`, kernelspec and course, `---`")]
    try:
        settings = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        return {}, [
            Problem(line, f"front matter is not valid YAML: {getattr(error, 'problem', error)}")
        ]
    if not isinstance(settings, dict) or not isinstance(settings.get("course"), dict):
        return {}, [Problem(1, "front matter needs `course:` with shape, minutes, core_minutes")]
    course = settings["course"]
    kernel = (settings.get("kernelspec") or {}).get("name")
    wrong = [] if kernel == "python3" else [f"kernelspec name must be python3, got {kernel!r}"]
    wrong += _course_problems(course)
    return course, [Problem(1, f"front matter: {message}") for message in wrong]


def _course_problems(course: dict[str, Any]) -> list[str]:
    wrong = [
        f"unknown key course.{k}; known: {', '.join(COURSE_KEYS)}"
        for k in course
        if k not in COURSE_KEYS
    ]
    if course.get("shape") not in SHAPES:
        wrong.append(
            f"course.shape must be one of {', '.join(SHAPES)}, got {course.get('shape')!r}"
        )
    elif course["shape"] != "page":
        for key in ("minutes", "core_minutes"):
            if type(course.get(key)) is not int or course[key] < 1:
                wrong.append(
                    f"course.{key} must be a whole number of minutes, got {course.get(key)!r}"
                )
    knobs = course.setdefault("knob", [])
    course["knob"] = knobs = [knobs] if isinstance(knobs, str) else knobs
    if not isinstance(knobs, list) or not set(knobs) <= set(KNOBS):
        wrong.append(f"course.knob must be among {', '.join(KNOBS)}, got {knobs!r}")
    for key in TEXTS:
        if key in course and not (isinstance(course[key], str) and course[key].strip()):
            wrong.append(f"course.{key} must be a line of text, got {course[key]!r}")
    for key in LISTS:
        words = course.get(key, [])
        if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
            wrong.append(f"course.{key} must be a list of texts in quotes, got {words!r}")
    budget = course.get("budget", {})
    if not isinstance(budget, dict) or not set(budget) <= set(BUDGET_LIMITS):
        wrong.append(f"course.budget may hold {', '.join(BUDGET_LIMITS)}, got {budget!r}")
    elif not all(type(v) in (int, float) and v > 0 for v in budget.values()):
        wrong.append(f"course.budget must hold positive numbers, got {budget!r}")
    return wrong


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
