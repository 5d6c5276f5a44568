"""What lesson 11 says in words: see claims.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
from claims import Claim, Found, between, exactly, mean, recorded, values

from helpers import studies
from helpers._ground import ROOT
from helpers.authoring.course import Course
from helpers.coding.exam import TEMPERATURE
from helpers.coding.gates import OwnTests, UnitTests
from helpers.coding.language import (
    N_HIDDEN,
    N_VISIBLE,
    draw_task_sets,
    source,
    steps,
    underspecified,
)
from helpers.coding.writer import Example
from helpers.explorers import lesson_11
from helpers.studies import execution_controls, execution_coverage
from helpers.studies.execution import CONTRASTS, arms
from helpers.studies.execution_controls import AsManyAsTests
from helpers.studies.execution_programs import programs
from helpers.studies.paired import effect, holm
from helpers.verification import Report, Sandbox, Verdict

Row = tuple[str, pd.Series]  # what it is of, and one number a seed
Rows = Callable[[], list[Row]]
LONGER = range(5, 9), range(9, 13)  # generations of own tests
STUDIES = ("execution", "execution_controls")  # the second has no arm of the first


def _of(arm: str, metric: str, generations: Iterable[int]) -> pd.Series:
    """One number a seed: the mean over some generations, from the study that has the arm."""
    table = next(t for study in STUDIES if not (t := values(study, arm, metric)).empty)
    return table[list(generations)].mean(axis=1)


def changes(*arms: str, metric: str = "pass_1", at: Iterable[int] = (4,)) -> Rows:
    """Each arm in each generation less its value in generation 0."""
    return lambda: [
        (f"{arm}, {metric}, generation {g}", _of(arm, metric, [g]) - _of(arm, metric, [0]))
        for arm in arms
        for g in at
    ]


def gains(*arms: str) -> Rows:
    """Each arm of either study in generation 4 less the start of all, in pass@1."""
    return lambda: [
        (f"{arm}, gain", _of(arm, "pass_1", [4]) - _of("start", "pass_1", [0])) for arm in arms
    ]


def gaps(*pairs: tuple[str, str], metric: str = "pass_1", at: Iterable[int] = (4,)) -> Rows:
    """First minus second arm in each generation."""
    return lambda: [
        (
            f"{first} - {second}, {metric}, generation {g}",
            _of(first, metric, [g]) - _of(second, metric, [g]),
        )
        for first, second in pairs
        for g in at
    ]


def practised(*pairs: tuple[str, str]) -> Rows:
    """First minus second arm in the share mended, mean of generations 1 to 4."""
    generations = (1, 2, 3, 4)
    return lambda: [
        (f"{first} - {second}, mended, mean of generations 1 to 4",
         _of(first, "mended", generations) - _of(second, "mended", generations))
        for first, second in pairs
    ]  # fmt: skip


def both(*parts: Rows) -> Rows:
    """One after the other."""
    return lambda: [row for part in parts for row in part()]


def sides(rows: Rows, *expected: str) -> Callable[[], list[Found]]:
    """Each interval lies on its side of zero, "above", "below" or "around" it: one for all, or one
    for each row."""

    def decide() -> list[Found]:
        made = rows()
        wanted = expected * len(made) if len(expected) == 1 else expected
        return [
            Found(*(three := mean(sample)), _side(three) == side, of)
            for (of, sample), side in zip(made, wanted, strict=True)
        ]

    return decide


def _side(three: tuple[float, float, float]) -> str:
    return Found(*three, True).side


def _rising() -> list[Found]:
    """Above the start in every generation, and more in each than in the one before it."""
    found = sides(changes("unchecked_newest_t12", metric="distinct", at=(1, 2, 3, 4)), "above")()
    ordered = [one.value for one in found] == sorted(one.value for one in found)
    return [replace(one, holds=one.holds and ordered) for one in found]


def _the_linter_no_less() -> Found:
    """What own tests let through wrongly, generation 4 less 0, minus the same of the linter."""
    own, linter = (
        _of(arm, "false_pass", [4]) - _of(arm, "false_pass", [0]) for arm in ("own_tests", "static")
    )
    found = Found(*mean(own - linter), True)
    return replace(found, holds=found.value < 0 and found.side == "around")


def _does_not_fall() -> list[Found]:
    """No generation below the start, and none above it beyond doubt."""
    found = sides(changes("own_tests", at=(1, 2, 3, 4)), "around")()
    return [replace(one, holds=one.holds and one.value > 0) for one in found]


def _hardly() -> list[Found]:
    return [replace(one, holds=0 < one.low < 0.001) for one in sides(_message(1), "above")()]


def _survivors() -> list[Found]:
    """The planned contrasts whose p, corrected by Holm, is below .05: these and no others."""
    samples = {
        pair: _of(pair[0], "pass_1", [4]) - _of(pair[1], "pass_1", [4]) for pair in CONTRASTS
    }
    p = holm(np.array([effect(sample)[3] for sample in samples.values()]))
    expected = {*OVER, ("unchecked", "unchecked_newest")}
    return [
        Found(
            *mean(sample),
            (corrected < 0.05) == (pair in expected),
            f"{' - '.join(pair)}: p {corrected:.3g}",
        )
        for (pair, sample), corrected in zip(samples.items(), p, strict=True)
    ]


def _p_alone() -> list[Found]:
    """The table of the planned contrasts: p is larger than that of one, the interval is as wide."""
    table = lesson_11.corrected().set_index("contrast")
    found = []
    for first, second in CONTRASTS:
        alone = effect(_of(first, "pass_1", [4]) - _of(second, "pass_1", [4]))
        row = table.loc[lesson_11._minus(first, second)]
        same = np.allclose(row[["low", "high"]].astype(float), alone[1:3], atol=6e-4)
        larger = row["p"] > alone[3]
        found.append(Found(row["p"], row["low"], row["high"], bool(same and larger), str(row.name)))
    return found


def _who_gained() -> list[Found]:
    """Of the arms with own programs those above the start: all that ran a task's tests, but for
    the one that lets chance choose tasks and programs."""
    known = {
        name: gate
        for study in (arms, execution_controls.arms)
        for name, (gate, policy, *_) in study(None).items()  # type: ignore[arg-type]
        if name not in ("human", "reference")  # reference programs only, or as many
    }
    assert len(known) == 17
    ran = {name for name, gate in known.items() if isinstance(gate, (UnitTests, AsManyAsTests))}
    found = [Found(*mean(sample), True, of) for of, sample in gains(*known)()]
    return [
        replace(one, holds=(one.side == "above") == (name in ran - {"random_overall"}))
        for name, one in zip(known, found, strict=True)
    ]


def _nineteen() -> list[Found]:
    """The arms of both records, and the fewest and the most seeds of one."""
    loops = {arm for study in STUDIES for arm in studies.load(study)["arm"]} - {"start"}
    seeds = [len(_of(arm, "pass_1", [4]).dropna()) for arm in loops]
    ten = min(seeds) == max(seeds) == 10
    return [
        Found(len(loops), len(loops), len(loops), len(loops) == 19, "arms"),
        Found(min(seeds), min(seeds), max(seeds), ten, "seeds"),
    ]


def _two_of_four() -> list[Found]:
    """The largest share that a check accepted in any seed and generation, and what it may keep."""
    known = arms(None)  # type: ignore[arg-type]
    found = []
    for arm in ("static", "own_tests", "unit_tests"):
        gate, _, written, _ = known[arm]
        top = float(values(STUDIES[0], arm, "accepted").to_numpy().max())
        two = (gate.per_task, written) == (2, 4)  # type: ignore[attr-defined]
        found.append(Found(top, top, top, two and top <= 0.5, arm))
    return found


class _Counting:
    """A writer that counts what it is asked, and a box in which nothing runs."""

    temperature, asked = 1.0, 0

    def answer(self, asked: list[Example], *_: object, **__: object) -> list[Example]:
        self.asked += len(asked)
        return asked

    def grade_many(self, jobs: list[object]) -> list[Report]:
        return [Report(Verdict.WRONG) for _ in jobs]


def _eight() -> Found:
    """Programs for one task of own tests: four, and what is asked for besides."""
    gate, _, written, _ = arms(None)["own_tests"]  # type: ignore[arg-type]
    assert isinstance(gate, OwnTests)
    task = draw_task_sets(np.random.default_rng(0), n_human=1, n_pool=1, n_test=1).pool[0]
    writer = _Counting()
    again = replace(gate, box=writer)  # type: ignore[arg-type]
    again(writer, [Example(task, ())] * written, np.random.default_rng(0))  # type: ignore[arg-type]
    number = written + writer.asked
    return Found(number, number, number, number == 8)


@cache
def _practice() -> list[Found]:
    """Repair examples out of forty right programs: with a message, with an empty one, none."""
    sets = draw_task_sets(np.random.default_rng(0), n_human=40, n_pool=1, n_test=1)
    right = [Example(task, program) for task, program in sets.human]
    found = []
    with Sandbox() as box:
        for arm, told in (("repair", True), ("repair_blank", False), ("repair_resample", None)):
            kept = arms(box)[arm][0](None, right, np.random.default_rng(0)).kept
            repairs = [example for example in kept if example.wrong]
            number = len(repairs)
            said = all(bool(example.feedback) == told for example in repairs)
            holds = number == 0 if told is None else number > 0 and said
            found.append(Found(number, number, number, holds, arm))
    return found


def _it_alone() -> list[Found]:
    return sides(_blank(1, 2, 3, 4), "around", "around", "above", "above")() + _practice()[1:]


def _two_for_three() -> Found:
    """The last of the second tries: the program again, and what its tests mean by above 3."""
    last = programs()["not_mended"][-1]
    meant = source(steps()[last.task.steps[0]].programs[0])
    phrase = "keep those above 3"
    same = last.program == last.wrong
    read = last.task.phrases[0] == phrase and phrase in underspecified() and "x >= 3]" in meant
    wrote = "x >= 2]" in source(last.program) and "x >= 3]" not in source(last.program)
    return Found(same, same, same, same and read and wrote)


def _perhaps() -> list[Found]:
    """The worth of the message: of the ten intervals of its figure, which survive Holm?"""
    rows = [*_message(*range(5))(), *_blank(*range(5))()]
    alone = np.array([effect(sample)[3] for _, sample in rows])
    corrected = holm(alone)
    wanted = [(True, True), (True, False), *[(False, False)] * 3]
    return [
        Found(
            *mean(sample), (p < 0.05, q < 0.05) == expected and _side(mean(sample)) != "below", of
        )
        for (of, sample), p, q, expected in zip(rows, alone, corrected, wanted, strict=False)
    ]


def _not_four_experiments() -> Found:
    """Half the interval of 40 rows as if they were 40 seeds, as a share of that of ten means."""
    gap = (values(STUDIES[0], "unit_tests", "pass_1") - values(STUDIES[0], "human", "pass_1"))[
        list(GENERATIONS)
    ]
    rows, means = (mean(sample) for sample in (gap.to_numpy().ravel(), gap.mean(axis=1)))
    share = (rows[2] - rows[0]) / (means[2] - means[0])
    return Found(share, share, share, share < 0.7)


def _half() -> Found:
    """The gain of unit tests less half of that of as many reference programs."""
    start = _of("start", "pass_1", [0])
    ours, theirs = (_of(arm, "pass_1", [4]) - start for arm in ("unit_tests", "reference"))
    return between(ours - 0.5 * theirs, -math.inf, 0)


def _written() -> list[Found]:
    """Programs that an arm writes for a task before any second try."""
    known = arms(None)  # type: ignore[arg-type]  # no sandbox: nothing runs
    said = dict.fromkeys(("unit_tests", "static"), 4)
    said |= dict.fromkeys(("unchecked", "unchecked_newest"), 1)
    return [Found(n := known[arm][2], n, n, n == said[arm], arm) for arm in said]


def _written_first() -> list[Found]:
    """The same, of the arms that have a second try."""
    known = {name: arm[2] for name, arm in arms(None).items() if name.startswith("repair")}  # type: ignore[arg-type]
    assert known
    return [Found(n, n, n, n == 2, arm) for arm, n in known.items()]


def _seconds(cell: str, low: float, high: float, parts: int = 1) -> Callable[[], Found]:
    """What each part of a live cell cost when it was recorded; hours of one machine differ."""

    def decide() -> Found:
        cost = Course.at(ROOT).measured()["11-learning-from-execution"][cell] / parts
        return Found(cost, cost, cost, low < cost < high)

    return decide


def _with_a_second_try() -> list[Found]:
    """Two programs a task, and one more for each of the two where neither passed."""
    attempts = arms(None)["repair"][2]  # type: ignore[arg-type]
    return [
        between(attempts * (2 - _of("repair", "solved_first", [g])), 2.7, 3.2, f"generation {g}")
        for g in range(5)
    ]


def _message(*generations: int) -> Rows:
    return gaps(("repair", "repair_blank"), metric="mended", at=generations)


def _blank(*generations: int) -> Rows:
    return gaps(("repair_blank", "repair_resample"), metric="mended", at=generations)


def _controlled() -> Rows:
    return gaps(("unit_tests", "random_in_task"), ("unit_tests", "random_overall"))


def _many_tries(*arms: str) -> list[Row]:
    """Each arm in generation 4 less the start, in pass@100."""
    start = values("execution_coverage", "start", "coverage_100")[0]
    return [(arm, values("execution_coverage", arm, "coverage_100")[4] - start) for arm in arms]


def _own_tests_for_longer(metric: str, at: Iterable[int], of: Iterable[int]) -> Rows:
    """Own tests, mean of the generations `at` less mean of those of `of`."""
    table = values("execution_coverage", "own_tests", metric)
    change = table[list(at)].mean(axis=1) - table[list(of)].mean(axis=1)
    return lambda: [(f"own tests, {metric}", change)]


def _own_tests_in_12() -> list[Row]:
    start = values("execution_coverage", "start", "pass_1")[0]
    table = values("execution_coverage", "own_tests", "pass_1")
    return [("less the start", table[12] - start), ("less generation 4", table[12] - table[4])]


def _so_long() -> list[Found]:
    """The last generation of each arm of the three studies."""
    ends = pd.concat(studies.load(study) for study in (*STUDIES, "execution_coverage"))
    last = ends.groupby("arm")["generation"].max()
    return [Found(g, g, g, (g > 4) == (arm == "own_tests"), str(arm)) for arm, g in last.items()]


def _the_first_alone() -> list[Found]:
    table = execution_coverage.effects(studies.load("execution_coverage"))
    assert len(table) == 7
    return [
        Found(row.difference, row.low, row.high, (row.verdict == "shown") == (at == 0), row.rule)
        for at, row in enumerate(table.itertuples())
    ]


def _claim(words: str, decide: Callable[[], Found | list[Found]], study: str = STUDIES[0]) -> Claim:
    return Claim("11", words, recorded(study), decide)


IDEAS = [f"repair_{idea}" for idea in ("kind", "trace", "turns", "more")]
OVER = [("unit_tests", arm) for arm in ("unchecked", "human", "static", "own_tests")]
GENERATIONS = (1, 2, 3, 4)
MANY = "execution_coverage"
CLAIMS = [
    _claim("Theirs is the only interval above zero",
           sides(changes("unit_tests", "unchecked", "human", "static", "unchecked_newest"),
                 "above", "around", "around", "around", "below")),
    _claim("It is above zero in generations 1 to 4",
           sides(gaps(("unit_tests", "human"), at=GENERATIONS), "above")),
    _claim("That is down, and not told apart from $T = 1$ (newest only)",
           sides(both(changes("unchecked_newest_t0"),
                      gaps(("unchecked_newest_t0", "unchecked_newest"))), "below", "around")),
    _claim("In generations 1 and 2 it lies just below the start",
           sides(changes("unchecked", at=GENERATIONS), "below", "below", "around", "around")),
    _claim("ever more different programs are written", _rising),
    _claim("Fewer different programs are written",
           sides(changes("unchecked_newest_t0", metric="distinct"), "below")),
    _claim("accept more in generation 4 than in generation 0, "
           "and a larger share of what they keep is wrong",
           sides(both(changes("own_tests", "static", metric="accepted"),
                      changes("own_tests", "static", metric="false_pass")), "above")),
    _claim("the linter shows no less of it", _the_linter_no_less),
    _claim("pass@1 does not fall with own tests", _does_not_fall),
    _claim("In generation 0 the message is worth", sides(_message(0), "above")),
    _claim("with an interval that hardly leaves zero out", _hardly),
    _claim("In generations 2, 3 and 4 no difference is shown", sides(_message(2, 3, 4), "around")),
    _claim("than with a blank one in generation 0, perhaps in 1, and not visibly later",
           _perhaps),
    _claim("interval holds zero: not refuted; it mends more in generation 0",
           sides(both(gaps(("repair", "repair_blank")), _message(0)), "around", "above")),
    _claim("In generation 0 blank mends fewer than resample",
           sides(_blank(0), "below")),
    _claim("In generations 3 and 4 it mends more, but it alone has practised", _it_alone),
    _claim("Later repair and blank have practised repairs, each with its own kind of message. "
           "Resample has not", _practice),
    _claim("The last is the same again, 2 for 3 (above 3 means 3 or more)",
           _two_for_three),
    _claim("Two ideas mend more, for simple reasons",
           sides(practised(*((idea, "repair_blank") for idea in IDEAS[2:])), "above")),
    _claim("moves nothing that we can see once the arms have practised",
           sides(practised(*((arm, "repair_blank") for arm in ("repair", *IDEAS[:2]))), "around")),
    _claim("In pass@1 neither unit tests nor any second try is told apart from blank "
           "after four generations",
           sides(gaps(*((arm, "repair_blank")
                        for arm in ("unit_tests", "repair", "repair_resample", *IDEAS))),
                 "around")),
    _claim("A check has four times as many programs written for it", _written),
    _claim("An arm with a second try writes about three", _with_a_second_try),
    _claim("Arms with a second try write two programs a task first", _written_first),
    _claim("Its student takes 40 to 60 seconds", _seconds("11-start", 35, 65)),
    _claim("one more of study.ARMS: half a minute", _seconds("11-arms", 20, 45, parts=2)),
    _claim("Repair leaves fewer different right programs of ten than unit tests",
           sides(gaps(("repair", "unit_tests"), metric="distinct_right"), "below")),
    _claim("Nineteen such loops, the arms, were run, ten seeds each", _nineteen),
    _claim("[temperature](#Temperature-again) $0.8$, passes all sixteen tests of a new task",
           lambda: [exactly(lambda: TEMPERATURE, 0.8, 0.8)(),
                    exactly(lambda: N_VISIBLE + N_HIDDEN, 16, 16)()]),
    _claim("by a check at most two: $0.5$", _two_of_four),
    _claim("the student writes eight programs a task: four, and to each another", _eight),
    _claim("only arms that ran a task's tests were seen to gain from own programs", _who_gained,
           STUDIES[1]),
    _claim("in each task (the tests still choose the tasks: a gain), or overall (a loss)",
           sides(gains("random_in_task", "random_overall"), "above", "below"), STUDIES[1]),
    _claim("The four generations of a seed are not four experiments", _not_four_experiments),
    _claim("The table's p is corrected, its interval not", _p_alone),
    _claim("Do not train on the newest output alone, nor sample hot: it moved pass@1",
           sides(changes("unchecked_newest", "unchecked_newest_t12"), "below")),
    _claim("The different right ones rise",
           sides(both(*(changes("unit_tests", metric=m)
                        for m in ("distinct", "distinct_right", "pass_10"))),
                 "around", "above", "above")),
    _claim("The arm that narrows is reference only",
           sides(changes("human", "unit_tests", "unchecked", "static", metric="distinct"),
                 "below", "around", "above", "above")),
    _claim("right or wrong: different ones and right ones become more",
           sides(both(*(changes("static", metric=m)
                        for m in ("distinct", "distinct_right", "pass_10"))), "above")),
    _claim("Four are unit tests over something else. The fifth is unchecked over newest only",
           _survivors),
    _claim("The linter and own tests did leave more different right programs of ten",
           sides(both(changes("static", "own_tests", "unchecked"),
                      changes("static", "own_tests", metric="distinct_right")),
                 "around", "around", "around", "above", "above")),
    _claim("Unchecked output beside reference programs "
           "was not shown to do harm after four generations",
           sides(changes("unchecked"), "around")),
    _claim("The newest output alone lowered pass@1, most when it was sampled hot",
           sides(both(changes("unchecked_newest"),
                      gaps(("unchecked_newest_t12", "unchecked_newest"),
                           ("unchecked_newest_t12", "unchecked_newest_t0"))), "below")),
    _claim("above its start in generations 5 to 8",
           sides(_own_tests_for_longer("accepted", LONGER[0], (0,)), "above"), MANY),
    _claim("higher still in 9 to 12",
           sides(_own_tests_for_longer("accepted", LONGER[1], LONGER[0]), "above"), MANY),
    _claim("Pass@1 in generation 12 is above the start, and not told apart from that in "
           "generation 4", sides(_own_tests_in_12, "above", "around"), MANY),
    _claim("No arm without a check went on so long", _so_long, MANY),
    _claim("It is the other way round",
           sides(lambda: _many_tries("unit_tests", "repair"), "above"), MANY),
    _claim("Unchecked, with as many steps, and own tests are not told apart from it",
           sides(lambda: _many_tries("unchecked", "own_tests"), "around"), MANY),
    _claim("At a hundred tries unit tests and repair were ahead of the start, too",
           sides(lambda: _many_tries("unit_tests", "repair"), "above"), MANY),
    _claim("the first alone holds", _the_first_alone, MANY),
    _claim("The tests beat both, by", sides(_controlled(), "above"), STUDIES[1]),
    _claim("bring less than half of that gain", _half, STUDIES[1]),
    _claim("A blank message with as much practice mends as many",
           lambda: [between(sample, -0.01, 0.01, of)
                    for of, sample in practised(("repair_more", "repair_more_blank"))()],
           STUDIES[1]),
    _claim("more than a random choice of as many and less than as many reference programs",
           sides(both(_controlled(), gaps(("reference", "unit_tests"))), "above"), STUDIES[1]),
]  # fmt: skip
