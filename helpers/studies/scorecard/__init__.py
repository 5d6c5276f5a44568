"""The scorecard: every sentence of the news article, and what papers claim, with a verdict.

`rules` has the words of the verdicts and the kinds of rule, `readings` the formulas that they hold
numbers against, `live` two runs of a second, `printed` the lines. The claims stand in `article`,
`laws`, `images`, `language` and `checks`, with their rules; those of studies that are not recorded
were written and committed before the studies ran, and the history proves it; those of
`noisy_verifier`, `verified_loop` and `mixture` while they ran, unseen. All others were written by
somebody who had read the lessons, from the papers' words.

What keeps a verdict honest:

- the whole interval must lie in one zone of its rule, and an effect must be of some size;
- effects of one study are corrected for being many (Holm), each formula counted once;
- five seeds are the fewest, and of fewer than twenty none may decide alone: a verdict that changes
  when one of them is left out is open, and says how many seeds it needs;
- contradicted is kept for the claim's own conditions; where they are not met it is reversed here;
- a row that rests on the numbers of another says so and is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from helpers.studies.paired import holm
from helpers.studies.scorecard import readings
from helpers.studies.scorecard.article import ARTICLE
from helpers.studies.scorecard.checks import CHECKS
from helpers.studies.scorecard.images import IMAGES
from helpers.studies.scorecard.language import LANGUAGE
from helpers.studies.scorecard.laws import LAWS
from helpers.studies.scorecard.rules import (
    LEVEL,
    OPEN,
    REPRODUCED,
    VERDICTS,
    Claim,
    Found,
    Rule,
    Sign,
    Value,
)

FEWEST = 5  # seeds: an interval from fewer has less than four degrees of freedom
FEW = 20  # seeds: with fewer, leaving out one must not change a verdict
MANY = 1000  # seeds: the largest number that is said to be needed
CLAIMS: tuple[Claim, ...] = (
    *ARTICLE,
    *sorted(LAWS + IMAGES + LANGUAGE + CHECKS, key=lambda one: one.id),
)

# The claim cards of the lessons (`helpers.teaching.matrix.CLAIMS`), each with its rows here.
CARDS: dict[str, tuple[str, ...]] = {
    "tails-first": ("P04",),
    "variance-next": ("P01", "P05"),
    "any-architecture": ("F05",),
    "overfitting": ("F22", "F23"),
    "bulwark": ("F07", "F14"),
    "negligible-risk": ("F08", "P13"),
    "execution": ("F10", "F11a", "F29"),
}


@dataclass(frozen=True)
class Part:
    """One rule, decided.

    found: None when there is nothing to read; that of a `Value` is in units of its target. scale:
    what these units are, 1 for all other rules. why: of what is open.
    """

    rule: Rule
    word: str
    found: Found | None
    why: str = ""
    scale: float = 1


@dataclass(frozen=True)
class Row:
    """One claim, decided, with its parts in their order."""

    claim: Claim
    verdict: str
    parts: tuple[Part, ...]

    @property
    def share(self) -> str:
        """How many parts hold, '3 of 13 parts'; '' for a claim of one part or none."""
        holding = sum(part.word == REPRODUCED for part in self.parts)
        return f"{holding} of {len(self.parts)} parts" if len(self.parts) > 1 else ""

    @property
    def why(self) -> str:
        """Why it is open: the studies that lack, the seeds that are needed; '' otherwise."""
        if self.verdict != OPEN:
            return ""
        return "; ".join(dict.fromkeys(part.why for part in self.parts if part.why))


def judge(claims: Iterable[Claim] = CLAIMS, tables: readings.Tables | None = None) -> list[Row]:
    """Every claim with its verdict, in the order given; from the recorded tables by default.

    ValueError for a formula that cannot be read; a table that lacks leaves its rows open.
    """
    claims = list(claims)
    tables = readings.Tables() if tables is None else tables
    rules = list(dict.fromkeys(rule for claim in claims for rule in claim.parts))
    samples: dict[Rule, np.ndarray | float] = {}
    lacking: dict[Rule, str] = {}
    for rule in rules:
        try:
            samples[rule] = readings.sample(rule, tables)
        except readings.NotRecordedError as error:
            lacking[rule] = str(error)
    factors = _many(samples)
    parts = {
        rule: replace(
            _decided(rule, values, factors[rule]),
            scale=readings.target(rule, tables) if isinstance(rule, Value) else 1,
        )
        for rule, values in samples.items()
    }
    parts |= {rule: Part(rule, OPEN, None, why) for rule, why in lacking.items()}
    return [
        Row(
            claim,
            claim.verdict([parts[rule].word for rule in claim.parts]),
            tuple(parts[rule] for rule in claim.parts),
        )
        for claim in claims
    ]


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows have each verdict, those that repeat others left out."""
    return {
        word: sum(row.verdict == word and not row.claim.repeats for row in rows)
        for word in VERDICTS
    }


# --- details -----------------------------------------------------------------------------------


def _many(samples: dict[Rule, np.ndarray | float]) -> dict[Rule, float]:
    """By how much the p of each effect is raised: Holm, for the formulas of one study."""
    effects: dict[str, dict[str, float]] = {}
    for rule, values in samples.items():
        if isinstance(rule, Sign) and isinstance(values, np.ndarray):
            effects.setdefault(rule.study, {})[rule.formula] = readings.measure(values).p
    raised = {
        (study, formula): corrected / p if p else 1
        for study, found in effects.items()
        for (formula, p), corrected in zip(
            found.items(), holm(np.array(list(found.values()))), strict=True
        )
    }
    return {rule: raised.get((rule.study, rule.formula), 1) for rule in samples}


def _decided(rule: Rule, values: np.ndarray | float, factor: float) -> Part:
    """A rule on its numbers; factor: by how much its p is raised."""
    found = _raised(readings.measure(values, rule.median), factor)
    if isinstance(values, float):
        return Part(rule, rule.word(found) or OPEN, found)
    if found.seeds < FEWEST:
        return Part(rule, OPEN, found, f"{FEWEST} seeds needed")
    word = rule.word(found)
    if word is None:
        needed = _seeds_needed(rule, found, factor)
        how_many = f"about {needed}" if needed <= MANY else f"over {MANY}"
        return Part(rule, OPEN, found, f"{how_many} seeds needed")
    fewer = _without_one(values, rule.median) if found.seeds < FEW else ()
    if any(rule.word(_raised(one, factor)) != word for one in fewer):
        return Part(rule, OPEN, found, f"hangs on one seed, {FEW} seeds needed")
    return Part(rule, word, found)


def _raised(found: Found, factor: float) -> Found:
    return replace(found, p=min(1.0, found.p * factor))


def _seeds_needed(rule: Rule, found: Found, factor: float) -> int:
    """With how many seeds an interval round the same value would lie in one zone, about."""
    half, room = (found.high - found.low) / 2, rule.room(found.value)
    if isinstance(rule, Sign) and abs(found.value) >= rule.least:
        # The interval that belongs to the corrected p is wider.
        ends = [stats.t.ppf(1 - level / 2, found.seeds - 1) for level in (LEVEL / factor, LEVEL)]
        half *= ends[0] / ends[1]
    if room <= half / math.sqrt(MANY):
        return MANY + 1
    return max(found.seeds + 1, math.ceil(found.seeds * (half / room) ** 2))


def _without_one(values: np.ndarray, median: bool) -> Iterator[Found]:
    """What would have been found without each of the seeds in turn."""
    n = len(values) - 1
    if median:
        yield from (readings.measure(np.delete(values, i), median) for i in range(n + 1))
        return
    centred = values - values.mean()  # so that the sums below lose no digits
    mean = -centred / n
    spread = np.sqrt(np.maximum((centred**2).sum() - centred**2 - n * mean**2, 0) / (n - 1) / n)
    mean += values.mean()
    half = stats.t.ppf(0.975, n - 1) * spread
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.nan_to_num(2 * stats.t.sf(np.abs(mean) / spread, n - 1), nan=1.0)
    for i in range(n + 1):
        yield Found(mean[i], mean[i] - half[i], mean[i] + half[i], p[i], n)
