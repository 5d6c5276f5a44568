"""All lessons, and what each says of itself: written ones in their front matter, planned ones in
lessons/planned.yaml. `pages` makes README's table and the pages for instructors of it, `runsheet`
the sheet for a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from helpers.authoring.front import (
    KNOBS,
    TEXTS,
    LessonError,
    Problem,
    Timing,
    front_matter,
    timings,
)

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

    @property
    def sections(self) -> list[Timing]:
        """Its sections with their minutes; none when they are not said."""
        return timings(self.about)

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
        said["needs"] = listed(wanted)
    for knob in KNOBS:
        meets = [entry for entry in entries.values() if knob in entry.knobs]
        if len(meets) == 1:  # the link is the whole of it
            said[f"map_{knob}"] = meets[0].link(f"lesson {meets[0].number}")
        elif meets:
            said[f"map_{knob}"] = "lessons " + ", ".join(e.link(e.number) for e in meets)
    return said


def listed(words: Sequence[str]) -> str:
    """One, two and three."""
    return " and ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)
