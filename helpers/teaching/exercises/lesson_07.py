"""Lesson 07, how much real data: judges and named wrong answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers import theory
from helpers.studies.bigram_rate import exchange_rate
from helpers.teaching.exercises import Hint, exercise, number

# ---------------------------------------------------------------------- A. the fewest real rows

SHARE = (
    "That is a share of n. A share is not what counts: with a hundred times the rows you would buy "
    "a hundred times the real ones, for the same floor."
)
DOWN = "That floor is just below what you want to keep: round up, not down."
WHOLE = f"Rows are whole. {DOWN}"
PAIR = (
    "That is keep / (1 - keep): the 2 is missing. A pair of rows loses its spread only if both go "
    "back to one row, and either of the two can be a new real one."
)
SCALED = "You scale it with n. The floor is the same for any n; n only sets the pace."
NONE = "Without real rows the floor is 0. At large n it takes long, but you are asked for ever."
FLOORS = ((0.9, 100), (0.9, 1000), (0.85, 100), (0.7, 1000), (0.93, 100_000))


@exercise("07-real-rows", praise="And n was not needed: it sets the pace, not the floor.")
def real_rows(answer: Any, rng: np.random.Generator) -> str | None:
    """Each slip is named by what it gives for nine tenths, then all cases by the exact floor."""
    first, second = (round(number(answer(0.9, n), "Your number of rows"), 6) for n in (100, 1000))
    if first == 5 and second > first:
        return SCALED
    if second == 10 * first > 0:
        return SHARE
    named = {9: PAIR, 10: PAIR, 0: NONE, 4: DOWN, 4.5: WHOLE}
    if first in named:
        return named[first]
    for keep, n in FLOORS:
        got = number(answer(keep, n), "Your number of rows")
        right = next(m for m in range(1, n) if theory.gaussian_floor(m, n) >= keep)
        if got != right:
            return f"To keep {keep:g} at n = {n} it takes {right} new real rows; you say {got:g}."
    return None


def _ceil(x: float) -> int:
    return math.ceil(x)


real_rows.wrong("a share of n", lambda keep, n: _ceil(keep * n), hint=SHARE)
real_rows.wrong("rounded down", lambda keep, n: int(keep / (2 * (1 - keep))), hint=DOWN)
real_rows.wrong("the 2 forgotten", lambda keep, n: _ceil(keep / (1 - keep)), hint=PAIR)
real_rows.wrong(
    "scaled with n", lambda keep, n: _ceil(keep / (2 * (1 - keep)) * n / 100), hint=SCALED
)
real_rows.wrong("not rounded", lambda keep, n: keep / (2 * (1 - keep)), hint=WHOLE)
real_rows.wrong("the pace for the floor", lambda keep, n: 0, hint=NONE)

# ---------------------------------------------------------------------- B. the exchange rate

NATS = "That is a difference of losses for each row, in nats. Find the rows that have this loss."
ALL_ROWS = "You divide by all rows, your own among them. Ask what one row of *theirs* is worth."
STRAIGHT = (
    "You go straight in the rows between two points of the curve. It is straight in their "
    "logarithm."
)
TURNED = "You have the sign turned. A file that lowers your loss is worth more than 0 rows."
ALL_OF_THEM = "That is what all their rows are worth together. Ask what one of them is worth."
CLIPPED = "You stop at 0. A file can do harm: a negative rate is an answer."
NOT_SUBTRACTED = "Those are all the rows that the mixed run is worth. Your own are among them."
BEYOND = (
    "For a loss beyond your curve you gave a number. Nothing was measured there: raise ValueError."
)
CURVE = {10: 7.0, 100: 6.0, 1000: 5.0}  # straight in the logarithm of rows


@exercise("07-exchange-rate", praise="The sign is part of the answer: a file can cost you rows.")
def rate(answer: Any, rng: np.random.Generator) -> str | None:
    """A curve by hand, on which each slip gives another number, then random ones."""
    good = _asked(answer, CURVE, 100, 50, 5.7)
    for wrong, hint in (
        ((6.0 - 5.7) / 50, NATS),
        ((10**2.3 - 100) / 150, ALL_ROWS),
        ((370 - 100) / 50, STRAIGHT),
        (10**2.3 / 50, NOT_SUBTRACTED),
        ((100 - 10**2.3) / 50, TURNED),
        (10**2.3 - 100, ALL_OF_THEM),
    ):
        if math.isclose(good, wrong, rel_tol=1e-3):
            return hint
    if _asked(answer, CURVE, 100, 50, 6.6) == 0:  # nearer to the point of 10 rows than of 100
        return CLIPPED
    for loss in (4.8, 7.3):
        try:
            answer(dict(CURVE), 100, 50, loss)
        except ValueError:
            continue
        return BEYOND
    for _ in range(3):
        rows = np.sort(rng.choice(np.arange(5, 900), 5, replace=False)).tolist()
        losses = (8 - np.cumsum(rng.uniform(0.1, 0.8, 5))).tolist()
        mixed, real = float(rng.uniform(losses[-1], losses[0])), rows[2]
        curve = dict(zip(rows, losses, strict=True))
        right, got = exchange_rate(curve, real, 40, mixed), _asked(answer, curve, real, 40, mixed)
        if abs(got - right) > 1e-3 * max(1, abs(right)):
            return (
                f"You own {real} rows and add 40: on the curve {_said(curve)} a loss of "
                f"{mixed:.3f} is a rate of {right:.3g}. Yours is {got:.3g}."
            )
    return None


def _asked(answer: Any, curve: dict[int, float], real: int, synthetic: int, loss: float) -> float:
    try:
        return number(answer(dict(curve), real, synthetic, loss), "Your rate")
    except ValueError as error:
        raise Hint(f"Your function raises on a loss that lies on the curve: {error}.") from None


def _said(curve: dict[int, float]) -> str:
    return ", ".join(f"{n}: {loss:.2f}" for n, loss in curve.items())


def _rows_of(curve: dict[int, float], loss: float, straight: bool = False) -> float:
    rows = np.array(sorted(curve), dtype=float)
    losses = np.array([curve[int(n)] for n in rows])
    if not losses[-1] <= loss <= losses[0]:
        raise ValueError("beyond the curve")
    if straight:
        return float(np.interp(-loss, -losses, rows))
    return float(np.exp(np.interp(-loss, -losses, np.log(rows))))


def _without_end(curve: dict[int, float], real: int, synthetic: int, loss: float) -> float:
    rows = np.array(sorted(curve), dtype=float)
    slope, start = np.polyfit([curve[int(n)] for n in rows], np.log(rows), 1)
    return float((np.exp(slope * loss + start) - real) / synthetic)


rate.wrong(
    "nats a row", lambda curve, real, synthetic, loss: (curve[real] - loss) / synthetic, hint=NATS
)
rate.wrong(
    "divides by all rows",
    lambda curve, real, synthetic, loss: (_rows_of(curve, loss) - real) / (real + synthetic),
    hint=ALL_ROWS,
)
rate.wrong(
    "straight in the rows",
    lambda curve, real, synthetic, loss: (_rows_of(curve, loss, True) - real) / synthetic,
    hint=STRAIGHT,
)
rate.wrong(
    "stops at 0",
    lambda curve, real, synthetic, loss: max(0.0, (_rows_of(curve, loss) - real) / synthetic),
    hint=CLIPPED,
)
rate.wrong(
    "does not subtract",
    lambda curve, real, synthetic, loss: _rows_of(curve, loss) / synthetic,
    hint=NOT_SUBTRACTED,
)
rate.wrong(
    "the sign turned",
    lambda curve, real, synthetic, loss: (real - _rows_of(curve, loss)) / synthetic,
    hint=TURNED,
)
rate.wrong(
    "all of their rows", lambda curve, real, synthetic, loss: _rows_of(curve, loss) - real,
    hint=ALL_OF_THEM,
)  # fmt: skip
rate.wrong("goes on beyond the curve", _without_end, hint=BEYOND)
