"""Lesson 05, language that forgets: judges and named wrong answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.data.stories import StoryGrammar
from helpers.explorers.lesson_05 import story_means
from helpers.policies import Accumulate, Replace
from helpers.teaching.exercises import agrees, exercise, number, shown

WORLD = StoryGrammar()
RARE = range(50, 100)

# ---------------------------------------------------------------------- A. rare recall

IN_TEXT = (
    "You read what the model writes. Well known people fill its pages, so rare ones hardly count: "
    "ask it about each of the fifty instead."
)
EARLY = "You ask one word too early: the prompt must end with “in”, so that the city comes next."
LATE = "You ask one word too late: the city already stands in your prompt, and what comes is a “.”."
LOGARITHM = (
    "That averages logarithms, which a few near-zero probabilities dominate: average the "
    "probabilities themselves."
)
EVERYBODY = "That is everybody. The rare ones are the last fifty; the list begins with the famous."
FAMOUS = "These are the fifty best known: the list begins with them."
COUNTED = (
    "You count the cities that the model would name first. Its probability of the right one can "
    "fall for a long time before another one overtakes it: average that probability."
)
TOTAL = "That is the sum over the fifty. Divide it by fifty: asked for is the mean."
SHIFTED = (
    "You are one person off. Python counts from 0, so people 51 to 100 are the numbers 50 to 99."
)
MIDDLE = "That is the median: asked for is the mean, in which every one of the fifty counts."
SUREST = (
    "That is the probability of the city that the model finds likeliest, right or wrong. Look up "
    "the one of the right city."
)
LIST = "There is one number a person now. Return their mean, a single number."

TOO_EARLY, TOO_LATE = 1e-4, 2e-4  # what any city gets at the wrong place of a story


class _Known:
    """A language model with known answers, in place of a trained one.

    After "<eos> NAME lives in" person k gets the right city with the probability `chances[k]`.
    A word too early it would say "in", a word too late ".".
    """

    def __init__(self, chances: np.ndarray) -> None:
        self.chances = chances
        self.cities = [WORLD.tokens[city] for city in WORLD.slots["CITY"]]
        self.right = [WORLD.tokens[city] for city in WORLD.facts["city"]]
        self.people = {WORLD.tokens[name]: k for k, name in enumerate(WORLD.slots["NAME"])}

    def next_token_probabilities(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        return np.stack([self._after([int(t) for t in prompt]) for prompt in prompts])

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Rows "<eos> NAME lives in CITY .", names by fame."""
        names = rng.choice(len(self.chances), n_samples, p=WORLD.name_probabilities)
        rows = [WORLD.question("city", int(k)) for k in names]
        asked = self.next_token_probabilities(rows)
        cities = [rng.choice(len(p), p=p) for p in asked]
        stop = WORLD.tokens["."]
        return np.array([[*row, city, stop] for row, city in zip(rows, cities, strict=True)])

    def _after(self, prompt: list[int]) -> np.ndarray:
        answer = np.zeros(len(WORLD.words))
        words = [WORLD.words[token] for token in prompt[-2:]]
        person = self.people.get(prompt[-3]) if len(prompt) > 2 else None
        if words == ["lives", "in"] and person is not None:
            answer[self.cities] = (1 - self.chances[person]) / (len(self.cities) - 1)
            answer[self.right[person]] = self.chances[person]
            return answer
        likely, rest = ("in", TOO_EARLY) if words[-1:] == ["lives"] else (".", TOO_LATE)
        answer += rest
        answer[WORLD.tokens[likely]] += 1 - answer.sum()
        return answer


def _ask(model: Any, people: Sequence[int], cut: Callable[[list[int], int], list[int]]) -> Any:
    """Probabilities of the right cities after the question, or after what `cut` makes of it."""
    right = [WORLD.tokens[WORLD.facts["city"][k]] for k in people]
    prompts = [
        cut(WORLD.question("city", k), token) for k, token in zip(people, right, strict=True)
    ]
    return model.next_token_probabilities(prompts)[np.arange(len(right)), right]


def _plain(prompt: list[int], right: int) -> list[int]:
    return prompt


@exercise(
    "05-rare-recall", praise="Asked one by one: what the model knows, not what it likes to say."
)
def rare_recall(answer: Any, rng: np.random.Generator) -> str | None:
    """Two models with known answers: one that knows everybody less and less, one at random."""
    for chances in (np.geomspace(0.97, 0.02, 100), rng.uniform(0.02, 0.95, 100)):
        got = answer(_Known(chances), WORLD)
        if isinstance(got, (list, np.ndarray)) and np.size(got) > 1:
            return LIST
        value = number(got, "What my_rare_recall returns")
        hint = _judged(value, chances)
        if hint is not None:
            return hint
    return None


def _judged(value: float, chances: np.ndarray) -> str | None:
    rare = chances[50:]
    if agrees(value, float(rare.mean()), decimals=2):
        return None
    # A right city comes first among twenty when its chance is above that of each wrong one.
    first = rare > (1 - rare) / 19
    known = [
        (TOTAL, rare.sum(), 1e-4),
        (SHIFTED, chances[51:].mean(), 1e-6),
        (SHIFTED, chances[49:99].mean(), 1e-6),
        (MIDDLE, np.median(rare), 1e-6),
        (SUREST, np.maximum(rare, (1 - rare) / 19).mean(), 1e-6),
        (EVERYBODY, chances.mean(), 1e-6),
        (FAMOUS, chances[:50].mean(), 1e-6),
        (LOGARITHM, np.exp(np.log(rare).mean()), 1e-6),
        (LOGARITHM, np.log(rare).mean(), 1e-6),
        (COUNTED, first.mean(), 1e-6),
        (EARLY, TOO_EARLY, 1e-6),
        (LATE, TOO_LATE, 1e-6),
        (IN_TEXT, WORLD.name_probabilities @ chances, 0.04),  # text is drawn: it varies
    ]
    for hint, wrong, near in known:
        if abs(value - wrong) < near:
            return hint
    return (
        f"For a model whose answer is {rare.mean():.3f} yours is {value:.3f}. Ask after "
        "“<eos> NAME lives in” and look up the probability of the right city."
    )


def _in_text(model: Any, world: StoryGrammar) -> float:
    rows = model.sample(2000, np.random.default_rng(0))
    right = [world.tokens[city] for city in world.facts["city"]]
    people = {world.tokens[name]: k for k, name in enumerate(world.slots["NAME"])}
    return float(np.mean([row[4] == right[people[row[1]]] for row in rows.tolist()]))


rare_recall.wrong("reads the generated text", _in_text, hint=IN_TEXT)
rare_recall.wrong(
    "a word too early", lambda m, w: _ask(m, RARE, lambda p, _: p[:-1]).mean(), hint=EARLY
)
rare_recall.wrong(
    "a word too late", lambda m, w: _ask(m, RARE, lambda p, city: [*p, city]).mean(), hint=LATE
)
rare_recall.wrong(
    "averages logarithms",
    lambda m, w: np.exp(np.log(_ask(m, RARE, _plain)).mean()),
    hint=LOGARITHM,
)
rare_recall.wrong("everybody", lambda m, w: _ask(m, range(100), _plain).mean(), hint=EVERYBODY)
rare_recall.wrong("the famous half", lambda m, w: _ask(m, range(50), _plain).mean(), hint=FAMOUS)
rare_recall.wrong("adds up", lambda m, w: _ask(m, RARE, _plain).sum(), hint=TOTAL)
rare_recall.wrong(
    "one person off", lambda m, w: _ask(m, range(51, 100), _plain).mean(), hint=SHIFTED
)
rare_recall.wrong("median", lambda m, w: np.median(_ask(m, RARE, _plain)), hint=MIDDLE)
rare_recall.wrong(
    "the likeliest city",
    lambda m, w: (
        m.next_token_probabilities([w.question("city", k) for k in RARE]).max(axis=1).mean()
    ),
    hint=SUREST,
)
rare_recall.wrong("one number a person", lambda m, w: _ask(m, RARE, _plain), hint=LIST)


def _named_first(model: Any, world: StoryGrammar) -> float:
    asked = model.next_token_probabilities([world.question("city", k) for k in RARE])
    right = [world.tokens[world.facts["city"][k]] for k in RARE]
    return float(np.mean(asked.argmax(axis=1) == right))


rare_recall.wrong("counts the city named first", _named_first, hint=COUNTED)

# ---------------------------------------------------------------------- B. the coroner

REPLACE, ACCUMULATE = Replace().label, Accumulate().label
CASES = {  # the anonymous runs: sampler and policy, as `helpers.explorers.lesson_05` names them
    "X": ("T = 0.8", ACCUMULATE),
    "Y": ("T = 1", REPLACE),
    "Z": ("T = 0.8", REPLACE),
}
CAUSES = {case: f"{sampler}, {policy}" for case, (sampler, policy) in CASES.items()}
CARD = {  # metric -> what the card calls it
    "names_alive": "names alive",
    "distinct_3": "3-grams",
    "fact_accuracy": "facts right in the text",
    "excess": "excess",
    "recall_tail": "rare recall",
}
MISLEADING = "facts right in the text"

DIVERSE = (
    "Y and Z are the wrong way round. You took many 3-grams for a cool sampler or for health: at "
    "T = 1 invented text makes them rise; cooling is what makes text repeat itself."
)
FACTS = (
    "X and Y are the wrong way round. Cooled text states hardly anything wrong, and plain sampling "
    "does not thin out the names: look at these two."
)
FLAT = (
    "X and Z are the wrong way round. The old data hold the excess down; they do not keep every "
    "name alive. Where both are worst, nothing old was kept."
)
ROUND = "No run has its cause. Begin with the names: plain sampling keeps all of them alive."
EXCESS = "The excess condemns all three, Z most of all: it misleads nobody here."
NAMES = "Names alive calls Y healthy, but it calls Z the sickest, which is right."
GRAMS = "3-grams flatter Y, which is not the sickest: compare the excess of the three."
RARE_FACTS = "Rare recall condemns all three: it is the strictest yardstick here, not the kindest."
FORM = "Give a dictionary with the keys X, Y, Z and misleads."
TWICE = "One cause is given twice: each of the three runs died of another."
OPEN = "A question mark is left: each of X, Y and Z needs a cause, and misleads a column."
NO_CAUSE = "is none of the three causes: " + "; ".join(f"“{cause}”" for cause in CAUSES.values())
NO_COLUMN = "is no column of the card: " + ", ".join(f"“{name}”" for name in CARD.values())


def coroner_cards() -> pd.DataFrame:
    """The three anonymous runs after five generations, and generation 0: means of ten seeds."""
    rows = {
        case: story_means(sampler, 5, policy=policy) for case, (sampler, policy) in CASES.items()
    }
    table = pd.DataFrame({"generation 0": story_means("T = 1", 0), **rows}).T
    table = table[list(CARD)].rename(columns=CARD).rename_axis(columns=None).round(2)
    whole = ["names alive", "3-grams"]
    return table.assign(**{name: table[name].round().astype(int) for name in whole})


@exercise(
    "05-coroner",
    praise="All three are ill, and the one that writes the truest text is the sickest.",
)
def coroner(answer: Any, rng: np.random.Generator) -> str | None:
    """Three causes, and the yardstick that calls the sickest run the healthiest."""
    if not isinstance(answer, dict) or set(answer) != {*CASES, "misleads"}:
        return f"{FORM} You gave {shown(answer)}."
    if any(str(said).strip() in ("", "?") for said in answer.values()):
        return OPEN
    said = {case: _cause(answer[case]) for case in CASES}
    for case in CASES:
        if said[case] is None:
            return f"“{answer[case]}”, given for {case}, {NO_CAUSE}."
    if len(set(said.values())) < len(CASES):
        return TWICE
    wrong = [case for case in CASES if said[case] != CAUSES[case]]
    if wrong:
        swaps = {"YZ": DIVERSE, "XY": FACTS, "XZ": FLAT}
        return swaps.get("".join(wrong), ROUND)
    column = _column(answer["misleads"])
    if column is None:
        return f"“{answer['misleads']}” {NO_COLUMN}."
    other = {"excess": EXCESS, "names alive": NAMES, "3-grams": GRAMS, "rare recall": RARE_FACTS}
    return other.get(column)


def _cause(said: Any) -> str | None:
    """The cause that is meant, however it is spelt: "t=.8, Accumulate()", "replace at T 1.0"."""
    text = str(said).lower().replace(",", " ")
    degrees = re.findall(r"(?<![\d.])\d*\.?\d+", re.sub(r"(?<=\d) (?=\d\b)", ".", text))
    policies = [name for name in (REPLACE, ACCUMULATE) if name[:-1] in text]
    if len(degrees) != 1 or len(policies) != 1:
        return None
    cause = f"T = {float(degrees[0]):g}, {policies[0]}"
    return cause if cause in CAUSES.values() else None


def _column(said: Any) -> str | None:
    """The column of the card that is meant, by a word that no other one has."""
    text = re.sub(r"[^a-z0-9]", "", str(said).lower())
    words = {
        "names alive": ("name", "people", "alive"),
        "3-grams": ("gram",),
        "facts right in the text": ("fact", "text"),
        "excess": ("excess", "entropy", "surprise"),
        "rare recall": ("recall",),
    }
    meant = [name for name, known in words.items() if any(word in text for word in known)]
    return meant[0] if len(meant) == 1 else None


def _report(order: str, misleads: str = MISLEADING) -> dict[str, str]:
    """The right causes dealt to X, Y, Z in `order`."""
    dealt = {case: CAUSES[cause] for case, cause in zip(CASES, order, strict=True)}
    return {**dealt, "misleads": misleads}


coroner.wrong("used 3-grams only", _report("XZY"), hint=DIVERSE)
coroner.wrong("trusted true text", _report("YXZ"), hint=FACTS)
coroner.wrong("read a flat curve as nothing lost", _report("ZYX"), hint=FLAT)
coroner.wrong("all three wrong", _report("YZX"), hint=ROUND)
coroner.wrong("blames the excess", _report("XYZ", "excess"), hint=EXCESS)
coroner.wrong("blames the names", _report("XYZ", "names alive"), hint=NAMES)
coroner.wrong("blames the 3-grams", _report("XYZ", "3-grams"), hint=GRAMS)
coroner.wrong("blames rare recall", _report("XYZ", "rare recall"), hint=RARE_FACTS)
coroner.wrong("a cause twice", {**_report("XYZ"), "Y": CAUSES["X"]}, hint=TWICE)
coroner.wrong("a question left open", {**_report("XYZ"), "misleads": "?"}, hint=OPEN)
coroner.wrong(
    "no cause of the three",
    {**_report("XYZ"), "X": "T = 0.5, replace"},
    hint=f"“T = 0.5, replace”, given for X, {NO_CAUSE}.",
)
coroner.wrong("no column", {**_report("XYZ"), "misleads": "X"}, hint=f"“X” {NO_COLUMN}.")
