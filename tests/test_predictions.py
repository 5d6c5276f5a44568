"""Predictions: open until the answer is shown, then fixed; calibration is arithmetic."""

import html
import json
import math
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from helpers.teaching import calibration, predict, progress, scores
from helpers.teaching._records import mark
from helpers.teaching.predictions import Prediction

CHOICES = ["about 1", "about 1/2", "below 1/1000"]


@pytest.fixture(autouse=True)
def progress_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    return file


def interval(key: str = "02-mean", **extra: Any) -> Prediction:
    return predict(key, "The average over the runs?", **extra)


def choice(key: str = "02-typical") -> Prediction:
    return predict(key, "One run?", choices=CHOICES)


def test_nothing_committed(capsys: pytest.CaptureFixture[str]) -> None:
    made = interval(unit="nats")
    assert made.value is None
    assert made.interval is None
    assert capsys.readouterr().out == ""
    made.resolve(0.14159)
    choice().resolve("about 1")
    assert capsys.readouterr().out.splitlines() == [
        "The answer is 0.142 nats. You had committed no prediction.",
        "The answer is “about 1”. You had committed no prediction.",
    ]


def test_a_long_answer_breaks_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    """JupyterLab breaks a line of output that is too wide in the middle of a word."""
    long = ("rises as much as with random rows", "hardly moves, or falls")
    made = predict("02-typical", "The surprise ...", choices=long)
    made.commit(long[0], 70)
    made.resolve(long[1])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 90
    assert f"but the answer is \u201c{long[1]}\u201d." in " ".join(out.split())


def test_a_prediction_can_be_changed_until_its_answer_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = interval()
    assert "until its answer is shown" in made.commit(-5, 1_000_000)
    assert "until its answer is shown" in made.commit(0.1, 1)  # a typo, mended
    assert made.value == made.interval == (0.1, 1.0)
    assert not made.fixed
    made.resolve(0.5)
    assert "0.1 to 1, held it" in capsys.readouterr().out
    assert made.fixed
    assert "was not taken" in made.commit(5, 6)
    assert made.value == (0.1, 1.0)
    assert "It stays as it is." in made.commit(0.1, 1)
    assert calibration().held == 1


def test_a_choice_can_be_changed_until_its_answer_is_shown() -> None:
    made = choice()
    made.commit("about 1", 90)
    made.commit("about 1/2", 60)
    made.resolve("about 1/2")
    assert "was not taken" in made.commit("about 1", 100)
    assert made.value == ("about 1/2", 60.0)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ((-1, 5), "“from” must lie in what is possible, whole numbers from 1 to 12; got -1"),
        ((3, 13), "“to” must lie in what is possible, whole numbers from 1 to 12; got 13"),
        ((2.5, 4), "“from” must be a whole number, got 2.5"),
        ((5, 3), "“from” must be below “to”, got 5 and 3"),
    ],
)
def test_impossible_values_are_refused(bad: tuple[float, float], said: str) -> None:
    made = interval(unit="colours", low=1, high=12, whole=True)
    with pytest.raises(ValueError, match=re.escape(said)):
        made.commit(*bad)
    assert made.value is None
    low, high, button = _inputs(made)
    low.value, high.value = map(str, bad)
    button.click()
    assert said in html.unescape(_status(made))
    assert made.value is None


@pytest.mark.parametrize(("unit", "typed"), [("%", "50 %"), ("%", "50%"), ("people", "50 people ")])
def test_the_unit_may_be_typed_with_the_number(unit: str, typed: str) -> None:
    made = interval(unit=unit, low=0, high=100)
    low, high, button = _inputs(made)
    low.value, high.value = "5", typed
    button.click()
    assert made.value == (5, 50)


@pytest.mark.parametrize(
    ("typed", "number"), [("1,000", 1_000), ("12,500,000.5", 12_500_000.5), ("-1,200", -1_200)]
)
def test_a_number_may_be_typed_as_pages_write_it(typed: str, number: float) -> None:
    made = interval()
    low, high, button = _inputs(made)
    low.value, high.value = "-1e4", typed
    button.click()
    assert made.value == (-1e4, number)


@pytest.mark.parametrize(
    ("unit", "typed", "said"),
    [
        ("%", " ", "\u201cfrom\u201d must be filled in"),
        ("%", "half", "“from” must be a number alone: its unit, %, stands beside it; got 'half'"),
        ("people", "50 %", "its unit, people, stands beside it; got '50 %'"),
        ("", "50 %", "“from” must be a number such as 0.5 or 1e-3, got '50 %'"),
        ("", "0,500", "“from” must be a number such as 0.5 or 1e-3, got '0,500'"),
        ("", "1,00", "“from” must be a number such as 0.5 or 1e-3, got '1,00'"),
    ],
)
def test_a_hint_is_about_what_is_asked(unit: str, typed: str, said: str) -> None:
    made = interval(unit=unit)
    low, high, button = _inputs(made)
    low.value, high.value = typed, "60"
    button.click()
    assert said in html.unescape(_status(made))
    assert made.value is None


def test_the_form_says_what_is_possible() -> None:
    assert "whole numbers from 1 to 12" in repr(interval(low=1, high=12, whole=True))
    assert "from 0 up" in interval(low=0)._repr_mimebundle_()["text/html"]
    assert "up to 3" in repr(interval(high=3))


def test_a_count_may_be_one_number() -> None:
    made = interval(low=1, high=12, whole=True)
    made.commit(4, 4)
    assert interval(low=1, high=12, whole=True).value == (4.0, 4.0)
    made.resolve(3.8)  # the mean of counts is no count


def test_restored_shows_itself_committed() -> None:
    interval().commit(0.1, 1)
    choice().commit("about 1/2", 65)
    again, chosen = interval(), choice()
    assert again.value == (0.1, 1.0)
    assert chosen.value == ("about 1/2", 65.0)
    assert chosen.interval is None
    assert "Committed: 0.1 to 1" in repr(again)
    assert not any(widget.disabled for widget in _inputs(again))
    interval().resolve(1)
    assert all(widget.disabled for widget in _inputs(interval()))
    assert [widget.value for widget in _inputs(chosen)[:2]] == ["about 1/2", 65]


def test_resume_code_carries_predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interval().commit(0.1, 1)
    choice().commit("about 1/2", 65)
    code = progress.code()
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "elsewhere.json"))
    assert interval().value is None
    progress.restore(code)
    assert interval().value == (0.1, 1.0)
    assert choice().value == ("about 1/2", 65.0)


@pytest.mark.parametrize(
    ("truth", "said"),
    [(0.5, "held it"), (0.1, "held it"), (1.0, "held it"), (2, "too low"), (0, "too high")],
)
def test_interval_is_judged(truth: float, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = interval()
    made.commit(0.1, 1)
    made.resolve(truth)
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("truth", "said"), [(854, "854"), (999.7, "1,000"), (12_345, "12,345"), (0.1234, "0.123")]
)
def test_numbers_are_said_as_pages_write_them(
    truth: float, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = interval(unit="tokens")
    made.commit(0.5, 1_234_567)
    assert "0.5 to 1,234,567 tokens" in made._said(made.value)
    made.resolve(truth)
    printed = " ".join(capsys.readouterr().out.split())
    assert f"The answer is {said} tokens. Your 80 % interval, 0.5 to 1,234,567, " in printed


@pytest.mark.parametrize("choice", ["up", mark("up")])
@pytest.mark.parametrize("truth", ["up", mark("up"), "down", mark("down")])
def test_a_choice_counts_whichever_side_came_by_a_resume_code(choice: str, truth: str) -> None:
    right = truth in ("up", mark("up"))
    assert scores._square({"value": [choice, 80], "truth": truth}) == pytest.approx(
        0.2**2 if right else 0.8**2
    )


def test_calibration_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert str(calibration()) == "No prediction has met its answer yet."
    for n, truth in enumerate([0.5, 0.9, 7.0]):
        made = interval(f"02-i{n}")
        made.commit(0, 1)
        made.resolve(truth)
    for n, (said, sure) in enumerate([("about 1", 80), ("about 1/2", 60)]):
        made = choice(f"02-c{n}")
        made.commit(said, sure)
        made.resolve("about 1")
    interval("02-open").commit(0, 1)  # has not met its answer
    score = calibration()
    assert (score.intervals, score.held, score.choices) == (3, 2, 2)
    assert score.brier == pytest.approx((0.2**2 + 0.6**2) / 2)
    assert "2 of your 3 intervals" in str(score)
    assert "0.20" in str(score)


@pytest.mark.parametrize(
    ("intervals", "low", "high", "half"),
    [(8, 4, 8, 0.64), (20, 12, 19, 0.25), (45, 31, 41, 0.01)],
)
def test_the_range_that_chance_allows(intervals: int, low: int, high: int, half: float) -> None:
    """Counted out by hand: every outcome of so many intervals with its chance."""
    at = [math.comb(intervals, k) * 0.8**k * 0.2 ** (intervals - k) for k in range(intervals + 1)]
    assert scores.range_of_chance(intervals) == (low, high)
    assert sum(at[low : high + 1]) >= 0.95
    assert sum(at[:low]) <= 0.025 < sum(at[: low + 1])
    assert sum(at[high + 1 :]) <= 0.025 < sum(at[high:])
    inside = sum(math.comb(intervals, k) for k in range(low, high + 1)) / 2**intervals
    assert scores.chance_to_look_calibrated(intervals) == pytest.approx(inside)
    assert round(inside, 2) == half


def test_no_interval_and_no_chance() -> None:
    assert scores.range_of_chance(0) == (0, 0)
    assert scores.range_of_chance(5, 1) == (5, 5)
    assert scores.range_of_chance(5, 0) == (0, 0)
    assert scores.chance_to_look_calibrated(8, 0) == 0
    with pytest.raises(ValueError, match="intervals must be an integer of at least 0, got -1"):
        scores.range_of_chance(-1)
    with pytest.raises(TypeError, match="intervals must be an integer"):
        scores.chance_to_look_calibrated(2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rate must be"):
        scores.range_of_chance(3, 1.2)


def test_few_intervals_say_little_and_many_say_more() -> None:
    few, many = (str(scores.Calibration(n, n - 3, 0, math.nan)) for n in (8, 45))
    assert "5 of your 8 intervals held the truth." in few
    assert "If each holds in 8 cases of 10, chance allows 4 to 8." in few
    assert "If each holds in half, chance allows 1 to 7." in few
    assert "with chance 0.64, so 8 intervals say little." in few
    assert "with chance 0.01, so 45 intervals tell them apart." in many
    assert "0 of your 1 interval held" in str(scores.Calibration(1, 0, 0, math.nan))
    for said in (few, many):
        assert "This is no grade." in said
        assert "people are wrong there" in said
        assert "Brier" not in said
    assert "the truth" not in str(scores.Calibration(0, 0, 4, 0.2))


def test_it_says_how_many_there_are_so_far() -> None:
    total = scores.asked()
    said = str(scores.Calibration(2, 1, 3, 0.2))
    assert f"hold {total['intervals']} intervals and {total['choices']} choices" in said
    assert "so far 2 and 3 count" in said


def test_calibration_survives_the_resume_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = choice()
    made.commit("about 1", 80)
    code = progress.code()  # taken before the answer: the choice is a mark, the answer a text
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "elsewhere.json"))
    progress.restore(code)
    choice().resolve("about 1")
    assert calibration().brier == pytest.approx(0.04)


def test_committed_after_the_answer_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    made = interval()
    made.resolve(3)
    assert "not counted" in made.commit(2, 4)
    assert made.value == (2.0, 4.0)
    capsys.readouterr()
    made.resolve(3)
    assert "held it. The answer had been shown before, so" in " ".join(
        capsys.readouterr().out.split()
    )
    assert calibration().intervals == 0


def test_the_first_answer_counts() -> None:
    made = interval()
    made.commit(0, 1)
    made.resolve(0.5)
    made.resolve(9)  # run again with another seed
    assert calibration().held == 1


def test_a_changed_question_can_be_answered_again() -> None:
    choice().commit("about 1", 80)
    choice().resolve("about 1")
    changed = predict("02-typical", "One run?", choices=["yes", "no"])
    assert changed.value is None
    assert "not counted" not in changed.commit("yes", 90)
    assert changed.value == ("yes", 90.0)
    assert interval("02-typical").value is None  # a choice is no interval


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        (("typical", "Q"), ValueError, "key"),
        (("2-typical", "Q"), ValueError, "key"),
        (("02-Typical", "Q"), ValueError, "key"),
        ((None, "Q"), ValueError, "key"),
        (("02-a", " "), ValueError, "question"),
        (("02-a", 3), TypeError, "question"),
        (("02-a", "Q", ["one"]), ValueError, "choices"),
        (("02-a", "Q", ["one", "one"]), ValueError, "choices"),
        (("02-a", "Q", ["one", ""]), ValueError, "choice"),
        (("02-a", "Q", "one"), TypeError, "choices"),
        (("02-a", "Q", ["one", 2]), TypeError, "choice"),
        (("02-a", "Q", ["one", "two"], "nats"), ValueError, "unit"),
        (("02-a", "Q", ["one", "two"], "", 0), ValueError, "low"),
        (("02-a", "Q", None, "", 3, 3), ValueError, "low"),
        (("02-a", "Q", None, "", "0"), TypeError, "low"),
        (("02-a", "Q", None, "", 0, float("inf")), ValueError, "high"),
        (("02-a", "Q", None, "", 0, 1, "yes"), TypeError, "whole"),
    ],
)
def test_bad_arguments(arguments: tuple[Any, ...], error: type[Exception], named: str) -> None:
    names = ("key", "question", "choices", "unit", "low", "high", "whole")
    with pytest.raises(error, match=named):
        predict(**dict(zip(names, arguments, strict=False)))


@pytest.mark.parametrize(
    "bad", [(1, 1), (2, 1), (0, float("nan")), (0, float("inf")), ("0", 1), (True, 2)]
)
def test_bad_intervals_are_refused(bad: tuple[Any, Any]) -> None:
    made = interval()
    with pytest.raises((TypeError, ValueError)):
        made.commit(*bad)
    assert made.value is None


@pytest.mark.parametrize("bad", [("else", 80), ("about 1", 49), ("about 1", 101), (1, 80)])
def test_bad_choices_are_refused(bad: tuple[Any, Any]) -> None:
    made = choice()
    with pytest.raises(ValueError, match=r"choice|confidence"):
        made.commit(*bad)
    assert made.value is None


def test_bad_truths_are_refused(progress_file: Path) -> None:
    with pytest.raises(ValueError, match="truth"):
        choice().resolve("else")
    with pytest.raises(ValueError, match="truth"):
        interval().resolve(float("nan"))
    with pytest.raises(TypeError, match="truth"):
        interval().resolve("0.5")
    with pytest.raises(ValueError, match="truth"):
        interval(low=0, high=1).resolve(1.5)
    assert not progress_file.exists()


def test_a_forecast_has_no_answer_and_stays_open(progress_file: Path) -> None:
    made = interval(low=0, high=100, forecast=True)
    assert made.commit(20, 50).endswith("You can change it whenever you like.")
    with pytest.raises(ValueError, match=r"the forecast '02-mean' has no answer yet"):
        made.resolve(30)
    assert made.commit(30, 60).startswith("Committed: 30 to 60")
    assert not made.fixed
    assert made.interval == (30, 60)
    assert calibration().intervals == 0
    with pytest.raises(TypeError, match="forecast must be True or False, got 'yes'"):
        interval(forecast="yes")


# ---- the live form


def _walk(widget: Any) -> list[Any]:
    return [widget, *(w for child in getattr(widget, "children", ()) for w in _walk(child))]


def _inputs(made: Prediction) -> list[Any]:
    return [w for w in _walk(made.widget) if hasattr(w, "disabled")]


def _status(made: Prediction) -> str:
    return str(_walk(made.widget)[-1].value)


def test_form_commits_and_is_fixed_when_the_answer_is_shown() -> None:
    made = interval(unit="colours")
    low, high, button = _inputs(made)
    low.value = "a lot"
    button.click()
    assert "Not committed" in _status(made)
    assert made.value is None
    low.value, high.value = " 1e-1", "1"
    button.click()
    assert made.value == (0.1, 1.0)
    assert "Committed: 0.1 to 1" in _status(made)
    assert not low.disabled
    made.resolve(0.5)
    assert "It stays as it is." in _status(made)
    assert low.disabled
    assert button.disabled


def test_a_field_that_arrives_after_the_click_is_taken() -> None:
    """The browser sends a click at once and a field when the kernel is free: in any order."""
    made = interval(low=0)
    low, high, button = _inputs(made)
    low.value, high.value = "1", "300"
    button.click()
    high.value = "3"  # what the learner had typed before the click
    assert made.value == (1.0, 3.0)
    assert "Committed: 1 to 3" in _status(made)
    high.value = "-3"  # impossible: the field shows it, the line says what counts
    assert made.value == (1.0, 3.0)
    assert "Not committed" in _status(made)
    assert "Still committed: 1 to 3" in _status(made)


@pytest.mark.parametrize("refused", ["", "17"])
def test_a_field_that_arrives_after_a_refused_click_is_taken(refused: str) -> None:
    """The first click of all finds what was there before the learner typed the answer."""
    made = interval(low=0, high=12)
    low, high, button = _inputs(made)
    low.value, high.value = "1", refused
    assert made.value is None  # nobody has clicked yet
    button.click()
    assert "Not committed" in _status(made)
    high.value = "6"  # what the learner had typed before the click
    assert made.value == (1.0, 6.0)
    assert "Committed: 1 to 6" in _status(made)


def test_a_field_that_arrives_after_the_answer_shows_what_counts() -> None:
    made = interval()
    low, high, button = _inputs(made)
    low.value, high.value = "1", "300"
    button.click()
    made.resolve(2)
    for late in ("3", "nonsense"):
        high.value = late
        assert made.value == (1.0, 300.0)
        assert [low.value, high.value] == ["1", "300"]


def test_a_choice_that_arrives_after_the_click_is_taken() -> None:
    made = choice()
    radio, sure, button = _inputs(made)
    radio.value = "about 1"
    button.click()
    radio.value, sure.value = "about 1/2", 95
    assert made.value == ("about 1/2", 95.0)
    made.resolve("about 1/2")
    radio.value = "about 1"
    assert radio.value == "about 1/2"


def test_form_with_choices_wants_a_choice() -> None:
    made = choice()
    radio, sure, button = _inputs(made)
    assert (sure.min, sure.max, sure.step, sure.value) == (50, 100, 5, 70)  # below 50 is the other
    assert radio.value is None  # nothing is chosen for the learner
    button.click()
    assert "choose one" in _status(made)
    radio.value, sure.value = "below 1/1000", 90
    button.click()
    assert made.value == ("below 1/1000", 90.0)
    assert 'role="status" aria-live="polite"' in _status(made)


def test_callbacks_on_other_threads_commit_once(progress_file: Path) -> None:
    made = interval()
    low, high, button = _inputs(made)
    low.value, high.value = "0", "1"
    threads = [threading.Thread(target=button.click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.value == (0.0, 1.0)
    assert list(json.loads(progress_file.read_text())["predictions"]) == ["02-mean"]


def test_faces_without_a_kernel() -> None:
    made = predict("02-a", "Is 1 < 2 & so on?", choices=["yes <b>", "no"])
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {
        "text/plain",
        "text/html",
        "application/vnd.jupyter.widget-view+json",
    }
    assert "1 &lt; 2 &amp; so on?" in bundle["text/html"]
    assert "yes &lt;b&gt;" in bundle["text/html"]
    assert "( ) yes <b>" in bundle["text/plain"]
    again = predict("02-a", "Is 1 < 2 & so on?", choices=["yes <b>", "no"])._repr_mimebundle_()
    assert again["text/html"] == bundle["text/html"]  # no random ids: strict nbval compares it
