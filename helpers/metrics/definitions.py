"""What collapse means: eight readings of a series with one value a generation, generation 0 first.

Schaeffer et al. 2503.03150 count eight definitions in the literature. Their formal statements were
not read; the names are theirs, the thresholds and the finite-run readings below are OURS. One
series is never enough: the same run passes under some definitions and fails under others (lesson
08). What to measure on a generation is in `helpers.metrics.numbers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers._arguments import finite_array, fraction, real_array, real_number


def catastrophic_risk(risk: Sequence[float], uninformed: float) -> bool:
    """1. The last model is as bad as one that learned nothing, whose risk is `uninformed`."""
    return bool(_series("risk", risk)[-1] >= real_number("uninformed", uninformed))


def any_risk_increase(risk: Sequence[float], tolerance: float = 0.0) -> bool:
    """2. The last risk exceeds the first by more than `tolerance` (in units of the risk)."""
    values = _series("risk", risk)
    return bool(values[-1] - values[0] > real_number("tolerance", tolerance, low=0))


def diverging_risk(risk: Sequence[float]) -> bool:
    """3. The risk grows without bound, as far as a finite run can tell.

    Compares the rise over the last doubling of the number of fits with the rise over the doubling
    before: about 1/2 for the bounded sum of 1/i**2, 1 for a logarithm, 2 for a line. Above 3/4
    counts as diverging. Needs at least eight generations, and an average over seeds: noise in a
    flat curve can fool it.
    """
    values = _series("risk", risk, at_least=8)
    fits = len(values)
    late = values[-1] - values[fits // 2 - 1]
    before = values[fits // 2 - 1] - values[fits // 4 - 1]
    return bool(late > 0 and late > 0.75 * before)


def scaling_law_change(
    sizes: Sequence[float], first: Sequence[float], last: Sequence[float], tolerance: float = 0.1
) -> bool:
    """4. More data help less: the slope of log error against log size moves by over `tolerance`.

    `first` and `last` are the (positive) errors of generation 0 and of the last one at `sizes`.
    """
    log_sizes = np.log(_series("sizes", sizes, at_least=2))
    slopes = []
    for name, errors in (("first", first), ("last", last)):
        values = _series(name, errors, at_least=2)
        if len(values) != len(log_sizes) or (values <= 0).any():
            raise ValueError(f"{name} must hold {len(log_sizes)} positive errors, got {errors!r}")
        slopes.append(np.polyfit(log_sizes, np.log(values), 1)[0])
    return bool(abs(slopes[1] - slopes[0]) > real_number("tolerance", tolerance, low=0))


def collapsing_variance(variance: Sequence[float], left: float = 0.5) -> bool:
    """5. Less than the share `left` of the first variance is left. Give it a median, not a mean."""
    return _shrunk("variance", variance, left)


def lost_modes(modes: Sequence[float], left: float = 0.5) -> bool:
    """6. Modes disappear or merge: `modes` (modes hit, or 1 - valley mass ...) falls below `left`.

    In shares of its first value. Which series separates the modes is for the caller to say.
    """
    return _shrunk("modes", modes, left)


def lost_tail(tail: Sequence[float], left: float = 0.5) -> bool:
    """7. Less than the share `left` of the rare outcomes survives: count them, not their mass."""
    return _shrunk("tail", tail, left)


def hallucination(invented: Sequence[float], tolerance: float = 0.05) -> bool:
    """8. The share of samples outside the real support rose by more than `tolerance`."""
    return any_risk_increase(invented, tolerance)


def collapse_verdicts(
    *,
    risk: Sequence[float] | None = None,
    uninformed: float | None = None,
    scaling: tuple[Sequence[float], Sequence[float], Sequence[float]] | None = None,
    variance: Sequence[float] | None = None,
    modes: Sequence[float] | None = None,
    tail: Sequence[float] | None = None,
    invented: Sequence[float] | None = None,
) -> dict[str, bool | None]:
    """The eight verdicts on one run, in the order of Schaeffer et al.; None: not measured.

    `scaling` is (sizes, first errors, last errors). Thresholds are the defaults above.
    """
    return {
        "catastrophic risk": (
            None if risk is None or uninformed is None else catastrophic_risk(risk, uninformed)
        ),
        "any risk increase": None if risk is None else any_risk_increase(risk),
        "diverging risk": None if risk is None else diverging_risk(risk),
        "scaling law change": None if scaling is None else scaling_law_change(*scaling),
        "collapsing variance": None if variance is None else collapsing_variance(variance),
        "lost modes": None if modes is None else lost_modes(modes),
        "lost tail": None if tail is None else lost_tail(tail),
        "hallucination": None if invented is None else hallucination(invented),
    }


# --- details -----------------------------------------------------------------------------------


def _series(name: str, values: Any, at_least: int = 1) -> np.ndarray:
    series = finite_array(name, np.atleast_1d(real_array(name, values)), ndim=1)
    if len(series) < at_least:
        raise ValueError(f"{name} must hold at least {at_least} values, got {len(series)}")
    return series


def _shrunk(name: str, values: Any, left: float) -> bool:
    series = _series(name, values)
    if series[0] <= 0:
        raise ValueError(f"{name} must start above 0, got {series[0]:g}")
    return bool(series[-1] < fraction("left", left) * series[0])
