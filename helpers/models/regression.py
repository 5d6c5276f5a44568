"""Linear regression as a generative model: the setting in which collapse has exact formulas.

A fitted model labels inputs and adds noise; the next model is fitted to those labels (Gerstgrasser
et al. 2024, section 3; Dohmatob et al. 2024, "Model Collapse Demystified"). Only the labels are
modelled: the inputs come from a given design or from N(0, I).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from helpers._arguments import finite_array, generator, positive_int, real_number
from helpers.models._base import ReplicableModel

# Eigenvalues of X'X below this share of the largest count as zero.
_RANK_TOLERANCE = 1e-10


class LinearRegression(ReplicableModel):
    """y = x . coef_ + sigma * noise, fitted by least squares of minimum norm.

    Data are rows [x_1 .. x_d, y], shape (n, d + 1).

    Parameters
    ----------
    sigma: standard deviation of the label noise that `sample` adds.
    design: None draws fresh inputs from N(0, I) in every `sample`; an array (n, d) uses those
        inputs each time, and then n_samples must be n. In `run_batched` a design may have shape
        (n, replicates, d), one a run.

    Learned: `coef_` (d,).
    """

    def __init__(self, sigma: float = 1.0, design: np.ndarray | None = None) -> None:
        self.sigma = sigma
        self.design = design

    def fit(
        self, data: np.ndarray, rng: np.random.Generator | None = None, init: Any = None
    ) -> Self:
        """Least squares; with fewer rows than inputs the solution of smallest norm."""
        self._refuse_init(init)
        values = self._rows(data)
        real_number("sigma", self.sigma, low=0.0)
        if self.design is not None:
            finite_array("design", self.design, ndim=2)
            if self.design.shape[-1] != values.shape[-1] - 1:
                raise ValueError(
                    f"design must have the data's {values.shape[-1] - 1} inputs, "
                    f"got shape {self.design.shape}"
                )
        self._fit_runs(values)
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """(n_samples, d + 1) rows: inputs as `design` says, labels from the fitted model."""
        self._check_fitted()
        return self._sample_runs(positive_int("n_samples", n_samples), generator("rng", rng))

    def score(self, data: np.ndarray) -> float:
        """Mean log-likelihood of a label given its inputs, in nats; needs sigma > 0."""
        self._check_fitted()
        real_number("sigma", self.sigma, low=0.0, open_low=True)
        values = self._check_columns(self._rows(data), len(self.coef_) + 1)
        residual = values[:, -1] - values[:, :-1] @ self.coef_
        variance = self.sigma**2
        return float(-0.5 * (np.mean(residual**2) / variance + np.log(2 * np.pi * variance)))

    def _rows(self, data: Any) -> np.ndarray:
        values = finite_array("data", data)
        if values.shape[1] < 2:
            raise ValueError(f"data must have rows [x_1 .. x_d, y], got shape {values.shape}")
        return values

    def _fit_runs(self, values: np.ndarray) -> None:
        by_run = np.moveaxis(values, 0, -2)  # (..., n, d + 1)
        inputs, labels = by_run[..., :-1], by_run[..., -1:]
        transposed = np.swapaxes(inputs, -1, -2)
        # The pseudo-inverse of X'X gives the minimum-norm solution at any rank.
        inverse = np.linalg.pinv(transposed @ inputs, rcond=_RANK_TOLERANCE, hermitian=True)
        self.coef_ = (inverse @ (transposed @ labels))[..., 0]

    def _sample_runs(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        shape = (n_samples, *self.coef_.shape)
        if self.design is None:
            inputs = rng.standard_normal(shape)
        elif len(self.design) != n_samples:
            raise ValueError(
                f"n_samples must be the design's {len(self.design)} rows, got {n_samples}"
            )
        elif self.design.ndim == len(shape):
            inputs = self.design
        else:
            inputs = np.broadcast_to(self.design[:, None, :], shape)
        noise = self.sigma * rng.standard_normal(shape[:-1])
        labels = np.einsum("n...d,...d->n...", inputs, self.coef_) + noise
        return np.concatenate([inputs, labels[..., None]], axis=-1)
