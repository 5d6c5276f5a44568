"""Means over seeds and paired differences between two arms, for the summaries of studies."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special  # not scipy.stats, which takes four times as long to load


def over_seeds(frame: pd.DataFrame, arm: str, metric: str, generation: int) -> pd.Series:
    """Values of one metric by seed (index `replicate`, sorted)."""
    rows = frame[
        (frame["arm"] == arm) & (frame["metric"] == metric) & (frame["generation"] == generation)
    ]
    return rows.set_index("replicate")["value"].sort_index()


def paired(
    frame: pd.DataFrame, first: str, second: str, metric: str, generation: int
) -> dict[str, float]:
    """Mean of `first` minus `second` over common seeds with a 95 % t interval.

    Both arms of a seed share data, generation 0 and random streams, so the differences vary less
    than the arms do. Keys: FIRST_minus_SECOND_METRIC_gG, and the same with _low and _high.
    """
    left, right = (over_seeds(frame, arm, metric, generation) for arm in (first, second))
    return interval(f"{first}_minus_{second}_{metric}_g{generation}", (left - right).dropna())


def interval(key: str, values: pd.Series | np.ndarray) -> dict[str, float]:
    """Mean of one number a seed and its 95 % t interval: KEY, KEY_low, KEY_high."""
    mean, low, high, _ = effect(values)
    return {key: mean, f"{key}_low": low, f"{key}_high": high}


def means(frame: pd.DataFrame, generations: tuple[int, ...]) -> dict[str, float]:
    """Mean over seeds of every arm and metric at the given generations: ARM_METRIC_gG."""
    chosen = frame[frame["generation"].isin(generations)]
    grouped = chosen.groupby(["arm", "metric", "generation"], as_index=False)["value"].mean()
    rows = zip(
        grouped["arm"], grouped["metric"], grouped["generation"], grouped["value"], strict=True
    )
    return {f"{arm}_{metric}_g{g}": float(value) for arm, metric, g, value in rows}


def effect(values: pd.Series | np.ndarray) -> tuple[float, float, float, float]:
    """Mean of one number a seed, its 95 % t interval and the two-sided p of a mean of zero.

    NaN for interval and p with fewer than two seeds. Seeds that all agree have an interval of one
    point, and a p of 0, or of 1 where that point is zero.
    """
    numbers = np.asarray(values, dtype=float)
    if len(numbers) < 2:
        return (float(numbers.mean()) if len(numbers) else np.nan, np.nan, np.nan, np.nan)
    mean, error = float(numbers.mean()), float(numbers.std(ddof=1) / np.sqrt(len(numbers)))
    half = float(special.stdtrit(len(numbers) - 1, 0.975) * error)
    # So little spread is rounding: the mean of equal numbers may miss them by a last digit.
    if error <= 1e-12 * max(abs(mean), 1e-300):
        return mean, mean, mean, float(mean == 0)
    p = 2 * float(special.stdtr(len(numbers) - 1, -abs(mean) / error))
    return mean, mean - half, mean + half, p


def holm(p: np.ndarray) -> np.ndarray:
    """p-values corrected for being many, in the order given (Holm 1979): the chance that any of
    the tests whose null is true falls below .05 is at most .05.
    """
    order = np.argsort(p, kind="stable")
    steps = (len(p) - np.arange(len(p))) * p[order]
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return corrected
