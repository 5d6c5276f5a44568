"""Lesson 11 says what the recorded study `execution` says. Most sentences: tests/claims.py."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from helpers import studies
from helpers.coding import gates, language
from helpers.coding.grading import grade
from helpers.coding.language import Task, draw_task_sets, source
from helpers.coding.writer import CodeWriter, Example
from helpers.explorers.lesson_11 import differences, gains
from helpers.studies import execution
from helpers.studies.execution_programs import programs
from helpers.verification import Sandbox

NUMBERS = studies.summary("execution")
TABLE = studies.load("execution")


def values(arm: str, metric: str, at: int = 4) -> np.ndarray:
    """One value a seed, in the order of seeds."""
    rows = TABLE.query("arm == @arm and metric == @metric and generation == @at")
    return rows.sort_values("replicate")["value"].to_numpy()


def interval(rows: pd.DataFrame) -> tuple[float, float]:
    return float(rows["low"].iloc[0]), float(rows["high"].iloc[0])


def side(low: float, high: float) -> str:
    """Where an interval lies: above zero, below it, or around it."""
    return "above" if low > 0 else "below" if high < 0 else "around"


def test_a_small_trial_is_tidy_and_can_be_summed_up() -> None:
    frame = execution.trial(100, "small")
    assert list(frame.columns) == ["arm", "generation", "metric", "value"]
    assert not frame.duplicated(["arm", "generation", "metric"]).any()
    both = pd.concat([frame.assign(replicate=0), frame.assign(replicate=1)])
    assert len(execution.summary(both)) > 100


def test_all_arms_of_a_seed_begin_with_the_same_student() -> None:
    first = TABLE.query("generation == 0 and metric in ['pass_1', 'pass_10', 'greedy']")
    spread = first.groupby(["metric", "replicate"])["value"].nunique()
    assert (spread == 1).all()
    assert TABLE["replicate"].nunique() == 10


# ---------------------------------------------------------------------- five arms, temperature


@pytest.mark.parametrize(
    ("arm", "where"),
    [
        ("unit_tests", "above"),
        ("unchecked", "around"),
        ("human", "around"),
        ("static", "around"),
        ("unchecked_newest", "below"),
    ],
)
def test_only_unit_tests_end_above_the_start(arm: str, where: str) -> None:
    assert side(*interval(gains(arm))) == where


def test_unit_tests_beat_unchecked_in_every_seed_and_others_on_average() -> None:
    assert (values("unit_tests", "pass_1") > values("unchecked", "pass_1")).all()
    assert NUMBERS["unit_tests_gain_pass_1_g4_low"] > NUMBERS["unchecked_gain_pass_1_g4_high"]
    for second in ("unchecked", "human", "static", "own_tests"):
        assert NUMBERS[f"unit_tests_minus_{second}_pass_1_g4_low"] > 0, second


def test_hot_sampling_drowns_and_cold_sampling_narrows() -> None:
    hot, plain, cold = (f"unchecked_newest{end}" for end in ("_t12", "", "_t0"))
    assert (values(hot, "pass_1") < values(plain, "pass_1")).all()
    assert (values(hot, "distinct") > values(hot, "distinct", at=0)).all()
    assert side(*interval(differences((cold, plain)))) == "around"
    assert values(cold, "distinct").mean() < values(cold, "distinct", at=0).mean()


# ---------------------------------------------------------------------- gates


def test_reading_lets_wrong_programs_through_and_running_does_not() -> None:
    wrong = {g: values(g, "false_pass", at=0) for g in ("unchecked", "static", "own_tests")}
    tested = values("unit_tests", "false_pass", at=0)
    assert wrong["static"].mean() > wrong["unchecked"].mean() - 0.02
    for gate, shares in wrong.items():
        assert (shares > 5 * tested).all(), gate


# ---------------------------------------------------------------------- variety, expectations


def test_under_unit_tests_right_programs_take_the_place_of_wrong_ones() -> None:
    assert side(*interval(gains("unit_tests", metric="distinct"))) == "around"
    assert side(*interval(gains("unit_tests", metric="distinct_right"))) == "above"
    assert side(*interval(gains("unit_tests", metric="pass_10"))) == "above"
    assert side(*interval(gains("human", metric="distinct"))) == "below"
    assert side(*interval(gains("static", metric="distinct_right"))) == "above"
    assert NUMBERS["repair_minus_unit_tests_distinct_right_g4_high"] < 0


def test_what_had_been_written_down() -> None:
    gap = NUMBERS["unit_tests_minus_unchecked_pass_1_g4"]
    assert 0 < gap < 0.1  # expected: above .1
    assert -0.03 < NUMBERS["unchecked_gain_pass_1_g4"] < 0
    assert abs(NUMBERS["static_minus_unchecked_pass_1_g4"]) < 0.03
    lead = "own_tests_minus_static_pass_1_g4"
    assert NUMBERS[f"{lead}_low"] < 0 < NUMBERS[lead]  # between, but its lead is not shown
    for second in ("repair_resample", "repair_blank"):
        assert side(*interval(differences(("repair", second)))) == "around"


# ---------------------------------------------------------------------- programs


def test_about_a_third_of_the_test_tasks_behave_like_a_task_that_was_trained_on() -> None:
    """Lesson 11 and `draw_task_sets` say so: held out by steps is not held out by behaviour."""
    probes = np.random.default_rng(12).integers(-9, 10, size=(12, 8)).tolist()

    def behaviour(task: Task) -> str:
        return repr(language._reference_outputs(task.steps, probes))

    recorded = {(e.task.words, repr(e.task.cases)) for some in programs().values() for e in some}
    shares = []
    for seed in range(3):
        sets = execution._drawn(seed, "full")
        if seed == 0:
            drawn = {(task.words, repr(task.cases)) for task in [*sets.pool, *sets.test]}
            assert recorded <= drawn  # numbers, words and order of drawing are those of the record
        test = {task: behaviour(task) for task in sets.test}
        trained = {behaviour(task) for task in [*sets.pool, *(task for task, _ in sets.human)]}
        trained.discard("None")  # it raises on one of the probes: no behaviour to compare
        shares.append(np.mean([found in trained for found in test.values()]))
        assert not {task.steps for task in test} & {task.steps for task in sets.pool}
    assert 0.25 < np.mean(shares) < 0.4


def test_the_student_is_as_large_as_the_lesson_says() -> None:
    sets = draw_task_sets(np.random.default_rng(0), n_human=4, n_pool=1, n_test=1)
    human = [Example(task, program) for task, program in sets.human]
    writer = CodeWriter(steps=1).fit(human, np.random.default_rng(0))
    assert writer.gpt_.n_parameters_ == pytest.approx(120_000, rel=0.01)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def passed(box: Sandbox, examples: list[Example], *, hidden: bool = False) -> list[bool]:
    return [report.passed for report in grade(box, examples, hidden=hidden)]


def test_recorded_programs_are_what_the_lesson_says(box: Sandbox) -> None:
    found = programs()
    assert passed(box, found["to_mark"]) == [True, False, False, True]
    assert passed(box, found["to_mark"], hidden=True) == [True, False, False, True]
    assert passed(box, found["mended"]) == [True, True]
    assert passed(box, found["not_mended"]) == [False, False]
    for example in found["mended"] + found["not_mended"]:
        first = Example(example.task, example.wrong)
        assert passed(box, [first]) == [False]
        assert example.feedback


def test_the_false_pass_is_the_one_the_lesson_explains(box: Sandbox) -> None:
    (example,) = programs()["false_pass"]
    assert passed(box, [example]) == [True]
    assert passed(box, [example], hidden=True) == [False]
    assert "xs[:6]" in source(example.program)
    assert "keep the first 5" in example.task.phrases
    below_six = [[x for x in case.args[0] if x < 6] for case in example.task.cases]
    assert [xs[5] < 0 for xs in below_six if len(xs) > 5] == [True, True]


def test_an_arm_is_what_its_name_says() -> None:
    """Gate, share of reference data, pool, programs a task, temperature; turns, spoilt copies."""
    with Sandbox() as box:
        said = {
            name: (type(gate).__name__, policy.real_fraction, policy.pool, asked, temperature)
            for name, (gate, policy, asked, temperature) in execution.arms(box).items()
        }
        tries = {
            name: (gate.second_try, gate.turns, gate.corruptions)
            for name, (gate, *_) in execution.arms(box).items()
            if isinstance(gate, gates.UnitTests)
        }
        sizes = {(p.size, p.with_replacement) for _, p, _, _ in execution.arms(box).values()}
    share = execution.SETTINGS["human_share"]
    assert sizes == {
        (execution.SETTINGS["round_steps"] * execution.SETTINGS["batch_size"], True)
    }  # every arm takes as many steps, and no more
    others = {
        "human": ("Unchecked", 1.0, "last", 1, 1.0),
        "unchecked": ("Unchecked", share, "all", 1, 1.0),
        "unchecked_newest": ("Unchecked", 0.0, "last", 1, 1.0),
        "unchecked_newest_t0": ("Unchecked", 0.0, "last", 1, 0.0),
        "unchecked_newest_t12": ("Unchecked", 0.0, "last", 1, 1.2),
        "static": ("StaticChecks", share, "all", 4, 1.0),
        "own_tests": ("OwnTests", share, "all", 4, 1.0),
        "unit_tests": ("UnitTests", share, "all", 4, 1.0),
    }
    repairs = {name: ("UnitTests", share, "all", 2, 1.0) for name in tries if name != "unit_tests"}
    assert said == others | repairs
    assert tries == {
        "unit_tests": ("none", 1, 2),
        "repair": ("repair", 1, 2),
        "repair_blank": ("blank", 1, 2),
        "repair_resample": ("resample", 1, 2),
        "repair_kind": ("kind", 1, 2),
        "repair_trace": ("trace", 1, 2),
        "repair_turns": ("repair", 2, 2),
        "repair_more": ("repair", 1, 6),
    }
