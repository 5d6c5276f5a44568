"""The learner's verdicts on the claim cards beside the course's: where they differ comes first.

The course has two voices. A lesson judges the claim from its own runs, and the last lesson that
does so is compared. The rows of the scorecard judge narrower sentences by a rule each, as they were
when the course was built; where a row has another word than the lesson, the lesson says why. To
differ is no mistake: it says what to read again.
"""

from __future__ import annotations

from dataclasses import dataclass

from helpers.teaching._forms import Markup, Page, escape, html_table, link
from helpers.teaching._lessons import card, told
from helpers.teaching._store import store
from helpers.teaching.matrix import CLAIMS, today

HEAD = ("claim", "you", "the course", "lesson", "rows of the scorecard", "why")
# Verdict -> where on the page of the scorecard its rows stand. These words are those of
# helpers.studies.scorecard.rules, which is not imported: it loads every study.
SECTIONS = {
    **dict.fromkeys(("contradicted", "reversed here", "not here"), "Not-borne-out"),
    "partly": "Partly",
    "reproduced": "Reproduced",
    "open": "Open",
    "not testable": "Not-testable-here",
}


@dataclass(frozen=True)
class Compared:
    """One claim that the learner has judged.

    yours, because: the learner's verdict and reason, '' without one. ours, why: the verdict of the
    last lesson that judges the claim, and its reason. rows: row of the scorecard -> its verdict;
    unlike: row with another verdict than the lesson's -> what makes the difference.
    """

    text: str
    yours: str
    because: str
    ours: str
    why: str
    lesson: str
    rows: dict[str, str]
    unlike: dict[str, str]

    @property
    def agrees(self) -> bool:
        """Whether the learner's verdict is the lesson's."""
        return self.yours == self.ours

    @property
    def reasons(self) -> str:
        """Why the course says so, and why a row does not."""
        return " ".join([self.why, *(f"{row}: {text}" for row, text in self.unlike.items())])


def compared() -> list[Compared]:
    """Every claim that the learner has judged and a lesson judges, those that differ first."""
    filled = store().read()["claims"]
    found = []
    for name, text in CLAIMS.items():
        judged = card(name)["judged"]
        if name in filled and judged:
            mine, last = filled[name], judged[-1]
            found.append(
                Compared(
                    text, today(mine["status"]), mine.get("because", ""), last["ours"],
                    last["because"], last["lesson"], card(name)["rows"], last["unlike"],
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: one.agrees)


def compare_claims() -> Page:
    """The learner's verdicts on claims beside the course's, with links to lesson and scorecard.

    Nothing is scored or changed. The links are for a cell of a lesson: they start where it lies.
    """
    found = compared()
    if not found:
        said = "You have judged no claim yet."
        return Page(said, f"<p>{escape(said)}</p>")
    said = summed(found)
    lines = [said]
    for one in found:
        lines += [f"{'agreed' if one.agrees else 'DIFFER'}: {one.text}", f"  you: {_yours(one)}"]
        rows = ", ".join(f"{row} {word}" for row, word in one.rows.items())
        lines.append(f"  lesson {one.lesson}: {one.ours}. {one.reasons} Rows: {rows}.")
    cells = [
        [one.text, _yours(one), one.ours, _lesson(one.lesson), _rows(one), one.reasons]
        for one in found
    ]
    return Page("\n".join(lines), html_table(list(HEAD), cells, said))


def summed(found: list[Compared]) -> str:
    """On how many claims the two differ, in a sentence."""
    differ = sum(not one.agrees for one in found)
    judged = f"You have judged {len(found)} of {len(CLAIMS)} claims"
    return f"{judged}, and the course differs on {differ} of them."


def _yours(one: Compared) -> str:
    return f"{one.yours}: {one.because}" if one.because else one.yours


def _lesson(number: str) -> Markup:
    return link(number, f"{told()['lessons'][number]}.ipynb")


def _rows(one: Compared) -> Markup:
    return Markup(
        ", ".join(
            link(f"{row} {word}", f"scorecard.ipynb#{SECTIONS[word]}")
            for row, word in one.rows.items()
        )
    )
