"""What counts as data in this course, and the three things the loop does with it.

Data are either arrays with samples on axis 0 or lists with one element a sample (texts, programs,
records). The two are never mixed and never modified in place. `Replicates` stacks the data of
many independent runs, so that one policy serves a single run and a thousand at once. No data sets
are loaded here, and nothing in this module knows about models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np


@dataclass(frozen=True, eq=False)
class Replicates:
    """Data of R independent runs: `values` has shape (n_samples, R, ...), samples on axis 0."""

    values: np.ndarray


Data: TypeAlias = np.ndarray | list[Any] | Replicates


def check_data(name: str, data: Any) -> Data:
    """`data`, if it is an array with a sample axis, a list or Replicates; TypeError otherwise."""
    if isinstance(data, (list, Replicates)) or (isinstance(data, np.ndarray) and data.ndim > 0):
        return data
    raise TypeError(
        f"{name} must be a NumPy array with samples on axis 0 or a list of samples, "
        f"got {type(data).__name__}"
    )


def size(data: Data) -> int:
    """Number of samples."""
    return len(data.values) if isinstance(data, Replicates) else len(data)


def concat(parts: Sequence[Data]) -> Data:
    """One data set that holds all samples of `parts`, in order; always a new object.

    Raises TypeError where arrays and lists are mixed, ValueError where the samples of two arrays
    have different shapes or where `parts` is empty.
    """
    kinds = {type(check_data("parts", part)) for part in parts}
    if not kinds:
        raise ValueError("parts must hold at least one data set, got none")
    if len(kinds) > 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise TypeError(f"data must be all arrays or all lists, got a mix of {names}")
    if kinds == {list}:
        return [sample for part in parts for sample in part]  # type: ignore[union-attr]
    arrays = [part.values if isinstance(part, Replicates) else part for part in parts]
    shapes = {np.shape(array)[1:] for array in arrays}
    if len(shapes) > 1:
        raise ValueError(f"samples must all have one shape, got {sorted(shapes)}")
    joined = np.concatenate(arrays)
    return Replicates(joined) if kinds == {Replicates} else joined


def take(data: Data, indices: np.ndarray) -> Data:
    """The samples at `indices` (integers), as a new object.

    For Replicates, `indices` has shape (k, R), every run takes its own, or (k,), all the same.
    """
    if isinstance(data, list):
        return [data[i] for i in indices]
    if isinstance(data, Replicates):
        if indices.ndim == 1:
            return Replicates(data.values[indices])
        return Replicates(data.values[indices, np.arange(indices.shape[1])])
    return data[indices]


def draw(data: Data, n: int, rng: np.random.Generator, *, with_replacement: bool = False) -> Data:
    """`n` samples of `data` drawn at random, without replacement unless asked.

    Raises ValueError when more distinct samples are asked for than there are.
    """
    pool = size(data)
    if n > 0 and (pool == 0 or (n > pool and not with_replacement)):
        raise ValueError(f"cannot draw {n} samples without replacement from {pool}")
    if isinstance(data, Replicates):
        runs = data.values.shape[1]
        if with_replacement:
            return take(data, rng.integers(pool, size=(n, runs)))
        return take(data, _distinct(pool, n, runs, rng))
    if n == 0:
        return take(data, np.empty(0, dtype=int))
    return take(data, rng.choice(pool, size=n, replace=with_replacement))


def read_only(data: Data) -> Data:
    """The same samples to look at and not to change: an array is a view, a list is a new list."""
    if isinstance(data, list):
        return list(data)
    if isinstance(data, Replicates):
        return Replicates(_view(data.values))
    return _view(data)


def _view(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _distinct(pool: int, n: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """(n, runs) indices below `pool`, distinct within each run, uniform over all such sets."""
    if pool < 4 * n:
        everything = np.broadcast_to(np.arange(pool)[:, None], (pool, runs))
        return rng.permuted(everything, axis=0)[:n]
    # A small share of a large pool: draw, then draw again whatever repeats an earlier draw.
    # Each redraw is a fresh uniform index, so this is sequential sampling without replacement.
    indices = rng.integers(pool, size=(n, runs))
    while True:
        order = np.argsort(indices, axis=0, kind="stable")
        ranked = np.take_along_axis(indices, order, axis=0)
        repeated = np.zeros((n, runs), dtype=bool)
        np.put_along_axis(repeated, order[1:], ranked[1:] == ranked[:-1], axis=0)
        if not repeated.any():
            return indices
        indices[repeated] = rng.integers(pool, size=int(repeated.sum()))
