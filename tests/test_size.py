"""The study `size`: who teaches whom, that arms share what they must, and what its numbers are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.coding.exam import Exam
from helpers.coding.grading import grade
from helpers.coding.language import draw_task_sets
from helpers.coding.writer import CodeWriter, Example
from helpers.studies import gpt_size, size
from helpers.studies.size import ARMS, RULES, School, as_varied
from helpers.verification import Sandbox


@pytest.fixture(scope="module")
def school() -> Iterator[School]:
    with Sandbox() as box:
        yield School(100, False, box)


@pytest.fixture(scope="module")
def writers(school: School) -> dict[str, CodeWriter]:
    return school.starts()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return size.trial(100, "small")


# --- the arms ----------------------------------------------------------------------------------


def test_a_teacher_is_a_start_of_the_right_size() -> None:
    assert ARMS["small_other_unchecked"].teacher == "big_start"
    assert ARMS["big_other_unchecked"].teacher == "small_start"
    assert ARMS["small_twin_checked"].teacher == "twin_of_small"
    assert ARMS["big_twin_unchecked"].teacher == "twin_of_big"
    assert [arm for arm, who in ARMS.items() if who.teacher is None] == [
        *("small_human", "small_half_human", "big_human", "big_half_human")
    ]


def test_starts_of_one_size_differ_in_chance_or_in_steps(writers: dict[str, CodeWriter]) -> None:
    weights = {name: w.gpt_.network_.embedding.detach().numpy() for name, w in writers.items()}
    for one in size.SIZES:
        names = [name for name in writers if one in name]
        assert len(names) == 3
        assert {weights[name].shape for name in names} == {weights[names[0]].shape}
        for other in names[1:]:
            assert not np.allclose(weights[names[0]], weights[other])
    full = [CodeWriter(width=w, steps=1) for w in size.SETTINGS["widths"].values()]
    parameters = []
    for writer in full:
        rows = [Example(task, program) for task, program in _tasks(2)]
        parameters.append(writer.fit(rows, np.random.default_rng(0)).gpt_.n_parameters_)
    assert parameters == [35_456, 436_736]


def test_both_arms_of_a_teacher_read_the_same_programs(
    school: School, writers: dict[str, CodeWriter]
) -> None:
    books = [school.write(writers["twin_of_small"], 0)]
    one = school._kept(ARMS["small_twin_unchecked"], writers["small_start"], 0, books)
    four = school._kept(ARMS["small_twin_checked"], writers["small_start"], 0, books)
    assert [e.program for e in one.kept] == [e.program for e in books[0][::4]]
    assert {(e.task.steps, e.program) for e in four.kept} <= {
        (e.task.steps, e.program) for e in books[0]
    }
    passed = [report.passed for report in grade(school.box, four.kept)]
    assert 0 < len(passed) < len(books[0])
    assert all(passed)


def test_an_own_teacher_is_the_student_as_it_now_is(
    school: School, writers: dict[str, CodeWriter]
) -> None:
    arm = ARMS["small_own_unchecked"]
    now, later = (school._kept(arm, writers[w], 0, None) for w in ("small_start", "twin_of_small"))
    assert [e.task for e in now.kept] == [e.task for e in later.kept]
    assert [e.program for e in now.kept] != [e.program for e in later.kept]


def test_each_round_has_tasks_of_its_own() -> None:
    needed = size.SETTINGS["rounds"] * size.SETTINGS["round_tasks"]
    assert size.SETTINGS["sets"]["n_pool"] == needed


def test_people_alone_teach_as_many_steps_and_nothing_is_written(
    school: School, writers: dict[str, CodeWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any, **__: Any) -> list[Example]:
        raise AssertionError("nobody is asked")

    monkeypatch.setattr(CodeWriter, "answer", silent)
    first = writers["small_start"]
    after, reports = school.go_on(ARMS["small_human"], first, None)
    assert reports == []
    assert after is not first
    assert len(after.gpt_.losses_) == 3
    with pytest.raises(AssertionError, match="nobody"):
        school.go_on(ARMS["small_own_unchecked"], first, None)


def test_every_generation_with_a_teacher_is_reported(
    school: School, writers: dict[str, CodeWriter]
) -> None:
    """The student teaches itself, so that no book of another teacher is needed."""
    _, reports = school.go_on(ARMS["small_own_checked"], writers["small_start"], None)
    assert len(reports) == school.rounds > 0


# --- a trial -----------------------------------------------------------------------------------


def test_a_small_trial_is_tidy_and_whole(frame: pd.DataFrame) -> None:
    keys = ["arm", "generation", "metric"]
    assert list(frame.columns) == [*keys, "value"]
    assert not frame.duplicated(keys).any()
    sat = set(frame.loc[frame["metric"] == "pass_1", "arm"])
    starts = {f"{one}_start" for one in ("small", "big", "small_half", "big_half")}
    assert sat == {*ARMS, *starts, "twin_of_small", "twin_of_big"}
    hot = set(frame.loc[frame["metric"] == "pass_40_hot", "arm"])
    assert hot == set(size.HOT)


def test_every_rule_speaks_of_what_a_trial_measures(frame: pd.DataFrame) -> None:
    measured = set(zip(frame["arm"], frame["metric"], strict=True))
    terms = [term for rule in RULES.values() for term in rule.terms]
    assert {(term.arm, term.metric) for term in terms} <= measured
    starts = {term.arm for term in terms if term.rounds == (0,)}
    assert starts == {"big_start", "small_start"}


def test_these_rules_say_below_and_all_others_above() -> None:
    below = {name for name, rule in RULES.items() if rule.sign < 0}
    assert below == {"harmed", "small_harmed", "half_beyond", "small_half_beyond", "narrows"}


def _trials(changes: dict[tuple[str, str], float], seeds: int = 10) -> pd.DataFrame:
    """Ten seeds on which all arms are alike but for `changes`, and for a little chance."""
    rng = np.random.default_rng(5)
    rows = []
    measured = {(t.arm, t.rounds[0], t.metric): 0 for r in RULES.values() for t in r.terms}
    for arm, at, metric in measured:
        for seed in range(seeds):
            value = 0.4 + changes.get((arm, metric), 0.0) + rng.normal(0, 0.004)
            rows.append((arm, at, metric, value, seed))
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value", "replicate"])


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_be_shown_refuted_and_left_open(rule: str) -> None:
    first, sign = RULES[rule].terms[0], RULES[rule].sign
    found = {}
    for shift in (0.1 * sign, -0.1 * sign, 0.0):
        effects = size.effects(_trials({(first.arm, first.metric): shift})).set_index("rule")
        found[shift] = effects.loc[rule, "verdict"]
    assert found[0.1 * sign] == "shown"
    assert found[-0.1 * sign] == "opposite"
    assert found[0.0] in ("null", "open", "small")


def test_the_summary_pairs_each_arm_with_its_start_and_its_human_arm() -> None:
    changes = {("big_own_unchecked", "pass_1"): -0.05, ("big_human", "pass_1"): -0.1}
    numbers = size.summary(_trials(changes))
    assert numbers["big_own_unchecked_gain_pass_1"] == pytest.approx(-0.05, abs=0.01)
    assert numbers["big_own_unchecked_beyond_pass_1"] == pytest.approx(0.05, abs=0.01)
    assert numbers["harmed"] == pytest.approx(numbers["big_own_unchecked_gain_pass_1"])
    assert numbers["beyond_low"] == pytest.approx(numbers["big_own_unchecked_beyond_pass_1_low"])


def test_as_varied_goes_straight_from_cool_to_hot_and_no_further() -> None:
    exam = {"distinct": 10.0, "distinct_hot": 30.0, "pass_40": 0.4, "pass_40_hot": 0.5}
    assert as_varied(exam, 20) == pytest.approx(0.45)
    assert as_varied(exam, 5) == pytest.approx(0.4)
    assert as_varied(exam, 99) == pytest.approx(0.5)
    assert as_varied(exam | {"distinct_hot": 10.0}, 20) == pytest.approx(0.4)


# --- what the study needed of the rooms below ---------------------------------------------------


def _tasks(n: int) -> Sequence[Any]:
    return draw_task_sets(np.random.default_rng(3), n_human=n, n_pool=1, n_test=1).human


def test_a_hot_exam_is_another_exam(school: School, writers: dict[str, CodeWriter]) -> None:
    cool, hot = (
        Exam(school.box, school.test, 1, 20, temperature=t).sit(writers["small_start"])
        for t in (0.1, 1.5)
    )
    assert hot["distinct"] > cool["distinct"]
    assert hot["greedy"] == cool["greedy"]
    with pytest.raises(ValueError, match="temperature"):
        Exam(school.box, school.test, 1, temperature=-1)


# --- gpt_size -----------------------------------------------------------------------------------


def test_a_small_trial_of_gpts_of_three_sizes_is_whole() -> None:
    frame = gpt_size.trial(100, "small")
    assert not frame.duplicated(["arm", "generation", "metric"]).any()
    sizes = gpt_size.SETTINGS["widths"]
    ends = ("replace", "accumulate", "mix")
    assert set(frame["arm"]) == {f"{one}_{end}" for one in sizes for end in ends}
    mixed = frame[frame["arm"].str.endswith("_mix")]
    assert set(mixed["generation"]) == {0, 50, 100}
    wide = frame.query("metric == 'excess'").pivot(
        index="arm", columns="generation", values="value"
    )
    for one in sizes:
        # No bad row: the student is generation 0 again, to the last digit.
        assert wide.loc[f"{one}_mix", 0] == wide.loc[f"{one}_replace", 0]
        assert wide.loc[f"{one}_replace", 0] == wide.loc[f"{one}_accumulate", 0]
        assert wide.loc[f"{one}_mix", 100] != wide.loc[f"{one}_mix", 0]


def test_what_the_rules_of_gpt_size_ask_is_in_its_summary() -> None:
    rows = [
        (f"{one}_{end}", at, metric, level * (1 + at / 100), seed)
        for one, level in (("small", 0.3), ("middle", 0.2), ("big", 0.1))
        for end, when in (("replace", range(9)), ("accumulate", range(9)), ("mix", (0, 50, 100)))
        for at in when for metric in gpt_size.QUOTED for seed in range(3)
    ]  # fmt: skip
    columns = ["arm", "generation", "metric", "value", "replicate"]
    numbers = gpt_size.summary(pd.DataFrame(rows, columns=columns))
    assert numbers["big_minus_small_replace_recall_tail_g8"] == pytest.approx(-0.2 * 1.08)
    assert numbers["rise_big_minus_small_accumulate"] == pytest.approx(-0.2 * 0.05)
    assert numbers["advantage_of_big_at_0"] == pytest.approx(0.2)
    assert numbers["advantage_lost"] == pytest.approx(0.2 - 0.4)
    assert numbers["middle_mix_excess_g50"] == pytest.approx(0.3)
