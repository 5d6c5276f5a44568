"""The screen: reads a program without running it, and refuses what no exercise needs.

An allow-list over the syntax tree: modules, names, attributes, size. It gives the line and the
reason, which makes it the best teacher of the grader's layers; it is not a wall. Somebody who looks
long enough finds a way through a screen, and behind it stand the limits and filters of layers.py.
A refusal is a verdict about the text, so it never depends on the machine.
"""

from __future__ import annotations

import ast
import string
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from helpers.verification.rules import BUILTINS, MODULES

MAX_CHARACTERS = 50_000
MAX_NODES = 20_000
MAX_DEPTH = 100  # of the syntax tree: human programs stay below 30

# Double-underscore names that a class may define or a program may read; the rest are doors.
_SPECIAL = """
    abs add and bool call contains delitem divmod doc enter eq exit float floordiv ge getitem
    gt hash iadd imul init int invert isub iter le len lshift lt matmul missing mod mul name
    ne neg next or pos post_init pow radd repr reversed rmul round rshift rsub setitem slots
    str sub truediv xor
"""
_DUNDERS = frozenset(f"__{name}__" for name in _SPECIAL.split())
# Attributes without underscores that lead to frames, code or the inside of types.
_INSIDE = """
    ag_await ag_code ag_frame cr_await cr_code cr_frame cr_origin f_back f_builtins f_code f_globals
    f_lasti f_lineno f_locals f_trace func_code func_globals gi_code gi_frame gi_yieldfrom mro
    tb_frame tb_lasti tb_lineno tb_next with_traceback
"""
_DOORS = frozenset(_INSIDE.split())
_WALKS = ("format", "format_map")  # "{0.attribute}".format(x) reads attributes by name


@dataclass(frozen=True)
class Finding:
    """What the screen says of one program.

    verdict: "" (may run), "syntax_error" or "refused", with message and line.
    """

    verdict: str = ""
    message: str = ""
    line: int | None = None


def screen(program: str) -> Finding:
    """Read `program`; never runs it and never raises, whatever the text."""
    if len(program) > MAX_CHARACTERS:
        return Finding("refused", f"the program is longer than {MAX_CHARACTERS} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(program)
    except SyntaxError as problem:
        if problem.msg.startswith("too many nested"):
            return Finding("refused", "the program is nested too deeply", problem.lineno)
        return Finding("syntax_error", f"SyntaxError: {problem.msg}", problem.lineno)
    except (MemoryError, RecursionError):
        return Finding("refused", "the program is nested too deeply")
    except (ValueError, OverflowError) as problem:  # null bytes, text that cannot be encoded
        return Finding("syntax_error", f"{type(problem).__name__}: {problem}")
    parts = _flatten(tree)
    if parts is None:
        return Finding("refused", "the program is too large or nested too deeply")
    nodes, names = parts
    bound = {name for name, node in names if _binds(node)}
    harmless = {id(node.func) for node in nodes if type(node) is ast.Call and _harmless(node)}
    objections = [
        (getattr(node, "lineno", None), f"the name {name} is not allowed")
        for name, node in names
        if name.startswith("__") and name.endswith("__") and name not in _DUNDERS
    ]
    for node in nodes:
        if check := _CHECKS.get(type(node)):
            line = getattr(node, "lineno", None)
            objections += [(line, reason) for reason in check(node, bound, id(node) in harmless)]
    if objections:
        line, reason = min(objections, key=lambda objection: objection[0] or 0)
        return Finding("refused", reason, line)
    return Finding()


def _flatten(tree: ast.AST) -> tuple[list[ast.AST], list[tuple[str, ast.AST]]] | None:
    """All nodes, and every identifier with its node; None if there are too many or too deep."""
    nodes: list[ast.AST] = []
    names: list[tuple[str, ast.AST]] = []
    level = [tree]
    for _ in range(MAX_DEPTH):
        nodes += level
        if len(nodes) > MAX_NODES:
            return None
        below: list[ast.AST] = []
        for node in level:
            if type(node) is ast.Constant:
                continue
            for value in vars(node).values():
                kind = type(value)
                if kind is int or value is None:  # line numbers
                    continue
                for item in value if kind is list else (value,):
                    if type(item) is str:
                        names.append((item, node))
                    elif item is not None and item._fields:  # not Load, Add and the like
                        below.append(item)
        if not below:
            return nodes, names
        level = below
    return None


def _binds(node: ast.AST) -> bool:
    """Whether the name in this node gets its meaning from the program itself."""
    if isinstance(node, ast.Name):
        return isinstance(node.ctx, ast.Store)
    return isinstance(node, (ast.arg, ast.FunctionDef, ast.ClassDef))


# Each check: (node, names that the program binds, whether the call is harmless) -> reasons.


def _check_import(node: ast.Import, bound: set[str], harmless: bool) -> Iterator[str]:
    for alias in node.names:
        if alias.name not in MODULES:
            yield f"the module {alias.name} is not allowed"


def _check_import_from(node: ast.ImportFrom, bound: set[str], harmless: bool) -> Iterator[str]:
    module = node.module or ""
    if node.level or module not in MODULES:
        yield f"the module {'.' * node.level}{module} is not allowed"
        return
    for alias in node.names:
        if alias.name in MODULES[module] or alias.name.startswith("_"):
            yield f"{module}.{alias.name} is not allowed"


def _check_name(node: ast.Name, bound: set[str], harmless: bool) -> Iterator[str]:
    if node.id in BUILTINS and node.id not in bound:
        yield f"{node.id} is not allowed"
    elif node.id == "getattr" and not harmless:
        yield "getattr is allowed only if called with a plain name that is written out"


def _check_attribute(node: ast.Attribute, bound: set[str], harmless: bool) -> Iterator[str]:
    if node.attr in _DOORS:
        yield f"the attribute {node.attr} is not allowed"
    elif node.attr in _WALKS and not harmless:
        yield f"{node.attr} is allowed only on a text that is written out, without attributes"


def _check_pattern(node: ast.MatchClass, bound: set[str], harmless: bool) -> Iterator[str]:
    for name in node.kwd_attrs:
        if name in _DOORS:
            yield f"the attribute {name} is not allowed"


def _check_call(node: ast.Call, bound: set[str], harmless: bool) -> Iterator[str]:
    if isinstance(node.func, ast.Name) and node.func.id == "type" and len(node.args) != 1:
        yield "type() with more than one argument is not allowed"


def _check_class(node: ast.ClassDef, bound: set[str], harmless: bool) -> Iterator[str]:
    if node.keywords or any(getattr(base, "id", "") == "type" for base in node.bases):
        yield "metaclasses are not allowed"


_CHECKS: dict[type[ast.AST], Callable[[Any, set[str], bool], Iterator[str]]] = {
    ast.Import: _check_import,
    ast.ImportFrom: _check_import_from,
    ast.Name: _check_name,
    ast.Attribute: _check_attribute,
    ast.MatchClass: _check_pattern,
    ast.Call: _check_call,
    ast.ClassDef: _check_class,
}


def _harmless(call: ast.Call) -> bool:
    """Calls of getattr and format whose text is written out, so that it can be read here."""
    called = call.func
    if isinstance(called, ast.Name) and called.id == "getattr" and len(call.args) > 1:
        name = _text(call.args[1])
        return name is not None and not (name.startswith("_") or name in {*_DOORS, *_WALKS})
    if isinstance(called, ast.Attribute) and called.attr == "format":
        template = _text(called.value)
        return template is not None and not _walks(template)
    return False


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _walks(template: str) -> bool:
    """Whether a format string reads attributes or items of what it formats."""
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError:
        return False  # will raise when it runs
    return any(
        field is not None and ("." in field or "[" in field or _walks(spec or ""))
        for _, field, spec, _ in fields
    )
