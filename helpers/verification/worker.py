"""The process between the notebook and the programs: a warm fork server.

Started by sandbox.py as a fresh interpreter without site packages, never imported by the course
and never a fork of the notebook. Standard library only. It imports what programs may use, shuts
itself off from files and network, tries out which walls hold on this machine, and says so. Then
it reads requests, forks a child for every single program, and answers with what the children
wrote: a bounded amount, of which it understands only where one message ends.

With the argument `once` it runs one program in its own process instead (where there is no fork).
Any other arguments name layers to go without, for tests of those that remain.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from helpers.verification import child, wire
from helpers.verification.walls import KERNEL, Limits, Walls

sys.path.pop(0)  # programs find the standard library only

# Seconds between two looks at a child that runs. Most programs end before the first, and a look
# that comes late lets nobody write more, since a pipe that is full stops the child.
DRAIN = 0.005
STILL = 0.2  # a child that used a smaller share of the time since the last look may be asleep
WORKING = "RD"  # states of a process that runs or waits for its turn, or for a page of its memory
NAP = 0.0002  # seconds between two tries to collect a child that is ending
# Bytes: as many as a pipe holds. Room for more, taken for every child, lay at the end of the heap;
# the small objects that came to lie behind it held it there, and the heap grew with every request.
PIPE = 1 << 16
LINGER = 0.1  # seconds that a child may take to end after it has closed its pipe
BROKEN = 70  # exit code of a child whose own code failed: the program took it apart

Job = dict[str, Any]
Report = tuple[str, float, bytes]  # fate in a word, CPU seconds, messages


# --- one child -------------------------------------------------------------------------------


def run_child(job: Job, limits: Limits, walls: Walls, *others: deque[Job] | list[Report]) -> Report:
    """Fork a child for one program; what it wrote, and how it ended.

    others: lists of what belongs to other programs. They are emptied in the child, where a program
    can walk up the frames: it could run a neighbour's source, or say what a neighbour has answered.
    """
    pipe, write_end = os.pipe()
    leave = os._exit  # a program may replace the name in the module
    pid = os.fork()
    if pid == 0:
        try:
            for belongings in others:
                belongings.clear()
            os.setpgid(0, 0)
            walls.die_with_parent()
            child.run(job, walls.close_in(write_end, limits))
        finally:
            leave(BROKEN)
    os.close(write_end)
    os.set_blocking(pipe, False)
    body = bytearray()
    reason = follow(pid, pipe, body, limits)
    used = cpu(pid)
    fate = end_child(pid, reason)
    os.close(pipe)
    position, kind = last_message(body, limits["pipe_bytes"])
    if kind == b"." or position > limits["pipe_bytes"]:
        fate = "done" if kind == b"." else "flood"
    return fate, used, bytes(body[:position])


def cpu(pid: int) -> float:
    """CPU seconds of a child; 0 where its clock cannot be read (there RLIMIT_CPU counts)."""
    try:
        # The number that clock_getcpuclockid(3) would give: of the whole process, as scheduled.
        return time.clock_gettime((~pid << 3) | 2)
    except (AttributeError, OSError):
        return 0.0


def follow(pid: int, pipe: int, body: bytearray, limits: Limits) -> str:
    """Gather in `body` what the child writes until it ends or must be ended; returns why.

    "ended" (it has closed the pipe), "flood", "cpu", "asleep", "wall", or "abandoned" by the
    notebook. The limits are in CPU seconds, seconds and bytes (processes.py).

    The pipe holds 64 KiB, so there is no need to wake up for every answer: the wait is for the
    end of the child, with a look from time to time.
    """
    poller = select.poll()
    poller.register(pipe, 0)  # nothing but: the child has closed it
    poller.register(0, 0)  # nothing but: the notebook is gone
    now = start = time.monotonic()
    used = slept = 0.0
    while True:
        ready = poller.poll(1000 * DRAIN)
        if any(descriptor == 0 for descriptor, _ in ready):
            return "abandoned"
        if drain(pipe, body):
            return "ended"
        if len(body) > limits["pipe_bytes"]:
            return "flood"
        used, before = cpu(pid), used
        if used > limits["seconds"]:
            return "cpu"
        now, last = time.monotonic(), now
        if used - before < STILL * (now - last):
            state = state_of(pid)
            if state == "":
                if now - start > limits["wall_seconds"]:
                    return "wall"
            elif state not in WORKING:
                slept += min(now - last, 2 * DRAIN)  # longer: this process waited for its turn
                if slept > limits["asleep_seconds"]:
                    return "asleep"


def state_of(pid: int) -> str:
    """The letter of a process's state as in `ps`; empty where there is no /proc."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return chr(file.read().rpartition(b") ")[2][0])
    except (OSError, IndexError):
        return ""


def drain(pipe: int, body: bytearray) -> bool:
    """Take in what the pipe holds; whether its other end is closed."""
    try:
        data = os.read(pipe, PIPE)
    except BlockingIOError:
        return False
    body += data
    return not data


def last_message(body: bytearray, most: int) -> tuple[int, bytes]:
    """Where the last message that counts ends, and its kind.

    What follows the message that ends a program cannot come from the child's own code. A message
    that says it is longer than `most` ends behind it, whether it came or not.
    """
    position, kind = 0, b""
    while kind != b"." and len(body) >= position + wire.FRAME.size:
        following, length = wire.FRAME.unpack_from(body, position)
        end = position + wire.FRAME.size + length
        if end > most:
            return end, b""
        if len(body) < end:
            break
        position, kind = end, following
    return position, kind


def end_child(pid: int, reason: str) -> str:
    """Leave nothing behind of a child and its process group; its fate in a word."""
    deadline = time.monotonic() + (LINGER if reason == "ended" else 0.0)
    while not (ended := os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
        if time.monotonic() >= deadline:
            break
        time.sleep(NAP)
    # The child is not collected yet, so its number cannot belong to anybody else.
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    if reason == "abandoned":
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not ended:
        return "closed" if reason == "ended" else reason
    if code == BROKEN:
        return "broken"
    return f"exit {code}" if code >= 0 else f"signal {-code}"


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
    # In parts: os.read makes room for all that it is asked for before anything has come.
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


def serve(without: list[str]) -> NoReturn:
    """The fork server: say hello, then answer batch after batch until the notebook hangs up."""
    # In this order: what all children use lies together in memory, and few pages are copied.
    walls = Walls(without)
    child.warm_up()
    walls.try_out()
    if not walls.hold_native_code:  # once more, without the module that gives native code
        os.execv(sys.executable, [*sys.orig_argv, *KERNEL])
    child.rehearse()
    freeze()
    send({"layers": walls.in_force}, [])
    while (message := receive()) is not None:
        walls.prepare(message["limits"])
        waiting, reports = deque(message.pop("programs")), list[Report]()
        while waiting:
            job = waiting.popleft()
            reports.append(run_child(job, message["limits"], walls, waiting, reports))
        # Read only now: no child was forked from a process that knew the number.
        number = read_exactly(wire.NUMBER).hex()
        answers = [[fate, used, len(body)] for fate, used, body in reports]
        header = {"number": number, "reports": answers}
        send(header, [body for _, _, body in reports])
    os._exit(0)


def freeze() -> None:
    """Everything loaded so far stays out of the garbage collector, and out of copied pages.

    This process makes no cycles, so it collects nothing; a child switches the collector on again.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


def run_once() -> NoReturn:
    """One program in this very process; its messages go to standard output."""
    message = receive()
    (job,) = message["programs"]
    child.warm_up()
    walls = Walls(without=KERNEL)
    walls.prepare(message["limits"])
    child.run(job, walls.close_in(1, message["limits"]))


if __name__ == "__main__":
    if sys.argv[1:] == ["once"]:
        run_once()
    serve(without=sys.argv[1:])
