"""Quiz questions with a reason for every option, right or wrong.

Live it is a group of radio buttons, used by mouse or keyboard; on a page without a kernel the
reasons are in a section that folds open. The options are shuffled by the quiz's key, so that the
place of the right one tells nothing. Nothing is graded: the first answer is remembered, and one may
answer again. No library does this offline, in JupyterLab 4, byte for byte the same.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from helpers.teaching._forms import (
    Form,
    Page,
    escape,
    html_table,
    lesson_key,
    nonempty_text,
    plain_table,
    status,
)
from helpers.teaching._records import Entry, State, same_text
from helpers.teaching._store import store

if TYPE_CHECKING:
    import ipywidgets

DEAL = 16  # never to be changed, or every quiz is dealt anew; `course build --check` looks at keys


def quiz(key: str, question: str, options: Mapping[str, str], answer: str) -> Quiz:
    """One question. options: text -> the reason why it is right or wrong; answer: the right text.

    The options are shown in an order that depends on the key alone, not in the one given here.
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
        checked = {
            nonempty_text("every option", text): nonempty_text(f"the reason of {text!r}", reason)
            for text, reason in options.items()
        }
        self.options = {text: checked[text] for text in dealt(key, list(checked))}
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
            right = option == self.answer
            new = {"chosen": [], "correct": False, "first": right, "at": int(time.time())}
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
        given = "".join(
            f"<p>You answered \u201c{escape(text)}\u201d. {escape(self._reply(text))}</p>"
            for text in self.options
            if text in self.chosen
        )
        return (
            f"<div>{asked}<ul>{items}</ul>{given}<details><summary>Answer and reasons</summary>"
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


def dealt(key: str, options: Sequence[str]) -> list[str]:
    """`options` shuffled: the same key and the same number of options give the same places."""
    ranks = [hashlib.sha256(f"{DEAL} {key} {n}".encode()).digest() for n in range(len(options))]
    return [option for _, option in sorted(zip(ranks, options, strict=True))]


# ---- a table over several questions


MISSES = 2  # so many in a group of questions, and its refresher comes first


def tally(groups: Mapping[str, Sequence[str]]) -> Page:
    """How many questions of each group were right at the first try, and what to do about it.

    groups: name -> the keys of its quizzes. ValueError or TypeError names what is wrong.
    """
    if not isinstance(groups, Mapping) or not groups:
        raise TypeError(f"groups must map each name to the keys of its quizzes, got {groups!r}")
    answers = store().read()["answers"]
    rows = [
        [nonempty_text("every name in groups", name), *_tallied(name, keys, answers)]
        for name, keys in groups.items()
    ]
    head = ["group", "right at the first try", "so"]
    return Page(plain_table(head, rows), html_table(head, rows, caption="Where you stand"))


def _tallied(name: str, keys: Sequence[str], answers: Mapping[str, Entry]) -> list[str]:
    if isinstance(keys, str) or not keys:
        raise TypeError(f"groups[{name!r}] must list the keys of its quizzes, got {keys!r}")
    answered = [answers[key] for key in map(_quiz_key, keys) if key in answers]
    right, left = sum(map(_first_was_right, answered)), len(keys) - len(answered)
    so = "read its refresher first" if len(answered) - right >= MISSES else "you are ready"
    return [f"{right} of {len(keys)}", f"{left} still to answer" if left else so]


def _quiz_key(key: str) -> str:
    return lesson_key("every key in groups", key)


def _first_was_right(entry: Entry) -> bool:
    return bool(entry.get("first", entry["correct"] and len(entry["chosen"]) == 1))
