"""Labelled rows by their class: how common each class is, its mean, and one spread for all.

The simplest generator of labelled data, and a classifier at the same time (a Gaussian discriminant
with one common, round spread). It is not a good model of pictures: it is one in which a class that
is rare is known by its few rows alone.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from helpers._arguments import finite_array, generator, positive_int
from helpers.models._base import FormulaModel


class ClassMeans(FormulaModel):
    """Shares, means and a common variance of `n_classes` classes.

    Data are arrays (n, 1 + d), a row an example: its class 0 .. n_classes - 1, then d numbers.
    Learned: `shares_` (n_classes,), `means_` (n_classes, d), `variance_`, of one number about the
    mean of its class (divisor n). A class without rows has share 0, and its mean says nothing.
    """

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes

    def fit(
        self, data: np.ndarray, rng: np.random.Generator | None = None, init: Any = None
    ) -> Self:
        """Count and average. Uses no randomness; `init` must be None."""
        self._refuse_init(init)
        labels, values = self._parts(data)
        counts = np.bincount(labels, minlength=self.n_classes)
        sums = np.zeros((self.n_classes, values.shape[1]))
        np.add.at(sums, labels, values)
        self.shares_ = counts / counts.sum()
        self.means_ = sums / np.maximum(counts, 1)[:, None]
        self.variance_ = float(((values - self.means_[labels]) ** 2).mean())
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """(n_samples, 1 + d): a class by its share, then its mean with round Gaussian noise."""
        self._check_fitted()
        n = positive_int("n_samples", n_samples)
        labels = generator("rng", rng).choice(self.n_classes, size=n, p=self.shares_)
        noise = rng.normal(0, self.variance_**0.5, (n, self.means_.shape[1]))
        return np.column_stack([labels, self.means_[labels] + noise])

    def predict(self, values: np.ndarray) -> np.ndarray:
        """The likeliest class of each row of `values` (n, d): ints (n,). Lost classes never win."""
        return np.asarray(self._joint(values).argmax(axis=1))

    def score(self, data: np.ndarray) -> float:
        """Mean log-density of (class, numbers) in nats; -inf when a class is lost."""
        self._check_fitted()
        labels, values = self._parts(data)
        self._check_columns(data, 1 + self.means_.shape[1])
        return float(self._joint(values)[np.arange(len(labels)), labels].mean())

    def _joint(self, values: Any) -> np.ndarray:
        """Log-density of each row together with each class, (n, n_classes)."""
        self._check_fitted()
        rows = self._check_columns(finite_array("values", values), self.means_.shape[1])
        # |x - m|^2 without an array of n x classes x d
        distance = (rows**2).sum(axis=1)[:, None] - 2 * rows @ self.means_.T
        distance = distance + (self.means_**2).sum(axis=1)
        with np.errstate(divide="ignore"):
            log_shares = np.log(self.shares_)
        spread = max(self.variance_, np.finfo(float).tiny)
        constant = 0.5 * rows.shape[1] * np.log(2 * np.pi * spread)
        return np.asarray(log_shares - distance / (2 * spread) - constant)

    def _parts(self, data: Any) -> tuple[np.ndarray, np.ndarray]:
        """Classes (n,) and numbers (n, d)."""
        k = positive_int("n_classes", self.n_classes)
        rows = finite_array("data", data)
        if rows.shape[1] < 2:
            raise ValueError(f"data must have a class and at least one number, got {rows.shape}")
        labels = rows[:, 0].astype(int)
        if (labels != rows[:, 0]).any() or labels.min() < 0 or labels.max() >= k:
            raise ValueError(f"data must begin with classes from 0 to {k - 1} in every row")
        return labels, rows[:, 1:]
