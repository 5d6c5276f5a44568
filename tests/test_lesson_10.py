"""Lesson 10: its mutants, its study, its explorer, and what its exercises may not do."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import studies
from helpers.explorers import lesson_10
from helpers.studies import tests_of_tests as study
from helpers.teaching.exercises import Praise, exercises_of
from helpers.verification import Problem, Report, Verdict, human_eval_problems
from helpers.verification import mutants as mutation
from helpers.verification.cases import Case

PROBLEMS = human_eval_problems()


def toy(body: str, *cases: Case) -> Problem:
    return Problem("HumanEval/0", "def f(x):\n    '''Text.'''\n", body, "f", cases)


# ---------------------------------------------------------------------- mutants


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("    return x < 1\n", {"return (x <= 1)", "return x < 2", "return x < 0"}),
        ("    return x and not x\n", {"return (x or not x)", "return x and (x)"}),
        ("    x += x / x\n    return x\n", {"x -= x / x", "x += (x // x)"}),
        ("    if(x):\n        x = 0\n    return x\n", {"if((False)):", "x = 1", "x = (-1)"}),
        ("    return x if x else 'é'\n", {"return (x)", "return 'é'"}),
        ("    return f'{x + 1}' + \"é\" * x\n",
         {"return (f'{x + 1}' - 'é' * x)", "return f'{x + 1}' + (\"é\" + x)"}),
        ("    return True\n", set()),
    ],
)  # fmt: skip
def test_every_single_change_in_its_place(body: str, lines: set[str]) -> None:
    made = mutation.mutants(toy(body))
    changed = {one.source.splitlines()[one.line - 1].strip() for one in made}
    assert {line.replace('"', "'") for line in changed} == {
        line.replace('"', "'") for line in lines
    }
    for one in made:
        ast.parse(one.source)
        rest = one.source.splitlines()
        rest[one.line - 1] = one.original.splitlines()[one.line - 1]
        assert rest == one.original.splitlines()


def test_what_the_prompt_defines_is_not_changed() -> None:
    for problem in (PROBLEMS[32], PROBLEMS[10]):
        begins = problem.prompt.count("\n") + 1
        made = mutation.mutants(problem)
        assert made
        assert min(one.line for one in made) >= begins


def test_a_mutant_that_is_its_original_is_refused() -> None:
    with pytest.raises(ValueError, match="a mutant must differ from its original, got the same"):
        mutation.Mutant("x = 1 + 2", "x = (1 + 2)  # the same", 1, "1 + 2", "(1 + 2)")


def test_at_most_so_many_are_drawn_and_none_twice() -> None:
    made = mutation.mutants(PROBLEMS[124])
    some = mutation.drawn(made, 24, np.random.default_rng(100))
    assert len(made) > 24 == len(some)
    assert len({one.source for one in some}) == 24
    assert [one.line for one in some] == sorted(one.line for one in some)
    assert some == mutation.drawn(made, 24, np.random.default_rng(100))
    assert len(mutation.drawn(made[:3], 24, np.random.default_rng(100))) == 3
    with pytest.raises(ValueError, match="most must be"):
        mutation.drawn(made, 0, np.random.default_rng(100))


# ---------------------------------------------------------------------- inputs near the recorded


@pytest.mark.parametrize("number", [0, 4, 25, 40, 59, 95, 107, 124, 127])
def test_near_inputs_are_new_and_stay_inside_what_was_recorded(number: int) -> None:
    problem = PROBLEMS[number]
    found = mutation.near(problem, 30, np.random.default_rng(100))
    assert found
    known = [case.args for case in problem.cases]
    assert len({repr(args) for args in found}) == len(found)
    assert not {repr(args) for args in found} & {repr(args) for args in known}
    for place in range(len(known[0])):
        inside = leaves([args[place] for args in known])
        for args in found:
            one = leaves([args[place]])
            assert one["characters"] <= inside["characters"]
            assert one["kinds"] <= inside["kinds"]
            for kind in ("numbers", "lengths"):
                if one[kind]:
                    assert min(inside[kind]) <= min(one[kind])
                    assert max(one[kind]) <= max(inside[kind])


def leaves(values: Any) -> dict[str, set[Any]]:
    """What is in these values, all levels together."""
    found: dict[str, set[Any]] = {"numbers": set(), "characters": set(), "lengths": set(),
                                  "kinds": set()}  # fmt: skip
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        found["kinds"].add(type(value))
        if isinstance(value, bool):
            continue
        if isinstance(value, (int, float)):
            found["numbers"].add(value)
        elif isinstance(value, str):
            found["characters"] |= set(value)
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
        if isinstance(value, (list, tuple, str)):
            found["lengths"].add(len(value))
    return found


def test_the_same_generator_gives_the_same_inputs() -> None:
    one, again = (mutation.near(PROBLEMS[124], 9, np.random.default_rng(7)) for _ in range(2))
    assert one == again
    assert mutation.near(toy("    return 1\n", Case((None,), 1)), 5, np.random.default_rng(7)) == []


# ---------------------------------------------------------------------- the study


def test_one_draw_of_a_few_problems() -> None:
    """Problem 40 keeps mutants that return another value; 34 has no operator and one case."""
    found = study.draw([PROBLEMS[40], PROBLEMS[34], PROBLEMS[147]], seed=100)
    triples, unique, slow = found
    assert [one.problem.task_id for one in found] == ["HumanEval/40", "HumanEval/34",
                                                      "HumanEval/147"]  # fmt: skip
    assert triples.other
    assert set(triples.other) <= set(triples.beyond) < set(range(len(triples.mutants)))
    for place in triples.beyond:
        assert triples.tried[place].passed
    assert not unique.mutants
    assert any(not report.passed for report in slow.tried)
    assert slow.near


def test_a_mutant_is_told_by_a_value_and_not_by_an_exception() -> None:
    said = [Verdict.EXCEPTION, Verdict.WRONG, Verdict.PASSED, Verdict.TIMEOUT]
    beyond = {place: Report(verdict) for place, verdict in enumerate(said)}
    assert study.Tested(PROBLEMS[0], [], [], [], beyond).other == [1]


def test_constants_and_what_stands_in_the_prompt() -> None:
    assert study.best_constant(PROBLEMS[34])[1] == 1
    value, share = study.best_constant(PROBLEMS[124])
    assert value is False
    assert share == 11 / 16
    shown = study.in_prompt(PROBLEMS[124])
    assert sum(shown) == 4  # '06/04/2020' is in the text and in no case
    assert shown[:4] == [True] * 4
    assert sum(study.in_prompt(PROBLEMS[59])) == 1


def test_the_rules_are_those_of_the_docstring() -> None:
    table = pd.DataFrame([
        (f"p{arm}", 0, metric, value, seed)
        for seed in range(3) for arm in range(8)
        for metric, value in {
            "mutants": 10 if arm else 0, "survived": arm, "other": int(arm > 3 - seed), "inputs": 5,
            "cases": 3 * arm % 8 + 1, "constant": 0.1 * arm, "in_prompt": 0.5,
        }.items()
    ], columns=["arm", "generation", "metric", "value", "replicate"])  # fmt: skip
    found = study.summary(table)
    assert found["problems"] == 8
    assert found["problems_mutated"] == 7
    assert found["score_mean"] == pytest.approx(1 - np.mean(np.arange(1, 8)) / 10)
    assert found["always_other"] == 4
    assert found["rule_1"] == 0
    assert found["correlation"] == pytest.approx(1 - 6 * 64 / (7 * 48))
    assert found["constant_mean"] == pytest.approx(0.35)
    assert found["rule_3"] == 1
    assert found["in_prompt"] == 0.5
    assert found["other_low"] < found["other"] < found["other_high"]
    assert found["mutants"] == found["mutants_low"] == 70


def test_the_recorded_summary_is_that_of_the_recorded_table() -> None:
    now = study.summary(studies.load("tests_of_tests"))
    for name, value in studies.summary("tests_of_tests").items():
        assert now[name] == pytest.approx(value, rel=1e-4), name


def test_the_recorded_mutants_are_those_of_draw_0() -> None:
    rows = study.recorded_mutants()
    assert list(rows) == [problem.task_id for problem in PROBLEMS]
    table = studies.load("tests_of_tests").query("replicate == 0")
    wide = table.pivot(index="arm", columns="metric", values="value")
    for number in range(164):
        task = f"HumanEval/{number}"
        made = lesson_10.draw_0(number)
        assert [(one.line, one.before, one.after) for one in made] == [
            (row["line"], row["before"], row["after"]) for row in rows[task]
        ]
        assert sum(row["verdict"] == "passed" for row in rows[task]) == wide["survived"][task]
        assert sum("first" in row for row in rows[task]) == wide["other"][task]


# ---------------------------------------------------------------------- pictures and controls


def words(**settings: Any) -> str:
    figure = lesson_10.mutant_picture(**settings).figure
    return "\n".join(text.get_text() for text in figure.texts)


def test_the_picture_says_what_was_recorded() -> None:
    row, place = survivor(40)
    said = words(problem=40, mutant=place, inputs="recorded")
    assert "not told from its original" in said
    assert "near" not in said
    said = words(problem=40, mutant=place, inputs="60 near")
    assert "told from its original" in said.splitlines()[0]
    assert "not told" not in said
    assert f"near input {row['first'] + 1}: " in said


def survivor(number: int) -> tuple[dict[str, Any], int]:
    rows = study.recorded_mutants()[f"HumanEval/{number}"]
    return next((row, place) for place, row in enumerate(rows, start=1) if "first" in row)


def test_beyond_the_last_mutant_is_the_last() -> None:
    assert words(problem=40, mutant=24) == words(problem=40, mutant=12)


def test_the_hidden_challenge_has_one_answer() -> None:
    full = [number for number in range(164) if study.best_constant(PROBLEMS[number])[1] == 1]
    assert full == [34]
    assert "passes 100% of the cases" in words(problem=34)
    assert "no mutants" in words(problem=34)


def test_the_controls_draw() -> None:
    explorer = lesson_10.mutant_explorer()
    assert explorer.error is None
    explorer.set(more=True, problem=59, mutant=7, inputs="60 near")
    assert explorer.wait(60)
    assert explorer.error is None


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="problem must be one of"):
        lesson_10.mutant_picture(problem=200)
    with pytest.raises(ValueError, match="inputs must be one of"):
        lesson_10.mutant_picture(inputs="many")
    with pytest.raises(ValueError, match="mutant must be"):
        lesson_10.mutant_picture(mutant=0)
    with pytest.raises(ValueError, match="k must be at most n = 3, got 5"):
        lesson_10.estimate("count", 3, 1, 5)
    with pytest.raises(ValueError, match="many must lie between"):
        lesson_10.beta_of(0.3, 0.2, 100)


def test_a_beta_distribution_fits_both_numbers() -> None:
    a, b = lesson_10.beta_of(0.288, 0.702, 100)
    chances = np.random.default_rng(1).beta(a, b, 200_000)
    assert chances.mean() == pytest.approx(0.288, abs=0.005)
    assert (1 - (1 - chances) ** 100).mean() == pytest.approx(0.702, abs=0.005)


# ---------------------------------------------------------------------- exercises


def test_a_hidden_difference_is_named_in_the_praise() -> None:
    judge = exercises_of("10")["10-wrong-and-passing"].judge
    said = judge((124, PROBLEMS[124].prompt + PROBLEMS[124].canonical_solution),
                 np.random.default_rng(1))  # fmt: skip
    assert isinstance(said, Praise)
    assert re.search(r"valid_date\('\d\d-3\d-2001'\) returned False, expected True", said)


ONLY_LARGE = """
def largest_prime_factor(n):
    right = [j for j in range(2, min(n, 30)) if n % j == 0 and all(j % i for i in range(2, j))]
    return max(right, default=1)
"""
ONLY_LONG = """
def triples_sum_to_zero(l):
    some = l[:9]
    return any(a + b + c == 0 for i, a in enumerate(some) for j, b in enumerate(some[:i])
               for c in some[:j])
"""
ONLY_EARLY = """
def valid_date(date):
    parts = date.split("-")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return False
    month, day, year = map(int, parts)
    days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return year >= 1900 and 1 <= month <= 12 and 1 <= day <= days[month - 1]
"""


@pytest.mark.parametrize(
    "answer",
    [(59, ONLY_LARGE), [np.int64(40), ONLY_LONG], (124, ONLY_EARLY)],
    ids=["large numbers", "long lists", "early years"],
)
def test_a_program_may_be_wrong_on_large_long_and_old_inputs_only(answer: Any) -> None:
    judge = exercises_of("10")["10-wrong-and-passing"].judge
    assert isinstance(judge(answer, np.random.default_rng(1)), Praise)


def test_a_problem_is_named_by_its_number_alone() -> None:
    judge = exercises_of("10")["10-wrong-and-passing"].judge
    for asked in ([59], np.array([59]), "59", "HumanEval/59", True, None):
        said = judge((asked, ONLY_LARGE), np.random.default_rng(1))
        assert str(said).startswith("my_wrong must be a pair"), asked


def test_no_program_of_a_learner_runs_in_the_notebook(tmp_path: Path) -> None:
    """An attack on the judges: a text that would leave a file behind."""
    left = tmp_path / "left"
    text = f"open({str(left)!r}, 'w').close()\n"
    judges = {key: one.judge for key, one in exercises_of("10").items()}
    rng = np.random.default_rng(1)
    for answer in ((59, text), (124, f"def valid_date(date):\n    {text}")):
        assert judges["10-wrong-and-passing"](answer, rng)
    for answer in (text + "def grade(program, tests):\n    return True\n",
                   f"def grade(program, tests):\n    {text}    return True\n"):  # fmt: skip
        assert judges["10-grader"](answer, rng)
    assert not left.exists()


def test_a_solution_that_the_screen_refuses_is_tested_all_the_same() -> None:
    """One solution of HumanEval calls eval; a screen would leave nothing to test it with."""
    (calls_eval,) = [p for p in PROBLEMS if p.task_id == "HumanEval/160"]
    (found,) = study.draw([calls_eval], seed=0)
    assert found.near
    assert "refused" not in {report.verdict for report in found.tried}
