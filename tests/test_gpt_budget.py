"""The studies of the training budget: their arms, and that each rule can say each verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

from helpers import studies
from helpers.loop import run_loop
from helpers.policies import Accumulate
from helpers.studies import gpt_budget, gpt_steps, stories
from helpers.studies.gpt_budget import Rule

SIZE = 60  # real rows of a small trial
SEEDS = 10
ARMS = gpt_budget.ARMS | gpt_steps.ARMS
RULES = gpt_budget.RULES | gpt_steps.RULES


@pytest.fixture(scope="module")
def trials() -> dict[str, pd.DataFrame]:
    return {study.__name__: study.trial(100, "small") for study in (gpt_budget, gpt_steps)}


@pytest.fixture(scope="module")
def small(trials: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Both studies in one table."""
    both = pd.concat(trials.values())
    twice = both[both["arm"] == "nothing"].drop(columns="arm")
    assert len(twice) == 2 * len(twice.drop_duplicates())  # the same in both
    return both.drop_duplicates()


def one(frame: pd.DataFrame, arm: str, metric: str) -> list[float]:
    """By generation."""
    rows = frame[(frame["arm"] == arm) & (frame["metric"] == metric)]
    return list(rows.sort_values("generation")["value"])


# --- the design --------------------------------------------------------------------------------


def test_the_best_number_of_steps_is_the_best_of_the_development_seeds() -> None:
    tried = pd.DataFrame(gpt_budget.DEVELOPMENT)
    assert gpt_budget.BEST == tried.mean().idxmin() == 400
    assert len(tried) >= 4
    for study in (gpt_budget, gpt_steps):
        assert list(study.SEEDS) == list(range(10))  # the development seeds, 100 to 105, are others


def test_a_development_fit_can_be_made_again() -> None:
    begin = gpt_budget.begin(100, "full", 100)
    again = gpt_steps.real_only(begin, begin.first, len(begin.real))["excess"]
    assert again == pytest.approx(gpt_budget.DEVELOPMENT[100][0], rel=0.05)


def test_every_arm_states_its_budget(small: pd.DataFrame) -> None:
    for arm in set(small["arm"]):
        steps, rows, draws = (one(small, arm, m) for m in ("steps", "rows", "draws_real"))
        assert len(steps) == len(rows) == len(draws) == len(one(small, arm, "excess")) > 0
    for arm in ("accumulate_epochs", "grown_epochs", "t08_accumulate_epochs"):
        assert one(small, arm, "rows") == [SIZE, 2 * SIZE, 3 * SIZE]
        assert one(small, arm, "steps") == [15, 30, 45]
    assert one(small, "accumulate_epochs", "draws_real") == [4, 4, 4]
    assert one(small, "grown_epochs", "draws_real") == [4, 0, 0]
    assert one(small, "grown_epochs", "rows_newest") == [0, 2 * SIZE, 3 * SIZE]
    assert one(small, "accumulate_epochs", "rows_newest") == [0, SIZE, SIZE]
    assert one(small, "subsample_best", "rows_newest") == [0, SIZE / 2, SIZE / 3]
    assert one(small, "subsample_best", "rows") == [SIZE] * 3
    assert one(small, "subsample_best", "draws_real") == pytest.approx(
        one(small, "accumulate_best", "draws_real")
    )
    assert one(small, "fresh_epochs", "steps") == [45]
    assert one(small, "fresh_epochs", "rows") == [3 * SIZE]
    assert one(small, "fresh_epochs", "draws_real") == [4]


@pytest.mark.parametrize(
    "name", ["grown_epochs", "accumulate_epochs", "subsample_best", "t08_replace_200"]
)
def test_the_stated_budget_is_what_was_spent(small: pd.DataFrame, name: str) -> None:
    arm = ARMS[name]
    run = gpt_budget.run(arm, 100, "small")
    assert [model.steps for model in run.models] == one(small, name, "steps")
    assert [len(model.losses_) for model in run.models] == one(small, name, "steps")
    written = [len(np.asarray(rows)) for rows in run.samples]
    assert written == ([2 * SIZE, 3 * SIZE, SIZE] if arm.grown else [SIZE] * 3)
    wanted = 0.8 if name.startswith("t08_") else 1.0
    assert {model.temperature for model in run.models} == {wanted}


def test_a_flat_budget_is_the_plain_loop() -> None:
    arm = ARMS["accumulate_best"]
    begin = gpt_budget.begin_of(arm, 100, "small")
    plain = run_loop(
        gpt_budget.model("small", 8),
        begin.real,
        policy=Accumulate(),
        generations=2,
        seed=100,
        first=begin.first,
    )
    ours = gpt_budget.run(arm, 100, "small")
    for left, right in zip(plain.samples, ours.samples, strict=True):
        np.testing.assert_array_equal(left, right)


def test_the_first_model_is_that_of_gpt_where_the_steps_are_the_same() -> None:
    ours, theirs = gpt_budget.begin(100, "small", 5), stories.start(100, "small")
    np.testing.assert_array_equal(ours.real, theirs.real)
    np.testing.assert_array_equal(
        ours.first.token_scores(ours.test), theirs.first.token_scores(theirs.test)
    )


def test_arms_with_one_budget_share_generation_zero(small: pd.DataFrame) -> None:
    for budget, arms in (
        ("200", ["replace_200", "subsample_200", "accumulate_200", "t08_replace_200", "real_200"]),
        ("best", ["replace_best", "subsample_best", "accumulate_best", "real_400", "nothing"]),
        ("epochs", ["accumulate_epochs", "grown_epochs", "t08_accumulate_epochs"]),
    ):
        assert len({one(small, arm, "excess")[0] for arm in arms}) == 1, budget


def test_nothing_stays_as_it_is(small: pd.DataFrame) -> None:
    assert len(set(one(small, "nothing", "excess"))) == 1
    assert len(one(small, "nothing", "excess")) == 3


def test_yardsticks_see_as_many_rows_in_every_arm(small: pd.DataFrame) -> None:
    written = np.asarray(gpt_budget.run(ARMS["grown_epochs"], 100, "small").samples[1])
    names = {stories.WORLD.tokens[name] for name in stories.WORLD.slots["NAME"]}
    seen = set(np.unique(written[:SIZE, 1:]).tolist()) & names
    everything = set(np.unique(written[:, 1:]).tolist()) & names
    assert one(small, "grown_epochs", "names_alive")[1] == len(seen) < len(everything)


def test_more_real_rows_are_better_than_as_many_steps_on_few(small: pd.DataFrame) -> None:
    begin = gpt_budget.begin(100, "small", 45)
    longer = gpt_steps.real_only(begin, begin.first, SIZE)
    assert one(small, "fresh_epochs", "excess")[0] < longer["excess"]


# --- the rules ---------------------------------------------------------------------------------


def made_up(rule: Rule, differences: Callable[[int, int], float]) -> pd.DataFrame:
    """Two arms whose difference in generation g and seed s is differences(g, s)."""
    rows = [
        (arm, g, rule.metric, value, s)
        for s in range(SEEDS)
        for g in range(4)
        for arm, value in (
            (rule.second, 0.1 * s),
            (rule.first, 0.1 * s + (9.0 if g == 0 else differences(g, s))),  # no rule reads g = 0
        )
    ]
    return pd.DataFrame(rows, columns=studies.COLUMNS)


def say(name: str, differences: Callable[[int, int], float]) -> str:
    return gpt_budget.verdicts(made_up(RULES[name], differences), {name: RULES[name]})[name]


def wide(s: int) -> float:
    """Differences of 1 and -1: an interval from -.75 to .75."""
    return 1.0 if s % 2 else -1.0


def test_which_rules_expect_no_difference() -> None:
    assert {name for name, rule in RULES.items() if rule.null} == {
        *("P13", "P13_rare", "subsample_best", "accumulate_best", "cool_accumulate")
    }


@pytest.mark.parametrize("name", list(RULES))
def test_every_rule_can_say_each_of_its_verdicts(name: str) -> None:
    m, null = RULES[name].margin, RULES[name].null
    assert say(name, lambda g, s: 0.5 * m) == ("reproduced" if null else "within")
    assert say(name, lambda g, s: 1.5 * m) == "above"
    assert say(name, lambda g, s: -1.5 * m) == "below"
    assert say(name, lambda g, s: wide(s)) == ("open" if null else "undecided")
    # On one side of nought is not yet on one side of the margin.
    for side in (1, -1):
        near = say(name, lambda g, s, side=side: side * m * (1 + 0.5 * wide(s)))
        assert near == ("open" if null else "undecided")
    # One generation is enough to lose a null, and not enough for an effect.
    last = say(name, lambda g, s: 1.5 * m if g == 3 else 0.0)
    assert last == ("above" if null else "by generation")
    assert say(name, lambda g, s: 1.5 * m * (-1) ** g) == ("mixed" if null else "by generation")
    half = say(name, lambda g, s: wide(s) if g == 2 else 0.0)
    assert half == ("open" if null else "by generation")


def test_the_whole_interval_must_lie_inside_the_margin() -> None:
    # Means of .01 all three; the last interval reaches beyond .03.
    for spread, verdict in ((0.0, "reproduced"), (0.02, "reproduced"), (0.05, "open")):
        assert say("P13", lambda g, s, spread=spread: 0.01 + spread * wide(s)) == verdict


def test_effects_are_paired_and_in_every_generation_of_both_arms() -> None:
    frame = made_up(RULES["policy"], lambda g, s: 0.1 * g + 0.001 * wide(s))
    table = gpt_budget.effects(frame)
    assert list(table["generation"]) == [1, 2, 3]
    assert table["difference"].to_list() == pytest.approx([0.1, 0.2, 0.3])
    half = 0.001 * 2.262157 * np.sqrt(10 / 9) / np.sqrt(10)  # t of 9 degrees, sd of five pairs
    assert (table["high"] - table["difference"]).to_list() == pytest.approx([half] * 3, rel=1e-4)
    assert list(table["verdict"]) == ["above"] * 3
    short = frame[(frame["arm"] != "grown_epochs") | (frame["generation"] < 3)]
    assert list(gpt_budget.effects(short)["generation"]) == [1, 2]


def test_the_primary_rules_are_those_declared() -> None:
    primary = {name: RULES[name] for name in ("P13", "policy", "budget")}
    assert primary == {
        "P13": Rule("accumulate_epochs", "nothing", "excess", 0.03, null=True),
        "policy": Rule("grown_epochs", "accumulate_epochs", "excess", 0.03),
        "budget": Rule("replace_200", "grown_epochs", "excess", 0.03),
    }


@pytest.mark.parametrize("study", [gpt_budget, gpt_steps], ids=["gpt_budget", "gpt_steps"])
def test_the_summary_holds_every_difference(trials: Mapping[str, pd.DataFrame], study) -> None:
    small = trials[study.__name__]
    frame = pd.concat([small.assign(replicate=seed) for seed in (0, 1)])
    summary = study.summary(frame)
    for rule in study.RULES.values():
        key = f"{rule.first}_minus_{rule.second}_{rule.metric}_g2"
        assert {key, f"{key}_low", f"{key}_high"} <= set(summary)
    assert summary["nothing_steps_g2"] == 8
    assert set(gpt_budget.verdicts(frame, study.RULES)) == set(study.RULES)
