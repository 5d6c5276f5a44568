"""Lesson 00 as a newcomer meets it: the stored page first, then a run."""

from collections.abc import Callable

from playwright.sync_api import expect

NAME = "00-start-here.ipynb"


def test_reveals_are_folded_until_they_run(open_notebook: Callable) -> None:
    lab = open_notebook(NAME, folder="shipped")
    answers = lab.panel.locator(".jp-OutputArea-output", has_text="You had committed no prediction")
    assert any("reveal" in cell.metadata.get("tags", []) for cell in lab.notebook().cells)
    cell = lab.cell("quilt_picture(kinds=12, tiles=40")
    expect(answers).to_have_count(0)
    expect(cell.locator("img[alt]")).to_have_count(0)
    lab.shot("before-reveal")
    cell.locator(".jp-Cell-inputArea").click()
    lab.page.keyboard.press("Shift+Enter")
    expect(cell.locator("img[alt]")).to_be_visible(timeout=60_000)
    lab.shot("after-reveal", cell)


def test_runs_from_top_to_bottom_without_the_network(open_notebook: Callable) -> None:
    lab = open_notebook(NAME)
    lab.run_all()
    assert lab.errors() == []
    assert lab.strangers == []
    pictures = lab.panel.locator(".jp-OutputArea-output img")
    assert pictures.count() >= 5
    assert all(alt for alt in pictures.evaluate_all("all => all.map(image => image.alt)"))
    lab.shot("end")
