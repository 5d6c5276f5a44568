"""The ground floor: where the course and the learner's things lie, and how a file is written.

The learner's things are copies of the lessons in my/ and answers in .progress/. In a checkout of
one's own they lie in it. Where it cannot be written, as on many hubs, or where somebody else's
things are there already, they are in the user's home folder; COURSE_HOME names another. Standard
library only, for whoever runs before pip.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # a checkout, or somebody's site-packages
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # torch without gigabytes of CUDA


def chosen_home() -> Path | None:
    """The folder that COURSE_HOME names, or None."""
    named = os.environ.get("COURSE_HOME", "")
    return Path(named).expanduser().absolute() if named else None


def home() -> Path:
    """The folder that holds my/ and .progress/ of whoever runs this."""
    chosen = chosen_home()
    if chosen:
        return chosen
    return ROOT if can_keep(ROOT / "my") else Path.home() / "closing-the-loop"


def answers_file() -> Path:
    """The file for the learner's answers: COURSE_PROGRESS, COURSE_HOME, the checkout, the home."""
    named = os.environ.get("COURSE_PROGRESS", "")
    if named:
        return Path(named).expanduser().absolute()
    chosen = chosen_home()
    folder = (chosen or ROOT) / ".progress"
    if chosen or ((ROOT / "lessons").is_dir() and can_keep(folder)):
        return folder / "progress.json"
    return spare_answers_file()


def spare_answers_file() -> Path:
    """The file for answers where the usual one cannot be written."""
    return Path.home() / ".closing-the-loop" / "progress.json"


def original_line() -> str | None:
    """What to say where a notebook of the course itself is run, and not somebody's copy of it.

    Jupyter tells a kernel which notebook it serves; tests and builds start none for a notebook.
    """
    notebook = Path(os.environ.get("JPY_SESSION_NAME", ""))
    if notebook.parent != ROOT / "notebooks":
        return None
    return (
        f"This is the course's own {notebook.name}, which is kept as it is. "
        f"Work in your copy, {Path('my', notebook.name).as_posix()}: `make lab` makes it."
    )


def can_keep(folder: Path) -> bool:
    """Whether `folder`, there already or not, is for this user to write, and nobody else's."""
    try:
        owner = folder.stat().st_uid
    except OSError:  # not there, or it may not even be looked at
        owner = None
    if owner is not None and hasattr(os, "geteuid") and os.geteuid() not in (0, owner):
        return False
    return is_writable(folder)


def is_writable(folder: Path) -> bool:
    """Whether files can be made in `folder`, which need not be there yet."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
    except (OSError, StopIteration):
        return False
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def write_whole(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write all of `content` to `path` or nothing: a reader or a crash never meets half a file.

    Text becomes UTF-8 with the newlines it has. A file that is there keeps its permissions, a new
    one gets `mode`. Raises OSError as `open` does, and leaves the old file as it was.
    """
    import tempfile  # here: it loads `random`, which the sandbox's worker imports in its own way

    data = content.encode() if isinstance(content, str) else content
    if path.exists():
        mode = path.stat().st_mode & 0o777
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # the new file must be on disk before it takes the old name
        os.chmod(name, mode)  # a temporary file is private
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
