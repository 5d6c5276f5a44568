"""A reader's own text as words with numbers. Any text works, or one line says why not."""

from __future__ import annotations

import re

import numpy as np

FEWEST, MOST = 2, 3000  # words; a loop over the most takes a second or two
OURS = "the model read its own text and wrote the text that the next model read"


def own_words(text: str) -> tuple[np.ndarray, np.ndarray]:
    """The different words of `text`, (k,) in order, and all its words as their numbers, (n,).

    Words are letters, digits and apostrophes, in lower case. A text with too few words is replaced
    by a sentence of ours, of one with too many the beginning is taken; a line says so.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}")
    words = re.findall(r"[\w']+", text.lower())
    if len(words) < FEWEST:
        print(
            f"Your text has {len(words) or 'no'} word{'' if len(words) == 1 else 's'}, and a model "
            f"needs at least {FEWEST}. Here is a sentence of ours in its place."
        )
        words = OURS.split()
    if len(words) > MOST:
        print(f"Your text has {len(words):,} words. The first {MOST:,} are used.")
    vocabulary, numbers = np.unique(words[:MOST], return_inverse=True)
    return vocabulary, numbers
