"""What lesson 13 says in words: see claims.py. A row quotes the lesson; most read `capstone`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from claims import Claim, Found, between, exactly, recorded, values

from helpers import studies
from helpers.capstone import BASELINES, LEAKY, PURSE, WORLDS, Leaks, Setting, by_name, names, play
from helpers.capstone.worlds import Stories
from helpers.explorers import lesson_13
from helpers.studies import capstone as study
from helpers.studies.paired import effect, holm
from helpers.teaching.scores import LEVEL, chance_to_look_calibrated

EVERY = np.inf
RECIPES = [name for name in names() if name not in ("keeper", "oracle")]


def _minus(world: str, more: str, less: str) -> Found:
    """One strategy above another in a world, seed by seed: the whole interval."""
    gap = lesson_13.scores(world, more) - lesson_13.scores(world, less)
    return between(gap, 0, EVERY, f"{world}: {more} minus {less}")


def _above(*cases: tuple[str, str, str]) -> Callable[[], list[Found]]:
    return lambda: [_minus(*case) for case in cases]


def _adds_guesses_loses_the_rare() -> list[Found]:
    """Accumulate's text is less true than freeze's, and its model knows fewer rare people."""
    found = []
    for metric in ("true", "rare"):
        gap = values("capstone", "stories_freeze", metric) - values(
            "capstone", "stories_accumulate", metric
        )
        found += [between(gap[g], 0, EVERY, f"{metric}, generation {g}") for g in (5, 10)]
    return found


def _at_whatever_pace() -> list[Found]:
    """Own plays on seeds from 100 on: freeze minus accumulate where 1, 10, 30 in 100 move."""
    found = []
    for pace in (0.01, 0.1, 0.3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Stories, "moves", pace)
            gap = [_played("freeze", s) - _played("accumulate", s) for s in range(100, 108)]
        found.append(between(np.array(gap), 0, EVERY, f"freeze minus accumulate, {pace} move"))
    return found


def _played(name: str, seed: int) -> float:
    return play(by_name(name), "stories", seed).score


def _recipe() -> list[Found]:
    found = studies.summary("capstone")
    places = {w: found[f"rank_{w}_at_once_1_1_old"] for w in lesson_13.PLAYED}
    return [
        Found(places["stories"], places["stories"], places["stories"], places["stories"] <= 11,
              "place in stories"),
        Found(places["mixture"], places["mixture"], places["mixture"], places["mixture"] == 45,
              "place in the mixture"),
    ]  # fmt: skip


def _at_once_is_last() -> list[Found]:
    """The last fifteen settings in the mixture buy at once, and lie within two points."""
    table = lesson_13.ranking("mixture")
    last = table[-15:]
    at_once = sum(when == "at once" for when, *_ in last.index)
    apart = float(last["mean"].max() - last["mean"].min())
    return [
        Found(at_once, at_once, at_once, at_once == 15, "buy at once, of the last fifteen"),
        Found(apart, apart, apart, apart < 2, "points between them"),
    ]


def _even_the_last_above_freeze() -> list[Found]:
    """The last fifteen settings in the mixture, minus freeze: the whole interval of each."""
    last = lesson_13.ranking("mixture").index[-15:]
    return [_minus("mixture", Setting(*one).name, "freeze") for one in last]


def _keeper_is_a_setting() -> list[Found]:
    """Outside code the keeper scores as a setting does, to the table's decimals; no check."""
    found = []
    for world, one in (("mixture", Setting("evenly", 2, 3, True)),
                       ("stories", Setting("early", 4, 1, False))):  # fmt: skip
        gap = np.abs(lesson_13.scores(world, "keeper") - lesson_13.scores(world, one.name)).max()
        checks = sum(turn.checked for turn in play(by_name("keeper"), world, 100).rounds)
        found += [Found(gap, gap, gap, gap < 0.01, f"{world}: apart"),
                  Found(checks, checks, checks, checks == 0, f"{world}: checks")]  # fmt: skip
    return found


def _empty_after_four() -> list[Found]:
    """Coins of the keeper in code after generations 3 and 4; three other seeds."""
    found = []
    for seed in (100, 101, 102):
        turns = play(by_name("keeper"), "code", seed, sandbox=False).rounds
        coins = turns[3].coins, turns[4].coins
        found.append(Found(coins[1], coins[1], coins[0], coins[1] == 0 < coins[0], f"seed {seed}"))
    return found


def _health(world: str, name: str) -> pd.DataFrame:
    return values("capstone", f"{world}_{name}", "health")


def _passed_only_at_the_end() -> list[Found]:
    """Passed only minus keeper in code: above zero in generations 9 and 10, and before not."""
    gap = _health("code", "passed_only") - _health("code", "keeper")
    found = [Found(*effect(gap[g])[:3], False, f"generation {g}") for g in gap]
    return [replace(one, holds=(one.side == "above") == (g in (9, 10)))
            for one, g in zip(found, gap, strict=True)]  # fmt: skip


def _alive() -> list[Found]:
    """Plays in which a generation has health 0, of sixteen: none of keeper, some of two others."""
    cases = [("keeper", world, 0, 0) for world in WORLDS]
    cases += [(name, "mixture", 1, 16) for name in ("replace", "freeze")]
    found = []
    for name, world, least, most in cases:
        dead = int((_health(world, name) <= 0).any(axis=1).sum())
        found.append(Found(dead, dead, dead, least <= dead <= most, f"{name}, {world}"))
    return found


def _in_the_range() -> list[Found]:
    """The chance of the calibrated to hit within the range, as many intervals as the cell has."""
    found = []
    for n in (8, 20, 45):
        share = chance_to_look_calibrated(n, LEVEL)
        found.append(Found(share, share, share, 0.95 <= share <= 1, f"{n} intervals"))
    return found


def _few_rows() -> list[Found]:
    """Rows that passed-only is fitted to in stories, and freeze; three other seeds."""
    found = []
    for name, least, most in (("passed_only", 1, 99), ("freeze", 300, 300)):
        for seed in (100, 101, 102):
            rows = [turn.rows for turn in play(by_name(name), "stories", seed).rounds[-5:]]
            holds = least <= min(rows) <= max(rows) <= most
            found.append(Found(max(rows), min(rows), max(rows), holds, f"{name}, seed {seed}"))
    return found


def _spent() -> list[Found]:
    """Coins that are spent in each world, one other seed."""
    found = []
    for name, world in product(("keeper", *BASELINES), WORLDS):
        least, most = (0, 0) if name in lesson_13.FREE else (PURSE / 2, PURSE)
        spent = PURSE - play(by_name(name), world, 100, sandbox=False).rounds[-1].coins
        found.append(Found(spent, spent, spent, least <= spent <= most, f"{name}, {world}"))
    return found


def _first_models() -> list[Found]:
    """Health of generation 0: good in two worlds, low in code; three other seeds."""
    found = []
    for world, low, high in (("mixture", 0.7, 1), ("stories", 0.7, 1), ("code", 0, 0.3)):
        health = [
            play(by_name("freeze"), world, seed, sandbox=False).rounds[0].health
            for seed in (100, 101, 102)
        ]
        found.append(between(pd.Series(health), low, high, world))
    return found


def _best_in_both() -> float:
    """How many settings are among the best six in both worlds."""
    first, second = (set(lesson_13.ranking(world).index[:6]) for world in lesson_13.PLAYED)
    return len(first & second)


def _ahead_of_every_recipe() -> list[Found]:
    """The keeper minus each recipe, mean of the worlds; corrected by Holm for being many."""
    effects = {name: effect(lesson_13.lead("keeper", name)) for name in RECIPES}
    corrected = holm(np.array([one[3] for one in effects.values()]))
    assert len(RECIPES) == 16
    return [
        Found(mean, low, high, low > 0 and p < 0.05, name)
        for (name, (mean, low, high, _)), p in zip(effects.items(), corrected, strict=True)
    ]


def _of_all_settings(world: str) -> dict[str, tuple[float, float, float, float]]:
    """Each setting minus the keeper: mean, low, high, and p by Holm for being one of 45.

    A setting that plays as the keeper does, to the four decimals of the table, is no rival.
    """
    keeper = lesson_13.scores(world, "keeper")
    gaps = {one.name: lesson_13.scores(world, one.name) - keeper for one in study.cells()}
    effects = {name: effect(gap) for name, gap in gaps.items() if np.abs(gap).max() > 0.01}
    assert len(effects) == len(study.cells()) - 1
    corrected = holm(np.array([one[3] for one in effects.values()]))
    return {name: (*one[:3], p) for (name, one), p in zip(effects.items(), corrected, strict=True)}


def _one_of_45() -> list[Found]:
    """Picked after the plays: one lead survives the correction, the other does not."""
    found = []
    for world, name, stands in (("mixture", "evenly_4_1_newest", True),
                                ("stories", "at_once_2_1_old", False)):  # fmt: skip
        every = _of_all_settings(world)
        assert max(every, key=lambda one, of=every: of[one][0]) == name
        mean, low, high, p = every[name]
        found.append(Found(mean, low, high, (low > 0 and p < 0.05) == stands, f"{world}: {name}"))
    return found


def _not_seen_again() -> Found:
    """Own plays on sixteen seeds that nobody had played: its interval holds 0."""
    best = Setting("at once", 2, 1, False)
    gap = [play(best, "stories", s).score - _played("keeper", s) for s in range(200, 216)]
    mean, low, high, _ = effect(np.array(gap))
    return Found(mean, low, high, low < 0 < high, "setting minus keeper")


def _ties_of_the_keeper() -> list[Found]:
    """The keeper is above each recipe in each world, but for two in the mixture."""
    found = []
    for world, name in product(WORLDS, RECIPES):
        one = _minus(world, "keeper", name)
        tie = world == "mixture" and name in ("real_evenly_newest", "real_evenly_alone")
        found.append(replace(one, holds=one.side == ("around" if tie else "above")))
    return found


def _what_when_and_which() -> list[Found]:
    """In each world: what is bought, when, and which rows are kept, one thing changed at a time."""
    pairs = (("real_evenly_accumulate", "checks_accumulate"),
             ("real_at_once_accumulate", "real_at_last_accumulate"),
             ("accumulate", "replace"))  # fmt: skip
    found = [_minus(world, *pair) for world, pair in product(WORLDS, pairs)]
    return [replace(one, holds=one.side != "around") for one in found]


def _far_behind() -> list[Found]:
    """The oracle is at least five points above the keeper in each world."""
    found = []
    for world in WORLDS:
        gap = lesson_13.scores(world, "oracle") - lesson_13.scores(world, "keeper")
        found.append(between(gap, 5, EVERY, world))
    return found


def _no_recipe_is_best_everywhere() -> list[Found]:
    """For each recipe there is another that is above it in some world, whole interval."""
    found = []
    for name in RECIPES:
        others = [_minus(w, other, name) for w, other in product(WORLDS, RECIPES) if other != name]
        found.append(max(others, key=lambda one: one.low))
    return found


def _leak(kind: str, name: str = "keeper") -> np.ndarray:
    found = lesson_13.leaks_of(name)
    return found[kind] - found["never err"]


def _within_five() -> list[Found]:
    found = []
    for world in ("mixture", "stories"):
        gap = lesson_13.scores(world, "checks_newest") - lesson_13.scores(world, "replace")
        found.append(between(gap, -5, 5, world))
    return found


def _kinds_lose_alike() -> Found:
    """Of lost right rows, by kind minus by lot: the interval holds 0."""
    gap = _leak("right rows lost, by kind") - _leak("right rows lost, by lot")
    mean, low, high, _ = effect(gap)
    return Found(mean, low, high, low < 0 < high, "points, by kind minus by lot")


def _kinds_cost_less() -> Found:
    """By lot minus by kind, of what wrong rows cost keeper: the rule said the other sign."""
    gap = _leak("wrong rows kept, by kind") - _leak("wrong rows kept, by lot")
    assert studies.summary("capstone")["rule_10_always_the_same"] == 0
    return between(gap, 0, EVERY, "points that kinds cost less")


def _mostly_wrong_at_first() -> Found:
    """Share of right programs that generation 0 writes in the code world, three other seeds."""
    share = [
        play(by_name("freeze"), "code", seed, sandbox=False).rounds[0].yardsticks["right"]
        for seed in (100, 101, 102)
    ]
    return between(pd.Series(share), 0, 0.5, "right in generation 0")


def _leaks_are_those() -> list[Found]:
    rows = [(Leaks(0.3, 0.1) == LEAKY, "level 3"),
            (study.SETTINGS["equal_rate"] == 0.2, "equal rates")]  # fmt: skip
    return [Found(1, 1, 1, holds, of) for holds, of in rows]


STUDY = recorded("capstone")
CLAIMS = [
    Claim("13", "Doing nothing wins.", STUDY,
          _above(("stories", "freeze", "accumulate"), ("stories", "accumulate", "replace"))),
    Claim("13", "What it adds is guesses, and what it loses is the rare.", STUDY,
          _adds_guesses_loses_the_rare),
    Claim("13", "No: both go stale alike, at whatever pace", "own plays, three paces, eight "
          "seeds", _at_whatever_pace),
    Claim("13", "That makes 45 settings", "exact", exactly(lambda: len(study.cells()), 45, 45)),
    Claim("13", "A recipe that is good in one world may be among the worst in the next", STUDY,
          _recipe),
    Claim("13", "The fifteen settings that buy at once are the last fifteen there. They lie within "
          "two points", STUDY, _at_once_is_last),
    Claim("13", "Even these are above freeze there", STUDY, _even_the_last_above_freeze),
    Claim("13", "In two worlds keeper is a setting of level 1 and buys no check", STUDY,
          _keeper_is_a_setting),
    Claim("13", "In code keeper's purse is empty after generation 4", "own plays, three seeds",
          _empty_after_four),
    Claim("13", "in the last two generations passed only is healthier", STUDY,
          _passed_only_at_the_end),
    Claim("13", "It kept its models alive, in every world and seed; in the mixture neither replace "
          "nor freeze did", STUDY, _alive),
    Claim("13", "At least nineteen in twenty calibrated people fall into such a range", "exact",
          _in_the_range),
    Claim("13", "In the mixture, which moves too, the two score alike.", STUDY,
          lambda: between(lesson_13.scores("mixture", "freeze")
                          - lesson_13.scores("mixture", "accumulate"), -2, 2, "freeze, mixture")),
    Claim("13", "in the last five generations the model learns from fewer than a hundred rows, "
          "where freeze has three hundred", "own plays, three seeds", _few_rows),
    Claim("13", "only in code are the checks ahead", STUDY,
          _above(("mixture", "real_evenly_newest", "checks_newest"),
                 ("stories", "real_evenly_newest", "checks_newest"),
                 ("code", "checks_newest", "real_evenly_newest"))),
    Claim("13", "one setting is among the best six in both worlds", STUDY,
          exactly(_best_in_both, 1, 1)),
    Claim("13", "A check helps where the model can guess a hundred times for the price of one "
          "real row", STUDY,
          _above(("mixture", "freeze", "passed_only"), ("stories", "freeze", "passed_only"),
                 ("code", "passed_only", "freeze"))),
    Claim("13", "it keeps three wrong rows of ten, and loses one right row of ten",
          "settings", _leaks_are_those),
    Claim("13", "Checks with the newest rows are less than five points from replace in the first "
          "two worlds", STUDY, _within_five),
    Claim("13", "We had expected that wrong rows kept by kind cost more than by lot", STUDY,
          _kinds_cost_less),
    Claim("13", "For right rows that are lost, no difference is seen", STUDY, _kinds_lose_alike),
    Claim("13", "then, where freezing has", STUDY,
          lambda: between(lesson_13.leaks_of("keeper")["level 3"]
                          - lesson_13.scores("code", "freeze"), 0, EVERY, "leaky keeper")),
    Claim("13", "Keeper is not the best that there is, either", STUDY,
          _above(("mixture", "evenly_4_1_newest", "keeper"),
                 ("stories", "at_once_2_1_old", "keeper"))),
    Claim("13", "Corrected for being the best of 45, the lead in the mixture stands. The lead in "
          "stories does not", STUDY, _one_of_45),
    Claim("13", "on sixteen other seeds it was not seen again", "own plays, sixteen seeds",
          _not_seen_again),
    Claim("13", "it is not the best: in the mixture a setting of level 1 is ahead of it", STUDY,
          lambda: _one_of_45()[0]),
    Claim("13", "In the mixture alone two recipes, real evenly newest and real evenly alone, are "
        "not told apart from keeper", STUDY,
          _ties_of_the_keeper),
    Claim("13", "What to buy, when to buy it, and which old rows to keep matter in all three "
          "worlds", STUDY, _what_when_and_which),
    Claim("13", "Keeper, half and half and random spend most of their purse or all, the other "
          "three nothing", "own plays, one seed a world", _spent),
    Claim("13", "In the mixture and in stories the first model is good, in code it knows little",
          "own plays, three seeds", _first_models),
    Claim("13", "Wrong rows that are kept. Keeper has", STUDY,
          lambda: between(_leak("right rows lost, by lot") - _leak("wrong rows kept, by lot"),
                          2, EVERY, "points")),
    Claim("13", "at first most of what this model writes is wrong", "own plays, three seeds",
          _mostly_wrong_at_first),
    Claim("13", "in the mean of the three worlds, ahead of all sixteen recipes by more than the "
          "noise between seeds", STUDY, _ahead_of_every_recipe),
    Claim("13", "It is far behind the oracle", STUDY, _far_behind),
    Claim("13", "no recipe is best in all of them", STUDY, _no_recipe_is_best_everywhere),
    Claim("13", "keeper, against the five baselines", "exact",
          exactly(lambda: len(BASELINES), 5, 5)),
]  # fmt: skip
