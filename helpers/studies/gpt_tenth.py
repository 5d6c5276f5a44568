"""A tenth of real rows for the small GPT: which tenth, and what the other nine tenths are.

The GPT, stories, budget and random streams of `gpt`; every generation is trained on 800 rows, from
scratch. Arms: `replace`, no real row; with 80 real rows `frozen` (the same for ever), `redrawn`
(drawn anew from the first 800) and `new` (newly written by the grammar), beside the newest model's;
`one_in_a_hundred`, 8 new ones; and `subsample`, a draw from all there is, real and old. Where rows
are new the model writes as many fewer, so that all fits are of one size.

Rules, committed before any reported seed ran. Each speaks of generations 5 and 8, of differences
paired over seeds, and of a 95 % t interval. It holds when the whole interval is on its side in both
generations, and is said to hold only for the arms and generations in which it does.

- A tenth helps: `excess` of replace minus that of frozen, of redrawn and of new is above 0.
- It helps the rare: `recall_tail` of frozen, of redrawn and of new minus that of replace, above 0.
- Old ninety help more: `excess` of redrawn minus that of subsample, and `recall_tail` of subsample
  minus that of redrawn, are above 0.
- Frozen is worse: `excess` of frozen minus that of redrawn is above 0.
- Nearly new: `excess` of redrawn minus that of new is within .05 of 0.
- One in a hundred helps: `excess` of replace minus that of one_in_a_hundred is above 0.
Secondary, and described only: everything of `recall_head`, `distinct_3` and `mistakes`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from helpers.loop import History, run_loop
from helpers.policies import AccumulateSubsample, FreshReal, FrozenReal, Mix, Named, Replace
from helpers.studies import stories
from helpers.studies.paired import means, paired

SEEDS = range(10)
REPLACE, SUBSAMPLE, FROZEN = Replace(), AccumulateSubsample(), FrozenReal(1).name
SETTINGS: dict[str, Any] = {
    "data": stories.DATA,
    "model": stories.MODEL,
    "generations": 8,
    "shares": {FROZEN: 0.1, "redrawn": 0.1, "new": 0.1, "one_in_a_hundred": 0.01},
}
QUOTED = ("excess", "recall_head", "recall_tail", "distinct_3", "mistakes")
TENTHS = (FROZEN, "redrawn", "new")


def new_stories(n: int, rng: np.random.Generator) -> np.ndarray:
    """n new real rows."""
    return stories.WORLD.sample(n, stories.DATA["length"], rng)


def arms(rows: int) -> dict[str, tuple[Named, int]]:
    """Every arm at so many rows a fit: its policy, and how many rows each model writes."""
    real = {name: max(1, round(share * rows)) for name, share in SETTINGS["shares"].items()}
    fresh = ("new", "one_in_a_hundred")
    return {
        REPLACE.name: (REPLACE, rows),
        FROZEN: (FrozenReal(real[FROZEN]), rows),
        "redrawn": (Mix(SETTINGS["shares"]["redrawn"]), rows),
        **{name: (FreshReal(new_stories, real[name]), rows - real[name]) for name in fresh},
        SUBSAMPLE.name: (SUBSAMPLE, rows),
    }


@lru_cache(maxsize=8)
def runs(seed: int, scale: str = "full") -> dict[str, History]:
    """The run of every arm."""
    begin = stories.start(seed, scale)
    return {
        arm: run_loop(
            stories.model(scale),
            begin.real,
            policy=policy,
            generations=SETTINGS["generations"] if scale == "full" else 2,
            n_samples=written,
            seed=seed,
            first=begin.first,
        )
        for arm, (policy, written) in arms(len(begin.real)).items()
    }


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two generations of barely trained models.
    """
    frame = stories.frame(stories.start(seed, scale), runs(seed, scale))
    return frame[frame["metric"].isin(QUOTED)].reset_index(drop=True)


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds, and the paired differences of the rules, in the generations they name."""
    last = int(frame["generation"].max())
    result = means(frame, tuple(range(last + 1)))
    for g in sorted({min(5, last), last}):
        for metric in QUOTED:
            for arm in (*TENTHS, "one_in_a_hundred"):
                result |= paired(frame, REPLACE.name, arm, metric, g)
            result |= paired(frame, "redrawn", SUBSAMPLE.name, metric, g)
            result |= paired(frame, FROZEN, "redrawn", metric, g)
            result |= paired(frame, "redrawn", "new", metric, g)
    return result
