"""Worlds of the capstone: what there is to learn, how it changes, how a model is examined.

A world sells real rows, checks rows, and has three yardsticks between 0 and 1; their geometric mean
is the model's *health*. Which blob is rare, who is famous and who lives where is shuffled by the
seed, so that nobody who has read this file knows it. `Mixture` and `Stories` are here, the world of
programs is in `helpers.capstone.code`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from helpers._arguments import fraction
from helpers.data import Data
from helpers.data.digits import ANGLES, RADIUS, SPREAD, WEIGHTS
from helpers.metrics.generative import share_near
from helpers.models import Discrete, GaussianMixture


class World:
    """What the arena asks of a world. A new world is one class with these names and methods."""

    name: ClassVar[str]
    price_real: ClassVar[int]  # coins for a real row, drawn from the world as it is then
    price_check: ClassVar[int]  # coins for the answer whether a row is right
    n: ClassVar[int]  # rows that a model writes in a generation
    rows_max: ClassVar[int]  # rows that a model can be fitted to
    rows_min: ClassVar[int] = 1
    first_rows: ClassVar[int]  # real rows of generation 0, which nobody sees again
    dtype: ClassVar[Any] = None  # of arrays; None where rows are a list
    yardsticks: ClassVar[tuple[str, str, str]]
    kinds: ClassVar[int]  # in how many kinds rows come: who leaks systematically leaks by kind
    sandbox = True  # whether programs that are checked run in the sandbox; other worlds have none

    def __init__(self, seed: int) -> None:
        raise NotImplementedError

    def turn(self, rng: np.random.Generator) -> None:
        """Let a generation pass: what was true may not be so any more."""

    def real(self, n: int, rng: np.random.Generator) -> Data:
        """`n` rows as the world is now; n may be 0."""
        raise NotImplementedError

    def fit(self, rows: Data, previous: Any) -> Any:
        """A model of `rows`; `previous`, the model before or None, may be where the fit starts."""
        raise NotImplementedError

    def write(self, model: Any, rng: np.random.Generator) -> Data:
        """`n` rows of the model, in random order."""
        raise NotImplementedError

    def right(self, rows: Data) -> np.ndarray:
        """Which rows are right now: bools (n,). What a check that never errs says."""
        raise NotImplementedError

    def kind(self, rows: Data) -> np.ndarray:
        """The kind of each row, ints (n,) from 0 to `kinds` - 1."""
        raise NotImplementedError

    def measure(self, model: Any, rows: Data, rng: np.random.Generator) -> dict[str, float]:
        """The three yardsticks of a model that has written `rows`."""
        raise NotImplementedError


def health(yardsticks: Mapping[str, float]) -> float:
    """Geometric mean of the yardsticks: a model that has lost one of them is dead."""
    values = list(yardsticks.values())
    return float(np.prod(values) ** (1 / len(values)))


# --- checks that err ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaks:
    """How checks err: the share of wrong rows that they keep, and of right rows that they drop.

    systematic: by the kind of a row, always the same ones; otherwise by lot, row by row. The two
    do the same harm to a list of numbers, and need not to a model, which learns what comes back.
    """

    keeps_wrong: float = 0.0
    drops_right: float = 0.0
    systematic: bool = False

    def __post_init__(self) -> None:
        fraction("keeps_wrong", self.keeps_wrong)
        fraction("drops_right", self.drops_right)


LEAKY = Leaks(keeps_wrong=0.3, drops_right=0.1)  # level 3 of the capstone


class Checks:
    """Says of rows which pass, with the errors of `leaks`; None for checks that never err."""

    def __init__(self, world: World, leaks: Leaks | None, rng: np.random.Generator) -> None:
        self._world, self._leaks = world, leaks or Leaks()
        self._luck = rng.random((2, world.kinds))  # of each kind, where the errors are systematic

    def passed(self, rows: Data, rng: np.random.Generator) -> np.ndarray:
        """Which rows pass, bools (n,)."""
        right = self._world.right(rows)
        if self._leaks == Leaks():
            return right
        luck = rng.random((2, len(right)))
        if self._leaks.systematic:
            luck = self._luck[:, self._world.kind(rows)]
        kept_wrongly = luck[0] < self._leaks.keeps_wrong
        dropped_wrongly = luck[1] < self._leaks.drops_right
        return np.where(right, ~dropped_wrongly, kept_wrongly)


# --- two worlds --------------------------------------------------------------------------------


class Mixture(World):
    """Eight blobs on a circle, from common (30 %) to rare (2 %); the circle turns.

    Rows: floats (n, 2). The model is eight bells, fitted by EM from where it was before.
    Yardsticks: `recall`, share of 400 points of the world that have a written row within a blob's
    spread; `rare`, how much of their true share the three rarest blobs have; `on_blob`, share of
    the written rows within three spreads of a blob's centre, which is also what a check asks.
    """

    name = "mixture"
    price_real, price_check = 20, 10
    n, rows_max, rows_min, first_rows = 150, 300, 8, 150
    dtype = np.dtype(float)
    yardsticks = ("recall", "rare", "on_blob")
    kinds = len(WEIGHTS)
    turn_by = 0.03  # radians a generation

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self._angles = rng.uniform(0, 2 * np.pi) + rng.permutation(ANGLES)
        self._turn_by = self.turn_by * rng.choice([-1, 1])
        which = rng.choice(len(WEIGHTS), size=400, p=WEIGHTS)
        self._test = which, SPREAD * rng.standard_normal((400, 2))

    @property
    def centres(self) -> np.ndarray:
        """(8, 2) centres now, in the order of `WEIGHTS`."""
        return RADIUS * np.column_stack([np.cos(self._angles), np.sin(self._angles)])

    def turn(self, rng: np.random.Generator) -> None:
        self._angles = self._angles + self._turn_by

    def real(self, n: int, rng: np.random.Generator) -> np.ndarray:
        which = rng.choice(len(WEIGHTS), size=n, p=WEIGHTS)
        return self.centres[which] + SPREAD * rng.standard_normal((n, 2))

    def fit(self, rows: Data, previous: GaussianMixture | None) -> GaussianMixture:
        model = GaussianMixture(len(WEIGHTS))
        if previous is None:  # the blobs where they are: what is lost later, no bad start has lost
            start = np.repeat(self.centres, 2, axis=0)
            previous = GaussianMixture(len(WEIGHTS), reg_covar=SPREAD**2).fit(
                start, np.random.default_rng(0)
            )
        return model.fit(np.asarray(rows), init=previous)

    def write(self, model: GaussianMixture, rng: np.random.Generator) -> np.ndarray:
        return model.sample(self.n, rng)

    def right(self, rows: Data) -> np.ndarray:
        return np.asarray(self._distances(rows).min(axis=1) < 3 * SPREAD)

    def kind(self, rows: Data) -> np.ndarray:
        return self._distances(rows).argmin(axis=1)

    def measure(
        self, model: GaussianMixture, rows: Data, rng: np.random.Generator
    ) -> dict[str, float]:
        which, noise = self._test
        right = self.right(rows)
        shares = np.bincount(self.kind(rows)[right], minlength=self.kinds) / len(right)
        rare = slice(-3, None)
        return {
            "recall": share_near(self.centres[which] + noise, np.asarray(rows), SPREAD),
            "rare": float(np.minimum(shares, WEIGHTS)[rare].sum() / WEIGHTS[rare].sum()),
            "on_blob": float(right.mean()),
        }

    def _distances(self, rows: Data) -> np.ndarray:
        apart = np.asarray(rows)[:, None] - self.centres
        return np.asarray(np.hypot(apart[..., 0], apart[..., 1]))


class Stories(World):
    """A hundred people, from famous to hardly known (Zipf), each in one city; some move.

    Rows: ints (n, 2), a person and a city. The model counts, and when it writes it guesses the city
    in one case of ten. Yardsticks: `recall`, share of the stories of the world whose city the model
    knows, that is, gives to the person most often; `rare`, share of the fifty least famous people
    whose city it knows; `true`, share of the written rows that are true. A check asks whether a row
    is true.
    """

    name = "stories"
    price_real, price_check = 20, 20
    n, rows_max, first_rows = 300, 600, 300
    dtype = np.dtype(int)
    yardsticks = ("recall", "rare", "true")
    people, cities = 100, 20
    kinds = people
    moves, guesses = 0.03, 0.1

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 2])
        self._fame = rng.permutation(1 / np.arange(1, self.people + 1))
        self._fame = self._fame / self._fame.sum()
        self._homes = rng.integers(self.cities, size=self.people)

    def turn(self, rng: np.random.Generator) -> None:
        moving = rng.random(self.people) < self.moves
        steps = rng.integers(1, self.cities, size=self.people)  # never to where they are
        self._homes = np.where(moving, (self._homes + steps) % self.cities, self._homes)

    def real(self, n: int, rng: np.random.Generator) -> np.ndarray:
        who = rng.choice(self.people, size=n, p=self._fame)
        return np.column_stack([who, self._homes[who]])

    def fit(self, rows: Data, previous: Any) -> Discrete:
        pairs = np.asarray(rows)
        return Discrete(self.people * self.cities).fit(pairs[:, 0] * self.cities + pairs[:, 1])

    def write(self, model: Discrete, rng: np.random.Generator) -> np.ndarray:
        who, where = np.divmod(model.sample(self.n, rng), self.cities)
        guessed = rng.random(self.n) < self.guesses
        where = np.where(guessed, rng.integers(self.cities, size=self.n), where)
        return np.column_stack([who, where])

    def right(self, rows: Data) -> np.ndarray:
        pairs = np.asarray(rows)
        return np.asarray(self._homes[pairs[:, 0]] == pairs[:, 1])

    def kind(self, rows: Data) -> np.ndarray:
        return np.asarray(rows)[:, 0]

    def measure(self, model: Discrete, rows: Data, rng: np.random.Generator) -> dict[str, float]:
        table = model.probabilities_.reshape(self.people, self.cities)
        known = (table.argmax(axis=1) == self._homes) & (table.max(axis=1) > 0)
        rare = np.argsort(self._fame)[: self.people // 2]
        return {
            "recall": float(self._fame @ known),
            "rare": float(known[rare].mean()),
            "true": float(self.right(rows).mean()),
        }
