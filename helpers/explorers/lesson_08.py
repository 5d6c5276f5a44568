"""Lesson 08: one recorded run under eight definitions, and all of them, as thresholds move.

`ruler_picture` is a plain function, `ruler_explorer` puts sliders in front of it; `boxes` are the
computed rows of the runs that earlier lessons asked a verdict on; PAPERS are two formulas. Nothing
is retrained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from functools import cache

import numpy as np
import pandas as pd

from helpers import theory
from helpers._arguments import one_of, positive_int
from helpers.explorers.controls import Explorer, choice, explore
from helpers.metrics.definitions import NAMES
from helpers.metrics.readings import CENTRES, SIDE, Reading, Thresholds, verdict_of
from helpers.plots import Picture, contrasts, short
from helpers.studies import judged

SHOWN = (
    *(f"GPT, {judged.gpt_label(arm)}" for arm in judged.GPT_ARMS),
    "Gaussian n = 100, replace, divisor n",
    "regression, accumulate",
    "diffusion, replace cool",
    "two humps, replace, width neutral",
    "VAE, replace",
    "Zipf, a tenth fresh",
)
# Two ends of each threshold, as far as somebody may want to move it.
ENDS = {
    "catastrophic risk": (("ignorance", 1.0), ("ignorance", 0.1)),
    "any risk increase": (("rise", 0.0), ("rise", 4.0)),
    "diverging risk": (("doubling", 0.5), ("doubling", 1.0)),
    "scaling law change": (("slope", 0.05), ("slope", 0.2)),
    "collapsing variance": (("variance", 0.05), ("variance", 0.9)),
    "lost modes": (("modes", 0.05), ("modes", 0.9)),
    "lost tail": (("tail", 0.05), ("tail", 0.9)),
    "hallucination": (("invented", 0.0), ("invented", 0.5)),
}
# The runs of the learner's matrix, by their names there, and what was recorded of them: the budget
# that their lesson shows, up to the generation that it shows.
BOXES = {
    "quilt, replace": "quilt, replace",
    "quilt, accumulate": "quilt, accumulate",
    "Gaussian, replace": "Gaussian n = 10, replace, divisor n - 1",
    "words, replace": "words, replace",
    "VAE on digits, replace": "VAE, replace",
    "regression, replace": "regression, replace",
    "regression, accumulate": "regression, accumulate",
    "regression, subsample": "regression, subsample",
    "GPT at T = 1, replace": "GPT, replace, 400 steps",
    "GPT at T = 1, accumulate": "GPT, accumulate, steps by rows",
    # Lesson 05 shows 400 steps; its run gets the same eight verdicts (a test).
    "GPT at T = 0.8, replace": "GPT, replace, 200 steps, T = 0.8",
}
# Errors by the number of rows, ten inputs and noise 1, of two papers that seem to contradict.
PAPERS: dict[str, Callable[[int], float]] = {
    "all rows clean": lambda n: theory.strong_collapse_error(10, n, 1, 0, 1),
    "one in 100 is wrong": lambda n: theory.strong_collapse_error(10, n, 1, 0.01, 1),
    "100 fits, all kept": lambda n: theory.regression_error_accumulate(10, n, 100),
}
UNTIL = {"words, replace": 0.5}  # fifty generations of a hundred; all others to their end


def ruler_picture(
    run: str = SHOWN[0],
    tail: float = 0.5,
    rise: float = 0,
    modes: float = 0.5,
    variance: float = 0.5,
    invented: float = 0.05,
    ignorance: float = 100,
    centre: str = "usual",
) -> Picture:
    """What each definition says of `run`, with its number, and its share of yes over all runs.

    tail, modes, variance: share left below which it says yes. rise: per cent of the first risk; a
    run whose first risk is not above 0 is not measured at a rise above 0.
    invented: more of it than this. ignorance: per cent of the risk of knowing nothing. centre: over
    seeds.
    """
    one_of("run", run, tuple(judged.RUNS))
    one_of("centre", centre, CENTRES)
    limits = Thresholds(
        ignorance=ignorance / 100, rise=rise / 100, variance=variance, modes=modes, tail=tail,
        invented=invented,
    )  # fmt: skip
    cells = _numbers(centre)
    rows, fired, measured = [], 0, 0
    for place, name in enumerate(NAMES):
        said = _says(run, name, cells[run][name], limits, centre)
        fired += said == "yes"
        measured += said != "not measured"
        answer = (
            f"{said} ({short(cells[run][name].number, 2)})" if said != "not measured" else "empty"
        )
        others = [Thresholds(**{field: end}) for field, end in ENDS[name]]
        share, *ends = (_share(name, cells, each, centre) for each in (limits, *others))
        rows.append((f"{place + 1} {name}: {answer}", share, min(*ends, share),
                     max(*ends, share)))  # fmt: skip
    table = pd.DataFrame(rows, columns=["label", "value", "low", "high"])
    return contrasts(
        table,
        reference=None,
        title=f"{run}: {fired} yes of {measured} judged",
        xlabel="share of the judged runs that say yes",
        interval="range over other thresholds",
    )


def size_slope(error: Callable[[int], float], top: int) -> float:
    """Slope of the log of an error on the log of the rows, from 1,000 to `top`: definition 4."""
    top = positive_int("top", top, minimum=2000)
    sizes = np.geomspace(1000, top, 9).round().astype(int)
    errors = [error(n) for n in sizes.tolist()]
    return float(np.polyfit(np.log(sizes), np.log(errors), 1)[0])


def ruler_explorer() -> Explorer:
    """Sliders over `ruler_picture`: the run and one threshold first."""
    shares = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    return explore(
        ruler_picture,
        run=choice("run", SHOWN, SHOWN[0]),
        tail=choice("7: tail left", shares, 0.5),
        rise=choice("2: rise, %", (0, 10, 25, 50, 100, 140, 200, 300, 400), 0),
        modes=choice("6: modes left", shares, 0.5),
        variance=choice("5: variance left", shares, 0.5),
        invented=choice("8: invented", (0, 0.05, 0.1, 0.2, 0.3, 0.5), 0.05),
        ignorance=choice("1: ignorance, %", (10, 25, 50, 75, 100), 100),
        centre=choice("centre", CENTRES, "usual"),
    )


def boxes() -> dict[str, dict[str, Reading]]:
    """The computed rows of the runs that earlier lessons asked a verdict on, by names there."""
    return {
        asked: judged.readings_of(name, until=UNTIL.get(asked, 1.0))
        for asked, name in BOXES.items()
    }


@cache
def _numbers(centre: str) -> dict[str, dict[str, Reading]]:
    """All runs, without intervals: a slider must be quick."""
    return {name: judged.readings_of(name, centre=centre, resamples=1) for name in judged.RUNS}


def _share(
    name: str, cells: dict[str, dict[str, Reading]], limits: Thresholds, centre: str
) -> float:
    """Share of yes among the runs that definition `name` judges."""
    said = [_says(run, name, row[name], limits, centre) for run, row in cells.items()]
    measured = [one for one in said if one != "not measured"]
    return measured.count("yes") / len(measured) if measured else 0.0


def _says(run: str, name: str, one: Reading, limits: Thresholds, centre: str) -> str:
    """Yes, no or not measured at these thresholds, the rise in shares of the run's first risk."""
    limit = dict(zip(NAMES, astuple(limits), strict=True))[name]
    if name == "any risk increase" and limit > 0 and one.verdict != "not measured":
        first = judged.first_risk(run, centre)
        if first <= 0:  # no share of it can be taken
            return "not measured"
        limit *= first
    return verdict_of(one.number, one.number, one.number, SIDE[name], limit)
