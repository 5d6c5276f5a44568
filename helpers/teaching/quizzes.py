"""Quiz questions with a reason for every option, right or wrong.

Live it is a group of radio buttons, used by mouse or keyboard; on a page without a kernel the
reasons are in a section that folds open. Nothing is graded: the first answer is remembered, and
one may answer again. No library does this offline, in JupyterLab 4, byte for byte the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from helpers.teaching._forms import Form, escape, lesson_key, nonempty_text, status
from helpers.teaching._records import State, same_text
from helpers.teaching._store import store

if TYPE_CHECKING:
    import ipywidgets


def quiz(key: str, question: str, options: Mapping[str, str], answer: str) -> Quiz:
    """One question. options: text -> the reason why it is right or wrong; answer: the right text.

    key: the lesson's number and a name, '02-divisor'. ValueError or TypeError names what is wrong.
    """
    return Quiz(key, question, options, answer)


class Quiz(Form):
    """One question, its options and its reasons."""

    def __init__(self, key: str, question: str, options: Mapping[str, str], answer: str) -> None:
        super().__init__()
        self.key = lesson_key("key", key)
        self.question = nonempty_text("question", question)
        if not isinstance(options, Mapping):
            raise TypeError(f"options must map each text to its reason, got {options!r}")
        if len(options) < 2:
            raise ValueError(f"options must hold at least two texts, got {list(options)!r}")
        self.options = {
            nonempty_text("every option", text): nonempty_text(f"the reason of {text!r}", reason)
            for text, reason in options.items()
        }
        if answer not in self.options:
            raise ValueError(f"answer must be one of {list(self.options)!r}, got {answer!r}")
        self.answer = answer

    @property
    def chosen(self) -> list[str]:
        """The options answered so far, in the order in which they were chosen."""
        stored = store().read()["answers"].get(self.key, {}).get("chosen", [])
        return [text for one in stored for text in self.options if same_text(one, text)]

    def choose(self, option: str) -> str:
        """Answer with `option`; returns whether it is right, and the reason."""
        if option not in self.options:
            raise ValueError(f"option must be one of {list(self.options)!r}, got {option!r}")

        def put(state: State) -> None:
            new = {"chosen": [], "correct": False, "at": int(time.time())}
            entry = state["answers"].setdefault(self.key, new)
            if not any(same_text(one, option) for one in entry["chosen"]):
                entry["chosen"].append(option)
            entry["correct"] = entry["correct"] or option == self.answer

        store().update(put)
        return self._reply(option)

    def _reply(self, option: str) -> str:
        verdict = "Right." if option == self.answer else "Not this one."
        return f"{verdict} {self.options[option]}"

    # ---- the three faces

    def _text(self) -> str:
        return "\n".join([f"Quiz: {self.question}", *(f"  ( ) {text}" for text in self.options)])

    def _page(self) -> str:
        asked = f"<p><strong>Quiz.</strong> {escape(self.question)}</p>"
        items = "".join(f"<li>{escape(text)}</li>" for text in self.options)
        return (
            f"<div>{asked}<ul>{items}</ul><details><summary>Answer and reasons</summary>"
            f"{self._reasons(list(self.options))}</details></div>"
        )

    def _reasons(self, texts: list[str]) -> str:
        items = (
            f"<li><strong>{escape(text)}:</strong> {escape(self._reply(text))}</li>"
            for text in texts
        )
        return f"<ul>{''.join(items)}</ul>"

    def _build(self) -> list[ipywidgets.Widget]:
        import ipywidgets as w

        asked = w.HTML(f"<p><strong>Quiz.</strong> {escape(self.question)}</p>")
        radio = w.RadioButtons(options=list(self.options), value=None)
        button = w.Button(description="Answer", tooltip="Check the chosen option")
        said, others = w.HTML(status("")), w.HTML("")

        def show(option: str) -> None:
            said.value = status(self._reply(option))
            rest = [text for text in self.options if text not in self.chosen]
            if option == self.answer and rest:
                others.value = (
                    "<details><summary>And why not the others?</summary>"
                    f"{self._reasons(rest)}</details>"
                )

        def click(_: Any) -> None:
            with self._lock:
                if radio.value is None:
                    said.value = status("Choose one of the options first.")
                    return
                self.choose(radio.value)
                show(radio.value)

        button.on_click(click)
        before = self.chosen
        if before:
            radio.value = self.answer if self.answer in before else before[-1]
            show(radio.value)
        return [asked, radio, button, said, others]
