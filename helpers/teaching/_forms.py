"""What a prediction, a quiz and the other forms share: three faces of one thing.

A form is a widget where a kernel runs, HTML where a page only shows it, and plain text elsewhere;
the three go to the front end in one bundle, which chooses. Widgets are made at the first display,
so that importing helpers.teaching does not load ipywidgets. Callbacks may come on any thread: they
hold the form's lock, change only their own widgets, and never draw.
"""

from __future__ import annotations

import html
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers._kept import LIVE, Kept, view

if TYPE_CHECKING:
    import ipywidgets

LINE = 76  # letters of a printed line: what a page of 800 pixels holds beside its scroll bar
_KEY = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")

_STYLE = """<style>
.ctl-form { border: 1px solid var(--jp-border-color1, #bdbdbd); border-radius: 4px;
  padding: 8px 14px 10px; margin: 2px 0; max-width: 46em; }
.ctl-form, .ctl-form label, .ctl-form .widget-label, .ctl-form .widget-html-content
  { color: var(--jp-content-font-color1, inherit); font-size: var(--jp-content-font-size1, 14px); }
.ctl-form .widget-html-content { line-height: 1.5; white-space: normal; }
.ctl-form .widget-radio { width: 100%; height: auto; }
.ctl-form .widget-radio-box { width: 100%; max-width: none; }
.ctl-form .widget-radio-box label { height: auto; max-width: none; width: auto;
  white-space: normal; line-height: 1.4; margin: 3px 0; display: flex; align-items: baseline;
  flex-direction: row-reverse; justify-content: flex-end; }
.ctl-form .widget-radio-box input { flex: none; margin: 0 8px 0 2px; height: auto;
  position: relative; top: 2px; }
.ctl-form input:focus-visible, .ctl-form button:focus-visible
  { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 2px; }
.ctl-form p { margin: 4px 0; }
.ctl-form textarea { font-family: var(--jp-code-font-family, monospace); }
</style>"""


def lesson_key(name: str, value: Any) -> str:
    """`value`, if it is a lesson's number and a name such as '02-typical-variance'."""
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise ValueError(
            f"{name} must be the lesson's two digits and a name in lower case such as "
            f"'02-typical-variance', got {value!r}"
        )
    return value


def nonempty_text(name: str, value: Any) -> str:
    """`value`, if it is a str with more than blanks in it."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {value!r}")
    if not value.strip():
        raise ValueError(f"{name} must not be empty, got {value!r}")
    return value


def escape(text: str) -> str:
    """`text` with the characters that HTML reads as markup replaced."""
    return html.escape(text, quote=False)


class Markup(str):
    """HTML that was made here, of parts that were escaped: a cell of `html_table` keeps it."""

    __slots__ = ()


def link(words: str, target: str) -> Markup:
    """`words`, leading to `target`."""
    return Markup(f'<a href="{html.escape(target)}">{escape(words)}</a>')


def status(text: str) -> str:
    """A line that screen readers announce when it changes."""
    return f'<p role="status" aria-live="polite">{escape(text)}</p>'


def plain_table(head: list[str], rows: list[list[str]]) -> str:
    """A table in plain text, its columns aligned; an empty cell is a hyphen."""
    table = [head, *([text or "-" for text in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def html_table(
    head: list[str], rows: Sequence[Sequence[str]], caption: str, empty: str = ""
) -> str:
    """A table that a screen reader can follow; `empty` is said of an empty cell."""

    def shown(text: str) -> str:
        return text if isinstance(text, Markup) else escape(text)

    left = 'style="text-align: left"'
    top = "".join(f'<th scope="col" {left}>{escape(text)}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row" {left}>{shown(row[0])}</th>'
        + "".join(f"<td {left}>{shown(text) or empty}</td>" for text in row[1:])
        + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>{body}</table>"


class Page:
    """A result to look at: HTML and the same in plain text."""

    def __init__(self, text: str, page: str) -> None:
        self._text, self._page = text, page

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._page


def code_page(said: str, code: str) -> Page:
    """Code to be read and copied, and a line above it."""
    box = f'<pre style="user-select: all; white-space: pre-wrap" tabindex="0">{escape(code)}</pre>'
    return Page(f"{said}\n{code}", f"<p>{escape(said)}</p>{box}")


class Form(ABC):
    """Something to fill in. `_build` makes its widgets, once."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._widget: ipywidgets.VBox | None = None
        self._kept = Kept(self._text, self._page)

    @abstractmethod
    def _build(self) -> list[ipywidgets.Widget]:
        """The widgets of the form, top to bottom."""

    @abstractmethod
    def _text(self) -> str:
        """The form in plain text."""

    @abstractmethod
    def _page(self) -> str:
        """The form in HTML that needs no kernel."""

    @property
    def widget(self) -> ipywidgets.VBox:
        """The live form."""
        import ipywidgets

        with self._lock:
            if self._widget is None:
                children = [ipywidgets.HTML(_STYLE), *self._build()]
                children[0].layout.display = "none"  # a style sheet works unseen
                self._widget = ipywidgets.VBox(children)
                self._widget.add_class("ctl-form")
                self._widget.add_class(LIVE)
                for child in children[1:]:
                    if isinstance(child, ipywidgets.HTML):  # what the form says changes here
                        child.observe(lambda _: self._kept.renew(), names="value")
            return self._widget

    def _ipython_display_(self) -> None:
        self._kept.display(view(self.widget))

    def __repr__(self) -> str:
        return self._text()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"text/plain": self._text(), "text/html": self._page(), **view(self.widget)}
