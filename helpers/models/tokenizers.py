"""From text to tokens and back: by word for the story world, by pieces of bytes for real text.

`WordTokenizer` is a table. `BytePairTokenizer` trains byte-level byte-pair encoding (Sennrich et
al. 2016, on bytes as in GPT-2) on the text it is given, with the `tokenizers` library: nothing is
downloaded. Both give token 0 to "<eos>", which separates texts. `pack` makes rows for a `GPT`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from helpers._arguments import positive_int

END = "<eos>"
N_BYTES = 256


class WordTokenizer:
    """One token a word; words are separated by blanks.

    words: the vocabulary, "<eos>" first. unknown: the word that stands for all that are not in
    it; None: they are an error.
    """

    def __init__(self, words: Sequence[str], unknown: str | None = None) -> None:
        self.words = list(words)
        self.ids = {word: token for token, word in enumerate(self.words)}
        self.unknown = unknown
        if not self.words or self.words[0] != END or len(self.ids) < len(self.words):
            raise ValueError(f"words must begin with {END!r} and be distinct")
        if unknown is not None and unknown not in self.ids:
            raise ValueError(f"unknown must be one of the words or None, got {unknown!r}")

    @classmethod
    def of(cls, words: Iterable[str], size: int | None = None) -> WordTokenizer:
        """The `size` most frequent of `words` (ties by alphabet), the rest becomes "<unk>".

        size counts "<eos>" and "<unk>"; None keeps every word, and unknown ones are an error.
        """
        counts = Counter(word for word in words if word != END)
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        if size is None:
            return cls([END, *ranked])
        kept = ranked[: positive_int("size", size, minimum=3) - 2]
        return cls([END, "<unk>", *kept], unknown="<unk>")

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, text: str | Sequence[str]) -> list[int]:
        """Tokens of a text or of a list of words; ValueError for an unknown word."""
        words = text.split() if isinstance(text, str) else text
        if self.unknown is not None:
            other = self.ids[self.unknown]
            return [self.ids.get(word, other) for word in words]
        for word in words:
            if word not in self.ids:
                raise ValueError(f"text must hold words of the vocabulary, got {word!r}")
        return [self.ids[word] for word in words]

    def decode(self, tokens: Iterable[int]) -> str:
        """The words, separated by blanks."""
        return " ".join(self.words[token] for token in tokens)


class BytePairTokenizer:
    """Byte-level byte-pair encoding with `vocabulary_size` tokens: 256 bytes, <eos>, and merges.

    Any text can be encoded and comes back unchanged. Learned: `model_`.
    """

    def __init__(self, vocabulary_size: int = 512) -> None:
        self.vocabulary_size = vocabulary_size

    def fit(self, texts: str | Sequence[str]) -> Self:
        """Learn the merges from one or several texts; ValueError when there is nothing to learn.

        Fewer than `vocabulary_size` tokens result when the texts are too short for more merges.
        """
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        positive_int("vocabulary_size", self.vocabulary_size, minimum=N_BYTES + 1)
        texts = [texts] if isinstance(texts, str) else list(texts)
        if not any(texts):
            raise ValueError("texts must hold some text, got an empty corpus")
        self.model_: Any = Tokenizer(models.BPE())
        self.model_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self.model_.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=self.vocabulary_size,
            min_frequency=2,
            show_progress=False,
            special_tokens=[END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        )
        self.model_.train_from_iterator(texts, trainer)
        return self

    def __len__(self) -> int:
        return int(self.model_.get_vocab_size())

    def encode(self, text: str) -> list[int]:
        """Tokens of `text`."""
        return list(self.model_.encode(text).ids)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text; bytes that make no character show as a replacement character."""
        return str(self.model_.decode([int(t) for t in tokens], skip_special_tokens=False))


def pack(texts: Iterable[Sequence[int]], length: int, end: int = 0) -> np.ndarray:
    """Rows (n, length) of token sequences laid end to end, each row opened by `end`.

    `end` also stands between texts. What does not fill a last row is dropped; ValueError when
    that is everything.
    """
    positive_int("length", length, minimum=2)
    stream: list[int] = []
    for text in texts:
        stream += [*([end] if stream else []), *text]
    n = len(stream) // (length - 1)
    if n == 0:
        raise ValueError(f"texts must hold at least {length - 1} tokens, got {len(stream)}")
    body = np.array(stream[: n * (length - 1)], dtype=np.int64).reshape(n, length - 1)
    return np.concatenate([np.full((n, 1), end), body], axis=1)
