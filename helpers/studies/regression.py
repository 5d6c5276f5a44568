"""Linear regression retrained on its own labels: which pile of data bounds the error, and by what.

Ten inputs, noise 1, T rows a generation; metric `error`, the squared distance to the true
coefficients. Generation g has had g + 1 fits. Arms end in _tT. Same design in every round:
`replace`, `accumulate`, `subsample`; for T = 100 also `synthetic_only` (every synthetic generation,
no real row), `real_and_newest` (all real rows and as many of the newest: 2 T rows),
`half_real` (T/2 real rows, T/2 of the newest: T rows), and `newest_growing` (generation g trains on
g T rows drawn from the newest model alone). `fresh_replace`, `fresh_accumulate`: new inputs each
round. Every arm of a seed shares the real data, and so generation 0.

The two odd policies live here and not in helpers.policies: writing the first is an exercise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers import metrics
from helpers.data import Data, concat
from helpers.loop import Policy, run_loop
from helpers.models import LinearRegression
from helpers.policies import Accumulate, AccumulateSubsample, Mix, Named, Replace, by_name
from helpers.studies._spread import spread, thin, wide

SEEDS = range(200)
SETTINGS: dict[str, Any] = {
    "inputs": 10,
    "sigma": 1.0,
    "rows": 100,
    "generations": 39,  # forty fits
    "kept": [0, 1, 2, 4, 9, 14, 19, 29, 39],
    "other_rows": [32, 1000],
    "other_kept": [0, 4, 19, 39],
    "other_seeds": 60,  # the arms of other sizes, and 1,000 rows are slow
}


@dataclass(frozen=True)
class EverySynthetic(Named):
    """All synthetic generations and no real row."""

    name = "synthetic_only"

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """All of `synthetic`: without the real data, grows by a generation each time."""
        return concat(list(synthetic))


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value."""
    n = SETTINGS["rows"]
    generations = SETTINGS["generations"] if scale == "full" else 4
    every_size = by_name(Replace(), Accumulate(), AccumulateSubsample())
    same: dict[str, Policy] = {
        **every_size,
        **by_name(EverySynthetic()),
        "real_and_newest": Mix(0.5, size=2 * n),
        "half_real": Mix(0.5),
    }
    fresh: dict[str, Policy] = {
        f"fresh_{name}": policy for name, policy in by_name(Replace(), Accumulate()).items()
    }
    frames = [_arm(name, policy, n, True, seed, generations) for name, policy in same.items()]
    frames += [_arm(name, policy, n, False, seed, generations) for name, policy in fresh.items()]
    frames.append(_newest_growing(n, seed, generations))
    frame = thin(pd.concat(frames), SETTINGS["kept"])
    if seed < SETTINGS["other_seeds"]:
        others = [
            _arm(name, same[name], rows, True, seed, generations)
            for rows in SETTINGS["other_rows"]
            for name in every_size
        ]
        frame = pd.concat([frame, thin(pd.concat(others), SETTINGS["other_kept"])])
    return frame.reset_index(drop=True)[["arm", "generation", "metric", "value"]]


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Mean errors, and factors: mean error over the mean error of one fit, with its error.

    Keys ARM_factor_gG and ARM_factor_gG_low, _high: a ratio of means over seeds with a 95 %
    interval by the delta method; both means are over the same seeds.
    """
    generations = SETTINGS["kept"]
    result = spread(frame, "error", generations, ("mean", "error", "low", "high"))
    start = wide(frame, "error", 0)
    for g in generations:
        now = wide(frame, "error", g)
        for arm in now:
            pair = pd.DataFrame({"first": start[arm], "now": now[arm]}).dropna()
            if len(pair) < 2:
                continue
            ratio = pair["now"].mean() / pair["first"].mean()
            residual = (pair["now"] - ratio * pair["first"]) / pair["first"].mean()
            half = 1.96 * residual.std() / np.sqrt(len(pair))
            key = f"{arm}_factor_g{g}"
            result |= {key: ratio, f"{key}_low": ratio - half, f"{key}_high": ratio + half}
    return result


def _real(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Real rows [x, y] (rows, d + 1) and the true coefficients, of length 1."""
    d = SETTINGS["inputs"]
    truth = np.full(d, d**-0.5)
    rng = np.random.default_rng([seed, rows])
    inputs = rng.standard_normal((rows, d))
    labels = inputs @ truth + SETTINGS["sigma"] * rng.standard_normal(rows)
    return np.column_stack([inputs, labels]), truth


def _arm(
    name: str, policy: Policy, rows: int, same_design: bool, seed: int, generations: int
) -> pd.DataFrame:
    real, truth = _real(rows, seed)
    history = run_loop(
        LinearRegression(SETTINGS["sigma"], real[:, :-1] if same_design else None),
        real,
        policy=policy,
        generations=generations,
        metrics={"error": metrics.excess_error(truth)},
        seed=seed,
    )
    return history.frame.assign(arm=f"{name}_t{rows}")


def _newest_growing(rows: int, seed: int, generations: int) -> pd.DataFrame:
    """Generation g is fitted to g T rows of the newest model: by hand, `iterate` has one size."""
    real, truth = _real(rows, seed)
    error = metrics.excess_error(truth)
    rng = np.random.default_rng([seed, rows, 1])
    data, errors = real, []
    for g in range(generations + 1):
        model = LinearRegression(SETTINGS["sigma"], np.tile(real[:, :-1], (g + 1, 1))).fit(data)
        errors.append(error(model, None))
        data = model.sample((g + 1) * rows, rng)
    return pd.DataFrame(
        {"generation": range(generations + 1), "metric": "error", "value": errors}
    ).assign(arm=f"newest_growing_t{rows}")
