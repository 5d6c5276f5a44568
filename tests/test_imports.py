"""An interrupt in the middle of an import, of a table that is read, of a picture that is drawn."""

import subprocess
import sys

import pytest

from helpers._ground import ROOT
from helpers.authoring.execute import CellError, kernel_for, notebook_of, run_cell
from helpers.authoring.lesson import Cell

PROGRAM = """
import os, signal, sys, threading, time, types
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.modules["ipykernel"] = types.ModuleType("ipykernel")
from helpers._imports import protect_imports
{protect}
timer = threading.Timer({at}, os.kill, (os.getpid(), signal.SIGINT))
timer.start()
try:
    import {module}
    time.sleep(5)
    print("no interrupt")
except KeyboardInterrupt:
    print("interrupted")
import {module}
{use}
print("works")
"""
USE = {
    "numpy": "numpy.random.default_rng(0).normal(size=3).sum()",
    "pandas": "str(pandas.DataFrame({'a': [1, 2]}).groupby('a').size())",
    "torch": "assert torch.ones(2).sum().item() == 2",
}
AT = {"numpy": (0.01, 0.05), "pandas": (0.1, 0.3), "torch": (0.3, 1.0)}


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts of POSIX")
@pytest.mark.parametrize(("module", "at"), [(name, at) for name in AT for at in AT[name]])
def test_an_interrupted_import_is_whole_all_the_same(module: str, at: float) -> None:
    """Without protection numpy, pandas and torch are broken for the rest of the process."""
    program = PROGRAM.format(module=module, at=at, use=USE[module], protect="protect_imports()")
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.stdout == "interrupted\nworks\n", answer.stderr[-500:]


def test_nothing_is_changed_outside_a_kernel() -> None:
    program = (
        "import sys; before = list(sys.meta_path); import helpers; print(before == sys.meta_path)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.stdout == "True\n", answer.stderr


def test_jupyter_starts_without_the_grammar_of_web_addresses() -> None:
    """Which was two thirds of what importing JupyterLab took."""
    program = "import jupyter_events.logger, nbformat, sys; print('lark' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.stdout == "False\n", answer.stderr


PRESSED = """
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from helpers import plots, studies
{before}
try:
    {work}
    print("no interrupt", flush=True)
except KeyboardInterrupt:
    print("interrupted", {whole})
"""
READ = """
from io import StringIO
class Pressed(StringIO):
    def read(self, *size):
        os.kill(os.getpid(), signal.SIGINT)
        return super().read(*size)
studies.StringIO = Pressed"""
DRAWN = """
from matplotlib.axis import Axis
draw = Axis.draw
picture = plots.band(studies.load("discrete").query("arm == 'quilt_replace'"), "support")
def pressed(*given, **named):
    os.kill(os.getpid(), signal.SIGINT)
    return draw(*given, **named)
Axis.draw = pressed"""


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts of POSIX")
@pytest.mark.parametrize(
    ("before", "work", "whole"),
    [
        (READ, "studies.load('discrete')", "True"),
        (DRAWN, "picture.html()", "'png' in vars(picture)"),
    ],
)
def test_what_compiled_code_does_is_done_before_an_interrupt_counts(
    before: str, work: str, whole: str
) -> None:
    """pandas takes one for a damaged table, and a picture that is half drawn has an error too."""
    program = PRESSED.format(before=before, work=work, whole=whole)
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.stdout == "interrupted True\n", answer.stderr[-500:]


LATE = """
import time, types, sys
from helpers import _imports
class Shell:
    kernel = None
def run_code(work):
    work()
sent = []
_imports._interrupt = lambda: sent.append(1)
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=Shell)
for work in (lambda: run_code(_imports._interrupt_a_cell), _imports._interrupt_a_cell):
    work()
    print(len(sent))
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: None)
_imports._interrupt_a_cell()
print(len(sent))
"""


def test_a_late_interrupt_never_meets_a_kernel_that_sends_its_reply() -> None:
    """In a cell it counts, behind it not; outside Jupyter always."""
    answer = subprocess.run(
        [sys.executable, "-c", LATE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.stdout.split() == ["1", "1", "2"], answer.stderr[-500:]


STOPPED = """
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
time.sleep(5)
"""
SAYS_MORE = """
from helpers.loop import History, Interrupted
raise Interrupted(History(), 5)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts of POSIX")
def test_an_interrupted_cell_says_so_in_a_line_and_has_failed() -> None:
    sources = ["import helpers", STOPPED, SAYS_MORE, "def f():\n    return 1 / 0\nf()"]
    cells = [Cell("code", source, 0, f"cell-{i}", {}) for i, source in enumerate(sources)]
    notebook = notebook_of(cells)
    with kernel_for(notebook, ROOT) as (client, _):
        run_cell(client, 0, 1)
        for index, name in enumerate(("KeyboardInterrupt", "Interrupted", "ZeroDivisionError"), 1):
            with pytest.raises(CellError, match=f"^{name}: "):  # Run All stops
                run_cell(client, index, index + 1)
    said = [cell.outputs[-1]["traceback"] for cell in notebook.cells[1:]]
    assert said[0] == ["Interrupted. Run the cell again."]
    assert said[1] == ["Interrupted: 0 of 5 generations are done and kept."]
    assert len("\n".join(said[2]).splitlines()) > 5
