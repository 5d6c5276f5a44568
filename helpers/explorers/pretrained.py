"""The recorded study `smol_stories`: SmolLM2-135M-Instruct on its own text, as figures and tables.

`surprise_picture` shows whether the text becomes easier or harder to foresee, by sampler;
`loss_picture` what the models lose on real text, by policy. `rules` says in how many seeds each of
the study's four rules holds, and `ends` gives the numbers behind. Read from the recorded table:
nothing is trained and nothing of the extra "hub" is needed.
"""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from helpers import studies
from helpers.plots import Picture, band, panels
from helpers.policies import Accumulate, Replace
from helpers.studies.paired import over_seeds

SAMPLERS = {"t1": "T = 1", "k50": "top-k 50", "beam5": "beam 5"}  # arm -> as a reader sees it
REPLACE, ACCUMULATE = POLICIES = (Replace().name, Accumulate().name)
REAL = "real text, unseen"


@lru_cache(maxsize=1)
def _recorded() -> pd.DataFrame:
    return studies.load("smol_stories")


def _last() -> int:
    return int(_recorded()["generation"].max())


def surprise_picture(policy: str = "replace") -> Picture:
    """Surprise of generation 0 over what each generation wrote, by sampler; single seeds thin.

    The flat line is its surprise over real blocks that it was not tuned on, mean over seeds.
    """
    frame = _recorded()
    arms = {f"{sampler}_{policy}": label for sampler, label in SAMPLERS.items()}
    rows = frame[(frame["metric"] == "surprise") & frame["arm"].isin(arms)]
    real = float(over_seeds(frame, "real_unseen", "surprise", 0).mean())
    return band(
        rows.assign(arm=rows["arm"].map(arms)),
        "surprise",
        centre="mean",
        runs=len(frame["replicate"].unique()),
        exact={REAL: [real] * (_last() + 1)},
        ylabel="nats a token",
    )


def loss_picture() -> Picture:
    """Loss of each generation on real blocks, a panel a sampler, replace beside accumulate.

    The flat line is that of the pretrained model, before any fit.
    """
    frame = _recorded()
    frames = {}
    before = [float(over_seeds(frame, "base", "loss", 0).mean())] * (_last() + 1)
    for sampler, label in SAMPLERS.items():
        arms = {f"{sampler}_{policy}": policy for policy in POLICIES}
        rows = frame[(frame["metric"] == "loss") & frame["arm"].isin(arms)]
        frames[label] = rows.assign(arm=rows["arm"].map(arms))
    seeds = len(frame["replicate"].unique())
    return panels(
        frames, "loss", centre="mean", runs=seeds, ylabel="nats a token, real text",
        exact={label: {"before any fit": before} for label in frames},
    )  # fmt: skip


def rules() -> pd.DataFrame:
    """The study's four rules: in how many of its seeds each holds, and whether in every one."""
    frame, last = _recorded(), _last()

    def at(sampler: str, policy: str, metric: str, generation: int) -> pd.Series:
        return over_seeds(frame, f"{sampler}_{policy}", metric, generation)

    def rise(sampler: str, metric: str) -> pd.Series:
        return at(sampler, REPLACE, metric, last) - at(sampler, REPLACE, metric, 0)

    less = [at(s, REPLACE, "loss", last) > at(s, ACCUMULATE, "loss", last) for s in SAMPLERS]
    held = {
        "surprise rises at T = 1, falls with beam 5": (rise("t1", "surprise") > 0)
        & (rise("beam5", "surprise") < 0),
        "surprise is lower with top-k 50 than at T = 1": at("k50", REPLACE, "surprise", last)
        < at("t1", REPLACE, "surprise", last),
        "loss of replace rises at T = 1": rise("t1", "loss") > 0,
        "loss is higher under replace, each sampler": less[0] & less[1] & less[2],
    }
    rows = {
        rule: {"seeds": int(seeds.sum()), "of": len(seeds), "holds": bool(seeds.all())}
        for rule, seeds in held.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def ends() -> pd.DataFrame:
    """Means over seeds in the first and the last generation, a row an arm, a column a metric."""
    frame, last = _recorded(), _last()
    rows = {}
    for sampler, label in SAMPLERS.items():
        for policy in POLICIES:
            name = f"{sampler}_{policy}"
            rows[f"{label}, {policy}"] = {
                f"{metric}, {g}": round(float(over_seeds(frame, name, metric, g).mean()), digits)
                for metric, digits in (("surprise", 2), ("loss", 2), ("distinct_3", 0))
                for g in (0, last)
            }
    return pd.DataFrame.from_dict(rows, orient="index")
