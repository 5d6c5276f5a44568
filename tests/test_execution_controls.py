"""The controls beside `execution`: what they keep, and that each rule can say each verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from helpers import studies
from helpers.coding.gates import choose
from helpers.coding.grading import grade
from helpers.coding.language import draw_task_sets, write_program
from helpers.coding.writer import Example
from helpers.studies import execution, execution_controls, execution_coverage
from helpers.studies.execution_controls import AsManyAsTests, Rule, Term, verdict
from helpers.verification import Sandbox

RULES = execution_controls.RULES | execution_coverage.RULES


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def samples() -> list[Example]:
    """Four programs for each of 40 tasks: of those of task i, i modulo 4 are right."""
    rng = np.random.default_rng(0)
    tasks = draw_task_sets(rng, n_human=1, n_pool=40, n_test=1).pool
    written = []
    for i, task in enumerate(tasks):
        program = write_program(task, rng)
        right = [(*program[:-3], *spaced(n), *program[-3:]) for n in range(i % 4)]
        wrong = [("    return ", str(n), "\n") for n in range(4 - i % 4)]
        written += [Example(task, pieces) for pieces in (*right, *wrong)]
    return written


def spaced(n: int) -> tuple[str, ...]:
    """A statement that does nothing, `n` times: programs that differ and are equally right."""
    return ("    xs = ", "xs", "\n") * n


def by_task(examples: list[Example]) -> Counter[int]:
    return Counter(id(example.task) for example in examples)


def let_through(box: Sandbox, samples: list[Example]) -> list[Example]:
    return choose(samples, [report.passed for report in grade(box, samples)], 2)


# --- what the controls keep --------------------------------------------------------------------


def test_random_in_each_task_keeps_as_many_there_and_others(
    box: Sandbox, samples: list[Example]
) -> None:
    gate = AsManyAsTests(box, "in_task")
    found = gate(None, samples, np.random.default_rng(1))
    kept, report = found.kept, found.report
    right = let_through(box, samples)
    assert 0 < len(right) < len(samples) / 2
    assert by_task(kept) == by_task(right)
    assert 0.1 < report["false_pass"] < 0.9
    assert len({(id(e.task), e.program) for e in kept}) == len(kept)
    other = gate(None, samples, np.random.default_rng(2)).kept
    assert [e.program for e in other] != [e.program for e in kept]


def test_random_overall_keeps_as_many_of_any_task(box: Sandbox, samples: list[Example]) -> None:
    found = AsManyAsTests(box, "overall")(None, samples, np.random.default_rng(1))
    kept, report = found.kept, found.report
    right = let_through(box, samples)
    assert len(kept) == len(right)
    assert set(by_task(kept)) - set(by_task(right))  # tests let nothing through there
    assert max(by_task(kept).values()) <= 2
    assert report["false_pass"] > 0.3


def test_as_many_reference_programs_are_right_and_for_tasks_at_random(
    box: Sandbox, samples: list[Example]
) -> None:
    found = AsManyAsTests(box, "reference")(None, samples, np.random.default_rng(1))
    kept, report = found.kept, found.report
    right = let_through(box, samples)
    assert len(kept) == len(right)
    assert report["false_pass"] == 0
    assert set(by_task(kept)) - set(by_task(right))
    assert max(by_task(kept).values()) <= -(-len(right) // 40)


def test_a_gate_of_controls_refuses_another_word(box: Sandbox) -> None:
    with pytest.raises(ValueError, match="how"):
        AsManyAsTests(box, "by taste")


def test_a_small_trial_is_tidy() -> None:
    frame = execution_controls.trial(100, "small")
    assert list(frame.columns) == ["arm", "generation", "metric", "value"]
    assert not frame.duplicated(["arm", "generation", "metric"]).any()
    sat = frame[frame["metric"] == "pass_1"]
    assert set(sat["arm"]) == {"start", "repair_more_blank", *execution_controls.CHOICES}


def test_a_small_trial_of_many_tries_measures_what_execution_measures() -> None:
    keys = ["arm", "generation", "metric"]
    frame = execution_coverage.trial(100, "small")
    assert not frame.duplicated(keys).any()
    assert set(frame[frame["metric"] == "coverage_10"]["arm"]) == {
        "start",
        *execution_coverage.SETTINGS["sat"],
    }
    with Sandbox() as box:
        begin = execution.start(100, "small", box)
        run = execution.run_arm("own_tests", begin, box, 100, "small").frame.assign(arm="own_tests")
    both = frame.merge(run, on=keys)
    assert len(both) == 12  # three of the gate in two rounds, six of the exam in one
    assert (both["value_x"] == both["value_y"]).all()


# --- the rules ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
def test_every_verdict_can_be_said(sign: int) -> None:
    rule = Rule(sign, 0.02, ())
    found = {
        "shown": verdict(rule, sign * 0.03, *sorted((sign * 0.01, sign * 0.05)), 0.01),
        "opposite": verdict(rule, -sign * 0.03, *sorted((-sign * 0.01, -sign * 0.05)), 0.01),
        "small": verdict(rule, sign * 0.015, *sorted((sign * 0.014, sign * 0.016)), 0.01),
        "null": verdict(rule, 0.001, -0.01, 0.015, 0.05),
        "open": verdict(rule, 0.001, -0.01, 0.025, 0.9),
    }
    assert all(word == said for word, said in found.items()), found
    assert verdict(rule, np.nan, np.nan, np.nan, np.nan) == "open"


def table(planted: dict[tuple[str, str, int], float]) -> pd.DataFrame:
    """Ten seeds of every measure that a rule names: noise of .001, and what is planted."""
    rng = np.random.default_rng(0)
    named = {
        (t.arm, t.metric, at) for rule in RULES.values() for t in rule.terms for at in t.rounds
    }
    assert set(planted) <= named
    rows = [
        (arm, at, metric, planted.get((arm, metric, at), 0.3) + 0.001 * rng.normal(), seed)
        for arm, metric, at in sorted(named)
        for seed in range(10)
    ]
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value", "replicate"])


def test_each_rule_follows_its_own_arms_and_rounds() -> None:
    nothing = execution_controls.effects(table({}), RULES).set_index("rule")["verdict"]
    assert set(nothing[nothing.index != "as_many_reference"]) == {"null"}
    for name, rule in RULES.items():
        first: Term = rule.terms[0]
        planted = {(first.arm, first.metric, at): 0.3 + 0.05 * rule.sign for at in first.rounds}
        found = execution_controls.effects(table(planted), RULES).set_index("rule")
        assert found.loc[name, "verdict"] == "shown", name
        assert found.loc[name, "difference"] == pytest.approx(0.05 * rule.sign, abs=0.003), name


def test_eight_tenths_of_the_gain_by_reference_programs() -> None:
    planted = {("unit_tests", "pass_1", 4): 0.38, ("reference", "pass_1", 4): 0.4}
    found = execution_controls.effects(table(planted), RULES).set_index("rule")["difference"]
    assert found["as_many_reference"] == pytest.approx(0.08 - 0.8 * 0.1, abs=0.003)


def test_seeds_that_lack_a_part_do_not_count() -> None:
    frame = table({})
    missing = (frame["arm"] == "random_in_task") & (frame["replicate"] == 3)
    frame.loc[(frame["arm"] == "unit_tests") & (frame["replicate"] == 3), "value"] = 99
    found = execution_controls.effects(frame[~missing]).set_index("rule")["difference"]
    assert abs(found["in_task"]) < 0.01


def test_the_design_is_that_of_execution() -> None:
    for study in (execution_controls, execution_coverage):
        assert list(study.SEEDS) == list(execution.SEEDS)
        assert study.SETTINGS["execution"] == execution.SETTINGS
    recorded = set(studies.load("execution")["arm"])
    assert {term.arm for rule in RULES.values() for term in rule.terms} - recorded == {
        "start",
        "random_in_task",
        "random_overall",
        "reference",
        "repair_more_blank",
    }


# --- what is recorded --------------------------------------------------------------------------


def test_what_both_studies_measure_is_the_same_to_the_last_digit() -> None:
    ours, known = studies.load("execution_controls"), studies.load("execution")
    keys = ["metric", "replicate"]
    for arm, same in (("start", "human"), ("repair_more_blank", "repair_blank")):
        first = ours[(ours["arm"] == arm) & (ours["generation"] == 0)]
        second = known[(known["arm"] == same) & (known["generation"] == 0)]
        both = first.merge(second, on=keys)
        # More practice begins after round 0, and adds its examples to what is accepted then.
        both = both[~both["metric"].isin(["accepted", "false_pass"]) | (arm == "start")]
        assert len(both) >= 30
        assert (both["value_x"] == both["value_y"]).all(), arm


def test_the_recorded_rules_say_what_the_lesson_says() -> None:
    found = execution_controls.effects(studies.load("execution_controls")).set_index("rule")
    assert found["verdict"].to_dict() == {
        "in_task": "shown",
        "overall": "shown",
        "as_many_reference": "opposite",
        "message": "null",
    }
