"""What the simple models share: parameters as scikit-learn keeps them, and no weights to carry on.

A model whose fit is a formula has nothing to start from, so it refuses `init`. The torch models
have weights and do not use this class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted


class FormulaModel(BaseEstimator):
    """A scikit-learn estimator with `fit / sample / score` whose fit has a closed form."""

    def _refuse_init(self, init: Any) -> None:
        if init is not None:
            raise ValueError(
                f"init must be None for {type(self).__name__}: its fit has no weights to start "
                f"from, got {init!r}"
            )

    def _check_fitted(self) -> None:
        check_is_fitted(self)


class ReplicableModel(FormulaModel):
    """A model that can also be fitted to many runs at once (see `helpers.loop.run_batched`).

    `_fit_runs` and `_sample_runs` work with any axes between the samples (axis 0) and the
    features, and learned values carry those axes in front: one formula for one run and for many.
    """

    def _fit_runs(self, values: np.ndarray) -> None:
        raise NotImplementedError

    def _sample_runs(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError
