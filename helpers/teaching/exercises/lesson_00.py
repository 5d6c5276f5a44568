"""Lesson 00, the fading quilt: judges and named wrong answers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from helpers.teaching.exercises import Praise, array, exercise, number, read_only

# ---------------------------------------------------------------------- A. survivors

TILES = "That counts tiles; two tiles of one colour are one survivor."
LABEL = "That is the largest label, not how many different labels there are."
UNSEEN = "A colour that no tile of this row has did not survive it."


@exercise("00-survivors", praise="A set forgets how often; that is what is asked here.")
def survivors(answer: Any, rng: np.random.Generator) -> str | None:
    """Count on a row of six tiles in three colours, then on random rows."""
    row = read_only([4, 4, 7, 7, 7, 2])
    got = number(answer(row), "Your count")
    named = {6: TILES, 7: LABEL, 12: UNSEEN}
    if got in named:
        return named[int(got)]
    if got != 3:
        return f"The row 4 4 7 7 7 2 holds 3 different colours; you found {got:g}."
    for _ in range(5):
        row = read_only(rng.integers(12, size=40))
        right = len(set(row.tolist()))
        if number(answer(row), "Your count") != right:
            return f"Right on a short row, but one of 40 tiles holds {right} colours."
    return None


survivors.wrong("counts tiles", len, hint=TILES)
survivors.wrong("largest label", max, hint=LABEL)
survivors.wrong("counts colours that could have been there", lambda row: 12, hint=UNSEEN)

# ---------------------------------------------------------------------- B. fresh tiles

KINDS, TILES_A_ROW, ROWS, QUILTS = 12, 40, 60, 60
GOAL, MOST_ADDED = 8, 8

NEWEST = (
    "These tiles come from the row itself: what it has lost they cannot bring back. "
    "Ask real_source for new ones."
)
SAME = (
    "You add the same tiles in every generation: real once, but not fresh. They keep their own "
    "colours alive and no others."
)
INVENTED = (
    "You wrote the colours down instead of drawing real tiles: nobody who collects data knows "
    "the answer beforehand."
)
CHOSEN = (
    "Some of your tiles were not drawn from real_source in that generation: you chose their "
    "colours, and real data come as they are."
)
MANY = f"That keeps the quilt alive by drowning it: at most {MOST_ADDED} added tiles a generation."
THROWN_AWAY = (
    "You draw many real tiles and keep those that suit you. Those that you throw away were "
    f"collected too, so they count: at most {MOST_ADDED} a generation."
)
FEWEST = 4  # fresh tiles a generation that keep eight colours: 8.04 over 4,000 quilts, three 7.39


@exercise(
    "00-fresh-tiles",
    praise="A little fresh data each generation, and nothing dies out for good.",
)
def fresh_tiles(answer: Any, rng: np.random.Generator) -> str | None:
    """Play sixty quilts of sixty rows with the learner's tiles, then look at what they did."""
    left: list[int] = []
    drawn: list[int] = []  # in the present round
    all_rounds: set[tuple[int, ...]] = set()
    added, total, from_row, chosen = 0, 0, True, False

    def source(n: int, rng: np.random.Generator) -> np.ndarray:
        tiles = rng.integers(KINDS, size=n)
        drawn.extend(np.ravel(tiles).tolist())
        return tiles

    for _ in range(QUILTS):
        row = rng.integers(KINDS, size=TILES_A_ROW)
        for _ in range(ROWS):
            drawn.clear()
            tiles = array(answer(source, read_only(row), rng), "Your tiles").astype(int)
            if tiles.ndim != 1 or (tiles.size and not 0 <= tiles.min() <= tiles.max() < KINDS):
                return f"Your tiles must be a plain array of colours from 0 to {KINDS - 1}."
            mine, there = Counter(tiles.tolist()), Counter(row.tolist())
            added, total = added + tiles.size, total + len(drawn)
            from_row = from_row and not drawn and mine.keys() <= there.keys()
            chosen = chosen or bool(mine - Counter(drawn) - there)
            all_rounds.add(tuple(tiles.tolist()))
            row = rng.choice(np.concatenate([row, tiles]), size=TILES_A_ROW)
        left.append(len(set(row.tolist())))
    average, a_round, cost = np.mean(left), added / (QUILTS * ROWS), total / (QUILTS * ROWS)
    paid = max(a_round, cost)  # tiles that were drawn and thrown away were collected, too
    if added == 0:
        return f"You add nothing, and {average:.1f} colours are left on average."
    if from_row:
        return NEWEST
    if len(all_rounds) == 1:
        return SAME if total else INVENTED
    if chosen:
        return CHOSEN
    if paid > MOST_ADDED:
        return MANY if a_round > MOST_ADDED else THROWN_AWAY
    if average < GOAL:
        return f"With {paid:.1f} tiles a generation {average:.1f} colours are left: a few more."
    return Praise(_named(paid, float(average)))


def _named(a_round: float, average: float) -> str:
    said = f"With {a_round:.3g} fresh tiles a generation {average:.1f} colours are left on average"
    return f"{said}, and {FEWEST} are enough." if a_round > FEWEST else f"{said}: the fewest."


fresh_tiles.wrong("draws from the newest row", lambda s, row, rng: rng.choice(row, 6), hint=NEWEST)
fresh_tiles.wrong(
    "the same real tiles in every generation",
    lambda s, row, rng: s(6, np.random.default_rng(0)),
    hint=SAME,
)
fresh_tiles.wrong("invents the colours", lambda s, row, rng: np.arange(12), hint=INVENTED)
fresh_tiles.wrong(
    "picks the colours that are missing",
    lambda s, row, rng: np.setdiff1d(np.arange(12), row),
    hint=CHOSEN,
)
fresh_tiles.wrong(
    "draws many and keeps the missing ones",
    lambda s, row, rng: np.setdiff1d(s(40, rng), row),
    hint=THROWN_AWAY,
)
fresh_tiles.wrong("replaces nearly everything", lambda s, row, rng: s(40, rng), hint=MANY)
