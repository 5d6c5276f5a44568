"""Which pages the book has, and where their links lead.

Notebooks lie at the top, as in notebooks/, so that a link from one to another stays as it is. Code
that a lesson links to is a page under code/; pages for instructors are under instructors/.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat

from helpers._ground import ROOT, write_whole
from helpers.authoring.catalogue import Entry, catalogue
from helpers.authoring.course import Course
from helpers.authoring.markdown import mask_code
from helpers.authoring.pages import table
from helpers.book.cells import FIGURES, Pictures, readable

STATIC = ROOT / "helpers" / "book" / "static"
# Pages without a number, in the order of the sidebar; those not named here stand with the first.
REFERENCE = ("monday", "glossary", "notation", "scorecard")
_BINDER = re.compile(r"https://mybinder\.org/v2/gh/([^/\s]+/[^/\s]+)/([^?\s]+)\?urlpath=")
_LINK = re.compile(r"\[([^\]\n]*(?:\n[^\]\n]*)?)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Place:
    """Where the course is published: OWNER/REPO on GitHub, and the tag that Binder opens."""

    repository: str
    tag: str

    def binder(self, stem: str) -> str:
        """The address that opens the learner's copy of a notebook on mybinder.org."""
        page = f"lab%2Ftree%2Fmy%2F{stem}.ipynb"
        return f"https://mybinder.org/v2/gh/{self.repository}/{self.tag}?urlpath={page}"


def published(root: Path) -> Place | None:
    """The place that `course badge` has written into README; None until it has been typed."""
    readme = root / "README.md"
    found = _BINDER.search(readme.read_text(encoding="utf-8")) if readme.is_file() else None
    return Place(found[1], found[2]) if found else None


def write_pages(
    course: Course,
    source: Path,
    explorer: Callable[[str, Pictures, str], str],
    place: Place | None = None,
) -> None:
    """Write what Sphinx reads into `source`, an empty folder.

    explorer: the stem of a lesson, where pictures go, the source of a cell tagged `explorer`
    -> its slider, or "".
    ValueError where a link leads to nothing that the book has.
    """
    extra = source / "_extra"
    for folder in (extra / FIGURES, extra / "instructors", source / "instructors", source / "code"):
        folder.mkdir(parents=True)
    shutil.copytree(STATIC, source / "_own", ignore=shutil.ignore_patterns("*.md"))
    links = Links(course.root)
    pictures = Pictures(extra / FIGURES)
    entries = catalogue(course.lessons)
    for path in sorted(course.notebooks.glob("*.ipynb")):
        notebook = readable(
            nbformat.read(path, as_version=4),
            pictures,
            link=lambda text: links.follow(text, "notebooks"),
            explorer=partial(explorer, path.stem, pictures),
            run=how_to_run(path.stem, place) if path.stem[:2] in entries else "",
        )
        write_whole(source / path.name, nbformat.writes(notebook))
    for path in sorted((course.lessons / "instructors").glob("*.md")):
        text = links.follow(path.read_text(encoding="utf-8"), "lessons/instructors")
        write_whole(source / "instructors" / path.name, text)
    for name, path in links.files.items():
        if path.suffix == ".html":
            write_whole(extra / "instructors" / path.name, path.read_bytes())
        else:
            write_whole(source / f"{name}.md", _code_page(path.relative_to(course.root), path))
    write_whole(source / "times.md", times(course, entries))
    write_whole(source / "index.md", front_page(course, entries, sorted(links.files), place))


def how_to_run(stem: str, place: Place | None) -> str:
    """One line below a title: how to run this page."""
    here = "You are reading the book. To run this page, start `make lab` in a copy of the course"
    if place is None:
        return f"*{here}.*"
    return f"*{here}, or open it [on Binder]({place.binder(stem)}).*"


# ---------------------------------------------------------------------- links


class Links:
    """Where links lead. `files` are those met that are no pages of their own, by their place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, Path] = {}

    def follow(self, text: str, folder: str) -> str:
        """Markdown of a file in `folder` of the checkout, its links those of the book."""
        masked = mask_code(text)

        def lead(match: re.Match[str]) -> str:
            if masked[match.start() : match.end()] != match[0]:
                return match[0]  # it is code
            return self._led(match[0], match[1], match[2], folder)

        return _LINK.sub(lead, text)

    def _led(self, whole: str, words: str, target: str, folder: str) -> str:
        path, _, part = target.partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return whole
        there = self.root / posixpath.normpath(posixpath.join(folder, path))
        if not there.is_file():
            raise ValueError(f"a link of {folder} leads nowhere: {target}")
        name = there.relative_to(self.root).as_posix()
        here = "instructors" if folder.endswith("instructors") else "."
        if name.startswith("notebooks/"):
            page = there.name
        elif name.startswith("lessons/instructors/"):
            page = f"instructors/{there.name}"
        elif there.suffix == ".py":
            page = f"code/{name.removesuffix('.py').replace('/', '-')}"
            self.files[page] = there
            page += ".md"
        else:
            raise ValueError(f"the book has no page for this link of {folder}: {target}")
        page = posixpath.relpath(page, here)
        if there.suffix == ".html":
            self.files[there.name] = there
            return f'<a href="{page}">{words}</a>'
        return f"[{words}]({page}{'#' + part if part else ''})"


def _code_page(name: Path, path: Path) -> str:
    fence = "````"
    text = path.read_text(encoding="utf-8")
    return f"# {name.as_posix()}\n\n{fence}python\n{text}{fence}\n"


# ---------------------------------------------------------------------- pages made here


def front_page(
    course: Course, entries: Mapping[str, Entry], code: list[str], place: Place | None
) -> str:
    """The first page: static/index.md, the table of lessons, and what the sidebar shows."""
    words = (STATIC / "index.md").read_text(encoding="utf-8")
    stems = sorted(path.stem for path in course.notebooks.glob("*.ipynb"))
    lessons = [stem for stem in stems if stem[:2] in entries]
    others = [stem for stem in stems if stem not in lessons and stem not in REFERENCE]
    teaching = sorted(path.stem for path in (course.lessons / "instructors").glob("*.md"))
    parts = {
        "Lessons": [f"{stem[:2]} {entries[stem[:2]].text('title')} <{stem}>" for stem in lessons],
        "Refreshers": others,
        "To look up": [*(stem for stem in REFERENCE if stem in stems), "times"],
        "For instructors": [f"instructors/{stem}" for stem in teaching],
        "Code": [name for name in code if name.startswith("code/")],
    }
    trees = "\n".join(_tree(caption, pages) for caption, pages in parts.items() if pages)
    first = lessons[0] if lessons else "glossary"
    launch = f" or [open it on Binder]({place.binder(first)})" if place else ""
    return f"{words.format(table=table(entries, ''), first=first, launch=launch)}\n{trees}"


def _tree(caption: str, pages: list[str]) -> str:
    listed = "\n".join(pages)
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```\n"


def times(course: Course, entries: Mapping[str, Entry]) -> str:
    """What each lesson costs: minutes of a person, seconds of a processor, memory."""
    return "\n".join(
        [
            "# Times and memory",
            "",
            "Minutes are those of a learner, estimated until a class has measured them. Seconds",
            "and memory were measured, on one core, with all cells run once; Run buttons not",
            "counted. Another machine may take twice as long, or half.",
            "",
            "| Lesson | All of it, min | Core path, min | Processor, s | Memory, MB |",
            "|---|--:|--:|--:|--:|",
            *_costs(course, entries),
            "",
        ]
    )


def _costs(course: Course, entries: Mapping[str, Entry]) -> Iterator[str]:
    measured = course.measured()
    for entry in entries.values():
        if not entry.stem:
            continue
        cost = measured.get(entry.stem, {})
        seconds, memory = (
            f"{cost[key]:.0f}" if key in cost else "not measured"
            for key in ("cpu_seconds", "memory_mb")
        )
        minutes = " | ".join(entry.text(key) for key in ("minutes", "core_minutes"))
        title = entry.link(f"{entry.number} {entry.text('title')}")
        yield f"| {title} | {minutes} | {seconds} | {memory} |"
