"""Slides of every lesson in a browser: nothing sticks out, nothing is asked of another host."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from learner import ROOT, SHOTS
from playwright.sync_api import Browser, Page

from helpers.book.slides import HEIGHT, WIDTH, write_slides

LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb"))
# Goes through all slides as a speaker does; what sticks out of its slide, and how many there are.
WALK = """async () => {
    const out = [];
    let count = 0;
    for (;;) {
        const slide = Reveal.getCurrentSlide(), {h, v} = Reveal.getIndices();
        for (const image of slide.querySelectorAll('img'))
            if (!image.complete) await new Promise(there => image.addEventListener('load', there));
        await new Promise(then => setTimeout(then));  // layout alone: to paint each takes minutes
        const room = slide.getBoundingClientRect(), body = slide.querySelector('.body');
        const low = body.getBoundingClientRect().bottom - room.bottom;
        const wide = body.scrollWidth - body.clientWidth;
        if (low > -20 || wide > 1) out.push([h, v, Math.round(low), wide, body.style.fontSize]);
        count += 1;
        if (Reveal.isLastSlide()) return {out, count};
        Reveal.next();
    }
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    write_slides(
        ((path.stem, path.stem, nbformat.read(path, as_version=4)) for path in LESSONS), folder
    )
    return folder


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of the size of a slide; at the end nothing has left the machine or complained."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    wrong: list[str] = []
    page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda a: a.url.startswith(("file:", "data:")) or wrong.append(a.url))
    page.on("requestfailed", lambda asked: wrong.append(f"not there: {asked.url}"))
    yield page
    page.close()
    assert wrong == []


@pytest.mark.parametrize("stem", [path.stem for path in LESSONS])
def test_nothing_sticks_out_of_a_slide(page: Page, folder: Path, stem: str) -> None:
    opened(page, folder, stem)
    walked = page.evaluate(WALK)
    assert walked["out"] == []
    assert walked["count"] > 20


def test_what_unfolds_stays_on_its_slide(page: Page, folder: Path) -> None:
    """Code lies over the slide and scrolls; a reason makes room for itself."""
    opened(page, folder, "02-fit-sample-repeat")
    for selector in (".code", ".ctl-quiz details"):
        page.evaluate(
            "selector => { const slide = document.querySelector(selector).closest('section');"
            " const {h, v} = Reveal.getIndices(slide); Reveal.slide(h, v); }",
            selector,
        )
        fold = page.locator(f"section.present {selector}").last
        fold.locator("summary").click()
        inside = fold.locator("pre, p").last
        inside.wait_for()
        box = inside.bounding_box()
        assert box
        assert 0 <= box["x"] <= box["x"] + box["width"] <= WIDTH
        assert 0 <= box["y"] <= box["y"] + box["height"] <= HEIGHT
        found = Axe().run(page, "main", {"preload": False}).response["violations"]
        serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
        assert serious == []
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "slide.png")


def opened(page: Page, folder: Path, stem: str) -> None:
    page.goto((folder / f"{stem}.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
