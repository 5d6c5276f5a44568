"""Yardsticks for text, and for what a language model still knows of its world.

No one of them is enough. At temperature 1 a dying model invents: its text grows *more* varied. A
cooled one repeats what is safe: its text grows *truer*. Those that look into the model
(`excess_cross_entropy`, `recall`) see both. Rows are token arrays (n, length) that begin with
<eos>; "alive" and "accuracy" are read off text alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from helpers._arguments import one_of, positive_int
from helpers.data.stories import FACTS, StoryGrammar

# Places in order of fame among a hundred people: the 20 best known, the next 30, the rest.
FAME: Mapping[str, slice] = {"head": slice(0, 20), "mid": slice(20, 50), "tail": slice(50, None)}


class LanguageModel(Protocol):
    """What these yardsticks ask of a model (`helpers.models.GPT` has it)."""

    def token_scores(self, data: Any) -> np.ndarray:
        """(n, length - 1) log-probabilities of the tokens after the first."""

    def score_samples(self, data: Any) -> np.ndarray:
        """(n,) mean log-likelihood a token."""

    def next_token_probabilities(self, prompts: Any) -> np.ndarray:
        """(n, vocabulary) probabilities of the next token."""


# ---------------------------------------------------------------------- inside the model


def excess_cross_entropy(model: LanguageModel, rows: np.ndarray, true_scores: np.ndarray) -> float:
    """How many nats a token the model loses to the truth on real text; 0 is perfect.

    true_scores: `grammar.token_log_probabilities(rows)`. An estimate of the Kullback-Leibler
    divergence: the entropy of the text itself cancels, token by token. Raises ValueError for
    true_scores of another shape, of text that the grammar cannot write, and for a model that
    answers NaN.
    """
    scores = _answered(model.token_scores(rows))
    if np.shape(true_scores) != scores.shape or not np.isfinite(true_scores).all():
        raise ValueError(
            f"true_scores must be the finite scores of these rows, shape {scores.shape}, got "
            f"shape {np.shape(true_scores)}"
        )
    return float((true_scores - scores).mean())


def recall(model: LanguageModel, grammar: StoryGrammar, fact: str = "city") -> np.ndarray:
    """(n_names,) probability that the model gives to the right fact, asked for it by name.

    After "<eos> Ada lives in" the right city, and so on; the most famous first.
    """
    one_of("fact", fact, tuple(FACTS))
    people = range(grammar.n_names)
    questions = [grammar.question(fact, name) for name in people]
    asked = _answered(model.next_token_probabilities(questions))
    if asked.shape != (grammar.n_names, len(grammar.words)):
        raise ValueError(
            f"the model must know the grammar's {len(grammar.words)} words, got probabilities of "
            f"shape {asked.shape} for {grammar.n_names} questions"
        )
    right = [grammar.tokens[word] for word in grammar.facts[fact]]
    return asked[np.arange(grammar.n_names), right]


def recall_by_fame(
    model: LanguageModel, grammar: StoryGrammar, fact: str = "city"
) -> dict[str, float]:
    """Mean `recall` of the well known ("head"), the next ("mid") and the rest ("tail").

    The fifth that is known best, the next three tenths and the other half, as `FAME` says it of a
    hundred people. ValueError for a world of fewer than 5, where one of the three would be empty.
    """
    if grammar.n_names < 5:
        raise ValueError(f"grammar must have at least 5 people to part, got {grammar.n_names}")
    known = recall(model, grammar, fact)
    head, half = round(0.2 * grammar.n_names), round(0.5 * grammar.n_names)
    parts = zip(FAME, np.split(known, [head, half]), strict=True)
    return {part: float(values.mean()) for part, values in parts}


def surprise(model: LanguageModel, rows: np.ndarray) -> np.ndarray:
    """(n,) mean negative log-likelihood (nats a token) of each row under `model`.

    exp(surprise) is the perplexity of a row. With the generation-0 model and the text of a later
    one this is the histogram of Shumailov et al. (Nature 2024, Fig. 1).
    """
    return -_answered(model.score_samples(rows))


# ---------------------------------------------------------------------- in the text


def distinct_ngrams(rows: np.ndarray, n: int) -> int:
    """How many different n-grams the rows hold, none across two rows."""
    positive_int("n", n)
    _text(rows)
    if rows.shape[1] < n:
        raise ValueError(f"rows must have at least n = {n} tokens, got {rows.shape[1]}")
    windows = np.lib.stride_tricks.sliding_window_view(rows, n, axis=1).reshape(-1, n)
    kinds = windows[:, 0]
    for place in range(1, n):  # number the n-grams by those one shorter and their last token
        shorter = np.unique(kinds, return_inverse=True)[1]
        kinds = shorter * (rows.max() + 1) + windows[:, place]
    return len(np.unique(kinds))


def names_alive(rows: np.ndarray, grammar: StoryGrammar) -> int:
    """How many of the names occur at all."""
    return len(
        set(np.unique(_text(rows)).tolist()) & {grammar.tokens[n] for n in grammar.slots["NAME"]}
    )


def fact_accuracy(rows: np.ndarray, grammar: StoryGrammar) -> float:
    """Share of the statements of fact that are right; NaN when the text makes none.

    A statement: a name, "lives in" and any word; a name, "likes" and any word; a job after "the",
    about the person whom the story began with.
    """
    right = _statements(_text(rows), grammar)
    return float(np.mean(right)) if len(right) else float("nan")


def mistakes_per_story(rows: np.ndarray, grammar: StoryGrammar) -> float:
    """Stories with something impossible in them, wrong facts included, as a share of all.

    At most one mistake a story counts: after the first the grammar is lost.
    """
    scores = grammar.token_log_probabilities(_text(rows))
    return float(np.isneginf(scores).sum() / (rows == 0).sum())


def _answered(values: np.ndarray) -> np.ndarray:
    """`values`; ValueError when one is NaN: what a broken model forgot is not known."""
    if np.isnan(values).any():
        raise ValueError("the model must answer with numbers, got NaN")
    return values


def _text(rows: np.ndarray) -> np.ndarray:
    """`rows`, tokens (n, length); TypeError for anything else, such as NaN among them."""
    if not isinstance(rows, np.ndarray) or not np.issubdtype(rows.dtype, np.integer):
        kind = rows.dtype if isinstance(rows, np.ndarray) else type(rows).__name__
        raise TypeError(f"rows must be an array of integers (n, length), got {kind}")
    if rows.ndim != 2 or rows.size == 0:
        raise ValueError(f"rows must have shape (n, length), got {rows.shape}")
    return rows


def _statements(rows: np.ndarray, grammar: StoryGrammar) -> np.ndarray:
    """Whether each statement of fact in the rows is right."""
    # Two columns in front, which say nothing: so every word has two before it, and one more.
    words = np.pad(rows, ((0, 0), (3, 0)), constant_values=-1)
    word, one, two, three = words[:, 3:], words[:, 2:-1], words[:, 1:-2], words[:, :-3]
    person = _places(grammar, "NAME")
    # Whom the story is about: the word behind the last <eos>, if it is a name.
    column = np.arange(rows.shape[1])
    begun = np.maximum.accumulate(np.where(one == 0, column, -1), axis=1)
    about = np.where(begun < 0, -1, person[np.take_along_axis(rows, begun.clip(0), axis=1)])
    likes, lives, into, the = (grammar.tokens[word] for word in ("likes", "lives", "in", "the"))
    stated = (
        ("food", np.where(one == likes, person[two], -1)),
        ("city", np.where((one == into) & (two == lives), person[three], -1)),
        ("job", np.where((one == the) & (_places(grammar, "JOB")[word] >= 0), about, -1)),
    )
    right = []
    for fact, who in stated:
        told = np.array([grammar.tokens[w] for w in grammar.facts[fact]])
        right.append(told[who[who >= 0]] == word[who >= 0])
    return np.concatenate(right)


def _places(grammar: StoryGrammar, slot: str) -> np.ndarray:
    """(vocabulary + 1,) the place of each token in its slot, -1 for what is not of it."""
    places = np.full(len(grammar.words) + 1, -1)  # the last is that of no word, -1
    for place, word in enumerate(grammar.slots[slot]):
        places[grammar.tokens[word]] = place
    return places
