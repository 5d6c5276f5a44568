"""Lesson 01, the data squeeze: judges and named wrong answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.robotparser import RobotFileParser

import numpy as np

from helpers.data.robots import SITES, allowed
from helpers.teaching.exercises import exercise, number

# Files that Python's reader understands like the standard, before and after it took that up.
_SAME = [SITES[n - 1].text for n in (1, 2, 3, 6, 9)]
FILES = (*_SAME, "User-agent: GPTBot\nDisallow: /news/\n")
PAGE = "https://paper.example/news/today.html"

LINES = (
    "Every file is open to you. Two slips do that. The parser wants a list of lines, so give it "
    "text.splitlines(): one string is read letter by letter. And can_fetch wants the crawler "
    "first, then the page."
)
UNREAD = (
    "Every file is closed to you. A parser that has parsed nothing says no to all: call "
    "parse(text.splitlines()) before can_fetch, with a new parser for each file."
)
ONE_PARSER = (
    "Every file is closed to you, once one was. A parser keeps the rules of every file that it has "
    "parsed: make a new one for each file."
)
AGENT = (
    "You asked as somebody else, such as a browser's long name: only the rules for everybody count "
    "then. Ask with the product's name as it is given, agent."
)
SEARCHED = (
    "You looked for the name in the text. A file can name a crawler to open something to it, and "
    "close the door to it without naming it: let the parser answer."
)
CAPITALS = (
    "You looked for the name as it is written. A file may write it in other letters, and may name "
    "a crawler to open something to it: let the parser answer."
)
ROOT = "You asked for the front page. A rule is about paths: ask for the page that is given."
OPEN = "You counted the files that let it in; those that shut it out are asked for."


@exercise("01-shut-out", praise="The file says little; the reader of the file decides.")
def shut_out(answer: Any, rng: np.random.Generator) -> str | None:
    """Two crawlers at six files, then crawlers at random files."""
    found = tuple(
        number(answer(FILES, agent, PAGE), "Your count") for agent in ("GPTBot", "ClaudeBot")
    )
    named: dict[tuple[float, ...], str] = {
        (0, 0): LINES, (2, 2): AGENT, (4, 1): SEARCHED, (3, 1): CAPITALS,
        (3, 3): ROOT, (2, 3): OPEN,
    }  # fmt: skip
    if found[0] == found[1] == len(FILES):
        # Alone, a file that speaks to another crawler closes nothing.
        alone = number(answer(FILES[3:4], "GPTBot", PAGE), "Your count")
        return UNREAD if alone else ONE_PARSER
    if found in named:
        return named[found]
    for agent in ("GPTBot", "ClaudeBot", "CCBot", "Googlebot"):
        some = tuple(FILES[i] for i in rng.integers(len(FILES), size=8))
        for files in (FILES, some):
            right = sum(not allowed(text, agent, "/news/today.html") for text in files)
            got = number(answer(files, agent, PAGE), "Your count")
            if got != right:
                return f"{right} of {len(files)} files shut out {agent}; you count {got:g}."
    return None


def _count(files: Sequence[str], agent: str, page: str, *, parse: Any = str.splitlines) -> int:
    shut = 0
    for text in files:
        reader = RobotFileParser()
        if parse is not None:
            reader.parse(parse(text))
        shut += not reader.can_fetch(agent, page)
    return shut


def _as_a_browser(files: Sequence[str], agent: str, page: str) -> int:
    return _count(files, f"Mozilla/5.0 (compatible; {agent}/1.0)", page)


def _of_the_front(files: Sequence[str], agent: str, page: str) -> int:
    return _count(files, agent, "https://paper.example/")


def _lets_in(files: Sequence[str], agent: str, page: str) -> int:
    return len(files) - _count(files, agent, page)


def _with_one_parser(files: Sequence[str], agent: str, page: str) -> int:
    reader, shut = RobotFileParser(), 0
    for text in files:
        reader.parse(text.splitlines())
        shut += not reader.can_fetch(agent, page)
    return shut


shut_out.wrong("hands over one string", lambda *a: _count(*a, parse=str), hint=LINES)
shut_out.wrong("one parser for all files", _with_one_parser, hint=ONE_PARSER)
shut_out.wrong("never parses", lambda *a: _count(*a, parse=None), hint=UNREAD)
shut_out.wrong("asks as a browser", _as_a_browser, hint=AGENT)
shut_out.wrong(
    "searches for the name", lambda files, agent, _: sum(agent in f for f in files), hint=CAPITALS
)
shut_out.wrong(
    "searches for the name in small letters",
    lambda files, agent, _: sum(agent.lower() in f.lower() for f in files),
    hint=SEARCHED,
)
shut_out.wrong("asks for the front page", _of_the_front, hint=ROOT)
shut_out.wrong("counts those that let it in", _lets_in, hint=OPEN)
