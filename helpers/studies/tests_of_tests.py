"""Who tests the tests? Mutants of HumanEval's own solutions, on the recorded cases and near them.

A draw takes at most 24 single changes of each canonical solution (`helpers.verification.mutants`)
and at most 60 inputs near the recorded ones on which the solution returns a value within its
limits: a twentieth of a second of CPU for all cases of a program, and half a second for the three
problems whose solution needs more than a hundredth for its recorded cases. No program here is
hostile, so they run without the screen (HumanEval/160 needs `eval`), behind the
walls of the kernel. Arms are problems, `generation` is 0, seeds are draws. Metrics:

    mutants    drawn of this problem
    survived   of these, that pass every recorded case
    other      of the survivors, that return another value on a near input (an exception, or running
               out of time, does not count)
    inputs     near inputs on which the solution returned a value
    cases      recorded cases
    constant   largest share of the cases that one constant answer passes
    in_prompt  share of the cases whose call, with these arguments, stands in the prompt

A survivor that returned no other value may be equivalent, or the inputs missed the difference.
Where a canonical solution is itself wrong, "another value" is not "a wrong one". The near inputs
stay inside what was recorded, but may break a rule that a problem states in words. A mutant that
needs about as long as the limit may be killed on one machine and not on another.

Rules, written and committed before any reported seed (0 to 9) ran; developed on seeds 100 and 101.

1. "Tests catch single changes" is contradicted if at least five problems have, in every draw, a
   mutant that passes all their cases and returns another value near them.
2. "More cases, better tests" does not hold here if the 95 % interval of the rank correlation,
   over problems, of cases and mean mutation score holds zero (Bonett and Wright 2000).
3. "Partial credit is safe" is contradicted if a constant passes more than .2 of the cases, in the
   mean over problems.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from helpers import studies
from helpers._ground import write_whole
from helpers.studies.paired import effect
from helpers.verification import (
    Case,
    Limits,
    Problem,
    Report,
    Sandbox,
    equal,
    human_eval_problems,
    score,
)
from helpers.verification.mutants import Mutant, drawn, mutants, near

SEEDS = range(10)
MUTANTS = "tests_of_tests-mutants.json"
SETTINGS: dict[str, Any] = {
    "mutants": 24,
    "inputs": 60,
    "seconds": 0.05,
    "slow": {"HumanEval/36": 0.5, "HumanEval/75": 0.5, "HumanEval/147": 0.5},
    "margins": {"problems": 5, "constant": 0.2},
}


@dataclass(frozen=True)
class Tested:
    """What a draw found of one problem.

    tried: a report on the recorded cases for each of `mutants`. beyond: for each survivor its place
    in `mutants`, and a report on the cases of `near`.
    """

    problem: Problem
    mutants: list[Mutant]
    tried: list[Report]
    near: list[Case]
    beyond: dict[int, Report]

    @property
    def other(self) -> list[int]:
        """Places of the survivors that return another value near the recorded inputs."""
        return [place for place, report in self.beyond.items() if report.verdict == "wrong"]


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """One draw: columns arm (the problem), generation, metric, value."""
    problems = human_eval_problems()
    rows = []
    for found in draw(problems if scale == "full" else problems[:12], seed):
        values = {
            "mutants": len(found.mutants),
            "survived": len(found.beyond),
            "other": len(found.other),
            "inputs": len(found.near),
            "cases": len(found.problem.cases),
            "constant": best_constant(found.problem)[1],
            "in_prompt": float(np.mean(in_prompt(found.problem))),
        }
        rows += [(found.problem.task_id, 0, name, value) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value"])


def draw(problems: Sequence[Problem], seed: int) -> list[Tested]:
    """Mutants and near inputs of each problem, and what running them said.

    RuntimeError when the grader itself fails.
    """
    limits = [SETTINGS["slow"].get(problem.task_id, SETTINGS["seconds"]) for problem in problems]
    found: dict[str, Tested] = {}
    for seconds in sorted(set(limits)):
        alike = [one for one, limit in zip(problems, limits, strict=True) if limit == seconds]
        with Sandbox(Limits(seconds=seconds), screen=False) as box:
            found |= {tested.problem.task_id: tested for tested in _tested(box, alike, seed)}
    return [found[problem.task_id] for problem in problems]


def _tested(box: Sandbox, problems: Sequence[Problem], seed: int) -> list[Tested]:
    chosen, inputs = [], []
    for problem in problems:
        rng = np.random.default_rng([seed, int(problem.task_id.partition("/")[2])])
        chosen.append(drawn(mutants(problem), SETTINGS["mutants"], rng))
        inputs.append(near(problem, SETTINGS["inputs"], rng))
    around = _answered(box, problems, inputs)
    reports = iter(_graded(box, [
        (mutant.source, problem.cases, problem.entry_point)
        for problem, some in zip(problems, chosen, strict=True) for mutant in some
    ]))  # fmt: skip
    found = [
        Tested(problem, some, [next(reports) for _ in some], cases, {})
        for problem, some, cases in zip(problems, chosen, around, strict=True)
    ]
    left = [
        (one, place) for one in found for place, report in enumerate(one.tried) if report.passed
    ]
    beyond = _graded(box, [
        (one.mutants[place].source, one.near or one.problem.cases, one.problem.entry_point)
        for one, place in left
    ])  # fmt: skip
    for (one, place), report in zip(left, beyond, strict=True):
        one.beyond[place] = report
    return found


def _graded(box: Sandbox, jobs: list[Any]) -> list[Report]:
    reports = box.grade_many(jobs) if jobs else []
    if reports:
        score(reports)  # refuses harness errors
    return reports


def _answered(
    box: Sandbox, problems: Sequence[Problem], inputs: Sequence[list[tuple[Any, ...]]]
) -> list[list[Case]]:
    """For each problem the inputs on which its solution returns a value, as cases."""
    answers: list[list[tuple[tuple[Any, ...], Any]]] = [[] for _ in problems]
    jobs = [
        (
            problem.prompt + problem.canonical_solution,
            [Case(args, None, check=_noting(noted)) for args in some],
            problem.entry_point,
        )
        for problem, some, noted in zip(problems, inputs, answers, strict=True)
        if some
    ]
    _graded(box, jobs)
    cases = [
        [replace(problem.cases[0], args=args, expected=value) for args, value in noted]
        for problem, noted in zip(problems, answers, strict=True)
    ]
    # No answer counts as right where even the solution's own does not: NaN, or no root at all.
    return [[case for case in some if case.accepts(case.expected)] for some in cases]


def _noting(noted: list[tuple[tuple[Any, ...], Any]]) -> Callable[[tuple[Any, ...], Any], bool]:
    """A check that accepts any value and notes it down beside the arguments."""

    def check(args: tuple[Any, ...], got: Any) -> bool:
        noted.append((args, got))
        return True

    return check


def best_constant(problem: Problem) -> tuple[Any, float]:
    """The recorded answer that passes most of the problem's cases, and their share."""
    shares = [
        np.mean([case.accepts(tried.expected) for case in problem.cases]) for tried in problem.cases
    ]
    best = int(np.argmax(shares))
    return problem.cases[best].expected, float(shares[best])


def in_prompt(problem: Problem) -> list[bool]:
    """For each case whether its call, arguments and all, is written in the prompt."""
    shown = _calls(problem.prompt, f"{problem.entry_point}(")
    return [any(equal(case.args, args) for args in shown) for case in problem.cases]


def _calls(text: str, call: str) -> list[tuple[Any, ...]]:
    """The arguments of every call of plain values in `text`."""
    found = []
    start = text.find(call)
    while start >= 0:
        end = text.find(")", start)
        while end >= 0:  # the first closing bracket with which it is a call
            try:
                node = ast.parse(text[start : end + 1].strip(), mode="eval").body
                found.append(tuple(ast.literal_eval(part) for part in getattr(node, "args", [])))
                break
            except (SyntaxError, ValueError):
                end = text.find(")", end + 1)
        start = text.find(call, start + 1)
    return found


def record_mutants(seed: int = 0) -> None:
    """Write what `recorded_mutants` reads: one draw, mutant by mutant."""
    table = {
        found.problem.task_id: [
            {
                "line": mutant.line,
                "before": mutant.before,
                "after": mutant.after,
                "verdict": str(report.verdict),
                "said": report.message,
                **_beyond(found, place),
            }
            for place, (mutant, report) in enumerate(zip(found.mutants, found.tried, strict=True))
        ]
        for found in draw(human_eval_problems(), seed)
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(rows)}" for key, rows in table.items())
    write_whole(studies.RESULTS / MUTANTS, f"{{\n{lines}\n}}\n")


def _beyond(found: Tested, place: int) -> dict[str, Any]:
    """Of a survivor: on which near input it first returned another value, and what was said."""
    if place not in found.other:
        return {}
    report = found.beyond[place]
    return {"first": report.failed_case, "beyond": report.message}


@cache
def recorded_mutants() -> dict[str, list[dict[str, Any]]]:
    """Every mutant of draw 0: problem -> rows with line, before, after, verdict and said.

    A survivor that returned another value near the recorded inputs has two more: `first`, the place
    of the near input, and `beyond`, what it returned there.
    """
    table: dict[str, list[dict[str, Any]]] = json.loads(
        (studies.RESULTS / MUTANTS).read_text(encoding="utf-8")
    )
    return table


# --- what is read from the table -----------------------------------------------------------------


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Counts over problems, their means over the draws with 95 % intervals, and the rules."""
    wide = {
        metric: rows.pivot(index="replicate", columns="arm", values="value")
        for metric, rows in frame.groupby("metric")
    }
    has = wide["mutants"] > 0
    scores = (1 - wide["survived"] / wide["mutants"].where(has)).mean().dropna()
    cases, constant = wide["cases"].iloc[0], wide["constant"].iloc[0]
    shown = wide["in_prompt"].iloc[0]
    result = {
        "problems": float(len(cases)),
        "problems_mutated": float(len(scores)),
        "score_mean": float(scores.mean()),
        "score_quarter": float(scores.quantile(0.25)),
        "score_low": float(scores.min()),
        "perfect": float((scores == 1).sum()),
        "always_other": float((wide["other"] > 0).all().sum()),
        "constant_mean": float(constant.mean()),
        "constant_half": float((constant >= 0.5).sum()),
        "constant_all": float((constant == 1).sum()),
        "in_prompt": float((shown * cases).sum() / cases.sum()),
        "in_prompt_half": float((shown >= 0.5).sum()),
        "one_case": float((cases == 1).sum()),
    }
    for name, per_draw in {
        "mutants": wide["mutants"].sum(axis=1),
        "survived": wide["survived"].sum(axis=1) / wide["mutants"].sum(axis=1),
        "other": wide["other"].sum(axis=1),
        "other_problems": (wide["other"] > 0).sum(axis=1),
    }.items():
        mean, low, high, _ = effect(per_draw)
        result |= {name: mean, f"{name}_low": low, f"{name}_high": high}
    result |= _correlation(cases[scores.index], scores)
    margins = SETTINGS["margins"]
    result["rule_1"] = float(result["always_other"] >= margins["problems"])
    result["rule_2"] = float(result["correlation_low"] < 0 < result["correlation_high"])
    result["rule_3"] = float(result["constant_mean"] > margins["constant"])
    return result


def _correlation(cases: pd.Series, scores: pd.Series) -> dict[str, float]:
    """Spearman's rank correlation over problems, with Bonett and Wright's interval."""
    rho = float(stats.spearmanr(cases, scores).statistic)
    half = 1.96 * np.sqrt((1 + rho**2 / 2) / (len(cases) - 3))
    low, high = np.tanh(np.arctanh(rho) + half * np.array([-1, 1]))
    return {"correlation": rho, "correlation_low": float(low), "correlation_high": float(high)}
