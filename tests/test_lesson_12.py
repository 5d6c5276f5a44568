"""Lesson 12: its figures and its explorer, over the recorded study `size`.

Its exercises are tested in test_exercises.py, what it says in words in claims_12.py, the study in
test_size.py.
"""

from __future__ import annotations

import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import studies
from helpers._ground import ROOT
from helpers.explorers import lesson_12
from helpers.explorers.lesson_12 import HALF, TRIES, WRITERS
from helpers.studies import size
from helpers.studies.paired import effect
from helpers.teaching.exercises import lesson_12 as exercises

LESSON = (ROOT / "lessons" / "12-size-and-self-training.md").read_text(encoding="utf-8")


def test_every_writer_that_was_examined_has_a_name_in_figures() -> None:
    table = studies.load("size")
    examined = set(table.loc[table["metric"] == "pass_1", "arm"])
    unnamed = {"small_half_start", "big_half_start"}  # their arms stand for them
    assert examined - unnamed == set(WRITERS) | set(HALF)
    assert set(size.ARMS) <= set(WRITERS) | set(HALF)


def test_every_number_that_the_lesson_names_is_recorded() -> None:
    named = set(re.findall(r"\{\{ size\.(\w+)", LESSON))
    assert len(named) >= 20
    assert named <= set(studies.summary("size"))


def test_differences_are_those_of_the_rules() -> None:
    numbers = studies.summary("size")
    found = lesson_12.differences(("big_own_unchecked", "big_start")).iloc[0]
    assert found["value"] == pytest.approx(numbers["harmed"], abs=1e-6)
    assert found["low"] == pytest.approx(numbers["harmed_low"], abs=1e-6), "unrounded"
    beyond = lesson_12.differences(
        ("small_other_unchecked", "small_twin_unchecked"), metric="pass_40"
    )
    assert beyond["high"].item() == pytest.approx(numbers["teacher_widens_high"], abs=6e-4)


def test_a_label_says_what_was_taken_from_what() -> None:
    pairs = [
        ("big_own_unchecked", "big_start"),
        ("small_other_unchecked", "big_start"),
        ("small_half_own_unchecked", "small_half_human"),
    ]
    labels = [label.replace("\N{MINUS SIGN}", "-") for label in lesson_12.differences(*pairs).label]
    assert labels == [
        "big, itself - start",
        "small, by the big one - big, start",
        "small, half start, itself - reference only",
    ]


def test_a_side_is_where_the_interval_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    for low, high, word in ((0.1, 0.2, "above"), (-0.2, -0.1, "below"), (-0.1, 0.1, "not told")):
        rows = lesson_12.differences(("small_start", "big_start")).assign(low=low, high=high)
        monkeypatch.setattr(lesson_12, "differences", lambda *_, rows=rows, **__: rows)
        assert lesson_12.side("small_start", "big_start").startswith(word)
        monkeypatch.undo()


def test_the_picture_says_its_difference_at_the_chosen_number_of_tries() -> None:
    one, forty = (
        lesson_12.size_picture("small, by the big one", "big, start", k).figure.texts[0].get_text()
        for k in (1, 40)
    )
    row = lesson_12.differences(("small_other_unchecked", "big_start"), metric="pass_40").iloc[0]
    assert one.startswith("pass@1, ")
    assert f"{row['value']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]" in forty
    same = lesson_12.size_picture("big, start", "big, start", 10).figure.texts[0].get_text()
    alt = lesson_12.size_picture("small, by the big one", "big, start", 5).alt
    assert alt.startswith("pass@5, writer \N{MINUS SIGN} against: ")
    assert same == f"big, start: pass@10 {lesson_12.values('big_start', 'pass_10').mean():.3f}"


def test_the_hidden_challenge_has_its_answers() -> None:
    """Pairs whose order turns with k, and writers whose answer changes with the baseline."""
    seeds = {
        (who, metric): lesson_12.values(who, metric)
        for who in WRITERS
        for metric in ("pass_1", "pass_40")
    }

    def gap(one: str, other: str, metric: str) -> tuple[float, float]:
        return effect(seeds[one, metric] - seeds[other, metric])[1:3]

    turned = [
        (one, other)
        for one, other in permutations(WRITERS, 2)
        if gap(one, other, "pass_1")[1] < 0 < gap(one, other, "pass_40")[0]
    ]
    named = {("small_other_unchecked", "big_human"), ("big_other_unchecked", "big_own_unchecked")}
    assert named < set(turned)  # by the page for instructors, and there are others
    for writer, metric in (("small_other_unchecked", "pass_1"), ("big_own_unchecked", "pass_40")):
        which = writer.split("_")[0]
        low, high = gap(writer, f"{which}_start", metric)
        assert low < 0 < high
        assert gap(writer, f"{which}_human", metric)[0] > 0


def test_more_tries_solve_no_fewer_tasks() -> None:
    for writer in WRITERS:
        means = [lesson_12.values(writer, f"pass_{k}").mean() for k in TRIES]
        assert means == sorted(means), writer


def test_the_rules_in_words_are_those_of_the_study() -> None:
    assert set(lesson_12.EXPECTED) == set(size.RULES)
    for rule, words in lesson_12.EXPECTED.items():
        assert ("below" in words) == (size.RULES[rule].sign < 0), rule
        forty = any(term.metric != "pass_1" for term in size.RULES[rule].terms)
        assert ("pass@40" in words) == forty, rule
    found = lesson_12.expected().reset_index(drop=True)
    effects = size.effects(studies.load("size")).set_index("rule").loc[list(lesson_12.EXPECTED)]
    for mine, theirs in (("found", "difference"), ("low", "low"), ("high", "high"), ("p", "p")):
        assert found[mine].to_numpy() == pytest.approx(effects[theirs].to_numpy(), abs=6e-4)


def test_an_arm_may_use_what_the_study_gave_it() -> None:
    table, known = lesson_12.budgets(), size.SETTINGS
    assert list(table.index) == ["reference only", "unchecked", "checked"]
    assert set(table["steps"]) == {known["rounds"] * known["round_steps"]}
    tasks = known["rounds"] * known["round_tasks"]
    assert table["written"].tolist() == [0, tasks, tasks * known["attempts"]]
    assert table["tested"].tolist() == [0, 0, tasks * known["attempts"]]
    assert set(table["exam"]) == {known["sets"]["n_test"] * known["exam"]["attempts"]}
    begun = lesson_12.starts()
    assert begun["steps"].tolist() == [
        known["start_steps"][one] for one in ("small", "small", "big", "big")
    ]
    assert begun.loc["big, start", "pass@40"] == pytest.approx(
        studies.summary("size")["big_start_pass_40_g0"], abs=0.006
    )


def test_what_the_big_one_gains_more_is_paired_by_seed() -> None:
    numbers = studies.summary("size")
    table = lesson_12.gains_by_size()
    for row, rule in (("minus start", "gain"), ("minus reference only", "beyond")):
        small, big = (numbers[f"{one}_own_checked_{rule}_pass_1"] for one in ("small", "big"))
        assert table.loc[row, "big minus small"] == pytest.approx(big - small, abs=1.1e-3)
        assert table.loc[row, "low"] < table.loc[row, "big minus small"] < table.loc[row, "high"]


@pytest.mark.parametrize(("twin", "third"), [(0.1, 0), (0.2, 1), (0.4, 2), (-0.1, 0), (0.9, 2)])
def test_the_twins_share_is_one_of_three(
    monkeypatch: pytest.MonkeyPatch, twin: float, third: int
) -> None:
    known = {"own": 0.0, "twin": twin, "other": 0.5}
    monkeypatch.setattr(
        lesson_12, "values", lambda writer, _: pd.Series([known[writer.split("_")[1]]] * 2)
    )
    assert lesson_12.twin_share() == lesson_12.THIRDS[third]
    assert all(f'"{words}"' in LESSON for words in lesson_12.THIRDS)


def test_an_interval_may_come_in_a_series() -> None:
    def answer(table: pd.DataFrame) -> pd.Series:
        gap = table["big_own_unchecked"] - table["big_human"]
        low, high = stats.ttest_1samp(gap, 0).confidence_interval()
        return pd.Series([gap.mean(), low, high])

    assert exercises.worth.judge(answer, np.random.default_rng(1)) is None


def test_the_sliders_draw() -> None:
    explorer = lesson_12.size_explorer()
    assert explorer.error is None
    before = explorer.html
    explorer.set(k=20)  # the first slider, before the switch
    assert explorer.wait(60)
    said = [re.findall(r'alt="([^"]*)"', html) for html in (before, explorer.html)]
    assert said[0] != said[1]
    explorer.set(more=True, against="big, start", k=40)
    assert explorer.wait(60)
    assert explorer.error is None


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="writer must be one of"):
        lesson_12.size_picture("the huge one")
    with pytest.raises(ValueError, match="against must be one of"):
        lesson_12.size_picture(against="nobody")
    with pytest.raises(ValueError, match="k must be one of"):
        lesson_12.size_picture(k=3)
    with pytest.raises(ValueError, match="pass_40"):
        lesson_12.values("small_half_human", "pass_40")
