"""The screen: what it refuses, with line and reason, what it lets through; it never raises."""

from __future__ import annotations

import ast
import io
import sys
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.verification import facades, rules
from helpers.verification.screen import read, screen


@pytest.mark.parametrize(
    ("program", "line", "reason"),
    [
        ("x = 1\nimport os", 2, "the module os is not allowed"),
        ("import math, socket", 1, "the module socket is not allowed"),
        ("import os.path", 1, "the module os.path is not allowed"),
        ("from os import path", 1, "the module os is not allowed"),
        ("from . import x", 1, "the module . is not allowed"),
        ("from typing import get_type_hints", 1, "typing.get_type_hints is not allowed"),
        ("from re import _compile", 1, "re._compile is not allowed"),
        ("def f():\n    return eval('1')", 2, "eval is not allowed"),
        ("del a.b.__dict__", 1, "the name __dict__ is not allowed"),
        ("match a:\n    case b.__dict__: pass", 2, "__dict__ is not allowed in a pattern"),
        ("a.__dict__ += b", 1, "__dict__ may not be changed in place"),
        ("def f(x: 'int.__class__'): pass", 1, "in a quoted annotation: the name __class__"),
        ("import sys\nx = 1; del sys.stdin", 2, "sys was imported and may not be changed"),
        ("import sys\nsys.maxsize = 1", 2, "sys was imported and may not be changed"),
        ("import math as sys\nsys.stdout = 1", 2, "sys was imported and may not be changed"),
        ("a.__class__ = B", 1, "the name __class__ is not allowed"),
        ("x = __builtins__", 1, "the name __builtins__ is not allowed"),
        ("__name__ = '__main__'", 1, "the name __name__ is not allowed"),
        ("x = f.gi_frame", 1, "the attribute gi_frame is not allowed"),
        ("x = 'a{0.__b__}'.format(1)", 1, "format may not read"),
        ("x = 'a{0:{1._b}}'.format(1)", 1, "format may not read"),
        ("y = '{0.__cl' + 'ass__}'\nx = y.format(1)", 2, "format of a computed text"),
        ("y = '{0.' + z + '}'\nx = y.format(1)", 2, "format of a computed text"),
        ("x = getattr(a, '__globals__')", 1, "the attribute __globals__ is not allowed"),
        ("g = getattr\nx = g(a, '__globals__')", 1, "getattr with a computed name"),
        ("x = getattr(a, '__glo' + 'bals__')", 1, "getattr with a computed name"),
        ("from operator import *\nx = attrgetter('a.__class__')(a)", 2, "attribute a.__class__"),
        ("import operator as o\nx = o.methodcaller('mro')(a)", 2, "the attribute mro"),
        ("setattr(f, '__code__', g)", 1, "the attribute __code__ is not allowed"),
        ("object.__setattr__(f, '__code__', g)", 1, "the attribute __code__ is not allowed"),
        ("x = y.__setattr__", 1, "the name __setattr__ is not allowed"),
        ("class A(metaclass=M): pass", 1, "metaclasses are not allowed"),
        ("class A(type): pass", 1, "metaclasses are not allowed"),
        ("from abc import ABCMeta\nclass A(ABCMeta): pass", 2, "metaclasses are not allowed"),
        ("import abc\nx = abc.ABCMeta('A', (), {})", 2, "metaclasses are not allowed"),
        ("class A(**k): pass", 1, "keywords of a class"),
        ("x = type('A', (), {})", 1, "type() with more than one argument is not allowed"),
        ("x = type(*y)", 1, "type() with more than one argument is not allowed"),
        ("t = type", 1, "type is allowed only with one argument"),
        ("x = map(type, ['A'], [()], [{}])", 1, "type is allowed only with one argument"),
        ("import functools\nx = functools.partial(type, 'A')", 2, "type is allowed only"),
        ("t = type(int)", 1, "the type of a class is not allowed"),
        ("class A: pass\nt = type(A)", 2, "the type of a class is not allowed"),
        ("x = type(type(a))", 1, "the type of a class is not allowed"),
        ("class A:\n    __match_args__ = ('__class__',)", 2, "__match_args__ must be"),
        ("class A:\n    __match_args__ = names()", 2, "__match_args__ must be"),
        ("match a:\n    case A(__class__=b): pass", 2, "the name __class__ is not allowed"),
        ("match a:\n    case A(mro=b): pass", 2, "the attribute mro is not allowed"),
        ("import math\nmath.pi = 3", 2, "math was imported and may not be changed"),
        ("import math as m\ndel m.pi", 2, "m was imported and may not be changed"),
        ("import math\ndef p(self):\n    self.pi = 3\np(math)", 4, "math may be used only with"),
        ("import math\nx = [m for math in [math]]", 2, "math may be used only with a dot"),
        ("import math\ndef p(math=math):\n    math.pi = 3", 2, "math may be used only with"),
        ("from collections import abc\nx = abc", 2, "abc may be used only with a dot"),
        ("from json import JSONEncoder as J\nJ.encode = f", 2, "J was imported"),
        ("import pprint\npprint.PrettyPrinter._dispatch[f] = g", 2, "pprint was imported"),
        ("import copy\ncopy.dispatch_table[set] = f", 2, "copy was imported and may not"),
        ("import copy\nx = copy.dispatch_table", 2, "copy.dispatch_table is not allowed"),
        ("import numbers\nnumbers.Number.register(str)", 2, "register is not allowed on what"),
        ("from abc import ABC\n@ABC.register\nclass A: pass", 2, "register is not allowed"),
        ("import functools\nfunctools.wraps(f, updated=('__globals__',))", 2, "only without"),
        ("from functools import *\nupdate_wrapper(f, g, (), ())", 2, "only without `assigned`"),
        ("import typing\nx = typing.List['a'].__args__[0]._evaluate({}, {})", 2, "_evaluate is"),
        ("import enum\nx = enum.Enum._convert_", 2, "the attribute _convert_ is not allowed"),
        ("from enum import global_enum", 1, "enum.global_enum is not allowed"),
        ("import sys\nx = sys.modules", 2, "sys.modules is not allowed"),
        ("from sys import _getframe", 1, "sys._getframe is not allowed"),
        ("import sys\nsys.exit(0)", 2, "sys.exit is not allowed outside functions"),
        ("if x:\n    exit()", 2, "exit is not allowed outside functions"),
        ("import io\nx = io.open('a')", 2, "io.open is not allowed"),
        ("x: \"__import__('os')\" = 1", 1, "in a quoted annotation: the name __import__"),
        ("def f(x: 'open(1)') -> 'eval(1)': pass", 1, "in a quoted annotation: "),
        ("x = vars()", 1, "vars is allowed only with one argument"),
        ("try:\n    import os\nexcept ImportError:\n    pass", 2, "the module os is not allowed"),
        ("try:\n    import numpy\nfinally:\n    pass", 2, "the module numpy is not allowed"),
        ("x = '" + "{:" * 9000 + "}" * 9000 + "'.format(1)", 1, "format may not read"),
        ("x = " + "[" * 150 + "]" * 150, None, "too large or nested too deeply"),
        ("x = " + "(" * 5000, 1, "nested too deeply"),
        ("x = 1\n" * 20_000, None, "longer than"),
    ],
)
def test_refused_with_line_and_reason(program: str, line: int | None, reason: str) -> None:
    finding = screen(program)
    assert finding.verdict == "refused"
    assert finding.line == line
    assert reason in finding.message


def test_the_first_objection_by_line_is_reported() -> None:
    finding = screen("def f():\n    x = [].__globals__\n    eval('1')\nimport os")
    assert (finding.line, finding.message) == (2, "the name __globals__ is not allowed")


@pytest.mark.parametrize(
    "program",
    [
        "import math\nfrom collections import Counter\nimport collections.abc",
        "def f(input, vars):\n    return input + vars",
        "class A:\n    def __init__(self):\n        self._x = 1\n    def __lt__(self, o): return 1",
        "x = '{:.2f} {}'.format(1.0, 2)",
        "x = getattr(a, 'name', None)",
        "x = type(a)",
        "def f(xs):\n    return sorted(xs, key=lambda x: -x)",
        "if __name__ == '__main__':\n    print('hello')",
        "x = {'__class__': '{0.__class__}'}",
        "class A(ValueError): pass",
        "x = '{0.b} {c[1].d:{e}}'.format(1)",
        "def f(row, xs):\n    return row.format(*xs)",
        "def visit(self, kind):\n    return getattr(self, f'visit_{kind}')()",
        "from __future__ import annotations",
        "from operator import attrgetter, itemgetter\nx = attrgetter('a.b', 'c')",
        "from abc import ABC, ABCMeta\nclass A(ABC): pass\nclass B(metaclass=ABCMeta): pass",
        "class A(TypedDict, total=False): x: int",
        "class A:\n    def update(self, n, value):\n        setattr(self, n, value)",
        "def __repr__(self):\n    return self.__class__.__name__ + type(self).__name__",
        "x = [].__class__, a.b.__class__.__class__, f(1).__dict__",
        "import sys, io\nsys.stdout, sys.stdin = io.StringIO(), sys.__stdin__",
        "x = map(type, xs), isinstance(a, (int, type)), type(a) is type(b), type(a)(1, 2, 3)",
        "def f(a: type, b: type[int]) -> type: pass",
        "import sys\nsys.setrecursionlimit(10 ** 6)\nprint(1, file=sys.stderr)",
        "import sys\ndef main():\n    sys.exit(0)",
        "import random\ndef f(random):\n    random.x = 1\n    return g(random)",
        "import string\ndef f(string):\n    return g(string), [time for time in string]",
        "def insert(root, key):\n    root.left = key\n    return root",
        "from functools import singledispatch, wraps\n@singledispatch\ndef g(x): pass\n"
        "@g.register\ndef h(x: int): pass",
        "import functools\ndef d(f):\n    @functools.wraps(f)\n    def w(*a): return f(*a)",
        "x: 'list[Node] | None' = None\ndef f(x: 'Node', n: 'the number, a word') -> 'Node': pass",
        "if __name__ == '__main__':\n    import sys, os\n    os.system(input())\n    sys.exit(0)",
        "try:\n    import numpy as np\nexcept ImportError:\n    np = None",
        "try:\n    from x import y\nexcept (ModuleNotFoundError, KeyError):\n    y = None",
        "class A:\n    __match_args__ = ('x', 'y')\n    __slots__ = ('x', 'y', '__dict__')",
        "__all__ = ['f']\n__version__ = '1'\n__author__ = 'me'",
        "class A:\n    def __setattr__(self, n, v):\n        object.__setattr__(self, n, v)",
    ],
)
def test_let_through(program: str) -> None:
    assert screen(program).verdict == ""


def test_syntax_errors_have_a_line() -> None:
    finding = screen("x = 1\ny = (")
    assert (finding.verdict, finding.line) == ("syntax_error", 2)
    assert finding.message == "SyntaxError: '(' was never closed"


def test_no_warning_escapes() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert screen("x = '\\d' is 3").verdict == ""


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_any_text_gets_a_finding(program: str) -> None:
    assert screen(program).verdict in {"", "refused", "syntax_error"}


# --- every form of the language ---------------------------------------------------------------

# Each is right Python of the version before it; together they hold every class of syntax node.
FORMS = {
    (3, 11): """
match a:
    case True | False | None: pass
    case {"a": True, **rest}: pass
    case [True, *_] | (1, *others) | [-1, 1.5, 1 + 2j, "a", b"a"]: pass
    case A(b=False) | A(1, c.d): pass
    case {1: [x, y] as z} if z: pass
    case c.d: pass
    case _: pass
---
async def f(a, /, b: int = 1, *c, d=2, e, **g) -> int:
    async with a as b, c: await b
    async for x in y: pass
    else: pass
    return [i async for i in x if i], {i: j for i, j in x}, {i for i in x}, (i for i in x)
---
def f():
    global a
    a = yield
    x = yield from a
    def g():
        nonlocal x
        x = 1
    return
---
class A(B, *c, total=True):
    x: int
    (y): int = 1
    a.b: int = 2
    a[0]: int
    @d
    def f(self): return super().f()
---
for a, (b, *c) in d: break
else: pass
while a:
    continue
else: pass
if a: pass
elif b: pass
else: pass
---
try: pass
except A: raise
except (B, C) as e: raise D from e
except: pass
else: pass
finally: pass
---
try: pass
except* A as e: pass
---
with a, b as (c, d): pass
with (a as b, c as d,): pass
---
import math, collections.abc as abc
from math import sqrt as s, pi
from math import *
---
a = b = c, d = 1, 2
a += 1; a -= 1; a *= 1; a /= 1; a //= 1; a %= 1; a @= 1; a **= 1
a &= 1; a |= 1; a ^= 1; a <<= 1; a >>= 1
del a, b[0], c.d, e[1:2, ...]
assert a, b
lambda x, *y, z=1, **w: (x, y, z, w)
a if b else c
(a := 1)
not a, -a, +a, ~a
a and b or c
a < b <= c == d != e > f >= g is h is not i in j not in k
a + b - c * d / e // f % g @ h ** i & j | k ^ l << m >> n
f(a, *b, c=d, **e)
a[1:2:3], a[:], a[*b], a.b.c
[1, *a], (1, *a), {1, *a}, {1: 2, **a}
f"{a}{b!r:>{c}}{d=}{{}}", "a" "b", b"a", 1j, 1.5, 0x1F, ..., True, None, r"\\d", u"a"
""",
    (3, 12): """
type A[T: int, *Ts, **P] = list[T]
def f[T](x: T) -> T: return x
class B[T: (int, str)]: pass
f"{f'{a + "b"}'}"
""",
    (3, 13): """
type A[T = int, *Ts = *tuple[int, ...], **P = [int]] = list[T]
def f[T = int](x: T) -> T: return x
""",
}


def forms() -> list[str]:
    return [
        form
        for version, text in FORMS.items()
        if version <= sys.version_info[:2]
        for form in text.split("---")
    ]


@pytest.mark.parametrize("form", forms())
def test_every_form_of_the_language_passes(form: str) -> None:
    assert screen(form).message == ""
    assert screen("\n".join(f"    {line}" for line in form.splitlines())).verdict == "syntax_error"


def node_classes() -> list[type[ast.AST]]:
    """Every kind of node that the parser of this Python makes."""
    import inspect
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        members = [value for _, value in inspect.getmembers(ast, inspect.isclass)]
    old = {"Num", "Str", "Bytes", "NameConstant", "Ellipsis", "Index", "ExtSlice", "Suite",
           "AugLoad", "AugStore", "Param", "slice"}  # fmt: skip
    return [
        kind
        for kind in members
        if issubclass(kind, ast.AST) and not kind.__subclasses__() and kind.__name__ not in old
    ]


def test_the_forms_hold_every_kind_of_node() -> None:
    seen = {type(node).__name__ for form in forms() for node in ast.walk(ast.parse(form))}
    # Made only for other modes than `exec`, for type comments, or by nobody.
    never = {"Interactive", "FunctionType", "Expression", "TypeIgnore", "TemplateStr",
             "Interpolation"}  # fmt: skip
    assert {kind.__name__ for kind in node_classes()} - seen <= never


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 1j, ..., "", "x", "__class__", b"x", (), object(), [], [None],
    [True], [1], ["x"], [[]], ast.Name("x", ast.Load()), ast.Constant(True), ast.Load(), ast.Add(),
    [ast.Name("x", ast.Load()), None], [ast.Constant(None)], [ast.Pass()], [ast.alias("x", None)],
    [ast.keyword(None, ast.Name("x", ast.Load()))], ast.Call(), ast.Attribute(), ast.ClassDef(),
    [ast.MatchAs()], [ast.ImportFrom()], ast.arguments(),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_shape_of_a_tree_makes_it_raise() -> None:
    """Each class of node with each field missing, and with each kind of value in each field."""
    for kind in node_classes():
        trees = [kind()]
        for field in kind._fields:
            for value in VALUES:
                node = kind()
                setattr(node, field, value)
                trees.append(node)
                full = kind()
                for other in kind._fields:
                    setattr(full, other, value)
                trees.append(full)
        for tree in trees:
            for whole in (tree, ast.Module([tree], []), ast.Module([ast.Expr(tree)], [])):
                assert read(whole).verdict in {"", "refused"}
            wrapped = ast.If(tree, [tree], [])
            assert read(ast.Module([wrapped], [])).verdict in {"", "refused"}


PIECES = [
    *("x", "eval", "__class__", ".", "(", ")", "[", "]", "'a'", " ", "\n", "import os"),
    *("def f():", "    ", "lambda: ", "=", "getattr", "format", ":", "match x:", "case ", "f'{x}'"),
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_nothing_it_lets_through_names_a_door(program: str) -> None:
    """A slow, obvious specification for a few doors, over programs put together at random."""
    if screen(program).verdict == "":
        code = facades.compiled(program, guarded=True)  # as it will run
        todo, names = [code], set()
        while todo:
            part = todo.pop()
            names.update(part.co_names)
            todo += [const for const in part.co_consts if hasattr(const, "co_names")]
        assert not names & {"__class__", "os", "eval"}


def test_every_module_it_allows_exists_and_its_exceptions_too() -> None:
    """A name that some Python from 3.11 to 3.14 lacks may be withheld or offered all the same."""
    later = {"typing.evaluate_forward_ref", "uuid.main", "base64.test"}
    for module, names in {**rules.MODULES, **rules.ONLY}.items():
        __import__(module)
        for name in names:
            full = f"{module}.{name}"
            assert full in later or hasattr(sys.modules[module], name), full
    import builtins

    site = {"copyright", "credits", "exit", "help", "license", "quit"}  # put there by `site`
    assert {name for name in rules.BUILTINS if not hasattr(builtins, name)} <= site


# ---------------------------------------------------------------------- what facades let through


def test_a_program_may_replace_the_streams_of_sys_and_sees_the_first_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = facades.facade("sys")
    for name in rules.STREAMS:
        mine = io.StringIO()
        monkeypatch.setattr(sys, name, getattr(sys, name))  # put back at the end
        setattr(ours, name, mine)
        assert getattr(sys, name) is getattr(ours, name) is mine
        assert getattr(ours, f"__{name}__") is getattr(sys, f"__{name}__")
        with pytest.raises(AttributeError):
            setattr(ours, f"__{name}__", mine)


def test_names_that_are_made_while_a_program_runs() -> None:
    """What may be read may not all be written; what has no dots and no lines may be both."""
    thing = SimpleNamespace(plain=1)
    facades.checked_setattr(thing, "other", 2)
    assert facades.checked_getattr(thing, "other") == 2
    facades.checked_delattr(thing, "other")
    assert facades.checked_getattr(thing, "other", "gone") == "gone"
    assert facades.checked_getattr(len, "__name__") == "len"
    for refused in (
        lambda: facades.checked_setattr(thing, "__name__", "x"),
        lambda: facades.checked_delattr(thing, "__name__"),
        lambda: facades.checked_getattr(thing, "__globals__"),
        lambda: facades.checked_getattr(thing, "__globals__", None),
    ):
        with pytest.raises(AttributeError, match=r"the attribute __\w+__ is not allowed"):
            refused()
    with pytest.raises(TypeError):  # not a name: Python says so itself
        facades.checked_getattr(thing, 3)
