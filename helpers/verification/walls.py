"""The walls of this machine: which layers there are, whether they hold, and the way in.

Part of the worker process (worker.py): standard library only. A layer counts when a child that
really tried to break out was stopped by it; the platform's name is never asked.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from helpers.verification import child, layers

Limits = dict[str, Any]  # what sandbox.py asks for, in seconds and bytes


class Walls:
    """The layers of this machine: found once, tried out, put in force in every child."""

    def __init__(self) -> None:
        self.base_memory = layers.address_space()
        self.filter: Callable[[], None] | None = None
        self.in_force: list[str] = []

    def close_in(self, pipe: int, limits: Limits) -> child.Channel:
        """Lock the calling process in, for good; returns the only way out."""
        os.dup2(pipe, layers.RESULT_FD)
        os.closerange(0, layers.RESULT_FD)
        os.closerange(layers.RESULT_FD + 1, 256)
        self.limit(limits)
        channel = child.Channel(layers.RESULT_FD, limits["output_bytes"])
        layers.audit(lambda event: channel.stop(b"f", event))
        if self.filter is not None:
            self.filter()
        return channel

    def limit(self, limits: Limits) -> None:
        with contextlib.suppress(OSError):  # the probe has said so
            layers.limit_resources(self.base_memory + limits["memory_bytes"], limits["seconds"] + 1)

    def try_out(self) -> None:
        """Fork children that really try to break out, and keep the layers that stopped them."""
        probe_limits = {"seconds": 1, "memory_bytes": 32 << 20}

        def audited() -> None:
            layers.audit(lambda event: os._exit(42))
            os.open(__file__, os.O_RDONLY)

        def limited() -> None:
            self.limit(probe_limits)
            try:
                bytearray(64 << 20)
            except MemoryError:
                os._exit(42)

        if ended(audited) == 42:
            self.in_force.append("audit")
        if ended(limited) == 42:
            self.in_force.append("rlimits")
        if self._filter_holds():
            self.in_force.append("seccomp")
        if self._shut_off():
            self.in_force.append("landlock")

    def _filter_holds(self) -> bool:
        try:
            enforce = self.filter = layers.system_call_filter()
        except OSError:
            return False

        def harmless() -> None:
            enforce()
            time.sleep(0)
            if bytearray(4 << 20) and len(list(map(str, range(100_000)))):
                os._exit(42)

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
        holds = ended(harmless) == 42 and all(
            attempt(act) == -getattr(signal, "SIGSYS", 0) for act in attempts
        )
        if not holds:
            self.filter = None
        return holds

    @staticmethod
    def _shut_off() -> bool:
        """Landlock for this process, and so for all its children."""
        try:
            layers.deny_files_and_network()
            os.close(os.open(__file__, os.O_RDONLY))
        except PermissionError:
            return True
        except OSError:
            return False
        return False


def ended(act: Callable[[], None]) -> int:
    """How a child ends that does `act`: its exit code, or minus the signal."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
