"""What a lesson says of itself before its first line: `course:` in the YAML at its head.

Title, question, claims and needs, and how many minutes each section takes: README's table, heads of
pages, claim cards and run sheets are made of it, by `catalogue`, `pages` and `runsheet`. Only YAML
is needed here, and not what parses a lesson: an instructor's installation prints run sheets, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import yaml

SHAPES = ("experiment", "lab", "reading", "page")
# What a lesson turns; "budget" is how long a fit goes on.
KNOBS = ("loop", "size", "model", "budget", "sampler", "policy", "verifier")
TEXTS = ("title", "question", "runs", "aim")  # what a lesson says of itself, one line each
LISTS = ("claims", "needs")
TIMES = ("minutes", "core_minutes")
COURSE_KEYS = ("shape", *TIMES, "knob", "budget", "sections", *TEXTS, *LISTS)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where PyYAML has that
BUDGET_LIMITS = {"cpu_seconds": 60.0, "memory_mb": 500.0}  # unless the front matter says more
PATHS = {  # how a section is gone through -> the key that holds its minutes
    "all": "minutes",  # by a learner, with exercises, or by a class that works along
    "core": "core",  # by a learner in a hurry: no exercises, no folded mathematics
    "shown": "shown",  # on one screen, recorded runs only: no torch, no network
}


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong in a lesson. Fatal ones stop the build; the others only fail `--check`."""

    line: int
    message: str
    fatal: bool = True


class LessonError(ValueError):
    """A lesson that cannot be built: all its problems, one a line, as `file:line: message`."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(f"{name}:{p.line}: {p.message}" for p in self.problems))


@dataclass(frozen=True)
class Timing:
    """How long one section takes, and what an instructor needs to know of it.

    minutes, core, shown   whole minutes on the three paths; 0: the path leaves it out
    do, late               what to do; what to leave out when it is late
    screen                 what to do where it is only shown, if that is something else
    materials, before      what it takes in a class; what must have been done before the class
    without                names: shown, the cells that set or read one of these are left out
    """

    heading: str
    minutes: int = 0
    core: int = 0
    shown: int = 0
    do: str = ""
    late: str = ""
    screen: str = ""
    materials: str = ""
    before: str = ""
    without: tuple[str, ...] = ()

    def on(self, path: str) -> int:
        """Its minutes on one of PATHS."""
        return int(getattr(self, PATHS[path]))


def front_matter(text: str, name: str) -> dict[str, Any]:
    """What stands under `course:` at the head of a lesson; LessonError with all its problems.

    Where sections have minutes, `minutes` and `core_minutes` are their sums.
    """
    course, problems = read_front(text)
    if problems:
        raise LessonError(name, problems)
    return course


def timings(course: Mapping[str, Any]) -> list[Timing]:
    """The sections of a front matter that has no problems, in their order."""
    return [
        Timing(heading, **{**said, "without": tuple(said.get("without", ()))})
        for heading, said in course.get("sections", {}).items()
    ]


def read_front(text: str) -> tuple[dict[str, Any], list[Problem]]:
    """As `front_matter`, with the problems found."""
    match = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    if not match:
        return {}, [Problem(1, "no front matter: begin with `---`, kernelspec and course, `---`")]
    try:
        settings = yaml.load(match[1], LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        return {}, [
            Problem(line, f"front matter is not valid YAML: {getattr(error, 'problem', error)}")
        ]
    if not isinstance(settings, dict) or not isinstance(settings.get("course"), dict):
        return {}, [Problem(1, "front matter needs `course:` with shape, minutes, core_minutes")]
    course = settings["course"]
    kernel = (settings.get("kernelspec") or {}).get("name")
    wrong = [] if kernel == "python3" else [f"kernelspec name must be python3, got {kernel!r}"]
    wrong += _course_problems(course)
    return course, [Problem(1, f"front matter: {message}") for message in wrong]


def _course_problems(course: dict[str, Any]) -> list[str]:
    wrong = [
        f"unknown key course.{k}; known: {', '.join(COURSE_KEYS)}"
        for k in course
        if k not in COURSE_KEYS
    ]
    if course.get("shape") not in SHAPES:
        wrong.append(
            f"course.shape must be one of {', '.join(SHAPES)}, got {course.get('shape')!r}"
        )
    wrong += _section_problems(course)
    if course.get("shape") in SHAPES[:-1]:
        for key in TIMES:
            if type(course.get(key)) is not int or course[key] < 1:
                wrong.append(
                    f"course.{key} must be a whole number of minutes, got {course.get(key)!r}"
                )
    knobs = course.setdefault("knob", [])
    course["knob"] = knobs = [knobs] if isinstance(knobs, str) else knobs
    if not isinstance(knobs, list) or not set(knobs) <= set(KNOBS):
        wrong.append(f"course.knob must be among {', '.join(KNOBS)}, got {knobs!r}")
    for key in TEXTS:
        if key in course and not (isinstance(course[key], str) and course[key].strip()):
            wrong.append(f"course.{key} must be a line of text, got {course[key]!r}")
    for key in LISTS:
        words = course.get(key, [])
        if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
            wrong.append(f"course.{key} must be a list of texts in quotes, got {words!r}")
    budget = course.get("budget", {})
    if not isinstance(budget, dict) or not set(budget) <= set(BUDGET_LIMITS):
        wrong.append(f"course.budget may hold {', '.join(BUDGET_LIMITS)}, got {budget!r}")
    elif not all(type(v) in (int, float) and v > 0 for v in budget.values()):
        wrong.append(f"course.budget must hold positive numbers, got {budget!r}")
    return wrong


def _section_problems(course: dict[str, Any]) -> list[str]:
    """What is wrong with the minutes of sections; if nothing is, their sums go into `course`."""
    sections = course.get("sections", {})
    if not (isinstance(sections, dict) and all(isinstance(s, dict) for s in sections.values())):
        return [f"course.sections must map headings to minutes, got {sections!r}"]
    typed = [key for key in TIMES if key in course]
    if sections and typed:
        return [f"course.{key} is the sum of course.sections: leave it out" for key in typed]
    wrong = [
        message
        for heading, said in sections.items()
        for key, value in said.items()
        if (message := _wrong_timing(f"course.sections[{heading!r}].{key}", key, value))
    ]
    if sections and not wrong:
        found = timings(course)
        course["minutes"] = sum(one.minutes for one in found)
        course["core_minutes"] = sum(one.core for one in found)
        wrong = [
            f"course.sections[{one.heading!r}]: {path} takes {one.on(path)} minutes, more than "
            f"the {one.minutes} of all of it"
            for one in found
            for path in PATHS
            if one.on(path) > one.minutes
        ]
    return wrong


def _wrong_timing(name: str, key: str, value: Any) -> str:
    known = [field.name for field in fields(Timing)][1:]
    if key not in known:
        return f"unknown key {name}; known: {', '.join(known)}"
    if key in PATHS.values():
        good = type(value) is int and value >= 0
        return "" if good else f"{name} must be a whole number of minutes, got {value!r}"
    if key == "without":
        good = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return "" if good else f"{name} must be a list of names, got {value!r}"
    good = isinstance(value, str) and value.strip() != ""
    return "" if good else f"{name} must be a line of text, got {value!r}"
