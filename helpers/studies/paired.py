"""Means over seeds and paired differences between two arms, for the summaries of studies."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats


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
    differences = (left - right).dropna().to_numpy()
    mean = float(differences.mean())
    half = np.nan
    if len(differences) > 1:
        error = differences.std(ddof=1) / np.sqrt(len(differences))
        half = float(stats.t.ppf(0.975, len(differences) - 1) * error)
    key = f"{first}_minus_{second}_{metric}_g{generation}"
    return {key: mean, f"{key}_low": mean - half, f"{key}_high": mean + half}


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

    NaN for interval and p with fewer than two seeds.
    """
    numbers = np.asarray(values, dtype=float)
    if len(numbers) < 2:
        return (float(numbers.mean()) if len(numbers) else np.nan, np.nan, np.nan, np.nan)
    test = stats.ttest_1samp(numbers, 0)
    low, high = test.confidence_interval(0.95)
    return float(numbers.mean()), float(low), float(high), float(test.pvalue)


def holm(p: np.ndarray) -> np.ndarray:
    """p-values corrected for being many, in the order given (Holm 1979): the chance that any of
    the tests whose null is true falls below .05 is at most .05.
    """
    order = np.argsort(p, kind="stable")
    steps = (len(p) - np.arange(len(p))) * p[order]
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return corrected
