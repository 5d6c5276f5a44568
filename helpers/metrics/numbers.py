"""Yardsticks: what to measure on each generation, in numbers.

A metric is a function of (fitted model, what it produced); `helpers.loop.iterate` calls it once a
generation. Names that need a reference are factories: `mean_error(0.0)` returns a metric. All of
them serve one run (learned values (d,), produced (n, d)) and many at once (an axis of runs in
front of the learned values and behind the samples; see `helpers.loop.run_batched`), and return a
number or one number a run. Whatever was learned or produced must be finite and have the columns of
its reference, or a ValueError says so: NaN compares as false, so that a count of it would pass for
a collapse. Not here: judging pictures (`helpers.metrics.generative`) or text
(`helpers.metrics.language`), and what a series of such numbers means
(`helpers.metrics.definitions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from helpers._arguments import finite_array, not_complex, positive_int, real_array, real_number

Metric = Callable[[Any, Any], Any]

# --- Gaussian ----------------------------------------------------------------------------------


def mean(model: Any, produced: Any) -> Any:
    """Fitted mean, averaged over the coordinates, in units of the data."""
    return _learned(model, "mean_").mean(axis=-1)


def variance(model: Any, produced: Any) -> Any:
    """Fitted variance, averaged over the coordinates, in squared units of the data."""
    return np.diagonal(_learned(model, "covariance_"), axis1=-2, axis2=-1).mean(axis=-1)


def log_determinant(model: Any, produced: Any) -> Any:
    """Log-determinant of the fitted covariance divided by d; -inf when it is singular.

    The honest spread of a cloud in many dimensions: the trace hides directions that died.
    """
    return np.linalg.slogdet(_learned(model, "covariance_"))[1] / model.mean_.shape[-1]


def sample_variance(model: Any, produced: Any) -> Any:
    """Variance (ddof=0) of what was produced, averaged over the coordinates; any model."""
    return _finite(produced).var(axis=0).mean(axis=-1)


def mean_error(truth: float | np.ndarray) -> Metric:
    """Metric: squared distance of the fitted mean from `truth`, a number or shape (d,)."""
    target = _numbers("truth", truth)
    columns = None if np.ndim(truth) == 0 else len(target)  # a number stands for any d
    return lambda model, produced: ((_learned(model, "mean_", columns) - target) ** 2).sum(axis=-1)


def wasserstein2(truth_mean: np.ndarray, truth_covariance: np.ndarray) -> Metric:
    """Metric: SQUARED 2-Wasserstein distance of the fitted Gaussian to N(mean, covariance).

    Shapes (d,) and (d, d). |m1 - m2|**2 + tr(A + B - 2 (A B)**(1/2)), the distance of Theorem 3.1
    (Shumailov et al., Nature 2024). In one dimension (m1 - m2)**2 + (s1 - s2)**2.
    """
    centre = finite_array("truth_mean", truth_mean, ndim=1)
    target = finite_array("truth_covariance", truth_covariance, ndim=2)
    if target.shape != (len(centre), len(centre)):
        raise ValueError(
            f"truth_covariance must have shape ({len(centre)}, {len(centre)}), got {target.shape}"
        )
    values, vectors = np.linalg.eigh(target)
    if values[0] < 0:
        raise ValueError(f"truth_covariance must have no negative eigenvalue, got {values[0]:g}")
    root = (vectors * np.sqrt(values)) @ vectors.T

    def distance(model: Any, produced: Any) -> Any:
        fitted, mean_ = _learned(model, "covariance_"), _learned(model, "mean_", len(centre))
        # tr (A B)**(1/2) through a symmetric product, whose eigenvalues are real and at least 0
        product = np.linalg.eigvalsh(root @ fitted @ root).clip(min=0)
        spread = np.trace(fitted, axis1=-2, axis2=-1) + values.sum()
        shift = ((mean_ - centre) ** 2).sum(axis=-1)
        return np.maximum(0.0, shift + spread - 2 * np.sqrt(product).sum(axis=-1))

    return distance


# --- discrete distributions --------------------------------------------------------------------


def support_size(model: Any, produced: Any) -> Any:
    """Number of outcomes that the fitted model can still produce."""
    return (_learned(model, "probabilities_") > 0).sum(axis=-1)


def distinct(model: Any, produced: Any) -> Any:
    """Number of different outcomes among the samples: what one row of the quilt shows."""
    ordered = np.sort(_finite(produced), axis=0)
    return 1 + (ordered[1:] != ordered[:-1]).sum(axis=0)


def entropy(model: Any, produced: Any) -> Any:
    """Entropy of the fitted distribution in nats."""
    p = _learned(model, "probabilities_")
    return -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1) + 0.0  # + 0.0: never minus zero


def heterozygosity(model: Any, produced: Any) -> Any:
    """Chance that two draws from the fitted distribution differ: 1 - sum of p**2."""
    return 1 - (_learned(model, "probabilities_") ** 2).sum(axis=-1)


def tail_mass(outcomes: Sequence[int] | np.ndarray) -> Metric:
    """Metric: probability of `outcomes` together. Constant in expectation: not a collapse alarm."""
    tail = _outcomes(outcomes)
    return lambda model, produced: _of_outcomes(model, tail).sum(axis=-1)


def survivors(outcomes: Sequence[int] | np.ndarray) -> Metric:
    """Metric: how many of `outcomes` the fitted model can still produce."""
    tail = _outcomes(outcomes)
    return lambda model, produced: (_of_outcomes(model, tail) > 0).sum(axis=-1)


def missing_mass(truth: np.ndarray) -> Metric:
    """Metric: share of real text, `truth` (k,), in outcomes that the fitted model cannot produce.

    It needs the truth. Good and Turing's estimate of it from a sample is `seen_once`.
    """
    real = _distribution("truth", truth)
    return lambda model, produced: ((_learned(model, "probabilities_", len(real)) == 0) * real).sum(
        axis=-1
    )


def seen_once(model: Any, produced: Any) -> Any:
    """Share of the samples whose outcome occurs once among them: Good and Turing's missing mass."""
    ordered = np.sort(_finite(produced), axis=0)
    new = np.ones((1, *ordered.shape[1:]), dtype=bool)
    starts = np.concatenate([new, ordered[1:] != ordered[:-1]])
    ends = np.concatenate([ordered[1:] != ordered[:-1], new])
    return (starts & ends).mean(axis=0)


def likelihood_lost(truth: np.ndarray, floor: float = 0.02) -> Metric:
    """Metric: nats a word that the model loses on real text against the truth, `truth` (k,).

    The Kullback-Leibler divergence from the truth, exact over all outcomes. The model is mixed with
    `floor` of the even distribution, or one lost word would make it infinite.
    """
    real, share = _distribution("truth", truth), real_number("floor", floor, low=0, high=1)
    best = (real * np.log(np.where(real > 0, real, 1.0))).sum()

    def lost(model: Any, produced: Any) -> Any:
        p = _learned(model, "probabilities_", len(real))
        with np.errstate(divide="ignore"):
            said = np.log((1 - share) * p + share / len(real))
        return best - np.where(real > 0, real * said, 0.0).sum(axis=-1)

    return lost


# --- regression, densities, any model ----------------------------------------------------------


def excess_error(truth: np.ndarray) -> Metric:
    """Metric: |coef - truth|**2, truth of shape (d,).

    For inputs N(0, I) the test error of a regression with the noise floor subtracted, the
    quantity of Gerstgrasser et al. 2404.01413, section 3.
    """
    target = finite_array("truth", truth, ndim=1)
    return lambda model, produced: ((_learned(model, "coef_", len(target)) - target) ** 2).sum(
        axis=-1
    )


def log_likelihood(test: Any) -> Metric:
    """Metric: `model.score(test)` on held-out real data, whatever was produced; one run only."""
    return lambda model, produced: model.score(test)


def share_between(low: float, high: float) -> Metric:
    """Metric: share of the samples (n, 1) strictly between `low` and `high`: mass in a valley."""
    low, high = real_number("low", low), real_number("high", high)
    if low >= high:
        raise ValueError(f"high must be above low = {low:g}, got {high:g}")

    def share(model: Any, produced: Any) -> Any:
        values = _finite(produced)
        if values.ndim < 2 or values.shape[-1] != 1:
            raise ValueError(f"produced must have one column, got shape {values.shape}")
        return ((values > low) & (values < high)).mean(axis=0)[..., 0]

    return share


def coverage(real: np.ndarray, k: int = 5) -> Metric:
    """Metric: share of `real` (n, d) with a sample nearer than its k-th real neighbour.

    Naeem et al. 2020, equation 10; one run only. Falls when modes or tails are lost.
    """
    from helpers.metrics.generative import coverage as share_covered  # heavy only when used

    finite_array("real", real)
    positive_int("k", k)
    return lambda model, produced: share_covered(real, produced, k)


# --- details -----------------------------------------------------------------------------------


def _learned(model: Any, name: str, columns: int | None = None) -> np.ndarray:
    """What `model` learned under `name` (..., columns); ValueError for others, NaN and infinity."""
    value = not_complex(f"{name} of {type(model).__name__}", getattr(model, name))
    if columns is not None and value.shape[-1] != columns:
        raise ValueError(
            f"{name} of {type(model).__name__} must have the {columns} columns of the reference, "
            f"got shape {value.shape}"
        )
    if not np.isfinite(value).all():
        raise ValueError(
            f"{name} of {type(model).__name__} must hold finite numbers, got NaN or infinity"
        )
    return value


def _finite(produced: Any) -> np.ndarray:
    values = not_complex("produced", produced)
    if np.issubdtype(values.dtype, np.inexact) and not np.isfinite(values).all():
        raise ValueError("produced must hold finite numbers, got NaN or infinity")
    return values


def _of_outcomes(model: Any, outcomes: np.ndarray) -> np.ndarray:
    """The probabilities (..., k) of k outcomes."""
    p = _learned(model, "probabilities_")
    if outcomes.max() >= p.shape[-1]:
        raise ValueError(f"outcomes must lie below the model's {p.shape[-1]}, got {outcomes.max()}")
    return p[..., outcomes]


def _numbers(name: str, value: Any) -> np.ndarray:
    return finite_array(name, np.atleast_1d(real_array(name, value)), ndim=1)


def _distribution(name: str, value: Any) -> np.ndarray:
    p = finite_array(name, real_array(name, value), ndim=1)
    if p.min() < 0 or abs(p.sum() - 1) > 1e-9:
        raise ValueError(f"{name} must be at least 0 and sum to 1, got a sum of {p.sum():g}")
    return p


def _outcomes(outcomes: Any) -> np.ndarray:
    chosen = np.asarray(outcomes)
    if chosen.ndim != 1 or len(chosen) == 0 or not np.issubdtype(chosen.dtype, np.integer):
        raise ValueError(f"outcomes must be a list of at least one integer, got {outcomes!r}")
    if chosen.min() < 0:
        raise ValueError(f"outcomes must not be negative, got {chosen.min()}")
    return chosen
