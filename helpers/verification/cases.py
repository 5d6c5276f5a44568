"""What a program is asked, what it is told, and when two values count as equal.

A Case is one call of the entry point: arguments and the value expected, or a check of one's own
where many answers are right. A Report is what the grader says about one program. The comparison
happens here, in the notebook's process; a program under test never sees an expected value.

Two notions of "the same answer". The course's own, `equal`, is strict, as a reader is who marks an
exercise: 1 is not True, a list is no tuple. Published benchmarks write `assert f(x) == y`, and
Python's == takes more: True for 1, a Counter for a dict, an IntEnum, a Decimal. A case that must
give a benchmark's verdict says so (`compare`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from helpers.verification import wire

_NUMBERS = (int, float)
_CASE_ROOM = 1 << 24  # characters that one case's arguments may take
COMPARE = ("exact", "==", "truth", "tuple")


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

    seconds: CPU time. It may sleep for three times as long; waiting for its turn on a busy machine
    does not count. A worker runs one program at a time, so a hundred that sleep cost it a hundred
    times three times this limit: 150 s with the default.
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
    tolerance: numbers in the answer may be off by so much (absolute; keys and sets are exact).
    compare: "exact" for `equal`; "==" for Python's own equality, which takes a subclass, a Decimal
    or a Fraction for its value; "truth" where only the truth of the answer counts, also that of
    an object that is no plain data; "tuple" for `tuple(got) == tuple(expected)`.
    Raises TypeError or ValueError for anything else.
    """

    args: tuple[Any, ...]
    expected: Any
    check: Callable[[tuple[Any, ...], Any], bool] | None = None
    tolerance: float = 0.0
    compare: str = "exact"
    inputs: str = field(init=False, repr=False, compare=False)  # args as they are sent
    answer: str = field(init=False, repr=False, compare=False)  # expected as it would come back

    def __post_init__(self) -> None:
        if type(self.args) is not tuple:
            raise TypeError(f"args must be a tuple of arguments, got {self.args!r:.80}")
        if self.check is not None and not callable(self.check):
            raise TypeError(f"check must be a function (args, got) -> bool, got {self.check!r:.80}")
        off = self.tolerance
        if isinstance(off, bool) or not isinstance(off, (int, float)):
            raise TypeError(f"tolerance must be a number of at least 0, got {off!r:.80}")
        if not 0 <= off < float("inf"):
            raise ValueError(f"tolerance must be a number of at least 0, got {off!r}")
        if self.compare not in COMPARE:
            raise ValueError(f"compare must be one of {COMPARE}, got {self.compare!r:.80}")
        object.__setattr__(self, "inputs", as_text("args", list(self.args)))
        object.__setattr__(self, "answer", as_text("expected", self.expected))

    def accepts(self, got: Any) -> bool:
        """Whether `got` is a right answer."""
        try:
            if self.check is not None:
                return not isinstance(got, wire.Foreign) and bool(self.check(self.args, got))
            if self.compare == "truth":
                return bool(got) is bool(self.expected)
            if self.compare == "tuple":
                return bool(tuple(got) == tuple(self.expected))
            if self.compare == "==":
                return same(self.expected, got, self.tolerance)
        except Exception:
            return False
        return got is self.expected or equal(self.expected, got, self.tolerance)

    def least_answer(self) -> int:
        """Characters that every right answer takes on its way back, at the very least.

        Less than `expected` itself takes, where another answer counts as the same: 1 for 1.0, any
        true value for a truth, a str for a tuple of letters, and with a check nobody knows what.
        """
        if self.check is not None or self.compare == "truth":
            return 1
        if self.compare == "tuple":
            return len(tuple(self.expected))
        return _least_text(self.expected)

    @property
    def loose(self) -> bool:
        """Whether a subclass of a plain type counts as its value."""
        return self.check is not None or self.compare != "exact"


def _least_text(value: Any) -> int:
    """Fewest characters in which wire.py writes anything that is `equal` or == to `value`.

    A number counts as one character, since 1, 1.0, True and whatever a tolerance lets through may
    stand for each other. All other plain data have one spelling.
    """
    if isinstance(value, (int, float, complex)):
        return 1
    if isinstance(value, dict):
        value = [[key, item] for key, item in value.items()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return 2 + sum(map(_least_text, value)) + max(0, len(value) - 1)  # brackets and commas
    return len(as_text("value", value))


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
    answer. seconds: CPU time of the program. extracted: the program, where it had to be taken out
    of a model's text first; `line` counts its lines.
    """

    verdict: Verdict
    message: str = ""
    line: int | None = None
    failed_case: int | None = None
    n_passed: int = 0
    n_cases: int = 0
    seconds: float = 0.0
    got: Any = field(default=None, repr=False)  # may be hostile to whoever prints it
    extracted: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", printable(self.message))

    @property
    def passed(self) -> bool:
        """Whether every case gave a right answer and nothing else went wrong."""
        return self.verdict is Verdict.PASSED


def printable(text: str) -> str:
    """`text` with everything that is not printed in its place written out.

    A program chooses the words of its exceptions: control characters would reach the terminal,
    lone surrogates stop `print`, and marks of direction change what a line seems to say.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


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


def same(expected: Any, got: Any, tolerance: float = 0.0) -> bool:
    """Whether `expected == got` in Python, or with a tolerance whether they are close numbers.

    Both are plain data, a Decimal or a Fraction, so no code of a program can run here.
    """
    if not tolerance:
        return bool(expected == got)
    if type(expected) in (list, tuple):
        long_enough = type(expected) is type(got) and len(expected) == len(got)
        return long_enough and all(map(same, expected, got, [tolerance] * len(got)))
    if type(expected) is dict:
        return expected.keys() == got.keys() and all(
            same(value, got[key], tolerance) for key, value in expected.items()
        )
    if type(expected) in _NUMBERS:
        return bool(abs(expected - got) <= tolerance)
    return bool(expected == got)


def equal(expected: Any, got: Any, tolerance: float = 0.0) -> bool:
    """Whether two values are the same answer.

    int and float compare by value and a bool is neither; list is not tuple; NaN equals NaN; the
    order of a dict does not count; numbers may be off by `tolerance`, but not in sets and keys.
    Subclasses and other objects equal nothing (a Counter, defaultdict or OrderedDict was read as
    the dict that it is, a named tuple as its tuple). Only exact plain types are compared, so no
    code of a program can run here.
    """
    kind = type(expected)
    if kind in _NUMBERS:
        return type(got) in _NUMBERS and _close(expected, got, tolerance)
    if kind is not type(got):
        return False
    if kind is list or kind is tuple:
        if not tolerance and set(map(type, expected)) == {int} == set(map(type, got)):
            return bool(expected == got)
        if len(expected) != len(got):
            return False
        return all(map(equal, expected, got, [tolerance] * len(got)))
    if kind is set or kind is frozenset:
        return _match(expected, got) is not None
    if kind is dict:
        partner = _match(expected, got)
        return partner is not None and all(
            equal(value, got[partner[key]], tolerance) for key, value in expected.items()
        )
    if kind is complex:
        return equal(expected.real, got.real, tolerance) and equal(
            expected.imag, got.imag, tolerance
        )
    return bool(kind in (type(None), bool, str, bytes) and expected == got)


def _close(expected: float, got: float, tolerance: float) -> bool:
    if expected == got or (expected != expected and got != got):
        return True
    try:
        return bool(tolerance and abs(expected - got) <= tolerance)
    except OverflowError:  # an integer too large for a float
        return False


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
