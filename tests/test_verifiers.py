"""Verifiers for the loop: what they keep, what they report, and their place in a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers.loop import Verified
from helpers.verification import AcceptAll, Noisy, Oracle


def positive(samples: Any) -> np.ndarray:
    return np.asarray([x > 0 for x in samples], dtype=bool)


SAMPLES = np.array([1.0, -2.0, 3.0, -4.0, 5.0])


def rng() -> np.random.Generator:
    return np.random.default_rng(100)


def test_accept_all() -> None:
    verified = AcceptAll()(None, SAMPLES, rng())
    assert isinstance(verified, Verified)
    assert verified.kept is SAMPLES
    assert verified.report == {"kept_share": 1.0}


@pytest.mark.parametrize("samples", [SAMPLES, SAMPLES.tolist()])
def test_oracle_keeps_the_right_ones(samples: Any) -> None:
    verified = Oracle(positive)(None, samples, rng())
    assert type(verified.kept) is type(samples)
    assert list(verified.kept) == [1.0, 3.0, 5.0]
    assert verified.report == {"right_share": 0.6, "kept_share": 0.6, "kept_right_share": 1.0}


def test_nothing_kept_and_nothing_given() -> None:
    verified = Oracle(positive)(None, -np.abs(SAMPLES), rng())
    assert len(verified.kept) == 0
    assert np.isnan(verified.report["kept_right_share"])
    empty = Oracle(lambda samples: np.zeros(0, bool))(None, [], rng())
    assert empty.kept == []


def test_noisy_at_its_corners() -> None:
    keep_all = Noisy(positive, keep_right=1, keep_wrong=1)(None, SAMPLES, rng())
    assert list(keep_all.kept) == list(SAMPLES)
    oracle = Noisy(positive, keep_right=1, keep_wrong=0)(None, SAMPLES, rng())
    assert list(oracle.kept) == [1.0, 3.0, 5.0]
    inverted = Noisy(positive, keep_right=0, keep_wrong=1)(None, SAMPLES, rng())
    assert list(inverted.kept) == [-2.0, -4.0]


def test_noisy_keeps_each_kind_at_its_own_rate() -> None:
    """n = 20,000 of each kind: four standard errors are below 0.0142, a miss in 16,000 runs."""
    n = 20_000
    samples = np.concatenate([np.ones(n), -np.ones(n)])
    kept = Noisy(positive, keep_right=0.9, keep_wrong=0.3)(None, samples, rng()).kept
    for sign, rate in ((1, 0.9), (-1, 0.3)):
        error = 4 * np.sqrt(rate * (1 - rate) / n)
        assert abs((kept == sign).sum() / n - rate) < error


def test_the_same_generator_keeps_the_same_samples() -> None:
    verifier = Noisy(positive, keep_right=0.5, keep_wrong=0.5)
    first, second = (verifier(None, np.arange(100.0) - 50, rng()).kept for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, 0.5, 0.5), TypeError, "is_right must be a function"),
        ((positive, 1.5, 0.5), ValueError, "keep_right"),
        ((positive, 0.5, -0.1), ValueError, "keep_wrong"),
        ((positive, 0.5, "1"), TypeError, "keep_wrong"),
    ],
)
def test_bad_arguments(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Noisy(*arguments)


@pytest.mark.parametrize(
    "answer", [True, np.ones(3, bool), np.ones(5), np.ones((5, 1), bool), ["yes"] * 5]
)
def test_is_right_must_answer_for_every_sample(answer: Any) -> None:
    with pytest.raises(ValueError, match="is_right must return a bool array of shape"):
        Oracle(lambda samples: answer)(None, SAMPLES, rng())


def test_in_the_loop() -> None:
    from helpers.loop import run_loop
    from helpers.models import Gaussian
    from helpers.policies import Accumulate

    real = rng().normal(size=(200, 1))
    verifier = Noisy(lambda rows: rows[:, 0] > 0, keep_right=1.0, keep_wrong=0.2)
    history = run_loop(
        Gaussian(), real, policy=Accumulate(), generations=3, verifier=verifier, seed=100
    )
    shares = history.frame.query("metric == 'kept_right_share'")["value"]
    assert len(shares) == 4
    assert (shares > 0.6).all()
