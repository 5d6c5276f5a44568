"""Lesson 02 in a browser: cell by cell with a prediction, a quiz answered, the explorer by keys."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

NAME = "02-fit-sample-repeat.ipynb"


def run_next(lab) -> None:
    lab.page.keyboard.press("Shift+Enter")


def test_a_prediction_is_drawn_in_the_reveal(open_notebook: Callable) -> None:
    lab = open_notebook(NAME, folder="shipped")
    asked = lab.cell('"02-mean-variance"')
    asked.locator(".jp-Cell-inputArea").click()
    lab.page.keyboard.press("Escape")
    lab.menu("Run", "Run All Above Selected Cell")
    asked.locator(".jp-Cell-inputArea").click()
    run_next(lab)
    fields = asked.locator("input[type=text], input[type=number]")
    expect(fields.first).to_be_visible(timeout=60_000)
    fields.nth(0).fill("0.1")
    fields.nth(1).fill("2")
    asked.get_by_role("button", name=re.compile("commit", re.IGNORECASE)).click()
    lab.shot("predicted", asked)
    reveal = lab.cell("predicted=average.interval")
    reveal.locator(".jp-Cell-inputArea").click()
    run_next(lab)
    picture = reveal.locator("img[alt*='Your prediction, 0.1 to 2']")
    expect(picture).to_be_visible(timeout=60_000)
    lab.shot("reveal", reveal)


def test_runs_through_and_answers_to_keys(open_notebook: Callable) -> None:
    lab = open_notebook(NAME)
    lab.run_all()
    assert lab.errors() == []
    assert lab.strangers == []
    quiz = lab.cell('"02-divisor"')
    quiz.locator("input[type=radio]").nth(1).check()
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz.get_by_text("twice as many fits")).to_be_visible()
    lab.shot("quiz", quiz)
    explorer = lab.cell("gaussian_explorer()")
    picture = explorer.locator("img[alt]")
    expect(picture).to_be_visible(timeout=60_000)
    before = picture.get_attribute("alt")
    slider = explorer.get_by_role("slider").first
    slider.scroll_into_view_if_needed()
    slider.focus()
    lab.page.keyboard.press("ArrowRight")
    lab.page.wait_for_function(
        "before => ![...document.querySelectorAll('img[alt]')].some(i => i.alt === before)",
        arg=before, timeout=60_000,
    )  # fmt: skip
    lab.shot("explorer", explorer)
