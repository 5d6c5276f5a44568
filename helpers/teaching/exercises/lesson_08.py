"""Lesson 08, what collapse means: judges and named wrong answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers.teaching.exercises import Hint, agrees, exercise, number

# Four runs of five seeds and three generations of a count of rare things.
LOST = np.array([[10, 6, 4], [8, 5, 2], [12, 6, 3], [10, 5, 1], [10, 4, 2.0]])
KEPT = np.array([[10, 4, 8], [8, 3, 7], [12, 5, 9], [10, 4, 8], [10, 3, 7.0]])
GREW = np.array([[10, 30, 7], [8, 28, 6], [12, 32, 8], [10, 30, 7], [10, 30, 7.0]])
ONE_DEAD = np.array([[0, 0, 4], [20, 16, 12], [20, 16, 12], [20, 16, 12], [1, 1, 0.1]])
HALF = np.array([[8.0, 9, 4], [8, 7, 4]])  # exactly half is left
HOLE = np.where(LOST == 6, np.nan, LOST)

RATIOS = (
    "You took the ratio in each seed and then the mean. A seed that starts with nothing, or with "
    "one, then decides: divide the mean of the last generation by the mean of the first."
)
LARGEST = (
    "You compared with the largest value of the run. The question is what is left of the first "
    "generation."
)
EVER = (
    "You said yes because the run was below at some time. What counts is the last generation: this "
    "one came back."
)
UNMEASURED = (
    "A series with a NaN was judged. A hole in the table is no healthy run: the verdict is "
    "'not measured' and the number NaN."
)
EMPTY = (
    "A series of one generation was judged. With nothing to compare, the verdict is 'not "
    "measured' and the number NaN."
)
AXIS = (
    "You compared the last seed with the first one. A row is a seed and a column a generation: "
    "take the last and the first column."
)
NUMBER = "Where nothing was measured the number is NaN. Yours can be taken for a measurement."
TIE = "You say yes when exactly `left` is left. Lost means less than that."
SIDE = "You say yes when much is left. Collapse is when less than `left` is left."
PAIR = "Return two things: the verdict, 'yes', 'no' or 'not measured', and the number."


@exercise("08-lost-tail", praise="A verdict with its number, and silence where nothing was seen.")
def lost_tail(answer: Any, rng: np.random.Generator) -> str | None:
    """Tables (seeds, generations) of a count; verdict and number."""
    verdict, got = _ask(answer, LOST, 0.5)
    if verdict == "no" and agrees(number(got, "Your number"), 0.24):
        return SIDE
    if agrees(got, float(LOST[-1].mean() / LOST[0].mean())):
        return AXIS
    verdict, got = _ask(answer, ONE_DEAD, 0.7)
    right = _share(ONE_DEAD)
    with np.errstate(all="ignore"):
        ratios = (ONE_DEAD[:, -1] / ONE_DEAD[:, 0]).mean()
    if not math.isfinite(got) or agrees(got, float(ratios)):
        return RATIOS
    if agrees(got, right) and verdict != "yes":
        return f"{right:.2f} is less than 0.7, and you say {verdict!r}."
    verdict, got = _ask(answer, GREW, 0.5)
    if agrees(got, float(GREW[:, -1].mean() / GREW.mean(axis=0).max())):
        return LARGEST
    verdict, got = _ask(answer, KEPT, 0.5)
    if verdict == "yes":
        return EVER
    if _ask(answer, HOLE, 0.5)[0] != "not measured":
        return UNMEASURED
    if _ask(answer, LOST[:, :1], 0.5)[0] != "not measured":
        return EMPTY
    if not all(math.isnan(_ask(answer, t, 0.5)[1]) for t in (HOLE, LOST[:, :1])):
        return NUMBER
    if _ask(answer, HALF, 0.5) == ("yes", 0.5):
        return TIE
    for left in (0.1, 0.5, 0.9):
        for table in (LOST, KEPT, GREW, rng.integers(1, 40, size=(6, 4)).astype(float)):
            verdict, got = _ask(answer, table, left)
            right = _share(table)
            if not agrees(got, right):
                return f"Of one table {right:.3f} of the first generation is left; you say {got:g}."
            if verdict != ("yes" if right < left else "no"):
                return f"{right:.3f} is left, the threshold is {left}, and you say {verdict!r}."
    return None


def _ask(answer: Any, table: np.ndarray, left: float) -> tuple[str, float]:
    """The answer to a copy: who writes into the table spoils no later check."""
    return _pair(answer(table.copy(), left))


def _pair(value: Any) -> tuple[str, float]:
    if not isinstance(value, tuple | list) or len(value) != 2 or not isinstance(value[0], str):
        raise Hint(PAIR)
    try:
        return value[0], float(value[1])
    except (TypeError, ValueError):
        raise Hint(PAIR) from None


def _share(table: np.ndarray) -> float:
    return float(table[:, -1].mean() / table[:, 0].mean())


def _right(series: np.ndarray, left: float, *, holes: bool = True, short: bool = True) -> Any:
    if (holes and np.isnan(series).any()) or (short and series.shape[1] < 2):
        return "not measured", math.nan
    share = _share(series)
    return ("yes" if share < left else "no"), share


def _mean_of_ratios(series: np.ndarray, left: float) -> Any:
    if np.isnan(series).any() or series.shape[1] < 2:
        return "not measured", math.nan
    with np.errstate(all="ignore"):
        share = float((series[:, -1] / series[:, 0]).mean())
    return ("yes" if share < left else "no"), share


def _of_the_largest(series: np.ndarray, left: float) -> Any:
    if np.isnan(series).any() or series.shape[1] < 2:
        return "not measured", math.nan
    means = series.mean(axis=0)
    return ("yes" if means[-1] < left * means.max() else "no"), means[-1] / means.max()


def _ever_below(series: np.ndarray, left: float) -> Any:
    verdict, share = _right(series, left)
    if verdict == "no" and (series.mean(axis=0) < left * series[:, 0].mean()).any():
        return "yes", share
    return verdict, share


def _other_side(series: np.ndarray, left: float) -> Any:
    verdict, share = _right(series, left)
    return {"yes": "no", "no": "yes"}.get(verdict, verdict), share


def _at_most(series: np.ndarray, left: float) -> Any:
    verdict, share = _right(series, left)
    return ("yes" if share <= left else verdict), share


def _rows(series: np.ndarray, left: float) -> Any:
    if np.isnan(series).any() or series.shape[1] < 2:
        return "not measured", math.nan
    return _right(series.T, left)


lost_tail.wrong("takes the mean of ratios", _mean_of_ratios, hint=RATIOS)
lost_tail.wrong("compares with the largest value", _of_the_largest, hint=LARGEST)
lost_tail.wrong("is ever below", _ever_below, hint=EVER)
lost_tail.wrong("reads NaN as no", lambda s, left: _right(s, left, holes=False), hint=UNMEASURED)
lost_tail.wrong("judges one generation", lambda s, left: _right(s, left, short=False), hint=EMPTY)
lost_tail.wrong("says yes when much is left", _other_side, hint=SIDE)
lost_tail.wrong(
    "gives a number where nothing was measured",
    lambda s, left: ("not measured", 0.0) if np.isnan(_right(s, left)[1]) else _right(s, left),
    hint=NUMBER,
)
lost_tail.wrong("takes rows for generations", _rows, hint=AXIS)
lost_tail.wrong("says yes at the threshold", _at_most, hint=TIE)
lost_tail.wrong("returns the verdict alone", lambda s, left: _right(s, left)[0], hint=PAIR)
