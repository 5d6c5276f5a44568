"""check: judge an exercise, say the result in a sentence or two, and keep the code of the answer.

Whatever a learner's answer does (raise, print, return the wrong type, change its input, run for
long) becomes that result; only an unknown exercise is an error, because it is the author's. It is
not a sandbox: the answer runs in the learner's own kernel, as their own cells do.
"""

from __future__ import annotations

import ast
import contextlib
import io
import signal
import sys
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

from helpers.teaching._forms import LINE, code_page
from helpers.teaching._records import State
from helpers.teaching._store import store
from helpers.teaching.exercises import Exercise, Hint, Praise, find

_SECONDS = 20.0
_LOAD = 'from helpers.teaching import progress; progress.load("{}")'
_LONGEST_CODE = 20_000  # characters of an answer's cell that are kept
_HELPERS = str(Path(__file__).resolve().parents[1])
_MET: dict[str, str] = {}  # exercise -> the code that its first check here met beside a kept one
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
        right, line = _verdict(found, answer)
    if output.getvalue():
        line = f"{line} (What your code printed is hidden here.)"
    code, kept = source_of(exercise), store().read()["checks"].get(exercise, {}).get("code", "")
    _record(exercise, right, code)
    said = f"{exercise}: {'right' if right else 'not yet'}. {line}".strip()
    # JupyterLab breaks long lines within words.
    print(fill(said, LINE, break_long_words=False, break_on_hyphens=False))
    if code and kept and not right and kept not in _cells():
        _show_kept(exercise, kept)
    return Outcome(right, line)


def _show_kept(exercise: str, kept: str) -> None:
    """An answer of another day, in a kernel: to be taken over into the cell above, not run."""
    from IPython.display import display

    load = _LOAD.format(exercise)
    said = (
        f"You have another answer to this, kept from before. Copy it into your cell, or run {load}"
    )
    display(code_page(f"{said} there. It is not run by itself:", kept))


def judged(exercise: Exercise, answer: Any) -> str | None:
    """The hint for `answer`, or None if it is right; never raises but for an interrupt."""
    right, line = _verdict(exercise, answer)
    return None if right else line


def _verdict(exercise: Exercise, answer: Any) -> tuple[bool, str]:
    """Whether `answer` is right, and what is said about it."""
    rng = np.random.default_rng(zlib.crc32(exercise.key.encode()))
    try:
        with _time_limit(_SECONDS):
            said = exercise.judge(answer, rng)
    except Hint as hint:
        return False, str(hint)
    except _TooLong:
        return False, (
            f"It ran for more than {_SECONDS:g} s and was stopped. Is there a loop without end?"
        )
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # SystemExit too: exit() in a learner's function
        judge = exercise.judge.__code__.co_filename
        return False, _explained(error, (_HELPERS, *_LIBRARIES, judge))
    if said is None or isinstance(said, Praise):
        return True, f"{said or ''} {exercise.praise}".strip()
    return False, said


def source_of(exercise: str) -> str:
    """The code of the learner's answer as it stands in its cell; empty outside of a notebook.

    The newest cell run that defines a name `my_...` which the check's own cell, the newest of all,
    hands over. That finds functions, classes and plain values alike.
    """
    cells = _cells()
    names = _handed_over(cells[-1], exercise) if cells else set()
    found = next((cell for cell in reversed(cells) if names & _defined(cell)), "")
    return found if len(found) <= _LONGEST_CODE else ""


def _cells() -> list[str]:
    """The cells that were run in this kernel, oldest first; empty outside of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    history = getattr(getattr(shell, "history_manager", None), "input_hist_raw", [])
    return [cell for cell in history if isinstance(cell, str)]


def _handed_over(cell: str, exercise: str) -> set[str]:
    """The names in the calls check(exercise, ...) of a cell."""
    calls = [node for node in ast.walk(_tree(cell)) if isinstance(node, ast.Call)]
    return {
        name.id
        for call in calls
        if any(isinstance(a, ast.Constant) and a.value == exercise for a in ast.walk(call))
        for part in [*call.args, *call.keywords]
        for name in ast.walk(part)
        if isinstance(name, ast.Name)
    }


def _defined(cell: str) -> set[str]:
    """The names that a cell defines or assigns on its top level."""
    body = _tree(cell).body
    names = {n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    stored = (n for node in body for n in ast.walk(node) if isinstance(n, ast.Name))
    return names | {name.id for name in stored if isinstance(name.ctx, ast.Store)}


def _tree(cell: str) -> ast.Module:
    lines = ("" if line.startswith(("%", "!")) else line for line in cell.splitlines())
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _explained(error: BaseException, not_theirs: tuple[str, ...]) -> str:
    line = _learners_line(error, not_theirs)
    try:
        what = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
    except Exception:  # a learner's own exception may not print
        what = type(error).__name__
    if len(what) > 160:
        what = what[:157] + "..."
    if line is None and "is not callable" in what:
        return "Hand over the function itself: its name, without () behind it."
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


def _record(exercise: str, right: bool, code: str) -> None:
    """Keep the result and the code; a stub that is run on another day does not displace an answer.

    A stub is what the first check in this kernel met while something else was kept.
    """

    def put(state: State) -> None:
        entry = state["checks"].setdefault(
            exercise, {"passed": False, "tries": 0, "at": int(time.time())}
        )
        met = _MET.setdefault(exercise, code if "code" in entry else "")
        if code and (right or not (entry["passed"] or code == met)):
            entry["code"] = code  # what passed is not lost to a later try
        entry["passed"] = entry["passed"] or right
        entry["tries"] += 1

    store().update(put)
