"""The screen: what it refuses, with line and reason, and what it lets through."""

from __future__ import annotations

import sys
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.verification import rules
from helpers.verification.screen import screen


@pytest.mark.parametrize(
    ("program", "line", "reason"),
    [
        ("x = 1\nimport os", 2, "the module os is not allowed"),
        ("import math, sys", 1, "the module sys is not allowed"),
        ("import os.path", 1, "the module os.path is not allowed"),
        ("from os import path", 1, "the module os is not allowed"),
        ("from . import x", 1, "the module . is not allowed"),
        ("from typing import get_type_hints", 1, "typing.get_type_hints is not allowed"),
        ("from re import _compile", 1, "re._compile is not allowed"),
        ("def f():\n    return eval('1')", 2, "eval is not allowed"),
        ("x = [].__class__", 1, "the name __class__ is not allowed"),
        ("x = __builtins__", 1, "the name __builtins__ is not allowed"),
        ("x = f.gi_frame", 1, "the attribute gi_frame is not allowed"),
        ("x = 'a{0.b}'.format(1)", 1, "format is allowed only"),
        ("x = s.format(1)", 1, "format is allowed only"),
        ("x = getattr(a, name)", 1, "getattr is allowed only"),
        ("class A(metaclass=M): pass", 1, "metaclasses are not allowed"),
        ("class A(type): pass", 1, "metaclasses are not allowed"),
        ("x = type('A', (), {})", 1, "type() with more than one argument is not allowed"),
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
    finding = screen("def f():\n    x = [].__class__\n    eval('1')\nimport os")
    assert (finding.line, finding.message) == (2, "the name __class__ is not allowed")


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


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_a_finding(program: str) -> None:
    assert screen(program).verdict in {"", "refused", "syntax_error"}


PIECES = [
    *("x", "eval", "__class__", ".", "(", ")", "[", "]", "'a'", " ", "\n", "import os"),
    *("def f():", "    ", "lambda: ", "=", "getattr", "format", ":", "match x:", "case ", "f'{x}'"),
]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_nothing_it_lets_through_names_a_door(program: str) -> None:
    """A slow, obvious specification for a few doors, over programs put together at random."""
    if screen(program).verdict == "":
        code = compile(program, "p", "exec")
        todo, names = [code], set()
        while todo:
            part = todo.pop()
            names.update(part.co_names)
            todo += [const for const in part.co_consts if hasattr(const, "co_names")]
        assert not names & {"__class__", "os", "eval"}


def test_every_module_it_allows_exists_and_its_exceptions_too() -> None:
    for module, withheld in rules.MODULES.items():
        __import__(module)
        for name in withheld:
            if not (name == "file_digest" and sys.version_info < (3, 11)):
                assert hasattr(sys.modules[module], name), f"{module}.{name}"
    import builtins

    site = {"copyright", "credits", "exit", "help", "license", "quit"}  # put there by `site`
    assert {name for name in rules.BUILTINS if not hasattr(builtins, name)} <= site
