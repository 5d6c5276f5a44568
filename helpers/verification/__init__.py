"""Who decides what is kept: verifiers for the loop, and the grader that runs programs.

Names are loaded when they are first used: the worker process of the sandbox imports this package
with nothing but the standard library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.verification.cases import Case, Limits, Report, Verdict, equal, score
    from helpers.verification.sandbox import MissingProtection, Sandbox

_HOME = {
    "Case": "cases",
    "Limits": "cases",
    "MissingProtection": "sandbox",
    "Report": "cases",
    "Sandbox": "sandbox",
    "Verdict": "cases",
    "equal": "cases",
    "score": "cases",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
