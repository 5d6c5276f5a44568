"""The normal distribution as a model: the smallest one that collapses.

Estimated by its sample mean and covariance, exactly as in Theorem 3.1 of Shumailov et al. (Nature
2024). Not a robust or a regularised estimator: the point is to see plain estimation error repeat.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from helpers._arguments import finite_array, generator, one_of, positive_int, real_number
from helpers.models._base import ReplicableModel


class Gaussian(ReplicableModel):
    """N(mean_, covariance_) fitted to samples of shape (n, d).

    Parameters
    ----------
    ddof: 0 divides the covariance by n (maximum likelihood), 1 by n - 1 (unbiased; Theorem 3.1).
    sampling_bias: lambda of Alemohammad et al. 2023 (MAD): samples come from
        N(mean_, sampling_bias * covariance_). 1 is unbiased, 0 returns the mode.

    Learned: `mean_` (d,) and `covariance_` (d, d).
    """

    def __init__(self, ddof: int = 0, sampling_bias: float = 1.0) -> None:
        self.ddof = ddof
        self.sampling_bias = sampling_bias

    def fit(
        self, data: np.ndarray, rng: np.random.Generator | None = None, init: Any = None
    ) -> Self:
        """Mean and covariance of `data` (n, d). Uses no randomness; `init` must be None."""
        self._refuse_init(init)
        values = finite_array("data", data)
        one_of("ddof", self.ddof, (0, 1))
        real_number("sampling_bias", self.sampling_bias, low=0.0)
        if len(values) <= self.ddof:
            raise ValueError(
                f"data must hold more than ddof = {self.ddof} samples, got {len(values)}"
            )
        self._fit_runs(values)
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """(n_samples, d) draws from N(mean_, sampling_bias * covariance_)."""
        self._check_fitted()
        return self._sample_runs(positive_int("n_samples", n_samples), generator("rng", rng))

    def score(self, data: np.ndarray) -> float:
        """Mean log-likelihood of a sample in nats; -inf where the covariance is singular."""
        self._check_fitted()
        values = self._check_columns(finite_array("data", data), len(self.mean_))
        centred = values - self.mean_
        sign, log_det = np.linalg.slogdet(self.covariance_)
        if sign <= 0:
            return float("-inf")
        distance = np.einsum("ni,ni->n", centred, np.linalg.solve(self.covariance_, centred.T).T)
        return float(-0.5 * (distance.mean() + log_det + len(self.mean_) * np.log(2 * np.pi)))

    def _fit_runs(self, values: np.ndarray) -> None:
        self.mean_ = values.mean(axis=0)
        centred = values - self.mean_
        divisor = len(values) - self.ddof
        if values.shape[-1] == 1:  # the same sum, without the cost of a general product
            self.covariance_ = np.einsum("n...i,n...i->...i", centred, centred)[..., None] / divisor
        else:
            columns = np.moveaxis(centred, 0, -1)  # (..., d, n)
            self.covariance_ = columns @ np.swapaxes(columns, -1, -2) / divisor

    def _sample_runs(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        noise = rng.standard_normal((n_samples, *self.mean_.shape))
        covariance = self.sampling_bias * self.covariance_
        if self.mean_.shape[-1] == 1:
            noise *= np.sqrt(covariance[..., 0])
        else:
            # A symmetric root, not Cholesky: a collapsed covariance is singular.
            spread, axes = np.linalg.eigh(covariance)
            root = axes * np.sqrt(np.clip(spread, 0.0, None))[..., None, :]
            noise = np.einsum("...ij,n...j->n...i", root, noise)
        return noise + self.mean_
