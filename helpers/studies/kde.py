"""A kernel density retrained on its own samples: collapse by explosion, and a still point.

100 samples, one coordinate, 50 rounds. Arms `one_replace_hH` and `one_accumulate_hH`: one hump,
standard normal, bandwidth H in thousandths (h500 is 0.5), `neutral` the bandwidth sqrt(1/99) at
which the variance stands still. Arms `two_replace_...`, `two_accumulate_...`: two humps at -1 and
1 with standard deviation 0.25.

Metrics, of the samples: `variance` (ddof 0) and `valley`, the share strictly between -0.3 and 0.3.
Here generation 0 is fitted to real data and its samples are the first synthetic ones, so the
samples of generation g are round g + 1; the arms `one_real` and `two_real` at generation 0 hold the
real sample's values. (theory.kde_variance_replace counts rounds.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import metrics, theory
from helpers.loop import run_loop
from helpers.models import KernelDensity
from helpers.policies import Accumulate, Replace, by_name
from helpers.studies._spread import spread, thin

SEEDS = range(100)
SETTINGS: dict[str, Any] = {
    "n": 100,
    "generations": 49,  # fifty synthetic rounds
    "kept": [0, 1, 4, 9, 19, 29, 39, 49],
    "bandwidths": [0.02, 0.05, 0.2, 0.5],  # beside the neutral one
    "accumulate_bandwidths": [0.2, 0.5],
    "two_bandwidths": [0.02, 0.5],
    "spread_of_a_hump": 0.25,
    "valley": [-0.3, 0.3],
}
POLICIES = by_name(Replace(), Accumulate())
REPLACE, ACCUMULATE = POLICIES


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value."""
    neutral = theory.kde_neutral_bandwidth(SETTINGS["n"])
    plan = [("one", REPLACE, h) for h in (*SETTINGS["bandwidths"], neutral)]
    plan += [("one", ACCUMULATE, h) for h in (*SETTINGS["accumulate_bandwidths"], neutral)]
    plan += [("two", REPLACE, h) for h in (*SETTINGS["two_bandwidths"], neutral)]
    plan += [("two", ACCUMULATE, neutral)]
    yardsticks = {
        "variance": metrics.sample_variance,
        "valley": metrics.share_between(*SETTINGS["valley"]),
    }
    frames = []
    for humps, policy, bandwidth in plan:
        history = run_loop(
            KernelDensity(bandwidth),
            real(humps, seed),
            policy=POLICIES[policy],
            generations=SETTINGS["generations"] if scale == "full" else 4,
            metrics=yardsticks,
            seed=seed,
        )
        label = "neutral" if bandwidth == neutral else f"h{round(1000 * bandwidth)}"
        frames.append(thin(history.frame, SETTINGS["kept"]).assign(arm=f"{humps}_{policy}_{label}"))
    for humps in ("one", "two"):
        values = [float(f(None, real(humps, seed))) for f in yardsticks.values()]
        frames.append(
            pd.DataFrame(
                {
                    "arm": f"{humps}_real",
                    "generation": 0,
                    "metric": list(yardsticks),
                    "value": values,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)[["arm", "generation", "metric", "value"]]


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Seed bands of variance and valley at the kept generations."""
    return spread(frame, "variance", SETTINGS["kept"]) | spread(frame, "valley", SETTINGS["kept"])


def real(humps: str, seed: int) -> np.ndarray:
    """The real sample of a seed, (n, 1): "one" hump or "two"."""
    rng = np.random.default_rng([seed, SETTINGS["n"]])
    values = rng.standard_normal((SETTINGS["n"], 1))
    if humps == "one":
        return values
    return rng.choice([-1.0, 1.0], size=values.shape) + SETTINGS["spread_of_a_hump"] * values
