"""Where the course lies on disk, and a lesson made ready to be built.

Paths are fields, so that tests build tiny courses in temporary folders.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.authoring.catalogue import about, catalogue
from helpers.authoring.front import Problem
from helpers.authoring.lesson import Lesson, parse
from helpers.authoring.references import References
from helpers.authoring.rules import validate


@dataclass(frozen=True)
class Course:
    """Where things are. `helpers` is the package whose files make outputs stale."""

    root: Path
    helpers: Path

    @classmethod
    def at(cls, root: Path) -> Course:
        """The course of a checkout at `root`."""
        return cls(root, root / "helpers")

    @property
    def lessons(self) -> Path:
        """What authors edit."""
        return self.root / "lessons"

    @property
    def notebooks(self) -> Path:
        """What the build writes; also the working directory of kernels."""
        return self.root / "notebooks"

    @property
    def results(self) -> Path:
        """The summaries that references read."""
        return self.helpers / "results"

    def measured(self) -> dict[str, dict[str, float]]:
        """lessons/budget.json: stem -> {"cpu_seconds", "memory_mb"}; empty if there is none."""
        path = self.lessons / "budget.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def tried_on_a_hub(self) -> dict[str, Any]:
        """lessons/hub.json: what tests/hub.py measured; empty if there is none."""
        path = self.lessons / "hub.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def stems(self, wanted: Sequence[str] = ()) -> list[str]:
        """All lessons, sorted, or those named: "02", "02-fit-sample-repeat" or a path to it.

        Raises ValueError for a name that no lesson has.
        """
        known = sorted(path.stem for path in self.lessons.glob("*.md"))
        if not known:
            raise ValueError(
                f"no lessons under {self.lessons}: build works in a checkout of the course"
            )
        found = []
        for name in wanted:
            stem = Path(name).name.removesuffix(".md").removesuffix(".ipynb")
            matches = [s for s in known if s == stem or s.startswith(f"{stem}-")]
            if len(matches) != 1:
                raise ValueError(
                    f"no single lesson is called {name!r}; there are {', '.join(known)}"
                )
            found += matches
        return sorted(set(found)) if wanted else known


@dataclass(frozen=True)
class Draft:
    """A lesson ready to become a notebook: its texts with references filled, its problems."""

    lesson: Lesson
    sources: list[str]
    problems: list[Problem]


def draft(course: Course, stem: str) -> Draft:
    """Parse, fill and validate one lesson. Raises LessonError when it cannot even be parsed."""
    lesson = parse(course.lessons / f"{stem}.md", f"lessons/{stem}.md")
    problems = validate(lesson, course.notebooks)
    said = about(lesson.number, catalogue(course.lessons)) if "{{ lesson." in lesson.text else {}
    references = References(lesson, course.results, course.measured(), said)
    sources = []
    for cell in lesson.cells:
        filled = cell.source
        if cell.kind == "markdown":
            filled, wrong = references.fill(cell.source, cell.line)
            problems += wrong
        sources.append(filled)
    return Draft(lesson, sources, sorted(problems))
