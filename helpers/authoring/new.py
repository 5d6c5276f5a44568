"""`course new NN slug`: the files of a new lesson, which build as they are.

They are the lesson, its exercises with a judge and three wrong answers, its explorer, a page for
instructors and a test. All of it is an example to be overwritten: a coin. What an untouched lesson
still lacks (length, quizzes, a question of its own) is what `course build --check` lists.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from helpers._ground import ROOT, write_whole
from helpers.authoring.catalogue import PLANNED, catalogue
from helpers.authoring.pages import ANSWERS, make_pages, marked

TEMPLATES = Path(__file__).with_name("templates")
PLACES = {  # template -> where it goes
    "lesson.md": "lessons/{stem}.md",
    "instructors.md": "lessons/instructors/{stem}.md",
    "explorer.py": "helpers/explorers/lesson_{number}.py",
    "exercises.py": "helpers/teaching/exercises/lesson_{number}.py",
    "test.py": "tests/test_lesson_{number}.py",
}


def new(root: Path, number: str, slug: str) -> list[Path]:
    """Write the files of lesson `number` ("03") in the checkout at `root`; returns their paths.

    What lessons/planned.yaml says of it goes into the front matter, and out of there. Raises
    ValueError for a bad number or slug, and when the lesson or one of its files is there already.
    """
    if not re.fullmatch(r"\d\d", number):
        raise ValueError(f"NN must be a lesson's number in two digits, such as 03, got {number!r}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise ValueError(f"slug must be small words joined by hyphens, got {slug!r}")
    stem = f"{number}-{slug}"
    known = catalogue(root / "lessons")
    if number in known and known[number].stem:
        raise ValueError(f"NN must be a number that is free: there is {known[number].stem}")
    about = {
        "title": slug.replace("-", " ").capitalize(),
        "question": "What does this lesson ask?",
        "runs": "what a reader runs here",
        "aim": "do what this lesson is for",
        "knob": [],
        "needs": ["00"] if "00" in known else [],
        "claims": [],
        **(known[number].about if number in known else {}),
    }
    about["sections"] = _sections(about.pop("minutes", 60), about.pop("core_minutes", 30))
    files = {}
    for template, place in PLACES.items():
        path = root / place.format(stem=stem, number=number)
        if path.exists():
            raise ValueError(f"{path.relative_to(root)} is there already, and would be overwritten")
        text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
        files[path] = text.replace("@NN@", number).replace("@TITLE@", about["title"])
    lesson = root / "lessons" / f"{stem}.md"
    front = {"course": {"shape": "experiment", **about}}
    files[lesson] = files[lesson].replace("@FRONT@", yaml.safe_dump(front, sort_keys=False).strip())
    page = root / "lessons" / "instructors" / f"{stem}.md"
    source = f"lessons/{stem}.md"  # what stands between the marks is made below
    files[page] = marked(source, "") + files[page] + marked(source, "", ANSWERS)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    _no_longer_planned(root / "lessons" / PLANNED, number)
    importlib.invalidate_caches()  # the exercises of the lesson were not there when we began
    make_pages(root)
    return list(files)


def _sections(minutes: int, core: int) -> dict[str, dict[str, Any]]:
    """Minutes of the sections of the template, `minutes` in all if the core path leaves enough."""
    return {
        "A coin": {"minutes": core, "core": core, "do": "One prediction, then the reveal"},
        "Turn the knobs yourself": {"minutes": 5, "do": "The explorer", "late": "homework"},
        "Your turn": {"minutes": max(1, minutes - core - 5), "do": "Exercise A, in pairs"},
    }


def _no_longer_planned(path: Path, number: str) -> None:
    """Take the entry of one lesson out, and leave every other line as it is."""
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        entry = re.compile(rf'^"{number}":\n(?:[ ].*\n)*', re.MULTILINE)
        write_whole(path, entry.sub("", text))


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """`course new`; returns 0, or 2 when the arguments are wrong or files are in the way."""
    parser = argparse.ArgumentParser("course new", description="The files of a new lesson.")
    parser.add_argument("number", metavar="NN", help="its number in two digits, such as 03")
    parser.add_argument("slug", help="its name in the file's, such as losing-the-tails")
    options: Any = parser.parse_args(argv)
    try:
        made = new(root, options.number, options.slug)
    except ValueError as error:
        print(f"course new: {error}", file=sys.stderr)
        return 2
    for path in made:
        print(path.relative_to(root).as_posix())
    print(f"Build it with: course build {options.number}. What it lacks: course build --check")
    return 0
