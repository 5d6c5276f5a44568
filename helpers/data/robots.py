"""Robots files: what a site asks of crawlers, and two readers that understand it differently.

`allowed` reads by the standard, RFC 9309 (2022). `allowed_first_match` reads as Python's own parser
did until it took up the standard in 2026 (gh-138907): its answers depend on the patch version, so
that the course brings both along. Nothing here fetches a file, and what a crawler does with the
answer is its own affair. `SITES` are twelve files written for lesson 01 in forms that sites use.
"""

from __future__ import annotations

import glob
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import quote, unquote

Rules = list[tuple[str, bool]]  # path pattern, whether it allows
Group = tuple[list[str], Rules]  # names of crawlers in small letters, what is asked of them

_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")


def allowed(text: str, agent: str, path: str) -> bool:
    """Whether the robots file `text` lets the crawler `agent` read `path`, by RFC 9309.

    agent: a product's name, "GPTBot". path: from the first slash on, with its query. All groups
    with that name count as one, the groups for "*" only where none has it (section 2.2.1). The
    longest pattern that fits decides, and of two as long the one that allows (2.2.2). A line that
    says something else is passed over, so that an error page in the place of the file closes
    nothing. TypeError or ValueError for what is no text, no name or no path.
    """
    _check(text, agent, path)
    if path.partition("?")[0] == "/robots.txt":
        return True
    target = _comparable(path, special=False)
    fitting = [
        (len(pattern), allows)
        for pattern, allows in _rules(_groups(text), agent.lower())
        if _fits(pattern, target)
    ]
    return max(fitting, default=(0, True))[1]


def _groups(text: str) -> list[Group]:
    """A group is one or more names and the rules below them, however many lines are empty."""
    groups: list[Group] = []
    naming = False  # whether the last line that counted was a name
    for key, value in _lines(text):
        if key == "user-agent":
            if not naming:
                groups.append(([], []))
            groups[-1][0].append(value.partition("/")[0].strip().lower())
            naming = True
        elif key in ("allow", "disallow"):
            naming = False
            if groups and value:
                groups[-1][1].append((_comparable(value, special=True), key == "allow"))
    return groups


def _rules(groups: list[Group], agent: str) -> Rules:
    """The rules of all groups with this name, or, where none has it, of all groups for "*"."""
    named = [group for group in groups if agent in group[0]]  # one without rules closes nothing
    chosen = named or [group for group in groups if "*" in group[0]]
    return [rule for _, rules in chosen for rule in rules]


def _comparable(path: str, *, special: bool) -> str:
    """`path` such that equal octets are written alike (section 2.2.2, figure 4).

    Unreserved characters stand as they are, all that is not ASCII in per cents, and in a query
    also what is reserved there. special: "*" and a "$" at the end keep their meaning.
    """

    def octet(match: re.Match[str]) -> str:
        if match[0].startswith("%"):
            character = chr(int(match[0][1:], 16))
            return character if character in _UNRESERVED else match[0].upper()
        return quote(match[0], safe="")

    before, mark, query = path.partition("?")
    query = re.sub(r"[:/?#\[\]@]", octet, query)
    plain = re.sub(r"%[0-9A-Fa-f]{2}|[^!-~]", octet, before + mark + query)
    if not special:
        return plain.replace("*", "%2A").replace("$", "%24")
    end = "$" if plain.endswith("$") else ""
    return plain.removesuffix("$").replace("$", "%24") + end


def _fits(pattern: str, path: str) -> bool:
    """Whether `path` begins as `pattern` says; "*" is any text, "$" the end (section 2.2.3)."""
    parts = pattern.removesuffix("$").split("*")
    wild = "*".join(glob.escape(part) for part in parts)
    return fnmatchcase(path, wild if pattern.endswith("$") else wild + "*")


def allowed_first_match(text: str, agent: str, path: str) -> bool:
    """The same question, answered as by `urllib.robotparser` of Python up to 3.13.0.

    An empty line ends a group, half a name is enough, the first group and the first rule that fit
    decide, and "*" and "$" in a path are plain characters. Same errors as `allowed`.
    """
    _check(text, agent, path)
    groups = _first_match_groups(text)
    agent = agent.lower()
    named = [g for g in groups if "*" not in g[0] and any(name in agent for name in g[0])]
    stars = [g for g in groups if "*" in g[0]]
    target = quote(unquote(path))
    for pattern, allows in (named or stars or [([], [])])[0][1]:
        if target.startswith(quote(unquote(pattern))):
            return allows or not pattern
    return True


def _first_match_groups(text: str) -> list[Group]:
    groups: list[Group] = []
    names: list[str] = []  # of a group that has no rule yet
    open_group = False
    for line in text.splitlines():
        if not line:
            names, open_group = [], False
        for key, value in _lines(line):
            if key == "user-agent":
                names, open_group = [*([] if open_group else names), value.lower()], False
            elif key in ("allow", "disallow", "crawl-delay") and names:
                if not open_group:
                    groups.append((names, []))
                    open_group = True
                if key != "crawl-delay":
                    groups[-1][1].append((value, key == "allow"))
    return groups


def _lines(text: str) -> list[tuple[str, str]]:
    """What each line says, (key in small letters, value), without comments and other lines."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")):
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            found.append((key.strip().lower(), value.strip()))
    return found


def _check(text: object, agent: object, path: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"text must be the text of a robots file, a str, got {type(text).__name__}")
    if odd := re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text):
        raise ValueError(
            f"text must be the text of a robots file, got the control character {odd[0]!r} at "
            f"place {odd.start()}: this is no text"
        )
    if not isinstance(agent, str) or not re.fullmatch(r"[^\s/*]+", agent):
        raise ValueError(f"agent must be the name of a crawler, such as 'GPTBot', got {agent!r}")
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError(f"path must begin with a slash, such as '/news/today.html', got {path!r}")


# ---------------------------------------------------------------------- twelve sites

TRAINING = ("GPTBot", "ClaudeBot", "CCBot", "Google-Extended")  # what they read may train models
SEARCH = ("OAI-SearchBot", "Googlebot")
CRAWLERS = TRAINING + SEARCH
ARTICLE = "/news/today.html"


@dataclass(frozen=True)
class Site:
    """A robots file, what is odd about it, and whom its owner means to keep from an article."""

    form: str
    means: frozenset[str]
    text: str


def _site(form: str, means: tuple[str, ...], *lines: str) -> Site:
    return Site(form, frozenset(means), "\n".join(lines) + "\n")


# Written for this course, in forms that sites use. Names of crawlers are public.
SITES = (
    _site(
        "four names, one group", TRAINING,
        "User-agent: GPTBot", "User-agent: ClaudeBot", "User-agent: CCBot",
        "User-agent: Google-Extended", "Disallow: /",
    ),
    _site(
        "search in, all others out", TRAINING,
        "User-agent: Googlebot", "User-agent: OAI-SearchBot", "Disallow:",
        "", "User-agent: *", "Disallow: /",
    ),
    _site(
        "all out, one of them to be slow", CRAWLERS,
        "User-agent: *", "Disallow: /", "", "User-agent: GPTBot", "Crawl-delay: 30",
    ),
    _site(
        "an empty line below the names", ("GPTBot", "CCBot"),
        "User-agent: GPTBot", "User-agent: CCBot", "", "Disallow: /",
    ),
    _site(
        "the exception stands last", (),
        "User-agent: *", "Disallow: /", "Allow: /news/",
    ),
    _site(
        "a name no longer in use", ("ClaudeBot",),
        "User-agent: anthropic-ai", "Disallow: /",
    ),
    _site(
        "half a name", ("Google-Extended",),
        "User-agent: Google", "Disallow: /",
    ),
    _site(
        "a star for a path", CRAWLERS,
        "User-agent: *", "Disallow: *",
    ),
    _site(
        "capitals and comments", ("GPTBot", "CCBot"),
        "# No training, please", "USER-AGENT: gptbot  # OpenAI", "user-agent: CCBOT",
        "DISALLOW: /          # all of it",
    ),
    _site(
        "a star in a name", ("GPTBot", "ClaudeBot", "CCBot", "OAI-SearchBot", "Googlebot"),
        "User-agent: *Bot", "Disallow: /",
    ),
    _site(
        "one name, two groups", ("GPTBot", "ClaudeBot"),
        "User-agent: GPTBot", "Disallow: /archive/",
        "", "User-agent: GPTBot", "User-agent: ClaudeBot", "Disallow: /news/",
    ),
    _site(
        "a star and an end in a path", ("GPTBot",),
        "User-agent: GPTBot", "Disallow: /*.html$",
    ),
)  # fmt: skip


def closed_to(site: Site, reader: Callable[[str, str, str], bool]) -> frozenset[str]:
    """The crawlers that `reader` finds shut out of an article by the site's file."""
    return frozenset(agent for agent in CRAWLERS if not reader(site.text, agent, ARTICLE))
