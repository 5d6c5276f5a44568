"""The walls round a program: limits, audit hook and, on Linux, seccomp and Landlock.

Standard library only: the kernel's two filters are reached through ctypes, without privileges and
without a library. All that takes time is done once, in the worker; what a child calls puts one
layer in force for the calling process and its children, for good. OSError where the machine does
not offer a layer. Whether it really holds is not decided here but tried out (walls.py).

What they stop. rlimits: memory, files growing, new processes (not for root), CPU time without
end. audit: opening files, sockets, processes, ctypes, with the name of what was tried; native
code passes it by. seccomp: every system call outside a short list, so files, network, processes
and signals. Landlock: files, TCP and signals to other processes, the worker included. None of them
is a promise against an error in CPython's memory handling together with one in the kernel.
"""

from __future__ import annotations

import ctypes
import math
import os
import platform
import sys
from collections.abc import Callable
from contextlib import suppress
from struct import pack
from typing import Any

from helpers.verification import rules
from helpers.verification.wire import FRAME

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_LINUX = sys.platform.startswith("linux")
_LIBC = ctypes.CDLL(None, use_errno=True) if _LINUX else None
_PRCTL = _LIBC.prctl if _LIBC else None  # looked up here: the audit hook forbids it later

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

    Computed in the worker, for `limit_resources` in the child. OSError where there are no rlimits.
    """
    if resource is None:
        raise OSError("no rlimits on this system")
    seconds = math.ceil(cpu_seconds)
    limits = {
        "RLIMIT_AS": (memory_bytes, memory_bytes),
        "RLIMIT_CPU": (seconds, seconds + 1),
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
    array.__new__ builtins.id code.__new__ compile exec function.__new__ object.__delattr__
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
            detail = show(first)[:80] if kind(first) in plain else ""
            words = f"{event}({detail})".encode("ascii", "backslashreplace")
            write(target, pack_head(b"f", size(words)) + words)
        finally:
            leave(0)

    sys.addaudithook(hook)


# --- seccomp ---------------------------------------------------------------------------------

_ARCHITECTURES: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "write": 1, "close": 3, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
            "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25,
            "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "gettimeofday": 96,
            "getrusage": 98, "times": 100, "sigaltstack": 131, "gettid": 186, "time": 201,
            "futex": 202, "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
            "clock_nanosleep": 230, "exit_group": 231, "tgkill": 234, "getrandom": 318,
            "rseq": 334,
        },
    ),
    # Written from the kernel's table, never run by us: the probe drops the layer if it is wrong.
    "aarch64": (
        0xC00000B7,
        {
            "write": 64, "close": 57, "mmap": 222, "mprotect": 226, "munmap": 215, "brk": 214,
            "rt_sigprocmask": 135, "rt_sigreturn": 139, "sched_yield": 124, "mremap": 216,
            "madvise": 233, "nanosleep": 101, "getpid": 172, "exit": 93, "gettimeofday": 169,
            "getrusage": 165, "times": 153, "sigaltstack": 132, "gettid": 178, "futex": 98,
            "tgkill": 131, "restart_syscall": 128, "clock_gettime": 113, "clock_getres": 114,
            "clock_nanosleep": 115, "exit_group": 94, "getrandom": 278, "rseq": 293,
        },
    ),
}  # fmt: skip

_LOAD, _EQUAL, _BITS, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF: load word, jump if ==, if &, return
_KILL, _ALLOW = 0x80000000, 0x7FFF0000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; arguments are 8 bytes
_PROT_EXEC, _MAP_ANONYMOUS = 4, 0x20
_OWN_PID = 0x7FFFFFFE  # stands for the child's process id until the filter is put in force


def _bpf(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return pack("HBBI", code, if_true, if_false, value)


def _argument_rule(name: str) -> list[bytes]:
    """Instructions that follow a match of the call's number; they end in a verdict."""
    if name == "write":  # only to the result pipe
        tests = [_bpf(_LOAD, _ARGUMENTS), _bpf(_EQUAL, RESULT_FD, 0, 1)]
    elif name == "tgkill":  # only itself: how a process aborts
        tests = [_bpf(_LOAD, _ARGUMENTS), _bpf(_EQUAL, _OWN_PID, 0, 1)]
    elif name == "mprotect":  # never executable
        tests = [_bpf(_LOAD, _ARGUMENTS + 16), _bpf(_BITS, _PROT_EXEC, 1, 0)]
    elif name == "mmap":  # anonymous and never executable
        tests = [
            _bpf(_LOAD, _ARGUMENTS + 16),
            _bpf(_BITS, _PROT_EXEC, 3, 0),
            _bpf(_LOAD, _ARGUMENTS + 24),
            _bpf(_BITS, _MAP_ANONYMOUS, 0, 1),
        ]
    else:
        tests = []
    return [*tests, _bpf(_RETURN, _ALLOW), _bpf(_RETURN, _KILL)]


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def system_call_filter() -> Callable[[], None]:
    """Builds the filter here; the function returned puts it in force. OSError where it cannot.

    The calling process must have given up new privileges (`give_up_privileges`).
    """
    if _PRCTL is None or platform.machine() not in _ARCHITECTURES:
        raise OSError("no seccomp filter for this system")
    architecture, numbers = _ARCHITECTURES[platform.machine()]
    program = [
        _bpf(_LOAD, _ARCH),
        _bpf(_EQUAL, architecture, 1, 0),
        _bpf(_RETURN, _KILL),
        _bpf(_LOAD, _NUMBER),
    ]
    for name, number in numbers.items():
        rule = _argument_rule(name)
        program += [_bpf(_EQUAL, number, 0, len(rule)), *rule]
    program.append(_bpf(_RETURN, _KILL))
    code = ctypes.create_string_buffer(b"".join(program))
    own_pid = code.raw.index(pack("I", _OWN_PID))
    filter_ = _Filter(len(program), ctypes.addressof(code))

    def enforce() -> None:
        code[own_pid : own_pid + 4] = pack("I", os.getpid())  # type: ignore[call-overload]
        _prctl(22, 2, ctypes.byref(filter_))  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER

    return enforce


def give_up_privileges() -> None:
    """No program started from here gains privileges: what both filters ask of the unprivileged."""
    if _LINUX:
        _prctl(38, 1)  # PR_SET_NO_NEW_PRIVS, inherited by children


# What would leave a trace outside, or load native code, without an event for the audit hook.
_SILENT = {
    "_imp": ("create_builtin",),
    "os": ("mkfifo", "mknod", "pidfd_open"),
    "posix": ("mkfifo", "mknod", "pidfd_open"),
    "signal": ("pidfd_send_signal",),
    "_signal": ("pidfd_send_signal",),
}


def forget_the_kernel() -> None:
    """Take away, in a child without a filter, the ways out that the audit hook does not see."""
    for module, names in _SILENT.items():
        for name in names:
            vars(sys.modules.get(module, sys)).pop(name, None)
    global ctypes, _LIBC, _PRCTL, _Filter
    ctypes = _LIBC = _PRCTL = _Filter = None  # type: ignore[assignment,misc]
    for name in ("ctypes", "_ctypes"):
        sys.modules.pop(name, None)


def die_with_parent() -> None:
    """Linux kills this process when the one that forked it ends; elsewhere nothing happens."""
    if _LINUX:
        _prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL


def _prctl(option: int, value: int, pointer: Any = 0) -> None:
    assert _PRCTL is not None
    _check(_PRCTL(option, value, pointer, 0, 0))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


# --- Landlock --------------------------------------------------------------------------------

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same numbers on every architecture


def files_and_network_filter() -> Callable[[], None]:
    """Landlock: no file opened, no TCP port used, nobody outside signalled by who calls the result.

    Files since ABI 1 (Linux 5.13), TCP since 4, signals and abstract sockets since 6. Descriptors
    that are open stay usable. The rules are a descriptor of the calling process, to be closed
    after they are in force. OSError where the kernel has no Landlock.
    """
    if _LIBC is None:
        raise OSError("no Landlock on this system")
    system_call = _LIBC.syscall
    abi = _check(system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))
    file_rights = {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)  # number of bits that this ABI knows
    rules = pack("QQQ", (1 << file_rights) - 1, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _check(system_call(_CREATE_RULESET, rules, ctypes.c_size_t(size), 0))

    def enforce() -> None:
        _check(system_call(_RESTRICT_SELF, ruleset, 0))

    return enforce
