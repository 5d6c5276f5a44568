"""Centre, spread and standard error over seeds, for the summaries of studies."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

# Suffix of the key -> what it says about the values over seeds.
STATISTICS: dict[str, Callable[[np.ndarray], float]] = {
    "mean": lambda values: np.mean(values),
    "median": lambda values: np.median(values),
    "low": lambda values: np.quantile(values, 0.05),
    "high": lambda values: np.quantile(values, 0.95),
    "error": lambda values: np.std(values, ddof=1) / np.sqrt(len(values)),
}


def spread(
    frame: pd.DataFrame,
    metric: str,
    generations: Iterable[int],
    statistics: Iterable[str] = tuple(STATISTICS),
) -> dict[str, float]:
    """Statistics over seeds of `metric` for every arm that has it at the given generations.

    Keys ARM_METRIC_gG_STATISTIC: mean, median, low and high (the 5 and 95 per cent quantiles of
    single runs, the seed band), error (standard error of the mean).
    """
    rows = frame[(frame["metric"] == metric) & frame["generation"].isin(list(generations))]
    return {
        f"{arm}_{metric}_g{generation}_{statistic}": float(
            STATISTICS[statistic](group["value"].to_numpy())
        )
        for (arm, generation), group in rows.groupby(["arm", "generation"])
        for statistic in statistics
    }


def wide(frame: pd.DataFrame, metric: str, generation: int) -> pd.DataFrame:
    """Values of one metric at one generation: seeds as rows, arms as columns."""
    rows = frame[(frame["metric"] == metric) & (frame["generation"] == generation)]
    return rows.pivot(index="replicate", columns="arm", values="value")


def thin(frame: pd.DataFrame, keep: Iterable[int]) -> pd.DataFrame:
    """Only the generations in `keep`, to keep the recorded table small."""
    return frame[frame["generation"].isin(list(keep))]
