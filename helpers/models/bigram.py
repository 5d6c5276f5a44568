"""A bigram model of words: the instant language model, two tables of counts and no torch.

The next word depends on the last one alone. A share of plain word frequencies is mixed in, so
that a word seen once does not fix what follows it (Jelinek and Mercer 1980). What was never seen
is never sampled: a word that is missing from one generation is gone for good.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse

from helpers._arguments import fraction, generator, positive_int
from helpers.models._base import FormulaModel


class Bigram(FormulaModel):
    """A mixture of bigram and unigram frequencies over words 0 .. vocabulary_size - 1.

    Parameters
    ----------
    unigram_share: weight of the plain word frequencies, in learning and in sampling.
    floor: weight of the uniform distribution, in `score` alone: without it a single new word in
        the test text would make the cross-entropy infinite.

    Data are integer arrays (n, length), a row a passage. Samples have the length of the data.
    Learned: `frequencies_` (vocabulary_size,), `pairs_` sparse counts of (word, next word).
    """

    def __init__(
        self, vocabulary_size: int, unigram_share: float = 0.2, floor: float = 0.02
    ) -> None:
        self.vocabulary_size = vocabulary_size
        self.unigram_share = unigram_share
        self.floor = floor

    def fit(
        self, data: np.ndarray, rng: np.random.Generator | None = None, init: Any = None
    ) -> Self:
        """Count words and pairs within rows. Uses no randomness; `init` must be None."""
        self._refuse_init(init)
        positive_int("vocabulary_size", self.vocabulary_size)
        fraction("unigram_share", self.unigram_share)
        fraction("floor", self.floor)
        rows = self._rows(data)
        size = self.vocabulary_size
        counts = np.bincount(rows.ravel(), minlength=size)
        self.frequencies_ = counts / counts.sum()
        ones = np.ones(rows[:, 1:].size)
        before, after = rows[:, :-1].ravel(), rows[:, 1:].ravel()
        self.pairs_ = sparse.coo_array((ones, (before, after)), shape=(size, size)).tocsr()
        self.length_ = rows.shape[1]
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """(n_samples, length) rows, written word by word, all rows at once."""
        self._check_fitted()
        n = positive_int("n_samples", n_samples)
        generator("rng", rng)
        running = np.concatenate([[0.0], self.pairs_.data.cumsum()])  # over all pairs, by row
        first, last = running[self.pairs_.indptr[:-1]], running[self.pairs_.indptr[1:]]
        words = np.empty((n, self.length_), dtype=np.int64)
        words[:, 0] = self._plain(n, rng)
        for place in range(1, self.length_):
            previous = words[:, place - 1]
            low, high = first[previous], last[previous]
            target = low + rng.random(n) * (high - low)
            pair = np.searchsorted(running, target, side="right") - 1
            plain = (rng.random(n) < self.unigram_share) | (low == high)
            words[:, place] = self.pairs_.indices[np.minimum(pair, self.pairs_.nnz - 1)]
            words[plain, place] = self._plain(int(plain.sum()), rng)
        return words

    def score_samples(self, data: np.ndarray) -> np.ndarray:
        """Mean log-likelihood (nats) of the words after the first in each row, (n,)."""
        self._check_fitted()
        rows = self._rows(data)
        before, after = rows[:, :-1], rows[:, 1:]
        # A word that nothing has followed falls back to the plain frequencies, as in `sample`.
        followed = np.asarray(self.pairs_.sum(axis=1)).ravel()
        seen = np.asarray(self.pairs_[before.ravel(), after.ravel()]).reshape(before.shape)
        paired = seen / np.maximum(followed[before], 1)
        share = np.where(followed[before] > 0, self.unigram_share, 1.0)
        p = (1 - share) * paired + share * self.frequencies_[after]
        mixed = (1 - self.floor) * p + self.floor / self.vocabulary_size
        with np.errstate(divide="ignore"):
            return np.log(mixed).mean(axis=1)

    def score(self, data: np.ndarray) -> float:
        """Mean log-likelihood a word (nats): minus the cross-entropy."""
        return float(self.score_samples(data).mean())

    def _plain(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """`n` words by their frequencies."""
        running = self.frequencies_.cumsum()
        return np.searchsorted(running, rng.random(n) * running[-1], side="right")

    def _rows(self, data: Any) -> np.ndarray:
        if not isinstance(data, np.ndarray) or not np.issubdtype(data.dtype, np.integer):
            kind = data.dtype if isinstance(data, np.ndarray) else type(data).__name__
            raise TypeError(f"data must be an array of integers, got {kind}")
        if data.ndim != 2 or len(data) == 0 or data.shape[1] < 2:
            raise ValueError(f"data must have shape (n, length), length >= 2, got {data.shape}")
        if data.min() < 0 or data.max() >= self.vocabulary_size:
            raise ValueError(
                f"data must hold words from 0 to {self.vocabulary_size - 1}, "
                f"got {data.min()} to {data.max()}"
            )
        return data
