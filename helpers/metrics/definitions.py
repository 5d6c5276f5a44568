"""What collapse means: eight readings of a series with one value a generation, generation 0 first.

Schaeffer et al. 2503.03150 count eight definitions in the literature. Their formal statements were
not read; the names are theirs, the thresholds and the finite-run readings below are OURS. One
series is never enough: the same run passes under some definitions and fails under others (lesson
08). What to measure on a generation is in `helpers.metrics.numbers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers._arguments import finite_array, fraction, real_array, real_number

NAMES = (
    "catastrophic risk",
    "any risk increase",
    "diverging risk",
    "scaling law change",
    "collapsing variance",
    "lost modes",
    "lost tail",
    "hallucination",
)


def catastrophic_risk(risk: Sequence[float], uninformed: float, share: float = 1.0) -> bool:
    """1. The last model is as bad as one that learned nothing, whose risk is `uninformed`.

    With a `share` below 1: its risk has come that near.
    """
    least = real_number("share", share, low=0) * real_number("uninformed", uninformed)
    return bool(_series("risk", risk)[-1] >= least)


def any_risk_increase(risk: Sequence[float], tolerance: float = 0.0) -> bool:
    """2. The last risk exceeds the first by more than `tolerance` (in units of the risk)."""
    values = _series("risk", risk)
    return bool(values[-1] - values[0] > real_number("tolerance", tolerance, low=0))


def diverging_risk(
    risk: Sequence[float], fits: Sequence[int] | None = None, ratio: float = 0.75
) -> bool:
    """3. The risk grows without bound, as far as a finite run can tell.

    Compares the rise over the last doubling of the number of fits with the rise over the doubling
    before: about 1/2 for the bounded sum of 1/i**2, 1 for a logarithm, 2 for a line. Above `ratio`
    counts as diverging. fits: how many fits each value comes after, rising, where not every one is
    in the series; default 1, 2, 3, ... Needs at least eight fits, and an average over seeds: noise
    in a flat curve can fool it.
    """
    values = _series("risk", risk)
    if fits is None and len(values) < 8:
        raise ValueError(f"risk must hold at least 8 values, got {len(values)}")
    counts = fit_counts(fits, len(values))
    if why := too_few_fits(counts):
        raise ValueError(f"fits must {why}, got {counts.tolist()}")
    return bool(doubling_ratio(values, counts) > real_number("ratio", ratio, low=0))


def scaling_law_change(
    sizes: Sequence[float], first: Sequence[float], last: Sequence[float], tolerance: float = 0.1
) -> bool:
    """4. More data help less: the slope of log error on log size rises by over `tolerance`.

    `first` and `last` are the (positive) errors of generation 0 and of the last one at `sizes`. A
    slope that falls, so that more data help more, is no collapse.
    """
    steps = _series("sizes", sizes)
    errors = []
    for name, given in (("first", first), ("last", last)):
        values = _series(name, given)
        if len(values) != len(steps) or (values <= 0).any():
            raise ValueError(f"{name} must hold {len(steps)} positive errors, got {given!r}")
        errors.append(values)
    return bool(slope_change(steps, *errors) > real_number("tolerance", tolerance, low=0))


def collapsing_variance(variance: Sequence[float], left: float = 0.5) -> bool:
    """5. Less than the share `left` of the first variance is left. Give it a median, not a mean."""
    return _shrunk("variance", variance, left)


def lost_modes(modes: Sequence[float], left: float = 0.5) -> bool:
    """6. Modes disappear or merge: `modes` (modes hit, or 1 - valley mass ...) falls below `left`.

    In shares of its first value. Which series separates the modes is for the caller to say.
    """
    return _shrunk("modes", modes, left)


def lost_tail(tail: Sequence[float], left: float = 0.5) -> bool:
    """7. Less than the share `left` of the rare outcomes survives: count them, not their mass."""
    return _shrunk("tail", tail, left)


def hallucination(invented: Sequence[float], tolerance: float = 0.05) -> bool:
    """8. The share of samples outside the real support rose by more than `tolerance`."""
    return any_risk_increase(invented, tolerance)


# --- the numbers behind the verdicts: points on the last axis, any axes in front -----------------


def fit_counts(fits: Sequence[int] | None, points: int) -> np.ndarray:
    """`fits` checked against the number of points, default 1, 2, 3, ..., shape (points,)."""
    if fits is None:
        return np.arange(1, points + 1)
    counts = finite_array("fits", np.atleast_1d(real_array("fits", fits)), ndim=1)
    if len(counts) != points or (counts < 1).any() or (np.diff(counts) <= 0).any():
        raise ValueError(f"fits must hold {points} rising counts of at least 1, got {fits!r}")
    return counts


def too_few_fits(counts: np.ndarray) -> str:
    """What these counts lack for two doublings, in words; empty when they do."""
    last = counts[-1]
    if last < 8:
        return "end at 8 or later"
    quarter = last // 4
    if counts[0] > quarter or not ((counts > quarter) & (counts < last)).any():
        return "have a value up to a quarter of the last one, and one between"
    return ""


def doubling_ratio(risk: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Rise over the last doubling of fits over the rise of the doubling before, shape (...).

    Between recorded fits the risk is taken to be straight in the logarithm of their number. Where
    there was no rise before: infinite if there is one now, else 0.
    """
    ends = (counts[-1] // 4, counts[-1] // 2, counts[-1])
    quarter, half, last = (_between(risk, counts, end) for end in ends)
    late, before = last - half, half - quarter
    rose = before > 0
    ratio = late / np.where(rose, before, 1.0)
    return np.where(rose, ratio, np.where(late > 0, np.inf, 0.0))


def slope_change(sizes: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Slope of log error on log size in the last generation, minus that in the first."""
    steps = np.log(sizes) - np.log(sizes).mean()
    return ((np.log(last) - np.log(first)) * steps).sum(axis=-1) / (steps**2).sum()


# --- details -----------------------------------------------------------------------------------


def _series(name: str, values: Any) -> np.ndarray:
    series = finite_array(name, np.atleast_1d(real_array(name, values)), ndim=1)
    if len(series) < 2:  # one value is no series: a "no" would say more than was measured
        raise ValueError(f"{name} must hold at least 2 values, got {len(series)}")
    return series


def _between(risk: np.ndarray, counts: np.ndarray, at: float) -> np.ndarray:
    """The risk after `at` fits, straight between neighbours on the logarithm of the fits."""
    right = int(np.searchsorted(counts, at))
    if counts[right] == at:
        return np.asarray(risk[..., right])
    low, high = np.log(counts[right - 1]), np.log(counts[right])
    part = (np.log(at) - low) / (high - low)
    return np.asarray((1 - part) * risk[..., right - 1] + part * risk[..., right])


def _shrunk(name: str, values: Any, left: float) -> bool:
    series = _series(name, values)
    if series[0] <= 0:
        raise ValueError(f"{name} must start above 0, got {series[0]:g}")
    return bool(series[-1] < fraction("left", left) * series[0])
