"""The walls of this machine: which layers there are, whether they hold, and the way in.

Part of the worker process (worker.py): standard library only. A layer counts when a child that
really tried to break out was stopped by it; the platform's name is never asked. Every child is
closed in for itself, so that it can reach neither the worker nor a child after it.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from helpers.verification import child, layers

Limits = dict[str, Any]  # what sandbox.py asks for, in seconds and bytes

KERNEL = ("seccomp", "landlock")  # the layers of kernel.py
STOPPED = 42  # exit code of a child that a wall held


class Walls:
    """The layers of this machine: found once, tried out, put in force in every child.

    without: names of layers to leave out, to test what the others hold. in_force: names of the
    layers that held.
    """

    def __init__(self, without: Sequence[str] = ()) -> None:
        self.in_force: list[str] = []
        self._without = without
        self._kernel: ModuleType | None = None  # kernel.py, where it is of use
        if sys.platform.startswith("linux") and not set(KERNEL) <= set(without):
            self._kernel = import_module("helpers.verification.kernel")
        self._base_memory = 0  # bytes; measured for the first program, when all is loaded
        self._filter: Callable[[], None] | None = None  # seccomp
        self._shut_off: Callable[[], None] | None = None  # Landlock
        self._resource_limits: layers.ResourceLimits = []

    def prepare(self, limits: Limits) -> None:
        """Compute what all children with these limits need, before they are forked."""
        self._base_memory = self._base_memory or layers.address_space()
        memory = self._base_memory + limits["memory_bytes"]
        # CPU: a second more, since rlimits count whole seconds and the worker looks first.
        with contextlib.suppress(OSError):
            self._resource_limits = layers.resource_limits(memory, limits["seconds"] + 1)

    def close_in(self, pipe: int, limits: Limits) -> child.Channel:
        """Lock the calling process in, for good; returns the only way out."""
        if self._shut_off is not None:
            self._shut_off()
        os.dup2(pipe, layers.RESULT_FD)
        os.closerange(0, layers.RESULT_FD)
        os.closerange(layers.RESULT_FD + 1, 256)  # a worker has some ten open, never a hundred
        channel = child.Channel(layers.RESULT_FD, limits["output_bytes"])
        layers.limit_resources(self._resource_limits)
        layers.audit(layers.RESULT_FD)
        if self._filter is not None:
            self._filter()
        else:
            layers.forget_the_silent()
            if self._kernel is not None:
                self._kernel.forget()
        return channel

    def try_out(self) -> None:
        """Fork children that really try to break out, and keep the layers that stopped them."""
        tries = {
            "audit": self._audit_holds,
            "rlimits": self._limits_hold,
            "seccomp": self._filter_holds,
            "landlock": self._shut_off_holds,
        }
        if self._kernel is not None:
            with contextlib.suppress(OSError):
                self._kernel.give_up_privileges()
        without = self._without
        self.in_force = [name for name, holds in tries.items() if name not in without and holds()]

    @property
    def hold_native_code(self) -> bool:
        """Whether a filter of the kernel stops what ctypes could do, or ctypes was not loaded."""
        return self._kernel is None or any(name in self.in_force for name in KERNEL)

    def die_with_parent(self) -> None:
        """Where there is kernel.py, the calling process ends when the one that forked it does."""
        if self._kernel is not None:
            self._kernel.die_with_parent()

    @staticmethod
    def _audit_holds() -> bool:
        def audited() -> None:
            layers.audit(-1)  # has nobody to tell, and ends the process all the same
            os.open(__file__, os.O_RDONLY)

        return ended(audited) == 0

    def _limits_hold(self) -> bool:
        def limited() -> None:
            self.prepare({"seconds": 1, "memory_bytes": 32 << 20})
            layers.limit_resources(self._resource_limits)
            try:
                bytearray(64 << 20)  # twice what is allowed, however much the worker itself holds
            except MemoryError:
                os._exit(STOPPED)

        return ended(limited) == STOPPED

    def _filter_holds(self) -> bool:
        if self._kernel is None:
            return False
        try:
            enforce = self._kernel.system_call_filter()
        except OSError:
            return False

        def harmless() -> None:
            enforce()
            time.sleep(0)
            # A large piece of memory and many small ones: mmap and brk must still be allowed.
            if bytearray(4 << 20) and len(list(map(str, range(100_000)))):
                os._exit(STOPPED)

        def attempt(act: Callable[[], object]) -> int:
            def try_it() -> None:
                enforce()
                act()

            return ended(try_it)

        attempts: list[Callable[[], object]] = [
            lambda: os.open(__file__, os.O_RDONLY),
            _socket.socket,
            os.fork,
            lambda: os.kill(os.getpid(), signal.SIGUSR1),
        ]
        holds = ended(harmless) == STOPPED and all(
            attempt(act) == -getattr(signal, "SIGSYS", 0) for act in attempts
        )
        self._filter = enforce if holds else None
        return holds

    def _shut_off_holds(self) -> bool:
        if self._kernel is None:
            return False
        try:
            enforce = self._kernel.files_and_network_filter()
        except OSError:
            return False

        def shut_off() -> None:
            enforce()
            try:
                os.open(__file__, os.O_RDONLY)
            except PermissionError:
                os._exit(STOPPED)

        holds = ended(shut_off) == STOPPED
        self._shut_off = enforce if holds else None
        return holds


def ended(act: Callable[[], None]) -> int:
    """How a child ends that does `act`: its exit code, or minus the signal."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
