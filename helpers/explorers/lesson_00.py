"""The fading quilt of lesson 00: `quilt_picture`, a plain function, and sliders over it."""

from __future__ import annotations

import numpy as np

from helpers import policies
from helpers._arguments import one_of, positive_int
from helpers.explorers.controls import Explorer, choice, explore, whole
from helpers.loop import Policy, iterate
from helpers.models import Discrete
from helpers.plots import Picture, quilt

KEPT = (policies.Replace(), policies.Accumulate())
QUILT_POLICIES = (*(policy.label for policy in KEPT), "fresh, one in ten")  # as a reader sees them


def quilt_picture(
    kinds: int = 12,
    tiles: int = 40,
    generations: int = 60,
    policy: str = "replace",
    seed: int = 0,
) -> Picture:
    """The fading quilt: row 0 is real, each later row is drawn from a count of what came before.

    "fresh, one in ten": one new real tile joins the count for every ten drawn ones.
    """
    positive_int("kinds", kinds, minimum=2)
    positive_int("tiles", tiles)
    positive_int("generations", generations)
    one_of("policy", policy, QUILT_POLICIES)

    def source(n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(kinds, size=n)

    fresh = policies.FreshReal(source, max(1, round(tiles / 10)))
    known: dict[str, Policy] = {p.label: p for p in KEPT} | {QUILT_POLICIES[-1]: fresh}
    real = source(tiles, np.random.default_rng([seed, 0, 1]))
    loop = iterate(Discrete(kinds), real, policy=known[policy], seed=seed)
    rows = [real] + [next(loop).produced for _ in range(generations)]
    title = f"{policy}: {kinds} colours, {tiles} tiles a row"
    return quilt(np.array(rows), kinds=kinds, title=title, axis="row")


def quilt_explorer() -> Explorer:
    """Sliders over `quilt_picture`."""
    return explore(
        quilt_picture,
        kinds=whole("colours", 2, 40, 12),
        tiles=whole("tiles a row", 10, 200, 40, step=10),
        generations=whole("generations", 5, 100, 60, step=5),
        policy=choice("policy", QUILT_POLICIES),
    )
