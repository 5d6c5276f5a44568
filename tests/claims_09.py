"""What lesson 09 says in words: see claims.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from claims import Claim, Found, between, exactly, mean, values, within
from scipy.stats import binom

from helpers import theory
from helpers.studies import judged_cures, noisy_verifier, verified_loop

STORIES = "GPT of 400 steps, 10 seeds"


def _accuracy(judge: str, n: int, part: int) -> pd.Series:
    """Over seeds, at p* plus `part` thousandths."""
    rates = noisy_verifier.SETTINGS["edge"]["judges"][judge]
    edge = round(1000 * theory.verifier_threshold(*rates))
    return values("noisy_verifier", f"edge_{judge}_n{n}", "accuracy")[edge + part]


def _clean(judge: str, n: int, metric: str) -> pd.Series:
    return values("noisy_verifier", f"clean_{judge}_n{n}", metric)[n]


def _best(law: str, metric: str, k: int) -> pd.Series:
    return values("noisy_verifier", f"best_{law}", metric)[k]


def _right(arm: str, g: int, metric: str = "right") -> pd.Series:
    return values("verified_loop", arm, metric)[g]


def _fate(kind: str, way: str, g: int = 20) -> pd.Series:
    return _right(f"fate_{kind}_{way}", g)


def _story(metric: str, arm: str) -> pd.DataFrame:
    """Seeds by generations; without a judge, from generation 1 on, of `gpt_steps`."""
    if arm in judged_cures.ARMS:
        return values("judged_cures", arm, metric)
    if arm in ("none", "accumulate"):
        name = "replace_best" if arm == "none" else "accumulate_best"
        return values("gpt_steps", name, metric)
    return values("judged_stories", arm, metric)


def _gap(metric: str, low: float, high: float, since: int = 1) -> list[Found]:
    """With the judge minus without it, seed by seed, in every generation."""
    gap = (_story(metric, "judge") - _story(metric, "none")).dropna(axis=1)
    return [between(gap[g], low, high, f"{metric}, generation {g}") for g in gap if g >= since]


def _cured(arm: str, other: str, metric: str, low: float, high: float) -> list[Found]:
    """A cure with its judge minus another arm, seed by seed, in every generation from 1 on."""
    gap = (_story(metric, arm) - _story(metric, other)).dropna(axis=1)
    said = f"{arm} minus {other}, {metric}, generation"
    return [between(gap[g], low, high, f"{said} {g}") for g in gap if g >= 1]


BESIDE_REAL = (("mix25_judge", "mix25"), ("accumulate_judge", "accumulate"))
MARGIN = judged_cures.MARGIN


def _harmless() -> list[Found]:
    return [one for pair in BESIDE_REAL for one in _cured(*pair, "excess", -MARGIN, MARGIN)]


def _no_loss_shown() -> list[Found]:
    """Rule 2, in every generation: no interval lies below 0; and each reaches below it at last."""
    every = [one for pair in BESIDE_REAL for one in _cured(*pair, "recall_tail", -1, 1)]
    found = [replace(one, holds=one.high > 0) for one in every]
    last = [replace(one, holds=one.low < 0) for one in every if one.of.endswith("generation 5")]
    return [*found, *last]


def _small_is_not_nothing() -> list[Found]:
    """In every generation: a small harm with a quarter, a small help with accumulating."""
    return [
        *_cured("mix25_judge", "mix25", "excess", 0, MARGIN),
        *_cured("accumulate_judge", "accumulate", "excess", -MARGIN, 0),
    ]


def _still_thins() -> list[Found]:
    return [one for pair in BESIDE_REAL for one in _cured(*pair, "names_alive", -100, 0)]


def _quota_holds_and_harms() -> list[Found]:
    """More people and rare recall than the judge alone, in every generation; and more excess than
    no judge, in the last by more than the margin."""
    return [
        *_cured("quota", "judge", "names_alive", 0, 100),
        *_cured("quota", "judge", "recall_tail", 0, 1),
        *_cured("quota", "none", "excess", 0, 9),
        between(_story("excess", "quota")[5] - _story("excess", "none")[5], MARGIN, 9, "the last"),
    ]


def _without_a_mistake() -> list[Found]:
    """What the quota keeps is all true, and in generation 0 less of it is about the rare than was
    written: some have no faultless row."""
    facts = _story("fact_accuracy", "quota")
    low, high = float(facts.min().min()), float(facts.max().max())
    kept, written = (_story(m, "quota")[0] for m in ("rare_share", "written_rare_share"))
    return [
        Found(float(facts.mean().mean()), low, high, low == high == 1, "facts that are right"),
        between(kept - written, -1, 0, "rare, kept minus written, generation 0"),
    ]


def _all_kept() -> list[Found]:
    """Every arm trains on as many rows: the judge always found 800."""
    found = []
    for arm in judged_cures.ARMS:
        kept = _story("kept", arm)
        low, high = float(kept.min().min()), float(kept.max().max())
        found.append(Found(float(kept.mean().mean()), low, high, low == high == 800, arm))
    return found


def _confident_half() -> list[Found]:
    """At generation 4, in each seed: the largest excess, the lowest rare recall, the fewest
    mistakes."""
    found = []
    for metric, sign in (("excess", 1), ("recall_tail", -1), ("mistakes", -1)):
        half = values("surprise_filter", "predictable", metric)[4]
        for arm in ("surprising", "random"):
            gap = half - values("surprise_filter", arm, metric)[4]
            low, high = float(gap.min()), float(gap.max())
            holds = bool((sign * gap > 0).all())
            found.append(Found(float(gap.mean()), low, high, holds, f"{metric}, minus {arm}"))
    return found


def _far_below_a_half() -> list[Found]:
    gates = {arm: values("execution", arm, "false_pass")[0]
             for arm in ("unchecked", "static", "own_tests", "unit_tests")}  # fmt: skip
    return [between(rate, 0 if arm == "unit_tests" else 0.4, 0.1 if arm == "unit_tests" else 0.7,
                    arm) for arm, rate in gates.items()]  # fmt: skip


def _cliff() -> list[Found]:
    found = []
    for judge in noisy_verifier.SETTINGS["edge"]["judges"]:
        for part, low, high in ((-10, 0.8, 1.0), (10, 0.0, 0.2)):
            found.append(between(_accuracy(judge, 10**6, part), low, high, f"{judge}, {part}"))
    return found


def _mud() -> list[Found]:
    return [
        between(_accuracy(judge, 200, -20) - _accuracy(judge, 200, 20), 0, 0.2, judge)
        for judge in noisy_verifier.SETTINGS["edge"]["judges"]
    ]


def _worth() -> list[Found]:
    return [
        between(
            _clean(judge, n, "average") - _clean(judge, n, "clean"), -0.01, 0.01, f"{judge}, {n}"
        )
        for judge in noisy_verifier.SETTINGS["clean"]["judges"]
        for n in (400, 2000)
    ]


def _equal_kept_and_equal_written() -> list[Found]:
    strict, none, random = (_clean(j, 400, "average") for j in ("strict", "none", "random"))
    return [
        between(strict - random, 0, 1, "as many kept rows"),
        between(strict - none, -1, 0, "as many written rows"),
    ]


def _sloppy_is_best() -> list[Found]:
    best = _clean("sloppy", 400, "average")
    return [
        between(best - _clean(judge, 400, "average"), 0, 1, f"minus {judge}")
        for judge in ("none", "strict", "random")
    ]


def _order_turns() -> list[Found]:
    return [
        between(_clean("strict", 2000, learner) - _clean("none", 2000, learner), low, high, learner)
        for learner, low, high in (("average", -1, 0), ("logistic", 0, 1))
    ]


def _triples() -> list[Found]:
    found = []
    shares = theory.verified_share(0.15, 0.9, 0.3, np.arange(9))
    odds = shares / (1 - shares)
    for g, ratio in enumerate(odds[1:] / odds[:-1], 1):
        found.append(Found(ratio, ratio, ratio, abs(ratio - 3) < 1e-9, f"generation {g}"))
    # The recorded loop, with a thousand draws a question, follows it.
    for g in (1, 2, 3, 5):
        off = _right("answers_d1000_s15", g) - shares[g]
        found.append(between(off, -0.01, 0.01, f"recorded minus law, generation {g}"))
    return found


def _as_it_should() -> list[Found]:
    settings, found = verified_loop.SETTINGS["edge"], []
    for judge in settings["judges"]:
        for part in settings["hundredths"]:
            for where, low, high in (("below", 0, 0.1), ("above", 0.9, 1)):
                end = _right(f"edge_{judge}_t{part}_{where}", settings["rounds"])
                low_, high_ = float(end.min()), float(end.max())
                found.append(Found(float(end.mean()), low_, high_, low <= low_ and high_ <= high,
                                   f"{judge}, T = {part / 100}, {where}"))  # fmt: skip
    return found


def _any_start() -> list[Found]:
    ends = {s: theory.verified_share(s, 0.9, 0.3, 60) for s in (1e-6, 0.01, 0.5)}
    return [Found(x, x, x, x > 0.999, f"start {s}") for s, x in ends.items()]


def _delay_and_stop() -> list[Found]:
    found = []
    for way in verified_loop.WAYS:
        for kind in ("rejects", "passes"):
            found.append(between(_fate(kind, way), 0.95, 1.01, f"{kind}, {way}"))
        for kind in ("plausible", "refuses"):
            late = _fate(kind, way) - _fate(kind, way, 5)
            found.append(between(late, -0.02, 0.02, f"{kind}, {way}: generation 20 minus 5"))
            three = mean(_fate(kind, way))
            found.append(Found(*three, three[2] < 0.9, f"{kind}, {way}"))
    return found


def _not_even_one() -> list[Found]:
    """At generation 1, in each seed: all right with `rejects`, and not yet with `passes`."""
    found = []
    for way in verified_loop.WAYS:
        for kind, least, most in (("rejects", 1, 1), ("passes", 0.6, 0.8)):
            first = _fate(kind, way, 1)
            low, high = float(first.min()), float(first.max())
            holds = least <= low and high <= most
            found.append(Found(float(first.mean()), low, high, holds, f"{kind}, {way}"))
    return found


def _a_fifth_of_first_verdicts() -> list[Found]:
    start, found = np.array([0.6, 0.2, *4 * [0.05]]), []
    right = np.array([True, False, *4 * [False]])
    for kind in verified_loop.KINDS:
        keep = verified_loop.judge_of(kind, 300)
        errors = float((np.where(right, 1 - keep, keep) * start).sum(axis=1).mean())
        found.append(Found(errors, errors, errors, abs(errors - 0.2) < 1e-9, kind))
    return found


def _centre(real: int, metric: str, g: int) -> pd.Series:
    return _right(f"centre_r20_m{real}", g, metric)


def _ends_at_the_centre() -> list[Found]:
    return [
        between(_centre(m, "to_judge", 30), -0.01, 0.01, f"{m} real rows") for m in (4, 16, 100)
    ]


def _helps_and_harms() -> list[Found]:
    found = []
    for real, low, high in ((4, -1, 0), (100, 0, 1)):
        change = _centre(real, "squared", 30) - _centre(real, "squared", 0)
        found.append(between(change, low, high, f"{real} real rows, squared error, 30 minus 0"))
        distances = values("verified_loop", f"centre_r20_m{real}", "distance")
        best = int(distances.mean().idxmin())
        gain = distances[best] - distances[30]
        found.append(between(gain, -1, 0, f"{real} real rows: best generation {best} minus 30"))
    return found


def _best_is_on_the_way() -> list[Found]:
    """The best generation is neither the first nor the last, for every number of real rows."""
    found = []
    for real in (4, 16, 100):
        distances = values("verified_loop", f"centre_r20_m{real}", "distance")
        best = int(distances.mean().idxmin())
        for other in (0, 30):
            gain = distances[best] - distances[other]
            found.append(between(gain, -1, 0, f"{real} real rows: generation {best} minus {other}"))
    return found


def _worth_in_distance() -> list[Found]:
    """Real rows whose mean lies as far from the truth, on average, as the judge's centre; and the
    start of that many rows is as far as the end."""
    rows = 2 / np.pi * theory.judge_worth(0.2)
    change = _centre(16, "distance", 30) - _centre(16, "distance", 0)
    return [
        Found(rows, rows, rows, round(rows) == 16, "exact"),
        between(change, -0.005, 0.005, "16 real rows, generation 30 minus 0"),
    ]


def _stricter_is_faster() -> list[Found]:
    return [
        between(_right(f"centre_r10_m{m}", 3, "to_judge") - _centre(m, "to_judge", 3), -1, 0,
                f"{m} real rows, generation 3")
        for m in (4, 16, 100)
    ]  # fmt: skip


def _score_always_rises() -> list[Found]:
    return [
        between(
            _best(law, "score", many) - _best(law, "score", few), 0, 99, f"{law}, {few} to {many}"
        )
        for law in noisy_verifier.LAWS
        for few, many in ((1, 10), (10, 30), (30, 100), (100, 1000))
    ]


def _best_of_many() -> list[Found]:
    return [
        between(_best("normal", "quality", 1000) - _best("normal", "quality", 30), 0, 9, "normal"),
        between(_best("heavy", "quality", 1000) - _best("heavy", "quality", 30), -9, 0, "heavy"),
        between(_best("loophole", "quality", 1000), -9, 0, "loophole"),
        *(between(_best(law, "correlation", 1000), 0.68, 0.72, law) for law in noisy_verifier.LAWS),
    ]


def _all_of_it_true() -> list[Found]:
    facts = _story("fact_accuracy", "judge")
    return [Found(float(facts[g].mean()), float(facts[g].min()), float(facts[g].max()),
                  bool((facts[g] == 1).all()), f"generation {g}") for g in facts]  # fmt: skip


def _thinned_at_once() -> list[Found]:
    """Of the first generation's stories: those kept, against those written, and without a judge."""
    kept, written = (_story(m, "judge")[0] for m in ("rare_share", "written_rare_share"))
    return [
        between(kept - written, -1, 0, "kept minus written"),
        between(kept - _rare_without(), -1, 0, "kept minus kept without a judge"),
    ]


def _rare_without() -> pd.Series:
    return values("judged_stories", "none", "rare_share")[0]


def _sicker() -> list[Found]:
    """At generation 5: needless surprise, and recall of the 50 rarest."""
    return [_gap("excess", 0, 9)[-1], _gap("recall_tail", -1, 0)[-1]]


def _enough_pass() -> list[Found]:
    kept = _story("kept", "judge")
    return [Found(float(kept[g].mean()), float(kept[g].min()), float(kept[g].max()),
                  bool((kept[g] == 800).all()), f"generation {g}") for g in kept]  # fmt: skip


def _too_low() -> list[Found]:
    """How often the bound from fifty rows is below the share of wrong ones, at most."""
    bounds = np.array([theory.wrong_share_bound(wrong, 50) for wrong in range(51)])
    shares = np.linspace(0.001, 0.999, 999)
    misses = [float(binom.pmf(np.flatnonzero(bounds < s), 50, s).sum()) for s in shares]
    return [Found(max(misses), min(misses), max(misses), 0.04 < max(misses) <= 0.05 + 1e-9)]


def _may_be_wrong() -> list[Found]:
    bound = theory.wrong_share_bound(0, 50)
    chance = float(binom.cdf(0, 50, bound))
    return [Found(chance, chance, chance, abs(chance - 0.05) < 1e-9, f"at {bound:.3f}")]


CLAIMS = [
    Claim("09", "Of the others the first 800 are what the next model is trained on",
          f"rows kept, {STORIES}", _enough_pass),
    Claim("09", "the number of people hardly changes", f"generation 5 minus 0, {STORIES}",
          within(lambda: _story("names_alive", "none")[[0, 5]].diff(axis=1)[5], -2, 2)),
    Claim("09", "Truth in, people out", f"people in the text, with minus without, {STORIES}",
          lambda: _gap("names_alive", -100, 0)),
    Claim("09", "The 20 best known it knows as well as the other",
          f"recall, with minus without, generation 5, {STORIES}",
          lambda: _gap("recall_head", -0.05, 0.05)[-1]),
    Claim("09", "Every fact in the judged text is right, in every generation and seed",
          f"facts that are right, {STORIES}", _all_of_it_true),
    Claim("09", "five generations of nothing but true rows", f"facts that are right, {STORIES}",
          _all_of_it_true),
    Claim("09", "The model is the sicker one, too", f"with minus without, {STORIES}", _sicker),
    Claim("09", "So the judge thins them at once",
          f"share of the rarer half, {STORIES}", _thinned_at_once),
    Claim("09", "Beside real rows the judge is harmless, in every generation",
          f"excess, with minus without, {STORIES}", _harmless),
    Claim("09", "In rare recall no loss is shown with either, and a small one is not ruled out",
          f"recall, with minus without, {STORIES}", _no_loss_shown),
    Claim("09", "In every generation the whole interval lies above 0 with a quarter, and below 0 "
          "with accumulating: there the judge helps a little",
          f"excess, with minus without, {STORIES}", _small_is_not_nothing),
    Claim("09", "But it still thins: its newest rows mention",
          f"people, with minus without, {STORIES}", _still_thins),
    Claim("09", "A quota is not enough", f"generations 1 to 5, {STORIES}", _quota_holds_and_harms),
    Claim("09", "A quota can only keep what is written without a mistake", STORIES,
          _without_a_mistake),
    Claim("09", "beside 600 that the judge kept", f"rows that pass, {STORIES}", _all_kept),
    Claim("09", "Real rows beside its own made it harmless here",
          f"excess, with minus without, {STORIES}", _harmless),
    Claim("09", "the confident half ended with the largest excess of three halves, the lowest rare "
          "recall and the fewest mistakes, in each of four seeds",
          "generation 4, GPT of 400 steps, least and most of 4 seeds", _confident_half),
    Claim("09", "Only the last is far below a half", "wrong share of what a gate keeps, generation "
          "0, 10 seeds", _far_below_a_half),
    Claim("09", "A judge multiplies the odds by $\\varphi/\\psi$", "exact, and 1,000 draws",
          _triples),
    Claim("09", "A million rows see a cliff", "accuracy a hundredth to each side, 40 seeds",
          _cliff),
    Claim("09", "from a small pile there is no cliff to fall, only mud",
          "fall of the accuracy, 200 rows, 40 seeds", _mud),
    Claim("09", "and it is the best with", "accuracy of averaging, 400 rows, 40 seeds",
          _sloppy_is_best),
    Claim("09", "in each of eight recorded arms the two accuracies agree within a hundredth",
          "accuracy minus that of as many clean rows, 40 seeds", _worth),
    Claim("09", "All 400 rows are worth 64 clean ones", "exact, 280 right and 120 wrong",
          exactly(lambda: theory.clean_rows_worth(280, 120), 64, 64)),
    Claim("09", "is true at equal kept rows and false at equal written rows",
          "accuracy of averaging, 400 rows, 40 seeds", _equal_kept_and_equal_written),
    Claim("09", "But for logistic regression the order turns", "2,000 rows, 40 seeds",
          _order_turns),
    Claim("09", "the strict judge keeps 141", "rows kept of 2,000, 40 seeds",
          within(lambda: _clean("strict", 2000, "kept"), 140, 142)),
    Claim("09", "A very strict judge keeps 28 of the 400", "rows kept, 40 seeds",
          within(lambda: _clean("strict", 400, "kept"), 27.5, 28.5)),
    Claim("09", "all but one in 250 are right", "right share of the kept, 40 seeds",
          within(lambda: _clean("strict", 400, "right"), 0.994, 0.998)),
    Claim("09", "the judge triples the odds in each generation", "exact, and 1,000 draws",
          _triples),
    Claim("09", "At $T = 0$ the written share is Feng's edge, one minus $p^*$", "exact",
          exactly(lambda: theory.loop_threshold(0.9, 0.3, 0)
                  + theory.verifier_threshold(0.9, 0.3), 1 - 1e-12, 1 + 1e-12)),
    Claim("09", "At $T = 1$ any start recovers", "exact, generation 60", _any_start),
    Claim("09", "the recorded loop did as it should in each of twenty seeds",
          "share right at generation 60, least and most of 20 seeds", _as_it_should),
    Claim("09", "Each judge errs in a fifth of its first verdicts", "exact",
          _a_fifth_of_first_verdicts),
    Claim("09", "Errors at random delay a loop at most. Errors that come back stop it",
          "share right at generation 20, both kinds of model, 20 seeds", _delay_and_stop),
    Claim("09", "Right answers lost at random cost not even one generation here",
          "share right at generation 1, least and most of 20 seeds", _not_even_one),
    Claim("09", "A network that trains on other questions may forget it",
          "share right, forgets minus keeps, 20 seeds",
          within(lambda: _fate("refuses", "forgets") - _fate("refuses", "keeps"), -0.2, -0.1)),
    Claim("09", "Every start ends at the judge's centre", "distance at generation 30, 20 seeds",
          _ends_at_the_centre),
    Claim("09", "On the way there is a best generation to stop at", "distance, 20 seeds",
          _best_is_on_the_way),
    Claim("09", "in the figure's mean distance, 16", "exact, and 20 seeds", _worth_in_distance),
    Claim("09", "In the end the judge helps with four real rows and harms with a hundred",
          "squared error, and the best generation by distance, 20 seeds", _helps_and_harms),
    Claim("09", "A stricter judge only gets there faster", "distance to the centre, 20 seeds",
          _stricter_is_faster),
    Claim("09", "With normal errors more is better", "best of 1,000, 40 seeds", _best_of_many),
    Claim("09", "The judge's own score rises in every panel", "score, 40 seeds",
          _score_always_rises),
    Claim("09", "The bound below is too low in one case of twenty at most", "exact, binomial",
          _too_low),
    Claim("09", "that would still give so few in one case of twenty", "exact, binomial",
          _may_be_wrong),
]  # fmt: skip
