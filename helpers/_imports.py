"""In a kernel an import is whole or not begun: an interrupt waits until it is done.

`interrupt_waits` does the same for other short work of compiled code, which an interrupt breaks.

A learner who presses Stop while numpy, pandas or torch are being loaded would otherwise have half
of them, and every later cell fails until the kernel is restarted: compiled parts cannot be loaded
a second time. Only the standard library; does nothing outside Jupyter kernels.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

MOMENT = 0.02  # seconds, in which Python notes down that the import is done


@contextmanager
def interrupt_waits() -> Iterator[None]:
    """Hold an interrupt back until a moment after the outermost of such blocks.

    Not to its very end: an import that raises there would be taken for one that has failed.
    """
    before = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or not callable(before):  # interrupts do not get here, or mean nothing
        yield
        return
    pending: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: pending.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pending:
            threading.Timer(MOMENT, _interrupt).start()


def _interrupt() -> None:
    if os.name == "posix":
        os.kill(os.getpid(), signal.SIGINT)  # wakes a sleeping main thread, too
    else:
        _thread.interrupt_main(signal.SIGINT)


class WholeImports:
    """A finder in `sys.meta_path` that lets every import of an installed package finish."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What Python's own finder says, with a loader that cannot be interrupted."""
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        spec = PathFinder.find_spec(name, path, target)
        load = getattr(spec and spec.loader, "exec_module", None)
        if spec is None or spec.loader is None or load is None:
            return None

        def whole(module: ModuleType) -> None:
            with interrupt_waits():
                load(module)

        setattr(spec.loader, "exec_module", whole)  # noqa: B010 - one loader, not its class
        return spec


def protect_imports() -> None:
    """From now on, in a Jupyter kernel, imports are whole. Calling it twice is calling it once."""
    in_kernel = "ipykernel" in sys.modules
    if in_kernel and not any(isinstance(finder, WholeImports) for finder in sys.meta_path):
        sys.meta_path.insert(0, WholeImports())
