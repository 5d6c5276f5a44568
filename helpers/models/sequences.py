"""Token sequences as a language model takes them: checked, padded, and put into batches.

Three kinds of data: an integer array (n, length) of rows; a list of sequences of any lengths; a
list of `Record`, where only the completion counts in the loss. Tokens are integers from 0. This
module neither learns nor makes tokens out of text (see `helpers.models.tokenizers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

NOT_SCORED = -100  # torch's own label for a position without a target
POOL_BATCHES = 16  # batches are made of sequences of like length, out of pools of this many


class Record(NamedTuple):
    """A prompt and how it goes on. A model learns, and is scored on, the completion alone."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Padded:
    """Sequences side by side, padded on the right (after a sequence nothing is scored).

    kind: "rows", "sequences" or "records", whatever they came as. lengths (n,).
    inputs (n, longest - 1): every token but the last. targets, same shape: the token after each
    input, or NOT_SCORED.
    """

    kind: str
    inputs: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray


def pad(data: Any, vocabulary_size: int, context: int) -> Padded:
    """Check `data` and pad it.

    Raises TypeError for anything that is not one of the three kinds, ValueError for an empty
    corpus, a sequence with nothing to predict or longer than the context (`context` inputs and
    one last target), and a token outside the vocabulary.
    """
    if isinstance(data, np.ndarray) and data.ndim != 2:
        raise ValueError(f"data must have shape (n, length) if it is an array, got {data.shape}")
    if not isinstance(data, (np.ndarray, list)):
        raise TypeError(
            "data must be an integer array (n, length), a list of sequences or a list of Record, "
            f"got {type(data).__name__}"
        )
    if len(data) == 0:
        raise ValueError("data must hold at least one sequence, got an empty corpus")
    kind = "rows" if isinstance(data, np.ndarray) else "sequences"
    first = np.ones(len(data), dtype=np.int64)  # the first token of a sequence is only read
    if any(isinstance(item, Record) for item in data):
        if not all(isinstance(item, Record) for item in data):
            raise TypeError("data must not mix Record with plain sequences")
        kind = "records"
        first = np.array([len(item.prompt) for item in data])
        if first.min() == 0 or any(len(item.completion) == 0 for item in data):
            raise ValueError("data must hold records with at least one token in either part")
        data = [item.prompt + item.completion for item in data]
    sequences = check_tokens("data", data, vocabulary_size)
    lengths = np.array([len(sequence) for sequence in sequences])
    if lengths.min() < 2:
        raise ValueError(f"data must hold sequences of at least 2 tokens, got {lengths.min()}")
    if lengths.max() > context + 1:
        raise ValueError(
            f"data must hold sequences of at most {context + 1} tokens "
            f"(a context of {context} and one to predict), got {lengths.max()}"
        )
    tokens = np.zeros((len(sequences), lengths.max()), dtype=np.int64)
    for row, sequence in zip(tokens, sequences, strict=True):
        row[: len(sequence)] = sequence
    position = np.arange(1, lengths.max())
    scored = (position >= first[:, None]) & (position < lengths[:, None])
    return Padded(kind, tokens[:, :-1], np.where(scored, tokens[:, 1:], NOT_SCORED), lengths)


def check_tokens(
    name: str, sequences: Sequence[Sequence[int]] | np.ndarray, vocabulary_size: int
) -> list[np.ndarray]:
    """`sequences` as integer arrays; an error where one holds anything but known tokens."""
    arrays = [np.asarray(sequence) for sequence in sequences]
    for i, array in enumerate(arrays):
        if array.ndim != 1 or not (np.issubdtype(array.dtype, np.integer) or array.size == 0):
            raise TypeError(f"{name} must hold sequences of integers, got {sequences[i]!r} at {i}")
        if array.size and (array.min() < 0 or array.max() >= vocabulary_size):
            wrong = array.min() if array.min() < 0 else array.max()
            raise ValueError(
                f"{name} must hold tokens from 0 to {vocabulary_size - 1}, got {wrong} at {i}"
            )
    return arrays


def check_prompts(
    prompts: Sequence[Sequence[int]] | np.ndarray, vocabulary_size: int, context: int
) -> list[np.ndarray]:
    """`prompts` as int64 arrays of 1 to `context` tokens; ValueError where one is not."""
    arrays = check_tokens("prompts", prompts, vocabulary_size)
    if not arrays:
        raise ValueError("prompts must hold at least one prompt, got none")
    lengths = [len(array) for array in arrays]
    if min(lengths) == 0 or max(lengths) > context:
        raise ValueError(
            f"prompts must have 1 to {context} tokens (the context), got {min(lengths)} to "
            f"{max(lengths)}"
        )
    return [array.astype(np.int64) for array in arrays]


def batch_plan(
    lengths: np.ndarray,
    batch_size: int,
    steps: int,
    rng: np.random.Generator,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Which sequences each training step sees: indices of shape (steps, batch_size).

    Without `weights` in shuffled epochs, with them independent draws in proportion. Sequences of
    different lengths are sorted within pools of POOL_BATCHES batches, so that little is padded.
    """
    n, wanted = len(lengths), steps * batch_size
    if weights is not None:
        order = rng.choice(n, size=wanted, p=weights / weights.sum())
    else:
        epochs = -(-wanted // n)
        order = np.concatenate([rng.permutation(n) for _ in range(epochs)])[:wanted]
    plan = order.reshape(steps, batch_size)
    if lengths.min() == lengths.max():
        return plan
    for start in range(0, steps, POOL_BATCHES):
        pool = plan[start : start + POOL_BATCHES].ravel()
        batches = pool[np.argsort(lengths[pool], kind="stable")].reshape(-1, batch_size)
        plan[start : start + POOL_BATCHES] = rng.permutation(batches)
    return plan
