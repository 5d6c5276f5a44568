"""Quizzes: a reason for every option, live and on a page without a kernel."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers.authoring.lesson import parse
from helpers.authoring.questions import Asked, all_quizzes, asked, literal_calls, spread
from helpers.teaching import progress, quiz, tally
from helpers.teaching.quizzes import Quiz, dealt

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


# ---- places of the right options, over all lessons

ROOT = Path(__file__).resolve().parent.parent
STEMS = [path.stem for path in sorted((ROOT / "lessons").glob("[0-9][0-9]-*.md"))]


def in_places(*places: tuple[int, int], lesson: str = "02") -> list[Asked]:
    """Quizzes with so many options, the right one of them at such a place."""
    made = []
    for number, (size, place) in enumerate(places):
        key, options = f"{lesson}-q{number}", [f"option {n}" for n in range(size)]
        reasons = dict.fromkeys(options, "a reason")
        made.append(Asked(key, "a question", reasons, dealt(key, options)[place], number))
    return made


def test_right_options_are_spread_over_the_places() -> None:
    made = all_quizzes(ROOT / "lessons")
    assert len(made) > 20
    assert spread(made) == []


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([(4, 1)] * 10, "of 10 quizzes with 4 options 10 are right at place 2; wanted are 2 to 4"),
        ([(3, n // 3 % 3) for n in range(9)], "'02-q2' is the third running with place 1 right"),
        ([(4, 0), (4, 1), (4, 2), (4, 0)], "of 4 quizzes with 4 options 0 are right at place 4"),
        ([(2, 0), (2, 1), (2, 0), (2, 0)], "of 4 quizzes with 2 options 3 are right at place 1"),
    ],
)
def test_a_bad_spread_is_found(places: list[tuple[int, int]], said: str) -> None:
    assert any(said in line for line in spread(in_places(*places)))


@pytest.mark.parametrize(
    "places",
    [
        [(3, n % 3) for n in range(12)],
        [(3, n % 3) for n in range(12)] + [(4, n % 4) for n in range(8)],
        [(3, 0), (3, 1), (3, 2), (5, 4)],  # the only one with five options is right somewhere
        [(2, 0), (2, 1), (2, 1), (2, 0)],  # two places have a half each
        [],
    ],
)
def test_a_good_spread_passes(places: list[tuple[int, int]]) -> None:
    assert spread(in_places(*places)) == []


@pytest.mark.parametrize("options", ['f"{n}"', '{["a"]: "b"}'], ids=["computed", "no options"])
def test_a_call_that_cannot_be_read_is_left_out(options: str) -> None:
    """It raises when it is run, or is for a kernel to say."""
    tree = ast.parse(f"quiz('02-a', 'Q?', {options}, 'a')\nquiz('02-b', 'Q?', {{'a': 'b'}}, 'a')")
    found = list(literal_calls(tree, "quiz", "key", "question", "options", "answer"))
    assert [call.given["key"] for call in found] == ["02-b"]


def test_the_right_option_must_not_be_the_longest_too_often() -> None:
    good = in_places(*[(3, n % 3) for n in range(24)])
    assert spread(good) == []

    def longer(quiz: Asked) -> Asked:
        reasons = {o + " " * (9 * (o == quiz.answer)): why for o, why in quiz.reasons.items()}
        return replace(quiz, reasons=reasons, answer=quiz.answer + " " * 9)

    some = [longer(quiz) if n < 9 else quiz for n, quiz in enumerate(good)]
    assert not any("longest" in line for line in spread(some))  # 9 of 24 are few enough
    many = [longer(quiz) if n < 10 else quiz for n, quiz in enumerate(good)]
    (said,) = [line for line in spread(many) if "longest" in line]
    assert said.startswith("quizzes: in 10 of 24 the right option is the longest, at most 40%")
    assert many[0].key in said
    assert not any("longest" in line for line in spread(many[:19]))


def test_a_new_quiz_that_spoils_the_spread_gets_a_key_that_mends_it() -> None:
    """And no other quiz is dealt anew."""
    old = in_places(*[(3, n % 3) for n in range(9)], lesson="06")
    for place in range(3):
        new = in_places((3, place), (3, place), (3, place), lesson="03")
        *_, advice = [line for line in spread([*new, *old]) if "lesson 03 is the new one" in line]
        renamed = dict(re.findall(r"'(03-\S+)' becomes '(03-\S+)'", advice))
        assert renamed
        mended = [replace(quiz, key=renamed.get(quiz.key, quiz.key)) for quiz in new]
        assert spread([*mended, *old]) == []


@pytest.mark.parametrize("stem", STEMS)
def test_a_built_notebook_holds_the_shuffled_order(stem: str) -> None:
    notebook = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4)
    shown = []
    for cell in notebook.cells:
        if "quiz" in cell.metadata.get("tags", []):
            text = cell.outputs[0].data["text/plain"]
            shown.append([line[6:] for line in text.splitlines() if line.startswith("  ( ) ")])
    made = [quiz for cell in parse(ROOT / "lessons" / f"{stem}.md").code for quiz in asked(cell)]
    assert shown == [dealt(quiz.key, quiz.options) for quiz in made]


def test_the_order_depends_on_the_key_and_not_on_the_author() -> None:
    keys = [f"02-k{n}" for n in range(30)]
    orders = {tuple(dealt(key, ["a", "b", "c"])) for key in keys}
    assert len(orders) == 6
    assert dealt("02-a", ["a", "b", "c"]) == dealt("02-a", ["a", "b", "c"])
    made = divisor()
    assert list(made.options) == dealt("02-divisor", list(OPTIONS))
    assert made.options == OPTIONS


# ---- the tally


def test_tally_counts_first_answers_group_by_group() -> None:
    groups = {"one": ["02-a", "02-b"], "two": ["02-c", "02-d", "02-e"], "three": ["02-f"]}
    for key, *chosen in (
        ("02-a", "Nothing", "Half as fast"),  # right at the second try: a miss
        ("02-b", "Collapse is gone"),
        ("02-c", "Half as fast", "Nothing"),  # right at once, then curious
        ("02-d", "Half as fast"),
        ("02-e", "Nothing"),
    ):
        for option in chosen:
            quiz(key, "Q?", OPTIONS, answer="Half as fast").choose(option)
    rows = [line.split() for line in repr(tally(groups)).splitlines()]
    assert rows[1] == ["one", "0", "of", "2", "read", "its", "refresher", "first"]
    assert rows[2] == ["two", "2", "of", "3", "you", "are", "ready"]
    assert rows[3] == ["three", "0", "of", "1", "1", "still", "to", "answer"]
    assert 'scope="row"' in tally(groups)._repr_html_()


@pytest.mark.parametrize("bad", [[], {}, {"one": "02-a"}, {"one": []}])
def test_tally_wants_groups(bad: Any) -> None:
    with pytest.raises(TypeError, match="groups"):
        tally(bad)


def test_tally_wants_keys() -> None:
    with pytest.raises(ValueError, match="every key in groups"):
        tally({"one": ["a"]})


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
