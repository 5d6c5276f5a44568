"""Lesson 05's recorded runs and their explorer; the pictures of text and of its surprise."""

import itertools
import json
import time

import numpy as np
import pandas as pd
import pytest

from helpers import plots, studies
from helpers.data.stories import StoryGrammar
from helpers.explorers import lesson_05 as le
from helpers.plots import page, spreads

EVERY = list(itertools.product(le.SAMPLERS, le.STARTS, le.POLICIES))


def recorded(sampler, start, policy):
    study, arm = le.home(sampler, start, policy)
    return arm in set(studies.load(study)["arm"])


# ---------------------------------------------------------------------- the picture


@pytest.mark.parametrize(("sampler", "start", "policy"), EVERY)
def test_every_setting_draws_in_every_view_or_says_that_it_is_not_recorded(sampler, start, policy):
    for view, generation in itertools.product(le.VIEWS, (0, 8)):
        made = le.story_picture(sampler, generation, start, policy, view)
        missing = made.summary.startswith("not recorded")
        assert missing != recorded(sampler, start, policy)
        if missing:
            assert sampler in made.alt
            assert policy in made.alt


def test_some_settings_are_recorded_and_each_shows_something_else():
    pictures = {}
    for sampler, start, policy in EVERY:
        if not recorded(sampler, start, policy):
            continue
        for view in le.VIEWS:
            # Two arms may hold all names for ever: the drawings still differ, by their titles.
            shown = le.story_picture(sampler, 3, start, policy, view).html()
            assert shown not in pictures, (sampler, start, policy, view, pictures[shown])
            pictures[shown] = (sampler, start, policy, view)
    assert len(pictures) == len(le.VIEWS) * len(EVERY)  # all of them are recorded


@pytest.mark.parametrize("view", le.VIEWS)
def test_each_generation_shows_something_else(view):
    made = [le.story_picture("T = 0.8", g, view=view) for g in range(6)]
    assert len({picture.alt for picture in made}) == 6
    if view != "page of text":
        assert [picture.table["generation"].max() for picture in made] == list(range(6))


def test_beyond_what_is_recorded_the_last_generation_is_shown_and_named():
    last, beyond = (le.story_picture("T = 0.5", g, view="page of text") for g in (5, 8))
    assert "generation 5 (the last recorded)" in beyond.alt
    assert "last recorded" not in last.alt
    assert last.alt.split("A page of text")[1] == beyond.alt.split("A page of text")[1]
    assert "last recorded" not in le.story_picture("T = 1", 8).alt


def test_a_page_reads_as_its_own_text():
    made = le.story_picture("T = 0.8", 4)
    lines = le.recorded_page("T = 0.8", 4)
    assert len(lines) == 8
    assert all(line in made.alt for line in lines)
    assert "<eos>" not in made.alt


def test_pages_are_the_rows_that_the_study_recorded():
    text = (studies.RESULTS / "gpt-texts.json").read_text("utf-8")
    rows = json.loads(text)["replace"][8]
    words = [line.replace("|", "<eos>").replace(".", " .").split() for line in
             le.recorded_page("T = 1", 8, rows=3)]  # fmt: skip
    assert [["<eos>", *line] for line in words] == [row.split() for row in rows[:3]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampler": "T = 2"}, "sampler must be one of"),
        ({"start": "nothing"}, "start must be one of"),
        ({"policy": "subsample"}, "policy must be one of"),
        ({"view": "smell"}, "view must be one of"),
        ({"generation": 9}, "generation must be at most 8"),
        ({"generation": -1}, "generation must be"),
        ({"generation": 2.5}, "generation must be"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        le.story_picture(**settings)


def test_a_setting_is_drawn_within_the_time_of_a_slider():
    assert le.story_picture().png  # the tables, and the fonts, are read once
    for view in le.VIEWS:
        started = time.thread_time()
        assert le.story_picture("T = 1", 8, view=view).png
        assert time.thread_time() - started < 0.3 * 3  # a busy machine is no failure


def test_the_explorer_moves():
    explorer = le.story_explorer()
    before = explorer.html
    explorer.set(generation=2, view="excess", policy="accumulate")
    assert explorer.wait()
    assert explorer.error is None
    assert "accumulate" in explorer.html
    assert explorer.html != before


# ---------------------------------------------------------------------- the numbers


def test_means_and_runs_are_those_of_the_study():
    summary = studies.summary("gpt_sampler")
    means = le.story_means("T = 0.8", 5)
    assert means["names_alive"] == pytest.approx(summary["t08_replace_names_alive_g5"])
    base = le.story_means("T = 1", 5, "base", "accumulate")
    tuned = studies.summary("gpt_fine_tuned")
    assert base["excess"] == pytest.approx(tuned["accumulate_excess_g5"], rel=1e-4)
    runs = le.story_runs("T = 1", until=5)
    assert set(runs["generation"]) == set(range(6))
    assert set(runs["arm"]) == {"T = 1"}
    assert runs["replicate"].nunique() == 10


def test_what_is_not_recorded_is_an_error_for_numbers(monkeypatch):
    with pytest.raises(ValueError, match="generation must be a recorded one"):
        le.story_means("T = 0.8", 8)
    with pytest.raises(ValueError, match="generation must be one of the 6 recorded"):
        le.recorded_page("T = 0.8", 8)
    monkeypatch.setitem(le.SAMPLERS, "T = 3", "t30_")
    with pytest.raises(ValueError, match="has no arm 't30_replace'"):
        le.story_runs("T = 3")


def test_an_arm_that_is_not_in_the_table_is_said_in_words(monkeypatch):
    monkeypatch.setitem(le.SAMPLERS, "T = 3", "t30_")
    for view in le.VIEWS:
        made = le.story_picture("T = 3", 2, view=view)
        assert made.summary == "not recorded: T = 3, from scratch, replace"


def test_live_rows_and_yardsticks_are_those_of_the_studies():
    from helpers.studies import stories  # loads torch

    real, yardsticks = le.story_data(100)
    assert np.array_equal(real, stories.data(100, "full")[0])
    begin = stories.start(100, "small")
    rows = begin.first.sample(60, np.random.default_rng(0))
    same = stories.measures(begin, begin.first, rows)
    for name in ("recall_tail", "names_alive", "distinct_3"):
        assert yardsticks[name](begin.first, rows) == pytest.approx(same[name])
    test = stories.data(100, "full")[1]
    excess = (StoryGrammar().token_log_probabilities(test) - begin.first.token_scores(test)).mean()
    assert yardsticks["excess"](begin.first, rows) == pytest.approx(excess)


# ---------------------------------------------------------------------- plots of language


def test_a_program_keeps_its_indent():
    made = page(["def f(xs):", "    return  xs[0]"])
    assert [text.get_text() for text in made.figure.texts] == ["def f(xs):", "    return xs[0]"]


def test_long_lines_are_broken_and_stay_inside_the_page():
    made = page(["word " * 60, "short"], title="A page")
    rows = [text.get_text() for text in made.figure.texts if text.get_family() == ["monospace"]]
    assert len(rows) > 4
    assert " ".join(" ".join(rows).split()) == "word " * 60 + "short"
    made.figure.canvas.draw()
    edge = made.figure.bbox.width
    assert all(text.get_window_extent().x1 < edge for text in made.figure.texts)


@pytest.mark.parametrize("lines", [[], [""], ["a", "  "]])
def test_an_empty_page_is_refused(lines):
    with pytest.raises(ValueError, match="lines must be"):
        page(lines)


def quantiles(low, high, generations=3):
    wanted = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    rows = {g: np.linspace(low + g, high + g, len(wanted)) for g in range(generations)}
    return pd.DataFrame.from_dict(rows, orient="index", columns=wanted)


def test_spreads_say_where_the_middle_and_the_tail_go():
    made = spreads({"left": quantiles(1, 3), "right": quantiles(2, 6)})
    assert made.summary == (
        "left: median 2 to 4, 99 % quantile 3 to 5 | right: median 4 to 6, 99 % quantile 6 to 8"
    )
    assert len(made.table) == 6
    assert len(made.figure.axes) == 2
    assert made.figure.axes[0].get_xlim() == made.figure.axes[1].get_xlim()


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "1 to 3 panels"),
        ({"a": quantiles(0, 1).drop(columns=0.5)}, "missing: \\[0.5\\]"),
        ({"a": quantiles(1, 0)}, "do not fall"),
        ({"a": quantiles(0, np.nan)}, "finite"),
        ({"a": "text"}, "must be a DataFrame"),
    ],
)
def test_bad_quantiles_are_refused(tables, message):
    with pytest.raises(ValueError, match=message):
        plots.spreads(tables)
