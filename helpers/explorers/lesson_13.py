"""Lesson 13: the recorded study `capstone`, read as scores, ranks and figures; and four settings.

`setting_picture` shows one of the settings of level 1 beside the strategies that cost nothing;
`setting_explorer` puts controls in front of it. Nothing is played here, all of it was recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from helpers._arguments import one_of
from helpers.capstone import BASELINES, WORLDS, Setting
from helpers.capstone.strategies import OLD, WEIGHTS, WHEN
from helpers.explorers.controls import Explorer, choice, one_at_first, switch
from helpers.plots import Picture, band, contrasts
from helpers.policies import Accumulate, Replace
from helpers.studies import capstone as study
from helpers.studies.paired import effect

FREE = (Replace().name, Accumulate().name, "freeze")  # what costs nothing
PLAYED = ("stories", "mixture")  # the worlds in which all settings of level 1 were played
LEAKS = {  # arms of the study -> what a reader calls them
    "never err": "code_{}",
    "level 3": "leak_{}_level_3",
    "wrong rows kept, by lot": "leak_{}_keeps",
    "right rows lost, by lot": "leak_{}_drops",
    "wrong rows kept, by kind": "leak_{}_keeps_kind",
    "right rows lost, by kind": "leak_{}_drops_kind",
}


@cache
def _scores() -> pd.DataFrame:
    """Recorded scores: a row a seed, a column an arm."""
    return study.by_arm(study.recorded())


def scores(world: str, name: str) -> np.ndarray:
    """Recorded scores of a strategy or a setting in a world, one a seed, in order of seeds.

    ValueError for what was not played.
    """
    one_of("world", world, tuple(WORLDS))
    before = (f"{world}_", f"cell_{world}_")
    known = {str(arm).removeprefix(head): arm for head in before for arm in _scores()
             if str(arm).startswith(head)}  # fmt: skip
    return _scores()[known[one_of("name", name, tuple(known))]].to_numpy(copy=True)


def score_table(*names: str) -> pd.DataFrame:
    """Mean recorded score of strategies: a row each, a column a world, and their mean."""
    rows = {
        name.replace("_", " "): [round(float(scores(world, name).mean()), 1) for world in WORLDS]
        for name in names
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(WORLDS))
    return table.assign(mean=table.mean(axis=1).round(1))


def health_picture(world: str, *names: str) -> Picture:
    """Health over the generations of strategies in a world, in the bands of the recorded seeds."""
    arms = {f"{one_of('world', world, tuple(WORLDS))}_{name}": name.replace("_", " ")
            for name in names}  # fmt: skip
    table = study.recorded().query("metric == 'health' and arm in @arms")
    return band(table.assign(arm=table["arm"].map(arms)), "health", centre="mean",
                ylabel=f"health in {world}")  # fmt: skip


# ---------------------------------------------------------------------- level 1: four settings

Choice = tuple[str, int, int, bool]  # when, weight, old, newest


def settings() -> list[Choice]:
    """All settings of level 1, in order."""
    return sorted((one.when, one.weight, one.old, one.newest) for one in study.cells())


@cache
def ranking(world: str) -> pd.DataFrame:
    """All settings of level 1 in a world, best first: mean, low, high (95 %, t) over seeds.

    The index holds (when, weight, old, newest).
    """
    one_of("world", world, PLAYED)
    rows = {one: effect(scores(world, Setting(*one).name))[:3] for one in settings()}
    table = pd.DataFrame(list(rows.values()), columns=["mean", "low", "high"])
    table.index = pd.Index(list(rows), tupleize_cols=False)
    return table.sort_values("mean", ascending=False, kind="stable")


def setting_picture(
    when: str = "evenly",
    weight: int = 1,
    old: int = 1,
    newest: bool = True,
    world: str = "stories",
) -> Picture:
    """One setting of level 1 in a world, beside the strategies that cost nothing.

    Dots are means over the recorded seeds with their 95 % intervals. With neither old nor newest
    text the title says that there is no such setting. ValueError for other settings that are none.
    """
    one_of("world", world, PLAYED)
    rows = [(name, *effect(scores(world, name))[:3]) for name in FREE]
    if old or newest:
        mine = Setting(when, weight, old, newest)
        text = [f"{old} old" if old else "", "newest" if newest else ""]
        label = f"{when}, weight {weight}, {' and '.join(filter(None, text))}"
        rows.append((label, *effect(scores(world, mine.name))[:3]))
        place = ranking(world).index.tolist().index((when, weight, old, newest)) + 1
        title = f"Number {place} of {len(settings())} in {world}"
    else:
        Setting(when, weight, 1, newest)  # what else is wrong is said first
        title = f"Not played: {when}, weight {weight}, without old or newest text. Too few rows"
    frame = pd.DataFrame(rows, columns=["label", "value", "low", "high"])
    picture = contrasts(frame, reference=None, xlabel=f"score in {world}", title=title)
    return picture if old or newest else replace(picture, alt=f"{title}. {picture.alt}")


def setting_explorer() -> Explorer:
    """Controls over `setting_picture`: the weight at first, the others behind a switch."""
    return one_at_first(
        setting_picture,
        weight=choice("weight", WEIGHTS, 1),
        when=choice("when", tuple(WHEN), "evenly"),
        old=choice("old generations", OLD, 1),
        newest=switch("newest text", True),
        world=choice("world", PLAYED),
    )


# ---------------------------------------------------------------------- paired differences


def lead(name: str, over: str) -> np.ndarray:
    """A strategy minus another, seed by seed, in the mean of all worlds."""
    return np.mean([scores(world, name) - scores(world, over) for world in WORLDS], axis=0)


def lead_picture(name: str = "keeper", over: Sequence[str] = BASELINES) -> Picture:
    """A strategy minus others, seed by seed: means over seeds with their 95 % intervals."""
    rows = [(other.replace("_", " "), *effect(lead(name, other))[:3]) for other in over]
    frame = pd.DataFrame(rows, columns=["label", "value", "low", "high"])
    return contrasts(frame, xlabel=f"points of {name} above each, mean of three worlds")


def leaks_of(name: str = "keeper") -> dict[str, np.ndarray]:
    """Recorded scores in the code world, one a seed, by how the checks err: a key of `LEAKS`."""
    return {said: _scores()[arm.format(name)].to_numpy() for said, arm in LEAKS.items()}


def leak_picture(name: str = "keeper") -> Picture:
    """What each kind of leak costs a strategy in the code world, seed by seed."""
    found = leaks_of(name)
    right = found.pop("never err")
    rows = [(said, *effect(own - right)[:3]) for said, own in found.items()]
    frame = pd.DataFrame(rows, columns=["label", "value", "low", "high"])
    return contrasts(frame, xlabel=f"points of {name}, against checks that never err")
