"""One round with a noisy judge: who learns the truth from what it keeps, and who picks the best.

A classifier in d = 20 dimensions, rows x ~ N(0, I), true labels sign(w.x), of which a share p is
turned round. A judge keeps right rows with probability phi and wrong ones with psi (Feng et al.
2406.07515, section 4). Accuracy is that of the direction found, 1 - angle / pi, which is exact for
such rows: there are no test rows. A seed is TRIES data sets side by side, its value their mean.

Arms
- `edge_JUDGE_nN`: N written rows, learner the mean of label times input. The column `generation`
  is 1000 p, round p* = 1/(1 + psi/phi). `accuracy`. Counts and sums are drawn by their laws: kept
  rows of a kind are binomial; along w a row gives a half-normal, across it a normal.
- `clean_JUDGE_nN`: N rows, p = .3, drawn row by row. Learners `average` (as above),
  `least_squares`, `logistic` (scikit-learn's, its own penalty); `kept`, `right` (share of the
  kept), `worth` = (R - W)**2 / (R + W), and `clean`, the accuracy of `average` on that many rows
  with right labels. The judges: none, sloppy (.8, .2), strict (.1, .001), and random, which keeps
  as many rows as the strict one without looking. Where nothing is kept, or rows of one label only,
  a try counts as a guess, 1/2.
- `best_LAW`: k answers of quality N(0, 1), of which a judge takes the one that it likes best;
  `generation` is k. `quality` of it, and the judge's `score`, both in standard deviations of random
  answers; `correlation` of the two over random answers, .7 in all laws. Its errors are `normal`;
  `heavy`, Student's t with 3 degrees; or there is a `loophole`: 3 answers of 1,000 have quality -2
  and a score of 6, and the others normal errors.

Rules, written before the reported seeds were run. Intervals are 95 per cent t intervals over seeds,
differences paired.
1. cliff: at a million rows the mean accuracy is above 1/2 at p* - .01 and below it at p* + .01,
   whole intervals, for all three judges.
2. mud: at 200 rows the mean falls from p* - .02 to p* + .02 by less than .2, whole interval, for
   all three; at a million by more than .8.
3. not cleaner: at 400 rows `average` of strict minus none is below 0 and of strict minus random
   above 0, whole intervals.
4. it depends: at 2,000 rows `logistic` of strict minus none is above 0, whole interval.
5. worth: `average` minus `clean` lies within plus or minus .02, whole interval, in all eight arms.
6. best of many: from k = 30 to 1,000 `quality` rises for normal errors and falls for heavy ones and
   for the loophole, while `score` rises for all three; whole intervals.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from helpers import theory
from helpers._arguments import fraction, generator, one_of, positive_int
from helpers.studies.paired import interval, over_seeds

SEEDS = range(40)
SETTINGS: dict[str, Any] = {
    "d": 20,
    "tries": 20,
    "edge": {"judges": {"blind": [1.0, 1.0], "usual": [0.9, 0.3], "sharp": [0.7, 0.05]},
             "rows": [200, 1000, 10_000, 1_000_000],
             "thousandths": [-100, -50, -20, -10, 0, 10, 20, 50]},
    "clean": {"judges": {"none": [1.0, 1.0], "sloppy": [0.8, 0.2], "strict": [0.1, 0.001],
                         "random": [0.0703, 0.0703]},
              "rows": [400, 2000], "wrong": 0.3},
    "best": {"k": [1, 10, 30, 100, 1000], "tries": 400, "correlation": 0.7},
}  # fmt: skip
LAWS = ("normal", "heavy", "loophole")
LOOPHOLE = {"share": 0.003, "quality": -2.0, "score": 6.0}


def rows(n: int, wrong: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """`n` inputs (n, 20), and whether each label is right, (n,).

    The truth is the sign of the first input. A share `wrong` of the labels is turned round, each
    row by its own chance.
    """
    positive_int("n", n)
    inputs = generator("rng", rng).standard_normal((n, SETTINGS["d"]))
    return inputs, rng.random(n) >= fraction("wrong", wrong)


def kept(
    right: np.ndarray, keep_right: float, keep_wrong: float, rng: np.random.Generator
) -> np.ndarray:
    """(n,) which rows a judge keeps, of which it is known whether they are `right`."""
    chance = np.where(right, fraction("keep_right", keep_right), fraction("keep_wrong", keep_wrong))
    return np.asarray(generator("rng", rng).random(len(right)) < chance)


def accuracy(inputs: np.ndarray, right: np.ndarray, learner: str = "average") -> float:
    """Share of new inputs that `learner` puts on the right side after these rows; 1/2 for none."""
    one_of("learner", learner, tuple(LEARNERS))
    labels = np.where(inputs[:, 0] > 0, 1.0, -1.0) * np.where(right, 1, -1)
    if len(labels) == 0 or abs(labels.sum()) == len(labels):
        return 0.5
    return float(_accuracy(LEARNERS[learner](inputs, labels)))


def _accuracy(direction: np.ndarray) -> np.ndarray:
    """One minus the angle to the first axis over pi; `direction` (..., d), 1/2 where it is 0."""
    length = np.linalg.norm(direction, axis=-1)
    cosine = np.divide(direction[..., 0], length, out=np.zeros_like(length), where=length > 0)
    return np.asarray(1 - np.arccos(np.clip(cosine, -1, 1)) / np.pi)


def _average(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(labels @ inputs)


def _least_squares(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.lstsq(inputs, labels, rcond=None)[0])


def _logistic(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that has not converged is still a fit
        return np.asarray(LogisticRegression(fit_intercept=False).fit(inputs, labels).coef_[0])


LEARNERS = {"average": _average, "least_squares": _least_squares, "logistic": _logistic}


# --- the arms ----------------------------------------------------------------------------------

Rows = list[tuple[str, int, str, float]]


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    scale: "full", or anything else for fewer tries and rows.
    """
    short = scale != "full"
    found = [*_edges(seed, short), *_cleaner(seed, short), *_best(seed, short)]
    return pd.DataFrame(found, columns=["arm", "generation", "metric", "value"])


def _edges(seed: int, short: bool) -> Rows:
    settings, found = SETTINGS["edge"], []
    for place, (judge, (phi, psi)) in enumerate(settings["judges"].items()):
        edge = round(1000 * theory.verifier_threshold(phi, psi))
        for n in settings["rows"][: 2 if short else None]:
            for part in settings["thousandths"]:
                rng = np.random.default_rng([seed, place, n, part + 1000])
                # A million rows leave little chance: one try there.
                tries = 1 if n > 100_000 else SETTINGS["tries"]
                value = np.mean([
                    _by_sums(n, (edge + part) / 1000, phi, psi, rng) for _ in range(tries)
                ])  # fmt: skip
                found.append((f"edge_{judge}_n{n}", edge + part, "accuracy", float(value)))
    return found


def _by_sums(n: int, wrong: float, phi: float, psi: float, rng: np.random.Generator) -> float:
    """Accuracy of the average of the kept rows, without the rows."""
    bad = rng.binomial(n, wrong)
    good, bad = rng.binomial(n - bad, phi), rng.binomial(bad, psi)
    along = np.abs(rng.standard_normal(good)).sum() - np.abs(rng.standard_normal(bad)).sum()
    across = np.sqrt(good + bad) * rng.standard_normal(SETTINGS["d"] - 1)
    return float(_accuracy(np.array([along, *across])))


def _cleaner(seed: int, short: bool) -> Rows:
    settings, found = SETTINGS["clean"], []
    for n in settings["rows"]:
        sums: dict[tuple[str, str], list[float]] = {}
        for i in range(2 if short else SETTINGS["tries"]):
            rng = np.random.default_rng([seed, n, i, 7])
            inputs, right = rows(n, settings["wrong"], rng)
            for judge, (phi, psi) in settings["judges"].items():
                chosen = kept(right, phi, psi, rng)
                for metric, value in _measured(inputs[chosen], right[chosen], rng).items():
                    sums.setdefault((judge, metric), []).append(value)
        found += [
            (f"clean_{judge}_n{n}", n, metric, float(np.nanmean(values)))
            for (judge, metric), values in sums.items()
        ]
    return found


def _measured(inputs: np.ndarray, right: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Counts and accuracies of one data set."""
    good, bad = float(right.sum()), float((~right).sum())
    worth = theory.clean_rows_worth(good, bad) if good + bad else 0.0
    clean = rows(max(1, round(worth)), 0.0, rng)
    found = {learner: accuracy(inputs, right, learner) for learner in LEARNERS}
    return found | {
        "kept": good + bad,
        "right": good / (good + bad) if good + bad else float("nan"),
        "worth": worth,
        "clean": float(_accuracy(_average(clean[0], np.where(clean[0][:, 0] > 0, 1.0, -1.0)))),
    }


def answers(law: str, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Any, Any]:
    """Quality and score of random answers, two arrays of `shape`; the laws are in the docstring."""
    one_of("law", law, LAWS)
    quality = generator("rng", rng).standard_normal(shape)
    noise = rng.standard_t(3, shape) if law == "heavy" else rng.standard_normal(shape)
    score = quality + _scale(law) * noise
    if law == "loophole":
        found = rng.random(shape) < LOOPHOLE["share"]
        quality = np.where(found, LOOPHOLE["quality"], quality)
        score = np.where(found, LOOPHOLE["score"], score)
    return quality, score


def _scale(law: str) -> float:
    """How large the errors must be for the wanted correlation."""
    wanted = SETTINGS["best"]["correlation"]
    if law != "loophole":
        spread = (wanted**-2 - 1) / (3 if law == "heavy" else 1)  # t with 3 degrees: variance 3
        return float(np.sqrt(spread))
    share, bad, liked = LOOPHOLE.values()
    common = (1 - share) * (1 + share * bad * liked)
    first = (1 - share) * (1 + share * bad**2)
    second = (common / wanted) ** 2 / first  # the variance that the score must have
    return float(np.sqrt(second / (1 - share) - share * liked**2 - 1))


def _best(seed: int, short: bool) -> Rows:
    settings, found = SETTINGS["best"], []
    tries = 20 if short else settings["tries"]
    for place, law in enumerate(LAWS):
        rng = np.random.default_rng([seed, place, 11])
        for k in settings["k"]:
            quality, score = answers(law, (tries, k), rng)
            first = score.argmax(axis=1)[:, None]
            picked = [np.take_along_axis(x, first, axis=1).mean() for x in (quality, score)]
            spread = np.sqrt(1 + _scale(law) ** 2 * (3 if law == "heavy" else 1))
            found.append((f"best_{law}", k, "quality", float(picked[0])))
            found.append((f"best_{law}", k, "score", float(picked[1] / spread)))
            if k == max(settings["k"]):
                close = np.corrcoef(quality.ravel(), score.ravel())[0, 1]
                found.append((f"best_{law}", k, "correlation", float(close)))
    return found


# --- what it says ------------------------------------------------------------------------------


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means with 95 % intervals: ARM_METRIC_G, with _low and _high; the verdicts of the rules.

    G is the column `generation`; not for `clean_` arms. Verdicts: 1 reproduced, 0 not; a rehearsal
    has none.
    """
    result: dict[str, float] = {}
    for (arm, metric, g), group in frame.groupby(["arm", "metric", "generation"]):
        key = f"{arm}_{metric}" + ("" if str(arm).startswith("clean_") else f"_{g}")
        result |= interval(key, group["value"])
    if not frame["arm"].str.endswith("_n1000000").any():
        return result
    return result | verdicts(frame)


def verdicts(frame: pd.DataFrame) -> dict[str, float]:
    """The six rules of this study, in its docstring, on a table of all trials."""
    found: dict[str, float] = {}

    def values(arm: str, metric: str, g: int) -> pd.Series:
        return over_seeds(frame, arm, metric, g)

    def gap(key: str, first: pd.Series, second: pd.Series | float) -> tuple[float, float]:
        found.update(interval(key, first - second))
        return found[f"{key}_low"], found[f"{key}_high"]

    cliff, mud = [], []
    for judge, rates in SETTINGS["edge"]["judges"].items():
        edge = round(1000 * theory.verifier_threshold(*rates))
        for n in (200, 1_000_000):
            arm = f"edge_{judge}_n{n}"
            before, after = (values(arm, "accuracy", edge + part) for part in (-20, 20))
            fall = gap(f"{arm}_fall", before, after)
            mud.append(fall[1] < 0.2 if n == 200 else fall[0] > 0.8)
        below, above = (values(arm, "accuracy", edge + part) for part in (-10, 10))
        cliff += [gap(f"{arm}_before", below, 0.5)[0] > 0, gap(f"{arm}_after", above, 0.5)[1] < 0]

    def clean(first: str, second: str, metric: str, n: int) -> tuple[float, float]:
        pair = (values(f"clean_{judge}_n{n}", metric, n) for judge in (first, second))
        return gap(f"{first}_minus_{second}_{metric}_n{n}", *pair)

    worth = []
    for n in SETTINGS["clean"]["rows"]:
        for judge in SETTINGS["clean"]["judges"]:
            arm = f"clean_{judge}_n{n}"
            low, high = gap(f"{arm}_off", values(arm, "average", n), values(arm, "clean", n))
            worth.append(low > -0.02 and high < 0.02)
        for learner in LEARNERS:
            clean("strict", "none", learner, n)
    best = []
    for law in LAWS:
        for metric, sign in (("quality", 1 if law == "normal" else -1), ("score", 1)):
            few, many = (values(f"best_{law}", metric, k) for k in (30, 1000))
            best.append(gap(f"best_{law}_{metric}_rise", sign * many, sign * few)[0] > 0)
    return found | {
        "rule_1_cliff": float(all(cliff)),
        "rule_2_mud": float(all(mud)),
        "rule_3_not_cleaner": float(
            found["strict_minus_none_average_n400_high"] < 0
            and clean("strict", "random", "average", 400)[0] > 0
        ),
        "rule_4_it_depends": float(found["strict_minus_none_logistic_n2000_low"] > 0),
        "rule_5_worth": float(all(worth)),
        "rule_6_best_of_many": float(all(best)),
    }
