"""What there is to say about every lesson in one line, and the pages that say it.

A lesson says these things once, in its front matter; a lesson that is only planned has an entry in
lessons/planned.yaml. From them are made: the table of lessons in README.md, the head of each page
for instructors, the map of lesson 00 and helpers/teaching/claims.json, which tells the claim cards
where a claim is judged. In README.md and the pages for instructors only what stands between two
marks is made, the rest is written by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from helpers._ground import write_whole
from helpers.authoring.lesson import KNOBS, TEXTS, LessonError, Problem, front_matter

BEGIN, END = "<!-- made by `course build` from {source} -->", "<!-- written by hand from here -->"
PLANNED = "planned.yaml"
NOT_SAID = "?"


@dataclass(frozen=True)
class Entry:
    """One lesson. `stem` is the name of its file; None when it is only planned."""

    number: str
    stem: str | None
    about: Mapping[str, Any]

    @property
    def knobs(self) -> list[str]:
        """What it turns in the loop, none, one or more of KNOBS."""
        knobs: str | list[str] = self.about.get("knob", [])
        return [knobs] if isinstance(knobs, str) else knobs

    def text(self, key: str) -> str:
        """A line about it: title, question, runs, aim."""
        return str(self.about.get(key, NOT_SAID))

    def words(self, key: str) -> list[str]:
        """A list about it: claims, needs."""
        return [str(word) for word in self.about.get(key, [])]

    def link(self, words: str, folder: str = "") -> str:
        """`words`, leading to the notebook if there is one."""
        return f"[{words}]({folder}{self.stem}.ipynb)" if self.stem else words


def catalogue(lessons: Path) -> dict[str, Entry]:
    """Every lesson of the folder by its number, planned ones too, in order.

    Raises LessonError when a front matter cannot be read or a number is taken twice.
    """
    found: dict[str, Entry] = {}
    for path in sorted(lessons.glob("[0-9][0-9]-*.md")):
        number = path.stem[:2]
        if number in found:
            twice = f"lesson {number} is {found[number].stem}, too"
            raise LessonError(path.name, [Problem(1, twice)])
        about = front_matter(path.read_text(encoding="utf-8"), path.name)
        found[number] = Entry(number, path.stem, about)
    planned = lessons / PLANNED
    if planned.is_file():
        for number, about in (yaml.safe_load(planned.read_text(encoding="utf-8")) or {}).items():
            if number in found:
                written = f"lesson {number} is written: take it out here"
                raise LessonError(PLANNED, [Problem(1, written)])
            found[number] = Entry(number, None, about)
    for entry in found.values():
        for need in entry.words("needs"):
            if need not in found:
                unknown = f"course.needs must name lessons, such as 02; got {need!r}"
                raise LessonError(entry.stem or PLANNED, [Problem(1, unknown)])
    return dict(sorted(found.items()))


def about(number: str | None, entries: Mapping[str, Entry]) -> dict[str, str]:
    """What `{{ lesson.* }}` may name on the page of a lesson: its texts, and its needs with links.

    And map_KNOB: in which lessons one meets a knob, "lessons [02](02-fit.ipynb), 03".
    """
    said = {}
    if number and number in entries:
        entry = entries[number]
        said = {key: entry.text(key) for key in TEXTS if key in entry.about}
        wanted = [entries[need].link(f"lesson {need}") for need in entry.words("needs")]
        said["needs"] = _listed(wanted)
    for knob in KNOBS:
        meets = [entry for entry in entries.values() if knob in entry.knobs]
        if len(meets) == 1:  # the link is the whole of it
            said[f"map_{knob}"] = meets[0].link(f"lesson {meets[0].number}")
        elif meets:
            said[f"map_{knob}"] = "lessons " + ", ".join(e.link(e.number) for e in meets)
    return said


# ---- pages


def pages(root: Path) -> Iterator[tuple[Path, str]]:
    """Each page that is made from the catalogue, as (path, what should be in it).

    Pages without the two marks are left alone.
    """
    lessons = root / "lessons"
    entries = catalogue(lessons)
    readme = root / "README.md"
    yield from _between(readme, "lessons/*.md and lessons/planned.yaml", _table(entries))
    for entry in entries.values():
        if entry.stem:
            page = lessons / "instructors" / f"{entry.stem}.md"
            yield from _between(page, f"lessons/{entry.stem}.md", head(entry))
    judged: dict[str, list[str]] = {}
    for entry in entries.values():
        for claim in entry.words("claims"):
            judged.setdefault(claim, []).append(entry.number)
    cards = root / "helpers" / "teaching" / "claims.json"
    if cards.is_file():
        yield cards, json.dumps(judged, indent=1, sort_keys=True) + "\n"


def make_pages(root: Path) -> list[str]:
    """Write the pages that are not what they should be; returns their names."""
    made = []
    for path, text in pages(root):
        if path.read_text(encoding="utf-8") != text:
            write_whole(path, text)
            made.append(path.relative_to(root).as_posix())
    return made


def stale_pages(root: Path) -> list[str]:
    """What is wrong with them, one line each."""
    return [
        f"{path.relative_to(root).as_posix()}: not what the lessons say: run `course build`"
        for path, text in pages(root)
        if path.read_text(encoding="utf-8") != text
    ]


def marked(source: str, text: str) -> str:
    """`text` between the marks that say where it comes from."""
    return f"{BEGIN.format(source=source)}\n{text}\n{END}\n"


def head(entry: Entry) -> str:
    """How a page for instructors begins."""
    times = f"{entry.text('core_minutes')} minutes (core) or {entry.text('minutes')} (all of it)"
    lines = [
        f"# Teaching lesson {entry.number}: {entry.text('title')}",
        "",
        f"**{entry.text('question')}**",
        "",
        f"For {times}. Minutes are estimates until a pilot has measured them.",
        f"When it is over they can {entry.text('aim')}.",
    ]
    if first := entry.words("needs"):
        word = "lesson" if len(first) == 1 else "lessons"
        lines.append(f"Needed first: {word} {_listed(first)}.")
    return "\n".join(lines)


def _between(path: Path, source: str, text: str) -> Iterator[tuple[Path, str]]:
    if not path.is_file():
        return
    now = path.read_text(encoding="utf-8")
    block = re.compile(
        re.escape(BEGIN.split("{")[0]) + r"[^\n]*-->\n.*?" + re.escape(END) + r"\n", re.DOTALL
    )
    if block.search(now):
        yield path, block.sub(lambda _: marked(source, text), now, count=1)


def _table(entries: Mapping[str, Entry]) -> str:
    rows = [
        "| # | Lesson | What you run | All of it | Core path |",
        "|---|---|---|---|---|",
        *map(_row, entries.values()),
    ]
    written = [entry.number for entry in entries.values() if entry.stem]
    return "\n".join(
        [
            *rows,
            "",
            "The minutes are estimates until a class has measured them.",
            f"Lessons {_listed(written)} are finished and stand on their own, in this order.",
        ]
    )


def _row(entry: Entry) -> str:
    note = "" if entry.stem else " *(planned)*"
    title = f"{entry.link(entry.text('title'), 'notebooks/')}{note}"
    times = [
        f" {entry.text(key)} min " if key in entry.about else " "
        for key in ("minutes", "core_minutes")
    ]
    return f"| {entry.number} | {title} | {entry.text('runs')} |{times[0]}|{times[1]}|"


def _listed(words: Sequence[str]) -> str:
    """One, two and three."""
    return " and ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)
