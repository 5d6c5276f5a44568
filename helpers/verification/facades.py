"""What a screened program sees of Python: its builtins, its modules, and nothing else.

Runs only in the worker and its children; standard library only. A facade is a module with the
public names of an offered one, less what rules.py withholds, and without the modules inside it.
Five things that the screen cannot decide by reading are decided here, when they happen:

- getattr, setattr, delattr, attrgetter and methodcaller look at the name that they are given;
- `vars`, and `x.__dict__`, show of a class only what may be read by name;
- `type` takes one argument, and the type of a class is this `type` again (`x.__class__`, too), so
  that no program makes classes out of texts, in which libraries would then find code;
- wraps and update_wrapper copy what they always copy and nothing else;
- text that a library evaluates while a screened program runs (annotations in quotes, the fields
  of a dataclass) goes through the screen as well, by an audit hook.

None of this is a wall against a process that was taken over; those walls are layers.py
and kernel.py.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import functools
import importlib
import io
import operator
import sys
from collections.abc import Callable
from types import CodeType, GenericAlias, MappingProxyType, ModuleType
from typing import Any, NoReturn

from helpers.verification import rules
from helpers.verification.layers import PROGRAM
from helpers.verification.screen import screen

_FACADES: dict[str, ModuleType] = {}  # what screened programs import, filled by build
SCREENED: dict[str, Any] = {}  # the builtins of screened programs
EVERYTHING: dict[str, Any] = {}  # the builtins of all others
_reading = False  # whether text that is compiled goes through the screen

_getattr, _setattr, _delattr, _vars, _type = getattr, setattr, delattr, vars, type


_NO_INPUT = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # sys.stdin, at its end
# What this interpreter began with: dropped, they would close descriptors that are somebody else's.
_OWN_STREAMS = sys.__stdin__, sys.__stdout__, sys.__stderr__


def read_line(prompt: object = "") -> str:
    """`input` of a program under test: it reads what the program has made of sys.stdin."""
    print(prompt, end="")
    line = sys.stdin.readline()
    if not line:
        raise EOFError("EOF when reading a line")
    return line.removesuffix("\n")


def leave(code: object = None) -> NoReturn:
    """`exit` and `quit`, which a worker without `site` lacks."""
    raise SystemExit(code)


# --- attributes by name ----------------------------------------------------------------------


def _check(name: Any, writes: bool = False) -> Any:
    """`name`, if a program may name this attribute at run time."""
    if isinstance(name, str):
        name = str.__str__(name)
        if not rules.may_be_read_by_name(name) or (writes and rules.is_dunder(name)):
            raise AttributeError(f"the attribute {name} is not allowed")
    return name


def checked_getattr(thing: Any, name: Any, *default: Any) -> Any:
    """`getattr` that looks at the name."""
    return _getattr(thing, _check(name), *default)


def checked_setattr(thing: Any, name: Any, value: Any) -> None:
    """`setattr` that looks at the name."""
    _setattr(thing, _check(name, writes=True), value)


def checked_delattr(thing: Any, name: Any) -> None:
    """`delattr` that looks at the name."""
    _delattr(thing, _check(name, writes=True))


def checked_vars(thing: Any) -> Any:
    """`vars` of something; without an argument it would show the names of the caller.

    Of a class it holds only what may be read by name: the others are ways to read, as
    `vars(type(f))["__globals__"].__get__(f)` does.
    """
    found = _vars(thing)
    if isinstance(found, MappingProxyType):
        found = {key: value for key, value in found.items() if rules.may_be_read_by_name(key)}
        return MappingProxyType(found)
    return found


class _Readers(ast.NodeTransformer):
    """Turns `x.__dict__` and `x.__class__` into calls: the screen cannot know whether x is a class.

    No program can write the names of the functions that are called.
    """

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr not in rules.READERS or not isinstance(node.ctx, ast.Load):
            return node
        name = ast.copy_location(ast.Name(rules.READERS[node.attr], ast.Load()), node)
        return ast.copy_location(ast.Call(name, [node.value], []), node)


def compiled(source: str, guarded: bool) -> CodeType:
    """The program, ready to run; guarded: it was screened."""
    tree: Any = source
    # What is not ASCII may spell these names in other letters.
    if guarded and (not source.isascii() or any(name in source for name in rules.READERS)):
        tree = _Readers().visit(ast.parse(source))
    return compile(tree, PROGRAM, "exec", dont_inherit=True)


def attrgetter(*names: Any) -> Any:
    """`operator.attrgetter` that looks at the names."""
    parts = [str.__str__(name).split(".") if isinstance(name, str) else name for name in names]
    for part in parts:
        for name in part if isinstance(part, list) else ():
            _check(name)
    return operator.attrgetter(*[".".join(p) if isinstance(p, list) else p for p in parts])


def methodcaller(name: Any, /, *args: Any, **keywords: Any) -> Any:
    """`operator.methodcaller` that looks at the name."""
    return operator.methodcaller(_check(name), *args, **keywords)


def update_wrapper(wrapper: Any, wrapped: Any) -> Any:
    """`functools.update_wrapper` without the choice of attributes."""
    return functools.update_wrapper(wrapper, wrapped)


def wraps(wrapped: Any) -> Callable[[Any], Any]:
    """`functools.wraps` without the choice of attributes."""
    return lambda wrapper: functools.update_wrapper(wrapper, wrapped)


# --- type ------------------------------------------------------------------------------------


class _OneArgument(type):
    """Makes its only class behave like `type` with one argument."""

    def __call__(cls, *args: Any) -> Any:
        if len(args) != 1:
            raise TypeError("type() takes 1 argument here")
        found = _type(args[0])
        return cls if issubclass(found, _type) else found

    def __instancecheck__(cls, thing: Any) -> bool:
        return isinstance(thing, _type)

    def __subclasscheck__(cls, kind: Any) -> bool:
        return issubclass(kind, _type)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is _type

    def __hash__(cls) -> int:
        return hash(_type)

    def __repr__(cls) -> str:
        return "<class 'type'>"


_NAMES = {"__qualname__": "type", "__module__": "builtins"}
one_argument_type = _OneArgument(
    "type", (), {**_NAMES, "__class_getitem__": classmethod(GenericAlias)}
)


# --- modules ---------------------------------------------------------------------------------


class _Sys(ModuleType):
    """The facade of sys. Its streams are the interpreter's, to which `print` writes."""


def _stream(name: str) -> property:
    def replace(_: _Sys, stream: Any) -> None:
        _setattr(sys, name, stream)

    return property(lambda _: _getattr(sys, name), replace)


for _name in rules.STREAMS:
    _setattr(_Sys, _name, _stream(_name))
    _setattr(_Sys, f"__{_name}__", property(_stream(f"__{_name}__").fget))


def facade(name: str) -> ModuleType:
    """A module with the names of `name` that are offered, and no modules inside."""
    original = sys.modules[name]
    copy = (_Sys if name == "sys" else ModuleType)(name, original.__doc__)
    for key, value in vars(original).items():
        if name == "sys" and key in rules.STREAMS:
            continue  # read when they are asked for
        if rules.offers(name, key) and not isinstance(value, ModuleType):
            _setattr(copy, key, value)
    return copy


def _bounded_recursion(limit: int) -> None:
    """`sys.setrecursionlimit`, up to what the stack of a child stands."""
    sys.setrecursionlimit(min(limit, rules.RECURSION_LIMIT))


def screened_import(
    name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> ModuleType:
    """The `import` of screened programs: facades of the offered modules, nothing else.

    The interpreter itself imports late what it needs, in the name of the program; it gives a list
    where a program gives a tuple, and takes the module from sys.modules.
    """
    if name in rules.WARM or (_type(fromlist) is list and name in sys.modules):
        return sys.modules[name]
    if name == "__future__":
        return importlib.import_module(name)
    if level or name not in _FACADES:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _FACADES[name if fromlist else name.partition(".")[0]]


def build() -> None:
    """Import what programs may use, so that children share it and never touch a file."""
    importlib.import_module("__future__")
    offered = sorted({*rules.MODULES, *rules.ONLY})
    for name in [*offered, *rules.WARM]:
        importlib.import_module(name)
    for name in offered:
        _FACADES[name] = facade(name)
        parent, _, last = name.rpartition(".")
        if parent:
            _setattr(_FACADES.setdefault(parent, ModuleType(parent)), last, _FACADES[name])
    for replaced in (attrgetter, methodcaller):
        _setattr(_FACADES["operator"], replaced.__name__, replaced)
    for wrapper in (update_wrapper, wraps):
        _setattr(_FACADES["functools"], wrapper.__name__, wrapper)
    for module in _FACADES.values():
        names = {*vars(module), *vars(_type(module))}
        module.__all__ = [key for key in sorted(names) if key[0] != "_"]  # type: ignore[attr-defined]
    _setattr(_FACADES["sys"], "setrecursionlimit", _bounded_recursion)
    _setattr(_FACADES["sys"], "argv", ["program"])
    dataclasses._is_type = _knows_facades(dataclasses._is_type)  # type: ignore[attr-defined]
    endings = {"input": read_line, "exit": leave, "quit": leave}
    allowed = {k: v for k, v in vars(builtins).items() if k not in rules.BUILTINS}
    SCREENED.update(allowed, **endings, __import__=screened_import, type=one_argument_type)
    for name in ("getattr", "setattr", "delattr", "vars"):
        SCREENED[name] = globals()[f"checked_{name}"]
    SCREENED.update(__vars__=checked_vars, __type__=one_argument_type)
    EVERYTHING.update(vars(builtins), **endings)
    sys.addaudithook(_read_text)


def _knows_facades(is_type: Callable[..., bool]) -> Callable[..., bool]:
    """For `x: "typing.ClassVar[int]"` dataclasses ask whether `typing` is that module."""

    def look_twice(annotation: str, cls: type, module: Any, kind: Any, test: Any) -> bool:
        stands_in = _FACADES[module.__name__]
        return is_type(annotation, cls, module, kind, test) or is_type(
            annotation, cls, stands_in, kind, lambda found, _: test(found, module)
        )

    return look_twice


def give_streams(out: Any) -> None:
    """Put in place what a program finds as sys.stdin, and `out` as sys.stdout and sys.stderr.

    What it has replaced them by it can take back: `sys.__stdout__` is the same.
    """
    sys.stdin = sys.__stdin__ = _NO_INPUT  # type: ignore[misc]
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = out  # type: ignore[misc]


def take_streams_back() -> None:
    """Put this interpreter's own streams in place again."""
    sys.stdin, sys.stdout, sys.stderr = _OWN_STREAMS
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = _OWN_STREAMS  # type: ignore[misc]


# --- text that libraries evaluate ------------------------------------------------------------


def read_texts(on: bool) -> None:
    """From now on whatever is compiled goes through the screen, or no more."""
    global _reading
    _reading = on


def _read_text(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook: a text that the screen refuses is not compiled."""
    global _reading
    if not _reading or event != "compile":
        return
    source = args[0]
    if isinstance(source, (bytes, bytearray)):
        source = source.decode("utf-8", "replace")
    _reading = False  # the screen itself parses
    try:
        finding = screen(source, generated=True) if isinstance(source, str) else None
    finally:
        _reading = True
    if finding is None or finding.verdict == "refused":
        reason = finding.message if finding else "it is no text"
        raise PermissionError(f"a text must not be evaluated: {reason}")
