"""A small GPT retrained on its own stories, from scratch: replace, subsample, accumulate.

Plain sampling (temperature 1), the same number of training steps in every generation whatever
the policy: those that fit the real rows best, so that a growing pile is read less often a row.
`gpt_budget` and `gpt_steps` tell what that does. Measured each generation, `excess` on real text
and, in or about its own samples, the rest: see `helpers.studies.stories.measures`. `gpt_sampler`
turns the sampler, `gpt_fine_tuned` the starting point.

Rules, committed before any reported seed ran at this number of steps. Each speaks of every
generation from the first round on, of differences paired over seeds, and of a 95 % t interval. It
holds in a generation when the whole interval is on its side, and is said to hold only for the
generations in which it does.

- Replace loses: `excess` of replace minus that of generation 0 is above 0.
- Old texts help: `excess` of replace minus accumulate is above 0.
- Rare first: the share that is lost of `recall_tail` minus the share that is lost of
  `recall_head`, each of its own generation 0, is above 0.
- Variety: `distinct_3` of replace minus that of generation 0 is above 0.
- Subsample: `excess` of subsample minus accumulate is above 0.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd

from helpers.loop import History, run_loop
from helpers.policies import Accumulate, AccumulateSubsample, Replace, by_name
from helpers.studies import stories
from helpers.studies.paired import means, paired

SEEDS = range(10)
POLICIES = by_name(Replace(), AccumulateSubsample(), Accumulate())
SETTINGS: dict[str, Any] = {
    "data": stories.DATA,
    "model": stories.MODEL,
    "generations": 8,
    "arms": list(POLICIES),
}
COMPARED = ("excess", "recall_head", "recall_tail", "distinct_3", "fact_accuracy", "surprise_mean")


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two generations of barely trained models.
    """
    return stories.frame(stories.start(seed, scale), runs(seed, scale))


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds at some generations and paired differences at the last."""
    last = int(frame["generation"].max())
    result = means(frame, tuple(sorted({0, 1, 3, 5, last})))
    for metric in COMPARED:
        result |= paired(frame, "replace", "accumulate", metric, last)
        result |= paired(frame, "subsample", "accumulate", metric, last)
        result |= paired(frame, "replace", "subsample", metric, last)
    return result


@lru_cache(maxsize=8)
def runs(seed: int, scale: str = "full") -> dict[str, History]:
    """The run of every arm."""
    begin = stories.start(seed, scale)
    return {
        arm: run_loop(
            stories.model(scale),
            begin.real,
            policy=POLICIES[arm],
            generations=SETTINGS["generations"] if scale == "full" else 2,
            seed=seed,
            first=begin.first,
        )
        for arm in SETTINGS["arms"]
    }


def record_texts() -> None:
    """Write what `helpers.studies.texts` reads; quick after `trial(0)` in the same process."""
    stories.write_texts("gpt", runs(0, "full"))
