"""`course badge OWNER/REPO TAG`: where the course is published, written into README and CITATION.

Typed once, when the course has a public place, and again for each release. It asks no network: that
the place exists is for whoever types it to know. Only the standard library.
"""

import argparse
import re
from pathlib import Path
from urllib.parse import quote

from helpers._ground import ROOT, write_whole
from helpers.course.desk import FIRST

BEGIN, END = "<!-- filled by `course badge OWNER/REPO TAG` -->", "<!-- end of the badges -->"
REPOSITORY = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}/[A-Za-z0-9_.-]{1,100}")
TAG = re.compile(r"(?!.*(?:\.\.|//|/\.))[A-Za-z0-9_][\w.+/-]*(?<![./])", re.ASCII)
_BADGES = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}\n", re.DOTALL)
_PLACE = re.compile(r"(?m)^(?:# )?repository-code:.*$")


def badges(repository: str, tag: str) -> str:
    """The launch buttons as Markdown, a line each: Binder at `tag`, a dev container at the newest.

    Raises ValueError for what cannot be a repository or a tag on GitHub.
    """
    if not REPOSITORY.fullmatch(repository):
        raise ValueError(f"OWNER/REPO must be like jane/closing-the-loop, got {repository!r}")
    if not TAG.fullmatch(tag):
        raise ValueError(f"TAG must be a tag or branch such as v1.0.0, got {tag!r}")
    page = quote(f"lab/tree/my/{FIRST}", safe="")
    binder = f"https://mybinder.org/v2/gh/{repository}/{quote(tag, safe='')}?urlpath={page}"
    buttons = (
        ("Open on Binder", "https://mybinder.org/badge_logo.svg", binder),
        (
            "Open in a dev container",
            "https://github.com/codespaces/badge.svg",
            f"https://codespaces.new/{repository}",
        ),
    )
    return "".join(f"[![{name}]({image})]({link})\n" for name, image, link in buttons)


def fill(root: Path, repository: str, tag: str) -> list[str]:
    """Write the badges into README.md and the address into CITATION.cff, and nothing else of them.

    Returns the names of the files that changed. ValueError, before anything is written, for a bad
    argument, and for a file without the place to fill.
    """
    text = f"{BEGIN}\n{badges(repository, tag)}{END}\n"
    place = f"repository-code: https://github.com/{repository}"
    news = {}
    for name, where, new in (("README.md", _BADGES, text), ("CITATION.cff", _PLACE, place)):
        now = (root / name).read_text(encoding="utf-8")
        if len(where.findall(now)) != 1:
            what = f"the line {BEGIN} and, below, {END}" if where is _BADGES else "repository-code:"
            raise ValueError(f"{name} must hold once {what}")
        before, after = where.split(now)
        filled = f"{before}{new}{after}"
        if filled != now:
            news[name] = filled
    for name, filled in news.items():
        write_whole(root / name, filled)
    return list(news)


def main(argv: list[str], root: Path = ROOT) -> int:
    """`course badge`; returns 0. What `fill` raises the command line prints."""
    parser = argparse.ArgumentParser(
        "course badge", description="Write where the course is published into README and CITATION."
    )
    parser.add_argument("repository", metavar="OWNER/REPO", help="its place on GitHub")
    parser.add_argument("tag", metavar="TAG", help="the tag that Binder opens, such as v1.0.0")
    given = parser.parse_args(argv)
    changed = fill(root, given.repository, given.tag)
    print(
        f"{', '.join(changed)}: filled" if changed else "README.md and CITATION.cff say so already"
    )
    return 0
