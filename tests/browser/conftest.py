"""A real JupyterLab on loopback and a real Chromium, for the tests in this folder.

The notebooks are copied to a temporary folder, so what a learner would change here changes nothing
in the checkout. A Chromium that is installed is used; without one Playwright's own is fetched the
ordinary way; where that fails too, the tests do not run and say so, and with
COURSE_BROWSER=required (as in .ci/run) they fail.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Error, Locator, Page, expect, sync_playwright

from helpers.cli import lab_environment
from helpers.doctor import BROWSERS

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / ".artefacts" / "browser"  # ignored by git; what CI keeps
TOKEN = "browser-test"
START_SECONDS, CELL_SECONDS = 120, 180  # generous: a busy machine is no failure
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in Path(str(item.fspath)).parts:
            item.add_marker(pytest.mark.browser)


class Lab:
    """One notebook open in JupyterLab: what a learner sees, and what a learner does."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name
        self.strangers: list[str] = []  # requests that left the machine
        page.on("request", self._note)
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def _note(self, request: object) -> None:
        url = request.url  # type: ignore[attr-defined]
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:", url):
            self.strangers.append(url)

    def wait_until_idle(self) -> None:
        idle = self.page.locator("#jp-main-statusbar").get_by_text(re.compile(r"\| Idle"))
        expect(idle).to_be_visible(timeout=CELL_SECONDS * 1000)

    def menu(self, menu: str, entry: str) -> None:
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=entry, exact=True).click()

    def run_all(self) -> None:
        """Run every cell and wait until none is left waiting or running."""
        self.wait_until_idle()
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function(
            """() => {
                const panel = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
                const prompts = [...panel.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
                    .map(prompt => prompt.textContent.trim()).filter(text => text);
                return prompts.length > 5 && prompts.some(text => /\\d/.test(text))
                    && prompts.every(text => /^\\[\\d+\\]/.test(text));
            }""",
            timeout=CELL_SECONDS * 1000,
        )
        self.wait_until_idle()

    def errors(self) -> list[str]:
        """Texts of error outputs on the page."""
        selector = "[data-mime-type='application/vnd.jupyter.error']"
        return self.panel.locator(selector).all_inner_texts()

    def cell(self, source: str) -> Locator:
        """The code cell whose source holds `source`; hidden sources are found too."""
        numbers = [
            number
            for number, cell in enumerate(self.notebook().cells)
            if cell.cell_type == "code" and source in cell.source
        ]
        assert len(numbers) == 1, f"{len(numbers)} cells of {self.name} hold {source!r}"
        return self.panel.locator(".jp-Cell").nth(numbers[0])

    def notebook(self) -> nbformat.NotebookNode:
        return nbformat.read(ROOT / "notebooks" / self.name, as_version=4)

    def shot(self, what: str, target: Locator | None = None) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{Path(self.name).stem}-{what}.png"
        if target is None:
            self.page.screenshot(path=path)
        else:
            target.scroll_into_view_if_needed()
            target.screenshot(path=path)


@pytest.fixture(scope="session")
def lab_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the notebooks, as shipped in shipped/, without outputs in fresh/."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", root / "shipped")
    (root / "fresh").mkdir()
    for source in (ROOT / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(source, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, root / "fresh" / source.name)
    return root


@pytest.fixture(scope="session")
def server(lab_root: Path) -> Iterator[str]:
    """The address of a JupyterLab with this repository's settings and nobody's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = lab_root / "home"
    home.mkdir()
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
           "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "HOME")  # fmt: skip
    environment = {**os.environ, **{name: str(home / name.lower()) for name in own}}
    environment["COURSE_PROGRESS"] = str(home / "progress.json")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1",
               f"--port={port}", "--ServerApp.port_retries=0",
               f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={lab_root}",
               "--allow-root"]  # fmt: skip
    log = lab_root / "jupyterlab.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            env=lab_environment(environment),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api/status?token={TOKEN}", process, log)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text('utf-8')[-3000:]}")


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
            sys.stderr.write(f"\n{'!' * 79}\n{message}\n{'!' * 79}\n")
            pytest.skip(message)
        yield chromium
        chromium.close()


@pytest.fixture
def open_notebook(browser: Browser, server: str) -> Iterator[object]:
    """open_notebook("02-fit-sample-repeat.ipynb", folder="fresh", dark=False) -> Lab."""
    contexts = []

    def open_one(name: str, folder: str = "fresh", dark: bool = False) -> Lab:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        contexts.append(context)
        lab = Lab(context.new_page(), name)
        workspace = f"{Path(name).stem}-{folder}-{dark}"
        lab.page.goto(
            f"{server}/lab/workspaces/{workspace}/tree/{folder}/{name}?token={TOKEN}",
            timeout=START_SECONDS * 1000,
        )
        expect(lab.panel.locator(".jp-Cell").first).to_be_visible(timeout=START_SECONDS * 1000)
        lab.wait_until_idle()
        if dark:
            lab.page.get_by_role("menuitem", name="Settings", exact=True).click()
            lab.page.get_by_role("menuitem", name="Theme", exact=True).hover()
            lab.page.get_by_role("menuitem", name="JupyterLab Dark", exact=True).click()
            expect(lab.page.locator("body[data-jp-theme-light='false']")).to_be_attached()
        return lab

    yield open_one
    for context in contexts:
        context.close()
