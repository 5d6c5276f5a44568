"""A program out of what a model wrote: without Markdown fences, without the prose round it.

Only where it is asked for (`Sandbox(extract=True)`): the text is then graded as the model meant
it, and the report says what was taken. A text that is Python as it stands is left alone.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

from helpers.verification.screen import MAX_CHARACTERS

_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[ \t]*([\w+.-]*)[^\n]*$")
_PYTHON = frozenset({"", "py", "python", "python3"})
_BEGINS = re.compile(r"(def|class|async def|import|from)\s|@\w|\w+\s*(:[^=]*)?=[^=]")
_MOST_TRIES = 200  # of cutting prose off, so that a long text costs little


def extract(text: str, entry_point: str) -> str:
    """The program in `text` that defines `entry_point`, or `text` itself.

    Of several fenced blocks it is the first that is Python and defines the entry point, with the
    blocks before it that only define something; else all Python blocks together. Without fences,
    prose before and after the code is cut off. Where no program is found, or the text is too long
    for the screen, it comes back as it is.
    """
    if len(text) > MAX_CHARACTERS or _is_python(text):
        return text
    blocks = _blocks(text)
    if blocks:
        for index, block in enumerate(blocks):
            if _defines(block, entry_point):
                return "\n".join([*filter(_only_defines, blocks[:index]), block])
        return "\n".join(blocks)
    return _without_prose(text, entry_point) or text


def _blocks(text: str) -> list[str]:
    """What stands in fences that are Python's or nobody's; the last one may lack its end."""
    blocks: list[str] = []
    lines: list[str] | None = None
    mark, wanted = "", False
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if lines is None and fence:
            mark, wanted, lines = fence[1], fence[2].lower() in _PYTHON, []
        elif lines is not None and fence and fence[1].startswith(mark) and not fence[2]:
            if wanted:
                blocks.append(_dedented(lines))
            lines = None
        elif lines is not None:
            lines.append(line)
    if lines and wanted:
        blocks.append(_dedented(lines))
    return blocks


def _dedented(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)) + "\n"


def _without_prose(text: str, entry_point: str) -> str | None:
    """The longest piece of whole lines from the first that looks like code, if it is a program."""
    lines = text.splitlines()
    outer = [i for i, line in enumerate(lines) if line[:1].strip()] + [len(lines)]
    starts = [i for i in outer[:-1] if _BEGINS.match(lines[i])]
    tries = 0
    for start in starts:
        for end in reversed([i for i in outer if i > start]):
            tries += 1
            if tries > _MOST_TRIES:
                return None
            piece = "\n".join(lines[start:end]) + "\n"
            if _is_python(piece) and _defines(piece, entry_point):
                return piece
    return None


def _is_python(text: str) -> bool:
    return _parsed(text) is not None


def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return None


def _defines(text: str, name: str) -> bool:
    """Whether the program gives `name` a meaning at its top level."""
    tree = _parsed(text)
    for node in tree.body if tree else ():
        if getattr(node, "name", None) == name:
            return True
        if isinstance(node, ast.Assign) and name in {getattr(t, "id", "") for t in node.targets}:
            return True
    return False


def _only_defines(text: str) -> bool:
    """Whether the text is imports, functions, classes and plain assignments."""
    tree = _parsed(text)
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    return tree is not None and all(isinstance(node, kinds) for node in tree.body)
