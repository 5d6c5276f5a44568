"""The one-dimensional Gaussian: how fast it forgets, by sample size, divisor and policy.

Arms `mle_nN` and `unbiased_nN`: replace, divisor n or n - 1, N samples a generation (the sizes of
lesson 02's explorer). Arms `accumulate_nN`, `subsample_nN`, `mix10_nN` (a tenth of each training
set from the original real sample, chosen anew): divisor n. Real data are standard normal.

Metrics: `variance` and `mean_error` (squared) of the fitted model. Generation g has had g + 1
fits. Under replace a mean over runs is in the summary only where a hundred runs can show it: where
the exact law of the runs puts its standard error below half of the mean. For long runs with small
samples the mean is held by runs too rare to be among them, whatever the divisor.
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
MOST_UNCERTAIN = 0.5  # standard error of a mean that is offered, in units of the mean
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
    for metric in ("variance", "mean_error"):
        means = spread(frame, metric, SETTINGS["kept"], ("mean", "error"))
        result |= {key: mean for key, mean in means.items() if key not in _untold(metric)}
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


def uncertainty(n: int, t: int, ddof: int, runs: int) -> dict[str, float]:
    """Standard error of the mean of `runs` runs after t fits, in units of that mean; replace.

    For both metrics, from the exact second moments. With d = n - ddof a fit takes the variance v
    to v * chi2 / d, chi2 having n - 1 degrees of freedom, and moves the mean m by a normal number
    of variance v / n. So E v, E v**2, E m**2, E m**2 v and E m**4 follow from the fit before.
    """
    d = n - ddof
    shrink, square = (n - 1) / d, (n - 1) * (n + 1) / d**2  # means of the factor and its square
    v = vv = 1.0
    mm = mmv = m4 = 0.0
    for _ in range(t):
        m4 += 6 * mmv / n + 3 * vv / n**2
        mm += v / n
        mmv = (mmv + vv / n) * shrink
        v, vv = v * shrink, vv * square
    ratios = {"variance": vv / v**2, "mean_error": m4 / mm**2}
    return {metric: float(np.sqrt((ratio - 1) / runs)) for metric, ratio in ratios.items()}


def _untold(metric: str) -> set[str]:
    """Keys of the means that the recorded runs cannot show."""
    return {
        f"{arm}_{metric}_g{g}_{statistic}"
        for arm, (model, policy, n) in _arms().items()
        for g in SETTINGS["kept"]
        for statistic in ("mean", "error")
        if policy == Replace()
        and uncertainty(n, g + 1, model.ddof, len(SEEDS))[metric] > MOST_UNCERTAIN
    }


def _arms() -> dict[str, tuple[Gaussian, Policy, int]]:
    arms: dict[str, tuple[Gaussian, Policy, int]] = {}
    for n in SETTINGS["sizes"]:
        arms[f"mle_n{n}"] = (Gaussian(ddof=0), Replace(), n)
        arms[f"unbiased_n{n}"] = (Gaussian(ddof=1), Replace(), n)
    for n in SETTINGS["policy_sizes"]:
        for name, policy in POLICIES.items():
            arms[f"{name}_n{n}"] = (Gaussian(ddof=0), policy, n)
    return arms
