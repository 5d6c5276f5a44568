"""How values travel between the notebook and a program under test: plain data as tagged JSON.

Standard library only, since the child reads it too. JSON has no tuple, set or bytes, so these
travel as an object with one key that names them: {"t": [...]} is a tuple. A value of a subclass
(Counter, a named tuple, an IntEnum) travels as its plain value with the name of its type, read by
the plain type's own methods, so that no code of the program runs; the notebook decides what it is
worth. A value of any other type travels as its type's name and equals nothing. Reading builds
plain data and runs no code; that is the reason for not using pickle or marshal, whose streams may
do anything. Characters that are half of a pair (lone surrogates) travel as numbers, since JSON
would join two of them to one character.
"""

from __future__ import annotations

import json
import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from json.encoder import encode_basestring_ascii
from typing import Any

FRAME = struct.Struct(">cI")  # a child's message: kind, length; the kinds are listed in child.py
LENGTH = struct.Struct(">I")  # length of a message between worker and notebook
NUMBER = 16  # bytes of the random number that follows a request and comes back with its answer
# Levels of data in data. Writing and reading walk down by calls, two or three for a level, and the
# interpreter allows a thousand.
MAX_DEPTH = 100
# Keys of a set or dict with the same hash; honest data have one or two. With n of them building
# takes time as n squared, and it is the notebook that builds what an unknown program has sent.
# The hashes of texts are secret, those of numbers are not: all multiples of 2**61 - 1 have hash 0.
MAX_ALIKE = 100
_SCAN = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_NAME_OF_TYPE = type.__dict__["__name__"]
_BASES_OF_TYPE = type.__dict__["__bases__"]
_DICT_OF_TYPE = type.__dict__["__dict__"]
_SMALL = 1 << 64  # longer integers travel in base 16: linear time, and no limit on digits

_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ('{"t":[', "]}"),
    set: ('{"s":[', "]}"),
    frozenset: ('{"z":[', "]}"),
    dict: ('{"d":[', "]}"),
}
_SCALARS: dict[type, Any] = {  # each with a method that gives the plain value of a subclass
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    int: int.__pos__,
    float: float.__pos__,
    complex: complex.__pos__,
}
_STANDARD = (Counter, OrderedDict, defaultdict)  # a dict by any reader's understanding


class TooLargeError(Exception):
    """The text is longer than the room left for it."""


class NotPlainError(Exception):
    """The value holds something that is not plain data; the message says what."""


_NOTHING = object()


class Foreign:
    """Stands for a returned object that is not plain data; equal to nothing.

    plain: its value as plain data, a Decimal or a Fraction, where it has one (`has_value`). It is
    as true as the object was: an empty range is false.
    """

    def __init__(self, name: str, plain: Any = _NOTHING, true: bool = True) -> None:
        self.name, self.plain, self.true = name, plain, true

    def __bool__(self) -> bool:
        return bool(self.plain) if self.has_value else self.true

    @property
    def has_value(self) -> bool:
        """Whether there is a value behind the type's name."""
        return self.plain is not _NOTHING

    def __repr__(self) -> str:
        if not self.has_value:
            return f"<{self.name}>"
        return repr(self.plain) if self.name in _NUMBERS else f"{self.name}({self.plain!r})"


def encode(value: Any, room: int, *, strict: bool) -> str:
    """`value` as text of at most `room` characters.

    Types are compared exactly: a subclass of list is not a list. With `strict` anything that is
    not plain data raises NotPlainError (the caller's own cases); without, it travels with its
    type's name. Raises TooLargeError as soon as the room is used up: before memory is, so that
    what was too much is called output and not memory.
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
            contents(value, kind, depth)
        elif strict or (base := _plain_base(kind)) is None:
            put(_scalar(value, kind, room, strict))
        else:
            put(f'{{"k":[{_name(kind)},{int(_is_standard(kind))},')
            if base in _BRACKETS:
                contents(value, base, depth)
            else:
                put(_scalar(_SCALARS[base](value), base, room, strict))
            put("]}")

    def contents(value: Any, kind: type, depth: int) -> None:
        """Of a container, asked by the methods of its plain type."""
        if depth == MAX_DEPTH:
            raise NotPlainError(f"data nested more than {MAX_DEPTH} levels deep, or in itself")
        opening, closing = _BRACKETS[kind]
        put(opening)
        comma = ""
        for item in dict.items(value) if kind is dict else kind.__iter__(value):  # type: ignore[attr-defined]
            if comma:
                put(comma)
            walk(list(item) if kind is dict else item, depth + 1)
            comma = ","
        put(closing)

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
        if value.bit_length() > 4 * room:  # four bits a digit; to write it out takes memory
            raise TooLargeError
        return f'{{"i":"{value:x}"}}'
    if kind is str:
        if len(value) > room:
            raise TooLargeError
        if not value.isascii() and _has_surrogates(value):
            return f'{{"u":"{value.encode("utf-8", "surrogatepass").hex()}"}}'
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
    if kind is Decimal or kind is Fraction:
        text = str(value)
        if len(text) > room:
            raise TooLargeError
        return f'{{"n":["{kind.__name__}","{text}"]}}'
    return _foreign(f"{type_name(kind)} object", true=bool(value))


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _plain_base(kind: type) -> type | None:
    """The plain type of which `kind` is a subclass."""
    if kind in _SCALARS or kind is bool:
        return None
    for base in (*_BRACKETS, *_SCALARS):
        if issubclass(kind, base):
            return base
    return None


def _is_standard(kind: type) -> bool:
    """Whether it is a dict of `collections`, or a named tuple."""
    if any(kind is standard for standard in _STANDARD):
        return True
    is_direct = _BASES_OF_TYPE.__get__(kind) == (tuple,)
    return is_direct and "_fields" in _DICT_OF_TYPE.__get__(kind)


def type_name(kind: type) -> str:
    """The real name of a type; `kind.__name__` would ask its metaclass."""
    return str(_NAME_OF_TYPE.__get__(kind))


def _foreign(name: str, true: bool = True) -> str:
    return f'{{"{"o" if true else "e"}":{encode_basestring_ascii(name[:80])}}}'


def _name(kind: type) -> str:
    return encode_basestring_ascii(type_name(kind)[:80])


def _fraction(text: str) -> Fraction:
    """From "2/3" and nothing else: Fraction("1e999999999") would take for ever."""
    top, _, bottom = text.partition("/")
    return Fraction(int(top), int(bottom or 1))


_NUMBERS: dict[str, Callable[[str], Any]] = {"Decimal": Decimal, "Fraction": _fraction}


def build(tree: Any, loose: bool = False) -> Any:
    """The value that parsed JSON `tree` stands for; may keep its lists.

    A dict of `collections` is built as a dict, a named tuple as a tuple. Any other subclass, a
    Decimal and a Fraction are `Foreign`, or with `loose` what they are worth. So is a set or a
    dict with more than MAX_ALIKE keys of one hash. The tree may be hostile: ValueError, TypeError,
    LookupError, AttributeError, ArithmeticError or RecursionError if it is no tree of `encode`.
    """
    if type(tree) is list:
        kinds = set(map(type, tree))
        if list in kinds or dict in kinds:
            return [build(item, loose) for item in tree]
        return tree
    if type(tree) is dict:
        ((tag, content),) = tree.items()
        return _build_tagged(tag, content, loose)
    return tree


_BY_HASH = {"s": "set", "z": "frozenset", "d": "dict"}


def _build_tagged(tag: str, content: Any, loose: bool) -> Any:
    if tag == "t":
        return tuple([build(item, loose) for item in content])
    if tag in ("s", "z", "d"):
        keys = [build(item[0] if tag == "d" else item, loose) for item in content]
        if len(keys) > MAX_ALIKE and max(Counter(map(hash, keys)).values()) > MAX_ALIKE:
            return Foreign(f"{_BY_HASH[tag]} of {len(keys)} keys, too many of them with one hash")
        if tag != "d":
            return set(keys) if tag == "s" else frozenset(keys)
        return dict(zip(keys, [build(value, loose) for _, value in content], strict=True))
    if tag == "k":
        name, standard, tree = content
        value = build(tree, loose)
        return value if loose or standard else Foreign(_text(name), value)
    if tag == "n":
        try:
            value = _NUMBERS[content[0]](_text(content[1]))
        except InvalidOperation:
            raise ValueError("no number") from None
        return value if loose else Foreign(content[0], value)
    if tag == "i":
        return int(_text(content), 16)
    if tag == "c":
        return complex(*content)
    if tag == "b":
        return bytes.fromhex(content)
    if tag == "u":
        return bytes.fromhex(content).decode("utf-8", "surrogatepass")
    if tag in ("o", "e"):
        return Foreign(_text(content), true=tag == "o")
    raise ValueError(f"no value is of kind {tag!r}")


def _text(content: Any) -> str:
    if type(content) is not str:
        raise ValueError("not a text")
    return content


def parse(text: str) -> Any:
    """JSON `text` as a tree for `build`; ValueError if it is anything else, or nested too deep."""
    try:
        tree, end = _SCAN(text, 0)
    except (StopIteration, RecursionError):
        raise ValueError("no value, or nested too deeply") from None
    if end != len(text):
        raise ValueError("more than one value")
    return tree
