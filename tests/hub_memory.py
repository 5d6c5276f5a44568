"""What a class on a hub takes of the machine: memory of each learner, of all, and processor time.

Memory is the proportional set size of Linux: a page that several processes share is counted to each
in part, so that the sum over all is what the machine holds. What one process has at most is its own
count of all its pages, shared or not.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import psutil

EVERY = 1.0  # seconds from one look to the next


def memory(rollup: str) -> tuple[float, float]:
    """Megabytes of a process by its /proc/PID/smaps_rollup: (its share, all its pages)."""
    lines = (line.split() for line in rollup.splitlines())
    sizes = {words[0]: int(words[1]) for words in lines if len(words) == 3 and words[2] == "kB"}
    return sizes["Pss:"] / 1024, sizes["Rss:"] / 1024


class Watch:
    """Looks every second at all processes of the users `uids` and at those of the process `hub`.

    uids: name -> the number of a user. Use it as a context; `found` is there when it is over.
    """

    def __init__(self, uids: Mapping[str, int], hub: int) -> None:
        self._owners, self._hub = {uid: name for name, uid in uids.items()}, hub
        self._most: dict[str, float] = defaultdict(float)  # megabytes
        self._first: dict[tuple[int, float], float] = {}  # a process -> seconds of a core so far
        self._last: dict[tuple[int, float], float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Watch:
        self._begun, self._busy = time.monotonic(), busy_seconds()
        self._look()
        self._first = dict(self._last)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()
        self._took, self._busy = time.monotonic() - self._begun, busy_seconds() - self._busy

    def processes(self) -> list[psutil.Process]:
        """The learners' processes, then those of the hub and its proxy."""
        all_ = list(psutil.process_iter(["uids"]))
        theirs = [one for one in all_ if one.info["uids"].real in self._owners]
        try:
            hub = psutil.Process(self._hub)
            return [*theirs, hub, *(one for one in hub.children(True) if one not in theirs)]
        except psutil.NoSuchProcess:
            return theirs

    def found(self) -> dict[str, float]:
        """Megabytes at most, and seconds of a core: a learner, and all of the machine's others."""
        ours = sum(self._last[one] - self._first.get(one, 0.0) for one in self._last)
        return {
            "server_mb": self._most["server"],
            "kernel_mb": self._most["kernel"],
            "learner_mb": max(
                (self._most[f"of {name}"] for name in self._owners.values()), default=0.0
            ),
            "all_learners_mb": self._most["learners"],
            "hub_mb": self._most["hub"],
            "cpu_seconds": ours,
            "others_cpu_seconds": max(0.0, self._busy - ours),
        }

    def _look_on(self) -> None:
        while not self._stop.wait(EVERY):
            self._look()

    def _look(self) -> None:
        now: dict[str, float] = defaultdict(float)
        for process in self.processes():
            try:
                owner = self._owners.get(process.uids().real)
                kind = "kernel" if "ipykernel_launcher" in process.cmdline() else "server"
                times, identity = process.cpu_times(), (process.pid, process.create_time())
                share, pages = memory(Path(f"/proc/{process.pid}/smaps_rollup").read_text())
            except (psutil.Error, OSError, KeyError):  # it has ended meanwhile
                continue
            self._last[identity] = times.user + times.system
            for part in ("learners", f"of {owner}") if owner else ("hub",):
                now[part] += share
            if owner:
                now[kind] = max(now[kind], pages)
        for part, size in now.items():
            self._most[part] = max(self._most[part], size)


def busy_seconds() -> float:
    """Seconds that all cores of this machine have computed since it was started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - times.guest)
