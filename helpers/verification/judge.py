"""From what a child wrote to a Report: the only place where verdicts are made.

The messages come from a process that an unknown program may have taken over, so they are read as
claims about outputs and nothing more. Several things can be wrong with one program; the order of
the tests in `judge` decides which is reported: what was forbidden first, then the first wrong
answer, then what stopped the program, then exceptions.
"""

from __future__ import annotations

import signal
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helpers.verification import wire
from helpers.verification.cases import Case, Limits, Report, Verdict, printable

_UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    struct.error,
)
# Limits by the clock, as multiples of the limit on CPU time. A program that waits for nothing may
# sleep a little; it is stopped after ASLEEP times its limit. Where a worker cannot see whether a
# process sleeps or waits for its turn (no /proc), the clock alone counts, and far more generously.
ASLEEP, WALL = 3, 10
_SHOWN = 100  # characters of a value, or of an exception's text, in a message


@dataclass
class Claims:
    """A child's messages, sorted. Cases are counted in the order in which they were sent."""

    values: dict[int, Any] = field(default_factory=dict)
    problems: dict[int, tuple[str, int | None]] = field(default_factory=dict)  # message, line
    loading: tuple[str, int | None] | None = None
    syntax: tuple[str, int | None] | None = None
    forbidden: str | None = None
    stopped: set[str] = field(default_factory=set)  # of "output", "memory"
    seconds: float | None = None  # by the child's own clock; set when the program came to its end
    readable: bool = True


def read_claims(body: bytes, cases: Sequence[Case]) -> Claims:
    """The messages in `body`; anything that the child's code would not send makes it unreadable.

    Never raises: what cannot be read is said in `Claims.readable`.
    """
    claims = Claims()
    try:
        position = 0
        while position < len(body):
            kind, length = wire.FRAME.unpack_from(body, position)
            position += wire.FRAME.size
            _take(claims, kind, body[position : position + length].decode("ascii"), cases)
            position += length
        if claims.seconds is not None and not (claims.loading or claims.syntax):
            claims.readable = len(claims.values) + len(claims.problems) == len(cases)
    except _UNREADABLE:
        claims.readable = False
    return claims


def _take(claims: Claims, kind: bytes, text: str, cases: Sequence[Case]) -> None:
    """One message; ValueError if it cannot come at this place."""
    case = len(claims.values) + len(claims.problems)
    if claims.seconds is not None:
        raise ValueError("a message after the last one")
    if kind == b"v":
        _take_answer(claims, text, case, cases[case])
    elif kind == b"l":
        claims.loading = _problem(wire.parse(text))
    elif kind == b"s":
        claims.syntax = _problem(wire.parse(text))
    elif kind == b"f":
        claims.forbidden = _short(text)
    elif kind in (b"o", b"m"):
        claims.stopped.add("output" if kind == b"o" else "memory")
    elif kind == b".":
        claims.seconds = max(0.0, float(wire.parse(text)))
    else:
        raise ValueError(f"no message is of kind {kind!r}")


def _take_answer(claims: Claims, text: str, number: int, case: Case) -> None:
    """The answer of one case."""
    if text == case.answer and case.check is None:  # a check may change what it is given
        claims.values[number] = case.expected  # the same text is the same data: no need to read it
        return
    answer = wire.parse(text)
    if type(answer) is dict and "x" in answer:
        claims.problems[number] = _problem(answer["x"])
    else:
        claims.values[number] = wire.build(answer, case.loose)


def _problem(description: Any) -> tuple[str, int | None]:
    """An exception as "Type: text", and its line."""
    name, message, line = description
    if type(name) is not str or type(message) is not str or not _is_line(line):
        raise ValueError("no description of an exception")
    return _short(f"{name}: {message}" if message else name), line


def _is_line(line: Any) -> bool:
    return line is None or (type(line) is int and 0 <= line < 1 << 31)


def judge(
    fate: str, used: float, body: bytes, cases: Sequence[Case], entry: str, limits: Limits
) -> Report:
    """The report of one program.

    fate: how the worker saw its process end ("done", "cpu", "asleep", "wall", "flood", "closed",
    "broken", "exit N", "signal N"). used: CPU seconds by the worker's clock. body: what the
    process wrote, in bytes. Raises nothing of its own: an exception in a `Case.check` means that
    the answer is wrong, and only what is no Exception (an interrupt) goes through.
    """
    claims = read_claims(body, cases)
    wrong = [case for case, value in claims.values.items() if not cases[case].accepts(value)]
    n_right = len(claims.values) - len(wrong)

    def report(
        verdict: Verdict, message: str, line: int | None = None, case: int | None = None
    ) -> Report:
        seconds = used if claims.seconds is None else min(claims.seconds, limits.seconds)
        return Report(verdict, message, line, case, n_right, len(cases), round(seconds, 6))

    current = len(claims.values) + len(claims.problems)  # the case in which the program stopped
    stopped_in = current if current < len(cases) else None
    if claims.syntax:
        return report(Verdict.SYNTAX_ERROR, *claims.syntax)
    # Before any answer: a program that reached outside is not to be kept, right or wrong.
    if claims.forbidden is not None or fate == f"signal {_number('SIGSYS')}":
        return report(Verdict.FORBIDDEN, f"tried {claims.forbidden or 'a system call'}")
    if wrong:
        got = claims.values[wrong[0]]
        return replace(
            report(Verdict.WRONG, _wrong(entry, cases[wrong[0]], got), case=wrong[0]), got=got
        )
    if fate == "flood" or "output" in claims.stopped:
        message = f"printed or returned more than {limits.output_kb} KiB"
        return report(Verdict.OUTPUT, message, case=stopped_in)
    if fate in ("cpu", "asleep", "wall", f"signal {_number('SIGXCPU')}"):
        message = {
            "asleep": f"slept for more than {ASLEEP * limits.seconds:g} s",
            "wall": f"not finished after {WALL * limits.seconds:g} s by the clock",
        }.get(fate, f"not finished after {limits.seconds:g} s of CPU time")
        return report(Verdict.TIMEOUT, message, case=stopped_in)
    if "memory" in claims.stopped:
        message = f"needs more than {limits.memory_mb} MiB of memory"
        return report(Verdict.MEMORY, message, case=stopped_in)
    if not claims.readable:
        return report(Verdict.CRASHED, "its process sent something unreadable")
    if claims.loading:
        message, line = claims.loading
        return report(Verdict.EXCEPTION, message, line)
    if claims.problems:
        case, (message, line) = next(iter(claims.problems.items()))
        where = f" in {_call(entry, cases[case])}"
        return report(Verdict.EXCEPTION, message + where, line, case)
    if fate == "done" and claims.seconds is not None and n_right == len(cases):
        return report(Verdict.PASSED, f"all {len(cases)} cases passed")
    if fate.startswith("exit"):
        message = f"ended its own process ({fate.replace('exit', 'exit code')})"
        return report(Verdict.EXITED, message, case=stopped_in)
    how = {"closed": "closed its pipe", "broken": "was taken apart"}.get(fate, _named(fate))
    return report(Verdict.CRASHED, f"its process {how}", case=stopped_in)


def _wrong(entry: str, case: Case, got: Any) -> str:
    wanted = f"expected {_show(case.expected)}"
    if case.check is not None:
        wanted = f"a right answer would be {_show(case.expected)}"
    return f"{_call(entry, case)} returned {_show(got)}, {wanted}"


def _call(entry: str, case: Case) -> str:
    return f"{entry}({_short(', '.join(map(_show, case.args)))})"


def _show(value: Any) -> str:
    try:
        return _short(repr(value))
    except ValueError:  # an integer with more digits than Python is willing to write
        return f"<{type(value).__name__} too large to show>"


def _short(text: str) -> str:
    text = printable(" ".join(text[: 10 * _SHOWN].split()))  # it may be a megabyte
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _number(name: str) -> int:
    return int(getattr(signal, name, 0))


def _named(fate: str) -> str:
    """What happened, with the name of the signal in "signal N"."""
    try:
        return f"was ended by {signal.Signals(int(fate.removeprefix('signal '))).name}"
    except ValueError:
        return f"ended with {fate}"
