"""What lesson 02 says in words, against the exact law; and the helpers that it alone uses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import loggamma

from helpers import plots, studies, theory
from helpers.explorers.lesson_02 import three_errors_picture
from helpers.explorers.quick_runs import ERRORS, error_runs
from helpers.teaching import class_tallies, simulated_class
from helpers.teaching.dice import other_rooms


def chance_above(level: float, n: int, t: int, weighted: bool = False) -> float:
    """P(unbiased variance after t fits > level), or the share of the expectation held by these.

    log v is a sum of t logarithms of gamma variables, inverted by Gil-Pelaez (1951). A run drawn
    in proportion to its variance has gamma variables with one more unit of shape.
    """
    half = (n - 1) / 2
    shape, x = half + weighted, np.log(level)

    def integrand(u: float) -> float:
        power = loggamma(shape + 1j * u) - loggamma(shape) - 1j * u * np.log(half)
        return float(np.exp(t * power - 1j * u * x).imag / u)

    return 0.5 + quad(integrand, 0, np.inf, limit=500, epsabs=1e-12)[0] / np.pi


def test_half_of_the_expectation_sits_in_one_run_out_of_half_a_million() -> None:
    level = brentq(lambda v: chance_above(v, 10, 100, weighted=True) - 0.5, 1e3, 1e6)
    assert level == pytest.approx(46_000, rel=0.01)
    assert 1 / chance_above(level, 10, 100) == pytest.approx(536_000, rel=0.01)


def test_the_exact_median_and_the_answer_of_exercise_b() -> None:
    assert chance_above(1.034e-5, 10, 100) == pytest.approx(0.5, abs=1e-3)
    assert chance_above(1.0, 10, 100) == pytest.approx(0.0095, abs=5e-4)
    assert chance_above(0.5, 145, 100) < 0.5 < chance_above(0.5, 146, 100)


def test_statistical_error_follows_the_law() -> None:
    # 4,000 runs at n = 100, 10 fits: standard error of the mean 2 per cent; MLE.
    errors = error_runs(ERRORS[0], 100, 9, 4000, np.random.default_rng(101))
    assert errors.shape == (10, 4000)
    expected = theory.gaussian_wasserstein_replace(100, 10)
    assert errors[-1].mean() == pytest.approx(expected, rel=0.1)


def test_a_large_sample_lays_the_other_two_errors_bare() -> None:
    humps, stopped = (
        error_runs(error, 100_000, 30, 3, np.random.default_rng(102)) for error in ERRORS[1:]
    )
    # All of the damage of one bell for two humps is there after the first fit.
    assert humps[-1] == pytest.approx(humps[0], rel=0.1)
    # The stopped fit tends to where its optimiser starts, sd 1/2: (1 - 1/2)**2.
    assert stopped[0].max() < 0.01
    assert (stopped[-1] > 0.2).all()
    assert (stopped[-1] < 0.25).all()


def test_error_runs_name_a_bad_argument() -> None:
    with pytest.raises(ValueError, match="error must be one of"):
        error_runs("overfitting", 10, 3, 2, np.random.default_rng(0))


def test_three_errors_share_an_axis_and_say_their_numbers() -> None:
    picture = three_errors_picture(small=20, large=2000, rounds=5)
    assert all(error in picture.summary for error in ERRORS)
    assert "n = 2,000" in picture.alt


def test_rooms_follow_the_law_of_the_gaussian() -> None:
    rooms = other_rooms(300, seed=103)
    assert sorted(rooms.columns) == ["generation", "metric", "run", "value"]
    means = rooms.groupby("generation").value.mean()
    law = theory.gaussian_variance_replace(6, np.arange(9)) * 35 / 12
    # 2,100 cards; a card's last variance has sd about 1: standard error 0.022.
    assert means.to_numpy() == pytest.approx(law, abs=0.1)
    assert other_rooms(2, seed=1, blue=3).equals(other_rooms(2, seed=1, blue=3))


def test_published_numbers_by_their_key() -> None:
    assert studies.published("kazdan_gaussian_replace_n100_median_variance") == 0.141
    with pytest.raises(ValueError, match="key must be one of"):
        studies.published("nobody")


def test_a_live_run_may_have_a_name_and_a_green_arm_is_green() -> None:
    frame = pd.DataFrame({"generation": [0, 1] * 2, "metric": "m", "value": [1.0, 2, 3, 4],
                          "arm": ["green"] * 2 + ["blue"] * 2})  # fmt: skip
    live = frame.iloc[:2].drop(columns="arm")
    assert "Colleague ends at 2" in plots.band(frame, "m", live=live, live_name="colleague").alt
    looks = plots.style.styles(["green", "blue"])
    assert looks["green"].colour == plots.PALETTE["green"]
    assert looks["blue"].colour == plots.PALETTE["blue"]


def test_one_card_at_home_joins_a_simulated_room() -> None:
    mine = class_tallies("blue 643322211 555555\nblue 123")
    room = mine.beside(simulated_class(0))
    assert [pair.number for pair in room.pairs] == list(range(1, 12))
    assert room.last_rows("blue")[0].tolist() == [5] * 6
    assert len(room.slips) == 1
