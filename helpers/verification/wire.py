"""How values travel between the notebook and a program under test: plain data as tagged JSON.

Standard library only, since the child reads it too. JSON has no tuple, set or bytes, so these
travel as an object with one key that names them: {"t": [...]} is a tuple. A value of any other
type travels as its type's name and equals nothing. Reading builds plain data and runs no code;
that is the reason for not using pickle or marshal, whose streams may do anything.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from typing import Any

FRAME = struct.Struct(">cI")  # a child's message: kind, length; the kinds are listed in child.py
LENGTH = struct.Struct(">I")  # length of a message between worker and notebook
MAX_DEPTH = 100
_SCAN = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_NAME_OF_TYPE = type.__dict__["__name__"]
_SMALL = 1 << 64  # longer integers travel in base 16: linear time, and no limit on digits

_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ('{"t":[', "]}"),
    set: ('{"s":[', "]}"),
    frozenset: ('{"z":[', "]}"),
    dict: ('{"d":[', "]}"),
}


class TooLargeError(Exception):
    """The text is longer than the room left for it."""


class NotPlainError(Exception):
    """The value holds something that is not plain data; the message says what."""


class Foreign:
    """Stands for a returned object that is not plain data; equal to nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


def encode(value: Any, room: int, *, strict: bool) -> str:
    """`value` as text of at most `room` characters.

    Types are compared exactly: a subclass of list is not a list. With `strict` anything that is
    not plain data raises NotPlainError (the caller's own cases); without, it travels as its type's
    name. Raises TooLargeError as soon as the room is used up.
    """
    kind = type(value)
    text = None
    if kind is int or kind is bool or value is None:  # most answers, without the machinery below
        text = _scalar(value, kind, room, strict)
    elif kind is list:
        text = _flat(value, room)
    if text is not None:
        if len(text) > room:
            raise TooLargeError
        return text
    parts: list[str] = []

    def put(text: str) -> None:
        nonlocal room
        room -= len(text)
        if room < 0:
            raise TooLargeError
        parts.append(text)

    def walk(value: Any, depth: int) -> None:
        kind = type(value)
        if kind is list and (flat := _flat(value, room)) is not None:
            put(flat)
        elif kind in _BRACKETS:
            if depth == MAX_DEPTH:
                raise NotPlainError(f"data nested more than {MAX_DEPTH} levels deep, or in itself")
            opening, closing = _BRACKETS[kind]
            put(opening)
            comma = ""
            for item in value.items() if kind is dict else value:
                if comma:
                    put(comma)
                walk(list(item) if kind is dict else item, depth + 1)
                comma = ","
            put(closing)
        else:
            put(_scalar(value, kind, room, strict))

    try:
        walk(value, 0)
    except NotPlainError as problem:
        if strict:
            raise
        return _foreign(str(problem))
    return "".join(parts)


def _flat(value: list[Any], room: int) -> str | None:
    """Text of a list of small integers, the most common answer; None for any other list."""
    if len(value) > room:
        raise TooLargeError
    if set(map(type, value)) == {int} and min(value) > -_SMALL and max(value) < _SMALL:
        return repr(value)
    return None


def _scalar(value: Any, kind: type, room: int, strict: bool) -> str:
    """Text of a value that is no container."""
    if kind is int:
        if -_SMALL < value < _SMALL:
            return repr(value)
        if value.bit_length() > 4 * room:
            raise TooLargeError
        return f'{{"i":"{value:x}"}}'
    if kind is str:
        if len(value) > room:
            raise TooLargeError
        return encode_basestring_ascii(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return json.dumps(value)
    if kind is complex:
        return f'{{"c":[{json.dumps(value.real)},{json.dumps(value.imag)}]}}'
    if kind is bytes:
        if 2 * len(value) > room:
            raise TooLargeError
        return f'{{"b":"{value.hex()}"}}'
    if strict:
        raise NotPlainError(f"a value of type {kind.__name__}")
    return _foreign(f"{type_name(kind)} object")


def type_name(kind: type) -> str:
    """The real name of a type; `kind.__name__` would ask its metaclass."""
    return str(_NAME_OF_TYPE.__get__(kind))


def _foreign(name: str) -> str:
    return f'{{"o":{encode_basestring_ascii(name[:80])}}}'


_BUILDERS: dict[str, Callable[[Any], Any]] = {
    "t": lambda items: tuple([build(item) for item in items]),
    "s": lambda items: {build(item) for item in items},
    "z": lambda items: frozenset([build(item) for item in items]),
    "d": lambda items: {build(key): build(value) for key, value in items},
    "i": lambda digits: int(digits, 16),
    "c": lambda parts: complex(*parts),
    "b": bytes.fromhex,
    "o": Foreign,
}


def build(tree: Any) -> Any:
    """The value that parsed JSON `tree` stands for; may keep its lists."""
    if type(tree) is list:
        kinds = set(map(type, tree))
        return [build(item) for item in tree] if list in kinds or dict in kinds else tree
    if type(tree) is dict:
        ((tag, content),) = tree.items()
        return _BUILDERS[tag](content)
    return tree


def parse(text: str) -> Any:
    """JSON `text` as a tree for `build`; ValueError if it is anything else, or nested too deep."""
    try:
        tree, end = _SCAN(text, 0)
    except (StopIteration, RecursionError):
        raise ValueError("no value, or nested too deeply") from None
    if end != len(text):
        raise ValueError("more than one value")
    return tree
