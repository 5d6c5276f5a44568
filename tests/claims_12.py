"""What lesson 12 says in words: see claims.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from claims import Claim, Found, between

from helpers import studies
from helpers.explorers.lesson_12 import values
from helpers.studies import published


def _gap(first: str, second: str, metric: str = "pass_1") -> pd.Series:
    return values(first, metric) - values(second, metric)


def _differs(
    first: str, second: str, low: float, high: float, metric: str = "pass_1"
) -> Callable[[], Found]:
    return lambda: between(_gap(first, second, metric), low, high, f"{first} - {second}, {metric}")


def _two_signs() -> list[Found]:
    """The big student's own unchecked data: below its start, above as many steps."""
    own = "big_own_unchecked"
    return [
        between(_gap(own, "big_start"), -np.inf, 0, "minus the start"),
        between(_gap(own, "big_human"), 0, np.inf, "minus reference only"),
    ]


def _loses_who_can_still_learn() -> list[Found]:
    return [
        between(_gap(f"{size}_half_own_unchecked", f"{size}_half_human"), -np.inf, 0, size)
        for size in ("small", "big")
    ]


def _the_sign_turns_by_checking() -> list[Found]:
    """Checked minus unchecked, and checked minus reference only, of both sizes."""
    return [
        between(_gap(f"{size}_own_checked", f"{size}_{other}"), 0, np.inf, f"{size}, {other}")
        for size in ("small", "big")
        for other in ("own_unchecked", "human")
    ]


def _order_turns() -> list[Found]:
    """The student and its teacher, at one try and at forty."""
    pair = ("small_other_unchecked", "big_start")
    return [
        between(_gap(*pair), -np.inf, 0, "pass@1"),
        between(_gap(*pair, "pass_40"), 0, np.inf, "pass@40"),
    ]


def _variety_by_another() -> list[Found]:
    """The twin is no better than the student was, and its student is wider."""
    return [
        between(_gap("twin_of_small", "small_start", "pass_40"), -0.05, 0.05, "twin, pass@40"),
        between(_gap("small_twin_unchecked", "small_own_unchecked", "pass_40"), 0, 1, "student"),
    ]


def _a_part_is_heat() -> list[Found]:
    warm = values("small_own_unchecked", "as_varied")
    cool = values("small_own_unchecked", "pass_40")
    return [
        between(warm - cool, 0, np.inf, "heat"),
        between(values("small_twin_unchecked", "pass_40") - warm, 0, np.inf, "beyond heat"),
    ]


def _rises() -> list[float]:
    models = ("gpt2_9m", "llama2_12m", "llama2_42m", "llama2_126m")
    return [
        published(f"gerstgrasser_{model}_t4_replace") - published(f"gerstgrasser_{model}_first")
        for model in models
    ]


def _no_order_by_size() -> Found:
    """The rises neither fall nor grow from size to size."""
    steps = np.diff(_rises())
    return Found(float(steps.max()), float(steps.min()), float(steps.max()),
                 bool(steps.max() > 0 > steps.min()), "steps from size to size")  # fmt: skip


def _parameters() -> list[Found]:
    widths = studies.provenance("size")["settings"]["widths"]
    found = []
    for size, about in (("small", 35_000), ("big", 437_000)):
        width = widths[size]
        # Two layers of 12 w^2 weights and two norms, 335 tokens, one last norm.
        n = 2 * (12 * width**2 + 2 * width) + 335 * width + width
        found.append(Found(n, n, n, abs(n - about) < 1000, size))
    return found


BUDGET = "size: ten seeds, three rounds of 100 steps"

CLAIMS = [
    Claim("12", "The small student has about 35,000 parameters, the big one about 437,000",
          "weights of the two writers", _parameters),
    Claim("12", "Both are right, and they can have two signs", BUDGET, _two_signs),
    Claim("12", "Who can still learn from people loses by its own output", BUDGET,
          _loses_who_can_still_learn),
    Claim("12", "Running the programs turned the sign", BUDGET, _the_sign_turns_by_checking),
    Claim("12", "So the order of two writers can turn with $k$", BUDGET, _order_turns),
    Claim("12", "Somebody else widens; a better somebody sharpens", BUDGET,
          _differs("small_other_unchecked", "small_own_unchecked", 0, 1)),
    Claim("12", "Variety came from a teacher's being another, even where it was no better", BUDGET,
          _variety_by_another),
    Claim("12", "A part of the gain is heat, and the rest is knowledge", BUDGET, _a_part_is_heat),
    Claim("12", "There is no order by size", "four published rises", _no_order_by_size),
]  # fmt: skip
