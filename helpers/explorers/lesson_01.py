"""Lesson 01: when text runs out, what moves that date, what a closed door takes away.

`stocks_picture`, `door_picture` and `squeeze_picture` are plain functions, `squeeze_explorer` puts
sliders in front of the last. Nothing here goes through the loop: no model is retrained.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd

from helpers import studies
from helpers._arguments import one_of, positive_int
from helpers.data import stocks
from helpers.explorers.controls import Explorer, choice, explore, logarithmic
from helpers.plots import Picture, band, contrasts

VIEWS = ("the two curves", "what moves the date", "machine-made text")
OTHERS = ("as published", "mine")
THEMES = ("debugger", "formatting", "importing")
LAST_YEAR = 2045  # of an axis
DRAWS = 400  # of a band: its edges are steady to some per cent, and a slider stays quick


def stocks_picture(growth: float = 2.4, until: int = 2034) -> Picture:
    """The largest training set, growing, and three stocks of text with their 95 % intervals."""
    years = _years(until)
    chances = (np.arange(DRAWS) + 0.5) / DRAWS  # evenly spread: no dice needed
    wanted = stocks.START.middle * stocks.growing(growth).middle ** (years - stocks.START_YEAR)
    frames = [_over_time("largest training set", wanted[None, :], years)]
    for name, stock in stocks.STOCKS.items():
        level = np.repeat(stock.quantile(chances)[:, None], len(years), axis=1)
        frames.append(_over_time(name, level, years))
    return band(
        pd.concat(frames), "text", log=True, level=0.95, xlabel="year", ylabel="text, T tokens"
    )


def squeeze_picture(
    growth: float = 2.4,
    view: str = "the two curves",
    others: str = "as published",
    stock: str = "indexed web",
    usable: float = 20,
    repetition: float = 3.9,
    tokens_per_parameter: float = 20,
    closed: float = 0,
    published: float = 1,
) -> Picture:
    """Three views of one forecast.

    growth: factor a year of the largest training set. others: "mine" takes the next five as they
    are given, "as published" takes their usual values. stock: which text. usable and closed: per
    cent of it. repetition: what reading it several times is worth. published: per cent of what
    machines write that is put on the web, for the third view.
    """
    one_of("view", view, VIEWS)
    if one_of("others", others, OTHERS) == "as published":
        stock, usable, repetition, tokens_per_parameter, closed = "indexed web", 20, 3.9, 20, 0
    known = stocks.inputs(
        stock,
        growth=stocks.growing(growth),
        usable=stocks.about(usable / 100, stocks.USABLE),
        repetition=stocks.about(repetition, stocks.REPETITION),
    )
    fixed = {"closed": closed / 100, "tokens_per_parameter": tokens_per_parameter}
    if view == "what moves the date":
        table = stocks.drivers(known, **fixed)
        for end in ("low", "high", "value"):  # from the date in the middle, `value`, which is last
            table[end] -= table["value"]
        return contrasts(
            table, xlabel="years earlier (-) or later", interval="range over one input"
        )
    if view == "machine-made text":
        known_stock = known["stock"].middle
        shares = stocks.machine_text(published / 100, growth, stock=known_stock)
        return band(shares, "machine-made", xlabel="year", ylabel="machine-made, per cent")
    return _two_curves(known, fixed)


def squeeze_explorer() -> Explorer:
    """Sliders over `squeeze_picture`; one at first, the rest when they are asked for."""
    mine = {"others": "mine"}
    date = mine | {"view": VIEWS[:2]}  # machine-made text does not ask what can be used
    return explore(
        squeeze_picture,
        growth=logarithmic("growth a year", 1.1, 4, 2.4),
        view=choice("show", VIEWS, VIEWS[0]),
        others=choice("all else", OTHERS, OTHERS[0]),
        stock=choice("stock", tuple(stocks.STOCKS), "indexed web", when=mine),
        usable=choice("usable, %", (10, 15, 20, 30, 40), 20, when=date),
        repetition=choice("repetition", (1, 2, 3, 3.9, 5), 3.9, when=date),
        tokens_per_parameter=choice("tokens a parameter", (20, 50, 100, 200, 400), 20, when=date),
        closed=choice("closed, %", (0, 5, 10, 28, 45, 60), 0, when=date),
        published=choice("published, %", (0.1, 1, 3, 10, 30), 1, when={"view": VIEWS[2]}),
    )


def door_picture(theme: str = "debugger") -> Picture:
    """What a model loses when one topic is closed, and when as many rows of all topics are.

    Recorded (`helpers.studies.squeeze`): mean difference to the model of all rows over 40 splits.
    """
    one_of("theme", theme, THEMES)
    numbers = studies.summary("squeeze")
    rows = []
    for arm, says in (("closed", "topic closed"), ("random", "random rows")):
        for metric, whom in (
            (f"part_{theme}", "on the topic"),
            (f"others_{theme}", "on all other text"),
            ("everything", "on everything"),
        ):
            key = f"{theme}_{arm}_minus_all_{metric}"
            ends = [numbers[key + end] for end in ("", "_low", "_high")]
            rows.append((f"{says}: {whom}", *ends))
    table = pd.DataFrame(rows, columns=["label", "value", "low", "high"])
    return contrasts(table, xlabel="more surprise, nats a word")


def _two_curves(known: dict[str, stocks.Estimate], fixed: dict[str, float]) -> Picture:
    """What the largest training set needs, and what can be used, with 95 % bands."""
    dates = stocks.forecast(200_000, np.random.default_rng(0), known, **fixed)
    low, middle, high = np.quantile(dates, (0.025, 0.5, 0.975))
    years = _years(min(LAST_YEAR, max(2032, ceil(middle) + 3)))
    rng = np.random.default_rng(1)
    drawn = {name: estimate.draws(DRAWS, rng)[:, None] for name, estimate in known.items()}
    hunger = (fixed["tokens_per_parameter"] / stocks.USUAL_TOKENS) ** 0.5
    wanted = hunger * drawn["start"] * drawn["growth"] ** (years - stocks.START_YEAR)
    usable = drawn["stock"] * drawn["usable"] * drawn["repetition"] * (1 - fixed["closed"])
    frames = [
        _over_time("largest training set", wanted, years),
        _over_time("text that can be used", np.repeat(usable, len(years), axis=1), years),
    ]
    title = f"They meet in {_date(middle)} (95 %: {_date(low)} to {_date(high)})"
    return band(
        pd.concat(frames), "text", log=True, level=0.95, title=title, xlabel="year",
        ylabel="text, T tokens",
    )  # fmt: skip


def _date(year: float) -> str:
    return f"{year:.1f}" if year < 2100 else "after 2100"


def _years(until: int) -> np.ndarray:
    last = positive_int("until", until, minimum=stocks.START_YEAR + 1)
    return np.arange(stocks.START_YEAR, last + 1)


def _over_time(arm: str, values: np.ndarray, years: np.ndarray) -> pd.DataFrame:
    """A tidy frame of `values`, shape (draws, years)."""
    draws = len(values)
    return pd.DataFrame({
        "arm": arm, "metric": "text", "generation": np.tile(years, draws),
        "replicate": np.repeat(np.arange(draws), len(years)), "value": values.ravel(),
    })  # fmt: skip
