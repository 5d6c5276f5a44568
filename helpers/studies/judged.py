"""Seventy recorded runs and the series by which each of the eight definitions reads them.

Nothing is trained here: the tables of the other studies are read. Which series stands for what is
OUR choice, made before the verdicts were counted, and one line each below. A definition without a
series is "not measured". Runs of code are left out: their lessons come later.

    Gaussian     risk W2 squared (knowing nothing: 1); tail and invented: mass of the fitted bell
                 beyond 2 and 3.5 real standard deviations
    quilt, Zipf  risk: distance of the fitted shares from the real ones (`definitions`, total
                 variation: log loss is infinite as soon as one colour is gone); modes: colours
                 alive; tail: rare words alive
    KDE          risk: surprise at real test points (`definitions`); two humps: invented is the
                 share of points in the valley, modes what is left outside of it
    regression   risk: error of the coefficients (knowing nothing: 1, their length)
    VAE          risk: minus ELBO; modes: classes covered; tail: share of the smallest class;
                 invented: 1 - precision
    diffusion    risk: loss; modes: recall; tail: share of the rare mode; invented: off every mode
    bigram       risk: cross-entropy; modes: different words
    words, digit tail: words used once that are alive; share of a rare digit's cases that is found
    smoothers    risk: nats lost (knowing nothing: the even guess)
    memory       risk: error of a learner by heart, 10,000 rows
    GPT          risk: excess (knowing nothing: ln 234 less the entropy); variance: different
                 3-grams; modes: names alive; tail: recall of rare facts; invented: stories with
                 a mistake
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from helpers import studies
from helpers._arguments import one_of, real_number
from helpers.data.stories import StoryGrammar
from helpers.metrics import Reading, Thresholds, readings
from helpers.metrics.readings import CENTRES
from helpers.studies import tails

Table = Callable[[str], pd.DataFrame]  # metric -> seeds x generations
Reader = Callable[[Table], dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """One recorded run: its name for the reader, where it stands, and how it is read."""

    name: str
    study: str
    arm: str
    reader: Reader
    sizes: Mapping[int, str] | None = None  # rows -> arm of the same policy, for definition 4
    diverges: bool | None = None  # what theory says of its expected risk, where it is known


def readings_of(
    name: str,
    thresholds: Thresholds = Thresholds(),  # noqa: B008 - frozen
    centre: str = "usual",
    until: float = 1.0,
    resamples: int = 400,
) -> dict[str, Reading]:
    """A `Reading` of the run `name` by each definition.

    until: look at the first so much of its generations only, a share in (0, 1].
    """
    return readings(
        **_series(one_of("name", name, tuple(RUNS)), until),
        thresholds=thresholds,
        centre=centre,
        resamples=resamples,
    )


@cache
def matrix(centre: str = "usual", until: float = 1.0) -> dict[str, dict[str, Reading]]:
    """The readings of all runs at the usual thresholds: run -> definition -> `Reading`."""
    return {name: readings_of(name, centre=centre, until=until) for name in RUNS}


def forget() -> None:
    """Read the tables anew: a study has just been recorded."""
    for cached in (matrix, _series, _table):
        cached.cache_clear()


def first_risk(name: str, centre: str = "usual") -> float:
    """Risk of generation 0 of a run, the centre of its seeds; NaN where no risk was measured.

    In units of the risk, and below 0 where that is minus a bound, as for the VAE.
    """
    one_of("centre", centre, CENTRES)
    series = _series(one_of("name", name, tuple(RUNS)), 1.0)
    middle = np.median if centre == "median" else np.mean
    return float(middle(series["risk"][:, 0])) if "risk" in series else float("nan")


# --- details -----------------------------------------------------------------------------------


@cache
def _table(study: str) -> dict[tuple[str, str], pd.DataFrame]:
    """(arm, metric) -> seeds x generations."""
    groups = studies.load(study).groupby(["arm", "metric"], sort=False)
    return {
        (str(key[0]), str(key[1])): rows.pivot(
            index="replicate", columns="generation", values="value"
        )
        for key, rows in groups
        if isinstance(key, tuple)
    }


def _get(study: str, arm: str) -> Table:
    """Tables of one arm; what its own study lacks is in `definitions`."""

    def get(metric: str) -> pd.DataFrame:
        own = _table(study)
        return own[arm, metric] if (arm, metric) in own else _table("definitions")[arm, metric]

    return get


@cache
def _series(name: str, until: float) -> dict[str, Any]:
    """What `readings` takes of a run."""
    run = RUNS[name]
    real_number("until", until, low=0, high=1, open_low=True)
    found: dict[str, Any] = {}
    for key, value in run.reader(_get(run.study, run.arm)).items():
        found[key] = value
        if isinstance(value, pd.DataFrame):
            kept = _generations(value, until)
            found[key] = value[kept].dropna().to_numpy(float)
            if key == "risk":
                found["fits"] = [g + 1 for g in kept]
    if run.sizes and "risk" in found:
        risks = [run.reader(_get(run.study, arm))["risk"].dropna() for arm in run.sizes.values()]
        common = sorted(set.intersection(*(set(risk.index) for risk in risks)))
        ends = [
            np.stack([r.loc[common, _generations(r, share)[-1]] for r in risks], axis=1)
            for share in (0.0, until)
        ]
        found["scaling"] = (list(run.sizes), *ends)
    return found


def _generations(table: pd.DataFrame, until: float) -> list[int]:
    """The recorded generations in the first share `until` of a run; generation 0 always."""
    recorded = [int(g) for g in table.columns]
    return [g for g in recorded if g <= ceil(until * recorded[-1])]


def _gaussian(get: Table) -> dict[str, Any]:
    error, variance = get("mean_error"), get("variance")
    both = [g for g in error.columns if g in variance.columns]
    error, variance = error[both], variance[both]
    centre, spread = np.sqrt(error), np.sqrt(variance.clip(lower=1e-300))

    def beyond(real_sds: float) -> pd.DataFrame:
        right = norm.sf((real_sds - centre) / spread)
        return pd.DataFrame(
            right + norm.cdf((-real_sds - centre) / spread),
            index=error.index, columns=error.columns,
        )  # fmt: skip

    risk = error + (spread - 1) ** 2
    return {"risk": risk, "uninformed": 1.0, "variance": variance, "tail": beyond(2),
            "invented": beyond(3.5)}  # fmt: skip


def _two_humps(get: Table) -> dict[str, Any]:
    valley = get("valley")
    return {"risk": get("surprise"), "variance": get("variance"), "modes": 1 - valley,
            "invented": valley}  # fmt: skip


def _vae(get: Table) -> dict[str, Any]:
    return {"risk": -get("elbo"), "variance": get("variance"), "modes": get("class_coverage"),
            "tail": get("min_share"), "invented": 1 - get("precision")}  # fmt: skip


def _gpt(get: Table) -> dict[str, Any]:
    world = StoryGrammar()
    nothing = float(np.log(len(world.words))) - world.entropy_rate
    return {"risk": get("excess"), "uninformed": nothing, "variance": get("distinct_3"),
            "modes": get("names_alive"), "tail": get("recall_tail"),
            "invented": get("mistakes")}  # fmt: skip


def _plain(uninformed: float | None = None, **metrics: str) -> Reader:
    """A reader of metrics as they stand: yardstick -> metric."""

    def read(get: Table) -> dict[str, Any]:
        known = {} if uninformed is None else {"uninformed": uninformed}
        return {key: get(metric) for key, metric in metrics.items()} | known

    return read


def _of_counts_and_bells() -> list[Run]:
    """Gaussians, quilts, vocabularies and kernel densities."""
    found: list[Run] = []
    policies = {
        "mle": "replace, divisor n",
        "unbiased": "replace, divisor n - 1",
        "mix10": "a tenth real",
        "subsample": "subsample",
        "accumulate": "accumulate",
    }
    fates = {"mle": False, "unbiased": True, "accumulate": False}
    many = (5, 10, 20, 50, 100, 200, 500)
    for policy, label in policies.items():
        sizes = {n: f"{policy}_n{n}" for n in (many if "replace" in label else (10, 100))}
        for n in (10, 100):
            found.append(
                Run(f"Gaussian n = {n}, {label}", "gaussian", f"{policy}_n{n}", _gaussian,
                    sizes if n == 100 else None, fates.get(policy))
            )  # fmt: skip
    small = {"replace": "replace", "fresh": "a tenth fresh", "accumulate": "accumulate"}
    for arm, label in small.items():
        reader = _plain(risk="total_variation", modes="support")
        found.append(Run(f"quilt, {label}", "discrete", f"quilt_{arm}", reader))
    for arm, label in small.items():
        reader = _plain(risk="total_variation", tail="tail_alive")
        found.append(Run(f"Zipf, {label}", "discrete", f"zipf_{arm}", reader))
    one = _plain(risk="surprise", variance="variance")
    widths = {"h20": "0.02", "h50": "0.05", "h200": "0.2", "h500": "0.5", "neutral": "neutral"}
    for policy in ("replace", "accumulate"):
        for label, said in widths.items():
            if policy == "replace" or label in ("h200", "h500", "neutral"):
                found.append(Run(f"one hump, {policy}, width {said}", "kde",
                                 f"one_{policy}_{label}", one))  # fmt: skip
    for arm in ("replace_h20", "replace_h500", "replace_neutral", "accumulate_neutral"):
        policy, label = arm.split("_")
        name = f"two humps, {policy}, width {widths[label]}"
        found.append(Run(name, "kde", f"two_{arm}", _two_humps))
    return found


def _of_fits() -> list[Run]:
    """Regressions, images, points, words and GPTs."""
    found: list[Run] = []
    error = _plain(1.0, risk="error")
    fates = {"replace": True, "accumulate": False, "subsample": False, "real_and_newest": False,
             "half_real": False, "newest_growing": True, "fresh_replace": True,
             "fresh_accumulate": False}  # fmt: skip
    for arm in (*fates, "synthetic_only"):
        several = arm in ("replace", "accumulate", "subsample")
        sizes = {n: f"{arm}_t{n}" for n in (32, 100, 1000)}
        found.append(Run(f"regression, {arm.replace('_', ' ')}", "regression", f"{arm}_t100",
                         error, sizes if several else None, fates.get(arm)))  # fmt: skip
    for arm in ("replace", "mix10", "accumulate", "mnist_replace", "mnist_accumulate"):
        found.append(Run(f"VAE, {arm.replace('_', ' ')}", "vae", arm, _vae))
    points = _plain(risk="loss", variance="variance", modes="knn_recall", tail="rare",
                    invented="off_mode")  # fmt: skip
    for arm in ("replace", "replace_cool", "fresh10", "accumulate"):
        found.append(Run(f"diffusion, {arm.replace('_', ' ')}", "diffusion", arm, points))
    for arm in ("replace", "mix10", "subsample", "accumulate"):
        words = _plain(risk="cross_entropy", modes="distinct_words")
        found.append(Run(f"bigram, {arm}", "bigram", arm, words))
    for policy in ("replace", "accumulate"):
        found.append(Run(f"words, {policy}", "tails", f"words_{policy}", _plain(tail="alive_1")))
    for policy in ("replace", "accumulate"):
        arm = f"rare_8_{policy}"
        found.append(Run(f"a rare digit, {policy}", "tails", arm, _plain(tail="found")))
    lost = _plain(tails.even_guess(), risk="lost")
    for arm in ("add_one", "add_tenth", "good_turing", "discount", "back_off"):
        found.append(Run(f"smoother {arm.replace('_', ' ')}", "tails", f"zipf_{arm}", lost))
    sizes = {n: f"memory_n{n}" for n in (1000, 10_000, 100_000)}
    found.append(Run("memory, replace", "tails", "memory_n10000", _plain(risk="error"), sizes))
    for arm, study in GPT_ARMS.items():
        found.append(Run(f"GPT, {gpt_label(arm)}", study, arm, _gpt))
    return found


GPT_ARMS = {
    "replace_200": "gpt_budget", "subsample_200": "gpt_steps", "accumulate_200": "gpt_steps",
    "replace_best": "gpt_steps", "subsample_best": "gpt_steps", "accumulate_best": "gpt_steps",
    "grown_epochs": "gpt_budget", "accumulate_epochs": "gpt_budget",
    "t08_replace_200": "gpt_steps", "t08_accumulate_epochs": "gpt_steps",
}  # fmt: skip


def gpt_label(arm: str) -> str:
    """What a GPT arm is called here: policy, steps, and the temperature where it is not 1."""
    policy, steps = arm.removeprefix("t08_").split("_")
    said = {"200": "200 steps", "best": "400 steps", "epochs": "steps by rows"}[steps]
    policy = {"grown": "replace as many rows as accumulate"}.get(policy, policy)
    return f"{policy}, {said}" + (", T = 0.8" if arm.startswith("t08_") else "")


RUNS: dict[str, Run] = {run.name: run for run in _of_counts_and_bells() + _of_fits()}
