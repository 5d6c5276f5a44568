"""Lesson 06 in a browser: Run and Stop, and a slider that is moved while a cell runs."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

NAME = "06-replace-or-accumulate.ipynb"


def test_run_stop_and_a_slider_while_a_cell_runs(open_notebook: Callable) -> None:
    lab = open_notebook(NAME)
    lab.run_all()
    assert lab.errors() == []
    assert lab.strangers == []

    live = lab.cell("live_run(\n")
    live.get_by_role("button", name="Run", exact=True).click()
    expect(live.locator("img[alt]")).to_be_visible(timeout=60_000)
    live.get_by_role("button", name="Stop", exact=True).click()
    expect(live.get_by_role("button", name="Run", exact=True)).to_be_enabled(timeout=60_000)
    done = re.search(r"stopped at (\d+)", live.inner_text())
    assert done is not None
    assert 0 < int(done.group(1)) < 50  # stopped in mid-run, and what was done is kept
    expect(live.locator("img[alt]")).to_be_visible()
    lab.shot("stopped", live)

    explorer = lab.cell("policy_explorer()")
    picture = explorer.locator("img[alt]")
    before = picture.get_attribute("alt")
    busy = lab.cell("my_bandwidth = 0.5")
    busy.locator(".cm-content").click()
    lab.page.keyboard.press("Control+A")
    lab.page.keyboard.type("import time; time.sleep(20)")
    lab.page.keyboard.press("Control+Enter")
    expect(busy.locator(".jp-InputPrompt", has_text="[*]")).to_be_visible()
    slider = explorer.get_by_role("slider").first
    slider.scroll_into_view_if_needed()
    slider.focus()
    lab.page.keyboard.press("ArrowRight")
    expect(picture).not_to_have_attribute("alt", before, timeout=60_000)
    lab.shot("moved-while-busy", explorer)
    expect(busy.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]"))).to_be_visible(
        timeout=60_000
    )
    assert lab.errors() == []
