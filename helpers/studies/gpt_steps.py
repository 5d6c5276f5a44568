"""The other budgets, arms and controls beside `helpers.studies.gpt_budget`, with the same seeds.

The budgets `200` and `best`, the same number of steps in every generation, for the policies that
`gpt_budget` has not; the arms with `best` are those of `gpt` at that number of steps.
`t08_` draws at temperature 0.8, for five rounds as in `gpt_sampler`. Held against:

    nothing         keep the best model of the real rows: the same numbers in every generation. To
                    keep its first text and fit that anew each round is generation 1 of replace_best
    real_STEPS      real rows alone, by steps: generation 0 only
    fresh_epochs    as many rows and steps as accumulate by epochs, and every row real: the ceiling

The rules are secondary, in the words of `gpt_budget` and committed with it, before any reported
seed ran.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers.loop import fit_stream
from helpers.policies import Accumulate, AccumulateSubsample, Replace
from helpers.studies import gpt_budget, stories
from helpers.studies.gpt_budget import Arm, Rule

ARMS: dict[str, Arm] = {
    "replace_best": Arm(Replace(), "best"),
    "subsample_best": Arm(AccumulateSubsample(), "best"),
    "accumulate_best": Arm(Accumulate(), "best"),
    "subsample_200": Arm(AccumulateSubsample(), "200"),
    "accumulate_200": Arm(Accumulate(), "200"),
    "t08_replace_200": Arm(Replace(), "200", temperature=0.8, generations=5),
    "t08_accumulate_epochs": Arm(Accumulate(), "epochs", temperature=0.8, generations=5),
}
RULES: dict[str, Rule] = {
    "replace_best": Rule("replace_best", "nothing", "excess", 0.03),
    "subsample_best": Rule("subsample_best", "nothing", "excess", 0.03, null=True),
    "accumulate_best": Rule("accumulate_best", "nothing", "excess", 0.03, null=True),
    "policy_best": Rule("replace_best", "accumulate_best", "excess", 0.03),
    "cool_accumulate": Rule("t08_accumulate_epochs", "nothing", "excess", 0.03, null=True),
    "cool_policy": Rule("t08_replace_200", "t08_accumulate_epochs", "excess", 0.03),
    "ceiling": Rule("nothing", "fresh_epochs", "excess", 0.03),
}
SEEDS = range(10)
SETTINGS: dict[str, Any] = {
    "data": stories.DATA,
    "model": gpt_budget.SETTINGS["model"],
    "budgets": gpt_budget.BUDGETS,
    "arms": {name: arm.settings() for name, arm in ARMS.items()},
    "real": list(gpt_budget.DEVELOPMENT),
    "fresh_generations": [2, 5, 8],
}


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two rounds of models that are barely trained on 60 rows.
    """
    found = {name: gpt_budget.measured(arm, seed, scale) for name, arm in ARMS.items()}
    found["nothing"] = gpt_budget.nothing(seed, scale)
    for steps in SETTINGS["real"]:
        start = gpt_budget.begin(seed, scale, gpt_budget.short(steps, scale))
        found[f"real_{steps}"] = {0: real_only(start, start.first, len(start.real))}
    return gpt_budget.tidy(found | {"fresh_epochs": ceiling(seed, scale)})


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds, and the paired differences of every rule by generation."""
    return gpt_budget.summary(frame, RULES)


def real_only(start: stories.Start, fitted: Any, rows: int) -> dict[str, float]:
    """Of a fit to `rows` real rows, which writes nothing: the yardsticks inside, and its budget."""
    from helpers.metrics import language as lm

    known = lm.recall_by_fame(fitted, stories.WORLD)
    return {
        "excess": lm.excess_cross_entropy(fitted, start.test, start.truth),
        **{f"recall_{part}": value for part, value in known.items()},
        "steps": float(fitted.steps),
        "rows": float(rows),
        "draws_real": fitted.steps * stories.MODEL["batch_size"] / rows,
        "rows_newest": 0.0,
    }


def ceiling(seed: int, scale: str) -> dict[int, dict[str, float]]:
    """Fits to real rows only, as many as accumulate has, with the streams of its generation."""
    start = gpt_budget.begin(seed, scale, gpt_budget.steps_of("200", 0, scale))
    n, length = start.real.shape
    generations = SETTINGS["fresh_generations"] if scale == "full" else [2]
    more = stories.WORLD.sample(n * max(generations), length, np.random.default_rng([seed, 4]))
    pile = np.concatenate([start.real, more])
    found = {}
    for generation in generations:
        rows = n * (generation + 1)
        model = gpt_budget.model(scale, gpt_budget.steps_of("epochs", rows, scale))
        fitted = model.fit(pile[:rows], fit_stream(seed, generation))
        found[generation] = real_only(start, fitted, rows)
    return found
