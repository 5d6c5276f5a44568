"""Definitions of collapse that know fits, and answer with a number, an interval, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from helpers import metrics
from helpers.metrics import Reading, Thresholds, readings
from helpers.metrics.readings import verdict_of

FITS = np.array([1, 2, 3, 5, 10, 15, 20, 30, 40])  # as in the recorded regression
EVERY = np.arange(1, 41)
BOUNDED, LOGARITHM = np.cumsum(1 / EVERY**2), np.cumsum(1 / EVERY)
NAN = float("nan")


@pytest.mark.parametrize(("whole", "diverges"), [(BOUNDED, False), (LOGARITHM, True)])
def test_a_thinned_curve_is_judged_by_its_fits(whole: np.ndarray, diverges: bool) -> None:
    thin = whole[FITS - 1]
    assert metrics.diverging_risk(whole) is diverges
    assert metrics.diverging_risk(thin, fits=FITS) is diverges
    name = "diverging risk"
    assert metrics.collapse_verdicts(risk=thin, fits=FITS)[name] is diverges
    found = readings(risk=thin, fits=FITS)[name]
    assert found.verdict == ("yes" if diverges else "no")
    exact = (whole[39] - whole[19]) / (whole[19] - whole[9])
    assert found.number == pytest.approx(exact)
    assert metrics.diverging_risk(thin, fits=FITS, ratio=exact + 0.01) is False


def test_points_taken_for_fits_give_the_wrong_answer() -> None:
    """What `fits` is for: the bounded curve passes for an endless one."""
    some = np.array([1, 2, 3, 4, 5, 10, 20, 40])
    assert metrics.diverging_risk(BOUNDED[some - 1])
    assert not metrics.diverging_risk(BOUNDED[some - 1], fits=some)


def test_between_recorded_fits_the_curve_is_straight_in_their_logarithm() -> None:
    some = np.array([1, 4, 11, 28, 64])  # none at 16 or 32
    assert readings(risk=np.log(some), fits=some)["diverging risk"].number == pytest.approx(1)


def test_a_curve_without_rise_before() -> None:
    found = [
        readings(risk=curve)["diverging risk"].number
        for curve in ([1.0] * 8, [1.0] * 4 + [2.0] * 4, np.arange(8, 0, -1.0))
    ]
    assert found == [0, np.inf, 0]


@pytest.mark.parametrize(
    ("fits", "message"),
    [
        ([1, 2, 4, 7], "end at 8 or later"),
        ([5, 6, 8, 16], "have a value up to a quarter"),
        ([1, 2, 3, 100], "and one between"),
    ],
)
def test_too_few_fits_measure_nothing(fits: list[int], message: str) -> None:
    found = readings(risk=[1, 2, 3, 4], fits=fits)
    assert found["diverging risk"].verdict == "not measured"
    assert message in found["diverging risk"].rule
    assert found["any risk increase"].verdict == "yes"
    with pytest.raises(ValueError, match="fits must"):
        metrics.diverging_risk([1, 2, 3, 4], fits=fits)


def test_a_slope_that_gets_steeper_is_no_collapse() -> None:
    sizes, first = [10, 100], [1.0, 0.1]
    for moved in (-0.16, -3.0, 0.05):
        assert not metrics.scaling_law_change(sizes, first, [1.0, 0.1 * 10**moved])
    found = readings(scaling=(sizes, first, [1.0, 0.1 * 10**0.16]))["scaling law change"]
    assert (found.verdict, round(found.number, 6)) == ("yes", 0.16)


WHOLE: dict[str, Any] = {
    "risk": [1, 1.2], "uninformed": 2.0, "variance": [1, 0.4], "modes": [2, 2],
    "tail": [10, 4], "invented": [0.0, 0.2],
}  # fmt: skip


@pytest.mark.parametrize("broken", [[1.0], [1.0, NAN], [[1.0, 0.5], [1.0, NAN]], [np.inf, 1.0]])
@pytest.mark.parametrize("series", ["risk", "variance", "modes", "tail", "invented"])
def test_nan_or_one_point_is_not_measured_and_never_a_no(series: str, broken: Any) -> None:
    whole, found = readings(**WHOLE), readings(**{**WHOLE, series: broken})
    spoilt = {name for name in whole if whole[name].verdict != found[name].verdict}
    for name in spoilt:
        assert found[name].verdict == "not measured"
        assert np.isnan(found[name].number)
        assert found[name].rule.startswith(f"not measured: {series} h")
    assert len(spoilt) == (2 if series == "risk" else 1)
    letters = metrics.collapse_verdicts(**{**WHOLE, series: broken})
    assert all(letters[name] is None for name in spoilt)


def test_one_value_is_no_series() -> None:
    for call in (metrics.lost_tail, metrics.any_risk_increase, metrics.hallucination):
        with pytest.raises(ValueError, match="must hold at least 2 values, got 1"):
            call([1.0])


def test_a_series_that_starts_at_nothing_is_not_measured() -> None:
    found = readings(tail=[0, 0])["lost tail"]
    assert (found.verdict, found.rule) == (
        "not measured", "not measured: tail starts at 0: no share of it can be taken"
    )  # fmt: skip


def test_the_interval_decides() -> None:
    """Ten seeds that agree, and ten of which half lose it all."""
    rng = np.random.default_rng(0)
    start = np.full(10, 10.0)
    sure = np.stack([start, 2 + 0.1 * rng.standard_normal(10)], axis=1)
    split = np.stack([start, np.tile([0.0, 9.0], 5)], axis=1)
    kept = np.stack([start, 9 + 0.1 * rng.standard_normal(10)], axis=1)
    one, two, three = (readings(tail=rows)["lost tail"] for rows in (sure, split, kept))
    assert (one.verdict, two.verdict, three.verdict) == ("yes", "cannot tell", "no")
    assert two.number == pytest.approx(0.45)
    assert two.low < 0.45 < 0.5 < two.high
    assert readings(tail=split)["lost tail"] == two  # no dice in an answer
    assert readings(tail=split[:1])["lost tail"].verdict == "cannot tell"


def test_the_interval_of_a_mean_has_the_width_of_the_bootstrap() -> None:
    rng = np.random.default_rng(1)
    rows = np.stack([np.zeros(200), rng.standard_normal(200)], axis=1)
    found = readings(invented=rows, resamples=4000)["hallucination"]
    error = rows[:, 1].std() / np.sqrt(200)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.08)
    assert (found.high + found.low) / 2 == pytest.approx(rows[:, 1].mean(), abs=0.1 * error)


def test_means_and_medians() -> None:
    """One wide run holds the mean of the variance; the typical run has lost it."""
    rows = np.array([[1.0, 0.01]] * 8 + [[1.0, 30.0]])
    by = {centre: readings(variance=rows, tail=rows, centre=centre) for centre in
          ("usual", "mean", "median")}  # fmt: skip
    numbers = {c: (f["collapsing variance"].number, f["lost tail"].number) for c, f in by.items()}
    mean = rows[:, 1].mean()
    assert numbers["usual"] == pytest.approx((0.01, mean))
    assert numbers["mean"] == pytest.approx((mean, mean))
    assert numbers["median"] == pytest.approx((0.01, 0.01))


def test_every_threshold_can_be_moved() -> None:
    sizes = [10, 100]
    run: dict[str, Any] = {
        **WHOLE, "risk": LOGARITHM, "uninformed": 10.0,
        "scaling": (sizes, [1, 0.1], [1, 0.1 * 10**0.2]), "modes": [2, 0.8],
    }  # fmt: skip
    usual = readings(**run)
    strict = Thresholds(ignorance=0.4, rise=5, doubling=2, slope=0.3, variance=0.3, modes=0.3,
                        tail=0.3, invented=0.3)  # fmt: skip
    moved = readings(**run, thresholds=strict)
    assert [r.verdict for r in usual.values()] == ["no"] + ["yes"] * 7
    assert [r.verdict for r in moved.values()] == ["yes"] + ["no"] * 7
    assert [r.number for r in usual.values()] == [r.number for r in moved.values()]
    assert moved["lost tail"].rule == "rare things, last over first: less than 0.3"
    assert metrics.catastrophic_risk([1, 4], uninformed=10, share=0.4)
    assert not metrics.catastrophic_risk([1, 4], uninformed=10)


def test_letters_and_readings_agree() -> None:
    run: dict[str, Any] = {**WHOLE, "risk": BOUNDED, "uninformed": 1.2}
    letters, found = metrics.collapse_verdicts(**run), readings(**run)
    assert list(letters) == list(found)
    assert letters == {
        "catastrophic risk": metrics.catastrophic_risk(BOUNDED, 1.2),
        "any risk increase": metrics.any_risk_increase(BOUNDED),
        "diverging risk": metrics.diverging_risk(BOUNDED),
        "scaling law change": None,
        "collapsing variance": metrics.collapsing_variance(run["variance"]),
        "lost modes": metrics.lost_modes(run["modes"]),
        "lost tail": metrics.lost_tail(run["tail"]),
        "hallucination": metrics.hallucination(run["invented"]),
    }
    assert all(isinstance(one, Reading) for one in found.values())


def test_an_answer_is_one_of_four() -> None:
    assert verdict_of(0.4, 0.3, 0.45, "less than", 0.5) == "yes"
    assert verdict_of(0.4, 0.3, 0.5, "less than", 0.5) == "cannot tell"
    assert verdict_of(0.6, 0.5, 0.7, "less than", 0.5) == "no"
    assert verdict_of(1.0, 1.0, 1.0, "at least", 1.0) == "yes"
    assert verdict_of(1.0, 1.0, 1.0, "more than", 1.0) == "no"
    assert verdict_of(NAN, NAN, NAN, "more than", 1.0) == "not measured"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: readings(risk="abc"), TypeError, "risk must hold real numbers"),
        (lambda: readings(tail=np.zeros((2, 2, 2))), ValueError, "tail must have shape"),
        (lambda: readings(tail=[]), ValueError, "tail must have shape"),
        (lambda: readings(tail=[1, 2], centre="mode"), ValueError, "centre must be one of"),
        (lambda: readings(risk=[1, 2], uninformed=0), ValueError, "uninformed must not be 0"),
        (lambda: readings(risk=[1, 2], fits=[2, 1]), ValueError, "fits must hold 2 rising"),
        (lambda: readings(scaling=([1, 1], [1, 1], [1, 1])), ValueError, "sizes must be differ"),
        (lambda: readings(scaling=([1, 2], [1], [1, 1])), ValueError, "first and last must have"),
        (lambda: Thresholds(tail=2), ValueError, "tail must be"),
        (lambda: Thresholds(rise=-1), ValueError, "rise must be"),
    ],
)
def test_what_cannot_be_read_is_named(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_scaling_that_cannot_be_taken_is_not_measured() -> None:
    for given in (([10], [1], [1]), ([1, 10], [1, 0.1], [1, NAN]), ([1, 10], [1, 0], [1, 1])):
        assert readings(scaling=given)["scaling law change"].verdict == "not measured"
