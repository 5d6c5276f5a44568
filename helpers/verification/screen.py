"""The screen: reads a program without running it, and refuses what no exercise needs.

A list of what is allowed over the syntax tree: modules, names, attributes, size. It gives the line
and the reason, which makes it the best teacher of the grader's layers; it is not a wall. Somebody
who looks long enough finds a way through a screen, and behind it stand the facades of facades.py
and the limits and filters of layers.py and kernel.py. A refusal is a verdict about the text, so it
never depends on the machine.

It leans towards letting programs through. Refused are: modules that are not offered (rules.py),
doors to frames, code and modules, metaclasses of one's own, and writing into what was imported.
Two things are let through and looked at again when they happen: attributes that are read by a
computed name (getattr, attrgetter), and text that a library evaluates. What stands under
`if __name__ == "__main__":` is not read, since it never runs here: a program's name is "program".
"""

from __future__ import annotations

import ast
import re
import string
import sys
import warnings
from _string import formatter_field_name_split  # type: ignore[import-not-found]
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from helpers.verification import rules

MAX_CHARACTERS = 50_000
MAX_NODES = 20_000
MAX_DEPTH = 100  # of the syntax tree: human programs stay below 30

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (*_FUNCTIONS, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_STRANGE = (AttributeError, TypeError, ValueError, LookupError, RecursionError)
_METACLASSES = frozenset({"ABCMeta", "EnumMeta", "EnumType"})
_PLAIN = "type object bool int float complex str bytes list tuple set frozenset dict"
_CLASSES = frozenset(_PLAIN.split())
_BY_NAME = frozenset({"getattr", "setattr", "delattr", "attrgetter", "methodcaller"})
# Text from which a forbidden name, or a format field that reads one, could be put together.
_SUSPICIOUS = re.compile(r"__\w|\w__|\{[^{}]*\._|\{\w*[.\[][^{}]*$")


@dataclass(frozen=True)
class Finding:
    """What the screen says of one program.

    verdict: "" (may run), "syntax_error" or "refused", with message and line.
    """

    verdict: str = ""
    message: str = ""
    line: int | None = None


def screen(program: str, generated: bool = False) -> Finding:
    """Read `program`; never runs it and never raises, whatever the text.

    generated: it is not the program, but a text of it that a library evaluates, such as an
    annotation in quotes, or one that a library made out of it, as dataclasses do.
    """
    if len(program) > MAX_CHARACTERS:
        return Finding("refused", f"the program is longer than {MAX_CHARACTERS} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(program)
    except SyntaxError as problem:
        if problem.msg.startswith("too many nested"):
            return Finding("refused", "the program is nested too deeply", problem.lineno)
        hint = (
            " (the text holds a Markdown fence: Sandbox(extract=True) reads such text)"
            if "```" in program
            else ""
        )
        return Finding("syntax_error", f"SyntaxError: {problem.msg}{hint}", problem.lineno)
    except (MemoryError, RecursionError):
        return Finding("refused", "the program is nested too deeply")
    except (ValueError, OverflowError) as problem:  # null bytes, text that cannot be encoded
        return Finding("syntax_error", f"{type(problem).__name__}: {problem}")
    return read(tree, generated)


def read(tree: ast.AST, generated: bool = False) -> Finding:
    """The finding for a syntax tree; a shape that the checks do not know is refused."""
    try:
        parts = _flatten(tree)
    except _STRANGE:
        return Finding("refused", "a syntax tree of a shape that is not known")
    if parts is None:
        return Finding("refused", "the program is too large or nested too deeply")
    parts.generated = generated
    objections: list[tuple[int | None, str]] = []
    for node in parts.nodes:
        line = getattr(node, "lineno", None)
        try:
            objections += [(line, reason) for reason in _object_to(node, parts)]
        except _STRANGE:
            objections.append((line, f"a {type(node).__name__} of a shape that is not known"))
    if objections:
        line, reason = min(objections, key=lambda objection: objection[0] or 0)
        return Finding("refused", reason, line)
    return Finding()


# --- the program in pieces -------------------------------------------------------------------


@dataclass
class _Parts:
    """The nodes of a program, and what its names mean."""

    nodes: list[ast.AST] = field(default_factory=list)
    identifiers: dict[int, list[str]] = field(default_factory=dict)  # id of a node -> its names
    parents: dict[int, ast.AST] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)  # name -> module that it stands for
    imported: set[str] = field(default_factory=set)  # these, and names taken from modules
    bound: dict[str, list[ast.AST]] = field(default_factory=dict)  # name -> who gives it a value
    texts: list[str] = field(default_factory=list)  # written out in the program
    classes: set[str] = field(default_factory=set)
    generated: bool = False

    def is_import(self, node: ast.AST) -> bool:
        """Whether the node is a name that stands for something imported."""
        return isinstance(node, ast.Name) and self._is_free(node, self.imported)

    def module(self, node: ast.AST) -> str | None:
        """The module that the node stands for, if it is the name of one."""
        if isinstance(node, ast.Name) and self._is_free(node, self.modules):
            return self.modules[node.id]
        return None

    def _is_free(self, node: ast.Name, imports: set[str] | dict[str, str]) -> bool:
        """Whether the name is imported, and no function round the node gives it another value."""
        if node.id not in imports:
            return False
        scopes = {id(self.scope(binder)) for binder in self.bound.get(node.id, [])}
        return not any(id(scope) in scopes for scope in self.around(node))

    def scope(self, node: ast.AST) -> ast.AST | None:
        """The function or comprehension in which a node that binds a name does so."""
        return next(self.around(node), None)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The functions and comprehensions round a node, from inside out."""
        outside = False  # what is evaluated before the scope begins belongs to the one round it
        while (parent := self.parents.get(id(node))) is not None:
            outside = outside or _is_evaluated_outside(node, parent)
            if isinstance(parent, _SCOPES):
                if not outside:
                    yield parent
                outside = False
            node = parent

    def root(self, node: ast.AST) -> ast.AST:
        """The x of x.a.b[c].d"""
        while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
            node = node.value
        return node

    @property
    def is_of_dataclass(self) -> bool:
        """Whether this is a text of the methods that dataclasses write."""
        return any(isinstance(n, ast.FunctionDef) and n.name == _GENERATED[0] for n in self.nodes)

    def suspicious(self) -> str | None:
        """A text of the program from which a forbidden name could be made."""
        return next((text for text in self.texts if _SUSPICIOUS.search(text)), None)


def _is_evaluated_outside(node: ast.AST, parent: ast.AST) -> bool:
    """Decorators, results, defaults and what a comprehension runs over."""
    if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return any(node is item for item in [*parent.decorator_list, parent.returns])
    if isinstance(parent, ast.arguments):
        return any(node is item for item in [*parent.defaults, *parent.kw_defaults])
    return isinstance(parent, ast.comprehension) and node is parent.iter


def _flatten(tree: ast.AST) -> _Parts | None:
    """All nodes with their names; None if there are too many or too deep."""
    parts = _Parts()
    skipped = {id(node) for guard in _main_guards(tree) for node in guard.body}
    level = [tree]
    for _ in range(MAX_DEPTH):
        parts.nodes += level
        if len(parts.nodes) > MAX_NODES:
            return None
        below: list[ast.AST] = []
        for node in level:
            if type(node) is ast.Constant:
                _note_text(node, parts)
                continue
            for value in vars(node).values():
                kind = type(value)
                if kind is int or value is None:  # line numbers
                    continue
                for item in value if kind is list else (value,):
                    if isinstance(item, ast.AST):
                        if item._fields and id(item) not in skipped:  # not Load, Add and the like
                            parts.parents[id(item)] = node
                            below.append(item)
                    elif type(item) is str:
                        parts.identifiers.setdefault(id(node), []).append(item)
            _note_names(node, parts)
        if not below:
            return parts
        level = below
    return None


def _main_guards(tree: ast.AST) -> list[ast.If]:
    """Each `if __name__ == "__main__":` of the module; the screen lets nobody set __name__."""
    guards = []
    body = getattr(tree, "body", None)
    for node in body if isinstance(body, list) else ():
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
            sides = [node.test.left, *node.test.comparators]
            named = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
            texts = [side for side in sides if _text(side) == "__main__"]
            if named and texts and len(sides) == 2 and isinstance(node.test.ops[0], ast.Eq):
                guards.append(node)
    return guards


def _note_text(node: ast.Constant, parts: _Parts) -> None:
    text = getattr(node, "value", None)
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    is_docstring = isinstance(parts.parents.get(id(node)), ast.Expr)
    if isinstance(text, str) and text != "__main__" and not is_docstring:
        parts.texts.append(text)


def _note_names(node: ast.AST, parts: _Parts) -> None:
    """Which names this node gives a meaning to."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            parts.modules[name] = alias.name if alias.asname else alias.name.partition(".")[0]
            parts.imported.add(name)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            parts.imported.add(alias.asname or alias.name)
            full = f"{node.module}.{alias.name}"
            if rules.is_offered(full):
                parts.modules[alias.asname or alias.name] = full
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        parts.bound.setdefault(node.id, []).append(node)
    elif isinstance(node, ast.arg):
        parts.bound.setdefault(node.arg, []).append(node)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        parts.bound.setdefault(node.name, []).append(node)
        if isinstance(node, ast.ClassDef):
            parts.classes.add(node.name)


def _text(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _last(node: ast.AST | None) -> str:
    """The c of a.b.c, or a plain name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


# --- the checks ------------------------------------------------------------------------------


def _object_to(node: ast.AST, parts: _Parts) -> Iterator[str]:
    for name in parts.identifiers.get(id(node), ()):
        if rules.is_dunder(name) and not _may_stand(name, node):
            if parts.generated and name.startswith(_GENERATED):
                continue
            yield f"the name {name} is not allowed"
        elif name in rules.READERS and parts.generated and not parts.is_of_dataclass:
            # Nobody rewrites what a library evaluates: here it would be the attribute itself.
            yield f"the name {name} is not allowed in a text that is evaluated"
    if check := _CHECKS.get(type(node)):
        yield from check(node, parts)


def _may_stand(name: str, node: ast.AST) -> bool:
    """Whether a double-underscore name may stand in this node."""
    if isinstance(node, ast.Attribute):
        return _may_be_attribute(name, node)
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load):
            return name in rules.METHODS or name in ("__name__", "__doc__", "__debug__")
        return name in rules.METHODS or name in rules.LABELS or name in _IN_CLASSES
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return name in rules.METHODS
    return isinstance(node, ast.ImportFrom) and name == "__future__"


_IN_CLASSES = ("__slots__", "__match_args__", "__doc__")
_GENERATED = ("__create_fn__", "__dataclass_")  # names in the texts of dataclasses
_OBJECT = ("object", "__dataclass_builtins_object__")
_SETTERS = ("__setattr__", "__delattr__", "__getattr__")


def _may_be_attribute(name: str, node: ast.Attribute) -> bool:
    owner = node.value
    reads = isinstance(node.ctx, ast.Load)
    if name in rules.READERS and reads:  # looked at when it happens (facades.py)
        return True
    if name == "__dict__":
        return isinstance(owner, ast.Name)
    if name in _SETTERS:  # what a method of the same name hands on to
        is_super = isinstance(owner, ast.Call) and _last(owner.func) == "super"
        return reads and (is_super or _last(owner) in _OBJECT)
    if reads:
        return name in rules.METHODS or name in rules.ABOUT
    return name in rules.METHODS or name in ("__name__", "__qualname__", "__doc__", "__wrapped__")


def _check_import(node: ast.Import, parts: _Parts) -> Iterator[str]:
    for alias in node.names:
        if not rules.is_offered(alias.name) and not _may_be_missing(alias.name, node, parts):
            yield f"the module {alias.name} is not allowed"


def _check_import_from(node: ast.ImportFrom, parts: _Parts) -> Iterator[str]:
    module = node.module or ""
    if module == "__future__" and not node.level:
        return
    if node.level or not rules.is_offered(module):
        if node.level or not _may_be_missing(module, node, parts):
            yield f"the module {'.' * node.level}{module} is not allowed"
        return
    for alias in node.names:
        if alias.name != "*" and not rules.offers(module, alias.name):
            yield f"{module}.{alias.name} is not allowed"


def _may_be_missing(module: str, node: ast.AST, parts: _Parts) -> bool:
    """Whether it is a foreign package, and the program does without where it is missing."""
    if module.partition(".")[0] in sys.stdlib_module_names or module.startswith("helpers"):
        return False
    parent = parts.parents.get(id(node))
    if isinstance(parent, ast.If) and _last(parent.test) == "TYPE_CHECKING":
        return True
    caught = {"ImportError", "ModuleNotFoundError"}
    return isinstance(parent, ast.Try) and any(
        any(node is item for item in parent.body)
        and (_last(handler.type) in caught or {_last(e) for e in _items(handler.type)} & caught)
        for handler in parent.handlers
    )


def _items(node: ast.AST | None) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else []


def _check_name(node: ast.Name, parts: _Parts) -> Iterator[str]:
    if node.id in rules.BUILTINS and node.id not in parts.bound:
        yield f"{node.id} is not allowed"
    parent = parts.parents.get(id(node))
    if not isinstance(node.ctx, ast.Load):
        return
    if node.id == "type" and "type" not in parts.bound:
        yield from _check_type(node, parent, parts)
    called_with = len(parent.args) if isinstance(parent, ast.Call) and parent.func is node else 0
    if node.id == "vars" and "vars" not in parts.bound and called_with != 1:
        yield "vars is allowed only with one argument"
    is_base = isinstance(parent, ast.Attribute) and parent.value is node
    if (module := parts.module(node)) and rules.is_offered(module) and not is_base:
        yield f"the module {node.id} may be used only with a dot behind it"
    if node.id in ("exit", "quit") and node.id not in parts.bound and _at_once(node, parts):
        yield f"{node.id} is not allowed outside functions"
    if node.id in _BY_NAME and not _is_checked_call(node, parent) and parts.suspicious():
        yield f"{node.id} with a computed name, in a program with the text {parts.suspicious()!r}"


def _check_type(node: ast.Name, parent: ast.AST | None, parts: _Parts) -> Iterator[str]:
    """type(x) is harmless; type itself makes classes out of texts."""
    if isinstance(parent, ast.Call):
        if parent.func is node:
            if len(parent.args) != 1 or parent.keywords or isinstance(parent.args[0], ast.Starred):
                yield "type() with more than one argument is not allowed"
            elif _is_class(parent.args[0], parts):
                yield "the type of a class is not allowed"
            return
        if _last(parent.func) in ("isinstance", "issubclass", "Type", "cast"):
            return
        if _last(parent.func) == "map" and len(parent.args) == 2:
            return
    if isinstance(parent, ast.Tuple):
        above = parts.parents.get(id(parent))
        if isinstance(above, ast.Call) and _last(above.func) in ("isinstance", "issubclass"):
            return
    if isinstance(parent, (ast.Compare, ast.Subscript, ast.arg, ast.BinOp, ast.MatchClass)):
        return
    if isinstance(parent, ast.AnnAssign) and parent.annotation is node:
        return
    if isinstance(parent, ast.keyword) and parent.arg == "key":
        return
    if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and parent.returns is node:
        return
    if isinstance(parent, ast.ClassDef):
        return  # said by _check_class
    yield "type is allowed only with one argument"


def _is_class(node: ast.AST, parts: _Parts) -> bool:
    if isinstance(node, ast.Call):
        return _last(node.func) == "type" and "type" not in parts.bound
    if isinstance(node, ast.Name):
        return node.id in parts.classes or (node.id in _CLASSES and node.id not in parts.bound)
    return isinstance(node, ast.Attribute) and node.attr == "__class__"


def _at_once(node: ast.AST, parts: _Parts) -> bool:
    """Whether the node is called as soon as the program is loaded."""
    called = isinstance(call := parts.parents.get(id(node)), ast.Call) and call.func is node
    return called and not any(isinstance(scope, _FUNCTIONS) for scope in parts.around(node))


def _check_attribute(node: ast.Attribute, parts: _Parts) -> Iterator[str]:
    if node.attr in rules.DOORS:
        yield f"the attribute {node.attr} is not allowed"
    module = parts.module(node.value)
    if module and rules.is_offered(module) and not rules.is_dunder(node.attr):
        inner = f"{module}.{node.attr}"
        if not rules.offers(module, node.attr) and not rules.is_offered(inner):
            yield f"{inner} is not allowed"
        elif inner == "sys.exit" and _at_once(node, parts):
            yield "sys.exit is not allowed outside functions"
    parent = parts.parents.get(id(node))
    if node.attr in ("format", "format_map"):
        template = _text(node.value)
        if template is None and parts.suspicious():
            yield f"{node.attr} of a computed text, with {parts.suspicious()!r} in the program"
        elif template is not None and _walks(template):
            yield f"{node.attr} may not read such attributes"
    if node.attr in _BY_NAME and not _is_checked_call(node, parent) and parts.suspicious():
        yield f"{node.attr} with a computed name, in a program with the text {parts.suspicious()!r}"
    if node.attr == "register" and parts.is_import(parts.root(node)):
        yield "register is not allowed on what was imported"
    is_stream = module == "sys" and node.attr in rules.STREAMS and isinstance(node.ctx, ast.Store)
    if not isinstance(node.ctx, ast.Load) and parts.is_import(parts.root(node)) and not is_stream:
        yield f"{_last(parts.root(node))} was imported and may not be changed"


def _check_subscript(node: ast.Subscript, parts: _Parts) -> Iterator[str]:
    if not isinstance(node.ctx, ast.Load) and parts.is_import(parts.root(node)):
        yield f"{_last(parts.root(node))} was imported and may not be changed"


def _check_pattern(node: ast.MatchClass, parts: _Parts) -> Iterator[str]:
    for name in node.kwd_attrs:
        if name in rules.DOORS:
            yield f"the attribute {name} is not allowed"


def _check_value(node: ast.MatchValue, parts: _Parts) -> Iterator[str]:
    """In a pattern a call cannot take its place (facades.py), and the subject would be given it."""
    value = node.value
    while isinstance(value, ast.Attribute):
        if value.attr in rules.READERS:
            yield f"{value.attr} is not allowed in a pattern"
        value = value.value


def _check_call(node: ast.Call, parts: _Parts) -> Iterator[str]:
    called = _last(node.func)
    if called in ("wraps", "update_wrapper"):
        most = 1 if called == "wraps" else 2
        if len(node.args) > most or any(k.arg in ("assigned", "updated") for k in node.keywords):
            yield f"{called} is allowed only without `assigned` and `updated`"
    if called in _METACLASSES:
        yield "metaclasses are not allowed"
    if called in _BY_NAME:
        for name in _names_read(node):
            if not all(map(rules.may_be_read_by_name, name.split("."))):
                yield f"the attribute {name} is not allowed"
    if called in ("__setattr__", "__delattr__", "__getattr__"):
        for text in map(_text, node.args):
            if text is not None and rules.is_dunder(text):
                yield f"the attribute {text} is not allowed"


def _is_checked_call(node: ast.AST, parent: ast.AST | None) -> bool:
    """Whether the node is called with attribute names that are written out."""
    if not (isinstance(parent, ast.Call) and parent.func is node):
        return False
    return len(_names_read(parent)) > 0


def _names_read(call: ast.Call) -> list[str]:
    """The attribute names in a call of getattr or attrgetter, if all are written out."""
    if _last(call.func) in ("getattr", "setattr", "delattr"):
        arguments = call.args[1:2]
    else:
        arguments = call.args if _last(call.func) == "attrgetter" else call.args[:1]
    names = [_text(argument) for argument in arguments]
    return [name for name in names if name is not None] if all(n is not None for n in names) else []


def _walks(template: str, depth: int = 0) -> bool:
    """Whether a format text reads attributes that nobody may read by name."""
    try:
        for _, field_name, spec, _ in string.Formatter().parse(template):
            if field_name is None:
                continue
            _, rest = formatter_field_name_split(field_name)
            for is_attribute, name in rest:
                if is_attribute and (name[:1] == "_" or not rules.may_be_read_by_name(name)):
                    return True
            if spec and (depth > 1 or _walks(spec, depth + 1)):
                return True
    except ValueError:
        pass  # will raise when it runs
    return False


def _check_class(node: ast.ClassDef, parts: _Parts) -> Iterator[str]:
    for keyword in node.keywords:
        if keyword.arg is None:
            yield "keywords of a class must be written out"
        elif keyword.arg == "metaclass" and _last(keyword.value) not in _METACLASSES:
            yield "metaclasses are not allowed"
    for base in node.bases:
        if _last(base) in _METACLASSES or (_last(base) == "type" and "type" not in parts.bound):
            yield "metaclasses are not allowed"


def _check_assign(node: ast.Assign, parts: _Parts) -> Iterator[str]:
    """__match_args__ names attributes that patterns read."""
    if any(_last(target) == "__match_args__" for target in node.targets):
        names = [_text(item) for item in _items(node.value)]
        if not names or not all(name and rules.may_be_read_by_name(name) for name in names):
            yield "__match_args__ must be a tuple of attribute names that are written out"


def _check_augmented(node: ast.AugAssign, parts: _Parts) -> Iterator[str]:
    """`kind.__dict__ += x` reads it unlooked at, and hands it to x."""
    if isinstance(node.target, ast.Attribute) and node.target.attr in rules.READERS:
        yield f"{node.target.attr} may not be changed in place"


def _check_annotation(node: ast.AST, parts: _Parts) -> Iterator[str]:
    """A quoted annotation is read like the rest of the program: libraries evaluate it."""
    text = _text(getattr(node, "returns", None) or getattr(node, "annotation", None))
    if text is None:
        return
    text = text.strip()
    finding = screen(text, generated=True) if len(text) < 1000 else Finding("refused", "too long")
    if finding.verdict == "refused":
        yield f"in a quoted annotation: {finding.message}"


def _check_annotated(node: ast.AnnAssign, parts: _Parts) -> Iterator[str]:
    yield from _check_annotation(node, parts)
    if _last(node.target) == "__match_args__":
        yield "__match_args__ must be a tuple of attribute names that are written out"


_CHECKS: dict[type[ast.AST], Callable[..., Iterator[str]]] = {
    ast.AnnAssign: _check_annotated,
    ast.AsyncFunctionDef: _check_annotation,
    ast.Assign: _check_assign,
    ast.Attribute: _check_attribute,
    ast.AugAssign: _check_augmented,
    ast.Call: _check_call,
    ast.ClassDef: _check_class,
    ast.FunctionDef: _check_annotation,
    ast.Import: _check_import,
    ast.ImportFrom: _check_import_from,
    ast.MatchClass: _check_pattern,
    ast.MatchValue: _check_value,
    ast.Name: _check_name,
    ast.Subscript: _check_subscript,
    ast.arg: _check_annotation,
}
