"""Which helpers a lesson uses, as one hash: it marks outputs that older helpers made.

The files are found by reading imports, not by running anything: what the lesson's cells import from
helpers, what that imports in turn (lazy imports inside functions too), and every study, result and
data file that one of them names in a string. helpers.authoring is never among them: it makes no
output. The answer may be too large (a rebuild in vain), seldom too small; nbval has the last word.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

from helpers.authoring.lesson import Lesson


def fingerprint(lesson: Lesson, package: Path) -> str:
    """SHA-256 over the names and bytes of all files of `package` that the lesson uses."""
    digest = hashlib.sha256()
    for path in used_files(lesson, package):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(
            f"{path.relative_to(package).as_posix()}\n{len(content)}\n".encode() + content
        )
    return digest.hexdigest()


def used_files(lesson: Lesson, package: Path) -> list[Path]:
    """The files of `package` (the folder helpers/) that the lesson's cells reach, sorted."""
    by_name = _named_files(package)
    waiting = [
        path for cell in lesson.code for path in _reached(cell.source, None, package, by_name)
    ]
    if lesson.number:  # check("02-...") finds these by the lesson's number
        waiting.append(package / "teaching" / "exercises" / f"lesson_{lesson.number}.py")
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file() or package / "authoring" in path.parents:
            continue
        found.add(path)
        if path.suffix == ".py":
            waiting += _reached(path.read_text(encoding="utf-8"), path, package, by_name)
    return sorted(found)


def _named_files(package: Path) -> dict[str, list[Path]]:
    """What a string can name: "gaussian" a study with its results, "words.txt" a data file."""
    named: dict[str, list[Path]] = {}
    for path in package.rglob("*"):
        if "__pycache__" in path.parts or not path.is_file():
            continue
        if path.parent.name in ("results", "studies") and path.stem != "__init__":
            named.setdefault(path.stem, []).append(path)
        if path.suffix != ".py":
            named.setdefault(path.name, []).append(path)
    return named


def _reached(
    source: str, path: Path | None, package: Path, by_name: dict[str, list[Path]]
) -> Iterator[Path]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return  # a cell with a magic, or with the error that the build will report
    here = path.parent.relative_to(package.parent).parts if path else ()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(tuple(alias.name.split(".")), package)
        elif isinstance(node, ast.ImportFrom):
            base = tuple((node.module or "").split("."))
            for alias in node.names:
                yield from _module((*base, alias.name), package)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 80
        ):
            yield from by_name.get(node.value, ())
            name = node.value.lstrip(".")
            if path and name.replace(".", "").isidentifier():  # a module imported by its name
                parts = tuple(name.split("."))
                yield from _module(parts if parts[0] == package.name else (*here, *parts), package)


def _module(parts: tuple[str, ...], package: Path) -> Iterator[Path]:
    """The files that importing helpers.a.b runs: each package on the way, and the module."""
    if parts[:1] != (package.name,):
        return
    folder = package
    yield folder / "__init__.py"
    for part in parts[1:]:
        yield folder / f"{part}.py"
        folder = folder / part
        yield folder / "__init__.py"
