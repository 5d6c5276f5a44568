"""Controls beside `helpers.studies.execution`: what of its results is the tests' own merit?

Same seeds, tasks, first writers and random streams as `execution`, so that arms of both are paired
seed by seed. Every arm goes four rounds. `helpers.studies.execution_coverage` is the other half.

random_in_task    four programs a task; of each task as many as the unit tests let through there,
                  at most two different ones, but chosen at random: the tests still choose the tasks
random_overall    as many as the tests let through in all, at random: they choose nothing
reference         as many programs as the tests let through, but reference programs
                  (`write_program`) for tasks of the round drawn at random, one a task: what that
                  many more of the first, given programs would have done
repair_more_blank as `repair_more`, six spoilt copies a kept program, with an empty message
start             the first writer of all arms

The exam of `execution` is sat by the start and at the end of round 4; what the gates report is
there for every round.

Rules, written and committed before any reported seed (0 and above) ran. Each is one number a seed,
a weighted sum of measures (see RULES), over ten seeds; arms that are not above are the recorded
ones of `execution`:

    in_task, overall   unit_tests minus the random arm, pass@1 at round 4, above 0
    as_many_reference  scorecard F20: the gain of unit_tests minus .8 times the gain of
                       `reference`, pass@1 at round 4, above 0
    message            repair_more minus repair_more_blank, `mended`, mean of rounds 1 to 4, above
                       0. Not round 0: there the writer has seen repairs with messages only

Two-sided t tests, corrected by Holm for all rules of the study. A rule is `shown` when its
corrected p is below .05, the sign is the claimed one and the mean is at least the rule's smallest
effect; `opposite` with the other sign; `small` when the mean is below the smallest effect. With a
corrected p of .05 or more it is `null` when the whole 95 % interval (uncorrected) lies within plus
or minus the smallest effect, otherwise `open`. What no rule names describes, and no claim rests on
it.

Settings tried before: this one. On development seed 100 the start, two rounds and the exam were
timed; small trials of 100 and 101 looked for faults of the code. Row 31 of the papers' list had
been measured on the same two seeds with earlier code: tests above both random arms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers import studies
from helpers._arguments import one_of
from helpers.coding.exam import Exam
from helpers.coding.gates import UnitTests, choose, numbers_about
from helpers.coding.grading import grade
from helpers.coding.language import write_program
from helpers.coding.writer import Example
from helpers.loop import Verified, run_loop
from helpers.studies import execution
from helpers.studies.paired import effect, holm, means, over_seeds
from helpers.verification import Sandbox

SEEDS = range(10)
SETTINGS: dict[str, Any] = {"execution": execution.SETTINGS, "corruptions": 6}
CHOICES = {"random_in_task": "in_task", "random_overall": "overall", "reference": "reference"}
LAST = 4  # the round of `execution` at which arms are compared


Row = tuple[str, int, str, float]
COLUMNS = ["arm", "generation", "metric", "value"]


class Term(NamedTuple):
    """A weight, and what it weighs: a measure of an arm, its mean over some rounds."""

    weight: float
    arm: str
    metric: str
    rounds: tuple[int, ...] = (LAST,)


class Rule(NamedTuple):
    """The claimed sign of a sum of terms, and the smallest mean that counts."""

    sign: int
    smallest: float
    terms: tuple[Term, ...]


def less(
    sign: int,
    smallest: float,
    metric: str,
    first: str,
    second: str,
    at: tuple[int, ...] = (LAST,),
    of: tuple[int, ...] | None = None,
) -> Rule:
    """The rule on `first` at rounds `at` minus `second` at rounds `of`, the same if None."""
    terms = (Term(1, first, metric, at), Term(-1, second, metric, at if of is None else of))
    return Rule(sign, smallest, terms)


RULES: dict[str, Rule] = {
    "in_task": less(1, 0.02, "pass_1", "unit_tests", "random_in_task"),
    "overall": less(1, 0.02, "pass_1", "unit_tests", "random_overall"),
    "as_many_reference": Rule(
        1,
        0.0,
        (
            Term(1, "unit_tests", "pass_1"),
            Term(-0.8, "reference", "pass_1"),
            Term(-0.2, "start", "pass_1", (0,)),
        ),
    ),
    "message": less(1, 0.01, "mended", "repair_more", "repair_more_blank", at=(1, 2, 3, 4)),
}


@dataclass(frozen=True)
class AsManyAsTests:
    """Keeps as many programs as `UnitTests` would of the same ones, but not those.

    how "in_task": of each task as many, at random, all different; what was written twice is twice
    as likely, as it is to be tested first. "overall": as many in all, at random, at most `per_task`
    different ones a task. "reference": as many reference programs, for tasks drawn at random.
    """

    box: Sandbox
    how: str
    per_task: int = 2

    def __post_init__(self) -> None:
        one_of("how", self.how, tuple(CHOICES.values()))

    def __call__(self, model: Any, samples: list[Example], rng: np.random.Generator) -> Verified:
        passed = [report.passed for report in grade(self.box, samples)]
        right = choose(samples, passed, self.per_task)
        if self.how == "reference":
            kept = self._references(samples, len(right), rng)
        else:
            shuffled = [samples[i] for i in rng.permutation(len(samples))]
            room = Counter(id(example.task) for example in right)
            kept = []
            for example in choose(shuffled, [True] * len(shuffled), self.per_task):
                task = id(example.task)
                if self.how == "overall" or room[task]:
                    room[task] -= 1
                    kept.append(example)
            kept = kept[: len(right)]
        return Verified(kept, numbers_about(self.box, samples, kept))

    def _references(
        self, samples: list[Example], number: int, rng: np.random.Generator
    ) -> list[Example]:
        tasks = list({id(example.task): example.task for example in samples}.values())
        order = [i for _ in range(self.per_task) for i in rng.permutation(len(tasks))]
        chosen = [tasks[i] for i in order[:number]]
        return [Example(task, write_program(task, rng)) for task in chosen]


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation (the round), metric, value.

    scale: "full", or anything else for one round of barely trained writers.
    """
    with Sandbox() as box:
        begin = execution.start(seed, scale, box)
        exam = Exam(box, begin.sets.test, seed)
        rows = tidy("start", 0, exam.sit(begin.writer))
        for name, arm in arms(box).items():
            loop = execution.loop_with(*arm, begin, box, seed, scale)
            rows += run_and_sit(name, loop, LAST if scale == "full" else 1, exam)
    return pd.DataFrame(rows, columns=COLUMNS)


def arms(box: Sandbox) -> dict[str, execution.Arm]:
    """Name -> gate, policy, programs a task, temperature, as `execution.arms`."""
    _, mix, attempts, temperature = execution.arms(box)["unit_tests"]
    found: dict[str, execution.Arm] = {
        name: (AsManyAsTests(box, how), mix, attempts, temperature) for name, how in CHOICES.items()
    }
    blank = UnitTests(box, second_try="blank", corruptions=SETTINGS["corruptions"])
    return found | {"repair_more_blank": (blank, mix, 2, temperature)}


def tidy(arm: str, generation: int, numbers: Mapping[str, float]) -> list[Row]:
    """Rows of a trial: arm, generation, metric, value."""
    return [(arm, generation, metric, value) for metric, value in numbers.items()]


def run_and_sit(name: str, loop: dict[str, Any], rounds: int, exam: Exam) -> list[Row]:
    """What the gate of an arm reports in each round, and the exam after the last.

    An exam in between would change nothing: it has streams of its own.
    """
    history = run_loop(generations=rounds, **loop | {"metrics": None})
    rows = [row for g in history.generations for row in tidy(name, g.index, g.report)]
    return rows + tidy(name, rounds, exam.sit(history.models[-1]))


def summary(frame: pd.DataFrame, rules: Mapping[str, Rule] = RULES) -> dict[str, float]:
    """Means of every arm and round; of every rule RULE, _low, _high and the corrected RULE_p."""
    result = means(frame, tuple(range(int(frame["generation"].max()) + 1)))
    for row in effects(frame, rules).to_dict("records"):
        rule = str(row["rule"])
        result |= {rule: row["difference"], f"{rule}_p": row["p"]}
        result |= {f"{rule}_{end}": row[end] for end in ("low", "high")}
    return result


def effects(frame: pd.DataFrame, rules: Mapping[str, Rule] = RULES) -> pd.DataFrame:
    """Every rule: rule, difference, low, high (95 %), p (corrected by Holm), verdict.

    frame: trials with the column replicate; arms that it lacks are those recorded of `execution`.
    """
    known = studies.load("execution")
    both = pd.concat([frame, known[~known["arm"].isin(frame["arm"].unique())]])
    found = [effect(_by_seed(both, rule)) for rule in rules.values()]
    table = pd.DataFrame(found, columns=["difference", "low", "high", "p"])
    table["p"] = holm(table["p"].to_numpy())
    rows = zip(rules.values(), table.to_numpy().tolist(), strict=True)
    words = [verdict(rule, *numbers) for rule, numbers in rows]
    table.insert(0, "rule", list(rules))
    return table.assign(verdict=words)


def verdict(rule: Rule, difference: float, low: float, high: float, p: float) -> str:
    """What a rule says of a mean, its interval and its corrected p, in the module's words."""
    if not p < 0.05:
        return "null" if -rule.smallest < low and high < rule.smallest else "open"
    if abs(difference) < rule.smallest:
        return "small"
    return "shown" if difference * rule.sign > 0 else "opposite"


# --- details -----------------------------------------------------------------------------------


def _by_seed(frame: pd.DataFrame, rule: Rule) -> pd.Series:
    """The sum of a rule's terms, one number a seed that has them all."""
    parts = {
        (term, at): term.weight / len(term.rounds) * over_seeds(frame, term.arm, term.metric, at)
        for term in rule.terms
        for at in term.rounds
    }
    return pd.DataFrame(parts.values()).dropna(axis="columns").sum()
