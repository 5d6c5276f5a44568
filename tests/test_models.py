"""The first models: fit, sample and score against independent computations, and bad input."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from helpers.models import (
    AddCount,
    BackOff,
    ClassMeans,
    Discount,
    Discrete,
    Gaussian,
    GaussianMixture,
    GoodTuring,
    KernelDensity,
    LinearRegression,
)

POINTS = np.random.default_rng(100).standard_normal((40, 2)) @ np.array([[1.0, 0.5], [0.0, 2.0]])
ROWS = np.column_stack([POINTS, POINTS @ [1.0, -2.0] + 0.1])
TILES = np.random.default_rng(101).integers(5, size=40)
CASES = np.column_stack([np.arange(40) % 3, POINTS + 5 * (np.arange(40) % 3)[:, None]])
MODELS: list[tuple[Any, np.ndarray]] = [
    (Gaussian(), POINTS),
    (Gaussian(ddof=1, sampling_bias=0.5), POINTS),
    (Discrete(5), TILES),
    (AddCount(5, 0.5), TILES),
    (GoodTuring(5), TILES),
    (Discount(5), TILES),
    (BackOff(5, np.full(5, 0.2), 0.3), TILES),
    (ClassMeans(3), CASES),
    (LinearRegression(), ROWS),
    (LinearRegression(0.5, design=POINTS), ROWS),
    (KernelDensity(0.3), POINTS),
    (GaussianMixture(2), POINTS),
]
every_model = pytest.mark.parametrize(
    ("model", "data"),
    MODELS,
    ids=[f"{i}-{type(model).__name__}" for i, (model, _) in enumerate(MODELS)],
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- what holds for every model ----------------------------------------------------------------


@every_model
def test_fit_returns_the_model_and_leaves_the_data_alone(model: Any, data: np.ndarray) -> None:
    fitted, before = clone(model), data.copy()
    assert fitted.fit(data, rng()) is fitted
    assert np.array_equal(data, before)
    assert not [name for name in vars(model) if name.endswith("_")]  # the original is unfitted


@every_model
def test_samples_are_like_the_data_and_depend_on_the_generator_alone(
    model: Any, data: np.ndarray
) -> None:
    fitted = clone(model).fit(data, rng())
    one, two, other = (fitted.sample(40, rng(seed)) for seed in (1, 1, 2))
    assert one.shape == data.shape
    assert one.dtype == data.dtype
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@every_model
def test_the_score_is_a_mean_and_prefers_the_data(model: Any, data: np.ndarray) -> None:
    fitted = clone(model).fit(data, rng())
    assert fitted.score(np.concatenate([data, data])) == pytest.approx(fitted.score(data))
    if data.ndim == 2:
        far = data.copy()
        far[:, -1] += 50
        assert fitted.score(data) > fitted.score(far)


@every_model
def test_nothing_works_before_fit(model: Any, data: np.ndarray) -> None:
    with pytest.raises(NotFittedError):
        clone(model).sample(3, rng())
    with pytest.raises(NotFittedError):
        clone(model).score(data)


@every_model
@pytest.mark.parametrize("bad", [0, -1, 2.5, "3", True])
def test_n_samples_is_checked(model: Any, data: np.ndarray, bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="n_samples must be an integer"):
        clone(model).fit(data, rng()).sample(bad, rng())


@every_model
@pytest.mark.parametrize("bad", [None, 3, np.random])
def test_sampling_needs_a_generator(model: Any, data: np.ndarray, bad: Any) -> None:
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        clone(model).fit(data, rng()).sample(40, bad)


@every_model
@pytest.mark.parametrize("bad", [[[1.0, 2.0]], "text", None])
def test_data_must_be_arrays(model: Any, data: np.ndarray, bad: Any) -> None:
    with pytest.raises(TypeError, match="data must be"):
        clone(model).fit(bad, rng())


@every_model
def test_data_must_have_samples_and_the_right_axes(model: Any, data: np.ndarray) -> None:
    with pytest.raises(ValueError, match="data must"):
        clone(model).fit(data[:0], rng())
    with pytest.raises(ValueError, match="data must"):
        clone(model).fit(data[:, None], rng())


@pytest.mark.parametrize("model", [m for m, _ in MODELS if not isinstance(m, GaussianMixture)])
def test_a_formula_has_no_weights_to_start_from(model: Any) -> None:
    with pytest.raises(ValueError, match="init must be None"):
        clone(model).fit(POINTS, init=model)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("model", [Gaussian(), LinearRegression(), KernelDensity(1.0)])
def test_nan_and_infinity_are_refused(model: Any, bad: float) -> None:
    data = POINTS.copy()
    data[0, 0] = bad
    with pytest.raises(ValueError, match="finite numbers only"):
        model.fit(data)


@pytest.mark.parametrize(
    ("model", "data"),
    [(Gaussian(), POINTS), (KernelDensity(0.3), POINTS), (GaussianMixture(2), POINTS),
     (LinearRegression(), ROWS), (ClassMeans(3), CASES)],
)  # fmt: skip
@pytest.mark.parametrize("change", [-1, 1])
def test_a_score_refuses_another_number_of_columns(
    model: Any, data: np.ndarray, change: int
) -> None:
    columns = data.shape[1]
    fitted = clone(model).fit(data, rng())
    with pytest.raises(ValueError, match=f"data must have {columns} columns, as in the fit, got"):
        fitted.score(np.ones((5, columns + change)))


@pytest.mark.parametrize("model", [Gaussian(), KernelDensity(0.3), GaussianMixture(2)])
def test_complex_data_keep_no_half(model: Any) -> None:
    with pytest.raises(TypeError, match="data must hold real numbers, got complex128"):
        clone(model).fit(POINTS + 1j, rng())
    with pytest.raises(TypeError, match="data must hold real numbers, got complex128"):
        clone(model).fit(POINTS, rng()).score(POINTS + 1j)


def test_importing_the_models_loads_no_torch() -> None:
    code = (
        "import sys, helpers.loop, helpers.policies, helpers.models, helpers.metrics,"
        "helpers.theory, helpers.studies.regression; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_every_model_of_the_stub_is_there() -> None:
    """Editors and mypy read __init__.pyi; a mistake in it would show at run time alone."""
    import helpers.models

    stub = Path(helpers.models.__file__).with_suffix(".pyi").read_text("utf-8")
    named = re.findall(r"^from \.(\w+) import (\w+) as \2$", stub, re.MULTILINE)
    assert len(named) == len(stub.splitlines()) == len(set(helpers.models.__all__)) == 15
    for module, name in named:
        model = getattr(helpers.models, name)
        assert (model.__module__, model.__name__) == (f"helpers.models.{module}", name)
        assert name in dir(helpers.models)


def test_an_unknown_model_is_an_attribute_error() -> None:
    import helpers.models

    with pytest.raises(AttributeError, match="models attribute Transformer"):
        helpers.models.Transformer  # noqa: B018


# --- Gaussian ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("d", [1, 2])
def test_gaussian_estimates(ddof: int, d: int) -> None:
    data = POINTS[:, :d]
    model = Gaussian(ddof).fit(data)
    np.testing.assert_allclose(model.mean_, data.mean(axis=0))
    np.testing.assert_allclose(model.covariance_, np.atleast_2d(np.cov(data.T, ddof=ddof)))
    exact = stats.multivariate_normal(model.mean_, model.covariance_)
    assert model.score(data) == pytest.approx(exact.logpdf(data).mean())


@pytest.mark.parametrize(("bias", "d"), [(1.0, 1), (1.0, 2), (0.25, 2)])
def test_gaussian_samples(bias: float, d: int) -> None:
    # Size: each entry of the covariance has a relative standard error below 0.5 per cent of the
    # largest at 100,000 samples; 3 per cent of it is allowed. The mean likewise.
    model = Gaussian(sampling_bias=bias).fit(POINTS[:, :d])
    samples = model.sample(100_000, rng())
    scale = bias * model.covariance_.max()
    np.testing.assert_allclose(
        np.atleast_2d(np.cov(samples.T)), bias * model.covariance_, atol=0.03 * scale
    )
    np.testing.assert_allclose(samples.mean(axis=0), model.mean_, atol=0.03 * np.sqrt(scale))


def test_a_gaussian_without_spread_repeats_its_mean() -> None:
    model = Gaussian().fit(np.ones((3, 2)))
    assert np.array_equal(model.sample(4, rng()), np.ones((4, 2)))
    assert model.score(np.ones((3, 2))) == -np.inf


def test_gaussian_parameters_are_checked() -> None:
    with pytest.raises(ValueError, match="ddof must be one of 0, 1, got 2"):
        Gaussian(ddof=2).fit(POINTS)
    with pytest.raises(ValueError, match="sampling_bias must be"):
        Gaussian(sampling_bias=-0.1).fit(POINTS)
    with pytest.raises(ValueError, match="more than ddof = 1 samples, got 1"):
        Gaussian(ddof=1).fit(POINTS[:1])


# --- discrete ----------------------------------------------------------------------------------


def test_discrete_counts() -> None:
    model = Discrete(4).fit(np.array([0, 0, 2, 3]))
    np.testing.assert_allclose(model.probabilities_, [0.5, 0, 0.25, 0.25])
    assert model.score(np.array([0, 2])) == pytest.approx((np.log(0.5) + np.log(0.25)) / 2)
    assert model.score(np.array([1])) == -np.inf


def test_discrete_samples_are_independent_draws() -> None:
    model = Discrete(4).fit(np.array([0, 0, 2, 3]))
    samples = np.concatenate([model.sample(50, rng(seed)) for seed in range(400)])
    # Size: standard error of a share at most 0.0036 at 20,000 draws against 0.018.
    assert np.bincount(samples, minlength=4) / 20_000 == pytest.approx(
        model.probabilities_, abs=0.018
    )
    assert 1 not in samples  # an outcome of probability 0 never comes back
    # In random order: neighbours are as independent as the counts (same share, one place on).
    both_zero = np.mean((samples[1:] == 0) & (samples[:-1] == 0))
    assert both_zero == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("bad", [np.array([0, 4]), np.array([-1, 2])])
def test_discrete_outcomes_are_checked(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="outcomes from 0 to 3"):
        Discrete(4).fit(bad)
    with pytest.raises(TypeError, match="array of integers, got float64"):
        Discrete(4).fit(np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="n_outcomes must be"):
        Discrete(0).fit(np.array([0]))


# --- smoothing ---------------------------------------------------------------------------------

SEEN = np.array([0, 0, 0, 0, 1, 1, 2, 3, 3, 3])  # of six outcomes; 2 is seen once, 4 and 5 never


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (AddCount(6, 1.0), np.array([5, 3, 2, 4, 1, 1]) / 16),
        (AddCount(6, 0.0), np.array([4, 2, 1, 3, 0, 0]) / 10),
        (GoodTuring(6), np.array([3.6, 1.8, 0.9, 2.7, 0.5, 0.5]) / 10),
        (Discount(6, 0.5), np.array([3.5, 1.5, 0.5, 2.5, 1, 1]) / 10),
        (BackOff(6, np.full(6, 1 / 6), 0.1), 0.9 * np.array([4, 2, 1, 3, 0, 0]) / 10 + 0.1 / 6),
    ],
)
def test_smoothers_by_hand(model: Any, expected: np.ndarray) -> None:
    assert model.fit(SEEN).probabilities_ == pytest.approx(expected)


@pytest.mark.parametrize("model", [GoodTuring(3), Discount(3), AddCount(3)])
@pytest.mark.parametrize("data", [[0, 1, 2], [0, 0, 1, 1, 2, 2], [0, 0, 0, 0]])
def test_smoothers_at_the_edges_are_distributions(model: Any, data: list[int]) -> None:
    p = clone(model).fit(np.array(data)).probabilities_
    assert p.sum() == pytest.approx(1)
    assert (p >= 0).all()
    if len(set(data)) == 3:  # all seen, equally often: nothing to move
        assert p == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (AddCount(6, -1), "extra must be"),
        (Discount(6, 1.5), "discount must be"),
        (BackOff(6, np.full(6, 0.2)), "reference must be 6 probabilities"),
        (BackOff(6, np.full(5, 0.2)), "reference must be 6 probabilities"),
        (BackOff(6, np.full(6, 1 / 6), 2.0), "share must be"),
    ],
)
def test_parameters_of_smoothers_are_checked(model: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.fit(SEEN)


# --- class means -------------------------------------------------------------------------------


def test_class_means_by_hand() -> None:
    rows = np.array([[0, 1.0, 0.0], [0, 3.0, 0.0], [2, 10.0, 4.0]])
    model = ClassMeans(3).fit(rows)
    assert model.shares_ == pytest.approx([2 / 3, 0, 1 / 3])
    assert model.means_[[0, 2]] == pytest.approx(np.array([[2.0, 0.0], [10.0, 4.0]]))
    assert model.variance_ == pytest.approx(2 / 6)
    assert model.predict(np.array([[2.0, 1.0], [9.0, 9.0]])).tolist() == [0, 2]
    density = stats.norm(scale=model.variance_**0.5).logpdf
    first = np.log(2 / 3) + density(-1.0) + density(0.0)
    assert model.score(rows[:1]) == pytest.approx(first)
    assert model.score(np.array([[1.0, 0.0, 0.0]])) == -np.inf  # a class that is lost


def test_class_means_refuse_what_is_no_class() -> None:
    for bad in (0.5, -1.0, 3.0):
        with pytest.raises(ValueError, match="data must begin with classes from 0 to 2"):
            ClassMeans(3).fit(np.array([[bad, 1.0]]))
    with pytest.raises(ValueError, match="at least one number"):
        ClassMeans(3).fit(np.array([[1.0]]))


# --- regression --------------------------------------------------------------------------------


def test_regression_is_least_squares() -> None:
    noisy = ROWS + 0.1 * rng().standard_normal(ROWS.shape)
    model = LinearRegression(0.7).fit(noisy)
    exact = np.linalg.lstsq(noisy[:, :2], noisy[:, 2], rcond=None)[0]
    np.testing.assert_allclose(model.coef_, exact)
    residual = noisy[:, 2] - noisy[:, :2] @ exact
    assert model.score(noisy) == pytest.approx(stats.norm(0, 0.7).logpdf(residual).mean())


def test_regression_with_few_rows_has_the_smallest_norm() -> None:
    few = rng().standard_normal((4, 8))
    exact = np.linalg.lstsq(few[:, :7], few[:, 7], rcond=None)[0]
    np.testing.assert_allclose(LinearRegression().fit(few).coef_, exact, atol=1e-10)


def test_regression_labels_a_design_or_new_inputs() -> None:
    fixed = LinearRegression(0.0, design=POINTS).fit(ROWS)
    samples = fixed.sample(40, rng())
    assert np.array_equal(samples[:, :2], POINTS)
    np.testing.assert_allclose(samples[:, 2], POINTS @ fixed.coef_)
    fresh = LinearRegression(0.5).fit(ROWS).sample(50_000, rng())
    # Size: standard errors 0.0045 (variance 1) and 0.0016 (noise sd 0.5) against 0.03 and 0.01.
    np.testing.assert_allclose(np.cov(fresh[:, :2].T), np.eye(2), atol=0.03)
    noise = fresh[:, 2] - fresh[:, :2] @ LinearRegression().fit(ROWS).coef_
    assert noise.std() == pytest.approx(0.5, abs=0.01)


def test_regression_input_is_checked() -> None:
    with pytest.raises(ValueError, match=r"rows \[x_1 .. x_d, y\]"):
        LinearRegression().fit(POINTS[:, :1])
    with pytest.raises(ValueError, match="design must have the data's 2 inputs"):
        LinearRegression(design=np.ones((40, 3))).fit(ROWS)
    with pytest.raises(ValueError, match="n_samples must be the design's 40 rows, got 39"):
        LinearRegression(design=POINTS).fit(ROWS).sample(39, rng())
    with pytest.raises(ValueError, match="sigma must be"):
        LinearRegression(sigma=-1).fit(ROWS)
    with pytest.raises(ValueError, match="sigma must be"):
        LinearRegression(sigma=0).fit(ROWS).score(ROWS)


# --- densities ---------------------------------------------------------------------------------


def test_kernel_density_is_the_mean_of_bumps() -> None:
    model = KernelDensity(0.3).fit(POINTS)
    new = POINTS[:5] + 0.2
    bumps = [stats.multivariate_normal(c, 0.3**2 * np.eye(2)).pdf(new) for c in POINTS]
    assert model.score(new) == pytest.approx(np.log(np.mean(bumps, axis=0)).mean())


def test_kernel_density_samples_have_the_variance_of_the_formula() -> None:
    # variance (ddof=0) + bandwidth**2. Size: relative standard error 0.5 per cent against 3.
    samples = KernelDensity(0.8).fit(POINTS).sample(100_000, rng())
    expected = POINTS.var(axis=0) + 0.8**2
    assert samples.var(axis=0) == pytest.approx(expected, rel=0.03)


def test_kernel_density_keeps_its_own_copy() -> None:
    data = POINTS.copy()
    model = KernelDensity(0.3).fit(data)
    data[:] = 0
    assert np.array_equal(model.centres_, POINTS)


@pytest.mark.parametrize("bad", [0, -0.1, np.nan])
def test_the_bandwidth_is_checked(bad: float) -> None:
    with pytest.raises(ValueError, match="bandwidth must be"):
        KernelDensity(bad).fit(POINTS)


TWO = np.concatenate([rng(5).normal(-3, 0.5, (300, 1)), rng(6).normal(3, 0.5, (100, 1))])


def test_mixture_finds_two_humps_and_shuffles_its_samples() -> None:
    model = GaussianMixture(2).fit(TWO, rng())
    order = np.argsort(model.mixture_.means_.ravel())
    assert model.mixture_.means_.ravel()[order] == pytest.approx([-3, 3], abs=0.2)
    assert model.mixture_.weights_[order] == pytest.approx([0.75, 0.25], abs=0.02)
    samples = model.sample(4000, rng())
    right = samples.ravel() > 0
    # Size: the share of a half has standard error below 0.01, the changes of side 27 of 4,000.
    assert right[:2000].mean() == pytest.approx(0.25, abs=0.06)
    assert (right[1:] != right[:-1]).sum() == pytest.approx(2 * 0.75 * 0.25 * 3999, rel=0.15)
    assert model.score(TWO) == pytest.approx(model.mixture_.score(TWO))


@pytest.mark.parametrize("spread", [0.25, 0.8, 0.0])
def test_a_mixture_may_be_drawn_with_a_part_of_its_spread(spread: float) -> None:
    """MAD's sampling bias: the same draws, each nearer to the centre of its own hump."""
    model = GaussianMixture(2).fit(TWO, rng())
    whole = model.sample(2000, rng(1)).ravel()
    part = model.set_params(spread=spread).sample(2000, rng(1)).ravel()
    left, right = whole < 0, whole > 0
    for hump in (left, right):
        # Exactly so, since both are the same draws: no tolerance for chance.
        assert part[hump].std() == pytest.approx(spread**0.5 * whole[hump].std())
    assert ((part > 0) == right).all()
    assert model.score(TWO) == model.set_params(spread=1.0).score(TWO)


@pytest.mark.parametrize("spread", [-0.1, 1.1, np.nan])
def test_the_part_of_the_spread_is_checked(spread: float) -> None:
    with pytest.raises(ValueError, match="spread must be"):
        GaussianMixture(2, spread=spread).fit(TWO, rng())
    with pytest.raises(ValueError, match="spread must be"):
        GaussianMixture(2).fit(TWO, rng()).set_params(spread=spread).sample(3, rng())


def test_mixture_can_start_from_another() -> None:
    base = GaussianMixture(2).fit(TWO, rng())
    continued = GaussianMixture(2).fit(TWO, init=base)
    assert continued.score(TWO) >= base.score(TWO) - 1e-3
    with pytest.raises(TypeError, match="init must be a fitted GaussianMixture"):
        GaussianMixture(2).fit(TWO, init=Gaussian())
    with pytest.raises(ValueError, match="init must have 3 components, got 2"):
        GaussianMixture(3).fit(TWO, init=base)
    with pytest.raises(ValueError, match="rng must be"):
        GaussianMixture(2).fit(TWO)
    with pytest.raises(ValueError, match="at least 5 samples for 5 components, got 3"):
        GaussianMixture(5).fit(TWO[:3], rng())
