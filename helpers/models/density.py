"""Kernel density and Gaussian mixtures: scikit-learn's estimators behind fit / sample / score.

Both are thin: the estimation is scikit-learn's. What differs from it: a score is a mean and not a
sum, samples come in random order and not grouped by component, and draws take a Generator.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.mixture import GaussianMixture as SklearnMixture
from sklearn.neighbors import KernelDensity as SklearnKernelDensity

from helpers._arguments import finite_array, generator, positive_int, real_number
from helpers.models._base import FormulaModel


class KernelDensity(FormulaModel):
    """A Gaussian bump of standard deviation `bandwidth` on every sample, data of shape (n, d).

    Learned: `density_`, the fitted sklearn.neighbors.KernelDensity, and `centres_` (n, d).
    """

    def __init__(self, bandwidth: float) -> None:
        self.bandwidth = bandwidth

    def fit(
        self, data: np.ndarray, rng: np.random.Generator | None = None, init: Any = None
    ) -> Self:
        """Keep the samples as centres. Uses no randomness; `init` must be None."""
        self._refuse_init(init)
        bandwidth = real_number("bandwidth", self.bandwidth, low=0.0, open_low=True)
        self.centres_ = finite_array("data", data).copy()
        self.density_ = SklearnKernelDensity(bandwidth=bandwidth).fit(self.centres_)
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """(n_samples, d): a centre drawn at random, plus bandwidth times normal noise."""
        self._check_fitted()
        n = positive_int("n_samples", n_samples)
        chosen = generator("rng", rng).integers(len(self.centres_), size=n)
        return self.centres_[chosen] + self.bandwidth * rng.standard_normal(
            (n, self.centres_.shape[1])
        )

    def score(self, data: np.ndarray) -> float:
        """Mean log-likelihood of a sample in nats."""
        self._check_fitted()
        values = self._check_columns(finite_array("data", data), self.centres_.shape[1])
        return float(self.density_.score_samples(values).mean())


class GaussianMixture(FormulaModel):
    """`n_components` Gaussians with full covariances, fitted by EM, data of shape (n, d).

    `reg_covar` is added to the diagonal of every covariance: without it a component that lost all
    but one sample makes EM fail. `init`, a fitted mixture with as many components, starts EM from
    its weights, means and precisions. `spread`, from 0 to 1, is the part of the spread that the
    sampler uses: each component is drawn from N(mean, spread x covariance), the sampling bias
    lambda of Alemohammad et al. 2023, arXiv 2307.01850; fit and score do not know it. Learned:
    `mixture_`, the fitted scikit-learn estimator.
    """

    def __init__(
        self, n_components: int, reg_covar: float = 1e-3, tol: float = 1e-3, spread: float = 1.0
    ) -> None:
        self.n_components = n_components
        self.reg_covar = reg_covar
        self.tol = tol
        self.spread = spread

    def fit(
        self,
        data: np.ndarray,
        rng: np.random.Generator | None = None,
        init: GaussianMixture | None = None,
    ) -> Self:
        """EM from k-means++ centres drawn with `rng`, or from `init`."""
        components = positive_int("n_components", self.n_components)
        real_number("spread", self.spread, low=0.0, high=1.0)
        values = finite_array("data", data)
        if len(values) < max(2, components):
            raise ValueError(
                f"data must hold at least {max(2, components)} samples for "
                f"{components} components, got {len(values)}"
            )
        start: dict[str, Any] = {"init_params": "k-means++"}
        if init is not None:
            start = self._start_from(init)
        elif rng is None:
            raise ValueError("rng must be a numpy.random.Generator unless init is given, got None")
        self.mixture_ = SklearnMixture(
            components,
            reg_covar=real_number("reg_covar", self.reg_covar, low=0.0),
            tol=real_number("tol", self.tol, low=0.0, open_low=True),
            max_iter=500,
            random_state=None if rng is None else int(generator("rng", rng).integers(2**31)),
            **start,
        ).fit(values)
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """(n_samples, d) draws from the fitted mixture, in random order."""
        self._check_fitted()
        n = positive_int("n_samples", n_samples)
        spread = real_number("spread", self.spread, low=0.0, high=1.0)
        self.mixture_.set_params(random_state=int(generator("rng", rng).integers(2**31)))
        values, drawn = self.mixture_.sample(n)
        if spread != 1:
            centres = self.mixture_.means_[drawn]
            values = centres + spread**0.5 * (values - centres)
        return rng.permutation(finite_array("the samples", values))

    def score(self, data: np.ndarray) -> float:
        """Mean log-likelihood of a sample in nats."""
        self._check_fitted()
        columns = self.mixture_.means_.shape[1]
        return float(self.mixture_.score(self._check_columns(finite_array("data", data), columns)))

    def _start_from(self, init: GaussianMixture) -> dict[str, Any]:
        if not isinstance(init, GaussianMixture) or not hasattr(init, "mixture_"):
            raise TypeError(f"init must be a fitted GaussianMixture, got {init!r}")
        if init.n_components != self.n_components:
            raise ValueError(
                f"init must have {self.n_components} components, got {init.n_components}"
            )
        fitted = init.mixture_
        return {
            "weights_init": fitted.weights_,
            "means_init": fitted.means_,
            "precisions_init": fitted.precisions_,
        }
