"""The sampler of a GPT turned: hotter, cooler, truncated, beam search.

As `helpers.studies.gpt`, with the same real rows and the same generation 0 for each seed; its
arms `replace` and `accumulate` are temperature 1 and are not repeated here. Arms are named
SAMPLER_POLICY: `t12` `t08` `t05` temperature 1.2, 0.8, 0.5; `p09` top-p 0.9; `beam5` five beams.

Beam search has no randomness, so it needs prompts, as in Nature, where each block of real text
was continued: here each row goes on from the first two tokens of another real row, <eos> and a
name. Names and n-grams are counted in what the model wrote, the prompt left out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd

from helpers.loop import History, run_loop
from helpers.studies import stories
from helpers.studies.paired import means, paired

SEEDS = range(5)
SETTINGS: dict[str, Any] = {
    "data": stories.DATA,
    "model": stories.MODEL,
    "samplers": stories.SAMPLERS,
    "prompt": stories.PROMPT,
    "generations": 5,
}
COMPARED = ("excess", "recall_tail", "names_alive", "distinct_3", "fact_accuracy", "surprise_mean")


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two generations of barely trained models.
    """
    return stories.frame(stories.start(seed, scale), runs(seed, scale))


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds of every generation, and paired differences of the policies at the last."""
    last = int(frame["generation"].max())
    result = means(frame, tuple(range(last + 1)))
    for name in SETTINGS["samplers"]:
        for metric in COMPARED:
            result |= paired(frame, f"{name}_replace", f"{name}_accumulate", metric, last)
    return result


@lru_cache(maxsize=8)
def runs(seed: int, scale: str = "full") -> dict[str, History]:
    """The run of every arm."""
    begin = stories.start(seed, scale)
    result = {}
    for name in SETTINGS["samplers"]:
        settings = stories.sampler(name, begin.real)
        for policy_name, policy in stories.POLICIES.items():
            result[f"{name}_{policy_name}"] = run_loop(
                stories.model(scale, **settings),
                begin.real,
                policy=policy,
                generations=SETTINGS["generations"] if scale == "full" else 1,
                seed=seed,
                first=begin.first.with_sampler(**settings),
            )
    return result


def record_texts() -> None:
    """Write what `helpers.studies.texts` reads; quick after `trial(0)` in the same process."""
    stories.write_texts("gpt_sampler", runs(0, "full"))
