"""The numbers that the rules of `gpt_scale` ask of, from its table or a part of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.policies import Replace
from helpers.studies.paired import interval, means, over_seeds, paired

REPLACE = Replace().name


def summary(frame: pd.DataFrame, real_only: str) -> dict[str, float]:
    """Means over seeds, and what the rules ask of, as far as it is there: key, key_low, key_high.

    frame: arms named SIZE_ARM. real_only: the arm of one generation, which all are held against.
    """
    last = int(frame["generation"].max())
    result = means(frame, tuple(range(last + 1)))
    arms = set(frame["arm"])
    pairs = (
        (REPLACE, "accumulate_flat", "excess"),
        ("accumulate_proportion", real_only, "excess"),
        ("grown", "accumulate_proportion", "excess"),
        (REPLACE, "tenth", "excess"),
        ("cool", REPLACE, "names_alive"),
    )
    for size in dict.fromkeys(arm.partition("_")[0] for arm in sorted(arms)):
        for first, second, metric in pairs:
            left, right = f"{size}_{first}", f"{size}_{second}"
            for g in range(last + 1) if {left, right} <= arms else ():
                if second == real_only:  # one fit, whatever the generation
                    found = over_seeds(frame, left, metric, g) - over_seeds(frame, right, metric, 0)
                    result |= interval(f"{left}_minus_{real_only}_{metric}_g{g}", found.dropna())
                else:
                    result |= paired(frame, left, right, metric, g)
    for arm in sorted(arms):
        if not arm.endswith(real_only):
            result |= _since_the_first(frame, arm, last)
    for size in ("small", "big"):
        if {f"{size}_{REPLACE}", f"middle_{REPLACE}"} <= arms:
            rises = [_rise(frame, f"{s}_{REPLACE}", "excess", 0, last) for s in (size, "middle")]
            more = (rises[0] - rises[1]).dropna()
            result |= interval(f"{size}_minus_middle_rise_of_{REPLACE}", more)
    return {key: value for key, value in result.items() if np.isfinite(value)}


def _rise(frame: pd.DataFrame, arm: str, metric: str, start: int, end: int) -> pd.Series:
    return over_seeds(frame, arm, metric, end) - over_seeds(frame, arm, metric, start)


def _since_the_first(frame: pd.DataFrame, arm: str, last: int) -> dict[str, float]:
    """What an arm has gained or lost since generation 0, and by how much it bends."""
    result: dict[str, float] = {}
    for g in range(1, last + 1):
        for metric in ("excess", "fact_accuracy", "recall_tail"):
            rise = _rise(frame, arm, metric, 0, g).dropna()
            result |= interval(f"{arm}_rise_of_{metric}_g{g}", rise)
        lost = {
            part: -_rise(frame, arm, f"recall_{part}", 0, g)
            / over_seeds(frame, arm, f"recall_{part}", 0)
            for part in ("head", "tail")
        }
        rare = (lost["tail"] - lost["head"]).dropna()
        result |= interval(f"{arm}_rare_first_g{g}", rare)
    early, late = (_rise(frame, arm, "excess", *span) for span in ((0, 1), (last - 1, last)))
    return result | interval(f"{arm}_bends", (early - late).dropna())
