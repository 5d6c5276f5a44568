"""What a screened program may use: the one list that the screen and the worker share.

Plain data, standard library only: the parent reads it to refuse programs (screen.py), the worker
reads it to build what programs see when they run (facades.py). The screen alone is not a wall;
the same names are also missing, or checked, at run time.

How a module is decided: it is offered if nothing in it reaches outside the process (files,
network, processes, signals, threads), if it imports nothing by name, and if no public name in it
evaluates text or walks to frames, code or other modules. Where only some names do so, they are
withheld; where only some names do not, these alone are offered (ONLY). Not offered for what they
reach: os, pathlib, shutil, tempfile, logging and configparser (files), socket, asyncio and
everything on top (network), threading, concurrent, multiprocessing, subprocess, signal
(processes), inspect, traceback, gc, dis, timeit, doctest and unittest (frames, code, text that is
run), pickle, marshal, copyreg and importlib (load by name), locale and zoneinfo (read files).
"""

from __future__ import annotations

# Module -> public names withheld from it.
MODULES: dict[str, frozenset[str]] = {
    "abc": frozenset({"update_abstractmethods"}),
    "array": frozenset(),
    "base64": frozenset({"main", "test", "encode", "decode"}),  # these read and write files
    "binascii": frozenset(),
    "bisect": frozenset(),
    "calendar": frozenset({"main", "different_locale"}),
    "cmath": frozenset(),
    "collections": frozenset(),
    "collections.abc": frozenset(),
    "colorsys": frozenset(),
    "contextlib": frozenset({"chdir"}),
    "copy": frozenset({"dispatch_table"}),  # a registry of the whole interpreter
    "csv": frozenset(),  # reads lines that it is given, never a file by its name
    "dataclasses": frozenset({"make_dataclass"}),
    "datetime": frozenset(),
    "decimal": frozenset(),
    "difflib": frozenset(),
    # Looks up a module by its name and reads or writes it.
    "enum": frozenset({"global_enum", "global_enum_repr", "global_flag_repr", "global_str"}),
    "fractions": frozenset(),
    "functools": frozenset(),
    "graphlib": frozenset(),
    "hashlib": frozenset({"file_digest", "scrypt"}),  # a file; memory that no limit sees
    "heapq": frozenset(),
    "hmac": frozenset(),
    "html": frozenset(),
    "itertools": frozenset(),
    "json": frozenset(),
    "keyword": frozenset(),
    "math": frozenset(),
    "numbers": frozenset(),
    "operator": frozenset(),
    "pprint": frozenset(),
    "queue": frozenset(),
    "random": frozenset(),
    "re": frozenset(),
    "reprlib": frozenset(),
    "secrets": frozenset(),
    "statistics": frozenset(),
    "string": frozenset({"Formatter"}),  # its get_field walks attributes by name
    "struct": frozenset(),
    "textwrap": frozenset(),
    "time": frozenset({"clock_settime", "clock_settime_ns"}),  # the clock of the machine
    # All of these lead to text that is evaluated in the names of another module.
    "typing": frozenset({"ForwardRef", "get_type_hints", "evaluate_forward_ref"}),
    "unicodedata": frozenset(),
    "urllib.parse": frozenset(),
    "uuid": frozenset({"getnode", "main", "uuid1"}),  # ask the machine for its address
    "warnings": frozenset(),
    "weakref": frozenset(),
    "zlib": frozenset(),
}

_OF_IO = """
    BytesIO IOBase RawIOBase SEEK_CUR SEEK_END SEEK_SET StringIO TextIOBase TextIOWrapper
    UnsupportedOperation
"""
_OF_SYS = """
    argv byteorder exc_info exit float_info float_repr_style get_int_max_str_digits
    getrecursionlimit getsizeof hash_info hexversion int_info intern maxsize maxunicode
    platform set_int_max_str_digits setrecursionlimit stderr stdin stdout version version_info
"""
_OF_TYPES = """
    AsyncGeneratorType BuiltinFunctionType BuiltinMethodType CoroutineType EllipsisType
    FunctionType GeneratorType GenericAlias LambdaType MappingProxyType MethodType NoneType
    NotImplementedType SimpleNamespace UnionType
"""
# Module -> the only names offered; `sys` is a facade made for programs (facades.py).
ONLY: dict[str, frozenset[str]] = {
    "ast": frozenset({"literal_eval"}),
    "io": frozenset(_OF_IO.split()),
    "sys": frozenset(_OF_SYS.split()),
    "types": frozenset(_OF_TYPES.split()),
}

STREAMS = ("stdin", "stdout", "stderr")  # of sys: what a program may replace

RECURSION_LIMIT = 100_000  # the most that sys.setrecursionlimit gives


def is_offered(module: str) -> bool:
    """Whether a program may import this module."""
    return module in MODULES or module in ONLY


def offers(module: str, name: str) -> bool:
    """Whether a program may use this name of an offered module."""
    if module in ONLY:
        return name in ONLY[module]
    return name[:1] != "_" and name not in MODULES[module]


# Builtins a screened program does not have.
_WITHHELD = """
    __import__ breakpoint compile copyright credits eval exec globals help license locals open
"""
BUILTINS = frozenset(_WITHHELD.split())

# Double-underscore names. METHODS: what a class may define, and anybody may call. ABOUT: what
# anybody may read. Not among them: what leads to frames, code, modules or the list of all classes,
# what unpickling would call, what runs at odd times (del), and what gets round the other checks
# (getattribute, prepare, instancecheck).
_METHODS = """
    abs add aenter aexit aiter and anext await bool bytes call ceil class_getitem complex contains
    copy deepcopy delattr delete delitem dir divmod enter eq exit float floor floordiv format ge
    get getattr getitem gt hash iadd iand ifloordiv ilshift imatmul imod imul index init
    init_subclass int invert ior ipow irshift isub iter itruediv ixor le len length_hint lshift lt
    matmul missing mod mul ne neg new next or pos post_init pow radd rand rdivmod replace repr
    reversed rfloordiv rlshift rmatmul rmod rmul ror round rpow rrshift rshift rsub rtruediv rxor
    set set_name setattr setitem sizeof str sub subclasshook truediv trunc xor
"""
METHODS = frozenset(f"__{name}__" for name in _METHODS.split())
_ABOUT = """
    annotations args cause context dataclass_fields doc members module name notes optional_keys
    origin parameters qualname required_keys slots stderr stdin stdout suppress_context total
    type_params value wrapped
"""
ABOUT = frozenset(f"__{name}__" for name in _ABOUT.split())
# Attributes that are read by a builtin of ours (facades.py), since of a class they are ways out.
READERS = {"__dict__": "__vars__", "__class__": "__type__"}
# Variables that a module may set for its readers.
_LABELS = "all author copyright credits date email license status version"
LABELS = frozenset(f"__{name}__" for name in _LABELS.split())

# Attributes that lead to frames, code, the inside of types, or evaluate text; no getter may name
# them either.
_DOORS = """
    _convert_ _eval_type _evaluate ag_await ag_code ag_frame cell_contents cr_await cr_code
    cr_frame cr_origin evaluate_forward_ref f_back f_builtins f_code f_generator f_globals f_lasti
    f_lineno f_locals f_trace func_code func_globals gi_code gi_frame gi_yieldfrom mro tb_frame
    tb_lasti tb_lineno tb_next with_traceback
"""
DOORS = frozenset(_DOORS.split())


def is_dunder(name: str) -> bool:
    """Whether the name begins and ends with two underscores."""
    return name.startswith("__") and name.endswith("__")


def may_be_read_by_name(name: str) -> bool:
    """Whether getattr, attrgetter and the like may read, set or delete this attribute."""
    if name in DOORS or name in ("format", "format_map"):
        return False
    return not is_dunder(name) or name in METHODS or name in ABOUT


# Loaded in the worker although programs may not import them: the interpreter asks for them late.
WARM = (
    "_strptime",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_32",
    "encodings.utf_8_sig",
)

# Modules whose import without the screen is an attempt to get out, and called so (`forbidden`);
# any other module that is not offered is simply not there (ImportError).
_REACHING = """
    _ctypes _multiprocessing _posixshmem _posixsubprocess _socket _sqlite3 _ssl asyncio bdb code
    concurrent ctypes curses dbm faulthandler fcntl filecmp fileinput ftplib glob http imaplib mmap
    multiprocessing nntplib nt pdb poplib posix pty pwd readline resource selectors shelve shutil
    signal smtplib socket socketserver sqlite3 ssl subprocess syslog telnetlib tempfile termios tty
    urllib.request webbrowser winreg xmlrpc zipfile
"""
REACHING = frozenset(_REACHING.split())


def reaches_out(module: str) -> bool:
    """Whether importing this module is an attempt to get out of the process."""
    return module in REACHING or module.partition(".")[0] in REACHING
