"""The held-out rows of the study `bigram`: which of them repeat what is learned from."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.data import corpora
from helpers.studies import bigram


def test_a_row_repeats_as_many_runs_as_others_hold() -> None:
    real = np.array([[0, 1, 2, 3, 4, 5], [9, 9, 9, 9, 9, 9]])
    test = np.array([[0, 1, 2, 3, 4, 5], [7, 0, 1, 2, 3, 7], [5, 9, 0, 1, 2, 9]])
    assert corpora.repeated(test, real, run=3).tolist() == [1, 2 / 4, 1 / 4]
    # 4, 5, 9: no run crosses the end of a row.
    assert corpora.repeated(np.array([[4, 5, 9]]), real, run=3).tolist() == [0]


def test_rows_that_repeat_are_left_out_and_nothing_else_moves() -> None:
    real, test = bigram.split(100)
    assert len(test) == bigram.SETTINGS["test_rows"]
    share = corpora.repeated(test, real)
    # Every Python's documentation repeats itself; 3.11's in 27 of 100 rows.
    assert 0.1 < (share > 0.8).mean() < 0.5
    same, clean = bigram.split(100, most_repeated=0.8)
    assert (same == real).all()
    assert (clean == test[share <= 0.8]).all()
    assert corpora.repeated(clean, real).max() <= 0.8


@pytest.mark.parametrize("share", [-0.1, 1.5, np.nan, "all"])
def test_the_share_is_between_0_and_1(share: object) -> None:
    with pytest.raises((ValueError, TypeError), match="most_repeated must be"):
        bigram.split(100, most_repeated=share)  # type: ignore[arg-type]
