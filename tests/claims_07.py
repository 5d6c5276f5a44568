"""What lesson 07 says in words: see claims.py."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
from claims import Claim, Found, between, exactly, mean, values, within

from helpers import studies, theory
from helpers.explorers.lesson_07 import best_buy
from helpers.loop import run_loop
from helpers.metrics import support_size
from helpers.models import Discrete
from helpers.policies import FreshReal
from helpers.studies import mixed_rows, real_rows


def _last(study: str, arm: str, metric: str) -> pd.Series:
    """One value a seed, at the last generation that the arm has."""
    return values(study, arm, metric).iloc[:, -1]


def _floor(n: int, m: int, metric: str = "variance") -> pd.Series:
    return _last("real_rows", f"floor_n{n}_m{m}", metric)


def _mixed(arm: str, metric: str) -> pd.Series:
    return values("mixed_rows", arm, metric)[0]


def _rate(g: int, own: int) -> pd.Series:
    return values("bigram_rate", f"g{g}_s100", "rate")[own]


def _loop(m: int, s: int) -> pd.Series:
    return _last("real_rows", f"biased_m{m}_s{s}", "error")


def _one_floor_for_a_number() -> list[Found]:
    found = []
    for m in (1, 2, 5, 10, 50):
        three = [float(_floor(n, m).mean()) for n in (100, 1000, 3000)]
        middle = float(np.mean(three))
        apart = max(abs(x / middle - 1) for x in three)
        found.append(Found(middle, min(three), max(three), apart < 0.03, f"m = {m}"))
    one_share = _floor(1000, 10) - _floor(100, 1)
    return [*found, between(one_share, 0.1, 1, "one share, ten rows minus one")]


def _formula() -> list[Found]:
    return [
        Found(ratio := float(_floor(n, m).mean() / theory.gaussian_floor(m)), ratio, ratio,
              abs(ratio - 1) < 0.03, f"n = {n}, m = {m}")
        for n in (1000, 3000) for m in (1, 2, 5, 10)
    ]  # fmt: skip


def _what_is_missing_is_the_mean() -> list[Found]:
    return [
        between(_floor(n, m) + _floor(n, m, "mean_error"), 0.95, 1.05, f"n = {n}, m = {m}")
        for n in (100, 1000, 3000) for m in (1, 2, 5, 10)
    ]  # fmt: skip


def _pace() -> list[Found]:
    """The share of the way to the floor left in generation n / (1 + 2 m), and in thrice that."""
    found = []
    for n in (100, 1000, 10_000):
        floor = theory.gaussian_floor(5, n)
        for times, low, high in ((1, 0.3, 0.4), (3, 0.04, 0.06)):
            at = theory.gaussian_variance_fresh(n, 5, 1 + round(times * n / 11))
            left = float((at - floor) / (1 - floor))
            found.append(Found(left, left, left, low < left < high, f"n = {n}, {times} times"))
    return found


def _hardly_begun() -> list[Found]:
    kept = [theory.gaussian_variance_fresh(10_000, m, 101) for m in (0, 5)]
    return [Found(x, x, x, x > 0.985, what) for x, what in zip(kept, ("none", "five"), strict=True)]


def _same_law_for_two_draws() -> Found:
    return between(_last("real_rows", "one_word", "heterozygosity"),
                   *(theory.gaussian_floor(1) * x for x in (0.95, 1.1)))  # fmt: skip


def _three_fates() -> list[Found]:
    kept = [_last("real_rows", f"share_n{n}", "kept") for n in (200, 2000, 20_000)]
    return [between(b - a, 0.05, 1) for a, b in pairwise(kept)]


@cache
def _words_of_the_start(n: int, seeds: int) -> np.ndarray:
    """Share of the words of generation 50, a tenth new and real, that generation 0 had, too."""
    found = []
    for seed in range(seeds):
        real = real_rows.real_words(n, np.random.default_rng([seed, n, 7]))
        run = run_loop(
            Discrete(1000), real, policy=FreshReal(real_rows.real_words, n // 10), generations=50,
            n_samples=n - n // 10, metrics={"words": support_size}, seed=seed,
        )  # fmt: skip
        now = set(np.flatnonzero(run.models[-1].probabilities_ > 0).tolist())
        found.append(len(now & set(real.tolist())) / len(now))
    return np.array(found)


def _newcomers() -> Found:
    return between(_words_of_the_start(200, 10), 0, 0.5, "of the start, of those in generation 50")


def _low_runs() -> list[Found]:
    """Below which value one run in twenty lies, m = 10: no higher than the one named, n = 1,000."""
    named = studies.summary("real_rows")["floor_n1000_m10_low"]
    return [between(_floor(n, 10, "low"), 0.5, named + 0.01, f"n = {n}") for n in (100, 1000, 3000)]


def _ways(arm: str, metric: str) -> list[pd.Series]:
    return [_last("real_rows", f"{arm}_{way}", metric) for way in real_rows.WAYS]


def _redrawn_is_nearly_new() -> list[Found]:
    found = []
    for arm, metric, sign in (("words", "words", -1), ("tenth", "mean_error", 1)):
        frozen, redrawn, new = (sign * x for x in _ways(arm, metric))
        found.append(between(redrawn - frozen, -np.inf, 0, f"{arm}: frozen is worse"))
        found.append(between((redrawn - new) - 0.25 * (frozen - new), -np.inf, 0, f"{arm}: nearly"))
    return found


def _recursive(weight: float) -> float:
    return (weight**2 + (1 - weight) ** 2) / (1 - (1 - weight) ** 2)


def _dropping_harms() -> list[Found]:
    found = []
    for m in (2, 10, 50):
        lost = theory.gaussian_floor(m) - theory.gaussian_floor(m, m)
        found.append(Found(lost, lost, lost, lost > 0, f"m = {m}"))
    return found


def _those_in_the_frozen_tenth() -> list[Found]:
    """Words left in generation 50 over the words expected in the 200 rows that are frozen."""
    p = real_rows.zipf()
    frozen = float((1 - (1 - p) ** 200).sum())
    held, redrawn = (_last("real_rows", f"words_{way}", "words") for way in real_rows.WAYS[:2])
    return [between(held / frozen, 0.95, 1.2, "frozen"),
            between(redrawn / frozen, 1.5, 9, "redrawn")]  # fmt: skip


@cache
def _behind_a_detector(new: int, synthetic: int, lam: float) -> np.ndarray:
    """Squared distance to the truth in generations 21 to 40, twenty seeds of 500 runs each."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng([seed, 7])
        means, variances = real_rows.fresh_runs(new, synthetic, 40, 500, rng, lam)
        found.append((means[21:] ** 2 + (variances[21:] ** 0.5 - 1) ** 2).mean())
    return np.array(found)


# What is left of ten real rows and ninety others: by no detector, a perfect one, a leaky one.
NONE, PERFECT, LEAKY = (10, 90), (10, 0), (9, 18)


def _drop_where_it_is_biased() -> list[Found]:
    noisy, biased = (
        _behind_a_detector(*PERFECT, lam) - _behind_a_detector(*NONE, lam) for lam in (1, 0.8)
    )
    return [between(noisy, 0, 1, "noise only: perfect minus none"),
            between(-biased, 0, 1, "biased: none minus perfect")]  # fmt: skip


def _leaky_beats_perfect() -> list[Found]:
    return [
        between(_behind_a_detector(*PERFECT, lam) - _behind_a_detector(*LEAKY, lam), 0, 1,
                f"{lam} of the variance, perfect minus leaky")
        for lam in (1, 0.8)
    ]  # fmt: skip


def _best_recorded(real: int) -> float:
    """The recorded number of synthetic rows with the smallest error."""
    tried = {
        part: float(_mixed(f"r{real}_c20", f"error_{part}").mean())
        for part in mixed_rows.SETTINGS["hundredths"]
    }
    return min(tried, key=lambda part: tried[part]) * 2.5


def _best_follows_the_formula() -> list[Found]:
    found = []
    for real in (300, 1000, 10_000, 100_000):
        ratio = _best_recorded(real) / theory.biased_rows_best(10, real, 0.02)
        found.append(Found(ratio, ratio, ratio, 1 / 1.5 < ratio < 1.5, f"{real} real rows"))
    return found


def _best_does_not_grow() -> list[Found]:
    """Each best recorded number over that of a tenth of the real rows: no more, and not half."""
    found = []
    tried = mixed_rows.SETTINGS["hundredths"]
    for few, many in pairwise((1000, 10_000, 100_000)):
        least, most = _best_recorded(many), _best_recorded(few)
        inside = min(tried) * 2.5 < least and most < max(tried) * 2.5
        ratio = least / most
        holds = inside and 0.5 < ratio <= 1
        found.append(Found(ratio, ratio, ratio, holds, f"{few} to {many} real rows"))
    return found


def _near_the_formula() -> list[Found]:
    found = []
    for real in (1000, 10_000, 100_000):
        for part in mixed_rows.SETTINGS["hundredths"]:
            number = part * 2.5
            n = real + number
            law = real / n + (number / n) ** 2 * 0.02 * real / 10
            off = float(_mixed(f"r{real}_c20", f"error_{part}").mean()) / law - 1
            found.append(Found(off, off, off, abs(off) < 0.01, f"{real} real, {number:g} others"))
    return found


def _weights_always_help() -> list[Found]:
    return [
        between(_mixed(f"r{real}_c20", f"weighted_{part}"), 0, 1, f"{real}, {part}")
        for real in (300, 1000, 10_000)
        for part in mixed_rows.SETTINGS["hundredths"]
        if part * 2.5 >= 50
    ]


def _fifty_help_and_five_hundred_harm() -> list[Found]:
    few = [between(_loop(m, 50), 0, 1, f"{m} real, 50") for m in (100, 1000, 10_000)]
    return few + [between(_loop(m, 500), 1, 10, f"{m} real, 500") for m in (100, 1000, 10_000)]


def _what_may_be_added() -> list[Found]:
    """Beside a hundred real rows 50 help and 100 harm; then 100 and 150; then 150 and 200."""
    found = []
    for m, helps, harms in ((100, 50, 100), (1000, 100, 150), (10_000, 150, 200)):
        found += [between(_loop(m, helps), 0, 1, f"{m} real, {helps}"),
                  between(_loop(m, harms), 1, 10, f"{m} real, {harms}")]  # fmt: skip
    return found


def _gift_and_poison() -> list[Found]:
    return [between(_rate(5, 12), 0, 1, "12 rows"), between(_rate(5, 400), -1, 0, "400 rows")]


def _fresh_helps_everybody() -> list[Found]:
    return [between(_rate(0, own), 0, 1.2, f"{own} rows") for own in (12, 50, 100, 400)]


def _rich_feel_it_first() -> list[Found]:
    """From generation to generation the rate falls, in the first most for the rich."""
    falls = [
        between(_rate(b, own) - _rate(a, own), -np.inf, 0, f"{own} rows, {a} to {b}")
        for own in (12, 50, 100, 400) for a, b in ((0, 1), (1, 5), (5, 10))
    ]  # fmt: skip
    fell = {own: _rate(1, own) - _rate(0, own) for own in (12, 400)}
    return [*falls, between(fell[400] - fell[12], -np.inf, 0, "400 rows minus 12 rows, 0 to 1")]


TENTHS = ("frozen", "redrawn", "new")


def _gpt(arm: str, metric: str, g: int) -> pd.Series:
    return values("gpt_tenth", arm, metric)[g]


def _each_tenth_helps() -> list[Found]:
    return [
        between(sign * (_gpt(arm, metric, g) - _gpt("replace", metric, g)), 0, 2,
                f"{arm}, {metric}, generation {g}")
        for arm in TENTHS for metric, sign in (("excess", -1), ("recall_tail", 1)) for g in (5, 8)
    ]  # fmt: skip


def _more_than_half_of_the_rise() -> Found:
    rise = {arm: _gpt(arm, "excess", 8) - _gpt(arm, "excess", 0) for arm in ("replace", "redrawn")}
    return between(rise["redrawn"] - rise["replace"] / 2, 0, 1)


def _the_loss_goes_on() -> list[Found]:
    return [
        between(_gpt(arm, "excess", b) - _gpt(arm, "excess", a), 0, 1, f"{arm}, {a} to {b}")
        for arm in TENTHS for a, b in ((0, 5), (5, 8))
    ]  # fmt: skip


def _which_tenth() -> list[Found]:
    """Frozen is worse than redrawn, and redrawn within .05 of new, in the generations named."""
    found = []
    for g in (5, 8):
        frozen, redrawn, new = (_gpt(arm, "excess", g) for arm in TENTHS)
        found += [
            between(frozen - redrawn, 0, 1, f"frozen minus redrawn, generation {g}"),
            between(redrawn - new, 0, 0.05, f"redrawn minus new, generation {g}"),
        ]
    return found


def _one_in_a_hundred() -> list[Found]:
    saved = {
        g: _gpt("replace", "excess", g) - _gpt("one_in_a_hundred", "excess", g) for g in (5, 8)
    }
    early = Found(*mean(saved[5]), False, "generation 5")
    return [replace(early, holds=early.side == "around"),
            between(saved[8], 0, 1, "generation 8")]  # fmt: skip


def _no_rare_fact() -> list[Found]:
    """What eight new rows do for rare recall: no interval leaves zero out."""
    found = []
    for g in (5, 8):
        gap = _gpt("one_in_a_hundred", "recall_tail", g) - _gpt("replace", "recall_tail", g)
        one = Found(*mean(gap), False, f"generation {g}")
        found.append(replace(one, holds=one.side == "around"))
    return found


def _without_a_quota() -> list[Found]:
    return [
        between(sign * (_gpt("subsample", metric, g) - _gpt(arm, metric, g)), 0, 2,
                f"{metric}, against {arm}, generation {g}")
        for metric, sign in (("excess", -1), ("recall_tail", 1)) for g in (5, 8)
        for arm in (*TENTHS, "one_in_a_hundred", "replace")
    ]  # fmt: skip


def _gains(metric: str, steps: int, g: int, own: int) -> pd.Series:
    return values("gpt_rate", f"t{steps}_g{g}_s400", f"gain_{metric}")[own]


def _lies(side: str, *cells: tuple[str, int, int, int]) -> list[Found]:
    """Where the interval of each gain lies: (metric, steps, generation of the file, rows owned)."""
    found = []
    for cell in cells:
        one = Found(
            *mean(_gains(*cell)), False, "{}, {} steps, generation {}, {} rows".format(*cell)
        )
        found.append(replace(one, holds=one.side == side))
    return found


def _at_100_steps() -> list[Found]:
    return [
        *_lies("above", ("excess", 100, 5, 100)),
        *_lies("below", ("excess", 100, 5, 400)),
    ]


def _both_files_help_and_harm() -> list[Found]:
    return [
        *_lies("above", *(("excess", 100, g, 100) for g in (0, 5))),
        *_lies("below", *(("recall_tail", 100, g, 100) for g in (0, 5))),
    ]


def _real_rows_do_so_too() -> list[Found]:
    """From 100 to 400 rows of one's own at 100 steps: less excess, and less rare recall."""
    excess, tail = (values("gpt_rate", "t100_real", metric) for metric in ("excess", "recall_tail"))
    return [between(excess[100] - excess[400], 0, 1, "excess saved"),
            between(tail[400] - tail[100], -1, 0, "rare recall")]  # fmt: skip


def _at_400_steps() -> list[Found]:
    return [
        *_lies("above", ("excess", 400, 5, 100), ("excess", 400, 5, 400),
               ("recall_tail", 400, 5, 100)),
        *_lies("below", ("recall_tail", 400, 5, 400)),
    ]  # fmt: skip


def _each_rule_at_one_budget() -> list[Found]:
    """The rules of the study, as its head has them, at both budgets."""
    excess, tail = "excess", "recall_tail"
    rules = {
        "two yardsticks": ((excess, 5, 100, "above"), (tail, 5, 100, "below")),
        "the sign turns": ((excess, 5, 100, "above"), (excess, 5, 400, "below")),
        "a fresh file": ((excess, 0, 100, "above"), (excess, 0, 400, "above")),
    }
    found = []
    for name, parts in rules.items():
        held = {
            steps: all(one.holds for metric, g, own, side in parts
                       for one in _lies(side, (metric, steps, g, own)))
            for steps in (100, 400)
        }  # fmt: skip
        n = float(sum(held.values()))
        found.append(Found(n, n, n, n == 1, f"budgets at which {name} holds"))
    return found


def _intervals_of_400() -> list[Found]:
    return [
        *_lies("around", ("excess", 100, 0, 400), ("recall_tail", 100, 0, 400),
               ("recall_tail", 100, 5, 400)),
        *_lies("below", ("excess", 100, 5, 400)),
    ]  # fmt: skip


def _no_repeats() -> Found:
    return between(values("bigram_rate", "real", "repeats")[0], 0, 0.05)


def _typical_run() -> Found:
    three = mean(_floor(1000, 1, "median"))
    return Found(*three, three[2] < 0.5)


def _best_purchase() -> list[Found]:
    """Share of a budget that is best spent on synthetic rows, and the error that this saves."""
    found = []
    for budget, spent, saved in (
        (100, (0.75, 0.85), (0.6, 0.8)),
        (1000, (0.02, 0.04), (0.05, 0.15)),
        (2500, (0, 0.01), (0.035, 0.045)),
        (10_000, (0, 0.01), (0, 0.015)),
    ):
        rows, error = best_buy(budget, 0.02, 0.1)
        for what, x, (low, high) in (
            ("spent", rows * 0.1 / budget, spent),
            ("saved", 1 - error / (10 / budget), saved),
        ):
            found.append(Found(x, x, x, low < x < high, f"{what}, budget {budget}"))
    return found


CLAIMS = [
    Claim("07", "one number of real rows, one floor", "mean variance, three n, 40 seeds",
          _one_floor_for_a_number),
    Claim("07", "In the long run the mean variance is $1 - 1/(1 + 2m)$", "over formula, 40 seeds",
          _formula),
    Claim("07", "what is missing is the error of the mean", "variance and squared error, 40 seeds",
          _what_is_missing_is_the_mean),
    Claim("07", "After $n/(1 + 2m)$ generations about a third of the way is left",
          "exact, share left", _pace),
    Claim("07", "a hundred generations have hardly begun, with real rows or without",
          "exact, n = 10,000", _hardly_begun),
    Claim("07", "The typical run with one row keeps less than half", "median, n = 1,000, 40 seeds",
          _typical_run),
    Claim("07", "It follows the same law", "heterozygosity, one word, 40 seeds",
          _same_law_for_two_draws),
    Claim("07", "At $n = 200$ more than half of these words were not there at the start",
          "10 seeds, the study's loop", _newcomers),
    Claim("07", "One run in twenty keeps less than", "bell, 40 seeds of 200 runs", _low_runs),
    Claim("07", "One share, three fates", "share of words left, gaps, 40 seeds", _three_fates),
    Claim("07", "Redrawing from an old pile is nearly as good as new data: freezing is not",
          "words left and error of the mean, 40 seeds", _redrawn_is_nearly_new),
    Claim("07", "Freezing holds those words that happen to be in the frozen tenth, and few others",
          "words left over words expected in 200 rows, 40 seeds", _those_in_the_frozen_tenth),
    Claim("07", "Each of the three tenths helps, by both yardsticks and in both generations",
          "GPT, excess and rare recall, 10 seeds", _each_tenth_helps),
    Claim("07", "None stops the loss", "GPT, rise of excess, 10 seeds", _the_loss_goes_on),
    Claim("07", "more than half of the rise is still there", "GPT, excess, 10 seeds",
          _more_than_half_of_the_rise),
    Claim("07", "Which tenth matters here, too", "GPT, excess, 10 seeds", _which_tenth),
    Claim("07", "Eight new rows are not told apart from none at generation 5; at 8 they save",
          "GPT, excess, 10 seeds", _one_in_a_hundred),
    Claim("07", "and no rare fact that we can see", "GPT, rare recall, 10 seeds", _no_rare_fact),
    Claim("07", "Best of all is the arm without a quota", "GPT, excess and rare recall, 10 seeds",
          _without_a_quota),
    Claim("07", "The error is then the same number of times that of the real rows alone", "exact",
          exactly(lambda: _recursive(w := theory.golden_ratio_weight()) / w, 0.999, 1.001)),
    Claim("07", "Plain pooling, weight one half, is nearly as good", "exact, over the best",
          exactly(lambda: _recursive(0.5) / _recursive(theory.golden_ratio_weight()), 1, 1.1)),
    Claim("07", "Both beat real rows alone by a third", "exact, weight one half",
          exactly(lambda: 1 - _recursive(0.5), 0.3, 0.36)),
    Claim("07", "a perfect detector does harm: with the rows it drops their memory",
          "exact, floor lost", _dropping_harms),
    Claim("07", "Where it is biased, dropping helps", "20 seeds of 500 runs, other code",
          _drop_where_it_is_biased),
    Claim("07", "in both a leaky one, which drops a tenth of the real rows and misses a fifth of "
          "the others, beats the perfect one", "20 seeds of 500 runs, other code",
          _leaky_beats_perfect),
    Claim("07", "It lowers the error by about an eighth", "error over alone, 312 rows, 20 seeds",
          within(lambda: _mixed("r1000_c20", "error_125"), 0.865, 0.89)),
    Claim("07", "With as many synthetic rows as real ones nothing is gained any more",
          "error over alone, 1,000 and 1,000, 20 seeds",
          within(lambda: _mixed("r1000_c20", "error_400"), 0.985, 1.015)),
    Claim("07", "with more, they do harm", "error over alone, 1,000 and 2,000, 20 seeds",
          within(lambda: _mixed("r1000_c20", "error_800"), 1, 2)),
    Claim("07", "A hundred times the real rows, and fewer synthetic ones", "exact",
          exactly(lambda: theory.biased_rows_best(10, 10**5, 0.02)
                  - theory.biased_rows_best(10, 1000, 0.02), -200, -1)),
    Claim("07", "Up to 250 real rows, the more the better", "exact, best number",
          exactly(lambda: theory.biased_rows_best(10, 250, 0.02), np.inf, np.inf)),
    Claim("07", "up to 500 no number harms", "exact, break-even",
          exactly(lambda: theory.biased_rows_break_even(10, 500, 0.02), np.inf, np.inf)),
    Claim("07", "each error lies within a hundredth of the formula", "20 seeds of 2,000 pairs",
          _near_the_formula),
    Claim("07", "any number helps; all together are worth at most", "with weights, 20 seeds",
          _weights_always_help),
    Claim("07", "Above, the best number falls towards", "recorded over formula, 20 seeds",
          _best_follows_the_formula),
    Claim("07", "the number of its rows that helps is nearly a constant", "recorded, 20 seeds",
          _best_does_not_grow),
    Claim("07", "the number that you may add grows, too, but only from under 100 to under 200",
          "bell in a loop, 40 seeds", _what_may_be_added),
    Claim("07", "Fifty synthetic rows help and five hundred harm", "bell in a loop, 40 seeds",
          _fifty_help_and_five_hundred_harm),
    Claim("07", "in passages of fifty words that do not repeat each other",
          "share of the test's sequences of eight words, 20 seeds", _no_repeats),
    Claim("07", "One file, a gift to the poor and poison to the rich", "rate, generation 5",
          _gift_and_poison),
    Claim("07", "At 100 steps the old file turns its sign with what you own", "GPT, 10 seeds",
          _at_100_steps),
    Claim("07", "both files help and harm the poor at once", "GPT, 100 steps, 10 seeds",
          _both_files_help_and_harm),
    Claim("07", "there more *real* rows do so, too", "GPT, 100 steps, 10 seeds",
          _real_rows_do_so_too),
    Claim("07", "At 400 steps both owners save with the old one, and it is the rich who lose rare "
          "facts", "GPT, 10 seeds", _at_400_steps),
    Claim("07", "each holds at one of them alone", "GPT, rules of gpt_rate, 10 seeds",
          _each_rule_at_one_budget),
    Claim("07", "hold zero, but for the excess of generation 5", "GPT, 10 seeds",
          _intervals_of_400),
    Claim("07", "generation 0, helps all four owners", "rate, 20 seeds", _fresh_helps_everybody),
    Claim("07", "Each generation makes its text poorer, and the rich feel it first",
          "differences of the rate, 20 seeds", _rich_feel_it_first),
    Claim("07", "which share of a small budget goes to synthetic rows, which of a large one",
          "share spent and error saved, exact", _best_purchase),
]  # fmt: skip
