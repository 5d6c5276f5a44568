"""How many new real rows a round hold a loop up: their number, their share, and which they are.

n rows a round, m of them real, the others written by the newest model; a round is a generation.
Three ways to have real rows: `new` (collected in that round), `redrawn` (from the n old real rows),
`frozen` (the same m for ever). The last recorded generation is the long run: rounds go on for eight
times n / (1 + 2 m), the pace of `theory.gaussian_mean_error_fresh`, or as the settings say.

Arms; a seed of the Gaussian arms is 200 runs side by side, and its value their mean or quantile.
- `floor_nN_mM`: a Gaussian, divisor n, M new real rows. Over the later half of all rounds:
  `variance` and `mean_error` (means), `median` and `low`, the middle and the lowest twentieth of
  the variances. Simulated by means and sums of squares (`fresh_runs`); a test compares the loop.
- `tenth_WAY`: a Gaussian, n = 100, ten rows real, after a hundred rounds, through the loop and its
  policies: `variance`, `mean_error`.
- `words_WAY`: 1,000 words, p proportional to 1/rank, n = 2,000, 200 of them real, fifty rounds:
  `words` that the model can say, `lost` nats a word on real text (a floor of 2 per cent in
  scoring). `words_replace` has no real rows. At generation 0 too.
- `share_nN`: the same words, a tenth new and real, n = 200, 2,000, 20,000: `kept`, words of the
  model over those of generation 0, after fifty rounds.
- `one_word`: n = 1,000, one new real word a round: `kept`, and `heterozygosity` over the true one.
- `biased_mM_sS`: M new real rows and S from the newest bell, whose samples have .8 of its variance
  (the sampling bias of MAD). `error`: squared distance to the truth (2-Wasserstein), mean over the
  later rounds, in units of what M real rows alone have, from the same seed.

Rules, written before the reported seeds were run. Intervals are 95 per cent t intervals over seeds,
differences paired.
1. number: for each m the mean variances of `floor_` for the different n lie within 3 per cent of
   their mean, and n = 100 with m = 1 differs from n = 1,000 with m = 10, one in a hundred each, by
   over 10 per cent. Reproduced when both, partly when one.
2. formula: each of these means is within 3 per cent of `theory.gaussian_floor`.
3. frozen is worse: the interval of tenth_frozen minus tenth_redrawn in `mean_error`, and of
   words_redrawn minus words_frozen in `words` at generation 50, are above 0.
4. redrawn is nearly new: what redrawn lacks to new is under a quarter of what frozen lacks, in both
   yardsticks of rule 3: the whole interval of the paired contrast is on that side.
5. the share is silent: kept of share_n20000 minus share_n200 is above .2, whole interval.
6. biased: `error` minus 1 is below 0 at S = 50 and above 0 at S = 500, whole intervals, for every
   M. Reproduced when so for all: then the number that may be added stays within a factor of ten
   while M grows by a hundred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import metrics, theory
from helpers._arguments import generator, positive_int, real_number
from helpers.loop import run_batched, run_loop
from helpers.models import Discrete, Gaussian
from helpers.policies import FreshReal, FrozenReal, Mix, Named, Replace
from helpers.studies.paired import effect, interval, over_seeds

SEEDS = range(40)
SETTINGS: dict[str, Any] = {
    "runs": 200,
    "floor": {"n": [100, 1000, 3000], "m": [1, 2, 5, 10, 50], "times": 8},
    "tenth": {"n": 100, "m": 10, "rounds": 100},
    "words": {"outcomes": 1000, "n": 2000, "m": 200, "rounds": 50, "sizes": [200, 2000, 20_000],
              "one": {"n": 1000, "rounds": 2500}},
    "biased": {"m": [100, 1000, 10_000], "s": [25, 50, 100, 150, 200, 300, 500], "lam": 0.8,
               "rounds": 400},
}  # fmt: skip
FROZEN = FrozenReal(1).name
WAYS = (FROZEN, "redrawn", "new")


# --- a Gaussian by its mean and sum of squares -------------------------------------------------


def fresh_runs(
    new: int,
    synthetic: int,
    rounds: int,
    runs: int,
    rng: np.random.Generator,
    lam: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Fitted means and variances (divisor n) with `new` real rows a round beside synthetic ones.

    Two arrays (rounds + 1, runs). Generation 0 is fitted to new + synthetic real rows of N(0, 1),
    the others to `new` real rows and `synthetic` rows of N(mean, lam * variance) of the last fit. A
    sample of size n enters a fit by its mean, N(m, v/n), and its sum of squares, v chi2(n - 1),
    which are independent (Cochran): these are drawn in the place of the rows.
    """
    m, s = positive_int("new", new, minimum=0), positive_int("synthetic", synthetic, minimum=0)
    n = positive_int("new + synthetic", m + s, minimum=2)
    rounds, runs = positive_int("rounds", rounds, minimum=0), positive_int("runs", runs)
    generator("rng", rng)
    lam = real_number("lam", lam, low=0, high=1)
    means, variances = np.empty((2, rounds + 1, runs))
    means[0], squares = _drawn(n, np.zeros(runs), np.ones(runs), rng)
    variances[0] = squares / n
    for g in range(1, rounds + 1):
        real, real_squares = _drawn(m, np.zeros(runs), np.ones(runs), rng)
        told, told_squares = _drawn(s, means[g - 1], lam * variances[g - 1], rng)
        means[g] = (m * real + s * told) / n
        between = m * s / n * (real - told) ** 2
        variances[g] = (real_squares + told_squares + between) / n
    return means, variances


def _drawn(
    n: int, mean: np.ndarray, variance: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of n rows of N(mean, variance), and the sum of squares round it; zeros for no rows."""
    if n == 0:
        return np.zeros_like(mean), np.zeros_like(mean)
    squares = variance * rng.chisquare(n - 1, len(mean)) if n > 1 else np.zeros_like(mean)
    return mean + np.sqrt(variance / n) * rng.standard_normal(len(mean)), squares


def real_words(n: int, rng: np.random.Generator) -> np.ndarray:
    """n new words: 1,000 of them, probabilities proportional to 1/rank."""
    return rng.choice(len(zipf()), n, p=zipf())


def zipf() -> np.ndarray:
    """The 1,000 probabilities."""
    p = 1 / np.arange(1, SETTINGS["words"]["outcomes"] + 1)
    return p / p.sum()


# --- the arms ----------------------------------------------------------------------------------


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value."""
    short = scale != "full"
    rows = [
        *_floors(seed, short), *_tenths(seed, short), *_words(seed, short), *_biased(seed, short),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value"])


Rows = list[tuple[str, int, str, float]]


def _floors(seed: int, short: bool) -> Rows:
    settings, rows = SETTINGS["floor"], []
    for n in settings["n"]:
        for m in settings["m"]:
            rounds = 4 if short else max(50, settings["times"] * n // (1 + 2 * m))
            rng = np.random.default_rng([seed, n, m])
            means, variances = fresh_runs(m, n - m, rounds, SETTINGS["runs"], rng)
            late = variances[rounds // 2 :]
            found = {
                "variance": late.mean(),
                "mean_error": (means[rounds // 2 :] ** 2).mean(),
                "median": np.median(late),
                "low": np.quantile(late, 0.05),
            }
            rows += [(f"floor_n{n}_m{m}", rounds, name, float(x)) for name, x in found.items()]
    return rows


def _ways(n: int, m: int, source: Any) -> dict[str, tuple[Named, int]]:
    """How m of n rows are real: a policy, and how many rows its models write."""
    policies: dict[str, Named] = {
        FROZEN: FrozenReal(m, size=n),
        "redrawn": Mix(m / n, size=n),
        "new": FreshReal(source, m),
    }
    # Beside new rows the newest ones all stay: as many are written as there is room for.
    return {way: (policies[way], n - m if way == "new" else n) for way in WAYS}


def _tenths(seed: int, short: bool) -> Rows:
    settings, rows = SETTINGS["tenth"], []
    rounds = 4 if short else settings["rounds"]
    yardsticks = {
        "variance": metrics.variance,
        "mean_error": lambda model, produced: metrics.mean(model, produced) ** 2,
    }

    def source(n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal((n, 1))

    for way, (policy, written) in _ways(settings["n"], settings["m"], source).items():
        frame = run_batched(
            Gaussian(), lambda shape, rng: rng.standard_normal((*shape, 1)), policy=policy,
            generations=rounds, n_samples=written, replicates=SETTINGS["runs"],
            metrics=yardsticks, seed=seed,
        )  # fmt: skip
        last = frame[frame["generation"] == rounds].groupby("metric")["value"].mean()
        rows += [(f"tenth_{way}", rounds, str(name), float(x)) for name, x in last.items()]
    return rows


def _words(seed: int, short: bool) -> Rows:
    settings, rows, p = SETTINGS["words"], [], zipf()
    rounds, k = 4 if short else settings["rounds"], settings["outcomes"]
    true = 1 - float((p**2).sum())

    def run(n: int, policy: Any, written: int, last: int, **yardsticks: Any) -> pd.DataFrame:
        real = real_words(n, np.random.default_rng([seed, n, 7]))
        frame = run_loop(
            Discrete(k), real, policy=policy, generations=last, n_samples=written,
            metrics={"words": metrics.support_size} | yardsticks, seed=seed,
        ).frame  # fmt: skip
        return frame.pivot(index="generation", columns="metric", values="value")

    n, m = settings["n"], settings["m"]
    lost = metrics.likelihood_lost(p)
    for way, (policy, written) in (
        {Replace().name: (Replace(), n)} | _ways(n, m, real_words)
    ).items():
        found = run(n, policy, written, rounds, lost=lost)
        for g in (0, rounds):
            rows += [(f"words_{way}", g, str(name), float(found[name][g])) for name in found]
    for n in settings["sizes"]:
        new = FreshReal(real_words, n // 10)
        words = run(n, new, n - n // 10, rounds)["words"]
        rows.append((f"share_n{n}", rounds, "kept", float(words[rounds] / words[0])))
    n, last = settings["one"]["n"], 4 if short else settings["one"]["rounds"]
    found = run(n, FreshReal(real_words, 1), n - 1, last, heterozygosity=metrics.heterozygosity)
    late = found.loc[last // 2 :]
    rows.append(("one_word", last, "kept", float(late["words"].mean() / found["words"][0])))
    share = float(late["heterozygosity"].mean() / true)
    return [*rows, ("one_word", last, "heterozygosity", share)]


def _biased(seed: int, short: bool) -> Rows:
    settings, rows = SETTINGS["biased"], []
    rounds = 4 if short else settings["rounds"]
    for m in settings["m"]:
        errors = {}
        for s in (0, *settings["s"]):
            rng = np.random.default_rng([seed, m, s])
            means, variances = fresh_runs(m, s, rounds, SETTINGS["runs"], rng, settings["lam"])
            far = means**2 + (np.sqrt(variances) - 1) ** 2
            errors[s] = float(far[rounds // 4 :].mean())
        for s in settings["s"]:
            rows.append((f"biased_m{m}_s{s}", rounds, "error", errors[s] / errors[0]))
    return rows


# --- what it says ------------------------------------------------------------------------------


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means with 95 % intervals: ARM_METRIC, for the words ARM_METRIC_gG, and the verdicts.

    With _low and _high. Verdicts: 1 reproduced, .5 partly, 0 not; a rehearsal has none.
    """
    result: dict[str, float] = {}
    for (arm, metric, g), group in frame.groupby(["arm", "metric", "generation"]):
        key = f"{arm}_{metric}" + (f"_g{g}" if str(arm).startswith("words_") else "")
        result |= interval(key, group["value"])
    if SETTINGS["words"]["rounds"] not in set(frame["generation"]):
        return result
    return result | verdicts(frame)


def verdicts(frame: pd.DataFrame) -> dict[str, float]:
    """The six rules of this study, in its docstring, on a table of all trials."""

    def values(arm: str, metric: str) -> pd.Series:
        last = int(frame.loc[frame["arm"] == arm, "generation"].max())
        return over_seeds(frame, arm, metric, last)

    return _of_floors(values) | _of_ways(values) | _of_shares(values)


def _of_floors(values: Any) -> dict[str, float]:
    """Rules 1 and 2."""
    settings = SETTINGS["floor"]
    mean = {
        (n, m): float(values(f"floor_n{n}_m{m}", "variance").mean())
        for n in settings["n"]
        for m in settings["m"]
    }
    apart = []
    for m in settings["m"]:
        same = np.array([mean[n, m] for n in settings["n"]])
        apart.append(float(np.abs(same / same.mean() - 1).max()))
    share = mean[1000, 10] / mean[100, 1] - 1
    off = [abs(found / theory.gaussian_floor(m, n) - 1) for (n, m), found in mean.items()]
    return {
        "number_furthest_apart": max(apart),
        "share_apart": share,
        "rule_1_number": (float(max(apart) < 0.03) + float(abs(share) > 0.1)) / 2,
        "formula_furthest": max(off),
        "rule_2_formula": float(max(off) < 0.03),
    }


def _of_ways(values: Any) -> dict[str, float]:
    """Rules 3 and 4: differences are signed so that above 0 is worse."""
    found: dict[str, float] = {}
    worse, nearly = [], []
    for name, arm, metric, sign in (
        ("tenth", "tenth", "mean_error", 1),
        ("words", "words", "words", -1),
    ):
        frozen, redrawn, new = (sign * values(f"{arm}_{way}", metric) for way in WAYS)
        found |= interval(f"{name}_frozen_worse", frozen - redrawn)
        found |= interval(f"{name}_redrawn_worse", redrawn - new)
        found |= interval(f"{name}_nearly", (redrawn - new) - 0.25 * (frozen - new))
        worse.append(found[f"{name}_frozen_worse_low"] > 0)
        nearly.append(found[f"{name}_nearly_high"] < 0)
    found["rule_3_frozen_is_worse"] = sum(worse) / 2
    found["rule_4_redrawn_is_nearly_new"] = sum(nearly) / 2
    return found


def _of_shares(values: Any) -> dict[str, float]:
    """Rules 5 and 6."""
    found = interval("share_gap", values("share_n20000", "kept") - values("share_n200", "kept"))
    turns = []
    for m in SETTINGS["biased"]["m"]:
        few, many = (effect(values(f"biased_m{m}_s{s}", "error") - 1) for s in (50, 500))
        turns.append(few[2] < 0 < many[1])
    return found | {
        "rule_5_share_is_silent": float(found["share_gap_low"] > 0.2),
        "rule_6_biased": float(all(turns)),
    }
