"""A lesson as slides for the room: `course build --workshop` writes them, no kernel starts.

A lesson needs no marks for it. Every H1 and H2 begins a slide, to the right; below it stand, one a
slide, what the section holds: an H3, a text, a figure, a question, an answer. Solutions, checks and
what needs a kernel (sliders, Run buttons) are left out, and what a lesson folds; code is folded
beside the figure that it draws. What each cell becomes is `metadata.slideshow.slide_type`, which
`jupyter nbconvert --to slides` reads, too; a text that is too long for one slide goes on below.

A deck is one HTML file; beside it lie figures/ and reveal/ (reveal.js, a style sheet, a script).
Nothing is asked of another host.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape, unescape
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from helpers._ground import ROOT, write_whole
from helpers._kept import KEPT_PAGE
from helpers.authoring.execute import COVER
from helpers.authoring.markdown import headings
from helpers.authoring.notebook import GUARD, NOT_INSTALLED
from helpers.book.cells import FIGURES, Pictures, page, predictions, quizzes
from helpers.book.forms import quiz_form
from helpers.book.site import mathml
from helpers.teaching.predictions import NOTHING_COMMITTED, Prediction

REVEAL = ROOT / "helpers" / "book" / "reveal"
WIDTH, HEIGHT = 1280, 720  # pixels of a slide; a screen of another size shows it larger or smaller
ROOM, FEW = 560, 200  # of these for what stands below the head; what counts as a few words
LETTERS, LINE, ROW = 88, 36, 30  # of a line of text; pixels of a line of text and of a table
NOT_SHOWN = {"solution", "check", "explorer"}  # tags of cells without a slide
SHOWN_ALONE = {"predict", "quiz", "reveal", "static"}

_FOLDED = re.compile(r"<details\b.*?</details>", re.DOTALL)
_HEIGHT = re.compile(r'<img [^>]*height="(\d+)"')
_TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


class Block(NamedTuple):
    """What may not be cut: its HTML, and about how many pixels of a slide it takes."""

    html: str
    height: float
    head: bool = False  # a heading, which never ends a slide
    asks: bool = False  # what comes after it may be the answer


def write_slides(notebooks: Iterable[tuple[str, str, NotebookNode]], folder: Path) -> None:
    """Write a deck for each (stem, title, notebook) into `folder`, which must exist.

    The notebooks are as published, outputs and all; they are changed.
    """
    (folder / FIGURES).mkdir()
    pictures = Pictures(folder / FIGURES)
    for stem, title, notebook in notebooks:
        write_whole(folder / f"{stem}.html", deck(tagged(notebook), title, pictures))
    shutil.copytree(REVEAL, folder / REVEAL.name)


def tagged(notebook: NotebookNode) -> NotebookNode:
    """A notebook that says in `metadata.slideshow.slide_type` what each cell is among slides.

    slide: it begins one; subslide: one below; -: it goes on with the cell before; skip: not shown.
    A text is cut before its headings.
    """
    made = NotebookNode({**notebook, "cells": []})
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            made.cells.append(cell)
            continue
        lines = cell.source.split("\n")
        starts = [line for line, level, _ in headings(cell.source) if level <= 3]
        for begin, end in pairwise(sorted({0, *starts, len(lines)})):
            if text := "\n".join(lines[begin:end]).strip():
                made.cells.append(new_markdown_cell(text))
    for cell in made.cells:
        cell.metadata["slideshow"] = {"slide_type": _slide_type(cell)}
    return made


def _slide_type(cell: NotebookNode) -> str:
    if cell.cell_type == "markdown":
        if cell.source.startswith("<details"):
            return "skip"
        return "slide" if re.match(r"##? ", cell.source) else "subslide"
    tags = set(cell.metadata.get("tags", []))
    if cell.cell_type != "code" or tags & NOT_SHOWN:
        return "skip"
    if tags & {"exercise", *SHOWN_ALONE}:
        return "subslide"
    shown = list(_for_all(cell))
    if not shown:
        return "skip"
    return "subslide" if any("text/html" in out.get("data", {}) for out in shown) else "-"


def _for_all(cell: NotebookNode) -> Iterator[NotebookNode]:
    """The outputs of a code cell that say the same to all: no form, nobody's own progress.

    What nbval ignores depends on who runs it, or where: of that only pictures are shown.
    """
    own = "nbval-ignore-output" in cell.metadata.get("tags", [])
    for output in cell.outputs:
        html = output.get("data", {}).get("text/html", "")
        if KEPT_PAGE not in html and (not own or "<img" in html):
            yield output


# ---------------------------------------------------------------------- a deck


def deck(notebook: NotebookNode, title: str, pictures: Pictures) -> str:
    """The slides of a notebook whose cells are tagged, as one HTML file; its figures are kept."""
    stacks: list[list[list[Block]]] = []
    code: list[str] = []  # of cells that show nothing, until a cell does
    for cell in notebook.cells:
        kind = cell.metadata["slideshow"]["slide_type"]
        if kind == "slide" or not stacks:
            stacks.append([[]])
            code = []
        elif kind == "subslide":
            stacks[-1].append([])
        if kind == "skip":
            hidden = cell.cell_type == "code" and not NOT_SHOWN & set(cell.metadata.get("tags", []))
            code += [_source(cell)] if hidden else []
            continue
        if cell.cell_type == "markdown":
            stacks[-1][-1] += prose(cell.source)
        else:
            shown = list(_shown(cell, code, pictures))
            stacks[-1][-1] += shown
            if not any(block.asks for block in shown):  # a question shows no code at all
                code = []
    body = "\n".join(_stack([one for one in stack if one], title) for stack in stacks)
    return _FRAME.format(title=escape(title), body=body, width=WIDTH, height=HEIGHT)


def _source(cell: NotebookNode) -> str:
    return str(cell.source).removeprefix(GUARD.format(NOT_INSTALLED)).strip()


def _stack(slides: list[list[Block]], title: str) -> str:
    """One slide and those below it; each says where we are."""
    heading = _words(slides[0][0].html) if slides[0][0].head else ""
    where = " · ".join(dict.fromkeys(text for text in (title, heading) if text))
    fitted = _with_what_follows([part for blocks in slides for part in _cut(blocks)])
    above = [
        f'<p class="where">{escape(where)}</p>' * bool(number) for number in range(len(fitted))
    ]
    bodies = ("".join(block.html for block in blocks) for blocks in fitted)
    sections = (
        f'<section>{head}<div class="body">{body}</div></section>'
        for head, body in zip(above, bodies, strict=True)
    )
    return f"<section>{''.join(sections)}</section>"


def _with_what_follows(slides: list[list[Block]]) -> list[list[Block]]:
    """A few words that stand alone go on the slide of what they introduce."""
    joined: list[list[Block]] = []
    for blocks in slides:
        few = joined and _height(joined[-1]) <= FEW and not any(b.asks for b in joined[-1])
        if few:
            room = ROOM + FEW if any("<img" in block.html for block in blocks) else ROOM
            if joined[-1][-1].head or _height(joined[-1]) + _height(blocks) <= room:
                joined[-1] += blocks
                continue
        joined.append(blocks)
    return joined


def _height(blocks: list[Block]) -> float:
    return sum(block.height for block in blocks)


def _cut(blocks: list[Block]) -> Iterator[list[Block]]:
    """`blocks` in as many slides as they need; one that is too high has a slide of its own."""
    here: list[Block] = []
    for block in blocks:
        if here and not here[-1].head and _height(here) + block.height > ROOM:
            yield here
            here = []
        here.append(block)
    if here:
        yield here


def _words(html: str) -> str:
    """The words of a piece of HTML."""
    return unescape(_TAG.sub("", html)).strip()


# ---------------------------------------------------------------------- a text


@lru_cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": True}).enable("table").use(dollarmath_plugin)
    for name in ("math_inline", "math_inline_double", "math_block", "math_block_label"):
        reader.add_render_rule(name, _formula)
    for part in ("link_open", "link_close"):  # a slide leads to no file of the course
        reader.add_render_rule(part, lambda *_: "")
    return reader


def _formula(_: object, tokens: list[Token], at: int, *__: object) -> str:
    return mathml(tokens[at].content, block=tokens[at].type != "math_inline")


def prose(source: str) -> list[Block]:
    """A text in pieces that may stand on different slides; what it folds is left out."""
    tokens = _reader().parse(_FOLDED.sub("", source))
    return [block for group in _groups(tokens) for block in _blocks(group)]


def _groups(tokens: Iterable[Token], level: int = 0) -> Iterator[list[Token]]:
    """The tokens of each block of a text; at level 1 those of each item of a list."""
    group: list[Token] = []
    for token in tokens:
        group.append(token)
        if token.level == level and token.nesting <= 0:
            yield group
            group = []


def _rendered(tokens: list[Token]) -> str:
    return str(_reader().renderer.render(tokens, _reader().options, {}))


def _blocks(group: list[Token]) -> Iterator[Block]:
    """One block, but for long lists and tables, which are cut between their items and rows."""
    kind, html = group[0].type, _rendered(group)
    if kind.endswith("list_open"):
        opening, *inside, closing = group
        start = int(opening.attrs.get("start", 1))
        for number, item in enumerate(_groups(inside, level=1), start):
            if opening.tag == "ol":
                opening.attrs["start"] = number
            html = _rendered([opening, *item, closing])
            yield Block(html, _text_height(html) - 4)
    elif kind == "table_open":
        head, rows = re.match(r"(?s)(.*?<tbody>)(.*)</tbody>", html).groups()  # type: ignore[union-attr]
        each = re.findall(r"(?s)<tr>.*?</tr>", rows)
        heights = [ROW * ceil(len(_words(row)) / (1.2 * LETTERS)) + 6 for row in each]
        while each:
            count, used = 0, 2.0 * ROW
            while count < len(each) and (count == 0 or used + heights[count] <= ROOM):
                used += heights[count]
                count += 1
            yield Block(f"{head}{''.join(each[:count])}</tbody></table>", used)
            each, heights = each[count:], heights[count:]
    elif kind == "fence":
        yield Block(html, 28 * html.count("\n") + 30)
    elif kind == "heading_open":
        yield Block(html, 70, head=True)
    else:
        yield Block(html, _text_height(html))


def _text_height(html: str) -> float:
    return _lines([part for part in _words(html).split("\n\n") if part])


def _lines(paragraphs: list[str]) -> float:
    return LINE * sum(ceil(len(part) / LETTERS) for part in paragraphs) + 16 * len(paragraphs)


# ---------------------------------------------------------------------- a cell


def _shown(cell: NotebookNode, before: list[str], pictures: Pictures) -> Iterator[Block]:
    """What a code cell shows in a room; `before` is code above it that showed nothing."""
    tags = set(cell.metadata.get("tags", []))
    if tags & {"predict", "quiz"}:
        for _, asked in predictions(cell.source):
            asking = [asked.question, asked.ask, *(asked.choices or [asked.unit])]
            yield Block(question(asked), _lines(asking), asks=True)
        for quiz in quizzes(cell.source):
            yield Block(quiz_form(quiz), _lines([quiz.question, *quiz.options]), asks=True)
        return
    if "exercise" in tags:
        source = _source(cell)
        yield Block(_pre(source), 28 * source.count("\n") + 60, asks=True)
        return
    for output in _for_all(cell):
        yield from _output(output, pictures)
    code = "\n\n".join([*before, _source(cell)])
    yield Block(f'<details class="code"><summary>Code</summary>{_pre(code)}</details>', 0)


def _output(output: NotebookNode, pictures: Pictures) -> Iterator[Block]:
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "text/html" not in data:
        text = (
            data["text/plain"].removeprefix(COVER).replace(f" {NOTHING_COMMITTED}", "").strip("\n")
        )
        if text:
            yield Block(_pre(text), 28 * text.count("\n") + 60)
        return
    html = _FOLDED.sub("", page(data["text/html"], pictures))
    found = _HEIGHT.search(html)
    around = _text_height(_TABLE.sub("", html)) + (ROW + 6) * html.count("<tr")
    yield Block(html, min(int(found[1]) + 20, ROOM) if found else around)


def _pre(text: str) -> str:
    return f'<pre tabindex="0">{escape(text)}</pre>'


def question(asked: Prediction) -> str:
    """A prediction to be made by a show of hands, or on paper."""
    if asked.choices is not None:
        answers = "".join(f"<li>{escape(text)}</li>" for text in asked.choices)
        form = f"<ul>{answers}</ul>"
    else:
        form = f"<p>from ____ to ____ {escape(asked.unit)}</p>"
    said = f"<p><strong>Predict.</strong> {escape(asked.question)}</p><p>{escape(asked.ask)}</p>"
    return f'<div class="ctl">{said}{form}</div>'


_FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="reveal/reveal.css">
<link rel="stylesheet" href="reveal/slides.css">
<script defer src="reveal/reveal.js"></script>
<script defer src="reveal/slides.js"></script>
</head>
<body>
<main class="reveal" data-width="{width}" data-height="{height}"><div class="slides">
{body}
</div></main>
</body>
</html>
"""
