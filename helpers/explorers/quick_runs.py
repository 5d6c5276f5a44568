"""Many runs of the loop in a few hundredths of a second: what the sliders need.

Not another loop. The law of each result is that of `helpers.loop.run_batched` with the same model
and policy (tests compare them); the draws are not. Three facts make it fast:

- A Gaussian sample of size n enters the fit only by its mean, N(m, v/n), and its sum of squares,
  v chi2(n - 1), which are independent (Cochran): draw these two instead of n numbers.
- A regression sample enters only by X'X, a Wishart matrix, and X'y, which given X'X is normal.
- A kernel density is sampled by drawing a row of its training set and adding noise, so that a
  growing pool need never be copied.

Only a subsample of the pool needs the rows themselves, because later subsamples share them.
Policies are named as in POLICIES; "half real" is all real rows and as many of the newest.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from helpers._arguments import generator, one_of, positive_int, real_number

ERRORS = ("none but the sample", "one bell for two humps", "fit stopped early")
POLICIES = ("replace", "accumulate", "subsample", "synthetic only", "half real")


def gaussian_runs(
    policy: str, n: int, generations: int, runs: int, rng: np.random.Generator, ddof: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Fitted means and variances of a 1-D Gaussian that starts from N(0, 1).

    Two arrays (generations + 1, runs). `ddof` as in `helpers.models.Gaussian`.
    """
    _check(policy, n, generations, runs, rng)
    one_of("ddof", ddof, (0, 1))
    if policy == "subsample":
        return _gaussian_rows(n, generations, runs, rng, ddof)
    means, variances = np.empty((2, generations + 1, runs))
    mean, variance = np.zeros(runs), np.ones(runs)
    centres, squares = np.empty((2, generations + 1, runs))  # of each generation's data
    for g in range(generations + 1):
        centres[g] = mean + np.sqrt(variance / n) * rng.standard_normal(runs)
        squares[g] = variance * rng.chisquare(n - 1, runs)
        used = _used(policy, g)
        mean = centres[used].mean(axis=0)
        between = ((centres[used] - mean) ** 2).sum(axis=0)
        variance = (squares[used].sum(axis=0) + n * between) / (len(used) * n - ddof)
        means[g], variances[g] = mean, variance
    return means, variances


def error_runs(
    error: str, n: int, generations: int, runs: int, rng: np.random.Generator
) -> np.ndarray:
    """Squared 2-Wasserstein distance to the truth when a Gaussian is refitted to its samples.

    Nature's three errors (Shumailov et al. 2024): n makes the statistical one. The others are
    added by `error`, one of ERRORS: a truth of two humps, or an optimiser that starts at N(0, 1/4)
    and takes ten steps of a fifth of what is left. Array (generations + 1, runs), divisor n.
    """
    _check("replace", n, generations, runs, rng)
    one_of("error", error, ERRORS)
    bell = ndtri((np.arange(2000) + 0.5) / 2000)  # equally likely values of N(0, 1)
    humps = np.sort([0.44 * bell[::2] - 0.9, 0.44 * bell[1::2] + 0.9], axis=None)
    truth = humps if error == ERRORS[1] else bell
    left = 0.8**10 if error == ERRORS[2] else 0.0
    distances = np.empty((generations + 1, runs))
    sample = rng.choice(truth, (n, runs))
    centre, width = sample.mean(axis=0), sample.std(axis=0)  # of the newest data
    for g in range(generations + 1):
        mean, sd = (1 - left) * centre, (1 - left) * width + left * 0.5
        distances[g] = ((mean + sd * bell[:, None] - truth[:, None]) ** 2).mean(axis=0)
        centre = mean + sd / np.sqrt(n) * rng.standard_normal(runs)
        width = sd * np.sqrt(rng.chisquare(n - 1, runs) / n)
    return distances


def regression_runs(
    policy: str,
    n: int,
    generations: int,
    runs: int,
    rng: np.random.Generator,
    *,
    d: int = 10,
    same_design: bool = True,
) -> np.ndarray:
    """Squared error of the fitted coefficients, noise 1, inputs N(0, I): (generations + 1, runs).

    same_design: the real data's inputs are labelled anew each round; otherwise fresh inputs.
    """
    _check(policy, n, generations, runs, rng)
    positive_int("n", n, minimum=positive_int("d", d) + 2)
    if policy == "subsample":
        return _regression_rows(n, generations, runs, rng, d, same_design)
    errors = np.empty((generations + 1, runs))
    coef = np.zeros((runs, d, 1))  # the true coefficients are 0: errors do not depend on them
    root = _wishart_root(n, d, runs, rng)
    for g in range(generations + 1):
        if g and not same_design:
            root = _wishart_root(n, d, runs, rng)
        squares = root @ np.swapaxes(root, -1, -2)  # X'X, and beside it X'y
        products = squares @ coef + root @ rng.standard_normal((runs, d, 1))
        newest = np.concatenate([squares, products], axis=-1)
        if g == 0:
            first, total = newest, newest
            coef = np.linalg.solve(squares, products)
        else:
            total = total + newest
            kept = {"replace": newest, "accumulate": total, "synthetic only": total - first,
                    "half real": first + newest}[policy]  # fmt: skip
            coef = np.linalg.solve(kept[..., :d], kept[..., d:])
        errors[g] = (coef[..., 0] ** 2).sum(axis=-1)
    return errors


def kde_runs(
    policy: str, n: int, rounds: int, runs: int, rng: np.random.Generator, bandwidth: float
) -> np.ndarray:
    """Variance (ddof=0) of each sample: real N(0, 1) first, then `rounds` synthetic ones.

    Array (rounds + 1, runs). Sample t is drawn from a kernel density on what the policy keeps of
    samples 0 .. t - 1.
    """
    _check(policy, n, rounds, runs, rng)
    width = real_number("bandwidth", bandwidth, low=0.0)
    pool = np.empty((runs, (rounds + 1) * n))
    pool[:, :n] = rng.standard_normal((runs, n))
    for t in range(1, rounds + 1):
        if policy == "subsample":
            chosen = _distinct(t * n, n, runs, rng)
            places = np.take_along_axis(chosen, rng.integers(n, size=(runs, n)), axis=1)
        else:
            used = np.array(_used(policy, t - 1))
            places = rng.integers(len(used) * n, size=(runs, n))
            places += n * (used - np.arange(len(used)))[places // n]
        centres = np.take_along_axis(pool, places, axis=1)
        pool[:, t * n : (t + 1) * n] = centres + width * rng.standard_normal((runs, n))
    return pool.reshape(runs, rounds + 1, n).var(axis=-1).T


def tidy(values: np.ndarray, metric: str, arm: str = "all") -> pd.DataFrame:
    """An array (generations, runs) as the tidy frame that plots take."""
    generations, runs = values.shape
    return pd.DataFrame({
        "generation": np.repeat(np.arange(generations), runs), "metric": metric, "arm": arm,
        "replicate": np.tile(np.arange(runs), generations), "value": values.ravel(),
    })  # fmt: skip


def _used(policy: str, newest: int) -> list[int]:
    """The generations of data (0 is the real one) that the fit after `newest` is made on."""
    if policy == "replace":
        return [newest]
    if policy == "half real":
        return sorted({0, newest})
    start = 1 if policy == "synthetic only" and newest else 0
    return list(range(start, newest + 1))


def _check(policy: str, n: int, generations: int, runs: int, rng: np.random.Generator) -> None:
    one_of("policy", policy, POLICIES)
    positive_int("n", n, minimum=2)
    positive_int("generations", generations)
    positive_int("runs", runs)
    generator("rng", rng)


def _wishart_root(n: int, d: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """L with L L' distributed as X'X for n rows N(0, I) in d dimensions (Bartlett 1933)."""
    root = np.tril(rng.standard_normal((runs, d, d)), -1)
    root[:, range(d), range(d)] = np.sqrt(rng.chisquare(n - np.arange(d), (runs, d)))
    return root


def _distinct(pool: int, n: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """(runs, n) indices below `pool`, distinct within each run, in rising order.

    Repeats are drawn again until there are none. No index is treated differently from another,
    so every set of n is equally likely.
    """
    if pool == n:
        return np.broadcast_to(np.arange(n), (runs, n))
    chosen = np.sort(rng.integers(pool, size=(runs, n)), axis=1)
    while (repeated := chosen[:, 1:] == chosen[:, :-1]).any():
        chosen[:, 1:][repeated] = rng.integers(pool, size=int(repeated.sum()))
        chosen.sort(axis=1)
    return chosen


def _gaussian_rows(
    n: int, generations: int, runs: int, rng: np.random.Generator, ddof: int
) -> tuple[np.ndarray, np.ndarray]:
    """Accumulate and subsample, drawn row by row."""
    means, variances = np.empty((2, generations + 1, runs))
    pool = np.empty((runs, (generations + 1) * n))
    mean, variance = np.zeros(runs), np.ones(runs)
    for g in range(generations + 1):
        noise = rng.standard_normal((runs, n))
        pool[:, g * n : (g + 1) * n] = mean[:, None] + np.sqrt(variance)[:, None] * noise
        rows = np.take_along_axis(pool, _distinct((g + 1) * n, n, runs, rng), axis=1)
        mean, variance = rows.mean(axis=1), rows.var(axis=1, ddof=ddof)
        means[g], variances[g] = mean, variance
    return means, variances


def _regression_rows(
    n: int, generations: int, runs: int, rng: np.random.Generator, d: int, same_design: bool
) -> np.ndarray:
    """Accumulate and subsample, drawn row by row."""
    errors = np.empty((generations + 1, runs))
    inputs = np.empty((runs, (generations + 1) * n, d))
    labels = np.empty((runs, (generations + 1) * n, 1))
    coef = np.zeros((runs, d, 1))
    every = np.arange(runs)[:, None]
    for g in range(generations + 1):
        newest = slice(g * n, (g + 1) * n)
        fresh = g == 0 or not same_design
        inputs[:, newest] = rng.standard_normal((runs, n, d)) if fresh else inputs[:, :n]
        labels[:, newest] = inputs[:, newest] @ coef + rng.standard_normal((runs, n, 1))
        chosen = _distinct((g + 1) * n, n, runs, rng)
        rows = inputs[every, chosen]
        turned = np.swapaxes(rows, -1, -2)
        coef = np.linalg.solve(turned @ rows, turned @ labels[every, chosen])
        errors[g] = (coef[..., 0] ** 2).sum(axis=-1)
    return errors
