"""The one file that holds a learner's progress: read, changed under a lock, written atomically.

Every change reads the file again, so that several notebooks may share it. A file that cannot be
read is moved aside, never overwritten. Where nothing can be written, progress is kept in memory
for as long as the kernel lives, and one warning says so. Results of experiments do not go here.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from helpers.teaching._records import VERSION, State, empty, merged, parsed, validated

_LOCK_SECONDS = 10.0
T = TypeVar("T")


def place() -> Path:
    """Where progress is kept: COURSE_PROGRESS, else the checkout, else the home directory."""
    chosen = os.environ.get("COURSE_PROGRESS", "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").is_file() and (root / "lessons").is_dir():
        return root / ".progress" / "progress.json"
    return Path.home() / ".closing-the-loop" / "progress.json"


class Store:
    """One progress file, safe to use from several threads and several kernels."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.saved = True  # False once a change could be kept in memory only
        self._memory = empty()
        self._guard = threading.RLock()

    def read(self) -> State:
        """Everything recorded so far."""
        return self.update(lambda state: state, write=False)

    def update(self, change: Callable[[State], T], *, write: bool = True) -> T:
        """Apply `change` to the newest state, keep that, and return what `change` returned."""
        with self._guard:
            if not write and not self.path.exists():
                return change(merged(empty(), self._memory))
            with self._file_lock() as locked:
                on_disk, writable = self._load(locked)
                state = merged(on_disk, self._memory)
                result = change(state)
                if write:
                    self._keep(state, writable)
                return result

    @contextmanager
    def _file_lock(self) -> Iterator[bool]:
        """Hold the lock that kernels share; False where there can be none."""
        lock = FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except (OSError, Timeout) as error:
            self._warn_unsaved(error)
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _load(self, locked: bool) -> tuple[State, bool]:
        """The state on disk, and whether the file may be written."""
        try:
            return validated(parsed(self.path.read_bytes())), locked
        except FileNotFoundError:
            return empty(), locked
        except OSError as error:
            self._warn_unsaved(error)
            return empty(), False
        except ValueError as error:  # errors of JSON and of Unicode are ValueErrors too
            return empty(), locked and self._move_aside(error)

    def _keep(self, state: State, writable: bool) -> None:
        self._memory = state
        if writable:
            try:
                write_atomically(self.path, document(state))
            except OSError as error:
                self._warn_unsaved(error)
            else:
                self._memory, self.saved = empty(), True

    def _move_aside(self, problem: ValueError) -> bool:
        """Move a file that cannot be used out of the way, unchanged; whether that worked."""
        aside = self._free_name()
        try:
            os.replace(self.path, aside)
        except OSError as error:
            self._warn_unsaved(error)
            return False
        warnings.warn(
            f"The progress file {self.path.name} could not be used: {problem}. It was moved, "
            f"unchanged, to {aside}; a new file is started.",
            stacklevel=2,
        )
        return True

    def _free_name(self) -> Path:
        number = 1
        while True:
            name = self.path.with_name(f"{self.path.stem}.damaged-{number}{self.path.suffix}")
            if not name.exists():
                return name
            number += 1

    def _warn_unsaved(self, error: Exception) -> None:
        if self.saved:
            self.saved = False
            reason = getattr(error, "strerror", None) or type(error).__name__
            warnings.warn(
                f"Progress cannot be saved in {self.path} ({reason}). It is kept in memory until "
                "this kernel stops: copy the text of progress.code() before you leave, or set "
                "COURSE_PROGRESS to a file that can be written.",
                stacklevel=2,
            )


def document(state: State) -> str:
    """`state` as the text of a progress file."""
    return json.dumps({"version": VERSION, **state}, indent=1, sort_keys=True) + "\n"


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that a reader sees the old file or the new one, never half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


_stores: dict[Path, Store] = {}
_stores_guard = threading.Lock()


def store() -> Store:
    """The store of the place that is set now."""
    path = place()
    with _stores_guard:
        return _stores.setdefault(path, Store(path))
