"""The model that writes programs: a GPT over words and pieces, asked for one task at a time.

    specification <sep> program <end>                                    a first try
    wrong program <err> feedback <fix> specification <sep> program <end>  a repair

The repair prompt ends like a first try does, so what was learnt there still helps (in the other
order, with the specification first, a prototype mended almost nothing). Only the program after
<sep> counts in the loss. Whether a program is right is not decided here (see helpers.coding.gates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from helpers._arguments import generator, positive_int
from helpers.coding.language import Pieces, Task, vocabulary

if TYPE_CHECKING:
    from helpers.models.gpt import GPT

SEPARATOR, END, ERROR, FIX = "<sep>", "<end>", "<err>", "<fix>"
CONTEXT = 160  # tokens; a first try takes up to 70, the rest is for what a repair is shown
LONGEST_PROGRAM = 40  # pieces; the longest right program of four steps has 26
LARGEST_NUMBER = 99  # in feedback; beyond it only the sign is told
KINDS = ("wrong", "exception", "syntax_error", "timeout", "other")
EXCEPTIONS = ("IndexError", "NameError", "TypeError", "ValueError", "ZeroDivisionError")
MARKS = ("in", "got", "want", "step", "[list", "list]", "very negative", "very large", "unknown")


@dataclass(frozen=True, eq=False)
class Example:
    """A program for a task; in a repair also the failing program and what running it said."""

    task: Task
    program: Pieces
    wrong: Pieces = ()
    feedback: Pieces = ()

    @property
    def is_repair(self) -> bool:
        """Whether this is a second try."""
        return bool(self.wrong)

    def asking(self) -> Example:
        """The same question without its answer."""
        return replace(self, program=())


@lru_cache(maxsize=1)
def tokens() -> tuple[str, ...]:
    """Every token of the writer: marks, words and pieces, and what feedback is made of."""
    numbers = tuple(f"<{n}>" for n in range(-LARGEST_NUMBER, LARGEST_NUMBER + 1))
    return (
        *(SEPARATOR, END, ERROR, FIX),
        *vocabulary(),
        *(f"<{mark}>" for mark in (*KINDS, *EXCEPTIONS, *MARKS)),
        *numbers,
    )


@lru_cache(maxsize=1)
def token_ids() -> dict[str, int]:
    """Token -> its number."""
    return {token: index for index, token in enumerate(tokens())}


def describe_value(value: Any) -> Pieces:
    """A value as feedback tokens: ints up to 99 and lists of them; anything else is unknown."""
    if isinstance(value, bool) or not isinstance(value, (int, list)):
        return ("<unknown>",)
    if isinstance(value, list):
        return ("<[list>", *(t for item in value[:9] for t in describe_value(item)), "<list]>")
    if abs(value) > LARGEST_NUMBER:
        return ("<very large>",) if value > 0 else ("<very negative>",)
    return (f"<{value}>",)


class CodeWriter(BaseEstimator):
    """fit / sample / score over lists of `Example`.

    Parameters
    ----------
    prompts: the tasks that `sample` writes programs for.
    attempts: programs a task; `sample` draws n_samples / attempts different tasks.
    temperature: of `sample`; 0 takes the likeliest token.
    width, layers, heads, steps, batch_size, learning_rate: see `helpers.models.GPT`.

    Learned: `gpt_`.
    """

    def __init__(
        self,
        prompts: Sequence[Task] = (),
        attempts: int = 1,
        temperature: float = 1.0,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        steps: int = 120,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
    ) -> None:
        self.prompts = prompts
        self.attempts = attempts
        self.temperature = temperature
        self.width = width
        self.layers = layers
        self.heads = heads
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate

    def fit(
        self,
        data: list[Example],
        rng: np.random.Generator | None = None,
        init: CodeWriter | None = None,
    ) -> Self:
        """Train on the programs of `data`, from scratch or from another writer's weights."""
        from helpers.models.gpt import GPT  # torch: only when a writer learns

        if init is not None and not hasattr(init, "gpt_"):
            raise TypeError(f"init must be a fitted CodeWriter, got {init!r}")
        self.gpt_: GPT = GPT(
            len(tokens()),
            context=CONTEXT,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
            steps=self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=0.05,
        ).fit(self._records(data), rng, init=None if init is None else init.gpt_)
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> list[Example]:
        """`attempts` programs for each of n_samples / attempts tasks, tasks side by side."""
        check_is_fitted(self, "gpt_")
        positive_int("n_samples", n_samples)
        attempts = positive_int("attempts", self.attempts)
        n_tasks, rest = divmod(n_samples, attempts)
        if rest or n_tasks > len(self.prompts):
            raise ValueError(
                f"n_samples must be a multiple of attempts = {attempts} and ask for at most "
                f"{len(self.prompts)} tasks, got {n_samples}"
            )
        chosen = generator("rng", rng).choice(len(self.prompts), size=n_tasks, replace=False)
        asked = [Example(self.prompts[i], ()) for i in chosen for _ in range(attempts)]
        return self.answer(asked, rng, temperature=self.temperature)

    def answer(
        self, asked: Sequence[Example], rng: np.random.Generator, *, temperature: float
    ) -> list[Example]:
        """Each question with a newly written program; what stood there is not looked at.

        A question too long for the context is answered with an empty program, which fails.
        """
        from helpers.models.gpt_sampling import generate

        check_is_fitted(self, "gpt_")
        prompts = [self._prompt(example) for example in asked]
        fits = [i for i, p in enumerate(prompts) if len(p) + LONGEST_PROGRAM <= CONTEXT]
        answers = [replace(example, program=()) for example in asked]
        if fits:
            written = generate(
                self.gpt_,
                [prompts[i] for i in fits],
                rng,
                temperature=temperature,
                max_new_tokens=LONGEST_PROGRAM,
                stop_token=token_ids()[END],
            )
            names = tokens()
            for i, completion in zip(fits, written, strict=True):
                pieces = tuple(names[t] for t in completion if names[t] != END)
                answers[i] = replace(asked[i], program=pieces)
        return answers

    def score(self, data: list[Example]) -> float:
        """Mean log-likelihood of a program token in nats."""
        check_is_fitted(self, "gpt_")
        return self.gpt_.score(self._records(data))

    def _prompt(self, example: Example) -> tuple[int, ...]:
        before = (*example.wrong, ERROR, *example.feedback, FIX) if example.is_repair else ()
        ids = token_ids()
        return tuple(ids[token] for token in (*before, *example.task.words, SEPARATOR))

    def _records(self, data: Any) -> list[Any]:
        from helpers.models.sequences import Record

        if not isinstance(data, list) or not all(isinstance(item, Example) for item in data):
            raise TypeError(f"data must be a list of Example, got {type(data).__name__}")
        ids = token_ids()
        records = [
            Record(self._prompt(example), tuple(ids[t] for t in (*example.program, END)))
            for example in data
        ]
        # Unchecked programs may be as long as they like: what does not fit teaches nothing.
        return [r for r in records if len(r.prompt) + len(r.completion) <= CONTEXT + 1]
