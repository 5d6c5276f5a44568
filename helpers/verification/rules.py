"""What a screened program may use: the one list that the screen and the worker share.

Plain data, standard library only: the parent reads it to refuse programs (screen.py), the worker
reads it to build what programs see when they run (worker.py). The screen alone is not a wall;
the same names are also missing at run time.
"""

from __future__ import annotations

# Module -> public names withheld from it: each of them evaluates text or walks attributes by name.
MODULES: dict[str, frozenset[str]] = {
    "array": frozenset(),
    "bisect": frozenset(),
    "cmath": frozenset(),
    "collections": frozenset(),
    "collections.abc": frozenset(),
    "copy": frozenset(),
    "dataclasses": frozenset({"make_dataclass"}),
    "datetime": frozenset(),
    "decimal": frozenset(),
    "enum": frozenset(),
    "fractions": frozenset(),
    "functools": frozenset({"singledispatch", "singledispatchmethod"}),
    "hashlib": frozenset({"file_digest"}),
    "heapq": frozenset(),
    "itertools": frozenset(),
    "json": frozenset(),
    "math": frozenset(),
    "numbers": frozenset(),
    "operator": frozenset({"attrgetter", "methodcaller"}),
    "random": frozenset(),
    "re": frozenset(),
    "statistics": frozenset(),
    "string": frozenset({"Formatter"}),
    "time": frozenset(),
    "typing": frozenset({"ForwardRef", "get_type_hints"}),
}

# Builtins a screened program does not have.
_WITHHELD = """
    breakpoint compile copyright credits delattr dir eval exec exit globals help input license
    locals memoryview open quit setattr vars
"""
BUILTINS = frozenset(_WITHHELD.split())

# Loaded in the worker although programs may not import them: the interpreter asks for them late.
WARM = ("_strptime", "encodings.ascii", "encodings.latin_1", "encodings.utf_16", "unicodedata")
