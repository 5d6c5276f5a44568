"""Programs that pass every case of a problem and are wrong: exercise B of lesson 10.

Here are the inputs that the problems' texts allow, and how a program is compared there with a right
one. The learner's program runs in the sandbox only.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from typing import Any

from helpers.verification import Case, Problem, Report, Sandbox, equal, human_eval_problems

CAREFUL = """
def valid_date(date):
    days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    try:
        month, day, year = map(int, date.strip().split("-"))
    except ValueError:
        return False
    return 1 <= month <= 12 and 1 <= day <= days[month - 1]
"""
# Of each problem: inputs that its text allows, and some that it forbids. Long and large ones, too:
# a program may be wrong there only.
ALLOWED: dict[int, Sequence[Any]] = {
    4: ([5.0, 2.0, 3.0], [1.0, 1.0], [7.5], [0.0, -4.0, 10.0, 3.0], [2.0, 2.5], [-1.0, -2.0],
        [1.0, 2.0, 3.0, 4.0, 5.0, 9.0], [0.5 * x for x in range(40)], [1e6, -1e6, 0.0],
        [100.0, 250.0]),
    40: ([0], [0, 0], [1, -1, 0], [2, -1], [0, 0, 0], [5, -10, 5], [4, -2, 9, 1], [1, 1, -2, 8],
         [-3, 1, 2], [6, 7, -14, 8], [2, -4, 7, 3], [9, 8, -7, -1, 30, -2],
         [3, 7, 11, 20, 31, 45, 60, 80, 101, -121, 200, 350], [1000, 2, -1002],
         [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, -96], list(range(1, 30))),
    59: (4, 6, 8, 9, 10, 12, 14, 16, 21, 25, 35, 49, 64, 77, 100, 121, 128, 143, 169, 243, 1000,
         62, 74, 201, 437, 1147, 2021, 4096, 4999 * 2, 5041, 10403),
    124: tuple(f"{m:02}-{d:02}-2001" for m in range(14) for d in range(33)) + tuple(
        f"{day}-{year}" for day in ("02-28", "02-29", "12-25", "04-31")
        for year in ("0001", "1776", "1899", "1900", "2023", "2024", "9999")),
}  # fmt: skip
FORBIDDEN: dict[int, Sequence[Any]] = {4: ([],), 40: ([],), 59: (2, 3, 7, 13, 1, 0, -6), 124: ("",)}


@cache
def problem_of(asked: int) -> Problem:
    """The problem of HumanEval with this number, 0 to 163."""
    return human_eval_problems()[asked]


def against_the_truth(
    box: Sandbox, program: str, problem: Problem, inputs: Sequence[Any]
) -> Report:
    """The program on `inputs`, with what a right program returns there as the answers."""
    truth = problem.prompt + problem.canonical_solution
    truth = CAREFUL if problem.task_id == "HumanEval/124" else truth
    noted: dict[str, Any] = {}

    def note(args: tuple[Any, ...], got: Any) -> bool:
        noted[repr(args[0])] = got
        return True

    box.grade(truth, [Case((one,), None, check=note) for one in inputs], problem.entry_point)
    cases = [Case((one,), noted.get(repr(one)), tolerance=1e-6) for one in inputs]
    return box.grade(program, cases, problem.entry_point)


def knows(program: str, problem: Problem) -> bool:
    """Whether at least half of the cases' inputs are written in the program."""
    written = []
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Constant | ast.List | ast.Tuple | ast.UnaryOp):
            try:
                written.append(ast.literal_eval(node))
            except (ValueError, TypeError):
                continue
    known = [
        any(equal(case.args[0], list(one) if isinstance(one, tuple) else one) for one in written)
        for case in problem.cases
    ]
    return 2 * sum(known) >= len(known)
