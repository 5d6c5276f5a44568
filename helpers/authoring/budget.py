"""`course budget`: what running a lesson costs, in processor seconds and megabytes on one thread.

Every notebook is run from top to bottom in a kernel of its own. Counted are the kernel's user and
system time with all its children, start-up and imports included, and the largest memory that kernel
and children held together. Not counted: the browser, and time on the clock, which says more about
the machine's other work. `--record` alone writes lessons/budget.json:

    {"02-fit-sample-repeat": {"cpu_seconds": 6.1, "memory_mb": 212}, ...}

A cell that shows how long it still takes has a name in its code, progress="05-live"; what it alone
cost is kept under that name, and is the first guess of the line that it shows. A Run button with a
name is pressed once everything else has been measured: nobody has to press it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from helpers._ground import ROOT, write_whole
from helpers.authoring.course import Course
from helpers.authoring.execute import SLOW_CELL_TIMEOUT, CellError, execute, notebook_of
from helpers.authoring.lesson import Cell, Lesson, parse

SAMPLE_EVERY = 0.1  # seconds between two looks at memory
SLOW = 5.0  # processor seconds from which a cell wants the tag `slow`
MEGABYTE = 2**20
# Out holds what the cell shows: a RunButton.
PRESS = """\
Out[{count}].start()
assert Out[{count}].wait({longest}) and not Out[{count}].error, Out[{count}].html"""


class Meter:
    """Counts what one kernel uses: call it with the kernel's process id before and after each cell.

    `cpu_seconds` and `memory_mb` hold the readings, one a call: the time from the start of the
    process, and the largest sum over the kernel and its children so far. `close` ends the sampling
    thread.
    """

    def __init__(self) -> None:
        self.cpu_seconds: list[float] = []
        self.memory_mb: list[float] = []
        self._peak = 0.0
        self._done = threading.Event()
        self._sampler: threading.Thread | None = None

    def __call__(self, pid: int) -> None:
        process = psutil.Process(pid)
        if self._sampler is None:
            self._sampler = threading.Thread(target=self._sample, args=(process,), daemon=True)
            self._sampler.start()
        self.cpu_seconds.append(_cpu(process))
        self._peak = max(self._peak, _memory(process), _high_water(pid))
        self.memory_mb.append(self._peak)

    def _sample(self, process: psutil.Process) -> None:
        while not self._done.wait(SAMPLE_EVERY):
            try:
                self._peak = max(self._peak, _memory(process))
            except psutil.Error:
                return

    def close(self) -> None:
        """Stop sampling."""
        self._done.set()
        if self._sampler:
            self._sampler.join()


def _cpu(process: psutil.Process) -> float:
    """User and system seconds of the process, of its finished children and of those alive."""
    total = 0.0
    for one in _family(process):
        try:
            total += sum(one.cpu_times()[:4])  # user, system, and both of finished children
        except psutil.NoSuchProcess:
            continue
    return total


def _memory(process: psutil.Process) -> float:
    """Megabytes the process and its children hold now.

    A child that was forked and is no other program yet shares its parent's memory and shows it as
    its own, too: of such a one only what it does not share is counted. One that was made a moment
    ago is not counted: until it is another program, it may be its parent in another guise (vfork).
    """
    total, commands = 0, dict[int, list[str]]()
    for one in _family(process):
        try:
            commands[one.pid] = one.cmdline()
            forked = commands[one.pid] == commands.get(one.ppid())
            if not forked:
                total += one.memory_info().rss
            elif time.time() - one.create_time() > SAMPLE_EVERY:
                total += one.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return total / MEGABYTE


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _high_water(pid: int) -> float:
    """The largest memory the kernel itself ever held, where the system says so (Linux); else 0.

    Not getrusage: its ru_maxrss counts the parent's memory at the moment of the fork.
    """
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return 0.0
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return float(fields["VmHWM"].split()[0]) / 1024  # kB


def measure(
    lesson: Lesson, where: Path, *, buttons: bool = True
) -> tuple[dict[str, float], list[int]]:
    """Run `lesson` in folder `where`: its cost, and the lines of slow cells without the tag.

    The cost is {"cpu_seconds", "memory_mb"} and that of each live cell by its name; 0 for a page
    without code. With `buttons` the Run buttons are measured, too. Raises CellError.
    """
    pressed = _presses(lesson) if buttons else {}
    cells = [*lesson.cells, *pressed.values()]
    meter = Meter()
    try:
        execute(notebook_of(cells), where, title=lesson.stem, watch=meter)
    except CellError as failure:
        if failure.index < len(lesson.cells):
            raise
        name = list(pressed)[failure.index - len(lesson.cells)]
        first = next(i for i, cell in enumerate(lesson.cells) if name in cell.live)
        raise CellError(first, 0, f"the Run button {name!r}: {failure}") from None
    finally:
        meter.close()
    spent = [after - before for before, after in itertools.pairwise(meter.cpu_seconds)]
    slow = [
        cell.line
        for cell, seconds in zip(lesson.code, spent, strict=False)
        if seconds > SLOW and "slow" not in cell.tags
    ]
    whole = len(lesson.code)  # the reading after the last cell of the lesson
    cost = {
        "cpu_seconds": round(meter.cpu_seconds[whole], 1) if whole else 0.0,
        "memory_mb": float(round(meter.memory_mb[whole])) if whole else 0.0,
    }
    for cell, seconds in zip(lesson.code, spent, strict=False):
        if "explorer" not in cell.tags:
            cost |= {name: round(seconds, 1) for name in cell.live}
    for name, seconds in zip(pressed, spent[whole:], strict=True):
        cost[name] = round(seconds, 1)
    return cost, slow


def _presses(lesson: Lesson) -> dict[str, Cell]:
    """A cell for each Run button that has a name: it presses the button and waits."""
    cells: dict[str, Cell] = {}
    for count, cell in enumerate(lesson.code, start=1):
        if "explorer" in cell.tags:
            source = PRESS.format(count=count, longest=SLOW_CELL_TIMEOUT)
            made = Cell("code", source, cell.line, f"press-{count}", {"tags": ["slow"]})
            cells |= dict.fromkeys(cell.live, made)
    return cells


def over_limit(lesson: Lesson, cost: dict[str, float]) -> list[str]:
    """Where `cost` is above the lesson's limits, in words; empty when it is within."""
    units = {"cpu_seconds": "s of processor time", "memory_mb": "MB"}
    return [
        f"{cost[key]:g} {unit}, {lesson.limits[key]:g} allowed"
        for key, unit in units.items()
        if cost[key] > lesson.limits[key]
    ]


def record(course: Course, costs: dict[str, dict[str, float]]) -> None:
    """Write `costs` into lessons/budget.json; entries of other lessons stay, of lost ones go."""
    known = set(course.stems())
    entries = {stem: cost for stem, cost in {**course.measured(), **costs}.items() if stem in known}
    path = course.lessons / "budget.json"
    text = json.dumps(dict(sorted(entries.items())), indent=1) + "\n"
    write_whole(path, text)


def main(argv: Sequence[str] | None = None, course: Course | None = None) -> int:
    """`course budget`; returns 1 when a lesson fails or is above its limit, 2 for a wrong name."""
    parser = argparse.ArgumentParser("course budget", description="What running a lesson costs.")
    parser.add_argument("stem", nargs="*", help="lessons, such as 02 (default: all)")
    parser.add_argument("--record", action="store_true", help="write lessons/budget.json")
    options = parser.parse_args(argv)
    course = course or Course.at(ROOT)
    try:
        lessons = [
            parse(course.lessons / f"{s}.md", f"lessons/{s}.md") for s in course.stems(options.stem)
        ]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    costs, failed = {}, False
    print(f"{'lesson':<28}{'CPU s':>8}{'limit':>8}{'MB':>8}{'limit':>8}")
    for lesson in lessons:
        try:
            cost, slow = measure(lesson, course.notebooks)
        except CellError as failure:
            failed = True
            line = lesson.cells[failure.index].line + failure.line
            print(f"{lesson.name}:{line}: {failure}", file=sys.stderr)
            continue
        costs[lesson.stem] = cost
        limits = lesson.limits
        print(
            f"{lesson.stem:<28}{cost['cpu_seconds']:>8.1f}{limits['cpu_seconds']:>8g}"
            f"{cost['memory_mb']:>8.0f}{limits['memory_mb']:>8g}",
            flush=True,
        )
        for line in slow:
            print(f"  {lesson.name}:{line}: takes over {SLOW:g} s: tag it slow")
        for message in over_limit(lesson, cost):
            failed = True
            print(f"  {lesson.name}: over budget: {message}")
    if options.record:
        record(course, costs)
        print("recorded in lessons/budget.json; `course build` puts the times into the notebooks")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
