"""The 164 problems of HumanEval with their recorded cases."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

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
        for (args, answer), (stored_args, stored_answer) in zip(
            calls, stored[task_id], strict=True
        ):
            assert args == stored_args
            if task_id not in {human_eval._ROOT, *human_eval._TOLERANT}:
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
    for nonsense in ("x", None, [1], float("nan"), float("inf"), 10**400):
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
