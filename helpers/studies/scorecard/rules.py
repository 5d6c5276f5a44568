"""The kinds of rule by which a claim is judged: what is printed is what is executed.

A rule is a frozen record: a formula (`readings`), the numbers of the rule, and `word`, which reads
them. The line of all values is cut into zones, each with a verdict, and the whole 95 % interval
must lie in one zone: a wide interval decides nothing, so few seeds are never rewarded.

    reproduced     what the claim says was found
    partly         the direction, not the size; or some parts of several
    not here       tested well enough, and no effect that counts: not the same as "false"
    contradicted   the opposite was found, under the claim's own conditions
    reversed here  the opposite was found, under other conditions than the claim's
    open           the study is not recorded, or has too few seeds: the row says which, and how many
    not testable   a definition, a report about people, a forecast, or too large for a course
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

REPRODUCED, PARTLY, NOT_HERE = "reproduced", "partly", "not here"
CONTRADICTED, REVERSED = "contradicted", "reversed here"
OPEN, UNTESTABLE = "open", "not testable"
# In the order in which they are printed: what a reader should see first comes first.
VERDICTS = (CONTRADICTED, REVERSED, NOT_HERE, PARTLY, REPRODUCED, OPEN, UNTESTABLE)
LEVEL = 0.05  # of p, after the correction by Holm for the rules of one study


@dataclass(frozen=True)
class Found:
    """What a formula gave: a mean or median over `seeds` seeds, its 95 % interval, p of zero.

    A law, or a count that its study made over all seeds, has seeds 0 and low = value = high.
    """

    value: float
    low: float
    high: float
    p: float = math.nan
    seeds: int = 0

    def within(self, low: float, high: float) -> bool:
        """Whether the whole interval lies between the two, ends included."""
        return low <= self.low and self.high <= high

    def outside(self, low: float, high: float) -> bool:
        """Whether no value of the interval lies between the two."""
        return self.high < low or high < self.low


@dataclass(frozen=True)
class Rule:
    """One formula against numbers. study: the recorded study that its bare arms belong to.

    median: judge the median over seeds, not the mean.
    """

    study: str
    formula: str
    median: bool = field(default=False, kw_only=True)

    @property
    def can(self) -> tuple[str, ...]:
        """The verdicts that it can return, besides open."""
        return (REPRODUCED, CONTRADICTED)

    def word(self, found: Found) -> str | None:
        """The verdict of the zone in which the interval lies; None when it lies in several."""
        raise NotImplementedError

    def room(self, value: float) -> float:
        """How far the ends of an interval round `value` may lie from it for the rule to decide."""
        raise NotImplementedError

    def said(self) -> str:
        """The rule in words, after the formula: 'is above 0, by .02 at least'."""
        raise NotImplementedError

    def __str__(self) -> str:
        source = f"{self.study}: " if self.study else ""
        kind = "median of " if self.median else ""
        return f"{source}{kind}{self.formula} {self.said()}"


@dataclass(frozen=True)
class Sign(Rule):
    """An effect: the mean differs from zero (p, corrected by Holm) and is `least` at least.

    Not here: the whole interval is smaller than `least`, on either side of zero.
    """

    least: float

    @property
    def can(self) -> tuple[str, ...]:
        return (REPRODUCED, NOT_HERE, CONTRADICTED)

    def word(self, found: Found) -> str | None:
        if -self.least < found.low and found.high < self.least:
            return NOT_HERE
        if not found.p < LEVEL or abs(found.value) < self.least:
            return None
        return REPRODUCED if found.value > 0 else CONTRADICTED

    def room(self, value: float) -> float:
        size = abs(value)
        return size if size >= self.least else self.least - size

    def said(self) -> str:
        return f"is above 0, by {self.least:g} at least"


@dataclass(frozen=True)
class Value(Rule):
    """A published number or a law, `target`: the interval lies within a share of it.

    Partly: outside of that, but within a factor of two. Beyond it: contradicted.
    """

    target: str
    share: float

    @property
    def can(self) -> tuple[str, ...]:
        return (REPRODUCED, PARTLY, CONTRADICTED)

    # Judged as a ratio to the target, so that its sign and size do not matter: see `readings`.
    def word(self, found: Found) -> str | None:
        if found.within(1 - self.share, 1 + self.share):
            return REPRODUCED
        if found.outside(0.5, 2):
            return CONTRADICTED
        near = found.outside(1 - self.share, 1 + self.share) and found.within(0.5, 2)
        return PARTLY if near else None

    def room(self, value: float) -> float:
        borders = (0.5, 1 - self.share, 1 + self.share, 2)
        return min(abs(value - border) for border in borders)

    def said(self) -> str:
        return f"is {self.target}, within {self.share:.0%}"


@dataclass(frozen=True)
class Bound(Rule):
    """At most `most`. With `partly`, at most so much is partly; beyond: contradicted."""

    most: float
    partly: float | None = None

    @property
    def can(self) -> tuple[str, ...]:
        middle = () if self.partly is None else (PARTLY,)
        return (REPRODUCED, *middle, CONTRADICTED)

    def word(self, found: Found) -> str | None:
        second = self.most if self.partly is None else self.partly
        if found.high <= self.most:
            return REPRODUCED
        if found.low > second:
            return CONTRADICTED
        return PARTLY if found.low > self.most and found.high <= second else None

    def room(self, value: float) -> float:
        borders = [self.most] if self.partly is None else [self.most, self.partly]
        return min(abs(value - border) for border in borders)

    def said(self) -> str:
        more = "" if self.partly is None else f" (partly: {self.partly:g})"
        return f"is at most {self.most:g}{more}"


@dataclass(frozen=True)
class Null(Rule):
    """A claim of no effect: the whole interval is smaller than `width`, on either side of zero."""

    width: float

    def word(self, found: Found) -> str | None:
        if found.within(-self.width, self.width):
            return REPRODUCED
        return CONTRADICTED if found.outside(-self.width, self.width) else None

    def room(self, value: float) -> float:
        return abs(abs(value) - self.width)

    def said(self) -> str:
        return f"is 0, within {self.width:g}"


@dataclass(frozen=True)
class AllOf:
    """Several rules, all of which the claim needs. It is printed how many of them hold."""

    parts: tuple[Rule, ...]

    def word(self, words: Sequence[str]) -> str:
        """The verdict from those of the parts; what is open leaves open only what it can change."""
        said = set(words) - {OPEN}
        if (REPRODUCED in said and len(said) > 1) or PARTLY in said:
            return PARTLY  # whatever the open parts will say
        if OPEN in words:
            return OPEN
        if said == {REPRODUCED}:
            return REPRODUCED
        return CONTRADICTED if CONTRADICTED in said else NOT_HERE

    def __str__(self) -> str:
        return "; ".join(["all of", *(str(part) for part in self.parts)])


@dataclass(frozen=True)
class NotTestable:
    """No rule decides it here. why: what kind of sentence it is."""

    why: str

    def __str__(self) -> str:
        return f"none: {self.why}"


@dataclass(frozen=True)
class Claim:
    """One sentence of the article or of a paper, and how it is judged.

    id: F.. news article, P.. papers; a letter behind the number is a part of one sentence. text: in
    our words. source: sentence of the article, or the paper and the place in it. sure: how well we
    know that the source says so, a letter of the papers' list (V read word for word, C from the
    authors' code or data, S second hand, A abstract only, D derived). lessons: where it is met.
    caveat: what limits the verdict, and what would change our mind.
    exists: the sentence says that something can happen, so that not finding it contradicts nothing.
    unmet: which of the claim's conditions do not hold here; "" when they all do.
    repeats: id of another row that rests on the same numbers; such a row is not counted.
    """

    id: str
    text: str
    source: str
    sure: str
    lessons: tuple[str, ...]
    rule: Rule | AllOf | NotTestable
    caveat: str
    exists: bool = False
    unmet: str = ""
    repeats: str = ""

    @property
    def parts(self) -> tuple[Rule, ...]:
        """The rules that must be decided: one, several, or none."""
        if isinstance(self.rule, AllOf):
            return self.rule.parts
        return (self.rule,) if isinstance(self.rule, Rule) else ()

    def verdict(self, words: Sequence[str]) -> str:
        """The verdict from the words of `parts`, in their order."""
        if isinstance(self.rule, NotTestable):
            return UNTESTABLE
        word = self.rule.word(words) if isinstance(self.rule, AllOf) else words[0]
        if word == CONTRADICTED and self.exists:
            return NOT_HERE
        return REVERSED if word == CONTRADICTED and self.unmet else word
