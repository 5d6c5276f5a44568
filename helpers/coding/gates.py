"""Who decides what becomes training data: verifiers for programs, from nobody to unit tests.

Each gate is a verifier of `helpers.loop`: called with the writer and what it wrote, it returns what
is kept and numbers about it. `Unchecked` keeps everything; `StaticChecks` reads without running;
`OwnTests` lets the model judge itself; `UnitTests` runs the task's tests, and may ask the writer
for a second try. Hidden tests are used for the numbers only, never to keep or to drop.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
from pyflakes.api import check as pyflakes_check
from pyflakes.reporter import Reporter

from helpers._arguments import one_of, positive_int
from helpers.coding.grading import feedback, grade, statements, traces, writing_to
from helpers.coding.language import ENTRY_POINT, Pieces, source, steps
from helpers.coding.writer import CodeWriter, Example, describe_value
from helpers.loop import Verified
from helpers.verification import Case, Report, Sandbox

SECOND_TRIES = ("none", "repair", "trace", "kind", "blank", "resample")


def choose(
    examples: Sequence[Example], passed: Sequence[bool], per_task: int | None
) -> list[Example]:
    """Of each task up to `per_task` different programs that passed, in the order written."""
    kept: list[Example] = []
    seen: dict[int, set[Pieces]] = {}
    for example, is_right in zip(examples, passed, strict=True):
        programs = seen.setdefault(id(example.task), set())
        room = per_task is None or len(programs) < per_task
        if is_right and room and example.program not in programs:
            programs.add(example.program)
            kept.append(example)
    return kept


def numbers_about(
    box: Sandbox, samples: Sequence[Example], kept: Sequence[Example]
) -> dict[str, float]:
    """What every gate reports, as shares.

    accepted: of the programs written; solved: of the tasks, with at least one program kept;
    false_pass: of the kept programs, that fail a hidden test.
    """
    tasks = {id(example.task) for example in samples}
    solved = {id(example.task) for example in kept}
    hidden = grade(box, kept, hidden=True)
    wrong = [not report.passed for report in hidden]
    return {
        "accepted": len(kept) / len(samples),
        "solved": len(solved) / len(tasks),
        "false_pass": float(np.mean(wrong)) if wrong else 0.0,
    }


@dataclass(frozen=True)
class Unchecked:
    """Keeps every program as it was written: training on one's own unchecked output."""

    box: Sandbox

    def __call__(self, model: Any, samples: list[Example], rng: np.random.Generator) -> Verified:
        return Verified(list(samples), numbers_about(self.box, samples, samples))


@dataclass(frozen=True)
class StaticChecks:
    """Keeps what parses, defines the function, returns, and has nothing for pyflakes to say."""

    box: Sandbox
    per_task: int | None = 2

    def __call__(self, model: Any, samples: list[Example], rng: np.random.Generator) -> Verified:
        passed = [reads_well(source(example.program)) for example in samples]
        kept = choose(samples, passed, self.per_task)
        return Verified(kept, numbers_about(self.box, samples, kept))


def reads_well(program: str) -> bool:
    """Whether a parser and a linter find nothing wrong: the static half of Llama 3's checks."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError):
        return False
    function = tree.body[0] if tree.body else None
    if not isinstance(function, ast.FunctionDef) or not isinstance(function.body[-1], ast.Return):
        return False
    silent = Reporter(StringIO(), StringIO())
    return bool(pyflakes_check(program, "program", silent) == 0)


@dataclass(frozen=True)
class OwnTests:
    """Keeps programs that pass tests the model wrote itself.

    A model of this size cannot write assertions, but a test is only an input with the output one
    expects: here the output of another program that the same model wrote for the same task. The
    two agree when the model is consistent, right or not. Inputs are the task's own.
    """

    box: Sandbox
    per_task: int | None = 2

    def __call__(
        self, model: CodeWriter, samples: list[Example], rng: np.random.Generator
    ) -> Verified:
        oracles = model.answer(
            [example.asking() for example in samples], rng, temperature=model.temperature
        )
        jobs, asked = [], []
        for i, (example, outputs) in enumerate(zip(samples, self._outputs(oracles), strict=True)):
            if outputs is not None:
                pairs = zip(example.task.cases, outputs, strict=True)
                cases = [Case(case.args, value) for case, value in pairs]
                jobs.append((source(example.program), cases, ENTRY_POINT))
                asked.append(i)
        passed = [False] * len(samples)
        for i, report in zip(asked, self.box.grade_many(jobs) if jobs else [], strict=True):
            passed[i] = report.passed
        kept = choose(samples, passed, self.per_task)
        return Verified(kept, numbers_about(self.box, samples, kept))

    def _outputs(self, oracles: Sequence[Example]) -> list[list[Any] | None]:
        """What each program returns for its task's inputs; None where it does not run."""
        outputs: list[list[Any]] = [[] for _ in oracles]
        jobs = [
            (
                source(oracle.program),
                [Case(case.args, None, check=writing_to(out)) for case in oracle.task.cases],
                ENTRY_POINT,
            )
            for oracle, out in zip(oracles, outputs, strict=True)
        ]
        reports = self.box.grade_many(jobs)
        return [out if r.passed else None for out, r in zip(outputs, reports, strict=True)]


@dataclass(frozen=True)
class UnitTests:
    """Keeps up to `per_task` different programs a task that pass its tests; may ask again.

    second_try: what happens to the failing programs of tasks that nothing solved. "none";
    "repair": the writer sees the program and what the tests said; "trace": also what xs was after
    each statement; "kind": only the kind of failure; "blank": it sees the program and an empty
    message; "resample": it starts afresh. The last two are controls: a repair that reads its
    message must beat them.
    turns: how many second tries a failing program gets, each on the one before.
    corruptions: for each kept program, so many spoilt copies with the same feedback, kept as
    further repair examples; without them a writer sees too few repairs to learn from.
    """

    box: Sandbox
    per_task: int | None = 2
    second_try: str = "none"
    turns: int = 1
    corruptions: int = 2

    def __post_init__(self) -> None:
        one_of("second_try", self.second_try, SECOND_TRIES)
        positive_int("turns", self.turns)
        positive_int("corruptions", self.corruptions, minimum=0)

    def __call__(
        self, model: CodeWriter, samples: list[Example], rng: np.random.Generator
    ) -> Verified:
        reports = grade(self.box, samples)
        passed = [report.passed for report in reports]
        kept = choose(samples, passed, self.per_task)
        report = {"solved_first": numbers_about(self.box, samples, kept)["solved"]}
        repairs: list[Example] = []
        if self.second_try != "none":
            failing = unsolved(samples, reports)
            asked = len(failing)
            for _ in range(self.turns):
                failing, mended = self._try_again(model, failing, rng)
                repairs += mended
            report["mended"] = len(repairs) / asked if asked else 0.0
            direct = [Example(example.task, example.program) for example in repairs]
            kept = choose([*kept, *direct], [True] * (len(kept) + len(direct)), self.per_task)
        report |= numbers_about(self.box, samples, kept)
        if self.second_try not in ("none", "resample"):
            spoilt = [spoil(e, rng) for e in kept for _ in range(self.corruptions)]
            repairs += self._with_feedback(spoilt)
            kept = [*kept, *repairs]
        return Verified(kept, report)

    def _try_again(
        self,
        model: CodeWriter,
        failing: Sequence[tuple[Example, Report]],
        rng: np.random.Generator,
    ) -> tuple[list[tuple[Example, Report]], list[Example]]:
        """Second tries for `failing`: what still fails, and what passes now."""
        asked = self._questions(failing)
        answers = model.answer(asked, rng, temperature=model.temperature) if asked else []
        reports = grade(self.box, answers)
        mended = [a for a, report in zip(answers, reports, strict=True) if report.passed]
        return unsolved(answers, reports), mended

    def _questions(self, failing: Sequence[tuple[Example, Report]]) -> list[Example]:
        if self.second_try == "resample":
            return [Example(example.task, ()) for example, _ in failing]
        told = self._told([e for e, _ in failing], [report for _, report in failing])
        return [
            Example(example.task, (), wrong=example.program, feedback=said)
            for (example, _), said in zip(failing, told, strict=True)
        ]

    def _told(self, failing: Sequence[Example], reports: Sequence[Report]) -> list[Pieces]:
        """The feedback on each failing program, as detailed as `second_try` says."""
        detail = "repair" if self.second_try == "trace" else self.second_try
        told = [feedback(r, e.task, detail) for e, r in zip(failing, reports, strict=True)]
        if self.second_try != "trace":
            return told
        shown = traces(self.box, failing, reports)
        return [
            (*said, *(piece for value in values for piece in ("<step>", *describe_value(value))))
            for said, values in zip(told, shown, strict=True)
        ]

    def _with_feedback(self, spoilt: Iterable[tuple[Example, Pieces]]) -> list[Example]:
        """Repair examples out of right programs and spoilt copies that do fail."""
        pairs = list(spoilt)
        copies = [Example(right.task, wrong) for right, wrong in pairs]
        told = self._told(copies, reports := grade(self.box, copies))
        return [
            Example(right.task, right.program, wrong, said)
            for (right, wrong), report, said in zip(pairs, reports, told, strict=True)
            if not report.passed
        ]


def unsolved(
    examples: Sequence[Example], reports: Sequence[Report]
) -> list[tuple[Example, Report]]:
    """The failing programs of the tasks for which no program passed."""
    solved = {id(e.task) for e, report in zip(examples, reports, strict=True) if report.passed}
    pairs = zip(examples, reports, strict=True)
    return [(e, report) for e, report in pairs if id(e.task) not in solved]


def spoil(example: Example, rng: np.random.Generator) -> tuple[Example, Pieces]:
    """`example` with a copy of its program in which one statement is another step's."""
    body = statements(example.program)
    table = steps()
    other = table[int(rng.integers(len(table)))].programs[0]
    body[int(rng.integers(len(body)))] = other
    return example, tuple(piece for statement in body for piece in statement)
