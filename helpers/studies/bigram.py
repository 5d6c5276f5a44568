"""A bigram model retrained on its own text: real words, twenty generations, a second a run.

The words are those of Python's own documentation, which differs between Python versions: compare
arms, pin no number. A seed decides which rows of 100 words are held out, and all sampling. Arms:
`replace`, `mix10` (a tenth of the original rows, drawn anew), `subsample`, `accumulate`.

The documentation says some things twice, so that about 27 per cent of the held-out rows repeat rows
that are learned from (`corpora.repeated`). The recorded numbers are from all of them: differences
between arms stand, levels flatter the first generations. `split(seed, most_repeated=0.8)` leaves
them out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from helpers._arguments import fraction
from helpers.data import corpora
from helpers.loop import run_loop
from helpers.metrics import language as lm
from helpers.models.bigram import Bigram
from helpers.models.tokenizers import WordTokenizer
from helpers.policies import Accumulate, AccumulateSubsample, Mix, Replace, by_name
from helpers.studies.paired import means, paired

SEEDS = range(20)
POLICIES = by_name(Replace(), Mix(0.1), AccumulateSubsample(), Accumulate())
SETTINGS: dict[str, Any] = {
    "length": 100,
    "test_rows": 200,
    "generations": 20,
    "arms": list(POLICIES),
}


@lru_cache(maxsize=1)
def words() -> tuple[np.ndarray, WordTokenizer]:
    """All of the documentation in rows (n, 100) of word numbers, and what turns them back."""
    text = corpora.words(corpora.documentation())
    tokenizer = WordTokenizer.of(text)
    n = len(text) // SETTINGS["length"]
    tokens = np.array(tokenizer.encode(text[: n * SETTINGS["length"]]))
    return tokens.reshape(n, SETTINGS["length"]), tokenizer


def split(seed: int, most_repeated: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Real rows (n, 100) to learn from, and at most 200 to test on.

    most_repeated: test rows of which a larger share is `corpora.repeated` are left out, and the
    rows to learn from stay. 1, as in the recorded study, leaves none out, and about 27 in 100 leak;
    0.8 leaves those out. ValueError for a share outside 0 to 1.
    """
    fraction("most_repeated", most_repeated)
    rows, _ = words()
    order = np.random.default_rng([seed, 1]).permutation(len(rows))
    held_out = SETTINGS["test_rows"]
    real, test = rows[order[held_out:]], rows[order[:held_out]]
    return real, test if most_repeated == 1 else test[corpora.repeated(test, real) <= most_repeated]


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value.

    Metrics: cross_entropy of the test rows in nats a word, distinct_words and surprise_mean under
    generation 0 of the text produced. scale: "full", or anything else for three generations.
    """
    real, test = split(seed)
    _, tokenizer = words()
    model = Bigram(len(tokenizer))
    first = Bigram(len(tokenizer)).fit(real)
    metrics = {
        "cross_entropy": lambda fitted, _: -fitted.score(test),
        "distinct_words": lambda _, rows: lm.distinct_ngrams(rows, 1),
        "surprise_mean": lambda _, rows: -first.score(rows),
    }
    frames = [
        run_loop(
            model,
            real,
            policy=POLICIES[arm],
            generations=SETTINGS["generations"] if scale == "full" else 2,
            metrics=metrics,
            seed=seed,
            first=first,
        ).frame.assign(arm=arm)
        for arm in SETTINGS["arms"]
    ]
    return pd.concat(frames, ignore_index=True)[["arm", "generation", "metric", "value"]]


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds at some generations and paired differences at the last."""
    last = int(frame["generation"].max())
    result = means(frame, tuple(sorted({0, 1, min(5, last), min(10, last), last})))
    for metric in ("cross_entropy", "distinct_words"):
        *others, accumulate = POLICIES
        for arm in others:
            result |= paired(frame, arm, accumulate, metric, last)
    return result
