"""How a policy is asked, and what is refused: a foul makes the play void, in one sentence.

A policy gets copies: arrays over memory that cannot be written, lists that are compared afterwards,
and a generator made from a drawn integer, which tells nothing of the seed. It is called in a thread
of its own and has `SECONDS` for each answer. What stays possible: this is one Python process, and a
policy that wants to can read the arena's objects, or make the world of a known seed for itself.
So rank entries on seeds that their authors do not know, and read their code. A call that waits in
C code, or that catches everything that is raised in it, goes on in the background after its play is
void, until the kernel ends.
"""

from __future__ import annotations

import contextvars
import copy
import ctypes
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from helpers.capstone.worlds import World
from helpers.data import Data, size

SECONDS = 10.0  # for one answer of a policy


class Foul(Exception):  # noqa: N818 - a word of the game
    """Why a play is void: one sentence."""


class _TimeUp(BaseException):
    """Raised in the thread of a policy that took too long."""


def own_copy(policy: Any) -> Any:
    """A copy of `policy` for one play: what it keeps in itself does not reach the next play.

    Raises TypeError for what is no policy, and Foul for one that cannot be copied.
    """
    missing = [m for m in ("order", "training_set") if not callable(getattr(policy, m, None))]
    if isinstance(policy, type) or missing:
        raise TypeError(
            "policy must be an object with the methods order(ledger) and "
            f"training_set(real, synthetic, rng), such as MyKeeper(), got {policy!r}"
        )
    return ask("copying the policy", lambda: copy.deepcopy(policy))


def ask(what: str, call: Callable[[], Any]) -> Any:
    """What `call` returns; Foul when it raises or takes more than `SECONDS`."""
    answer: list[Any] = []
    error: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(call())
        except BaseException as raised:
            error.append(raised)

    # In this cell's context, so that what a policy prints finds its place.
    thread = threading.Thread(
        target=contextvars.copy_context().run, args=(run,), daemon=True, name="policy"
    )
    thread.start()
    try:
        thread.join(SECONDS)
    finally:  # also where an interrupt ends the waiting
        late = thread.is_alive()
        _stop(thread)
    if late:
        raise Foul(f"{what} took more than {SECONDS:g} s")
    if error:
        raise Foul(f"{what} raised {_sentence(error[0])}") from error[0]
    return answer[0]


def _stop(thread: threading.Thread) -> None:
    for _ in range(3):
        if not thread.is_alive() or thread.ident is None:
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(_TimeUp)
        )
        thread.join(0.1)


def _sentence(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
    hint = " (rows are not to be changed: choose some, or copy them)" if _edits(error) else ""
    return f"{type(error).__name__}: {_shown(error, str)}{where}{hint}"


def _shown(value: Any, to_text: Callable[[Any], str] = repr) -> str:
    """One short line about what came from a policy, whose own `__repr__` may do anything."""
    own = type(value).__module__ in ("builtins", "numpy") or isinstance(value, BaseException)
    try:
        text = to_text(value) if own else f"a {type(value).__name__}"
    except Exception:
        text = f"a {type(value).__name__}"
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:77]}..."


def _edits(error: BaseException) -> bool:
    return isinstance(error, ValueError) and "read-only" in str(error)


# --- orders ------------------------------------------------------------------------------------


def check_order(answer: Any, world: World, coins: int, there: int) -> tuple[int, int]:
    """(fresh real rows, checks) as ints; Foul for anything that is no order for this purse.

    there: how many rows can be checked.
    """
    # By their very types: a subclass may answer differently each time that it is asked.
    if type(answer) not in (tuple, list) or len(answer) != 2:
        got = _shown(answer)
        raise Foul(f"order must return two whole numbers, (real rows, checks), got {got}")
    for name, number in zip(("real rows", "checks"), answer, strict=True):
        numpy_own = type(number).__module__ == "numpy" and isinstance(number, np.integer)
        if not (type(number) is int or numpy_own) or number < 0:
            got = _shown(number)
            raise Foul(f"order must ask for a whole number of {name}, 0 or more, got {got}")
    fresh, checks = int(answer[0]), int(answer[1])
    if checks > there:
        raise Foul(f"order asked for {checks} checks, but there are {there} newest rows to check")
    cost = fresh * world.price_real + checks * world.price_check
    if cost > coins:
        raise Foul(
            f"order of {fresh} real rows and {checks} checks costs {cost} coins, above the purse "
            f"of {coins}"
        )
    return fresh, checks


# --- rows --------------------------------------------------------------------------------------


def sealed(data: Data) -> Data:
    """A copy to hand out. An array lies over bytes, which no flag makes writable again."""
    if isinstance(data, list):
        return list(data)
    array = np.ascontiguousarray(data)
    if array.size == 0:
        empty = array.copy()
        empty.flags.writeable = False
        return empty
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


class Offers:
    """All rows that were handed out in a play: those alone may be trained on.

    Noted before the policy sees them, so that a row that was changed later is not among them.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows: dict[Any, Any] = {}

    def note(self, data: Data) -> None:
        """`data` is handed out from now on."""
        for row in data:  # type: ignore[union-attr]
            self._rows[self._key(row)] = row

    def check_unchanged(self, handed: Sequence[Data], originals: Sequence[Data]) -> None:
        """Foul when a list that was handed out holds other rows now. Arrays cannot be changed."""
        for i, (now, before) in enumerate(zip(handed, originals, strict=True)):
            if isinstance(now, list) and isinstance(before, list):
                same = len(now) == len(before) and all(
                    a is b for a, b in zip(now, before, strict=True)
                )
                if not same:
                    name = "real" if i == 0 else f"synthetic[{i - 1}]"
                    raise Foul(f"training_set changed {name} in place: make a new list instead")

    def check(self, rows: Any) -> Data:
        """`rows` as a data set of our own; Foul unless the model can be fitted to them."""
        wanted = list if self._world.dtype is None else np.ndarray
        if type(rows) is not wanted:  # a subclass may hold other rows each time it is looked at
            kind = "a list of rows" if wanted is list else "a NumPy array of rows"
            raise Foul(f"training_set must return {kind}, got {type(rows).__name__}")
        own = list(rows) if isinstance(rows, list) else self._array(rows)
        if size(own) == 0:
            raise Foul("training_set returned no rows")
        if size(own) < self._world.rows_min:
            least = self._world.rows_min
            raise Foul(f"training_set returned {size(own)} rows, the model needs {least} or more")
        if size(own) > self._world.rows_max:
            most = self._world.rows_max
            raise Foul(f"training_set returned {size(own)} rows, above rows_max = {most}")
        for place, row in enumerate(own):
            if self._key(row) not in self._rows:
                raise Foul(
                    f"training_set returned a row that was never handed out, {_shown(row)}, in "
                    f"place {place}: rows are chosen, not made"
                )
        return own

    def _array(self, rows: np.ndarray) -> np.ndarray:
        if rows.ndim != 2 or (len(rows) and rows.shape[1] != 2) or rows.dtype.kind not in "iuf":
            raise Foul(
                f"training_set must return an array of shape (rows, 2), got {rows.shape} of "
                f"{rows.dtype}"
            )
        if not np.isfinite(rows).all():
            raise Foul("training_set returned NaN or infinity")
        own = np.array(rows, dtype=self._world.dtype)
        if (own != rows).any():
            raise Foul("training_set returned fractions where rows hold whole numbers")
        return own

    def _key(self, row: Any) -> Any:
        # Rows of a list are told apart as objects: what looks like one may have been made.
        return id(row) if self._world.dtype is None else row.tobytes()
