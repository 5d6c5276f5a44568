"""The scorecard in words: for the screen, for the page of the course and for README.

course scorecard            every row, those that a reader should see first on top
course scorecard F07 P13    these rows with all their parts
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence

from helpers.studies import scorecard
from helpers.studies.scorecard import CLAIMS, Part, Row
from helpers.studies.scorecard.rules import (
    CONTRADICTED,
    NOT_HERE,
    OPEN,
    REPRODUCED,
    REVERSED,
    UNTESTABLE,
    VERDICTS,
    Claim,
)

FIRST = (CONTRADICTED, REVERSED, NOT_HERE)  # what README shows, and the page before all else
WIDTH = 100


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Contradicted first, as `rules.VERDICTS` says, and by id."""
    return sorted(rows, key=lambda row: (VERDICTS.index(row.verdict), row.claim.id))


def number(part: Part) -> str:
    """What was found: '0.0725 (0.0429 to 0.102), 10 seeds'; '' where nothing was."""
    if part.found is None:
        return ""
    value, *ends = (part.scale * x for x in (part.found.value, part.found.low, part.found.high))
    if not part.found.seeds:
        return f"{value:.3g}, not a mean over seeds"
    low, high = sorted(ends)
    return f"{value:.3g} ({low:.3g} to {high:.3g}), {part.found.seeds} seeds"


def found(row: Row) -> str:
    """The number of a row in one line: of its only part, or how many of its parts hold."""
    if row.verdict == UNTESTABLE:
        return str(row.claim.rule).removeprefix("none: ")
    if not row.share:
        return "; ".join(said for said in (number(row.parts[0]), row.why) if said)
    failing = [part for part in row.parts if part.word not in (REPRODUCED, OPEN)]
    first = [f"the first that does not: {number(part)}" for part in failing[:1]]
    return "; ".join([f"{row.share} hold", *first, *([row.why] if row.why else [])])


def notes(claim: Claim) -> str:
    """What else a reader should know of a claim, in one line."""
    lines = [
        "says that something can happen" if claim.exists else "",
        f"conditions not met here: {claim.unmet}" if claim.unmet else "",
        f"repeats {claim.repeats}, not counted" if claim.repeats else "",
    ]
    return "; ".join(line for line in lines if line)


def lines(row: Row) -> list[str]:
    """A row with all its parts, for the screen."""
    claim = row.claim
    word = "lesson" if len(claim.lessons) == 1 else "lessons"
    taught = f", {word} {', '.join(claim.lessons)}" if claim.lessons else ""
    head = [f"{claim.id}  {row.verdict}  {claim.text}", f"{claim.source} ({claim.sure}){taught}"]
    parts = [f"{part.word}: {part.rule}" for part in row.parts] or [str(claim.rule)]
    numbers = [number(part) for part in row.parts] or [""]
    reasons = [part.why for part in row.parts] or [""]
    body = []
    for text, value, why in zip(parts, numbers, reasons, strict=True):
        body += [f"- {text}", *(f"  found {value}" for _ in [0] if value)]
        body += [f"  {why}" for _ in [0] if why]
    body += [text for text in (row.share, notes(claim), claim.caveat) if text]
    wrapped = [textwrap.wrap(text, WIDTH - 4) for text in (head[1], *body)]
    return [head[0], *(f"    {line}" for text in wrapped for line in text)]


def counted(rows: Sequence[Row]) -> str:
    """How many rows have each verdict, and how many there are."""
    found = scorecard.counts(rows)
    repeats = sum(bool(row.claim.repeats) for row in rows)
    each = ", ".join(f"{word} {n}" for word, n in found.items())
    return f"{len(rows)} rows, {repeats} of them repeat others and are not counted: {each}"


def short(row: Row) -> list[str]:
    """A row in two lines or a little more, for the screen."""
    under = textwrap.wrap(found(row), WIDTH - 20)
    head = f"{row.claim.id:<5} {row.verdict:<13} {row.claim.text}"
    return [head, *(f"{'':<20}{line}" for line in under)]


def text(rows: Sequence[Row]) -> str:
    """All rows, short, and the counts."""
    shown = [line for row in ordered(rows) for line in short(row)]
    return "\n".join([*shown, "", *textwrap.wrap(counted(rows), WIDTH)])


def markdown(rows: Sequence[Row]) -> str:
    """README's table: the counts, and the rows that were not borne out."""
    table = ["| what is claimed | verdict | found | lesson |", "|---|---|---|---|"]
    for row in ordered(rows):
        if row.verdict in FIRST and not row.claim.repeats:
            claim = row.claim
            cells = (f"{claim.text} ({claim.source}, {claim.id})", row.verdict, found(row))
            table.append(f"| {' | '.join(cells)} | {', '.join(claim.lessons)} |")
    counts = scorecard.counts(rows)
    waiting = sum(row.verdict == OPEN and "seeds" not in row.why for row in rows)
    each = ", ".join(f"{n} {word}" for word, n in counts.items())
    said = (
        f"{sum(counts.values())} claims: {each}. Of the open ones {waiting} wait for a study; the "
        "others have too few seeds, and say how many they need."
    )
    return "\n".join([*textwrap.wrap(said, WIDTH), "", *table])


def main(argv: Sequence[str] | None = None) -> int:
    """`course scorecard`: print all rows, or those that are named with their parts."""
    parser = argparse.ArgumentParser(
        prog="course scorecard",
        description="A verdict for every sentence of the article and for what papers claim.",
    )
    names = [claim.id for claim in CLAIMS]
    parser.add_argument("rows", nargs="*", metavar="ID", help="show these with all their parts")
    named = parser.parse_args(argv).rows
    if unknown := [name for name in named if name not in names]:
        parser.error(f"ID must be one of {names[0]} to {names[-1]}, got {unknown[0]!r}")
    rows = scorecard.judge()
    if named:
        chosen = [row for row in rows if row.claim.id in named]
        print(*(line for row in chosen for line in [*lines(row), ""]), sep="\n")
    else:
        print(text(rows))
    return 0
