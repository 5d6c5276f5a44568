"""Counting and drawing again: the fading quilt, a vocabulary with a long tail, the time to one.

Arms `quilt_replace`, `quilt_accumulate`, `quilt_fresh` (one tile in ten is newly drawn real): 12
equally likely colours, 40 tiles a row. Row g of the quilt is what generation g is fitted to, so
row 0 is real and its number of colours is `support` at generation g under replace and fresh;
`distinct` is the number of colours among the tiles that generation g draws.
Arms `zipf_replace`, `zipf_accumulate`, `zipf_fresh`: 1,000 words, p proportional to 1/rank, 2,000
words a generation. Metrics: support, entropy (nats), heterozygosity, and for the rarest 500 words
`tail_mass` and `tail_alive` (how many the model can still say).
Arms `absorb_nN`: ten equal outcomes, replace; metric `fits_to_one`, at the generation where a
single outcome is left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import metrics
from helpers.loop import iterate, run_loop
from helpers.models import Discrete
from helpers.policies import Accumulate, FreshReal, Replace, by_name
from helpers.studies._spread import spread, thin, wide

SEEDS = range(100)
SETTINGS: dict[str, Any] = {
    "quilt": {
        "outcomes": 12,
        "n": 40,
        "n_fresh": 4,  # beside 36 synthetic tiles
        "generations": 60,
        "kept": [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60],
    },
    "zipf": {
        "outcomes": 1000,
        "n": 2000,
        "n_fresh": 200,  # beside 1,800 synthetic words
        "generations": 50,
        "kept": [0, 1, 5, 10, 20, 50],
        "rare": 500,
    },
    "absorb": {"outcomes": 10, "sizes": [10, 100]},
}
Metrics = dict[str, metrics.Metric]


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value."""
    k = SETTINGS["zipf"]["outcomes"]
    tail = np.arange(k - SETTINGS["zipf"]["rare"], k)
    quilt: Metrics = {"support": metrics.support_size, "distinct": metrics.distinct}
    zipf: Metrics = {
        "support": metrics.support_size,
        "entropy": metrics.entropy,
        "heterozygosity": metrics.heterozygosity,
        "tail_mass": metrics.tail_mass(tail),
        "tail_alive": metrics.survivors(tail),
    }
    frames = [_policies("quilt", quilt, seed, scale), _policies("zipf", zipf, seed, scale)]
    frames += [_absorption(n, seed) for n in SETTINGS["absorb"]["sizes"]]
    return pd.concat(frames, ignore_index=True)[["arm", "generation", "metric", "value"]]


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Seed bands at the kept generations, and the share of quilts left with one colour."""
    bands = ("mean", "median", "low", "high")
    result: dict[str, float] = {}
    for world in ("quilt", "zipf"):
        rows = frame[frame["arm"].str.startswith(world)]
        for metric in sorted(rows["metric"].unique()):
            result |= spread(rows, metric, SETTINGS[world]["kept"], bands)
    for g in SETTINGS["quilt"]["kept"]:
        single = wide(frame, "support", g).filter(like="quilt_") == 1
        result |= {f"{arm}_single_g{g}": float(single[arm].mean()) for arm in single}
    for n in SETTINGS["absorb"]["sizes"]:
        fits = frame.loc[(frame["arm"] == f"absorb_n{n}"), "value"].to_numpy()
        result[f"absorb_n{n}_fits_mean"] = float(fits.mean())
        result[f"absorb_n{n}_fits_median"] = float(np.median(fits))
        result[f"absorb_n{n}_fits_error"] = float(fits.std(ddof=1) / np.sqrt(len(fits)))
    return result


def truth(world: str) -> np.ndarray:
    """The real probabilities of "quilt" (uniform), "zipf" (1/rank) or "absorb" (uniform)."""
    k = SETTINGS[world]["outcomes"]
    weights = 1 / np.arange(1, k + 1) if world == "zipf" else np.ones(k)
    return weights / weights.sum()


def _policies(world: str, yardsticks: Metrics, seed: int, scale: str) -> pd.DataFrame:
    settings, p = SETTINGS[world], truth(world)
    n, n_fresh = settings["n"], settings["n_fresh"]
    real = np.random.default_rng([seed, n]).choice(len(p), size=n, p=p)
    fresh = FreshReal(lambda m, rng: rng.choice(len(p), size=m, p=p), n_fresh)
    frames = []
    for name, policy in by_name(Replace(), Accumulate(), fresh).items():
        history = run_loop(
            Discrete(len(p)),
            real,
            policy=policy,
            generations=settings["generations"] if scale == "full" else 5,
            n_samples=n - n_fresh if policy is fresh else n,
            metrics=yardsticks,
            seed=seed,
        )
        frames.append(thin(history.frame, settings["kept"]).assign(arm=f"{world}_{name}"))
    return pd.concat(frames)


def _absorption(n: int, seed: int) -> pd.DataFrame:
    p = truth("absorb")
    real = np.random.default_rng([seed, n]).choice(len(p), size=n, p=p)
    for generation in iterate(Discrete(len(p)), real, policy=Replace(), seed=seed):
        if metrics.support_size(generation.model, None) == 1:
            break
    g = generation.index
    return pd.DataFrame(
        {"arm": [f"absorb_n{n}"], "generation": g, "metric": "fits_to_one", "value": g + 1.0}
    )
