"""The two filters of the Linux kernel round a program: seccomp and Landlock.

Standard library only: the kernel is reached through ctypes, without privileges and without a
library. All that takes time is done once, in the worker; what a child calls puts one layer in force
for the calling process and its children, for good. OSError where the machine does not offer a
layer. Whether it really holds is not decided here but tried out (walls.py).

Imported by a worker on Linux only, and only where one of the filters holds: whoever has ctypes runs
native code, which no audit hook sees, and its types can be found by walking the subclasses of
object. Behind these filters that does not matter; without them it would be a way out.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable
from struct import pack
from typing import Any

from helpers.verification.layers import RESULT_FD

_LIBC = ctypes.CDLL(None, use_errno=True)
_PRCTL = _LIBC.prctl  # looked up here: the audit hook forbids it later

# --- seccomp ---------------------------------------------------------------------------------

# What Python needs to compute, wait, take memory and end, and nothing that names a file, an address
# or another process. `open` is not among them: all that is imported was imported in the worker.
_ARCHITECTURES: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,  # AUDIT_ARCH_X86_64 in <linux/audit.h>
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
        0xC00000B7,  # AUDIT_ARCH_AARCH64
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
_KILL, _ALLOW = 0x80000000, 0x7FFF0000  # SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW
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
    if platform.machine() not in _ARCHITECTURES:
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
    _prctl(38, 1)  # PR_SET_NO_NEW_PRIVS, inherited by children


def die_with_parent() -> None:
    """The kernel kills this process when the one that forked it ends."""
    _prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL


def forget() -> None:
    """Take away what leads to native code, in a child that has Landlock alone.

    Names only: the types of ctypes are still found among the subclasses of object. This module
    goes last, with all that the function itself needs.
    """
    for name in ("ctypes", "ctypes._endian", "_ctypes", __name__):
        if name in sys.modules:
            vars(sys.modules.pop(name)).clear()


def _prctl(option: int, value: int, pointer: Any = 0) -> None:
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
    system_call = _LIBC.syscall
    abi = _check(system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))
    file_rights = {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)  # number of bits that this ABI knows
    rules = pack("QQQ", (1 << file_rights) - 1, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _check(system_call(_CREATE_RULESET, rules, ctypes.c_size_t(size), 0))

    def enforce() -> None:
        _check(system_call(_RESTRICT_SELF, ruleset, 0))

    return enforce
