"""What stands on slides, and where: of a page made here, and of every lesson as it is."""

import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from test_plots import PICTURES

from helpers._ground import ROOT
from helpers.authoring.execute import COVER
from helpers.book import slides
from helpers.book.cells import Pictures
from helpers.teaching import verdict

LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb"))


def text(words: str) -> NotebookNode:
    return new_output("stream", text=words)


def code(source: str, *outputs: NotebookNode, tags: str = "") -> NotebookNode:
    metadata = {"tags": tags.split()} if tags else {}
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


def figure() -> NotebookNode:
    return new_output("display_data", next(iter(PICTURES.values()))(0)._repr_mimebundle_())


def own() -> NotebookNode:
    return new_output("display_data", {"text/html": verdict("a run", "rare facts")._page()})


PAGE = [
    new_markdown_cell("# A lesson\n\nWhat it asks."),
    new_markdown_cell("## One\n\nWords with $x^2$ and [a link](../helpers/loop.py)."),
    code("a = 1"),
    code("draw(a)", figure()),
    new_markdown_cell("\n".join(f"Paragraph {n}. {'word ' * 90}\n" for n in range(6))),
    new_markdown_cell("Before.\n\n## Two\n\n- one\n- two\n\n### Deeper"),
    new_markdown_cell("1. first\n2. second\n   - of it"),
    code("b = 2"),
    code('predict("02-a", "Which?", choices=["up", "down"])', own(), tags="predict"),
    code("a.resolve(3)", text(f"{COVER}The answer is 3. You had committed no prediction."),
         tags="reveal"),
    new_markdown_cell("<details><summary>In words</summary>\n\nFolded away.\n\n</details>"),
    code('quiz("02-b", "So?", {"yes": "Since so.", "no": "Not so."}, answer="yes")',
         tags="quiz hide-input"),
    code("def my_x(): ...", tags="exercise"),
    code("check('02-x', my_x)", text("Not yet."), tags="check"),
    code("# Solution\nsolution_x = 1", tags="solution"),
    code("slider()", figure(), tags="explorer"),
    code("summary()", text("Nothing recorded."), tags="nbval-ignore-output"),
    code("verdict()", own(), tags="nbval-ignore-output"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    slides.write_slides([("02-a-lesson", "02 A lesson", new_notebook(cells=PAGE))], folder)
    return folder


@pytest.fixture(scope="module")
def stacks(folder: Path) -> list[list[Tag]]:
    page = BeautifulSoup((folder / "02-a-lesson.html").read_text("utf-8"), "html.parser")
    return [
        stack.find_all("section", recursive=False)
        for stack in page.select(".slides > section")
    ]  # fmt: skip


def all_text(stacks: list[list[Tag]]) -> str:
    return " ".join(slide.get_text(" ") for stack in stacks for slide in stack)


def test_a_heading_begins_a_slide_and_its_section_goes_down(stacks: list[list[Tag]]) -> None:
    heads = [stack[0].find(re.compile("h[12]")).get_text() for stack in stacks]
    assert heads == ["A lesson", "One", "Two"]
    where = [slide.select_one(".where") for slide in stacks[2]]
    assert where[0] is None
    assert {one.get_text() for one in where[1:] if one} == {"02 A lesson · Two"}
    assert "Before." in stacks[1][-1].get_text()
    assert any(slide.h3 for slide in stacks[2])


def test_figures_stay_with_their_words_and_the_code_that_draws_them(
    folder: Path, stacks: list[list[Tag]]
) -> None:
    (image,) = [image for stack in stacks for slide in stack for image in slide.find_all("img")]
    assert image["alt"]
    assert (folder / str(image["src"])).read_bytes().startswith(b"\x89PNG")
    (fold,) = [f for stack in stacks[:2] for s in stack for f in s.select("details.code")]
    assert fold.pre.get_text() == "a = 1\n\ndraw(a)"
    assert "The numbers in this figure" not in all_text(stacks)


def test_a_long_text_goes_on_below(stacks: list[list[Tag]]) -> None:
    numbers = [re.findall(r"Paragraph (\d)", slide.get_text()) for slide in stacks[1]]
    assert "".join("".join(here) for here in numbers) == "012345"
    assert max(map(len, numbers)) <= 3


def test_lists_keep_their_numbers_and_formulas_need_no_script(stacks: list[list[Tag]]) -> None:
    lists = [one for slide in stacks[2] for one in slide.select("ol")]
    assert [(int(one["start"]), one.get_text().split()) for one in lists] == [
        (1, ["first"]),
        (2, ["second", "of", "it"]),
    ]
    assert lists[1].select_one("li li").get_text() == "of it"
    assert stacks[1][0].find("math") is not None
    assert "$" not in all_text(stacks)
    assert [a for stack in stacks for slide in stack for a in slide.find_all("a")] == []


def test_questions_are_asked_and_answered_on_slides_of_their_own(stacks: list[list[Tag]]) -> None:
    shown = [slide.get_text(" ") for slide in stacks[2]]
    (asked,) = [n for n, words in enumerate(shown) if "Which?" in words]
    assert "The answer is 3." not in shown[asked]
    assert "The answer is 3." in shown[asked + 1]
    assert "down" in shown[asked]
    assert stacks[2][asked + 1].select_one("details.code pre").get_text() == "b = 2\n\na.resolve(3)"
    assert "You had committed" not in all_text(stacks)
    (quiz,) = [slide for slide in stacks[2] if "So?" in slide.get_text()]
    assert [fold.summary.get_text() for fold in quiz.select(".ctl-quiz details")] in (
        ["yes", "no"],
        ["no", "yes"],
    )


def test_what_is_not_for_a_room_is_left_out(stacks: list[list[Tag]]) -> None:
    shown = all_text(stacks)
    assert "def my_x()" in shown
    for left in (
        "solution_x",
        "Not yet.",
        "slider()",
        "Folded away",
        "Nothing recorded",
        "verdict",
    ):
        assert left not in shown, left


def test_the_metadata_is_that_of_nbconvert() -> None:
    made = slides.tagged(new_notebook(cells=PAGE))
    kinds = [cell.metadata.slideshow.slide_type for cell in made.cells]
    assert set(kinds) == {"slide", "subslide", "skip"}
    assert kinds.count("slide") == 3
    nbformat.validate(made)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_lesson_shows_a_solution_and_none_loses_a_figure(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    tagged = {name: [c for c in notebook.cells if name in c.metadata.get("tags", [])]
              for name in ("solution", "predict", "quiz")}  # fmt: skip
    alts = {
        alt
        for cell in notebook.cells
        if cell.cell_type == "code" and "explorer" not in cell.metadata.get("tags", [])
        for output in cell.outputs
        if "ctl-kept" not in output.get("data", {}).get("text/html", "")
        for alt in re.findall(r'<img alt="([^"]*)"', output.get("data", {}).get("text/html", ""))
    }
    html = slides.deck(slides.tagged(notebook), path.stem, Pictures(tmp_path))
    page = BeautifulSoup(html, "html.parser")
    assert "# Solution" not in html
    assert not re.search(r"\bsolution_\w+ *=|def solution_", html)
    assert alts <= set(re.findall(r'<img alt="([^"]*)"', html))
    for name, mark in (("predict", "Predict."), ("quiz", "Quiz.")):
        assert page.get_text().count(mark) >= len(tagged[name])
    assert all(section.select_one(".body") for section in page.select("section > section"))
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
