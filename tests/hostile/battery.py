"""Runs the hostile programs of this folder and says what was not as it should be.

Standard library only, so that a bare user without the course's environment can run it:

    python battery.py FOLDER_OF_HELPERS

One line a program in *.jsonl: `program`, the verdicts allowed when it is `screened` and when it is
`unscreened` (a name or a list), and where they differ from the default `cases` ([[args], expected]
with {"wire": text} for what JSON cannot say), `expand` ([mark, text, times]: mark is replaced),
`n_passed`, `line`.
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


def rows() -> list[dict[str, Any]]:
    """All programs, with the file they come from as `kind`."""
    return [
        {**json.loads(line), "kind": file.stem}
        for file in sorted(HERE.glob("*.jsonl"))
        for line in file.read_text(encoding="ascii").splitlines()
    ]


def source(row: dict[str, Any]) -> str:
    mark, text, times = row.get("expand", ["", "", 0])
    return row["program"].replace(mark, text * times) if mark else row["program"]


def cases(row: dict[str, Any]) -> list[Any]:
    from helpers.verification import Case, wire

    def value(item: Any) -> Any:
        return wire.build(wire.parse(item["wire"])) if isinstance(item, dict) else item

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
    from helpers.verification import Limits, Sandbox, Verdict

    os.environ["HOSTILE_SECRET"] = "the programs must not see this"
    programs = rows()
    sane_cases = cases({})
    with Sandbox(Limits(seconds=0.25, memory_mb=64), workers=workers, screen=screen) as box:
        sessions = {worker.process.pid for worker in box._workers}
        jobs = []
        for row in programs:
            jobs += [(source(row), cases(row), "f"), (SANE, sane_cases, "f")]
        reports = box.grade_many(jobs)
        if sessions != {worker.process.pid for worker in box._workers}:
            return ["a program ended a worker"]
    complaints = []
    for row, report, after in zip(programs, reports[::2], reports[1::2], strict=True):
        allowed = row["screened" if screen else "unscreened"]
        name = f"{row['kind']}/{row['name']}"
        if report.verdict not in ([allowed] if isinstance(allowed, str) else allowed):
            complaints.append(f"{name}: {allowed} expected, got {report}")
        for field in ("n_passed", "line"):
            if field in row and getattr(report, field) != row[field]:
                complaints.append(f"{name}: {field} {row[field]} expected, got {report}")
        if len(report.message) > 300:
            complaints.append(f"{name}: a message of {len(report.message)} characters")
        if after.verdict is not Verdict.PASSED:
            complaints.append(f"{name}: the next program got {after}")
    complaints += [f"process {pid} was left behind" for pid in left_behind(sessions)]
    for folder in {tempfile.gettempdir(), os.getcwd(), "/"}:
        if os.path.exists(os.path.join(folder, TRACE)):
            complaints.append(f"{folder} holds {TRACE}")
    return complaints


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    everything = run(screen=True, workers=2) + run(screen=False, workers=2)
    print("\n".join(everything))
    print(f"ran as user {os.getuid()}: {len(everything)} complaints")
