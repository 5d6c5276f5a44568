"""Lesson 08: its seventy runs, its explorer, and the comparison with the learner's matrix."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import studies
from helpers.explorers import lesson_08
from helpers.metrics.definitions import NAMES
from helpers.studies import definitions, judged
from helpers.teaching import check, compare_verdicts, verdict


def test_seventy_runs_and_each_is_on_record() -> None:
    assert len(judged.RUNS) == definitions.SETTINGS["runs"] == 70
    for row in judged.matrix().values():
        assert list(row) == list(NAMES)
        assert any(one.verdict != "not measured" for one in row.values())


def test_the_recorded_counts_are_those_of_the_tables_as_they_are() -> None:
    """A study that is recorded anew changes the counts: then `definitions` is run again."""
    recorded = studies.summary("definitions")
    now = definitions.summary(studies.load("definitions"))
    assert set(now) == set(recorded)
    for name, value in now.items():
        assert value == pytest.approx(recorded[name], rel=1e-4), name


def test_the_risks_are_of_the_runs_of_the_other_tables() -> None:
    """Same seeds, same streams: a colour that is gone costs its share of the truth."""
    shares = studies.load("definitions").query("arm == 'quilt_replace'")
    alive = studies.load("discrete").query("arm == 'quilt_replace' and metric == 'support'")
    both = shares.merge(alive, on=["replicate", "generation"], suffixes=("", "_alive"))
    assert len(both) == len(shares)
    gone = 1 - both["value_alive"] / 12
    assert (both["value"] >= gone - 1e-5).all()
    single = both["value_alive"] == 1
    assert single.any()
    assert both["value"][single].to_numpy() == pytest.approx(11 / 12, abs=1e-5)


def test_a_regression_is_judged_by_its_fits() -> None:
    row = judged.readings_of("regression, replace")
    assert row["diverging risk"].verdict == "yes"
    assert judged._series("regression, replace", 1.0)["fits"] == [1, 2, 3, 5, 10, 15, 20, 30, 40]


def test_fewer_generations_are_seen_when_asked() -> None:
    short = judged._series("GPT, replace, 200 steps", 0.5)
    assert short["fits"] == [1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="until must be"):
        judged.readings_of("GPT, replace, 200 steps", until=0)
    with pytest.raises(ValueError, match="name must be one of"):
        judged.readings_of("GPT")


# ---------------------------------------------------------------------- pictures and sliders


def test_the_hidden_challenge_has_its_four_answers() -> None:
    """One slider makes the letters of replace and accumulate differ; all are in claims_08."""

    def letters(**settings: Any) -> set[tuple[str, ...]]:
        return {
            tuple(line.split(":")[1].split()[0] for line in _labels(run, **settings))
            for run in ("GPT, replace, 200 steps", "GPT, accumulate, 200 steps")
        }

    assert len(letters()) == 1
    assert len(letters(tail=0.15)) == 2
    assert len(letters(rise=200)) == 2
    assert len(letters(invented=0.3)) == 2
    assert len(letters(ignorance=10)) == 2


def test_a_share_of_a_first_risk_below_nothing_is_not_measured() -> None:
    """Minus the ELBO starts at -25: a fifth of that is no rise. Any rise at all is still judged."""
    for run in ("VAE, replace", "VAE, accumulate"):
        assert judged.first_risk(run) < 0
        for rise in (10, 400):
            assert _labels(run, rise=rise)[1] == "2 any risk increase: empty"
    assert _labels("VAE, replace", rise=0)[1].startswith("2 any risk increase: yes (29)")
    assert _labels("VAE, replace", rise=10)[6].startswith("7 lost tail: yes")
    title = lesson_08.ruler_picture("VAE, replace", rise=10).figure.texts[0].get_text()
    assert title.endswith(" of 5 judged")


def test_a_rise_is_a_share_of_the_centre_that_it_is_read_from() -> None:
    risk = judged._series("Gaussian n = 10, replace, divisor n - 1", 1.0)["risk"][:, 0]
    for centre, of in (("usual", np.mean), ("mean", np.mean), ("median", np.median)):
        first = judged.first_risk("Gaussian n = 10, replace, divisor n - 1", centre)
        assert first == pytest.approx(of(risk))
    assert np.mean(risk) > 1.1 * np.median(risk)


def _labels(run: str, **settings: Any) -> list[str]:
    axes = lesson_08.ruler_picture(run, **settings).figure.axes[0]
    return [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]


def test_the_picture_says_what_the_run_gets() -> None:
    labels = _labels("GPT, replace, 200 steps")
    assert [label.split(":")[0] for label in labels] == [
        f"{i} {name}" for i, name in enumerate(NAMES, start=1)
    ]
    assert labels[3] == "4 scaling law change: empty"
    assert labels[6].startswith("7 lost tail: yes (0.")
    title = lesson_08.ruler_picture("GPT, replace, 200 steps").figure.texts[0].get_text()
    assert title == "GPT, replace, 200 steps: 4 yes of 7 judged"


@pytest.mark.parametrize("run", lesson_08.SHOWN)
def test_no_label_lies_on_another(run: str) -> None:
    figure = lesson_08.ruler_picture(run, rise=10, centre="median").figure
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    for upper, lower in pairwise(boxes):
        assert lower.y1 <= upper.y0, run


def test_the_sliders_draw() -> None:
    explorer = lesson_08.ruler_explorer()
    assert explorer.error is None
    for run in (lesson_08.SHOWN[0], lesson_08.SHOWN[-1]):
        explorer.set(run=run, tail=0.05, rise=400, invented=0.5, centre="median")
        assert explorer.wait(60)
        assert explorer.error is None, run


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="run must be one of"):
        lesson_08.ruler_picture("my run")
    with pytest.raises(ValueError, match="centre must be one of"):
        lesson_08.ruler_picture(centre="mode")
    with pytest.raises(ValueError, match="tail must be"):
        lesson_08.ruler_picture(tail=2)


# ---------------------------------------------------------------------- the learner's boxes


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    return lesson_08.boxes()


def test_an_empty_matrix_is_said_to_be_empty(boxes: dict[str, Any]) -> None:
    assert repr(compare_verdicts(boxes)) == "No verdict yet."


@pytest.mark.parametrize(
    ("run", "yardstick", "choice", "part"),
    [
        ("words, replace", "tail", "collapsed", "agreed"),
        ("words, replace", "tail", "fine", "differed"),
        ("quilt, accumulate", "what survived", "fine", "agreed"),
        ("quilt, accumulate", "what survived", "collapsed", "differed"),
        ("regression, accumulate", "growth of the error", "bounded", "agreed"),
        ("regression, replace", "growth of the error", "bounded", "differed"),
        ("words, replace", "variance", "not measured", "agreed"),
        ("words, replace", "variance", "fine", "nothing to compare with"),
        ("GPT at T = 0.8, replace", "looks good", "fine", "nothing to compare with"),
        ("my own run", "tail", "fine", "nothing to compare with"),
    ],
)
def test_boxes_beside_computed_cells(
    boxes: dict[str, Any], run: str, yardstick: str, choice: str, part: str
) -> None:
    verdict(run, yardstick, choice)
    lines = repr(compare_verdicts(boxes)).splitlines()
    counts = dict(line.split(": ") for line in lines if not line.startswith(" "))
    assert counts == {name: str(int(name == part)) for name in counts}
    assert f"you said {choice}" in repr(compare_verdicts(boxes))
    page = compare_verdicts(boxes)._repr_html_()
    assert page.count("<li>") == 1


@pytest.mark.parametrize(
    ("run", "definition", "study", "first", "last", "how"),
    [  # the two numbers that the lesson itself shows of this run
        ("GPT at T = 1, replace", "lost tail", "gpt", "replace_recall_tail_g0",
         "replace_recall_tail_g8", "share"),
        ("GPT at T = 1, accumulate", "any risk increase", "gpt_budget",
         "accumulate_epochs_excess_g0", "accumulate_epochs_excess_g8", "rise"),
        ("words, replace", "lost tail", "tails", "words_replace_alive_1_g0",
         "words_replace_alive_1_g50", "share"),
        ("quilt, accumulate", "lost modes", "discrete", "quilt_accumulate_support_g0_mean",
         "quilt_accumulate_support_g60_mean", "share"),
        ("regression, replace", "any risk increase", "regression", "replace_t100_error_g0_mean",
         "replace_t100_error_g39_mean", "rise"),
    ],
)  # fmt: skip
def test_a_box_is_compared_with_the_run_that_its_lesson_shows(
    boxes: dict[str, Any], run: str, definition: str, study: str, first: str, last: str, how: str
) -> None:
    """With its budget and its last generation, by the numbers in the summary of the study."""
    found = studies.summary(study)
    start, end = found[first], found[last]
    shown = end / start if how == "share" else end - start
    assert boxes[run][definition].number == pytest.approx(shown, rel=1e-3)


def test_every_run_that_a_lesson_asks_about_is_known() -> None:
    """Or is one of code, which lesson 08 leaves out."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in (Path(__file__).parent.parent / "lessons").glob("0[0-6]*.md")
    )
    for run in lesson_08.BOXES:
        assert f'"{run}"' in text or run == "regression, subsample", run
    assert set(lesson_08.BOXES.values()) <= set(judged.RUNS)


def test_the_cool_gpt_of_lesson_05_gets_the_verdicts_of_the_run_in_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lesson 05 trains it for 400 steps, the run that stands for it here for 200."""
    shown = judged.Run("shown", "gpt_sampler", "t08_replace", judged._gpt)
    monkeypatch.setitem(judged.RUNS, shown.name, shown)
    stands_for_it = lesson_08.BOXES["GPT at T = 0.8, replace"]
    verdicts, others = (judged.readings_of(name) for name in (shown.name, stands_for_it))
    assert {name: reading.verdict for name, reading in verdicts.items()} == {
        name: reading.verdict for name, reading in others.items()
    }
    assert verdicts["any risk increase"].number != others["any risk increase"].number


def test_an_answer_that_fills_holes_in_place_spoils_no_later_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next answer, a right one, is judged by tables that still have their holes."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))

    def filled(series: np.ndarray, left: float = 0.5) -> tuple[str, float]:
        series[np.isnan(series)] = 0
        series /= series.max()
        share = series[:, -1].mean() / series[:, 0].mean()
        return ("yes" if share < left else "no"), share

    def right(series: np.ndarray, left: float = 0.5) -> tuple[str, float]:
        if np.isnan(series).any() or series.shape[1] < 2:
            return "not measured", float("nan")
        return filled(series, left)

    assert not check("08-lost-tail", filled).passed
    assert check("08-lost-tail", right).passed


def test_the_slope_of_a_power_of_the_rows() -> None:
    assert lesson_08.size_slope(lambda n: 7 * n**-0.5, 10**5) == pytest.approx(-0.5, abs=1e-3)
    assert lesson_08.size_slope(lesson_08.PAPERS["all rows clean"], 10**6) == pytest.approx(-1)
    wrong = lesson_08.PAPERS["one in 100 is wrong"]
    assert wrong(10**6) == pytest.approx(11 * lesson_08.PAPERS["all rows clean"](10**6))
    assert lesson_08.size_slope(wrong, 10**4) == pytest.approx(-0.965, abs=0.003)  # from 1,000 on
    with pytest.raises(ValueError, match="top must be"):
        lesson_08.size_slope(wrong, 1000)
