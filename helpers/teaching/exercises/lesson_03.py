"""Lesson 03, losing the tails: judges and named wrong answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers import metrics
from helpers.loop import run_loop
from helpers.models import Discrete
from helpers.studies import tails
from helpers.teaching.exercises import Hint, Praise, exercise, number, read_only, shown

# ---------------------------------------------------------------------- A. what cannot be said

SAYS_ITSELF = (
    "That is the share of the newest text in words that stand in it once: what Good and Turing "
    "would say. The newest text has forgotten what to miss; count in the real one."
)
WORDS = (
    "That is the share of the different words. A rare word is little text: count each word as "
    "often as the real text uses it."
)
SWAPPED = "The two are swapped: you ask how much of the newest text the real one does not hold."
NEWEST_COUNTS = (
    "You weigh the missing words by the newest text, where they have no copies: always 0. Weigh "
    "them by their copies in the real text."
)
DIVIDES = (
    "The missing copies are counted right, and divided by the number of different words. Divide by "
    "the length of the real text."
)
KEPT = "That is the share that the newest text can still say. Take it from 1."
BY_LENGTH = (
    "The missing copies are counted right, and divided by the length of the newest text. They are "
    "words of the real text: divide by the length of that."
)
OF_REAL = (
    "That is the share of the real text in words that stand in it once: what Good and Turing say "
    "before the first generation. Look which words the newest text lacks."
)


@exercise("03-missing", praise="It takes the real text to see it: no newest text can tell you.")
def missing(answer: Any, rng: np.random.Generator) -> str | None:
    """Two small texts in which every known slip gives another number, then random ones."""
    real = np.array([0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 5])  # 5 of 11 are missing
    newest = np.repeat([0, 1, 9, 4], [4, 6, 5, 1])
    got = number(answer(read_only(newest), read_only(real)), "Your share")
    named = {
        0.6: WORDS, 1 / 16: SAYS_ITSELF, 6 / 16: SWAPPED, 0.0: NEWEST_COUNTS, 1.0: DIVIDES,
        6 / 11: KEPT, 5 / 16: BY_LENGTH, 1 / 11: OF_REAL,
    }  # fmt: skip
    for slip, hint in named.items():
        if abs(got - slip) < 0.001:
            return hint
    for text, left in ((real, newest), (rng.integers(30, size=60), rng.integers(12, size=60))):
        right = float(np.mean(~np.isin(text, left)))
        got = number(answer(read_only(left), read_only(text)), "Your share")
        if abs(got - right) > 0.001:
            return (
                f"Of a real text of {len(text)} words, {round(right * len(text))} are of kinds "
                f"that the newest one lacks: a share of {right:.3g}. Yours is {got:.3g}."
            )
    return None


def _of_words(newest: Any, real: Any) -> float:
    return float(np.mean(~np.isin(np.unique(real), newest)))


def _once(newest: Any, real: Any) -> float:
    return float((np.unique(newest, return_counts=True)[1] == 1).sum() / len(newest))


def _by_newest(newest: Any, real: Any) -> float:
    lost = np.setdiff1d(real, newest)
    return float(np.isin(newest, lost).mean())


def _by_kinds(newest: Any, real: Any) -> float:
    return float((~np.isin(real, newest)).sum() / len(np.unique(real)))


missing.wrong("share of the different words", _of_words, hint=WORDS)
missing.wrong("words that the newest text holds once", _once, hint=SAYS_ITSELF)
missing.wrong("arguments swapped", lambda n, r: float(np.mean(~np.isin(n, r))), hint=SWAPPED)
missing.wrong("weighs by the newest text", _by_newest, hint=NEWEST_COUNTS)
missing.wrong("divides by the different words", _by_kinds, hint=DIVIDES)
missing.wrong(
    "divides by the newest text", lambda n, r: float((~np.isin(r, n)).sum() / len(n)),
    hint=BY_LENGTH,
)  # fmt: skip
missing.wrong("Good and Turing of the real text", lambda n, r: _once(r, n), hint=OF_REAL)
missing.wrong("what is kept", lambda n, r: float(np.mean(np.isin(r, n))), hint=KEPT)

# ---------------------------------------------------------------------- B. which 200 words

MOST, ROUNDS, TEXTS = 200, 20, 4
OVER = "The budget is 200 words a generation."
NOT_REAL = "Your words must come from the real text: some of them are not in it."
FROM_NEWEST = (
    "Your words come from the newest text: that is Replace once more. Take them from the real one."
)
DIED = (
    "Only words that died come back. One copy of each keeps nearly all of them alive, and still "
    "loses more than a plain draw: rare words grow to more than twice their share, and common ones "
    "pay for it."
)
RARE = (
    "Only rare words come back. Their half of the vocabulary then swamps the text, and the middle "
    "of the vocabulary dies, which nobody rescues."
)
COMMON = (
    "One copy each of the commonest words: they were in no danger, and the rare ones get no help."
)
SAME = (
    "The same words come back in every generation: all others are lost as before. Draw anew each "
    "time, with the rng that is passed in."
)
FEW = "You may bring back 200 words each time, and you bring back fewer: use the budget."


@exercise("03-which-words")
def which_words(answer: Any, rng: np.random.Generator) -> str | None:
    """Look at what comes back for one text, then run the loop on a few."""
    p = tails.zipf()
    real = rng.choice(len(p), size=2000, p=p)
    newest = rng.choice(real, 2000)
    chosen = [_words(answer, real, newest, seed) for seed in (1, 2)]
    if len(chosen[0]) > MOST:
        return f"{OVER} You chose {len(chosen[0]):,}."
    if not np.isin(np.concatenate(chosen), real).all():
        return NOT_REAL
    # A newest text of a single word: what comes back from the real text is not only that word.
    from_one = _words(answer, real, np.full(2000, real[0]), 3)
    if len(from_one) == 0 or (from_one == real[0]).all():
        return FROM_NEWEST
    both = np.concatenate(chosen)
    if not np.isin(both, newest).any():
        return DIED
    if (both >= len(p) // 2).mean() > 0.5:
        return RARE
    if len(np.unique(chosen[0])) == len(chosen[0]) and np.median(chosen[0]) < 150:
        return COMMON
    if np.array_equal(np.sort(chosen[0]), np.sort(chosen[1])):
        return SAME
    if len(chosen[0]) < 0.9 * MOST:
        return FEW

    def careful(real: np.ndarray, newest: np.ndarray, draws: np.random.Generator) -> np.ndarray:
        return np.asarray(answer(read_only(real), read_only(newest), draws))

    yours, plain = (_lost(choose) for choose in (careful, tails.at_random))
    if yours > plain + 0.1:
        return (
            f"After {ROUNDS} generations {yours:.2f} nats a word are lost on real text. A plain "
            f"random draw from the real text loses {plain:.2f}."
        )
    if yours < plain - 0.03:
        return Praise(
            f"After {ROUNDS} generations {yours:.2f} nats a word are lost; a plain random draw "
            f"loses {plain:.2f}. You beat it: what keeps the weights right, what keeps words alive?"
        )
    return Praise(
        f"After {ROUNDS} generations {yours:.2f} nats a word are lost; a plain random draw loses "
        f"{plain:.2f}, and each of the four clever rescues in the next figure more."
    )


def _words(answer: Any, real: Any, newest: Any, seed: int) -> np.ndarray:
    got = answer(read_only(real), read_only(newest), np.random.default_rng(seed))
    try:
        words = np.asarray(got)
    except ValueError:
        raise Hint(f"Return an array of words; you gave {shown(got)}.") from None
    if words.ndim != 1 or (words.size and not np.issubdtype(words.dtype, np.integer)):
        raise Hint(f"Return a one-dimensional array of whole numbers; you gave {shown(got)}.")
    return words.astype(np.int64)


def _lost(choose: tails.Choose) -> float:
    """Nats a word lost after 20 generations of this rescue, mean of four texts."""
    p = tails.zipf()
    lost = []
    for seed in range(TEXTS):
        real = np.random.default_rng([seed, 3]).choice(len(p), size=2000, p=p)
        history = run_loop(
            Discrete(len(p)), real, policy=tails.Rescue(choose, MOST), generations=ROUNDS,
            metrics={"lost": metrics.likelihood_lost(p)}, seed=seed,
        )  # fmt: skip
        lost.append(history.frame["value"].iloc[-1])
    return float(np.mean(lost))


which_words.wrong("over budget", lambda real, newest, rng: real, hint=f"{OVER} You chose 2,000.")
which_words.wrong("words of its own", lambda real, newest, rng: np.arange(200), hint=NOT_REAL)
which_words.wrong(
    "from the newest text", lambda real, newest, rng: rng.choice(newest, 200), hint=FROM_NEWEST
)
which_words.wrong("one copy of each dead word", tails.that_died, hint=DIED)
which_words.wrong("the rarer half", tails.of_the_rare_half, hint=RARE)
which_words.wrong("one each of the commonest", tails.commonest, hint=COMMON)
which_words.wrong("the same each time", tails.the_same, hint=SAME)
which_words.wrong("ten words", lambda real, newest, rng: rng.choice(real, 10), hint=FEW)
