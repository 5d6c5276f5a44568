"""Predict first, then see: an 80 % interval or a choice with a confidence, and how good they were.

Only these two can be calibrated. A prediction may be changed until its answer is shown; from then
on it is fixed, and one that is made later is not counted. This module does not run experiments and
does not draw: a figure that overlays a prediction is given `prediction.interval`, two numbers.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from textwrap import fill
from typing import TYPE_CHECKING, Any

from helpers._arguments import real_number
from helpers.teaching._forms import LINE, Form, escape, lesson_key, nonempty_text, status
from helpers.teaching._records import Entry, State, same_text
from helpers.teaching._store import store

if TYPE_CHECKING:
    import ipywidgets

NOTHING_COMMITTED = "You had committed no prediction."
TOO_LATE = "The answer had been shown before, so this one is not counted."
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")


def predict(
    key: str,
    question: str,
    *,
    choices: Sequence[str] | None = None,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    whole: bool = False,
    forecast: bool = False,
) -> Prediction:
    """A form for one prediction: an 80 % interval, or one of `choices` with a confidence.

    key: the lesson's number and a name, '02-typical-variance'. unit: what the interval counts.
    low, high: the smallest and the largest value that is possible; whole: it is a count. An
    interval outside of them is refused. forecast: it is about the future, so that no cell answers
    it and nobody scores it; it can be changed at any time. ValueError or TypeError for arguments
    that cannot make a form.
    """
    return Prediction(
        key, question, choices=choices, unit=unit, low=low, high=high, whole=whole,
        forecast=forecast,
    )  # fmt: skip


class Prediction(Form):
    """What the learner expects. `value` is (low, high) or (choice, confidence), None until then."""

    def __init__(
        self,
        key: str,
        question: str,
        *,
        choices: Sequence[str] | None = None,
        unit: str = "",
        low: float | None = None,
        high: float | None = None,
        whole: bool = False,
        forecast: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(forecast, bool):
            raise TypeError(f"forecast must be True or False, got {forecast!r}")
        self.forecast = forecast
        self.key = lesson_key("key", key)
        self.question = nonempty_text("question", question)
        self.choices = None if choices is None else _checked_choices(choices)
        if not isinstance(unit, str) or (unit and choices is not None):
            raise ValueError(f"unit must be a str and is for intervals only, got {unit!r}")
        self.unit = unit
        self._range = _Range.checked(low, high, whole)
        if choices is not None and self._range != _Range():
            raise ValueError(
                f"low, high and whole are for intervals only, got low={low!r}, high={high!r}, "
                f"whole={whole!r} beside choices"
            )
        self._show: Callable[[str], None] = _nothing  # set once the form has been shown

    # ---- what was committed

    @property
    def value(self) -> tuple[float, float] | tuple[str, float] | None:
        """(low, high) or (choice, confidence in per cent); None while nothing is committed."""
        stored = store().read()["predictions"].get(self.key, {}).get("value")
        if stored is None or isinstance(stored[0], str) == (self.choices is None):
            return None
        if self.choices is None:
            return (stored[0], stored[1])
        texts = [text for text in self.choices if same_text(stored[0], text)]
        return (texts[0], stored[1]) if texts else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """(low, high) for a figure to draw; None for a choice or while nothing is committed."""
        value = self.value
        if value is None or isinstance(value[0], str):
            return None
        return (value[0], value[1])

    @property
    def _entry(self) -> Entry:
        return store().read()["predictions"].get(self.key, {})

    @property
    def fixed(self) -> bool:
        """Whether the answer has been shown to a prediction that was there: it stays as it is."""
        return self.value is not None and "truth" in self._entry

    def commit(self, first: float | str, second: float) -> str:
        """Commit (low, high) or (choice, confidence); returns the line that the form then shows.

        It takes the place of an earlier one until the answer has been shown. ValueError or
        TypeError when it is no valid prediction; what was committed before stays.
        """
        value = self._checked(first, second)
        with self._lock:
            if self.fixed:
                return (
                    self._committed()
                    if self.value == value
                    else (
                        f"{self._committed()} So this one was not taken: the answer has been shown."
                    )
                )
            asked_before = self.value is not None

            def put(state: State) -> None:
                entry = state["predictions"].get(self.key, {})
                if "value" in entry and not asked_before:  # made for another wording of this
                    entry = {}
                late = {"late": True} if "truth" in entry else {}
                stamp = {"value": list(value), "at": int(time.time())}
                state["predictions"][self.key] = {**entry, **stamp, **late}

            store().update(put)
            return self._committed()

    def _checked(self, first: Any, second: Any) -> tuple[Any, float]:
        if self.choices is None:
            low = self._range.within("\u201cfrom\u201d", real_number("low", first))
            high = self._range.within("\u201cto\u201d", real_number("high", second))
            if low > high or (low == high and not self._range.whole):
                raise ValueError(
                    f"\u201cfrom\u201d must be below \u201cto\u201d, got {low:g} and {high:g}"
                )
            return low, high
        if first not in self.choices:
            raise ValueError(f"choice must be one of {', '.join(self.choices)}, got {first!r}")
        return first, real_number("confidence", second, low=50, high=100)

    def _committed(self) -> str:
        value = self.value
        if value is None:
            return "Nothing committed yet."
        until = "whenever you like" if self.forecast else "until its answer is shown"
        open_still = f"You can change it {until}."
        said = f"Committed: {self._said(value)}."
        said = f"{said} {'It stays as it is.' if self.fixed else open_still}"
        if self._entry.get("late"):
            said = f"{said} {TOO_LATE}"
        return said if store().saved else f"{said} (In memory only: it could not be saved.)"

    def _said(self, value: tuple[Any, float]) -> str:
        if self.choices is None:
            interval = f"{_typed(value[0])} to {_typed(value[1])} {self.unit}".strip()
            return f"{interval}, meant to hold in 80 % of cases"
        return f"\u201c{value[0]}\u201d with {value[1]:g} % confidence"

    def _with_unit(self, number: float) -> str:
        digits = ",.0f" if abs(number) >= 999.5 else ".3g"  # 1,000, and not 1e+03
        return f"{number:{digits}} {self.unit}".strip()

    # ---- the answer

    def resolve(self, truth: float | str) -> None:
        """Record the answer, fix the prediction, and print one line that sets both side by side.

        truth: a finite number for an interval, one of the choices otherwise. ValueError for a
        forecast, which has no answer yet.
        """
        if self.forecast:
            raise ValueError(f"the forecast {self.key!r} has no answer yet, got truth={truth!r}")
        if self.choices is None:
            possible = replace(self._range, whole=False)  # a mean of counts is no count
            truth = possible.within("truth", real_number("truth", truth))
        elif truth not in self.choices:
            raise ValueError(f"truth must be one of {', '.join(self.choices)}, got {truth!r}")

        def put(state: State) -> None:
            entry = state["predictions"].setdefault(self.key, {"at": int(time.time())})
            entry.setdefault("truth", truth)

        store().update(put)
        with self._lock:
            self._show(self._committed())
        print(fill(self._judged(truth), LINE, break_long_words=False, break_on_hyphens=False))

    def _judged(self, truth: Any) -> str:
        value = self.value
        shown = self._with_unit(truth) if self.choices is None else f"\u201c{truth}\u201d"
        if value is None:
            return f"The answer is {shown}. {NOTHING_COMMITTED}"
        late = f" {TOO_LATE}" if self._entry.get("late") else ""
        if isinstance(value[0], str):
            right = value[0] == truth
            how = "and it is right" if right else f"but the answer is {shown}"
            return f"You chose \u201c{value[0]}\u201d with {value[1]:g} % confidence, {how}.{late}"
        held = value[0] <= truth <= value[1]
        how = "held it" if held else ("was too low" if truth > value[1] else "was too high")
        mine = f"Your 80 % interval, {_typed(value[0])} to {_typed(value[1])}, {how}."
        return f"The answer is {shown}. {mine}{late}"

    # ---- the three faces

    @property
    def possible(self) -> tuple[float | None, float | None, bool]:
        """(low, high, whole): what the answer can be; None where there is no end."""
        return self._range.low, self._range.high, self._range.whole

    @property
    def ask(self) -> str:
        """What is to be filled in, in one line."""
        if self.choices is not None:
            return "Choose one, and say how sure you are (50 to 100 %):"
        possible = f"; {self._range}" if str(self._range) else ""
        return f"Your 80 % interval (you expect the answer inside in 8 cases of 10{possible}):"

    def _text(self) -> str:
        if self.choices is None:
            blanks = [f"  from ____ to ____ {self.unit}".rstrip()]
        else:
            blanks = [f"  ( ) {text}" for text in self.choices]
        done = [self._committed()] if self.value is not None else []
        return "\n".join([f"Predict: {self.question}", self.ask, *blanks, *done])

    def _page(self) -> str:
        if self.choices is None:
            blanks = f"<p>from ____ to ____ {escape(self.unit)}</p>"
        else:
            blanks = f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in self.choices)}</ul>"
        done = self._committed() if self.value is not None else "Run this cell to commit yours."
        asked = f"<p><strong>Predict.</strong> {escape(self.question)}</p><p>{self.ask}</p>"
        return f"<div>{asked}{blanks}<p><em>{escape(done)}</em></p></div>"

    def _build(self) -> list[ipywidgets.Widget]:
        import ipywidgets as w

        asked = f"<p><strong>Predict.</strong> {escape(self.question)}</p><p>{self.ask}</p>"
        inputs = self._interval_inputs() if self.choices is None else self._choice_inputs()
        button = w.Button(description="Commit", tooltip="Commit this prediction")
        said = w.HTML(status("Commit it before you run on."))
        clicked = False

        def show(line: str) -> None:
            for widget in (*inputs, button):
                widget.disabled = self.fixed
            said.value = status(line)

        def take(_: Any) -> None:
            with self._lock:
                try:
                    show(self.commit(*self._read_inputs(inputs)))
                except (TypeError, ValueError) as error:
                    kept = self.value
                    still = "" if kept is None else f" Still committed: {self._said(kept)}."
                    said.value = status(f"Not committed: {error}.{still}")
                if self.fixed:
                    self._fill_inputs(inputs)

        def click(_: Any) -> None:
            nonlocal clicked
            clicked = True
            take(_)

        def changed(_: Any) -> None:
            # A click is sent at once, and a field when the kernel is free: it may come second. So
            # a click that was refused counts for the fields that follow it, too.
            with self._lock:
                if (clicked or self.value is not None) and not self._holds(inputs):
                    take(_)

        self._fill_inputs(inputs)
        button.on_click(click)
        for widget in inputs:
            widget.observe(changed, names="value")
        self._show = show
        if self.value is not None:
            show(self._committed())
        row = [w.HBox([*inputs, w.Label(self.unit)])] if self.choices is None else inputs
        return [w.HTML(asked), *row, button, said]

    def _holds(self, inputs: list[Any]) -> bool:
        """Whether the fields show what is committed."""
        try:
            return self._read_inputs(inputs) == self.value
        except ValueError:
            return False

    def _interval_inputs(self) -> list[ipywidgets.Widget]:
        import ipywidgets as w

        layout = w.Layout(width="11em")
        style = {"description_width": "3em"}
        return [
            # Sent when the field is left: a click would overtake keys that are still on their way.
            w.Text(
                description=end, placeholder="a number", continuous_update=False,
                layout=layout, style=style,
            )
            for end in ("from", "to")
        ]  # fmt: skip

    def _choice_inputs(self) -> list[ipywidgets.Widget]:
        import ipywidgets as w

        radio = w.RadioButtons(options=self.choices, value=None)
        sure = w.IntSlider(
            value=70, min=50, max=100, step=5, description="how sure, in %",
            continuous_update=False, style={"description_width": "8em"},
            layout=w.Layout(width="26em"),
        )  # fmt: skip
        return [radio, sure]

    def _read_inputs(self, inputs: list[Any]) -> tuple[Any, Any]:
        if self.choices is None:
            low, high = (_number(one.description, one.value, self.unit) for one in inputs)
            return low, high
        if inputs[0].value is None:
            raise ValueError("choose one of the answers first")
        return inputs[0].value, inputs[1].value

    def _fill_inputs(self, inputs: list[Any]) -> None:
        value = self.value
        if value is not None:
            for widget, part in zip(inputs, value, strict=True):
                widget.value = f"{part:g}" if self.choices is None else part


def _nothing(line: str) -> None:
    """What a form that nobody has looked at shows."""


@dataclass(frozen=True)
class _Range:
    """The values that a prediction's answer can have at all."""

    low: float | None = None
    high: float | None = None
    whole: bool = False

    @classmethod
    def checked(cls, low: Any, high: Any, whole: Any) -> _Range:
        for name, end in (("low", low), ("high", high)):
            if end is not None:
                real_number(name, end)
        if low is not None and high is not None and low >= high:
            raise ValueError(f"low must be below high, got {low!r} and {high!r}")
        if not isinstance(whole, bool):
            raise TypeError(f"whole must be True or False, got {whole!r}")
        return cls(low, high, whole)

    def __str__(self) -> str:
        """What is possible in words, empty where everything is."""
        kind = "whole numbers " if self.whole else ""
        if self.low is not None and self.high is not None:
            return f"{kind}from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"{kind}from {self.low:g} up"
        if self.high is not None:
            return f"{kind}up to {self.high:g}"
        return kind.strip()

    def within(self, name: str, number: float) -> float:
        """`number`, if it is possible; otherwise one sentence that says what is."""
        if self.whole and number != int(number):
            raise ValueError(f"{name} must be a whole number, got {number:g}")
        below = self.low is not None and number < self.low
        if below or (self.high is not None and number > self.high):
            raise ValueError(f"{name} must lie in what is possible, {self}; got {number:g}")
        return number


def _checked_choices(choices: Sequence[str]) -> list[str]:
    if isinstance(choices, str) or not isinstance(choices, Sequence):
        raise TypeError(f"choices must be a list of texts, got {choices!r}")
    texts = [nonempty_text("every choice", choice) for choice in choices]
    if len(texts) < 2 or len(set(texts)) != len(texts):
        raise ValueError(f"choices must be at least two different texts, got {texts!r}")
    return texts


def _typed(number: float) -> str:
    """A learner's own number, with all its digits and as pages write it (1,000)."""
    return f"{number:,.10g}"


def _number(name: str, text: str, unit: str) -> float:
    """The number in a field; as a page writes it (1,000) or with its unit, it is a number, too."""
    typed = text.strip().removesuffix(unit).strip()
    try:
        number = float(typed.replace(",", "") if _THOUSANDS.fullmatch(typed) else typed)
    except ValueError:
        number = math.nan
    if not typed:
        raise ValueError(f"\u201c{name}\u201d must be filled in")
    if not math.isfinite(number):
        # No number is shown where there is a unit: a share would mislead, a likely one would tell.
        what = f"alone: its unit, {unit}, stands beside it;" if unit else "such as 0.5 or 1e-3,"
        raise ValueError(f"\u201c{name}\u201d must be a number {what} got {text!r}")
    return number
