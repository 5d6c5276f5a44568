"""The interrupt key at a moment that suits: a call is left only when nothing is half done.

Python raises KeyboardInterrupt between any two instructions of the main thread, so also between
starting a process and remembering it, or while processes are being ended because of the interrupt
before. Here an interrupt is noted, and strikes only where the code says that it may.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """`with Interrupts(undo) as interrupts:` an interrupt inside waits, or strikes exactly once.

    It strikes at once inside `interrupts.welcome()`, but not inside `interrupts.held()` in there.
    All that come after one that struck are only noted: they would cut the clearing up in two.
    undo: called before any exception leaves, an interrupt that waited included. Python runs signal
    handlers in the main thread alone, so in all other threads nothing is held back.
    """

    def __init__(self, undo: Callable[[], object]) -> None:
        self._undo = undo
        self._welcome = self._noted = False
        self._handler: Callable[[int, FrameType | None], Any] | None = None

    def __enter__(self) -> Interrupts:
        handler = signal.getsignal(signal.SIGINT)
        # Ignored or left to the system (ends the process): then there is nothing to hold back.
        if callable(handler) and threading.current_thread() is threading.main_thread():
            self._handler = handler
            signal.signal(signal.SIGINT, self._strike)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is not None or self._noted:
                self._undo()
        finally:
            if self._handler is not None:
                signal.signal(signal.SIGINT, self._handler)
        if kind is None:
            self._deliver()

    @contextmanager
    def welcome(self) -> Iterator[None]:
        """Inside, an interrupt strikes at once; one that waited strikes now."""
        self._deliver()
        self._welcome = True
        try:
            yield
        finally:
            self._welcome = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, an interrupt waits although the code around welcomes it."""
        before, self._welcome = self._welcome, False
        try:
            yield
        finally:
            self._welcome = before
        if before:
            self._deliver()

    def _strike(self, number: int, frame: FrameType | None) -> None:
        if self._welcome and self._handler is not None:
            self._welcome = False  # stays so if the handler raises, as Python's own does
            self._handler(number, frame)
            self._welcome = True
        else:
            self._noted = True

    def _deliver(self) -> None:
        if self._noted and self._handler is not None:
            self._noted = self._welcome = False
            self._handler(signal.SIGINT, None)
