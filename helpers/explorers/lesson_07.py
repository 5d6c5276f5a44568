"""Lesson 07: real rows beside rows of a biased generator, `mix_picture`, and sliders over it.

Also the lesson's own figures of the recorded studies `real_rows`, `mixed_rows` and `bigram_rate`.
The explorer draws closed forms of `helpers.theory`; that simulated rows agree is in `mixed_rows`.
What runs here is a bell behind a detector, `bell_error`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers import studies, theory
from helpers._arguments import one_of, positive_int, real_number
from helpers.explorers.controls import Explorer, choice, logarithmic, one_at_first
from helpers.explorers.quick_runs import tidy
from helpers.loop import Policy, run_batched
from helpers.models import Gaussian
from helpers.plots import Picture, band, contrasts
from helpers.plots.style import short
from helpers.policies import Replace
from helpers.studies import real_rows

INPUTS = 10  # of the regression; its noise is 1
SHOW = ("error", "worth of a row", "best buy")
SHIFTS = (0.0, 0.005, 0.02, 0.1)
PRICES = (0.01, 0.1, 0.5, 1.0)
LEAST = 2 * INPUTS  # real rows that every budget buys: with fewer there is no fit


def mix_picture(
    real: int = 1000,
    synthetic: int = 250,
    shift: float = 0.02,
    price: float = 0.1,
    show: str = "error",
) -> Picture:
    """Regression on `real` rows and those of a generator that is biased by `shift` (c squared).

    show: the squared error against the number of synthetic rows, all rows with one weight or the
    two parts with the best; what one synthetic row is worth in real rows; or, when a real row costs
    1 and a synthetic one `price`, the share of each budget that is best spent on synthetic rows.
    """
    real = positive_int("real", round(real_number("real", real)), minimum=INPUTS)
    synthetic = positive_int("synthetic", round(real_number("synthetic", synthetic)))
    shift = real_number("shift", shift, low=0)
    price = real_number("price", price, low=0, open_low=True)
    if one_of("show", show, SHOW) == SHOW[2]:
        return _budgets(shift, price)
    grid = np.unique(np.linspace(1, max(4 * synthetic, 20), 200).round().astype(int))
    worth = {
        name: np.array([_worth(real, int(s), shift, weighted) for s in grid])
        for name, weighted in (("all rows weigh the same", False), ("best weights", True))
    }
    best = theory.biased_rows_best(INPUTS, real, shift)
    one = short(_worth(real, synthetic, shift), 2)
    most = "all you can get" if np.isinf(best) else f"{best:,.0f}"
    title = f"{real:,} real, {synthetic:,} synthetic: one is worth {one}; best number {most}"
    if show == SHOW[1]:
        rows = [
            (s, name, x)
            for name, all_of in worth.items()
            for s, x in zip(grid, all_of, strict=True)
        ]
        return _curves(rows, "real rows that one is worth", "synthetic rows", title)
    errors = {name: INPUTS / (real + grid * each) for name, each in worth.items()}
    errors["real rows alone"] = np.full(len(grid), INPUTS / real)
    rows = [
        (s, name, x) for name, all_of in errors.items() for s, x in zip(grid, all_of, strict=True)
    ]
    return _curves(rows, "squared error", "synthetic rows", title)


def mix_explorer() -> Explorer:
    """Sliders over `mix_picture`: the real rows at first, the others behind a switch."""
    return one_at_first(
        mix_picture,
        real=logarithmic("real rows", 100, 100_000, 1000, when={"show": SHOW[:2]}),
        synthetic=logarithmic("synthetic rows", 1, 100_000, 250, when={"show": SHOW[:2]}),
        shift=choice("bias c squared", SHIFTS, 0.02),
        show=choice("show", SHOW),
        price=choice("price of a row", PRICES, 0.1, when={"show": SHOW[2]}),
    )


def _worth(real: int, synthetic: int, shift: float, weighted: bool = False) -> float:
    return theory.biased_rows_worth(INPUTS, real, synthetic, shift, weighted=weighted)


def best_buy(budget: float, shift: float, price: float) -> tuple[float, float]:
    """Synthetic rows that the best purchase holds, and its squared error, at equal weights.

    A real row costs 1, a synthetic one `price`; at least LEAST real ones are bought.
    """
    budget = real_number("budget", budget, low=LEAST)
    synthetic = np.linspace(0, (budget - LEAST) / price, 2000)
    n = budget - price * synthetic + synthetic
    errors = INPUTS / n + (synthetic / n) ** 2 * shift
    place = int(np.argmin(errors))
    return float(synthetic[place]), float(errors[place])


def _budgets(shift: float, price: float) -> Picture:
    rows = []
    for hundreds in range(1, 101):
        number, _ = best_buy(100.0 * hundreds, shift, price)
        rows.append((hundreds, "on synthetic rows", number * price / (100 * hundreds)))
    title = f"Bias c squared {shift:g}, a synthetic row costs {price:g}"
    return _curves(rows, "share of the budget", "budget, in hundreds of real rows", title)


def _curves(rows: list[tuple[int, str, float]], ylabel: str, xlabel: str, title: str) -> Picture:
    frame = pd.DataFrame(rows, columns=["generation", "arm", "value"]).assign(metric="value")
    return band(frame, "value", ylabel=ylabel, xlabel=xlabel, title=title)


def pace_picture(runs: Mapping[int, np.ndarray], real: int) -> Picture:
    """Mean variances of live runs and their common floor: n -> array (generations + 1, runs).

    real: new real rows a generation, as many for every n.
    """
    curves = [
        tidy(values.mean(axis=1, keepdims=True), "variance", f"n = {n:,}")
        for n, values in runs.items()
    ]
    floor = theory.gaussian_floor(real)
    longest = max(len(values) for values in runs.values())
    return band(
        pd.concat(curves), "variance", centre="mean", exact={"floor": np.full(longest, floor)},
        ylabel="variance, mean of the runs", xlabel="generation",
    )  # fmt: skip


def new_rows(n: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Real rows of the bell: shape (n, 1), or (*n, 1)."""
    return rng.standard_normal((*np.atleast_1d(n), 1))


def bell_error(policy: Policy, written: int, part: float = 1.0, seed: int = 4) -> float:
    """Squared distance to the truth (2-Wasserstein) of a bell, generations 21 to 40 of 500 runs.

    written: rows that each model writes, with `part` of its variance (the sampling bias of MAD).
    """

    def error(model: Any, made: np.ndarray) -> np.ndarray:
        spread = np.sqrt(model.covariance_[..., 0, 0])
        return np.asarray(model.mean_[..., 0] ** 2 + (spread - 1) ** 2)

    table = run_batched(
        Gaussian(sampling_bias=part), new_rows, policy=policy, generations=40,
        n_samples=written, replicates=500, metrics={"error": error}, seed=seed,
    )  # fmt: skip
    return float(table["value"][table["generation"] > 20].mean())


# ---------------------------------------------------------------------- the recorded studies


def floors_picture() -> Picture:
    """`real_rows`: the variance in the long run against the real rows a generation, for three n."""
    table = studies.load("real_rows").query("metric == 'variance'")
    parts = table["arm"].str.extract(r"^floor_n(\d+)_m(\d+)$")
    chosen = table[parts[0].notna()].assign(
        arm=[f"n = {int(n):,}" for n in parts[0].dropna()],
        generation=parts[1].dropna().astype(int),
        metric="value",
    )
    table = chosen.query("generation <= 10")
    return band(
        table, "value", centre="mean", exact={"1 - 1/(1 + 2 m)": theory.gaussian_floor},
        ylabel="variance in the long run", xlabel="new real rows a generation, m",
    )  # fmt: skip


def tenths_picture() -> Picture:
    """`real_rows`: different words of the model after fifty generations, by which tenth is real."""
    labels = {
        Replace().name: "no real words", real_rows.FROZEN: "the same tenth for ever",
        "redrawn": "redrawn from the old text", "new": "newly collected",
    }  # fmt: skip
    numbers, rows = studies.summary("real_rows"), []
    for way, label in labels.items():
        key = f"words_{way}_words_g50"
        rows.append((label, *(numbers[key + end] for end in ("", "_low", "_high"))))
    table = pd.DataFrame(rows, columns=["label", "value", "low", "high"])
    return contrasts(table, reference=None, xlabel="different words in generation 50")


def rates_picture(written: int = 100, rounds: tuple[int, ...] = (0, 1, 5, 10)) -> Picture:
    """`bigram_rate`: what a row of the other team is worth, against the real rows that you own."""
    one_of("written", written, (25, 100, 400))
    labels = {f"g{g}_s{written}": f"generation {g}" for g in rounds}
    table = studies.load("bigram_rate").query("metric == 'rate' and arm in @labels")
    table = table.assign(arm=table["arm"].map(labels), metric="value")
    # In the order asked for, so that colours follow it.
    table = table.sort_values("arm", key=lambda arms: arms.map(list(labels.values()).index))
    return band(
        table, "value", centre="mean", exact={"worth nothing": lambda real: 0.0 * real},
        ylabel="real rows that one of theirs is worth", xlabel="real rows that you own",
    )  # fmt: skip
