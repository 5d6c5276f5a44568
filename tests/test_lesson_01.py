"""Lesson 01: its explorer, and what its cells resolve; what it says in words: claims_01.py."""

from __future__ import annotations

import re

import numpy as np
import pytest

from helpers import studies
from helpers.data import robots, stocks
from helpers.explorers import lesson_01

NUMBERS = studies.summary("squeeze")


# ---------------------------------------------------------------------- what a cell resolves


def test_the_answer_of_the_prediction() -> None:
    rise, usual = (
        NUMBERS[f"debugger_{arm}_minus_all_others_debugger"] for arm in ("closed", "random")
    )
    assert rise < usual / 4, "hardly moves, or falls"


def test_the_forecast_that_is_printed_is_the_recorded_one() -> None:
    dates = stocks.forecast(200_000, np.random.default_rng(0))
    printed = np.quantile(dates, [0.025, 0.5, 0.975]).round(1)
    recorded = [NUMBERS[f"forecast_{end}"] for end in ("low", "middle", "high")]
    assert printed == pytest.approx(np.round(recorded, 1), abs=1e-6)
    spread = studies.load("squeeze").query("arm == 'forecast'").groupby("metric")["value"].std()
    assert spread.max() < 0.02, "one decimal does not depend on the seed"


def test_the_quiz_on_the_star() -> None:
    text = "User-agent: *\nDisallow: /\n\nUser-agent: CCBot\nDisallow: /shop/\n"
    assert robots.allowed(text, "CCBot", "/news/today.html")
    assert not robots.allowed(text, "CCBot", "/shop/x")
    assert not robots.allowed(text, "GPTBot", "/news/today.html")


# ---------------------------------------------------------------------- pictures and sliders


@pytest.mark.parametrize("view", lesson_01.VIEWS)
def test_the_same_settings_give_the_same_picture(view: str) -> None:
    one, again = (lesson_01.squeeze_picture(view=view) for _ in range(2))
    assert one.png == again.png
    assert one.summary != lesson_01.squeeze_picture(growth=1.5, view=view).summary


def test_dates_stand_in_the_title() -> None:
    alt = lesson_01.squeeze_picture().summary
    assert "largest training set" in alt
    title = lesson_01.squeeze_picture().figure.texts[0].get_text()
    assert title == "They meet in 2028.0 (95 %: 2026.1 to 2030.7)"
    assert "after 2100" in lesson_01.squeeze_picture(growth=1.03).figure.texts[0].get_text()


def test_other_inputs_count_only_when_they_are_mine() -> None:
    published = lesson_01.squeeze_picture().summary
    assert lesson_01.squeeze_picture(closed=60).summary == published
    assert lesson_01.squeeze_picture(closed=60, others="mine").summary != published


def test_the_sliders_draw() -> None:
    explorer = lesson_01.squeeze_explorer()
    assert explorer.error is None
    greyed = {name: box.disabled for name, box in explorer._inputs.items()}
    assert [name for name, off in greyed.items() if not off] == ["growth", "view", "others"]
    for view in lesson_01.VIEWS:
        explorer.set(view=view, others="mine", closed=60, growth=1.1)
        assert explorer.wait()
        assert explorer.error is None, view


def test_what_the_share_of_machines_does_not_ask_for_is_grey() -> None:
    explorer = lesson_01.squeeze_explorer()
    before = lesson_01.squeeze_picture(others="mine", view=lesson_01.VIEWS[2]).alt
    explorer.set(view=lesson_01.VIEWS[2], others="mine")
    live = {name for name, box in explorer._inputs.items() if not box.disabled}
    assert live == {"growth", "view", "others", "stock", "published"}
    idle = {"usable": 40, "repetition": 1, "tokens_per_parameter": 400, "closed": 60}
    assert live | set(idle) == set(explorer._inputs)
    assert lesson_01.squeeze_picture(others="mine", view=lesson_01.VIEWS[2], **idle).alt == before
    assert explorer.wait()


def test_the_figures_say_what_they_show() -> None:
    for theme in lesson_01.THEMES:
        picture = lesson_01.door_picture(theme)
        assert len(re.findall(r"topic closed|random rows", picture.summary)) == 6
    assert "Whole web" in lesson_01.stocks_picture().alt
    moves = lesson_01.squeeze_picture(view="what moves the date")
    assert "range over one input" in moves.alt, "a range of one input is no interval of the date"
    assert "95 %" not in moves.alt


def test_the_figure_of_the_closed_topic_draws_what_was_recorded() -> None:
    """Three decimals took an interval that lies below 0 for one that holds it."""
    recorded = studies.summary("squeeze")
    for theme in lesson_01.THEMES:
        ends = [f"{theme}_closed_minus_all_others_{theme}{end}" for end in ("", "_low", "_high")]
        drawn = lesson_01.door_picture(theme).table.iloc[1, 1:].tolist()
        assert drawn == [recorded[end] for end in ends]
    below = lesson_01.door_picture("debugger").alt.split("; ")[-1]
    assert "topic closed: on all other text wholly below" in below


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="view must be one of"):
        lesson_01.squeeze_picture(view="all")
    with pytest.raises(ValueError, match="factor must be"):
        lesson_01.squeeze_picture(growth=1)
    with pytest.raises(ValueError, match="theme must be one of"):
        lesson_01.door_picture("poetry")
    with pytest.raises(ValueError, match="until must be"):
        lesson_01.stocks_picture(until=2024)
