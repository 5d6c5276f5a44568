"""Lesson 06: one model under one policy, `policy_picture`, sliders over it, and runs by their cost.

The same settings always give the same picture, and any setting is drawn within 0.3 s on one
thread (tests/benchmarks/sliders.py measures the corners): where that needs fewer runs, the
picture says how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from helpers import studies, theory
from helpers._arguments import one_of, positive_int, real_number
from helpers.explorers.controls import Explorer, choice, explore, logarithmic, whole
from helpers.explorers.quick_runs import (
    HALF_REAL,
    gaussian_runs,
    kde_runs,
    known,
    regression_runs,
    tidy,
    whole_generations,
)
from helpers.plots import Picture, band
from helpers.policies import Accumulate, AccumulateSubsample, Replace
from helpers.studies.regression import EverySynthetic

MODELS = ("regression", "Gaussian", "KDE")
DESIGNS = ("same X", "fresh X")
# The policies of which closed forms or published values are known, by their labels.
REPLACE, ACCUMULATE, SUBSAMPLE = (
    policy.label for policy in (Replace(), Accumulate(), AccumulateSubsample())
)
SYNTHETIC = EverySynthetic().label
_D = 10  # inputs of the regression, as in Gerstgrasser et al.


def growth(arm: str) -> str:
    """How the mean error of a recorded arm of `regression` grows, as the prediction words it.

    What counts is the share of its growth over 40 fits that came with the last 20: about a half on
    a straight line, a fifth of a logarithm, next to nothing where it is bounded. ValueError for an
    arm that was not recorded.
    """
    recorded = studies.load("regression").query("metric == 'error'")
    one_of("arm", arm, tuple(recorded["arm"].unique()))
    means = recorded[recorded["arm"] == arm].groupby("generation")["value"].mean()
    late = (means[39] - means[19]) / (means[39] - means[0])
    if late < 0.1:
        return "stays bounded"
    return "climbs more slowly, without end" if late < 0.4 else "climbs like replace"


def policy_picture(
    model: str = "regression",
    policy: str = "replace",
    n: int = 100,
    bandwidth: float = 0.5,
    design: str = "same X",
    rounds: int = 20,
    seed: int = 0,
) -> Picture:
    """One model under one policy, with the exact curve and published points where there are any.

    regression  error of the coefficients, as a multiple of the error of one fit (d = 10)
    Gaussian    fitted variance, maximum likelihood
    KDE         variance of each sample, 0 is the real one; only here `bandwidth` counts
    policy: its label. "half real" trains on all real rows and as many of the newest generation.
    """
    one_of("model", model, MODELS)
    one_of("design", design, DESIGNS)
    positive_int("n", n, minimum=_D + 2)
    positive_int("rounds", rounds)
    choices = known(n)
    chosen = choices[one_of("policy", policy, tuple(choices))]
    # Policies that take single rows are slower: fewer runs. Asked small, because it is quick so.
    by_rows = whole_generations(known(_D)[policy], _D, 3) is None
    real_number("bandwidth", bandwidth, low=0.0, open_low=True)
    rng = np.random.default_rng(seed)
    if model == "regression":
        runs = _runs_in(n * rounds, 150_000 if by_rows else None)
        one_fit = theory.regression_error_replace(_D, n, 1)
        same = design == "same X"
        errors = regression_runs(chosen, n, rounds, runs, rng, d=_D, same_design=same)
        return _policy_band(errors / one_fit, model, policy, n, _regression_exact(policy, n),
                            "error, multiples of one fit's", design)  # fmt: skip
    if model == "Gaussian":
        runs = _runs_in(n * rounds, 500_000 if by_rows else None)
        _, variances = gaussian_runs(chosen, n, rounds, runs, rng)
        return _policy_band(variances, model, policy, n, _gaussian_exact(policy, n), "variance")
    runs = _runs_in(n * rounds, 400_000 if by_rows else 800_000)
    variances = kde_runs(chosen, n, rounds, runs, rng, bandwidth)
    start = 1 - 1 / n  # expected variance of the real sample, divisor n
    exact = {REPLACE: lambda t: theory.kde_variance_replace(n, t, bandwidth, start)}
    found = abs(np.log(bandwidth / theory.kde_neutral_bandwidth(n, start))) < 0.03
    word = "neutral " if found and policy == REPLACE else ""  # named only once it is found
    note = f"{word}h = {bandwidth:.3g}"
    return _policy_band(variances, model, policy, n, exact, f"variance, {note}", note)


def policy_explorer() -> Explorer:
    """Sliders over `policy_picture`."""
    return explore(
        policy_picture,
        model=choice("model", MODELS),
        policy=choice("policy", tuple(known(1))),
        n=choice("samples n", (20, 32, 50, 100, 300, 1000), 100),
        bandwidth=logarithmic("bandwidth h", 0.02, 0.8, 0.5, when={"model": "KDE"}),
        design=choice("design", DESIGNS, when={"model": "regression"}),
        rounds=whole("generations", 5, 100, 20, step=5),
    )


def by_steps(frame: pd.DataFrame) -> pd.DataFrame:
    """Runs by what they cost: in the column generation, the training steps of all fits so far.

    frame: tidy, with arm, and with the metric `steps` that arms of `gpt_budget` have: the steps of
    one fit, the same in every run of an arm. ValueError where an arm has none.
    """
    one = frame[frame["metric"] == "steps"].groupby(["arm", "generation"])["value"].mean()
    missing = sorted(set(frame["arm"]) - set(one.index.get_level_values("arm")))
    if missing:
        raise ValueError(f"frame must state the steps of every arm, got none for {missing}")
    spent = one.groupby(level="arm").cumsum().rename("spent").reset_index()
    joined = frame.merge(spent, on=["arm", "generation"])
    return joined.assign(generation=joined["spent"].astype(int)).drop(columns="spent")


# ---------------------------------------------------------------------- details


def _runs_in(rows_a_run: int, budget: int | None) -> int:
    """As many runs, 2 to 50, as fit into a budget of rows."""
    return 50 if budget is None else int(np.clip(budget // rows_a_run, 2, 50))


def _policy_band(
    values: np.ndarray,
    model: str,
    policy: str,
    n: int,
    exact: Mapping[str, Callable[[int], float]],
    ylabel: str,
    note: str = "",
) -> Picture:
    rounds, runs = values.shape[0] - 1, values.shape[1]
    title = f"{model}, {policy}, n = {n}" + (f", {note}" if note else "") + f": {runs} runs"
    return band(
        tidy(values, "measure", policy),
        "measure",
        ylabel=ylabel,
        exact={"exact mean": exact[policy]} if policy in exact else None,
        published=_published(model, policy, n, rounds),
        centre="mean",
        runs=runs if runs <= 10 else 0,
        title=title,
        xlabel="generations so far" if model == "KDE" else "generation",
    )


def _regression_exact(policy: str, n: int) -> dict[str, Callable[[int], float]]:
    """Generation -> expected error in units of one fit's, for one shared design."""
    one = theory.regression_error_replace(_D, n, 1)
    return {
        REPLACE: lambda g: theory.regression_error_replace(_D, n, g + 1) / one,
        ACCUMULATE: lambda g: theory.regression_error_accumulate(_D, n, g + 1) / one,
        SYNTHETIC: lambda g: theory.regression_error_synthetic_only(_D, n, g + 1) / one,
        # The mean of the real fit and the newest: its noise is quartered and added to, each round.
        HALF_REAL: lambda g: 1 + (1 - 0.25**g) / 3,
    }


def _gaussian_exact(policy: str, n: int) -> dict[str, Callable[[int], float]]:
    return {
        REPLACE: lambda g: theory.gaussian_variance_replace(n, g + 1),
        ACCUMULATE: lambda g: theory.gaussian_variance_accumulate(n, g + 1),
    }


def _published(model: str, policy: str, n: int, rounds: int) -> list[tuple[float, float, str]]:
    """Published values for exactly these settings: at their hundredth fit, or as a plateau."""
    values = {key: entry["value"] for key, entry in studies.papers().items()}
    if model == "regression" and policy == SUBSAMPLE:
        plateau = values.get(f"kazdan_subsample_plateau_t{n}")
        return [] if plateau is None else [(rounds, plateau, "Kazdan et al., plateau")]
    if rounds < 99:
        return []
    if model == "regression":
        error = values.get(f"gerstgrasser_{policy}_t{n}")
        one = theory.regression_error_replace(_D, n, 1)
        return [] if error is None else [(99, error / one, "Gerstgrasser et al.")]
    key = {REPLACE: "mean_variance", ACCUMULATE: "variance"}.get(policy, "")
    variance = values.get(f"kazdan_gaussian_{policy}_n{n}_{key}") if model == "Gaussian" else None
    return [] if variance is None else [(99, variance, "Kazdan et al.")]
