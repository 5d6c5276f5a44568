"""The register of exercises: for each its judge and the named wrong answers that prove the judge.

lesson_NN.py registers the exercises of one lesson; it is imported when one of them is checked. A
judge is a plain function `judge(answer, rng) -> str | None`: the hint for the learner, or None when
the answer is right (or a `Praise`, to name what was right about it). It may call the learner's
function, which may do anything: what that raises is caught by helpers.teaching.check.
tests/test_exercises.py shows it each stub, solution and wrong answer.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from helpers._arguments import real_array
from helpers.teaching._forms import lesson_key, nonempty_text

Judge = Callable[[Any, np.random.Generator], "str | None"]


class Hint(Exception):  # noqa: N818 - it is advice, not an error
    """Raised by `number`, `numbers` and `array` to end a judge with a hint."""


class Praise(str):
    """What a judge may return instead of None: right, and a sentence to say so."""


@dataclass(frozen=True)
class WrongAnswer:
    """A misconception: its name, an answer that shows it, and the hint that it must get."""

    name: str
    answer: Any
    hint: str


@dataclass(frozen=True)
class Exercise:
    """One exercise. `praise` is what the learner reads after a right answer."""

    key: str
    judge: Judge
    praise: str
    wrong_answers: list[WrongAnswer] = field(default_factory=list)

    def wrong(self, name: str, answer: Any, *, hint: str) -> None:
        """Register an answer that shows a misconception and the hint that must meet it."""
        nonempty_text("name", name)
        nonempty_text("hint", hint)
        self.wrong_answers.append(WrongAnswer(name, answer, hint))


_register: dict[str, Exercise] = {}


def exercise(key: str, *, praise: str = "") -> Callable[[Judge], Exercise]:
    """Register the decorated judge as the exercise `key`, '02-next-generation'."""
    lesson_key("key", key)

    def add(judge: Judge) -> Exercise:
        known = _register.get(key)
        if known is not None and known.judge.__module__ != judge.__module__:
            raise ValueError(f"exercise {key!r} is registered twice")
        _register[key] = Exercise(key, judge, praise)
        return _register[key]

    return add


def exercises_of(lesson: str) -> dict[str, Exercise]:
    """The exercises of a lesson, '02': key -> Exercise; empty if the lesson registers none."""
    name = f"{__name__}.lesson_{lesson}"
    if importlib.util.find_spec(name) is not None:
        importlib.import_module(name)
    return {key: found for key, found in _register.items() if key.startswith(f"{lesson}-")}


def find(key: str) -> Exercise:
    """The exercise `key`; ValueError with the known keys of its lesson if there is none."""
    known = exercises_of(lesson_key("exercise", key)[:2])
    if key not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise ValueError(f"exercise must be one of lesson {key[:2]}'s ({listed}), got {key!r}")
    return known[key]


# ---- for judges: take what a learner's function returned, or end with a hint


def number(value: Any, what: str) -> float:
    """`value` as a finite float; otherwise a hint that says what `what` was instead."""
    single = isinstance(value, np.ndarray) and value.size == 1
    if single:
        value = value.item()
    if not isinstance(value, bool) and isinstance(value, Real | Decimal):
        with suppress(OverflowError):  # a whole number, or a fraction, larger than any float
            if math.isfinite(got := float(value)):
                return got
    raise Hint(f"{what} must be a finite number; it is {shown(value)}.")


def agrees(got: float, right: float, decimals: int = 3) -> bool:
    """Whether `got` is `right` to the precision of a float32, or rounded to `decimals` or more.

    A learner may print a number as the lesson does and give that. Of a number of ten or more one
    decimal less will do, of one of a hundred or more two less, and so on.
    """
    if math.isclose(got, right, rel_tol=1e-5, abs_tol=1e-7):
        return True
    if not math.isfinite(right):
        return False
    before = len(str(int(abs(right)))) - 1  # digits before the point, but one
    fewest = max(0, decimals - before)
    return any(math.isclose(got, round(right, d), abs_tol=1e-7) for d in range(fewest, 9))


def numbers(value: Any, *names: str) -> tuple[float, ...]:
    """`value` as a finite float for each of `names`; otherwise a hint that asks for them."""
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    several = isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim > 0)
    if not several or len(value) != len(names):
        asked = f"{len(names)} numbers, ({', '.join(names)})"
        raise Hint(f"Return {asked}; you gave {shown(value)}.")
    return tuple(number(part, f"Your {name}") for part, name in zip(value, names, strict=True))


def array(value: Any, what: str) -> np.ndarray:
    """`value` as a finite float array; otherwise a hint."""
    if value is None or isinstance(value, str):
        raise Hint(f"{what} must be an array of numbers; it is {shown(value)}.")
    try:
        got = real_array(what, value)
    except (TypeError, ValueError):
        raise Hint(f"{what} must be an array of numbers; it is {shown(value)}.") from None
    if not np.isfinite(got).all():
        raise Hint(f"{what} must hold finite numbers only; it holds NaN or infinity.")
    return got


def read_only(values: Any) -> np.ndarray:
    """A copy of `values` that cannot be changed: to hand to a function that must not change it."""
    copied = np.array(values)
    copied.flags.writeable = False
    return copied


def shown(value: Any) -> str:
    """`value` in a few words on one line, whatever it is."""
    if value is None:
        return "None (is a return missing?)"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a learner's own class may have a broken repr
        text = "something that cannot be printed"
    if len(text) > 60:
        text = text[:57] + "..."
    return f"{text} ({type(value).__name__})"
