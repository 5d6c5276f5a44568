"""What is kept of programs written as text. The writer itself: tests/test_hub_studies.py."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from helpers.coding.hub_writer import Answer, PassesTests, solutions
from helpers.verification import Report, Sandbox, Verdict
from helpers.verification.human_eval import human_eval_problems

PROBLEMS = sorted(human_eval_problems(), key=lambda problem: len(problem.prompt))[:3]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_what_passes_is_kept_once(box: Sandbox) -> None:
    right = solutions(PROBLEMS)
    wrong = [Answer(problem, "    return 'no'\n") for problem in PROBLEMS[:1]]
    verified = PassesTests(box)(None, [*right, *right[:2], *wrong], rng())
    assert [a.written for a in verified.kept] == [a.written for a in right]
    assert verified.report == {"accepted": pytest.approx(5 / 6), "solved": 1.0}


def test_an_error_of_the_grader_is_no_wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Report(Verdict.HARNESS_ERROR, "lost twice", n_cases=1)
    with Sandbox() as one:
        monkeypatch.setattr(one, "grade_many", lambda jobs: [broken for _ in jobs])
        with pytest.raises(RuntimeError, match="lost twice"):
            PassesTests(one)(None, solutions(PROBLEMS[:1]), rng())


def test_a_fenced_answer_is_read_where_the_grader_is_told_to(box: Sandbox) -> None:
    problem = PROBLEMS[0]
    program = problem.prompt + problem.canonical_solution
    chat = Answer(problem, f"Of course!\n\n```python\n{program}```\nThat is all.", fenced=True)
    with pytest.raises(ValueError, match=r"Sandbox\(extract=True\)"):
        PassesTests(box)(None, [chat], rng())
    with Sandbox(extract=True) as reading:
        assert PassesTests(reading)(None, [chat], rng()).kept == [chat]
        # The same for text that goes on from the problem: it is Python as it stands.
        assert len(PassesTests(reading)(None, solutions([problem]), rng()).kept) == 1
