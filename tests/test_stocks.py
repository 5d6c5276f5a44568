"""How much text there is: estimates, the forecast, machine-made text; closed forms of lesson 01."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import studies, theory
from helpers.data import stocks
from helpers.data.stocks import Estimate

PAPER = {
    "common_crawl": stocks.STOCKS["Common Crawl"],
    "indexed_web": stocks.STOCKS["indexed web"],
    "whole_web": stocks.STOCKS["whole web"],
}


@pytest.mark.parametrize("name", PAPER)
def test_stocks_are_the_published_ones(name: str) -> None:
    ends = [studies.published(f"villalobos_{name}_{end}") for end in ("low", "middle", "high")]
    assert ends == [PAPER[name].low, PAPER[name].middle, PAPER[name].high]


def test_growth_and_its_limits_are_the_published_ones() -> None:
    for end in ("low", "middle", "high"):
        decades = studies.published(f"villalobos_growth_{end}")
        assert np.log10(getattr(stocks.GROWTH, end)) == pytest.approx(decades)
    assert stocks.USABLE.low == studies.published("villalobos_usable_low")
    assert stocks.USABLE.high == studies.published("villalobos_usable_high")
    assert stocks.REPETITION.low == studies.published("villalobos_repetition_low")
    assert stocks.REPETITION.high == studies.published("villalobos_repetition_high")
    words = studies.published("villalobos_words_a_day") * 365 * 4 / 3 / 1e12
    assert pytest.approx(words, rel=0.01) == stocks.WORDS


def test_the_middle_was_chosen_to_be_the_published_one() -> None:
    middles = [e.middle for e in (stocks.STOCKS["indexed web"], stocks.USABLE, stocks.REPETITION)]
    whole = studies.published("villalobos_tokens_at_full_use")
    assert np.prod(middles) * 1e12 == pytest.approx(whole, rel=0.01)
    date = stocks.run_out(*middles, stocks.START.middle, stocks.GROWTH.middle)
    assert date == pytest.approx(studies.published("villalobos_median_year"), abs=0.05)


def test_an_estimate_goes_through_its_three_numbers() -> None:
    estimate = Estimate(510, 130, 2100)
    assert estimate.quantile([0.025, 0.5, 0.975]) == pytest.approx([130, 510, 2100])
    drawn = estimate.draws(200_000, np.random.default_rng(100))
    assert drawn.min() > 0
    # 200,000 draws: the 2.5 % quantile has a standard error of about 1 per cent.
    assert np.quantile(drawn, [0.025, 0.5, 0.975]) == pytest.approx([130, 510, 2100], rel=0.05)
    assert Estimate(300, 100, 1000, level=0.9).quantile([0.025, 0.975]) == pytest.approx(
        [81, 1259], rel=0.01
    )


def test_a_normal_curve_puts_text_below_zero() -> None:
    assert stocks.normal_below_zero(Estimate(510, 130, 2100)) == pytest.approx(0.155, abs=0.001)
    assert stocks.normal_below_zero(Estimate(100, 99, 101)) < 1e-9


def test_dates_move_by_the_logarithm_of_what_is_there() -> None:
    here = stocks.run_out(510, 0.2, 3.9, 12, 2.4)
    more = stocks.run_out(5100, 0.2, 3.9, 12, 2.4)
    assert more - here == pytest.approx(theory.years_bought(10, 2.4)) == pytest.approx(2.63, 1e-2)
    closed = stocks.run_out(510, 0.2, 3.9, 12, 2.4, closed=0.28)
    assert here - closed == pytest.approx(theory.years_bought(1 / 0.72, 2.4))
    # Five times the tokens a parameter at equal compute: the root of five times the tokens.
    hungry = stocks.run_out(510, 0.2, 3.9, 12, 2.4, tokens_per_parameter=100)
    assert here - hungry == pytest.approx(theory.years_bought(5**0.5, 2.4))
    assert theory.years_bought(0.5, 2) == -1


def test_the_forecast_and_what_moves_it() -> None:
    dates = stocks.forecast(200_000, np.random.default_rng(100))
    assert np.quantile(dates, [0.025, 0.5, 0.975]) == pytest.approx([2026.1, 2028, 2030.7], abs=0.1)
    table = stocks.drivers()
    assert table["label"].tolist() == ["stock", "growth", "usable", "start", "repetition"]
    widths = (table["high"] - table["low"]).round(1).tolist()
    assert widths == [3.2, 2.5, 1.6, 0.9, 0.6]


def test_no_stock_lasts_beyond_2040_unless_growth_falls() -> None:
    def year(stock: str, growth: float, **largest: float) -> float:
        middles = {name: e.middle for name, e in stocks.inputs(stock).items()}
        return float(stocks.run_out(**(middles | {"growth": growth} | largest)))

    assert year("whole web", 2.4) < 2031
    assert year("indexed web", 1.26) < 2040 < year("indexed web", 1.24)
    assert year("whole web", 1.41) < 2040 < year("whole web", 1.38)
    largest = {"usable": 0.4, "repetition": 5.0}  # where the sliders end
    assert year("whole web", 2.4, **largest) < 2032
    assert year("indexed web", 1.33, **largest) < 2040 < year("indexed web", 1.32, **largest)
    assert year("whole web", 1.48, **largest) < 2040 < year("whole web", 1.47, **largest)


def test_estimates_around_another_middle() -> None:
    assert stocks.about(0.4, stocks.USABLE) == Estimate(0.4, 0.2, 0.8)
    usual = stocks.growing(stocks.GROWTH.middle)
    assert (usual.low, usual.high) == pytest.approx((stocks.GROWTH.low, stocks.GROWTH.high))
    slow = stocks.growing(1.1)
    assert 1 < slow.low < slow.middle < slow.high
    changed = stocks.inputs("Common Crawl", growth=slow)
    assert changed["growth"] is slow
    assert changed["stock"].middle == 130


def test_machine_text_in_half_of_what_is_new() -> None:
    table = stocks.machine_text(0.01, 2.4, until=2030).set_index(["arm", "generation"])["value"]
    new, there = table["of what is new"], table["of all there is"]
    # 1 % of 49 T, 2.4 times a year, meets 5 % of 510 T in the middle of 2028.
    assert new[2028] < 50 < new[2029]
    assert new[2030] == pytest.approx(79, abs=0.5)
    assert there[2028] < 5
    assert (there < new).all()
    slow = stocks.machine_text(0.01, 1.5, until=2030).set_index(["arm", "generation"])["value"]
    assert slow["of what is new"][2030] == pytest.approx(18, abs=0.5)
    assert (stocks.machine_text(0, 2.4)["value"] == 0).all()
    flat = stocks.machine_text(0.5, 1.0, people=0)
    assert flat["value"].to_numpy()[:9] == pytest.approx(100)


def test_a_detector_is_corrected() -> None:
    # PAPERS, row 34.
    assert theory.prevalence(0.5, 0.042, 0.006) == pytest.approx(0.481, abs=5e-4)
    assert theory.prevalence(0.05, 0.042, 0.006) == pytest.approx(0.008, abs=5e-4)
    assert theory.prevalence(0.03, 0.042, 0.006) == 0
    truth = 0.3
    seen = truth * (1 - 0.1) + (1 - truth) * 0.2
    assert theory.prevalence(seen, 0.2, 0.1) == pytest.approx(truth)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Estimate(1, 2, 3), r"middle must be a finite number in \(2, inf\], got 1"),
        (lambda: Estimate(1, 0, 3), "low must be"),
        (lambda: Estimate(1, 0.5, 3, level=1), "level must be a number between 0 and 1, got 1"),
        (lambda: stocks.run_out(510, 0.2, 3.9, 12, 1), "growth must be above 1 a year, got 1"),
        (lambda: stocks.run_out(510, 0.2, 3.9, 12, 2, closed=1.2), r"closed must be .*got 1\.2"),
        (lambda: stocks.run_out(510, 0.2, 3.9, 12, 2, closed=1), "closed must be below 1"),
        (lambda: stocks.inputs("darknet"), "stock must be one of 'Common Crawl'"),
        (lambda: stocks.inputs(grwth=stocks.GROWTH), "name must be one of 'stock'"),
        (lambda: stocks.growing(1), "factor must be"),
        (lambda: stocks.machine_text(1.5), r"published must be .*got 1\.5"),
        (lambda: stocks.machine_text(0.1, until=2024), "until must be"),
        (lambda: theory.years_bought(10, 1), r"growth must be .*got 1"),
        (lambda: theory.years_bought(0, 2), r"factor must be .*got 0"),
        (lambda: theory.prevalence(0.5, 0.6, 0.4), "tells nothing, got 1"),
        (lambda: theory.prevalence(1.5, 0.1, 0.1), "observed must be"),
    ],
)
def test_bad_input_is_one_clear_sentence(wrong: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()  # type: ignore[operator]


def test_only_a_generator_draws() -> None:
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        stocks.GROWTH.draws(3, 0)  # type: ignore[arg-type]
