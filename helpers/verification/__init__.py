"""Who decides what is kept: verifiers for the loop, and the grader that runs programs.

Names are loaded when they are first used: the worker process of the sandbox imports this package
with nothing but the standard library. Hence by hand, and not by lazy_loader as in helpers.models:
that worker has no installed package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.verification.cases import Case as Case
    from helpers.verification.cases import Limits as Limits
    from helpers.verification.cases import Report as Report
    from helpers.verification.cases import Verdict as Verdict
    from helpers.verification.cases import equal as equal
    from helpers.verification.cases import score as score
    from helpers.verification.human_eval import Problem as Problem
    from helpers.verification.human_eval import human_eval_problems as human_eval_problems
    from helpers.verification.sandbox import MissingProtection as MissingProtection
    from helpers.verification.sandbox import Sandbox as Sandbox
    from helpers.verification.verifiers import AcceptAll as AcceptAll
    from helpers.verification.verifiers import Noisy as Noisy
    from helpers.verification.verifiers import Oracle as Oracle

_HOME = {
    "AcceptAll": "verifiers",
    "Case": "cases",
    "Limits": "cases",
    "MissingProtection": "sandbox",
    "Noisy": "verifiers",
    "Oracle": "verifiers",
    "Problem": "human_eval",
    "Report": "cases",
    "Sandbox": "sandbox",
    "Verdict": "cases",
    "equal": "cases",
    "human_eval_problems": "human_eval",
    "score": "cases",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
