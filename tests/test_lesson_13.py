"""Lesson 13: its explorer, its figures of the study `capstone`, and its two exercises.

The game itself is tested in test_capstone.py, the exercises' answers in test_exercises.py, what the
lesson says in words in claims_13.py.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from helpers import studies
from helpers._ground import ROOT
from helpers.capstone import WORLDS, Setting
from helpers.explorers import lesson_13
from helpers.studies import capstone as study
from helpers.teaching.exercises import exercises_of
from helpers.teaching.exercises import lesson_13 as exercises

LESSON = (ROOT / "lessons" / "13-capstone.md").read_text(encoding="utf-8")


def test_every_number_that_the_lesson_names_is_recorded() -> None:
    named = set(re.findall(r"\{\{ capstone\.(\w+)", LESSON))
    assert len(named) >= 10
    assert named <= set(studies.summary("capstone"))


# --- scores and ranks ---------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_a_score_is_that_of_the_summary(world: str) -> None:
    for name in ("replace", "keeper"):
        found = lesson_13.scores(world, name)
        assert found.shape == (len(study.SEEDS),)
        assert found.mean() == pytest.approx(
            studies.summary("capstone")[f"{world}_{name}"], rel=1e-4
        )


def test_scores_are_the_recorded_ones_seed_by_seed() -> None:
    """That plays of today give them is seen in test_entries.py."""
    recorded = study.scores(study.recorded())
    for world, name, arm in (
        ("mixture", "half_and_half", "mixture_half_and_half"),
        ("stories", "early_4_1_old", "cell_stories_early_4_1_old"),
    ):
        expected = [recorded[arm, seed] for seed in study.SEEDS]
        assert lesson_13.scores(world, name).tolist() == expected


def test_settings_are_ranked_best_first_and_as_the_study_ranks_them() -> None:
    found = studies.summary("capstone")
    for world in lesson_13.PLAYED:
        table = lesson_13.ranking(world)
        assert len(table) == len(study.cells()) == 45
        assert table["mean"].is_monotonic_decreasing
        for place in (0, 20, 44):
            name = Setting(*table.index[place]).name
            assert found[f"rank_{world}_{name}"] == place + 1


def test_a_table_has_a_row_a_strategy_and_their_mean() -> None:
    table = lesson_13.score_table("keeper", "passed_only")
    assert list(table.columns) == [*WORLDS, "mean"]
    assert list(table.index) == ["keeper", "passed only"]
    assert table.loc["keeper", "mean"] == pytest.approx(
        studies.summary("capstone")["mean_keeper"], abs=0.11
    )


def test_a_lead_is_paired() -> None:
    found = lesson_13.lead("keeper", "random")
    assert found.mean() == pytest.approx(
        studies.summary("capstone")["keeper_minus_random"], rel=1e-4
    )
    one = [lesson_13.scores(w, "keeper")[4] - lesson_13.scores(w, "random")[4] for w in WORLDS]
    assert found[4] == pytest.approx(np.mean(one))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lesson_13.scores("web", "keeper"), "world must be one of"),
        (lambda: lesson_13.scores("code", "luck"), "name must be one of"),
        (lambda: lesson_13.ranking("code"), "world must be one of"),
        (lambda: lesson_13.setting_picture(when="late"), "when must be one of"),
        (lambda: lesson_13.setting_picture(weight=3), "weight must be one of"),
        (lambda: lesson_13.setting_picture(old=2), "old must be one of"),
        (lambda: lesson_13.setting_picture("late", old=0, newest=False), "when must be one of"),
        (lambda: lesson_13.setting_picture(world="code"), "world must be one of"),
        (lambda: lesson_13.health_picture("web", "keeper"), "world must be one of"),
    ],
)
def test_bad_settings_are_named(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# --- figures and the explorer -------------------------------------------------------------------


def test_the_controls_draw() -> None:
    explorer = lesson_13.setting_explorer()
    assert explorer.error is None
    first = explorer.html
    explorer.set(more=True, weight=4, old=0, world="mixture")
    assert explorer.wait(60)
    assert explorer.error is None
    assert explorer.html != first
    explorer.set(newest=False)
    assert explorer.wait(60)
    assert explorer.error is None
    assert "Not played: evenly, weight 4, without old or newest text" in explorer.html


def test_every_setting_is_told_to_who_cannot_see_it() -> None:
    for world in lesson_13.PLAYED:
        told = {lesson_13.setting_picture(*one, world).alt for one in lesson_13.settings()}
        assert len(told) == 45


def test_figures_of_the_study() -> None:
    assert "health in stories" in lesson_13.health_picture("stories", "freeze", "replace").alt
    lead = lesson_13.lead_picture().alt
    assert "points of keeper above each" in lead
    assert "half and half" in lead
    assert "right rows lost, by kind" in lesson_13.leak_picture().alt


# --- exercises ----------------------------------------------------------------------------------


def test_a_play_that_the_check_voids_is_named() -> None:
    judge = exercises_of("13")["13-keeper"].judge
    fraction = exercises._Made(lambda ledger: (0.5, 0), lambda real, synthetic, rng: synthetic[-1])
    said = judge(fraction, np.random.default_rng(0))
    assert said is not None
    assert "a whole number of real rows" in said
    assert judge(exercises._Made, np.random.default_rng(0)).startswith(exercises.WHAT)
