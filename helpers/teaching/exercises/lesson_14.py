"""Lesson 14, to real models: judges and named wrong answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from helpers.explorers.lesson_14 import USUAL_TOP_K, chances
from helpers.teaching.exercises import Hint, agrees, exercise, number, shown

# ---------------------------------------------------------------------- A. your sampler

ALONE = (
    f"That draws from {USUAL_TOP_K} tokens. do_sample only says that something is drawn; what you "
    "do not name keeps its default."
)
WARM = (
    f"That still draws from {USUAL_TOP_K} tokens: the temperature was 1 before. Another argument "
    "counts tokens. Which value of it keeps them all?"
)
GREEDY = "That gives one token, every time: without do_sample nothing is drawn."
BEAM = "Beams look for the likeliest text, and this is about drawing: one beam."
NUCLEUS = (
    "That gives one token. top_p is the share of probability that is kept, and 0 keeps as little "
    "as can be. Which share keeps everything?"
)
HEAT = "All tokens can come, but not with the model's chances: the temperature bends them."
CUT = "Some tokens still cannot come. Which of your values cuts, and where is it neutral?"
FEW = (
    "The chances are right, as long as every default stays neutral. A checkpoint may bring a "
    "temperature or a top_p of its own: give a value to all five names."
)
HERE = (
    "All tokens come here, where there are 1,000. A larger vocabulary would be cut. Which values "
    "of top_k and top_p never cut?"
)
KIND = "Return a dict of arguments for generate, such as {'do_sample': True}."
PENALTY = "A penalty against repetition changes the chances; the value that changes nothing is 1.0."
NAMES = ("do_sample", "temperature", "top_k", "top_p", "num_beams")


@exercise(
    "14-sampler",
    praise="Every token can come, with its own chance, and none of the five names is left out.",
)
def sampler(answer: Any, rng: np.random.Generator) -> str | None:
    """The chances under the arguments against the model's own, for tokens of unequal chance.

    Reckoned by `chances`, so that no package is needed; a test compares it with transformers.
    """
    given = answer()
    if not isinstance(given, Mapping):
        raise Hint(KIND)
    given = dict(given)
    if given.pop("repetition_penalty", 1.0) != 1.0:  # the page's own output names it
        return PENALTY
    if unknown := [name for name in given if name not in NAMES]:
        return f"{shown(unknown[0])} is none of the names here: {', '.join(NAMES)}."
    if not given.get("do_sample", False):
        return BEAM if given.get("num_beams", 1) != 1 else GREEDY
    if given.get("num_beams", 1) != 1:
        return BEAM
    logits = rng.normal(size=1_000)
    own = chances(logits, do_sample=True, top_k=0)
    try:
        found = chances(logits, **given)
    except (TypeError, ValueError) as error:
        return f"generate would not take that: {error}."
    if np.allclose(found, own, rtol=1e-6, atol=0):
        if given.get("top_k") or given.get("top_p", 1.0) not in (1.0, None):
            return HERE
        return None if set(NAMES) <= set(given) else FEW
    return _what_was_cut(given, int((found > 0).sum()))


def _what_was_cut(given: Mapping[str, Any], kept: int) -> str:
    if kept == 1:
        return NUCLEUS if given.get("top_p") == 0 else CUT
    if kept == USUAL_TOP_K and "top_k" not in given:
        return WARM if "temperature" in given else ALONE
    return CUT if kept < 1_000 else HEAT


sampler.wrong("the tokens to keep", lambda: 1_000, hint=KIND)
sampler.wrong("do_sample alone", lambda: {"do_sample": True}, hint=ALONE)
sampler.wrong(
    "a temperature, top-k left", lambda: {"do_sample": True, "temperature": 1.0}, hint=WARM
)
sampler.wrong("greedy", lambda: {"do_sample": False, "top_k": 0, "top_p": 1.0}, hint=GREEDY)
sampler.wrong("beams", lambda: {"num_beams": 5}, hint=BEAM)
sampler.wrong(
    "a penalty", lambda: {"do_sample": True, "top_k": 0, "repetition_penalty": 3.0}, hint=PENALTY
)
sampler.wrong("top_p of 0", lambda: {"do_sample": True, "top_k": 0, "top_p": 0.0}, hint=NUCLEUS)
sampler.wrong(
    "a cooler model", lambda: {"do_sample": True, "top_k": 0, "temperature": 0.7}, hint=HEAT
)
sampler.wrong("neutral defaults left out", lambda: {"do_sample": True, "top_k": 0}, hint=FEW)
sampler.wrong(
    "as many as there are",
    lambda: {"do_sample": True, "temperature": 1.0, "top_k": 1_000, "top_p": 1.0, "num_beams": 1},
    hint=HERE,
)
sampler.wrong("top-p of lesson 05", lambda: {"do_sample": True, "top_k": 0, "top_p": 0.9}, hint=CUT)

# ---------------------------------------------------------------------- B. the bill

EPOCHS = "You read each text once. A fit reads it `epochs` times."
ONE_FEW = "One model is missing: generation 0 is fitted, and writes, before the others do."
FREE = "Writing is free in your sum. Each model writes as many tokens as a text holds."
LAST = "The last model writes, too: its text is what you look at."
SECONDS = "Those are seconds. An hour has 3600."
MINUTES = "Those are minutes. An hour has 60."
DAYS = "Those are days: you divided by 24 once more."
BOTH = "Two things are missing: generation 0, and what each model writes."
ALL_BEAMS = "You count five beams. Here a written token costs as much as a read one."
TIMES = "You multiply by the tokens a second. Divide: twice as fast takes half as long."


def _bill(tokens: float, epochs: float, generations: int, speed: float) -> float:
    return (generations + 1) * (epochs + 1) * tokens / speed / 3600


@exercise("14-hours", praise="That is what to know before the first long run, not after it.")
def bill(answer: Any, rng: np.random.Generator) -> str | None:
    """Three random runs, on which each slip gives another number."""
    for _ in range(3):
        run = (
            int(rng.integers(2, 900)) * 10_000,
            int(rng.integers(3, 11)),
            int(rng.integers(3, 21)),
            int(rng.integers(30, 3_000)),
        )
        right = _bill(*run)
        got = number(answer(*run), "Your hours")
        if agrees(got, right, decimals=2):
            continue
        for _, slip, hint in _WRONG:
            if agrees(got, slip(*run)):
                return hint
        tokens, epochs, generations, speed = run
        return (
            f"{tokens:,} tokens, {epochs} epochs, {generations} generations at {speed} tokens a "
            f"second are {right:,.1f} hours; yours are {got:,.1f}."
        )
    return None


Slip = Callable[[float, float, int, float], float]
_WRONG: list[tuple[str, Slip, str]] = [
    ("epochs forgotten", lambda t, e, g, s: (g + 1) * 2 * t / s / 3600, EPOCHS),
    ("fits = generations", lambda t, e, g, s: g * (e + 1) * t / s / 3600, ONE_FEW),
    ("writing is free", lambda t, e, g, s: (g + 1) * e * t / s / 3600, FREE),
    ("the last text is not written", lambda t, e, g, s: ((g + 1) * e + g) * t / s / 3600, LAST),
    ("seconds as hours", lambda t, e, g, s: (g + 1) * (e + 1) * t / s, SECONDS),
    ("minutes as hours", lambda t, e, g, s: (g + 1) * (e + 1) * t / s / 60, MINUTES),
    ("days as hours", lambda t, e, g, s: (g + 1) * (e + 1) * t / s / 3600 / 24, DAYS),
    ("neither generation 0 nor writing", lambda t, e, g, s: g * e * t / s / 3600, BOTH),
    ("five beams", lambda t, e, g, s: (g + 1) * (e + 5) * t / s / 3600, ALL_BEAMS),
    ("times the speed", lambda t, e, g, s: (g + 1) * (e + 1) * t * s / 3600, TIMES),
]
for _name, _slip, _hint in _WRONG:
    bill.wrong(_name, _slip, hint=_hint)
