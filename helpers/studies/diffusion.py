"""A diffusion model retrained on its own points, eight blobs from common to rare.

Arms: `replace`, `accumulate`, `fresh10` (a tenth of each training set is newly drawn real points)
and `replace_cool` (replace, with every sampler at temperature 0.8: MAD's sampling bias). Arm
`real` at generation 0 holds the same metrics for real points of the same number. Every arm of a
seed shares real data, test points, generation 0's training and random streams.

`recall` is the share of real test points with a sample within `radius`, `precision` the share of
samples with a real test point within it, `off_mode` the share of samples more than four standard
deviations from every blob's centre. `rare` is the share of samples nearest to the two rarest blobs.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd

from helpers.data.digits import CENTRES, SPREAD, eight_gaussians
from helpers.loop import History, Policy, fit_stream, run_loop
from helpers.metrics import generative as gm
from helpers.models.diffusion import Diffusion
from helpers.policies import Accumulate, FreshReal, Replace
from helpers.studies._samples import read_samples, write_samples
from helpers.studies.paired import means, paired

SEEDS = range(5)
SETTINGS: dict[str, Any] = {
    "model": {},  # the defaults of Diffusion
    "n": 1000,
    "n_fresh": 111,  # beside 1,000 synthetic points: a tenth
    "generations": 8,
    "radius": 0.1,
    "neighbours": 5,
    "cool": 0.8,
}
REPLACE, ACCUMULATE = Replace(), Accumulate()
TENTH = FreshReal(eight_gaussians, SETTINGS["n_fresh"])
FRESH, COOL = f"{TENTH.name}10", f"{REPLACE.name}_cool"  # arms with more to say than a policy
ARMS: dict[str, tuple[Policy, float]] = {  # policy and temperature
    REPLACE.name: (REPLACE, 1.0),
    ACCUMULATE.name: (ACCUMULATE, 1.0),
    FRESH: (TENTH, 1.0),
    COOL: (REPLACE, SETTINGS["cool"]),
}
N_SHOWN = 300  # samples kept per arm and generation for the figures


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two generations of barely trained models.
    """
    frames = [run.frame.assign(arm=arm) for arm, run in _histories(seed, scale).items()]
    real, test = _data(seed)
    best = {name: f(None, real) for name, f in _metrics(test).items() if name != "loss"}
    rows = [("real", 0, metric, value) for metric, value in best.items()]
    columns = ["arm", "generation", "metric", "value"]
    return pd.concat([*frames, pd.DataFrame(rows, columns=columns)], ignore_index=True)[columns]


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means at four generations and paired differences at the last."""
    last = SETTINGS["generations"]
    result = means(frame, (0, 1, last // 2, last))
    for metric in sorted(frame.loc[frame["arm"] == REPLACE.name, "metric"].unique()):
        for other in (ACCUMULATE.name, FRESH):
            result |= paired(frame, REPLACE.name, other, metric, last)
        result |= paired(frame, COOL, REPLACE.name, metric, last)
    return result


def record_samples(seed: int = 0) -> None:
    """Run one seed and write what `samples` reads: the first samples of each generation."""
    points = {
        arm: np.stack([np.asarray(kept)[:N_SHOWN] for kept in run.samples])
        for arm, run in _histories(seed, "full").items()
    }
    points["real"] = _data(seed)[0][None, :N_SHOWN]
    write_samples("diffusion", {arm: values.astype(np.float16) for arm, values in points.items()})


def samples() -> dict[str, np.ndarray]:
    """Recorded samples of seed 0: arrays (generations + 1, 300, 2) by arm."""
    return {arm: points.astype(float) for arm, points in read_samples("diffusion").items()}


def _data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Real points and test points, (n, 2) each."""
    rng = np.random.default_rng([seed, SETTINGS["n"]])
    return eight_gaussians(SETTINGS["n"], rng), eight_gaussians(SETTINGS["n"], rng)


def _histories(seed: int, scale: str) -> dict[str, History]:
    real, test = _data(seed)
    model, generations = Diffusion(**SETTINGS["model"]), SETTINGS["generations"]
    if scale != "full":
        model, generations = model.set_params(steps=20), 1
    model.fit(real, fit_stream(seed))
    histories = {}
    for arm, (policy, temperature) in ARMS.items():
        # Temperature acts in the sampler only: the same weights serve every arm as generation 0.
        first = deepcopy(model).set_params(temperature=temperature)
        histories[arm] = run_loop(
            first,
            real,
            policy=policy,
            generations=generations,
            metrics=_metrics(test),
            seed=seed,
            first=first,
        )
    return histories


def _metrics(test: np.ndarray) -> dict[str, Callable[[Any, np.ndarray], float]]:
    radius, k = SETTINGS["radius"], SETTINGS["neighbours"]
    return {
        "loss": lambda model, _: -float(model.score(test)),
        "recall": lambda _, made: gm.share_near(test, made, radius),
        "precision": lambda _, made: gm.share_near(made, test, radius),
        "off_mode": lambda _, made: 1 - gm.share_near(made, CENTRES, 4 * SPREAD),
        "variance": lambda _, made: gm.total_variance(made),
        "rare": lambda _, made: _rare_share(made),
        "knn_recall": lambda _, made: gm.recall(test, made, k),
        "knn_precision": lambda _, made: gm.precision(test, made, k),
        "coverage": lambda _, made: gm.coverage(test, made, k),
    }


def _rare_share(points: np.ndarray) -> float:
    nearest = ((points[:, None] - CENTRES) ** 2).sum(axis=2).argmin(axis=1)
    return float(np.mean(nearest >= len(CENTRES) - 2))
