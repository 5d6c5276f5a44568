"""Lesson 07: its explorer, its figures, and the studies behind them.

Its exercises are tested in test_exercises.py, what it says in words in
claims_07.py.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from helpers import studies, theory
from helpers._ground import ROOT
from helpers.data import corpora
from helpers.explorers import lesson_07
from helpers.models import LinearRegression
from helpers.policies import DetectAndDrop, FrozenReal
from helpers.studies import bigram_rate, gpt_rate, gpt_tenth, mixed_rows, real_rows

LESSON = (ROOT / "lessons" / "07-how-much-real-data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("study", ["real_rows", "mixed_rows", "bigram_rate"])
def test_every_number_that_the_lesson_names_is_recorded(study: str) -> None:
    named = set(re.findall(rf"\{{\{{ {study}\.(\w+)", LESSON))
    assert len(named) >= 10
    assert named <= set(studies.summary(study))


def test_the_rules_of_the_studies_held_as_the_lesson_says() -> None:
    verdicts = {
        f"{study}.{key}": value
        for study in ("real_rows", "mixed_rows", "bigram_rate")
        for key, value in studies.summary(study).items()
        if key.startswith("rule_")
    }
    assert len(verdicts) == 16
    assert {key for key, value in verdicts.items() if value < 1} == {
        "mixed_rows.rule_3_the_sign_turns"
    }
    assert studies.summary("mixed_rows")["turns"] == pytest.approx(6 / 7, abs=1e-4)


# --- real_rows ---------------------------------------------------------------------------------


def test_without_synthetic_rows_each_fit_is_new() -> None:
    # Size: the mean of 4,000 chi-squared variances of 9 degrees has an error below .008.
    means, variances = real_rows.fresh_runs(10, 0, 3, 4000, np.random.default_rng(1))
    assert means.shape == variances.shape == (4, 4000)
    assert variances.mean(axis=1) == pytest.approx(np.full(4, 0.9), abs=0.035)
    assert abs(np.corrcoef(means[2], means[3])[0, 1]) < 0.07


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"new": -1}, "new must be"),
        ({"synthetic": -1}, "synthetic must be"),
        ({"new": 1, "synthetic": 0}, r"new \+ synthetic must be"),
        ({"rounds": -1}, "rounds must be"),
        ({"runs": 0}, "runs must be"),
        ({"lam": 1.5}, "lam must be"),
    ],
)
def test_fresh_runs_name_a_bad_argument(change: dict, message: str) -> None:
    given = {"new": 3, "synthetic": 7, "rounds": 2, "runs": 4, "rng": np.random.default_rng(0)}
    with pytest.raises(ValueError, match=message):
        real_rows.fresh_runs(**{**given, **change})


def test_a_rule_of_real_rows_can_fail() -> None:
    frame = studies.load("real_rows")
    assert real_rows.verdicts(frame)["rule_3_frozen_is_worse"] == 1
    swap = {"tenth_frozen": "tenth_redrawn", "tenth_redrawn": "tenth_frozen",
            "words_frozen": "words_redrawn", "words_redrawn": "words_frozen"}  # fmt: skip
    turned = real_rows.verdicts(frame.assign(arm=frame["arm"].replace(swap)))
    assert turned["rule_3_frozen_is_worse"] == 0
    assert turned["rule_4_redrawn_is_nearly_new"] == 0
    worse = frame["arm"].str.startswith(("floor_n3000", "biased", "share"))
    spoilt = real_rows.verdicts(frame.assign(value=frame["value"].where(~worse, 0.5)))
    for rule in ("rule_2_formula", "rule_5_share_is_silent", "rule_6_biased"):
        assert spoilt[rule] == 0
    assert spoilt["rule_1_number"] == 0.5


# --- mixed_rows --------------------------------------------------------------------------------


def test_moments_stand_for_rows() -> None:
    # Size: 3,000 pairs each; a mean squared error has a relative standard error of 0.8 per cent
    # by moments, and as much by rows: 7 per cent is six of both.
    rng, d, real, number, shift = np.random.default_rng(2), 10, 60, 40, 0.1
    found = mixed_rows._errors(real, shift, 3000, rng)
    by_rows = {"alone": [], "both": []}
    bias = np.full(d, np.sqrt(shift / d))
    for _ in range(3000):
        inputs = rng.standard_normal((real + number, d))
        labels = rng.standard_normal(real + number)
        labels[real:] += inputs[real:] @ bias
        rows = np.column_stack([inputs, labels])
        for name, part in (("alone", rows[:real]), ("both", rows)):
            by_rows[name].append((LinearRegression().fit(part).coef_ ** 2).sum())
    assert found["alone"] == pytest.approx(np.mean(by_rows["alone"]), rel=0.07)
    # 75 hundredths of k = 50 are 38 rows, 100 are 50: forty lie between.
    both = np.mean(by_rows["both"]) / np.mean(by_rows["alone"])
    assert 0.95 * found["error_100"] < both < 1.05 * found["error_75"]


def test_a_rule_of_mixed_rows_can_fail() -> None:
    frame = studies.load("mixed_rows")
    turned = frame.assign(value=2 - frame["value"])  # what helped harms
    verdicts = {k: v for k, v in mixed_rows.summary(turned).items() if k.startswith("rule")}
    assert verdicts["rule_1_best_number"] == 0
    assert verdicts["rule_3_the_sign_turns"] == 0
    assert verdicts["rule_4_weights"] == 0
    assert verdicts["rule_5_formula"] == 0


# --- bigram_rate -------------------------------------------------------------------------------


def test_the_rows_do_not_repeat_each_other() -> None:
    rows, tokenizer = bigram_rate.passages()
    assert rows.shape[1] == 50
    assert len(rows) > 1200  # of any Python; 1,497 in 3.11
    assert rows.max() < len(tokenizer)
    test, theirs, mine = bigram_rate.deal(5)
    assert len(test) + len(theirs) + len(mine) == len(rows)
    assert corpora.repeated(test, np.concatenate([theirs, mine])).mean() < 0.06
    assert len(mine) >= max(bigram_rate.SETTINGS["curve"])


def test_an_exchange_rate_by_hand() -> None:
    curve = {10: 7.0, 100: 6.0, 1000: 5.0}
    assert bigram_rate.exchange_rate(curve, 100, 50, 6.0) == pytest.approx(0)
    assert bigram_rate.exchange_rate(curve, 100, 50, 5.7) == pytest.approx((10**2.3 - 100) / 50)
    assert bigram_rate.exchange_rate(curve, 100, 50, 7.0) == pytest.approx(-1.8)
    for bad, message in ((4.9, "mixed must lie on"), (7.1, "mixed must lie on")):
        with pytest.raises(ValueError, match=message):
            bigram_rate.exchange_rate(curve, 100, 50, bad)
    with pytest.raises(ValueError, match="curve must fall"):
        bigram_rate.exchange_rate({10: 5.0, 100: 6.0}, 10, 5, 5.5)
    with pytest.raises(ValueError, match="synthetic must be"):
        bigram_rate.exchange_rate(curve, 100, 0, 6.0)


def test_a_rule_of_bigram_rate_can_fail() -> None:
    frame = studies.load("bigram_rate")
    turned = frame.assign(value=-frame["value"])
    verdicts = {k: v for k, v in bigram_rate.summary(turned).items() if k.startswith("rule")}
    for rule in ("rule_1_the_sign_turns", "rule_2_a_fresh_file_helps", "rule_4_older_is_worse"):
        assert verdicts[rule] == 0
    assert verdicts["rule_3_richer_is_pickier"] == 0
    leak = frame.assign(value=frame["value"].where(frame["metric"] != "repeats", 0.27))
    assert bigram_rate.summary(leak)["rule_5_no_leak"] == 0


# --- the two studies of a GPT that are written and not run ---------------------------------------


def test_a_small_trial_of_gpt_tenth() -> None:
    frame = gpt_tenth.trial(100, "small")
    assert set(frame["arm"]) == {
        "replace", "subsample", FrozenReal(1).name, "redrawn", "new", "one_in_a_hundred",
    }  # fmt: skip
    assert set(frame["metric"]) == set(gpt_tenth.QUOTED)
    assert not frame.duplicated(["arm", "generation", "metric"]).any()
    first = frame[(frame["generation"] == 0) & (frame["metric"] == "excess")]["value"]
    assert first.nunique() == 1  # all arms share generation 0
    for history in gpt_tenth.runs(100, "small").values():
        assert len(history.models) == 3
    both = pd.concat([frame.assign(replicate=seed) for seed in (100, 101)])
    found = gpt_tenth.summary(both)
    for key in ("replace_minus_new_excess_g2", "redrawn_minus_subsample_recall_tail_g2_low"):
        assert np.isfinite(found[key])


def test_every_fit_of_gpt_tenth_has_as_many_rows() -> None:
    rng = np.random.default_rng(0)
    rows = 60
    real = gpt_tenth.new_stories(rows, rng)
    for name, (policy, written) in gpt_tenth.arms(rows).items():
        newest = [gpt_tenth.new_stories(written, rng) for _ in range(2)]
        assert len(policy.training_set(real, newest, rng)) == rows, name


def test_a_small_trial_of_gpt_rate() -> None:
    frame = gpt_rate.trial(100, "small")
    assert not frame.duplicated(["arm", "generation", "metric"]).any()
    value = frame.set_index(["arm", "generation", "metric"])["value"]
    steps = gpt_rate.SETTINGS["steps"][0]
    alone, with_file = (value[f"t{steps}_{arm}", 100, "excess"] for arm in ("real", "g1_s20"))
    assert value[f"t{steps}_g1_s20", 100, "gain_excess"] == pytest.approx(alone - with_file)
    assert f"t{steps}_g1_s20_gain_recall_tail_r400_low" in gpt_rate.summary(
        frame.assign(replicate=100)
    )
    mine, theirs = gpt_rate.your_stories(100), gpt_rate.stories.data(100, "full")[0]
    assert not np.array_equal(mine[: len(theirs)], theirs[: len(mine)])


# --- the explorer and the figures ----------------------------------------------------------------


def test_the_answers_of_the_challenge() -> None:
    best = [theory.biased_rows_best(10, n, 0.02) for n in (10_000, 100_000)]
    assert best[0] / best[1] < 1.03
    assert theory.biased_rows_worth(10, 100_000, 1, 0.02) == pytest.approx(1, abs=0.01)
    number, error = lesson_07.best_buy(100, 0.02, 0.1)
    assert number == pytest.approx(800)  # all but the 20 real rows that a fit needs
    assert error < 0.4 * 10 / 100
    assert lesson_07.best_buy(10_000, 0.02, 0.1)[0] * 0.1 / 10_000 < 0.01


@pytest.mark.parametrize("show", lesson_07.SHOW)
def test_the_same_settings_give_the_same_picture(show: str) -> None:
    one, again = (lesson_07.mix_picture(show=show) for _ in range(2))
    assert one.html() == again.html()
    assert one.html() != lesson_07.mix_picture(show=show, shift=0.005).html()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"real": 9}, "real must be an integer of at least 10"),
        ({"synthetic": 0}, "synthetic must be"),
        ({"shift": -1}, "shift must be"),
        ({"price": 0}, "price must be"),
        ({"show": "luck"}, "show must be one of"),
    ],
)
def test_bad_settings_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lesson_07.mix_picture(**settings)


def test_figures_of_the_studies() -> None:
    floors = lesson_07.floors_picture()
    assert "n = 3,000" in floors.alt
    runs = {n: np.full((4, 3), 1 / n) for n in (10, 20)}
    pace = lesson_07.pace_picture(runs, real=1)
    assert "n = 20 0.05" in pace.summary
    assert "floor 0.667" in pace.summary
    assert "the same tenth for ever" in lesson_07.tenths_picture().alt
    assert "generation 10" in lesson_07.rates_picture().alt
    with pytest.raises(ValueError, match="written must be one of"):
        lesson_07.rates_picture(written=7)
    with pytest.raises(ValueError, match="budget must be"):
        lesson_07.best_buy(5, 0.02, 0.1)


# --- a bell behind a detector ------------------------------------------------------------------


@pytest.mark.parametrize(("part", "rows"), [(1.0, (10, 90)), (0.8, (9, 18))])
def test_a_bell_behind_a_detector_is_that_of_the_sums(part: float, rows: tuple[int, int]) -> None:
    """The loop and its policy against `fresh_runs`. Size: 500 runs have an error of 2 per cent."""
    drops, misses = 1 - rows[0] / 10, rows[1] / 90
    found = lesson_07.bell_error(DetectAndDrop(lesson_07.new_rows, 10, drops, misses), 90, part)
    rng = np.random.default_rng(8)
    means, variances = real_rows.fresh_runs(*rows, 40, 4000, rng, part)
    exact = (means[21:] ** 2 + (variances[21:] ** 0.5 - 1) ** 2).mean()
    assert found == pytest.approx(exact, rel=0.1)
