"""The checks that many modules share, and that each module uses them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import plots, theory
from helpers._arguments import finite_array, real_array
from helpers.coding.language import draw_task
from helpers.metrics import collapsing_variance, mean_error
from helpers.models import GPT
from helpers.teaching.exercises import Hint, array

COMPLEX = np.array([0.5, 0.25, 0.25]) + 0j
TEXT = np.zeros((3, 4), dtype=int)
USES: dict[str, Callable[[], Any]] = {  # who turns an argument into an array of floats
    "theory": lambda: theory.heterozygosity(COMPLEX, 10, 3),
    "metrics": lambda: mean_error(COMPLEX),
    "series": lambda: collapsing_variance(COMPLEX),
    "gpt": lambda: GPT(5, context=4, steps=1).fit(TEXT, sample_weight=COMPLEX),
    "coding": lambda: draw_task(COMPLEX, np.random.default_rng(0)),
    "lottery": lambda: plots.lottery(COMPLEX),
    "ridge": lambda: plots.ridge(COMPLEX, COMPLEX),
    "histograms": lambda: plots.histogram_pair(COMPLEX, COMPLEX, labels=("a", "b")),
}


@pytest.mark.parametrize("name", list(USES))
def test_no_imaginary_part_is_lost_in_silence(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match="must hold real numbers, got complex128"):
            USES[name]()


def test_a_learner_is_told_so_too() -> None:
    with pytest.raises(Hint, match="must be an array of numbers"):
        array(COMPLEX, "the answer")


@pytest.mark.parametrize("bad", ["text", ["a"], [[1], [1, 2]], [1, 1j], [object()], pd.NA])
def test_what_is_no_number_is_named(bad: Any) -> None:
    with pytest.raises(TypeError, match="x must hold real numbers, got"):
        real_array("x", bad)


@pytest.mark.parametrize("good", [3, [1, 2.5], [True], np.float32([1]), pd.Series([1, 2])])
def test_numbers_are_numbers_in_any_nesting(good: Any) -> None:
    array = real_array("x", good)
    assert array.dtype == float
    np.testing.assert_array_equal(array, np.asarray(good))


def test_an_array_of_floats_is_not_copied() -> None:
    values = np.ones((3, 1))
    assert finite_array("x", values) is values
