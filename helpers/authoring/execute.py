"""Running the cells of a lesson in a fresh kernel, and making what they print reproducible.

Used by the build (outputs), the budget (cost) and the rehearsal (a learner's hands). Every run is
on one thread, in the folder of the notebooks, with a progress file of its own. After `normalise`
the outputs of the same code are the same bytes: no time stamps, widget ids, colours, temporary
names.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from tqdm import tqdm

from helpers._ground import ROOT
from helpers._kept import KEPT, VIEW
from helpers.authoring.lesson import Cell

# What a kernel would say of itself, without its version: `nbconvert --to script` needs to know.
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
PACKAGE_ROOT = str(ROOT)
CELL_TIMEOUT, SLOW_CELL_TIMEOUT = 120, 600  # seconds; the second for cells tagged `slow`
WIDGET_TEXT = "Interactive: run this cell to use it."
# JupyterLab shows the first line of a folded output. nbval_sanitize.cfg takes it away again.
COVER = "Run this cell to see it.\n"

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Only from the start of a word: from every letter of a base64 image it would take minutes.
_CELL_FILE = re.compile(r"(?<![^\s\"'])[^\s\"']*ipykernel_\d+[/\\]\d+\.py")


class CellError(RuntimeError):
    """A cell raised, ran out of time or killed its kernel. `line` counts from 0 within the cell."""

    def __init__(self, index: int, line: int, message: str) -> None:
        super().__init__(message)
        self.index, self.line = index, line


def notebook_of(cells: Sequence[Cell], sources: Sequence[str] | None = None) -> NotebookNode:
    """A notebook with these cells and no outputs; `sources` replace the cells' own texts."""
    notebook = new_notebook(metadata={"kernelspec": KERNELSPEC, "language_info": LANGUAGE})
    notebook.nbformat_minor = 5
    for cell, source in zip(cells, sources or [cell.source for cell in cells], strict=True):
        make = new_code_cell if cell.kind == "code" else new_markdown_cell
        notebook.cells.append(make(source, id=cell.id, metadata=dict(cell.metadata)))
    return notebook


def execute(
    notebook: NotebookNode,
    where: Path,
    *,
    title: str = "",
    watch: Callable[[int], None] | None = None,
) -> None:
    """Run every code cell in order in one fresh kernel; outputs and counts go into `notebook`.

    `where` is the kernel's working directory. `watch` is called with the kernel's process id before
    the first and after each cell. Raises CellError. A notebook without code starts no kernel.
    """
    indices = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    if not indices:
        return
    notice = watch or (lambda pid: None)
    with kernel_for(notebook, where) as (client, pid):
        notice(pid)
        for count, index in enumerate(tqdm(indices, title, leave=False, disable=None), start=1):
            run_cell(client, index, count)
            notice(pid)


@contextmanager
def kernel_for(
    notebook: NotebookNode, where: Path, *, patience: int = 1
) -> Iterator[tuple[NotebookClient, int]]:
    """A fresh kernel for the cells of `notebook`, in the folder `where`, and its process id.

    patience: how often over a cell may take its usual limit, on a machine that others use too.
    """

    def limit(cell: NotebookNode) -> int:
        return patience * (SLOW_CELL_TIMEOUT if "slow" in _tags(cell) else CELL_TIMEOUT)

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        timeout_func=limit,
        resources={"metadata": {"path": str(where)}},
    )
    manager = client.create_kernel_manager()
    spec = manager.kernel_spec
    assert spec is not None  # NoSuchKernel is raised before
    spec.argv[0] = sys.executable  # never a kernel of another environment
    client.reset_execution_trackers()
    where.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, client.setup_kernel(env=_environment(scratch)):
        yield client, getattr(manager.provisioner, "pid", 0)


def _environment(scratch: str) -> dict[str, str]:
    search = [PACKAGE_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "COURSE_THREADS": "1",  # whatever the author's own shell says
        "PYTHONPATH": os.pathsep.join(search),
        "COURSE_PROGRESS": str(Path(scratch) / "progress.json"),
        "IPYTHONDIR": str(Path(scratch) / "ipython"),
    }


def run_cell(client: NotebookClient, index: int, count: int) -> None:
    """Run one cell of the client's notebook as number `count`. Raises CellError."""
    cell = client.nb.cells[index]
    try:
        client.execute_cell(cell, index, execution_count=count)
    except CellExecutionError as error:
        trace = _ANSI.sub("", error.traceback)
        where = re.search(r"Cell In\[\d+\], line (\d+)|<cell line: (\d+)>", trace)
        line = int(where[1] or where[2]) - 1 if where else 0
        raise CellError(index, line, f"{error.ename}: {error.evalue}") from None
    except CellTimeoutError:
        assert client.timeout_func is not None  # `kernel_for` sets it
        limit = client.timeout_func(cell)
        raise CellError(index, 0, f"the cell ran longer than {limit} s") from None
    except DeadKernelError:
        raise CellError(index, 0, "the kernel died (out of memory?)") from None


# Outputs --------------------------------------------------------------------------------------


def normalise(cell: NotebookNode) -> None:
    """Make the outputs of an executed code cell independent of the run that made them."""
    cell.metadata.pop("execution", None)
    outputs: list[NotebookNode] = []
    for output, following in zip_longest(cell.outputs, cell.outputs[1:]):
        if following and following.get("metadata", {}).pop(KEPT, None):
            continue  # a widget, and then what is kept of it: a page has no use for the first
        output = _clean(output, compared="nbval-ignore-output" not in _tags(cell))
        if output.output_type == "stream" and outputs and outputs[-1].get("name") == output.name:
            outputs[-1].text += output.text  # how a stream is cut into pieces depends on timing
        else:
            outputs.append(output)
    if outputs and "reveal" in _tags(cell):
        _cover(outputs[0])
    cell.outputs = outputs


def _cover(output: NotebookNode) -> None:
    """Begin a text with COVER, so that a folded output does not give its answer away."""
    texts = output.data if "data" in output else output
    for kind in ("text", "text/plain", "text/html"):
        if kind in texts:
            texts[kind] = COVER + texts[kind]


def _clean(output: NotebookNode, *, compared: bool) -> NotebookNode:
    if output.output_type == "stream":
        return new_output("stream", name=output.name, text=scrub(output.text))
    if output.output_type == "error":
        trace = [scrub(line) for line in output.traceback]
        return new_output("error", ename=output.ename, evalue=scrub(output.evalue), traceback=trace)
    data = {
        kind: scrub(text) if isinstance(text, str) else text for kind, text in output.data.items()
    }
    # A widget's state is dropped (ids are random, and a fresh clone is untrusted and shows text
    # anyway): what stays is its text/html or text/plain. A bare repr says nothing to a reader.
    if data.pop(VIEW, None) and "text/html" not in data and not compared:
        data["text/plain"] = WIDGET_TEXT
    extra: dict[str, Any] = {"data": data, "metadata": output.metadata}
    if output.output_type == "execute_result":
        extra["execution_count"] = output.execution_count
    return new_output(output.output_type, **extra)


def scrub(text: str) -> str:
    """`text` without terminal colours, the temporary file names of cells, and our own folder."""
    text = text.replace(f"{PACKAGE_ROOT}{os.sep}", "")
    return _CELL_FILE.sub("<cell>", _ANSI.sub("", text))


def _tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))
