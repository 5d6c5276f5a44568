"""What a program is asked, what it is told, and when two values count as equal.

A Case is one call of the entry point: arguments and the value expected, or a check of one's own
where many answers are right. A Report is what the grader says about one program. The comparison
happens here, in the notebook's process; a program under test never sees an expected value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from helpers.verification import wire

_NUMBERS = (int, float)
_CASE_ROOM = 1 << 24  # characters that one case's arguments may take


class Verdict(StrEnum):
    """What happened to a program. Every value but harness_error is about the program."""

    PASSED = "passed"
    WRONG = "wrong"  # a case returned another value
    EXCEPTION = "exception"  # while loading, or in a case
    SYNTAX_ERROR = "syntax_error"  # the text is no Python
    REFUSED = "refused"  # by the screen, before it ran
    FORBIDDEN = "forbidden"  # tried something outside itself
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT = "output"  # printed and returned too much
    EXITED = "exited"  # ended its own process
    CRASHED = "crashed"  # its process died, or spoke nonsense
    HARNESS_ERROR = "harness_error"  # our fault: says nothing about the program


@dataclass(frozen=True)
class Limits:
    """What one program may use over all its cases.

    seconds: CPU time (ten times as much by the clock on the wall).
    memory_mb: memory beyond what the empty interpreter has, in MiB.
    output_kb: printed text and returned values (as sent) together, in KiB.
    """

    seconds: float = 0.5
    memory_mb: int = 256
    output_kb: int = 64

    def __post_init__(self) -> None:
        for name in ("seconds", "memory_mb", "output_kb"):
            value = getattr(self, name)
            kinds = (int, float) if name == "seconds" else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise TypeError(f"{name} must be a positive number, got {value!r}")
            if not 0 < value < 1e6:
                raise ValueError(f"{name} must be positive and below a million, got {value!r}")


@dataclass(frozen=True)
class Case:
    """One call of the entry point.

    args: the arguments, a tuple of plain data (None, bool, int, float, complex, str, bytes and
    list, tuple, set, frozenset, dict of these). expected: plain data too.
    check: where any of many answers is right, `check(args, got) -> bool`; it runs in this
    process, and an exception in it means that the answer is wrong. `expected` is then an example.
    Raises TypeError or ValueError for anything else.
    """

    args: tuple[Any, ...]
    expected: Any
    check: Callable[[tuple[Any, ...], Any], bool] | None = None
    inputs: str = field(init=False, repr=False, compare=False)  # args as they are sent
    answer: str = field(init=False, repr=False, compare=False)  # expected as it would come back

    def __post_init__(self) -> None:
        if type(self.args) is not tuple:
            raise TypeError(f"args must be a tuple of arguments, got {self.args!r:.80}")
        if self.check is not None and not callable(self.check):
            raise TypeError(f"check must be a function (args, got) -> bool, got {self.check!r:.80}")
        object.__setattr__(self, "inputs", as_text("args", list(self.args)))
        object.__setattr__(self, "answer", as_text("expected", self.expected))

    def accepts(self, got: Any) -> bool:
        """Whether `got` is a right answer."""
        if self.check is None:
            return got is self.expected or equal(self.expected, got)
        if isinstance(got, wire.Foreign):
            return False
        try:
            return bool(self.check(self.args, got))
        except Exception:
            return False


def as_text(name: str, value: Any) -> str:
    """`value` as it is sent to a program; an error that names the argument if it is not plain."""
    try:
        return wire.encode(value, _CASE_ROOM, strict=True)
    except wire.NotPlainError as problem:
        raise TypeError(f"{name} must be plain data, got {problem}") from None
    except wire.TooLargeError:
        raise ValueError(f"{name} must take at most {_CASE_ROOM} characters as text") from None


@dataclass(frozen=True)
class Report:
    """What the grader says about one program.

    message: one or two lines, short enough to be read by a model that repairs the program.
    line: where in the program, if that is known. failed_case: index of the first case that
    failed, and got what it returned where the verdict is wrong. n_passed of n_cases gave a right
    answer. seconds: CPU time of the program.
    """

    verdict: Verdict
    message: str = ""
    line: int | None = None
    failed_case: int | None = None
    n_passed: int = 0
    n_cases: int = 0
    seconds: float = 0.0
    got: Any = None

    @property
    def passed(self) -> bool:
        """Whether every case gave a right answer and nothing else went wrong."""
        return self.verdict is Verdict.PASSED


def score(reports: Sequence[Report]) -> float:
    """Share of programs that passed.

    A harness error is no wrong answer: RuntimeError if there is one among the reports, ValueError
    if there are no reports. A score of zero always means programs that ran and failed.
    """
    if not reports:
        raise ValueError("reports must hold at least one report, got none")
    broken = [report for report in reports if report.verdict is Verdict.HARNESS_ERROR]
    if broken:
        raise RuntimeError(
            f"no score: the grader itself failed on {len(broken)} of {len(reports)} programs "
            f"({broken[0].message})"
        )
    return sum(report.passed for report in reports) / len(reports)


def equal(expected: Any, got: Any) -> bool:
    """Whether two values are the same answer.

    int and float compare by value and a bool is neither; list is not tuple; NaN equals NaN; the
    order of a dict does not count; there is no tolerance. Subclasses and other objects equal
    nothing. Only exact plain types are compared, so no code of a program can run here.
    """
    kind = type(expected)
    if kind in _NUMBERS:
        return type(got) in _NUMBERS and (expected == got or (expected != expected and got != got))
    if kind is not type(got):
        return False
    if kind is list or kind is tuple:
        if set(map(type, expected)) == {int} == set(map(type, got)):
            return bool(expected == got)
        return len(expected) == len(got) and all(map(equal, expected, got))
    if kind is set or kind is frozenset:
        return _match(expected, got) is not None
    if kind is dict:
        partner = _match(expected, got)
        return partner is not None and all(
            equal(value, got[partner[key]]) for key, value in expected.items()
        )
    if kind is complex:
        return equal(expected.real, got.real) and equal(expected.imag, got.imag)
    return bool(kind in (type(None), bool, str, bytes) and expected == got)


def _match(expected: Any, got: Any) -> dict[Any, Any] | None:
    """Every key of `expected` with its equal in `got`, if they match one to one."""
    if len(expected) != len(got):
        return None
    own = {key: key for key in got}
    partner = {}
    strays = []  # keys with NaN inside are never found by their hash
    for key in expected:
        if key in own and equal(key, own[key]):
            partner[key] = own.pop(key)
        elif _has_nan(key):
            strays.append(key)
        else:
            return None
    for key in strays:
        found = next((other for other in own if _has_nan(other) and equal(key, other)), own)
        if found is own:
            return None
        partner[key] = own.pop(found)
    return partner


def _has_nan(key: Any) -> bool:
    if type(key) in (tuple, frozenset):
        return any(map(_has_nan, key))
    return bool(key != key)
