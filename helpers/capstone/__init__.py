"""The capstone's game: a purse of coins, ten generations, a model to keep alive.

worlds, code: what there is to learn and how it changes. arena: the rules of the game, one play of
it. referee: how a policy is asked, and what is refused. strategies: the recipes to compare with.
Entries are judged, and put on a leaderboard, in `helpers.teaching.entries`.
"""

from helpers.capstone.arena import (
    PURSE,
    ROUNDS,
    WORLDS,
    Ledger,
    Play,
    Round,
    explain,
    known_right,
    play,
)
from helpers.capstone.code import Row
from helpers.capstone.strategies import BASELINES, Keeper, Setting, by_name, names
from helpers.capstone.worlds import LEAKY, Leaks

__all__ = [
    "BASELINES",
    "LEAKY",
    "PURSE",
    "ROUNDS",
    "WORLDS",
    "Keeper",
    "Leaks",
    "Ledger",
    "Play",
    "Round",
    "Row",
    "Setting",
    "by_name",
    "explain",
    "known_right",
    "names",
    "play",
]
