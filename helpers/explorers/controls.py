"""Sliders over experiments, and a Run button for the longer ones.

An `Explorer` calls a plain function `(**values) -> Picture` whenever a control changes; a
`RunButton` draws a loop while it runs. Both work in one worker thread of their own, so that the
kernel stays free, and show pictures by setting the value of an HTML widget under a lock: no
Output widget, no pyplot. If settings change faster than they can be drawn, the newest wins. An
error becomes one line under the controls and stays in `.error`; it never disappears.
"""

from __future__ import annotations

import contextvars
import html
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ipywidgets as widgets

from helpers._arguments import positive_int, real_number
from helpers._kept import LIVE, Kept, view
from helpers._progress import Progress
from helpers.loop import Generation, History
from helpers.plots import Picture

# ---------------------------------------------------------------------- controls

STOPPING = "<p>Stops as soon as it can.</p>"
MANY = 24  # of more options than this only the ends are said


@dataclass(frozen=True)
class Control:
    """What a slider, a menu or a box is about; `make` builds the widget.

    when: values of other controls under which this one does something, several as a tuple;
        otherwise it is greyed. What a grey control says does not count.
    """

    label: str
    says: str
    make: Callable[[], Any]
    when: Mapping[str, Any] = field(default_factory=dict)


def choice(
    label: str, options: Sequence[Any], value: Any = None, when: Mapping[str, Any] | None = None
) -> Control:
    """One of the options: a slider when they are numbers, a menu when they are words."""
    if not options or (value is not None and value not in options):
        raise ValueError(f"value must be one of the options {list(options)!r}, got {value!r}")
    start = options[0] if value is None else value
    numbers = all(isinstance(option, (int, float)) for option in options)
    kind = widgets.SelectionSlider if numbers else widgets.Dropdown
    extra = {"continuous_update": False} if numbers else {}

    def make() -> Any:
        return kind(options=list(options), value=start, **_look(label), **extra)

    few = f"{options[0]} to {options[-1]}" if len(options) > MANY else ", ".join(map(str, options))
    return Control(label, f"{label}: {few}", make, when or {})


def whole(
    label: str, low: int, high: int, value: int, step: int = 1,
    when: Mapping[str, Any] | None = None,
) -> Control:  # fmt: skip
    """A whole number from `low` to `high`."""
    positive_int("high", high, minimum=positive_int("low", low, minimum=0) + 1)
    real_number("value", value, low=low, high=high)

    def make() -> Any:
        return widgets.IntSlider(
            value, low, high, step, continuous_update=False, **_look(label)
        )  # fmt: skip

    return Control(label, f"{label}: {low} to {high}", make, when or {})


def logarithmic(
    label: str, low: float, high: float, value: float, when: Mapping[str, Any] | None = None
) -> Control:
    """A positive number from `low` to `high` on a logarithmic slider of a hundred steps."""
    real_number("high", high, low=real_number("low", low, low=0, open_low=True), open_low=True)
    real_number("value", value, low=low, high=high)
    bottom, top = (math.log10(end) for end in (low, high))
    digits = ".3f" if low < 10 and high < 1000 else ",.0f"  # rows are counted
    digits = digits if high < 1e8 else ".1e"  # more digits than there is room for

    def make() -> Any:
        return widgets.FloatLogSlider(
            value, base=10, min=bottom, max=top, step=(top - bottom) / 100,
            readout_format=digits, continuous_update=False, **_look(label),
        )  # fmt: skip

    return Control(label, f"{label}: {low:g} to {high:g}", make, when or {})


def switch(label: str, value: bool = False, when: Mapping[str, Any] | None = None) -> Control:
    """On or off."""

    def make() -> Any:
        return widgets.Checkbox(value, description=label, indent=False)

    return Control(label, f"{label}: on or off", make, when or {})


def _look(label: str) -> dict[str, Any]:
    return {
        "description": label,
        "style": {"description_width": "11em"},
        "layout": widgets.Layout(width="min(100%, 31em)"),
    }


# ---------------------------------------------------------------------- explorer


def explore(function: Callable[..., Picture], **controls: Control) -> Explorer:
    """An `Explorer` over `function`, one control a keyword argument."""
    return Explorer(function, controls)


def one_at_first(function: Callable[..., Picture], **controls: Control) -> Explorer:
    """An `Explorer` that begins with its first control; the others are grey behind a switch.

    Until the switch is ticked the others keep the defaults of `function`, which may so be told by
    the first alone.
    """
    first, *others = controls

    def picture(more: bool, **values: Any) -> Picture:
        return function(**(values if more else {first: values[first]}))

    behind = {
        name: replace(controls[name], when={"more": True, **controls[name].when}) for name in others
    }
    return explore(
        picture, **{first: controls[first]}, more=switch("more settings", False), **behind
    )


class Explorer(widgets.VBox):
    """Controls above the picture that `function` makes of their values.

    The first picture is drawn at once; from then on the newest settings are drawn in a worker
    thread. `error` is the last error, or None.
    """

    def __init__(self, function: Callable[..., Picture], controls: Mapping[str, Control]) -> None:
        if not callable(function):
            raise TypeError(f"function must be callable as function(**values), got {function!r}")
        if not controls or not all(isinstance(c, Control) for c in controls.values()):
            raise TypeError("controls must be made by choice, whole, logarithmic or switch")
        self.error: Exception | None = None
        self._function = function
        self._declared = dict(controls)
        self._inputs = {name: control.make() for name, control in controls.items()}
        self._screen = _Screen()
        self._lock = threading.Lock()
        self._wanted = 0  # number of the newest request
        self._shown = 0  # number of the request that is on the screen
        self._worker: threading.Thread | None = None
        super().__init__([*self._inputs.values(), self._screen.widget])
        self.add_class(LIVE)
        self._kept = Kept(self._says, lambda: f"{self.html}<p>{html.escape(self._says())}</p>")
        for widget in self._inputs.values():
            widget.observe(self._changed, names="value")
        self._grey_out()
        self._draw(0, self.values)

    @property
    def values(self) -> dict[str, Any]:
        """The settings as the controls show them."""
        return {name: widget.value for name, widget in self._inputs.items()}

    def set(self, **values: Any) -> None:
        """Move controls, as the mouse would; `wait` for the picture."""
        for name, value in values.items():
            self._inputs[name].value = value

    def label(self, name: str) -> str:
        """What stands beside a control."""
        return self._declared[name].label

    def picture(self, **values: Any) -> Picture:
        """What the screen would show with these settings, the others as they stand.

        ValueError for a value at which its control cannot stand.
        """
        for name, value in values.items():
            _must_stop_at(name, self._inputs[name], value)
        return self._function(**{**self.values, **values})

    def wait(self, seconds: float = 10.0) -> bool:
        """Until the newest settings are drawn; False if that takes longer than `seconds`."""
        worker = self._worker
        if worker is not None:
            worker.join(seconds)
        return worker is None or not worker.is_alive()

    @property
    def html(self) -> str:
        """What the screen under the controls shows."""
        return str(self._screen.widget.value)

    def _changed(self, _: Any) -> None:
        self._grey_out()
        with self._lock:
            self._wanted += 1
            if self._worker is None or not self._worker.is_alive():
                self._worker = _thread(self._work)
                self._worker.start()

    def _work(self) -> None:
        """Draw the newest settings until nothing newer is wanted."""
        while True:
            with self._lock:
                number = self._wanted
                if number == self._shown:
                    self._worker = None
                    return
            self._draw(number, self.values)

    def _draw(self, number: int, values: Mapping[str, Any]) -> None:
        try:
            shown, error = _page(self._function(**values)), None
        except Exception as problem:  # a widget must never lose what went wrong
            shown, error = _complaint(problem), problem
        with self._lock:
            if number >= self._shown:
                self._shown, self.error = number, error
                self._screen.show(shown)
                self._kept.renew()

    def _grey_out(self) -> None:
        values = self.values

        def idle(name: str) -> bool:
            return any(
                values[other] not in (need if isinstance(need, tuple) else (need,))
                and not idle(other)
                for other, need in self._declared[name].when.items()
            )

        for name, widget in self._inputs.items():
            widget.disabled = idle(name)

    def _says(self) -> str:
        says = "; ".join(control.says for control in self._declared.values())
        return f"Explorer with controls: {says}. The cell above draws one of its pictures."

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**view(self), **_words(self._says())}

    def _ipython_display_(self) -> None:
        self._kept.display(view(self))


# ---------------------------------------------------------------------- run button


def live_run(
    make_iterator: Callable[[Callable[[], bool]], Iterator[Any]],
    draw: Callable[[list[Any]], Picture],
    total: int,
    label: str = "Run",
    progress: str | None = None,
) -> RunButton:
    """A `RunButton` for `total` items of `make_iterator(should_stop)`, drawn by `draw(results)`."""
    return RunButton(make_iterator, draw, total, label, progress)


class RunButton(widgets.VBox):
    """Run and Stop for a loop that takes longer than a slider may.

    make_iterator  called as make_iterator(should_stop) at each Run; returns an iterator such as
                   `iterate(...)`. should_stop() turns True when Stop is pressed: hand it to models
                   that can stop in mid-training
    draw           draw(results) -> Picture, called with what is there so far, at most every .3 s
    total          how many items make a whole run: generations + 1
    progress       its name in lessons/budget.json, such as "05-run": the first guess of how long it
                   takes; without one the line says how long it has taken until an item is done

    Run returns at once; a second Run while one is going does nothing. Stop is read after each
    item and keeps what is done: `results` is the list, `history` the same as a
    `helpers.loop.History`. `error` is the last error, or None.
    """

    def __init__(
        self,
        make_iterator: Callable[[Callable[[], bool]], Iterator[Any]],
        draw: Callable[[list[Any]], Picture],
        total: int,
        label: str = "Run",
        progress: str | None = None,
    ) -> None:
        for name, function in (("make_iterator", make_iterator), ("draw", draw)):
            if not callable(function):
                raise TypeError(f"{name} must be callable, got {function!r}")
        self.total = positive_int("total", total)
        self.results: list[Any] = []
        self.error: Exception | None = None
        self._make_iterator, self._draw, self._name = make_iterator, draw, progress
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._over = True
        self._worker: threading.Thread | None = None
        self._run = widgets.Button(description=label, button_style="primary")
        self._halt = widgets.Button(description="Stop", disabled=True)
        self._line = widgets.HTML()
        self._screen = _Screen()
        self._run.on_click(lambda _: self.start())
        self._halt.on_click(lambda _: self.stop())
        row = widgets.HBox([self._run, self._halt, self._line])
        super().__init__([row, self._screen.widget])
        self.add_class(LIVE)
        self._kept = Kept(self._says, lambda: f"{self.html}<p>{html.escape(self._says())}</p>")

    @property
    def running(self) -> bool:
        """Whether a run is going on."""
        return self._worker is not None and self._worker.is_alive()

    @property
    def history(self) -> History:
        """What is done, as `run_loop` would return it; `interrupted` when it is not whole."""
        done = [item for item in self.results if isinstance(item, Generation)]
        return History(done, interrupted=len(self.results) < self.total)

    @property
    def html(self) -> str:
        """What the screen under the buttons shows."""
        return str(self._screen.widget.value)

    def start(self) -> None:
        """What Run does. Nothing, while a run is going on."""
        with self._lock:
            if self.running:
                return
            self.results, self.error = [], None
            self._stop.clear()
            self._over = False
            self._worker = _thread(self._work)
            self._run.disabled, self._halt.disabled = True, False
            self._worker.start()

    def stop(self) -> None:
        """What Stop does: end the run after the item at hand, and keep what is done."""
        self._stop.set()
        self._halt.disabled = True
        with self._lock:
            if not self._over:
                self._tell(STOPPING)

    def wait(self, seconds: float = 60.0) -> bool:
        """Until the run is over; False if that takes longer than `seconds`."""
        if self._worker is not None:
            self._worker.join(seconds)
        return not self.running

    def _work(self) -> None:
        bar = Progress(self.total, "generation", self._name, show=self._tell_how_far)
        try:
            with bar:
                self._consume(bar)
        except Exception as problem:  # a widget must never lose what went wrong
            self.error = problem
            self._screen.add(_complaint(problem))
        with self._lock:
            self._over = True
            if self._stop.is_set():
                self._tell(f"<p>Stopped: {bar.counted} done and kept. Run begins anew.</p>")
            self._run.disabled, self._halt.disabled = False, True
        self._kept.renew()

    def _consume(self, bar: Progress) -> None:
        drawn = -math.inf
        items = self._make_iterator(self._stop.is_set)
        while len(self.results) < self.total and not self._stop.is_set():
            try:
                self.results.append(next(items))
            except StopIteration:
                break
            bar.done()
            if time.monotonic() - drawn > 0.3:
                self._screen.show(_page(self._draw(list(self.results))))
                drawn = time.monotonic()
        if self.results:
            self._screen.show(_page(self._draw(list(self.results))))

    def _tell_how_far(self, line: str) -> None:
        with self._lock:
            self._tell(STOPPING if self._stop.is_set() else line)

    def _tell(self, line: str) -> None:
        self._line.value = line

    def _says(self) -> str:
        return f"A Run button for {self.total} generations, with Stop."

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**view(self), **_words(self._says())}

    def _ipython_display_(self) -> None:
        self._kept.display(view(self))


# ---------------------------------------------------------------------- screen


class _Screen:
    """An HTML widget that one thread at a time writes to."""

    def __init__(self) -> None:
        self.widget = widgets.HTML()
        self._lock = threading.Lock()

    def show(self, page: str) -> None:
        with self._lock:
            self.widget.value = f'<div aria-live="polite">{page}</div>'

    def add(self, line: str) -> None:
        with self._lock:
            self.widget.value += line


def _page(picture: Picture) -> str:
    if not isinstance(picture, Picture):
        raise TypeError(f"the function must return a Picture, got {type(picture).__name__}")
    return f"{picture.html()}<p>{html.escape(picture.summary)}</p>"


def _complaint(problem: Exception) -> str:
    line = " ".join(str(problem).split()) or "no message"
    return (
        '<p role="alert"><b>This could not be drawn.</b> '
        f"{type(problem).__name__}: {html.escape(line)}</p>"
    )


def _must_stop_at(name: str, widget: Any, value: Any) -> None:
    if isinstance(widget, widgets.FloatLogSlider):
        good = widget.base**widget.min <= value <= widget.base**widget.max
    elif isinstance(widget, widgets.IntSlider):
        good = value in range(widget.min, widget.max + 1, widget.step)
    else:
        good = value in getattr(widget, "options", (True, False))
    if not good:
        raise ValueError(f"{name} must be where its control can stand, got {value!r}")


def _thread(work: Callable[[], None]) -> threading.Thread:
    """A thread in the caller's context, so that messages to the front end find their cell."""
    return threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)


def _words(text: str) -> dict[str, str]:
    """What a page shows that has no kernel, or is not trusted yet."""
    return {"text/plain": text, "text/html": f"<p>{html.escape(text)}</p>"}
