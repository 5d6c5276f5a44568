"""The sampler of a GPT turned: hotter, cooler, truncated, beam search.

As `helpers.studies.gpt`, with the same real rows and the same generation 0 for each seed; its
arms `replace` and `accumulate` are temperature 1 and are not repeated here. Arms are named
SAMPLER_POLICY: `t12` `t08` `t05` temperature 1.2, 0.8, 0.5; `p09` top-p 0.9; `beam5` five beams.

Beam search has no randomness, so it needs prompts, as in Nature, where each block of real text
was continued: here each row goes on from the first two tokens of another real row, <eos> and a
name. Names and n-grams are counted in what the model wrote, the prompt left out.

Is it the search, then, or the real names in the prompts? `t10prompt` and `t08prompt` draw at
temperature 1 and 0.8 from the same prompts, under replace only. Rule, committed before any
reported seed ran: beam search minus each of them, in `recall_tail` at the last generation, paired
over seeds, 95 % t interval. All of it above +.05: the search keeps more than the prompts do. All of
it within plus or minus .05: the prompts explain what beam search keeps. Below -.05: the search
loses what the prompts keep. Anything else is undecided.

Rules for temperature 0.8 against 1 (arm `replace` of `gpt`, same seeds), committed likewise, one
for each generation from the first round on: excess higher, fewer names alive, more of the facts in
the text right, lower mean surprise. Each holds where its whole interval is on that side.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd

from helpers.loop import History, run_loop
from helpers.policies import Replace
from helpers.studies import stories
from helpers.studies.paired import means, paired

SEEDS = range(10)
SETTINGS: dict[str, Any] = {
    "data": stories.DATA,
    "model": stories.MODEL,
    "samplers": stories.SAMPLERS,
    "controls": stories.CONTROLS,
    "prompt": stories.PROMPT,
    "generations": 5,
}
REPLACE = Replace().name
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
    for control in SETTINGS["controls"]:
        result |= paired(frame, "beam5_replace", f"{control}_replace", "recall_tail", last)
    return result


@lru_cache(maxsize=8)
def runs(seed: int, scale: str = "full") -> dict[str, History]:
    """The run of every arm."""
    begin = stories.start(seed, scale)
    arms = [(name, policy) for name in SETTINGS["samplers"] for policy in stories.POLICIES]
    result = {}
    for name, policy in [*arms, *((control, REPLACE) for control in SETTINGS["controls"])]:
        settings = stories.sampler(name, begin.real)
        result[f"{name}_{policy}"] = run_loop(
            stories.model(scale, **settings),
            begin.real,
            policy=stories.POLICIES[policy],
            generations=SETTINGS["generations"] if scale == "full" else 1,
            seed=seed,
            first=begin.first.with_sampler(**settings),
        )
    return result


def record_texts() -> None:
    """Write what `helpers.studies.texts` reads; quick after `trial(0)` in the same process."""
    stories.write_texts("gpt_sampler", runs(0, "full"))
