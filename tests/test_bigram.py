"""The bigram model: probabilities against counting by hand, sampling against probabilities."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

from helpers.loop import run_loop
from helpers.models.bigram import Bigram
from helpers.policies import Replace

ROWS = np.array([[0, 1, 0, 2], [0, 1, 1, 3], [2, 0, 1, 0]])


def by_hand(
    before: int, after: int, size: int = 6, share: float = 0.2, floor: float = 0.02
) -> float:
    pairs = [(int(a), int(b)) for row in ROWS for a, b in pairwise(row)]
    following = [b for a, b in pairs if a == before]
    plain = (after == ROWS).mean()
    p = plain
    if following:
        p = (1 - share) * following.count(after) / len(following) + share * plain
    return float((1 - floor) * p + floor / size)


def test_scores_equal_counting_by_hand() -> None:
    model = Bigram(6).fit(ROWS)
    for before in range(6):
        for after in range(6):
            got = model.score(np.array([[before, after]]))
            assert got == pytest.approx(np.log(by_hand(before, after))), (before, after)
    test = np.array([[0, 1, 3], [5, 2, 2]])
    assert model.score(test) == pytest.approx(model.score_samples(test).mean())


def test_probabilities_sum_to_one() -> None:
    model = Bigram(6).fit(ROWS)
    for before in range(6):
        total = sum(np.exp(model.score(np.array([[before, after]]))) for after in range(6))
        assert total == pytest.approx(1)


def test_samples_follow_the_probabilities_without_the_floor() -> None:
    model = Bigram(4).fit(ROWS)
    rows = model.sample(20_000, np.random.default_rng(0))
    assert rows.shape == (20_000, 4)
    exact = clone(model).set_params(floor=0.0).fit(ROWS)
    for before in range(4):
        after = rows[:, 1][rows[:, 0] == before]
        p = np.exp([exact.score(np.array([[before, b]])) for b in range(4)])
        counts = np.bincount(after, minlength=4)
        assert stats.chisquare(counts[p > 0], p[p > 0] * len(after)).pvalue > 1e-4
        assert counts[p == 0].sum() == 0


def test_a_lost_word_never_comes_back() -> None:
    real = np.random.default_rng(0).zipf(1.5, size=(30, 20)).clip(max=199)
    seen: set[int] | None = None
    run = run_loop(Bigram(200), real, policy=Replace(), generations=5, seed=1)
    for samples in run.samples:
        words = set(np.unique(samples).tolist())
        assert seen is None or words <= seen
        seen = words
    assert seen is not None
    assert len(seen) < len(np.unique(real))


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (ROWS.astype(float), TypeError, "integers"),
        ([[0, 1]], TypeError, "integers"),
        (ROWS[0], ValueError, "shape"),
        (ROWS[:, :1], ValueError, "shape"),
        (ROWS[:0], ValueError, "shape"),
        (ROWS + 9, ValueError, "0 to 5"),
    ],
)
def test_bad_data(data: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Bigram(6).fit(data)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="init"):
        Bigram(6).fit(ROWS, init=Bigram(6))
    with pytest.raises(ValueError, match="unigram_share"):
        Bigram(6, unigram_share=1.5).fit(ROWS)
    with pytest.raises(ValueError, match="n_samples"):
        Bigram(6).fit(ROWS).sample(0, np.random.default_rng(0))
