"""A learner's progress: saved by itself after every answer, shown, taken along and brought back.

Predictions, quiz answers, exercises with their code, verdicts and claims are in one JSON file:
COURSE_PROGRESS, else .progress/progress.json in the checkout, else .closing-the-loop/progress.json
in the home directory. Nothing is sent anywhere. For Binder, which forgets everything, the file can
be downloaded; a resume code, short enough to copy, carries marks only. Code is shown, never run.
"""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers._ground import write_whole
from helpers.teaching._forms import Form, Page, code_page, escape, html_table, plain_table, status
from helpers.teaching._records import PREFIX, State, decode, encode, merged, parsed, validated
from helpers.teaching._store import document, place, store
from helpers.teaching.matrix import claim_cards, verdict_matrix
from helpers.teaching.scores import calibration, met_predictions

if TYPE_CHECKING:
    import ipywidgets

__all__ = ["code", "load", "restore", "save", "summary"]

_COUNTED = {"predictions": "predictions", "answers": "quiz answers", "checks": "exercises passed"}


def code() -> str:
    """The marks so far as one line of text to copy; `restore` takes it back.

    It leaves out what is long: the code of exercises and the reasons given. The file has them.
    """
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
        write_whole(target, text, mode=0o600)
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
        f"Download progress.json</a>: {_ALL}</p>"
        f"<p>Resume code, to copy and to give to <code>progress.restore()</code>. {_MARKS}</p>"
        f'<pre style="white-space: pre-wrap; overflow-wrap: anywhere; user-select: all" '
        f'tabindex="0" aria-label="resume code">{resume}</pre>'
    )
    return Page(f"{said}\n{_MARKS}\nResume code: {resume}", page)


_ALL = 'everything, your code too; <code>progress.restore("progress.json")</code> brings it back.'
_MARKS = "It carries marks only: your code is in the file progress.json."


def restore(source: str | os.PathLike[str] | None = None) -> Page | Restore:
    """Add what is in a progress file or a resume code; without an argument, show a form for both.

    Nothing that is here is lost: of two predictions the one whose answer was shown first counts, or
    the later one while both are open; quiz answers and exercises are joined, of two different
    verdicts the later one shows and the other is kept beside it. The code of exercises is shown, to
    be copied into its cell or put there by `load`; it is never run. ValueError if `source` is
    damaged (nothing is changed then), FileNotFoundError if there is no such file.
    """
    if source is None:
        return Restore()
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source must be a path or a resume code, got {source!r}")
    path = os.path.expanduser(source)
    if os.path.isfile(path):  # False too for a code, which is too long for the name of a file
        return _absorb(_read(Path(path).read_bytes(), Path(path).name))
    if isinstance(source, str) and PREFIX in source:
        return _absorb(decode(source))
    raise FileNotFoundError(
        f"source must be a progress file or a resume code ({PREFIX}...), got {str(source)!r}"
    )


def _read(data: bytes, name: str) -> State:
    try:
        return validated(parsed(data))
    except ValueError as error:  # errors of JSON and of Unicode are ValueErrors too
        raise ValueError(f"{name} is not a progress file: {error}") from None


def _absorb(theirs: State) -> Page:
    def put(state: State) -> str:
        state.update(merged(state, theirs))
        return f"Restored. You now have {_counts(state)}."

    said = store().update(put)
    text, page = _code_of(theirs)
    return Page("\n".join(filter(None, [said, text])), f"<p>{escape(said)}</p>{page}")


def _code_of(state: State) -> tuple[str, str]:
    """The code of the exercises in `state`, to read and to copy: as text, and folded as HTML."""
    codes = {key: e["code"] for key, e in sorted(state["checks"].items()) if "code" in e}
    if not codes:
        return "", ""
    text = "\n\n".join(
        f"Your code of {key} (copy it into its cell):\n{codes[key]}" for key in codes
    )
    page = "".join(
        f"<details><summary>Your code of {escape(key)}, to copy into its cell</summary>"
        f"<pre>{escape(code)}</pre></details>"
        for key, code in codes.items()
    )
    return text, page


def load(exercise: str) -> Page:
    """Put your kept code of `exercise` in the place of the cell that calls this; it is not run.

    Where there is no notebook the code is shown. ValueError if no code is kept under that name.
    """
    codes = {key: e["code"] for key, e in store().read()["checks"].items() if "code" in e}
    if exercise not in codes:
        there = ", ".join(sorted(codes)) or "none yet"
        raise ValueError(f"exercise must be one whose code is kept ({there}), got {exercise!r}")
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return code_page(f"Your code of {exercise}:", codes[exercise])
    shell.set_next_input(codes[exercise], replace=True)
    said = f"Your code of {exercise} is in this cell now. It has not been run."
    return Page(said, f"<p>{escape(said)}</p>")


def summary() -> Page:
    """What was done in each lesson, how well it was predicted, verdicts, claims and code."""
    state = store().read()
    lessons = [[lesson, *map(str, _numbers(state, lesson).values())] for lesson in _lessons(state)]
    parts: list[Page] = [_table(["lesson", *_COUNTED.values()], lessons, "Your progress")]
    if not lessons:
        parts = [_line("Nothing recorded yet.")]
    parts.append(_line(str(calibration())))
    met = met_predictions()
    if met:
        head = ["lesson", "prediction", "you said", "the answer", "it was"]
        parts.append(_table(head, met, "Your predictions"))
    parts += [verdict_matrix(), claim_cards(), Page(*_code_of(state))]
    shown = [(repr(part), part._repr_html_()) for part in parts]
    return Page("\n\n".join(t for t, _ in shown if t), "".join(page for _, page in shown))


def _table(head: list[str], rows: list[list[str]], caption: str) -> Page:
    return Page(plain_table(head, rows), html_table(head, rows, caption))


def _line(text: str) -> Page:
    return Page(text, f"<p>{escape(text)}</p>")


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
                self._take(said, lambda file=file: _read(bytes(file["content"]), file["name"]))

        upload.observe(uploaded, names="value")
        button.on_click(lambda _: self._take(said, lambda: decode(text.value)))
        asked = w.HTML("<p><strong>Restore</strong> a downloaded file or a resume code.</p>")
        return [asked, upload, text, button, said]

    def _take(self, said: ipywidgets.HTML, parse: Any) -> None:
        with self._lock:
            try:
                done = _absorb(parse())._repr_html_()
                said.value = f'<div role="status" aria-live="polite">{done}</div>'
            except ValueError as error:
                said.value = status(f"Not restored: {error}.")
