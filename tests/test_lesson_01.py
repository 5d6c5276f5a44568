"""Lesson 01: its explorer, and what it says in words against what is recorded and computed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from helpers import studies, theory
from helpers.data import robots, stocks
from helpers.explorers import lesson_01

TEXT = " ".join((Path(__file__).parent.parent / "lessons/01-the-data-squeeze.md")
                .read_text(encoding="utf-8").split())  # fmt: skip
NUMBERS = studies.summary("squeeze")


def says(sentence: str) -> None:
    """The lesson still says it: a claim that is reworded is looked at again."""
    assert sentence in TEXT, sentence


def change(theme: str, arm: str, metric: str) -> tuple[float, float, float]:
    """Mean difference to the model of all rows, and its interval."""
    key = f"{theme}_{arm}_minus_all_{metric}"
    return NUMBERS[f"{key}_low"], NUMBERS[key], NUMBERS[f"{key}_high"]


# ---------------------------------------------------------------------- the closed door


def test_the_three_rules_hold() -> None:
    says("Three rules were fixed before the run, and all three hold for all three topics")
    says("lose more than $0.3$ nats beyond what random rows cost; all others stay within $0.02$; "
         "the average moves by less than $0.15$ and less than a third")  # fmt: skip
    assert [NUMBERS[f"rule_{rule}"] for rule in ("part", "others", "average")] == [1, 1, 1]


def test_whom_the_closed_topic_hurts() -> None:
    says("Everybody else loses nothing that matters")
    low, _, high = change("debugger", "closed", "others_debugger")
    assert -0.003 < low < high < 0.003
    assert change("debugger", "random", "others_debugger")[0] > 0.01
    says("Two more topics say much the same")
    says("the others do lose, but less than half of what random rows cost them")
    low, mean, high = change("importing", "closed", "others_importing")
    assert low > 0
    assert high < change("importing", "random", "others_importing")[0] / 2 + 5e-4
    assert mean < change("importing", "random", "others_importing")[1] / 2
    assert change("formatting", "closed", "others_formatting")[2] < 0


def test_its_own_readers_bear_most_of_the_loss() -> None:
    says("Closing one topic cost its own readers most of what was lost, in all three topics")
    says("the average over everything moved by less than a seventh of what they lost")
    frame = studies.load("squeeze")
    one = frame.pivot_table(index="replicate", columns=["arm", "metric"], values="value")
    for theme in lesson_01.THEMES:
        closed, every = one[f"{theme}_closed"], one["all"]
        lost = {m: (closed[m] - every[m]).mean() for m in closed.columns}
        share = NUMBERS[f"{theme}_closed_rows_gone"]  # of the test rows, too
        own = share * lost[f"part_{theme}"]
        assert own > 0.6 * lost["everything"], theme
        assert lost["everything"] < lost[f"part_{theme}"] / 7


def test_the_words_that_are_gone() -> None:
    says("Random rows take")
    says("and none with more than a few uses")
    for theme in lesson_01.THEMES:
        closed, random = (NUMBERS[f"{theme}_{arm}_words_gone"] for arm in ("closed", "random"))
        assert closed > random
        assert NUMBERS[f"{theme}_random_commonest_gone"] < 5
        assert NUMBERS[f"{theme}_closed_commonest_gone"] > 9


def test_the_answer_of_the_prediction() -> None:
    rise, usual = (change("debugger", arm, "others_debugger")[1] for arm in ("closed", "random"))
    assert rise < usual / 4, "hardly moves, or falls"


# ---------------------------------------------------------------------- the forecast


def test_the_forecast_that_is_printed_is_the_recorded_one() -> None:
    dates = stocks.forecast(200_000, np.random.default_rng(0))
    printed = np.quantile(dates, [0.025, 0.5, 0.975]).round(1)
    recorded = [NUMBERS[f"forecast_{end}"] for end in ("low", "middle", "high")]
    assert printed == pytest.approx(np.round(recorded, 1), abs=1e-6)
    spread = studies.load("squeeze").query("arm == 'forecast'").groupby("metric")["value"].std()
    assert spread.max() < 0.02, "one decimal does not depend on the seed"


def test_what_is_said_of_the_inputs() -> None:
    says("The upper end is four times the middle, and so is the middle about four times the lower")
    indexed, crawl = stocks.STOCKS["indexed web"], stocks.STOCKS["Common Crawl"]
    assert indexed.high / indexed.middle == pytest.approx(4, abs=0.2)
    assert indexed.middle / indexed.low == pytest.approx(4, abs=0.2)
    says("For Common Crawl the two sides differ even there")
    assert np.log(crawl.high / crawl.middle) > 2 * np.log(crawl.middle / crawl.low)
    says("The stock is known to a factor of sixteen, and moves the date most")
    assert round(indexed.high / indexed.low) == 16
    says("about a quarter up or down, and comes second")
    growth = stocks.GROWTH
    assert growth.high / growth.middle - 1 == pytest.approx(0.25, abs=0.03)
    assert 1 - growth.low / growth.middle == pytest.approx(0.25, abs=0.03)
    assert stocks.drivers()["label"].tolist()[:2] == ["stock", "growth"]
    says("($10$ to $40$ per cent)")
    says("($3$ to $5$)")
    says("most of it comes from the published intervals")
    table = stocks.drivers().set_index("label")
    squared = (table["high"] - table["low"]) ** 2
    assert squared[["stock", "growth", "usable"]].sum() > 0.9 * squared.sum()


def test_what_is_said_of_dates() -> None:
    says("turns even large differences in the amount of text into a few years")
    assert theory.years_bought(10, 2.4) < 3
    says('"less than a year": "One doubling of the need takes less than that."')
    assert theory.years_bought(2, 2.4) < 1
    says("In the forecast all that is a matter of months")
    assert all(-12 * theory.years_bought(1 - share, 2.4) < 12 for share in (0.05, 0.28, 0.45))
    says("these sources own at most about a fifth of them")
    ends = [studies.published(f"longpre_{key}") for key in ("closed_tokens", "closed_maintained")]
    assert ends[0] / ends[1] == pytest.approx(0.18, abs=0.005)
    says("a fifth becomes anything from a seventh to a third")
    corpora, head = (
        [studies.published(f"longpre_{part}_{end}") for end in ("low", "high")]
        for part in ("corpora", "head")
    )
    assert [corpora[0] / head[1], corpora[1] / head[0]] == pytest.approx([1 / 7, 1 / 3], abs=0.02)


def test_what_is_said_of_machine_text() -> None:
    says("half of what is *new* in the middle of 2028 would be machine-made")
    says("about one part in twenty-five of all there *is*")
    made = 0.01 * stocks.WORDS
    flow, t = made * 2.4**4.5, 4.5
    assert flow / (flow + 0.05 * 510) == pytest.approx(0.5, abs=0.02)
    total = made * (2.4**t - 1) / np.log(2.4)
    assert total / (total + 510 + 25.5 * t) == pytest.approx(1 / 25, abs=0.005)
    says("A half stays about a half. A twentieth is nearly all mistakes of the detector")
    assert theory.prevalence(0.5, 0.042, 0.006) == pytest.approx(0.5, abs=0.03)
    assert theory.prevalence(0.05, 0.042, 0.006) < 0.01


# ---------------------------------------------------------------------- the robots files


def test_what_is_said_of_the_twelve_files() -> None:
    says("Nine of the twelve owners mean to keep the crawler GPTBot from their articles")
    says(
        "Seven files of nine shut out GPTBot by the standard. The old reader finds four, and one "
        "of them (number 5) means to let it in"
    )
    says("of our twelve files, four do not do what they mean even by the standard")
    says("of twelve files two readers agree wholly on six")
    shut = {
        name: [robots.closed_to(site, reader) for site in robots.SITES]
        for name, reader in (("new", robots.allowed), ("old", robots.allowed_first_match))
    }
    means = [site.means for site in robots.SITES]
    meant, new, old = (
        {n for n, crawlers in enumerate(some, 1) if "GPTBot" in crawlers}
        for some in (means, shut["new"], shut["old"])
    )
    assert (len(meant), len(new & meant), len(new), len(old), old - meant) == (9, 7, 7, 4, {5})
    assert sum(a != b for a, b in zip(shut["new"], means, strict=True)) == 4
    assert sum(a == b for a, b in zip(shut["new"], shut["old"], strict=True)) == 6
    says("The file above fails with both")
    assert all("GPTBot" not in shut[name][2] for name in shut)


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


def test_the_figures_say_what_they_show() -> None:
    for theme in lesson_01.THEMES:
        picture = lesson_01.door_picture(theme)
        assert len(re.findall(r"topic closed|random rows", picture.summary)) == 6
    assert "Whole web" in lesson_01.stocks_picture().alt


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="view must be one of"):
        lesson_01.squeeze_picture(view="all")
    with pytest.raises(ValueError, match="factor must be"):
        lesson_01.squeeze_picture(growth=1)
    with pytest.raises(ValueError, match="theme must be one of"):
        lesson_01.door_picture("poetry")
    with pytest.raises(ValueError, match="until must be"):
        lesson_01.stocks_picture(until=2024)
