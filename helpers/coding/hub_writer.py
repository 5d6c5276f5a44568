"""A pretrained model that writes programs for the problems of HumanEval, judged by running them.

The same loop as with the small writer (see `helpers.coding.writer`), other parts: what is asked is
the text of a problem, what comes is text, and a grader runs it. A base model goes on from the
problem's first lines. One that was tuned to chat answers in prose round a fence: `fenced` asks it
so, and `Sandbox(extract=True)` takes the program out of what it says.

A checkpoint of random weights passes nothing; then the gate keeps nothing, and the loop refuses to
train on that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from helpers._arguments import generator, positive_int
from helpers.loop import Verified
from helpers.verification import Sandbox, score
from helpers.verification.human_eval import Problem

if TYPE_CHECKING:
    from helpers.models.hub import HubLanguageModel
    from helpers.models.sequences import Record

REQUEST = "Complete this Python function.\n\n```python\n{prompt}```\n\nThe whole function:\n\n"


@dataclass(frozen=True, eq=False)
class Answer:
    """What a writer wrote for a problem, and the text that is to be run."""

    problem: Problem
    written: str
    fenced: bool = False

    @property
    def program(self) -> str:
        """What the grader is given: a fenced answer stands for itself, another goes on."""
        return self.written if self.fenced else self.problem.prompt + self.written


class HubCodeWriter(BaseEstimator):
    """fit / sample / score over lists of `Answer`.

    Parameters
    ----------
    model: a `HubLanguageModel`, not fitted; its sampler is the writer's, its `block` must hold a
        problem and an answer. Its prompts are not used.
    problems: what `sample` writes programs for.
    attempts: programs a problem; `sample` draws n_samples / attempts different problems.
    longest: tokens of an answer.
    fenced: ask as one asks a model that chats, and leave it to the grader to find the program:
        `PassesTests` then needs a `Sandbox(extract=True)`.

    Learned: `model_`.
    """

    def __init__(
        self,
        model: HubLanguageModel,
        problems: Sequence[Problem] = (),
        attempts: int = 1,
        longest: int = 128,
        fenced: bool = False,
    ) -> None:
        self.model = model
        self.problems = problems
        self.attempts = attempts
        self.longest = longest
        self.fenced = fenced

    def fit(
        self,
        data: list[Answer],
        rng: np.random.Generator | None = None,
        init: HubCodeWriter | None = None,
    ) -> Self:
        """Tune on the answers of `data`; the problems are read and not learned.

        ValueError when no problem with its answer fits the model's block.
        """
        if init is not None and not hasattr(init, "model_"):
            raise TypeError(f"init must be a fitted HubCodeWriter, got {init!r}")
        start = None if init is None else init.model_
        self.model_: HubLanguageModel = self._own().fit(self._records(data), rng, init=start)
        return self

    def pretrained(self) -> HubCodeWriter:
        """A writer with the checkpoint as it is, not tuned."""
        writer = clone(self)
        writer.model_ = writer._own().pretrained()
        return writer

    def sample(self, n_samples: int, rng: np.random.Generator) -> list[Answer]:
        """`attempts` answers to each of n_samples / attempts problems, side by side."""
        check_is_fitted(self, "model_")
        positive_int("n_samples", n_samples)
        attempts = positive_int("attempts", self.attempts)
        n_problems, rest = divmod(n_samples, attempts)
        if rest or n_problems > len(self.problems):
            raise ValueError(
                f"n_samples must be a multiple of attempts = {attempts} and ask for at most "
                f"{len(self.problems)} problems, got {n_samples}"
            )
        chosen = generator("rng", rng).choice(len(self.problems), size=n_problems, replace=False)
        asked = [self.problems[i] for i in chosen for _ in range(attempts)]
        prompts = [self._prompt(problem) for problem in asked]
        room = self.model_.block - self.longest
        for problem, prompt in zip(asked, prompts, strict=True):
            if len(prompt) > room:
                raise ValueError(
                    f"problems must have at most {room} tokens, so that an answer of "
                    f"longest = {self.longest} fits the block of {self.model_.block}, got "
                    f"{len(prompt)} in {problem.task_id}"
                )
        written = self.model_.write(prompts, rng)
        end = self.model_.end_token
        texts = [self.model_.decode(tokens[tokens != end]) for tokens in written]
        return [Answer(p, text, self.fenced) for p, text in zip(asked, texts, strict=True)]

    def score(self, data: list[Answer]) -> float:
        """Mean log-likelihood of a token of the answers, in nats."""
        check_is_fitted(self, "model_")
        return self.model_.score(self._records(data))

    def _own(self) -> HubLanguageModel:
        """The model with what a writer sets."""
        positive_int("longest", self.longest)
        return clone(self.model).set_params(new_tokens=self.longest, stop_at_end=True)

    def _prompt(self, problem: Problem) -> list[int]:
        text = REQUEST.format(prompt=problem.prompt) if self.fenced else problem.prompt
        return self.model.encode(text)

    def _records(self, data: Any) -> list[Record]:
        from helpers.models.sequences import Record

        if not isinstance(data, list) or not all(isinstance(item, Answer) for item in data):
            raise TypeError(f"data must be a list of Answer, got {type(data).__name__}")
        records = [
            Record(
                tuple(self._prompt(answer.problem)),
                (*self.model.encode(answer.written), self.model.end_token),
            )
            for answer in data
        ]
        fit = [r for r in records if len(r.prompt) + len(r.completion) <= self.model.block]
        if records and not fit:
            raise ValueError(
                f"block must hold a problem and its answer, got {self.model.block} tokens, and "
                f"the shortest needs {min(len(r.prompt) + len(r.completion) for r in records)}"
            )
        return fit


def solutions(problems: Sequence[Problem]) -> list[Answer]:
    """The benchmark's own solutions as answers: real data for generation 0."""
    return [Answer(problem, problem.canonical_solution) for problem in problems]


@dataclass(frozen=True)
class PassesTests:
    """A verifier: keeps the answers that pass all cases of their problem, each text once.

    Reports `accepted`, of the answers, and `solved`, of the problems. RuntimeError when the grader
    itself fails; ValueError for fenced answers in a sandbox that reads no fences.
    """

    box: Sandbox

    def __call__(self, model: Any, samples: list[Answer], rng: np.random.Generator) -> Verified:
        if not self.box.extract and any(answer.fenced for answer in samples):
            raise ValueError("box must be a Sandbox(extract=True) to read fenced answers")
        jobs = [(a.program, a.problem.cases, a.problem.entry_point) for a in samples]
        reports = self.box.grade_many(jobs) if jobs else []
        if reports:
            score(reports)  # refuses errors of the grader: they must never pass for wrong programs
        right = [answer for answer, report in zip(samples, reports, strict=True) if report.passed]
        kept = list({(answer.problem.task_id, answer.written): answer for answer in right}.values())
        numbers = {
            "accepted": len(right) / len(samples),
            "solved": len({answer.problem.task_id for answer in right})
            / len({answer.problem.task_id for answer in samples}),
        }
        return Verified(kept, numbers)
