"""What the recorded tables lack for the eight definitions, and what the eight say of all runs.

No new kind of run: the runs of `kde` and `discrete`, seed by seed the same, with a risk beside
their other numbers. Arms and generations are theirs.

    surprise         of the kernel density at 500 real points that no model sees, nats a point
    total_variation  half the sum of |fitted share - real share| over colours or words

The summary counts, over the seventy runs of `helpers.studies.judged`, what each definition says at
the usual thresholds (`helpers.metrics.Thresholds`), by the number alone and with its interval.

Rules, written before any cell was counted and committed before seeds 0 to 19 ran (development on
seeds 100 and up); 1 holds, 0 does not. The other tables were on record, so only the cells of the
two new series are blind; nothing was changed after the rules were read on seeds 100 and 101:

1. far apart: the largest share of yes among the judged runs of a definition is at least five times
   the smallest, over definitions that judge twenty runs or more.
2. never all: no run of three or more judged cells has a yes in all of them.
3. a coin: of the fourteen runs of which theory knows whether the risk grows without bound, the
   number alone is right in eleven at most.
4. mostly silent: with the interval, definition 3 says "cannot tell" of half of these or more.
5. one word, two fates: GPT replace and accumulate at 400 steps and T = 1 have the same letters
   wherever both are judged. (Of the 200 steps this was known before.)
6. budget: accumulate has fewer yes with steps by its rows than at 200 steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import theory
from helpers.loop import run_loop
from helpers.metrics.definitions import NAMES
from helpers.metrics.readings import Reading
from helpers.models import KernelDensity
from helpers.studies import discrete, judged, kde

ARMS = [run.arm for run in judged.RUNS.values() if run.study == "kde"]
SEEDS = range(20)
SETTINGS: dict[str, Any] = {"test_points": 500, "runs": 70}


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """The risks for one seed: columns arm, generation, metric, value."""
    frames = [_kde(arm, seed, scale) for arm in ARMS]
    frames += [_discrete(world, seed, scale) for world in ("quilt", "zipf")]
    return pd.concat(frames, ignore_index=True)[["arm", "generation", "metric", "value"]]


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Counts of yes, judged and silent cells by definition; the rules. Reads recorded tables."""
    del frame  # the same rows, from the table that was just written
    judged.forget()
    result: dict[str, float] = {"runs": float(len(judged.RUNS))}
    cells = judged.matrix()
    for name in NAMES:
        result |= _counts(name, [row[name] for row in cells.values()])
    result |= {k: sum(result[f"{key(n)}_{k}"] for n in NAMES) for k in ("yes", "judged", "silent")}
    shares = [result[f"{key(n)}_share"] for n in NAMES if result[f"{key(n)}_judged"] >= 20]
    result |= {"share_low": min(shares), "share_high": max(shares)}
    result |= _over_runs(cells) | _of_known_fate(cells) | _of_gpt(cells)
    result["rule_1"] = float(max(shares) >= 5 * min(shares))
    result["rule_2"] = float(result["runs_all"] == 0)
    result["rule_3"] = float(result["known_right"] <= 11)
    result["rule_4"] = float(2 * result["known_silent"] >= result["known"])
    result["rule_5"] = float(result["gpt_400_differ"] == 0)
    result["rule_6"] = float(result["gpt_accumulate_by_rows"] < result["gpt_accumulate_200"])
    return {name: value for name, value in result.items() if np.isfinite(value)}


def key(definition: str) -> str:
    """A definition's name in keys: lost_tail."""
    return definition.replace(" ", "_")


def _counts(name: str, found: list[Reading]) -> dict[str, float]:
    said = [one.alone for one in found]
    yes, cells = said.count("yes"), len(said) - said.count("not measured")
    silent = sum(one.verdict == "cannot tell" for one in found)
    result = {"yes": float(yes), "judged": float(cells), "silent": float(silent)}
    result["share"] = yes / cells if cells else float("nan")
    return {f"{key(name)}_{k}": value for k, value in result.items()}


def _over_runs(cells: dict[str, dict[str, Reading]]) -> dict[str, float]:
    """Runs of three or more judged cells: with a yes in all of them, in none."""
    rows = [[one.alone for one in row.values() if one.alone != "not measured"]
            for row in cells.values()]  # fmt: skip
    rows = [row for row in rows if len(row) >= 3]
    return {
        "runs_of_three": float(len(rows)),
        "runs_all": float(sum(set(row) == {"yes"} for row in rows)),
        "runs_none": float(sum(set(row) == {"no"} for row in rows)),
    }


def _of_known_fate(cells: dict[str, dict[str, Reading]]) -> dict[str, float]:
    """Definition 3 against theory, where theory knows."""
    found = [(run.diverges, cells[name]["diverging risk"]) for name, run in judged.RUNS.items()
             if run.diverges is not None]  # fmt: skip
    truth = {True: "yes", False: "no"}
    return {
        "known": float(len(found)),
        "known_right": float(sum(one.alone == truth[fate] for fate, one in found)),
        "known_silent": float(sum(one.verdict == "cannot tell" for _, one in found)),
        "known_sure_right": float(sum(one.verdict == truth[fate] for fate, one in found)),
        "known_sure_wrong": float(
            sum(one.verdict in ("yes", "no") and one.verdict != truth[fate] for fate, one in found)
        ),
    }


def _of_gpt(cells: dict[str, dict[str, Reading]]) -> dict[str, float]:
    rows = {arm: cells[f"GPT, {judged.gpt_label(arm)}"] for arm in judged.GPT_ARMS}
    said = {arm: [one.alone for one in row.values()] for arm, row in rows.items()}

    def differ(left: str, right: str) -> float:
        return float(sum(a != b for a, b in zip(said[left], said[right], strict=True)))

    result = {
        "gpt_200_differ": differ("replace_200", "accumulate_200"),
        "gpt_400_differ": differ("replace_best", "accumulate_best"),
        "gpt_accumulate_200": float(said["accumulate_200"].count("yes")),
        "gpt_accumulate_400": float(said["accumulate_best"].count("yes")),
        "gpt_accumulate_by_rows": float(said["accumulate_epochs"].count("yes")),
    }
    for arm, row in rows.items():
        for name in NAMES:
            result[f"{arm}_{key(name)}"] = row[name].number
    return result


def _kde(arm: str, seed: int, scale: str) -> pd.DataFrame:
    """An arm of `kde`, with the surprise of its kept generations at points of its own."""
    humps, policy, label = arm.split("_")
    neutral = theory.kde_neutral_bandwidth(kde.SETTINGS["n"])
    points = np.random.default_rng([seed, 8]).standard_normal((SETTINGS["test_points"], 1))
    if humps == "two":
        sides = np.random.default_rng([seed, 9]).choice([-1.0, 1.0], size=points.shape)
        points = sides + kde.SETTINGS["spread_of_a_hump"] * points
    history = run_loop(
        KernelDensity(neutral if label == "neutral" else int(label[1:]) / 1000),
        kde.real(humps, seed),
        policy=kde.POLICIES[policy],
        generations=kde.SETTINGS["generations"] if scale == "full" else 4,
        seed=seed,
    )
    kept = [g for g in kde.SETTINGS["kept"] if g < len(history.models)]
    values = [-history.models[g].score(points) for g in kept]
    return pd.DataFrame({"arm": arm, "generation": kept, "metric": "surprise", "value": values})


def _discrete(world: str, seed: int, scale: str) -> pd.DataFrame:
    """The arms of `discrete` in one world, with the distance of their shares from the truth."""
    truth = discrete.truth(world)

    def total_variation(model: Any, produced: Any) -> Any:
        return np.abs(model.probabilities_ - truth).sum(axis=-1) / 2

    return discrete._policies(world, {"total_variation": total_variation}, seed, scale)
