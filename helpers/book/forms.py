"""A quiz, a prediction, an answer and a slider as HTML for a page without a kernel.

Without JavaScript all of it can be read: the script (static/book.js) adds that a prediction is kept
in the browser, that an answer waits for it, and that a slider changes the picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from helpers.teaching.predictions import Prediction
from helpers.teaching.quizzes import Quiz


@dataclass(frozen=True)
class Frame:
    """One picture of an explorer: where its file lies, and its words."""

    source: str
    alt: str
    summary: str


@dataclass(frozen=True)
class Stops:
    """One control of an explorer in a book: its label, where it can stand, where it begins."""

    label: str
    options: tuple[str, ...]
    start: int


def quiz_form(quiz: Quiz) -> str:
    """A question; each option unfolds its reason, one at a time, in the order of the notebook."""
    options = "".join(
        f'<details name="{escape(quiz.key)}"><summary>{escape(text)}</summary>'
        f"<p><strong>{'Right.' if text == quiz.answer else 'Not this one.'}</strong> "
        f"{escape(reason)}</p></details>"
        for text, reason in quiz.options.items()
    )
    asked = f"<p><strong>Quiz.</strong> {escape(quiz.question)}</p>"
    return f'<div class="ctl ctl-quiz">{asked}{options}</div>'


def prediction_form(prediction: Prediction) -> str:
    """A form for an interval or a choice; the script keeps what is committed in the browser."""
    key = escape(prediction.key)
    if prediction.choices is not None:
        inputs = "".join(
            f'<label><input type="radio" name="choice" value="{escape(text)}" required> '
            f"{escape(text)}</label>"
            for text in prediction.choices
        )
        inputs += (
            '<label>How sure are you? <input type="range" name="sure" min="50" max="100" '
            'step="5" value="70"> <output>70</output> %</label>'
        )
    else:
        field = '<label>{0} <input type="number" name="{0}" required{1}></label>'
        inputs = " ".join(field.format(end, _limits(prediction)) for end in ("from", "to"))
        inputs += f" {escape(prediction.unit)}"
    return (
        f'<form class="ctl ctl-predict" id="predict-{key}" data-key="{key}"'
        f"{' data-forecast' if prediction.forecast else ''}><fieldset>"
        f"<legend><strong>Predict.</strong> {escape(prediction.question)}</legend>"
        f"<p>{escape(prediction.ask)}</p><p>{inputs}</p>"
        '<button type="submit">Commit</button>'
        '<p role="status">This is kept in your browser and nowhere else.</p></fieldset></form>'
    )


def _limits(prediction: Prediction) -> str:
    low, high, whole = prediction.possible
    said = "" if low is None else f' min="{low:.12g}"'
    said += "" if high is None else f' max="{high:.12g}"'
    return f'{said} step="{1 if whole else "any"}"'


def answer(inside: str, needs: Sequence[str]) -> str:
    """Something that unfolds; with `needs`, keys of predictions, not before these are committed."""
    title = "The answer, from the recorded run of this page" if needs else "What came out"
    return f"{answer_opening(needs)}<summary>{title}</summary>{inside}</details>"


def answer_opening(needs: Sequence[str]) -> str:
    """The tag that opens an answer which waits for the predictions `needs`."""
    waits = f' data-needs="{escape(" ".join(needs))}"' if needs else ""
    return f'<details class="ctl ctl-answer"{waits}>'


def slider(controls: Sequence[Stops], frames: Sequence[Frame]) -> str:
    """Sliders over `frames`, in the order of `controls`: the last one changes fastest."""
    place = 0
    for stops in controls:
        place = place * len(stops.options) + stops.start
    first = frames[place]
    rows = "".join(map(_control, controls))
    data = [[frame.source, frame.alt, frame.summary] for frame in frames]
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="ctl ctl-explorer"><div class="ctl-controls">{rows}</div>'
        f'<img alt="{escape(first.alt)}" src="{escape(first.source)}" loading="lazy">'
        f'<p role="status">{escape(first.summary)}</p>'
        f'<script type="application/json">{packed}</script></div>'
    )


def _control(stops: Stops) -> str:
    """A slider for numbers, a menu for words; the value of both is the place among the options."""
    label = f"<label><span>{escape(stops.label)}</span>"
    begins = stops.options[stops.start]
    if any(re.fullmatch(r"[\d.,]+", text) is None for text in stops.options):
        options = "".join(
            f'<option value="{n}"{" selected" if text == begins else ""}>{escape(text)}</option>'
            for n, text in enumerate(stops.options)
        )
        return f"{label} <select>{options}</select></label>"
    texts = escape(json.dumps(stops.options))
    return (
        f'{label} <input type="range" min="0" max="{len(stops.options) - 1}" step="1" '
        f'value="{stops.start}" aria-valuetext="{escape(begins)}" data-options="{texts}"> '
        f"<output>{escape(begins)}</output></label>"
    )
