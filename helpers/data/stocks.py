"""How much text there is, and when the largest training set has used it: a forecast by chance.

Two curves meet. The largest training set grows by a factor a year; what can be used is a stock of
text, the share of it that is good enough, and what reading it several times is worth. Published
numbers are from Villalobos et al. (2024, arXiv 2211.04325v2, Table 1 and section 3). The start and
the middles of the usable share and of repetition are ours, chosen such that the date in the middle
is theirs: so that date tests nothing, the width does. Texts are counted in T, a million million
tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from helpers._arguments import fraction, generator, one_of, positive_int, real_number

START_YEAR = 2024


@dataclass(frozen=True)
class Estimate:
    """A positive quantity of which a middle and an interval are known.

    Read as two half-lognormals: half of the chance below the middle, half above, each half as wide
    as its own end says. One curve alone does not go through three numbers that are not symmetric.
    level: chance of the interval, 0.95 unless said otherwise.
    """

    middle: float
    low: float
    high: float
    level: float = 0.95

    def __post_init__(self) -> None:
        real_number("low", self.low, low=0, open_low=True)
        real_number("middle", self.middle, low=self.low, open_low=True)
        real_number("high", self.high, low=self.middle, open_low=True)
        if not 0 < real_number("level", self.level) < 1:
            raise ValueError(f"level must be a number between 0 and 1, got {self.level!r}")

    def quantile(self, chance: Any) -> Any:
        """The value below which the quantity lies with this chance; arrays elementwise."""
        z = ndtri(chance) / ndtri(0.5 + self.level / 2)  # -1 and 1 at the ends of the interval
        end = np.where(z < 0, self.middle / self.low, self.high / self.middle)
        return self.middle * end**z

    def draws(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """`n` independent values, shape (n,)."""
        return np.asarray(self.quantile(generator("rng", rng).random(positive_int("n", n))))


STOCKS = {  # T tokens; 95 % intervals of the paper
    "Common Crawl": Estimate(130, 100, 260),
    "indexed web": Estimate(510, 130, 2100),
    "whole web": Estimate(3100, 1900, 5200),
}
GROWTH = Estimate(10**0.38, 10**0.27, 10**0.48)  # factor a year of the largest training set
USABLE = Estimate(0.2, 0.1, 0.4)  # "10 to 40 %" of text without doubles; the middle is ours
REPETITION = Estimate(3.9, 3, 5)  # ours; the paper: 3 to 15, cut at 5
START = Estimate(12, 8, 18)  # T, largest training set of 2024: ours
USUAL_TOKENS = 20  # tokens a parameter, at which the forecast of the paper trains
WORDS = 49  # T a year: 1e11 words a day, which one company said it writes, at 4 tokens to 3 words


def normal_below_zero(estimate: Estimate) -> float:
    """The chance of less than nothing under a normal curve with this middle and this width."""
    half = (estimate.high - estimate.low) / 2
    return float(ndtr(-estimate.middle / half * ndtri(0.5 + estimate.level / 2)))


def run_out(
    stock: Any, usable: Any, repetition: Any, start: Any, growth: Any,
    closed: float = 0.0, tokens_per_parameter: float = USUAL_TOKENS,
) -> Any:  # fmt: skip
    """The year in which the largest training set is all that can be used; arrays elementwise.

    closed: share of the stock that may not be read. tokens_per_parameter: more than 20 at the same
    compute is a smaller model on more text, by the root of the factor (compute is parameters times
    tokens). ValueError for growth of 1 or less, which never gets there.
    """
    if np.min(growth) <= 1:
        raise ValueError(f"growth must be above 1 a year, got {np.min(growth):g}")
    if fraction("closed", closed) == 1:
        raise ValueError("closed must be below 1: with everything closed there is no text at all")
    more = real_number("tokens_per_parameter", tokens_per_parameter, low=0, open_low=True)
    first = start * (more / USUAL_TOKENS) ** 0.5
    return START_YEAR + np.log(stock * usable * repetition * (1 - closed) / first) / np.log(growth)


def inputs(stock: str = "indexed web", **changed: Estimate) -> dict[str, Estimate]:
    """The five estimates of a forecast by name, some of them changed."""
    usual = {
        "stock": STOCKS[one_of("stock", stock, tuple(STOCKS))],
        "growth": GROWTH, "usable": USABLE, "start": START, "repetition": REPETITION,
    }  # fmt: skip
    for name in changed:
        one_of("name", name, tuple(usual))
    return usual | changed


def about(middle: float, like: Estimate) -> Estimate:
    """An estimate around another middle, as wide in proportion as `like`."""
    ratio = real_number("middle", middle, low=0, open_low=True) / like.middle
    return Estimate(middle, like.low * ratio, like.high * ratio, like.level)


def growing(factor: float) -> Estimate:
    """Growth by `factor` a year, above 1, as uncertain as GROWTH: its exponent in proportion."""
    real_number("factor", factor, low=1, open_low=True)
    low, high = (np.log(end) / np.log(GROWTH.middle) for end in (GROWTH.low, GROWTH.high))
    return Estimate(factor, float(factor**low), float(factor**high), GROWTH.level)


def forecast(
    n: int, rng: np.random.Generator, known: Mapping[str, Estimate] | None = None, **fixed: float
) -> np.ndarray:
    """`n` dates at which the text is used, shape (n,), each from its own draw of all inputs.

    known: estimates by name, default `inputs()`; fixed: what else `run_out` takes.
    """
    drawn: dict[str, Any] = {name: e.draws(n, rng) for name, e in (known or inputs()).items()}
    return np.asarray(run_out(**drawn, **fixed))


def drivers(known: Mapping[str, Estimate] | None = None, **fixed: float) -> pd.DataFrame:
    """What moves the date: each input from one end of its interval to the other, others in middle.

    Columns label, value, low, high (dates), the widest first. Exact: the date has one direction in
    each input.
    """
    known = known or inputs()
    middle = {name: estimate.middle for name, estimate in known.items()}
    value = float(run_out(**middle, **fixed))
    rows = []
    for name, estimate in known.items():
        ends = [run_out(**(middle | {name: end}), **fixed) for end in (estimate.low, estimate.high)]
        rows.append((name, value, float(min(ends)), float(max(ends))))
    table = pd.DataFrame(rows, columns=["label", "value", "low", "high"])
    return table.loc[(table["low"] - table["high"]).sort_values(kind="stable").index]


def machine_text(
    published: float, growth: float = 2.4, people: float = 0.05, stock: float = 510,
    until: int = 2032,
) -> pd.DataFrame:  # fmt: skip
    """Machine-made share of text, year by year: of what is new, and of all there is.

    published: share that is put on the web of what machines write, WORDS in 2024, growing by
    `growth` a year. people: what people add a year, as a share of `stock` (T in 2024), every year
    the same. Nothing counts as machine-made before 2024. None of these is known: it is a form to
    think with. Columns generation (the year), arm, metric, value (per cent).
    """
    fraction("published", published)
    real_number("growth", growth, low=1)
    fraction("people", people)
    real_number("stock", stock, low=0, open_low=True)
    t = np.arange(positive_int("until", until, minimum=START_YEAR + 1) - START_YEAR + 1)
    first, by_people = published * WORDS, people * stock
    flow = first * growth**t
    made = first * t if growth == 1 else first * (growth**t - 1) / np.log(growth)
    new = np.divide(flow, flow + by_people, out=np.zeros(len(t)), where=flow + by_people > 0)
    shares = {"of what is new": new, "of all there is": made / (made + stock + by_people * t)}
    return pd.concat(
        pd.DataFrame({"generation": START_YEAR + t, "arm": arm, "metric": "machine-made",
                      "value": 100 * share})
        for arm, share in shares.items()
    )  # fmt: skip
