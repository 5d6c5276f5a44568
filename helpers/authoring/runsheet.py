"""`course runsheet`: a sheet for a class, with the times of its day, from lessons/plans.yaml.

A plan is a list of stops: sections of lessons on one of PATHS, or an activity with minutes of its
own, such as a break. Minutes, what to do and what to leave out stand in the front matter of the
lessons and nowhere else, so that a sheet follows when a lesson changes. What cannot be is found by
`plan_problems`, which `course build --check` asks.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from helpers._ground import ROOT
from helpers.authoring.catalogue import Entry, catalogue
from helpers.authoring.front import PATHS, Timing

if TYPE_CHECKING:  # parsing lessons needs what only authors install
    from helpers.authoring.lesson import Cell, Lesson

PLANS = "plans.yaml"
PLAN_KEYS = ("title", "about", "minutes", "materials", "before", "stops", "cuts", "ticket")
STOP_KEYS = {  # what a stop must have, and what else it may have
    "lesson": ("path", "sections", "except"),
    "what": ("minutes", "do", "late"),
    "day": (),
}
NOT_SHOWN = {"exercise", "check", "solution", "explorer", "slow"}  # tags of cells left out
DAY = 24 * 60
WIDTH, LINES = 96, 70  # of a printed page, A4 or Letter, in a fixed font of nine points
COLUMNS = (24, 40, 17)  # section, what to do, if late; before them clock and minutes


@dataclass(frozen=True)
class Stop:
    """One row of a sheet; `begin` counts minutes from the start of its day.

    lesson: its number, empty for an activity.
    """

    day: int
    begin: int
    minutes: int
    lesson: str
    path: str
    section: Timing


@dataclass(frozen=True)
class Plan:
    """A plan as it is written in lessons/plans.yaml, its stops filled from the lessons."""

    name: str
    said: Mapping[str, Any]
    stops: tuple[Stop, ...]

    @property
    def minutes(self) -> int:
        return sum(stop.minutes for stop in self.stops)

    def lessons(self) -> list[str]:
        """The numbers of its lessons, in their order."""
        return list(dict.fromkeys(stop.lesson for stop in self.stops if stop.lesson))

    def said_of(self, key: str) -> list[str]:
        """A list of the plan and, of its sections that are not just shown, what they say to it."""
        own = [str(one) for one in self.said.get(key, [])]
        theirs = [
            getattr(stop.section, key)
            for stop in self.stops
            if stop.path != "shown" and hasattr(stop.section, key)
        ]
        return [*own, *filter(None, dict.fromkeys(theirs))]

    def cuts(self) -> list[Stop]:
        """What to leave out, first cut first."""
        return [
            stop
            for cut in self.said.get("cuts", [])
            for stop in self.stops
            if (stop.lesson, stop.section.heading) == (cut.get("lesson"), cut.get("section"))
        ]


def read_plans(lessons: Path) -> dict[str, Plan]:
    """The plans of the folder by name; ValueError with the place of what cannot be."""
    path = lessons / PLANS
    if not path.is_file():
        raise ValueError(f"there is no {PLANS} in {lessons}: run sheets need a checkout")
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{PLANS} is not valid YAML: {' '.join(str(error).split())}") from None
    entries = catalogue(lessons)
    return {name: _plan(name, said, entries) for name, said in written.items()}


def _plan(name: str, said: Any, entries: Mapping[str, Entry]) -> Plan:
    if not isinstance(said, dict) or set(said) - set(PLAN_KEYS):
        raise ValueError(f"{PLANS}: {name}: the keys may be {', '.join(PLAN_KEYS)}, got {said!r}")
    if not isinstance(said.get("title"), str) or type(said.get("minutes")) is not int:
        raise ValueError(f"{PLANS}: {name}: needs a title, and minutes as a whole number")
    stops: list[Stop] = []
    day, clock = 1, 0
    for place, stop in enumerate(said.get("stops", []), start=1):
        where = f"{PLANS}: {name}, stop {place}"
        kind = _kind(stop, where)
        if kind == "day":
            day, clock = stop["day"], 0
            continue
        for lesson, path, section, minutes in _sections(stop, kind, entries, where):
            stops.append(Stop(day, clock, minutes, lesson, path, section))
            clock += minutes
    return Plan(name, said, tuple(stops))


def _kind(stop: Any, where: str) -> str:
    kinds = [key for key in STOP_KEYS if isinstance(stop, dict) and key in stop]
    if len(kinds) != 1 or set(stop) - {kinds[0], *STOP_KEYS[kinds[0]]}:
        forms = "; ".join(f"{one} ({', '.join(more)})" for one, more in STOP_KEYS.items())
        raise ValueError(f"{where}: must be one of {forms}, got {stop!r}")
    return kinds[0]


def _sections(
    stop: Mapping[str, Any], kind: str, entries: Mapping[str, Entry], where: str
) -> Iterator[tuple[str, str, Timing, int]]:
    """(lesson, path, section, minutes) of one stop; an activity is a section of no lesson."""
    if kind == "what":
        minutes = stop.get("minutes")
        if type(minutes) is not int or minutes < 1:
            raise ValueError(f"{where}: minutes must be a whole number, got {minutes!r}")
        do, late = stop.get("do", ""), stop.get("late", "")
        yield "", "", Timing(stop["what"], minutes, do=do, late=late), minutes
        return
    entry, path = entries.get(stop["lesson"]), stop.get("path")
    if entry is None or not entry.sections:
        raise ValueError(f"{where}: lesson must be one whose sections have minutes, got {stop!r}")
    if path not in PATHS:
        raise ValueError(f"{where}: path must be one of {', '.join(PATHS)}, got {path!r}")
    known = [one.heading for one in entry.sections]
    only, but = stop.get("sections", known), stop.get("except", [])
    if unknown := [heading for heading in (*only, *but) if heading not in known]:
        raise ValueError(f"{where}: lesson {entry.number} has no section {unknown[0]!r}")
    for one in entry.sections:
        if one.heading in only and one.heading not in but and one.on(path):
            yield entry.number, path, one, one.on(path)


def plan_problems(lessons: Path) -> list[str]:
    """What is wrong with the plans, one line each; nothing where there are none."""
    if not (lessons / PLANS).is_file():
        return []
    try:
        plans = read_plans(lessons)
    except ValueError as error:
        return [str(error)]
    found = []
    for plan in plans.values():
        where = f"{PLANS}: {plan.name}"
        if plan.minutes != plan.said["minutes"]:
            found.append(f"{where}: takes {plan.minutes} minutes, not {plan.said['minutes']}")
        if len(plan.cuts()) != len(plan.said.get("cuts", [])):
            found.append(f"{where}: a cut is no section of it, by lesson and section")
        if not plan.said.get("ticket"):
            found.append(f"{where}: has no ticket, the questions of the last minutes")
    return found


def shown(lesson: Lesson, section: Timing) -> list[Cell]:
    """The code cells of a section that an instructor runs where it is *shown*.

    Nothing that trains, no exercise, no sliders, and not the cells that set or read a name in
    `section.without`.
    """
    cells = next((s.cells for s in lesson.sections() if s.heading == section.heading), ())
    left_out = re.compile(rf"\b(?:{'|'.join(section.without)})\b") if section.without else None
    return [
        cell
        for cell in cells
        if not NOT_SHOWN & set(cell.tags) and not (left_out and left_out.search(cell.source))
    ]


# ---- print


def sheet(plan: Plan, entries: Mapping[str, Entry], start: int) -> str:
    """The plan as text, `start` in minutes after midnight; WIDTH columns wide."""
    days = {day: list(stops) for day, stops in groupby(plan.stops, key=lambda stop: stop.day)}
    lines = [f"{plan.said['title']}: {plan.minutes} minutes".upper()]
    lines += _wrapped(str(plan.said.get("about", "")))
    opened = [f"{number} ({entries[number].text('title')})" for number in plan.lessons()]
    lines += ["", *_item("BRING", plan.said_of("materials"))]
    lines += [*_item("BEFORE", plan.said_of("before")), *_item("OPEN", [", ".join(opened)])]
    cuts = plan.cuts()
    for day, stops in days.items():
        end = stops[-1].begin + stops[-1].minutes
        name = f"Day {day}, " if len(days) > 1 else ""
        lines += ["", f"{name}{clock(start)} to {clock(start + end)}"]
        lines += [_columns("clock", "min", "what", "you do", "if late")[0], "-" * WIDTH]
        for stop in stops:
            lines += _row(stop, start, cuts)
    lines += ["-" * WIDTH, *_cuts(cuts)]
    questions = [str(one) for one in plan.said.get("ticket", [])]
    lines += ["", "EXIT TICKET"]
    for number, question in enumerate(questions, start=1):
        lines += _wrapped(question, f" {number}. ")
    return "\n".join(lines)


def _row(stop: Stop, start: int, cuts: Sequence[Stop]) -> list[str]:
    late, do = stop.section.late, stop.section.do
    if stop in cuts:
        late = f"CUT {cuts.index(stop) + 1}" + (f"; {late}" if late else "")
    if stop.path == "shown":
        do = stop.section.screen or do
        if stop.section.without:
            do += f" (Skip cells with {' or '.join(stop.section.without)})"
    what = f"{stop.lesson} {stop.section.heading}".strip()
    return _columns(clock(start + stop.begin), str(stop.minutes), what, do, late)


def _cuts(cuts: Sequence[Stop]) -> list[str]:
    if not cuts:
        return []
    saved, said = 0, []
    for number, stop in enumerate(cuts, start=1):
        saved += stop.minutes
        said.append(f"{number} ({stop.minutes} min)")
    return _wrapped(f"leave out CUT {', then '.join(said)}: {saved} minutes.", "IF LATE: ")


def _columns(when: str, minutes: str, *texts: str) -> list[str]:
    """One row of the table, as many lines as its longest text needs."""
    folded = [textwrap.wrap(text, width) for text, width in zip(texts, COLUMNS, strict=True)]
    lines = []
    for place in range(max(1, *map(len, folded))):
        parts = [column[place] if place < len(column) else "" for column in folded]
        first = f"{when:5} {minutes:>3}  " if place == 0 else " " * 11
        padded = "  ".join(f"{part:{width}}" for part, width in zip(parts, COLUMNS, strict=True))
        lines.append((first + padded).rstrip())
    return lines


def _item(title: str, texts: Sequence[str]) -> list[str]:
    """Texts one below the other, the first behind its title."""
    heads = [title, *[""] * len(texts)]
    return [line for text, head in zip(texts, heads, strict=False)
            for line in _wrapped(text, f"{head:8}")]  # fmt: skip


def _wrapped(text: str, first: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first))


def clock(minutes: int) -> str:
    """Minutes after midnight as 09:30; past midnight they begin anew."""
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def minutes_of(time: str) -> int:
    """09:30 as minutes after midnight; ValueError for what is no time of day."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", time)
    if not found:
        raise ValueError(f"start must be a time of day such as 09:30, got {time!r}")
    return 60 * int(found[1]) + int(found[2])


def main(argv: Sequence[str] | None = None, lessons: Path = ROOT / "lessons") -> int:
    """`course runsheet`; returns 0, or 2 when the command or a plan is wrong."""
    parser = argparse.ArgumentParser(
        "course runsheet", description="A sheet for a class, to be printed: clock times, cuts."
    )
    try:
        plans = read_plans(lessons)
        told = "; ".join(f"{plan.name}: {plan.said['title']}" for plan in plans.values())
        parser.add_argument("--plan", required=True, choices=list(plans), help=told)
        parser.add_argument("--start", default="09:30", help="when it begins (default: 09:30)")
        options = parser.parse_args(argv)
        print(sheet(plans[options.plan], catalogue(lessons), minutes_of(options.start)))
    except ValueError as error:
        print(f"course runsheet: {error}", file=sys.stderr)
        return 2
    return 0
