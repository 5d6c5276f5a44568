"""How far a long cell is, and about how long it will still take: one line, renewed every second.

The first guess is what running the lesson cost when lessons/budget.json was recorded; as soon as a
step is done here, this machine's own pace counts. In a notebook the line is drawn in place and ends
in words that do not depend on the clock; elsewhere it goes to stderr.
"""

from __future__ import annotations

import contextvars
import html
import json
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from helpers._ground import ROOT

EVERY = 1.0  # seconds between two looks at the clock
QUIET = 2.0  # seconds for which nothing is drawn in a terminal


def expected_seconds(name: str) -> float | None:
    """What the live cell `name`, such as "05-live", took when it was recorded; None if unknown."""
    try:
        recorded = json.loads((ROOT / "lessons" / "budget.json").read_text(encoding="utf-8"))
        return float(next(cost[name] for cost in recorded.values() if name in cost))
    except (OSError, ValueError, StopIteration):
        return None


class Progress:
    """`with Progress(6, "generation", "05-live") as bar:` and `bar.done()` after each step.

    total: how many steps there are. unit: what one is called. name: of the cell, for the first
    guess. already: steps that an earlier run of the cell has done. shown: whether it is drawn.
    show: draws it elsewhere than under the cell; called with the line as HTML.
    """

    def __init__(
        self,
        total: int,
        unit: str,
        name: str | None = None,
        already: int = 0,
        shown: bool = True,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self.total, self.unit = total, unit
        self.finished = already
        self._already, self._shown = already, shown
        self._expected = expected_seconds(name) if name else None
        self._over = threading.Event()
        self._screen = _Screen(show)

    def __enter__(self) -> Self:
        self._began = self._since = time.monotonic()
        if not self._shown:
            return self
        self._screen.draw(self._page(), self.line())
        self._clock = threading.Thread(
            target=contextvars.copy_context().run, args=(self._tick,), daemon=True
        )  # in this cell's context, so that the line finds its place
        self._clock.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if not self._shown:
            return
        self._over.set()
        self._clock.join()
        line = f"{self.counted} done."
        if isinstance(error, KeyboardInterrupt):
            line = f"Stopped: {self.counted} done and kept. Run the cell again to go on."
        elif error is not None:
            line = f"Ended by an error: {self.counted} done."
        self._screen.draw(f"<p>{line}</p>", line, last=True)

    def done(self, steps: int = 1) -> None:
        """Tell that `steps` more steps are done."""
        self.finished += steps
        self._since = time.monotonic()

    def line(self) -> str:
        """The line as it reads now."""
        left = self.seconds_left()
        if not left:  # nobody knows, or the last step takes longer than those before it
            passed = time.monotonic() - self._began
            return f"{self.counted} done; {_rounded(passed)} so far"
        return f"{self.counted} done; about {_rounded(left)} left"

    def seconds_left(self) -> float | None:
        """About how many seconds the rest takes: at this run's own pace, or at the recorded one.

        A step that takes longer than that is taken for the pace of those behind it, too.
        """
        now, here = time.monotonic(), self.finished - self._already
        if here:
            pace = (self._since - self._began) / here
        elif self._expected is not None:
            pace = self._expected / self.total
        else:
            return None
        spent = now - self._since
        return max(0.0, max(pace, spent) * (self.total - self.finished) - spent)

    @property
    def counted(self) -> str:
        """How much is done: "3 of 6 generations"."""
        return f"{self.finished} of {self.total} {self.unit}s"

    def _page(self) -> str:
        line = html.escape(self.line())
        named = f'aria-label="{self.unit}s done"'
        bar = f'<progress value="{self.finished}" max="{self.total}" {named}></progress>'
        return f'<p role="status">{bar} {line}</p>'

    def _tick(self) -> None:
        while not self._over.wait(EVERY):
            self._screen.draw(self._page(), self.line())


def _rounded(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} minutes"


class _Screen:
    """One place in a notebook, or one line of a terminal, or what `show` draws to."""

    def __init__(self, show: Callable[[str], None] | None) -> None:
        self._show = show
        self._began = time.monotonic()
        self._handle: Any = None

    def draw(self, page: str, line: str, last: bool = False) -> None:
        if self._show is not None:
            self._show(page)
        elif "ipykernel" in sys.modules:
            self._draw_in_notebook({"text/html": page, "text/plain": line})
        elif time.monotonic() - self._began > QUIET:
            print(f"\r{line:<78}", end="\n" if last else "", file=sys.stderr, flush=True)

    def _draw_in_notebook(self, page: dict[str, str]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(page, raw=True, display_id=True)
        else:
            self._handle.update(page, raw=True)
