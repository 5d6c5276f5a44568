"""What a writer can do: its programs for the test tasks, run on visible and hidden cases.

An exam is a set of metrics for `helpers.loop.run_loop`. It samples with its own fixed seed, so
that two writers are asked in the same way, and never touches the streams of the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from helpers._arguments import positive_int, real_number
from helpers.coding.grading import grade
from helpers.coding.language import Task
from helpers.coding.writer import CodeWriter, Example
from helpers.theory import pass_at_k
from helpers.verification import Sandbox

_OTHERS = ("greedy", "distinct", "distinct_right", "passes_visible_only")
MEASURES = ("pass_1", "pass_10", *_OTHERS)
TEMPERATURE = 0.8


class Exam:
    """`attempts` programs for each test task at `temperature`, and one at temperature 0.

    pass_K for each K of `at`, default 1 and `attempts`: unbiased pass@K (Chen et al. 2021, eq. 1),
    averaged over the tasks; a program counts as right when it passes the visible and the hidden
    cases. greedy: share of tasks solved at temperature 0. distinct, distinct_right: different
    programs, and different right ones, among the attempts. passes_visible_only: share of the
    programs that pass the visible cases and fail a hidden one, of those that pass the visible
    cases. ValueError when a K is above `attempts`, or `temperature` below 0.
    """

    def __init__(
        self,
        box: Sandbox,
        tasks: Sequence[Task],
        seed: int,
        attempts: int = 10,
        at: Sequence[int] | None = None,
        temperature: float = TEMPERATURE,
    ) -> None:
        self.box = box
        self.tasks = tasks
        self.seed = positive_int("seed", seed, minimum=0)
        self.attempts = positive_int("attempts", attempts)
        self.temperature = real_number("temperature", temperature, low=0.0)
        wanted = (1, self.attempts) if at is None else at
        self.at = tuple(dict.fromkeys(positive_int("at", k) for k in wanted))
        if max(self.at, default=1) > self.attempts:
            raise ValueError(f"at must be at most attempts = {attempts}, got {max(self.at)}")
        self._last: tuple[Any, dict[str, float]] | None = None

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of what it measures; `MEASURES` for ten attempts."""
        return (*(f"pass_{k}" for k in self.at), *_OTHERS)

    @property
    def metrics(self) -> dict[str, Callable[[Any, Any], float]]:
        """Name -> metric, for `run_loop`; all of them share one sitting."""
        return {name: self._metric(name) for name in self.measures}

    def sit(self, writer: CodeWriter) -> dict[str, float]:
        """All measures of one writer."""
        rng = np.random.default_rng(self.seed)
        asked = [Example(task, ()) for task in self.tasks for _ in range(self.attempts)]
        written = writer.answer(asked, rng, temperature=self.temperature)
        visible, right = self._passes(written)
        greedy = writer.answer([Example(task, ()) for task in self.tasks], rng, temperature=0.0)
        by_task = right.reshape(len(self.tasks), self.attempts)
        counts = by_task.sum(axis=1)
        different, different_right = [], []
        for i in range(len(self.tasks)):
            rows = range(i * self.attempts, (i + 1) * self.attempts)
            different.append(len({written[row].program for row in rows}))
            different_right.append(len({written[row].program for row in rows if right[row]}))
        passes = {
            f"pass_{k}": float(np.mean([pass_at_k(self.attempts, int(c), k) for c in counts]))
            for k in self.at
        }
        return passes | {
            "greedy": float(self._passes(greedy)[1].mean()),
            "distinct": float(np.mean(different)),
            "distinct_right": float(np.mean(different_right)),
            "passes_visible_only": float((visible & ~right).sum() / max(1, visible.sum())),
        }

    def _passes(self, written: Sequence[Example]) -> tuple[np.ndarray, np.ndarray]:
        visible = np.array([report.passed for report in grade(self.box, written)])
        chosen = np.flatnonzero(visible).tolist()
        right = np.zeros(len(written), dtype=bool)
        hidden = grade(self.box, [written[i] for i in chosen], hidden=True)
        right[chosen] = [report.passed for report in hidden]
        return visible, right

    def _metric(self, name: str) -> Callable[[Any, Any], float]:
        def metric(model: Any, produced: Any) -> float:
            if self._last is None or self._last[0] is not model:
                self._last = (model, self.sit(model))
            return self._last[1][name]

        return metric
