"""Verifiers for the loop: who decides which synthetic samples the next generation may see.

A verifier is called as `verifier(model, samples, rng)` and returns `Verified(kept, report)`; the
report joins the table of the run. The ones here know the truth, or a noisy version of it, through
a function `is_right(samples) -> array of bool`; the one that runs programs is helpers.coding's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from helpers._arguments import fraction
from helpers.data import check_data, size, take
from helpers.loop import Verified

IsRight: TypeAlias = Callable[[Any], np.ndarray]


@dataclass(frozen=True)
class AcceptAll:
    """Keeps everything: the loop without a verifier."""

    def __call__(self, model: Any, samples: Any, rng: np.random.Generator) -> Verified:
        return Verified(samples, {"kept_share": 1.0 if size(samples) else float("nan")})


@dataclass(frozen=True)
class Oracle:
    """Keeps exactly the right samples.

    is_right: function of all samples -> bool array (n,), True where a sample is right.
    """

    is_right: IsRight

    def __post_init__(self) -> None:
        _check_is_right(self.is_right)

    def __call__(self, model: Any, samples: Any, rng: np.random.Generator) -> Verified:
        right = _right(self.is_right, samples)
        return _verified(samples, right, kept=right)


@dataclass(frozen=True)
class Noisy:
    """Keeps a right sample with probability keep_right and a wrong one with keep_wrong.

    The verifier of Feng et al. 2024 (arXiv 2406.07515, section 4), phi and psi there. In one round,
    with two answers, a learner that goes by the majority and no end of data, what it keeps trains
    to perfection if and only if the share of wrong samples is below 1 / (1 + psi / phi), see
    `helpers.theory.verifier_threshold`. Samples are judged independently.
    """

    is_right: IsRight
    keep_right: float
    keep_wrong: float

    def __post_init__(self) -> None:
        _check_is_right(self.is_right)
        fraction("keep_right", self.keep_right)
        fraction("keep_wrong", self.keep_wrong)

    def __call__(self, model: Any, samples: Any, rng: np.random.Generator) -> Verified:
        right = _right(self.is_right, samples)
        chance = np.where(right, self.keep_right, self.keep_wrong)
        return _verified(samples, right, kept=rng.random(len(right)) < chance)


def _check_is_right(is_right: Any) -> None:
    if not callable(is_right):
        raise TypeError(f"is_right must be a function of samples -> bool array, got {is_right!r}")


def _right(is_right: IsRight, samples: Any) -> np.ndarray:
    """What `is_right` says, if it is one bool a sample; ValueError otherwise."""
    n = size(check_data("samples", samples))
    right = np.asarray(is_right(samples))
    if right.shape != (n,) or (n > 0 and right.dtype != bool):
        raise ValueError(
            f"is_right must return a bool array of shape ({n},), "
            f"got {right.dtype} of shape {right.shape}"
        )
    return right.astype(bool)


def _verified(samples: Any, right: np.ndarray, kept: np.ndarray) -> Verified:
    """The samples where `kept`, and what the verifier did: shares, NaN where there is no base.

    right_share: of what was produced. kept_share: of what was produced. kept_right_share: of what
    was kept, the precision.
    """
    report = {
        "right_share": _mean(right),
        "kept_share": _mean(kept),
        "kept_right_share": _mean(right[kept]),
    }
    return Verified(take(samples, np.flatnonzero(kept)), report)


def _mean(flags: np.ndarray) -> float:
    return float(flags.mean()) if len(flags) else float("nan")
