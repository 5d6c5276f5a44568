"""The checks that many modules share, and that each module uses them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import plots, theory
from helpers._arguments import finite_array, real_array
from helpers._ground import ROOT
from helpers.coding.language import draw_task
from helpers.loop import run_batched
from helpers.metrics import (
    collapsing_variance,
    mean_error,
    sample_variance,
    support_size,
    variance,
)
from helpers.models import GPT, Gaussian
from helpers.policies import Replace
from helpers.teaching import check
from helpers.teaching.exercises import Hint, array

HELPERS = ROOT / "helpers"
COMPLEX = np.array([0.5, 0.25, 0.25]) + 0j
TEXT = np.zeros((3, 4), dtype=int)
SERIES = pd.DataFrame({"generation": [0, 1, 2], "metric": "variance", "value": COMPLEX})
EFFECTS = pd.DataFrame({"label": ["a"], "value": [0j], "low": [0j], "high": [0j]})
QUANTILES = pd.DataFrame({q: [1 + 0j] for q in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)})
USES: dict[str, Callable[[], Any]] = {  # who turns an argument into an array of floats
    "theory": lambda: theory.heterozygosity(COMPLEX, 10, 3),
    "metrics": lambda: mean_error(COMPLEX),
    "series": lambda: collapsing_variance(COMPLEX),
    "gpt": lambda: GPT(5, context=4, steps=1).fit(TEXT, sample_weight=COMPLEX),
    "coding": lambda: draw_task(COMPLEX, np.random.default_rng(0)),
    "learned": lambda: support_size(SimpleNamespace(probabilities_=COMPLEX), None),
    "produced": lambda: sample_variance(None, COMPLEX[:, None]),
    "runs": lambda: run_batched(
        Gaussian(),
        lambda size, rng: np.ones((*size, 1), complex),
        policy=Replace(),
        n_samples=5,
        generations=1,
        metrics={"variance": variance},
        replicates=2,
    ),
    "quilt": lambda: plots.quilt(COMPLEX[None, :]),
    "band": lambda: plots.band(SERIES, "variance"),
    "spreads": lambda: plots.spreads({"a": QUANTILES}),
    "contrasts": lambda: plots.contrasts(EFFECTS),
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


def test_a_complex_training_set_is_met_by_a_hint() -> None:
    class Complex:
        def training_set(self, real: Any, synthetic: Any, rng: Any) -> Any:
            return np.concatenate(synthetic) + 0j

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = check("06-synthetic-only", Complex())
    assert not found
    assert found.message.startswith("Your training set must be an array of numbers")


def test_the_rule_on_complex_numbers_stands_in_one_place() -> None:
    """Nobody else looks for them, and figures and judges turn nothing into floats without it."""
    looks = re.compile(r"iscomplex|complexfloating")
    casts = re.compile(r"\.to_numpy\(float\)|asarray\([^)]*dtype=float")
    found = [
        path.relative_to(HELPERS).as_posix()
        for path in sorted(HELPERS.rglob("*.py"))
        for pattern in (looks, casts)
        if pattern.search(path.read_text(encoding="utf-8"))
        and (pattern is looks or path.is_relative_to(HELPERS / "plots")
             or path.is_relative_to(HELPERS / "teaching"))
    ]  # fmt: skip
    checked = ["plots/contrasts.py", "plots/marks.py"]
    assert found == ["_arguments.py", *checked], "the others: tables just checked"


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
