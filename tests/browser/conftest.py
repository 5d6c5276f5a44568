"""A real JupyterLab on loopback and a real Chromium, for the tests in this folder.

The notebooks are copied to a temporary folder, so what a learner would change here changes nothing
in the checkout. A Chromium that is installed is used; without one Playwright's own is fetched the
ordinary way; where that fails too, the tests do not run, the end of the report says so
loudly (../../conftest.py), and with COURSE_BROWSER=required (as in .ci/run) they fail.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from learner import PATIENCE, ROOT, Lab, Watch
from playwright.sync_api import Browser, Error, Page, sync_playwright
from servers import TOKEN, serving

from helpers.course.doctor import BROWSERS

BUSY = """import pathlib, time
end = time.monotonic() + 120
while pathlib.Path({flag!r}).exists() and time.monotonic() < end:
    time.sleep(0.05)"""
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in Path(str(item.fspath)).parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def lab_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with copies of the notebooks, each with one cell more that takes its time."""
    root = tmp_path_factory.mktemp("lab")
    for source in (ROOT / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(source, as_version=4)
        slow = nbformat.v4.new_code_cell(BUSY.format(flag=str(root / "busy")))
        notebook.cells.append(slow)
        nbformat.write(notebook, root / source.name)
    return root


@pytest.fixture(scope="session")
def server(lab_root: Path) -> Iterator[str]:
    """The address of a JupyterLab with this repository's settings and nobody's own."""
    with serving(sys.executable, "jupyterlab", lab_root, lab_root / "home") as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        installed = next((path for name in BROWSERS if (path := shutil.which(name))), None)
        try:
            if installed is None:
                fetch = [sys.executable, "-m", "playwright", "install", "chromium"]
                subprocess.run(fetch, check=True, capture_output=True, timeout=600)
            chromium = playwright.chromium.launch(executable_path=installed, args=list(QUIET))
        except (Error, OSError, subprocess.SubprocessError) as problem:
            message = f"NO BROWSER: the browser tests did not run ({str(problem)[:300]})"
            if os.environ.get("COURSE_BROWSER") == "required":
                pytest.fail(message)
            pytest.skip(message)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def jupyterlab(browser: Browser, server: str) -> Iterator[tuple[Page, Watch]]:
    """One for all lessons: starting JupyterLab costs more than opening a notebook in it.

    It is watched from before its first request.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)  # of clicks, too: Playwright's own is 30 s
    page = context.new_page()
    watch = Watch(page)
    page.goto(f"{server}/lab?token={TOKEN}", timeout=PATIENCE)
    page.wait_for_function("window.jupyterapp?.shell.currentWidget", timeout=PATIENCE)
    yield page, watch
    context.close()


@pytest.fixture(scope="session")
def lab(
    request: pytest.FixtureRequest, jupyterlab: tuple[Page, Watch], lab_root: Path
) -> Iterator[Lab]:
    """The notebook that the test names, as shipped: opened once for all tests that name it."""
    lab = Lab(jupyterlab[0], lab_root / f"{request.param}.ipynb")
    lab.open()
    yield lab
    lab.close()


@pytest.fixture(autouse=True)
def nothing_leaves_and_nothing_complains(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test: no request has left the machine, the browser's console has no error.

    What the closing of a lesson leaves counts against the next one, the start against the first.
    """
    yield
    if "lab" not in request.fixturenames:
        return
    _, watch = request.getfixturevalue("jupyterlab")
    found = [*watch.strangers], [*watch.complaints]
    watch.strangers.clear()
    watch.complaints.clear()
    assert found == ([], [])
