"""A loop of questions and answers with a judge: fates, dead questions, kinds of error, the centre.

A model is a table: for each question the share of each answer. In a round it writes `draws` answers
a question at temperature T (shares to the power 1/T), the judge keeps some, and the shares of the
kept ones are the next model: replace. Where nothing is kept of a question, it `keeps` its old
shares, as a table does, or `forgets` them, as a network may: then all its answers are alike.
`right` is the mean share of right answers over questions, `dead` the share of questions whose right
answer has no share left. The column `generation` is the round; those of RECORDED are kept.

Arms
- `edge_JUDGE_TT_WHERE`: one question of two answers, ten million draws; of its start a share
  is written, at temperature T / 100, 10 per cent below or above `theory.loop_threshold`. 60 rounds.
- `answers_dD_sS`: 500 such questions, T = 1, the judge (.9, .3), D draws, S hundredths right at the
  start, 30 rounds.
- `fate_KIND_WAY`: 500 questions; .6 right, one plausible wrong answer .2, four others .05 each.
  T = 1, 50 draws, 20 rounds. Each judge errs in a fifth of its first verdicts: `rejects` right ones
  at random (phi = 2/3, psi = 0), `passes` wrong ones at random (psi = 1/2), `plausible` always
  passes the plausible one and no other, `refuses` right answers to a third of the questions,
  always. WAY is keeps or forgets.
- `centre_rR_mM`: a mean, fitted to M real rows of N(0, 1) (2,000 starts a seed), then to what a
  judge keeps of N(mean, 1): all within R / 10 of its centre, .2. No end of draws. `distance`, the
  mean of |mean|, and `squared`, both to the truth, 0; `to_judge`, the mean distance to .2.

Rules, written before the reported seeds were run. Intervals are 95 per cent t intervals over seeds.
1. fates: in all cells of `edge_`, in every seed, `right` in the last round is above .9 for `above`
   and below .1 for `below`.
2. dead: `dead` after 30 rounds, start .05, is above .5 with 10 draws and below .2 with 50; start
   .15 and 50 draws: `right` after 12 rounds above .9. Whole intervals.
3. random errors delay: `rejects` and `passes`, both ways, have `right` above .95 after 20 rounds.
4. systematic ones stop: `plausible` and `refuses`, both ways, have `right` below .9 after 20
   rounds. Whole intervals, as in 3.
5. forgetting: `refuses` ends lower when it forgets than when it keeps, paired, whole interval.
6. centre: for R = 20 `to_judge` is below .02 after 30 rounds for every M; `squared` there is below
   that of the start for M below 25 and above it for M above 25, whole intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from helpers import theory
from helpers._arguments import generator, one_of, positive_int, real_array, real_number
from helpers.studies.paired import effect, interval, over_seeds

SEEDS = range(20)
SETTINGS: dict[str, Any] = {
    "edge": {"judges": {"usual": [0.9, 0.3], "soft": [0.8, 0.4]}, "hundredths": [30, 50, 80],
             "draws": 10_000_000, "rounds": 60},
    "answers": {"draws": [10, 50, 1000], "hundredths": [5, 15], "questions": 500, "rounds": 30},
    "fate": {"questions": 500, "draws": 50, "rounds": 20, "start": [0.6, 0.2] + 4 * [0.05]},
    "centre": {"radius": [10, 20], "real": [4, 16, 100], "starts": 2000, "rounds": 30,
               "centre": 0.2},
}  # fmt: skip
WAYS = ("keeps", "forgets")
RECORDED = (*range(13), 20, 30, 60)
KINDS = ("rejects", "passes", "plausible", "refuses")


def answer_loop(
    shares: np.ndarray,
    keep: np.ndarray,
    draws: int,
    rounds: int,
    rng: np.random.Generator,
    temperature: float = 1.0,
    forgets: bool = False,
) -> np.ndarray:
    """(rounds + 1, questions, answers) shares, generation by generation: all of `answer_turns`."""
    return np.stack(list(answer_turns(shares, keep, draws, rounds, rng, temperature, forgets)))


def answer_turns(
    shares: np.ndarray,
    keep: np.ndarray,
    draws: int,
    rounds: int,
    rng: np.random.Generator,
    temperature: float = 1.0,
    forgets: bool = False,
) -> Iterator[np.ndarray]:
    """Yield (questions, answers) shares, generations 0 to `rounds`; the docstring says their law.

    shares: those of generation 0, each row sums to 1. keep: chances that the judge keeps an answer,
    an array that fits `shares`. Raises ValueError for shares or chances outside 0 to 1, and when of
    a generation nothing is kept for any question: there is nothing to train on.
    """
    now = real_array("shares", shares).astype(float)
    if now.ndim != 2 or (now < 0).any() or not np.allclose(now.sum(axis=1), 1):
        raise ValueError(f"shares must be rows of chances that sum to 1, got shape {now.shape}")
    chance = np.broadcast_to(real_array("keep", keep), now.shape)
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError(f"keep must lie from 0 to 1, got {np.min(chance):g} to {np.max(chance):g}")
    positive_int("draws", draws)
    positive_int("rounds", rounds, minimum=0)
    generator("rng", rng)
    real_number("temperature", temperature, low=0, open_low=True)
    yield now
    for index in range(rounds):
        told = rng.binomial(rng.multinomial(draws, cooled(now, temperature)), chance)
        total = told.sum(axis=1, keepdims=True)
        if not total.any():
            raise ValueError(
                f"the judge kept none of {draws * len(now)} answers of generation {index}"
            )
        else_ = np.full_like(now, 1 / now.shape[1]) if forgets else now
        now = np.where(total > 0, told / np.maximum(total, 1), else_)
        yield now


def cooled(shares: np.ndarray, temperature: float) -> np.ndarray:
    """`shares` (questions, answers) as written at `temperature`: to the power 1/T, sum 1."""
    with np.errstate(divide="ignore"):
        logs = np.log(shares) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def yes_or_no(share: float, questions: int) -> np.ndarray:
    """(questions, 2) shares: `share` right, the rest wrong."""
    share = real_number("share", share, low=0, high=1)
    return np.tile([share, 1 - share], (positive_int("questions", questions), 1))


def judge_of(kind: str, questions: int) -> np.ndarray:
    """(questions, 6) chances to keep: right, plausible, four others. `kind` is one of KINDS."""
    right, plausible, other = {
        "rejects": (2 / 3, 0.0, 0.0),
        "passes": (1.0, 0.5, 0.5),
        "plausible": (1.0, 1.0, 0.0),
        "refuses": (1.0, 0.0, 0.0),
    }[one_of("kind", kind, KINDS)]
    keep = np.tile([right, plausible, *4 * [other]], (questions, 1))
    if kind == "refuses":
        keep[: round(questions / 3), 0] = 0.0
    return keep


def toward_centre(means: np.ndarray, radius: float, centre: float, rounds: int) -> np.ndarray:
    """(rounds + 1, starts) means: each the mean of N(mean, 1) within `radius` of `centre`."""
    real_number("radius", radius, low=0, open_low=True)
    found = [np.asarray(means, dtype=float)]
    for _ in range(rounds):
        low, high = centre - radius - found[-1], centre + radius - found[-1]
        inside = norm.cdf(high) - norm.cdf(low)
        found.append(found[-1] + (norm.pdf(low) - norm.pdf(high)) / inside)
    return np.stack(found)


# --- the arms ----------------------------------------------------------------------------------

Rows = list[tuple[str, int, str, float]]


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for three rounds.
    """
    last = 3 if scale != "full" else None
    parts: list[Callable[[int, int | None], Rows]] = [_edges, _answers, _fates, _centres]
    found = [row for part in parts for row in part(seed, last) if row[1] in RECORDED]
    return pd.DataFrame(found, columns=["arm", "generation", "metric", "value"])


def _told(arm: str, shares: np.ndarray) -> Rows:
    """`right` and `dead` of every round."""
    right = shares[:, :, 0]
    pairs = enumerate(zip(right.mean(axis=1), (right == 0).mean(axis=1), strict=True))
    return [
        (arm, g, metric, float(value))
        for g, both in pairs
        for metric, value in zip(("right", "dead"), both, strict=True)
    ]


def start_of(written: float, temperature: float) -> float:
    """The model's share of which `written` is written at that temperature, two answers."""
    return float(cooled(yes_or_no(written, 1), 1 / temperature)[0, 0])


def _edges(seed: int, last: int | None) -> Rows:
    settings, found = SETTINGS["edge"], []
    for place, (judge, rates) in enumerate(settings["judges"].items()):
        for part in settings["hundredths"]:
            edge = theory.loop_threshold(rates[0], rates[1], part / 100)
            for where, times in (("below", 0.9), ("above", 1.1)):
                rng = np.random.default_rng([seed, 1, place, part])
                start = yes_or_no(start_of(edge * times, part / 100), 1)
                shares = answer_loop(start, np.array(rates), settings["draws"],
                                     last or settings["rounds"], rng, part / 100)  # fmt: skip
                end = len(shares) - 1
                rows = _told(f"edge_{judge}_t{part}_{where}", shares)
                found += [row for row in rows if row[1] in (0, end)]
    return found


def _answers(seed: int, last: int | None) -> Rows:
    settings, found = SETTINGS["answers"], []
    for draws in settings["draws"]:
        for part in settings["hundredths"]:
            rng = np.random.default_rng([seed, 2, draws, part])
            start = yes_or_no(part / 100, settings["questions"])
            shares = answer_loop(
                start, np.array([0.9, 0.3]), draws, last or settings["rounds"], rng
            )
            found += _told(f"answers_d{draws}_s{part}", shares)
    return found


def _fates(seed: int, last: int | None) -> Rows:
    settings, found = SETTINGS["fate"], []
    start = np.tile(settings["start"], (settings["questions"], 1))
    for kind in KINDS:
        for way in WAYS:
            rng = np.random.default_rng([seed, 3, KINDS.index(kind)])
            shares = answer_loop(
                start,
                judge_of(kind, len(start)),
                settings["draws"],
                last or settings["rounds"],
                rng,
                forgets=way == "forgets",
            )
            found += _told(f"fate_{kind}_{way}", shares)
    return found


def _centres(seed: int, last: int | None) -> Rows:
    settings, found = SETTINGS["centre"], []
    for real in settings["real"]:
        rng = np.random.default_rng([seed, 4, real])
        starts = rng.standard_normal(settings["starts"]) / np.sqrt(real)
        for radius in settings["radius"]:
            means = toward_centre(starts, radius / 10, settings["centre"],
                                  last or settings["rounds"])  # fmt: skip
            away = np.abs(means - settings["centre"]).mean(axis=1)
            values = {"distance": np.abs(means).mean(axis=1), "squared": (means**2).mean(axis=1),
                      "to_judge": away}  # fmt: skip
            arm = f"centre_r{radius}_m{real}"
            found += [(arm, g, name, float(x)) for name, xs in values.items()
                      for g, x in enumerate(xs)]  # fmt: skip
    return found


# --- what it says ------------------------------------------------------------------------------


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means with 95 % intervals: ARM_METRIC_gG, with _low and _high; the verdicts of the rules.

    Verdicts: 1 reproduced, 0 not; a rehearsal has none.
    """
    result: dict[str, float] = {}
    for (arm, metric, g), group in frame.groupby(["arm", "metric", "generation"]):
        result |= interval(f"{arm}_{metric}_g{g}", group["value"])
    if frame["generation"].max() < SETTINGS["edge"]["rounds"]:
        return result
    return result | verdicts(frame)


def verdicts(frame: pd.DataFrame) -> dict[str, float]:
    """The six rules of this study, in its docstring, on a table of all trials."""

    def values(arm: str, metric: str, g: int) -> pd.Series:
        return over_seeds(frame, arm, metric, g)

    def ends(arm: str, metric: str, g: int) -> tuple[float, float]:
        return effect(values(arm, metric, g))[1:3]

    edges = SETTINGS["edge"]
    cells = [f"edge_{judge}_t{part}" for judge in edges["judges"] for part in edges["hundredths"]]
    fates = [
        bool((values(f"{cell}_above", "right", edges["rounds"]) > 0.9).all())
        and bool((values(f"{cell}_below", "right", edges["rounds"]) < 0.1).all())
        for cell in cells
    ]
    dead = (
        ends("answers_d10_s5", "dead", 30)[0] > 0.5
        and ends("answers_d50_s5", "dead", 30)[1] < 0.2
        and ends("answers_d50_s15", "right", 12)[0] > 0.9
    )
    last = SETTINGS["fate"]["rounds"]
    right = {(kind, way): ends(f"fate_{kind}_{way}", "right", last)
             for kind in KINDS for way in WAYS}  # fmt: skip
    lower = interval("refuses_forgets_minus_keeps", values("fate_refuses_forgets", "right", last)
                     - values("fate_refuses_keeps", "right", last))  # fmt: skip
    centre = []
    for real in SETTINGS["centre"]["real"]:
        arm, end = f"centre_r20_m{real}", SETTINGS["centre"]["rounds"]
        centre.append(ends(arm, "to_judge", end)[1] < 0.02)
        change = effect(values(arm, "squared", end) - values(arm, "squared", 0))
        few = real < theory.judge_worth(SETTINGS["centre"]["centre"])
        centre.append(change[2] < 0 if few else change[1] > 0)
    random, systematic = KINDS[:2], KINDS[2:]
    return lower | {
        "rule_1_fates": float(all(fates)),
        "rule_2_dead": float(dead),
        "rule_3_random_delays": float(
            all(right[kind, way][0] > 0.95 for kind in random for way in WAYS)
        ),
        "rule_4_systematic_stops": float(
            all(right[kind, way][1] < 0.9 for kind in systematic for way in WAYS)
        ),
        "rule_5_forgetting": float(lower["refuses_forgets_minus_keeps_high"] < 0),
        "rule_6_centre": float(all(centre)),
    }
