"""A Binder that was culled: everything is gone but the progress.json that the learner downloaded.

The kernel is killed, the server ends, and another one starts over an empty home. There the file is
dragged beside the notebook and restored: answers are back, code is shown and put into its cell, and
none of it has been run.
"""

import json
import sys
from pathlib import Path

import nbformat
from learner import PATIENCE, SHOTS
from playwright.sync_api import Browser, Page, expect
from servers import serving
from test_next_day import opened

ASK = 'from helpers.teaching import predict\npredict("02-a", "Which one?", choices=["A", "B"])'
CODE = "def my_survivors(row):\n    return len(set(row))  # mine"
BEFORE = (
    ASK,
    CODE,
    'from helpers.teaching import check\ncheck("00-survivors", my_survivors)',
    "from helpers.teaching import progress\nprogress.save()",
)
AFTER = (
    'from helpers.teaching import progress\nprogress.restore("progress.json")',
    ASK,
    'progress.load("00-survivors")',
    "print('known here:', 'my_survivors' in globals())",
)
KILL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.shutdown()"


def notebook(folder: Path, *sources: str) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    made = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    made.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    folder.mkdir()
    nbformat.write(made, folder / "page.ipynb")
    return folder


def run_all(page: Page) -> None:
    expect(page.get_by_text("| Idle")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def test_what_was_downloaded_before_a_cull_brings_everything_back(
    browser: Browser, tmp_path: Path
) -> None:
    first = notebook(tmp_path / "first", *BEFORE)
    with serving(sys.executable, "jupyterlab", first, tmp_path / "home-1") as server:
        page = opened(browser, f"{server}/lab/tree/page.ipynb", kernel=True)
        run_all(page)
        page.get_by_role("radio", name="B", exact=True).check(timeout=PATIENCE)
        page.get_by_role("button", name="Commit").click()
        expect(page.get_by_text("Committed:").first).to_be_visible(timeout=PATIENCE)
        link = page.get_by_role("link", name="Download progress.json")
        expect(link).to_be_visible(timeout=PATIENCE)
        page.locator(".jp-Cell", has=link).locator(".jp-InputPrompt").first.click()
        page.keyboard.press("Control+Enter")  # the link holds what there was when its cell ran
        expect(page.get_by_text("1 predictions, 0 quiz answers, 1 exercises passed")).to_be_visible(
            timeout=PATIENCE
        )
        with page.expect_download() as downloading:
            link.click()
        kept = Path(downloading.value.path()).read_bytes()
        page.evaluate(KILL)
        page.context.close()
    assert set(json.loads(kept)["checks"]) == {"00-survivors"}

    second = notebook(tmp_path / "second", *AFTER)
    (second / "progress.json").write_bytes(kept)
    with serving(sys.executable, "jupyterlab", second, tmp_path / "home-2") as server:
        assert not (tmp_path / "home-2" / "progress.json").exists()
        page = opened(browser, f"{server}/lab/tree/page.ipynb", kernel=True)
        run_all(page)
        expect(page.get_by_text("known here: False")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("Restored. You now have 1 predictions")).to_be_visible()
        committed = page.get_by_text("Committed: “B” with 70 %").locator("visible=true")
        expect(committed.first).to_be_visible(timeout=PATIENCE)
        folded = page.get_by_text("Your code of 00-survivors, to copy into its cell")
        folded.click()
        expect(page.locator("details pre", has_text="# mine")).to_be_visible()
        loaded = page.locator(".jp-Cell", has_text="It has not been run.")
        expect(loaded.locator(".jp-InputArea")).to_contain_text("# mine", timeout=PATIENCE)
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / "after-a-cull.png")
        page.context.close()
