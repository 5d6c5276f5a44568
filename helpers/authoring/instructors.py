"""The parts of a page for instructors that its lesson knows: goals, run sheet, answers, quiz key.

They are taken from the lesson's source and from its exercises, so that nobody types an answer or a
time twice. What people believe, what to discuss, what to do without a computer and the exit ticket
are written by hand; `lacking` says which of all these a page does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.authoring.catalogue import Entry, listed
from helpers.authoring.front import PATHS
from helpers.authoring.lesson import Cell, Lesson
from helpers.authoring.markdown import fences
from helpers.authoring.questions import Asked, asked
from helpers.teaching.exercises import exercises_of

PARTS = (  # a heading of each page begins so
    "Run sheet",
    "What people believe, and how to hear it",
    "Questions for the room",
    "Without a computer",
    "Exit ticket",
    "What goes wrong",
    "Exercises: answers and hints",
    "Quiz key",
)
MADE = ("Run sheet", "Exercises: answers and hints", "Quiz key")
FEWEST_WORDS = 15  # of a part that is written by hand
AFTER = "What goes wrong"  # the part that gives the answers of challenges
CHALLENGE = re.compile(r"\bA challenge\b")  # so a lesson sets one, at its sliders
_GOALS = re.compile(r"^When you are done here you can\n\n((?:- .+\n(?: +\S.*\n)*)+)", re.MULTILINE)


def head(entry: Entry, lesson: Lesson) -> str:
    """How a page for instructors begins."""
    times = f"{entry.text('core_minutes')} minutes (core) or {entry.text('minutes')} (all of it)"
    lines = [
        f"# Teaching lesson {entry.number}: {entry.text('title')}",
        "",
        f"**{entry.text('question')}**",
        "",
        f"For {times}. Minutes are estimates until a class has measured them.",
        f"When it is over they can {entry.text('aim')}.",
    ]
    if first := entry.words("needs"):
        word = "lesson" if len(first) == 1 else "lessons"
        lines.append(f"Needed first: {word} {listed(first)}.")
    if goals := _GOALS.search(lesson.text):
        lines += ["", "In more detail, they can", "", goals[1].rstrip()]
    if entry.sections:
        lines += ["", "## Run sheet", "", *_run_sheet(entry)]
    return "\n".join(lines)


def _run_sheet(entry: Entry) -> Iterator[str]:
    """Clock times from the start of the lesson, a column a path; what a path leaves out is empty.

    *shown* is there only if a workshop shows something of the lesson.
    """
    used = [path for path in reversed(PATHS) if any(one.on(path) for one in entry.sections)]
    yield "Clock times from the start of the lesson; an empty box: left out."
    if "shown" in used:
        yield "*Shown*: on one screen, recorded runs only, as in the workshop of ninety minutes"
        yield "(`course runsheet` prints plans with the times of your day)."
    yield ""
    yield f"| {' | '.join(used)} | section | you do | if late |"
    yield "|---" * (len(used) + 3) + "|"
    clock = dict.fromkeys(used, 0)
    for one in entry.sections:
        cells = []
        for path in used:
            cells.append(f"{clock[path] // 60}:{clock[path] % 60:02}" if one.on(path) else "")
            clock[path] += one.on(path)
        yield f"| {' | '.join(cells)} | {one.heading} | {one.do} | {one.late} |"
    ends = [f"**{clock[path] // 60}:{clock[path] % 60:02}**" for path in used]
    yield f"| {' | '.join(ends)} | the end | | |"
    for title, key in (("You need", "materials"), ("Before class", "before")):
        said = [getattr(one, key) for one in entry.sections if getattr(one, key)]
        if said:
            yield ""
            yield f"**{title}**: {'; '.join(said)}."


def answers(lesson: Lesson) -> str:
    """The solutions of its exercises, the misses that have a hint, and the key of its quizzes."""
    lines = ["## Exercises: answers and hints", ""]
    for key, title, solution in _exercises(lesson):
        lines += [f"**{title}** (`{key}`)", "", f"```python\n{solution}\n```", ""]
        known = exercises_of(lesson.number or "").get(key)
        if known and known.wrong_answers:
            lines += ["The check knows these misses:", ""]
            for miss in known.wrong_answers:  # a call such as names['f'](*args) is no link
                hint = miss.hint.replace("](", "]\\(")
                lines.append(f"- *{miss.name}*: {hint}")
            lines.append("")
    lines += [
        "## Quiz key",
        "",
        "Options are shuffled on the page; here the right one comes first.",
    ]
    for quiz in (one for cell in lesson.code for one in asked(cell)):
        lines += ["", *_key(quiz)]
    return "\n".join(lines)


def _key(quiz: Asked) -> Iterator[str]:
    yield f"**{_plain(quiz.question)}** (`{quiz.key}`)"
    yield ""
    yield f"- right: **{_plain(quiz.answer)}** {_plain(quiz.reasons[quiz.answer])}"
    for option, reason in quiz.reasons.items():
        if option != quiz.answer:
            yield f"- {_plain(option)}: {_plain(reason)}"


def _exercises(lesson: Lesson) -> Iterator[tuple[str, str, str]]:
    """(key of the check, bold title above it, solution without its cover) of each exercise."""
    title, key = "", ""
    for cell in lesson.cells:
        if cell.kind == "markdown":
            bold = re.findall(r"\*\*([A-Z]\. [^*]+)\*\*", cell.source)
            title = bold[-1].rstrip(".") if bold else title
        elif "check" in cell.tags:
            key = _first_text(cell)
        elif "solution" in cell.tags:
            yield key, title or key, re.sub(r"^# Solution\n+", "", cell.source)
            title, key = "", ""


def _first_text(cell: Cell) -> str:
    """The key in check("02-...", my_x)."""
    found = re.search(r"\bcheck\(\s*[\"']([^\"']+)", cell.source)
    return found[1] if found else ""


def _plain(text: str) -> str:
    """A text of a quiz as Markdown shows it letter by letter."""
    return re.sub(r"([*_<`\\])", r"\\\1", text)


def lacking(page: str, lesson: str = "") -> list[str]:
    """Which of PARTS the page does not have, or has with next to nothing in it.

    lesson: the source of its lesson. For each challenge there, an item of *What goes wrong* gives
    the answer, and says so: it speaks of a challenge.
    """
    code = {line for first, end, _, _ in fences(page) for line in range(first, end)}
    found: dict[str, str] = {}
    heading = ""
    for number, line in enumerate(page.split("\n")):
        if number not in code and line.startswith("## "):
            heading = line.removeprefix("## ")
        elif heading:
            found[heading] = f"{found.get(heading, '')}\n{line}"
    problems = []
    for part in PARTS:
        texts = [text for title, text in found.items() if title.startswith(part)]
        words = sum(len(re.findall(r"[^\W\d_]+", text)) for text in texts)
        if not texts:
            problems.append(f"no part called {part!r}: begin a heading of level 2 with it")
        elif part not in MADE and words < FEWEST_WORDS:
            problems.append(f"{words} words under {part!r}; at least {FEWEST_WORDS}")
    items = re.split(r"^- ", found.get(AFTER, ""), flags=re.MULTILINE)[1:]
    told, wanted = sum("challenge" in item for item in items), len(CHALLENGE.findall(lesson))
    if told < wanted:
        problems.append(
            f"{wanted} challenges in the lesson, and {told} answers: add to {AFTER!r} an item for "
            "each that begins 'The challenge'"
        )
    return problems
