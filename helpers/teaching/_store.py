"""The one file that holds a learner's progress: read, changed under a lock, written atomically.

Every change reads the file again, so that several notebooks may share it. A file that cannot be
read is moved aside, never overwritten. Where its place cannot be written, the home folder is taken
instead, and where that cannot either, progress is kept in memory for as long as the kernel lives;
one warning says so. Results of experiments do not go here.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from helpers import _ground
from helpers._ground import write_whole
from helpers.teaching._records import VERSION, State, empty, merged, parsed, validated

_LOCK_SECONDS = 10.0
# What file systems without locks say. A change takes milliseconds, so that it is risked there.
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}
T = TypeVar("T")


def place() -> Path:
    """Where progress is kept; see helpers._ground."""
    return _ground.answers_file()


class Store:
    """One progress file, safe to use from several threads and several kernels.

    spare: the file that is used as well where `path` cannot be written.
    """

    def __init__(self, path: Path, spare: Path | None = None) -> None:
        self.path = path
        self.saved = True  # False once a change could be kept in memory only
        self._spare = Store(spare) if spare and spare != path else None
        self._on_spare = bool(spare) and not _ground.is_writable(path.parent)
        self._said = False  # whether the warning has been given
        self._problem: Exception | None = None  # why `path` could not be written
        self._memory = empty()
        self._guard = threading.RLock()

    def read(self) -> State:
        """Everything recorded so far."""
        return self.update(lambda state: state, write=False)

    def update(self, change: Callable[[State], T], *, write: bool = True) -> T:
        """Apply `change` to the newest state, keep that, and return what `change` returned."""
        with self._guard:
            if not write and not self._exists():
                return change(merged(self._spared(), self._memory))
            with self._file_lock() as locked:
                on_disk, writable = self._load(locked)
                state = merged(merged(on_disk, self._spared()), self._memory)
                result = change(state)
                if write:
                    self._keep(state, writable)
                return result

    def _exists(self) -> bool:
        try:
            return self.path.exists()
        except OSError:  # of a folder that may not even be looked at
            return False

    def _spared(self) -> State:
        """What is in the spare file, once that is in use."""
        return self._spare.read() if self._spare and self._on_spare else empty()

    @contextmanager
    def _file_lock(self) -> Iterator[bool]:
        """Hold the lock that kernels share; False where there can be none."""
        lock = FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except (OSError, Timeout) as error:
            without = getattr(error, "errno", None) in _NO_LOCKS
            if not without:
                self._problem = error
            yield without
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
            self._problem = error
            return empty(), False
        except ValueError as error:  # errors of JSON and of Unicode are ValueErrors too
            return empty(), locked and self._move_aside(error)

    def _keep(self, state: State, writable: bool) -> None:
        self._memory = state
        if writable:
            try:
                write_whole(self.path, document(state), mode=0o600)
            except OSError as error:
                self._problem = error
            else:
                self._memory, self.saved = empty(), True
                return
        if self._keep_on_spare(state):
            self._memory, self.saved = empty(), True
        else:
            self._warn_unsaved()

    def _keep_on_spare(self, state: State) -> bool:
        """Put `state` into the spare file; whether that worked."""
        if self._spare is None:
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ours says it all
            self._spare.update(lambda there: there.update(merged(there, state)))
        if self._spare.saved:
            self._on_spare = True
            self._warn_once(f"It is kept in {self._spare.path} instead.")
        return self._spare.saved

    def _move_aside(self, problem: ValueError) -> bool:
        """Move a file that cannot be used out of the way, unchanged; whether that worked."""
        aside = self._free_name()
        try:
            os.replace(self.path, aside)
        except OSError as error:
            self._problem = error
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

    def _warn_unsaved(self) -> None:
        if self.saved:
            self.saved = self._said = False
            self._warn_once(
                "It is kept in memory until this kernel stops: copy the text of progress.code() "
                "before you leave, or set COURSE_PROGRESS to a file that can be written."
            )

    def _warn_once(self, instead: str) -> None:
        if not self._said:
            self._said = True
            reason = getattr(self._problem, "strerror", None) or type(self._problem).__name__
            warnings.warn(
                f"Progress cannot be saved in {self.path} ({reason}). {instead}", stacklevel=2
            )


def document(state: State) -> str:
    """`state` as the text of a progress file."""
    return json.dumps({"version": VERSION, **state}, indent=1, sort_keys=True) + "\n"


_stores: dict[Path, Store] = {}
_stores_guard = threading.Lock()


def store() -> Store:
    """The store of the place that is set now."""
    path = place()
    with _stores_guard:
        if path not in _stores:
            _stores[path] = Store(path, _ground.spare_answers_file())
        return _stores[path]
