"""Counting with a chance for what was not seen: the classic smoothers of language models.

Each is `Discrete` with one step more: after counting, some probability is taken from the outcomes
that were seen and given to others. After one fit that is better than plain counting. What it does
when the loop repeats it is the subject of lesson 03. Sources: Lidstone 1920 and Laplace (add),
Good 1953 (Good-Turing), Ney, Essen and Kneser 1994 (discount), Katz 1987 (backing off).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers._arguments import finite_array, fraction, real_number
from helpers.models.discrete import Discrete


class _Smoothed(Discrete):
    """Counts, and then `_smooth` them."""

    def _fit_runs(self, values: np.ndarray) -> None:
        self._check_parameters()
        super()._fit_runs(values)
        self.probabilities_ = self._smooth(self.probabilities_ * len(values), len(values))

    def _check_parameters(self) -> None:
        """TypeError or ValueError for a bad parameter, before anything is counted."""

    def _smooth(self, counts: np.ndarray, n: int) -> np.ndarray:
        """Probabilities (..., n_outcomes) from the counts of n samples, same shape."""
        raise NotImplementedError

    def _spread(self, seen: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """`seen`, and what it lacks of 1 shared evenly by the outcomes that were not seen.

        If all were seen there is nobody to give it to: everybody gets it back in proportion.
        """
        new = counts < 0.5
        lacking = 1 - seen.sum(axis=-1, keepdims=True)
        spread = np.where(new, lacking / np.maximum(new.sum(axis=-1, keepdims=True), 1), seen)
        return np.asarray(spread / spread.sum(axis=-1, keepdims=True))


class AddCount(_Smoothed):
    """Every outcome is counted `extra` times more than it was seen: (count + extra) / (n + ...).

    extra = 1 is Laplace's rule, smaller numbers are Lidstone's; 0 is plain counting.
    """

    def __init__(self, n_outcomes: int, extra: float = 1.0) -> None:
        super().__init__(n_outcomes)
        self.extra = extra

    def _check_parameters(self) -> None:
        real_number("extra", self.extra, low=0)

    def _smooth(self, counts: np.ndarray, n: int) -> np.ndarray:
        return (counts + self.extra) / (n + self.extra * self.n_outcomes)


class GoodTuring(_Smoothed):
    """The outcomes that were not seen get, together, the share of samples seen once.

    That share is Good and Turing's estimate of the missing mass, the probability of what is not
    in the sample. It is shared evenly; what was seen shrinks in proportion.
    """

    def _smooth(self, counts: np.ndarray, n: int) -> np.ndarray:
        missing = (counts.round() == 1).sum(axis=-1, keepdims=True) / n
        missing = np.where(missing < 1, missing, 1 - 1 / (n + 1))  # all seen once: keep a little
        return self._spread((1 - missing) * counts / n, counts)


class Discount(_Smoothed):
    """`discount` is taken from every count, and shared evenly by what was not seen."""

    def __init__(self, n_outcomes: int, discount: float = 0.5) -> None:
        super().__init__(n_outcomes)
        self.discount = discount

    def _check_parameters(self) -> None:
        fraction("discount", self.discount)

    def _smooth(self, counts: np.ndarray, n: int) -> np.ndarray:
        return self._spread(np.maximum(counts - self.discount, 0) / n, counts)


class BackOff(_Smoothed):
    """A `share` of the probability comes from `reference`, which never changes.

    reference: probabilities (n_outcomes,), such as frequencies counted once in real text.
    """

    def __init__(self, n_outcomes: int, reference: Any, share: float = 0.1) -> None:
        super().__init__(n_outcomes)
        self.reference = reference
        self.share = share

    def _check_parameters(self) -> None:
        fraction("share", self.share)
        frozen = finite_array("reference", self.reference, ndim=1)
        if len(frozen) != self.n_outcomes or frozen.min() < 0 or abs(frozen.sum() - 1) > 1e-9:
            raise ValueError(
                f"reference must be {self.n_outcomes} probabilities that sum to 1, got "
                f"{len(frozen)} with a sum of {frozen.sum():g}"
            )

    def _smooth(self, counts: np.ndarray, n: int) -> np.ndarray:
        return (1 - self.share) * counts / n + self.share * np.asarray(self.reference)
