"""A page that was answered, saved and closed is opened again: nothing on it is dead or lost.

One notebook with each kind of widget is run and answered in JupyterLab. Then it is opened where no
kernel starts, as on a page that is only looked at, and where a new one has started that knows
nothing of the old widgets: in JupyterLab and, where COURSE_NOTEBOOK names a Python with Notebook 7
(.ci/run makes one), there, in both themes; labs.py does the same with older JupyterLabs.
"""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from learner import PATIENCE, SHOTS
from playwright.sync_api import Browser, Page, Route, expect
from servers import TOKEN, serving

CELLS = (
    'from helpers.teaching import predict\npredict("02-a", "Which one?", choices=["A", "B"])',
    "from helpers.teaching import quiz\n"
    'quiz("02-b", "Is it so?", {"yes": "It is so.", "no": "It is not."}, answer="yes")',
    'from helpers.teaching import verdict\nverdict("a run", "rare facts")',
    "from helpers.explorers.lesson_00 import quilt_explorer\nquilt_explorer()",
    "from helpers.explorers.controls import live_run\n"
    "from helpers.explorers.lesson_00 import quilt_picture\n"
    "live_run(lambda stop: iter(range(3)), lambda done: quilt_picture(tiles=10), total=3)",
)
DEAD = re.compile("Error displaying widget|Loading widget")
THEMES = ("JupyterLab Light", "JupyterLab Dark")
NOTEBOOK = os.environ.get("COURSE_NOTEBOOK", "")
OLDER = [python for python in os.environ.get("COURSE_LABS", "").split(os.pathsep) if python]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("next-day")
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(notebook, root / "page.ipynb")
    return root


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[str]:
    with serving(sys.executable, "jupyterlab", root, root / "home") as address:
        yield address


@pytest.fixture(scope="module")
def saved(browser: Browser, server: str, root: Path) -> Path:
    """The notebook, run, answered and saved; the kernel restarted before the page is closed."""
    page = opened(browser, f"{server}/lab/tree/page.ipynb", kernel=True)
    expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible(timeout=PATIENCE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.get_by_role("button", name="Commit").wait_for(timeout=PATIENCE)
    page.get_by_role("radio", name="B", exact=True).check()
    page.get_by_role("button", name="Commit").click()
    page.get_by_role("radio", name="no", exact=True).check()
    page.get_by_role("button", name="Answer", exact=True).click()
    page.get_by_role("radio", name="bounded").check()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".ctl-live img")).to_have_count(2, timeout=PATIENCE)
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    assert kept(page) == 0, "while the widgets live nothing is said twice"
    restart = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    page.evaluate(restart)
    expect(page.locator(".ctl-kept >> visible=true")).to_have_count(len(CELLS), timeout=PATIENCE)
    expect(page.get_by_role("button", name="Commit")).to_have_count(0)  # none that does nothing
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(2000)
    page.context.close()
    return root / "page.ipynb"


def opened(browser: Browser, address: str, *, kernel: bool) -> Page:
    """A page in a browser that knows nothing yet; without `kernel` none is started for it."""
    page = browser.new_context(viewport={"width": 1000, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)

    def refuse(route: Route) -> None:
        route.abort() if route.request.method == "POST" else route.continue_()

    if not kernel:
        page.route("**/api/sessions**", refuse)
        page.route("**/api/kernels**", refuse)
    page.goto(f"{address}?token={TOKEN}", timeout=PATIENCE)
    page.locator(".jp-Cell").first.wait_for(timeout=PATIENCE)
    return page


def kept(page: Page) -> int:
    return page.locator(".ctl-kept >> visible=true").count()


def assert_nothing_is_lost(page: Page, name: str) -> None:
    expect(page.locator(".ctl-kept >> visible=true")).to_have_count(len(CELLS), timeout=PATIENCE)
    expect(page.get_by_text(DEAD).locator("visible=true")).to_have_count(0)
    for said in (
        "Committed: \N{LEFT DOUBLE QUOTATION MARK}B\N{RIGHT DOUBLE QUOTATION MARK} with 70 %",
        "You answered \N{LEFT DOUBLE QUOTATION MARK}no\N{RIGHT DOUBLE QUOTATION MARK}",
        "Your verdict: bounded.",
    ):
        expect(page.get_by_text(said)).to_be_visible()
    expect(page.locator(".ctl-kept img >> visible=true")).to_have_count(2)
    to_do = page.get_by_text("Run this cell (Shift+Enter) to use it.")
    expect(to_do.locator("visible=true")).to_have_count(len(CELLS))
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"next-day-{name}.png")


@pytest.mark.parametrize("kernel", [False, True], ids=["no-kernel", "another-kernel"])
def test_in_jupyterlab(browser: Browser, server: str, saved: Path, kernel: bool) -> None:
    look_at_it_in_jupyterlab(browser, server, saved, f"lab-{kernel}", kernel=kernel)


def look_at_it_in_jupyterlab(
    browser: Browser, server: str, saved: Path, name: str, *, kernel: bool
) -> None:
    page = opened(browser, f"{server}/lab/tree/{saved.name}", kernel=kernel)
    for theme in THEMES:
        change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
        page.evaluate(change, theme)
        assert_nothing_is_lost(page, f"{name}-{theme.split()[-1].lower()}")
    page.context.close()


@pytest.mark.skipif(not OLDER, reason="COURSE_LABS names no older JupyterLabs: labs.py makes them")
@pytest.mark.parametrize("python", OLDER)
def test_in_an_older_jupyterlab(browser: Browser, saved: Path, tmp_path: Path, python: str) -> None:
    ask = [python, "-c", "import jupyterlab; print(jupyterlab.__version__)"]
    version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    with serving(python, "jupyterlab", saved.parent, tmp_path) as server:
        with urllib.request.urlopen(f"{server}/lab?token={TOKEN}", timeout=60) as answer:
            assert f'"appVersion": "{version}"' in answer.read().decode()
        look_at_it_in_jupyterlab(browser, server, saved, f"lab-{version}", kernel=False)


@pytest.mark.skipif(not NOTEBOOK, reason="COURSE_NOTEBOOK names no Python with Notebook 7")
@pytest.mark.parametrize("theme", THEMES)
def test_in_notebook_7(browser: Browser, saved: Path, tmp_path: Path, theme: str) -> None:
    settings = tmp_path / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text(f'{{"theme": "{theme}"}}')
    with serving(NOTEBOOK, "notebook", saved.parent, tmp_path) as address:
        page = opened(browser, f"{address}/notebooks/{saved.name}", kernel=False)
        light = str("Light" in theme).lower()
        body = page.locator(f"body[data-jp-theme-light='{light}']")
        expect(body).to_be_attached(timeout=PATIENCE)
        assert_nothing_is_lost(page, f"notebook-{theme.split()[-1].lower()}")
        page.context.close()
