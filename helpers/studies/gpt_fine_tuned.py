"""A GPT that restarts each round from a pretrained base, as in Nature's language experiment.

The base was trained on 800 other real rows. Each generation starts from it, not from the one
before, and is tuned for fewer steps at a lower rate. Otherwise as `helpers.studies.gpt`, whose
real rows for each seed these are; arms `replace` and `accumulate`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from helpers.loop import History, Policy, run_loop
from helpers.policies import Accumulate, Replace
from helpers.studies import _stories
from helpers.studies._paired import means, paired

SEEDS = range(5)
SETTINGS: dict[str, Any] = {
    "data": _stories.DATA,
    "base": _stories.MODEL,
    "model": _stories.MODEL | {"steps": 70, "learning_rate": 2e-3},
    "generations": 5,
    "arms": ["replace", "accumulate"],
}
POLICIES: dict[str, Policy] = {"replace": Replace(), "accumulate": Accumulate()}
COMPARED = ("excess", "recall_head", "recall_tail", "fact_accuracy", "surprise_mean")


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two generations of barely trained models.
    """
    histories = runs(seed, scale)
    real, test = _stories.data(seed, scale)
    truth = _stories.WORLD.token_log_probabilities(test)
    begin = _stories.Start(real, test, truth, histories["replace"].models[0])
    return _stories.frame(begin, histories, {})


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds of every generation, and paired differences at the last."""
    last = int(frame["generation"].max())
    result = means(frame, tuple(range(last + 1)))
    for metric in COMPARED:
        result |= paired(frame, "replace", "accumulate", metric, last)
    return result


@lru_cache(maxsize=8)
def runs(seed: int, scale: str = "full") -> dict[str, History]:
    """The run of every arm, from one base."""
    real, _ = _stories.data(seed, scale)
    rng = np.random.default_rng([seed, 3])
    others = _stories.WORLD.sample(len(real), real.shape[1], rng)
    base = _stories.model(scale, **SETTINGS["base"]).fit(others, rng)
    histories: dict[str, History] = {}
    for arm in SETTINGS["arms"]:
        histories[arm] = run_loop(
            _stories.model(scale, **SETTINGS["model"]),
            real,
            policy=POLICIES[arm],
            generations=SETTINGS["generations"] if scale == "full" else 1,
            seed=seed,
            init=base,
            first=histories["replace"].models[0] if histories else None,
        )
    return histories


def texts() -> dict[str, list[list[str]]]:
    """Recorded rows of seed 0: texts()[arm][generation] is a list of rows of words."""
    return _stories.read_texts("gpt_fine_tuned")


def record_texts() -> None:
    """Write what `texts` reads; the run is not repeated after `trial(0)` in the same process."""
    _stories.write_texts("gpt_fine_tuned", runs(0))
