"""Lesson 06, replace or accumulate: judges and named wrong answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.data import concat
from helpers.policies import Accumulate, Replace
from helpers.teaching.exercises import array, exercise, number, read_only, shown

# ---------------------------------------------------------------------- A. synthetic only

REAL = "There are real rows in your training set: this policy does without them."
NEWEST = "That is only the newest generation, which is Replace; the older ones are missing."
ALIAS = (
    "You hand out the list that you were given, or one that it holds: whoever changes the training "
    "set would change the record. Return a new object."
)
AXIS = "The shape is wrong: generations are joined along the axis of the samples, axis 0."
OLDEST = (
    "The oldest generation is missing: it was made by the model that saw the real rows, and the "
    "bound rests on it."
)
LATEST = "The newest generation is missing: the policy keeps every synthetic one."
UNJOINED = (
    "That is the list of the generations. A model is fitted to one data set: join them, the oldest "
    "first; helpers.data.concat does it."
)
LISTS = (
    "It works for arrays and not for lists of samples, such as texts; helpers.data.concat takes "
    "either."
)


@exercise(
    "06-synthetic-only", praise="No real row, and still a bounded error: it is in the old ones."
)
def synthetic_only(answer: Any, rng: np.random.Generator) -> str | None:
    """Three generations of two rows, as arrays and then as lists."""
    if isinstance(answer, type):
        return "Give an instance, with parentheses: the class itself is not a policy."
    if not callable(getattr(answer, "training_set", None)):
        return f"A policy has a method training_set; you gave {shown(answer)}."
    real = read_only(np.full((2, 1), -1.0))
    rows = [read_only(np.full((2, 1), float(g))) for g in range(3)]
    given: list[Any] = list(rows)
    got = answer.training_set(real, given, rng)
    if isinstance(got, (list, tuple)) and [id(one) for one in got] == [id(row) for row in rows]:
        return UNJOINED
    if any(got is one for one in (real, *rows)) and len(rows) > 1:
        return NEWEST if got is rows[-1] else ALIAS
    values = array(got, "Your training set")
    if values.shape == (2, 1) or np.array_equal(values, rows[-1]):
        return NEWEST
    if values.ndim == 2 and (values == -1).any():
        return REAL
    for hint, some in {OLDEST: rows[1:], LATEST: rows[:-1]}.items():
        if np.array_equal(values, np.concatenate(some)):
            return hint
    if values.shape != (6, 1):
        return AXIS
    if not np.array_equal(values, np.concatenate(rows)):
        return "All rows are there, but not in order, the oldest generation first."
    texts = [["a", "b"], ["c"]]
    try:
        joined = answer.training_set(["real"], texts, rng)
    except (TypeError, ValueError):
        return LISTS
    if not isinstance(joined, list) or joined != ["a", "b", "c"]:
        return LISTS
    if any(joined is given for given in texts) or texts != [["a", "b"], ["c"]]:
        return ALIAS
    return None


class _Joins:
    """A wrong policy made of one function of (real, synthetic)."""

    def __init__(self, join: Any) -> None:
        self.join = join

    def training_set(self, real: Any, synthetic: Any, rng: Any) -> Any:
        return self.join(real, synthetic)


def _grows_the_first(real: Any, synthetic: Any) -> Any:
    if isinstance(synthetic[0], np.ndarray):
        return np.concatenate(synthetic)
    for later in synthetic[1:]:
        synthetic[0].extend(later)
    return synthetic[0]


synthetic_only.wrong("includes the real data", Accumulate(), hint=REAL)
synthetic_only.wrong("only the newest", Replace(), hint=NEWEST)
synthetic_only.wrong("drops the oldest", _Joins(lambda r, s: concat(s[1:])), hint=OLDEST)
synthetic_only.wrong("drops the newest", _Joins(lambda r, s: concat(s[:-1])), hint=LATEST)
synthetic_only.wrong("does not join", _Joins(lambda r, s: s), hint=UNJOINED)
synthetic_only.wrong("changes what it was given", _Joins(_grows_the_first), hint=ALIAS)
synthetic_only.wrong("joins along the wrong axis", _Joins(lambda r, s: np.hstack(s)), hint=AXIS)
synthetic_only.wrong("works for arrays only", _Joins(lambda r, s: np.concatenate(s)), hint=LISTS)

# ---------------------------------------------------------------------- B. the still point

SQUARE = "That is the square of it: the equation gives h², and the bandwidth is its root."
NO_NOISE = (
    "Without noise the variance still falls, by one part in n each generation: bare resampling "
    "loses. The bandwidth must make up for that."
)
RULE = (
    "That is about what a rule of thumb gives for drawing one good density. It knows nothing of "
    "generations, and here the variance would explode."
)
TOO_WIDE = "At this bandwidth a generation adds more than the sample loses: the variance grows."
TOO_NARROW = "At this bandwidth a generation adds less than the sample loses: the variance falls."


@exercise("06-still-point", praise="The variance stands still on average, and the valley fills.")
def still_point(answer: Any, rng: np.random.Generator) -> str | None:
    """The bandwidth sqrt(1/99), to within 3 %."""
    h = number(answer, "Your bandwidth")
    right = (1 / 99) ** 0.5
    if abs(h - right) <= 0.003:
        return None
    if abs(h - right**2) <= 0.001:
        return SQUARE
    if 0 <= h < 0.002:
        return NO_NOISE
    if 0.36 <= h <= 0.46:
        return RULE
    return TOO_WIDE if h > right else TOO_NARROW


still_point.wrong("root forgotten", 1 / 99, hint=SQUARE)
still_point.wrong("no noise at all", 0.0, hint=NO_NOISE)
still_point.wrong("rule of thumb", 1.06 * 100**-0.2, hint=RULE)
still_point.wrong("the wide one of the lesson", 0.5, hint=TOO_WIDE)
still_point.wrong("too narrow", 0.05, hint=TOO_NARROW)
