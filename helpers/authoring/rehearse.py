"""A lesson's cells under a learner's hands: a section alone, a cell twice, a cell interrupted.

`rehearse` runs the code under every H2 with nothing that came before it, in one kernel: the last
section first, and with all names deleted in between, so that no section finds what an earlier one
made. Each cell is run and then run again. Chosen cells are interrupted before that: whatever the
moment, the run that follows must go through. `python -m helpers.authoring.rehearse [LESSON ...]`
interrupts every cell, at four shares of the time that it takes; tests do it to a few. It also runs
the lesson `backwards`.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode

from helpers._ground import ROOT
from helpers.authoring.course import Course
from helpers.authoring.execute import CellError, kernel_for, normalise, notebook_of, run_cell
from helpers.authoring.lesson import Cell, Lesson, Section, parse
from helpers.authoring.notebook import IGNORED_BY_NBVAL

FORGET = Cell("code", "%reset -f", 0, "forget", {})
# Set in the kernel, so that the interrupt meets the next cell and nothing before or behind it. The
# traceback of an interrupt, which nobody reads, may be short: a long one takes half a second.
ARM = """
def _arm():
    import os, signal, threading
    events, trace = get_ipython().events, get_ipython().InteractiveTB
    trace.set_mode("Minimal")
    timer = threading.Timer({after}, os.kill, (os.getpid(), signal.SIGINT))
    def begin(info):
        timer.start()
    def end(result):
        if timer.ident:
            timer.cancel()
            trace.set_mode("Context")
            events.unregister("pre_run_cell", begin)
            events.unregister("post_run_cell", end)
    events.register("pre_run_cell", begin)
    events.register("post_run_cell", end)
_arm()
del _arm
"""
NOT_COMPARED = IGNORED_BY_NBVAL | {"nbval-ignore-output"}
# How an interrupted cell ends. NoneType: it was over, and what it returned was being drawn.
STOPPED = re.compile(r"(KeyboardInterrupt|Interrupted|NoneType):")
SHARES = (0.0, 0.1, 0.5, 0.9)  # of a cell's time: when the full rehearsal interrupts it
PATIENCE = 10  # the full rehearsal takes hours, and nobody keeps a machine free for so long
ECHO = 0.1  # seconds for an interrupt that came at the very end: the next cell must not get it
CLOCK = re.compile(r"\d+%\|")  # a line with a progress bar


def rehearse(
    lesson: Lesson,
    where: Path,
    *,
    heading: str | None = None,
    moment: Callable[[Section, Cell], float | None] | None = None,
    again: bool = True,
    patience: int = 1,
    watch: Callable[[int], None] | None = None,
) -> dict[str, float]:
    """Run the sections of `lesson` alone, or the one under `heading`, in the folder `where`.

    moment: after how many seconds a cell is interrupted at first; None: not at all.
    again: whether each cell is run a second time.
    patience: as for `kernel_for`.
    watch: called with the kernel's process id before each cell and after its first whole run; an
    interrupted run, of which the whole one may keep what it did, lies in between.

    Returns the seconds of each cell's first whole run, by cell id. Raises KeyError for an unknown
    heading, and CellError, naming the section and the line in the lesson's file, when a cell fails,
    or says something else when it is run again.
    """
    sections = [section for section in lesson.sections() if heading in (None, section.heading)]
    if not sections:
        known = ", ".join(section.heading for section in lesson.sections())
        raise KeyError(f"{lesson.name} has no section {heading!r}; it has {known}")
    plan: list[tuple[Section, Cell, float | None]] = []
    for section in reversed(sections):
        plan.append((section, FORGET, None))
        plan += [(section, cell, moment and moment(section, cell)) for cell in section.cells]
    seconds: dict[str, float] = {}
    notebook = notebook_of([cell for _, cell, _ in plan])
    notice = watch or (lambda pid: None)
    with kernel_for(notebook, where, patience=patience) as (client, pid):
        for index, (section, cell, after) in enumerate(plan):
            how = "does not run alone"
            try:
                notice(pid)
                if after is not None:
                    how = f"breaks when it is interrupted at {after:.2f} s"
                    _interrupted(client, index, after)
                    how = f"does not run again after an interrupt at {after:.2f} s"
                began = time.monotonic()
                _run(client, index)
                seconds[cell.id] = time.monotonic() - began
                notice(pid)
                if again and cell is not FORGET:
                    first, how = said(notebook.cells[index]), "does not run twice"
                    _run(client, index)
                    second = said(notebook.cells[index])
                    if first != second and not NOT_COMPARED & set(cell.tags):
                        raise CellError(index, 0, f"it said {first!r}, and then {second!r}")
            except CellError as failure:
                line = cell.line + failure.line
                message = f"{lesson.name}:{line}: section {section.heading!r} {how}: {failure}"
                raise CellError(failure.index, line, message) from None
    return seconds


def _run(client: NotebookClient, index: int) -> None:
    client.reset_execution_trackers()  # its outputs of the last time are gone
    run_cell(client, index, index + 1)


def _interrupted(client: NotebookClient, index: int, after: float) -> None:
    """Run a cell that is interrupted after `after` seconds, unless it is over before that.

    An interrupt at 0 s can also meet the callbacks before the cell: IPython prints it there, and
    the cell runs on. What this run said is therefore never compared.
    """
    cell = client.nb.cells[index]
    source = cell.source
    try:
        cell.source = ARM.format(after=after)
        _run(client, index)
        cell.source = source
        _run(client, index)
    except CellError as failure:
        if not STOPPED.match(str(failure)):
            raise
    finally:
        cell.source = source
        time.sleep(ECHO)


def said(cell: NotebookNode) -> list[str]:
    """What a cell printed and returned as text: what a reader would take for its result."""
    normalise(cell)
    texts = []
    for output in cell.outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        texts.append("\n".join(line for line in text.splitlines() if not CLOCK.search(line)))
    return texts


def backwards(lesson: Lesson, where: Path, patience: int = 1) -> None:
    """Run a whole lesson, and then each cell again, from the last to the first.

    Raises CellError where a cell fails then, or says something else: a cell further down has taken
    a name that it needs.
    """
    cells = [cell for section in lesson.sections() for cell in section.cells]
    notebook = notebook_of([*cells, *cells[::-1]])
    first: dict[str, list[str]] = {}
    with kernel_for(notebook, where, patience=patience) as (client, _):
        for index, cell in enumerate([*cells, *cells[::-1]]):
            how = "does not run" if index < len(cells) else "does not run behind later cells"
            try:
                _run(client, index)
                found = said(notebook.cells[index])
                before = first.setdefault(cell.id, found)
                if found != before and not NOT_COMPARED & set(cell.tags):
                    how = "says something else behind later cells"
                    raise CellError(index, 0, f"it said {before!r}, and then {found!r}")
            except CellError as failure:
                line = cell.line + failure.line
                message = f"{lesson.name}:{line}: {how}: {failure}"
                raise CellError(failure.index, line, message) from None


def every_cell(lesson: Lesson, where: Path) -> None:
    """The lesson backwards; then interrupt every cell at each of SHARES of its time, each time in a
    fresh kernel. Raises CellError.
    """
    backwards(lesson, where, patience=PATIENCE)
    seconds = rehearse(lesson, where, again=False, patience=PATIENCE)
    for share in SHARES:
        rehearse(
            lesson, where, patience=PATIENCE,
            moment=lambda _, cell: share * seconds[cell.id],  # noqa: B023
        )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """The full rehearsal of lessons; 1 when a cell fails."""
    parser = argparse.ArgumentParser("python -m helpers.authoring.rehearse", description=__doc__)
    parser.add_argument("lesson", nargs="*", help="lessons, such as 02 (default: all)")
    course = Course.at(ROOT)
    failed = 0
    for stem in course.stems(parser.parse_args(argv).lesson):
        lesson = parse(course.lessons / f"{stem}.md", f"lessons/{stem}.md")
        began = time.monotonic()
        try:
            every_cell(lesson, course.notebooks)
        except CellError as failure:
            failed = 1
            print(failure, file=sys.stderr, flush=True)
        print(f"{stem}: {time.monotonic() - began:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
