"""Lesson 12, size and self-training: judges and named wrong answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from helpers.teaching.exercises import agrees, exercise, number, numbers

# ---------------------------------------------------------------------- A. which baseline

STEPS = (
    "You took away the start. The steps of three generations are still in the difference: take "
    "away the arm that had as many steps without these data."
)
OTHER = "You took the reference-only arm of the small student. A baseline is of the same student."
PAIRS = (
    "Your interval is too wide: you spread two columns, one by one. A seed's tasks are easy or "
    "hard for both of its arms; take the difference seed by seed, and spread that."
)
NORMAL = (
    "Your interval is too narrow: 1.96 is for very many seeds. With so few take Student's t with "
    "n - 1 degrees of freedom."
)
TURNED = "You have the sign turned: own data minus reference only."
SPREAD = (
    "That is where single seeds lie, not the mean of all. Divide the standard deviation by the "
    "square root of the number of seeds."
)
DIVISOR = "Your standard deviation divides by n. From a sample it divides by n - 1: ddof=1."
CENTRE = "That is the median of the seeds. You are asked for their mean."
THREE = "That is one number. Return three: the mean, and the low and the high end of its interval."
OWN, HUMAN, START = "big_own_unchecked", "big_human", "big_start"
Interval = tuple[float, float, float]


@exercise(
    "12-which-baseline",
    praise="What you took away are the steps; what is left is what the data did.",
)
def worth(answer: Any, rng: np.random.Generator) -> str | None:
    """Two random tables, on which each slip gives another interval."""
    for seeds in (10, 6):
        table = _table(seeds, rng)
        answered = answer(table.copy())
        if isinstance(answered, Real):
            return THREE
        got = numbers(answered, "mean", "low", "high")
        if _same(got, right := _interval(table[OWN] - table[HUMAN])):
            continue
        for slip, hint in _SLIPS:
            if _same(got, slip(table)):
                return hint
        return (
            f"For one table of {seeds} seeds the mean is {right[0]:+.3f}, from {right[1]:+.3f} to "
            f"{right[2]:+.3f}; yours is {got[0]:+.3f}, from {got[1]:+.3f} to {got[2]:+.3f}."
        )
    return None


def _table(seeds: int, rng: np.random.Generator) -> pd.DataFrame:
    """pass@1 by seed: easy and hard seeds, a big student that loses by going on."""
    level = rng.uniform(0.2, 0.5, size=seeds)
    shifts = {
        "small_start": 0.0, "small_human": 0.02, "small_own_unchecked": -0.01,
        "big_start": 0.12, "big_human": 0.04, "big_own_unchecked": 0.08,
    }  # fmt: skip
    columns = {name: level + up + rng.normal(0, 0.02, seeds) for name, up in shifts.items()}
    return pd.DataFrame(columns, index=pd.RangeIndex(seeds, name="seed"))


def _same(got: tuple[float, ...], right: Interval) -> bool:
    return all(agrees(one, other) for one, other in zip(got, right, strict=True))


def _interval(gap: pd.Series, times: float | None = None, ddof: int = 1) -> Interval:
    n = len(gap)
    factor = float(stats.t.ppf(0.975, n - 1)) if times is None else times
    mean, half = float(gap.mean()), factor * float(gap.std(ddof=ddof)) / math.sqrt(n)
    return mean, mean - half, mean + half


def _unpaired(table: pd.DataFrame, equal_var: bool = False) -> Interval:
    found = stats.ttest_ind(table[OWN], table[HUMAN], equal_var=equal_var)
    low, high = found.confidence_interval()
    return float((table[OWN] - table[HUMAN]).mean()), float(low), float(high)


def _unpaired_by_hand(table: pd.DataFrame) -> Interval:
    n = len(table)
    half = float(stats.t.ppf(0.975, n - 1)) * math.sqrt(
        (table[OWN].var(ddof=1) + table[HUMAN].var(ddof=1)) / n
    )
    mean = float((table[OWN] - table[HUMAN]).mean())
    return mean, mean - half, mean + half


def _of_single_seeds(table: pd.DataFrame) -> Interval:
    gap = table[OWN] - table[HUMAN]
    return _interval(gap, float(stats.t.ppf(0.975, len(gap) - 1)) * math.sqrt(len(gap)))


def _by_median(table: pd.DataFrame) -> Interval:
    gap = table[OWN] - table[HUMAN]
    mean, low, high = _interval(gap)
    shift = float(gap.median()) - mean
    return mean + shift, low + shift, high + shift


Slip = Callable[[pd.DataFrame], Interval]
_WRONG: list[tuple[str, Slip, str]] = [
    ("minus the start", lambda t: _interval(t[OWN] - t[START]), STEPS),
    ("the small one's baseline", lambda t: _interval(t[OWN] - t["small_human"]), OTHER),
    ("without pairs", _unpaired, PAIRS),
    ("1.96 for few seeds", lambda t: _interval(t[OWN] - t[HUMAN], 1.96), NORMAL),
    ("the sign turned", lambda t: _interval(t[HUMAN] - t[OWN]), TURNED),
    ("the spread of single seeds", _of_single_seeds, SPREAD),
    ("divides by n", lambda t: _interval(t[OWN] - t[HUMAN], ddof=0), DIVISOR),
    ("the median", _by_median, CENTRE),
]
_SLIPS: list[tuple[Slip, str]] = [
    *((slip, hint) for _, slip, hint in _WRONG),
    (lambda t: _unpaired(t, equal_var=True), PAIRS),  # two other ways to do the same
    (_unpaired_by_hand, PAIRS),
]
for _name, _slip, _hint in _WRONG:
    worth.wrong(_name, _slip, hint=_hint)
worth.wrong("the mean alone", lambda t: float((t[OWN] - t[HUMAN]).mean()), hint=THREE)

# ---------------------------------------------------------------------- B. size or otherness

FROM_START = (
    "You count from the start. The question is about what a teacher adds to learning from oneself: "
    "count from `own`."
)
RATIO = "That is one pass@40 over the other. What learning from oneself reaches is in both."
BY_SEED = (
    "You took the share in each seed and then the mean. Where the big teacher adds next to "
    "nothing, such a share is huge: divide mean by mean."
)
CLIPPED = (
    "You keep the share between 0 and 1. A twin may add more than the big teacher, or take "
    "something away, and then the share says so."
)
UPSIDE = "That is what the big teacher adds over what the twin adds. Turn the fraction."
OF_TWIN = "You divide by what the twin adds and the big teacher adds, together. They are no parts."
GAIN = (
    "That is what the twin adds, in pass@40. You are asked for its share of what the big one adds."
)
PERCENT = "That is per cent. The whole of what the big teacher adds is a share of 1."
MEDIANS = "You took medians of the seeds. The numbers of the lesson are means."
COLUMNS = ("start", "own", "twin", "big")
# One seed in which the big teacher adds almost nothing, and twins that add more, and less than 0.
PLAIN = pd.DataFrame(
    [(0.40, 0.45, 0.55, 0.60), (0.42, 0.46, 0.52, 0.61), (0.38, 0.44, 0.54, 0.445)],
    columns=COLUMNS,
)
MORE = PLAIN.assign(twin=PLAIN["twin"] + 0.2)
LESS = PLAIN.assign(twin=PLAIN["own"] - 0.1)


@exercise(
    "12-share-of-otherness",
    praise="What is left may be the big teacher's size. In the study it was not told apart from 0.",
)
def share(answer: Any, rng: np.random.Generator) -> str | None:
    """A table by hand on which each slip gives another share, then two beyond 0 and 1."""
    got = number(answer(PLAIN.copy()), "Your share")
    if not agrees(got, right := _share(PLAIN)):
        for slip, hint in _SHARE_SLIPS:
            if agrees(got, slip(PLAIN)):
                return hint
        return f"For one table the share is {right:.3f}; yours is {got:.3g}."
    for table in (MORE, LESS):
        got = number(answer(table.copy()), "Your share")
        if got in (0, 1):
            return CLIPPED
        if not agrees(got, right := _share(table)):
            return f"For one table the share is {right:.3f}; yours is {got:.3g}."
    table = pd.DataFrame(rng.uniform(0.2, 0.8, size=(8, 4)), columns=COLUMNS)
    table["big"] += 0.4
    if not agrees(got := number(answer(table.copy()), "Your share"), right := _share(table)):
        return f"For one table the share is {right:.3f}; yours is {got:.3g}."
    return None


def _share(table: pd.DataFrame) -> float:
    return _of(table.mean())


def _of(middle: pd.Series) -> float:
    return float((middle["twin"] - middle["own"]) / (middle["big"] - middle["own"]))


def _from_start(table: pd.DataFrame) -> float:
    mean = table.mean()
    return float((mean["twin"] - mean["start"]) / (mean["big"] - mean["start"]))


def _by_seed(table: pd.DataFrame) -> float:
    return float(((table["twin"] - table["own"]) / (table["big"] - table["own"])).mean())


def _of_both(table: pd.DataFrame) -> float:
    mean = table.mean() - table["own"].mean()
    return float(mean["twin"] / (mean["twin"] + mean["big"]))


_SHARE_WRONG: list[tuple[str, Callable[[pd.DataFrame], float], str]] = [
    ("counts from the start", _from_start, FROM_START),
    ("one pass@40 over the other", lambda t: float(t["twin"].mean() / t["big"].mean()), RATIO),
    ("the mean of shares", _by_seed, BY_SEED),
    ("the fraction turned", lambda t: 1 / _share(t), UPSIDE),
    ("parts of a whole", _of_both, OF_TWIN),
    ("no share", lambda t: float((t["twin"] - t["own"]).mean()), GAIN),
    ("in per cent", lambda t: 100 * _share(t), PERCENT),
    ("medians", lambda t: _of(t.median()), MEDIANS),
]
_SHARE_SLIPS = [(slip, hint) for _, slip, hint in _SHARE_WRONG]
for _name, _share_slip, _hint in _SHARE_WRONG:
    share.wrong(_name, _share_slip, hint=_hint)
share.wrong("clipped", lambda t: min(1.0, max(0.0, _share(t))), hint=CLIPPED)
