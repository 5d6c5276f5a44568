"""How good the predictions were: calibration over the whole course, and each beside its answer.

Only predictions that were committed before their answer was shown are counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpers.teaching._records import Entry, same_text
from helpers.teaching._store import store

LEVEL = 0.8  # an interval is meant to hold the truth in this share of cases


@dataclass(frozen=True)
class Calibration:
    """How good the predictions were that were committed before their answer was shown.

    held of intervals held the truth (80 % would be calibrated); brier is the mean squared
    difference between confidence and outcome over `choices` (0 is perfect, always saying 50 %
    gives 0.25), NaN while there is none.
    """

    intervals: int
    held: int
    choices: int
    brier: float

    def __str__(self) -> str:
        if not self.intervals and not self.choices:
            return "No prediction has met its answer yet."
        parts = []
        if self.intervals:
            parts.append(
                f"{self.held} of your {self.intervals} intervals held the truth "
                f"(calibrated would be about {LEVEL * self.intervals:.2g})."
            )
        if self.choices:
            parts.append(
                f"Brier score of your {self.choices} choices: {self.brier:.2f} "
                "(0 is perfect, always saying 50 % gives 0.25)."
            )
        return " ".join(parts)

    __repr__ = __str__


def calibration() -> Calibration:
    """The score over every prediction that was committed in time and has met its answer."""
    entries = store().read()["predictions"].values()
    met = [e for e in entries if "value" in e and "truth" in e and not e.get("late")]
    held = [e["value"][0] <= e["truth"] <= e["value"][1] for e in met if _is_interval(e)]
    squares = [_square(e) for e in met if isinstance(e["value"][0], str)]
    brier = sum(squares) / len(squares) if squares else math.nan
    return Calibration(len(held), sum(held), len(squares), brier)


def _is_interval(entry: Entry) -> bool:
    return not isinstance(entry["value"][0], str) and not isinstance(entry["truth"], str)


def _square(entry: Entry) -> float:
    choice, confidence = entry["value"]
    right = same_text(choice, str(entry["truth"])) or same_text(str(entry["truth"]), choice)
    return float((confidence / 100 - right) ** 2)


def met_predictions() -> list[list[str]]:
    """Every prediction that met its answer: lesson, name, what was said, the answer, how it went.

    Sorted by lesson. A choice that came by a resume code has left its text behind.
    """
    found = sorted(store().read()["predictions"].items())
    return [_met(key, entry) for key, entry in found if "value" in entry and "truth" in entry]


def _met(key: str, entry: Entry) -> list[str]:
    (first, second), truth = entry["value"], entry["truth"]
    if _is_interval(entry):
        said, answer, good = f"{first:g} to {second:g}", f"{truth:.3g}", first <= truth <= second
    else:
        good = same_text(str(first), str(truth)) or same_text(str(truth), str(first))
        told = ["(not in the code)" if str(t).startswith("#") else str(t) for t in (first, truth)]
        said, answer = f"{told[0]}, {second:g} %", told[1]
    how = "not counted" if entry.get("late") else ("right" if good else "wrong")
    return [key[:2], key[3:].replace("-", " "), said, answer, how]
