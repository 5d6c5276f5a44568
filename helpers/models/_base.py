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
        """NotFittedError before `fit`; ValueError when what was learned is NaN or infinite."""
        check_is_fitted(self)
        for name, value in vars(self).items():
            learned = name.endswith("_") and isinstance(value, np.ndarray)
            if learned and not np.isfinite(value).all():
                raise ValueError(
                    f"{name} of {type(self).__name__} must hold finite numbers to sample or score, "
                    f"got NaN or infinity: were the data far too large?"
                )

    def _check_columns(self, data: np.ndarray, columns: int) -> np.ndarray:
        """`data` (n, columns); ValueError when it has another number of columns than the fit."""
        if data.shape[1] != columns:
            raise ValueError(
                f"data must have {columns} columns, as in the fit, got shape {data.shape}"
            )
        return data


class ReplicableModel(FormulaModel):
    """A model that can also be fitted to many runs at once (see `helpers.loop.run_batched`).

    `_fit_runs` and `_sample_runs` work with any axes between the samples (axis 0) and the
    features, and learned values carry those axes in front: one formula for one run and for many.
    """

    def _fit_runs(self, values: np.ndarray) -> None:
        raise NotImplementedError

    def _sample_runs(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError
