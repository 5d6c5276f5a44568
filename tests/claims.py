"""What the lessons say in words, and what the tables say: one row a claim, each decided by a test.

    python tests/claims.py        # the list: lesson, words, values, intervals, budget, verdict

A claim quotes words of its lesson, so that a sentence that changes takes its row along. It is
decided on a recorded study, on an exact law or on the lesson's own run, in every generation, arm or
yardstick that it speaks of: a `Found` for each. An interval is that of the mean over seeds (95 %,
t), the spread of runs where the claim is about runs, or nothing where the value is exact. The rows
stand in `claims_NN.py`, by lesson; a new file of that name is found.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers import studies  # noqa: E402
from helpers.studies.paired import effect  # noqa: E402


@dataclass(frozen=True)
class Found:
    """A value, an interval round it, whether it bears the claim out, and what it is of."""

    value: float
    low: float
    high: float
    holds: bool
    of: str = ""

    @property
    def side(self) -> str:
        """Where the interval lies: above zero, below it, or around it."""
        return "above" if self.low > 0 else "below" if self.high < 0 else "around"

    def __str__(self) -> str:
        interval = f" [{self.low:.3g}, {self.high:.3g}]" if self.low < self.high else ""
        return f"{self.value:.3g}{interval}{f'  {self.of}' if self.of else ''}"


@dataclass(frozen=True)
class Claim:
    """Words of a lesson and how they are decided; budget: what was run, how often."""

    lesson: str
    words: str
    budget: str
    decide: Callable[[], Found | list[Found]]

    def found(self) -> list[Found]:
        """What was found, in every generation, arm or yardstick of the claim."""
        found = self.decide()
        return found if isinstance(found, list) else [found]

    def holds(self) -> bool:
        """Whether all of it bears the claim out; nothing found bears out nothing."""
        found = self.found()
        return bool(found) and all(one.holds for one in found)

    @property
    def stands(self) -> bool:
        """Whether its lesson still says these words, emphasis and line ends aside."""
        (source,) = (ROOT / "lessons").glob(f"{self.lesson}-*.md")
        text = re.sub(r"^\s*- ", "", source.read_text(encoding="utf-8"), flags=re.MULTILINE)
        # A text in code that is cut into two strings reads as one.
        text = re.sub(r'"\s*\n\s*"', "", text)
        return _plain(self.words) in _plain(text)

    def __str__(self) -> str:
        verdict = "holds" if self.holds() else "DOES NOT HOLD"
        lines = [f"{self.lesson}  {verdict}  {self.words}", f"    {self.budget}"]
        return "\n".join([*lines, *(f"    {one}" for one in self.found())])


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*_`]", "", text).split())


# --- reading a table ---------------------------------------------------------------------------


@cache
def values(study: str, arm: str, metric: str) -> pd.DataFrame:
    """One arm of a recorded study: seeds as rows, recorded generations as columns."""
    table = studies.load(study)
    rows = table[(table["arm"] == arm) & (table["metric"] == metric)]
    return rows.pivot(index="replicate", columns="generation", values="value")


def mean(sample: pd.Series | np.ndarray) -> tuple[float, float, float]:
    """The mean over seeds, and the ends of its 95 % t interval."""
    return effect(sample)[:3]


def recorded(study: str) -> str:
    """Seeds and CPU seconds of a recorded study, and what its settings say of training steps."""
    record = studies.provenance(study)
    steps = {
        k: v for k, v in record["settings"].items() if "step" in k or k in ("rounds", "budgets")
    }
    said = "".join(f", {key} {value}" for key, value in steps.items())
    return f"{study}: {len(record['seeds'])} seeds, {record['cpu_seconds']:.0f} CPU s{said}"


# --- deciding ----------------------------------------------------------------------------------


def between(sample: pd.Series | np.ndarray, low: float, high: float, of: str = "") -> Found:
    """The whole interval of a mean over seeds lies between two numbers."""
    three = mean(sample)
    return Found(*three, low < three[1] and three[2] < high, of)


def within(
    sample: Callable[[], pd.Series | np.ndarray], low: float, high: float
) -> Callable[[], Found]:
    """`between`, for a sample that is read when the claim is decided."""
    return lambda: between(sample(), low, high)


def above(study: str, metric: str, upper: str, lower: str, since: int) -> Callable[[], list[Found]]:
    """One arm lies above the other, seed by seed, in every recorded generation from `since` on."""

    def decide() -> list[Found]:
        gap = values(study, upper, metric) - values(study, lower, metric)
        return [between(gap[g], 0, np.inf, f"generation {g}") for g in gap if g >= since]

    return decide


def exactly(value: Callable[[], float], low: float, high: float) -> Callable[[], Found]:
    """A number without chance, which lies from `low` to `high`."""

    def decide() -> Found:
        number = value()
        return Found(number, number, number, low <= number <= high)

    return decide


# --- the list ----------------------------------------------------------------------------------


def every() -> Iterator[Claim]:
    """The claims of all lessons, those of claims_00_02.py first."""
    for path in sorted(Path(__file__).parent.glob("claims_[0-9]*.py")):
        yield from importlib.import_module(path.stem).CLAIMS


def main() -> int:
    """Print all claims; 1 if any does not hold."""
    claims = list(every())
    print(*claims, sep="\n")
    failed = sum(not claim.holds() for claim in claims)
    print(f"{len(claims)} claims, {failed} do not hold")
    return 1 if failed else 0


if __name__ == "__main__":
    # As `claims`, which the files of rows import: a second copy would have its own classes.
    sys.exit(importlib.import_module("claims").main())
