"""A VAE that shows the next one its means: no noise on the pixels, the whole spread of its code.

The strips of lesson 04 show what a decoder means to draw; a sample adds noise to it. Many galleries
show means. Arm `means`: replace, where each generation is trained on the means of the one before.
The arm to compare with is `replace` of the study `vae_winner`: the same seeds, real images, model
of generation 0, codes and streams. All yardsticks are those of the study `vae`, on what an arm
makes: `precision`, `coverage`, `recall`; `elbo` and `decoder_variance` are of the model.

Rules, written before the reported seeds were run. D is `means` minus `replace`, paired by seed,
95 per cent t interval.
1. it looks better: D of precision at generation 0, the same model, is above 0.
2. it fades faster: D of the ELBO at generation 8 is below 0.
3. less is reached: D of coverage at generation 4 is below 0.

Seeds 5 to 9 were run after 0 to 4 had been read, since ten were asked for; no rule was changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import studies
from helpers.loop import fit_stream, run_loop
from helpers.models.vae import VAE
from helpers.policies import Replace
from helpers.studies import vae
from helpers.studies.paired import interval, means, over_seeds

SEEDS = range(10)
ARM = "means"
SETTINGS: dict[str, Any] = {"generations": 8}
METRICS = ("elbo", "precision", "coverage", "recall", "decoder_variance")


class Means(VAE):
    """A VAE whose samples are the means of its pixels."""

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """The means of the same codes that a VAE would draw around: (n_samples, height, width)."""
        return self.sample_means(n_samples, rng)


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """The arm for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for two generations of barely trained models.
    """
    split, judge = vae.data("digits", seed)
    model, generations = Means(), SETTINGS["generations"]
    if scale != "full":
        model, generations = model.set_params(steps=20), 1
    first = model.fit(split.train, fit_stream(seed))
    every = vae.measures(split, judge, first)
    run = run_loop(
        model, split.train, policy=Replace(), generations=generations, seed=seed, first=first,
        metrics={name: every[name] for name in METRICS},
    )  # fmt: skip
    return run.frame.assign(arm=ARM)[["arm", "generation", "metric", "value"]]


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means at generations 0, 4 and 8, the differences from plain replace, the verdicts."""
    result, plain = means(frame, (0, 4, 8)), studies.load("vae_winner")
    for metric in METRICS:
        for g in (0, 4, 8):
            own = over_seeds(frame, ARM, metric, g)
            gap = (own - over_seeds(plain, Replace().name, metric, g)).dropna()
            result |= interval(f"{ARM}_minus_{Replace().name}_{metric}_g{g}", gap)
    key = f"{ARM}_minus_{Replace().name}"
    return result | {
        "rule_1_it_looks_better": float(result[f"{key}_precision_g0_low"] > 0),
        "rule_2_it_fades_faster": float(result[f"{key}_elbo_g8_high"] < 0),
        "rule_3_less_is_reached": float(result[f"{key}_coverage_g4_high"] < 0),
    }
