"""A virtual environment whose folder has been moved: its links mended, nothing installed.

Python finds its packages from where it lies, so a move breaks only files that name a place: the
first lines of scripts, pyvenv.cfg, the path of an editable installation, and what Jupyter keeps
under share. The Windows launchers (.exe) hold their place in binary and are left as they are;
`python -m` does without them. Only the standard library.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from helpers._ground import write_whole

LONGEST_FIRST_LINE = 127  # bytes of "#!...", beyond which some systems cut it


def mend_links(venv: Path, python: Path, moved: Mapping[str, str]) -> None:
    """Let every file of `venv` that names an old path in `moved` name the new one.

    `python` is what the scripts start. Each file is replaced as a whole, so that an interruption
    leaves it old or new.
    """
    new = dict(moved)
    for old, here in moved.items():
        new.setdefault(json.dumps(old)[1:-1], json.dumps(here)[1:-1])  # as Python and JSON spell it
        new[Path(old).as_uri()] = Path(here).as_uri()
    new = {**{here: here for here in new.values()}, **new}  # so that mending twice is mending once
    longest_first = sorted(map(re.escape, new), key=len, reverse=True)
    named = re.compile(f"(?:{'|'.join(longest_first)})(?![\\w.-])".encode())
    for path in _files_with_links(venv, python.parent):
        text = path.read_bytes()
        mended = named.sub(lambda found: new[found[0].decode()].encode(), text)
        mended = _with_first_line(mended, python)
        if mended != text:
            write_whole(path, mended)


def _files_with_links(venv: Path, scripts: Path) -> Iterator[Path]:
    packages = [*venv.glob("lib/python*/site-packages"), *venv.glob("Lib/site-packages")]
    found = [venv / "pyvenv.cfg", *scripts.iterdir(), *venv.glob("share/jupyter/**/*.json")]
    for folder in packages:
        for pattern in ("*.pth", "__editable__*.py", "*.dist-info/direct_url.json"):
            found += folder.glob(pattern)
    for path in found:
        if path.is_file() and not path.is_symlink() and path.suffix not in (".exe", ".dll"):
            yield path


def _with_first_line(script: bytes, python: Path) -> bytes:
    """`script` with a first line that systems understand though the path is long or has blanks."""
    first, separator, rest = script.partition(b"\n")
    line = b"#!" + os.fsencode(python)
    if not first.startswith(line) or not (len(first) > LONGEST_FIRST_LINE or b" " in first):
        return script
    shell = b"#!/bin/sh\n'''exec' \"" + os.fsencode(python) + b'" "$0" "$@"\n\' \'\'\''
    return shell + separator + rest
