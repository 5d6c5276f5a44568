"""What `helpers.teaching` must know of the lessons, collected into helpers/teaching/lessons.json.

Cards name the lessons that judge them, calibration says how many predictions there are, the
take-home page prints the Monday list. `pages` writes the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.authoring.catalogue import Entry
from helpers.authoring.lesson import Lesson, parse
from helpers.authoring.questions import literal_calls, predictions
from helpers.authoring.references import References
from helpers.studies import scorecard
from helpers.studies.scorecard import Row

MONDAY = "monday"  # the page that holds the list
_ITEM = re.compile(r"^\d+\. ", re.MULTILINE)
_ASK = re.compile(r"\*\*(.+?)\*\*\s+(.*)", re.DOTALL)
# A link to a section of a lesson; its title says the words that stand there.
_FROM = re.compile(
    r"\[[^\]]+\]\((?P<lesson>\d\d)-[\w-]+\.ipynb#(?P<section>[^\s)]+)"
    r"(?:\s+(?P<quote>[\"'])(?P<said>.+?)(?P=quote))?\)"
)


def told(
    lessons: Path, results: Path, entries: Mapping[str, Entry], scored: Sequence[Row]
) -> dict[str, Any]:
    """What teaching must know, ready for JSON; scored: the scorecard as it is today.

    lessons: number -> the name of its file. predictions: number -> how many intervals and choices,
    forecasts left out. claims: card -> {"rows": row of the scorecard -> its verdict today,
    "judged": what each lesson says of it, in order}. monday: see `monday`.
    """
    parsed = {
        entry.number: parse(lessons / f"{entry.stem}.md", f"lessons/{entry.stem}.md")
        for entry in entries.values()
        if entry.stem
    }
    words = {row.claim.id: row.verdict for row in scored}
    cards: dict[str, Any] = {
        card: {"rows": {row: words[row] for row in rows}, "judged": []}
        for card, rows in scorecard.CARDS.items()
    }
    for number, lesson in parsed.items():
        for name, said in claims(lesson):
            if name in cards:  # another is refused when the cell is run
                cards[name]["judged"].append({"lesson": number, **said})
    page = lessons / f"{MONDAY}.md"
    return {
        "lessons": {number: lesson.stem for number, lesson in parsed.items()},
        "predictions": {number: predictions(lesson) for number, lesson in parsed.items()},
        "claims": cards,
        "monday": monday(parse(page, page.name), results) if page.is_file() else [],
    }


def claims(lesson: Lesson) -> list[tuple[str, dict[str, Any]]]:
    """Each card that a cell of the lesson judges: its name, and `ours`, `because`, `unlike`."""
    found = []
    for cell in lesson.code:
        for call in literal_calls(cell.tree(), "claim", "name", "ours"):
            given = {"because": "", "unlike": {}, **call.given}
            if {"name", "ours"} <= given.keys():  # else its cell fails when it is run
                said = {key: given[key] for key in ("ours", "because", "unlike")}
                found.append((given["name"], said))
    return found


def monday(page: Lesson, results: Path) -> list[dict[str, Any]]:
    """The lines of the list: what to `ask`, `why`, and `from`, the places in lessons that say so.

    A place is a lesson, a section of it, and `said`, the words with which its advice begins.
    """
    found = []
    for cell in page.cells:
        if cell.kind == "markdown":
            filled, _ = References(page, results, {}).fill(cell.source, cell.line)
            items = (item.split("\n\n")[0] for item in _ITEM.split(filled)[1:])
            found += [_line(re.sub(r"\s*\n\s*", " ", item.strip())) for item in items]
    return found


def _line(item: str) -> dict[str, Any]:
    match = _ASK.match(item)
    ask, rest = match.groups() if match else ("", item)
    places = list(_FROM.finditer(rest))
    why = rest[: places[0].start()] if places else rest
    return {
        "ask": ask,
        "why": re.sub(r"[*`]", "", why).strip(),
        "from": [
            {key: place[key] or "" for key in ("lesson", "section", "said")} for place in places
        ],
    }
