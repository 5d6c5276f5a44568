"""Metrics for generated samples, on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.data import digits
from helpers.metrics import generative as gm


@pytest.fixture(scope="module")
def cloud():
    return np.random.default_rng(0).standard_normal((300, 4))


@pytest.fixture(scope="module")
def split():
    return digits.small_digits(seed=0)


@pytest.fixture(scope="module")
def judge(split):
    return gm.Judge(split.train, split.train_labels)


def test_two_judges_agree_on_digits_and_differ_on_blots(split, judge):
    """A statement about class shares needs both: what an average of digits is, nobody knows."""
    second = gm.Judge(split.train, split.train_labels, names="neighbours")
    for each in (judge, second):
        assert each.accuracy(split.test, split.test_labels) > 0.95
    assert np.abs(judge.class_shares(split.test) - second.class_shares(split.test)).max() < 0.02
    rng = np.random.default_rng(3)
    blots = np.stack(
        [split.train[rng.integers(len(split.train), size=5)].mean(0) for _ in "x" * 300]
    )
    eights = [each.class_shares(blots)[8] for each in (judge, second)]
    assert eights[0] - eights[1] > 0.15, eights


def test_identical_samples_are_at_distance_zero_and_cover_everything(cloud):
    assert gm.frechet_distance(cloud, cloud) == pytest.approx(0, abs=1e-9)
    assert gm.precision(cloud, cloud) == gm.recall(cloud, cloud) == gm.coverage(cloud, cloud) == 1


def test_disjoint_samples_have_no_precision_recall_or_coverage(cloud):
    far = cloud + 1000
    assert gm.precision(cloud, far) == gm.recall(cloud, far) == gm.coverage(cloud, far) == 0
    assert gm.share_near(cloud, far, radius=10) == 0


def test_frechet_of_known_gaussians():
    # Exact moments: points +-1 on each axis have mean 0 and a diagonal covariance.
    plus = np.vstack([np.eye(3), -np.eye(3)])
    variance = 2 / 5  # ddof 1, six points
    shifted = 3 * plus + [1.0, 2.0, 0.0]
    expected = 1 + 4 + 3 * (np.sqrt(9 * variance) - np.sqrt(variance)) ** 2
    assert gm.frechet_distance(plus, shifted) == pytest.approx(expected)
    assert gm.frechet_distance(shifted, plus) == pytest.approx(expected)


def test_frechet_when_the_covariances_do_not_commute():
    rng = np.random.default_rng(1)
    first = rng.standard_normal((50, 3)) @ rng.standard_normal((3, 3))
    second = rng.standard_normal((60, 3)) @ rng.standard_normal((3, 3))
    from scipy.linalg import sqrtm

    c1, c2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    shift = first.mean(axis=0) - second.mean(axis=0)
    expected = shift @ shift + np.trace(c1 + c2 - 2 * np.real(sqrtm(c1 @ c2)))
    assert gm.frechet_distance(first, second) == pytest.approx(expected)


def test_frechet_of_samples_that_became_one_point(cloud):
    point = np.zeros((300, 4))
    mean = cloud.mean(axis=0)
    assert gm.frechet_distance(cloud, point) == pytest.approx(
        mean @ mean + np.trace(np.cov(cloud, rowvar=False))
    )


def test_precision_and_recall_tell_the_two_failures_apart():
    rng = np.random.default_rng(2)
    left, right = rng.normal(-10, 1, (400, 2)), rng.normal(10, 1, (400, 2))
    real = np.vstack([left, right])
    one_mode = rng.normal(-10, 1, (800, 2))
    assert gm.precision(real, one_mode) > 0.9  # believable
    assert 0.35 < gm.recall(real, one_mode) <= 0.5  # but half is gone
    assert 0.35 < gm.coverage(real, one_mode) <= 0.5
    noisy = np.vstack([real, rng.normal(0, 1, (800, 2))])
    assert gm.precision(real, noisy) == pytest.approx(0.5)
    assert gm.recall(real, noisy) == 1


def test_a_far_outlier_flatters_recall_but_not_coverage(cloud):
    # k samples far away: the k-th neighbour of each is an ordinary sample, so its ball is huge
    collapsed = np.full((300, 4), 50.0)
    collapsed[:2] = -50
    assert gm.recall(cloud, collapsed, k=2) == 1
    assert gm.coverage(cloud, collapsed, k=2) == 0


def test_neighbour_metrics_equal_a_slow_specification():
    rng = np.random.default_rng(3)
    real, samples, k = rng.standard_normal((40, 2)), 0.7 * rng.standard_normal((30, 2)), 3

    def radius(point, points):
        return sorted(np.linalg.norm(points - point, axis=1))[k]  # position 0 is itself

    def near(point, centre, centres):
        return np.linalg.norm(point - centre) <= radius(centre, centres)

    precision = np.mean([any(near(s, r, real) for r in real) for s in samples])
    recall = np.mean([any(near(r, s, samples) for s in samples) for r in real])
    coverage = np.mean([any(near(s, r, real) for s in samples) for r in real])
    assert gm.precision(real, samples, k) == precision
    assert gm.recall(real, samples, k) == recall
    assert gm.coverage(real, samples, k) == coverage


def test_results_do_not_depend_on_the_block_size(cloud, monkeypatch):
    other = np.random.default_rng(4).standard_normal((200, 4))
    before = [metric(cloud, other) for metric in (gm.precision, gm.recall, gm.coverage)]
    monkeypatch.setattr(gm, "BLOCK", 7)
    assert [metric(cloud, other) for metric in (gm.precision, gm.recall, gm.coverage)] == before


def test_share_near_counts_points():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]])
    assert gm.share_near(points, np.array([[0.5, 0.0]]), radius=0.5) == pytest.approx(2 / 3)


def test_the_judge_knows_real_digits(judge, split):
    assert judge.accuracy(split.test, split.test_labels) > 0.95
    shares = judge.class_shares(split.test)
    assert shares.sum() == pytest.approx(1)
    real = np.bincount(split.test_labels, minlength=10) / len(split.test_labels)
    assert np.abs(shares - real).max() < 0.03
    assert judge.features(split.test).shape == (297, 30)


def test_shares_of_other_classes_are_refused():
    with pytest.raises(ValueError, match=r"shares must have shape \(3,\), got \(2,\)"):
        gm.class_coverage(np.array([0.5, 0.5]), np.full(3, 1 / 3))
    with pytest.raises(ValueError, match="shares must be at least 0 and sum to 1"):
        gm.class_entropy(np.array([0.5, 0.4]))
    with pytest.raises(ValueError, match="shares must be at least 0"):
        gm.class_entropy(np.array([1.5, -0.5]))
    assert gm.class_coverage(np.array([0.05, 0.95]), np.array([0.5, 0.5])) == 1.0  # a tenth of it
    assert gm.class_coverage(np.array([0.04, 0.96]), np.array([0.5, 0.5])) == 0.5


def test_clouds_too_large_for_a_variance_are_refused():
    far = np.array([[1e200], [-1e200], [0.0]])
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="must have finite variances"):
        gm.frechet_distance(far, np.array([[0.0], [1.0]]))


def test_entropy_falls_when_a_class_is_dropped(judge, split):
    everything = judge.class_shares(split.test)
    without = judge.class_shares(split.test[split.test_labels != 3])
    assert gm.class_entropy(without) < gm.class_entropy(everything) - 0.05
    assert gm.class_coverage(everything, everything) == 1
    assert gm.class_coverage(without, everything) == pytest.approx(0.9)
    only = judge.class_shares(split.test[split.test_labels == 0])
    assert gm.class_entropy(only) < 0.2


def test_entropy_of_known_shares():
    assert gm.class_entropy(np.full(10, 0.1)) == pytest.approx(np.log(10))
    assert gm.class_entropy(np.array([1.0, 0.0])) == 0
    assert str(gm.class_entropy(np.array([1.0, 0.0]))) == "0.0"


def test_total_variance_of_points_and_images():
    points = np.array([[0.0, 0.0], [2.0, 4.0]])
    assert gm.total_variance(points) == pytest.approx(1 + 4)
    assert gm.total_variance(points.reshape(2, 2, 1)) == pytest.approx(5)


def test_held_out_score_asks_the_model_about_the_test_data():
    class Model:
        def score(self, data):
            return data.sum()

    metric = gm.held_out_score(np.array([1.0, 2.0]))
    assert metric(Model(), np.zeros(9)) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c, j: gm.frechet_distance(c, c[:, :2]), "number of columns"),
        (lambda c, j: gm.frechet_distance(c, c[:1]), "at least 2"),
        (lambda c, j: gm.recall(c, c[:5], k=5), "k must be smaller than the 5 points of samples"),
        (lambda c, j: gm.coverage(c, c, k=0), "k must be"),
        (lambda c, j: gm.share_near(c, c, radius=0), "radius"),
        (lambda c, j: gm.precision(np.full((9, 2), np.nan), c[:, :2]), "real must hold finite"),
        (lambda c, j: gm.class_entropy(np.array([0.5, 0.1])), "sum to 1"),
        (lambda c, j: gm.total_variance(np.zeros(3)), "samples"),
        (lambda c, j: gm.Judge(np.zeros((4, 8, 8)), np.zeros(3)), "labels must have length 4"),
        (
            lambda c, j: gm.Judge(np.zeros((4, 8, 8)), np.zeros(4), names="mine"),
            "names must be one of",
        ),
        (lambda c, j: gm.Judge(np.zeros((4, 8, 8)), np.zeros(4)), "components must be at most 4"),
        (lambda c, j: j.features(np.zeros((4, 64))), "images must have 3 axes"),
        (lambda c, j: j.features(np.zeros((4, 4, 4))), "images must have 64 pixels"),
        (lambda c, j: j.class_shares(np.zeros((4, 9, 9))), "images must have 64 pixels"),
        (lambda c, j: j.accuracy(np.zeros((4, 8, 8)), np.zeros(1)), "labels must have length 4"),
    ],
)
def test_bad_input_is_named(call, message, cloud, judge):
    with pytest.raises(ValueError, match=message):
        call(cloud, judge)
