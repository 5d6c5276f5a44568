"""The walls round a program that Python itself offers: limits, and an audit hook.

Standard library only. All that takes time is done once, in the worker; what a child calls puts one
layer in force for the calling process and its children, for good. OSError where the machine does
not offer a layer. Whether it really holds is not decided here but tried out (walls.py).

What they stop, and the kernel's filters with them (kernel.py). rlimits: memory, files growing, new
processes (not for root), CPU time without end. audit: opening files, sockets, processes, ctypes,
bytecode of one's own making, with the name of what was tried; native code passes it by. seccomp:
every system call outside a short list, so files, network, processes and signals. Landlock: files,
TCP and signals to other processes, the worker included. None of them is a promise against an error
in CPython's memory handling together with one in the kernel.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from helpers.verification import rules
from helpers.verification.wire import FRAME

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

ResourceLimits = list[tuple[int, tuple[int, int]]]  # kind of limit, (soft, hard)

PROGRAM = "<program>"  # the file name in tracebacks; there is no such file
RESULT_FD = 3  # the only descriptor a child keeps: the write end of its pipe

# --- rlimits ---------------------------------------------------------------------------------


def address_space() -> int:
    """Bytes of address space this process uses before any program runs (0 where unknown)."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def resource_limits(memory_bytes: int, cpu_seconds: float) -> ResourceLimits:
    """Memory (bytes), CPU (whole seconds, the last resort), no files, processes or core dumps.

    Computed in the worker, for `limit_resources` in the child; CPU seconds are rounded up, since
    the kernel counts whole ones. OSError where there are no rlimits.
    """
    if resource is None:
        raise OSError("no rlimits on this system")
    seconds = math.ceil(cpu_seconds)
    limits = {
        "RLIMIT_AS": (memory_bytes, memory_bytes),
        "RLIMIT_CPU": (seconds, seconds + 1),  # SIGXCPU, which can be ignored, then SIGKILL
        "RLIMIT_FSIZE": (0, 0),
        "RLIMIT_NOFILE": (8, 8),  # descriptors; the child has one, RESULT_FD
        "RLIMIT_NPROC": (0, 0),  # the only value that is safe where the user has other processes
        "RLIMIT_CORE": (0, 0),
    }
    plan = []
    for name, (soft, hard) in limits.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        ceiling = resource.getrlimit(kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        plan.append((kind, (soft, hard)))
    return plan


def limit_resources(plan: ResourceLimits) -> None:
    """Put what `resource_limits` computed in force."""
    for kind, pair in plan:
        with suppress(OSError, ValueError):  # macOS refuses RLIMIT_AS: the probe has said so
            resource.setrlimit(kind, pair)


# --- audit hook ------------------------------------------------------------------------------

# Harmless events; everything else ends the program. An allow-list, so new events are denied.
_HARMLESS = """
    array.__new__ builtins.id compile exec function.__new__ object.__delattr__
    object.__getattr__ object.__setattr__ sys._getframe sys._getframemodulename sys.excepthook
    sys.unraisablehook time.sleep
"""


def audit(fd: int) -> None:
    """From now on an event that is not harmless is written to `fd` and ends the process.

    Where the kernel's layers are missing this is the wall, so a program must not be able to
    switch it off. All that the hook uses is therefore fixed now, as defaults of its arguments:
    names of a module or of builtins can be replaced later, cells of a closure can be reached from
    the frame in the traceback of an exception raised here. Nothing of the program runs inside the
    hook: only exact strings, bytes and integers are looked at. It leaves by os._exit.
    """

    def hook(
        event: str,
        args: tuple[Any, ...],
        quiet: frozenset[str] = frozenset(_HARMLESS.split()),
        source: frozenset[str] = frozenset({PROGRAM, "<unknown>", "<string>"}),
        kind: type = type,
        plain: frozenset[type] = frozenset({str, bytes, int}),
        text: type = str,
        show: Callable[[object], str] = repr,
        size: Callable[[bytes], int] = len,
        pack_head: Callable[[bytes, int], bytes] = FRAME.pack,
        write: Callable[[int, bytes], int] = os.write,
        leave: Callable[[int], Any] = os._exit,
        no_file: type[OSError] = OSError,
        no_module: type[ImportError] = ModuleNotFoundError,
        far: frozenset[str] = rules.REACHING,
        target: int = fd,
    ) -> None:
        if event in quiet:
            return
        first: Any = args[0] if args else None
        if kind(first) is text:
            if event == "open" and first in source:  # Python itself, to show a source line
                raise no_file("there is no such file")
            if event == "import" and not (first in far or first.partition(".")[0] in far):
                raise no_module(f"No module named {first!r}", name=first)
        try:
            detail = show(first)[:80] if kind(first) in plain else ""  # it may be a megabyte
            words = f"{event}({detail})".encode("ascii", "backslashreplace")
            write(target, pack_head(b"f", size(words)) + words)
        finally:
            leave(0)

    sys.addaudithook(hook)


# --- what no audit hook sees -----------------------------------------------------------------

# What reaches outside, or loads native code, without an event for the audit hook.
_OF_OS = """
    mkfifo mknod pidfd_open sched_setaffinity sched_setparam sched_setscheduler setns setpgid
    setpriority sync unshare
"""
_SILENT = {
    "_imp": ("create_builtin",),
    "os": tuple(_OF_OS.split()),
    "posix": tuple(_OF_OS.split()),
    "signal": ("pidfd_send_signal",),
    "_signal": ("pidfd_send_signal",),
    "time": ("clock_settime", "clock_settime_ns"),  # the machine's clock, if root runs us
}


def forget_the_silent() -> None:
    """Take away, in a child without a filter, the ways out that the audit hook does not see."""
    for module, names in _SILENT.items():
        for name in names:
            vars(sys.modules.get(module, sys)).pop(name, None)
