"""Yardsticks against values worked out by hand, for one run and for many; the eight verdicts."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from helpers import metrics
from helpers.models import Gaussian

POINTS = np.random.default_rng(100).standard_normal((30, 2)) * [1.0, 2.0] + [0.0, 3.0]
GAUSSIAN = Gaussian().fit(POINTS)
# Two runs at once: learned values with the runs in front, samples with the runs behind.
MANY = SimpleNamespace(
    mean_=np.stack([GAUSSIAN.mean_, GAUSSIAN.mean_ + 1]),
    covariance_=np.stack([GAUSSIAN.covariance_, 4 * GAUSSIAN.covariance_]),
    probabilities_=np.array([[0.5, 0.5, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]),
    coef_=np.array([[1.0, 2.0], [0.0, 0.0]]),
)


def test_gaussian_yardsticks() -> None:
    covariance = GAUSSIAN.covariance_
    assert metrics.mean(GAUSSIAN, None) == pytest.approx(POINTS.mean())
    assert metrics.variance(GAUSSIAN, None) == pytest.approx(POINTS.var(axis=0).mean())
    assert metrics.log_determinant(GAUSSIAN, None) == pytest.approx(
        np.log(np.linalg.det(covariance)) / 2
    )
    assert metrics.sample_variance(None, POINTS) == pytest.approx(POINTS.var(axis=0).mean())
    error = metrics.mean_error(np.array([0.0, 3.0]))(GAUSSIAN, None)
    assert error == pytest.approx(np.sum((POINTS.mean(axis=0) - [0, 3]) ** 2))


def test_gaussian_yardsticks_of_many_runs() -> None:
    one = metrics.variance(GAUSSIAN, None)
    assert metrics.variance(MANY, None) == pytest.approx([one, 4 * one])
    assert metrics.mean(MANY, None)[1] == pytest.approx(metrics.mean(GAUSSIAN, None) + 1)
    assert metrics.log_determinant(MANY, None)[1] == pytest.approx(
        metrics.log_determinant(GAUSSIAN, None) + np.log(4)
    )
    produced = np.stack([POINTS, 3 * POINTS], axis=1)  # (n, runs, d)
    spread = POINTS.var(axis=0).mean()
    assert metrics.sample_variance(None, produced) == pytest.approx([spread, 9 * spread])
    assert metrics.mean_error(0.0)(MANY, None).shape == (2,)


def test_a_dead_direction_shows_in_the_determinant_alone() -> None:
    flat = Gaussian().fit(POINTS * [1.0, 0.0])
    assert metrics.log_determinant(flat, None) == -np.inf
    assert metrics.variance(flat, None) > 0


def test_wasserstein_distance() -> None:
    line = SimpleNamespace(mean_=np.array([1.5]), covariance_=np.array([[4.0]]))
    to_normal = metrics.wasserstein2(np.zeros(1), np.eye(1))
    assert to_normal(line, None) == pytest.approx(1.5**2 + (2 - 1) ** 2)
    to_itself = metrics.wasserstein2(GAUSSIAN.mean_, GAUSSIAN.covariance_)
    assert to_itself(GAUSSIAN, None) == pytest.approx(0, abs=1e-9)
    # Against its own covariance times 4: sum of (2 s - s)**2 over eigenvalues s**2, plus the shift.
    expected = np.trace(GAUSSIAN.covariance_) + 2
    assert to_itself(MANY, None) == pytest.approx([0, expected], abs=1e-9)


def test_discrete_yardsticks() -> None:
    assert metrics.support_size(MANY, None).tolist() == [2, 4]
    assert metrics.entropy(MANY, None) == pytest.approx([np.log(2), np.log(4)])
    assert metrics.heterozygosity(MANY, None) == pytest.approx([0.5, 0.75])
    assert metrics.tail_mass([1, 2])(MANY, None) == pytest.approx([0.5, 0.5])
    assert metrics.survivors(np.array([1, 2, 3]))(MANY, None).tolist() == [1, 3]
    certain = SimpleNamespace(probabilities_=np.array([0.0, 1.0]))
    assert np.signbit(metrics.entropy(certain, None)) == np.False_
    assert metrics.distinct(None, np.array([3, 1, 3, 3])) == 2
    assert metrics.distinct(None, np.array([[3, 0], [1, 0], [3, 0]])).tolist() == [2, 1]


def test_what_is_missing_and_what_a_text_says_of_itself() -> None:
    truth = np.array([0.4, 0.3, 0.2, 0.1])
    model = SimpleNamespace(probabilities_=np.array([0.5, 0.5, 0.0, 0.0]))
    assert metrics.missing_mass(truth)(model, None) == pytest.approx(0.3)
    assert metrics.missing_mass(truth)(MANY, None).shape == (2,)
    text = np.array([3, 1, 1, 0, 7, 7, 7, 2])
    assert metrics.seen_once(None, text) == pytest.approx(3 / 8)
    both = metrics.seen_once(None, np.column_stack([text, np.arange(8)]))
    assert both == pytest.approx([3 / 8, 1])
    q = 0.9 * model.probabilities_ + 0.1 / 4
    by_hand = (truth * np.log(truth / q)).sum()
    assert metrics.likelihood_lost(truth, 0.1)(model, None) == pytest.approx(by_hand)
    assert metrics.likelihood_lost(truth, 0.0)(model, None) == np.inf
    sure = np.array([1.0, 0.0, 0.0, 0.0])
    found = metrics.likelihood_lost(sure, 0.0)(SimpleNamespace(probabilities_=sure), None)
    assert found == pytest.approx(0)


def test_other_yardsticks() -> None:
    assert metrics.excess_error(np.array([1.0, 1.0]))(MANY, None) == pytest.approx([1, 2])
    one = np.array([[-1.0], [0.1], [0.2], [5.0]])
    assert metrics.share_between(0, 1)(None, one) == 0.5
    assert metrics.share_between(0, 1)(None, np.stack([one, one + 9], axis=1)).tolist() == [0.5, 0]
    assert metrics.log_likelihood(POINTS)(GAUSSIAN, None) == GAUSSIAN.score(POINTS)
    assert metrics.coverage(POINTS, 3)(None, POINTS) == 1.0
    assert metrics.coverage(POINTS, 3)(None, POINTS[:1]) < 0.5


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: metrics.share_between(1, 1), ValueError, "high must be above low = 1"),
        (lambda: metrics.tail_mass([]), ValueError, "outcomes must be"),
        (lambda: metrics.survivors([-1]), ValueError, "outcomes must not be negative"),
        (lambda: metrics.survivors([0.5]), ValueError, "outcomes must be"),  # type: ignore[list-item]
        (lambda: metrics.mean_error(np.nan), ValueError, "truth must hold finite"),
        (lambda: metrics.excess_error(np.ones((2, 2))), ValueError, "truth must have 1 axes"),
        (lambda: metrics.wasserstein2(np.zeros(2), np.eye(3)), ValueError, "truth_covariance"),
        (lambda: metrics.wasserstein2(np.zeros(1), -np.eye(1)), ValueError, "no negative"),
        (lambda: metrics.wasserstein2(np.zeros(1), np.ones(1)), ValueError, "must have 2 axes"),
        (lambda: metrics.wasserstein2(np.eye(1), np.eye(1)), ValueError, "must have 1 axes"),
        (lambda: metrics.share_between(1, 0.5), ValueError, "high must be above low = 1, got 0.5"),
        (lambda: metrics.coverage(POINTS, 0), ValueError, "k must be"),
        (lambda: metrics.missing_mass(np.array([0.5, 0.4])), ValueError, "truth must be at least"),
        (lambda: metrics.likelihood_lost(np.array([1.5, -0.5])), ValueError, "truth must be at"),
        (lambda: metrics.likelihood_lost(np.ones(1), 2.0), ValueError, "floor must be"),
    ],
)
def test_references_are_checked(
    make: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("yardstick", "message"),
    [
        (metrics.mean_error(np.zeros(3)), "mean_ .* the 3 columns of the reference"),
        (metrics.mean_error(np.zeros(1)), "mean_ .* the 1 columns of the reference"),
        (metrics.wasserstein2(np.zeros(1), np.eye(1)), "mean_ .* the 1 columns"),
        (metrics.wasserstein2(np.zeros(3), np.eye(3)), "mean_ .* the 3 columns"),
        (metrics.excess_error(np.zeros(1)), "coef_ .* the 1 columns of the reference"),
        (metrics.tail_mass([1, 4]), "outcomes must lie below the model's 4, got 4"),
        (metrics.survivors([4]), "outcomes must lie below the model's 4, got 4"),
        (metrics.missing_mass(np.ones(1)), "probabilities_ .* the 1 columns of the reference"),
        (metrics.likelihood_lost(np.ones(1)), "probabilities_ .* the 1 columns"),
        (metrics.share_between(0, 1), r"produced must have one column, got shape \(30, 2\)"),
        (metrics.log_likelihood(POINTS[:, :1]), "data must have 2 columns, as in the fit"),
        (metrics.coverage(POINTS[:, :1]), "same number of columns"),
    ],
)
def test_another_number_of_columns_is_refused(yardstick: metrics.Metric, message: str) -> None:
    model = Gaussian().fit(POINTS)
    model.probabilities_, model.coef_ = MANY.probabilities_[0], MANY.coef_[0]
    with pytest.raises(ValueError, match=message):
        yardstick(model, POINTS)


@pytest.mark.parametrize(
    ("yardstick", "fine"),
    [
        (metrics.sample_variance, np.ones((3, 1))),
        (metrics.distinct, np.ones((3, 1))),
        (metrics.share_between(0, 2), np.ones((3, 1))),
    ],
)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_in_what_was_produced_are_refused(
    yardstick: metrics.Metric, fine: np.ndarray, bad: float
) -> None:
    yardstick(None, fine)
    yardstick(None, fine.astype(int))
    fine = fine.copy()
    fine[1] = bad
    with pytest.raises(ValueError, match="produced must hold finite numbers"):
        yardstick(None, fine)


@pytest.mark.parametrize("learned", ["mean_", "covariance_", "probabilities_", "coef_"])
def test_nan_in_what_was_learned_is_refused_by_name(learned: str) -> None:
    yardsticks = {
        "mean_": metrics.mean, "covariance_": metrics.variance,
        "probabilities_": metrics.support_size, "coef_": metrics.excess_error(np.ones(2)),
    }  # fmt: skip
    model = SimpleNamespace(**{learned: np.full_like(getattr(MANY, learned), np.nan)})
    with pytest.raises(ValueError, match=f"{learned} of SimpleNamespace must hold finite numbers"):
        yardsticks[learned](model, None)


def test_the_ends_of_what_is_allowed() -> None:
    flat = np.diag([0.0, 1.0])  # a truth without spread in one direction is a truth
    assert metrics.wasserstein2(np.zeros(2), flat)(GAUSSIAN, None) > 0
    assert metrics.tail_mass([0])(MANY, None) == pytest.approx([0.5, 0.25])
    assert metrics.survivors([3])(MANY, None).tolist() == [0, 1]
    ends = np.array([[0.0], [1.0], [0.5], [0.5]])
    assert metrics.share_between(0, 1)(None, ends) == 0.5  # strictly between
    assert metrics.coverage(POINTS)(None, POINTS) == 1.0
    assert metrics.coverage(POINTS, 1)(None, POINTS[:1]) <= metrics.coverage(POINTS)(
        None, POINTS[:1]
    )
    assert metrics.mean_error(1.0)(MANY, None).shape == (2,)  # a number stands for any d
    assert metrics.distinct(None, np.array([4])) == 1


def test_samples_without_columns_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="produced must have one column"):
        metrics.share_between(0, 1)(None, np.arange(9.0))


# --- the eight definitions ---------------------------------------------------------------------

FITS = np.arange(1, 41)
BOUNDED = np.cumsum(1 / FITS**2)
LOGARITHM = np.cumsum(1 / FITS)


@pytest.mark.parametrize(
    ("risk", "diverges"),
    [(BOUNDED, False), (LOGARITHM, True), (1.0 * FITS, True), (0 * FITS + 1.0, False)],
)
def test_diverging_risk_tells_a_bound_from_a_logarithm(risk: np.ndarray, diverges: bool) -> None:
    for fits in (8, 20, 40):
        assert metrics.diverging_risk(risk[:fits]) is diverges


def test_each_verdict_can_go_both_ways() -> None:
    assert metrics.catastrophic_risk([1, 2, 5], uninformed=5)
    assert not metrics.catastrophic_risk([1, 9, 4], uninformed=5)
    assert metrics.any_risk_increase(BOUNDED)
    assert not metrics.any_risk_increase(BOUNDED, tolerance=1.0)
    sizes = [100, 1000, 10000]
    assert metrics.scaling_law_change(sizes, [1, 0.1, 0.01], [1, 0.5, 0.4])
    assert not metrics.scaling_law_change(sizes, [1, 0.1, 0.01], [3, 0.3, 0.03])
    assert metrics.collapsing_variance([1, 0.6, 0.4])
    assert not metrics.collapsing_variance([1, 0.4, 0.6])
    assert metrics.lost_modes([6, 5, 2])
    assert not metrics.lost_modes([6, 6, 5])
    assert metrics.lost_tail([500, 100, 3])
    assert not metrics.lost_tail([500, 400, 300])
    assert metrics.hallucination([0, 0.05, 0.2])
    assert not metrics.hallucination([0.04, 0.2, 0.05])


def test_thresholds_stand_where_the_docstrings_put_them() -> None:
    """Just below and just above each of them, and at it."""
    assert metrics.catastrophic_risk([0, 5], uninformed=5)
    assert not metrics.catastrophic_risk([0, 4.999], uninformed=5)
    assert not metrics.any_risk_increase([1, 1])
    assert not metrics.any_risk_increase([1, 1.5], tolerance=0.5)
    assert metrics.any_risk_increase([1, 1.501], tolerance=0.5)
    for share, told in ((0.5, False), (0.499, True)):
        assert metrics.collapsing_variance([2, 2 * share]) is told
        assert metrics.lost_modes([2, 2 * share]) is told
        assert metrics.lost_tail([2, 2 * share]) is told
    assert metrics.lost_tail([2, 1.7], left=0.9)
    assert metrics.collapsing_variance([0.5, 0.2])  # any start above 0 will do
    assert not metrics.hallucination([0, 0.05])
    assert metrics.hallucination([0, 0.051])
    sizes, first = [10, 100], [1.0, 0.1]
    for moved, told in ((0.09, False), (0.11, True), (-0.11, False)):
        last = [1.0, 0.1 * 10**moved]
        assert metrics.scaling_law_change(sizes, first, last) is told
    assert not metrics.scaling_law_change(sizes, first, [1.0, 0.1 * 10**0.11], tolerance=0.12)


@pytest.mark.parametrize("fits", [8, 9, 16, 41])
def test_a_risk_diverges_above_three_quarters(fits: int) -> None:
    """Flat, then a rise of 1 over the doubling before the last, and `late` over the last one."""
    risk = np.zeros(fits)
    risk[fits // 4 : fits // 2] = np.linspace(0, 1, fits // 2 - fits // 4 + 1)[1:]

    def diverges(late: float) -> bool:
        risk[fits // 2 :] = 1 + late * np.linspace(0, 1, fits - fits // 2 + 1)[1:]
        return metrics.diverging_risk(risk)

    assert diverges(0.76)
    assert not diverges(0.75)
    assert not diverges(0.74)
    assert not metrics.diverging_risk(-np.arange(fits) * 1.0)  # falling, whatever the ratio


def test_one_run_under_eight_definitions() -> None:
    assert set(metrics.collapse_verdicts().values()) == {None}
    verdicts = metrics.collapse_verdicts(
        risk=BOUNDED,
        uninformed=10.0,
        scaling=([10, 100], [1, 0.1], [1.6, 0.16]),
        variance=[1, 0.9],
        modes=[2, 2],
        tail=[500, 200],
        invented=[0.0, 0.01],
    )
    assert all(yes is not None for yes in verdicts.values())
    assert len(verdicts) == 8
    assert [name for name, yes in verdicts.items() if yes] == ["any risk increase", "lost tail"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.any_risk_increase([]), "risk must hold at least one"),
        (lambda: metrics.any_risk_increase([1, np.nan]), "risk must hold finite"),
        (lambda: metrics.diverging_risk([1, 2, 3]), "risk must hold at least 8 values, got 3"),
        (lambda: metrics.collapsing_variance([0, 1]), "variance must start above 0"),
        (lambda: metrics.lost_tail([1, 1], left=1.5), "left must be"),
        (lambda: metrics.scaling_law_change([1, 2], [1, 2], [1, 0]), "last must hold 2 positive"),
        (lambda: metrics.scaling_law_change([1, 2], [1], [1, 1]), "first must hold"),
    ],
)
def test_series_are_checked(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
