"""In a kernel an import is whole or not begun: an interrupt waits until it is done.

`interrupt_waits` does the same for other short work of compiled code, which an interrupt breaks.
`interrupts_in_a_line`: an interrupted cell says so in one line, without a traceback.

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
from typing import Any

MOMENT = 0.02  # seconds, in which Python notes down that the import is done


@contextmanager
def interrupt_waits(moment: float = 0.0) -> Iterator[None]:
    """Hold an interrupt back to the end of the outermost of such blocks, or `moment` s behind it.

    An import needs the moment: one that raises at its very end would be taken for one that failed.
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
        if pending and moment:
            threading.Timer(moment, _interrupt_a_cell).start()
        elif pending:
            _interrupt()


def _interrupt_a_cell() -> None:
    """Interrupt what runs, unless that was a cell that is over.

    A kernel that is interrupted between the end of a cell and its reply never sends the reply, and
    the notebook waits for it for ever.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel") or _in_a_cell():
        _interrupt()


def _in_a_cell() -> bool:
    """Whether the main thread is somewhere below IPython's run_code, which takes interrupts."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None and frame.f_code.co_name != "run_code":
        frame = frame.f_back
    return frame is not None


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
            with interrupt_waits(MOMENT):
                load(module)

        setattr(spec.loader, "exec_module", whole)  # noqa: B010 - one loader, not its class
        return spec


def protect_imports() -> None:
    """From now on, in a Jupyter kernel, imports are whole. Calling it twice is calling it once."""
    in_kernel = "ipykernel" in sys.modules
    if in_kernel and not any(isinstance(finder, WholeImports) for finder in sys.meta_path):
        sys.meta_path.insert(0, WholeImports())


def interrupts_in_a_line() -> None:
    """From now on, in a Jupyter kernel, an interrupted cell shows one line. It fails as before.

    Where somebody has set a handler of their own, theirs stays.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell and hasattr(shell, "kernel") and not shell.custom_exceptions:
        shell.set_custom_exc((KeyboardInterrupt,), _in_a_line)


def _in_a_line(shell: Any, kind: type, error: Any, trace: Any, **_: Any) -> None:
    if not hasattr(error, "_render_traceback_"):  # those of the loop say more
        error._render_traceback_ = lambda: ["Interrupted. Run the cell again."]
    shell.showtraceback((kind, error, trace))
