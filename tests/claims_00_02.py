"""What lessons 00 and 02 say in words: see claims.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
from claims import Claim, Found, above, between, exactly, mean, values

from helpers import loop, metrics, models, policies, theory
from helpers.studies import gaussian

# ---------------------------------------------------------------------- lesson 00


def _quilts() -> list[list[str]]:
    real = np.random.default_rng(0).integers(12, size=40)
    ends = []
    for seed in range(5):
        history = loop.run_loop(
            models.Discrete(12), real, policy=policies.Replace(), generations=60, seed=seed
        )
        ends.append(["ABCDEFGHIJKL"[k] for k in np.unique(history.samples[-1])])
    return ends


def _five_quilts() -> Found:
    ends = _quilts()
    single = [end[0] for end in ends if len(end) == 1]
    right = len(single) == 4 and single.count("K") == 2 and sorted(map(len, ends))[-1] == 3
    return Found(len(set(single)), 0, 0, right)


def _band() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Colours in each recorded row of the hundred quilts, and the ends of their band."""
    left = values("discrete", "quilt_replace", "support")
    return left, left.quantile(0.05), left.quantile(0.95)


def _inside() -> list[Found]:
    left, low, high = _band()
    share = ((left >= low) & (left <= high)).mean()
    return [Found(one, 0, 0, one >= 0.9, f"row {row}") for row, one in share.items()]


def _yours_above() -> list[Found]:
    real = np.random.default_rng(0).integers(12, size=40)
    history = loop.run_loop(
        models.Discrete(12), real, policy=policies.Replace(), generations=59, seed=0
    )
    rows, (_, low, high) = [real, *history.samples], _band()
    found = {row: len(np.unique(rows[row])) for row in (10, 40)}
    return [
        Found(one, low[row], high[row], one > high[row], f"row {row}")
        for row, one in found.items()
    ]  # fmt: skip


def _last_of_two(start: int, tiles: int = 40) -> float:
    """Chance that `start` of the tiles become all, from the exact chain of two colours."""
    from scipy.stats import binom

    share = np.arange(tiles + 1) / tiles
    step = binom.pmf(np.arange(tiles + 1)[None, :], tiles, share[:, None])
    return float(np.linalg.matrix_power(step, 2000)[start, tiles])


def _kept_from_the_first_on() -> Found:
    known = values("discrete", "quilt_accumulate", "support")
    lost = known.rsub(known[0], axis=0).to_numpy()
    return Found(float(known.to_numpy().mean()), lost.min(), lost.max(), not lost.any())


def _each_row_loses() -> list[Found]:
    left = values("discrete", "quilt_replace", "support")
    return [
        between(left[a] - left[b], 0, np.inf, f"generation {b}")
        for a, b in pairwise(left.columns)
    ]  # fmt: skip


def _settled() -> list[Found]:
    """The last recorded generations of `fresh` differ by less than a colour from the very last."""
    drawn = values("discrete", "quilt_fresh", "distinct")
    return [between(drawn[g] - drawn[60], -1, 1, f"generation {g}") for g in drawn if 15 <= g < 60]


def _ten_times() -> Found:
    short, long = (values("discrete", f"absorb_n{n}", "fits_to_one").max(axis=1) for n in (10, 100))
    ratio = long.mean() / short.mean()
    error = np.hypot(*(x.std() / x.mean() / np.sqrt(len(x)) for x in (short, long)))
    low, high = ratio * (1 - 1.96 * error), ratio * (1 + 1.96 * error)
    return Found(ratio, low, high, low < 10 < high)


QUILTS = "100 seeds, 60 generations of 40 tiles"
LESSON_00 = [
    Claim("00", "four have a single colour left, which is K in two of them, and one still holds "
          "three", "the lesson's five runs", _five_quilts),
    Claim("00", "In each row at least nine quilts of ten lie inside it",
          f"share inside, {QUILTS}", _inside),
    Claim("00", "in rows 10 and 40 it lies above the band", "the lesson's run in the band",
          _yours_above),
    Claim("00", "the chance of a colour to be the last one equals its share of the tiles in row 0",
          "exact, 2 of 40 tiles", exactly(lambda: _last_of_two(2), 0.05 - 1e-6, 0.05 + 1e-6)),
    Claim("00", "what counts is the share in that row, 10 of 40",
          "exact", exactly(lambda: _last_of_two(10), 0.25 - 1e-6, 0.25 + 1e-6)),
    Claim("00", "A model forgets when it is trained only on what the model before it has drawn",
          f"colours lost from one recorded generation to the next, {QUILTS}", _each_row_loses),
    Claim("00", "No colour of row 0 can be lost, since its tiles stay in the count",
          f"colours lost, {QUILTS}", _kept_from_the_first_on),
    Claim("00", "Where row 0 and all later rows were kept, about",
          f"accumulate above replace, {QUILTS}",
          above("discrete", "distinct", "quilt_accumulate", "quilt_replace", 1)),
    Claim("00", "It settles near", f"generations 15 to 60 against 60, {QUILTS}", _settled),
    Claim("00", "alive, but poorer", f"accumulate above fresh, {QUILTS}",
          above("discrete", "distinct", "quilt_accumulate", "quilt_fresh", 1)),
    Claim("00", "Then add new real data each time", f"fresh above replace, {QUILTS}",
          above("discrete", "distinct", "quilt_fresh", "quilt_replace", 2)),
    Claim("00", "The time to one colour grows in proportion to the number of tiles",
          "ten colours, 10 and 100 tiles, 100 seeds", _ten_times),
]  # fmt: skip

# ---------------------------------------------------------------------- lesson 02


@cache
def _hundred_runs() -> pd.DataFrame:
    """The runs of the lesson's reveal: generations as columns."""
    runs = loop.run_batched(
        models.Gaussian(ddof=1), lambda shape, rng: rng.normal(size=(*shape, 1)),
        policy=policies.Replace(), generations=99, n_samples=10, replicates=100,
        metrics={"variance": metrics.variance}, seed=2026,
    )  # fmt: skip
    return runs.pivot(index="replicate", columns="generation", values="value")


def _near_one() -> Found:
    """Share of the hundred runs within a factor of two of 1 at the end."""
    last = _hundred_runs()[99]
    share = float(last.between(0.5, 2).mean())
    return Found(share, 0, 0, share <= 0.03)


def _average_above_then_below() -> Found:
    """The first generation at which the average of the hundred runs is below 1; so it stays."""
    averages = _hundred_runs().mean()
    first = int(averages.index[averages < 1][0])
    good = 25 <= first <= 40 and bool((averages[averages.index >= first] < 1).all())
    return Found(first, averages.min(), averages.max(), good)


def _one_run_carries() -> Found:
    """Share of the sum of a hundred variances that the largest holds: generations 20 and later."""
    runs = _hundred_runs()
    share = (runs.max() / runs.sum())[range(20, 100)]
    return Found(float(share.median()), share.min(), share.max(), share.median() > 0.5)


def _halvings_per_doubling() -> float:
    """How much oftener a factor is 1/2 or less than 2 or more, n = 10."""
    from scipy.stats import chi2

    return float(chi2(9).cdf(9 / 2) / chi2(9).sf(9 * 2))


def _held_by_few() -> float:
    """Share of all variance that the largest 1,000 of the lesson's 400,000 runs hold."""
    rng, variance = np.random.default_rng(2026), np.ones(400_000)
    for _ in range(100):
        variance *= rng.chisquare(9, 400_000) / 9
    return float(np.sort(variance)[-1000:].sum() / variance.sum())


def _narrower() -> Found:
    """Share of the recorded runs of ten rows that end narrower than they began."""
    runs = values("gaussian", "unbiased_n10", "variance")
    share = float((runs[99] < runs[0]).mean())
    return Found(share, share, share, 0.95 < share < 1)


def _green_keeps_more() -> Found:
    """Share of 400 rooms whose green rows hold more different numbers than its blue ones."""
    from helpers.teaching.dice import ClassTallies, simulated_class

    def left(room: ClassTallies, colour: str) -> float:
        return float(np.mean([len(set(row)) for row in room.last_rows(colour).tolist()]))

    rooms = [simulated_class(seed) for seed in range(400)]
    share = float(np.mean([left(room, "green") > left(room, "blue") for room in rooms]))
    return Found(share, share, share, share > 0.9)


def _error_grows() -> Found:
    """What a generation adds to the exact expected distance: divisor n, n = 100, 31 fits."""
    added = np.diff(theory.gaussian_wasserstein_replace(100, np.arange(1, 32), ddof=0))
    return Found(float(added.mean()), added.min(), added.max(), bool((added > 0).all()))


def _looks_right_at_50() -> list[Found]:
    """n = 50, 50 fits: the mean is near 1, as theory has it, and the median is not."""
    runs = values("gaussian", "unbiased_n50", "variance")[49]
    middle = float(runs.median())
    three = mean(runs)
    return [
        Found(*three, three[1] < 1 < three[2], "mean"),
        Found(middle, middle, middle, middle < 0.5, "median"),
    ]


def _median_factor() -> float:
    """Two-sided 95 % factor of the median of 100 runs, from the exact law of log v."""
    from scipy.special import polygamma

    sd = np.sqrt(100 * polygamma(1, 4.5))
    return float(np.exp(np.sqrt(np.pi / 2) * sd / 10))  # one standard error of a median


def _typical_in_every_generation() -> Found:
    """The recorded mean of log v against its law: in standard errors, the worst of all."""
    worst = []
    for n in gaussian.SETTINGS["sizes"]:
        for ddof, arm in ((0, "mle"), (1, "unbiased")):
            table = np.log(values("gaussian", f"{arm}_n{n}", "variance"))
            for g in table.columns:
                law = float(np.log(theory.gaussian_geometric_variance_replace(n, g + 1, ddof)))
                middle, low, high = mean(table[g])
                off = (middle - law) / ((high - low) / 3.92)
                worst.append(Found(off, off, off, abs(off) < 4.5))
    failed = [one for one in worst if not one.holds]
    return failed[0] if failed else max(worst, key=lambda one: abs(one.value))


def _halving(ddof: int, constant: float) -> Callable[[], Found]:
    def decide() -> Found:
        found = [theory.gaussian_halving_time(n, ddof) / n for n in (50, 100, 500, 1000)]
        near = all(abs(rate / constant - 1) < 0.03 for rate in found)
        return Found(found[-1], min(found), max(found), near)

    return decide


def _growth() -> Found:
    """What a generation adds to the expected distance, times n = 10."""
    added = 10 * np.diff(theory.gaussian_wasserstein_replace(10, np.arange(1, 101), ddof=1))
    good = bool((np.diff(added) < 0).all() and 1.5 < added[0] < 1.6 and 1 < added[-1] < 1.1)
    return Found(float(added.mean()), added.min(), added.max(), good)


def _walk_stops() -> Found:
    frame = loop.run_batched(
        models.Gaussian(ddof=1), lambda size, rng: rng.normal(size=(*size, 1)),
        policy=policies.Replace(), n_samples=10, generations=199, replicates=2000,
        metrics={"d": metrics.wasserstein2(np.zeros(1), np.eye(1))}, seed=2026,
    )  # fmt: skip
    middle = frame.groupby("generation")["value"].median()
    return Found(float(middle[199]), float(middle[99]), float(middle[199]),
                 1 < middle[199] < 2 and middle[199] / middle[99] < 1.1)  # fmt: skip


class _RootTwice(models.Gaussian):
    """The colleague's model, as the lesson has it."""

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        spread = self.covariance_[0, 0] ** 0.5
        return rng.normal(self.mean_, spread**0.5, (n_samples, 1))


def _run(model: models.Gaussian, n: int, seed: int) -> pd.Series:
    real = np.random.default_rng(seed).normal(size=(n, 1))
    history = loop.run_loop(
        model, real, policy=policies.Replace(), generations=99, seed=seed,
        metrics={"variance": metrics.variance},
    )  # fmt: skip
    return history.frame.set_index("generation")["value"]


def _outside(arm: str, run: pd.Series) -> pd.Series:
    """Whether a run lies outside the band as it is drawn, at each of its generations.

    Between two recorded generations the edge of the band is straight, on the logarithmic axis.
    """
    band = np.log(values("gaussian", arm, "variance").quantile([0.05, 0.95]))
    low, high = (np.interp(run.index, band.columns, band.loc[q]) for q in (0.05, 0.95))
    return (np.log(run) < low) | (np.log(run) > high)


def _hidden_bug() -> list[Found]:
    """First generation at which a run of the colleague leaves the band: the lesson's, three more.

    And the share of generations outside from 60 on, in the run of the lesson.
    """
    runs = [_outside("unbiased_n10", _run(_RootTwice(ddof=1), 10, 20260101 + k)) for k in range(4)]
    first = [int(next(iter(run.index[run]), len(run))) for run in runs]
    late = float(runs[0].loc[60:].mean())
    return [
        Found(first[0], min(first), max(first), all(25 <= one <= 40 for one in first), "first"),
        Found(late, late, late, late > 0.8, "outside from generation 60 on"),
    ]


def _broken_looks_best() -> Found:
    """Log variance of the broken program over that of the right one, at the end, four seeds."""
    ends = [
        [np.log(_run(kind(ddof=1), 10, 20260101 + k)[99]) for k in range(4)]
        for kind in (_RootTwice, models.Gaussian)
    ]
    broken, right = (np.abs(end) for end in ends)  # distance from the true variance, 1
    return Found(float(broken.max()), broken.min(), broken.max(), broken.max() < right.min())


def _four_above() -> Found:
    ends = [
        _outside("unbiased_n10", _run(_RootTwice(ddof=1), 10, 20260101 + k))[99] for k in range(4)
    ]
    return Found(sum(ends), 0, 0, all(ends))


def _one_outing() -> Found:
    outside = _outside("mle_n100", _run(models.Gaussian(ddof=0), 100, 2026))
    out = outside.index[outside]
    length = int(out[-1] - out[0]) + 1 if len(out) else 0
    return Found(length, 0, 0, len(out) == length and 45 <= length <= 55)


def _room() -> Found:
    """Numbers alive somewhere among the seven blue cards: five rooms of a hundred have fewer."""
    from helpers.teaching.dice import simulated_class

    alive = [len(simulated_class(seed).alive()) for seed in range(400)]
    return Found(float(np.mean(alive)), *np.quantile(alive, [0.05, 0.95]),
                 bool(np.quantile(alive, 0.05) >= 4))  # fmt: skip


def _room_average() -> Found:
    """Share of rooms in which the average of the last blue rows is within one of 3.5."""
    from helpers.teaching.dice import simulated_class

    moved = [abs(simulated_class(seed).last_rows().mean() - 3.5) for seed in range(400)]
    share = float(np.mean(np.array(moved) < 1))  # standard error 0.013; 4,000 other rooms: 0.92
    return Found(share, *np.quantile(moved, [0.05, 0.95]), 0.87 <= share <= 0.97)


def _one_or_two() -> Found:
    """Share of blue cards that keep one number or two."""
    from helpers.teaching.dice import play

    rng = np.random.default_rng(1)
    few = float(np.mean([len(set(play("blue", rng)[-1])) <= 2 for _ in range(2000)]))
    return Found(few, few, few, few > 0.9)


def _above_ten() -> Found:
    """Share of the expectation that sits in runs above 10 after 5 fits, by weighted runs."""
    rng = np.random.default_rng(2)
    weighted = (rng.chisquare(9 + 2, (100_000, 5)) / 9).prod(axis=1)
    missed = float(np.mean(weighted > 10))
    return Found(missed, missed, missed, missed < 0.05)


def _village() -> Found:
    """Different numbers in row 8 of one blue card, of six at the start."""
    from helpers.teaching.dice import play

    rng = np.random.default_rng(0)
    left = [len(set(play("blue", rng)[-1])) for _ in range(2000)]
    return Found(float(np.mean(left)), *np.quantile(left, [0.05, 0.95]),
                 bool(np.quantile(left, 0.95) <= 3))  # fmt: skip


LESSON_02 = [
    Claim("02", "most numbers are alive somewhere", "400 simulated rooms, 8 generations", _room),
    Claim("02", "Did your village forget? Nearly everything.", "2,000 simulated cards", _village),
    Claim("02", "the average of the room has moved by less than one, in nine rooms of ten",
          "400 simulated rooms, 8 generations", _room_average),
    Claim("02", "a village keeps one or two", "2,000 simulated cards", _one_or_two),
    Claim("02", "a hundred runs show nearly the whole mean",
          "share of the expectation in runs above 10, n = 10, 5 fits", _above_ten),
    Claim("02", "As a rule green villages keep more", "400 simulated rooms, 8 generations",
          _green_keeps_more),
    Claim("02", "Hardly a run is near it at the end.", "n = 10, 100 fits, its 100 runs", _near_one),
    Claim("02", "The average of all hundred (dark) lies above it for some thirty generations, and "
          "then falls below", "every generation, the lesson's 100 runs", _average_above_then_below),
    Claim("02", "a single run carries it for a while", "generations 20 to 99, the same runs",
          _one_run_carries),
    Claim("02", "One standard error of such a median is a factor of nearly two",
          "exact", exactly(_median_factor, 1.8, 2)),
    Claim("02", "in one refit the variance falls to a half or less more than three times as "
          "often as it doubles", "exact, n = 10", exactly(_halvings_per_doubling, 3, 4)),
    Claim("02", "very few of the runs hold nearly all the variance that there is",
          "the largest 1,000 of 400,000 runs, those of the lesson", exactly(_held_by_few, 0.9, 1)),
    Claim("02", "in nearly every run, not in expectation", "n = 10, 100 fits, 100 seeds",
          _narrower),
    Claim("02", "where the mean looks right, as above", "n = 50, 50 fits, 100 seeds",
          _looks_right_at_50),
    Claim("02", "grows with each generation, on average", "exact, n = 100, 30 generations",
          _error_grows),
    Claim("02", "Within a few tenths of 1", "exact standard error, n = 10, 5 fits, 100 runs",
          exactly(lambda: gaussian.uncertainty(10, 5, 1, 100)["variance"], 0.1, 0.15)),
    Claim("02", "the typical variance falls steadily on a logarithmic axis",
          "standard errors from the law: 14 arms, every recorded generation, 100 seeds",
          _typical_in_every_generation),
    Claim("02", "halves every $0.69\\,n$ fits", "exact, n = 50 to 1000", _halving(1, 0.69)),
    Claim("02", "every $0.34\\,n$ fits", "exact, n = 50 to 1000", _halving(0, 0.34)),
    Claim("02", "Twice the samples buy the same", "exact, n = 100",
          exactly(lambda: theory.gaussian_halving_time(200, 1)
                  / theory.gaussian_halving_time(100, 1), 1.95, 2.05)),
    Claim("02", "by about $3/(2n)$ a generation at first, and by about $1/n$ later",
          "exact, n = 10, 100 fits", _growth),
    Claim("02", "It stops at a distance somewhat above 1", "2,000 runs, median, 100 and 200 fits",
          _walk_stops),
    Claim("02", "For some thirty generations the bug hides inside the band",
          "four runs in the band as drawn", _hidden_bug),
    Claim("02", "The colleague's runs with three other seeds end there, too",
          "runs above the band at generation 99, of four", _four_above),
    Claim("02", "the run that looks best is the broken one",
          "|log variance| at generation 99, four seeds", _broken_looks_best),
    Claim("02", "leaves the band for some fifty generations",
          "the lesson's run with n = 100, the band as drawn", _one_outing),
    Claim("02", "the expected squared error of the mean stops at 1", "exact, n = 100, 2,000 fits",
          exactly(lambda: float(theory.gaussian_mean_error_replace(100, 2000)), 0.99, 1.0)),
]  # fmt: skip

CLAIMS = [*LESSON_00, *LESSON_02]
