"""What is code and what is prose in Markdown: headings, fences, and masks that blank one of them.

markdown-it-py, which jupytext brings, reads the text as CommonMark says; what it does not know,
maths, references and links that a reader does not see, is found by patterns in what it calls prose.
A mask is the same text, of the same length and lines, with some parts blanked by spaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate, pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, backtick, html_inline
from markdown_it.token import Token

Rule = Callable[[StateInline, bool], bool]


def _with_place(rule: Rule) -> Rule:
    """`rule`, which writes into each token that it makes where in the paragraph it stands."""

    def placed(state: StateInline, silent: bool) -> bool:
        start, made = state.pos, len(state.tokens)
        found = rule(state, silent)
        if found and len(state.tokens) > made:
            state.tokens[-1].meta["place"] = (start, state.pos)
        return found

    return placed


_READER = MarkdownIt("commonmark")
_READER.inline.ruler.at("backticks", _with_place(backtick))
_READER.inline.ruler.at("html_inline", _with_place(html_inline))

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_MATHS = re.compile(
    r"(?<!\\)\$\$.+?\$\$"
    r"|(?<![\\$])\$(?!\s)[^$\n]*(?:\n[^$\n]+)*?(?<![\s\\])\$"
    r"|\\begin\{(\w+\*?)\}.*?\\end\{\1\}",
    re.DOTALL,
)
_LINKS = re.compile(r"(?<=\])\([^)\n]*\)|<https?://[^>]*>|https?://\S+")
_TAGS = re.compile(r"</?[A-Za-z][^>]*>")
_FILLED = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def headings(text: str) -> list[tuple[int, int, str]]:
    """Every heading as (line counted from 0, level, its text with `code` as it is written)."""
    tokens = _READER.parse(text)
    return [
        (opening.map[0], int(opening.tag[1:]), inside.content)
        for opening, inside in pairwise(tokens)
        if opening.type == "heading_open" and opening.map
    ]


def numbered_lists(text: str) -> list[int]:
    """The lines, counted from 0, on which a numbered list begins."""
    opened = (token for token in _READER.parse(text) if token.type == "ordered_list_open")
    return [token.map[0] for token in opened if token.map]


def fences(text: str) -> list[tuple[int, int, str, bool]]:
    """Every fence as (first line, line behind the last, its info, whether it is closed)."""
    lines = text.split("\n")
    found = []
    for token in _READER.parse(text):
        if token.type == "fence" and token.map:
            first, end = token.map
            last = lines[end - 1].lstrip(" >").rstrip()
            closed = end - 1 > first and last.startswith(token.markup) and not last.strip(last[0])
            found.append((first, end, token.info.strip(), closed))
    return found


@lru_cache(maxsize=256)
def mask_code(text: str) -> str:
    """`text` without fenced code, indented code, inline code and HTML comments."""
    pieces, end = [], 0
    for start, stop in sorted(_code_places(text)):
        pieces += [text[end:start], re.sub(r"[^\n]", " ", text[max(start, end) : stop])]
        end = max(end, stop)
    return "".join(pieces) + text[end:]


def mask_maths(text: str) -> str:
    """`text` without code and without maths."""
    return _blank(_MATHS, mask_code(text))


def mask_all(text: str) -> str:
    """What a reader reads as words: no code, maths, references, link targets or HTML tags."""
    masked = _blank(_MATHS, _blank(_FILLED, mask_code(text)))
    return _blank(_TAGS, _blank(_LINKS, masked))


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _code_places(text: str) -> Iterator[tuple[int, int]]:
    """Where code and comments begin and end, as positions in `text`."""
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    for token in _READER.parse(text):
        if not token.map:
            continue
        first, last = (starts[line] for line in token.map)
        if token.type in ("fence", "code_block"):
            yield first, last
        elif token.type == "html_block":
            yield from (match.span() for match in _COMMENT.finditer(text, first, last))
        elif token.type == "inline":
            yield from _inline_places(token, text, starts)


def _inline_places(token: Token, text: str, starts: list[int]) -> Iterator[tuple[int, int]]:
    """The same for code and comments within a paragraph or a heading."""
    assert token.map
    # A token's text has lost what stands before it in its lines: indentation, >, list marks.
    places: list[int] = []  # of each of its characters, and of its end
    for line, content in enumerate(token.content.split("\n"), start=token.map[0]):
        start, end = starts[line], starts[line + 1] - 1
        found = max(start, text.find(content.strip(), start, end))  # a tab may have become spaces
        at = found - (len(content) - len(content.lstrip()))
        places += range(at, at + len(content) + 1)
    for child in token.children or []:
        comment = child.type == "html_inline" and child.content.startswith("<!--")
        if "place" in child.meta and (comment or child.type == "code_inline"):
            start, end = child.meta["place"]
            yield places[start], places[end - 1] + 1
