"""A notebook as the build writes it: cells from the lesson, hashes in its metadata, stable bytes.

`metadata.course` says where the notebook comes from: `source` and `source_sha256` (the lesson),
`built_sha256` (cells as built: another value means that somebody edited them), `outputs_sha256`,
and `helpers_sha256` (the helpers and results that made the outputs, see `fingerprint`).
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from helpers._kept import KEPT_PAGE
from helpers.authoring.execute import notebook_of
from helpers.authoring.lesson import Cell, Lesson

IGNORED_BY_NBVAL = {
    "predict",
    "quiz",
    "explorer",
    "slow",
}  # tags of cells whose output is not compared
RAISES = {"raises-exception", "nbval-raises-exception"}
FOLDED_SOURCE = {"solution", "hide-input", "predict"}  # a form says what its cell says
FOLDED_OUTPUT = {"reveal"}
# Before the first import of helpers: where the course is not installed, one sentence says so. An
# IPython UsageError shows no traceback, and ends "Run all" as every error does.
GUARD = """\
import importlib.util, IPython
if not importlib.util.find_spec("helpers"):
    raise IPython.core.error.UsageError("{}")

"""
NOT_INSTALLED = (
    "Closing the Loop is not installed for this kernel: run `pip install -e .` in the course's "
    "folder and choose that Python as the kernel, or start with `make lab`; on Colab, run "
    "`%pip install git+ADDRESS` with the address of the course's repository."
)

_DATA_URI = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s\\]+")
# A path or a memory address of the machine that ran the cell.
_MACHINE = re.compile(
    r"(?<![\w.:/+=-])/(?:home|root|Users|tmp|var|private|work|usr|opt|mnt)/[\w.-]+"
    r"|[A-Z]:\\+Users\\+\w+|\b0x[0-9a-f]{8,}\b"
)
_TITLE = re.compile(r"(?m)^# (.+)$")
_IMG = re.compile(r"<img\b(?![^>]*\balt\s*=\s*[\"'][^\"']*\S)[^>]*>")


def assemble(lesson: Lesson, sources: Sequence[str]) -> NotebookNode:
    """The notebook without outputs: tags as the author wrote them, and what follows from them.

    Its title stands in its metadata too: a PDF would bear the name of the file otherwise.
    """
    notebook = notebook_of(lesson.cells, sources)
    prose = (text for cell, text in zip(lesson.cells, sources, strict=True) if cell.kind != "code")
    if title := _TITLE.search("\n".join(prose)):
        notebook.metadata["title"] = title[1].strip()
    if (first := guarded(lesson)) is not None:
        notebook.cells[first].source = GUARD.format(NOT_INSTALLED) + notebook.cells[first].source
    for cell in notebook.cells:
        tags = list(cell.metadata.get("tags", []))
        if IGNORED_BY_NBVAL & set(tags) and "nbval-ignore-output" not in tags:
            cell.metadata["tags"] = [*tags, "nbval-ignore-output"]
        folded = {}
        if FOLDED_SOURCE & set(tags):
            folded["source_hidden"] = True
        if FOLDED_OUTPUT & set(tags):  # JupyterLab unfolds the output when the cell is run
            folded["outputs_hidden"] = True
        if folded:
            cell.metadata["jupyter"] = {**cell.metadata.get("jupyter", {}), **folded}
    return notebook


def guarded(lesson: Lesson) -> int | None:
    """The index of the cell that GUARD stands in: the first that imports helpers, if one does."""
    for index, cell in enumerate(lesson.cells):
        if cell.kind == "code" and any(name.split(".")[0] == "helpers" for name in _modules(cell)):
            return index
    return None


def _modules(cell: Cell) -> Iterator[str]:
    """The modules that a cell imports, or imports from."""
    for node in ast.walk(cell.tree()):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def stamp(lesson: Lesson, notebook: NotebookNode, used: str) -> None:
    """Write the hashes into the notebook's metadata; `used` is the fingerprint of its helpers."""
    notebook.metadata["course"] = {
        "source": lesson.name,
        "source_sha256": _source_hash(lesson),
        "helpers_sha256": used,
        "built_sha256": sources_hash(notebook),
        "outputs_sha256": outputs_hash(notebook),
    }


def made_of(lesson: Lesson, notebook: NotebookNode) -> bool:
    """Whether the notebook was built of the lesson as it is now."""
    made = notebook.metadata.get("course", {}).get("source_sha256")
    return bool(made == _source_hash(lesson))


def edited_by_hand(notebook: NotebookNode) -> bool:
    """Whether the cells are not those the build wrote: then the build must not overwrite them."""
    return bool(notebook.metadata.get("course", {}).get("built_sha256") != sources_hash(notebook))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The notebook's code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def sources_hash(notebook: NotebookNode) -> str:
    """Hash of what a person may edit: kind, text and tags of every cell, in order."""
    return _hash([[c.cell_type, c.source, c.metadata.get("tags", [])] for c in notebook.cells])


def outputs_hash(notebook: NotebookNode) -> str:
    """Hash of every code cell's outputs and execution count."""
    return _hash([[c.execution_count, c.outputs] for c in code_cells(notebook)])


def _source_hash(lesson: Lesson) -> str:
    return hashlib.sha256(lesson.text.encode()).hexdigest()


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def read_notebook(path: Path) -> NotebookNode | None:
    """The notebook at `path`, None when there is none; ValueError when it is not a notebook."""
    if not path.is_file():
        return None
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except Exception as error:  # nbformat raises half a dozen kinds, none of them its own base
        raise ValueError(
            f"{path.name} is not a notebook ({error}); delete it and build again"
        ) from None


def write(notebook: NotebookNode) -> str:
    """The text of a valid notebook, always the same for the same notebook."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def output_problems(cell: NotebookNode) -> list[str]:
    """What is wrong with the outputs of one executed code cell."""
    found = []
    may_raise = RAISES & set(cell.metadata.get("tags", []))
    for output in cell.outputs:
        if output.output_type == "error" and not may_raise:
            found.append(f"the output is an error: {output.ename}: {output.evalue}")
        if output.output_type == "stream" and output.name == "stderr":
            first = output.text.strip().split("\n")[0][:100]
            found.append(f"writes to stderr, where warnings belong, not results: {first}")
        data = output.get("data", {"text": output.get("text", output.get("traceback", ""))})
        html = str(data.get("text/html", ""))
        if any(kind.startswith("image/") for kind in data) and "<img" not in html:
            found.append(
                "an image without alt text: show a helpers.plots.Picture, not a bare figure"
            )
        if _IMG.search(_DATA_URI.sub("", html)):
            found.append("an <img> without alt text in the output")
        if _DATA_URI.search(html) and "image/png" not in data and KEPT_PAGE not in html:
            found.append("a picture that is HTML only, so that LaTeX and PDF would lose it")
        words = (str(value) for kind, value in data.items() if not kind.startswith("image/"))
        text = _DATA_URI.sub("", "\n".join(words))
        if match := _MACHINE.search(text):
            found.append(f"the output holds a path or address of this machine: {match[0]}")
    return found
