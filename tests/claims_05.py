"""What lesson 05 says in words: see claims.py. The recorded runs of its GPT have 400 steps a fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from claims import Claim, Found, above, between, recorded, values

from helpers import studies
from helpers.studies import stories

PLAIN = ("gpt", "replace")  # temperature 1
ROUNDS, SAMPLED = range(1, 9), range(1, 6)  # generations after 0: of `gpt`, and of the others
STEPS = (100, 200, 300, 400, 600, 800, 1200)


def _under(sampler: str, policy: str = "replace") -> tuple[str, str]:
    """Where the runs with a sampler are recorded: the study and the arm."""
    return PLAIN if not sampler else ("gpt_sampler", f"{sampler}_{policy}")


def _since_0(run: tuple[str, str], metric: str, at: Iterable[int]) -> list[tuple[str, pd.Series]]:
    """What each generation has more than generation 0 of the same run."""
    table = values(*run, metric)
    return [(f"{metric}, generation {g}", table[g] - table[0]) for g in at]


def _steps_of(run: tuple[str, str], metric: str) -> list[tuple[str, pd.Series]]:
    """What each generation has more than the one before it."""
    table = values(*run, metric)
    return [(f"{metric}, generation {g}", table[g] - table[g - 1]) for g in table if g]


def _less(
    first: tuple[str, str], second: tuple[str, str], metric: str, at: Iterable[int]
) -> list[tuple[str, pd.Series]]:
    """The first run minus the second, of the same seed."""
    gap = values(*first, metric) - values(*second, metric)
    return [(f"{first[1]} - {second[1]}, {metric}, generation {g}", gap[g]) for g in at]


def rises(rows: Callable[[], list[tuple[str, pd.Series]]]) -> Callable[[], list[Found]]:
    """Every row has its whole interval above 0."""
    return lambda: [between(row, 0, np.inf, of) for of, row in rows()]


def falls(rows: Callable[[], list[tuple[str, pd.Series]]]) -> Callable[[], list[Found]]:
    """Every row has its whole interval below 0."""
    return lambda: [between(row, -np.inf, 0, of) for of, row in rows()]


def _lost_first(study: str, arm: str) -> list[tuple[str, pd.Series]]:
    """The share lost of rare recall minus the share lost of the recall of the best known."""
    rare, known = (values(study, arm, f"recall_{part}") for part in ("tail", "head"))
    gap = known.div(known[0], axis=0) - rare.div(rare[0], axis=0)
    return [(f"generation {g}", gap[g]) for g in gap if g]


def _ratio(study: str, arm: str, metric: str, at: int, low: float, high: float) -> Found:
    """How many times the value of generation 0, seed by seed."""
    table = values(study, arm, metric)
    return between(table[at] / table[0], low, high, f"generation {at}")


def _real_only(metric: str) -> pd.DataFrame:
    """Fits to real rows alone: seeds as rows, training steps as columns."""
    return pd.DataFrame({n: values("gpt_steps", f"real_{n}", metric)[0] for n in STEPS})


def _lowest_at_400() -> list[Found]:
    """Alike at 300 steps, higher at all others."""
    excess = _real_only("excess")
    far = [n for n in STEPS if n not in (300, 400)]
    return [
        between(excess[300] - excess[400], -0.01, 0.01, "300 steps"),
        *(between(excess[n] - excess[400], 0, np.inf, f"{n} steps") for n in far),
    ]


def _too_many_keep_rare_facts() -> list[Found]:
    rare = _real_only("recall_tail")
    return [between(rare[n] - rare[400], -0.02, np.inf, f"{n} steps") for n in STEPS if n > 400]


def _too_few_lack_rare_facts() -> list[Found]:
    rare = _real_only("recall_tail")
    return [between(rare[400] - rare[n], 0, np.inf, f"{n} steps") for n in STEPS if n < 400]


def _every_run(table: pd.DataFrame | pd.Series, low: float, high: float, of: str = "") -> Found:
    """All runs, not their mean: from the lowest to the highest."""
    numbers = np.asarray(table, dtype=float).ravel()
    ends = float(numbers.min()), float(numbers.max())
    return Found(float(numbers.mean()), *ends, low < ends[0] and ends[1] < high, of)


def _pages() -> list[Found]:
    """B less A at generation 3, of the runs of seed 0 that wrote the two pages."""
    rows = []
    for metric, sign in (("excess", 1), ("fact_accuracy", 1), ("names_alive", -1),
                         ("recall_mid", -1), ("recall_tail", -1)):  # fmt: skip
        a, b = (float(values(*_under(s), metric)[3][0]) for s in ("", "t08"))
        rows.append(Found(b - a, b - a, b - a, sign * (b - a) > 0, metric))
    return rows


def _pages_in_every_run() -> list[Found]:
    """The same order of A and B in each of the recorded runs."""
    rows = []
    for metric, sign in (("excess", 1), ("recall_tail", -1)):
        gap = values(*_under("t08"), metric)[3] - values(*PLAIN, metric)[3]
        rows.append(_every_run(sign * gap, 0, np.inf, metric))
    return rows


GPT, SAMPLER, TUNED = (recorded(name) for name in ("gpt", "gpt_sampler", "gpt_fine_tuned"))
REAL = f"real rows only, {recorded('gpt_steps')}"
CLAIMS = [
    Claim("05", "it is the sicker one", SAMPLER, _pages),
    Claim("05", "Asked about the others, it knows less than A", SAMPLER, _pages_in_every_run),
    Claim("05", "The excess is lowest at 300 and 400 steps", REAL, _lowest_at_400),
    Claim("05", "But rare recall stays high", REAL, _too_many_keep_rare_facts),
    Claim("05", "Too few steps look like forgetting. Too many do not", REAL,
          _too_few_lack_rare_facts),
    Claim("05", "More variety, and more nonsense", GPT,
          rises(lambda: [*_since_0(PLAIN, "distinct_3", ROUNDS), *_since_0(PLAIN, "mistakes", ROUNDS)])),
    Claim("05", "becomes better in every generation", GPT,
          rises(lambda: _steps_of(PLAIN, "distinct_3"))),
    Claim("05", "The rare ones: their recall falls", GPT, rises(lambda: _lost_first(*PLAIN))),
    Claim("05", "More of the rare facts go in every generation", GPT,
          falls(lambda: _steps_of(PLAIN, "recall_tail"))),
    Claim("05", "a quarter more different 3-grams after five generations", GPT,
          lambda: _ratio(*PLAIN, "distinct_3", 5, 1.15, 1.35)),
]  # fmt: skip
