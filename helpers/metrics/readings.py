"""The eight definitions with their number, an interval over seeds, and three answers.

`helpers.metrics.definitions` says what each of them compares; here it is asked of many seeds at
once. An honest answer is "yes" or "no" only where the whole interval lies on one side of the
threshold, and "cannot tell" where it does not. What was not measured is never a "no". All
thresholds are OURS, as the readings are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from helpers._arguments import fraction, one_of, positive_int, real_array, real_number
from helpers.metrics.definitions import (
    NAMES,
    doubling_ratio,
    fit_counts,
    slope_change,
    too_few_fits,
)

SIDE = dict(
    zip(NAMES, ("at least", *["more than"] * 3, *["less than"] * 3, "more than"), strict=True)
)
VERDICTS = ("yes", "no", "cannot tell", "not measured")
CENTRES = ("usual", "mean", "median")
SEED = 8  # of the resampling
Series = Any  # (points,) one curve taken for exact, or (seeds, points)


@dataclass(frozen=True)
class Thresholds:
    """Where each definition begins to say yes, in the order of the definitions."""

    ignorance: float = 1.0  # last risk over that of knowing nothing: at least
    rise: float = 0.0  # last risk minus the first, in units of the risk: more than
    doubling: float = 0.75  # rise over the last doubling of fits over the one before: more than
    slope: float = 0.1  # rise of the slope of log error on log size: more than
    variance: float = 0.5  # last over first: less than
    modes: float = 0.5  # the same
    tail: float = 0.5  # the same
    invented: float = 0.05  # last share minus the first: more than

    def __post_init__(self) -> None:
        for name in ("ignorance", "rise", "doubling", "slope", "invented"):
            real_number(name, getattr(self, name), low=0)
        for name in ("variance", "modes", "tail"):
            fraction(name, getattr(self, name))


class Reading(NamedTuple):
    """One verdict, the number that was judged, the rule, and the 95 % interval of the number."""

    verdict: str  # one of VERDICTS
    number: float  # NaN where nothing was measured
    rule: str  # with the threshold; or why nothing was measured
    low: float  # both equal `number` for one exact curve, NaN for one seed
    high: float
    alone: str  # "yes", "no" or "not measured": what the number says without its interval


def readings(
    *,
    risk: Series | None = None,
    uninformed: float | None = None,
    scaling: tuple[Sequence[float], Series, Series] | None = None,
    variance: Series | None = None,
    modes: Series | None = None,
    tail: Series | None = None,
    invented: Series | None = None,
    fits: Sequence[int] | None = None,
    thresholds: Thresholds = Thresholds(),
    centre: str = "usual",
    resamples: int = 400,
) -> dict[str, Reading]:
    """A `Reading` by each of the eight definitions, by name, in their order.

    A series has shape (points,), one curve that is taken for exact, or (seeds, points); generation
    0 first. uninformed: the risk of knowing nothing. scaling: (sizes, first errors, last errors),
    the errors of shape (sizes,) or (seeds, sizes). fits: after how many fits each point of `risk`
    stands, default 1, 2, 3, ... centre: "mean" or "median" over seeds, or "usual", the median for
    the variance (a few wide runs hold its mean) and the mean for all else.

    The interval is that of the percentile bootstrap: `resamples` draws of seeds with replacement,
    from a generator of fixed seed. With five seeds it is too short. A series that is missing, holds
    NaN or infinity, has one point, or starts at zero where its shares are asked for, is "not
    measured"; other shapes than these raise ValueError, other types TypeError.
    """
    one_of("centre", centre, CENTRES)
    positive_int("resamples", resamples)
    judge = _Judge(centre, resamples)
    t = thresholds
    if uninformed is not None and real_number("uninformed", uninformed) == 0:
        raise ValueError("uninformed must not be 0: no share of it can be taken")
    change: Callable[[np.ndarray], np.ndarray] = lambda x: x[..., -1] - x[..., 0]  # noqa: E731
    found = [
        judge("risk", risk, lambda x: x[..., -1] / float(uninformed or 1), "at least", t.ignorance,
              "last risk over that of knowing nothing",
              lacks="" if uninformed is not None else "the risk of knowing nothing is not given"),
        judge("risk", risk, change, "more than", t.rise, "last risk minus the first"),
        _diverging(judge, risk, fits, t.doubling),
        _scaling(judge, scaling, t.slope),
        judge("variance", variance, _left, "less than", t.variance,
              "variance, last over first", centre="median"),
        judge("modes", modes, _left, "less than", t.modes, "modes, last over first"),
        judge("tail", tail, _left, "less than", t.tail, "rare things, last over first"),
        judge("invented", invented, change, "more than", t.invented,
              "share invented, last minus first"),
    ]  # fmt: skip
    return dict(zip(NAMES, found, strict=True))


def collapse_verdicts(
    *,
    risk: Sequence[float] | None = None,
    uninformed: float | None = None,
    scaling: tuple[Sequence[float], Sequence[float], Sequence[float]] | None = None,
    variance: Sequence[float] | None = None,
    modes: Sequence[float] | None = None,
    tail: Sequence[float] | None = None,
    invented: Sequence[float] | None = None,
    fits: Sequence[int] | None = None,
) -> dict[str, bool | None]:
    """The eight verdicts on one run, in the order of Schaeffer et al.; None: not measured.

    `scaling` is (sizes, first errors, last errors), `fits` what `diverging_risk` takes. Thresholds
    are the defaults of `Thresholds`. A series with a NaN or of one value has measured nothing.
    With numbers, intervals over seeds and "cannot tell": `readings`.
    """
    found = readings(
        risk=risk, uninformed=uninformed, scaling=scaling, variance=variance, modes=modes,
        tail=tail, invented=invented, fits=fits,
    )  # fmt: skip
    return {name: {"yes": True, "no": False}.get(one.verdict) for name, one in found.items()}


def verdict_of(number: float, low: float, high: float, side: str, threshold: float) -> str:
    """The answer of one comparison: side is "more than", "at least" or "less than"."""
    one_of("side", side, tuple(SIDES))
    if np.isnan(number):
        return "not measured"
    if np.isnan(low):
        return "cannot tell"
    answers = {bool(SIDES[side](end, threshold)) for end in (low, high)}
    return "cannot tell" if len(answers) == 2 else "yes" if answers == {True} else "no"


SIDES: dict[str, Callable[[float, float], bool]] = {
    "more than": lambda number, threshold: number > threshold,
    "at least": lambda number, threshold: number >= threshold,
    "less than": lambda number, threshold: number < threshold,
}


# --- details -----------------------------------------------------------------------------------


def _left(curves: np.ndarray) -> np.ndarray:
    """Share of the first value that is left at the end."""
    return np.asarray(curves[..., -1] / curves[..., 0])


def _diverging(
    judge: _Judge, risk: Series | None, fits: Sequence[int] | None, threshold: float
) -> Reading:
    lacks, counts = "", np.ones(1)
    if risk is not None and np.ndim(risk) and np.shape(risk)[-1] > 1:
        counts = fit_counts(fits, np.shape(risk)[-1])
        lacks = f"fits would have to {why}" if (why := too_few_fits(counts)) else ""
    says = "rise over the last doubling of fits over the one before"
    return judge(
        "risk", risk, lambda x: doubling_ratio(x, counts), "more than", threshold, says, lacks=lacks
    )


def _scaling(
    judge: _Judge, scaling: tuple[Sequence[float], Series, Series] | None, threshold: float
) -> Reading:
    says = "rise of the slope of log error on log size"
    if scaling is None:
        return judge("scaling", None, _left, "more than", threshold, says)
    sizes, first, last = (
        np.atleast_1d(real_array(name, given))
        for name, given in zip(("sizes", "first", "last"), scaling, strict=True)
    )
    if sizes.ndim != 1 or not (sizes > 0).all() or len(np.unique(sizes)) != len(sizes):
        raise ValueError(f"sizes must be different positive numbers, got {sizes.tolist()}")
    if first.shape != last.shape or first.ndim not in (1, 2) or first.shape[-1] != len(sizes):
        raise ValueError(
            f"first and last must have shape ({len(sizes)},) or (seeds, {len(sizes)}), "
            f"got {first.shape} and {last.shape}"
        )
    n = len(sizes)
    lacks = "two sizes are needed" if n < 2 else ""
    if (first <= 0).any() or (last <= 0).any():
        lacks = "an error is not positive"
    both = np.concatenate([first, last], axis=-1)  # resampled together: the seeds are the same
    return judge("scaling", both, lambda x: slope_change(sizes, x[..., :n], x[..., n:]),
                 "more than", threshold, says, lacks=lacks)  # fmt: skip


class _Judge:
    """Reads a number off the centre of a series and of its resamples."""

    def __init__(self, centre: str, resamples: int) -> None:
        self.centre, self.resamples = centre, resamples

    def __call__(
        self, name: str, given: Series | None, number: Callable[[np.ndarray], np.ndarray],
        side: str, threshold: float, says: str, *, lacks: str = "", centre: str = "mean",
    ) -> Reading:  # fmt: skip
        if given is None:
            return _nothing(f"{name} is not given")
        series = np.atleast_1d(real_array(name, given))
        if series.ndim > 2 or series.size == 0:
            raise ValueError(
                f"{name} must have shape (points,) or (seeds, points), got {series.shape}"
            )
        if not np.isfinite(series).all():
            return _nothing(f"{name} holds NaN or infinity")
        if series.shape[-1] < 2:
            return _nothing(f"{name} has one point")
        if lacks:
            return _nothing(lacks)
        rows = np.atleast_2d(series)
        middle = self._middle(rows, centre)
        if number is _left and middle[0] <= 0:
            return _nothing(f"{name} starts at {middle[0]:g}: no share of it can be taken")
        value = float(number(middle))
        low = high = value
        if series.ndim == 2:
            low, high = self._interval(rows, number, centre)
        rule = f"{says}: {side} {threshold:g}"
        sure, alone = (
            verdict_of(value, *ends, side, threshold) for ends in ((low, high), (value, value))
        )
        return Reading(sure, value, rule, low, high, alone)

    def _middle(self, rows: np.ndarray, centre: str, axis: int = 0) -> np.ndarray:
        chosen = centre if self.centre == "usual" else self.centre
        return np.asarray((np.median if chosen == "median" else np.mean)(rows, axis=axis))

    def _interval(
        self, rows: np.ndarray, number: Callable[[np.ndarray], np.ndarray], centre: str
    ) -> tuple[float, float]:
        if len(rows) < 2:
            return float("nan"), float("nan")
        drawn = np.random.default_rng(SEED).integers(len(rows), size=(self.resamples, len(rows)))
        middles = self._middle(rows[drawn], centre, axis=1)
        if number is _left:
            middles = middles[middles[:, 0] > 0]
        values = number(middles)
        # No interpolation: the rise before may be nothing, and a ratio infinite.
        low, high = np.quantile(values, [0.025, 0.975], method="inverted_cdf")
        return float(low), float(high)


def _nothing(why: str) -> Reading:
    nan = float("nan")
    return Reading("not measured", nan, f"not measured: {why}", nan, nan, "not measured")
