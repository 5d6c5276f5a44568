"""What lesson 06 says in words: see claims.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from claims import Claim, Found, above, between, mean, values, within

from helpers import metrics, studies, theory
from helpers.loop import run_loop
from helpers.models import LinearRegression
from helpers.policies import Accumulate
from helpers.studies import gpt_budget, gpt_steps


def _errors(arm: str) -> pd.DataFrame:
    return values("regression", f"{arm}_t100", "error")


def _factor(arm: str, at: int, low: float, high: float) -> Callable[[], Found]:
    """The mean error in errors of one fit, of the same runs: hence the delta method."""

    def decide() -> Found:
        error, one = _errors(arm)[at], _errors(arm)[0]
        ratio = float(error.mean() / one.mean())
        _, lower, upper = mean(error - ratio * one)
        half = (upper - lower) / 2 / float(one.mean())
        return Found(ratio, ratio - half, ratio + half, low < ratio < high)

    return decide


def _single_runs_pass() -> list[Found]:
    """After 20 fits, in errors of one fit: some recorded runs, and the lesson's own."""
    rng = np.random.default_rng(2026)
    truth, inputs = np.ones(10), rng.normal(size=(100, 10))
    real = np.column_stack([inputs, inputs @ truth + rng.normal(size=100)])
    own = run_loop(LinearRegression(design=inputs), real, policy=Accumulate(), generations=19,
                   metrics={"error": metrics.excess_error(truth)}, seed=2026).frame  # fmt: skip
    recorded = _errors("accumulate")
    last, cap = float(own["value"].iloc[-1] / recorded[0].mean()), np.pi**2 / 6
    passed = float((recorded[19] / recorded[0] > cap).mean())
    return [
        Found(last, last, last, last > cap, "own run"),
        Found(passed, passed, passed, 0.1 < passed < 0.9, "share of recorded runs"),
    ]


def _later_fits_add_little() -> list[Found]:
    """In errors of one fit: what the second adds, and all after the 20th together."""
    first, second, twentieth = (theory.regression_error_accumulate(10, 100, t) for t in (1, 2, 20))
    added = float(second / first - 1), float(np.pi**2 / 6 - twentieth / first)
    return [Found(value, value, value, abs(value - said) < 0.01)
            for value, said in zip(added, (1 / 4, 1 / 20), strict=True)]  # fmt: skip


def _doubling_is_bounded() -> Found:
    """Exact: fits to rows of the newest model, twice as many each time, in errors of one fit."""
    errors = np.cumsum([10 / (100 * 2**i - 11) for i in range(40)]) / (10 / 89)
    return Found(
        errors[-1], errors[-1], errors[-1], errors[-1] < 3 and errors[-1] - errors[19] < 1e-4
    )


def _accumulated_kde() -> list[Found]:
    """The newest sample's expected variance: pile, plus the bump, less what its mean moves.

    A pile of i sets gains about h^2 / i with the next: so h^2 times the harmonic sum, unbounded.
    """
    recorded, n, bump = values("kde", "one_accumulate_h500", "variance"), 100, 0.5**2
    square, moved, law = 1.0, 1 / n, []  # second moment of the pile, and of its mean
    for i in range(1, 51):
        drawn = square + bump
        law.append((drawn - moved) * (1 - 1 / n))
        moved += (drawn - moved) / n / (i + 1) ** 2
        square += bump / (i + 1)
    found = [(float(recorded[g].mean()), float(recorded[g].sem()), law[g]) for g in recorded]
    return [Found(m, m - 3 * s, m + 3 * s, abs(m - exact) < 3 * s, f"law {exact:.2f}")
            for m, s, exact in found]  # fmt: skip


def _climbs(arm: str) -> Callable[[], list[Found]]:
    """Higher in each recorded generation than in the one before it."""

    def decide() -> list[Found]:
        steps = _errors(arm).diff(axis=1).iloc[:, 1:]
        return [between(steps[g], 0, np.inf, f"generation {g}") for g in steps]

    return decide


def _slower_and_slower() -> Found:
    """What each fit adds under accumulate: more than 0, and less than the fit before it added."""
    added = np.diff([theory.regression_error_accumulate(10, 100, t) for t in range(1, 101)])
    good = bool((added > 0).all() and (np.diff(added) < 0).all())
    return Found(float(added[0]), float(added[-1]), float(added[0]), good)


def _twice_the_rows() -> Found:
    """Accumulate's error over subsample's at the 40th fit."""
    ratio = float(_errors("accumulate")[39].mean() / _errors("subsample")[39].mean())
    return Found(ratio, ratio, ratio, 0.4 < ratio < 0.6)


def _levelled() -> Found:
    """Subsample from the 20th to the 40th fit: less than a tenth of one fit's error a fit."""
    error = _errors("subsample")
    return between((error[39] - error[19]) / 20 / float(error[0].mean()), -np.inf, 0.1)


def _valley_variance() -> Found:
    """Standard errors above the exact expectation after fifty rounds."""
    last = values("kde", "two_replace_neutral", "variance")[49]
    start = (1 - 1 / 100) * (1 + 0.25**2)
    exact = theory.kde_variance_replace(100, 50, theory.kde_neutral_bandwidth(100), start)
    off = float((last.mean() - exact) / last.sem())
    return Found(off, off, off, off > 2)


def _ruled(
    study: str, rules: Mapping[str, gpt_budget.Rule], name: str, word: str, at: Iterable[int]
) -> Callable[[], list[Found]]:
    """A rule of a study, written before its seeds ran, says one word in these generations."""

    def decide() -> list[Found]:
        rows = gpt_budget.effects(studies.load(study), rules)
        rows = rows[(rows["rule"] == name) & rows["generation"].isin(list(at))]
        return [
            Found(row.difference, row.low, row.high, row.verdict == word, f"g{row.generation}")
            for row in rows.itertuples()
        ]

    return decide


def _budget_rule(name: str, word: str) -> Callable[[], list[Found]]:
    return _ruled("gpt_budget", gpt_budget.RULES, name, word, range(1, 9))


def _steps_rule(name: str, word: str, at: Iterable[int]) -> Callable[[], list[Found]]:
    return _ruled("gpt_steps", gpt_steps.RULES, name, word, at)


def _below_its_start() -> list[Found]:
    """Accumulate by epochs: every later generation less generation 0."""
    excess = values("gpt_budget", "accumulate_epochs", "excess")
    return [between(excess[g] - excess[0], -np.inf, 0, f"generation {g}") for g in range(1, 9)]


def _policy_share_of_rare(subsample: bool) -> pd.Series:
    """Of the gap in rare recall of generation 8: what the policy is worth, last or first."""
    replaced, grown, kept = (values("gpt_budget", arm, "recall_tail")[8] for arm in GROWING)
    if subsample:
        return (values("gpt_steps", "subsample_200", "recall_tail")[8] - replaced) / (
            kept - replaced
        )
    return (kept - grown) / (kept - replaced)


def _budget_gap(metric: str, first: str, second: str, at: int = 8) -> pd.Series:
    return values("gpt_budget", first, metric)[at] - values("gpt_budget", second, metric)[at]


def _mostly_budget() -> Found:
    """The budget's share of the gap between replace and accumulate, generation 8."""
    whole = _budget_gap("excess", "replace_200", "accumulate_epochs")
    return between(_budget_gap("excess", "replace_200", "grown_epochs") / whole, 0.5, 1)


def _mostly_policy() -> Found:
    """The policy's share of the same gap when it changes first, at 800 rows and 200 steps."""
    whole = _budget_gap("excess", "replace_200", "accumulate_epochs")
    replace, subsample = (
        values(*arm, "excess")[8]
        for arm in (("gpt_budget", "replace_200"), ("gpt_steps", "subsample_200"))
    )
    return between((replace - subsample) / whole, 0.5, 1)


def _same_order_by_cost() -> Found:
    """At every total of steps that replace reaches: replace over grown over accumulate."""
    spent, excess = (
        {arm: values("gpt_budget", arm, metric).mean() for arm in GROWING}
        for metric in ("steps", "excess")
    )
    totals = spent["replace_200"].cumsum()[1:]
    at = [np.interp(totals, spent[arm].cumsum(), excess[arm]) for arm in GROWING]
    least = float(min((high - low).min() for high, low in itertools.pairwise(at)))
    return Found(least, least, least, least > 0)


def _accumulate_is_flat() -> list[Found]:
    """From generation 1 to each later one the excess moves by less than .03."""
    excess = values("gpt_budget", "accumulate_epochs", "excess")
    return [between(excess[g] - excess[1], -0.03, 0.03, f"generation {g}") for g in excess if g > 1]


def _gap_at_the_start() -> Found:
    """Accumulate minus nothing: generation 0 less generation 8."""
    gap = [_budget_gap("excess", "accumulate_epochs", "nothing", g) for g in (0, 8)]
    return between(gap[0] - gap[1], 0, np.inf)


def _taught_once() -> list[Found]:
    """Rare recall of accumulate above its start in generation 1, then within .05 of that."""
    rare = values("gpt_budget", "accumulate_epochs", "recall_tail")
    later = [between(rare[g] - rare[1], -0.05, 0.05, f"generation {g}") for g in rare if g > 1]
    return [between(rare[1] - rare[0], 0, np.inf, "generation 1"), *later]


def _rare_fades() -> list[Found]:
    """Rare recall of accumulate at 400 steps: below its start in each later generation."""
    rare = values("gpt_steps", "accumulate_best", "recall_tail")
    return [between(rare[g] - rare[0], -np.inf, 0, f"generation {g}") for g in rare if g > 0]


def _doubled() -> Found:
    """Accumulate at 200 steps: excess of generation 8 less twice that of generation 0."""
    excess = values("gpt_steps", "accumulate_200", "excess")
    return between(excess[8] - 2 * excess[0], 0, np.inf)


def _larger_pile(budget: str, low: float, high: float) -> Callable[[], Found]:
    """Subsample minus accumulate, excess of generation 8."""

    def gap() -> pd.Series:
        subsample, accumulate = (
            values("gpt_steps", f"{policy}_{budget}", "excess")[8]
            for policy in ("subsample", "accumulate")
        )
        return subsample - accumulate

    return within(gap, low, high)


def _none_beats_nothing() -> list[Found]:
    """Every arm that trains on its own text minus nothing, in every generation after 0."""
    arms = [("gpt_budget", arm) for arm in gpt_budget.ARMS]
    gaps = {
        (study, arm): values(study, arm, "excess") - values(study, "nothing", "excess")
        for study, arm in [*arms, *(("gpt_steps", arm) for arm in gpt_steps.ARMS)]
    }
    return [
        between(gap[g], 0, np.inf, f"{arm}, generation {g}")
        for (study, arm), gap in gaps.items()
        for g in values(study, arm, "excess").columns[1:]
    ]


def _above_the_middle() -> Found:
    """What 20,000 samples should end at (50 fits, h = 0.5), in the recorded band of a hundred."""
    recorded = values("kde", "one_replace_h500", "variance")[49]
    low, middle, high = recorded.quantile([0.05, 0.5, 0.95])
    ends = theory.kde_variance_replace(20_000, 50, 0.5)
    return Found(ends, low, high, 1.2 * middle < ends < high)


GROWING = ("replace_200", "grown_epochs", "accumulate_epochs")
RUNS_06 = "200 runs, d = 10, 100 rows"
GPT_06 = "10 seeds, 8 generations"
CLAIMS = [
    Claim("06", "Replace climbs in a straight line", f"20 fits, {RUNS_06}",
          _factor("replace", 19, 18, 22)),
    Claim("06", "this average never passes", f"40 fits, {RUNS_06}",
          _factor("accumulate", 39, 1.5, np.pi**2 / 6)),
    Claim("06", "A single run can pass it. Yours, the dark line, does", f"20 fits, {RUNS_06}",
          _single_runs_pass),
    Claim("06", "on average the second fit harms more than all after the 20th", "exact",
          _later_fits_add_little),
    Claim("06", "The error still grows in every generation, by less and less", "exact, 100 fits",
          _slower_and_slower),
    Claim("06", "The curve of subsample becomes flat", f"fits 20 to 40, {RUNS_06}", _levelled),
    Claim("06", "about three times that of one fit", f"40 fits, {RUNS_06}",
          _factor("subsample", 39, 2.7, 3.3)),
    Claim("06", "the extra rows make the error about half as large", f"40 fits, {RUNS_06}",
          _twice_the_rows),
    Claim("06", "Without a single real row the average error ends", f"40 fits, {RUNS_06}",
          _factor("synthetic_only", 39, 2.3, 1 + np.pi**2 / 6)),
    Claim("06", "That arm grows like a logarithm", RUNS_06, _climbs("newest_growing")),
    Claim("06", "If they doubled in every generation, theory would give a bound", "exact, 40 fits",
          _doubling_is_bounded),
    Claim("06", "And one policy is better than accumulating, with fewer rows", RUNS_06,
          above("regression", "error", "accumulate_t100", "real_and_newest_t100", 2)),
    Claim("06", "which is worse", RUNS_06,
          above("regression", "error", "half_real_t100", "accumulate_t100", 2)),
    Claim("06", "by more than two standard errors", "100 runs, 50 rounds", _valley_variance),
    Claim("06", "its curve is nearly flat", GPT_06, _accumulate_is_flat),
    Claim("06", "it ends above the middle of the band", "100 seeds, h = 0.5", _above_the_middle),
    Claim("06", "It was there in generation 0, and larger", GPT_06, _gap_at_the_start),
    Claim("06", "It fails in all eight", f"rule P13, {GPT_06}", _budget_rule("P13", "above")),
    Claim("06", "By the first order most of the gap is budget", GPT_06, _mostly_budget),
    Claim("06", "By the second most of it is policy", GPT_06, _mostly_policy),
    Claim("06", "Both count", f"rules policy and budget, {GPT_06}",
          lambda: _budget_rule("policy", "above")() + _budget_rule("budget", "above")()),
    Claim("06", "At equal total steps, up to 1,800, the order is the same", GPT_06,
          _same_order_by_cost),
    Claim("06", "the excess of accumulate is lower in each of the eight later ones", GPT_06,
          _below_its_start),
    Claim("06", "Rows and steps help rare facts, too", f"rule budget_rare, {GPT_06}",
          _budget_rule("budget_rare", "below")),
    Claim("06", "by the first order about half of the gap is policy", GPT_06,
          within(lambda: _policy_share_of_rare(False), 0.35, 0.65)),
    Claim("06", "By the second it is about a fifth", GPT_06,
          within(lambda: _policy_share_of_rare(True), 0.1, 0.3)),
    Claim("06", "Then it stands still, while its steps go on growing", GPT_06, _taught_once),
    Claim("06", "With fresh real rows the excess falls", f"rule ceiling, {GPT_06}",
          _steps_rule("ceiling", "above", range(1, 9))),
    Claim("06", "no policy was better than to do nothing", f"ten arms, {GPT_06}",
          _none_beats_nothing),
    Claim("06", "accumulating more than doubles the excess", f"200 steps, {GPT_06}", _doubled),
    Claim("06", "Rare recall falls meanwhile", f"400 steps, {GPT_06}", _rare_fades),
    Claim("06", "By theory generation $i$ adds about $h^2/i$", "100 runs, 50 fits",
          _accumulated_kde),
    Claim("06", "for two generations", f"400 steps, {GPT_06}",
          _steps_rule("accumulate_best", "within", range(1, 3))),
    Claim("06", "clearly above it from the fifth on", f"400 steps, {GPT_06}",
          _steps_rule("accumulate_best", "above", range(5, 9))),
    Claim("06", "subsample and accumulate end with the same excess", f"200 steps, {GPT_06}",
          _larger_pile("200", -0.03, 0.03)),
    Claim("06", "the larger pile is better", f"400 steps, {GPT_06}",
          _larger_pile("best", 0.03, 1.0)),
]  # fmt: skip
