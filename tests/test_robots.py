"""Robots files: the standard's own examples, Python's old reader, twelve sites, bad input."""

from __future__ import annotations

import random
import time
from urllib.robotparser import RobotFileParser

import pytest

from helpers.data import robots
from helpers.data.robots import ARTICLE, CRAWLERS, SITES, allowed, allowed_first_match, closed_to

# RFC 9309, section 5.1, word for word.
SIMPLE = """\
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("agent", "path", "answer"),
    [
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/allowed.gif", True),
        ("foobot", "/", False),
        ("FooBot", "/publications/", False),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/example/other.html", True),
        ("barbot", "/a.gif", True),
        ("quxbot", "/example/page.html", True),
        ("anybot", "/example/page.html", False),
        ("anybot", "/a.gif", False),
        ("anybot", "/a.gif?big", True),
        ("anybot", "/publications/paper", True),
        ("anybot", "/", True),
        ("foobot", "/robots.txt", True),
    ],
)
def test_the_simple_example_of_the_standard(agent: str, path: str, answer: bool) -> None:
    assert allowed(SIMPLE, agent, path) is answer


def test_the_longest_match_of_the_standard() -> None:
    # Section 5.2.
    text = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert not allowed(text, "foobot", "/example/page/disallowed.gif")
    assert allowed(text, "foobot", "/example/page/other.gif")
    for rules in ("Allow: /a\nDisallow: /a", "Disallow: /a\nAllow: /a"):
        assert allowed(f"user-agent: *\n{rules}", "foobot", "/a"), "as long: allow wins"


def test_groups_of_one_name_are_one_and_the_star_is_for_the_others() -> None:
    text = """\
user-agent: ExampleBot
disallow: /foo
disallow: /bar

user-agent: ExampleBot
disallow: /baz

user-agent: *
disallow: /
"""  # section 2.2.1
    closed = [path for path in ("/foo", "/bar", "/baz", "/qux") if
              not allowed(text, "ExampleBot", path)]  # fmt: skip
    assert closed == ["/foo", "/bar", "/baz"]
    assert not allowed(text, "BazBot", "/qux")


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar/\u30c4", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/%e3%83%84"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"),  # figure 6
        ("/path/foo-%24", "/path/foo-$"),
        ("/this/*/exactly", "/this/path/exactly"),  # figure 5
        ("/this/path/exactly$", "/this/path/exactly"),
    ],
)
def test_paths_are_compared_as_in_the_figures_of_the_standard(written: str, asked: str) -> None:
    assert not allowed(f"User-agent: *\nDisallow: {written}", "foobot", asked)
    if set("*$").isdisjoint(written + asked):
        assert not allowed(f"User-agent: *\nDisallow: {asked}", "foobot", written)


def test_what_looks_alike_and_is_not() -> None:
    def closed(pattern: str, path: str) -> bool:
        return not allowed(f"User-agent: *\nDisallow: {pattern}", "foobot", path)

    assert not closed("/a%2Fb", "/a/b"), "a reserved character says something else in per cents"
    assert not closed("/path/file-with-a-%2A.html", "/path/file-with-a-b.html")
    assert not closed("/this/path/exactly$", "/this/path/exactly/not")
    assert not closed("/fish", "/Fish")
    assert not closed("", "/anything")
    assert closed("/a[b]?c", "/a[b]?c")
    assert not closed("/a[b]", "/ab"), "brackets are no wildcard"
    assert closed("/a$b", "/a$b/c")


def test_other_lines_end_no_group() -> None:
    text = (
        "User-agent: a\nSitemap: https://a.example/map\nCrawl-delay: 3\nUser-agent: b\nDisallow: /"
    )
    assert [allowed(text, agent, "/x") for agent in "abc"] == [False, False, True]
    assert allowed("<html><body>404: not found</body></html>", "GPTBot", "/x")
    assert not allowed("\ufeffUser-agent: a\rDisallow: /", "a", "/x"), "a mark of bytes is no name"


def test_many_stars_take_no_time() -> None:
    text = "User-agent: *\nDisallow: /" + "*a" * 200 + "b"
    start = time.process_time()
    assert allowed(text, "foobot", "/" + "a" * 2000)
    assert time.process_time() - start < 1


# ---------------------------------------------------------------------- Python's own reader

FIRST_RULE = "User-agent: *\nDisallow: /\nAllow: /news/\n"


def python_says(text: str, agent: str, path: str) -> bool:
    reader = RobotFileParser()
    reader.parse(text.splitlines())
    return reader.can_fetch(agent, path)


old_python = pytest.mark.skipif(
    python_says(FIRST_RULE, "GPTBot", "/news/x"), reason="this Python reads by the standard"
)


@old_python
def test_the_first_match_reader_answers_as_pythons_did() -> None:
    lines = ["User-agent: *", "User-agent: GPTBot", "User-agent: Google", "User-agent: CCBot # x",
             "", " ", "Disallow: /", "Allow: /news/", "Disallow:", "Disallow: /news/*.html",
             "Crawl-delay: 3", "Disallow: /a%2fb", "nonsense", "Sitemap: x"]  # fmt: skip
    rng = random.Random(0)
    asked = 0
    for _ in range(120):
        text = "\n".join(rng.choices(lines, k=rng.randint(1, 9)))
        for agent in CRAWLERS:
            for path in (ARTICLE, "/", "/a/b"):
                said = python_says(text, agent, path)
                assert allowed_first_match(text, agent, path) is said, (text, agent, path)
                asked += said
    assert 900 < asked < 2130, "some are open and some are closed"


# ---------------------------------------------------------------------- the twelve sites


def counted(reader: object) -> list[int]:
    """The numbers, from 1, of the sites that shut GPTBot out of an article."""
    return [n for n, site in enumerate(SITES, 1) if "GPTBot" in closed_to(site, reader)]  # type: ignore[arg-type]


def test_nine_mean_it_seven_do_it_and_the_old_reader_finds_four() -> None:
    assert [n for n, site in enumerate(SITES, 1) if "GPTBot" in site.means] == [
        1, 2, 3, 4, 8, 9, 10, 11, 12,
    ]  # fmt: skip
    assert counted(allowed) == [1, 2, 4, 8, 9, 11, 12]
    assert counted(allowed_first_match) == [1, 2, 5, 9]


def test_how_many_files_do_what_was_meant() -> None:
    def as_meant(reader: object) -> list[int]:
        return [n for n, s in enumerate(SITES, 1) if closed_to(s, reader) == s.means]  # type: ignore[arg-type]

    assert as_meant(allowed) == [1, 2, 4, 5, 8, 9, 11, 12]
    assert as_meant(allowed_first_match) == [1, 2, 9]
    agree = [
        n
        for n, site in enumerate(SITES, 1)
        if closed_to(site, allowed) == closed_to(site, allowed_first_match)
    ]
    assert agree == [1, 2, 3, 6, 9, 10]


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize("reader", [allowed, allowed_first_match])
def test_what_is_no_robots_file_is_named(reader: object) -> None:
    ask = reader
    with pytest.raises(
        TypeError, match=r"text must be the text of a robots file, a str, got bytes"
    ):
        ask(b"User-agent: *", "GPTBot", "/")  # type: ignore[operator]
    with pytest.raises(TypeError, match="got list"):
        ask(["User-agent: *"], "GPTBot", "/")  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"got the control character '\\x00' at place 4"):
        ask("\x89PNG\x00".replace("\x89", "."), "GPTBot", "/")  # type: ignore[operator]
    with pytest.raises(ValueError, match="agent must be the name of a crawler"):
        ask("", "Mozilla/5.0 (compatible; GPTBot)", "/")  # type: ignore[operator]
    with pytest.raises(ValueError, match="path must begin with a slash"):
        ask("", "GPTBot", "https://a.example/")  # type: ignore[operator]


def test_an_empty_file_closes_nothing() -> None:
    assert all(allowed("", agent, "/") for agent in robots.CRAWLERS)
