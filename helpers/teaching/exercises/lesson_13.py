"""Lesson 13, the capstone: judges of a first keeper and of an entry, and named wrong answers.

Both play on seeds that the lesson does not name. The entry's seeds are recorded ones, so that the
baselines need not be played again, and its checks of programs run in this process and not in the
sandbox: programs hold nothing but statements of the world's own table, and the answers are the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from helpers.capstone import WORLDS, Play, by_name, play
from helpers.data import concat, draw
from helpers.policies import Replace
from helpers.teaching.entries import Judgement
from helpers.teaching.exercises import Praise, exercise, shown

WHAT = (
    "It must be an object with the methods order(ledger) and training_set(real, synthetic, rng): "
    "hand over MyKeeper(), with brackets."
)
BROKE = (
    "Your order costs more than is in the purse then. Coins are not given anew: divide what "
    "ledger.coins says, not what you began with."
)
EMPTY = (
    "You return no rows: `real` holds what you bought, and before you have bought something it is "
    "empty. Put other rows beside it."
)
GROWS = (
    "Your pile grows above ledger.rows_max. Draw that many of it, as with draw(rows, n, rng) of "
    "helpers.data, or choose."
)
EDITS = (
    "You change rows that you were handed. They are for reading: choose some, or put them together "
    "with concat of helpers.data."
)
SIGNS = (  # words of a void play -> the hint
    ("above the purse", BROKE),
    ("returned no rows", EMPTY),
    ("above rows_max", GROWS),
    ("read-only", EDITS),
    ("in place", EDITS),
)


def _refused(answer: Any) -> str:
    """What is wrong with an answer that is no policy; empty for one."""
    asked = ("order", "training_set")
    if isinstance(answer, type) or not all(callable(getattr(answer, m, None)) for m in asked):
        return f"{WHAT} Yours is {shown(answer)}."
    return ""


def _void(plays: Sequence[Play]) -> str:
    """The hint for the first void play; empty when all count."""
    for one in plays:
        if one.void:
            return next((hint for words, hint in SIGNS if words in one.void),
                        f"Void in {one.world}: {one.void}.")  # fmt: skip
    return ""


# ---------------------------------------------------------------------- A. a first keeper

FIRST = (200, 201, 202)
NEWEST = (
    "That is *replace*: each model trains on the newest rows alone. It is the worst of the three "
    "that cost nothing. Which rows do you want to keep?"
)
FROZEN = (
    "That is *freeze*: a good start, and you have not spent a coin. People move; put bought rows "
    "beside the old text."
)
NOTHING = "You buy no real row, and no model can know what nobody told it. Order some."


@exercise("13-keeper", praise="Better than doing nothing. Now the other two worlds.")
def keeper(answer: Any, rng: np.random.Generator) -> str | None:
    """Three seeds in stories, against freeze; the orders and rows say which idea it is."""
    if refused := _refused(answer):
        return refused
    plays = [play(answer, "stories", seed) for seed in FIRST]
    if void := _void(plays):
        return void
    score, frozen = (float(np.mean([one.score for one in ones])) for ones in (plays, _frozen()))
    if score > frozen:
        return Praise(f"Score {score:.1f}, and freeze has {frozen:.1f} on these three seeds.")
    bought = any(turn.bought for one in plays for turn in one.rounds)
    if score == frozen and not bought:
        return FROZEN
    if not bought:
        replaced = [play(by_name(Replace().name), "stories", seed).score for seed in FIRST]
        return NEWEST if score == float(np.mean(replaced)) else NOTHING
    return (
        f"Score {score:.1f}, and freeze has {frozen:.1f} on these three seeds. Print "
        "play(my_keeper, 'stories', seed=100): which yardstick is low, and since when?"
    )


@lru_cache(maxsize=1)
def _frozen() -> tuple[Play, ...]:
    return tuple(play(by_name("freeze"), "stories", seed) for seed in FIRST)


class _Made:
    """A policy made of two functions, which need not be sensible."""

    def __init__(self, order: Callable[[Any], Any], rows: Callable[[Any, Any, Any], Any]) -> None:
        self._order, self._rows = order, rows

    def order(self, ledger: Any) -> Any:
        """What the first function says."""
        return self._order(ledger)

    def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
        """What the second function says."""
        return self._rows(real, synthetic, rng)


def _edited(real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
    newest = synthetic[-1]
    newest[:] = synthetic[0]
    return newest


def _ten(ledger: Any) -> tuple[int, int]:
    return 200 // ledger.price_real, 0


def _none(ledger: Any) -> tuple[int, int]:
    return 0, 0


keeper.wrong(
    "the newest only", _Made(_none, lambda real, synthetic, rng: synthetic[-1]), hint=NEWEST
)
keeper.wrong("freezes", _Made(_none, lambda real, synthetic, rng: synthetic[0]), hint=FROZEN)
keeper.wrong(
    "keeps two generations and buys nothing",
    _Made(_none, lambda real, synthetic, rng: draw(concat(list(synthetic[-2:])), 300, rng)),
    hint=NOTHING,
)
keeper.wrong(
    "spends all, and orders again",
    _Made(
        lambda ledger: (2000 // ledger.price_real, 0),
        lambda real, synthetic, rng: concat([real, synthetic[0]]),
    ),
    hint=BROKE,
)
keeper.wrong(
    "real alone while it is empty",
    _Made(
        lambda ledger: (0 if ledger.generation == 1 else 10, 0),
        lambda real, synthetic, rng: real,
    ),
    hint=EMPTY,
)
keeper.wrong(
    "a growing pile", _Made(_ten, lambda real, synthetic, rng: concat([real, *synthetic])),
    hint=GROWS,
)  # fmt: skip
keeper.wrong("edits in place", _Made(_ten, _edited), hint=EDITS)

# ---------------------------------------------------------------------- B. the entry

HIDDEN, SEEN = (8, 9, 10, 11), (0, 1)
TOO_GOOD = 6.0  # points by which the seen seeds may be kinder than the hidden ones
ONLY_CHECKS = (
    "You buy checks and never a real row. A filter removes what is wrong. It brings neither what "
    "is missing nor what has changed: look at the yardstick `rare` in stories."
)
DEAR = (
    "You pay for checks in stories, where one costs as much as a real row. A row is right, and it "
    "is news. Let your policy read ledger.price_check beside ledger.price_real."
)
UNREAD = (
    "You order no check in the code world, where a hundred of them cost one real row. Let your "
    "policy read the prices: no recipe is best in all three worlds."
)
FITTED = (
    "On seeds 0 and 1 it is far better than on seeds that it has not seen: you have fitted the "
    "seeds. Try ideas on many seeds from 100 on, and keep what helps on most."
)


@exercise("13-entry", praise="More than every baseline, and more than the noise.")
def entry(answer: Any, rng: np.random.Generator) -> str | None:
    """Four seeds in all worlds, minus each baseline; when it fails, the orders say why."""
    if refused := _refused(answer):
        return refused
    judged = _judged(answer, HIDDEN)
    if void := _void([one for ones in judged.plays.values() for one in ones]):
        return void
    leads = judged.against
    place = int(leads["low"].argmin())
    mean, low, high = leads.to_numpy()[place].tolist()
    if low > 0:
        return Praise(f"Mean {judged.mean:.1f} on four seeds that you had not seen.")
    worst = str(leads.index[place]).replace("_", " ")
    return _why(answer, judged.plays, leads["difference"].min()) or (
        f"Mean {judged.mean:.1f} on four hidden seeds. Seed by seed, minus {worst}: "
        f"{mean:.1f} ({low:.1f} to {high:.1f}). The whole interval must lie above 0."
    )


def _played(policy: Any, world: str, seed: int) -> Play:
    return play(policy, world, seed, sandbox=False)


def _judged(policy: Any, seeds: tuple[int, ...]) -> Judgement:
    """Every play, void or not: `judge` would name the seed of the first void one."""
    plays = {world: tuple(_played(policy, world, seed) for seed in seeds) for world in WORLDS}
    return Judgement("entry", seeds, plays)


def _why(answer: Any, plays: Mapping[str, Sequence[Play]], lead: float) -> str:
    """What orders, and scores on other seeds, say of an entry that fails; may be empty.

    lead: over the best baseline, mean of the hidden seeds.
    """
    bought, checked = (
        {world: sum(getattr(turn, what) for one in ones for turn in one.rounds)
         for world, ones in plays.items()}
        for what in ("bought", "checked")
    )  # fmt: skip
    if any(checked.values()) and not any(bought.values()):
        return ONLY_CHECKS
    if checked["stories"]:
        return DEAR
    if any(bought.values()) and not checked["code"]:
        return UNREAD
    seen = _judged(answer, SEEN).against["difference"].min()
    return FITTED if seen > 0 and seen - lead > TOO_GOOD else ""


class _Memory:
    """Plays as keeper on seeds that it has seen, which it knows by their rows; else as replace."""

    def __init__(self) -> None:
        self._keeper = by_name("keeper")

    def order(self, ledger: Any) -> Any:
        """As keeper orders; nothing more once a seed is a stranger."""
        if ledger.generation == 1:
            self._stranger = False
        return (0, 0) if self._stranger else self._keeper.order(ledger)

    def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
        """What keeper takes, or the newest rows."""
        if len(synthetic) == 1:
            self._stranger = self._trace(synthetic[0]) not in _traces()
        if self._stranger:
            return synthetic[-1]
        return self._keeper.training_set(real, synthetic, rng)

    @staticmethod
    def _trace(rows: Any) -> bytes:
        return repr(rows[:8]).encode()


@lru_cache(maxsize=1)
def _traces() -> frozenset[bytes]:
    """How the rows of the seen seeds begin, where keeper has ordered."""
    found = []

    class Spy:
        def order(self, ledger: Any) -> Any:
            if ledger.generation > 1:
                raise StopIteration  # it has seen enough
            return by_name("keeper").order(ledger)

        def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
            found.append(_Memory._trace(synthetic[0]))
            return synthetic[0]

    for world in WORLDS:
        for seed in SEEN:
            _played(Spy(), world, seed)
    return frozenset(found)


entry.wrong("the mixture's best recipe everywhere", by_name("real_evenly_newest"), hint=UNREAD)
entry.wrong("passed rows only", by_name("passed_only"), hint=ONLY_CHECKS)
entry.wrong("checks where they are dear", by_name("half_and_half_accumulate"), hint=DEAR)
entry.wrong("fitted to the seeds", _Memory(), hint=FITTED)
