"""The rules of predictions and quizzes, on the source of a lesson; `rules.validate` asks for them.

A prediction of a number says what is impossible, and the first cell tagged `reveal` after it
resolves it, so that it is fixed before any answer is seen; the answer is computed there and not
typed. A forecast has no answer here. A quiz needs some thought: its right
option is no repetition of the text just above it, the last words of prose without code, maths and
references. Words are compared without their endings. Over all lessons the right options are spread
over the places: they are dealt by key, so that a new quiz that spoils this wants another key. Nor
are they the longest ones too often: who knows nothing should not find them by their looks.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpers.authoring.front import LessonError, Problem
from helpers.authoring.lesson import Cell, Lesson, parse
from helpers.authoring.markdown import mask_all
from helpers.teaching.quizzes import dealt

ABOVE = 120  # so many words of prose above a quiz may still be in a reader's ear
IN_A_ROW = 4  # so many words of an option, one after the other as above, are a quotation
SHARE = 0.5  # of an option's words that carry meaning
LEAST, MOST = 0.15, 0.40  # of the quizzes with so many options: how often each place is right
FEW = 20  # quizzes: of fewer nothing is said about the length of their options
LONGER = 1.1  # times the longest wrong option: what a glance sees
KEYS, TRIES = 6, 2000  # other keys for a quiz that spoils the spread; ways to choose them

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ENDING = re.compile(r"(?<=\w{3})(?:ies|ing|ed|es|s|ly|y|e)$")
_SMALL = """
a about all also an and any are as at be been before both but by can could did do does each either
every for from had has have here how if in into is it its itself like may more most much must no nor
not of off on one only or other our out over own same say says she so some still such than that the
their them then there these they this those though through to too two under up us very was we well
were what when where which while who whose will with without would you your
"""


@dataclass(frozen=True)
class Asked:
    """One call of quiz() in a lesson, as its author wrote it."""

    key: str
    question: str
    reasons: dict[str, str]  # option -> why it is right or wrong
    answer: str
    line: int

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(self.reasons)


def asked(cell: Cell) -> Iterator[Asked]:
    """The quizzes of a cell whose options are written out; the others raise when they are run."""
    for call in literal_calls(cell.tree(), "quiz", "key", "question", "options", "answer"):
        given = call.given
        try:
            reasons = {str(option): str(why) for option, why in given["options"].items()}
            line = cell.line + call.line - 1
            yield Asked(given["key"], given["question"], reasons, given["answer"], line)
        except (KeyError, AttributeError):
            continue


@dataclass(frozen=True)
class Call:
    """A call whose arguments are written out: the name that its value is given, or ""."""

    name: str
    given: dict[str, Any]
    line: int


def literal_calls(tree: ast.Module, function: str, *positional: str) -> Iterator[Call]:
    """The calls of `function` in a cell; those with an argument that is computed are left out.

    An argument may be a name to which the cell gives one value, written out. positional: what the
    arguments without a keyword are called.
    """
    named = {
        node.value: node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    names = list(named.values())
    written = {name: value for value, name in named.items() if names.count(name) == 1}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == function):
            continue
        given = {**dict(zip(positional, node.args, strict=False)), **_keywords(node)}
        with suppress(ValueError, TypeError):  # of a key that cannot be one
            found = {
                name: ast.literal_eval(written.get(getattr(part, "id", ""), part))
                for name, part in given.items()
            }
            yield Call(named.get(node, ""), found, node.lineno)


def _keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {word.arg: word.value for word in call.keywords if word.arg}


def questions(lesson: Lesson) -> Iterator[Problem]:
    """What is wrong with the predictions and the quizzes of `lesson`; none of it is fatal."""
    yield from _predictions(lesson)
    yield from _answered_above(lesson)


def _predictions(lesson: Lesson) -> Iterator[Problem]:
    waiting: dict[str, tuple[str, int]] = {}  # name -> its key, its line
    for cell in lesson.code:
        yield from _typed_answers(cell)
        if "reveal" in cell.tags:
            resolved = _resolved(cell)
            for name, (key, line) in waiting.items():
                if name not in resolved:
                    yield Problem(
                        line,
                        f"the prediction {key!r} is still open in the first cell tagged reveal: "
                        f"call {name}.resolve() there, before anything is shown",
                        fatal=False,
                    )
            waiting = {}
        for name, call in _predict_calls(cell):
            key = ast.unparse(call.args[0]).strip("'\"") if call.args else "?"
            line = cell.line + call.lineno - 1
            if not _is_forecast(call):
                waiting[name] = (key, line)
            if not {"choices", "low", "high"} & _keywords(call).keys():
                yield Problem(
                    line,
                    f"the prediction {key!r} accepts any number: say what is possible, low= or "
                    "high= (and whole=True for a count)",
                    fatal=False,
                )
    for key, line in waiting.values():
        yield Problem(line, f"no cell tagged reveal resolves the prediction {key!r}", fatal=False)


def _typed_answers(cell: Cell) -> Iterator[Problem]:
    """Answers that an author typed: they stay when a new run or a new table says otherwise."""
    for node in ast.walk(cell.tree()):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "resolve":
            given = [*node.args, *(word.value for word in node.keywords)]
            parts = [part for answer in given for part in ast.walk(answer)]
            if not any(isinstance(part, ast.Name) for part in parts):
                yield Problem(
                    cell.line + node.lineno - 1,
                    f"{ast.unparse(node)}: the answer of this prediction is typed; compute it from "
                    "the run or from the recorded table",
                    fatal=False,
                )


def predictions(lesson: Lesson) -> dict[str, int]:
    """How many intervals and choices it asks for that will meet their answer."""
    calls = [call for cell in lesson.code for _, call in _predict_calls(cell)]
    choices = ["choices" in _keywords(call) for call in calls if not _is_forecast(call)]
    return {"intervals": choices.count(False), "choices": choices.count(True)}


def _predict_calls(cell: Cell) -> Iterator[tuple[str, ast.Call]]:
    """The predictions of a cell: the name that each is given, and the call."""
    for node in cell.tree().body:
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "predict":
            targets = node.targets if isinstance(node, ast.Assign) else []
            yield (targets[0].id if targets and isinstance(targets[0], ast.Name) else "_"), call


def _is_forecast(call: ast.Call) -> bool:
    """Whether a prediction says that it is about the future: no cell answers it."""
    said = _keywords(call).get("forecast")
    return isinstance(said, ast.Constant) and said.value is True


def _resolved(cell: Cell) -> set[str]:
    """The names that a cell reads, if it calls .resolve() at all: it may do so in a loop."""
    nodes = list(ast.walk(cell.tree()))
    if not any(isinstance(node, ast.Attribute) and node.attr == "resolve" for node in nodes):
        return set()
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _answered_above(lesson: Lesson) -> Iterator[Problem]:
    """Quizzes whose right option says again what the last words of prose say."""
    words: list[str] = []
    for cell in lesson.cells:
        if cell.kind == "markdown":
            words = [*words, *_words(mask_all(cell.source))][-ABOVE:]
            continue
        for quiz in asked(cell):
            if told := _told(quiz.answer, words):
                yield Problem(
                    quiz.line,
                    f"the text above answers the quiz {quiz.key!r}: its right option {told} with "
                    f"the {ABOVE} words above it; ask for a consequence, or say it otherwise",
                    fatal=False,
                )


def _told(answer: str, above: Sequence[str]) -> str:
    """What the answer shares with the words above it; empty if it is little."""
    words = _words(answer)
    runs = {tuple(above[i : i + IN_A_ROW]) for i in range(len(above) - IN_A_ROW + 1)}
    for i in range(len(words) - IN_A_ROW + 1):
        if tuple(words[i : i + IN_A_ROW]) in runs:
            return f"shares “{' '.join(words[i : i + IN_A_ROW])}”"
    meant, there = {_stem(w) for w in words} - _STOPPED, {_stem(w) for w in above}
    shared = meant & there
    if meant and len(shared) > SHARE * len(meant):
        return f"shares {len(shared)} of its {len(meant)} words that carry meaning"
    return ""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _stem(word: str) -> str:
    return _ENDING.sub("", word)


_STOPPED = frozenset(_stem(word) for word in _words(_SMALL))


# Places of the right options, over all lessons ----------------------------------------------------


def all_quizzes(lessons: Path) -> list[Asked]:
    """The quizzes of all lessons in a folder that can be read, in order."""
    made: list[Asked] = []
    for path in sorted(lessons.glob("[0-9][0-9]-*.md")):
        with suppress(LessonError):
            made += [quiz for cell in parse(path).code for quiz in asked(cell)]
    return made


def spread(made: Sequence[Asked]) -> list[str]:
    """What is wrong with the places of the right options of all quizzes, in order, and what helps.

    Each place is right in 15 to 40 % of the quizzes with so many options (as evenly as they can
    where there are too few for that), and none three times running. The right option is longer, by
    a tenth, than all others in at most 40 % of the quizzes, if there are enough of them.
    """
    wrong = _badly_spread(made)
    found = [*wrong, *_advice(made)] if wrong else []
    return [f"quizzes: {message}" for message in [*found, *_by_length(made)]]


def _by_length(made: Sequence[Asked]) -> Iterator[str]:
    """What is wrong with the lengths of the right options, and the quizzes to begin with."""
    ahead = {
        quiz.key: len(quiz.answer) / max(len(one) for one in quiz.options if one != quiz.answer)
        for quiz in made
    }
    longest = sorted((key for key in ahead if ahead[key] > LONGER), key=lambda key: -ahead[key])
    if len(made) >= FEW and len(longest) > MOST * len(made):
        yield (
            f"in {len(longest)} of {len(made)} the right option is the longest, at most {MOST:.0%} "
            f"may be: give wrong ones a reason, first in {', '.join(longest[:5])}"
        )


def _badly_spread(made: Sequence[Asked]) -> list[str]:
    places = [dealt(quiz.key, quiz.options).index(quiz.answer) for quiz in made]
    wrong = []
    for size in sorted({len(quiz.options) for quiz in made}):
        found = [p for quiz, p in zip(made, places, strict=True) if len(quiz.options) == size]
        count = len(found)
        least, most = math.ceil(LEAST * count), math.floor(MOST * count)
        if not size * least <= count <= size * most:
            least, most = count // size, -(-count // size)
        for place in range(size):
            if not least <= (times := found.count(place)) <= most:
                said = f"of {count} quizzes with {size} options {times} are right at place"
                wrong.append(f"{said} {place + 1}; wanted are {least} to {most}")
    for at in range(2, len(made)):
        if places[at - 2] == places[at - 1] == places[at]:
            wrong.append(f"{made[at].key!r} is the third running with place {places[at] + 1} right")
    return wrong


def _advice(made: Sequence[Asked]) -> Iterator[str]:
    """New keys that mend the spread, a line for each lesson that can do it alone."""
    for lesson in sorted({quiz.key[:2] for quiz in made}):
        if renamed := _renamed(made, lesson):
            said = ", ".join(f"{old!r} becomes {new!r}" for old, new in renamed.items())
            yield f"if lesson {lesson} is the new one, other keys mend it: {said}"


def _renamed(made: Sequence[Asked], lesson: str) -> dict[str, str]:
    """Old to new keys of as few quizzes of one lesson as mend the spread; empty if none do."""
    own = [at for at, quiz in enumerate(made) if quiz.key[:2] == lesson]
    ways = (
        dict(zip(chosen, ends, strict=True))
        for many in range(1, len(own) + 1)
        for chosen in itertools.combinations(own, many)
        for ends in itertools.product(range(2, 2 + KEYS), repeat=many)
    )
    for way in itertools.islice(ways, TRIES):
        tried = list(made)
        for at, end in way.items():
            tried[at] = replace(made[at], key=f"{made[at].key}-{end}")
        if not _badly_spread(tried):
            return {made[at].key: tried[at].key for at in way}
    return {}
