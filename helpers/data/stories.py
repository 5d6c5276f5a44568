"""A small world whose truth is known: stories about 100 people, from a grammar with probabilities.

People differ in fame (Zipf: the k-th is k times rarer than the first) and each has three facts, a
city, a job and a favourite food, that never change. So three things that real text hides are
exact here: the probability of every token, the entropy no model can beat, and which rare facts a
model still knows. The stories are not meant to be read for long. `StoryGrammar(5_000, 200)` is the
same world at the size of a small town, whose further words are made from syllables.

A story: "Ada lives in Oslo . the baker paints a red boat . then Ada hides the key again . <eos>"
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from helpers._arguments import generator, positive_int, real_number
from helpers.data import _story_rows
from helpers.data.story_words import (
    ADJECTIVES,
    ADVERBS,
    END,
    FACTS,
    LITERALS,
    MOST_NAMES,
    MOST_VALUES,
    NOUNS,
    OPENING,
    SENTENCES,
    VERBS,
    words_of,
)


class State(NamedTuple):
    """Where a story stands: what comes next is the word at `position` of `sentence`.

    sentence -1 is the opening; at position 0 after it a sentence, or the end, is chosen. name is
    the person the story is about and verb the last verb, as places in the lists; -1: none yet.
    """

    sentence: int = -1
    position: int = 0
    name: int = -1
    verb: int = -1


@dataclass(frozen=True)
class StoryGrammar:
    """The world and its grammar.

    n_names, n_values: people (at most 100,000), and how many cities (jobs, foods) there are (at
    most 1,000). continuation: the probability that a story goes on after a sentence. seed: of the
    facts, and of which things each verb prefers. The same arguments always give the same world.
    """

    n_names: int = 100
    n_values: int = 20
    continuation: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, most in (
            ("n_names", self.n_names, MOST_NAMES),
            ("n_values", self.n_values, MOST_VALUES),
        ):
            if positive_int(name, value) > most:
                raise ValueError(f"{name} must be at most {most}, got {value}")
        real_number("continuation", self.continuation, low=0.0, high=0.99)

    # ------------------------------------------------------------------ the world

    @cached_property
    def slots(self) -> dict[str, list[str]]:
        """The words that may fill each slot."""
        n = self.n_values
        return {
            "NAME": words_of("NAME", self.n_names),
            "CITY": words_of("CITY", n),
            "JOB": words_of("JOB", n),
            "FOOD": words_of("FOOD", n),
            "VERB": VERBS,
            "NOUN": NOUNS,
            "ADJECTIVE": ADJECTIVES,
            "ADVERB": ADVERBS,
        }

    @cached_property
    def words(self) -> list[str]:
        """The vocabulary: the token of a word is its place here, and 0 ends a story."""
        return [END, *LITERALS, *(word for words in self.slots.values() for word in words)]

    @cached_property
    def tokens(self) -> dict[str, int]:
        """The token of each word."""
        return {word: token for token, word in enumerate(self.words)}

    @cached_property
    def facts(self) -> dict[str, list[str]]:
        """For "city", "job" and "food": the right word for each name, in order of fame."""
        rng = np.random.default_rng(self.seed)
        return {
            fact: [self.slots[slot][i] for i in rng.integers(self.n_values, size=self.n_names)]
            for fact, slot in FACTS.items()
        }

    @cached_property
    def name_probabilities(self) -> np.ndarray:
        """(n_names,) chance that a story is about each: Zipf with exponent 1."""
        return _zipf(self.n_names)

    @cached_property
    def noun_probabilities(self) -> np.ndarray:
        """(verbs, nouns): each verb has its own order of the nouns, with Zipf's law."""
        rng = np.random.default_rng([self.seed, 1])
        return np.stack([rng.permutation(_zipf(len(NOUNS))) for _ in VERBS])

    # ------------------------------------------------------------------ the grammar

    def step(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Which tokens may come next, and their probabilities: everything else has none."""
        return _step(self, state)

    def advance(self, state: State, token: int) -> State:
        """The state after `token`, which must be one that `step` allows."""
        if token == 0:
            return State()
        sentence, position, name, verb = state
        words = self._sentence(state)
        if words is None:  # a sentence has been chosen by its first word
            word = self.words[token]
            starts = [s[0] if s[0] != "NAME" else self.slots["NAME"][name] for s, _ in SENTENCES]
            return State(starts.index(word), 1, name, verb)
        slot = words[position]
        if slot == "NAME" and name < 0:
            name = self.slots["NAME"].index(self.words[token])
        elif slot == "VERB":
            verb = self.slots["VERB"].index(self.words[token])
        if position + 1 == len(words):
            return State(0, 0, name)
        return State(sentence, position + 1, name, verb)

    def sample(self, n: int, length: int, rng: np.random.Generator) -> np.ndarray:
        """(n, length) rows: each begins with <eos>, then stories, cut off at the end."""
        positive_int("n", n)
        positive_int("length", length)
        uniform = generator("rng", rng).random((n, length))
        return self._rows.draw(uniform)

    def token_log_probabilities(self, rows: np.ndarray) -> np.ndarray:
        """(n, length - 1) exact log-probability (nats) of every token after the first <eos>.

        -inf for a word that cannot stand there, NaN from there on to the next <eos>: after a
        mistake there is no telling which sentence this is. Rows must begin with <eos>.
        """
        if (rows[:, 0] != 0).any():
            raise ValueError("rows must begin with token 0, <eos>")
        return self._rows.score(rows)

    @cached_property
    def _rows(self) -> _story_rows.Rows:
        """`step` and `advance` for many rows at once."""
        return _story_rows.Rows(self)

    @cached_property
    def entropy_rate(self) -> float:
        """Entropy in nats a token of endless text: that of a story over its mean length.

        The loss of the best possible model of long text. Rows that begin with a story are a
        little richer in openings; `excess_cross_entropy` compares on the very same tokens.
        """
        more = self.continuation / (1 - self.continuation)  # sentences after the opening
        shares = np.array([share for _, share in SENTENCES])
        lengths = np.array([len(words) for words, _ in SENTENCES])
        noun = np.mean([_entropy(p) for p in self.noun_probabilities])
        within = [
            0.0,
            np.log(len(VERBS)) + np.log(len(ADJECTIVES)) + noun,
            np.log(len(VERBS)) + noun + np.log(len(ADVERBS)),
        ]
        stop = np.array([self.continuation, 1 - self.continuation])
        entropy = _entropy(self.name_probabilities)
        entropy += more * (_entropy(shares) + shares @ within) + (more + 1) * _entropy(stop)
        return float(entropy / (len(OPENING) + more * (shares @ lengths) + 1))

    def encode(self, text: str) -> list[int]:
        """Tokens of words separated by blanks; ValueError for a word the world does not know."""
        unknown = [word for word in text.split() if word not in self.tokens]
        if unknown:
            raise ValueError(f"text must hold words of the grammar, got {unknown[0]!r}")
        return [self.tokens[word] for word in text.split()]

    def decode(self, tokens: np.ndarray | list[int]) -> str:
        """The words, separated by blanks."""
        return " ".join(self.words[token] for token in tokens)

    def question(self, fact: str, name: int) -> list[int]:
        """The words before the fact is told: "<eos> Ada lives in" for "city" and name 0."""
        person, city = self.slots["NAME"][name], self.facts["city"][name]
        opening = f"{END} {person} lives in"
        asked = {
            "city": opening,
            "job": f"{opening} {city} . the",
            "food": f"{opening} {city} . {person} likes",
        }
        return self.encode(asked[fact])

    def _sentence(self, state: State) -> list[str] | None:
        """The sentence that is being told, or None where one is about to be chosen."""
        if state.sentence < 0:
            return OPENING
        return SENTENCES[state.sentence][0] if state.position > 0 else None


@lru_cache(maxsize=100_000)
def _step(grammar: StoryGrammar, state: State) -> tuple[np.ndarray, np.ndarray]:
    slots, token = grammar.slots, grammar.tokens
    words = grammar._sentence(state)
    if words is None:
        starts = [slots["NAME"][state.name] if s[0] == "NAME" else s[0] for s, _ in SENTENCES]
        choices = {
            word: grammar.continuation * share
            for word, (_, share) in zip(starts, SENTENCES, strict=True)
        }
        choices[END] = 1 - grammar.continuation
    else:
        slot = words[state.position]
        known = {s: grammar.facts[fact][state.name] for fact, s in FACTS.items()}
        known["NAME"] = slots["NAME"][state.name]
        if slot not in slots:
            choices = {slot: 1.0}
        elif slot in known and state.name >= 0:
            choices = {known[slot]: 1.0}
        elif slot == "NAME":
            choices = dict(zip(slots[slot], grammar.name_probabilities, strict=True))
        elif slot == "NOUN":
            choices = dict(zip(slots[slot], grammar.noun_probabilities[state.verb], strict=True))
        else:
            choices = dict.fromkeys(slots[slot], 1 / len(slots[slot]))
    tokens = np.array([token[word] for word in choices])
    return tokens, np.array(list(choices.values()))


def _zipf(n: int) -> np.ndarray:
    weights = 1 / np.arange(1, n + 1)
    return weights / weights.sum()


def _entropy(p: np.ndarray) -> float:
    return float(-(p * np.log(p)).sum())
