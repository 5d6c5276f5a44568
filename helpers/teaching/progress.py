"""A learner's progress: saved by itself after every answer, shown, taken along and brought back.

Predictions, quiz answers, checks, verdicts and claims are in one JSON file: COURSE_PROGRESS, else
.progress/progress.json in the checkout, else .closing-the-loop/progress.json in the home directory.
Nothing is sent anywhere. For Binder, which forgets everything, there is a resume code to copy.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.teaching._forms import Form, Page, escape, status
from helpers.teaching._records import PREFIX, State, decode, encode, merged, validated
from helpers.teaching._store import document, place, store, write_atomically
from helpers.teaching.predictions import calibration

if TYPE_CHECKING:
    import ipywidgets

__all__ = ["code", "restore", "save", "summary"]

_COUNTED = {"predictions": "predictions", "answers": "quiz answers", "checks": "exercises passed"}


def code() -> str:
    """Everything so far as one line of text to copy; `restore` takes it back."""
    return encode(store().read())


def save(file: str | os.PathLike[str] | None = None) -> Page:
    """Show where progress is and, once there is some, a link to download it and the resume code.

    With `file`, also write a copy there; FileExistsError if it exists.
    """
    state = store().read()
    text = document(state)
    if file is not None:
        target = Path(file)
        if target.exists():
            raise FileExistsError(f"file must not exist yet, so that nothing is lost: {target}")
        write_atomically(target, text)
    where = f"kept in {place().name}" if store().saved else "in memory only: it could not be saved"
    said = f"{_counts(state)}; {where}."
    if not any(_numbers(state).values()) and not state["verdicts"]:  # as on the page that is built
        said = f"Nothing to take along yet, so no resume code: {said}"
        return Page(said, f"<p>{escape(said)}</p>")
    link = base64.b64encode(text.encode()).decode()
    resume = encode(state)
    page = (
        f"<p>{escape(said)}</p>"
        f'<p><a download="progress.json" href="data:application/json;base64,{link}">'
        "Download progress.json</a></p>"
        f"<p>Resume code, to copy and to give to <code>progress.restore()</code>:</p>"
        f'<pre style="white-space: pre-wrap; overflow-wrap: anywhere; user-select: all" '
        f'tabindex="0" aria-label="resume code">{resume}</pre>'
    )
    return Page(f"{said}\nResume code: {resume}", page)


def restore(source: str | os.PathLike[str] | None = None) -> Page | Restore:
    """Add what is in a progress file or a resume code; without an argument, show a form for both.

    Nothing that is here is lost: of two predictions the one committed first counts, quiz answers
    and exercises are joined, of two different verdicts the later one shows and the other is kept
    beside it. ValueError if `source` is damaged (nothing is changed then), FileNotFoundError if
    there is no such file.
    """
    if source is None:
        return Restore()
    if isinstance(source, str) and source.strip().startswith(PREFIX):
        return _absorb(decode(source))
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source must be a path or a resume code, got {source!r}")
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(
            f"source must be a progress file or a resume code ({PREFIX}...), got {str(source)!r}"
        )
    return _absorb(_parsed(path.read_bytes(), path.name))


def _parsed(data: bytes, name: str) -> State:
    try:
        return validated(json.loads(data))
    except ValueError as error:  # errors of JSON and of Unicode are ValueErrors too
        raise ValueError(f"{name} is not a progress file: {error}") from None


def _absorb(theirs: State) -> Page:
    def put(state: State) -> str:
        state.update(merged(state, theirs))
        return f"Restored. You now have {_counts(state)}."

    said = store().update(put)
    return Page(said, f"<p>{escape(said)}</p>")


def summary() -> Page:
    """What has been done in each lesson, and the calibration of the predictions."""
    state = store().read()
    head = ["lesson", *_COUNTED.values()]
    rows = [[lesson, *map(str, _numbers(state, lesson).values())] for lesson in _lessons(state)]
    score = str(calibration())
    lines = ["  ".join(f"{text:>{len(top)}}" for text, top in zip(row, head, strict=True))
             for row in [head, *rows]]  # fmt: skip
    top = "".join(f'<th scope="col">{text}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{text}</td>" for text in row[1:])}</tr>'
        for row in rows
    )
    table = f"<table><caption>Your progress</caption><thead><tr>{top}</tr></thead>{body}</table>"
    if not rows:
        return Page(f"Nothing recorded yet. {score}", f"<p>Nothing recorded yet. {score}</p>")
    return Page("\n".join([*lines, score]), f"{table}<p>{escape(score)}</p>")


def _lessons(state: State) -> list[str]:
    seen = {key[:2] for section in _COUNTED for key in state[section]}
    return sorted(lesson for lesson in seen if any(_numbers(state, lesson).values()))


def _numbers(state: State, lesson: str = "") -> dict[str, int]:
    """How many predictions, answers and passed exercises a lesson has; all lessons without one."""
    found = {
        section: [entry for key, entry in state[section].items() if key.startswith(lesson)]
        for section in _COUNTED
    }
    return {
        "predictions": sum("value" in entry for entry in found["predictions"]),
        "answers": len(found["answers"]),
        "checks": sum(entry["passed"] for entry in found["checks"]),
    }


def _counts(state: State) -> str:
    numbers = _numbers(state)
    return ", ".join(f"{numbers[section]} {name}" for section, name in _COUNTED.items())


class Restore(Form):
    """A form that takes a progress file or a resume code."""

    def _text(self) -> str:
        return 'Restore with progress.restore("progress.json") or progress.restore("CTL1-...").'

    def _page(self) -> str:
        return f"<p>{escape(self._text())}</p>"

    def _build(self) -> list[ipywidgets.Widget]:
        import ipywidgets as w

        wide = w.Layout(width="100%")
        narrow = w.Layout(width="max-content")
        upload = w.FileUpload(accept=".json", description="Choose progress.json", layout=narrow)
        text = w.Textarea(
            placeholder=f"{PREFIX}...", continuous_update=False, layout=wide, description="or code"
        )
        button = w.Button(description="Restore", tooltip="Restore from the resume code")
        said = w.HTML(status("Nothing that is here gets lost."))

        def uploaded(change: dict[str, Any]) -> None:
            for file in change["new"]:
                self._take(said, lambda file=file: _parsed(bytes(file["content"]), file["name"]))

        upload.observe(uploaded, names="value")
        button.on_click(lambda _: self._take(said, lambda: decode(text.value)))
        asked = w.HTML("<p><strong>Restore</strong> a downloaded file or a resume code.</p>")
        return [asked, upload, text, button, said]

    def _take(self, said: ipywidgets.HTML, parse: Any) -> None:
        with self._lock:
            try:
                said.value = status(repr(_absorb(parse())))
            except ValueError as error:
                said.value = status(f"Not restored: {error}.")
