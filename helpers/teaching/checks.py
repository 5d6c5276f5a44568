"""check: judge an exercise and say the result in a sentence or two.

Whatever a learner's answer does (raise, print, return the wrong type, change its input, run for
long) becomes that result; only an unknown exercise is an error, because it is the author's. It is
not a sandbox: the answer runs in the learner's own kernel, as their own cells do.
"""

from __future__ import annotations

import contextlib
import io
import signal
import sysconfig
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from types import FrameType
from typing import Any

import numpy as np

from helpers.teaching._records import State
from helpers.teaching._store import store
from helpers.teaching.exercises import Exercise, Hint, find

_SECONDS = 20.0
_HELPERS = str(Path(__file__).resolve().parents[1])
_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))


class Outcome:
    """True or false, and the line that was printed; shows nothing as the last value of a cell."""

    def __init__(self, passed: bool, message: str) -> None:
        self.passed, self.message = passed, message

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"Outcome(passed={self.passed}, message={self.message!r})"

    def _ipython_display_(self) -> None:
        """Nothing: the line has been printed already."""


class _TooLong(BaseException):
    """Not an Exception, so that a learner's `except Exception` does not swallow it."""


def check(exercise: str, answer: Any) -> Outcome:
    """Print one line that says whether `answer` is right, with a hint if not; usable as a bool.

    ValueError if there is no such exercise. The random generator given to the judge depends on
    the exercise alone: the same answer gets the same line.
    """
    found = find(exercise)
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        hint = judged(found, answer)
    right = hint is None
    line = found.praise if hint is None else hint
    if output.getvalue():
        line = f"{line} (What your code printed is hidden here.)"
    _record(exercise, right)
    said = f"{exercise}: {'right' if right else 'not yet'}. {line}".strip()
    # JupyterLab breaks long lines within words.
    print(fill(said, 90, break_long_words=False, break_on_hyphens=False))
    return Outcome(right, line)


def judged(exercise: Exercise, answer: Any) -> str | None:
    """The hint for `answer`, or None if it is right; never raises but for an interrupt."""
    rng = np.random.default_rng(zlib.crc32(exercise.key.encode()))
    try:
        with _time_limit(_SECONDS):
            return exercise.judge(answer, rng)
    except Hint as hint:
        return str(hint)
    except _TooLong:
        return f"It ran for more than {_SECONDS:g} s and was stopped. Is there a loop without end?"
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # SystemExit too: exit() in a learner's function
        return _explained(error, (_HELPERS, *_LIBRARIES, exercise.judge.__code__.co_filename))


def _explained(error: BaseException, not_theirs: tuple[str, ...]) -> str:
    line = _learners_line(error, not_theirs)
    try:
        what = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
    except Exception:  # a learner's own exception may not print
        what = type(error).__name__
    if len(what) > 160:
        what = what[:157] + "..."
    if line is None:
        return f"The check could not use your answer ({what}). Is it of the type asked for?"
    if isinstance(error, ValueError) and "read-only" in str(error):
        return f"Line {line} of your cell changes its input; work on a copy."
    return f"Line {line} of your cell raised {what}."


def _learners_line(error: BaseException, not_theirs: tuple[str, ...]) -> int | None:
    """The innermost line in a file that is the learner's own, or None if there is none."""
    line, step = None, error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if not name.startswith((*not_theirs, "<frozen", "<__array_function__")):
            line = step.tb_lineno
        step = step.tb_next
    return line


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Stop the body after `seconds`, where the platform and the thread have a timer to spare."""
    timer = getattr(signal, "setitimer", None)
    in_main = threading.current_thread() is threading.main_thread()
    if timer is None or not in_main or signal.getsignal(signal.SIGALRM) != signal.SIG_DFL:
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _TooLong

    signal.signal(signal.SIGALRM, stop)
    timer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        timer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _record(exercise: str, right: bool) -> None:
    def put(state: State) -> None:
        entry = state["checks"].setdefault(
            exercise, {"passed": False, "tries": 0, "at": int(time.time())}
        )
        entry["passed"] = entry["passed"] or right
        entry["tries"] += 1

    store().update(put)
