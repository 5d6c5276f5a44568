"""Not through `run_batched`: for sliders, the same law of many runs in a fifth of the time.

Tests compare each result with `helpers.loop.run_batched` under the same model and policy; the
draws are not the same. Three facts make it fast:

- A Gaussian sample of size n enters the fit only by its mean, N(m, v/n), and its sum of squares,
  v chi2(n - 1), which are independent (Cochran): draw these two instead of n numbers.
- A regression sample enters only by X'X, a Wishart matrix, and X'y, which given X'X is normal.
- A kernel density is sampled by drawing a row of its training set and adding noise, so that a
  growing pool need never be copied.

They hold for a policy that trains on whole generations, and whether it does, it is asked
(`whole_generations`). A subsample needs the rows themselves, because later subsamples share them.
Any other policy goes through `run_batched` after all, and takes its time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from helpers import metrics
from helpers._arguments import generator, one_of, positive_int, real_number
from helpers.data import Data, Replicates, size
from helpers.loop import Policy, run_batched
from helpers.models import Gaussian, LinearRegression
from helpers.policies import AccumulateSubsample, Mix, Replace, plain
from helpers.studies.regression import EverySynthetic as EverySynthetic  # a policy to choose, too

HALF_REAL = "half real"
ERRORS = ("the sample alone", "one bell for two humps", "fit stopped early")


def known(n: int) -> dict[str, Policy]:
    """What to choose from, by label, at n samples a generation: every policy without settings.

    And HALF_REAL, all real rows and as many of the newest.
    """
    choices: dict[str, Policy] = {policy.label: policy for policy in plain()}
    return choices | {HALF_REAL: Mix(0.5, size=2 * n)}


POLICIES = tuple(known(1))  # those of the course; `known` has also those that a reader has defined


def whole_generations(policy: Policy, n: int, generations: int) -> list[list[int]] | None:
    """Of which generations of data (0 is the real one) fits 0 .. `generations` use every row once.

    None when some fit uses part of a generation, or a row twice, or rows of its own, or when chance
    or the values decide. The policy is asked, twice, which of numbered rows it takes.
    """
    used = [[[0]], [[0]]]
    for asked, answers in enumerate(used):
        rng = np.random.default_rng(asked)
        order = rng.permutation((generations + 1) * n).reshape(generations + 1, n)
        for g in range(1, generations + 1):
            try:
                chosen = np.asarray(policy.training_set(order[0], list(order[1 : g + 1]), rng))
                times = np.bincount(chosen, minlength=order.size)[order]
            except (TypeError, ValueError):  # it brings rows of its own
                return None
            if times.max() > 1 or times.sum() < len(chosen) or (times != times[:, :1]).any():
                return None
            answers.append(np.flatnonzero(times[:, 0]).tolist())
    return used[0] if used[0] == used[1] else None


def gaussian_runs(
    policy: Policy | str,
    n: int,
    generations: int,
    runs: int,
    rng: np.random.Generator,
    ddof: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Fitted means and variances of a 1-D Gaussian that starts from N(0, 1).

    Two arrays (generations + 1, runs). policy: one, or the label of one that is `known`. `ddof` as
    in `helpers.models.Gaussian`.
    """
    policy = _checked(policy, n, generations, runs, rng)
    one_of("ddof", ddof, (0, 1))
    if policy == AccumulateSubsample():
        return _gaussian_rows(n, generations, runs, rng, ddof)
    whole = whole_generations(policy, n, generations)
    if whole is None:
        return _gaussian_loop(policy, n, generations, runs, rng, ddof)
    means, variances = np.empty((2, generations + 1, runs))
    mean, variance = np.zeros(runs), np.ones(runs)
    centres, squares = np.empty((2, generations + 1, runs))  # of each generation's data
    for g in range(generations + 1):
        centres[g] = mean + np.sqrt(variance / n) * rng.standard_normal(runs)
        squares[g] = variance * rng.chisquare(n - 1, runs)
        used = whole[g]
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
    _checked(Replace(), n, generations, runs, rng)
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
    policy: Policy | str,
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
    policy = _checked(policy, n, generations, runs, rng)
    positive_int("n", n, minimum=positive_int("d", d) + 2)
    if policy == AccumulateSubsample():
        return _regression_rows(n, generations, runs, rng, d, same_design)
    whole = whole_generations(policy, n, generations)
    if whole is None:
        return _regression_loop(policy, n, generations, runs, rng, d, same_design)
    errors = np.empty((generations + 1, runs))
    moments = np.empty((generations + 1, runs, d, d + 1))  # X'X of each generation's data, and X'y
    coef = np.zeros((runs, d, 1))  # the true coefficients are 0: errors do not depend on them
    root = _wishart_root(n, d, runs, rng)
    for g in range(generations + 1):
        if g and not same_design:
            root = _wishart_root(n, d, runs, rng)
        squares = root @ np.swapaxes(root, -1, -2)
        products = squares @ coef + root @ rng.standard_normal((runs, d, 1))
        moments[g] = np.concatenate([squares, products], axis=-1)
        kept = moments[whole[g]].sum(axis=0)
        coef = np.linalg.solve(kept[..., :d], kept[..., d:])
        errors[g] = (coef[..., 0] ** 2).sum(axis=-1)
    return errors


def kde_runs(
    policy: Policy | str,
    n: int,
    rounds: int,
    runs: int,
    rng: np.random.Generator,
    bandwidth: float,
) -> np.ndarray:
    """Variance (ddof=0) of each sample: real N(0, 1) first, then `rounds` synthetic ones.

    Array (rounds + 1, runs). Sample t is drawn from a kernel density on what the policy keeps of
    samples 0 .. t - 1.
    """
    policy = _checked(policy, n, rounds, runs, rng)
    width = real_number("bandwidth", bandwidth, low=0.0)
    subsample = policy == AccumulateSubsample()
    whole = None if subsample else whole_generations(policy, n, rounds)
    if whole is None and not subsample:
        return _kde_loop(policy, n, rounds, runs, rng, width)
    pool = np.empty((runs, (rounds + 1) * n))
    pool[:, :n] = rng.standard_normal((runs, n))
    for t in range(1, rounds + 1):
        if whole is None:
            chosen = _distinct(t * n, n, runs, rng)
            places = np.take_along_axis(chosen, rng.integers(n, size=(runs, n)), axis=1)
        else:
            used = np.array(whole[t - 1])
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


def _checked(
    policy: Policy | str, n: int, generations: int, runs: int, rng: np.random.Generator
) -> Policy:
    positive_int("n", n, minimum=2)
    positive_int("generations", generations)
    positive_int("runs", runs)
    generator("rng", rng)
    if not isinstance(policy, str):
        return policy
    choices = known(n)
    return choices[one_of("policy", policy, tuple(choices))]


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


# ---------------------------------------------------------------------- any policy: the loop itself


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _gaussian_loop(
    policy: Policy, n: int, generations: int, runs: int, rng: np.random.Generator, ddof: int
) -> tuple[np.ndarray, np.ndarray]:
    frame = run_batched(
        Gaussian(ddof),
        lambda shape, real: real.standard_normal((*shape, 1)),
        policy=policy,
        generations=generations,
        n_samples=n,
        replicates=runs,
        metrics={"mean": metrics.mean, "variance": metrics.variance},
        seed=_seed(rng),
    )
    means, variances = frame["value"].to_numpy().reshape(2, generations + 1, runs)
    return means, variances


def _regression_loop(
    policy: Policy,
    n: int,
    generations: int,
    runs: int,
    rng: np.random.Generator,
    d: int,
    same_design: bool,
) -> np.ndarray:
    inputs = rng.standard_normal((n, runs, d))
    frame = run_batched(
        LinearRegression(design=inputs if same_design else None),
        lambda shape, real: np.concatenate(
            [np.moveaxis(inputs, 1, 0), real.standard_normal((*shape, 1))], axis=-1
        ),
        policy=policy,
        generations=generations,
        n_samples=n,
        replicates=runs,
        metrics={"error": metrics.excess_error(np.zeros(d))},
        seed=_seed(rng),
    )
    return frame["value"].to_numpy().reshape(generations + 1, runs)


def _kde_loop(
    policy: Policy, n: int, rounds: int, runs: int, rng: np.random.Generator, width: float
) -> np.ndarray:
    """By hand, `run_batched` has no kernel density: each run draws rows of its own training set."""
    samples: list[Data] = [Replicates(rng.standard_normal((n, runs)))]
    for _ in range(rounds):
        kept: Any = policy.training_set(samples[0], samples[1:], rng) if samples[1:] else samples[0]
        places = rng.integers(size(kept), size=(n, runs))
        centres = np.take_along_axis(kept.values, places, axis=0)
        samples.append(Replicates(centres + width * rng.standard_normal((n, runs))))
    rows: Any = samples
    return np.array([sample.values.var(axis=0) for sample in rows])
