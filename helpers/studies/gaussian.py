"""The one-dimensional Gaussian: how fast it forgets, by sample size, divisor and policy.

Arms `mle_nN` and `unbiased_nN`: replace, divisor n or n - 1, N samples a generation (the sizes of
lesson 02's explorer). Arms `accumulate_nN`, `subsample_nN`, `mix10_nN` (a tenth of each training
set from the original real sample, chosen anew): divisor n. Real data are standard normal.

Metrics: `variance` and `mean_error` (squared) of the fitted model. Generation g has had g + 1
fits. The mean of the variance over runs is left out of the summary on purpose for long unbiased
runs: no number of runs that we can afford shows its expectation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import metrics
from helpers.loop import Policy, run_loop
from helpers.models import Gaussian
from helpers.policies import Accumulate, AccumulateSubsample, Mix, Replace, by_name
from helpers.studies._spread import spread, thin

SEEDS = range(100)
SETTINGS: dict[str, Any] = {
    "sizes": [5, 10, 20, 50, 100, 200, 500],
    "policy_sizes": [10, 100],
    "generations": 99,  # a hundred fits
    "main": ["unbiased_n10", "mle_n10", "mle_n100", "unbiased_n100"],
    "main_kept": [0, 1, 2, 4, 6, 9, 14, 19, 29, 39, 49, 59, 79, 99],
    "kept": [0, 4, 9, 19, 49, 99],
}
POLICIES = by_name(Accumulate(), AccumulateSubsample(), Mix(0.1))


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value."""
    frames = []
    for arm, (model, policy, n) in _arms().items():
        real = np.random.default_rng([seed, n]).standard_normal((n, 1))
        history = run_loop(
            model,
            real,
            policy=policy,
            generations=SETTINGS["generations"] if scale == "full" else 9,
            metrics={"variance": metrics.variance, "mean_error": metrics.mean_error(0.0)},
            seed=seed,
        )
        kept = thin(history.frame, SETTINGS["kept"])
        if arm in SETTINGS["main"]:
            every = history.frame[history.frame["metric"] == "variance"]
            kept = pd.concat(
                [thin(every, SETTINGS["main_kept"]), kept[kept["metric"] == "mean_error"]]
            )
        frames.append(kept.assign(arm=arm))
    return pd.concat(frames, ignore_index=True)[["arm", "generation", "metric", "value"]]


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Seed bands of the variance, means of the squared error, and how many runs grew."""
    result = spread(frame, "variance", SETTINGS["kept"], ("median", "low", "high"))
    result |= spread(frame, "mean_error", SETTINGS["kept"], ("mean", "error"))
    # For the MLE and for accumulation the mean is a sensible number too.
    settled = frame[~frame["arm"].str.startswith("unbiased")]
    result |= spread(settled, "variance", SETTINGS["kept"], ("mean", "error"))
    first_and_last = frame[(frame["metric"] == "variance")].pivot(
        index=["arm", "replicate"], columns="generation", values="value"
    )
    last = SETTINGS["kept"][-1]
    if last in first_and_last:
        grew = (first_and_last[last] > first_and_last[0]).groupby("arm").mean()
        result |= {f"{arm}_share_that_grew": float(share) for arm, share in grew.items()}
        typical = np.log(first_and_last[last]).groupby("arm").mean()
        result |= {
            f"{arm}_variance_g{last}_geometric": float(np.exp(value))
            for arm, value in typical.items()
        }
    return result


def _arms() -> dict[str, tuple[Gaussian, Policy, int]]:
    arms: dict[str, tuple[Gaussian, Policy, int]] = {}
    for n in SETTINGS["sizes"]:
        arms[f"mle_n{n}"] = (Gaussian(ddof=0), Replace(), n)
        arms[f"unbiased_n{n}"] = (Gaussian(ddof=1), Replace(), n)
    for n in SETTINGS["policy_sizes"]:
        for name, policy in POLICIES.items():
            arms[f"{name}_n{n}"] = (Gaussian(ddof=0), policy, n)
    return arms
