"""The screen: reads a program without running it, and refuses what no exercise needs.

An allow-list over the syntax tree: modules, names, attributes, size. It gives the line and the
reason, which makes it the best teacher of the grader's layers; it is not a wall. Somebody who looks
long enough finds a way through a screen, and behind it stand the limits and filters of layers.py.
A refusal is a verdict about the text, so it never depends on the machine. The screen also says
which programs are free of side effects on the interpreter, and so may share a process.
"""

from __future__ import annotations

import ast
import string
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

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
_SHARED_STATE = frozenset({"decimal", "random", "time"})  # modules with a state, or that wait


@dataclass(frozen=True)
class Finding:
    """What the screen says of one program.

    verdict: "" (may run), "syntax_error" or "refused", with message and line. pure: free of side
    effects on the interpreter, as far as the text shows, so that it may share a process.
    """

    verdict: str = ""
    message: str = ""
    line: int | None = None
    pure: bool = False


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
    nodes = _flatten(tree)
    if nodes is None:
        return Finding("refused", "the program is too large or nested too deeply")
    bound = {name for node in nodes for name in _binds(node)}
    harmless = {id(node.func) for node in nodes if isinstance(node, ast.Call) and _harmless(node)}
    for node in nodes:
        for reason in _objections(node, bound, id(node) in harmless):
            return Finding("refused", reason, getattr(node, "lineno", None))
    return Finding(pure=not any(map(_may_leave_traces, nodes)))


def _flatten(tree: ast.AST) -> list[ast.AST] | None:
    """All nodes in order of their lines, parents first; None if too many or too deep."""
    nodes: list[ast.AST] = []
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        nodes += level
        if len(nodes) > MAX_NODES:
            return None
        level = [below for node in level for below in ast.iter_child_nodes(node)]
        if not level:
            return sorted(nodes, key=lambda node: getattr(node, "lineno", 0))
    return None


def _binds(node: ast.AST) -> Iterator[str]:
    """Names that the program itself gives a meaning."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name


def _objections(node: ast.AST, bound: set[str], harmless: bool) -> Iterator[str]:
    """Reasons to refuse this node."""
    for name in _names_in(node):
        if name.startswith("__") and name.endswith("__") and name not in _DUNDERS:
            yield f"the name {name} is not allowed"
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name not in MODULES:
                yield f"the module {alias.name} is not allowed"
    elif isinstance(node, ast.ImportFrom):
        yield from _import_objections(node)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        if node.id in BUILTINS and node.id not in bound:
            yield f"{node.id} is not allowed"
        elif node.id == "getattr" and not harmless:
            yield "getattr is allowed only if called with a plain name that is written out"
    elif isinstance(node, ast.Attribute):
        if node.attr in _DOORS or (node.attr in _WALKS and not harmless):
            yield f"the attribute {node.attr} is not allowed" + " here" * (node.attr in _WALKS)
    elif isinstance(node, ast.MatchClass):
        yield from (f"{name} is not allowed" for name in node.kwd_attrs if name in _DOORS)
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "type" and len(node.args) != 1:
            yield "type() with more than one argument is not allowed"
    elif isinstance(node, ast.ClassDef) and (
        node.keywords or any(getattr(base, "id", "") == "type" for base in node.bases)
    ):
        yield "metaclasses are not allowed"


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


def _names_in(node: ast.AST) -> Iterator[str]:
    """Every identifier that the node itself holds: variables, attributes, arguments, patterns."""
    if isinstance(node, ast.Constant):
        return
    for field, value in ast.iter_fields(node):
        if isinstance(value, str) and field != "type_comment":
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))


def _import_objections(node: ast.ImportFrom) -> Iterator[str]:
    module = node.module or ""
    if node.level or module not in MODULES:
        yield f"the module {'.' * node.level}{module} is not allowed"
        return
    for alias in node.names:
        if alias.name in MODULES[module] or alias.name.startswith("_"):
            yield f"{module}.{alias.name} is not allowed"


def _may_leave_traces(node: ast.AST) -> bool:
    """Whether a program with this node could change the interpreter for the next program."""
    if isinstance(node, ast.Attribute):
        on_self = isinstance(node.value, ast.Name) and node.value.id == "self"
        return not (isinstance(node.ctx, ast.Load) or on_self)
    if isinstance(node, ast.Import):
        return any(alias.name in _SHARED_STATE for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module in _SHARED_STATE
    if isinstance(node, ast.ClassDef):
        return bool(node.bases)
    if isinstance(node, ast.ExceptHandler):
        return node.type is None
    return isinstance(node, ast.Name) and node.id == "BaseException"
