"""The rules a lesson keeps, checked on its source: tags, exercises, headings, numbers, pacing.

`validate` returns everything wrong at once, each problem with its line. Fatal problems stop the
build. Pacing (length, number of quizzes, sections that must be there) only fails `build --check`,
so that a half-written lesson can be built and read.
"""

from __future__ import annotations

import ast
import difflib
import itertools
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.authoring.front import TEXTS, Problem, timings
from helpers.authoring.lesson import Cell, Lesson
from helpers.authoring.markdown import mask_all, mask_code
from helpers.authoring.questions import questions

OURS = "predict exercise solution check explorer static reveal slow quiz hide-input"
NBVAL = "raises-exception " + " ".join(
    f"nbval-{what}" for what in ("ignore-output", "check-output", "skip", "raises-exception")
)
TAGS = (*OURS.split(), *NBVAL.split())
ASIDES = {"predict", "quiz", "exercise", "explorer", "solution", "check"}  # not counted as pacing
CALLS = ("predict", "quiz")  # a cell that calls one of these carries its tag
CLOSING = ("What we do not know", "Summary", "Sources")
MONDAY, ADVICE = "For Monday", (3, 6)  # what a practitioner can use tomorrow, so many items
UNTIMED = {*CLOSING, MONDAY}  # sections that may go without minutes of their own
COVER = "# Solution"
MAX_LINES, MAX_COLUMNS = 25, 79
CODE_CELLS, WORDS, MEDIAN_LINES, PREDICTIONS = (15, 25), (1200, 2600), 5, 3
INTERVAL_LEVELS = {"80", "90", "95"}

_NUMBER = re.compile(r"(?<![\w.])(?:\d*(?:\.\d+)+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)")
_PERCENT = re.compile(r"(\d[\d.,]*)\s*(?:\\?%|per\s?cent\b)")
# After these words a number is a name, not a measurement: Python 3.11, Theorem 3.1.
_NAMES = (
    r"Python|NumPy|SciPy|pandas|PyTorch|torch|[Mm]atplotlib|scikit-learn|JupyterLab|ipywidgets"
    r"|Llama|GPT|CC BY(?:-SA)?|Apache|[Vv]ersions?|arXiv:?|doi:?|§"
    r"|[Ss]ec(?:tions?|\.)|[Tt]h(?:eorems?|m\.?)|[Tt]ables?|[Ff]ig(?:ures?|\.)|[Ll]emmas?"
    r"|[Ee]q(?:uations?|s?\.)|[Pp]ropositions?|[Cc]orollar(?:y|ies)|[Aa]ppendi(?:x|ces)"
    r"|[Cc]hapters?"
)
_NAMED_NUMBER = re.compile(rf"(?:{_NAMES})\s*\(?(?:[\w.]+\s*(?:,|-|–|to|and|or)\s*)*$")
_IMAGE = re.compile(r"!\[([^\]]*)\]\(|<img\b([^>]*)>")
_ALT = re.compile(r"""\balt\s*=\s*(?:"[^"]*\S[^"]*"|'[^']*\S[^']*')""")
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")
_ITEM = re.compile(r"^- ", re.MULTILINE)
_SECTION_LINK = re.compile(r"\]\(#([^\s()]+)\)")  # to a figure or a cell, by its heading
# One word for one thing: a turn of the loop is a generation. In *italics* or "quotes" it is the
# word of a paper; as in "round the loop", "wrong way round" or "rounds up" it is another word.
_ROUND = re.compile(
    r"(?<![\w*\"])(?:round \d+|rounds(?! (?:a|an|up|down|off|to)\b)"
    r"|(?:a|each|every|one|per|the|this|that|first|last|next|\d+) round(?! (?:a|an|the|it|its)\b))"
    r"(?![\w*\"])",
    re.IGNORECASE,
)


def validate(lesson: Lesson, notebooks: Path) -> list[Problem]:
    """Everything wrong with `lesson`, sorted by line. Relative links start in `notebooks`."""
    found = [*_tags(lesson), *_code(lesson), *_headings(lesson), *_exercises(lesson)]
    for cell in lesson.cells:
        found += _turns(cell)
        if cell.kind == "markdown":
            found += [*_numbers(cell), *_images(cell), *_links(cell, notebooks)]
    if lesson.shape != "page":
        found += [*_front_matter(lesson), *_timed(lesson), *_pacing(lesson)]
        found += _monday(lesson)
    found += questions(lesson)
    return sorted(found)


def _front_matter(lesson: Lesson) -> Iterator[Problem]:
    """A lesson with a number says what it is about, and the claims that it judges."""
    judged = {key for cell in lesson.code for key in _first_words(cell, "claim")}
    if judged != (named := set(lesson.course.get("claims", []))):
        said = (
            f"course.claims names {sorted(named)}, and the cells judge {sorted(map(str, judged))}"
        )
        yield Problem(1, f"front matter: {said}", fatal=False)
    if lesson.number:
        for key in TEXTS:
            if key not in lesson.course:
                yield Problem(1, f"front matter: course.{key} is missing", fatal=False)


def _timed(lesson: Lesson) -> Iterator[Problem]:
    """Every section of a numbered lesson has its minutes, under the heading that it really has."""
    found = timings(lesson.course)
    cells = {section.heading: section.cells for section in lesson.sections()}
    wanted = {text for _, level, text in lesson.headings() if level == 2} - UNTIMED
    named = [one.heading for one in found]
    wrong = [f"names {heading!r}, and no section is called so" for heading in named
             if heading not in cells]  # fmt: skip
    if lesson.number:
        wrong += [f"has no minutes for {heading!r}" for heading in sorted(wanted - set(named))]
    for one in found:
        names = {word for cell in cells.get(one.heading, ())
                 for word in re.findall(r"[A-Za-z_]\w*", cell.source)}  # fmt: skip
        wrong += [f"[{one.heading!r}].without names {name!r}, which no cell there does"
                  for name in one.without if name not in names]  # fmt: skip
    for message in wrong:
        yield Problem(1, f"front matter: course.sections {message}", fatal=False)


def _monday(lesson: Lesson) -> Iterator[Problem]:
    """*For Monday* has three to six items; each rests on a number or on a section of the lesson."""
    headings = [(line, text) for line, level, text in lesson.headings() if level <= 2]
    anchors = {text.replace(" ", "-") for _, _, text in lesson.headings()}
    after = [line for line, _ in headings[1:]] + [len(lesson.text.split("\n")) + 1]
    for (start, heading), end in zip(headings, after, strict=True):
        if heading != MONDAY:
            continue
        section = "\n".join(lesson.text.split("\n")[start : end - 1])
        items = _ITEM.split(section)[1:]
        if not ADVICE[0] <= len(items) <= ADVICE[1]:
            told = f"{len(items)} items for Monday; {ADVICE[0]} to {ADVICE[1]}"
            yield Problem(start, f"pacing: {told}", fatal=False)
        for item in items:
            links = _SECTION_LINK.findall(item)
            first = " ".join(item.split()[:6])
            if "{{" not in item and not links:
                told = (
                    "rests on nothing: add a {{ number }} or a link to a section, [like this](#A)"
                )
                yield Problem(start, f"for Monday, {first!r} {told}", fatal=False)
            for link in set(links) - anchors:
                told = f"leads to no section: #{link}"
                yield Problem(start, f"for Monday, {first!r} {told}", fatal=False)
        return
    yield Problem(1, f"pacing: no section called {MONDAY!r}", fatal=False)


def _first_words(cell: Cell, function: str) -> Iterator[Any]:
    """The first argument of each call of `function` in a cell, where it is written out."""
    for node in ast.walk(cell.tree()):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == function:
            yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant))


def _tags(lesson: Lesson) -> Iterator[Problem]:
    previous: Cell | None = None
    for cell in lesson.code:
        for tag in cell.tags:
            if tag not in TAGS:
                close = difflib.get_close_matches(str(tag), TAGS, 1)
                hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(TAGS)}"
                yield Problem(cell.line, f"unknown tag {tag!r}: {hint}")
        if "explorer" in cell.tags and (previous is None or "static" not in previous.tags):
            yield Problem(
                cell.line, "an explorer needs its twin, a cell tagged static, just above it"
            )
        previous = cell


def _code(lesson: Lesson) -> Iterator[Problem]:
    keys: set[str] = set()
    for cell in lesson.code:
        lines = cell.source.split("\n")
        if not cell.source.strip():
            yield Problem(cell.line, "empty code cell")
        if len(lines) > MAX_LINES:
            yield Problem(
                cell.line,
                f"code cell of {len(lines)} lines; at most {MAX_LINES}: move code to helpers/",
            )
        for line, text in cell.lines:
            if len(text) > MAX_COLUMNS:
                yield Problem(line, f"code line of {len(text)} columns; at most {MAX_COLUMNS}")
        if lines[-1].rstrip().endswith(";"):
            yield Problem(
                cell.line + len(lines) - 1,
                "a closing `;` hides nothing under nbval: write `_ = ...`",
            )
        for name, key, line in _keyed_calls(cell):
            if name in CALLS and name not in cell.tags:
                yield Problem(line, f"a cell that calls {name}() must carry the tag {name}")
            if name not in _imported(cell):
                yield Problem(
                    line, f"a cell that calls {name}() must import it: learners come to it first"
                )
            if lesson.number and not (key or "").startswith(f"{lesson.number}-"):
                yield Problem(
                    line, f"{name}() wants a key that begins with {lesson.number}-, got {key!r}"
                )
            elif key in keys and name in CALLS:
                yield Problem(line, f"the key {key!r} is used twice")
            keys.add(key or "")


def _keyed_calls(cell: Cell) -> Iterator[tuple[str, str | None, int]]:
    """Calls of predict, quiz and check in a cell: (function, its key, line in the lesson)."""
    for node in ast.walk(cell.tree()):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in (*CALLS, "check")
        ):
            first = node.args[0] if node.args else None
            key = (
                first.value
                if isinstance(first, ast.Constant) and isinstance(first.value, str)
                else None
            )
            yield node.func.id, key, cell.line + node.lineno - 1


def _imported(cell: Cell) -> set[str]:
    """The names that a cell imports."""
    imports = [n for n in ast.walk(cell.tree()) if isinstance(n, (ast.Import, ast.ImportFrom))]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def _headings(lesson: Lesson) -> Iterator[Problem]:
    headings = lesson.headings()
    titles = [line for line, level, _ in headings if level == 1]
    if not titles or headings[0][1] != 1:
        yield Problem(
            lesson.cells[0].line if lesson.cells else 1, "a lesson begins with its title, `# ...`"
        )
    for line in titles[1:]:
        yield Problem(line, "more than one title: only one heading may begin with a single #")
    for (_, above, _), (line, level, text) in itertools.pairwise(headings):
        if level > above + 1:
            yield Problem(line, f"heading {text!r} jumps from level {above} to level {level}")
    seconds = [text for _, level, text in headings if level == 2]
    for line, level, text in headings:
        if level == 2 and seconds.count(text) > 1:
            yield Problem(line, f"two sections are called {text!r}")


def _exercises(lesson: Lesson) -> Iterator[Problem]:
    """Each exercise has a stub that defines my_x, a check that takes it, and solution_x.

    A folded cell shows its first line, so that a solution begins with one that tells nothing.
    """

    def cells(tag: str) -> list[Cell]:
        return [cell for cell in lesson.code if tag in cell.tags]

    for cell in cells("solution"):
        if cell.source.split("\n")[0] != COVER:
            yield Problem(cell.line, f"the first line of a solution shows: let it be {COVER!r}")
    checked = {name for cell in cells("check") for name in _names(cell, ast.Load)}
    solved = {name for cell in cells("solution") for name in _names(cell, ast.Store)}
    for cell in cells("exercise"):
        mine = sorted(name for name in _names(cell, ast.Store) if name.startswith("my_"))
        if not mine:
            yield Problem(cell.line, "an exercise cell defines a name that begins with my_")
        for name in mine:
            if name not in checked:
                yield Problem(
                    cell.line, f"exercise without check: no cell tagged check uses {name}"
                )
            if (wanted := "solution_" + name[3:]) not in solved:
                yield Problem(
                    cell.line,
                    f"exercise without solution: no cell tagged solution defines {wanted}",
                )
    for cell in lesson.code:
        if not {"exercise", "check", "solution"} & set(cell.tags):
            for name in sorted(_names(cell, ast.Load)):
                if name.startswith(("my_", "solution_")):
                    yield Problem(
                        cell.line, f"later cells must not use {name}: learners have their own"
                    )


def _names(cell: Cell, context: type[ast.expr_context]) -> set[str]:
    """Names a cell assigns or defines (ast.Store) or reads (ast.Load)."""
    tree = cell.tree()
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}
    if context is ast.Store:
        names |= {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    return names


def _numbers(cell: Cell) -> Iterator[Problem]:
    """Decimals and percentages typed into prose: they belong to a recorded result."""
    advice = (
        "write {{ study.key | .3g }} for a result; a value that is set, not measured, "
        "is maths ($...$) or `code`"
    )
    for line, text in enumerate(mask_all(cell.source).split("\n"), start=cell.line):
        percents = list(_PERCENT.finditer(text))
        for match in percents:
            if match[1] not in INTERVAL_LEVELS:
                yield Problem(line, f"bare number {match[0].strip()!r} in prose: {advice}")
        for match in _NUMBER.finditer(text):
            inside = any(p.start() <= match.start() < p.end() for p in percents)
            version = match[0].count(".") > 1 or _NAMED_NUMBER.search(text[: match.start()])
            if not inside and not version:
                yield Problem(line, f"bare number {match[0]!r} in prose: {advice}")


def other_words(text: str) -> Iterator[tuple[int, str]]:
    """Where `text` calls a generation something else: a line, counted from 0, and the words."""
    for match in _ROUND.finditer(text):
        yield text.count("\n", 0, match.start()), match[0]


def _turns(cell: Cell) -> Iterator[Problem]:
    """A round that is a generation, in prose and in what code says."""
    found = (
        other_words(mask_all(cell.source))
        if cell.kind == "markdown"
        else (
            (node.lineno - 1, words)
            for node in ast.walk(cell.tree())
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            for _, words in other_words(node.value)
        )
    )
    for line, words in found:
        message = f"{words!r}: a turn of the loop is called a generation"
        yield Problem(cell.line + line, message, fatal=False)


def _images(cell: Cell) -> Iterator[Problem]:
    source = mask_code(cell.source)
    for match in _IMAGE.finditer(source):
        if not ((match[1] or "").strip() or _ALT.search(match[2] or "")):
            line = cell.line + source.count("\n", 0, match.start())
            yield Problem(line, "image without alt text: write what it shows, ![like this](file)")


def _links(cell: Cell, notebooks: Path) -> Iterator[Problem]:
    """Relative links, as seen from notebooks/, lead to a file or to a lesson's notebook."""
    source = mask_code(cell.source)
    for match in _LINK.finditer(source):
        target = match[1].partition("#")[0]
        if not target or re.match(r"[a-z]+:|\{\{", target):
            continue
        lesson = notebooks.parent / "lessons" / f"{Path(target).stem}.md"
        planned = target == Path(target).stem + ".ipynb" and lesson.is_file()
        if not planned and not (notebooks / target).exists():
            line = cell.line + source.count("\n", 0, match.start())
            yield Problem(line, f"link leads nowhere (from notebooks/): {match[1]}", fatal=False)


def _pacing(lesson: Lesson) -> Iterator[Problem]:
    """DESIGN's measure of a lesson; not fatal. `reading` and `lab` are free in what they count."""

    def advise(message: str, line: int = 1) -> Problem:
        return Problem(line, f"pacing: {message}", fatal=False)

    def count(tag: str) -> int:
        return sum(tag in cell.tags for cell in lesson.code)

    experiment = lesson.shape == "experiment"
    if "{{ budget.header }}" not in lesson.text:
        yield advise("write {{ budget.header }} under the title: the build fills in time and cost")
    if count("predict") > PREDICTIONS:
        yield advise(f"{count('predict')} predictions; at most {PREDICTIONS}")
    wanted = {"quiz": 3, "exercise": 2} if experiment else {"exercise": 1}
    for tag, least in wanted.items():
        if count(tag) < least:
            yield advise(f"{count(tag)} cells tagged {tag}; at least {least}")
    plain = [cell for cell in lesson.code if not ASIDES & set(cell.tags)]
    if (
        plain
        and (median := statistics.median(len(c.source.split("\n")) for c in plain)) > MEDIAN_LINES
    ):
        yield advise(f"the median code cell has {median:g} lines; at most {MEDIAN_LINES}")
    words = sum(
        len(re.findall(r"[^\W\d_][\w'’-]*", mask_all(c.source)))
        for c in lesson.cells
        if c.kind == "markdown"
    )
    if words > WORDS[1] or (experiment and words < WORDS[0]):
        yield advise(f"{words} words of prose; {WORDS[0]} to {WORDS[1]}")
    if len(plain) > CODE_CELLS[1] or (experiment and len(plain) < CODE_CELLS[0]):
        yield advise(f"{len(plain)} plain code cells; {CODE_CELLS[0]} to {CODE_CELLS[1]}")
    sections = [text for _, level, text in lesson.headings() if level == 2]
    for heading in CLOSING if experiment else CLOSING[1:]:
        if heading not in sections:
            yield advise(f"no section called {heading!r}")
