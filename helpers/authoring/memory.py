"""How much memory a learner needs: from lessons/budget.json, for lesson 00 and the page for hubs.

Kernels are what fills a learner's machine, since one that is left behind keeps what it holds. Two
of the largest are planned for: the lesson of today, and that of yesterday that nobody shut down. So
is a command of the course in a terminal: who goes above a limit loses a kernel without a word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from statistics import median_high as median
from typing import Any

from helpers.authoring.catalogue import Entry

Measured = Mapping[str, Mapping[str, float]]
SERVER_MB = 160  # at most 157 MB of one on a hub, with its page open (tests/hub.py)
COMMAND_MB = 230  # `course doctor` took 227, the most of those that a learner types
LENT_MB = 2048  # what Binder lends a learner at most
STEP_MB = 512  # limits are set in halves of a gigabyte
CLASSES = (8, 20, 40)  # learners
ROUNDED_MB = 10  # so that pages do not change with every measurement


def kernels(measured: Measured) -> list[int]:
    """Megabytes that the kernel of each numbered lesson holds at most, rounded up, smallest first.

    ValueError where no lesson was measured.
    """
    found = [cost["memory_mb"] for stem, cost in measured.items() if re.match(r"\d\d-", stem)]
    if not found:
        raise ValueError("lessons/budget.json has no lesson: course budget --record")
    return sorted(_up(one, ROUNDED_MB) for one in found)


def memory_values(measured: Measured) -> dict[str, int]:
    """What `{{ budget.* }}` may name of all lessons together, in megabytes and in kernels."""
    if not measured:
        return {}
    held = kernels(measured)
    room = LENT_MB - SERVER_MB
    return {
        "smallest_kernel_mb": held[0],
        "largest_kernel_mb": held[-1],
        "kernels_that_fit": room // held[-1],
        "usual_kernels_that_fit": room // median(held),
    }


def per_learner(measured: Measured) -> dict[str, int]:
    """Megabytes a learner: `guarantee` for a server and the largest kernel, `limit` for all."""
    held = kernels(measured)
    return {
        "guarantee": _up(SERVER_MB + held[-1], STEP_MB),
        "limit": _up(SERVER_MB + sum(held[-2:]) + COMMAND_MB, STEP_MB),
    }


def hub_table(measured: Measured, entries: Mapping[str, Entry]) -> str:
    """What a hub has to give, as Markdown: for each lesson, for a learner, and for a class."""
    return "\n".join(_hub_lines(measured, entries))


def _hub_lines(measured: Measured, entries: Mapping[str, Entry]) -> Iterator[str]:
    asked = per_learner(measured)
    yield "| lesson | processor seconds, all cells | memory of its kernel, MB |"
    yield "|---|---|---|"
    for entry in entries.values():
        if cost := measured.get(entry.stem or ""):
            seconds, memory = math.ceil(cost["cpu_seconds"]), _up(cost["memory_mb"], ROUNDED_MB)
            yield f"| {entry.number} {entry.text('title')} | {seconds} | {memory} |"
    yield ""
    yield f"JupyterLab itself: {SERVER_MB} MB. So give each learner"
    yield ""
    yield f"- a guarantee of **{asked['guarantee']} MB**: JupyterLab and the largest kernel,"
    yield f"- a limit of **{asked['limit']} MB**: JupyterLab, the two largest, because the"
    yield f"  kernel of yesterday is often still there, and {COMMAND_MB} MB for a command in a"
    yield "  terminal,"
    yield "- one processor core at most, since lessons compute on one thread."
    yield ""
    yield "For a class that opens one lesson together, everybody with one kernel:"
    yield ""
    yield "| learners | memory for the largest kernel, GB | for the median kernel, GB |"
    yield "|---|---|---|"
    held = kernels(measured)
    for learners in CLASSES:
        needed = (
            math.ceil(learners * (SERVER_MB + one) / 1024) for one in (held[-1], median(held))
        )
        yield f"| {learners} | {' | '.join(map(str, needed))} |"


def tried_table(tried: Mapping[str, Any], measured: Measured) -> str:
    """What a class on a real hub took, beside what `hub_table` promises, as Markdown.

    tried: what tests/hub.py recorded. KeyError where its lesson has no measurement in `measured`.
    """
    return "\n".join(_tried_lines(tried, measured))


def _tried_lines(tried: Mapping[str, Any], measured: Measured) -> Iterator[str]:
    learners, lesson = tried["learners"], tried["lesson"]
    kernel = _up(measured[lesson]["memory_mb"], ROUNDED_MB)
    called = {"jupyterhub": "JupyterHub", "configurable-http-proxy": "configurable-http-proxy",
              "jupyterlab": "JupyterLab", "python": "Python"}  # fmt: skip
    versions = ", ".join(f"{name} {tried['versions'][key]}" for key, name in called.items())
    yield f"On {tried['date']} {learners} users of one machine took lesson {lesson[:2]} at once, on"
    yield f"{tried['cores']} cores and {tried['memory_gb']} GB of memory, with {versions}."
    if not tried["installed"]:
        yield "The packages were those of an environment that `make test` had made: the lines of"
        yield "this page that call `pip` did not run."
    yield ""
    yield "| memory at most, MB | planned for | measured |"
    yield "|---|---|---|"
    for what, planned, key in (
        ("JupyterLab of one learner", SERVER_MB, "server_mb"),
        (f"kernel of lesson {lesson[:2]}", kernel, "kernel_mb"),
        ("one learner, all processes", per_learner(measured)["guarantee"], "learner_mb"),
        (f"all {learners} learners", learners * (SERVER_MB + kernel), "all_learners_mb"),
        ("hub and proxy", "", "hub_mb"),
    ):
        yield f"| {what} | {planned} | {math.ceil(tried[key])} |"
    yield ""
    yield f"All servers answered {math.ceil(tried['start_seconds'])} s after they were asked for,"
    yield f"and the lesson took {math.ceil(tried['lesson_seconds'])} s from its first cell to the"
    yield f"last one of the last learner: {math.ceil(tried['cpu_seconds'])} s of a core for all of"
    yield f"them and the hub, while other programs took {math.ceil(tried['others_cpu_seconds'])} s."


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step
