"""A GPT on its own stories with a judge that is never wrong: what is told, and of whom.

The world is a grammar, so that a row can be judged exactly: it is faultless when the grammar could
have written every word of it. The judge passes faultless rows and no others. Every model writes
until there are as many rows to train on as real ones: without a judge 800, with one 3,200, of which
the first 800 that pass are kept. All fits are from scratch, of as many steps as fit 800 real rows
best (`helpers.studies.gpt_budget`, whose streams and generation 0 these are).

Arms, five rounds; a round is a generation.
- `judge`: replace, 800 faultless rows of 3,200.
- `none`: replace, no judge. Only its generation 0 runs here; the rest is `replace_best` of
  `gpt_steps`: same seeds, streams and steps.
`helpers.studies.judged_cures` has the arms that could mend it.

Measured in each generation: `excess` and `recall_` of the model (`stories.measures`); in the rows
that are passed on `names_alive`, `fact_accuracy`, `distinct_3`, and `rare_share`, the share of
stories that begin with one of the 50 least famous people; `written_rare_share` and `faultless` of
all written rows; `kept`, how many rows are passed on.

Rules, written and committed before any trial of a reported seed (0 and above) was done. Differences
are paired over seeds, with a 95 % t interval. Each is told in every generation from the first round
on; the verdict is that of generation 5.
1. worse: `excess` of judge minus none is above 0, the whole interval.
2. narrower: `names_alive` of judge minus none is below 0. truer: `fact_accuracy` is above 0.
   poorer: `recall_tail` is below 0.
3. at once: `rare_share` of judge minus none, in the rows of generation 0, is below 0.

Development: generation 0 of seed 100, for CPU seconds and for whether 800 of 3,200 pass. Because of
them there are five rounds and not eight, and the cures are a study of their own. A first run with
all arms in one study was stopped in its first trial, before anything was measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers.loop import History, Verified, run_loop
from helpers.metrics.language import FAME
from helpers.policies import Named, Replace
from helpers.studies import gpt_budget, stories
from helpers.studies.paired import means, paired


class Arm(NamedTuple):
    """One way round the loop; `quota`: as many kept rows about each person as were written."""

    policy: Named
    judge: bool
    quota: bool = False


ARMS: dict[str, Arm] = {"none": Arm(Replace(), False), "judge": Arm(Replace(), True)}
SEEDS = range(10)
SETTINGS: dict[str, Any] = {
    "data": stories.DATA,
    "model": stories.MODEL | {"steps": gpt_budget.BEST},
    "generations": 5,
    "written": 4,  # times as many rows as are kept
    "arms": list(ARMS),
}
TOLD = ("excess", "recall_head", "recall_mid", "recall_tail", "names_alive", "fact_accuracy",
        "distinct_3")  # fmt: skip
TWINS = {"replace_best": "none", "accumulate_best": "accumulate"}  # arms of `gpt_steps`


@dataclass(frozen=True)
class Judge:
    """Passes the first `keep` faultless rows, or by `quota`: a verifier for `helpers.loop`.

    A quota: for each of the first `keep` written rows, in their order, the next faultless row about
    the same person (whom the row begins with); if all of these are taken, one of them again; if
    there is none, the next faultless row about anyone. words: how many words of a row are judged.
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
    last = SETTINGS["generations"]
    found = {
        name: measured(seed, scale, run(arm, seed, scale, last if arm.judge else 0))
        for name, arm in ARMS.items()
    }
    return gpt_budget.tidy(found)


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds, the paired differences of the rules, and their verdicts (1 holds, 0 not).

    `none` after generation 0 and `accumulate` are read from the table of `gpt_steps`.
    """
    last = int(frame["generation"].max())
    result = differences(frame, [("judge", "none")])
    result |= paired(frame, "judge", "none", "rare_share", 0)
    key = "judge_minus_none"
    return result | {
        "rule_1_worse": float(side(result, f"{key}_excess_g{last}") > 0),
        "rule_2_narrower": float(side(result, f"{key}_names_alive_g{last}") < 0),
        "rule_2_truer": float(side(result, f"{key}_fact_accuracy_g{last}") > 0),
        "rule_2_poorer": float(side(result, f"{key}_recall_tail_g{last}") < 0),
        "rule_3_at_once": float(side(result, f"{key}_rare_share_g0") < 0),
    }


# --- one arm, and pairs of arms: `judged_cures` uses them too -----------------------------------


def run(arm: Arm, seed: int, scale: str, last: int) -> History:
    """The loop of one arm up to generation `last`."""
    start = begin(seed, scale)
    n = len(start.real)
    judge = Judge(n, arm.quota, None if scale == "full" else 2)  # barely trained: the first word
    return run_loop(
        gpt_budget.model(scale, _steps(scale)),
        start.real,
        policy=arm.policy,
        generations=last if scale == "full" else min(last, 2),
        n_samples=n * SETTINGS["written"] if arm.judge else n,
        verifier=judge if arm.judge else None,
        seed=seed,
        first=start.first,
    )


def begin(seed: int, scale: str) -> stories.Start:
    """Data and generation 0 of a seed: those of `gpt_budget` at its best number of steps."""
    return gpt_budget.begin(seed, scale, _steps(scale))


def measured(seed: int, scale: str, history: History) -> dict[int, dict[str, float]]:
    """The yardsticks of every generation of one arm."""
    start = begin(seed, scale)
    n, found = len(start.real), {}  # text is measured on as many rows in every arm
    for generation in history.generations:
        kept, written = np.asarray(generation.kept), np.asarray(generation.produced)
        numbers = stories.measures(start, generation.model, kept[:n])
        known = generation.report.get("faultless")
        found[generation.index] = {metric: numbers[metric] for metric in TOLD} | {
            "rare_share": rare_share(kept),
            "written_rare_share": rare_share(written),
            "faultless": float(faultless(written).mean()) if known is None else known,
            "kept": float(len(kept)),
        }
    return found


def differences(frame: pd.DataFrame, pairs: list[tuple[str, str]]) -> dict[str, float]:
    """Means over seeds of all arms, and the paired differences of TOLD in every round."""
    last = int(frame["generation"].max())
    frame = with_twins(frame)
    result = means(frame, tuple(range(last + 1)))
    for first, second in pairs:
        for metric in TOLD:
            for generation in range(1, last + 1):
                result |= paired(frame, first, second, metric, generation)
    return result


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


def side(found: Mapping[str, float], key: str, margin: float = 0.0) -> int:
    """1 where the interval of a difference lies above `margin`, -1 below minus it, 0 otherwise."""
    low, high = found[f"{key}_low"], found[f"{key}_high"]
    return 1 if low > margin else -1 if high < -margin else 0


# --- details -----------------------------------------------------------------------------------


def _steps(scale: str) -> int:
    return gpt_budget.short(gpt_budget.BEST, scale)


def _by_person(rows: np.ndarray, passed: np.ndarray, keep: int) -> np.ndarray:
    """Places of the rows that a quota keeps, at most (keep,); none when none passed."""
    waiting: dict[int, list[int]] = defaultdict(list)  # person -> places of faultless rows
    for place in passed.tolist():
        waiting[int(rows[place, 1])].append(place)
    taken: dict[int, int] = defaultdict(int)
    found: list[int] = []
    for person in rows[:keep, 1].tolist():
        if person in waiting:
            places = waiting[person]
            found.append(places[taken[person] % len(places)])
            taken[person] += 1
    others = np.setdiff1d(passed, found)
    return np.array([*found, *others[: keep - len(found)]], dtype=np.int64)
