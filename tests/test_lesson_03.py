"""Lesson 03: its explorer, its figures, and the study behind them.

Its exercises are tested in test_exercises.py, what it says in words in
claims_03.py.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from helpers import metrics, studies, theory
from helpers._ground import ROOT
from helpers.data import corpora
from helpers.explorers import lesson_03
from helpers.loop import run_loop
from helpers.models import Discrete
from helpers.policies import Accumulate, Replace
from helpers.studies import tails

LESSON = (ROOT / "lessons" / "03-losing-the-tails.md").read_text(encoding="utf-8")


def test_every_generation_that_the_lesson_names_is_recorded() -> None:
    named = set(re.findall(r"\{\{ tails\.(\w+)", LESSON))
    assert len(named) > 30
    assert named <= set(studies.summary("tails"))


# --- the study: its words, and counting copies instead of drawing them -------------------------


def test_the_words_are_those_of_the_documentation() -> None:
    names, copies = tails.words()
    assert len(names) == len(set(names)) == len(copies)
    assert (np.diff(copies) <= 0).all()
    # Another Python has another text, of the same kind: nearly all of it is in these words.
    today = [word for word in corpora.words(corpora.documentation()) if word.isalpha()]
    assert 0.7 < len(today) / copies.sum() < 1.4
    assert np.isin(today, names).mean() > 0.9


@pytest.mark.parametrize("policy", [Replace(), Accumulate()])
def test_copies_follow_the_law_of_the_loop(policy: Replace | Accumulate) -> None:
    # Size: 300 runs each; the sd of a run's number of survivors is below 3.2, so that the
    # difference of two means has a standard error below 0.26, a fifth of the tolerance.
    counts = np.array([20, 10, *[1] * 30])
    text = np.repeat(np.arange(len(counts)), counts)
    alive, shares = [], []
    for seed in range(300):
        every = tails.copies(counts, 6, np.random.default_rng(seed), policy=policy.name)
        history = run_loop(
            Discrete(len(counts)), text, policy=policy, generations=6, seed=seed,
            metrics={"s": metrics.support_size, "p": metrics.tail_mass([0])},
        )  # fmt: skip
        last = history.frame[history.frame["generation"] == 6].set_index("metric")["value"]
        alive.append(((every[6] > 0).sum(), last["s"]))
        shares.append((every[6][0] / every[6].sum(), last["p"]))
    ours, loop = np.mean(alive, axis=0)
    assert ours == pytest.approx(loop, abs=1.3)
    ours, loop = np.mean(shares, axis=0)
    assert ours == pytest.approx(loop, abs=0.07)
    assert np.std(shares, axis=0)[0] == pytest.approx(np.std(shares, axis=0)[1], rel=0.3)


def test_a_text_that_grows_and_one_that_is_kept_have_their_lengths() -> None:
    rng = np.random.default_rng(0)
    grown = tails.copies(np.array([50, 50]), 3, rng, growth=2.0)
    assert grown.sum(axis=1).tolist() == [100, 200, 400, 800]
    kept = tails.copies(np.array([50, 50]), 3, rng, policy="accumulate")
    assert kept.sum(axis=1).tolist() == [100, 200, 300, 400]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": np.array([0.5])}, "counts must be whole numbers"),
        ({"counts": np.array([2, -1])}, "counts must be at least 0"),
        ({"rounds": -1}, "rounds must be"),
        ({"growth": 0}, "growth must be"),
        ({"policy": "mix"}, "policy must be one of"),
    ],
)
def test_copies_name_a_bad_argument(change: dict, message: str) -> None:
    given = {"counts": np.array([3, 1]), "rounds": 2, "rng": np.random.default_rng(0)}
    with pytest.raises(ValueError, match=message):
        tails.copies(**{**given, **change})


def test_a_rescue_keeps_the_length_and_its_budget() -> None:
    rng = np.random.default_rng(3)
    real, newest = rng.integers(50, size=300), rng.integers(50, size=300)
    rescue = tails.Rescue(lambda real, newest, rng: real[:7], 10)
    rows = rescue.training_set(real, [newest], rng)
    assert len(rows) == 300
    assert (rows[:7] == real[:7]).all()
    greedy = tails.Rescue(lambda real, newest, rng: real[:11], 10)
    with pytest.raises(ValueError, match="at most 10 words, got 11"):
        greedy.training_set(real, [newest], rng)


def test_rare_cases_are_ten_and_weigh_one_in_a_hundred() -> None:
    real, test, weights = tails.cases(8, seed=101)
    assert real.shape == (1000, 65)
    assert np.bincount(real[:, 0].astype(int)).tolist() == [110] * 8 + [10, 110]
    assert weights.sum() == pytest.approx(1)
    assert weights[test[:, 0] == 8].sum() == pytest.approx(0.01)
    together = {row.tobytes() for row in real} & {row.tobytes() for row in test}
    assert len(together) <= 2  # no case is tried that was learnt from (the digits hold twins)


# --- the explorer ------------------------------------------------------------------------------


@pytest.mark.parametrize("growth", [1.0, 1.1])
@pytest.mark.parametrize("copies", [1, 25])
def test_the_explorer_follows_the_law(copies: int, growth: float) -> None:
    # Size: 20 texts of 100 words: the sd of the mean is below 0.012, against 0.06.
    alive, share = lesson_03.kind_runs(copies, 10_000, 20, np.random.default_rng(7), growth)
    assert alive.shape == share.shape == (21, 20)
    law = [theory.copies_survival(copies, g, growth) for g in range(21)]
    assert alive.mean(axis=1) == pytest.approx(law, abs=0.06)
    assert share[20].mean() == pytest.approx(1, abs=0.35)


def test_the_answer_of_the_challenge() -> None:
    assert theory.copies_survival(25, 20) == pytest.approx(0.9, abs=0.005)
    assert theory.copies_survival(7, 20) < 0.5 < theory.copies_survival(8, 20)


@pytest.mark.parametrize("show", lesson_03.SHOW)
def test_the_same_settings_give_the_same_picture(show: str) -> None:
    one, again = (lesson_03.word_picture(3, show=show, seed=1) for _ in range(2))
    assert one.html() == again.html()
    assert one.summary != lesson_03.word_picture(3, show=show, seed=2).summary


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"copies": 0}, "copies must be"),
        ({"copies": 600, "n": 1000}, "copies must be at most half of the 1000 words"),
        ({"show": "luck"}, "show must be one of"),
        ({"growth": 0}, "growth must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_bad_settings_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lesson_03.word_picture(**settings)


def test_figures_of_the_study() -> None:
    both = lesson_03.dials("words_replace", share_1="share", alive_1="alive")
    assert list(both["arm"].unique()) == ["share", "alive"]
    with pytest.raises(ValueError, match="arm must be one of"):
        lesson_03.dials("nobody", share_1="share")
    with pytest.raises(ValueError, match="metric must be one of"):
        lesson_03.dials("words_replace", luck="luck")
    assert "1 % real" in lesson_03.clean_rows_picture().summary
    assert "one of each that died" in lesson_03.rescues_picture().alt
    seen = lesson_03.portraits(rare=3, generations=(0, 2))
    assert "generation 2" in seen.summary
    with pytest.raises(ValueError, match="rare must be one of"):
        lesson_03.portraits(rare=7)


def test_what_the_hint_on_dead_words_says() -> None:
    # "rare words grow to more than twice their share"
    numbers = studies.summary("tails")
    assert numbers["rescue_died_tail_mass_g20_low"] > 2 * numbers["zipf_none_tail_mass_g0_high"]
