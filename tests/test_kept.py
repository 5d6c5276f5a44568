"""What stays of a widget on a page without a kernel: a second output that is renewed."""

from collections.abc import Callable
from typing import Any

import IPython.display
import nbformat
import pytest

from helpers._kept import KEPT, LIVE, VIEW, Kept
from helpers.authoring.execute import normalise
from helpers.explorers.controls import choice, explore, live_run
from helpers.explorers.lesson_00 import quilt_picture
from helpers.teaching import claim, predict, quiz, verdict


class Page:
    """A front end that keeps what is displayed: the data and metadata of each output."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, Any]] = []

    def display(self, data: dict[str, Any], **options: Any) -> "Page.Handle":
        self.outputs.append({"data": data, "metadata": options.get("metadata") or {}})
        return Page.Handle(self.outputs[-1])

    class Handle:
        def __init__(self, output: dict[str, Any]) -> None:
            self.output = output

        def update(self, data: dict[str, Any], **_: Any) -> None:
            self.output["data"] = data


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Page:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    page = Page()
    monkeypatch.setattr(IPython.display, "display", page.display)
    return page


def numbers(_: Callable[[], bool]) -> Any:
    return iter(range(3))


WIDGETS: dict[str, Callable[[], Any]] = {
    "prediction": lambda: predict("02-a", "Which one?", choices=["A", "B"]),
    "quiz": lambda: quiz("02-b", "Which one?", {"A": "so", "B": "not so"}, answer="A"),
    "verdict": lambda: verdict("run", "rare facts"),
    "claim": lambda: claim("tails-first", "holds", lesson="05"),
    "explorer": lambda: explore(quilt_picture, tiles=choice("tiles", (10, 20))),
    "run button": lambda: live_run(numbers, lambda done: quilt_picture(tiles=10), total=3),
}


@pytest.mark.parametrize("name", WIDGETS)
def test_every_widget_is_followed_by_what_is_kept_of_it(name: str, page: Page) -> None:
    widget = WIDGETS[name]()
    widget._ipython_display_()
    live, kept = page.outputs
    assert VIEW in live["data"]
    assert LIVE in getattr(widget, "widget", widget)._dom_classes
    assert set(kept["data"]) == {"text/plain", "text/html"}
    assert kept["metadata"] == {KEPT: True}
    assert "Run this cell (Shift+Enter) to use it." in kept["data"]["text/html"]


def test_answers_are_kept(page: Page) -> None:
    made = predict("02-a", "Which one?", choices=["A", "B"])
    made._ipython_display_()
    made.widget.children[2].value = "B"
    made.widget.children[-2].click()
    assert "Committed: \N{LEFT DOUBLE QUOTATION MARK}B" in page.outputs[-1]["data"]["text/html"]

    asked = quiz("02-b", "Which one?", {"A": "so", "B": "not so"}, answer="A")
    asked._ipython_display_()
    assert "You answered" not in page.outputs[-1]["data"]["text/html"]
    asked.widget.children[2].value = "B"
    asked.widget.children[3].click()
    kept = page.outputs[-1]["data"]["text/html"]
    assert "You answered \N{LEFT DOUBLE QUOTATION MARK}B\N{RIGHT DOUBLE QUOTATION MARK}" in kept

    judged = verdict("run", "rare facts")
    judged._ipython_display_()
    judged.widget.children[2].value = "bounded"
    assert "Your verdict: bounded." in page.outputs[-1]["data"]["text/html"]


def test_the_last_picture_is_kept(page: Page) -> None:
    explorer = explore(quilt_picture, tiles=choice("tiles", (10, 20)))
    explorer._ipython_display_()
    before = page.outputs[-1]["data"]["text/html"]
    explorer.set(tiles=20)
    assert explorer.wait()
    after = page.outputs[-1]["data"]["text/html"]
    assert "20 tiles" in after
    assert before.count("<img ") == after.count("<img ") == 1
    button = live_run(numbers, lambda done: quilt_picture(tiles=10), total=3)
    button._ipython_display_()
    assert "<img " not in page.outputs[-1]["data"]["text/html"]
    button.start()
    assert button.wait()
    assert "<img " in page.outputs[-1]["data"]["text/html"]


def test_a_built_page_has_the_kept_one_alone(page: Page) -> None:
    Kept(lambda: "in words", lambda: "<p>a page</p>").display({VIEW: {"model_id": "random"}})
    outputs = [nbformat.v4.new_output("display_data", **output) for output in page.outputs]
    cell = nbformat.v4.new_code_cell(outputs=outputs)
    normalise(cell)
    (only,) = cell.outputs
    assert only.data["text/plain"] == "in words"
    assert "random" not in str(only)
    assert only.metadata == {}
