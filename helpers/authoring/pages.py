"""The pages that are made of what lessons say of themselves, or have parts that are.

They are README's table of lessons and its short scorecard, the pages for instructors
(`instructors`), a table each of the page for hubs and of that of the first class, and
helpers/teaching/lessons.json (`told`). In README.md and in the pages for instructors only what
stands between two marks is made; the rest is written by hand and never touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from helpers._ground import write_whole
from helpers.authoring.catalogue import Entry, catalogue, listed
from helpers.authoring.course import Course
from helpers.authoring.instructors import answers, head, lacking
from helpers.authoring.lesson import parse
from helpers.authoring.memory import hub_table, tried_table
from helpers.authoring.runsheet import Plan, read_plans
from helpers.authoring.told import told
from helpers.studies import scorecard
from helpers.studies.scorecard import printed

BEGIN, END = "<!-- made by `course build` from {source} -->", "<!-- written by hand from here -->"
ANSWERS = "answers"  # the name of the second part of a page for instructors
SCORECARD = "scorecard"  # and of README; it is made of recorded results
TRIED = "tried"  # and of the page for hubs: what a class on a real one took
HUBS, FIRST_CLASS = "hubs.md", "first-class.md"  # pages for instructors that belong to no lesson
_BLOCK = re.compile(
    re.escape(BEGIN.split("{")[0]) + r"(?P<source>[^\n]*?)(?:: (?P<part>[a-z]+))? -->\n.*?"
    rf"{re.escape(END)}\n",
    re.DOTALL,
)


def pages(root: Path) -> Iterator[tuple[Path, str]]:
    """Each page that is made from the lessons, as (path, what should be in it).

    Parts without the two marks are left alone. Raises LessonError for a lesson that cannot be read.
    """
    lessons = root / "lessons"
    entries = catalogue(lessons)
    readme = root / "README.md"
    said = {"": table(entries)}
    kept = root / "helpers" / "teaching" / "lessons.json"
    short = readme.is_file() and f": {SCORECARD} -->" in readme.read_text(encoding="utf-8")
    rows = scorecard.judge() if short or kept.is_file() else []
    if short:
        said[SCORECARD] = printed.markdown(rows)
    yield from _filled(readme, "lessons/*.md, lessons/planned.yaml and helpers/results", said)
    for entry in entries.values():
        page = lessons / "instructors" / f"{entry.stem}.md"
        if entry.stem and page.is_file():
            lesson = parse(lessons / f"{entry.stem}.md", f"lessons/{entry.stem}.md")
            parts = {"": head(entry, lesson), ANSWERS: answers(lesson)}
            yield from _filled(page, lesson.name, parts)
    yield from _of_no_lesson(Course.at(root), entries)
    if kept.is_file():
        found = told(lessons, root / "helpers" / "results", entries, rows)
        yield kept, json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def make_pages(root: Path) -> list[str]:
    """Write the pages that are not what they should be; returns their names."""
    made = []
    for path, text in pages(root):
        if path.read_text(encoding="utf-8") != text:
            write_whole(path, text)
            made.append(path.relative_to(root).as_posix())
    return made


def page_problems(root: Path) -> list[str]:
    """What is wrong with them, one line each: not what the lessons say, or without a part."""
    found = []
    for path, text in pages(root):
        name = path.relative_to(root).as_posix()
        if path.read_text(encoding="utf-8") != text:
            found.append(f"{name}: not what the lessons say: run `course build`")
        if path.parent.name == "instructors" and path.name not in (HUBS, FIRST_CLASS):
            lesson = (root / "lessons" / path.name).read_text(encoding="utf-8")
            found += [f"{name}: {message}" for message in lacking(text, lesson)]
    return found


def marked(source: str, text: str, part: str = "") -> str:
    """`text` between the marks that say where it comes from."""
    source = f"{source}: {part}" if part else source
    return f"{BEGIN.format(source=source)}\n{text}\n{END}\n"


def _filled(path: Path, source: str, parts: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """`path` with the text of each part between its marks; nothing if it has no marks."""
    if not path.is_file():
        return

    def fill(match: re.Match[str]) -> str:
        part = match["part"] or ""
        return marked(source, parts[part], part) if part in parts else match[0]

    now = path.read_text(encoding="utf-8")
    if _BLOCK.search(now):
        yield path, _BLOCK.sub(fill, now)


def _of_no_lesson(course: Course, entries: Mapping[str, Entry]) -> Iterator[tuple[Path, str]]:
    """The page for hubs, made of what was measured, and that of the first class, of the plans."""
    hubs, first_class = (course.lessons / "instructors" / name for name in (HUBS, FIRST_CLASS))
    if hubs.is_file():
        measured, tried = course.measured(), course.tried_on_a_hub()
        parts = {"": hub_table(measured, entries)}
        if tried:
            parts[TRIED] = tried_table(tried, measured)
        yield from _filled(hubs, "lessons/budget.json and lessons/hub.json", parts)
    if first_class.is_file():
        tables = (_times(plan) for plan in read_plans(course.lessons).values())
        yield from _filled(first_class, "lessons/plans.yaml", {"": "\n\n".join(tables)})


def _times(plan: Plan) -> str:
    """A table to write into: what is planned, and an empty box for what it took."""
    rows = [
        f"### {plan.said['title']}, {plan.minutes} minutes",
        "",
        "| lesson | section | path | planned, min | took, min |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| {stop.lesson} | {stop.section.heading} | {stop.path} | {stop.minutes} | |"
        for stop in plan.stops
    ]
    return "\n".join(rows)


def table(entries: Mapping[str, Entry], folder: str = "notebooks/") -> str:
    """All lessons with their times, in Markdown; links lead to notebooks in `folder`."""
    rows = [
        "| # | Lesson | What you run | All of it | Core path |",
        "|---|---|---|---|---|",
        *(_row(entry, folder) for entry in entries.values()),
    ]
    written = [entry.number for entry in entries.values() if entry.stem]
    return "\n".join(
        [
            *rows,
            "",
            "The minutes are estimates until a class has measured them.",
            f"Lessons {listed(written)} are finished and stand on their own, in this order.",
        ]
    )


def _row(entry: Entry, folder: str) -> str:
    note = "" if entry.stem else " *(planned)*"
    title = f"{entry.link(entry.text('title'), folder)}{note}"
    times = [
        f" {entry.text(key)} min " if key in entry.about else " "
        for key in ("minutes", "core_minutes")
    ]
    return f"| {entry.number} | {title} | {entry.text('runs')} |{times[0]}|{times[1]}|"
