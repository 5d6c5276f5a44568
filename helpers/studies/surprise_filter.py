"""Keep half of what the model wrote: the half that surprises it, the half that does not, or any.

The small GPT of the stories, replace, at 400 steps a fit (the best budget for 800 real rows, see
`gpt_budget`). Each generation writes 1,600 rows; a verifier keeps 800 of them, by the surprise of
the model that wrote them. Arms: `random`, `surprising`, `predictable`. All share data, generation 0
and streams. Metrics: `excess`, `recall_head`, `recall_tail` of the model; `names_alive`,
`distinct_3`, `mistakes` of all that it wrote.

Published: keeping surprising text slows collapse (Gambetta et al. 2410.12341); a filter by the
model's own confidence prevents it (Self-Verification Provably Prevents Model Collapse, NeurIPS
2025). Both for other models and other yardsticks.

Rules, committed before any reported seed ran. Differences are paired over seeds, with a 95 per cent
t interval.
1. both filters harm: `excess` at generation 4 of surprising minus random, and of predictable minus
   random, are above 0.
2. confidence is worst: `excess` at generation 4 of predictable minus surprising is above 0.
3. surprise keeps the rare, for one round: `recall_tail` at generation 1 of surprising minus random
   is above 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers._arguments import one_of
from helpers.data import take
from helpers.loop import Verified, run_loop
from helpers.metrics import language as lm
from helpers.policies import Replace
from helpers.studies import stories
from helpers.studies.paired import interval, means, over_seeds

SEEDS = range(4)
WHICH = ("random", "surprising", "predictable")
SETTINGS: dict[str, Any] = {
    "data": stories.DATA, "steps": 400, "written": 1600, "generations": 4, "arms": list(WHICH),
}  # fmt: skip
METRICS = ("excess", "recall_head", "recall_tail", "names_alive", "distinct_3", "mistakes")


@dataclass(frozen=True)
class HalfBySurprise:
    """A verifier that keeps half of the rows, by the surprise of the model that wrote them."""

    which: str

    def __post_init__(self) -> None:
        one_of("which", self.which, WHICH)

    def __call__(self, model: Any, samples: Any, rng: np.random.Generator) -> Verified:
        surprise = lm.surprise(model, samples)
        half = len(surprise) // 2
        if self.which == WHICH[0]:
            chosen = rng.permutation(len(surprise))[:half]
        else:
            order = np.argsort(surprise, kind="stable")
            chosen = order[half:] if self.which == WHICH[1] else order[:half]
        chosen = np.sort(chosen)
        return Verified(take(samples, chosen), {"surprise_kept": float(surprise[chosen].mean())})


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two rounds of models that are barely trained on 60 rows.
    """
    full = scale == "full"
    real, test = stories.data(seed, scale)
    model = stories.model(scale, steps=SETTINGS["steps"])
    first = model.fit(real, stories.first_stream(seed))
    begin = stories.Start(real, test, stories.WORLD.token_log_probabilities(test), first)
    frames = []
    for arm in SETTINGS["arms"]:
        run = run_loop(
            stories.model(scale, steps=SETTINGS["steps"]),
            real,
            policy=Replace(),
            verifier=HalfBySurprise(arm),
            n_samples=SETTINGS["written"] if full else 2 * len(real),
            generations=SETTINGS["generations"] if full else 2,
            seed=seed,
            first=first,
        )
        rows = [
            (arm, turn.index, name, value)
            for turn in run.generations
            for name, value in _measured(begin, turn).items()
        ]
        frames.append(pd.DataFrame(rows, columns=["arm", "generation", "metric", "value"]))
    return pd.concat(frames, ignore_index=True)


def _measured(begin: stories.Start, turn: Any) -> dict[str, float]:
    every = stories.measures(begin, turn.model, np.asarray(turn.produced))
    return {name: every[name] for name in METRICS} | dict(turn.report)


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means of every generation, the paired differences of the rules, and the verdicts."""
    result = means(frame, tuple(range(SETTINGS["generations"] + 1)))
    for left, right in ((1, 0), (2, 0), (2, 1)):
        for metric in METRICS:
            for g in (1, SETTINGS["generations"]):
                one, other = (over_seeds(frame, WHICH[i], metric, g) for i in (left, right))
                key = f"{WHICH[left]}_minus_{WHICH[right]}_{metric}_g{g}"
                result |= interval(key, (one - other).dropna())
    harms = [result[f"{arm}_minus_random_excess_g4_low"] > 0 for arm in WHICH[1:]]
    return result | {
        "rule_1_both_harm": float(all(harms)),
        "rule_2_confidence_is_worst": float(
            result["predictable_minus_surprising_excess_g4_low"] > 0
        ),
        "rule_3_one_round": float(result["surprising_minus_random_recall_tail_g1_low"] > 0),
    }
