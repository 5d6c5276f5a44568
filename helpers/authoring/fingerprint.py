"""Which helpers a lesson uses, as one hash: it marks outputs that older helpers made.

The files are found by reading imports, not by running anything: what the lesson's cells import from
helpers, what that imports in turn (lazy imports inside functions too), and every study, result and
data file that one of them names in a string. Never among them: helpers.authoring, which makes no
output, and MADE. Of code the syntax tree counts, without comments and docstrings; of the published
values those whose key is written in one of these files. The answer may be too large (a rebuild in
vain), seldom too small; nbval has the last word.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from helpers.authoring.lesson import Lesson

PUBLISHED = "published.json"
MADE = "lessons.json"  # by the build, of all lessons: an edit of one would age the others
DEFINES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)  # may have a docstring


def fingerprint(lesson: Lesson, package: Path) -> str:
    """SHA-256 over the names and contents of all files of `package` that the lesson uses.

    Two Pythons that read the same files come to the same hash.
    """
    files = used_files(lesson, package)
    trees = {path: _tree(path) for path in files if path.suffix in (".py", ".pyi")}
    written = [_parse(cell.source) for cell in lesson.code] + list(trees.values())
    digest = hashlib.sha256()
    for path in files:
        if path in trees:
            content = _canonical(trees[path])
        elif path.name == PUBLISHED:
            content = json.dumps(_named_in(written, path), sort_keys=True).encode()
        else:
            content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(
            f"{path.relative_to(package).as_posix()}\n{len(content)}\n".encode() + content
        )
    return digest.hexdigest()


def used_files(lesson: Lesson, package: Path) -> list[Path]:
    """The files of `package` (the folder helpers/) that the lesson's cells reach, sorted."""
    by_name = _named_files(package)
    waiting = [
        path
        for cell in lesson.code
        for path in _reached(_parse(cell.source), None, package, by_name)
    ]
    if lesson.number:  # check("02-...") finds these by the lesson's number
        waiting.append(package / "teaching" / "exercises" / f"lesson_{lesson.number}.py")
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file() or package / "authoring" in path.parents:
            continue
        if path.name == MADE:
            continue
        found.add(path)
        if path.suffix in (".py", ".pyi"):
            waiting += _reached(_tree(path), path, package, by_name)
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


def _tree(path: Path) -> ast.Module:
    """The syntax tree of a module, without docstrings."""
    return _bare_tree(path.read_text(encoding="utf-8"))


@cache  # lessons share most of their helpers
def _bare_tree(source: str) -> ast.Module:
    tree = _parse(source)
    for node in ast.walk(tree):
        if isinstance(node, DEFINES) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return tree


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])  # a magic, or an error that the build will report


@cache
def _canonical(tree: ast.Module) -> bytes:
    return json.dumps(_skeleton(tree)).encode()


def _skeleton(node: Any) -> Any:
    """A syntax tree as lists and strings, without places; ast.dump differs between Pythons."""
    if isinstance(node, ast.JoinedStr):  # 3.12 leaves empty texts in it
        parts = [p for p in node.values if not (isinstance(p, ast.Constant) and p.value == "")]
        return ["JoinedStr", _skeleton(parts)]
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        return [type(node).__name__, *([name, _skeleton(value)] for name, value in fields)]
    return [_skeleton(item) for item in node] if isinstance(node, list) else repr(node)


@cache
def _naming(tree: ast.Module) -> list[ast.Import | ast.ImportFrom | ast.Constant | ast.JoinedStr]:
    """The places of a tree that can name something: imports and strings."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr)
        or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ]


def _named_in(trees: Iterable[ast.Module], path: Path) -> dict[str, Any]:
    """The entries of published.json whose key is a string in `trees`, or fits an f-string there."""
    strings, patterns = set(), set()
    for tree in trees:
        for node in _naming(tree):
            if isinstance(node, ast.Constant):
                strings.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*"
                    for part in node.values
                ]
                if parts != [".*"]:  # that one alone could be anything
                    patterns.add("".join(parts))
    wanted = re.compile("|".join(sorted(patterns)) or "(?!)")
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {k: value for k, value in entries.items() if k in strings or wanted.fullmatch(k)}


def _reached(
    tree: ast.Module, path: Path | None, package: Path, by_name: dict[str, list[Path]]
) -> Iterator[Path]:
    here = path.parent.relative_to(package.parent).parts if path else ()
    for node in _naming(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(tuple(alias.name.split(".")), package)
        elif isinstance(node, ast.ImportFrom):
            # A stub, which says what lazy_loader loads, imports relatively: from .gpt import GPT
            base = (*(here if node.level else ()), *(node.module or "").split("."))
            for alias in node.names:
                yield from _module((*base, alias.name), package)
        elif isinstance(node, ast.Constant) and len(str(node.value)) < 80:
            text = str(node.value)
            yield from by_name.get(text, ())
            name = text.lstrip(".")
            if path and name.replace(".", "").isidentifier():  # a module imported by its name
                parts = tuple(name.split("."))
                yield from _module(parts if parts[0] == package.name else (*here, *parts), package)


@cache
def _module(parts: tuple[str, ...], package: Path) -> tuple[Path, ...]:
    """The files that importing helpers.a.b runs: each package on the way, and the module."""
    if parts[:1] != (package.name,):
        return ()
    folder = package
    found = [folder / "__init__.py"]
    for part in parts[1:]:
        found.append(folder / f"{part}.py")
        folder = folder / part
        found += [folder / "__init__.py", folder / "__init__.pyi"]
    return tuple(found)
