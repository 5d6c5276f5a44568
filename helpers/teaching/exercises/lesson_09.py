"""Lesson 09, verify before you train: judges and named wrong answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.stats import beta, norm

from helpers import theory
from helpers.teaching.exercises import Hint, agrees, exercise, number

# ---------------------------------------------------------------------- A. a loop by hand

TIMES = (
    "That multiplies the share, and a share cannot pass 1. Turn it into odds, share / (1 - share), "
    "multiply these, and turn back."
)
ONCE = "That is the share at generation 1. The judge multiplies the odds in every generation."
ADDED = (
    "You add phi - psi in each generation. A judge keeps a part of what there is: odds are "
    "multiplied."
)
ONLY_PSI = (
    "You take the power of psi only. Right answers are lost, too: those that are left of them are "
    "share times phi to the power of generations."
)
ONLY_PHI = (
    "You take the power of phi only. Wrong answers are lost, too: those that are left of them are "
    "(1 - share) times psi to the power of generations."
)
TIMES_G = (
    "You multiply the odds by generations times phi / psi. Each generation multiplies what the one "
    "before has left: phi / psi to the power of generations."
)
OFF_BY_ONE = (
    "That is the share one generation later. `share` is that of generation 0, and at generation 1 "
    "the judge has been asked once."
)
UPSIDE = "You have phi and psi the wrong way round: this judge keeps more of the right answers."
ODDS = "Those are the odds, right for each wrong. The share is odds / (1 + odds)."
NOUGHT = (
    "With {} your answer is not a number between 0 and 1. Nothing is divided by 0 if you count "
)
NOUGHT += "right / (right + wrong) and look at right = 0 first."
CLOSE = 2e-3  # what a slip gives with 1.645 for a quantile is still that slip
CASES = ((0.15, 0.9, 0.3, 4), (0.6, 0.8, 0.4, 2), (0.02, 1.0, 0.5, 9), (0.5, 0.3, 0.6, 3))


@exercise(
    "09-share-after", praise="The odds grow by phi / psi a generation, from any start above 0."
)
def share_after(answer: Any, rng: np.random.Generator) -> str | None:
    """Each slip is named by what it gives at generation 2, then the edges, then random cases."""
    share, phi, psi = 0.2, 0.9, 0.3
    got = _share(answer, share, phi, psi, 2)
    for wrong, hint in _slips(share, phi, psi, 2):
        if _slipped(got, wrong):
            return hint
    for edge, said in (((0.0, 0.9, 0.3, 3), "no right answer"), ((0.2, 0.9, 0.0, 3), "psi = 0")):
        right = 0.0 if edge[0] == 0 else 1.0
        if math.isnan(found := _quiet(answer, *edge)):
            return NOUGHT.format(said)
        if abs(found - right) > 1e-9:
            return f"With {said} the share right at generation 3 is {right:g}; you say {found:g}."
    both_nought = _quiet(answer, 0.0, 0.9, 0.0, 2)
    if both_nought != 0:
        return NOUGHT.format("no right answer and psi = 0")
    drawn = [(*rng.uniform(0.05, 0.95, 3).tolist(), int(rng.integers(0, 6))) for _ in range(3)]
    cases = [*CASES, *drawn]
    for case in cases:
        right = theory.verified_share(case[0], case[1], case[2], case[3])
        got = _share(answer, *case)
        if not agrees(got, right):
            return (
                f"Share {case[0]:.2f}, phi {case[1]:.2f}, psi {case[2]:.2f}, generation {case[3]}: "
                f"{right:.3f}; you say {got:.3f}."
            )
    return None


def _share(answer: Any, share: float, phi: float, psi: float, generations: int) -> float:
    try:
        return number(answer(float(share), float(phi), float(psi), generations), "Your share")
    except ZeroDivisionError:
        raise Hint(f"Your function divides by 0 at share {share:g}, psi {psi:g}.") from None


def _quiet(answer: Any, *case: Any) -> float:
    """What `answer` gives, NaN where that is no finite number."""
    try:
        return number(answer(*case), "Your share")
    except (ZeroDivisionError, Hint):
        return float("nan")


def _slipped(got: float, wrong: float) -> bool:
    return agrees(got, wrong) or math.isclose(got, wrong, rel_tol=CLOSE)


def _slips(share: float, phi: float, psi: float, generations: int) -> list[tuple[float, str]]:
    """What each misconception gives."""
    odds, ratio = share / (1 - share), phi / psi
    return [
        (share * ratio**generations, TIMES),
        (min(1.0, share * ratio**generations), TIMES),
        (odds * ratio / (1 + odds * ratio), ONCE),
        (share + generations * (phi - psi), ADDED),
        (min(1.0, share + generations * (phi - psi)), ADDED),
        (share / (share + (1 - share) * psi**generations), ONLY_PSI),
        (share * phi**generations / (share * phi**generations + 1 - share), ONLY_PHI),
        (_from_odds(odds * ratio * generations), TIMES_G),
        (_from_odds(odds * ratio ** (generations + 1)), OFF_BY_ONE),
        (odds / (odds + ratio**generations), UPSIDE),
        (odds * ratio**generations, ODDS),
    ]


def _from_odds(odds: float) -> float:
    return odds / (1 + odds)


share_after.wrong(
    "multiplies the share", lambda share, phi, psi, generations: share * (phi / psi) ** generations,
    hint=TIMES,
)  # fmt: skip
share_after.wrong(
    "one generation only",
    lambda share, phi, psi, generations: share * phi / (share * phi + (1 - share) * psi),
    hint=ONCE,
)
share_after.wrong(
    "adds phi minus psi",
    lambda share, phi, psi, generations: share + generations * (phi - psi),
    hint=ADDED,
)
share_after.wrong(
    "only psi to the power",
    lambda share, phi, psi, generations: share / (share + (1 - share) * psi**generations),
    hint=ONLY_PSI,
)
share_after.wrong(
    "only phi to the power",
    lambda share, phi, psi, generations: (
        share * phi**generations / (share * phi**generations + 1 - share)
    ),
    hint=ONLY_PHI,
)
share_after.wrong(
    "generations times the ratio",
    lambda share, phi, psi, generations: _from_odds(share / (1 - share) * phi / psi * generations),
    hint=TIMES_G,
)
share_after.wrong(
    "one generation too many",
    lambda share, phi, psi, generations: _from_odds(
        share / (1 - share) * (phi / psi) ** (generations + 1)
    ),
    hint=OFF_BY_ONE,
)
share_after.wrong(
    "psi over phi",
    lambda share, phi, psi, generations: _from_odds(
        share / (1 - share) * (psi / phi) ** generations
    ),
    hint=UPSIDE,
)
share_after.wrong(
    "the odds",
    lambda share, phi, psi, generations: share / (1 - share) * (phi / psi) ** generations,
    hint=ODDS,
)
share_after.wrong(
    "divides by psi",
    lambda share, phi, psi, generations: _from_odds(
        share / (1 - share) * (phi / psi) ** generations
    ),
    hint=NOUGHT.format("psi = 0"),
)
share_after.wrong(
    "divides by right and wrong",
    lambda share, phi, psi, generations: (
        share * phi**generations / (share * phi**generations + (1 - share) * psi**generations)
    ),
    hint=NOUGHT.format("no right answer and psi = 0"),
)

# ---------------------------------------------------------------------- B. what may hide

PLAIN = "That is what you found. Asked is how much there may be: more than that fits a sample, too."
NORMAL = (
    "That is the normal approximation. It says 0 where none was wrong, and is too low for few: "
    "use the quantile of a beta distribution."
)
THREE = "3/n is a good rule for none wrong, and only there. Let `wrong` count."
TWO_SIDED = (
    "That leaves 5 % at both ends together. You only fear more wrong rows, not fewer: one end."
)
IGNORES = "Your answer does not change with `wrong`."
LOWER = "That is the lower bound: at least so many are wrong. Asked is the most."
AT_5 = (
    "That is the quantile at 0.05: the share is larger in nineteen cases of twenty. A bound from "
    "above is the quantile at 0.95."
)
ALL_WRONG = "Where all are wrong, all may be: 1. The beta distribution has no such case."


@exercise("09-upper-bound", praise="None wrong in fifty leaves room for one in seventeen.")
def upper_bound(answer: Any, rng: np.random.Generator) -> str | None:
    """Each slip is named by what it gives for 4 wrong of 50, then all cases by the exact bound."""
    four, none = (_bound(answer, wrong, 50) for wrong in (4, 0))
    if math.isclose(four, none, rel_tol=1e-9):
        return THREE if math.isclose(none, 3 / 50) else IGNORES
    for wrong, hint in (
        (4 / 50, PLAIN),
        (_normal(4, 50), NORMAL),
        (_two_sided(4, 50), TWO_SIDED),
        (float(beta.ppf(0.05, 4, 47)), LOWER),
        (float(beta.ppf(0.05, 5, 46)), AT_5),
    ):
        if _slipped(four, wrong):
            return hint
    if max(four, none) > 1:
        return f"A share lies from 0 to 1. For 4 wrong of 50 you say {four:g}."
    try:
        full = number(answer(7, 7), "Your bound")
    except (ValueError, ZeroDivisionError, Hint):
        return ALL_WRONG
    if full != 1:
        return ALL_WRONG
    for n in (1, 50, 299, int(rng.integers(5, 80))):
        for wrong in {0, int(rng.integers(0, n)), n // 3}:
            right, got = theory.wrong_share_bound(wrong, n), _bound(answer, wrong, n)
            if not agrees(got, right):
                return f"{wrong} wrong of {n}: up to {right:.3f}; you say {got:.3f}."
    return None


def _bound(answer: Any, wrong: int, n: int) -> float:
    return number(answer(wrong, n), "Your bound")


def _normal(wrong: int, n: int) -> float:
    share = wrong / n
    return float(share + norm.ppf(0.95) * math.sqrt(share * (1 - share) / n))


def _two_sided(wrong: int, n: int) -> float:
    return 1.0 if wrong == n else float(beta.ppf(0.975, wrong + 1, n - wrong))


upper_bound.wrong("the share found", lambda wrong, n: wrong / n, hint=PLAIN)
upper_bound.wrong("the normal formula", _normal, hint=NORMAL)
upper_bound.wrong("three over n", lambda wrong, n: 3 / n, hint=THREE)
upper_bound.wrong("two-sided", _two_sided, hint=TWO_SIDED)
upper_bound.wrong("ignores wrong", lambda wrong, n: float(beta.ppf(0.95, 1, n)), hint=IGNORES)
upper_bound.wrong(
    "the lower bound",
    lambda wrong, n: float(beta.ppf(0.05, wrong, n - wrong + 1)) if wrong else 0.0,
    hint=LOWER,
)
upper_bound.wrong(
    "the quantile at 0.05",
    lambda wrong, n: float(beta.ppf(0.05, wrong + 1, n - wrong)) if wrong < n else 1.0,
    hint=AT_5,
)
upper_bound.wrong(
    "fails where all are wrong", lambda wrong, n: float(beta.ppf(0.95, wrong + 1, n - wrong)),
    hint=ALL_WRONG,
)  # fmt: skip
