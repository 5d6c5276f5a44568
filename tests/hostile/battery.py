"""Runs the programs of this folder and says what was not as it should be.

Standard library only, so that a bare user without the course's environment can run it, with any
Python that the course supports:

    python battery.py FOLDER_OF_HELPERS

One line a program in *.jsonl: `program`, the verdicts allowed when it is `screened` and when it is
`unscreened` (a name or a list), and where they differ from the default `cases` ([[args], expected]
with {"wire": text} for what JSON cannot say), `expand` ([mark, text, times]: mark is replaced),
`n_passed`, `line`, `python` (the version whose syntax it needs), `then` ([[program, verdict], ...]:
programs graded in the same call after it, with the verdict that each should get, whatever the row
did), `memory_mb` (its limit, if not 64). Every message must be printable.

right.jsonl holds right programs in the styles that people and language models write: all of them
must pass, so they carry no verdicts. The other files hold hostile and broken ones.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TRACE = "hostile_was_here"  # the file that programs try to leave
CASES = [
    [[[3, 1, 2], 0], [1, 2, 3, 0]],
    [[[5, 4], 1], [4, 5, 1]],
    [[[], 2], [2]],
    [[[1, 1], 3], [1, 1, 3]],
]
SANE = "def f(a, b):\n    return sorted(a) + [b]\n"


def rows(every_version: bool = False) -> list[dict[str, Any]]:
    """All programs that this Python can read, with the file they come from as `kind`."""
    found = [
        {"screened": "passed", "unscreened": "passed", **json.loads(line), "kind": file.stem}
        if file.stem == "right"
        else {**json.loads(line), "kind": file.stem}
        for file in sorted(HERE.glob("*.jsonl"))
        for line in file.read_text(encoding="ascii").splitlines()
    ]
    if every_version:
        return found
    return [row for row in found if version_of(row) <= sys.version_info[:2]]


def version_of(row: dict[str, Any]) -> tuple[int, ...]:
    """The first Python that can read the row's program."""
    return tuple(map(int, row.get("python", "3.11").split(".")))


def source(row: dict[str, Any]) -> str:
    mark, text, times = row.get("expand", ["", "", 0])
    return row["program"].replace(mark, text * times) if mark else row["program"]


def cases(row: dict[str, Any]) -> list[Any]:
    from helpers.verification import Case, wire

    def is_wire(item: Any) -> bool:
        return isinstance(item, dict) and list(item) == ["wire"]

    def value(item: Any) -> Any:
        return wire.build(wire.parse(item["wire"])) if is_wire(item) else item

    return [Case(tuple(args), value(expected)) for args, expected in row.get("cases", CASES)]


def left_behind(sessions: set[int]) -> list[int]:
    """Processes that belong to one of the sessions (Linux; nowhere else can one look)."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        try:
            if name.isdigit() and os.getsid(int(name)) in sessions:
                found.append(int(name))
        except (ProcessLookupError, PermissionError):
            pass
    return found


def run(screen: bool, workers: int = 1) -> list[str]:
    """Complaints: wrong verdicts, harm to the next program, anything left behind."""
    from helpers.verification import Limits, Sandbox

    os.environ["HOSTILE_SECRET"] = "the programs must not see this"
    programs = rows()
    complaints = []
    for memory_mb in sorted({row.get("memory_mb", 64) for row in programs}):
        chosen = [row for row in programs if row.get("memory_mb", 64) == memory_mb]
        with Sandbox(Limits(0.5, memory_mb), workers=workers, screen=screen) as box:
            sessions = {worker.process.pid for worker in box._workers}
            complaints += run_in(box, chosen)
            if sessions != {worker.process.pid for worker in box._workers}:
                complaints.append("a program ended a worker")
        complaints += [f"process {pid} was left behind" for pid in left_behind(sessions)]
    for folder in {tempfile.gettempdir(), os.getcwd(), "/"}:
        if os.path.exists(os.path.join(folder, TRACE)):
            complaints.append(f"{folder} holds {TRACE}")
    return complaints


def run_in(box: Any, programs: list[dict[str, Any]]) -> list[str]:
    """Complaints about these programs and about what they do to the programs after them."""
    jobs, wanted = [], []
    for row in programs:
        name, own = f"{row['kind']}/{row['name']}", cases(row)
        jobs.append((source(row), own, "f"))
        wanted.append((name, row["screened" if box.screen else "unscreened"], row))
        for program, verdict in row.get("then", []):
            jobs.append((program, own, "f"))
            wanted.append((f"after {name}", verdict, {}))
        jobs.append((SANE, cases({}), "f"))
        wanted.append((f"after {name}", "passed", {}))
    complaints = []
    for (name, allowed, row), report in zip(wanted, box.grade_many(jobs), strict=True):
        if report.verdict not in ([allowed] if isinstance(allowed, str) else allowed):
            complaints.append(f"{name}: {allowed} expected, got {report}")
        for field in ("n_passed", "line"):
            if field in row and getattr(report, field) != row[field]:
                complaints.append(f"{name}: {field} {row[field]} expected, got {report}")
        if len(report.message) > 300 or not report.message.isprintable():
            complaints.append(f"{name}: too long or not printable: {report.message!r}")
    return complaints


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    everything = run(screen=True, workers=2) + run(screen=False, workers=2)
    print("\n".join(everything))
    print(f"ran as user {os.getuid()}: {len(everything)} complaints")
