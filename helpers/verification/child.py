"""What happens inside the process that runs programs: it calls them and says what they returned.

Runs only in the worker's forked children (or, without fork, in a fresh interpreter); never in the
notebook. Standard library only. It gets sources and inputs, nothing else: it holds no expected
value and gives no verdict, so whatever a program does to it, it can only claim an output.

Messages on the pipe: v the answer of the next case, s does not compile, l failed while loading,
o too much output, m out of memory, f forbidden event, . end of the program. An answer is a value
as wire.py writes it, or {"x": [...]} for an exception.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from helpers.verification import facades, layers, wire

Leave = Callable[[int], NoReturn]  # os._exit, bound before a program can replace the name


class Channel:
    """The child's end of the pipe. It counts what a program prints and returns.

    Every answer is written at once, so that nothing is lost if the program ends the process.
    """

    def __init__(self, fd: int, room: int) -> None:
        self.fd, self.room = fd, room

    def send(self, kind: bytes, payload: str = "") -> None:
        content = payload.encode("ascii", "backslashreplace")
        message = wire.FRAME.pack(kind, len(content)) + content
        while message:
            message = message[os.write(self.fd, message) :]

    def stop(self, kind: bytes, payload: str = "", leave: Leave = os._exit) -> NoReturn:
        """The last message of a child that must not go on; no `except` can catch it."""
        self.send(kind, payload)
        leave(0)

    def spend(self, amount: int) -> None:
        self.room -= amount
        if self.room < 0:
            self.stop(b"o")


class Printed(io.TextIOBase):
    """Takes the place of sys.stdout and sys.stderr: counts the text and drops it."""

    encoding = "utf-8"

    def __init__(self, channel: Channel) -> None:
        self._spend = channel.spend

    @property
    def buffer(self) -> io.BufferedIOBase:
        return _PrintedBytes(self._spend)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._spend(len(text) if text.isascii() else len(text.encode("utf-8", "replace")))
        return len(text)

    def writable(self) -> bool:
        return True


class _PrintedBytes(io.BufferedIOBase):
    """The `buffer` of Printed."""

    def __init__(self, spend: Callable[[int], None]) -> None:
        self._spend = spend

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._spend(size)
        return size

    def writable(self) -> bool:
        return True


def describe(problem: BaseException) -> str:
    """[type, message, last line inside the program] as JSON; the message may be hostile."""
    try:
        text = str(problem)
    except BaseException:
        text = ""
    line = None
    if type(problem) in (SyntaxError, IndentationError, TabError):
        text, line = problem.msg, problem.lineno  # type: ignore[attr-defined]
    trace = sys.exc_info()[2]
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == layers.PROGRAM:
            line = trace.tb_lineno
        trace = trace.tb_next
    line = line if type(line) is int else None
    name = wire.type_name(type(problem))
    # The notebook shows 100 characters; a megabyte need not travel for them.
    return json.dumps([name[:80], text[:300] if type(text) is str else "", line])


def run(job: dict[str, Any], channel: Channel) -> NoReturn:
    """Run one program in this process, which is locked in; then end the process."""
    facades.give_streams(Printed(channel))
    gc.enable()
    began = time.process_time()
    module = ModuleType("program")  # where dataclasses and typing look for its names
    namespace = vars(module)
    namespace["__builtins__"] = facades.SCREENED if job["guarded"] else facades.EVERYTHING
    sys.modules["program"] = module
    try:
        code = facades.compiled(job["source"], job["guarded"])
    except MemoryError:
        channel.stop(b"m")
    except BaseException as problem:
        channel.send(b"s", describe(problem))
    else:
        facades.read_texts(job["guarded"])
        if _load(code, namespace, channel):
            _call(namespace, job, channel)
        facades.read_texts(False)
    channel.stop(b".", repr(time.process_time() - began))


def _load(code: Any, namespace: dict[str, Any], channel: Channel) -> bool:
    try:
        exec(code, namespace)
    except MemoryError:
        channel.stop(b"m")
    except BaseException as problem:
        channel.send(b"l", describe(problem))
        return False
    return True


def _call(namespace: dict[str, Any], job: dict[str, Any], channel: Channel) -> None:
    """Call the entry point; every case is reported as soon as it is known."""
    entry = job["entry"]
    if entry not in namespace:
        channel.send(b"l", json.dumps(["NameError", f"name '{entry}' is not defined", None]))
        return
    function = namespace[entry]
    for case in job["cases"]:
        arguments = wire.build(case) if job["tagged"] else case
        try:
            value = function(*arguments)
            text = wire.encode(value, channel.room, strict=False)
        except MemoryError:
            channel.stop(b"m")
        except wire.TooLargeError:
            channel.stop(b"o")
        except BaseException as problem:
            channel.send(b"v", f'{{"x":{describe(problem)}}}')
        else:
            channel.spend(len(text))
            channel.send(b"v", text)


def warm_up() -> None:
    """Import what programs may use, so that children share it and never touch a file."""
    _import_random()
    facades.build()
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(1020)  # the usual 1000, and what stands below a program's first frame


def _import_random() -> None:
    """The module `random`, in the same state for every program that does not seed it.

    It asks to be seeded by the system in every child, which would make a verdict depend on chance,
    as the order of a set of texts would without a fixed hash seed; and a tenth of a child's cost.
    """
    if not hasattr(os, "register_at_fork"):
        return
    register = os.register_at_fork
    os.register_at_fork = lambda **hooks: None
    try:
        random = importlib.import_module("random")
    finally:
        os.register_at_fork = register
    random.seed(0)


class _Nowhere(Channel):
    """Leads nowhere and ends nothing: for the rehearsal."""

    def __init__(self) -> None:
        super().__init__(-1, 1 << 16)

    def send(self, kind: bytes, payload: str = "") -> None:
        content = payload.encode("ascii", "backslashreplace")
        wire.FRAME.pack(kind, len(content))

    def stop(self, kind: bytes, payload: str = "", leave: Leave = os._exit) -> Any:
        self.send(kind, payload)


_REHEARSED = """def f(xs):
    xs = sorted([x + 1 for x in xs if x > 0])
    if not xs:
        raise ValueError(f"{xs}")
    return xs[1:] + [len(xs)]
"""


def rehearse() -> None:
    """Run a program of our own a few times in the worker itself.

    The interpreter adapts code that runs often, and fills its caches, by writing into memory. What
    it has written here need not be written, and its pages copied, in every child.
    """
    # The interpreter adapts a function after several calls: twenty rounds, screened and not, with
    # plain inputs and tagged ones.
    job = {"source": _REHEARSED, "entry": "f", "cases": [[[3, 1, 2]], [[]]] * 10}
    for round_ in range(20):
        run({**job, "guarded": round_ % 2 == 0, "tagged": round_ < 10}, _Nowhere())
    facades.take_streams_back()  # or every child would drop those of the last round
    del sys.modules["program"]
