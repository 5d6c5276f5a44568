"""How far generated samples are from real ones, and which part of the real data they lost.

Distances between clouds of points in a feature space that the caller states: raw coordinates for
2-D data, `Judge.features` (principal components of real images) for digits. All functions take
arrays (n, d) with samples on axis 0 and use no randomness.

Not a quality score for photographs: there is no pretrained network here, so the numbers compare
runs of this course with each other, and with `real against real`, never with published FIDs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from helpers._arguments import finite_array, one_of, positive_int, real_number

BLOCK = 1000  # rows of the distance matrix held in memory at once


class Judge:
    """Everything learned from real images that judging generated ones needs.

    images: (n, height, width), real; labels: (n,), ints. Features are the first `components`
    principal components of the flattened images, not whitened, as fitted to `images`. What names
    the classes is deterministic and scikit-learn's, on these features:

        "svm"         a support vector machine
        "neighbours"  the commonest class among the five nearest real images
        "linear"      a logistic regression

    All must name one of the classes even for a blot, and they disagree on blots: of averages of
    five random digits the first calls nearly two in three an 8, the second one in three. So a
    statement about class shares needs more than one judge. Compare `accuracy` on real test images
    first.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, components: int = 30, names: str = "svm"
    ) -> None:
        from sklearn.decomposition import PCA
        from sklearn.linear_model import LogisticRegression
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.svm import SVC

        one_of("names", names, ("svm", "neighbours", "linear"))
        flat = _flat("images", images)
        if len(labels) != len(flat):
            raise ValueError(f"labels must have length {len(flat)}, got {len(labels)}")
        components = positive_int("components", components)
        if components > min(flat.shape):
            raise ValueError(
                f"components must be at most {min(flat.shape)} for data of shape {flat.shape}, "
                f"got {components}"
            )
        self.components_ = PCA(components, svd_solver="full").fit(flat)
        self.classifier_ = {
            "svm": SVC(C=10.0),
            "neighbours": KNeighborsClassifier(5),
            "linear": LogisticRegression(max_iter=1000),
        }[names]
        self.classifier_.fit(self.features(images), labels)
        self.classes_ = self.classifier_.classes_

    def features(self, images: np.ndarray) -> np.ndarray:
        """Principal components of images, shape (n, components)."""
        flat = _flat("images", images)
        if flat.shape[1] != self.components_.n_features_in_:
            raise ValueError(
                f"images must have {self.components_.n_features_in_} pixels, as those of the "
                f"judge, got shape {images.shape}"
            )
        return np.asarray(self.components_.transform(flat))

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Share of images that get their own label."""
        if len(labels) != len(images):
            raise ValueError(f"labels must have length {len(images)}, got {len(labels)}")
        return float(self.classifier_.score(self.features(images), labels))

    def class_shares(self, images: np.ndarray) -> np.ndarray:
        """Share of images put into each of `classes_`, shape (n_classes,); sums to 1."""
        named = self.classifier_.predict(self.features(images))
        return np.array([np.mean(named == label) for label in self.classes_])


def class_entropy(shares: np.ndarray) -> float:
    """Entropy of class shares, in nats: log(n_classes) when all are equal, 0 for one class."""
    shares = finite_array("shares", shares, ndim=1)
    if (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"shares must be at least 0 and sum to 1, got sum {shares.sum():g}")
    held = shares[shares > 0]
    return float(-(held * np.log(held)).sum() + 0.0)  # + 0.0: never minus zero


def class_coverage(shares: np.ndarray, reference: np.ndarray, part: float = 0.1) -> float:
    """Share of the classes that still have at least `part` of their share in `reference`."""
    shares = finite_array("shares", shares, ndim=1)
    reference = finite_array("reference", reference, ndim=1)
    if shares.shape != reference.shape:
        raise ValueError(f"shares must have shape {reference.shape}, got {shares.shape}")
    alive = reference > 0
    return float(np.mean(shares[alive] >= part * reference[alive]))


def frechet_distance(real: np.ndarray, samples: np.ndarray) -> float:
    """Squared Frechet distance of the Gaussians fitted to two clouds (n, d), in squared units.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), Heusel et al. 2017, equation 6, in whatever space
    the caller's features live. It is biased upwards for few samples: compare like sizes.
    """
    real, samples = _clouds(real, samples, at_least=2)
    shift = real.mean(axis=0) - samples.mean(axis=0)
    first, second = _covariance(real), _covariance(samples)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("both clouds must have finite variances, got points far too large")
    # tr (C1 C2)^(1/2) through a symmetric product, whose eigenvalues are real and at least 0
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(min=0)).sum()
    return max(0.0, float(shift @ shift + np.trace(first) + np.trace(second) - 2 * cross))


def precision(real: np.ndarray, samples: np.ndarray, k: int = 5) -> float:
    """Share of samples that fall within the k-th-neighbour radius of some real point
    (Kynkaanniemi et al. 2019, equation 1): are the samples believable?"""
    real, samples = _clouds(real, samples)
    return float(np.mean(_in_any_ball(samples, real, _radii("real", real, k))))


def recall(real: np.ndarray, samples: np.ndarray, k: int = 5) -> float:
    """Share of real points within the k-th-neighbour radius of some sample: is everything that is
    real still made? One far outlier among the samples has a large radius and flatters it."""
    real, samples = _clouds(real, samples)
    return float(np.mean(_in_any_ball(real, samples, _radii("samples", samples, k))))


def coverage(real: np.ndarray, samples: np.ndarray, k: int = 5) -> float:
    """Share of real points with a sample inside their own k-th-neighbour radius among the real
    points (Naeem et al. 2020, equation 10): recall that outliers cannot flatter."""
    real, samples = _clouds(real, samples)
    return float(np.mean(_nearest(real, samples) <= _radii("real", real, k)))


def share_near(points: np.ndarray, others: np.ndarray, radius: float) -> float:
    """Share of `points` with one of `others` within a fixed `radius`.

    share_near(real, samples, r) is a recall, share_near(samples, real, r) a precision, and
    1 - share_near(samples, centres, r) the share of samples off every mode.
    """
    points, others = _clouds(points, others)
    radius = real_number("radius", radius, low=0, open_low=True)
    return float(np.mean(_nearest(points, others) <= radius))


def total_variance(samples: np.ndarray) -> float:
    """Variance summed over all axes but the first (ddof 0), for points or images."""
    if not isinstance(samples, np.ndarray) or samples.ndim < 2 or len(samples) == 0:
        raise ValueError("samples must be an array with samples on axis 0 and values behind")
    values = finite_array("samples", samples, ndim=samples.ndim)
    return float(values.reshape(len(samples), -1).var(axis=0).sum())


def held_out_score(test: np.ndarray) -> Callable[[Any, np.ndarray], float]:
    """A metric for the loop: `model.score(test)` on held-out data, whatever was produced.

    For the VAE this is the ELBO, for Diffusion minus the denoising loss; both draw their noise
    from a fixed stream, so that two models meet the same test (common random numbers).
    """

    def held_out(model: Any, produced: np.ndarray) -> float:
        return float(model.score(test))

    return held_out


def _flat(name: str, images: np.ndarray) -> np.ndarray:
    images = finite_array(name, images, ndim=3)
    return images.reshape(len(images), -1)


def _clouds(
    first: np.ndarray, second: np.ndarray, at_least: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    first, second = finite_array("real", first), finite_array("samples", second)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"both clouds must have the same number of columns, got shapes {first.shape} and "
            f"{second.shape}"
        )
    if min(len(first), len(second)) < at_least:
        raise ValueError(f"both clouds must hold at least {at_least} points")
    return first, second


def _covariance(cloud: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.cov(cloud, rowvar=False))


def _blocks(points: np.ndarray) -> list[np.ndarray]:
    return [points[start : start + BLOCK] for start in range(0, len(points), BLOCK)]


def _nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.concatenate([cdist(block, others).min(axis=1) for block in _blocks(points)])


def _radii(name: str, cloud: np.ndarray, k: int) -> np.ndarray:
    """Distance of every point to its k-th nearest neighbour in the same cloud, itself excluded."""
    k = positive_int("k", k)
    if k >= len(cloud):
        raise ValueError(f"k must be smaller than the {len(cloud)} points of {name}, got {k}")
    return np.concatenate(
        [np.partition(cdist(block, cloud), k, axis=1)[:, k] for block in _blocks(cloud)]
    )


def _in_any_ball(points: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    return np.concatenate([(cdist(b, centres) <= radii).any(axis=1) for b in _blocks(points)])
