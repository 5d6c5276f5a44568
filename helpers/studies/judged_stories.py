"""A GPT on its own stories with a judge that is never wrong: what is told, and of whom.

The world is a grammar, so that a row can be judged exactly: it is faultless when the grammar could
have written every word of it. The judge passes faultless rows and no others. Every model writes
until there are as many rows to train on as real ones: without a judge 800, with one 3,200, of which
the first 800 that pass are kept. All fits are from scratch, of as many steps as fit 800 real rows
best (`helpers.studies.gpt_budget`, whose streams and generation 0 these are).

Arms, five rounds; a round is a generation.
- `judge`: replace, 800 faultless rows of 3,200. `none`: replace, no judge; only its generation 0
  runs here, the rest is `replace_best` of `gpt_steps`: same seeds, streams and steps.
- `quota`: replace, faultless rows, as many about each person as without a judge. For each of the
  first 800 written rows, in their order, the next faultless row about the same person (whom the row
  begins with); if all of these are taken, one of them again; if there is none, the next faultless
  row about anyone.
- `mix25` and `mix25_judge`: 200 of the 800 real rows, drawn anew each round, and 600 of the newest
  rows; with the judge of the 800 that it kept.
- `accumulate_judge`: the real rows and all that was ever kept. Without a judge, `accumulate`, this
  is `accumulate_best` of `gpt_steps`.

Measured in each generation: `excess` and `recall_` of the model (`stories.measures`); in the rows
that are passed on `names_alive`, `fact_accuracy`, `distinct_3`, and `rare_share`, the share of
stories that begin with one of the 50 least famous people; `written_rare_share` and `faultless` of
all written rows; `kept`, how many rows are passed on.

Rules, written and committed before any reported seed (0 and above) ran. Differences are paired over
seeds, with a 95 % t interval. Each is told in every generation from the first round on; the verdict
is that of generation 5.
1. worse: `excess` of judge minus none is above 0, the whole interval.
2. narrower: `names_alive` of judge minus none is below 0. truer: `fact_accuracy` is above 0.
   poorer: `recall_tail` is below 0.
3. at once: `rare_share` of judge minus none, in the rows of generation 0, is below 0.
4. cures: the judge is harmless where the whole interval of `excess` with it minus without it lies
   within plus or minus .05, helps or harms where it lies beyond; for mix25 and for accumulate. The
   rare pay where `recall_tail` with it minus without it is below 0.
5. quota: it holds the people when `names_alive` of quota minus judge is above 0, and the rare facts
   when `recall_tail` of quota minus judge is above 0. It undoes the harm when `excess` of quota
   minus none is harmless or helps in the words of rule 4; it does not when that harms.

Not run, for want of CPU time: a judge without topping up (fewer rows each round), and rounds six to
eight. Development: generation 0 of seed 100, for CPU seconds and for whether 800 of 3,200 pass.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.loop import History, Verified, run_loop
from helpers.metrics.language import FAME
from helpers.policies import Accumulate, Mix, Named, Replace
from helpers.studies import gpt_budget, stories
from helpers.studies.paired import means, paired

SEEDS = range(10)
SETTINGS: dict[str, Any] = {
    "data": stories.DATA,
    "model": stories.MODEL | {"steps": gpt_budget.BEST},
    "generations": 5,
    "written": 4,  # times as many rows as are kept
    "arms": ["none", "judge", "quota", "mix25", "mix25_judge", "accumulate_judge"],
}
TOLD = ("excess", "recall_head", "recall_mid", "recall_tail", "names_alive", "fact_accuracy",
        "distinct_3")  # fmt: skip
MARGIN = 0.05


@dataclass(frozen=True)
class Judge:
    """Passes the first `keep` faultless rows; `quota`: as many about each as were written.

    words: how many words of a row are judged. A verifier for `helpers.loop`.
    """

    keep: int
    quota: bool = False
    words: int | None = None

    def __call__(self, model: Any, samples: Any, rng: np.random.Generator) -> Verified:
        """At most `keep` rows of `samples`, token rows (n, length) that begin with <eos>."""
        passed = np.flatnonzero(faultless(samples[:, : self.words]))
        kept = _by_person(samples, passed, self.keep) if self.quota else passed[: self.keep]
        return Verified(samples[kept], {"faultless": len(passed) / len(samples)})


def faultless(rows: np.ndarray) -> np.ndarray:
    """(n,) whether the grammar could have written every word of a row."""
    return np.asarray(~np.isneginf(stories.WORLD.token_log_probabilities(rows)).any(axis=1))


def rare_share(rows: np.ndarray) -> float:
    """Share of stories about one of the 50 least famous, of those that begin with a name."""
    places = {stories.WORLD.tokens[name]: i for i, name in enumerate(stories.WORLD.slots["NAME"])}
    begins = rows[:, 1:][rows[:, :-1] == 0]  # the word after each <eos>
    people = [places[word] for word in begins.tolist() if word in places]
    return float(np.mean(np.array(people) >= FAME["tail"].start)) if people else float("nan")


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two rounds of models that are barely trained on 60 rows.
    """
    start, found = begin(seed, scale), {}
    for arm in ARMS:
        last = 0 if arm == "none" else SETTINGS["generations"]
        found[arm] = _measured(start, run(arm, seed, scale, last))
    return gpt_budget.tidy(found)


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds, the paired differences of the rules, and their verdicts (1 holds, 0 not).

    `none` after generation 0 and `accumulate` are read from the table of `gpt_steps`.
    """
    last = int(frame["generation"].max())
    frame = with_twins(frame)
    result = means(frame, tuple(range(last + 1)))
    pairs = [("judge", "none"), ("mix25_judge", "mix25"), ("quota", "judge"), ("quota", "none"),
             ("accumulate_judge", "accumulate")]  # fmt: skip
    for first, second in pairs:
        for metric in TOLD:
            for generation in range(1, last + 1):
                result |= paired(frame, first, second, metric, generation)
    result |= paired(frame, "judge", "none", "rare_share", 0)
    return result | _verdicts(result, last)


def with_twins(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` and, from `gpt_steps`, the arms `none` (from round 1 on) and `accumulate`.

    For the seeds and generations of `frame`, and the metrics that both studies have.
    """
    from helpers.studies import load

    table = load("gpt_steps")
    table = table[
        table["arm"].isin(TWINS)
        & table["metric"].isin(TOLD)
        & table["replicate"].isin(frame["replicate"].unique())
        & table["generation"].isin(frame["generation"].unique())
    ]
    table = table.assign(arm=table["arm"].map(TWINS))
    return pd.concat([frame, table[(table["arm"] != "none") | (table["generation"] > 0)]])


def run(arm: str, seed: int, scale: str, last: int = SETTINGS["generations"]) -> History:
    """The loop of one arm up to generation `last`."""
    start = begin(seed, scale)
    n, (policy, judged, quota) = len(start.real), ARMS[arm]
    judge = Judge(n, quota, None if scale == "full" else 2)  # barely trained: the first word
    return run_loop(
        gpt_budget.model(scale, _steps(scale)),
        start.real,
        policy=policy,
        generations=min(last, 2) if scale != "full" else last,
        n_samples=n * SETTINGS["written"] if judged else n,
        verifier=judge if judged else None,
        seed=seed,
        first=start.first,
    )


def begin(seed: int, scale: str) -> stories.Start:
    """Data and generation 0 of a seed: those of `gpt_budget` at its best number of steps."""
    return gpt_budget.begin(seed, scale, _steps(scale))


def record_texts() -> None:
    """Write what `helpers.studies.texts` reads; as long as one trial."""
    runs = {arm: run(arm, 0, "full") for arm in ("none", "judge")}
    stories.write_texts("judged_stories", runs)


# --- details -----------------------------------------------------------------------------------

ARMS: dict[str, tuple[Named, bool, bool]] = {  # policy, whether there is a judge, by person
    "none": (Replace(), False, False),
    "judge": (Replace(), True, False),
    "quota": (Replace(), True, True),
    "mix25": (Mix(0.25), False, False),
    "mix25_judge": (Mix(0.25), True, False),
    "accumulate_judge": (Accumulate(), True, False),
}

TWINS = {"replace_best": "none", "accumulate_best": "accumulate"}  # arms of `gpt_steps`


def _steps(scale: str) -> int:
    return gpt_budget.short(gpt_budget.BEST, scale)


def _by_person(rows: np.ndarray, passed: np.ndarray, keep: int) -> np.ndarray:
    """Places of the rows that a quota keeps, as the module's docstring says; (keep,) or none."""
    if len(passed) == 0:
        return passed
    waiting: dict[int, list[int]] = defaultdict(
        list
    )  # person -> places of faultless rows, in their order
    for place in passed.tolist():
        waiting[int(rows[place, 1])].append(place)
    found: list[int] = []
    taken: dict[int, int] = defaultdict(int)
    used: set[int] = set()
    for person in rows[:keep, 1].tolist():
        if person in waiting:
            places = waiting[person]
            found.append(places[taken[person] % len(places)])
            taken[person] += 1
            used.add(found[-1])
    others = [place for place in passed.tolist() if place not in used]
    short = keep - len(found)
    return np.array(found + others[:short], dtype=np.int64)


def _measured(start: stories.Start, history: History) -> dict[int, dict[str, float]]:
    """The yardsticks of every generation of one arm."""
    n, found = len(start.real), {}  # text is measured on as many rows in every arm
    for generation in history.generations:
        kept, written = np.asarray(generation.kept), np.asarray(generation.produced)
        numbers = stories.measures(start, generation.model, kept[:n])
        found[generation.index] = {metric: numbers[metric] for metric in TOLD} | {
            "rare_share": rare_share(kept),
            "written_rare_share": rare_share(written),
            "faultless": float(faultless(written).mean()),
            "kept": float(len(kept)),
        }
    return found


def _verdicts(found: dict[str, float], last: int) -> dict[str, float]:
    """The rules at generation `last`; of rule 4 `harm` is 1 harms, 0 harmless, -1 helps."""

    def side(pair: str, metric: str, generation: int = last) -> int:
        key = f"{pair}_{metric}_g{generation}"
        low, high = found[f"{key}_low"], found[f"{key}_high"]
        return 1 if low > 0 else -1 if high < 0 else 0

    def harm(pair: str) -> float:
        key = f"{pair}_excess_g{last}"
        low, high = found[f"{key}_low"], found[f"{key}_high"]
        if low > MARGIN or high < -MARGIN:
            return float(np.sign(low))
        return 0.0 if low > -MARGIN and high < MARGIN else float("nan")

    judge = "judge_minus_none"
    return {
        "rule_1_worse": float(side(judge, "excess") > 0),
        "rule_2_narrower": float(side(judge, "names_alive") < 0),
        "rule_2_truer": float(side(judge, "fact_accuracy") > 0),
        "rule_2_poorer": float(side(judge, "recall_tail") < 0),
        "rule_3_at_once": float(side(judge, "rare_share", 0) < 0),
        "rule_4_mix25_harm": harm("mix25_judge_minus_mix25"),
        "rule_4_mix25_rare_pay": float(side("mix25_judge_minus_mix25", "recall_tail") < 0),
        "rule_4_accumulate_harm": harm("accumulate_judge_minus_accumulate"),
        "rule_4_accumulate_rare_pay": float(
            side("accumulate_judge_minus_accumulate", "recall_tail") < 0
        ),
        "rule_5_quota_holds_people": float(side("quota_minus_judge", "names_alive") > 0),
        "rule_5_quota_holds_rare": float(side("quota_minus_judge", "recall_tail") > 0),
        "rule_5_quota_harm": harm("quota_minus_none"),
    }
