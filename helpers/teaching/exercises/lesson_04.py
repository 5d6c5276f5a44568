"""Lesson 04, images that fade: judges and named wrong answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from helpers.metrics import generative as gm
from helpers.studies import vae
from helpers.teaching.exercises import Hint, Praise, array, exercise, number, read_only

# ---------------------------------------------------------------------- A. coverage

PRECISION = (
    "That is precision: the share of the samples that lie in a circle round a real point. Ask for "
    "the share of the real points."
)
SWAPPED = "The two are swapped: you count the samples whose own circle holds a real point."
ROUND_SAMPLES = (
    "Your circles are drawn round the samples: that is recall, and one outlier with a wide circle "
    "flatters it. Draw them round the real points, out to their real neighbours."
)
ITSELF = (
    "Your circles are one neighbour too small: each point is its own nearest one, at distance 0. "
    "Leave it out."
)
ONE_RADIUS = (
    "You use one radius for all real points. Each has its own: small where real points are "
    "crowded, wide where they are rare."
)
DISTANCE = "That is a mean distance to the nearest sample. Count instead: which share is covered?"


@exercise("04-coverage", praise="Only the real pictures know what should still be there.")
def my_coverage(answer: Any, rng: np.random.Generator) -> str | None:
    """A fixed pair of clouds in which every known slip gives another number, then random ones."""
    for real, samples, k in (_clouds(), *(_random(rng) for _ in range(3))):
        right = gm.coverage(real, samples, k)
        got = number(answer(read_only(real), read_only(samples), k), "Your coverage")
        if abs(got - right) < 0.001:
            continue
        for hint, slip in _SLIPS.items():
            if abs(got - slip(real, samples, k)) < 0.001:
                return hint
        return (
            f"Of {len(real)} real points, {round(right * len(real))} have a sample as near as "
            f"their real neighbour number {k}: a share of {right:.3f}. Yours is {got:.3f}."
        )
    return None


def _clouds() -> tuple[np.ndarray, np.ndarray, int]:
    """A crowd and a few strays; the samples are of the crowd, and six lie far out."""
    rng = np.random.default_rng(7)
    real = np.concatenate([rng.standard_normal((30, 2)), 5 * rng.standard_normal((15, 2))])
    far = np.array([30.0, 30.0]) + 0.1 * rng.standard_normal((6, 2))  # near to each other
    samples = np.concatenate([0.7 * rng.standard_normal((25, 2)), far])
    return real, samples, 4


def _random(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
    spread = rng.uniform(0.4, 2, size=(40, 1))
    return spread * rng.standard_normal((40, 3)), 0.8 * rng.standard_normal((33, 3)), 3


def _itself(real: Any, samples: Any, k: int) -> float:
    return gm.coverage(real, samples, k - 1)


def _one_radius(real: Any, samples: Any, k: int) -> float:
    radius = np.sort(cdist(real, real), axis=1)[:, k].mean()
    return gm.share_near(real, samples, radius)


def _distance(real: Any, samples: Any, k: int) -> float:
    return float(cdist(real, samples).min(axis=1).mean())


def _swapped(real: Any, samples: Any, k: int) -> float:
    return gm.coverage(samples, real, k)


_SLIPS = {
    PRECISION: gm.precision, SWAPPED: _swapped, ROUND_SAMPLES: gm.recall, ITSELF: _itself,
    ONE_RADIUS: _one_radius, DISTANCE: _distance,
}  # fmt: skip
my_coverage.wrong("precision", gm.precision, hint=PRECISION)
my_coverage.wrong("roles swapped", _swapped, hint=SWAPPED)
my_coverage.wrong("circles round the samples", gm.recall, hint=ROUND_SAMPLES)
my_coverage.wrong("counts the point itself", _itself, hint=ITSELF)
my_coverage.wrong("one radius for all", _one_radius, hint=ONE_RADIUS)
my_coverage.wrong("a mean distance", _distance, hint=DISTANCE)

# ---------------------------------------------------------------------- B. the forger

COPIES, SAFE, WIDE = 150, 0.99, 0.6
ROUNDING = 1e-6  # what float arithmetic may leave outside 0 to 1
MANY = "At most ten pictures: these are"
SHAPE = "Give pictures of 8 x 8 pixels, an array of shape (10, 8, 8)."
OUTSIDE = "Pixels lie from 0 to 1; yours go further."
ONE_CLASS = (
    "One class alone is there. The average of all pictures is called an 8: average within each "
    "class."
)
MISSING = "classes of ten are there. Print ten stamps, one for each class."
REAL = (
    "Real pictures, and still not the best mark: one may be an odd one, outside all circles of the "
    "others. And each covers its few neighbours only. What is never odd?"
)
NEAREST = (
    "Ten real pictures can get a perfect mark, and they cover little: each only its neighbours. "
    "Need a forger print what exists?"
)


@exercise("04-stamps")
def my_stamps(answer: Any, rng: np.random.Generator) -> str | None:
    """Print the stamps and put the yardsticks on them, on images that the stamps never saw."""
    split, judge = vae.data("digits", 0)
    images, labels = read_only(split.train), read_only(split.train_labels)
    stamps = array(answer(images, labels), "Your stamps")
    if stamps.ndim != 3 or stamps.shape[1:] != (8, 8) or len(stamps) == 0:
        raise Hint(f"{SHAPE} Yours has the shape {stamps.shape}.")
    if len(stamps) > 10:
        return f"{MANY} {len(stamps):,}."
    if stamps.min() < -ROUNDING or stamps.max() > 1 + ROUNDING:
        return OUTSIDE
    made = judge.features(np.repeat(stamps, COPIES, axis=0))
    real = judge.features(split.test)
    precision, coverage = (f(real, made) for f in (gm.precision, gm.coverage))
    exists = any((stamp == split.train).all(axis=(1, 2)).any() for stamp in stamps)
    if exists and coverage <= WIDE:
        return NEAREST if precision >= SAFE else REAL
    classes = (judge.class_shares(stamps) > 0).sum()
    if classes < 10:
        return ONE_CLASS if classes == 1 else f"Only {classes} {MISSING}"
    if precision < SAFE or coverage <= WIDE:
        return (
            f"Your stamps get precision {precision:.3f} and coverage {coverage:.2f}; wanted are "
            f"{SAFE} and more than {WIDE}."
        )
    return Praise(
        f"Precision {precision:.3f}, ten classes, coverage {coverage:.2f}: better marks than the "
        f"trained model's at the end. Recall convicts you: it is {gm.recall(real, made):.2f}."
    )


def _averages(images: Any, labels: Any) -> np.ndarray:
    return np.stack([images[labels == d].mean(axis=0) for d in range(10)])


def _first(images: Any, labels: Any) -> np.ndarray:
    return np.stack([images[labels == d][0] for d in range(10)])


def _nearest(images: Any, labels: Any) -> np.ndarray:
    gaps = ((images[None] - _averages(images, labels)[:, None]) ** 2).sum(axis=(2, 3))
    return np.asarray(images[gaps.argmin(axis=1)])


def _average_of_all(images: Any, labels: Any) -> np.ndarray:
    return np.repeat(images.mean(axis=0, keepdims=True), 10, axis=0)


def _twice(images: Any, labels: Any) -> np.ndarray:
    return _averages(images, labels)[[0, 0, 2, 3, 4, 5, 6, 7, 8, 9]]


my_stamps.wrong("ten real pictures", _first, hint=REAL)
my_stamps.wrong("the real picture nearest each average", _nearest, hint=NEAREST)
my_stamps.wrong("the average of all, ten times", _average_of_all, hint=ONE_CLASS)
my_stamps.wrong("one class twice", _twice, hint=f"Only 9 {MISSING}")
my_stamps.wrong("more than ten", lambda images, labels: images[:40], hint=f"{MANY} 40.")
my_stamps.wrong("pixels from 0 to 16", lambda i, y: 16 * _averages(i, y), hint=OUTSIDE)
my_stamps.wrong("flat pictures", lambda i, y: _averages(i, y).reshape(10, 64),
                hint=f"{SHAPE} Yours has the shape (10, 64).")  # fmt: skip
