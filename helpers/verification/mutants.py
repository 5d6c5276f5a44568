"""Tests of tests: single changes of a program, and inputs near those that were recorded.

A *mutant* is a program with one small change. Good tests fail it: they *kill* it. A mutant that
passes them may do the same as its original (it is *equivalent*), or the tests have a hole. Which of
the two cannot be decided in general; an input on which it returns another value decides it for one.

The changes are the usual ones of mutation testing (Jia and Harman 2011 survey them): an operator is
swapped, a constant moves by one, a branch is dropped. The text is changed in place, so that all
other lines stay as they were written.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from helpers._arguments import positive_int
from helpers.verification.human_eval import Problem

Located = ast.expr | ast.stmt
Operators = dict[type[ast.AST], type[ast.AST]]
SWAPS: Operators = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.FloorDiv,
    ast.FloorDiv: ast.Div, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A program with one change: both texts, the line of the change, and that piece in words.

    line counts from 1. Raises ValueError where nothing but the layout has changed.
    """

    original: str
    source: str
    line: int
    before: str
    after: str

    def __post_init__(self) -> None:
        if ast.dump(ast.parse(self.original)) == ast.dump(ast.parse(self.source)):
            raise ValueError(
                f"a mutant must differ from its original, got the same program ({self.after!r} in "
                f"line {self.line})"
            )


def mutants(problem: Problem) -> list[Mutant]:
    """Every single change of the problem's canonical solution, top to bottom."""
    program = problem.prompt + problem.canonical_solution
    begins = problem.prompt.count("\n") + 1  # what the prompt defines is no answer
    found = [
        _mutant(program, place, after)
        for node in _outside_texts(ast.parse(program))
        for place, after in _changes(node)
        if place.lineno >= begins
    ]
    return sorted(found, key=lambda mutant: mutant.line)


def drawn(found: Sequence[Mutant], most: int, rng: np.random.Generator) -> list[Mutant]:
    """At most `most` of `found`, drawn without putting back, in the order of the program."""
    count = min(positive_int("most", most), len(found))
    return [found[i] for i in sorted(rng.choice(len(found), count, replace=False))]


def _outside_texts(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and what is below it, but nothing inside an f-string: 3.11 misplaces its parts."""
    yield node
    if not isinstance(node, ast.JoinedStr):
        for child in ast.iter_child_nodes(node):
            yield from _outside_texts(child)


def _changes(node: ast.AST) -> Iterator[tuple[Located, Located]]:
    """What of `node` may give its place to what: an operator, a constant, a branch."""
    if isinstance(node, ast.Compare):
        for place, sign in enumerate(node.ops):
            if type(sign) in SWAPS:
                signs = [*node.ops[:place], _swapped(sign), *node.ops[place + 1 :]]
                yield node, ast.Compare(node.left, signs, node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield node, ast.BinOp(node.left, _swapped(node.op), node.right)
    elif isinstance(node, ast.AugAssign) and type(node.op) in SWAPS:
        yield node, ast.AugAssign(node.target, _swapped(node.op), node.value)
    elif isinstance(node, ast.BoolOp):
        yield node, ast.BoolOp(_swapped(node.op), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, node.operand
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            yield from ((node, ast.Constant(node.value + step)) for step in (1, -1))
    elif isinstance(node, ast.IfExp):
        yield from ((node, branch) for branch in (node.body, node.orelse))
    elif isinstance(node, ast.If):
        yield node.test, ast.Constant(False)


def _swapped(sign: ast.AST) -> Any:
    return SWAPS[type(sign)]()


def _mutant(program: str, place: Located, after: Located) -> Mutant:
    """`program` with `after` where `place` stands; the columns of a tree count bytes."""
    whole = program.encode()
    starts = [0, *accumulate(map(len, whole.splitlines(keepends=True)))]
    begin = starts[place.lineno - 1] + place.col_offset
    end = starts[(place.end_lineno or place.lineno) - 1] + (place.end_col_offset or 0)
    text = ast.unparse(after)
    apart = whole[begin - 1 : begin].isspace() and not text.startswith("-")
    plain = isinstance(after, ast.stmt) or (isinstance(after, ast.Constant) and apart)
    put = text if plain else f"({text})"
    source = whole[:begin] + put.encode() + whole[end:]
    return Mutant(program, source.decode(), place.lineno, whole[begin:end].decode(), text)


# --- inputs --------------------------------------------------------------------------------------


def near(problem: Problem, count: int, rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """At most `count` different inputs, each one small change away from a recorded one.

    No number leaves the range of the recorded ones in the same argument, texts are made of
    recorded characters, and no list or text gets longer or shorter than the recorded ones: so an
    input rarely breaks a rule that the problem only states in words. Fewer are returned where so
    many different ones are not found in ten times as many tries.
    """
    positive_int("count", count)
    known = [case.args for case in problem.cases]
    rooms = [_Room([args[i] for args in known if i < len(args)]) for i in range(_width(known))]
    seen = {repr(list(args)) for args in known}
    found: list[tuple[Any, ...]] = []
    for _ in range(10 * count):
        args = list(known[rng.integers(len(known))])
        if args:
            place = int(rng.integers(len(args)))
            args[place] = rooms[place].changed(args[place], rng)
        if repr(args) not in seen:
            seen.add(repr(args))
            found.append(tuple(args))
        if len(found) == count:
            break
    return found


def _width(known: Sequence[tuple[Any, ...]]) -> int:
    return max(map(len, known), default=0)


class _Room:
    """What was recorded in one argument: its numbers, its characters, its lengths."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.numbers: list[Any] = []
        self.characters: list[str] = []
        self.lengths: dict[type, list[int]] = {}
        for value in values:
            self._take(value)

    def _take(self, value: Any) -> None:
        if type(value) in (int, float):
            self.numbers.append(value)
        elif isinstance(value, str):
            self.characters += value
            self.lengths.setdefault(str, []).append(len(value))
        elif isinstance(value, (list, tuple)):
            self.lengths.setdefault(type(value), []).append(len(value))
            for item in value:
                self._take(item)
        elif isinstance(value, dict):
            for item in value.values():
                self._take(item)

    def changed(self, value: Any, rng: np.random.Generator) -> Any:
        """`value` with one small change; itself where there is nothing to change."""
        if isinstance(value, bool):
            return not value
        if isinstance(value, (int, float)):
            return self._number(value, rng)
        if isinstance(value, str):
            return "".join(self._row(list(value), str, rng))
        if isinstance(value, (list, tuple)):
            return type(value)(self._row(list(value), type(value), rng))
        if isinstance(value, dict) and value:
            key = list(value)[rng.integers(len(value))]
            return {**value, key: self.changed(value[key], rng)}
        return value

    def _number(self, value: Any, rng: np.random.Generator) -> Any:
        alike = [number for number in self.numbers if type(number) is type(value)]
        other = alike[rng.integers(len(alike))]
        options = [value - 1, value + 1, other, (value + other) / 2]
        new = options[rng.integers(3 if isinstance(value, int) else 4)]
        return min(max(new, min(self.numbers)), max(self.numbers))

    def _row(self, items: list[Any], kind: type, rng: np.random.Generator) -> list[Any]:
        """A list, or a text as its characters: an item changed, doubled, left out or moved."""
        lengths = self.lengths[kind]
        if not items:
            return items
        place, other = rng.integers(len(items), size=2)
        change = rng.integers(4)
        if change == 0 and len(items) < max(lengths):
            return [*items[:place], items[other], *items[place:]]
        if change == 1 and len(items) > min(lengths):
            return [*items[:place], *items[place + 1 :]]
        if change == 2:
            items[place], items[other] = items[other], items[place]
        elif kind is str:
            items[place] = self.characters[rng.integers(len(self.characters))]
        else:
            items[place] = self.changed(items[place], rng)
        return items
