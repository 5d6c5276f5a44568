"""One notebook, made to be read without a kernel.

Pictures leave their outputs and become files; forms become HTML that works in a browser; answers
and solutions fold; links lead to pages of the book. Cells and their order stay as they are.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import html
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output

from helpers._ground import write_whole
from helpers._kept import KEPT_PAGE, TO_DO
from helpers.authoring.execute import COVER
from helpers.authoring.notebook import GUARD, NOT_INSTALLED
from helpers.authoring.questions import literal_calls
from helpers.book.forms import answer, answer_opening, prediction_form, quiz_form
from helpers.teaching.predictions import NOTHING_COMMITTED, Prediction
from helpers.teaching.quizzes import Quiz

FIGURES = "figures"  # the folder of pictures, beside the pages
SCRIPT = '<script defer src="_static/book.js"></script>'  # only where a page has a form
SHOW, HIDE = "Show the solution", "Hide the solution"

_IMAGE = re.compile(
    r'<img alt="([^"]*)" width="(\d+)"[^>]*? src="data:image/png;base64,([A-Za-z0-9+/=\s]+)"\s*/?>'
)
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
_TO_DO = f"<p><em>{html.escape(TO_DO)}</em></p>"
_SAID = re.compile(r"<p>(Explorer with controls|A Run button for).*?</p>", re.DOTALL)


@dataclass
class Pictures:
    """The picture files of a book. `folder` must exist; the same picture is kept once."""

    folder: Path
    names: set[str] = field(default_factory=set)

    def keep(self, png: bytes) -> str:
        """Write one picture; returns its address, from a page beside the folder."""
        name = f"{hashlib.sha256(png).hexdigest()[:16]}.png"
        if name not in self.names:
            write_whole(self.folder / name, png)
            self.names.add(name)
        return f"{self.folder.name}/{name}"


def readable(
    notebook: NotebookNode,
    pictures: Pictures,
    *,
    link: Callable[[str], str],
    explorer: Callable[[str], str],
    run: str = "",
) -> NotebookNode:
    """The notebook for the book; the one given is changed.

    link: Markdown with links from notebooks/ -> the same with links of the book.
    explorer: the source of a cell tagged `explorer` -> its slider as HTML, or "".
    run: Markdown to be put below the title: how to run this page.
    """
    asked: dict[str, str] = {}  # the name of each prediction so far -> its key
    here: list[str] = []  # the keys of those of this section
    # The predictions that the last answer needed. A cell that names none goes on with them.
    waiting: list[str] = []
    forms = False
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "markdown":
            if re.search(r"(?m)^## ", cell.source):
                here = []
            cell.source = link(cell.source)
            if waiting and cell.source.startswith("<details>"):
                cell.source = cell.source.replace("<details>", answer_opening(waiting), 1)
            else:
                waiting = []
        elif cell.cell_type == "code":
            cell.source = cell.source.removeprefix(GUARD.format(NOT_INSTALLED))
            if "predict" in tags:
                found = {name: one.key for name, one in predictions(cell.source) if name}
                asked |= found
                here += found.values()
            names = [asked[name] for name in _names(cell.source) if name in asked]
            waiting = (names or waiting or list(here)) if "reveal" in tags else []
            forms |= _code(cell, tags, pictures, waiting, explorer)
    if run:
        notebook.cells.insert(1, new_markdown_cell(run))
    if forms:
        notebook.cells.append(new_markdown_cell(SCRIPT))
    return notebook


def _code(
    cell: NotebookNode,
    tags: set[str],
    pictures: Pictures,
    waiting: Sequence[str],
    explorer: Callable[[str], str],
) -> bool:
    """Make one code cell readable; whether it now needs the script."""
    for output in cell.outputs:
        _show(output, pictures)
    form = ""
    if tags & {"predict", "quiz"}:
        form = "".join(map(quiz_form, quizzes(cell.source)))
        form += "".join(prediction_form(one) for _, one in predictions(cell.source))
    elif "explorer" in tags:
        form = explorer(cell.source)
    elif "reveal" in tags:
        form = answer("".join(map(_as_html, cell.outputs)), waiting)
    if form:
        cell.outputs = [new_output("display_data", {"text/html": form})]
    if form and tags & {"predict", "quiz"}:
        _tag(cell, "remove-input")
    elif "solution" in tags:
        _tag(cell, "hide-input")
        cell.metadata["mystnb"] = {"code_prompt_show": SHOW, "code_prompt_hide": HIDE}
    return bool(form)


def _tag(cell: NotebookNode, tag: str) -> None:
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), tag]


# ---------------------------------------------------------------------- what a cell asks


def quizzes(source: str) -> Iterator[Quiz]:
    """The quizzes that a cell asks in so many words."""
    parts = ("key", "question", "options", "answer")
    for call in literal_calls(ast.parse(source), "quiz", *parts):
        yield Quiz(**call.given)


def predictions(source: str) -> Iterator[tuple[str, Prediction]]:
    """The predictions that a cell asks for in so many words, and the name given to each, or ""."""
    for call in literal_calls(ast.parse(source), "predict", "key", "question"):
        yield call.name, Prediction(**call.given)


def _names(source: str) -> Iterator[str]:
    """The names that a cell uses, each once, in their order."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
    yield from dict.fromkeys(node.id for node in nodes)


# ---------------------------------------------------------------------- what a cell shows


def _show(output: NotebookNode, pictures: Pictures) -> None:
    """Make one output fit for the book: one face of it, its pictures as files."""
    if "data" not in output:
        output.text = output.get("text", "").removeprefix(COVER)
        return
    data: dict[str, Any] = output.data
    if "text/html" in data:
        output.data = NotebookNode({"text/html": page(data["text/html"], pictures)})
    elif "text/plain" in data:
        output.data = NotebookNode({"text/plain": data["text/plain"].removeprefix(COVER)})


def page(text: str, pictures: Pictures) -> str:
    """The HTML of an output without what only Jupyter needs, its pictures as files."""
    text = _STYLE.sub("", text.removeprefix(COVER)).replace(_TO_DO, "")
    if KEPT_PAGE in text:
        said = _SAID.search(text)  # of an explorer the words only: the cell above shows its picture
        text = said[0] if said else text.replace(KEPT_PAGE, "<div>")
    text = _TABLE.sub(lambda table: f'<div class="ctl-table" tabindex="0">{table[0]}</div>', text)
    return _IMAGE.sub(lambda found: _figure(found[1], int(found[2]), found[3], pictures), text)


def _figure(alt: str, width: int, data: str, pictures: Pictures) -> str:
    png = base64.b64decode(data)
    across, down = struct.unpack(">II", png[16:24])
    height = round(width * down / across)  # said, so that the page does not jump when it comes
    return (
        f'<img alt="{alt}" width="{width}" height="{height}" loading="lazy" '
        f'src="{pictures.keep(png)}">'
    )


def _as_html(output: NotebookNode) -> str:
    if "data" in output and "text/html" in output.data:
        return f"<div>{output.data['text/html']}</div>"
    text = output.data["text/plain"] if "data" in output else output.text
    text = text.replace(f" {NOTHING_COMMITTED}", "")  # the reader's stands below the answer
    return f"<pre>{html.escape(text)}</pre>"
