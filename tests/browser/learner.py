"""What a learner sees on a lesson's page in JupyterLab, and what a learner does there."""

import ast
import re
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, Request, expect

from helpers.authoring.execute import COVER

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / ".artefacts" / "browser"  # ignored by git; what CI keeps
PATIENCE, PATIENCE_WITH_A_LESSON = 180_000, 600_000  # milliseconds: busy is no failure
OURS = re.compile(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:")
CONTROLS = ("button", "checkbox", "combobox", "radio", "slider", "textbox")

ERROR = "[data-mime-type='application/vnd.jupyter.error']"
ALL_DONE = """error => document.querySelector(error) || window.jupyterapp.shell.currentWidget
    .content.widgets
    .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().trim())
    .every(cell => cell.model.executionCount && cell.model.executionState === 'idle')"""

# Texts in the outputs whose contrast with what is behind them is below the 4.5 of WCAG AA.
FAINT = """outputs => {
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => channels(colour).slice(0, 3).map(value => value / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = element => {
        const colour = getComputedStyle(element).backgroundColor;
        const seen = (channels(colour)[3] ?? 1) > 0.5;
        return seen || !element.parentElement ? colour : behind(element.parentElement);
    };
    const faint = new Set();
    for (const element of outputs.flatMap(output => [...output.querySelectorAll('*')])) {
        const text = [...element.childNodes].filter(node => node.nodeType === 3)
            .map(node => node.data.trim()).join(' ').trim();
        if (!text || !element.checkVisibility({opacityProperty: true})) continue;
        if (element.closest(':disabled, style, option, mjx-container')) continue;
        const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) faint.add(`${contrast.toFixed(1)}: ${text.slice(0, 60)}`);
    }
    return [...faint];
}"""


class Watch:
    """What a page has asked of other machines, and what its console says, from now on."""

    def __init__(self, page: Page) -> None:
        self.strangers: list[str] = []  # requests that left the machine
        self.complaints: list[str] = []  # errors in the browser's console
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.complaints.append(error.stack or str(error)))
        page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))

    def _note(self, request: Request) -> None:
        if not OURS.match(request.url):
            self.strangers.append(request.url)


class Lab:
    """One notebook open in JupyterLab. `path` is the copy of it that is open."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page, self.path = page, path
        self.notebook = nbformat.read(path, as_version=4)
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.outputs = self.panel.locator(".jp-OutputArea-output")
        self._has_run = False

    def open(self) -> None:
        """Open the notebook in the page's JupyterLab, and wait for its kernel."""
        self._command("docmanager:open", path=self.path.name)
        expect(self.panel.locator(".jp-Cell").first).to_be_visible(timeout=PATIENCE)
        self.wait_until_idle()

    def close(self) -> None:
        """Close it unsaved, and end its kernel, whose memory the next one needs."""
        self.page.evaluate("window.jupyterapp.shell.currentWidget.dispose()")
        self.page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")

    def _command(self, name: str, **arguments: str) -> None:
        run = "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)"
        self.page.evaluate(run, [name, arguments])

    # ---- cells

    def tagged(self, tag: str) -> list[Locator]:
        """The cells with `tag`, in order."""
        cells = enumerate(self.notebook.cells)
        return [self._nth(i) for i, cell in cells if tag in cell.metadata.get("tags", [])]

    def cell(self, source: str) -> Locator:
        """The code cell whose source holds `source`; hidden sources are found too."""
        return self._nth(self._find(source))

    def _nth(self, number: int) -> Locator:
        return self.panel.locator(".jp-Cell").nth(number)

    def _find(self, source: str) -> int:
        cells = enumerate(self.notebook.cells)
        found = [i for i, cell in cells if cell.cell_type == "code" and source in cell.source]
        assert len(found) == 1, f"{len(found)} cells of {self.path.name} hold {source!r}"
        return found[0]

    def quiz(self, key: str) -> tuple[Locator, dict[str, str], str]:
        """The cell of a quiz, its options with their reasons, and the right one of them."""
        number = self._find(f'"{key}"')
        calls = ast.walk(ast.parse(self.notebook.cells[number].source))
        call = next(c for c in calls if isinstance(c, ast.Call) and len(c.args) == 3)
        answer = next(word.value for word in call.keywords if word.arg == "answer")
        return self._nth(number), ast.literal_eval(call.args[2]), ast.literal_eval(answer)

    # ---- what a learner does

    def wait_until_idle(self) -> None:
        idle = self.page.locator("#jp-main-statusbar").get_by_text(re.compile(r"\| Idle"))
        expect(idle).to_be_visible(timeout=PATIENCE)

    def menu(self, *entries: str) -> None:
        for entry in entries:
            self.page.get_by_role("menuitem", name=entry, exact=True).click()

    def run(self, cell: Locator) -> None:
        """Run one cell with the keyboard and stay on it."""
        cell.locator(".jp-InputPrompt:visible").first.click()  # there where code is folded, too
        self.page.keyboard.press("Control+Enter")

    def run_all(self) -> None:
        """Clear the outputs and run every cell, once a page; wait until all have run, or one fails.

        An error ends it, in JupyterLab as here: `errors` tells.
        """
        if self._has_run:
            return
        self._has_run = True
        self.menu("Edit", "Clear Outputs of All Cells")  # else the old numbers look like new ones
        self.menu("Run", "Run All Cells")
        # Asked at every frame, as is usual, it would take half a core from the kernel.
        self.page.wait_for_function(
            ALL_DONE, arg=ERROR, polling=500, timeout=PATIENCE_WITH_A_LESSON
        )
        self.wait_until_idle()

    def tab_to(self, target: Locator) -> None:
        """Press Tab, as often as it takes within a form, until `target` has the focus."""
        for _ in range(20):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError("Tab does not get there")

    def press(self, keys: str, target: Locator) -> None:
        """Go to `target` with Tab and press `keys` there."""
        self.tab_to(target)
        self.page.keyboard.press(keys)

    def theme(self, name: str) -> None:
        self._command("apputils:change-theme", theme=name)
        light = str("Light" in name).lower()
        body = self.page.locator(f"body[data-jp-theme-light='{light}']")
        expect(body).to_be_attached(timeout=PATIENCE)
        # JupyterLab takes its curtain away .2 s later, and stumbles over a change before that.
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=PATIENCE)

    # ---- what a learner sees

    def given_away(self) -> list[str]:
        """What shows of the answers that are still folded, besides the invitation to run."""
        shown = []
        for cell in self.tagged("reveal"):
            folded = cell.locator(".jp-OutputPlaceholder, .jp-OutputArea-output, img")
            shown += [text.strip() for text in folded.all_inner_texts()]
        return [text for text in shown if text != COVER.strip()]

    def errors(self) -> list[str]:
        """Texts of error outputs, and of widgets that could not do what they should."""
        return self.panel.locator(f"{ERROR}, .jp-OutputArea [role=alert]").all_inner_texts()

    def stored_images(self) -> int:
        """How many pictures the page held as it was shipped; explorers draw theirs when run."""
        outputs = [out for cell in self.notebook.cells for out in cell.get("outputs", [])]
        return sum(out.get("data", {}).get("text/html", "").count("<img ") for out in outputs)

    def images_without_alt(self) -> list[str]:
        bare = "all => all.filter(i => !i.alt.trim()).map(i => i.outerHTML.slice(0, 80))"
        return self.panel.locator("img").evaluate_all(bare)

    def cut_labels(self) -> list[str]:
        """Labels of controls that do not fit into their place: they end in dots."""
        cut = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
        return self.outputs.locator(".widget-label").evaluate_all(cut)

    def nameless_controls(self) -> dict[str, int]:
        """How many controls in the outputs have no name that a screen reader could say."""
        counts = {}
        for role in CONTROLS:
            named = self.outputs.get_by_role(role, name=re.compile(r"\S"))
            counts[role] = self.outputs.get_by_role(role).count() - named.count()
        return {role: count for role, count in counts.items() if count}

    def faint_texts(self) -> list[str]:
        return self.outputs.evaluate_all(FAINT)

    def widths(self, what: str) -> list[float]:
        """The widths in pixels of all `what` in the notebook that can be seen."""
        find = "all => all.map(e => e.getBoundingClientRect().width).filter(w => w > 0)"
        return self.panel.locator(what).evaluate_all(find)

    def sticking_out(self) -> int:
        """By how many pixels the notebook is wider than its window."""
        return self.panel.locator(".jp-WindowedPanel-outer").first.evaluate(
            "panel => panel.scrollWidth - panel.clientWidth"
        )

    def shot(self, what: str, target: Locator | None = None) -> None:
        """A picture for people, of `target` or of what the window shows."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        where = target or self.page
        where.screenshot(path=SHOTS / f"{self.path.stem}-{what}.png")
