"""The world of programs: requests in a foreign language, answers in Python, checks by running them.

A request is a chain of phrases, "tavo 3 then miru"; each phrase asks for one statement. The writer
knows Python and, of the language, thirty examples: it counts which statement stood for which
phrase, and guesses for a phrase that it has not met. Nothing changes in this world, but most
phrases are unknown at first. Tasks and statements are those of `helpers.coding.language`; the words
for them are shuffled by the seed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from helpers.capstone.worlds import World
from helpers.coding.grading import Remembering
from helpers.coding.language import (
    ENTRY_POINT,
    HEADER,
    Task,
    draw_task,
    steps,
)
from helpers.data import Data
from helpers.verification import Case, score

LENGTHS = (3, 4, 2)  # how common requests of one phrase are, of two, of three


class Row(NamedTuple):
    """A request with a program: the task's number, its phrases, and the program's statements."""

    task: int
    phrases: tuple[str, ...]
    program: tuple[str, ...]


class Table:
    """The writer: how often each statement stood for each phrase."""

    def __init__(self, rows: Sequence[Row]) -> None:
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for row in rows:
            for phrase, statement in zip(row.phrases, row.program, strict=True):
                counts[phrase][statement] += 1
        self.counts = dict(counts)
        self._shares = {
            phrase: (list(seen), np.cumsum(list(seen.values())) / seen.total())
            for phrase, seen in counts.items()
        }

    def best(self, phrase: str) -> str | None:
        """The statement that most often stood for `phrase`; None for an unknown one."""
        seen = self.counts.get(phrase)
        return seen.most_common(1)[0][0] if seen else None

    def statement(self, phrase: str, luck: np.ndarray, slips: float) -> str:
        """A statement for `phrase`. luck: two numbers in [0, 1). A slip is a guess, too."""
        if phrase in self._shares and luck[0] >= slips:
            statements, upto = self._shares[phrase]
            return statements[int(np.searchsorted(upto, luck[1], side="right"))]
        choice = guesses(number_in(phrase))
        return choice[int(luck[1] * len(choice))]


class Code(World):
    """Programs for 300 tasks a generation, by a table of phrases, and the sandbox to try them in.

    Rows: a list of `Row`. An unknown phrase gets a statement with the same number in it, any one;
    so does one phrase in twenty of those that are known. Yardsticks: `pass_1`, share of 100 other
    tasks that the first program solves; `phrases`, share of the phrases for which the writer's
    usual statement is right; `right`, share of the written programs that are right. Right is what
    passes all sixteen cases of its task. A check runs the program on them in the sandbox.
    """

    name = "code"
    price_real, price_check = 100, 1
    n, rows_max, first_rows = 300, 600, 30
    yardsticks = ("pass_1", "phrases", "right")
    kinds = 1 << 10
    slips = 0.05

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 3])
        self._words = _words(rng)
        sets = _sets()
        self._human = rng.permutation(len(sets.human))
        self._sold = 0
        self._tasks = rng.permutation(len(sets.pool))[: self.n]

    def real(self, n: int, rng: np.random.Generator) -> list[Row]:
        """The next `n` programs of human authors: none is sold twice while there are others."""
        human = _sets().human
        places = self._human[np.arange(self._sold, self._sold + n) % len(human)]
        self._sold += n
        return [self._row(-1 - int(i), human[i], _statements(human[i], rng)) for i in places]

    def fit(self, rows: Data, previous: Any) -> Table:
        return Table(list(rows))  # type: ignore[arg-type]

    def write(self, model: Table, rng: np.random.Generator) -> list[Row]:
        return self._answers(model, rng.permutation(self._tasks), rng)

    def right(self, rows: Data) -> np.ndarray:
        """By running them in the sandbox; RuntimeError when the sandbox itself fails.

        With `sandbox` False in this process, as exams are: the same answers in a tenth of the time.
        """
        if not self.sandbox:
            return np.array([solves(row.task, row.program) for row in rows], dtype=bool)  # type: ignore[union-attr]
        jobs = [(_source(row.program), _cases(row.task), ENTRY_POINT) for row in rows]  # type: ignore[union-attr]
        reports = shared_sandbox().grade_many(jobs) if jobs else []
        if reports:
            score(reports)  # refuses errors of the sandbox: they must never look like wrong rows
        return np.array([report.passed for report in reports], dtype=bool)

    def kind(self, rows: Data) -> np.ndarray:
        """By the first phrase: who checks carelessly does so with the same requests each time."""
        names = sorted(self._words.values())
        return np.array([names.index(row.phrases[0]) for row in rows], dtype=int)  # type: ignore[union-attr]

    def measure(self, model: Table, rows: Data, rng: np.random.Generator) -> dict[str, float]:
        n_pool = len(_sets().pool)
        exam = self._answers(model, n_pool + np.arange(len(_sets().exam)), rng)
        known = [model.best(word) in _meanings()[phrase] for phrase, word in self._words.items()]
        return {
            "pass_1": float(np.mean([solves(row.task, row.program) for row in exam])),
            "phrases": float(np.mean(known)),
            "right": float(np.mean([solves(row.task, row.program) for row in rows])),  # type: ignore[union-attr]
        }

    def _answers(self, model: Table, tasks: np.ndarray, rng: np.random.Generator) -> list[Row]:
        luck = rng.random((len(tasks), len(LENGTHS), 2))
        rows = []
        for number, own in zip(tasks.tolist(), luck, strict=True):
            row = self._row(number, _task(number), ())
            pairs = zip(row.phrases, own[: len(row.phrases)], strict=True)
            written = tuple(model.statement(phrase, u, self.slips) for phrase, u in pairs)
            rows.append(row._replace(program=written))
        return rows

    def _row(self, number: int, task: Task, program: tuple[str, ...]) -> Row:
        return Row(number, tuple(self._words[phrase] for phrase in task.phrases), program)


# --- the language ------------------------------------------------------------------------------


def number_in(phrase: str) -> str | None:
    """The constant of a phrase, as text; None for a phrase without one."""
    found = re.search(r"\d", phrase)
    return found[0] if found else None


@cache
def guesses(number: str | None) -> list[str]:
    """The statements that a phrase with this constant may stand for, as far as a stranger knows."""
    table = [(number_in(step.phrases[0]), step) for step in steps()]
    return [_text(pieces) for own, step in table if own == number for pieces in step.programs]


@lru_cache(maxsize=1)
def _meanings() -> dict[str, set[str]]:
    """Every phrase of the language with the statements that are right for it."""
    meanings: dict[str, set[str]] = defaultdict(set)
    for step in steps():
        for phrase in step.phrases:
            meanings[phrase] |= {_text(pieces) for pieces in step.programs}
    return dict(meanings)


def _text(pieces: Sequence[str]) -> str:
    return "".join(pieces).strip()


def _words(rng: np.random.Generator) -> dict[str, str]:
    """A made-up word for each phrase; phrases that differ in their number share the word."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    patterns = sorted({re.sub(r"\d", "#", phrase) for phrase in _meanings()})
    drawn = rng.choice(len(syllables) ** 2, size=len(patterns), replace=False)
    made = {
        pattern: syllables[number // len(syllables)] + syllables[number % len(syllables)]
        for pattern, number in zip(patterns, drawn.tolist(), strict=True)
    }
    words = {}
    for phrase in _meanings():
        number = number_in(phrase)
        word = made[re.sub(r"\d", "#", phrase)]
        words[phrase] = word if number is None else f"{word} {number}"
    return words


# --- the tasks, and running programs for them ----------------------------------------------------


class Tasks(NamedTuple):
    """What programs are written for: by human authors, by the model, in the exam."""

    human: list[Task]
    pool: list[Task]
    exam: list[Task]


@lru_cache(maxsize=1)
def _sets() -> Tasks:
    """The tasks of all seeds, no request twice: what differs is the words and who sells what."""
    rng = np.random.default_rng(13)
    taken: set[tuple[int, ...]] = set()
    sets: list[list[Task]] = []
    for number in (200, 300, 100):
        sets.append([])
        for _ in range(number):
            sets[-1].append(draw_task(LENGTHS, rng, taken))
            taken.add(sets[-1][-1].steps)
    return Tasks(*sets)


def _task(number: int) -> Task:
    """Tasks to write for, then those of the exam; human authors' have negative numbers."""
    sets = _sets()
    if number < 0:
        return sets.human[-1 - number]
    return (sets.pool + sets.exam)[number]


@cache
def _cases(number: int) -> tuple[Case, ...]:
    task = _task(number)
    return (*task.cases, *task.hidden)


@lru_cache(maxsize=1)
def shared_sandbox() -> Remembering:
    """One sandbox for all plays: most programs come again and again. It ends with the process."""
    return Remembering()


def _statements(task: Task, rng: np.random.Generator) -> tuple[str, ...]:
    """A right program of a human author, a statement a phrase."""
    table = steps()
    return tuple(
        _text(table[i].programs[int(rng.integers(len(table[i].programs)))]) for i in task.steps
    )


def _source(program: Sequence[str]) -> str:
    lines = list(program)
    if not lines[-1].startswith("return"):
        lines.append("return xs")
    return HEADER + "".join(f"    {line}\n" for line in lines)


@lru_cache(maxsize=1 << 18)
def solves(number: int, program: tuple[str, ...]) -> bool:
    """Whether a program of the table's own statements is right, without the sandbox.

    For exams, whose programs nobody pays for: statements are our own text, so exec is safe here.
    """
    namespace: dict[str, Any] = {}
    exec(_source(program), namespace)
    try:
        return all(
            namespace[ENTRY_POINT](list(case.args[0])) == case.expected for case in _cases(number)
        )
    except Exception:  # whatever it is, such a program is wrong
        return False
