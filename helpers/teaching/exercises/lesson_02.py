"""Lesson 02, fit, sample, repeat: judges and named wrong answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.explorers.quick_runs import gaussian_runs
from helpers.policies import Replace
from helpers.teaching.exercises import exercise, number, numbers

# ---------------------------------------------------------------------- A. next generation

IDLE = "It gives back what it was given: draw n samples with rng, then fit to them."
GLOBAL = (
    "Two calls with equal generators gave different numbers: draw from the rng that is passed in, "
    "not from np.random, and remember nothing between calls."
)
FROZEN = (
    "Two calls with different generators gave the same numbers: draw from the rng that is passed "
    "in, not from one that you seed yourself."
)
SOURCE = (
    "You went back to N(0, 1). The next generation may see only its predecessor: draw from "
    "N(mean, var)."
)
SCALE = (
    "The spread comes out squared: the second argument of rng.normal is a standard deviation, so "
    "pass var ** 0.5."
)
ROOT = "The second number that you return is a standard deviation; return its square, the variance."
DIVISOR = (
    "Your variances are too small by (n - 1) / n on average: NumPy divides by n unless you say "
    "ddof=1."
)
OLD = (
    "Your fit still remembers older data: use the n new numbers and nothing else. (Keeping the "
    "old ones beside them is the subject of lesson 06.)"
)
SWAPPED = "The two are swapped: return the mean first, and then the variance."
CALLS = 3000


@exercise("02-next-generation", praise="Three lines, and all of the lesson is in them.")
def next_generation(answer: Any, rng: np.random.Generator) -> str | None:
    """Look at many small steps: their law must be that of one honest refit."""

    def step(mean: float, var: float, n: int, draws: np.random.Generator) -> tuple[float, ...]:
        return numbers(answer(mean, var, n, draws), "mean", "variance")

    once, again, other = (step(5.0, 4.0, 50, np.random.default_rng(s)) for s in (1, 1, 2))
    if once == other == (5.0, 4.0):
        return IDLE
    if once != again:
        return GLOBAL
    if once == other:
        return FROZEN
    # Steps of three samples from N(-5, 4): the mean has variance 4/3, the unbiased variance mean 4.
    steps = np.array([step(-5.0, 4.0, 3, rng) for _ in range(CALLS)])
    centre, scatter, spread = steps[:, 0].mean(), steps[:, 0].var(), steps[:, 1].mean()
    if abs(centre - 4) < 0.4 and abs(spread + 5) < 0.2:
        return SWAPPED
    if abs(centre) < 0.2 and abs(spread - 1) < 0.2:
        return SOURCE
    if abs(spread / 16 - 1) < 0.15:
        return SCALE
    if abs(centre + 5) > 0.2 or scatter < 1.1:
        return OLD
    if abs(spread / (4 * 2 / 3) - 1) < 0.15:
        return DIVISOR
    if (steps[:, 1] ** 2).mean() < 5 and spread < 2.2:
        return ROOT
    if abs(spread / 4 - 1) > 0.12 or abs(scatter / (4 / 3) - 1) > 0.15:
        return (
            f"From n = 3 samples of N(-5, 4) the variance should be 4 on average; yours is "
            f"{spread:.2g}. And the mean should have variance 4/3; yours has {scatter:.2g}."
        )
    return None


def _from_the_source(mean: float, var: float, n: int, rng: np.random.Generator) -> Any:
    sample = rng.normal(0, 1, n)
    return sample.mean(), sample.var(ddof=1)


def _variance_as_scale(mean: float, var: float, n: int, rng: np.random.Generator) -> Any:
    sample = rng.normal(mean, var, n)
    return sample.mean(), sample.var(ddof=1)


def _default_divisor(mean: float, var: float, n: int, rng: np.random.Generator) -> Any:
    sample = rng.normal(mean, var**0.5, n)
    return sample.mean(), np.var(sample)


def _global_generator(mean: float, var: float, n: int, rng: np.random.Generator) -> Any:
    sample = np.random.default_rng().normal(mean, var**0.5, n)
    return sample.mean(), sample.var(ddof=1)


def _own_seed(mean: float, var: float, n: int, rng: np.random.Generator) -> Any:
    return _right(mean, var, n, np.random.default_rng(0))


def _right(mean: float, var: float, n: int, rng: np.random.Generator) -> Any:
    sample = rng.normal(mean, var**0.5, n)
    return sample.mean(), sample.var(ddof=1)


def _returns_deviation(mean: float, var: float, n: int, rng: np.random.Generator) -> Any:
    sample = rng.normal(mean, var**0.5, n)
    return sample.mean(), sample.std(ddof=1)


def _old_and_new(mean: float, var: float, n: int, rng: np.random.Generator) -> Any:
    data = np.concatenate([rng.normal(mean, var**0.5, n), rng.normal(mean, var**0.5, n)])
    return data.mean(), data.var(ddof=1)


def _swapped(mean: float, var: float, n: int, rng: np.random.Generator) -> Any:
    return _right(mean, var, n, rng)[::-1]


next_generation.wrong("returns the variance first", _swapped, hint=SWAPPED)
next_generation.wrong("draws nothing", lambda mean, var, n, rng: (mean, var), hint=IDLE)
next_generation.wrong("draws from N(0, 1) every round", _from_the_source, hint=SOURCE)
next_generation.wrong("passes the variance as the scale", _variance_as_scale, hint=SCALE)
next_generation.wrong("divides by n, NumPy's default", _default_divisor, hint=DIVISOR)
next_generation.wrong("draws from a generator of its own", _global_generator, hint=GLOBAL)
next_generation.wrong("seeds its own generator", _own_seed, hint=FROZEN)
next_generation.wrong("refits on old and new", _old_and_new, hint=OLD)
next_generation.wrong("returns the standard deviation", _returns_deviation, hint=ROOT)

# ---------------------------------------------------------------------- B. smallest n

FITS, RUNS = 100, 1000
ACCEPTED = (135, 160)  # the exact answer is 146; a few hundred runs cannot tell it from these

MEAN = (
    "The average over all runs is 1 for every n: rare large gains make up for frequent losses. The "
    "question is about the median, the run in the middle."
)
MLE = "That is about right for the divisor n; with n - 1 everything takes twice as long."
FIFTY = "That is right for 50 fits; here there are 100."
MULTIPLIED = (
    "You multiplied: 0.69 x 100. A halving takes about 0.69 n fits, so 100 fits are one halving "
    "when n is 100 / 0.69."
)


@exercise(
    "02-smallest-n",
    praise="The exact answer is 146: about 0.69 n fits a halving, so n is about 100 / 0.69.",
)
def smallest_n(answer: Any, rng: np.random.Generator) -> str | None:
    """Compare with the exact answer; near misses are told the median of their own n."""
    n = number(answer, "Your n")
    if n != int(n) or n < 2:
        return "Your n is a number of samples: a whole number, 2 or more."
    if n < 8:
        return MEAN
    for (low, high), hint in {(67, 70): MULTIPLIED, (71, 76): FIFTY, (278, 300): MLE}.items():
        if low <= n <= high:
            return hint
    if ACCEPTED[0] <= n <= ACCEPTED[1]:
        return None
    if n > ACCEPTED[1]:
        return f"With n = {n:.0f} the median is above one half, but a smaller n will do, too."
    return _too_small(int(n))


def _too_small(n: int) -> str:
    rng = np.random.default_rng(0)
    _, variances = gaussian_runs(Replace(), n, FITS - 1, RUNS, rng, ddof=1)
    median, lucky = np.median(variances[-1]), np.mean(variances[-1] > 0.5)
    return (
        f"With n = {n} the median of {RUNS:,} runs is {median:.2g}. One run proves little: "
        f"{lucky:.0%} of them end above one half, and the next few seeds may not."
    )


smallest_n.wrong("2, or any: reads the average", 2, hint=MEAN)
smallest_n.wrong("divides by n", 290, hint=MLE)
smallest_n.wrong("50 fits", 73, hint=FIFTY)
smallest_n.wrong("multiplies instead of dividing", 69, hint=MULTIPLIED)
smallest_n.wrong("believes one seed", 50, hint=_too_small(50))
