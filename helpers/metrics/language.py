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

# Places in order of fame: the 20 best known, the next 30, the rest.
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
    """Mean `recall` of the well known ("head"), the next ("mid") and the rest ("tail")."""
    known = recall(model, grammar, fact)
    return {part: float(known[places].mean()) for part, places in FAME.items()}


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
    right = [ok for row in _text(rows).tolist() for ok in _statements(row, grammar)]
    return float(np.mean(right)) if right else float("nan")


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


def _statements(row: list[int], grammar: StoryGrammar) -> list[bool]:
    """Whether each statement of fact in a row is right."""
    words = [grammar.words[token] for token in row]
    places = {name: i for i, name in enumerate(grammar.slots["NAME"])}
    jobs = set(grammar.slots["JOB"])
    right, person = [], None
    for i in range(1, len(words)):
        previous, word = words[i - 1], words[i]
        if previous == "<eos>":
            person = places.get(word)
        speaker = places.get(words[i - 2]) if i >= 2 else None
        if previous == "likes" and speaker is not None:
            right.append(grammar.facts["food"][speaker] == word)
        elif i >= 3 and words[i - 2 : i] == ["lives", "in"] and words[i - 3] in places:
            right.append(grammar.facts["city"][places[words[i - 3]]] == word)
        elif previous == "the" and word in jobs and person is not None:
            right.append(grammar.facts["job"][person] == word)
    return right
