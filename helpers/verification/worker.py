"""The process between the notebook and the programs: a warm fork server.

Started by sandbox.py as a fresh interpreter without site packages, never imported by the course
and never a fork of the notebook. Standard library only. It imports what programs may use, shuts
itself off from files and network, tries out which walls hold on this machine, and says so. Then
it reads batches of programs, forks one child for each batch, and answers with what the children
wrote: a bounded amount, of which it understands only where one message ends.

With the argument `once` it runs one program in its own process instead (where there is no fork).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from helpers.verification import child, layers, wire
from helpers.verification.walls import Limits, Walls

sys.path.pop(0)  # programs find the standard library only

NAP = 0.001  # seconds: let messages gather instead of waking up for each of them
SUSPICION = 0.1  # share of the CPU limit after which a program is taken out of its batch
BROKEN = 70  # exit code of a child whose own code failed: the program took it apart
LINGER = 0.1  # seconds that a child may take to end after it has closed its pipe

Job = dict[str, Any]
Report = tuple[str, float, bytes]  # fate in a word, CPU seconds, messages


# --- one child -------------------------------------------------------------------------------


class Watch:
    """Follows one child: how far it is, how much CPU it has used, how it ended."""

    def __init__(self, pid: int, pipe: int, count: int, limits: Limits) -> None:
        self.pid, self.pipe, self.count = pid, pipe, count
        self.buffer = bytearray()
        self.position = 0  # end of the last complete message of the current program
        self.finished: list[Report] = []
        self.cpu_limit = limits["seconds"] * (1 if count == 1 else SUSPICION)
        self.wall_limit = limits["wall_seconds"]
        self.flood = limits["pipe_bytes"]
        self.begin()

    def begin(self) -> None:
        self.cpu_start, self.wall_start = self.cpu(), time.monotonic()

    def cpu(self) -> float:
        """CPU seconds of the child; 0 where its clock cannot be read (there RLIMIT_CPU counts)."""
        try:
            return time.clock_gettime((~self.pid << 3) | 2)
        except (AttributeError, OSError):
            return 0.0

    def used(self) -> float:
        """CPU seconds of the current program."""
        return max(0.0, self.cpu() - self.cpu_start)

    def follow(self) -> str:
        """Until the child has ended or must be ended; returns why."""
        poller = select.poll()
        poller.register(self.pipe, select.POLLIN)
        poller.register(0, 0)  # nothing but: the notebook is gone
        while True:
            cpu_left = self.cpu_limit - self.used()
            wall_left = self.wall_limit - (time.monotonic() - self.wall_start)
            if cpu_left <= 0:
                return "cpu"
            if wall_left <= 0:
                return "wall"
            for descriptor, _ in poller.poll(1000 * min(cpu_left, wall_left) + 1):
                if descriptor == 0:
                    return "abandoned"
                if reason := self.read():
                    return reason

    def read(self) -> str:
        """Take in what the child wrote; a reason to stop following it, or nothing."""
        if self.count > 1:
            time.sleep(NAP)
        data = os.read(self.pipe, 1 << 20)
        if not data:
            return "ended"
        self.buffer += data
        while len(self.buffer) >= self.position + wire.FRAME.size:
            kind, length = wire.FRAME.unpack_from(self.buffer, self.position)
            end = self.position + wire.FRAME.size + length
            if end > self.flood:
                return "flood"
            if len(self.buffer) < end:
                break
            self.position = end
            if kind == b".":
                self.finish("done")
                if len(self.finished) == self.count:
                    return "done"
        return ""

    def finish(self, fate: str) -> None:
        """Close the record of the current program; what follows belongs to the next one."""
        self.finished.append((fate, self.used(), bytes(self.buffer[: self.position])))
        del self.buffer[: self.position]
        self.position = 0
        self.begin()


def run_child(batch: list[Job], limits: Limits, walls: Walls) -> list[Report]:
    """Fork a child for `batch`; the reports of the programs that came to an end in it.

    A program alone always gets a report; one that ends the child of a batch gets none here.
    """
    pipe, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            layers.die_with_parent()
            child.run_all(batch, walls.close_in(write_end, limits, len(batch)))
        finally:
            os._exit(BROKEN)
    os.close(write_end)
    with contextlib.suppress(OSError):  # the child was faster
        os.setpgid(pid, pid)
    watch = Watch(pid, pipe, len(batch), limits)
    reason = watch.follow()
    used = watch.used()
    fate = end_child(pid, reason)
    os.close(pipe)
    if len(batch) == 1 and not watch.finished:
        watch.finished.append((fate, used, bytes(watch.buffer[: watch.position])))
    return watch.finished


def end_child(pid: int, reason: str) -> str:
    """Leave nothing behind of a child and its process group; its fate in a word."""
    found = status = 0
    if reason == "ended":
        deadline = time.monotonic() + LINGER
        while not found and time.monotonic() < deadline:
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                time.sleep(NAP)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if reason == "abandoned":
        os._exit(0)
    if not found:
        os.waitpid(pid, 0)
        return "closed" if reason == "ended" else reason
    code = os.waitstatus_to_exitcode(status)
    if code == BROKEN:
        return "broken"
    return f"exit {code}" if code >= 0 else f"signal {-code}"


def run_batch(batch: list[Job], limits: Limits, walls: Walls) -> list[Report]:
    """The reports of all programs of `batch`, in order.

    A program that ends its child, or uses too much CPU for a batch, is run again alone.
    """
    reports: list[Report] = []
    while len(reports) < len(batch):
        rest = batch[len(reports) :]
        if len(rest) > 1:
            reports += run_child(rest, limits, walls)
        if len(reports) < len(batch):
            reports.append(run_alone(batch[len(reports)], limits, walls))
    return reports


def run_alone(job: Job, limits: Limits, walls: Walls) -> Report:
    """The report of one program in a child of its own.

    The clock on the wall has to find it late twice: a child that the machine keeps waiting for
    its turn looks just like one that sleeps.
    """
    report = run_child([job], limits, walls)[0]
    return run_child([job], limits, walls)[0] if report[0] == "wall" else report


# --- talking to the notebook -----------------------------------------------------------------


def receive() -> Any:
    """The next message from the notebook; None where it has hung up."""
    data = read_exactly(wire.LENGTH.size)
    if len(data) < wire.LENGTH.size:
        return None
    (length,) = wire.LENGTH.unpack(data)
    data = read_exactly(length)
    return json.loads(data) if len(data) == length else None


def read_exactly(length: int) -> bytes:
    """`length` bytes of standard input; fewer only where the notebook has hung up."""
    parts = []
    while length and (part := os.read(0, min(length, 1 << 20))):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def send(header: Any, bodies: list[bytes]) -> None:
    """A header as JSON, then the children's messages as they came."""
    text = json.dumps(header).encode("ascii")
    message = b"".join([wire.LENGTH.pack(len(text)), text, *bodies])
    view = memoryview(wire.LENGTH.pack(len(message)) + message)
    while view:
        view = view[os.write(1, view) :]


def serve() -> NoReturn:
    """The fork server: say hello, then answer batch after batch until the notebook hangs up."""
    walls = Walls()
    walls.try_out()
    child.freeze()
    send({"layers": walls.in_force}, [])
    while (message := receive()) is not None:
        reports = run_batch(message["programs"], message["limits"], walls)
        header = [[fate, used, len(body)] for fate, used, body in reports]
        send(header, [body for _, _, body in reports])
    os._exit(0)


def run_once() -> NoReturn:
    """One program in this very process; its messages go to standard output."""
    message = receive()
    channel = Walls().close_in(1, message["limits"], 1)
    child.run_all(message["programs"], channel)
    os._exit(0)


if __name__ == "__main__":
    child.warm_up()
    if sys.argv[1:] == ["once"]:
        run_once()
    serve()
