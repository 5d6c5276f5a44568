"""A storm of interrupts: the sandbox is struck at any moment, and has to come out of it whole.

    python tests/hostile/storm.py [STRIKES] [SEED]

STRIKES times each (100 without an argument) an interrupt comes 0 to 200 ms after `grade`,
`grade_many`, `close` and the start of a Sandbox have begun, and as many times two come during
`grade_many`. After every strike: no answer is stale (the next call's programs are new ones, half
of them wrong, and each gets its own verdict), and whatever ended its processes has left none.
At the end no descriptor and no temporary file is left. Prints one line for each complaint, exits
with 1 if there is one. Linux only: it looks into /proc.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from helpers.verification import Case, Limits, Sandbox

LONGEST = 0.2  # seconds from the begin of a call to its interrupt
BUSY = "def f(x):\n    s = 0\n    for i in range(2_000_000):\n        s += i\n    return x\n"
Act = Callable[[], object]


def children() -> set[int]:
    """Processes whose parent is this one, dead ones that nobody has collected included."""
    found = set()
    for name in os.listdir("/proc"):
        try:
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(") ")[2].split()
            if name.isdigit() and int(fields[1]) == os.getpid():
                found.add(int(name))
        except (OSError, IndexError):
            continue
    return found


def orphans(before: set[int]) -> set[int]:
    """Children that have not gone after two seconds."""
    end = time.monotonic() + 2
    while (left := children() - before) and time.monotonic() < end:
        time.sleep(0.01)
    return left


def struck(act: Act, gaps: list[float]) -> str:
    """Do `act` while interrupts come at these gaps; what came of it."""

    def strike() -> None:
        for gap in gaps:
            time.sleep(gap)
            os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=strike)
    outcome = "interrupted"
    calm = False
    while not calm:
        try:
            if not thread.ident:
                thread.start()
                act()
                outcome = "done"  # what comes now strikes the wait below
            thread.join()
            calm = True
        except KeyboardInterrupt:
            continue
        except Exception as problem:
            outcome = f"raised {problem!r}"
    return outcome


class Storm:
    """Strikes, and gathers complaints."""

    def __init__(self, strikes: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.strikes = strikes
        self.complaints: list[str] = []
        self.interrupted = 0
        self.calls = 0

    def gap(self) -> float:
        """Seconds, 0 to LONGEST; half of them short, when most things happen."""
        return LONGEST * float(self.rng.random()) ** (3 if self.rng.random() < 0.5 else 1)

    def strike(self, name: str, act: Act, n: int = 1) -> None:
        gaps = [self.gap()] + [self.gap() * float(self.rng.random()) ** 2 for _ in range(n - 1)]
        outcome = struck(act, gaps)
        self.interrupted += outcome == "interrupted"
        if outcome.startswith("raised"):
            self.complain(name, gaps, outcome)
        self.last = name, gaps

    def complain(self, name: str, gaps: list[float], what: str) -> None:
        self.complaints.append(
            f"{name}, struck after {', '.join(f'{g:.4f}' for g in gaps)}: {what}"
        )

    def jobs(self, n: int) -> tuple[list, list[str]]:
        """Programs no call has had before, right or wrong by chance, and their verdicts."""
        right = self.rng.random(n) < 0.5
        self.calls += 1
        jobs = []
        for i in range(n):
            answer = int(self.rng.integers(1 << 40))
            body = f"return {answer if right[i] else answer + 1}"
            jobs.append((f"def f(x):\n    {body}  # {self.calls}\n", [Case((i,), answer)], "f"))
        return jobs, ["passed" if one else "wrong" for one in right]

    def next_call_is_right(self, box: Sandbox) -> None:
        jobs, verdicts = self.jobs(8)
        try:
            got = [str(report.verdict) for report in box.grade_many(jobs)]
        except Exception as problem:
            got = [repr(problem)]
        if got != verdicts:
            self.complain(*self.last, f"the next call said {got}, not {verdicts}")

    def calls_to(self, name: str, workers: int, n: int = 1) -> None:
        """Interrupts during grade and grade_many of one sandbox."""
        before = children()
        box = Sandbox(Limits(seconds=1), workers=workers)
        for _ in range(self.strikes):
            if name == "grade":
                self.strike(name, lambda: box.grade(BUSY, [Case((1,), 1)] * 2, "f"), n)
            else:
                jobs, _ = self.jobs(40)
                jobs[::8] = [(BUSY, [Case((1,), 2)], "f")] * len(jobs[::8])
                self.strike(name, lambda jobs=jobs: box.grade_many(jobs), n)
            self.next_call_is_right(box)
        box.close()
        if left := orphans(before):
            self.complain(*self.last, f"processes {left} are left after close")

    def endings(self) -> None:
        """Interrupts during close: what it began, it ends."""
        before = children()
        for _ in range(self.strikes):
            box = Sandbox(workers=2)
            self.strike("close", box.close)
            box = None  # if the interrupt came before close had begun
            gc.collect()
            if left := orphans(before):
                self.complain(*self.last, f"processes {left} are left")

    def starts(self) -> None:
        """Interrupts during the start, and calls that come after a start that came through."""
        before = children()
        for _ in range(self.strikes):
            boxes: list[Sandbox] = []
            self.strike("start", lambda boxes=boxes: boxes.append(Sandbox(workers=2)))
            for box in boxes:
                self.next_call_is_right(box)
                box.close()
            if left := orphans(before):
                self.complain(*self.last, f"processes {left} are left")


def main(strikes: int = 100, seed: int = 0) -> list[str]:
    """All storms; the complaints."""
    storm = Storm(strikes, seed)
    handler = signal.getsignal(signal.SIGINT)
    folder = tempfile.mkdtemp()
    tempfile.tempdir = folder
    Sandbox().close()  # whatever stays open from now on was left
    descriptors = len(os.listdir("/proc/self/fd"))
    try:
        storm.calls_to("grade", workers=1)
        storm.calls_to("grade_many", workers=2)
        storm.calls_to("grade_many, twice", workers=2, n=2)
        storm.endings()
        storm.starts()
    finally:
        tempfile.tempdir = None
        signal.signal(signal.SIGINT, handler)
    if files := os.listdir(folder):
        storm.complaints.append(f"temporary files are left: {files}")
    os.rmdir(folder)
    gc.collect()
    if len(os.listdir("/proc/self/fd")) > descriptors:
        storm.complaints.append("descriptors are left open")
    if not storm.interrupted:
        storm.complaints.append("no interrupt came while anything was going on")
    print(f"{5 * strikes} strikes, {storm.interrupted} of them in the middle of something")
    return storm.complaints


if __name__ == "__main__":
    found = main(*map(int, sys.argv[1:]))
    print(*found, sep="\n")
    sys.exit(bool(found))
