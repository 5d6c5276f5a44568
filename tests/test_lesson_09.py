"""Lesson 09: its explorer, its figures, and the studies behind them.

Its exercises are tested in test_exercises.py, what it says in words in claims_09.py.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from helpers import studies, theory
from helpers._ground import ROOT
from helpers.explorers import lesson_09
from helpers.loop import run_loop
from helpers.models import Discrete
from helpers.plots import style
from helpers.policies import Replace
from helpers.studies import (
    gpt_budget,
    judged_cures,
    judged_stories,
    noisy_verifier,
    stories,
    verified_loop,
)
from helpers.teaching.exercises import exercises_of
from helpers.teaching.exercises import lesson_09 as exercises
from helpers.verification import Noisy

LESSON = (ROOT / "lessons" / "09-verify-before-you-train.md").read_text(encoding="utf-8")
RECORDED = ("noisy_verifier", "verified_loop", "judged_stories")
NAMED = (*RECORDED, "judged_cures")


@pytest.mark.parametrize("study", NAMED)
def test_every_number_that_the_lesson_names_is_recorded(study: str) -> None:
    named = set(re.findall(rf"\{{\{{ {study}\.(\w+)", LESSON))
    assert len(named) >= 4
    assert named <= set(studies.summary(study))


def test_the_rules_of_the_studies_held_as_the_lesson_says() -> None:
    verdicts = {
        f"{study}.{key}": value
        for study in RECORDED
        for key, value in studies.summary(study).items()
        if key.startswith("rule_")
    }
    assert len(verdicts) == 17
    assert {key for key, value in verdicts.items() if value != 1} == set()


def test_the_cures_are_called_what_the_lesson_calls_them() -> None:
    verdicts = {
        key: value
        for key, value in studies.summary("judged_cures").items()
        if key.startswith("rule_")
    }
    assert verdicts == {
        "rule_1_mix25_harm": 0, "rule_1_accumulate_harm": 0,
        "rule_2_mix25_rare_pay": 0, "rule_2_accumulate_rare_pay": 0,
        "rule_3_quota_holds_people": 1, "rule_3_quota_holds_rare": 1, "rule_3_quota_harm": 1,
    }  # fmt: skip


def test_a_judge_that_keeps_nothing_stops_the_loop_and_names_the_generation() -> None:
    rows = np.zeros(30, dtype=np.int64)
    nothing = Noisy(lambda samples: samples == 0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"generation 1 has no training data.* 0 of 30 samples"):
        run_loop(Discrete(2), rows, policy=Replace(), generations=3, verifier=nothing)


# --- noisy_verifier ----------------------------------------------------------------------------


def test_sums_stand_for_rows() -> None:
    # Size: 300 tries, an accuracy has a standard deviation of about .05: .02 is five errors of
    # the difference.
    rng, n, wrong, phi, psi = np.random.default_rng(4), 600, 0.6, 0.9, 0.3
    by_rows = []
    for _ in range(300):
        inputs, right = noisy_verifier.rows(n, wrong, rng)
        chosen = noisy_verifier.kept(right, phi, psi, rng)
        by_rows.append(noisy_verifier.accuracy(inputs[chosen], right[chosen]))
    by_sums = [noisy_verifier._by_sums(n, wrong, phi, psi, rng) for _ in range(300)]
    assert np.mean(by_rows) == pytest.approx(np.mean(by_sums), abs=0.02)
    assert np.std(by_rows) == pytest.approx(np.std(by_sums), rel=0.25)


def test_an_accuracy_is_that_of_new_rows() -> None:
    rng = np.random.default_rng(8)
    inputs, right = noisy_verifier.rows(60, 0.2, rng)
    direction = np.where(inputs[:, 0] > 0, 1, -1) * np.where(right, 1, -1) @ inputs
    new, _ = noisy_verifier.rows(200_000, 0.0, rng)
    share = ((new @ direction > 0) == (new[:, 0] > 0)).mean()
    assert noisy_verifier.accuracy(inputs, right) == pytest.approx(share, abs=0.006)
    assert noisy_verifier.accuracy(inputs[:0], right[:0]) == 0.5
    turned = noisy_verifier.accuracy(inputs, ~right)
    assert turned == pytest.approx(1 - noisy_verifier.accuracy(inputs, right))


def test_learners_of_many_clean_rows_find_the_truth() -> None:
    inputs, right = noisy_verifier.rows(4000, 0.0, np.random.default_rng(1))
    for learner in noisy_verifier.LEARNERS:
        assert noisy_verifier.accuracy(inputs, right, learner) > 0.95
    with pytest.raises(ValueError, match="learner must be one of"):
        noisy_verifier.accuracy(inputs, right, "luck")


@pytest.mark.parametrize("law", noisy_verifier.LAWS)
def test_the_laws_of_a_judges_errors_have_one_correlation(law: str) -> None:
    quality, score = noisy_verifier.answers(law, (400_000,), np.random.default_rng(2))
    # Heavy tails: the correlation of 400,000 answers still varies by a hundredth.
    assert np.corrcoef(quality, score)[0, 1] == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: noisy_verifier.rows(0, 0.1, rng), "n must be"),
        (lambda rng: noisy_verifier.rows(5, 1.1, rng), "wrong must be"),
        (lambda rng: noisy_verifier.kept(np.ones(3, bool), 1.2, 0.0, rng), "keep_right must be"),
        (lambda rng: noisy_verifier.kept(np.ones(3, bool), 1.0, -0.1, rng), "keep_wrong must be"),
        (lambda rng: noisy_verifier.answers("luck", (3,), rng), "law must be one of"),
    ],
)
def test_noisy_verifier_names_a_bad_argument(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))


def test_a_rule_of_noisy_verifier_can_fail() -> None:
    frame = studies.load("noisy_verifier")
    turned = noisy_verifier.verdicts(frame.assign(value=1 - frame["value"]))
    for rule in ("rule_1_cliff", "rule_2_mud", "rule_3_not_cleaner", "rule_4_it_depends",
                 "rule_6_best_of_many"):  # fmt: skip
        assert turned[rule] == 0
    off = frame["value"].where(frame["metric"] != "clean", frame["value"] + 0.03)
    assert noisy_verifier.verdicts(frame.assign(value=off))["rule_5_worth"] == 0


# --- verified_loop -----------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_a_loop_of_many_draws_follows_the_law(temperature: float) -> None:
    start, judge = 0.4, (0.8, 0.4)
    shares = verified_loop.answer_loop(
        verified_loop.yes_or_no(start, 1), np.array(judge), 10**8, 5, np.random.default_rng(3),
        temperature,
    )[:, 0, 0]  # fmt: skip
    law = theory.verified_share(start, *judge, np.arange(6), temperature)
    assert shares == pytest.approx(law, abs=2e-3)


def test_what_is_never_drawn_is_never_kept() -> None:
    start = verified_loop.yes_or_no(0.05, 2000)
    rng = np.random.default_rng(5)
    shares = verified_loop.answer_loop(start, np.array([0.9, 0.3]), 10, 6, rng)[:, :, 0]
    for g in range(1, 7):
        assert (shares[g][shares[g - 1] == 0] == 0).all()
    # In the first round a right answer is drawn and kept with chance 1 - (1 - .05 * .9)^10. Those
    # of which nothing is kept stay as they are: about .03. Standard error .011.
    lost = (1 - 0.05 * 0.9) ** 10 - (1 - 0.05 * 0.9 - 0.95 * 0.3) ** 10
    assert (shares[1] == 0).mean() == pytest.approx(lost, abs=0.05)


def test_where_nothing_is_kept_a_table_keeps_and_a_network_forgets() -> None:
    start = np.tile([0.6, 0.2, 0.05, 0.05, 0.05, 0.05], (9, 1))
    keep = verified_loop.judge_of("refuses", 9)
    for forgets, left in ((False, 0.6), (True, 1 / 6)):
        rng = np.random.default_rng(1)
        shares = verified_loop.answer_loop(start, keep, 50, 3, rng, forgets=forgets)
        assert shares[3, :3, 0] == pytest.approx(left)
        assert shares[3, 3:, 0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shares": np.array([[0.5, 0.6]])}, "shares must be rows"),
        ({"shares": np.array([0.5, 0.5])}, "shares must be rows"),
        ({"keep": np.array([0.5, 1.5])}, "keep must lie from 0 to 1, got 0.5 to 1.5"),
        ({"keep": np.array([0.5, np.nan])}, "keep must lie from 0 to 1"),
        ({"draws": 0}, "draws must be"),
        ({"rounds": -1}, "rounds must be"),
        ({"temperature": 0.0}, "temperature must be"),
        ({"keep": np.array([0.0, 0.0])}, "the judge kept none of 40 answers of generation 0"),
    ],
)
def test_answer_loop_names_a_bad_argument(change: dict, message: str) -> None:
    given = {"shares": verified_loop.yes_or_no(0.5, 4), "keep": np.array([0.9, 0.3]),
             "draws": 10, "rounds": 2, "rng": np.random.default_rng(0)}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        verified_loop.answer_loop(**{**given, **change})


def test_the_judges_centre_by_drawing() -> None:
    # Size: 400,000 rows, standard error of the mean .0016.
    rng = np.random.default_rng(6)
    rows = rng.normal(0.7, 1, 400_000)
    inside = rows[np.abs(rows - 0.2) <= 1.5]
    means = verified_loop.toward_centre(np.array([0.7]), 1.5, 0.2, 1)
    assert means[1, 0] == pytest.approx(inside.mean(), abs=0.008)
    assert verified_loop.toward_centre(np.array([0.2]), 1.5, 0.2, 3) == pytest.approx(0.2)


def test_a_rule_of_verified_loop_can_fail() -> None:
    frame = studies.load("verified_loop")
    turned = verified_loop.verdicts(frame.assign(value=1 - frame["value"]))
    for rule in ("rule_1_fates", "rule_2_dead", "rule_3_random_delays", "rule_5_forgetting",
                 "rule_6_centre"):  # fmt: skip
        assert turned[rule] == 0
    better = frame["value"].where(~frame["arm"].str.startswith("fate_refuses"), 0.95)
    assert verified_loop.verdicts(frame.assign(value=better))["rule_4_systematic_stops"] == 0


# --- judged_stories and judged_cures -------------------------------------------------------------


def pile(n: int) -> np.ndarray:
    """Rows of the grammar; in every second one a word that cannot stand there."""
    rows = stories.WORLD.sample(n, 33, np.random.default_rng(0))
    rows[::2, 4] = stories.WORLD.tokens["lives"]
    return rows


def test_the_judge_is_never_wrong_and_keeps_the_first() -> None:
    rows = pile(40)
    assert judged_stories.faultless(rows).tolist() == [False, True] * 20
    verified = judged_stories.Judge(8)(None, rows, np.random.default_rng(0))
    np.testing.assert_array_equal(verified.kept, rows[1:17:2])
    assert verified.report == {"faultless": 0.5}
    few = judged_stories.Judge(30)(None, rows, np.random.default_rng(0))
    assert len(few.kept) == 20


def test_a_quota_keeps_as_many_of_each_person() -> None:
    rows = pile(400)
    kept = judged_stories.Judge(100, quota=True)(None, rows, np.random.default_rng(0)).kept
    assert len(kept) == 100
    assert judged_stories.faultless(kept).all()
    passed = set(rows[1::2, 1].tolist())
    for person in set(rows[:100, 1].tolist()) & passed:
        assert (kept[:, 1] == person).sum() >= (rows[:100, 1] == person).sum()
    # No row comes twice while another about the same person has not come at all.
    ada = stories.WORLD.tokens["Ada"]
    enough = (rows[1::2, 1] == ada).sum() >= (rows[:100, 1] == ada).sum() > 3
    assert enough
    assert len(np.unique(kept[kept[:, 1] == ada], axis=0)) == (kept[:, 1] == ada).sum()
    nobody = judged_stories.Judge(100, quota=True)(None, rows[::2], np.random.default_rng(0))
    assert len(nobody.kept) == 0


def test_the_share_of_the_rare() -> None:
    world = stories.WORLD
    rows = np.array([world.encode(f"<eos> {a} lives in <eos> {b} lives in")
                     for a, b in (("Ada", "Amira"), ("Ben", "Zack"), ("Ada", "Ada"))])  # fmt: skip
    assert judged_stories.rare_share(rows) == pytest.approx(2 / 6)


def test_a_small_trial_of_judged_stories_and_of_its_cures() -> None:
    for study in (judged_stories, judged_cures):
        frame = study.trial(100, "small")
        assert set(frame["arm"]) == set(study.ARMS)
        assert not frame.duplicated(["arm", "generation", "metric"]).any()
        kept = frame[(frame["metric"] == "kept") & (frame["generation"] == 0)]["value"]
        assert (kept == 60).all()
        assert set(judged_stories.TOLD) <= set(frame["metric"])


def test_without_a_judge_it_is_the_loop_of_gpt_steps() -> None:
    ours = judged_stories.run(judged_stories.ARMS["none"], 100, "small", 2)
    theirs = gpt_budget.run(gpt_budget.Arm(Replace(), "best"), 100, "small")
    for one, other in zip(ours.samples, theirs.samples, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_table_of_judged_stories_fits_that_of_gpt_steps() -> None:
    """Generation 0 is recorded in both: the same fit, to the last digit that is kept."""
    keys = ["replicate", "metric"]
    ours = studies.load("judged_stories").query("arm == 'none' and generation == 0")
    theirs = studies.load("gpt_steps").query("arm == 'replace_best' and generation == 0")
    both = ours.merge(theirs, on=keys)
    assert len(both) == len(judged_stories.TOLD) * len(judged_stories.SEEDS)
    assert both["value_x"].tolist() == pytest.approx(both["value_y"].tolist(), rel=1e-5)


def test_a_rule_of_judged_stories_can_fail() -> None:
    frame = studies.load("judged_stories")
    judged = frame["arm"] == "judge"
    verdicts = {"rule_1_worse": ("excess", -5), "rule_2_narrower": ("names_alive", 500),
                "rule_2_truer": ("fact_accuracy", -5), "rule_2_poorer": ("recall_tail", 5),
                "rule_3_at_once": ("rare_share", 5)}  # fmt: skip
    spoilt = frame["value"].copy()
    for metric, shift in verdicts.values():
        spoilt[judged & (frame["metric"] == metric)] += shift
    found = judged_stories.summary(frame.assign(value=spoilt))
    assert [found[rule] for rule in verdicts] == [0] * 5


def test_a_rule_of_judged_cures_can_say_something_else() -> None:
    frame = studies.load("judged_cures")
    harm = {"mix25_judge": "rule_1_mix25_harm", "accumulate_judge": "rule_1_accumulate_harm",
            "quota": "rule_3_quota_harm"}  # fmt: skip
    for shift, said in ((3, 1), (-3, -1)):
        hit = frame["arm"].isin(harm) & (frame["metric"] == "excess")
        found = judged_cures.summary(frame.assign(value=frame["value"] + shift * hit))
        assert [found[rule] for rule in harm.values()] == [said] * 3
    lost = frame["metric"].isin(["recall_tail", "names_alive"]) & frame["arm"].isin(harm)
    found = judged_cures.summary(frame.assign(value=frame["value"].where(~lost, 0)))
    assert [found[f"rule_2_{arm}_rare_pay"] for arm in ("mix25", "accumulate")] == [1, 1]
    assert [found[f"rule_3_quota_holds_{what}"] for what in ("people", "rare")] == [0, 0]


def test_every_cure_is_in_the_figure_and_in_the_table() -> None:
    recorded = {arm for _, arm, _ in lesson_09.CURES.values()} - {"judge"}
    assert recorded == {name for name, arm in judged_cures.ARMS.items() if arm.judge}
    alt, table = lesson_09.cures_picture().alt, lesson_09.cures_table()
    assert list(table.index) == list(lesson_09.CURES)
    for label in lesson_09.CURES:
        assert f"{label} " in alt
    looks = style.styles(list(lesson_09.CURES)).values()
    assert len({look.colour for look in looks}) == len(lesson_09.CURES)
    found = studies.summary("judged_cures")
    assert table.loc["a quota by person", "excess"] == f"{found['quota_excess_g5']:.2f}"
    low = found["quota_minus_none_names_alive_g5_low"]
    assert table.loc["a quota by person", "people"].split("[")[1].startswith(f"{low:+.0f}")


def test_the_best_of_so_many_stands_on_the_axis() -> None:
    for axes in lesson_09.best_picture().figure.axes:
        said = [tick.get_text() for tick in axes.get_xticklabels()]
        assert said == ["1", "10", "30", "100", "1,000"]


def test_no_word_of_the_lesson_calls_a_generation_a_round() -> None:
    files = [ROOT / "helpers" / "teaching" / "exercises" / "lesson_09.py",
             ROOT / "lessons" / "instructors" / "09-verify-before-you-train.md"]  # fmt: skip
    pictures = (lesson_09.loop_picture, lesson_09.tides_picture, lesson_09.fates_picture,
                lesson_09.centre_picture)  # fmt: skip
    seen = [LESSON, *(path.read_text(encoding="utf-8") for path in files)]
    seen += [*(picture().alt for picture in pictures), lesson_09.loop_explorer()._says()]
    for text in seen:
        assert re.findall(r".*(?<!way )\brounds?\b.*", text) == []


# --- exercises ---------------------------------------------------------------------------------


def test_a_slip_is_known_when_it_is_rounded_or_takes_a_quantile_from_a_book() -> None:
    def normal(wrong: int, n: int) -> float:
        return wrong / n + 1.645 * (wrong / n * (1 - wrong / n) / n) ** 0.5

    def once(share: float, phi: float, psi: float, generations: int) -> float:
        return round(share * phi / (share * phi + (1 - share) * psi), 3)

    judges = {key: exercise.judge for key, exercise in exercises_of("09").items()}
    rng = np.random.default_rng(1)
    assert judges["09-upper-bound"](normal, rng) == exercises.NORMAL
    assert judges["09-share-after"](once, rng) == exercises.ONCE
    percent = judges["09-upper-bound"](lambda wrong, n: 100 * (wrong + 1) / n, rng)
    assert percent == "A share lies from 0 to 1. For 4 wrong of 50 you say 10."


# --- the explorer and the figures ----------------------------------------------------------------


def test_the_hidden_challenge() -> None:
    survives = [t / 100 for t in range(10, 101) if theory.loop_threshold(0.9, 0.3, t / 100) <= 0.15]
    assert 0.34 <= min(survives) <= 0.40
    for temperature, fate in ((0.3, 0.0), (0.45, 1.0)):
        picture = lesson_09.loop_picture(temperature, generations=40)
        assert f"no end of answers {fate:g}" in picture.summary


@pytest.mark.parametrize("show", lesson_09.SHOW)
def test_the_same_settings_give_the_same_picture(show: str) -> None:
    one, again = (lesson_09.loop_picture(0.8, show=show) for _ in range(2))
    assert one.html() == again.html()
    assert one.html() != lesson_09.loop_picture(0.8, start=0.05, draws=10, show=show).html()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0}, "temperature must be"),
        ({"temperature": 1.2}, "temperature must be"),
        ({"start": 1.5}, "start must be"),
        ({"keep_right": 0}, "keep_right must be"),
        ({"keep_wrong": 2}, "keep_wrong must be"),
        ({"draws": 0}, "draws must be"),
        ({"generations": 0}, "generations must be"),
        ({"show": "luck"}, "show must be one of"),
    ],
)
def test_bad_settings_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lesson_09.loop_picture(**settings)


def test_the_sliders_draw() -> None:
    explorer = lesson_09.loop_explorer()
    assert explorer.error is None
    explorer.set(more=True, draws=10, show="dead questions", temperature=0.37)
    assert explorer.wait()
    assert explorer.error is None
    assert "temperature T: 0.1 to 1.0;" in explorer._says()


def test_a_step_of_the_temperature_is_told_to_who_cannot_see_it() -> None:
    assert lesson_09.loop_picture(1.0).alt != lesson_09.loop_picture(0.99).alt


def test_figures_of_the_studies() -> None:
    assert "1,000,000 rows" in lesson_09.cliff_picture().alt
    assert "T = 0.3" in lesson_09.tides_picture().alt
    assert "a third of the questions refused" in lesson_09.fates_picture().alt
    assert "100 real rows" in lesson_09.centre_picture().alt
    assert "a loophole" in lesson_09.best_picture().alt
    assert "a judge that is never wrong" in lesson_09.people_picture().alt
    with pytest.raises(ValueError, match="judge must be one of"):
        lesson_09.cliff_picture("nobody")


def test_the_loop_without_a_judge_is_read_once_from_each_table() -> None:
    table = judged_stories.with_twins(studies.load("judged_stories"))
    assert isinstance(table, pd.DataFrame)
    without = table[(table["arm"] == "none") & (table["metric"] == "excess")]
    assert sorted(without["generation"].unique()) == list(range(6))
    assert not without.duplicated(["generation", "replicate"]).any()


def test_a_loop_whose_judge_keeps_nothing_stops_in_the_figure() -> None:
    """Sliders get there: the strictest judge, few answers, hardly one of them right."""
    hopeless = {"temperature": 0.1, "start": 0.01, "keep_wrong": 0.0, "draws": 10}
    for show in lesson_09.SHOW:
        alt = lesson_09.loop_picture(keep_right=0.05, show=show, **hopeless)
        title = alt.figure.texts[0].get_text()
        assert title == "The loop stops: of generation 0 the judge kept no answer"
    with pytest.raises(ValueError, match="temperature must be"):
        lesson_09.loop_picture(temperature=0)
