"""A lesson opened where the course is not installed: its first cell says in a sentence what to do.

The kernel is that of a fresh environment which sees the packages of this one, but not the course:
links such as that of `pip install -e .` are followed in an environment's own folder only.
"""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import ipywidgets
import pytest
from colab import COLAB
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from helpers._ground import ROOT
from helpers._kept import VIEW, view
from helpers.authoring import pins
from helpers.authoring.build import build
from helpers.authoring.course import Course, draft
from helpers.authoring.front import LessonError
from helpers.authoring.notebook import GUARD, NOT_INSTALLED, assemble, code_cells

COURSE = Course.at(ROOT)
LESSONS = [stem for stem in COURSE.stems() if re.match(r"\d\d-", stem)]


def made(stem: str) -> NotebookNode:
    ready = draft(COURSE, stem)
    return assemble(ready.lesson, ready.sources)


@pytest.mark.parametrize("stem", LESSONS)
def test_the_first_cell_of_a_lesson_asks_for_the_course_first(stem: str) -> None:
    first, *others = (cell.source for cell in code_cells(made(stem)))
    assert first.startswith(GUARD.format(NOT_INSTALLED))
    assert not any("find_spec" in source for source in others)


def test_it_is_three_lines_and_one_sentence() -> None:
    assert len(GUARD.strip().splitlines()) == 3
    assert NOT_INSTALLED.count(". ") == 0
    assert "pip install -e ." in NOT_INSTALLED
    assert "make lab" in NOT_INSTALLED
    assert "on Colab, run `%pip install git+" in NOT_INSTALLED, "there is no folder there"


def test_a_page_that_needs_no_helpers_has_no_guard() -> None:
    cells = code_cells(made("refresher-5-python-that-we-use"))
    assert cells
    assert not any("find_spec" in cell.source for cell in cells)


@pytest.mark.parametrize("name", COLAB)
def test_what_colab_has_may_stay(name: str) -> None:
    (asked,) = [one for one in pins.asked_for() if one.name == name]
    assert asked.specifier.contains(COLAB[name])


class _Model(NamedTuple):
    comm_id: str


class _Widget(NamedTuple):
    """A widget of ipywidgets 7, which Colab shows and has no bundle; closed without a model."""

    comm: _Model | None


def test_a_widget_of_the_older_kind_is_shown() -> None:
    shown = view(_Widget(_Model("abc")))
    assert shown == {VIEW: {"version_major": 2, "version_minor": 0, "model_id": "abc"}}
    assert view(_Widget(None)) == {}


def test_a_widget_is_shown_as_it_shows_itself() -> None:
    slider = ipywidgets.IntSlider()
    assert view(slider)[VIEW] == slider._repr_mimebundle_()[VIEW]


def test_constraints_have_the_newer_kernel() -> None:
    pinned = dict(line.split("==") for line in pins.CONSTRAINTS.read_text().split())
    assert pinned["ipykernel"].startswith("7.")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A Python with ipykernel and without the course, and the environment to start it in."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    packages = os.pathsep.join({sysconfig.get_path(name) for name in ("purelib", "platlib")})
    environment = {**os.environ, "PYTHONPATH": packages, "IPYTHONDIR": str(folder / "ipython")}
    tried = subprocess.run(
        [str(python), "-c", "import ipykernel, helpers"],
        env=environment, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "No module named 'helpers'" in tried.stderr
    return python, environment


def test_without_the_course_one_sentence_and_no_traceback(
    bare: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    python, environment = bare
    notebook = made(LESSONS[0])
    first = next(n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    client = NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}})
    client.create_kernel_manager().kernel_spec.argv[0] = str(python)
    with client.setup_kernel(env=environment), pytest.raises(CellExecutionError):
        client.execute_cell(notebook.cells[first], first)  # raises, so that "Run all" ends here
    outputs = notebook.cells[first].outputs
    assert [output.output_type for output in outputs] == ["stream"]
    assert outputs[0].text == f"UsageError: {NOT_INSTALLED}\n"


def test_a_failing_first_cell_is_reported_with_its_line_in_the_lesson(tmp_path: Path) -> None:
    course = Course(tmp_path, tmp_path / "helpers")
    course.lessons.mkdir()
    course.results.mkdir(parents=True)
    kernel = "kernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n"
    head = f"---\n{kernel}course:\n  shape: page\n---\n\n# T\n\n"
    cell = "```{code-cell} ipython3\nimport helpers\n\n1 / 0\n```\n"
    (course.lessons / "tiny.md").write_text(head + cell)
    with pytest.raises(LessonError, match=r"lessons/tiny\.md:15: .*ZeroDivisionError"):
        build(course, "tiny")
