"""Lesson 11, learning from execution: judges and named wrong answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from helpers import studies
from helpers.studies.paired import over_seeds
from helpers.teaching.exercises import Hint, exercise, numbers, shown
from helpers.verification import Report, Verdict

# ---------------------------------------------------------------------- A. choose

PARTLY = (
    "A program that passes some of its tests was kept. Most wrong programs pass some: only "
    "report.passed says that all went well."
)
BEST_FAILING = (
    "Where nothing passed, a failing program was kept. That is training without a check, through "
    "the back door: a task that nothing solved gives nothing."
)
DUPLICATES = (
    "The same program was kept twice for one task. Easy tasks would flood the training set with "
    "copies: keep different programs."
)
OUT_OF_TIME = "A program that ran out of time was kept. Nobody saw its other cases: it has failed."
HARNESS = (
    "A report says harness_error: the grader failed, not the program. Neither keep nor drop it: "
    "raise RuntimeError."
)
TOO_MANY = "More programs of one task were kept than per_prompt allows."
CAME_BACK = (
    "A task whose programs do not all stand together was counted anew when it came back. Count the "
    "kept programs of each task, wherever they stand."
)
ALL_TASKS = "per_prompt counts the programs of each task anew, not of all tasks together."
OTHER_TASK = (
    "The same program passed for two tasks, and was kept for one alone: each task keeps its own."
)
COPY_TOOK_A_PLACE = "A second copy of a program took the place of a different one."
NOTHING = "Nothing was kept, though some programs passed all their tests."
ORDER = "The right programs are there, but not in the order in which they were written."

Row = tuple[str, str, Report]


@exercise("11-choose", praise="Right, different, few a task, and no verdict where there is none.")
def choose(answer: Any, rng: np.random.Generator) -> str | None:
    """Three tasks with one trap each, and then a grader that fails."""
    if not callable(answer):
        return f"my_choose must be a function; it is {shown(answer)}."
    good, half, late = (
        _report(6),
        _report(4),
        Report(Verdict.TIMEOUT, "time", n_passed=5, n_cases=6),
    )
    reports: list[Row] = [
        ("easy", "a", good),
        ("easy", "w", _report(0)),  # for whoever knows a copy by the row before it
        *(("easy", program, good) for program in "abc"),
        ("hard", "e", half),
        ("hard", "f", _report(0)),
        ("slow", "g", late),
        ("slow", "h", good),
        ("easy", "d", good),  # behind one that passed, for whoever drops the failing ones first
        ("easy too", "a", good),
        ("partly", "i", half),
        ("partly", "j", good),
    ]
    wanted = ["easy a", "easy b", "slow h", "easy too a", "partly j"]
    got = _pairs(answer(list(reports), per_prompt=2))
    if "hard e" in got and "partly i" in got:
        return PARTLY
    if "hard e" in got or "hard f" in got:
        return BEST_FAILING
    if "slow g" in got:
        return OUT_OF_TIME
    if len(set(got)) < len(got):
        return DUPLICATES
    if {"easy a", "easy b", "easy d"} <= set(got) and "easy c" not in got:
        return CAME_BACK
    if sum(name.startswith("easy ") and name[5:6] in "abcd" for name in got) > 2:
        return TOO_MANY
    missing = [name for name in wanted if name not in got]
    if set(got) < set(wanted):
        by_what_is_missing = {
            ("easy too a",): OTHER_TASK,
            ("easy b",): COPY_TOOK_A_PLACE,
            tuple(wanted): NOTHING,
        }
        return by_what_is_missing.get(tuple(missing), ALL_TASKS)
    if got != wanted:
        return ORDER if sorted(got) == sorted(wanted) else f"Kept: {shown(got)}, not {wanted}."
    if _pairs(answer(list(reports), per_prompt=1)) != [n for n in wanted if n != "easy b"]:
        return "It is right for per_prompt=2 only."
    broken = Report(Verdict.HARNESS_ERROR, "no worker", n_cases=6)
    try:
        answer([("easy", "a", good), ("lost", "k", broken)], per_prompt=2)
    except RuntimeError:
        return None
    except Exception as error:
        return f"{HARNESS} Yours raised {type(error).__name__}: {error}"
    return HARNESS


def _report(n_passed: int) -> Report:
    verdict = Verdict.PASSED if n_passed == 6 else Verdict.WRONG
    return Report(verdict, n_passed=n_passed, n_cases=6)


def _pairs(got: Any) -> list[str]:
    if not isinstance(got, list) or not all(isinstance(p, tuple) and len(p) == 2 for p in got):
        raise Hint(f"Return a list of (task, program); you gave {shown(got)}.")
    return [f"{task} {program}" for task, program in got]


def _keeping(
    accepts: Callable[[Report], bool],
    *,
    twice: bool = False,
    limit: str = "task",
    refuses: bool = True,
) -> Callable[..., list[tuple[str, str]]]:
    """`choose` as it should be but for what the arguments change."""

    def chosen(reports: list[Row], per_prompt: int = 2) -> list[tuple[str, str]]:
        kept: list[tuple[str, str]] = []
        for task, program, report in reports:
            if refuses and report.verdict is Verdict.HARNESS_ERROR:
                raise RuntimeError(report.message)
            of_task = [p for t, p in kept if t == task or limit == "all"]
            room = limit == "none" or len(of_task) < per_prompt
            if accepts(report) and room and (twice or program not in of_task):
                kept.append((task, program))
        return kept

    return chosen


def _best_failing(reports: list[Row], per_prompt: int = 2) -> list[tuple[str, str]]:
    kept = _keeping(lambda report: report.passed)(reports, per_prompt)
    for task in dict.fromkeys(task for task, _, _ in reports):
        if not any(t == task for t, _ in kept):
            best = max((r for r in reports if r[0] == task), key=lambda row: row[2].n_passed)
            kept.append(best[:2])
    return kept


def _once_for_all(reports: list[Row], per_prompt: int = 2) -> list[tuple[str, str]]:
    kept: dict[str, str] = {}
    for task, program in _keeping(lambda report: report.passed)(reports, per_prompt):
        kept.setdefault(program, task)
    return [(task, program) for program, task in kept.items()]


choose.wrong("partial credit", _keeping(lambda r: r.n_passed > 0), hint=PARTLY)
choose.wrong("the best failing one where none passes", _best_failing, hint=BEST_FAILING)
choose.wrong("copies", _keeping(lambda r: r.passed, twice=True), hint=DUPLICATES)
choose.wrong(
    "out of time counts as passed so far",
    _keeping(lambda r: r.passed or r.verdict is Verdict.TIMEOUT),
    hint=OUT_OF_TIME,
)
choose.wrong(
    "a failing grader counts as a wrong program",
    _keeping(lambda r: r.passed, refuses=False),
    hint=HARNESS,
)
choose.wrong("no limit", _keeping(lambda r: r.passed, limit="none"), hint=TOO_MANY)
choose.wrong(
    "a program once for all tasks",
    _once_for_all,
    hint=OTHER_TASK,
)
choose.wrong(
    "copies go after they took a place",
    lambda reports, per_prompt=2: list(
        dict.fromkeys(_keeping(lambda r: r.passed, twice=True)(reports, per_prompt))
    ),
    hint=COPY_TOOK_A_PLACE,
)
choose.wrong("nothing", lambda reports, per_prompt=2: [], hint=NOTHING)
choose.wrong(
    "tasks that come back are new ones",
    lambda reports, per_prompt=2: [
        pair
        for _, rows in groupby(reports, key=lambda row: row[0])
        for pair in _keeping(lambda r: r.passed)(list(rows), per_prompt)
    ],
    hint=CAME_BACK,
)
choose.wrong("two of all tasks", _keeping(lambda r: r.passed, limit="all"), hint=ALL_TASKS)

# ---------------------------------------------------------------------- B. was repair worth it?

BUDGET = (
    "That is how many more tasks the arm solves with its second tries than without them. They cost "
    "programs: compare with `resample`, which spends as many."
)
UNPAIRED = (
    "The difference is right, the interval ignores that both arms have the same seeds. "
    "Subtract seed by seed first, then take the spread of the differences."
)
GENERATIONS = (
    "The generations of one seed are not independent: ten seeds are ten replicates, however many "
    "generations each has. Take the last generation only."
)
POPULATION = (
    "Nearly: the standard deviation of ten differences is a sample's, with n - 1 in the divisor "
    "(ddof=1)."
)
NORMAL = (
    "Nearly: with ten differences the factor is that of Student's t with 9 degrees of freedom, "
    "2.26, and not 1.96."
)
BEST_SEED = "That is one seed, chosen after looking. The question is about the average of all ten."
SIGN = "The sign is the other one: repair minus resample."
STANDARD_DEVIATION = (
    "That is how far the ten differences spread. The interval of their mean is narrower: divide by "
    "the square root of ten."
)


LAST = 4  # the last generation of the study
ROUNDED = 6e-4  # as far as three decimals, and a factor of 2.26 for 2.262, can lead


@exercise("11-was-repair-worth-it", praise="At equal budget, paired by seed, with its interval.")
def was_repair_worth_it(answer: Any, rng: np.random.Generator) -> str | None:
    """(mean, low, high) of repair minus resample in pass@1 in the last generation."""
    if not callable(answer):
        return f"my_worth must be a function of the table; it is {shown(answer)}."
    table = studies.load("execution")
    got = numbers(answer(table.copy()), "mean", "low", "high")
    right = _student(_differences(table))
    if np.allclose(got, right, rtol=0, atol=ROUNDED):
        return None
    for wrong in was_repair_worth_it.wrong_answers:
        if np.allclose(got, wrong.answer(table), rtol=0, atol=ROUNDED):
            return wrong.hint
    if _is_of_rows(got, table):
        return GENERATIONS
    if not got[1] <= got[0] <= got[2]:
        return "Give three numbers: the mean, then the lower and the upper end of its interval."
    if abs(got[0] - right[0]) > ROUNDED:
        return (
            "The mean is another one: take pass_1 in the last generation, of repair and of "
            "repair_resample, and subtract seed by seed."
        )
    return "The mean is right. Half the interval is 2.26 standard errors of the ten differences."


def _differences(table: pd.DataFrame, at: int = LAST) -> np.ndarray:
    first, second = (over_seeds(table, arm, "pass_1", at) for arm in ("repair", "repair_resample"))
    return (first - second).to_numpy()


def _student(values: np.ndarray) -> np.ndarray:
    return _around(values, float(stats.t.ppf(0.975, len(values) - 1)))


def _around(values: np.ndarray, factor: float) -> np.ndarray:
    """Mean, low, high: so many standard errors to each side."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    return np.asarray(values.mean() + factor * error * np.array([0.0, -1.0, 1.0]))


def _own_two_samples(table: pd.DataFrame) -> np.ndarray:
    with_repairs, without = (
        over_seeds(table, "repair", metric, LAST) for metric in ("solved", "solved_first")
    )
    return _student((with_repairs - without).to_numpy())


def _without_pairs(table: pd.DataFrame) -> np.ndarray:
    first, second = (
        over_seeds(table, arm, "pass_1", LAST).to_numpy() for arm in ("repair", "repair_resample")
    )
    interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    return np.array([first.mean() - second.mean(), interval.low, interval.high])


def _rows(table: pd.DataFrame, first: int = 1) -> np.ndarray:
    return np.concatenate([_differences(table, at) for at in range(first, LAST + 1)])


def _is_of_rows(got: Sequence[float], table: pd.DataFrame) -> bool:
    """Whether these are forty rows, or fifty with generation 0, whose mean is near the right."""
    right = _differences(table).mean()
    for rows in (_rows(table, first) for first in (0, 1)):
        intervals = (_around(rows, factor) for factor in (1.96, 2.0, 2.262, 2.02))
        if abs(got[0] - rows.mean()) < abs(got[0] - right) and any(
            np.allclose(got, one, rtol=0, atol=ROUNDED) for one in intervals
        ):
            return True
    return False


wrong = was_repair_worth_it.wrong
wrong("against its own two samples", _own_two_samples, hint=BUDGET)
wrong("unpaired", _without_pairs, hint=UNPAIRED)
wrong("forty rows as forty replicates", lambda t: _student(_rows(t)), hint=GENERATIONS)
wrong("1.96 for ten seeds", lambda t: _around(_differences(t), 1.96), hint=NORMAL)
wrong(
    "ddof of 0",
    lambda t: _around(_differences(t), float(stats.t.ppf(0.975, 9) * np.sqrt(0.9))),
    hint=POPULATION,
)
wrong("the best seed", lambda t: np.full(3, _differences(t).max()), hint=BEST_SEED)
wrong("the wrong way round", lambda t: _student(-_differences(t)), hint=SIGN)
wrong(
    "the spread of the seeds",
    lambda t: _around(_differences(t), float(stats.t.ppf(0.975, 9) * np.sqrt(10))),
    hint=STANDARD_DEVIATION,
)
