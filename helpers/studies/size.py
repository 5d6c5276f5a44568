"""Size and self-training: who teaches a small and a big code model best, itself, a twin, another?

Two sizes of the writer of `execution`: small, about 35,000 parameters, and big, about 437,000. Both
learn the same 300 reference programs (`write_program` draws them; recorded names say human). Then
they go three rounds of 100 steps, each step a quarter reference programs and three quarters of what
the teacher has written so far, for 300 tasks a round. All arms of a seed are asked the same tasks.

STUDENT_human              reference programs only, as many steps: the baseline
STUDENT_TEACHER_unchecked  one program a task, all kept
STUDENT_TEACHER_checked    four programs a task; up to two different ones that pass its tests

Teachers: `own`, the student itself as it now is; `twin`, of the student's size, trained on the same
reference programs from another random start; `other`, the writer of the other size. A twin and an
other are frozen at their start: no loop closes there. A student named SIZE_half began after half as
many steps; it has the arms human and own_unchecked. The starts themselves are SIZE_start,
SIZE_half_start and twin_of_SIZE.

The exam: 100 programs for each test task at temperature 0.8, visible and hidden cases; pass@K
unbiased for K up to 40 (Chen et al. 2021, eq. 1); distinct, different programs of the hundred. Half
starts and their arms, of which no rule asks more than pass@1, write 20 programs for each task. The
small start and small_own_unchecked sit it at temperature 1.2 as well (measures _hot). `as_varied`,
of small_own_unchecked: its pass@40 where it writes as many different programs as
small_twin_unchecked does at 0.8, on the straight line between its two temperatures, not beyond.

Steps of a start: of those tried on two development seeds the fewest whose pass@1 is less than .02
below the best, see DEVELOPMENT.

Rules, written and committed before any reported seed (0 and above) ran; each is one difference,
paired over ten seeds. In pass@1, after the last round:

    harmed             big_own_unchecked minus big_start, below 0: "its own data harm a big model"
    beyond             big_own_unchecked minus big_human, above 0: the same data, beyond the steps
    small_harmed, small_beyond   the same of the small one
    half_beyond, small_half_beyond   SIZE_half_own_unchecked minus SIZE_half_human, below 0: who can
                       still learn from people loses by its own output
    checked, small_checked       own_checked minus human, above 0
    teacher            small_other_unchecked minus small_own_unchecked, above 0: a bigger teacher
In pass@40:
    widens             small_twin_unchecked minus small_own_unchecked, above 0
    not_heat           small_twin_unchecked minus as_varied, above 0
    overtakes          small_other_unchecked minus big_start, above 0: the student and its teacher
    teacher_widens     small_other_unchecked minus small_twin_unchecked, above 0: expected not shown
    narrows            small_other_checked minus small_other_unchecked, below 0

Verdicts, and Holm's correction over all of them, are those of `execution_controls`. `harmed` is
never reported without `beyond`. What no rule names describes, and no claim rests on it. Not run,
for their time on the machine: a middle size, more temperatures, the other arms of the half starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers.coding.exam import Exam
from helpers.coding.gates import Unchecked, UnitTests
from helpers.coding.grading import Remembering
from helpers.coding.language import draw_task_sets
from helpers.coding.writer import CodeWriter, Example
from helpers.loop import Verified, fit_stream
from helpers.policies import Mix
from helpers.studies import execution_controls
from helpers.studies.execution_controls import COLUMNS, Rule, Term, less, tidy
from helpers.studies.paired import interval, over_seeds
from helpers.verification import Sandbox

SIZES = ("small", "big")
OTHER = {"small": "big", "big": "small"}
LAST = 3  # the round after which arms are compared
BARELY = {"small": 150, "big": 60}  # steps of a start in a rehearsal: enough to be right at times


def _enough(tried: Mapping[int, Sequence[float]]) -> int:
    """The fewest steps whose mean is less than a smallest effect below the best."""
    reached = {steps: float(np.mean(marks)) for steps, marks in tried.items()}
    return min(steps for steps, mark in reached.items() if mark > max(reached.values()) - 0.02)


class Arm(NamedTuple):
    """Who learns, a start; from whom, a start, "own" or nobody but people; and who checks."""

    student: str
    teacher: str | None = None
    checked: bool = False


def _arms() -> dict[str, Arm]:
    found: dict[str, Arm] = {}
    for size in SIZES:
        begin, half = f"{size}_start", f"{size}_half_start"
        teachers = {"own": "own", "twin": f"twin_of_{size}", "other": f"{OTHER[size]}_start"}
        found[f"{size}_human"] = Arm(begin)
        for name, teacher in teachers.items():
            found[f"{size}_{name}_unchecked"] = Arm(begin, teacher)
            found[f"{size}_{name}_checked"] = Arm(begin, teacher, checked=True)
        found[f"{size}_half_human"] = Arm(half)
        found[f"{size}_half_own_unchecked"] = Arm(half, "own")
    return found


ARMS = _arms()
# pass@1 of starts by size and steps, development seeds 100 and 101: 60 tasks, 10 programs each.
DEVELOPMENT: dict[str, dict[int, tuple[float, float]]] = {
    "small": {400: (0.113, 0.155), 800: (0.197, 0.165), 1600: (0.188, 0.180)},
    "big": {200: (0.357, 0.450), 400: (0.422, 0.483), 800: (0.413, 0.527)},
}
HOT = ("small_start", "small_own_unchecked")
SEEDS = range(10)
SETTINGS: dict[str, Any] = {
    "sets": {"n_human": 300, "n_pool": 900, "n_test": 40},
    "widths": {"small": 32, "big": 128},
    "start_steps": {size: _enough(tried) for size, tried in DEVELOPMENT.items()},
    "start_learning_rate": 2e-3,
    "rounds": LAST,
    "round_tasks": 300,
    "round_steps": 100,
    "round_learning_rate": 1e-3,
    "batch_size": 32,
    "human_share": 0.25,
    "attempts": 4,
    "kept": 2,
    "exam": {"attempts": 100, "at": [1, 2, 5, 10, 20, 40]},
    "short_exam": {"attempts": 20, "at": [1, 10]},
    "hot": 1.2,
    "arms": {name: list(arm) for name, arm in ARMS.items()},
}


def _rule(sign: int, smallest: float, metric: str, first: str, second: str) -> Rule:
    """`first` minus `second`; a start is examined in round 0, an arm after its last."""
    of = (0,) if second.endswith("_start") else (LAST,)
    return less(sign, smallest, metric, first, second, at=(LAST,), of=of)


RULES: dict[str, Rule] = {
    "harmed": _rule(-1, 0.01, "pass_1", "big_own_unchecked", "big_start"),
    "beyond": _rule(1, 0.01, "pass_1", "big_own_unchecked", "big_human"),
    "small_harmed": _rule(-1, 0.01, "pass_1", "small_own_unchecked", "small_start"),
    "small_beyond": _rule(1, 0.01, "pass_1", "small_own_unchecked", "small_human"),
    "half_beyond": _rule(-1, 0.01, "pass_1", "big_half_own_unchecked", "big_half_human"),
    "small_half_beyond": _rule(-1, 0.01, "pass_1", "small_half_own_unchecked", "small_half_human"),
    "checked": _rule(1, 0.02, "pass_1", "big_own_checked", "big_human"),
    "small_checked": _rule(1, 0.02, "pass_1", "small_own_checked", "small_human"),
    "teacher": _rule(1, 0.02, "pass_1", "small_other_unchecked", "small_own_unchecked"),
    "widens": _rule(1, 0.02, "pass_40", "small_twin_unchecked", "small_own_unchecked"),
    "overtakes": _rule(1, 0.02, "pass_40", "small_other_unchecked", "big_start"),
    "teacher_widens": _rule(1, 0.02, "pass_40", "small_other_unchecked", "small_twin_unchecked"),
    "narrows": _rule(-1, 0.02, "pass_40", "small_other_checked", "small_other_unchecked"),
    "not_heat": Rule(
        1,
        0.02,
        (
            Term(1, "small_twin_unchecked", "pass_40", (LAST,)),
            Term(-1, "small_own_unchecked", "as_varied", (LAST,)),
        ),
    ),
}


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation (the round), metric, value.

    scale: "full", or anything else for one round of barely trained writers.
    """
    with Remembering() as box:
        school = School(seed, scale == "full", box)
        writers = school.starts()
        teachers = {arm.teacher for arm in ARMS.values()}
        books = {
            name: [school.write(writer, at) for at in range(school.rounds)]
            for name, writer in writers.items()
            if name in teachers
        }
        found = {name: school.examine(name, writer) for name, writer in writers.items()}
        rows = [row for name, numbers in found.items() for row in tidy(name, 0, numbers)]
        for name, arm in ARMS.items():
            writer, reports = school.go_on(arm, writers[arm.student], books.get(str(arm.teacher)))
            for at, report in enumerate(reports):
                rows += tidy(name, at, report)
            found[name] = school.examine(name, writer)
            rows += tidy(name, school.rounds, found[name])
    varied = as_varied(found["small_own_unchecked"], found["small_twin_unchecked"]["distinct"])
    rows += tidy("small_own_unchecked", school.rounds, {"as_varied": varied})
    return pd.DataFrame(rows, columns=COLUMNS)


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means of every arm and round; of every rule RULE, _low, _high and the corrected RULE_p.

    Also, for the lesson, what each arm differs by from its start and its human arm: ARM_gain_METRIC
    and ARM_beyond_METRIC, with _low and _high.
    """
    result = execution_controls.summary(frame, RULES)
    for name, arm in ARMS.items():
        baselines = {"gain": (arm.student, 0), "beyond": (f"{student(arm)}_human", LAST)}
        for word, (other, at) in baselines.items():
            for metric in ("pass_1", "pass_40"):
                mine, theirs = (
                    over_seeds(frame, who, metric, when)
                    for who, when in ((name, LAST), (other, at))
                )
                if len(mine) and len(theirs):  # arms of half starts have no pass@40
                    result |= interval(f"{name}_{word}_{metric}", mine - theirs)
    return result


def effects(frame: pd.DataFrame) -> pd.DataFrame:
    """Every rule: rule, difference, low, high (95 %), p (corrected by Holm), verdict."""
    return execution_controls.effects(frame, RULES)


def student(arm: Arm) -> str:
    """small, big, small_half or big_half."""
    return arm.student.removesuffix("_start")


def as_varied(exam: Mapping[str, float], distinct: float) -> float:
    """pass@40 of a writer where it writes `distinct` different programs.

    Between its exams at the usual and at the hot temperature (measures with _hot), on a straight
    line; never beyond its ends.
    """
    cool, hot = exam["distinct"], exam["distinct_hot"]
    share = float(np.clip((distinct - cool) / (hot - cool), 0, 1)) if hot > cool else 0.0
    return exam["pass_40"] + share * (exam["pass_40_hot"] - exam["pass_40"])


class School:
    """What all arms of a seed share: tasks, reference programs, random streams, the sandbox.

    There is no `helpers.loop.run_loop` here: a frozen teacher closes no loop, and nobody needs what
    a student would write after its last round.
    """

    def __init__(self, seed: int, full: bool, box: Sandbox) -> None:
        self.seed, self.full, self.box = seed, full, box
        self.rounds: int = SETTINGS["rounds"] if full else 1
        rng = np.random.default_rng([seed, 1])
        if full:
            sets = draw_task_sets(rng, **SETTINGS["sets"])
            self.pool = sets.pool
        else:  # the tasks that a barely trained writer can solve are those that it has learnt
            sets = draw_task_sets(rng, n_human=40, n_pool=1, n_test=3)
            self.pool = [task for task, _ in sets.human]
        self.test = sets.test
        self.reference = [Example(task, program) for task, program in sets.human]

    def starts(self) -> dict[str, CodeWriter]:
        """SIZE_start, SIZE_half_start and twin_of_SIZE, each after its steps."""
        found: dict[str, CodeWriter] = {}
        for size in SIZES:
            steps = SETTINGS["start_steps"][size] if self.full else BARELY[size]
            for name, stream, n in (
                (f"{size}_start", 2, steps),
                (f"twin_of_{size}", 3, steps),
                (f"{size}_half_start", 2, steps // 2),
            ):
                writer = self._writer(size, n, SETTINGS["start_learning_rate"])
                found[name] = writer.fit(self.reference, self._rng(stream))
        return found

    def write(
        self, writer: CodeWriter, at: int, attempts: int = SETTINGS["attempts"]
    ) -> list[Example]:
        """`attempts` programs for each task of round `at`, tasks side by side."""
        n = SETTINGS["round_tasks"] if self.full else 20
        tasks = self.pool[at * n : (at + 1) * n]
        asked = [Example(task, ()) for task in tasks for _ in range(attempts)]
        return writer.answer(asked, self._rng(4, at), temperature=1.0)

    def go_on(
        self, arm: Arm, writer: CodeWriter, books: Sequence[list[Example]] | None
    ) -> tuple[CodeWriter, list[Mapping[str, float]]]:
        """The student of `arm` after the last round, and what its gate said of each round.

        books: what a frozen teacher has written for each round.
        """
        size = student(arm).removesuffix("_half")
        rows = SETTINGS["round_steps"] * SETTINGS["batch_size"]
        share = SETTINGS["human_share"] if arm.teacher else 1.0
        policy = Mix(share, size=rows, pool="all", with_replacement=True)
        kept: list[Any] = []
        reports: list[Mapping[str, float]] = []
        for at in range(self.rounds):
            if arm.teacher:
                said = self._kept(arm, writer, at, books)
                kept.append(said.kept)
                reports.append(said.report)
            data: Any = policy.training_set(self.reference, kept or [[]], self._rng(5, at))
            steps = SETTINGS["round_steps"] if self.full else 3
            learner = self._writer(size, steps, SETTINGS["round_learning_rate"])
            writer = learner.fit(data, fit_stream(self.seed, at + 1), init=writer)
        return writer, reports

    def examine(self, name: str, writer: CodeWriter) -> dict[str, float]:
        """The exam of a writer; those in HOT sit it hot as well, measures with _hot."""
        exam: dict[str, Any] = SETTINGS["short_exam" if "half" in name else "exam"]
        found = Exam(self.box, self.test, self.seed, **exam).sit(writer)
        if name in HOT:
            hot = Exam(self.box, self.test, self.seed, **exam, temperature=SETTINGS["hot"])
            found |= {f"{metric}_hot": value for metric, value in hot.sit(writer).items()}
        return found

    def _kept(
        self, arm: Arm, writer: CodeWriter, at: int, books: Sequence[list[Example]] | None
    ) -> Verified:
        """What the gate of `arm` keeps of this round's programs."""
        attempts = SETTINGS["attempts"] if arm.checked else 1
        if books is None:
            written = self.write(writer, at, attempts)
        else:  # a teacher writes once for both of its arms: the first of four is the unchecked one
            written = books[at][:: SETTINGS["attempts"] // attempts]
        gate = UnitTests(self.box, SETTINGS["kept"]) if arm.checked else Unchecked(self.box)
        return gate(writer, written, self._rng(6, at))

    def _writer(self, size: str, steps: int, learning_rate: float) -> CodeWriter:
        return CodeWriter(
            width=SETTINGS["widths"][size],
            steps=steps,
            batch_size=SETTINGS["batch_size"],
            learning_rate=learning_rate,
        )

    def _rng(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *stream])
