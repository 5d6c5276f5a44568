"""How much of a GPT's collapse is its training budget? Steps, rows and policy told apart.

A fit of 200 steps in every generation, whatever the pile, is too few for 800 rows and fewer still
for a pile that grows. Here the budget is a knob of its own:

    200      200 steps in every generation: the convention of `gpt` when this was recorded
    best     as many steps as fit the 800 real rows best (see DEVELOPMENT), in every generation, as
             `gpt` has now
    epochs   four passes through the rows of the generation: 200 steps for every 800 rows

Arms are named POLICY_BUDGET. `replace`, `subsample` and `accumulate` are the usual policies.
`grown` is replace with as many rows and steps as accumulate has in the same generation, all rows
written by the newest model (the last column of Gerstgrasser et al. 2024, Table 2). A pile that does
not grow has four passes in 200 steps, so `replace_200` is also replace by epochs. `nothing` keeps
the best model of the real rows: the same numbers in every generation. What the three rules need is
here; `helpers.studies.gpt_steps` has the other arms, budgets and controls, with the same seeds.

Held fixed: real rows, test rows and random streams of a seed, which are those of `gpt`; the shape
of the schedule (warm-up over a tenth of the steps, then half a cosine); every fit starts from
scratch; nobody stops early, which would need real rows. Not held fixed, because nothing can hold
all of it: each arm states, generation by generation, its `steps`, its `rows`, how often a fit
draws each real row on average (`draws_real`) and how many of its rows the newest model wrote
(`rows_newest`).

Rules, written and committed before any reported seed (0 and above) ran. Every difference is paired
over seeds, with a 95 % t interval, in each generation that both arms have, the first round onwards.

- An interval is `within` when all of it lies inside plus or minus the margin, `above` when all of
  it lies beyond plus the margin, `below` likewise, otherwise `undecided`.
- A null is `reproduced` when every generation is within; `above` or `below` when any is, and
  `mixed` when both occur; otherwise `open`. P13 says "flat or lower", of the loss: it is
  contradicted by `above` alone.
- An effect is `above`, `within`, `below` or `undecided` when every generation is, otherwise
  `by generation`.
- The three primary rules are P13 (language models that accumulate stay flat), policy and budget.
  Each must hold in every generation at once, so none is corrected for the number of generations.
  Those named _rare, and all of `gpt_steps`, are secondary: they describe, and no claim rests on
  one of them alone.

What was tried before, on development seeds: 7 numbers of steps on 6 seeds, listed in DEVELOPMENT.
For its CPU seconds alone a trial of seed 100 was begun; because of them the arms are two studies,
temperature 0.8 has five rounds and the ceiling three generations.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from helpers.loop import History, Policy, run_loop
from helpers.policies import Accumulate, Replace
from helpers.studies import stories
from helpers.studies.paired import means, paired

if TYPE_CHECKING:
    from helpers.models.gpt import GPT

# Excess cross-entropy (nats a token, held-out rows) of fits to the 800 real rows alone, by steps,
# for the development seeds 100 to 105.
DEVELOPMENT: dict[int, tuple[float, ...]] = {
    100: (0.4120, 0.4151, 0.4101, 0.4060, 0.4222, 0.4916),
    200: (0.1560, 0.1680, 0.1609, 0.1595, 0.1698, 0.2171),
    300: (0.1035, 0.1031, 0.1060, 0.1072, 0.1164, 0.1333),
    400: (0.0949, 0.1026, 0.1072, 0.1048, 0.1149, 0.1095),
    600: (0.1408, 0.1463, 0.1574, 0.1572, 0.1384, 0.1545),
    800: (0.2285, 0.2221, 0.2366, 0.2329, 0.1770, 0.2321),
    1200: (0.5017, 0.4977, 0.5253, 0.5208, 0.4116, 0.4942),
}
BEST = min(DEVELOPMENT, key=lambda steps: float(np.mean(DEVELOPMENT[steps])))
BUDGETS: dict[str, int] = {"200": 200, "best": BEST, "epochs": 4}


class Arm(NamedTuple):
    """One way round the loop: see the module for the budgets and for `grown`."""

    policy: Policy
    budget: str
    grown: bool = False
    temperature: float = 1.0
    generations: int = 8

    def settings(self) -> list[Any]:
        """For SETTINGS: name of the policy, budget, grown, temperature, generations."""
        return [type(self.policy).__name__, *self[1:]]


class Rule(NamedTuple):
    """`first` minus `second` on one metric against a margin; a null or an effect."""

    first: str
    second: str
    metric: str
    margin: float
    null: bool = False


ARMS: dict[str, Arm] = {
    "replace_200": Arm(Replace(), "200"),
    "accumulate_epochs": Arm(Accumulate(), "epochs"),
    "grown_epochs": Arm(Replace(), "epochs", grown=True),
}
RULES: dict[str, Rule] = {
    "P13": Rule("accumulate_epochs", "nothing", "excess", 0.03, null=True),
    "policy": Rule("grown_epochs", "accumulate_epochs", "excess", 0.03),
    "budget": Rule("replace_200", "grown_epochs", "excess", 0.03),
    "P13_rare": Rule("accumulate_epochs", "nothing", "recall_tail", 0.05, null=True),
    "policy_rare": Rule("grown_epochs", "accumulate_epochs", "recall_tail", 0.05),
    "budget_rare": Rule("replace_200", "grown_epochs", "recall_tail", 0.05),
}
SEEDS = range(10)
SETTINGS: dict[str, Any] = {
    "data": stories.DATA,
    "model": stories.MODEL | {"steps": BUDGETS["200"]},  # the arms set their own
    "budgets": BUDGETS,
    "arms": {name: arm.settings() for name, arm in ARMS.items()},
}
QUOTED = ("excess", "recall_head", "recall_tail", "mistakes", "steps", "rows", "draws_real")


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two rounds of models that are barely trained on 60 rows.
    """
    found = {name: measured(arm, seed, scale) for name, arm in ARMS.items()}
    return tidy(found | {"nothing": nothing(seed, scale)})


def summary(frame: pd.DataFrame, rules: Mapping[str, Rule] = RULES) -> dict[str, float]:
    """Means over seeds of QUOTED, and the paired differences of every rule by generation."""
    quoted = frame[frame["metric"].isin(QUOTED)]
    result = means(quoted, tuple(range(int(frame["generation"].max()) + 1)))
    for rule in rules.values():
        for generation in _speaks_of(frame, rule):
            result |= paired(frame, rule.first, rule.second, rule.metric, generation)
    return result


def effects(frame: pd.DataFrame, rules: Mapping[str, Rule] = RULES) -> pd.DataFrame:
    """Every rule in every generation: rule, generation, difference, low, high, verdict."""
    rows = []
    for name, rule in rules.items():
        for generation in _speaks_of(frame, rule):
            numbers = paired(frame, rule.first, rule.second, rule.metric, generation)
            difference, low, high = numbers.values()
            rows.append((name, generation, difference, low, high, _place(low, high, rule.margin)))
    return pd.DataFrame(
        rows, columns=["rule", "generation", "difference", "low", "high", "verdict"]
    )


def verdicts(frame: pd.DataFrame, rules: Mapping[str, Rule] = RULES) -> dict[str, str]:
    """What each rule says of the whole table, in the words of the module's docstring."""
    by_rule = effects(frame, rules).groupby("rule", sort=False)["verdict"]
    return {str(name): _whole(set(words), rules[str(name)].null) for name, words in by_rule}


# --- one arm, step by step: `gpt_steps` uses it too --------------------------------------------


@lru_cache(maxsize=16)
def begin(seed: int, scale: str, steps: int) -> stories.Start:
    """Data of a seed, and generation 0 of that many steps: as in `gpt`, but for the steps."""
    real, test = stories.data(seed, scale)
    first = model(scale, steps).fit(real, stories.first_stream(seed))
    return stories.Start(real, test, stories.WORLD.token_log_probabilities(test), first)


def model(scale: str, steps: int, temperature: float = 1.0) -> GPT:
    """A GPT for stories, not fitted, of so many steps."""
    made: GPT = stories.model(scale).set_params(steps=steps, temperature=temperature)
    return made


def steps_of(budget: str, rows: int, scale: str) -> int:
    """Training steps of one fit to `rows` rows."""
    if budget == "epochs":
        return BUDGETS["epochs"] * rows // int(stories.MODEL["batch_size"])
    return short(BUDGETS[budget], scale)


def short(steps: int, scale: str) -> int:
    """`steps`, or a fiftieth of them in a rehearsal."""
    return steps if scale == "full" else max(1, steps // 50)


def run(arm: Arm, seed: int, scale: str) -> History:
    """The loop round by round, since steps and written rows may differ from one to the next."""
    start = begin_of(arm, seed, scale)
    n = len(start.real)
    last = arm.generations if scale == "full" else min(arm.generations, 2)
    history = History()
    for generation in range(last + 1):
        steps = steps_of(arm.budget, _rows(arm, n, generation), scale)
        # A grown arm writes all that the next round needs; the last round is only measured.
        write_more = arm.grown and generation < last
        history = run_loop(
            model(scale, steps, arm.temperature),
            start.real,
            policy=arm.policy,
            generations=generation,
            n_samples=_rows(arm, n, generation + 1) if write_more else n,
            seed=seed,
            first=start.first.with_sampler(temperature=arm.temperature),
            resume=history,
        )
    return history


def begin_of(arm: Arm, seed: int, scale: str) -> stories.Start:
    """Data and generation 0 of an arm."""
    n = len(stories.data(seed, scale)[0])
    return begin(seed, scale, steps_of(arm.budget, n, scale))


def measured(arm: Arm, seed: int, scale: str) -> dict[int, dict[str, float]]:
    """The yardsticks of `gpt` and the budget, generation by generation.

    Text is measured on as many written rows in every arm; the quantiles of surprise are for the
    budget `best` only, whose arms are those of `gpt` at that number of steps.
    """
    start, history = begin_of(arm, seed, scale), run(arm, seed, scale)
    n = len(start.real)
    found = {}
    for generation, (fitted, written) in enumerate(
        zip(history.models, history.samples, strict=True)
    ):
        numbers = stories.measures(start, fitted, np.asarray(written)[:n])
        found[generation] = {
            metric: value
            for metric, value in numbers.items()
            if arm.budget == "best" or not metric.startswith("surprise_q")
        } | _spent(arm, n, generation, scale)
    return found


def nothing(seed: int, scale: str) -> dict[int, dict[str, float]]:
    """The best model of the real rows and its text, kept: the same in every generation."""
    alone = measured(Arm(Replace(), "best", generations=0), seed, scale)
    generations = Arm(Replace(), "best").generations if scale == "full" else 2
    return dict.fromkeys(range(generations + 1), alone[0])


def tidy(found: Mapping[str, Mapping[int, Mapping[str, float]]]) -> pd.DataFrame:
    """Columns arm, generation, metric, value, from arm -> generation -> metric -> value."""
    rows = [
        (arm, generation, metric, value)
        for arm, generations in found.items()
        for generation, numbers in generations.items()
        for metric, value in numbers.items()
    ]
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value"])


# --- details -----------------------------------------------------------------------------------


def _rows(arm: Arm, real: int, generation: int) -> int:
    """How many rows generation `generation` of an arm is fitted to."""
    grows = arm.grown or isinstance(arm.policy, Accumulate)
    return real * (generation + 1) if grows else real


def _spent(arm: Arm, real: int, generation: int, scale: str) -> dict[str, float]:
    """The budget of one fit, as the module's docstring says."""
    rows = _rows(arm, real, generation)
    steps = steps_of(arm.budget, rows, scale)
    pile = real * (generation + 1)  # all there is, from which accumulate takes every row
    replaces = isinstance(arm.policy, Replace) and generation > 0
    newest = rows if replaces else rows * real / pile
    return {
        "steps": float(steps),
        "rows": float(rows),
        "draws_real": 0.0 if replaces else steps * stories.MODEL["batch_size"] / pile,
        "rows_newest": 0.0 if generation == 0 else float(newest),
    }


def _speaks_of(frame: pd.DataFrame, rule: Rule) -> list[int]:
    """The generations, from the first round on, in which both arms of a rule have its metric."""
    rows = frame[frame["metric"] == rule.metric]
    first, second = (set(rows[rows["arm"] == arm]["generation"]) for arm in rule[:2])
    return sorted((first & second) - {0})


def _place(low: float, high: float, margin: float) -> str:
    if -margin < low and high < margin:
        return "within"
    if low > margin:
        return "above"
    return "below" if high < -margin else "undecided"


def _whole(words: set[str], null: bool) -> str:
    if not null:
        return words.pop() if len(words) == 1 else "by generation"
    outside = words & {"above", "below"}
    if outside:
        return outside.pop() if len(outside) == 1 else "mixed"
    return "reproduced" if words == {"within"} else "open"
