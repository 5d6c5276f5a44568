"""`course book`: the course as web pages, in build/book. Nothing is executed but explorers' frames.

The pages are made in a folder beside the book and take its place when they are whole. A folder that
holds something else is never replaced.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from helpers._ground import ROOT
from helpers.authoring.course import Course
from helpers.book.frames import Frames
from helpers.book.pages import published, write_pages
from helpers.book.site import settings

TITLE = "Closing the Loop"
CACHE = ".artefacts/book-frames"
MARK = "_static/book.js"  # by this a folder is known as a book


def book(course: Course, out: Path) -> Path:
    """Build the book of `course` into the folder `out`; returns its first page.

    It has links to Binder if `course badge` has said where the course is published.

    ValueError where `out` is neither new nor empty nor a book, there are no lessons, a page cannot
    be made, or Sphinx warns of anything. The book that was there stays until then.
    """
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError

    if not _may_go(out):
        raise ValueError(f"--out must be new, empty or a book made before, got {out}")
    course.stems()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".book-") as work:
        source, pages = Path(work, "source"), Path(work, "pages")
        source.mkdir()
        slider = Frames(course, course.root / CACHE).slider
        write_pages(course, source, slider, published(course.root))
        try:
            app = Sphinx(
                source, None, pages, Path(work, "doctrees"), "html",
                confoverrides=settings(TITLE), status=None, warning=sys.stderr, warningiserror=True,
            )  # fmt: skip
            app.build()
        except SphinxError as error:
            raise ValueError(f"the book was not made: {error}") from None
        if app.statuscode:
            raise ValueError("the book was not made: Sphinx warned, see above")
        if out.exists():
            shutil.rmtree(out)
        pages.rename(out)
    return out / "index.html"


def _may_go(out: Path) -> bool:
    """Whether nothing is lost with `out`: it is new, empty, or a book and no repository."""
    if not out.exists():
        return True
    if not out.is_dir():
        return False
    return not any(out.iterdir()) or ((out / MARK).is_file() and not (out / ".git").exists())


def main(argv: Sequence[str] | None = None) -> int:
    """`course book`; returns 0, or 1 with a line on stderr when the book could not be made."""
    parser = argparse.ArgumentParser("course book", description="The course as web pages.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "book", help="the folder")
    options = parser.parse_args(argv)
    started = time.monotonic()
    try:
        first = book(Course.at(ROOT), options.out.absolute())
    except ValueError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    print(f"The book is ready after {time.monotonic() - started:.0f} s: {first.as_uri()}")
    return 0
