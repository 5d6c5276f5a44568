"""What a file that another team's GPT wrote does for yours, by how many real stories you own.

The other team runs the loop of `gpt` under replace, on the 800 real rows of its seed; generation G
of it writes a file, of which S rows come to you. You own R real stories of your own. Your GPT, of
the same kind, is trained from scratch on both. Few rows are read over and over in a fixed number of
steps, and a file can help only because it stops that: so every fit is made at two budgets, and a
rule must hold at both.

Arms `tT_gG_sS`: T steps, generation G, S rows; `tT_real`: your rows alone, at every R of the curve.
The column `generation` holds R. Metrics: `excess` (nats a token on real text), `recall_tail`,
`recall_head`, and for arms with a file `gain_` with the name of each: how much better it is with
the file than with the R rows alone, positive is better, in all three.

Rules, committed before any reported seed ran; 95 % t intervals over seeds, paired, at both budgets.
1. Two yardsticks, opposite signs: at R = 100, G = 5, S = 400, gain_excess is above 0 and
   gain_recall_tail below 0.
2. The sign turns: gain_excess of G = 5, S = 400 is above 0 at R = 100 and below 0 at R = 400.
3. A fresh file helps: gain_excess of G = 0, S = 400 is above 0 at R = 100 and at R = 400.
A rule that holds at one budget only is said to hold there, and not to be decided by the file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers.loop import run_loop
from helpers.metrics import language as lm
from helpers.policies import Replace
from helpers.studies import stories
from helpers.studies.paired import interval

SEEDS = range(10)
SETTINGS: dict[str, Any] = {
    "data": stories.DATA,
    "model": stories.MODEL,
    "steps": [100, stories.MODEL["steps"]],
    "curve": [50, 100, 200, 400, 800],
    "real": [100, 400],
    "rounds": [0, 1, 5],
    "written": [100, 400],
}
METRICS = ("excess", "recall_tail", "recall_head")


def your_stories(seed: int) -> np.ndarray:
    """Your real rows: others than those of `stories.data`."""
    rng = np.random.default_rng([seed, 3])
    return stories.WORLD.sample(max(SETTINGS["curve"]), stories.DATA["length"], rng)


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for one round of barely trained models.
    """
    whole = scale == "full"
    begin, mine = stories.start(seed, scale), your_stories(seed)
    rounds = SETTINGS["rounds"] if whole else [0, 1]
    files = run_loop(
        stories.model(scale), begin.real, policy=Replace(), generations=rounds[-1], seed=seed,
        first=begin.first,
    ).samples  # fmt: skip
    rows = []
    for steps in SETTINGS["steps"]:

        def fitted(data: np.ndarray, steps: int = steps) -> dict[str, float]:
            model = stories.model(scale)
            if whole:
                model = model.set_params(steps=steps)
            model = model.fit(data, np.random.default_rng([seed, len(data), steps]))
            recall = lm.recall_by_fame(model, stories.WORLD)
            excess = lm.excess_cross_entropy(model, begin.test, begin.truth)
            return {"excess": excess} | {f"recall_{part}": recall[part] for part in recall}

        alone = {n: fitted(mine[:n]) for n in (SETTINGS["curve"] if whole else SETTINGS["real"])}
        for n, found in alone.items():
            rows += [(f"t{steps}_real", n, metric, found[metric]) for metric in METRICS]
        for g in rounds:
            for written in SETTINGS["written"] if whole else [20]:
                arm = f"t{steps}_g{g}_s{written}"
                for n in SETTINGS["real"]:
                    found = fitted(np.concatenate([mine[:n], np.asarray(files[g])[:written]]))
                    for metric in METRICS:
                        better = found[metric] - alone[n][metric]
                        gain = -better if metric == "excess" else better
                        rows += [(arm, n, metric, found[metric]), (arm, n, f"gain_{metric}", gain)]
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value"])


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means with 95 % intervals: ARM_METRIC_rR, and the same with _low and _high."""
    result: dict[str, float] = {}
    for (arm, metric, real), group in frame.groupby(["arm", "metric", "generation"]):
        result |= interval(f"{arm}_{metric}_r{real}", group["value"])
    return result
