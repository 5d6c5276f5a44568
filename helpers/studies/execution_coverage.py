"""What the arms of `helpers.studies.execution` can do with many tries, and own tests for longer.

The other half of `helpers.studies.execution_controls`: same seeds, tasks, first writers and streams
as `execution`, same kinds of rules and verdicts, corrected by Holm for the rules of this study.

unchecked, unit_tests, repair   as in `execution`, four rounds, trained again since it keeps no
                                writer; what both measure is the same to the last digit
own_tests                       as in `execution`, twelve rounds
start                           the first writer of all arms

The exam of `execution` is sat by the start and at the end of round 4, by `own_tests` also of rounds
8 and 12. `coverage_K` is a larger one: pass@K for K up to 100, unbiased, from 120 programs for each
of the first 60 test tasks (Chen et al. 2021, eq. 1), of the start and of round 4 of every arm.

Rules, written and committed before any reported seed (0 and above) ran:

    reward_rises   own_tests, `accepted`, mean of rounds 5 to 8 minus round 0, above 0. Rounds 0 to
                   4 are known from `execution`, and rise: this half is not blind
    reward_falls   own_tests, `accepted`, mean of rounds 9 to 12 minus that of 5 to 8, below 0
    right_falls    own_tests, pass@1, round 12 minus round 4, below 0
    coverage_ARM   ARM at round 4 minus the start, pass@100, below 0: the start overtakes at large
                   k, as Yue et al. 2025 report of reinforcement learning

That a model's own reward rises, then falls, is shown when both rules on the reward are.

Settings tried before: this one. On development seed 100 the start, two rounds and the exam were
timed; small trials of 100 and 101 looked for faults of the code. Row 32 of the papers' list had
been measured on the same two seeds with earlier code: unit tests above the start at k = 100, the
opposite of the last rule.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.coding.exam import Exam
from helpers.coding.writer import CodeWriter
from helpers.loop import run_loop
from helpers.studies import execution, execution_controls
from helpers.studies.execution_controls import COLUMNS, LAST, Rule, less, tidy
from helpers.verification import Sandbox

SEEDS = range(10)
SETTINGS: dict[str, Any] = {
    "execution": execution.SETTINGS,
    "sat": {"unchecked": [4], "unit_tests": [4], "repair": [4], "own_tests": [4, 8, 12]},
    "coverage": {"tasks": 60, "attempts": 120, "at": [1, 2, 5, 10, 20, 50, 100]},
}
MIDDLE, END = (5, 6, 7, 8), (9, 10, 11, 12)  # rounds of own_tests
RULES: dict[str, Rule] = {
    "reward_rises": less(1, 0.02, "accepted", "own_tests", "own_tests", at=MIDDLE, of=(0,)),
    "reward_falls": less(-1, 0.02, "accepted", "own_tests", "own_tests", at=END, of=MIDDLE),
    "right_falls": less(-1, 0.02, "pass_1", "own_tests", "own_tests", at=(12,), of=(LAST,)),
} | {
    f"coverage_{arm}": less(-1, 0.02, "coverage_100", arm, "start", of=(0,))
    for arm in SETTINGS["sat"]
}


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation (the round), metric, value.

    scale: "full", or anything else for one round of barely trained writers, three of own_tests.
    """
    with Sandbox() as box:
        begin = execution.start(seed, scale, box)
        exam = Exam(box, begin.sets.test, seed)
        rows = tidy("start", 0, exam.sit(begin.writer))
        rows += tidy("start", 0, coverage(begin.writer, begin, box, seed, scale))
        for arm, sat in SETTINGS["sat"].items():
            at = sat if scale == "full" else list(range(1, len(sat) + 1))
            loop = execution.loop_of(arm, begin, box, seed, scale)
            # Without an exam in every round, which has streams of its own and would change nothing.
            history = run_loop(generations=at[-1], **loop | {"metrics": None})
            for generation in history.generations:
                rows += tidy(arm, generation.index, generation.report)
            for index in at:
                rows += tidy(arm, index, exam.sit(history.models[index]))
            first = history.models[at[0]]
            rows += tidy(arm, at[0], coverage(first, begin, box, seed, scale))
    return pd.DataFrame(rows, columns=COLUMNS)


def coverage(
    writer: CodeWriter, begin: execution.Start, box: Sandbox, seed: int, scale: str
) -> dict[str, float]:
    """coverage_K, and coverage_distinct_right of all tries: the larger exam of one writer."""
    settings = SETTINGS["coverage"]
    tasks = begin.sets.test[: settings["tasks"]]
    attempts, at = (settings["attempts"], settings["at"]) if scale == "full" else (12, [1, 10])
    found = Exam(box, tasks, seed, attempts, at).sit(writer)
    passes = {f"coverage_{k}": found[f"pass_{k}"] for k in at}
    return passes | {"coverage_distinct_right": found["distinct_right"]}


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means of every arm and round; of every rule RULE, _low, _high and the corrected RULE_p."""
    return execution_controls.summary(frame, RULES)


def effects(frame: pd.DataFrame) -> pd.DataFrame:
    """Every rule: rule, difference, low, high (95 %), p (corrected by Holm), verdict."""
    return execution_controls.effects(frame, RULES)
