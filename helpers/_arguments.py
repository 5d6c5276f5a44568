"""Checks of arguments that many modules share: each names argument, value and what is allowed.

They run before any work is done and return the value in its canonical type. Not a validation
framework: a check that only one function needs stays in that function.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from helpers import _threads  # noqa: F401 - whatever computes comes by here: one thread from now on


def positive_int(name: str, value: Any, *, minimum: int = 1) -> int:
    """`value` as an int of at least `minimum`; TypeError or ValueError otherwise."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer of at least {minimum}, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be an integer of at least {minimum}, got {value!r}")
    return int(value)


def real_number(
    name: str, value: Any, *, low: float = -math.inf, high: float = math.inf, open_low: bool = False
) -> float:
    """`value` as a finite float in [low, high], or in (low, high] with `open_low`."""
    bracket = "(" if open_low else "["
    allowed = f"a finite number in {bracket}{low:g}, {high:g}]"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    number = float(value)
    if not math.isfinite(number) or not low <= number <= high or (open_low and number == low):
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return number


def fraction(name: str, value: Any) -> float:
    """`value` as a float in [0, 1]."""
    return real_number(name, value, low=0.0, high=1.0)


def one_of(name: str, value: Any, allowed: Sequence[Any]) -> Any:
    """`value`, if it is one of `allowed`; ValueError otherwise."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def generator(name: str, value: Any) -> np.random.Generator:
    """`value`, if it is a numpy.random.Generator; TypeError otherwise."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{name} must be a numpy.random.Generator such as numpy.random.default_rng(0), "
            f"got {value!r}"
        )
    return value


def not_complex(name: str, value: Any) -> np.ndarray:
    """`value` as NumPy makes an array of it, whatever it holds; TypeError for complex numbers.

    NumPy drops an imaginary part with a warning, or goes on with it: every part of the course that
    takes numbers refuses it here or by `real_array`, in the same words.
    """
    array = np.asarray(value)
    if np.iscomplexobj(array):
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}")
    return array


def real_array(name: str, value: Any) -> np.ndarray:
    """`value`, real numbers in any nesting that NumPy takes, as a float array.

    Raises TypeError for complex numbers and for what is no number. A float array is returned as it
    is, not copied.
    """
    try:
        array = np.asarray(value)
        if not np.iscomplexobj(array):
            return array.astype(float, copy=False)
    except (TypeError, ValueError):
        kind = getattr(value, "dtype", type(value).__name__)
        raise TypeError(f"{name} must hold real numbers, got {kind}") from None
    return not_complex(name, array)


def finite_array(name: str, value: Any, *, ndim: int = 2) -> np.ndarray:
    """`value` as a float array of `ndim` axes with samples on axis 0: not empty, all finite."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(value).__name__}")
    if value.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes (samples first), got shape {value.shape}")
    if value.shape[0] == 0:
        raise ValueError(f"{name} must hold at least one sample, got shape {value.shape}")
    array = real_array(name, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must hold finite numbers only, got NaN or infinity")
    return array
