"""The task language: short English specifications and real Python functions over lists of ints.

A specification is one to four phrases joined by "then"; each phrase stands for a step, each step
for one statement. Many steps have several right programs, and a few phrases are underspecified
("sort them": which way?), so that only the tests decide. This is a toy language, chosen so that a
model of a hundred thousand parameters can learn it: no loops, no branches, one argument.

    sort them then keep the positive ones then increase by 4

    def f(xs):
        xs = sorted(xs)
        xs = [x for x in xs if x > 0]
        xs = [x + 4 for x in xs]
        return xs
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np

from helpers._arguments import generator, positive_int, real_array
from helpers.verification.cases import Case

ENTRY_POINT = "f"
HEADER = "def f(xs):\n"
RETURN_LIST = ("    return ", "xs", "\n")
NUMBERS = ("2", "3", "4", "5", "6")  # the constants that specifications use
N_VISIBLE, N_HIDDEN = 6, 10  # cases a task shows to a verifier, and cases it keeps back
REDUCTION_SHARE = 0.6  # of the specifications end in a single number

Pieces = tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One statement: what it may be called, and the right ways to write it, first the usual one."""

    phrases: tuple[str, ...]
    programs: tuple[Pieces, ...]
    reduces: bool = False


def _keep(condition: Pieces, *phrases: str) -> Step:
    return Step(phrases, (("    xs = [x for x in xs if x", *condition, "]\n"),))


def _map(expressions: Sequence[Pieces], *phrases: str) -> Step:
    return Step(phrases, tuple(("    xs = [", *e, " for x in xs]\n") for e in expressions))


def _list(expressions: Sequence[Pieces], *phrases: str) -> Step:
    return Step(phrases, tuple(("    xs = ", *e, "\n") for e in expressions))


def _reduce(expressions: Sequence[Pieces], *phrases: str) -> Step:
    return Step(phrases, tuple(("    return ", *e, "\n") for e in expressions), reduces=True)


@lru_cache(maxsize=1)
def steps() -> tuple[Step, ...]:
    """All steps of the language."""
    table = [
        _keep((" % 2 == ", "0"), "keep the even ones", "keep only even numbers", "drop odd ones"),
        Step(
            ("keep the odd ones", "keep only odd numbers", "drop even ones"),
            (
                ("    xs = [x for x in xs if x", " % 2 == ", "1", "]\n"),
                ("    xs = [x for x in xs if x", " % 2 != ", "0", "]\n"),
            ),
        ),
        _keep((" > ", "0"), "keep the positive ones", "keep only positive numbers"),
        _keep((" < ", "0"), "keep the negative ones", "keep only negative numbers"),
        _keep((" >= ", "0"), "drop the negative ones"),
        _keep((" <= ", "0"), "drop the positive ones"),
        _map([("x", " * ", "x"), ("x", " ** ", "2")], "square them", "square each one"),
        _map([("x", " * ", "2"), ("x", " + ", "x")], "double them", "double each one"),
        _map([("x", " * ", "3")], "triple them", "triple each one"),
        _map([("-", "x")], "negate them", "flip the signs"),
        _map([("abs(", "x", ")")], "take absolute values", "drop the signs"),
        _list([("sorted(", "xs", ")")], "sort ascending", "sort from small to large", "sort them"),
        _list(
            [("sorted(", "xs", ", reverse=True", ")"), ("sorted(", "xs", ")", "[::-1]")],
            "sort descending",
            "sort from large to small",
            "sort them",
        ),
        _list([("xs", "[::-1]")], "reverse them", "reverse the order"),
        _list([("list(dict.fromkeys(", "xs", ")", ")")], "remove duplicates", "drop repeats"),
        _list([("xs", "[::2]")], "take every second one from the first", "take every second one"),
        _list([("xs", "[1::2]")], "take every second one from the next", "take every second one"),
        _reduce([("sum(", "xs", ")")], "return the sum", "add them up"),
        _reduce([("max(", "xs", ")"), ("sorted(", "xs", ")", "[", "-", "1", "]")],
                "return the largest one", "return the maximum"),
        _reduce([("min(", "xs", ")"), ("sorted(", "xs", ")", "[", "0", "]")],
                "return the smallest one", "return the minimum"),
        _reduce([("len(", "xs", ")")], "count them", "return how many there are"),
        _reduce([("xs", "[", "0", "]")], "return the first one"),
        _reduce([("xs", "[", "-", "1", "]")], "return the last one"),
    ]  # fmt: skip
    for n in NUMBERS:
        table += [
            _keep((" > ", n), f"keep numbers greater than {n}", f"keep those above {n}"),
            _keep((" >= ", n), f"keep numbers of at least {n}", f"keep those above {n}"),
            _keep((" < ", n), f"keep numbers less than {n}", f"keep those below {n}"),
            _keep((" <= ", n), f"keep numbers of at most {n}", f"keep those below {n}"),
            _map([("x", " + ", n)], f"add {n}", f"increase by {n}"),
            _map([("x", " - ", n)], f"subtract {n}", f"decrease by {n}"),
            _map([("x", " * ", n)], f"multiply by {n}", f"scale by {n}"),
            _list([("xs", "[:", n, "]")], f"take the first {n}", f"keep the first {n}"),
            _list([("xs", "[", "-", n, ":]")], f"take the last {n}", f"keep the last {n}"),
            _list([("xs", "[", n, ":]")], f"skip the first {n}", f"drop the first {n}"),
        ]
    return tuple(table)


@lru_cache(maxsize=1)
def underspecified() -> frozenset[str]:
    """The phrases that stand for more than one step."""
    seen: set[str] = set()
    twice: set[str] = set()
    for step in steps():
        for phrase in step.phrases:
            (twice if phrase in seen else seen).add(phrase)
    return frozenset(twice)


def source(program: Pieces) -> str:
    """The text of a program: what a sandbox runs. `program` holds the statements' pieces."""
    return HEADER + "".join(program)


@dataclass(frozen=True, eq=False)
class Task:
    """A specification with its tests. `steps` index the table: what the author had in mind."""

    phrases: tuple[str, ...]
    steps: tuple[int, ...]
    cases: tuple[Case, ...]
    hidden: tuple[Case, ...]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # immutable, and scikit-learn's clone would copy thousands of them

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The specification, word by word."""
        return tuple(" then ".join(self.phrases).split())

    @property
    def is_underspecified(self) -> bool:
        """Whether a phrase has more than one reading."""
        return not underspecified().isdisjoint(self.phrases)


@dataclass(frozen=True, eq=False)
class TaskSets:
    """Three disjoint sets: `human` tasks come with a reference program each, the others without.

    Reference programs are drawn by `write_program`, in the place of human authors.
    """

    human: list[tuple[Task, Pieces]]
    pool: list[Task]
    test: list[Task]


def write_program(task: Task, rng: np.random.Generator) -> Pieces:
    """One of the right programs for `task`, drawn uniformly statement by statement."""
    table = steps()
    pieces: list[str] = []
    for index in task.steps:
        programs = table[index].programs
        pieces += programs[int(rng.integers(len(programs)))]
    return tuple(pieces) if table[task.steps[-1]].reduces else (*pieces, *RETURN_LIST)


def draw_task(
    length_weights: Sequence[float],
    rng: np.random.Generator,
    taken: Collection[tuple[int, ...]] = (),
) -> Task:
    """A random task of 1 .. len(length_weights) steps whose step sequence is not in `taken`.

    Tasks are drawn again until their tests tell programs apart: at least three different outputs
    in each set of cases, at most one empty list, and no error from the right program.
    """
    generator("rng", rng)
    weights = real_array("length_weights", length_weights)
    if weights.ndim != 1 or not len(weights) or (weights < 0).any() or weights.sum() <= 0:
        raise ValueError(f"length_weights must be non-negative with a sum > 0, got {weights}")
    table = steps()
    reductions = [i for i, step in enumerate(table) if step.reduces]
    others = [i for i, step in enumerate(table) if not step.reduces]
    while True:
        length = 1 + int(rng.choice(len(weights), p=weights / weights.sum()))
        chosen = [others[i] for i in rng.integers(len(others), size=length)]
        if rng.random() < REDUCTION_SHARE:
            chosen[-1] = reductions[int(rng.integers(len(reductions)))]
        sequence = tuple(chosen)
        if sequence in taken:
            continue
        phrases = tuple(
            table[i].phrases[int(rng.integers(len(table[i].phrases)))] for i in sequence
        )
        lengths = rng.integers(6, 10, size=N_VISIBLE + N_HIDDEN)
        numbers = rng.integers(-9, 10, size=(len(lengths), 9)).tolist()
        inputs = [row[:n] for row, n in zip(numbers, lengths, strict=True)]
        outputs = _reference_outputs(sequence, inputs)
        if outputs is None:
            continue
        visible, hidden = outputs[:N_VISIBLE], outputs[N_VISIBLE:]
        if _tells_apart(visible) and _tells_apart(hidden):
            cases = [Case((xs,), expected) for xs, expected in zip(inputs, outputs, strict=True)]
            return Task(phrases, sequence, tuple(cases[:N_VISIBLE]), tuple(cases[N_VISIBLE:]))


def draw_task_sets(
    rng: np.random.Generator, *, n_human: int = 200, n_pool: int = 4000, n_test: int = 200
) -> TaskSets:
    """The three sets of one experiment, with a hold-out by step sequences.

    The step sequence of a task with more than one step occurs in one of the sets only, numbers
    included; single steps may repeat, in `human` and `pool`. `test` has two to four steps. That is
    no hold-out by behaviour: other steps may do the same, on twelve inputs for about a third of
    the test tasks of `execution`. They stay, since the recorded tasks have them.
    """
    for name, value in (("n_human", n_human), ("n_pool", n_pool), ("n_test", n_test)):
        positive_int(name, value)
    everything, several = (1, 3, 4, 3), (0, 2, 4, 3)

    def draw_set(n: int, weights: Sequence[float], taken: set[tuple[int, ...]]) -> list[Task]:
        return [draw_task(weights, rng, taken) for _ in range(n)]

    test = draw_set(n_test, several, set())
    held_out = {task.steps for task in test}
    human = draw_set(n_human, everything, held_out)
    held_out |= {task.steps for task in human if len(task.steps) > 1}
    pool = draw_set(n_pool, everything, held_out)
    return TaskSets([(task, write_program(task, rng)) for task in human], pool, test)


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """Every word of a specification and every piece of a program, sorted, without repeats."""
    table = steps()
    words = {word for step in table for phrase in step.phrases for word in phrase.split()}
    pieces = {piece for step in table for program in step.programs for piece in program}
    return tuple(sorted(words | pieces | set(RETURN_LIST) | {"then"}))


def _reference_outputs(sequence: Sequence[int], inputs: list[list[int]]) -> list[Any] | None:
    """What the usual program returns; None where it raises. Our own text, so exec is safe here."""
    table = steps()
    pieces = [piece for index in sequence for piece in table[index].programs[0]]
    if not table[sequence[-1]].reduces:
        pieces += RETURN_LIST
    namespace: dict[str, Any] = {}
    exec(source(tuple(pieces)), namespace)
    try:
        return [namespace[ENTRY_POINT](list(xs)) for xs in inputs]
    except (IndexError, ValueError):  # the first, the largest or the smallest of nothing
        return None


def _tells_apart(outputs: list[Any]) -> bool:
    return len({repr(value) for value in outputs}) >= 3 and outputs.count([]) <= 1
