"""Ten generations on a purse of coins: one play of the capstone's game.

    class MyKeeper:
        def order(self, ledger):  # how many fresh real rows, how many checks of the newest rows
            return 0, 0

        def training_set(self, real, synthetic, rng):  # as the policies of helpers.policies
            return synthetic[-1]

    print(play(MyKeeper(), "stories", seed=0))

Generation 0 is fitted to real rows that nobody sees again. Ten times: the world moves on, the
policy sees a `Ledger` and orders, the order is delivered, the policy chooses the training rows, the
model is fitted, writes n rows and is examined. `real` is all that was ever bought, `synthetic[g]`
what is left of the rows of generation g: rows that failed a check are gone, those that passed come
first. The score is 100 times the mean health of generations 1 to 10. Each step of each generation
has random numbers of its own, so two policies on one seed meet the same world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers._arguments import one_of, positive_int
from helpers.capstone.code import Code
from helpers.capstone.referee import Foul, Offers, ask, check_order, own_copy, sealed
from helpers.capstone.worlds import Checks, Leaks, Mixture, Stories, World, health
from helpers.data import Data, concat, size, take

ROUNDS = 10
PURSE = 2000
WORLDS: dict[str, type[World]] = {world.name: world for world in (Mixture, Stories, Code)}


@dataclass(frozen=True)
class Ledger:
    """What a policy knows when it orders.

    generation: the one about to be made, 1 to 10. coins: what is left. bought, checked, passed: of
    each generation before, how many real rows were bought in it, how many rows of `synthetic[g]`
    were checked and how many of those passed; the last two say nothing of the newest rows yet.
    """

    generation: int
    coins: int
    price_real: int
    price_check: int
    n: int
    rows_max: int
    bought: tuple[int, ...]
    checked: tuple[int, ...]
    passed: tuple[int, ...]

    @property
    def left(self) -> int:
        """Generations still to come, this one included."""
        return ROUNDS - self.generation + 1


def known_right(synthetic: Sequence[Data], ledger: Ledger, checks: int) -> Data:
    """All rows of `synthetic` that passed a check, oldest first; for use in `training_set`.

    ledger: the one of this generation. checks: how many of the newest rows were ordered then.
    """
    newest = size(synthetic[-1]) - (ledger.n - checks)
    counts = (*ledger.passed, newest)
    return concat([take(rows, np.arange(k)) for rows, k in zip(synthetic, counts, strict=True)])


@dataclass(frozen=True)
class Round:
    """One generation of a play: what was ordered, what came of it, how healthy the model is.

    coins: left after the order. rows: how many the model was fitted to. yardsticks: name -> value.
    """

    generation: int
    coins: int
    bought: int
    checked: int
    passed: int
    rows: int
    yardsticks: Mapping[str, float]

    @property
    def health(self) -> float:
        """Geometric mean of the yardsticks, 0 to 1."""
        return health(self.yardsticks)


@dataclass(frozen=True)
class Play:
    """A play: its rounds, generation 0 first. `void` is empty, or says why it does not count."""

    world: str
    seed: int
    policy: str
    rounds: tuple[Round, ...]
    void: str = ""

    @property
    def score(self) -> float:
        """100 times the mean health of generations 1 to 10; NaN for a void play."""
        if self.void:
            return float("nan")
        return 100 * float(np.mean([turn.health for turn in self.rounds[1:]]))

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: generation, metric, value; the yardsticks, health, and what was ordered."""
        rows = [
            (turn.generation, name, float(value))
            for turn in self.rounds
            for name, value in {
                **turn.yardsticks,
                "health": turn.health,
                "bought": turn.bought,
                "checked": turn.checked,
                "passed": turn.passed,
            }.items()
        ]
        return pd.DataFrame(rows, columns=["generation", "metric", "value"])

    def __str__(self) -> str:
        """A generation a line, then the score or why there is none."""
        names = WORLDS[self.world].yardsticks
        lines = [
            f"{self.policy} in {self.world}, seed {self.seed}",
            f"{'g':>2}{'coins':>7}{'real':>6}{'checks':>8}{'passed':>8}{'rows':>6}"
            + "".join(f"{name:>9}" for name in (*names, "health")),
        ]
        for turn in self.rounds:
            values = [*(turn.yardsticks[name] for name in names), turn.health]
            lines.append(
                f"{turn.generation:>2}{turn.coins:>7}{turn.bought:>6}{turn.checked:>8}"
                f"{turn.passed:>8}{turn.rows:>6}" + "".join(f"{value:>9.2f}" for value in values)
            )
        lines.append(f"Void: {self.void}." if self.void else f"Score {self.score:.1f}")
        return "\n".join(lines)


def play(
    policy: Any,
    world: str = "stories",
    seed: int = 0,
    leaks: Leaks | None = None,
    purse: int = PURSE,
    sandbox: bool = True,
) -> Play:
    """One play of a copy of `policy`. Whatever the policy does wrong makes the play void.

    world: a name of `WORLDS`. leaks: how checks err; None, never. purse: coins at the beginning.
    sandbox: False runs checked programs in this process, which is faster: their statements are the
    world's own text, since a policy chooses rows and makes none.
    Raises TypeError or ValueError for a bad argument, before anything is played.
    """
    kind = WORLDS[one_of("world", world, tuple(WORLDS))]
    positive_int("seed", seed, minimum=0)
    positive_int("purse", purse, minimum=0)
    if leaks is not None and not isinstance(leaks, Leaks):
        raise TypeError(f"leaks must be None or Leaks(...), such as LEAKY, got {leaks!r}")
    name = name_of(policy)
    rounds: list[Round] = []
    try:
        place = kind(seed)
        place.sandbox = sandbox
        _play(own_copy(policy), place, seed, leaks, purse, rounds)
    except Foul as foul:
        return Play(world, seed, name, tuple(rounds), f"generation {len(rounds)}: {foul}")
    return Play(world, seed, name, tuple(rounds))


def explain(
    policy: Any, seed: int = 0, world: str | None = None, leaks: Leaks | None = None
) -> None:
    """Print a play, a generation a line; of all worlds when `world` is None."""
    for name in WORLDS if world is None else (world,):
        print(play(policy, name, seed, leaks), end="\n\n")


def name_of(policy: Any) -> str:
    """What a policy is called: its own `name`, or that of its class."""
    name = getattr(policy, "name", None)
    return name if isinstance(name, str) and name else type(policy).__name__


# --- details -----------------------------------------------------------------------------------


def _play(
    policy: Any, world: World, seed: int, leaks: Leaks | None, purse: int, rounds: list[Round]
) -> None:
    """Play, and add to `rounds` what is done; Foul at the first thing that is not allowed."""
    streams = _streams(world, seed, 0)
    checks_of_world = Checks(world, leaks, streams["check"])
    real = world.real(0, streams["real"])
    first = world.real(world.first_rows, streams["real"])
    offers, coins = Offers(world), purse
    model = world.fit(first, None)
    synthetic = [world.write(model, streams["write"])]
    rounds.append(_examined(world, model, synthetic[0], streams, 0, coins, (0, 0, 0), size(first)))
    for generation in range(1, ROUNDS + 1):
        streams = _streams(world, seed, generation)
        world.turn(streams["turn"])
        ledger = Ledger(
            generation, coins, world.price_real, world.price_check, world.n, world.rows_max,
            *(tuple(getattr(turn, name) for turn in rounds[1:])
              for name in ("bought", "checked", "passed")),
        )  # fmt: skip
        answer = ask("order", lambda ledger=ledger: policy.order(ledger))  # type: ignore[misc]
        fresh, checks = check_order(answer, world, coins, size(synthetic[-1]))
        coins -= fresh * world.price_real + checks * world.price_check
        bought = world.real(fresh, streams["real"])
        real = concat([real, bought])
        synthetic[-1], passed = _checked(synthetic[-1], checks, checks_of_world, streams["check"])
        offers.note(bought)
        offers.note(synthetic[-1])
        rows = _chosen(policy, real, synthetic, offers, streams["policy"])
        model = world.fit(rows, model)
        synthetic.append(world.write(model, streams["write"]))
        ordered = (fresh, checks, passed)
        rounds.append(
            _examined(world, model, synthetic[-1], streams, generation, coins, ordered, size(rows))
        )


def _streams(world: World, seed: int, generation: int) -> dict[str, np.random.Generator]:
    names = ("turn", "real", "check", "policy", "fit", "write", "exam")
    place = list(WORLDS).index(world.name)
    sequence = np.random.SeedSequence([seed, place, generation])
    return {
        name: np.random.default_rng(own)
        for name, own in zip(names, sequence.spawn(len(names)), strict=True)
    }


def _checked(
    newest: Data, checks: int, of_world: Checks, rng: np.random.Generator
) -> tuple[Data, int]:
    """What is left of the newest rows, those that passed first, and how many these are."""
    passed = of_world.passed(take(newest, np.arange(checks)), rng)
    kept = np.concatenate([np.flatnonzero(passed), np.arange(checks, size(newest))])
    return take(newest, kept), int(passed.sum())


def _chosen(
    policy: Any, real: Data, synthetic: Sequence[Data], offers: Offers, rng: np.random.Generator
) -> Data:
    """The training rows that the policy chooses, as a data set that it cannot reach."""
    handed = [sealed(data) for data in (real, *synthetic)]
    # A generator from a drawn integer: from the stream's own, a policy could read the seed.
    own = np.random.default_rng(int(rng.integers(2**32)))
    call: Callable[[], Any] = lambda: policy.training_set(handed[0], tuple(handed[1:]), own)  # noqa: E731
    rows = ask("training_set", call)
    offers.check_unchanged(handed, [real, *synthetic])
    return offers.check(rows)


def _examined(
    world: World,
    model: Any,
    written: Data,
    streams: Mapping[str, np.random.Generator],
    generation: int,
    coins: int,
    ordered: tuple[int, int, int],
    rows: int,
) -> Round:
    yardsticks = world.measure(model, written, streams["exam"])
    return Round(generation, coins, *ordered, rows, yardsticks)
