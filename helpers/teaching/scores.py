"""How good the predictions were: calibration over the whole course, and each beside its answer.

Only predictions that were committed before their answer was shown are counted. It is no grade: of
few intervals anybody's may hold, and the range of what chance allows is printed beside the count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpers._arguments import fraction, positive_int
from helpers.teaching._lessons import asked
from helpers.teaching._records import Entry, same_text
from helpers.teaching._store import store

LEVEL = 0.8  # an interval is meant to hold the truth in this share of cases
HALF = 0.5  # of whom is right half the time; as confidence: of whom always says 50 %
INSIDE = 0.95  # of all who are calibrated, at least this share hits within the range of chance
TELLS = 0.05  # from here on down, whoever is right half the time no longer looks calibrated


def range_of_chance(intervals: int, rate: float = LEVEL) -> tuple[int, int]:
    """The fewest and the most hits that chance allows whose intervals each hold at this rate.

    Both ends included. The exact binomial range: fewer than the first, and more than the second,
    have a chance of 2.5 % each at most. TypeError for what is no number, ValueError for a
    negative one or a rate outside 0 to 1.
    """
    from scipy import stats  # here: half a second, which a lesson's first import need not pay

    intervals, rate = positive_int("intervals", intervals, minimum=0), fraction("rate", rate)
    low, high = stats.binom.interval(INSIDE, intervals, rate)
    return int(max(low, 0)), int(high)  # scipy's lower end is -1 where zero hits are likely


def chance_to_look_calibrated(intervals: int, rate: float = HALF) -> float:
    """The chance that whoever is right at this rate hits within the range of the calibrated.

    ValueError as for `range_of_chance`.
    """
    from scipy import stats

    rate = fraction("rate", rate)
    low, high = range_of_chance(intervals)
    return float(stats.binom.cdf(high, intervals, rate) - stats.binom.cdf(low - 1, intervals, rate))


@dataclass(frozen=True)
class Calibration:
    """How good the predictions were that were committed before their answer was shown.

    held of intervals held the truth; `range` is what chance allows. brier is the mean squared
    difference between confidence and outcome over `choices` (Brier 1950: 0 is perfect, always
    saying 50 % gives 0.25), NaN while there is none.
    """

    intervals: int
    held: int
    choices: int
    brier: float

    @property
    def range(self) -> tuple[int, int]:
        """How many of these intervals would hold if each did so in 8 cases of 10."""
        return range_of_chance(self.intervals)

    @property
    def lines(self) -> list[str]:
        """What can be said of them, a sentence or a few each."""
        said = [*self._of_intervals(), *self._of_choices()]
        return (
            [*said, _CHOSEN, _so_far(self)] if said else ["No prediction has met its answer yet."]
        )

    def _of_intervals(self) -> list[str]:
        if not self.intervals:
            return []
        n, (low, high), half = self.intervals, self.range, range_of_chance(self.intervals, HALF)
        mistaken = chance_to_look_calibrated(n)
        many = "1 interval" if n == 1 else f"{n} intervals"
        little = f"so {many} {'says' if n == 1 else 'say'} little"
        return [
            f"{self.held} of your {many} held the truth. If each holds in 8 cases of 10, chance "
            f"allows {low} to {high}. If each holds in half, chance allows {half[0]} to {half[1]}. "
            f"The second looks like the first with chance {mistaken:.2f}, "
            f"{little if mistaken > TELLS else f'so {many} tell them apart'}."
        ]

    def _of_choices(self) -> list[str]:
        if not self.choices:
            return []
        kind = "choice" if self.choices == 1 else "choices"
        return [
            f"Brier score of your {self.choices} {kind}: {self.brier:.2f} "
            f"(0 is perfect, always saying 50 % gives {HALF**2})."
        ]

    def __str__(self) -> str:
        return " ".join(self.lines)

    __repr__ = __str__


_CHOSEN = (
    "Many questions were chosen because people are wrong there: who is well calibrated elsewhere "
    "may fall below the range here. This is no grade."
)


def _so_far(found: Calibration) -> str:
    """How many predictions have met their answer, of how many that the lessons hold."""
    total = asked()
    return (
        f"The lessons hold {total['intervals']} intervals and {total['choices']} choices; so far "
        f"{found.intervals} and {found.choices} count."
    )


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
