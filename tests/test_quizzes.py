"""Quizzes: a reason for every option, live and on a page without a kernel."""

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.teaching import progress, quiz
from helpers.teaching.quizzes import Quiz

OPTIONS = {
    "Collapse is gone": "The typical run still dies.",
    "Half as fast": "The half-life doubles.",
    "Nothing": "Two is not one.",
}


@pytest.fixture(autouse=True)
def progress_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    return file


def divisor() -> Quiz:
    return quiz("02-divisor", "Divide by n - 1 < n. What changes?", OPTIONS, answer="Half as fast")


def test_every_option_has_its_reason() -> None:
    question = divisor()
    assert question.choose("Nothing") == "Not this one. Two is not one."
    assert question.choose("Half as fast") == "Right. The half-life doubles."


def test_first_answer_is_remembered(progress_file: Path) -> None:
    question = divisor()
    for option in ("Nothing", "Half as fast", "Nothing"):
        question.choose(option)
    stored = json.loads(progress_file.read_text())["answers"]["02-divisor"]
    assert stored["chosen"] == ["Nothing", "Half as fast"]
    assert stored["correct"] is True
    assert divisor().chosen == ["Nothing", "Half as fast"]


def test_resume_code_carries_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    divisor().choose("Nothing")
    code = progress.code()
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "elsewhere.json"))
    progress.restore(code)
    assert divisor().chosen == ["Nothing"]
    divisor().choose("Nothing")  # the mark and the text are one option
    assert divisor().chosen == ["Nothing"]


def test_page_without_a_kernel_has_everything_and_folds_the_answer() -> None:
    bundle = divisor()._repr_mimebundle_()
    page = bundle["text/html"]
    before, folded = page.split("<details>")
    for option, reason in OPTIONS.items():
        assert option in before
        assert reason in folded
        assert reason not in before
        assert option in bundle["text/plain"]
        assert reason not in bundle["text/plain"]
    assert "Right. The half-life doubles." in folded
    assert "n - 1 &lt; n" in page
    assert page == divisor()._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"key": "divisor"}, ValueError, "key"),
        ({"question": ""}, ValueError, "question"),
        ({"options": {"one": "because"}}, ValueError, "options"),
        ({"options": ["one", "two"]}, TypeError, "options"),
        ({"options": {"one": "because", "two": " "}}, ValueError, "reason of 'two'"),
        ({"options": {"one": "because", "two": None}}, TypeError, "reason of 'two'"),
        ({"options": {"": "because", "two": "so"}}, ValueError, "option"),
        ({"answer": "else"}, ValueError, "answer"),
    ],
)
def test_bad_arguments(changes: dict[str, Any], error: type[Exception], named: str) -> None:
    good = {"key": "02-a", "question": "Q?", "options": OPTIONS, "answer": "Nothing"}
    with pytest.raises(error, match=named):
        quiz(**{**good, **changes})


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError, match="option"):
        divisor().choose("else")


def _walk(widget: Any) -> list[Any]:
    return [widget, *(w for child in getattr(widget, "children", ()) for w in _walk(child))]


def test_form_answers() -> None:
    question = divisor()
    *_, radio, button, said, others = _walk(question.widget)
    button.click()
    assert "Choose one" in said.value
    radio.value = "Nothing"
    button.click()
    assert "Not this one. Two is not one." in said.value
    assert others.value == ""
    radio.value = "Half as fast"
    button.click()
    assert "Right." in said.value
    assert 'aria-live="polite"' in said.value
    assert "The typical run still dies." in others.value
    assert "Two is not one." not in others.value  # has been read already


def test_restored_form_shows_the_last_reply() -> None:
    divisor().choose("Nothing")
    *_, radio, _, said, _ = _walk(divisor().widget)
    assert radio.value == "Nothing"
    assert "Two is not one." in said.value
