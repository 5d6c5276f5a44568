"""The notebook's side of the worker processes: start them, talk to them, leave none behind.

`Worker` is a fork server (worker.py) with the pipes to it; `run_fresh` is what is used where the
system has no fork: one new interpreter for each program. Both return what was written and how the
process ended; neither knows verdicts.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.verification import wire
from helpers.verification.cases import Case, Limits
from helpers.verification.judge import ASLEEP, WALL

# Seconds that a worker may take beyond its programs' limits. It is lost only when it hangs: on a
# busy machine a program may wait many times its CPU limit for its turn, which is nobody's fault.
PATIENCE = 60.0
_STARTING = 1.0  # CPU seconds that a fresh interpreter may need before the program runs
# Bytes of messages for each case beside the output: an exception's text, escaped, and its frame.
_MESSAGE_ROOM = 4096

RawReport = tuple[str, float, bytes]  # fate in a word, CPU seconds, the child's messages


class LostError(Exception):
    """The worker is gone or answers no more."""


@dataclass
class Program:
    """One program to run: its place in the call, source, cases and entry point."""

    index: int
    source: str
    cases: Sequence[Case]
    entry: str
    guarded: bool = True
    losses: int = 0

    def as_text(self) -> str:
        """The job as JSON: no expected value in it."""
        fields = f'"source":{json.dumps(self.source)},"entry":{json.dumps(self.entry)}'
        inputs = ",".join(case.inputs for case in self.cases)
        flags = f'"guarded":{json.dumps(self.guarded)},"tagged":{json.dumps("{" in inputs)}'
        return f'{{{fields},{flags},"cases":[{inputs}]}}'


def request(programs: Sequence[Program], limits: Limits) -> bytes:
    """The message that asks a worker to run `programs`."""
    output = limits.output_kb * 1024
    most_cases = max(len(program.cases) for program in programs)
    numbers = {
        "seconds": limits.seconds,
        "asleep_seconds": ASLEEP * limits.seconds,
        "wall_seconds": WALL * limits.seconds,
        "memory_bytes": limits.memory_mb << 20,
        "output_bytes": output,
        "pipe_bytes": output + _MESSAGE_ROOM * (most_cases + 2),
    }
    jobs = ",".join(program.as_text() for program in programs)
    text = f'{{"limits":{json.dumps(numbers)},"programs":[{jobs}]}}'.encode("ascii")
    return wire.LENGTH.pack(len(text)) + text


def start_interpreter(*arguments: str) -> subprocess.Popen[bytes]:
    """A new interpreter that sees neither this one's modules nor its environment.

    As `python -I -S`, but with a fixed hash seed, which -I would ignore: the order of a set of
    texts, and so a verdict, must not change from one worker to the next.
    """
    keep = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    # LD_BIND_NOW: libraries look up their functions once, here, and not anew in every child.
    environment |= {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "LD_BIND_NOW": "1"}
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-S", str(Path(__file__).with_name("worker.py")), *arguments],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=tempfile.gettempdir(),
        start_new_session=os.name == "posix",  # the notebook's interrupt key is not for it
    )


class Worker:
    """A running fork server. It has one batch at a time, so that pipes can never fill up both ways.

    batch: the programs it was given and has not answered. layers: what it found to hold on this
    machine, known once `greet` has returned. Every request has a random number, which the worker
    returns with its answer and no program ever sees: an answer to another request, one that was
    interrupted, can never be taken for the answer to this one.
    """

    arguments: tuple[str, ...] = ()  # of the process; tests switch layers off with them

    def __init__(self) -> None:
        try:
            self.process = start_interpreter(*self.arguments)
        except OSError:  # no memory, descriptor or process left
            raise LostError from None
        self.batch: list[Program] = []
        self.deadline = 0.0
        self.layers: list[str] = []
        self._greeted = False
        self._number = b""
        self._buffer = bytearray()

    @property
    def idle(self) -> bool:
        """Whether it lives, has said hello, and owes no answer."""
        return self.process.poll() is None and self._greeted and not self.batch

    def greet(self) -> None:
        """Wait for the first message; LostError if there is none."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.output, selectors.EVENT_READ)
            deadline = time.monotonic() + PATIENCE
            while (answer := self._message()) is None:
                if not selector.select(deadline - time.monotonic()):
                    raise LostError
                self._fill()
        header, _ = answer
        self.layers = header["layers"]
        self._greeted = True

    @property
    def output(self) -> int:
        """Descriptor that is readable when the worker has answered."""
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def send(self, batch: list[Program], limits: Limits) -> None:
        """Hand over a batch; the worker is waiting for it, so this does not block for long.

        LostError if the worker has ended.
        """
        self.batch = batch
        # Twice the longest that the worker lets its programs take: it is lost when it hangs itself.
        self.deadline = time.monotonic() + PATIENCE + 2 * WALL * limits.seconds * len(batch)
        self._number = secrets.token_bytes(wire.NUMBER)
        view = memoryview(request(batch, limits) + self._number)
        assert self.process.stdin is not None
        try:
            while view:
                view = view[os.write(self.process.stdin.fileno(), view) :]
        except BrokenPipeError:
            raise LostError from None

    def receive(self) -> list[tuple[Program, RawReport]] | None:
        """The reports of the batch, or None while some are missing.

        LostError if the worker has ended, or answers anything but what it was asked.
        """
        self._fill()
        message = self._message()
        if message is None:
            return None
        header, bodies = message
        if header.get("number") != self._number.hex() or len(header["reports"]) != len(self.batch):
            raise LostError
        reports: list[RawReport] = []
        for fate, used, length in header["reports"]:
            reports.append((fate, used, bodies[:length]))
            bodies = bodies[length:]
        answered, self.batch = self.batch, []
        return list(zip(answered, reports, strict=True))

    def _fill(self) -> None:
        data = os.read(self.output, 1 << 20)
        if not data:
            raise LostError
        self._buffer += data

    def _message(self) -> tuple[Any, bytes] | None:
        size = wire.LENGTH.size
        if len(self._buffer) < size:
            return None
        (length,) = wire.LENGTH.unpack_from(self._buffer)
        if len(self._buffer) < size + length:
            return None
        content = bytes(self._buffer[size : size + length])
        del self._buffer[: size + length]
        (header,) = wire.LENGTH.unpack_from(content)
        return json.loads(content[size : size + header]), content[size + header :]

    def stop(self) -> None:
        """End the worker and its child: first by hanging up, then by force.

        A worker that has been hung up on kills its child and ends within milliseconds; one that
        has not done so after two seconds hangs.
        """
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_fresh(program: Program, limits: Limits) -> RawReport:
    """Run one program in a new interpreter; slower than a worker by a factor of twenty.

    CPU time is read from outside every 20 ms, since Windows has no limit on it. Here nobody sees
    whether the process sleeps, so the clock counts. OSError if the interpreter does not start.
    """
    message = request([program], limits)
    most = limits.output_kb * 1024 + _MESSAGE_ROOM * (len(program.cases) + 2)
    process = start_interpreter("once")
    fate: list[str] = []
    done = threading.Event()

    def watch() -> None:
        import psutil

        start = time.monotonic()
        while not fate and not done.wait(0.02):
            try:
                times = psutil.Process(process.pid).cpu_times()
            except psutil.Error:
                return
            if times.user + times.system > limits.seconds + _STARTING:
                fate.append("cpu")
            elif time.monotonic() - start > WALL * (limits.seconds + _STARTING):
                fate.append("wall")
        if fate:
            process.kill()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    assert process.stdin is not None
    assert process.stdout is not None
    body = b""
    try:
        try:
            view = memoryview(message)
            while view:
                view = view[process.stdin.write(view) :]
        except BrokenPipeError:
            pass
        process.stdin.close()
        while len(body) <= most and (part := process.stdout.read(1 << 16)):
            body += part
        if len(body) > most:
            fate.append("flood")
        else:
            process.wait()
    finally:
        done.set()
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
        watcher.join()
    code = process.returncode
    ended = "done" if code == 0 and _came_to_its_end(body) else f"exit {code}"
    return (fate or [ended if code >= 0 else f"signal {-code}"])[0], 0.0, body


def _came_to_its_end(body: bytes) -> bool:
    """Whether the last message is the one that ends a program."""
    position, kind = 0, b""
    while position + wire.FRAME.size <= len(body):
        kind, length = wire.FRAME.unpack_from(body, position)
        position += wire.FRAME.size + length
    return kind == b"."
