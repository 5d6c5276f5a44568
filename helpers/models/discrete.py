"""A distribution over finitely many outcomes, estimated by counting.

Counting is the best possible fit: whatever this model loses over the generations, it loses by
resampling alone (Shumailov et al., Nature 2024, "Discrete distributions with exact approximation").
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from helpers._arguments import generator, positive_int
from helpers.models._base import ReplicableModel


class Discrete(ReplicableModel):
    """Relative frequencies of the outcomes 0 .. n_outcomes - 1.

    Data are integer arrays of shape (n,). Learned: `probabilities_` (n_outcomes,).
    """

    def __init__(self, n_outcomes: int) -> None:
        self.n_outcomes = n_outcomes

    def fit(
        self, data: np.ndarray, rng: np.random.Generator | None = None, init: Any = None
    ) -> Self:
        """Count the outcomes. Uses no randomness; `init` must be None."""
        self._refuse_init(init)
        positive_int("n_outcomes", self.n_outcomes)
        self._fit_runs(self._outcomes(data))
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """(n_samples,) outcomes drawn independently from `probabilities_`."""
        self._check_fitted()
        return self._sample_runs(positive_int("n_samples", n_samples), generator("rng", rng))

    def score(self, data: np.ndarray) -> float:
        """Mean log-probability of an outcome in nats; -inf when one was never seen in fitting."""
        self._check_fitted()
        with np.errstate(divide="ignore"):
            return float(np.log(self.probabilities_)[self._outcomes(data)].mean())

    def _outcomes(self, data: Any) -> np.ndarray:
        if not isinstance(data, np.ndarray) or not np.issubdtype(data.dtype, np.integer):
            kind = data.dtype if isinstance(data, np.ndarray) else type(data).__name__
            raise TypeError(f"data must be an array of integers, got {kind}")
        if data.ndim != 1 or len(data) == 0:
            raise ValueError(f"data must have shape (n,) with n >= 1, got {data.shape}")
        if data.min() < 0 or data.max() >= self.n_outcomes:
            raise ValueError(
                f"data must hold outcomes from 0 to {self.n_outcomes - 1}, "
                f"got {data.min()} to {data.max()}"
            )
        return data

    def _fit_runs(self, values: np.ndarray) -> None:
        runs = values.shape[1:]
        n_runs = int(np.prod(runs))
        shifted = values.reshape(len(values), n_runs) + self.n_outcomes * np.arange(n_runs)
        counts = np.bincount(shifted.ravel(), minlength=n_runs * self.n_outcomes)
        self.probabilities_ = counts.reshape(*runs, self.n_outcomes) / len(values)

    def _sample_runs(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        # Draw how often each outcome occurs, write it out, shuffle: the same law as drawing one
        # at a time, and an outcome of probability zero can never come back by rounding.
        counts = rng.multinomial(n_samples, self.probabilities_)
        runs = counts.shape[:-1]
        outcomes = np.broadcast_to(np.arange(self.n_outcomes), counts.shape).ravel()
        values = np.repeat(outcomes, counts.ravel()).reshape(*runs, n_samples)
        return np.moveaxis(rng.permuted(values, axis=-1), -1, 0)
