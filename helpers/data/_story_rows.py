"""Many stories at once: what `StoryGrammar.step` and `advance` say, for all rows side by side.

A row stands at one of some twenty places of the grammar, about one person, after one verb. So a
hundred thousand rows go on by one word in twenty steps of NumPy, with the very numbers, and the
same use of each random draw, that a walk of one row would have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from helpers.data.story_words import END, FACTS, OPENING, SENTENCES

LOST = -1  # after a word that cannot stand there, until the next story begins


class World(Protocol):
    """What is asked of a `StoryGrammar`."""

    @property
    def continuation(self) -> float:
        """The chance that a story goes on after a sentence."""

    @property
    def slots(self) -> dict[str, list[str]]:
        """The words that may fill each slot."""

    @property
    def tokens(self) -> dict[str, int]:
        """The token of each word."""

    @property
    def facts(self) -> dict[str, list[str]]:
        """The right word for each name."""

    @property
    def name_probabilities(self) -> np.ndarray:
        """(n_names,)"""

    @property
    def noun_probabilities(self) -> np.ndarray:
        """(verbs, nouns)"""


@dataclass
class Walk:
    """Where `n` rows stand: place, person and last verb of each, -1 for none."""

    place: np.ndarray
    name: np.ndarray
    verb: np.ndarray


@dataclass(frozen=True)
class Choice:
    """What may come at one place.

    tokens: (1, options), everybody's, in ascending order; or, if `own`, (people, options).
    p: their probabilities (options,), or (verbs, options). after: (options,) the next place.
    keeps: "name" or "verb" where the option drawn is remembered as that.
    """

    tokens: np.ndarray
    p: np.ndarray
    after: np.ndarray
    keeps: str = ""
    own: bool = False

    def draw(self, walk: Walk, who: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """One token for each of `who`, by inverting the distribution function at `uniform`."""
        running = self.p.cumsum(axis=-1)
        if running.ndim == 1:
            at = running.searchsorted(uniform, side="right")
        else:
            at = (running[walk.verb[who]] <= uniform[:, None]).sum(axis=1)
        at = np.minimum(at, self.p.shape[-1] - 1)  # the sum may miss 1 by a last digit
        drawn = self.tokens[walk.name[who] if self.own else 0, at]
        self._go_on(walk, who, at)
        return drawn

    def score(self, walk: Walk, who: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The log-probability of each token; who wrote an impossible one is LOST."""
        if self.own:
            same = self.tokens[walk.name[who]] == tokens[:, None]
            at, known = same.argmax(axis=1), same.any(axis=1)
        else:
            options = self.tokens[0]
            at = options.searchsorted(tokens).clip(max=len(options) - 1)
            known = options[at] == tokens
        p = self.p[at] if self.p.ndim == 1 else self.p[walk.verb[who], at]
        self._go_on(walk, who, at)
        walk.place[who[~known]] = LOST
        return np.where(known, np.log(p), -np.inf)

    def _go_on(self, walk: Walk, who: np.ndarray, at: np.ndarray) -> None:
        walk.place[who] = self.after[at]
        if self.keeps:
            getattr(walk, self.keeps)[who] = at


class Rows:
    """The grammar of `world` as one `Choice` a place."""

    def __init__(self, world: World) -> None:
        spots = [(-1, i) for i in range(len(OPENING))] + [(0, 0)]
        spots += [(s, i) for s, (words, _) in enumerate(SENTENCES) for i in range(1, len(words))]
        number = {spot: place for place, spot in enumerate(spots)}
        self.choices = [
            _sentence_choice(world, number) if spot == (0, 0) else _word_choice(world, spot, number)
            for spot in spots
        ]

    def draw(self, uniform: np.ndarray) -> np.ndarray:
        """(n, length) rows of tokens from as many numbers in [0, 1); the first is not used."""
        rows = np.zeros(uniform.shape, dtype=np.int64)
        walk = _start(len(rows))
        for column in range(1, uniform.shape[1]):
            for choice, who in self._standing(walk):
                rows[who, column] = choice.draw(walk, who, uniform[who, column])
        return rows

    def score(self, rows: np.ndarray) -> np.ndarray:
        """(n, length - 1) log-probabilities; see `StoryGrammar.token_log_probabilities`."""
        scores = np.full((len(rows), rows.shape[1] - 1), np.nan)
        walk = _start(len(rows))
        for column in range(1, rows.shape[1]):
            for choice, who in self._standing(walk):
                scores[who, column - 1] = choice.score(walk, who, rows[who, column])
            walk.place[rows[:, column] == 0] = 0  # a story has ended: the next begins
        return scores

    def _standing(self, walk: Walk) -> list[tuple[Choice, np.ndarray]]:
        """The choices that rows stand at now, with those rows."""
        there = np.flatnonzero(np.bincount(walk.place[walk.place != LOST]))
        return [(self.choices[place], np.flatnonzero(walk.place == place)) for place in there]


def _start(n: int) -> Walk:
    return Walk(np.zeros(n, dtype=np.int64), np.full(n, -1), np.full(n, -1))


def _sentence_choice(world: World, number: dict[tuple[int, int], int]) -> Choice:
    """A sentence by its first word, which may be the person's own name, or the end."""
    people = [world.tokens[name] for name in world.slots["NAME"]]
    starts = [
        people if words[0] == "NAME" else [world.tokens[words[0]]] * len(people)
        for words, _ in SENTENCES
    ]
    tokens = np.array([*starts, [world.tokens[END]] * len(people)]).T
    p = [world.continuation * share for _, share in SENTENCES] + [1 - world.continuation]
    after = [number[s, 1] for s in range(len(SENTENCES))] + [0]
    return Choice(tokens, np.array(p), np.array(after), own=True)


def _word_choice(world: World, spot: tuple[int, int], number: dict[tuple[int, int], int]) -> Choice:
    """The word at a place inside a sentence."""
    sentence, position = spot
    words = OPENING if sentence < 0 else SENTENCES[sentence][0]
    slot, after = words[position], number.get((sentence, position + 1), number[0, 0])
    opening = spot == (-1, 0)
    told = {kind: world.facts[fact] for fact, kind in FACTS.items()}
    told |= {} if opening else {"NAME": world.slots["NAME"]}
    if slot in told:  # certain, and each person's own
        tokens = np.array([[world.tokens[word]] for word in told[slot]])
    else:
        tokens = np.array([[world.tokens[word] for word in world.slots.get(slot, [slot])]])
    options = tokens.shape[1]
    p = np.full(options, 1 / options)
    if opening:
        p = world.name_probabilities
    elif slot == "NOUN":
        p = world.noun_probabilities
    keeps = "name" if opening else "verb" if slot == "VERB" else ""
    return Choice(tokens, p, np.full(options, after), keeps, own=slot in told)
