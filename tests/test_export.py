"""What `jupyter nbconvert` makes of our cells: LaTeX, which PDF is made of, and a script."""

import re
import shlex
import struct
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import LatexExporter, ScriptExporter
from nbconvert.nbconvertapp import NbConvertApp
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from test_plots import PICTURES

from helpers._ground import ROOT
from helpers.authoring.course import Course, draft
from helpers.authoring.execute import notebook_of
from helpers.authoring.notebook import assemble
from helpers.teaching import predict, quiz


def as_it_is(text: str, *_: object, **__: object) -> str:
    return text


def exported() -> nbformat.NotebookNode:
    """A page with every kind of figure, and with the forms as they are stored."""
    cells = [new_markdown_cell("# Figures\n\nWords.")]
    for name, make in PICTURES.items():
        shown = new_output("execute_result", make(0)._repr_mimebundle_(), execution_count=1)
        cells.append(new_code_cell(f"draw({name!r})", outputs=[shown]))
    forms = (
        quiz("02-page", "Which one?", {"this": "It is.", "that": "It is not."}, answer="this"),
        predict("02-page", "How many?", low=0),
    )
    for form in forms:
        shown = new_output("display_data", {"text/plain": repr(form), "text/html": form._page()})
        cells.append(new_code_cell("form", outputs=[shown]))
    notebook = notebook_of([])
    notebook.cells = cells
    nbformat.validate(notebook)
    return notebook


@pytest.fixture
def latex(monkeypatch: pytest.MonkeyPatch) -> LatexExporter:
    """Only pandoc is stood in for, which turns prose into LaTeX."""
    exporter = LatexExporter()
    name = "nbconvert.exporters.latex.ConvertExplicitlyRelativePaths"
    monkeypatch.setattr(name, lambda **_: as_it_is)
    for name in ("convert_pandoc", "resolve_references"):
        exporter.register_filter(name, as_it_is)
    return exporter


@pytest.mark.parametrize(
    ("stem", "title"),
    [("02-fit-sample-repeat", "Fit, sample, repeat"), ("glossary", "Glossary")],
)
def test_a_pdf_bears_the_title_of_its_lesson(stem: str, title: str, latex: LatexExporter) -> None:
    """And not the name of its file."""
    ready = draft(Course.at(ROOT), stem)
    named = {"metadata": {"name": stem}}
    text, _ = latex.from_notebook_node(assemble(ready.lesson, ready.sources), resources=named)
    assert f"\\title{{{title}}}" in text


def test_latex_has_every_figure_and_every_form(latex: LatexExporter) -> None:
    """Figures do not pass through pandoc."""
    text, resources = latex.from_notebook_node(exported())
    images = list(resources["outputs"].values())
    assert len(images) == len(PICTURES)
    for image in images:
        assert image.startswith(b"\x89PNG")
        assert struct.unpack(">II", image[16:24])[0] > 600
    assert text.count("\\adjustimage") >= len(PICTURES)
    for name in resources["outputs"]:
        assert name in text
    assert "Which one?" in text
    assert "How many?" in text


def test_a_script_has_every_line_of_code_and_runs() -> None:
    """`--to script` asks the page for its language; prose becomes comments."""
    text, resources = ScriptExporter().from_notebook_node(exported())
    assert resources["output_extension"] == ".py"
    assert "# Words." in text
    for name in PICTURES:
        assert f"draw({name!r})" in text
    drawn: list[str] = []
    exec(compile(text, "page.py", "exec"), {"draw": drawn.append, "form": None})
    assert drawn == list(PICTURES)


def test_what_readme_prints_gives_no_answer_away(tmp_path: Path) -> None:
    """Its command, to Markdown since that needs no TeX: a quiz is there, its key is not."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"jupyter nbconvert (--to pdf .*?)\n\n", readme, re.DOTALL)
    assert found
    words = shlex.split(found[1].replace("\\\n", " "))
    lesson = words.index("my/02-fit-sample-repeat.ipynb")
    words[words.index("pdf")] = "markdown"
    words[lesson] = str(ROOT / "notebooks" / Path(words[lesson]).name)
    whole = printed([*words[: lesson + 1], f"--output-dir={tmp_path / 'whole'}"])
    text = printed([*words, f"--output-dir={tmp_path / 'printed'}"])
    for left_out in ("answer=", "# Solution", "import predict"):
        assert left_out in whole
        assert left_out not in text
    for question in ("<strong>Predict.</strong>", "<strong>Quiz.</strong>"):
        assert text.count(question) == whole.count(question) > 1
    assert text.count("image/png") == whole.count("image/png") > 3


def printed(argv: list[str]) -> str:
    """The one page that nbconvert writes."""
    app = NbConvertApp()
    app.initialize(argv)
    app.start()
    (page,) = Path(app.writer.build_directory).glob("*.md")
    return page.read_text(encoding="utf-8")
