"""Lesson 02: a Gaussian refitted to its own samples, in five views, and Nature's three errors.

`gaussian_picture` and `three_errors_picture` are plain functions, `gaussian_explorer` puts sliders
in front of the first.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import theory
from helpers._arguments import one_of, positive_int
from helpers.explorers.controls import Explorer, choice, explore, switch, whole
from helpers.explorers.quick_runs import ERRORS, error_runs, gaussian_runs, tidy
from helpers.plots import Picture, band, panels
from helpers.policies import Replace

DIVISORS = ("n", "n - 1")
SHOW = ("one run", "100 runs", "median", "mean of the runs", "exact expectation")


def gaussian_picture(
    n: int = 10,
    rounds: int = 100,
    divisor: str = "n - 1",
    show: str = "100 runs",
    log: bool = True,
    seed: int = 0,
) -> Picture:
    """Variance of a Gaussian refitted to its own samples: 100 runs, looked at in five ways."""
    positive_int("rounds", rounds)
    ddof = DIVISORS.index(one_of("divisor", divisor, DIVISORS))
    one_of("show", show, SHOW)
    _, variances = gaussian_runs(Replace(), n, rounds, 100, np.random.default_rng(seed), ddof)
    fits = np.arange(1, rounds + 2)
    exact = {"exact expectation": theory.gaussian_variance_replace(n, fits, ddof)}
    if show == "one run":
        variances, exact = variances[:, :1], {}
    if show == "100 runs":
        exact = {}
    if show == "median":
        exact = {"typical run, theory": theory.gaussian_geometric_variance_replace(n, fits, ddof)}
    return band(
        tidy(variances, "variance"),
        "variance",
        exact=exact,
        centre="mean" if show == "mean of the runs" else "median",
        runs=60 if show == "100 runs" else 0,
        log=log,
        title=f"n = {n}, divisor {divisor}: {show}",
    )


def gaussian_explorer() -> Explorer:
    """Sliders over `gaussian_picture`."""
    return explore(
        gaussian_picture,
        n=choice("samples n", (5, 10, 20, 50, 100, 200, 500), 10),
        rounds=whole("generations", 10, 200, 100, step=10),
        divisor=choice("divisor", DIVISORS, "n - 1"),
        show=choice("show", SHOW, "100 runs"),
        log=switch("logarithmic axis", True),
    )


def three_errors_picture(
    small: int = 100, large: int = 100_000, rounds: int = 30, seed: int = 0
) -> Picture:
    """Nature's three errors side by side: a small sample, a wrong family, a fit stopped early."""
    frames = {}
    for error in ERRORS:
        rng = np.random.default_rng(seed)
        arms = [
            tidy(error_runs(error, n, rounds, 40, rng), "distance", f"n = {n:,}")
            for n in (positive_int("small", small), positive_int("large", large))
        ]
        frames[error] = pd.concat(arms)
    return panels(frames, "distance", ylabel="squared distance to the truth")
