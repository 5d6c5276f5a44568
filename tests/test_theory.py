"""Closed forms: values worked out by hand, identities between them, limits, and bad arguments.

That they agree with simulation is checked in test_check_table.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers import theory

UNIFORM = [0.25] * 4
# Every function of t, with its other arguments and the smallest t it allows.
CURVES: list[tuple[Callable[..., Any], dict[str, Any], int]] = [
    (theory.gaussian_variance_replace, {"n": 10}, 0),
    (theory.gaussian_variance_replace, {"n": 10, "ddof": 1}, 0),
    (theory.gaussian_mean_error_replace, {"n": 10}, 0),
    (theory.gaussian_mean_error_replace, {"n": 10, "ddof": 1}, 0),
    (theory.gaussian_geometric_variance_replace, {"n": 10, "ddof": 1}, 0),
    (theory.gaussian_sd_replace, {"n": 10}, 0),
    (theory.gaussian_wasserstein_replace, {"n": 10, "ddof": 1}, 0),
    (theory.gaussian_survival_bound, {"n": 10, "epsilon": 0.1}, 0),
    (theory.gaussian_variance_accumulate, {"n": 10}, 0),
    (theory.gaussian_mean_error_accumulate, {"n": 10}, 0),
    (theory.gaussian_sampling_bias, {"lam": 0.8}, 0),
    (theory.gaussian_mean_error_fresh, {"n": 10, "real_rows": 2}, 1),
    (theory.gaussian_variance_fresh, {"n": 10, "real_rows": 2}, 1),
    (theory.kde_variance_replace, {"n": 10, "bandwidth": 0.5}, 0),
    (theory.regression_error_replace, {"d": 3, "n": 10}, 0),
    (theory.regression_error_accumulate, {"d": 3, "n": 10}, 0),
    (theory.regression_error_synthetic_only, {"d": 3, "n": 10}, 1),
    (theory.overparametrised_error_replace, {"d": 10, "n": 3}, 0),
    (theory.heterozygosity, {"p": UNIFORM, "n": 10}, 0),
    (theory.poisson_survival, {"n": 10, "rate": 1.0}, 1),
    (theory.expected_unique, {"p": UNIFORM, "n": 10}, 1),
]
by_name = pytest.mark.parametrize(
    ("function", "arguments", "first"), CURVES, ids=lambda value: getattr(value, "__name__", "")
)


@by_name
def test_an_array_of_t_gives_the_values_one_by_one(
    function: Callable[..., Any], arguments: dict[str, Any], first: int
) -> None:
    times = np.array([[7, first], [3, 40]])
    curve = function(t=times, **arguments)
    assert curve.shape == times.shape
    for t, value in zip(times.ravel(), curve.ravel(), strict=True):
        alone = function(t=int(t), **arguments)
        assert isinstance(alone, float)
        assert alone == pytest.approx(value, rel=1e-12)
    assert function(t=[3, 40], **arguments) == pytest.approx(curve[1])


@by_name
@pytest.mark.parametrize("bad", [1.0, "3", [0.5, 1.0], None, True])
def test_t_must_be_integers(
    function: Callable[..., Any], arguments: dict[str, Any], first: int, bad: Any
) -> None:
    with pytest.raises(TypeError, match="t must be an integer"):
        function(t=bad, **arguments)


@by_name
def test_t_must_not_be_too_small(
    function: Callable[..., Any], arguments: dict[str, Any], first: int
) -> None:
    with pytest.raises(ValueError, match=f"t must be at least {first}"):
        function(t=[5, first - 1], **arguments)
    with pytest.raises(ValueError, match="t must be at least"):
        function(t=np.empty(0, dtype=int), **arguments)


@by_name
def test_n_is_checked(function: Callable[..., Any], arguments: dict[str, Any], first: int) -> None:
    if "n" not in arguments:
        return
    for bad, error in ((0, ValueError), (-3, ValueError), (2.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="n must be"):
            function(t=1, **{**arguments, "n": bad})


def test_before_any_fit_nothing_is_lost() -> None:
    assert theory.gaussian_variance_replace(10, 0) == 1
    assert theory.gaussian_mean_error_replace(10, 0) == 0
    assert theory.gaussian_wasserstein_replace(10, 0) == 0
    assert theory.regression_error_replace(3, 10, 0) == 0
    assert theory.regression_error_accumulate(3, 10, 0) == 0
    assert theory.overparametrised_error_replace(10, 3, 0) == 0
    assert theory.heterozygosity(UNIFORM, 10, 0) == 0.75
    assert theory.kde_variance_replace(10, 0, 0.5, variance=2.0) == 2.0


def test_one_fit_by_hand() -> None:
    assert theory.gaussian_variance_replace(4, 1) == 0.75
    assert theory.gaussian_variance_replace(4, 1, ddof=1) == 1
    assert theory.gaussian_mean_error_replace(4, 1) == 0.25
    assert theory.gaussian_variance_accumulate(4, 1) == 0.75
    assert theory.gaussian_variance_accumulate(4, 2) == pytest.approx(0.75 * (1 - 1 / 16))
    # With two samples the MLE's sd is |difference| / 2, of expectation sqrt(1/pi).
    assert theory.gaussian_sd_replace(2, 1) == pytest.approx(1 / math.sqrt(math.pi))
    assert theory.kde_variance_replace(4, 1, 1.0) == pytest.approx(0.75 * 2)
    assert theory.regression_error_replace(3, 10, 1, sigma=2.0) == pytest.approx(4 * 3 / 6)
    assert theory.regression_error_synthetic_only(3, 10, 1) == pytest.approx(3 / 6)
    assert theory.tail_loss_one_step(0.5, 3) == 0.125
    assert theory.expected_unique(UNIFORM, 8, 1) == pytest.approx(4 * (1 - math.exp(-2)))
    assert theory.strong_collapse_error(10, 100, 2.0, 0.5, 3.0) == pytest.approx(0.4 + 0.75)


@given(st.integers(2, 300), st.integers(0, 200))
def test_the_mle_splits_the_second_moment(n: int, t: int) -> None:
    spread = theory.gaussian_variance_replace(n, t)
    assert spread + theory.gaussian_mean_error_replace(n, t) == pytest.approx(1)
    kept = theory.gaussian_variance_accumulate(n, t)
    assert kept + theory.gaussian_mean_error_accumulate(n, t) == pytest.approx(1)
    assert spread <= kept + 1e-12


@given(st.integers(3, 300), st.integers(1, 200), st.integers(0, 1))
def test_the_typical_run_is_below_the_mean(n: int, t: int, ddof: int) -> None:
    geometric = theory.gaussian_geometric_variance_replace(n, t, ddof)
    assert geometric < theory.gaussian_sd_replace(n, t, ddof) ** 2
    assert theory.gaussian_sd_replace(n, t, ddof) ** 2 < theory.gaussian_variance_replace(
        n, t, ddof
    ) * (1 + 1e-12)


def test_limits() -> None:
    many = 5000
    for n in (4, 10, 100):
        angle = math.pi / math.sqrt(n)
        assert theory.gaussian_variance_accumulate(n, many) == pytest.approx(
            math.sin(angle) / angle, rel=1e-3
        )
    one = theory.regression_error_replace(10, 100, 1)
    accumulated = theory.regression_error_accumulate(10, 100, many) / one
    assert accumulated == pytest.approx(math.pi**2 / 6, rel=1e-3)
    alone = theory.regression_error_synthetic_only(10, 100, many) / one
    assert alone == pytest.approx(1 + math.pi**2 / 6, rel=1e-3)
    assert theory.kde_variance_replace(10, many, 0.5) == pytest.approx(9 * 0.25)


def test_halving_times() -> None:
    # "The typical variance halves every 0.69 n rounds (unbiased) or 0.34 n (MLE)."
    for n in (100, 1000):
        assert theory.gaussian_halving_time(n, ddof=1) / n == pytest.approx(0.69, abs=0.01)
        assert theory.gaussian_halving_time(n, ddof=0) / n == pytest.approx(0.34, abs=0.01)
    half = theory.gaussian_halving_time(1000)
    assert theory.gaussian_geometric_variance_replace(1000, round(half)) == pytest.approx(
        0.5, rel=2e-3
    )


def test_the_neutral_bandwidth_stands_still() -> None:
    assert theory.kde_neutral_bandwidth(100) == pytest.approx(0.1005, abs=5e-5)
    still = theory.kde_neutral_bandwidth(100, 1.7)
    curve = theory.kde_variance_replace(100, np.arange(50), still, variance=1.7)
    assert curve == pytest.approx(np.full(50, 1.7))


@given(st.integers(1, 100))
def test_poisson_rates_stay_between_the_papers_bounds(k: int) -> None:
    # Suresh et al.: 1/k <= g_k <= 3/k; recovered from the survival probability of one sample.
    rate = -math.log1p(-theory.poisson_survival(1, 1.0, k))
    assert 1 / k - 1e-9 <= rate <= 3 / k


def test_absorption_of_two_outcomes() -> None:
    # Known for Wright-Fisher from one half: 2 n ln 2 generations in the diffusion limit.
    assert theory.absorption_time(50, 2) == pytest.approx(100 * math.log(2))


@given(st.floats(0.01, 1), st.floats(0, 1))
def test_verifier_threshold(keep_right: float, keep_wrong: float) -> None:
    # At the threshold, kept right and kept wrong labels balance.
    p = theory.verifier_threshold(keep_right, keep_wrong)
    assert (1 - p) * keep_right == pytest.approx(p * keep_wrong, abs=1e-9)


def test_verifier_threshold_by_hand() -> None:
    assert theory.verifier_threshold(1.0, 1.0) == 0.5
    assert theory.verifier_threshold(1.0, 0.0) == 1.0
    assert theory.verifier_threshold(0.9, 0.3) == pytest.approx(0.75)


@given(st.integers(1, 40), st.data())
def test_pass_at_k_counts_subsets(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    value = theory.pass_at_k(n, c, k)
    # The product form of the Codex paper.
    product = 1.0 if n - c < k else 1 - math.prod(1 - k / i for i in range(n - c + 1, n + 1))
    assert value == pytest.approx(product, abs=1e-12)
    assert theory.pass_at_k(n, c, 1) == pytest.approx(c / n)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: theory.gaussian_variance_replace(10, 5, ddof=2), ValueError, "ddof must be one"),
        (lambda: theory.gaussian_variance_replace(1, 5), ValueError, "n must be"),
        (lambda: theory.gaussian_survival_bound(10, 5, 0.0), ValueError, "epsilon must be"),
        (lambda: theory.gaussian_sampling_bias(1.2, 5), ValueError, "lam must be"),
        (lambda: theory.kde_variance_replace(10, 5, -0.1), ValueError, "bandwidth must be"),
        (lambda: theory.kde_variance_replace(10, 5, math.nan), ValueError, "bandwidth must be"),
        (lambda: theory.kde_variance_replace(10, 5, 0.1, "1"), TypeError, "variance must be"),
        (lambda: theory.regression_error_replace(10, 11, 5), ValueError, r"at least d \+ 2 = 12"),
        (lambda: theory.regression_error_replace(0, 11, 5), ValueError, "d must be"),
        (lambda: theory.regression_error_accumulate(3, 11, 5, -1.0), ValueError, "sigma must be"),
        (lambda: theory.overparametrised_error_replace(5, 6, 1), ValueError, "at most d = 5"),
        (lambda: theory.tail_loss_one_step(1.5, 3), ValueError, "q must be"),
        (lambda: theory.heterozygosity([0.5, 0.6], 3, 1), ValueError, "p must be non-negative"),
        (lambda: theory.heterozygosity([-0.5, 1.5], 3, 1), ValueError, "p must be non-negative"),
        (lambda: theory.expected_unique([], 3, 1), ValueError, "p must hold at least one"),
        (lambda: theory.absorption_time(10, 1), ValueError, "k must be"),
        (lambda: theory.poisson_survival(10, -1.0, 1), ValueError, "rate must be"),
        (lambda: theory.verifier_threshold(0.0, 0.5), ValueError, "keep_right must be"),
        (lambda: theory.verified_share(1.2, 0.9, 0.3, 1), ValueError, "share must be"),
        (lambda: theory.verified_share(0.2, 0.0, 0.3, 1), ValueError, "keep_right must be"),
        (lambda: theory.verified_share(0.2, 0.9, -0.1, 1), ValueError, "keep_wrong must be"),
        (lambda: theory.verified_share(0.2, 0.9, 0.3, 1, 0.0), ValueError, "temperature must be"),
        (lambda: theory.verified_share(0.2, 0.9, 0.3, -1), ValueError, "t must be"),
        (lambda: theory.loop_threshold(0.9, 0.3, 1.1), ValueError, "temperature must be"),
        (lambda: theory.loop_threshold(0.9, 1.3, 0.5), ValueError, "keep_wrong must be"),
        (lambda: theory.loop_threshold(0.9, 0.3, 0.5, "both"), ValueError, "of must be"),
        (lambda: theory.clean_rows_worth(-1, 3), ValueError, "right must be"),
        (lambda: theory.clean_rows_worth(0, 0), ValueError, r"right \+ wrong must be"),
        (lambda: theory.judge_worth(0.0), ValueError, "bias must not be 0"),
        (lambda: theory.judge_worth(0.1, 0.0), ValueError, "sigma must be"),
        (lambda: theory.wrong_share_bound(5, 4), ValueError, "wrong must be at most n = 4"),
        (lambda: theory.wrong_share_bound(0, 0), ValueError, "n must be"),
        (lambda: theory.wrong_share_bound(0, 9, 1.5), ValueError, "confidence must be"),
        (lambda: theory.verifier_threshold(0.5, 1.5), ValueError, "keep_wrong must be"),
        (lambda: theory.strong_collapse_error(5, 10, 1.0, 2.0, 1.0), ValueError, "synthetic_share"),
        (lambda: theory.golden_ratio_weight(0.0), ValueError, "ratio must be"),
        (lambda: theory.gaussian_floor(-1), ValueError, "real_rows must be"),
        (lambda: theory.gaussian_floor(11, 10), ValueError, "real_rows must be at most n = 10"),
        (lambda: theory.gaussian_floor(1, 10, ddof=2), ValueError, "ddof must be"),
        (lambda: theory.gaussian_variance_fresh(10, 11, 3), ValueError, "real_rows must be at"),
        (lambda: theory.biased_rows_best(0, 10, 0.1), ValueError, "d must be"),
        (lambda: theory.biased_rows_best(2, 0, 0.1), ValueError, "real must be"),
        (lambda: theory.biased_rows_break_even(2, 10, -0.1), ValueError, "shift must be"),
        (lambda: theory.biased_rows_worth(2, 10, 0, 0.1), ValueError, "synthetic must be"),
        (lambda: theory.biased_rows_worth(2, 10, 5, 0.1, sigma=0), ValueError, "sigma must be"),
        (lambda: theory.pass_at_k(5, 6, 1), ValueError, "c must be at most n = 5"),
        (lambda: theory.pass_at_k(5, 1, 6), ValueError, "k must be at most n = 5"),
        (lambda: theory.pass_at_k(5, -1, 1), ValueError, "c must be"),
    ],
)
def test_bad_arguments_are_named(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


# --- real rows beside others -------------------------------------------------------------------


def test_the_floor_of_real_rows() -> None:
    for m, floor in ((0, 0.0), (1, 2 / 3), (2, 0.8), (5, 10 / 11), (10, 20 / 21)):
        assert theory.gaussian_floor(m) == pytest.approx(floor)
        assert theory.gaussian_floor(m, 10**7) == pytest.approx(floor, abs=1e-5)
    assert theory.gaussian_floor(10, 10) == pytest.approx(0.9)  # all real: one fit to ten rows
    assert 1 - theory.gaussian_floor(10, 100) == pytest.approx(1 / 19.9)
    # The other divisor ends above 1, about m / (m - 1/2).
    for m in (1, 2, 5, 10):
        assert theory.gaussian_floor(m, ddof=1) == pytest.approx(m / (m - 0.5))
    assert theory.gaussian_floor(10, 10, ddof=1) == pytest.approx(1)


def test_the_way_to_the_floor() -> None:
    t = np.arange(1, 60)
    same = theory.gaussian_mean_error_replace(20, t)
    assert theory.gaussian_mean_error_fresh(20, 0, t) == pytest.approx(same)
    assert theory.gaussian_variance_fresh(20, 3, 1) == pytest.approx(1 - 1 / 20)
    assert theory.gaussian_variance_fresh(20, 3, 10_000) == pytest.approx(
        theory.gaussian_floor(3, 20)
    )
    # n sets the pace: at n = 10,000 a hundred rounds have hardly begun, with ten rows or without.
    assert theory.gaussian_variance_fresh(10_000, 10, 101) > 0.99
    # One pace is n / (1 + 2 m) fits: about 1/e of the way is left.
    far = theory.gaussian_variance_fresh(1000, 2, 201) - theory.gaussian_floor(2, 1000)
    assert far / (1 - theory.gaussian_floor(2, 1000)) == pytest.approx(np.exp(-1), rel=0.02)


def by_search(d: int, real: int, shift: float) -> int:
    number = np.arange(200_000)
    n = real + number
    return int(np.argmin(d / n + (number / n) ** 2 * shift))


@pytest.mark.parametrize(("real", "best"), [(300, 1500), (1000, 333), (10_000, 256), (10**5, 251)])
def test_the_best_number_of_biased_rows(real: int, best: int) -> None:
    found = theory.biased_rows_best(10, real, 0.02)
    assert found == pytest.approx(best, abs=0.6)
    assert abs(found - by_search(10, real, 0.02)) <= 1
    even = theory.biased_rows_break_even(10, real, 0.02)
    if real > 500:
        alone, n = 10 / real, real + even
        assert 10 / n + (even / n) ** 2 * 0.02 == pytest.approx(alone)
    else:
        assert even == np.inf


def test_where_any_number_of_rows_helps() -> None:
    assert theory.biased_rows_best(10, 250, 0.02) == np.inf
    assert theory.biased_rows_best(10, 1000, 0.0) == np.inf
    assert theory.biased_rows_break_even(10, 500, 0.02) == np.inf


def test_what_a_biased_row_is_worth() -> None:
    # The first is worth a real one, since a bias enters squared; at the break-even none is worth
    # anything; beyond, each does harm. Weighted, all together are worth up to sigma^2 d / shift.
    assert theory.biased_rows_worth(10, 10**6, 1, 0.02) == pytest.approx(1, abs=0.01)
    assert theory.biased_rows_worth(10, 1000, 1000, 0.02) == pytest.approx(0, abs=1e-9)
    assert theory.biased_rows_worth(10, 1000, 2000, 0.02) < 0
    assert theory.biased_rows_worth(10, 1000, 700, 0.0) == pytest.approx(1)
    worth = [s * theory.biased_rows_worth(10, 1000, s, 0.02, weighted=True) for s in (5, 10**7)]
    assert worth[0] == pytest.approx(4.95, abs=0.01)
    assert worth[1] == pytest.approx(500, abs=0.1)


# --- verifiers in a loop -------------------------------------------------------------------------


def test_a_judge_multiplies_the_odds_every_round() -> None:
    found = theory.verified_share(0.15, 0.9, 0.3, np.arange(5))
    odds = 0.15 / 0.85 * 3.0 ** np.arange(5)
    assert found == pytest.approx(odds / (1 + odds))
    assert found[1:].round(2).tolist() == [0.35, 0.61, 0.83, 0.93]
    # The law of one round at temperature 0.5, step by step: p**2, then the judge.
    right, wrong = 0.3**2 * 0.8, 0.7**2 * 0.4
    one = theory.verified_share(0.3, 0.8, 0.4, 1, temperature=0.5)
    assert one == pytest.approx(right / (right + wrong))
    assert theory.verified_share(0.2, 1.0, 0.0, np.array([0, 3])).tolist() == [0.2, 1.0]
    assert theory.verified_share(0.0, 0.9, 0.0, 7) == 0.0  # never written, never kept
    assert theory.verified_share(0.4, 0.9, 0.3, 900, temperature=0.1) in (0.0, 1.0)


@pytest.mark.parametrize("judge", [(0.9, 0.3), (0.8, 0.4), (0.3, 0.9)])
@pytest.mark.parametrize("temperature", [0.3, 0.5, 0.8])
def test_from_which_share_a_loop_recovers(judge: tuple[float, float], temperature: float) -> None:
    edge = theory.loop_threshold(*judge, temperature, of="model")
    for times, fate in ((0.99, 0.0), (1.01, 1.0)):
        start = min(edge * times, 1 - (1 - edge) * (2 - times))
        end = theory.verified_share(start, *judge, 400, temperature)
        assert end == pytest.approx(fate, abs=1e-6)
    # What is written at that temperature: the odds to the power 1 / T.
    odds = (edge / (1 - edge)) ** (1 / temperature)
    written = theory.loop_threshold(*judge, temperature)
    assert written == pytest.approx(odds / (1 + odds))


def test_the_edges_of_the_loop_threshold() -> None:
    assert theory.loop_threshold(0.9, 0.3, 0) == pytest.approx(
        1 - theory.verifier_threshold(0.9, 0.3)
    )
    assert theory.loop_threshold(0.9, 0.3, 0, of="model") == 0.5
    assert theory.loop_threshold(0.9, 0.3, 1) == 0.0
    assert theory.loop_threshold(0.3, 0.9, 1) == 1.0
    assert theory.loop_threshold(0.6, 0.6, 0.4) == 0.5
    assert theory.loop_threshold(0.6, 0.0, 0.4) == 0.0
    # The hidden challenge of lesson 09: the temperature at which 15 per cent just survive.
    grid = np.linspace(0.3, 0.7, 4001)
    for of, answer in (("written", 0.37), ("model", 0.61)):
        edges = np.array([theory.loop_threshold(0.9, 0.3, t, of) for t in grid])
        assert grid[np.argmax(edges < 0.15)] == pytest.approx(answer, abs=0.006)


def test_rows_of_both_kinds_are_worth_fewer_clean_ones() -> None:
    assert theory.clean_rows_worth(280, 120) == 64
    assert theory.clean_rows_worth(50, 0) == 50
    assert theory.clean_rows_worth(7, 7) == 0
    # By simulation: the mean of label times input points as near to the truth as that of 64 clean
    # rows. 4,000 tries: standard error of a mean cosine below .002.
    rng, d = np.random.default_rng(5), 20

    def cosine(right: int, wrong: int) -> float:
        x = rng.standard_normal((4000, right + wrong, d))
        x[:, :, 0] = np.abs(x[:, :, 0])  # label times input, in the direction of the truth
        x[:, :wrong] *= -1
        w = x.mean(axis=1)
        return float((w[:, 0] / np.linalg.norm(w, axis=1)).mean())

    assert cosine(280, 120) == pytest.approx(cosine(64, 0), abs=0.02)
    assert cosine(160, 12) == pytest.approx(cosine(127, 0), abs=0.02)


def test_what_a_judge_of_another_opinion_is_worth() -> None:
    assert theory.judge_worth(0.2) == pytest.approx(25)
    assert theory.judge_worth(-0.2, sigma=3) == pytest.approx(225)
    # One law with the biased rows of lesson 07: sigma^2 d / shift, with d = 1 and many real rows.
    assert theory.biased_rows_break_even(1, 10**9, 0.04) == pytest.approx(25, rel=1e-6)


def test_how_many_wrong_rows_hide_behind_a_sample() -> None:
    assert theory.wrong_share_bound(0, 50) == pytest.approx(1 - 0.05 ** (1 / 50))
    assert theory.wrong_share_bound(0, 298) > 0.01 > theory.wrong_share_bound(0, 299)
    assert theory.wrong_share_bound(4, 4) == 1.0
    # At the bound a count so low is a rare event: its chance is exactly .05.
    for wrong, n in ((0, 10), (3, 50), (20, 21)):
        edge = theory.wrong_share_bound(wrong, n)
        assert stats.binom.cdf(wrong, n, edge) == pytest.approx(0.05)
