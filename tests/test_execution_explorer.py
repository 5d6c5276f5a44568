"""Lesson 11's explorer: what it shows is what was recorded, at once, and without torch."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from helpers import plots, studies
from helpers.coding.language import draw_task_sets
from helpers.coding.writer import CodeWriter, Example
from helpers.explorers import lesson_11 as explorer
from helpers.loop import History, Interrupted
from helpers.plots import Picture
from helpers.studies import execution, execution_coverage
from helpers.verification import Sandbox

TABLE = studies.load("execution")
SUMMARY = studies.summary("execution")


def value(arm: str, metric: str, seed: int, at: int) -> float:
    rows = TABLE.query("arm == @arm and metric == @metric and replicate == @seed")
    return float(rows.set_index("generation")["value"].loc[at])


def test_every_recorded_arm_can_be_chosen_and_no_other() -> None:
    assert set(explorer.ARMS) == set(TABLE["arm"])
    assert len(set(explorer.ARMS.values())) == len(explorer.ARMS)
    assert TABLE["generation"].max() == explorer.LAST
    for metric in explorer.VIEWS.values():
        assert set(TABLE[TABLE["metric"] == metric]["arm"]) == set(explorer.ARMS), metric


def test_named_keeps_rows_and_order() -> None:
    two = explorer.named("unit_tests", "human")
    assert two["arm"].unique().tolist() == ["unit tests", "reference only"]
    assert len(two) == TABLE["arm"].isin(["unit_tests", "human"]).sum()


@pytest.mark.parametrize("metric", ["pass_1", "pass_10"])
def test_differences_are_the_recorded_ones(metric: str) -> None:
    row = explorer.differences(("unit_tests", "unchecked"), metric=metric).iloc[0]
    key = f"unit_tests_minus_unchecked_{metric}_g4"
    found = [SUMMARY[key + end] for end in ("", "_low", "_high")]
    assert row[["value", "low", "high"]].tolist() == pytest.approx(found, abs=1e-6), "unrounded"


def test_differences_of_several_generations_are_means_seed_by_seed() -> None:
    pair = ("repair", "repair_blank")
    singly = explorer.by_generation(pair, metric="mended")
    assert singly["label"].tolist() == [
        f"repair \N{MINUS SIGN} blank, generation {g}" for g in range(5)
    ]
    expected = [SUMMARY[f"repair_minus_repair_blank_mended_g{4}{end}"] for end in ("", "_low")]
    assert singly.loc[4, ["value", "low"]].tolist() == pytest.approx(expected, abs=6e-4)
    whole_run = explorer.differences(pair, metric="mended", at=range(5)).iloc[0]
    assert whole_run["value"] == pytest.approx(singly["value"].mean(), abs=6e-4)
    narrow, wide = (row["high"] - row["low"] for row in (whole_run, singly.iloc[4]))
    assert narrow < wide


def test_the_planned_contrasts_are_corrected_for_being_fifteen() -> None:
    table = explorer.corrected()
    assert len(table) == len(execution.CONTRASTS) == 15
    surest = table.iloc[0]
    key = "unit_tests_minus_unchecked_pass_1_g4"
    assert surest["contrast"] == "unit tests \N{MINUS SIGN} unchecked"
    assert surest["difference"] == pytest.approx(SUMMARY[key], abs=6e-4)
    assert table["p"].is_monotonic_increasing
    assert table["p"].max() == 1
    assert table["p"].min() == 0.0001, "smaller ones are rounded up: a p of 0 there is not"


def test_the_controls_are_gains_over_the_start_of_their_seed() -> None:
    table = explorer.controls().set_index("label")["value"]
    assert table["unit tests"] == explorer.gains("unit_tests")["value"].item()
    found = studies.summary("execution_controls")
    gain = found["reference_pass_1_g4"] - found["start_pass_1_g0"]
    assert table["reference programs"] == pytest.approx(gain, abs=6e-4)


def test_ends_are_means_in_the_first_and_the_last_generation() -> None:
    table = explorer.ends(explorer.named("unit_tests", "human"), "pass_10", "distinct")
    assert table.index.tolist() == [
        (arm, at) for arm in ("unit tests", "reference only") for at in (0, 4)
    ]
    assert table.columns.tolist() == ["pass_10", "distinct"]
    assert table.loc[("unit tests", 4), "pass_10"] == round(SUMMARY["unit_tests_pass_10_g4"], 2)


def test_gains_are_the_recorded_ones() -> None:
    row = explorer.gains("human").iloc[0]
    found = [SUMMARY[f"human_gain_pass_1_g4{end}"] for end in ("", "_low", "_high")]
    assert row[["value", "low", "high"]].tolist() == pytest.approx(found, abs=6e-4)


def test_a_run_gains_what_the_study_says() -> None:
    run = TABLE.query("arm == 'unit_tests' and replicate == 5")
    gained = explorer.gained(run[["generation", "metric", "value"]])
    assert set(gained["metric"]) == {"gain_pass_1"}
    recorded = run.query("metric == 'gain_pass_1'")["value"].to_numpy()
    np.testing.assert_allclose(gained["value"], recorded, atol=2e-6)


def test_the_picture_ends_at_the_generation_and_says_the_difference() -> None:
    picture = explorer.execution_picture("unit tests", "unchecked", "pass@1", rounds=2)
    assert picture.table is not None
    assert picture.table["generation"].max() == 2
    expected = SUMMARY["unit_tests_pass_1_g2"]
    shown = picture.table.query("arm == 'unit tests' and generation == 2")["middle"].item()
    assert shown == pytest.approx(expected, abs=1e-5)


def test_the_baseline_is_taken_away_seed_by_seed() -> None:
    rows = explorer.named("unit_tests").query("metric == 'pass_1'")
    less = explorer._minus_reference(rows, "pass_1")
    one = less.query("replicate == 3 and generation == 4")["value"].item()
    assert one == pytest.approx(
        value("unit_tests", "pass_1", 3, 4) - value("human", "pass_1", 3, 4)
    )
    reference = explorer.execution_picture("reference only", "unchecked", subtract=True).table
    assert reference is not None
    np.testing.assert_allclose(reference.query("arm == 'reference only'")["middle"], 0, atol=1e-12)


@pytest.mark.parametrize("arm", ["repair", "reference only"])
def test_the_title_of_one_arm_says_what_its_curve_shows(arm: str) -> None:
    picture = explorer.execution_picture(arm, arm, rounds=3, subtract=True)
    assert picture.table is not None
    shown = picture.table.query("generation == 3")["middle"].item()
    title = picture.figure.texts[0].get_text()
    assert title.startswith(f"{arm}, minus reference only, generation 3: ")
    assert float(title.split(": ")[-1]) == pytest.approx(shown, abs=5e-4)


def test_the_title_of_two_arms_names_them_and_stands_on_the_page() -> None:
    names, numbers = explorer._difference("unit_tests", "human", "pass_1", 4, False).splitlines()
    assert names == "unit tests \N{MINUS SIGN} reference only, generation 4:"
    assert numbers == "+0.073 (95 %: +0.043 to +0.102)"
    figure = plots.style.sheet(4.0)
    FigureCanvasAgg(figure)
    title = figure.text(0.12 / plots.style.WIDTH, 0.9, "", fontsize=12.5, weight="bold")
    longest = sorted(explorer.ARMS, key=lambda arm: len(explorer.ARMS[arm]))[-4:]
    for first in longest:
        for second in longest:
            title.set_text(explorer._difference(first, second, "distinct", 4, subtract=True))
            assert title.get_window_extent().x1 < figure.bbox.width, title.get_text()


@pytest.mark.parametrize("view", explorer.VIEWS)
def test_the_name_of_the_value_axis_keeps_clear_of_title_and_edge(view: str) -> None:
    picture = explorer.execution_picture("unit tests", "blank", view=view, subtract=True)
    FigureCanvasAgg(picture.figure).draw()
    name = picture.figure.axes[0].yaxis.label.get_window_extent()
    (title,) = (t for t in picture.figure.texts if "generation 4" in t.get_text())
    assert name.x0 > 0
    assert 0 < name.y0 < name.y1 < title.get_window_extent().y0
    assert "\n" not in picture.alt + picture.summary


def test_rows_of_one_figure_look_as_their_arms_do() -> None:
    """Different arms differ, in colour as far as six go; one contrast over time has one look."""
    ideas = ["repair", "kind", "trace", "two turns", "more practice"]
    first = ["unit tests", "unchecked", "reference only", "parser and linter", "newest only"]
    for arms, alike in (
        (first, 0),
        (list(explorer._AS_MANY.values()), 0),
        (ideas, 0),
        (["unit tests", "resample", *ideas], 1),
    ):
        looks = plots.style.styles(arms).values()
        assert len({look.colour for look in looks}) == len(arms) - alike
        assert len({(look.colour, look.marker) for look in looks}) == len(arms)
    pairs = [("repair", "repair_blank"), ("repair_blank", "repair_resample")]
    labels = explorer.by_generation(*pairs, metric="mended")["label"]
    drawn = [(look.colour, look.marker) for look in plots.style.styles(labels).values()]
    assert len(set(drawn[:5])) == len(set(drawn[5:])) == 1
    assert drawn[0] != drawn[5]


def test_a_copy_of_the_lesson_from_before_still_finds_its_arm_and_its_programs() -> None:
    before, now = (
        explorer.execution_picture("unit tests", name, view="pass@10")
        for name in ("human only", "reference only")
    )
    assert before.alt == now.alt
    for former, arm in explorer._FORMER.items():
        assert explorer.execution_picture(former).alt == explorer.execution_picture(arm).alt
    sets = draw_task_sets(np.random.default_rng(0), n_human=2, n_pool=1, n_test=1)
    programs = [Example(task, program) for task, program in sets.human]
    assert execution.Start(sets, programs, CodeWriter()).human is programs


@pytest.mark.parametrize("bad", [{"arm": "magic"}, {"view": "loss"}, {"rounds": 0}])
def test_what_was_not_recorded_is_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        explorer.execution_picture(**bad)


def test_every_view_of_any_pair_is_drawn_at_once() -> None:
    names = list(explorer.ARMS.values())
    for i, view in enumerate(explorer.VIEWS):
        times = []
        for _ in range(3):  # the fastest: a busy machine makes all of them slower
            start = time.process_time()
            picture = explorer.execution_picture(names[i], names[-1 - i], view, subtract=i % 2 == 1)
            picture.html()
            times.append(time.process_time() - start)
        assert min(times) < 0.3, view
        assert view in picture.alt


def test_which_arms_rose_is_read_from_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert explorer.risen() == "unit tests alone"
    table = explorer.named("unit_tests", "unchecked", "human", "static", "unchecked_newest")
    recorded = table.assign(arm=table["arm"].map({v: k for k, v in explorer.ARMS.items()}))
    end = (recorded["metric"] == "pass_1") & (recorded["generation"] == 4)
    human = recorded.assign(value=recorded["value"] + end * (recorded["arm"] == "human") * 0.5)
    monkeypatch.setattr(explorer, "_recorded", lambda: human)
    assert explorer.risen() == "unit tests and reference only"
    newest = recorded.assign(value=recorded["value"] + end * (recorded["arm"] != "human") * 0.5)
    monkeypatch.setattr(explorer, "_recorded", lambda: newest)
    with pytest.raises(
        LookupError, match=r"the prediction offers no choice for .*unchecked_newest"
    ):
        explorer.risen()


def test_the_explorer_moves() -> None:
    box = explorer.execution_explorer()
    before = box.html
    box.set(arm="repair", view="false passes", rounds=3)
    assert box.wait()
    assert box.error is None
    assert box.html != before


def test_one_arm_is_the_arm_of_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"round_tasks": 20, "round_steps": 3}
    for name, number in small.items():
        monkeypatch.setitem(execution.SETTINGS, name, number)
    with Sandbox() as box:
        begin = execution.start(100, "small", box)
        monkeypatch.setattr(explorer, "live_start", lambda seed, progress=None: begin)
        live = explorer.one_arm("unit_tests", seed=100)
        found = History([next(live), next(live)]).frame
        live.close()
        expected = execution.run_arm("unit_tests", begin, box, 100, rounds=1).frame
    pd.testing.assert_frame_equal(found, expected)


def test_reading_the_table_loads_nothing_large() -> None:
    code = (
        "import sys; from helpers.explorers.lesson_11 import execution_picture; "
        "execution_picture().html(); print({'torch', 'sklearn', 'scipy.stats'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "set()\n"


def test_one_task_step_by_step() -> None:
    """The verdicts are those of the lesson's own cell: 1 and 4 pass, 2 and 3 do not."""
    pages = [text_of(explorer.task_picture(step)) for step in range(1, explorer.STEPS + 1)]
    assert "decrease by 4 then subtract 3" in pages[0]
    for step, keeps in zip(pages[1:5], (True, False, False, True), strict=True):
        assert ("kept: all six tests passed" in step) == keeps
        assert ("dropped: not all of its tests passed" in step) == (not keeps)
        assert ("passed: all 6 cases" in step) == keeps
    assert "into the training set: 1 and 4" in pages[5]
    assert "without a trace: 2 and 3" in pages[5]
    with pytest.raises(ValueError, match="step must be one of"):
        explorer.task_picture(step=7)


def text_of(picture: Picture) -> str:
    return " ".join(text.get_text() for text in picture.figure.texts)


def test_back_and_next_stay_inside() -> None:
    steps = explorer.task_explorer()
    back, forward = steps.children[0].children
    assert [back.description, forward.description] == ["Back", "Next"]
    seen = []
    for button in (back, forward, *[forward] * explorer.STEPS, back):
        button.click()
        assert steps.wait(60)
        seen.append(steps.values["step"])
    assert seen == [1, 2, 3, 4, 5, 6, 6, 6, 5]
    assert steps.error is None


def test_an_interrupt_of_the_live_arms_names_the_arm_that_it_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The line of progress counts the generations of all arms, the interrupt those of one."""

    class Turns:
        history = History()

        def to(self, *_: object) -> None:
            raise Interrupted(self.history, explorer.LAST + 1)

    monkeypatch.setattr(explorer, "_runs", {})
    monkeypatch.setattr(explorer, "live_start", lambda seed, progress=None: None)
    monkeypatch.setattr(execution, "loop_of", lambda *_: {})
    monkeypatch.setattr(explorer, "iterate", lambda **_: Turns())
    with pytest.raises(Interrupted, match="unit tests: 0 of 5 generations are done and kept"):
        explorer.live_arms(["unit_tests", "unchecked"], 2026, "11-arms")


def test_many_tries_are_drawn_for_the_start_and_four_arms() -> None:
    picture = explorer.tries_picture()
    numbers = studies.summary("execution_coverage")
    assert picture.figure.axes[0].get_xlabel() == "tries k (log scale)"
    first = plots.band(explorer.named("unit_tests", "unchecked"), "pass_1")
    inks, before = (
        {text.get_text(): text.get_color() for text in one.figure.axes[0].texts}
        for one in (picture, first)
    )
    assert {arm: inks[arm] for arm in before} == before  # an arm keeps its colour
    words = {"start": "the start"} | explorer.ARMS
    for arm, at in (("start", 0), *((arm, 4) for arm in execution_coverage.SETTINGS["sat"])):
        value = numbers[f"{arm}_coverage_100_g{at}"]
        assert f"{words[arm]} {value:.3g}" in re.split("[:;] ", picture.summary)
    assert not picture.figure.axes[0].collections, "five bands would be one grey area"


@pytest.mark.parametrize("metric", ["pass_1", "pass_10", "distinct_right"])
def test_many_tries_are_of_the_writers_of_the_study(metric: str) -> None:
    """What both studies measure is the same to the last digit."""
    again = studies.load("execution_coverage").query("metric == @metric")
    for arm in execution_coverage.SETTINGS["sat"]:
        rows = again[again["arm"] == arm].set_index(["generation", "replicate"])["value"].loc[4]
        assert len(rows) == 10
        assert [value(arm, metric, seed, 4) for seed in rows.index] == rows.tolist()
