"""The scorecard on a page: tables of `helpers.studies.scorecard`, computed when a cell is run."""

from __future__ import annotations

import functools

from helpers._arguments import one_of
from helpers.studies import scorecard
from helpers.studies.scorecard import Row, printed
from helpers.studies.scorecard.rules import VERDICTS
from helpers.teaching._forms import Page, escape, html_table
from helpers.teaching._lessons import card
from helpers.teaching.matrix import CLAIMS

HEAD = ["row", "verdict", "what is claimed, and where", "found", "rule", "caveat"]


@functools.cache
def _rows() -> tuple[Row, ...]:
    return tuple(scorecard.judge())


def counts() -> Page:
    """How many rows have each verdict."""
    text = printed.counted(_rows())
    return Page(text, f"<p>{escape(text)}</p>")


def table(*verdicts: str) -> Page:
    """The rows that have one of these verdicts, in the order of `rules.VERDICTS`.

    ValueError for a word that is no verdict.
    """
    for word in verdicts:
        one_of("verdict", word, VERDICTS)
    chosen = [row for row in printed.ordered(_rows()) if row.verdict in verdicts]
    title = f"{len(chosen)} rows: {' or '.join(verdicts)}"
    if not chosen:
        return Page(title, f"<p>{escape(title)}</p>")
    text = "\n".join([title, *(line for row in chosen for line in printed.short(row))])
    return Page(text, html_table(HEAD, [_cells(row) for row in chosen], title, empty="none"))


def rule(row: str) -> Page:
    """One row by its id with all its parts, what was found for each, and its caveat.

    ValueError for an id that no row has.
    """
    by_id = {one.claim.id: one for one in _rows()}
    text = "\n".join(printed.lines(by_id[one_of("row", row, tuple(by_id))]))
    return Page(text, f'<pre style="white-space: pre-wrap">{escape(text)}</pre>')


def cards() -> Page:
    """The claim cards: what lessons say of each, the verdicts of its rows, and why they differ."""
    by_id = {one.claim.id: one for one in _rows()}
    boxes = []
    for name, rows in scorecard.CARDS.items():
        judged = card(name)["judged"]
        lessons = ", ".join(f"{one['lesson']} {one['ours']}" for one in judged)
        told = ", ".join(f"{row} {by_id[row].verdict}" for row in rows)
        why = [f"{row}: {said}" for one in judged for row, said in one["unlike"].items()]
        boxes.append([CLAIMS[name], lessons, told, " ".join(why)])
    text = "\n".join(
        f"{said} Lessons: {lessons}. {f'{why} ' if why else ''}Rows: {told}"
        for said, lessons, told, why in boxes
    )
    head = ["card", "lessons", "rows", "why a row differs"]
    title = "The seven cards: what lessons say, and their rows"
    return Page(text, html_table(head, boxes, title, empty="all agree"))


def _cells(row: Row) -> list[str]:
    claim, parts = row.claim, len(row.parts)
    many = f'all of {parts} parts: rule("{claim.id}")'
    return [
        claim.id,
        row.verdict,
        f"{claim.text} {claim.source} ({claim.sure})",
        printed.found(row),
        many if parts > 1 else str(claim.rule),
        "; ".join(text for text in (printed.notes(claim), claim.caveat) if text),
    ]
