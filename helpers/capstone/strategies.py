"""Strategies to compare an entry with: what to order, times what to train on; and a keeper.

A recipe is a way to buy and a way to choose; where it has more than `rows_max` rows it draws that
many at random. `by_name` gives each, `names` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from helpers import policies
from helpers._arguments import one_of
from helpers.capstone.arena import Ledger, known_right
from helpers.data import Data, concat, draw, size, take

Buy = Callable[[Ledger], tuple[int, int]]

# --- ways to buy: (real rows, checks) ------------------------------------------------------------


def nothing(ledger: Ledger) -> tuple[int, int]:
    """Keep the purse shut."""
    return 0, 0


def real_evenly(ledger: Ledger) -> tuple[int, int]:
    """An equal part of the coins in each generation, for real rows."""
    return ledger.coins // ledger.left // ledger.price_real, 0


def real_at_once(ledger: Ledger) -> tuple[int, int]:
    """All coins for real rows, in generation 1."""
    return ledger.coins // ledger.price_real, 0


def real_at_last(ledger: Ledger) -> tuple[int, int]:
    """All coins for real rows, in generation 10."""
    return (ledger.coins // ledger.price_real if ledger.left == 1 else 0), 0


def real_early(ledger: Ledger) -> tuple[int, int]:
    """Three tenths of what is left, for real rows."""
    return 3 * ledger.coins // 10 // ledger.price_real, 0


def checks_evenly(ledger: Ledger) -> tuple[int, int]:
    """An equal part of the coins in each generation, for checks."""
    return 0, min(ledger.n, ledger.coins // ledger.left // ledger.price_check)


def half_and_half(ledger: Ledger) -> tuple[int, int]:
    """An equal part of the coins in each generation, half for real rows and half for checks."""
    part = ledger.coins // ledger.left
    fresh = part // 2 // ledger.price_real
    return fresh, min(ledger.n, (part - fresh * ledger.price_real) // ledger.price_check)


def fresh_world(ledger: Ledger) -> tuple[int, int]:
    """n real rows in each generation: more than the purse holds, for the oracle."""
    return ledger.n, 0


# --- ways to choose ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stock:
    """What there is to choose from. fresh: the real rows bought in this generation."""

    real: Data
    synthetic: Sequence[Data]
    right: Data
    fresh: Data


def newest(stock: Stock) -> list[Data]:
    """The newest rows, and all real rows."""
    return [stock.real, stock.synthetic[-1]]


def everything(stock: Stock) -> list[Data]:
    """All rows."""
    return [stock.real, *stock.synthetic]


def oldest(stock: Stock) -> list[Data]:
    """The rows of generation 0, and all real rows."""
    return [stock.real, stock.synthetic[0]]


def passed(stock: Stock) -> list[Data]:
    """The rows that passed a check, and real rows; the newest while there are few."""
    found = [stock.real, stock.right]
    return found if sum(map(size, found)) >= 20 else [*found, stock.synthetic[-1]]


def bought(stock: Stock) -> list[Data]:
    """The real rows; the newest while there are few."""
    return [stock.real] if size(stock.real) >= 20 else [stock.real, stock.synthetic[-1]]


def fresh_only(stock: Stock) -> list[Data]:
    """The real rows of this generation."""
    return [stock.fresh]


# --- strategies ----------------------------------------------------------------------------------


class Recipe:
    """`buy` and `choose`, nothing else. at_most: how many rows to train on, if not `rows_max`."""

    def __init__(
        self,
        name: str,
        buy: Buy,
        choose: Callable[[Stock], list[Data]],
        at_most: int | None = None,
    ) -> None:
        self.name, self.buy, self.choose, self.at_most = name, buy, choose, at_most

    def order(self, ledger: Ledger) -> tuple[int, int]:
        """(real rows, checks) for this generation."""
        self.ledger = ledger
        self.ordered = self.buy(ledger)
        return self.ordered

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """The chosen rows, at most `rows_max`."""
        return self._cut(concat(self.choose(self._stock(real, synthetic))), rng)

    def _stock(self, real: Data, synthetic: Sequence[Data]) -> Stock:
        fresh, checks = self.ordered
        new = take(real, np.arange(size(real) - fresh, size(real)))
        return Stock(real, synthetic, known_right(synthetic, self.ledger, checks), new)

    def _cut(self, rows: Data, rng: np.random.Generator) -> Data:
        most = self.at_most or self.ledger.rows_max
        return rows if size(rows) <= most else draw(rows, most, rng)


class Random(Recipe):
    """Random orders, random rows: what skill has to beat.

    Each generation a random part of what an even share and luck allow, split at random between real
    rows and checks; a random number of rows, drawn from everything.
    """

    def __init__(self) -> None:
        super().__init__("random", self._spend, everything)
        self.luck = np.random.default_rng(0).random(2)  # for the first order; then the game's own

    def _spend(self, ledger: Ledger) -> tuple[int, int]:
        part = int(min(1.0, 2 * self.luck[0] / ledger.left) * ledger.coins)
        fresh = int(self.luck[1] * part) // ledger.price_real
        rest = part - fresh * ledger.price_real
        return fresh, min(ledger.n, rest // ledger.price_check)

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """Between n and `rows_max` rows, or all if there are fewer."""
        self.luck = rng.random(2)
        rows = concat(everything(self._stock(real, synthetic)))
        wanted = int(rng.integers(self.ledger.n, self.ledger.rows_max + 1))
        return draw(rows, min(wanted, size(rows)), rng)


WHEN: dict[str, Buy] = {"at once": real_at_once, "early": real_early, "evenly": real_evenly}
WEIGHTS, OLD = (1, 2, 4), (0, 1, 3)


class Setting(Recipe):
    """Level 1 of the capstone, without code: four settings of a strategy that buys real rows only.

    when: "at once", "early" (three tenths of what is left) or "evenly". weight: how often each
    bought row is repeated, 1, 2 or 4. old: how many of the first generations are kept, 0, 1 or 3.
    newest: whether the newest rows are used. Bought rows come first; others fill up by lot. With
    neither old nor newest rows there may be too few rows to fit. ValueError for other settings.
    """

    def __init__(self, when: str, weight: int, old: int, newest: bool) -> None:
        one_of("when", when, tuple(WHEN))
        one_of("weight", weight, WEIGHTS)
        one_of("old", old, OLD)
        one_of("newest", newest, (True, False))
        if not old and not newest:
            raise ValueError("newest must be True where old is 0: there would be too few rows")
        word = f"{when.replace(' ', '_')}_{weight}_{old}_{'newest' if newest else 'old'}"
        super().__init__(word, WHEN[when], everything)
        self.when, self.weight, self.old, self.newest = when, weight, old, newest

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """The bought rows `weight` times, then old and newest rows by lot, up to `rows_max`."""
        most = self.ledger.rows_max
        own = self._cut(concat([real] * self.weight), rng)
        parts = list(synthetic[: self.old])
        if self.newest and len(synthetic) > self.old:
            parts.append(synthetic[-1])
        others = concat(parts)
        return concat([own, draw(others, min(size(others), most - size(own)), rng)])


class Keeper(Recipe):
    """A thoughtful policy: it reads the prices, and keeps what is known to be right.

    Checks that cost a tenth of a real row or less: half the purse for real rows at once, then it
    checks all it can, and trains on what passed, no request's first phrase more than `cap` times.
    Otherwise it buys real rows: early and with weight 4 beside generation 0, where a check costs
    as much as a row, evenly and with weight 2 beside the newest and three old generations where
    checks are cheaper.
    """

    cap = 8

    def __init__(self) -> None:
        super().__init__("keeper", self._buy, everything)

    def _buy(self, ledger: Ledger) -> tuple[int, int]:
        if not self._checks_are_cheap(ledger):
            return self._setting(ledger).buy(ledger)
        fresh = ledger.coins // 2 // ledger.price_real if ledger.generation == 1 else 0
        rest = ledger.coins - fresh * ledger.price_real
        return fresh, min(ledger.n, rest // ledger.price_check)

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """What this world's branch keeps."""
        if not self._checks_are_cheap(self.ledger):
            setting = self._setting(self.ledger)
            setting.ledger = self.ledger
            return setting.training_set(real, synthetic, rng)
        known = concat([real, self._stock(real, synthetic).right])
        rows = self._spread(known, rng)
        few = draw(synthetic[0], min(20, size(synthetic[0])), rng)
        return self._cut(concat([rows, few]), rng)

    @staticmethod
    def _checks_are_cheap(ledger: Ledger) -> bool:
        return 10 * ledger.price_check <= ledger.price_real

    @staticmethod
    def _setting(ledger: Ledger) -> Setting:
        if ledger.price_check >= ledger.price_real:
            return Setting("early", 4, 1, False)
        return Setting("evenly", 2, 3, True)

    def _spread(self, rows: Data, rng: np.random.Generator) -> Data:
        """Rows in which no phrase stands more than `cap` times, chosen by lot."""
        counts: dict[str, int] = {}
        chosen = []
        for place in rng.permutation(size(rows)).tolist():
            phrases = rows[place].phrases  # type: ignore[index]
            if any(counts.get(phrase, 0) < self.cap for phrase in phrases):
                chosen.append(place)
                for phrase in phrases:
                    counts[phrase] = counts.get(phrase, 0) + 1
        return take(rows, np.array(chosen, dtype=int))


def _recipes() -> list[Recipe]:
    return [
        Recipe(policies.Replace().name, nothing, newest),
        Recipe(policies.Accumulate().name, nothing, everything),
        Recipe("freeze", nothing, oldest),
        Random(),
        Recipe("half_and_half", half_and_half, passed),
        Recipe(policies.AccumulateSubsample().name, nothing, everything, at_most=150),
        Recipe("real_evenly_accumulate", real_evenly, everything),
        Recipe("real_evenly_newest", real_evenly, newest),
        Recipe("real_at_once_accumulate", real_at_once, everything),
        Recipe("real_at_last_accumulate", real_at_last, everything),
        Recipe("real_evenly_alone", real_evenly, bought),
        Recipe("checks_accumulate", checks_evenly, everything),
        Recipe("checks_newest", checks_evenly, newest),
        Recipe("checks_freeze", checks_evenly, oldest),
        Recipe("passed_only", checks_evenly, passed),
        Recipe("half_and_half_accumulate", half_and_half, everything),
        Keeper(),
        Recipe("oracle", fresh_world, fresh_only),
    ]


BASELINES = (
    *(policies.Replace().name, policies.Accumulate().name),
    *("freeze", "random", "half_and_half"),
)
ORACLE_PURSE = 1_000_000  # the oracle buys n real rows in each generation


def names() -> list[str]:
    """The named strategies, the five baselines first, the oracle last."""
    return [recipe.name for recipe in _recipes()]


def by_name(name: str) -> Recipe:
    """A strategy of its own, to be played; ValueError for an unknown name.

    The oracle needs a purse of `ORACLE_PURSE`.
    """
    return {recipe.name: recipe for recipe in _recipes()}[one_of("name", name, tuple(names()))]
