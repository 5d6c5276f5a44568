"""The book: what its pages hold, and what a browser makes of them. It is built once for all."""

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup
from everybody import COMMITTED, barriers, unfolded
from learner import ROOT
from playwright.sync_api import Browser, Page

from helpers.authoring.course import Course
from helpers.book.build import MARK, book
from helpers.book.cells import Pictures, predictions, quizzes, readable
from helpers.book.frames import SHOWN
from helpers.book.pages import Links, Place, front_page, how_to_run, published
from helpers.book.site import mathml
from helpers.course.badge import badges

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS = [path.stem for path in NOTEBOOKS if path.stem[:2].isdigit()]
SEEN = (
    *("index", "00-start-here", "02-fit-sample-repeat", "05-language-that-forgets", "scorecard"),
    "instructors/02-fit-sample-repeat",
)
WIDTHS = (390, 800, 1280)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a book, just made."""
    return book(Course.at(ROOT), tmp_path_factory.mktemp("book") / "book").parent


@pytest.fixture(scope="module")
def read(pages: Path) -> Callable[[str], BeautifulSoup]:
    kept: dict[str, BeautifulSoup] = {}

    def parsed(name: str) -> BeautifulSoup:
        if name not in kept:
            kept[name] = BeautifulSoup((pages / name).read_text("utf-8"), "html.parser")
        return kept[name]

    return parsed


def cells(stem: str, tag: str) -> list[str]:
    notebook = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4)
    return [cell.source for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


# ---------------------------------------------------------------------- what the pages hold


def test_every_page_of_the_course_is_there(pages: Path) -> None:
    wanted = {f"{path.stem}.html" for path in NOTEBOOKS} | {"index.html", "times.html"}
    wanted |= {"search.html", "instructors/dice-card.html"}
    teaching = (ROOT / "lessons" / "instructors").glob("*.md")
    wanted |= {f"instructors/{path.stem}.html" for path in teaching}
    assert not {name for name in wanted if not (pages / name).is_file()}


def test_no_page_asks_another_host_for_anything(pages: Path) -> None:
    """Links to papers are for the reader to follow; nothing is loaded by itself."""
    loads = re.compile(
        r"""<(?:script|img|iframe|source|video|audio|object|embed)\b[^>]*?(?:src|data)=["']?(?:https?:)?//"""
        r"""|<link\b(?![^>]*rel=["'](?:canonical|search))[^>]*?href=["']?(?:https?:)?//"""
        r"""|(?:@import\s+|url\()\s*["']?(?:https?:)?//"""
    )
    files = [path for path in pages.rglob("*") if path.suffix in (".html", ".css")]
    assert len(files) > 40
    for path in files:
        found = loads.search(path.read_text("utf-8"))
        assert not found, f"{path.name}: {found and found[0]}"


def test_every_link_leads_somewhere(pages: Path) -> None:
    """To a file of the book, and to a place on it that is there."""
    texts = {path: path.read_text("utf-8") for path in sorted(pages.rglob("*.html"))}
    places = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in texts.items()}
    led = 0
    for path, text in texts.items():
        for link in set(re.findall(r'<a\b[^>]*?\bhref="([^"]+)"', text)):
            target, _, part = unescape(link).partition("#")
            if re.match(r"[a-z]+:", target):
                assert target.startswith("https://"), target
                continue
            there = (path.parent / unquote(target)).resolve() if target else path
            assert there.is_file(), f"{path.name}: {link}"
            if part:
                assert unquote(part) in places[there], f"{path.name}: {link}"
            led += 1
    assert led > 1000


@pytest.mark.parametrize("stem", LESSONS)
def test_answers_fold(stem: str, read: Callable[[str], BeautifulSoup]) -> None:
    """Solutions, reasons of a quiz, and what a cell tagged reveal shows; none of it stands open."""
    page = read(f"{stem}.html")
    assert not page.select("article details[open]")
    code = [fold.get_text() for fold in page.select("article details .cell_input")]
    for source in cells(stem, "solution"):
        assert any(source.strip() in text for text in code), source
    assert len(page.select(".ctl-answer")) >= len(cells(stem, "reveal"))
    for quiz in page.select(".ctl-quiz"):
        options = quiz.find_all("details")
        assert len(options) >= 2
        assert len({fold["name"] for fold in options}) == 1, "one unfolds, and the last one folds"
        verdicts = [fold.p.strong.get_text() for fold in options]
        assert verdicts.count("Right.") == 1
        assert all(len(fold.summary.get_text()) > 0 for fold in options)


@pytest.mark.parametrize("stem", LESSONS)
def test_every_question_of_a_lesson_is_a_form(
    stem: str, read: Callable[[str], BeautifulSoup]
) -> None:
    page = read(f"{stem}.html")
    for tag, form in (("quiz", ".ctl-quiz"), ("predict", ".ctl-predict")):
        asked = cells(stem, tag)
        assert len(page.select(form)) >= len(asked), tag
    assert "ctl-kept" not in str(page)
    assert "Run this cell" not in page.article.get_text()
    assert 'find_spec("helpers")' not in page.article.get_text(), "for whoever runs it"


@pytest.mark.parametrize("stem", LESSONS)
def test_an_answer_waits_for_the_predictions_that_its_cell_resolves(
    stem: str, read: Callable[[str], BeautifulSoup]
) -> None:
    page = read(f"{stem}.html")
    asked = {form["data-key"] for form in page.select(".ctl-predict:not([data-forecast])")}
    waited = {key for fold in page.select("[data-needs]") for key in fold["data-needs"].split()}
    assert waited == asked


@pytest.mark.parametrize("stem", LESSONS)
def test_pictures_are_told_in_words(
    stem: str, pages: Path, read: Callable[[str], BeautifulSoup]
) -> None:
    images = read(f"{stem}.html").select("article img")
    assert images
    for image in images:
        assert str(image["alt"]).strip()
        assert (pages / str(image["src"])).is_file()
    told = "The numbers in this figure"
    stored = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4)
    shown = [out for cell in stored.cells for out in cell.get("outputs", []) if "data" in out]
    pages_of = [out.data.get("text/html", "") for out in shown]
    tables = sum(text.count(told) for text in pages_of if "ctl-kept" not in text)
    assert read(f"{stem}.html").article.get_text().count(told) == tables


def test_sliders_have_a_picture_for_each_stop(
    pages: Path, read: Callable[[str], BeautifulSoup]
) -> None:
    moved = 0
    for stem in LESSONS:
        for box in read(f"{stem}.html").select(".ctl-explorer"):
            frames = json.loads(box.find("script").string)
            stops = [len(menu.find_all("option")) for menu in box.find_all("select")]
            stops += [int(one["max"]) + 1 for one in box.find_all("input")]
            assert len(frames) == stops[0] * (stops[1] if len(stops) > 1 else 1)
            assert len({source for source, _, _ in frames}) > len(frames) // 2
            assert all(alt.strip() and (pages / source).is_file() for source, alt, _ in frames)
            moved += 1
    assert moved == len(SHOWN)


def test_first_pages_are_light(pages: Path, read: Callable[[str], BeautifulSoup]) -> None:
    for name in ("index.html", f"{LESSONS[0]}.html"):
        sources = {str(image["src"]) for image in read(name).select("img")}
        weight = sum((pages / file).stat().st_size for file in (name, *sources))
        assert weight < 1_000_000, name


def test_the_script_loads_where_there_is_a_form(read: Callable[[str], BeautifulSoup]) -> None:
    for stem in ("02-fit-sample-repeat", "glossary", "notation", "scorecard", "index"):
        page = read(f"{stem}.html")
        scripts = [tag for tag in page.find_all("script", src=True) if "book.js" in tag["src"]]
        assert len(scripts) == bool(page.select(".ctl-predict, .ctl-answer, .ctl-explorer")), stem


# ---------------------------------------------------------------------- without a book


def test_there_is_no_launch_link_until_a_place_is_named(tmp_path: Path) -> None:
    """The place that `course badge` writes; it is typed once."""
    course = Course.at(ROOT)
    assert published(tmp_path) is None
    (tmp_path / "README.md").write_text("on [mybinder.org](https://mybinder.org)", "utf-8")
    assert published(tmp_path) is None
    (tmp_path / "README.md").write_text(badges("ada/the-loop", "v1.0"), "utf-8")
    assert published(tmp_path) == Place("ada/the-loop", "v1.0")
    assert "http" not in how_to_run("02-fit-sample-repeat", None)
    said = how_to_run("02-fit-sample-repeat", Place("ada/loop", "v1.0"))
    assert "https://mybinder.org/v2/gh/ada/loop/v1.0?urlpath=lab%2Ftree%2Fmy%2F02-fit" in said
    assert "binder" not in front_page(course, {}, [], None).lower()
    assert "binder" in front_page(course, {}, [], Place("ada/loop", "v1")).lower()


def test_a_folder_that_is_no_book_is_never_replaced(pages: Path, tmp_path: Path) -> None:
    assert (pages / MARK).is_file(), "else no book could take the place of the one before"
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "mine.txt").write_text("years of work", "utf-8")
    (tmp_path / "site" / MARK).parent.mkdir(parents=True)
    (tmp_path / "site" / MARK).write_text("", "utf-8")
    (tmp_path / "site" / ".git").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for out in ("work", "work/mine.txt", "site"):
        with pytest.raises(ValueError, match=r"--out must be new, empty or a book made before"):
            book(Course.at(ROOT), tmp_path / out)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_to_nothing_is_refused_and_code_is_left_alone() -> None:
    links = Links(ROOT)
    with pytest.raises(ValueError, match=r"leads nowhere: \.\./helpers/no_such\.py"):
        links.follow("[a](../helpers/no_such.py)", "notebooks")
    with pytest.raises(ValueError, match="no page for this link"):
        links.follow("[a](../README.md)", "notebooks")
    text = '```python\nnames["f"](*args)\n```\n`a[b](c)`'
    assert links.follow(text, "notebooks") == text
    assert links.follow("[a](../helpers/loop.py)", "notebooks") == "[a](code/helpers-loop.md)"


def test_an_answer_without_a_name_goes_on_with_those_before_it(tmp_path: Path) -> None:
    """And with no prediction above it in its section it waits for none."""
    code, words = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    shown = [nbformat.v4.new_output("stream", text="Run this cell to see it.\n7\n")]
    tagged = {"tags": ["reveal"]}
    ask = "one = predict('02-one', 'How many?', low=0)\ntwo = predict('02-two', 'And?', low=0)"
    notebook = nbformat.v4.new_notebook(
        cells=[
            words("# A"),
            code(ask, metadata={"tags": ["predict"]}),
            code("two.resolve(7)", metadata=tagged, outputs=shown),
            code("print(7)", metadata=tagged, outputs=shown),
            words("<details><summary>In words</summary>\n\nSeven.\n\n</details>"),
            words("## B"),
            code("print(7)", metadata=tagged, outputs=shown),
            code("one.resolve(7)", metadata=tagged, outputs=shown),
        ]
    )
    made = readable(notebook, Pictures(tmp_path), link=str, explorer=lambda cell: "").cells
    for cell in (made[2], made[3]):
        text = cell.outputs[0].data["text/html"]
        assert 'data-needs="02-two"' in text
        assert "Run this cell" not in text
    assert made[4].source.startswith('<details class="ctl ctl-answer" data-needs="02-two">')
    assert "data-needs" not in made[6].outputs[0].data["text/html"]
    assert 'data-needs="02-one"' in made[7].outputs[0].data["text/html"], (
        "asked in a section before"
    )
    assert "book.js" in made[-1].source


# ---------------------------------------------------------------------- in a browser


@pytest.fixture
def tab(browser: Browser, pages: Path) -> Iterator[Callable[..., Page]]:
    """Opens pages of the book; at the end nothing has left the machine or complained."""
    wrong: list[str] = []
    contexts = []

    def opened(name: str, width: int = 1280, theme: str = "light", before: str = "") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        context.add_init_script(before)
        page = context.new_page()
        page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda asked: asked.url.startswith(("file:", "data:")) or wrong.append(asked.url),
        )
        page.on("requestfailed", lambda asked: wrong.append(f"not there: {asked.url}"))
        page.goto((pages / f"{name}.html").as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize("name", SEEN)
def test_no_page_is_wider_than_its_screen(name: str, tab: Callable[..., Page]) -> None:
    page = tab(name)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} wide on {width}"


def test_everybody_can_read_every_page(pages: Path, tab: Callable[..., Page]) -> None:
    """Axe finds nothing serious in either theme, with every fold open, in the sidebar neither."""
    page = tab("index", before=COMMITTED)
    found: dict[str, list[str]] = {}
    seen: dict[str, set[str]] = {}
    for path in sorted(pages.rglob("*.html")):
        page.goto(path.as_uri())
        unfolded(page)
        assert not page.locator("details:not([open])").count(), path
        found[str(path.relative_to(pages))] = barriers(page, seen)
    assert len(found) > 50
    assert not {name: lines for name, lines in found.items() if lines}
    assert min(len(seen[theme]) for theme in ("light", "dark")) > 30


def test_what_keeps_somebody_out_is_found(tab: Callable[..., Page]) -> None:
    """In a fold too, in one theme alone, and what is alike on two pages once."""
    page = tab("search", before=COMMITTED)
    seen: dict[str, set[str]] = {}
    said = """<html lang="en"><title>A page</title><main><h1>A page</h1>
        <style>body { color: #000; background: #fff; }
        @media (prefers-color-scheme: dark) { i { color: #eee; } }</style>
        <details><summary>More</summary><i>Pale</i> and <i>pale</i></details>{}</main>"""
    for more, rules in (  # with its theme, where the theme matters
        ("", [["dark", "color-contrast"]]),
        ("<p><i>The same</i></p>", []),
        ("<p><img src='data:,'></p>", [["image-alt"]]),
        (
            "<p>With <a href='#' style='color: #00f; text-decoration: none'>a link</a> in it.</p>",
            [["light", "link-in-text-block"], ["dark", "link-in-text-block"]],
        ),
    ):
        page.set_content(said.replace("{}", more))
        unfolded(page)
        found = [line.split(": <")[0].split(": ") for line in barriers(page, seen)]
        assert found == rules


def test_an_answer_unfolds_when_its_prediction_is_committed(tab: Callable[..., Page]) -> None:
    page = tab("02-fit-sample-repeat", WIDTHS[0])
    answer = page.locator(".ctl-answer[data-needs]").first
    answer.locator("summary").first.click()
    page.get_by_text("Commit your prediction first").first.wait_for()
    assert not answer.locator("img").is_visible()

    choice, interval = page.locator(".ctl-predict").all()[:2]
    choice.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    choice.get_by_role("button", name="Commit").press("Enter")
    choice.get_by_text("Committed: “about 1” with 70 % confidence").wait_for()
    for ends, said in ((("3", "2"), "must be below"), (("0.5", "2"), "Committed: 0.5 to 2")):
        for label, number in zip(("from", "to"), ends, strict=True):
            interval.get_by_label(label).fill(number)
        interval.get_by_role("button", name="Commit").click()
        interval.get_by_text(said).wait_for()

    page.reload()  # it is kept
    answer.locator("summary").first.click()
    answer.locator("img").wait_for()
    page.get_by_text("You said: “about 1”").first.wait_for()
    assert choice.get_by_role("button", name="Commit").is_disabled()


def test_an_answer_unfolds_in_a_browser_that_keeps_nothing(tab: Callable[..., Page]) -> None:
    full = "Storage.prototype.setItem = () => { throw new DOMException('full') }"
    page = tab("02-fit-sample-repeat", before=full)
    for form in page.locator(".ctl-predict").all()[:2]:
        for choice in form.get_by_role("radio").all()[:1]:
            choice.check()
        for number, field in enumerate(form.get_by_role("spinbutton").all()):
            field.fill(str(number))
        form.get_by_role("button", name="Commit").click()
        form.get_by_text("Committed: ").wait_for()
    answer = page.locator(".ctl-answer[data-needs]").first
    answer.locator("summary").first.click()
    page.get_by_text("You said: “about 1”").first.wait_for()
    assert answer.locator("img").is_visible()


def test_a_form_says_what_can_be_committed_and_until_when(tab: Callable[..., Page]) -> None:
    """Half a colour is refused, as in a notebook; a forecast has no answer that could end it."""
    count = tab("00-start-here").locator(".ctl-predict:has([name=from])").first
    for label, number in (("from", "2"), ("to", "2.5")):
        count.get_by_label(label).fill(number)
    count.get_by_role("button", name="Commit").click()
    assert not count.get_by_text("Committed").count()
    count.get_by_label("to").fill("2")
    count.get_by_role("button", name="Commit").click()
    count.get_by_text("Committed: 2 to 2").wait_for()
    count.get_by_text("until its answer is shown").wait_for()

    forecast = tab("01-the-data-squeeze").locator(".ctl-predict[data-forecast]")
    for label, number in (("from", "2.5"), ("to", "60")):
        forecast.get_by_label(label).fill(number)
    forecast.get_by_role("button", name="Commit").click()
    forecast.get_by_text("Committed: 2.5 to 60").wait_for()
    forecast.get_by_text("You can change it at any time.").wait_for()


def test_a_quiz_shows_one_reason_at_a_time(tab: Callable[..., Page]) -> None:
    quiz = tab("02-fit-sample-repeat").locator(".ctl-quiz").first
    for option in quiz.locator("details").all():
        option.locator("summary").click()
        assert quiz.locator("details[open]").count() == 1
        assert option.locator("p").is_visible()


def test_a_slider_changes_the_picture_and_its_words(tab: Callable[..., Page]) -> None:
    box = tab("02-fit-sample-repeat").locator(".ctl-explorer")
    image, seen = box.locator("img"), set()
    box.get_by_label("samples n").focus()
    for key in ("Home", "ArrowRight", "End"):
        box.page.keyboard.press(key)
        seen.add((image.get_attribute("src"), image.get_attribute("alt")))
    assert len(seen) == 3
    assert box.locator("output").inner_text() == "200"
    box.get_by_label("show").select_option("median")
    image.evaluate("image => image.decode()")
    assert "one run" not in (image.get_attribute("alt") or "")
    assert (image.get_attribute("src"), image.get_attribute("alt")) not in seen


def test_search_and_theme_work_from_a_folder(tab: Callable[..., Page]) -> None:
    page = tab("search")
    page.goto(f"{page.url}?q=martingale")
    page.locator("#search-results a", has_text="Fit, sample, repeat").first.wait_for()
    page.locator(".theme-toggle").locator("visible=true").first.click()
    assert page.locator("body").get_attribute("data-theme") in ("light", "dark")


def test_formulas_need_no_script(read: Callable[[str], BeautifulSoup]) -> None:
    """Each formula of a lesson is MathML, none is left in dollars, and none failed."""
    page = read("02-fit-sample-repeat.html").article
    assert len(page.find_all("math")) > 20
    for hidden in page.select("pre, code, script"):
        hidden.decompose()
    assert "$" not in page.get_text()


@pytest.mark.parametrize(
    ("tex", "words"),
    [
        (r"\log 2", "log|2"),
        (r"\ln 234 - 1", "ln|234−1"),
        (r"\mathbb E\log v_t", "𝔼|log|vt"),
        (r"\log_2 x", "log2|x"),
        (r"\exp(x)", "exp(x)"),
        (r"5\,\%", "5|%"),
        (r"P(\mathbb R)", "P(ℝ)"),
    ],
)
def test_a_name_in_a_formula_stands_apart(tex: str, words: str) -> None:
    """No browser sees to that; `|` is a thin space."""
    made = BeautifulSoup(mathml(tex, block=False), "html.parser")
    for space in made.find_all("mspace"):
        space.string = "|"
    assert made.get_text() == words
    assert not made.select("[mathvariant]"), "browsers know no other than normal"


def test_a_sign_after_a_relation_is_no_difference() -> None:
    signs = [
        BeautifulSoup(mathml(tex, block=True), "html.parser").find_all("mo", form="prefix")
        for tex in (r"a \to -\infty", r"a < -\tfrac12", "a - b", "f(a) - b")
    ]
    assert [len(found) for found in signs] == [1, 1, 0, 0]
    assert "\u221e" not in "".join(
        sign.get_text()
        for sign in BeautifulSoup(mathml(r"-\infty", block=True), "html.parser")("mo")
    )


def test_an_alphabet_that_browsers_do_not_show_is_refused() -> None:
    with pytest.raises(ValueError, match="letters that browsers do not show"):
        mathml(r"\boldsymbol{x}", block=False)


def test_calls_with_words_are_read() -> None:
    """A question whose argument is computed would be missing in the book."""
    for stem in LESSONS:
        for tag, read in (("quiz", quizzes), ("predict", predictions)):
            for source in cells(stem, tag):
                asked = len(re.findall(rf"\b{tag}\(", source))
                assert len(list(read(source))) == asked > 0, source
