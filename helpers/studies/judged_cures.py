"""Four cures for the loop of `judged_stories`, whose judge is never wrong and whose world shrinks.

Same seeds, streams, generation 0, budget and yardsticks. Arms, five rounds:
- `quota`: replace, faultless rows, as many about each person as were written (`Judge`).
- `mix25` and `mix25_judge`: 200 of the 800 real rows, drawn anew each round, and 600 of the newest
  rows; with the judge of the 800 that it kept.
- `accumulate_judge`: the real rows and all that was ever kept. Without a judge, `accumulate`, this
  is `accumulate_best` of `gpt_steps`. `none` and `judge` are those of `judged_stories`.

Rules, written and committed before any trial of a reported seed was done. Differences are paired
over seeds, with a 95 % t interval, at generation 5.
1. The judge is harmless where the whole interval of `excess` with it minus without it lies within
   plus or minus .05, helps or harms where it lies beyond; for mix25 and for accumulate.
2. The rare pay where `recall_tail` with it minus without it is below 0; for both.
3. The quota holds the people when `names_alive` of quota minus judge is above 0, and the rare facts
   when `recall_tail` is. Quota against none is harmless, helps or harms in the words of rule 1.

Not run, for want of CPU time: a judge without topping up (fewer rows each round), and rounds six to
eight.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.policies import Accumulate, Mix, Replace
from helpers.studies import gpt_budget
from helpers.studies.judged_stories import SETTINGS as FIRST
from helpers.studies.judged_stories import Arm, differences, measured, run, side

ARMS: dict[str, Arm] = {
    "quota": Arm(Replace(), True, quota=True),
    "mix25_judge": Arm(Mix(0.25), True),
    "mix25": Arm(Mix(0.25), False),
    "accumulate_judge": Arm(Accumulate(), True),
}
SEEDS = range(10)
SETTINGS: dict[str, Any] = FIRST | {"arms": list(ARMS)}
MARGIN = 0.05
PAIRS = [("mix25_judge", "mix25"), ("accumulate_judge", "accumulate"), ("quota", "judge"),
         ("quota", "none")]  # fmt: skip


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two rounds of models that are barely trained on 60 rows.
    """
    last = SETTINGS["generations"]
    found = {name: measured(seed, scale, run(arm, seed, scale, last)) for name, arm in ARMS.items()}
    return gpt_budget.tidy(found)


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds, paired differences and verdicts.

    Of rules 1 and 3 `_harm` is 1 harms, -1 helps, 0 harmless, NaN none of them. `judge` is read
    from `judged_stories`, for the same seeds.
    """
    from helpers.studies import load

    last = int(frame["generation"].max())
    table = load("judged_stories")
    table = table[(table["arm"] == "judge") & table["replicate"].isin(frame["replicate"].unique())]
    found = differences(pd.concat([frame, table[table["generation"] <= last]]), PAIRS)

    def harm(pair: str) -> float:
        key = f"{pair}_excess_g{last}"
        within = found[f"{key}_low"] > -MARGIN and found[f"{key}_high"] < MARGIN
        return 0.0 if within else float(side(found, key, MARGIN) or "nan")

    def where(pair: str, metric: str, sign: int) -> float:
        return float(side(found, f"{pair}_{metric}_g{last}") == sign)

    mix, pile = "mix25_judge_minus_mix25", "accumulate_judge_minus_accumulate"
    return found | {
        "rule_1_mix25_harm": harm(mix),
        "rule_1_accumulate_harm": harm(pile),
        "rule_2_mix25_rare_pay": where(mix, "recall_tail", -1),
        "rule_2_accumulate_rare_pay": where(pile, "recall_tail", -1),
        "rule_3_quota_holds_people": where("quota_minus_judge", "names_alive", 1),
        "rule_3_quota_holds_rare": where("quota_minus_judge", "recall_tail", 1),
        "rule_3_quota_harm": harm("quota_minus_none"),
    }
