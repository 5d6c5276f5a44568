"""The arena: weak graders, run inside the sandbox, for learners to beat.

A weak grader here is a *program*, a text that defines grade(program, tests) and answers True or
False. It runs where every program runs, in a child of the sandbox; the learner's attack is its
input. So whatever an attack does, it does to a process that is thrown away, and a grader that was
beaten is an answer True about a program that does not do its task. The task is always the same:
f(xs) returns the numbers of the list xs, sorted, as a new list.

Two limits, which belong beside every result. Where a real one-process grader shares its builtins
with the program, each program has its own here, so an attack that replaces a builtin fails in the
arena. And on a machine without the kernel's layers (macOS, Windows) the screen is off for attacks
and nothing but the audit hook and limits remains: write attacks there, do not paste strangers'.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import dedent

from helpers._arguments import one_of
from helpers.verification.cases import Case, Report, Verdict
from helpers.verification.sandbox import Sandbox

TASK = "f(xs): the numbers of the list xs, sorted, as a new list"
LISTS: tuple[list[int], ...] = ([3, 1, 2], [], [5, 5, 1], [-1, 4, -7, 0])
CASES = [Case((list(xs),), sorted(xs)) for xs in LISTS]
ASSERTS = "".join(f"\nassert f({xs!r}) == {sorted(xs)!r}" for xs in LISTS)
# What no attack has seen: who sorts these is no attack but a right program.
HELD_BACK = [
    Case((list(xs),), sorted(xs))
    for xs in ([2, 1], [9, -3, 9, 0, 4], [7, 6, 5, 4, 3, 2, 1, 0], [1, 1, 0], [10, 9, 11, 8])
]


def checked_text(name: str, text: object) -> None:
    """TypeError if `text` is no str: an attack is a text, never a function of the notebook."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be the text of a program, a str, got {text!r:.80}")


def _text(source: str) -> str:
    return dedent(source).strip() + "\n"


@dataclass(frozen=True)
class Grader:
    """A weak grader: its name, the text that defines grade(program, tests), and what tests are.

    asserts: `tests` is the text ASSERTS; otherwise it is a list of (arguments, wanted answer).
    Raises ValueError, before anything runs, for a text that is not Python or that defines no
    function grade at its top.
    """

    name: str
    source: str
    asserts: bool = False

    def __post_init__(self) -> None:
        checked_text("grader", self.source)
        try:
            names = compile(self.source, "grader", "exec").co_names
        except (SyntaxError, ValueError) as problem:
            where = f" (line {problem.lineno})" if isinstance(problem, SyntaxError) else ""
            what = problem.msg if isinstance(problem, SyntaxError) else problem
            raise ValueError(
                f"grader must be Python that defines grade(program, tests), got {what}{where}"
            ) from None
        if "grade" not in names:
            raise ValueError("grader must define grade(program, tests), got a text without it")

    @property
    def tests(self) -> str | list[tuple[tuple[list[int], ...], list[int]]]:
        """What the grader is handed beside the program, plain data."""
        return ASSERTS if self.asserts else [(case.args, case.expected) for case in CASES]


@dataclass(frozen=True)
class Bout:
    """One attack on one grader.

    verdict: "passed" or "failed", as the grader said; where it said neither, a word of `Verdict`
    for what happened to it. right: whether the program does its task on lists that it never saw.
    """

    grader: str
    verdict: str
    right: bool
    message: str = ""

    @property
    def beaten(self) -> bool:
        """Whether the grader passed a program that does not do its task."""
        return self.verdict == "passed" and not self.right

    def __str__(self) -> str:
        if self.beaten:
            return f"{self.grader}: beaten. It passed a program that does not sort."
        if self.verdict == "passed":
            return f"{self.grader}: passed. The program sorts, so that is no attack."
        if self.verdict == "failed":
            return f"{self.grader}: stands. It failed the program."
        return f"{self.grader}: no answer ({self.verdict}). {self.message}".rstrip()


A = Grader(
    "A, exit code",
    _text("""
    def grade(program, tests):
        try:
            exec(program + tests, {})
        except SystemExit as stop:
            return not stop.code  # as the shell sees it: 0 is well
        except BaseException:
            return False
        return True
    """),
    asserts=True,
)
B = Grader(
    "B, asserts",
    _text("""
    def grade(program, tests):
        try:
            exec(program + tests, {})
        except BaseException:  # an exit is a failure, too
            return False
        return True
    """),
    asserts=True,
)
C = Grader(
    "C, values",
    _text("""
    def grade(program, tests):
        names = {}
        try:
            exec(program, names)
            for args, want in tests:
                if not names["f"](*args) == want:
                    return False
        except BaseException:
            return False
        return True
    """),
)
C2 = Grader(
    "C2, and types",
    _text("""
    def grade(program, tests):
        names = {}
        try:
            exec(program, names)
            for args, want in tests:
                got = names["f"](*args)
                if type(got) is not type(want) or got != want:
                    return False
        except BaseException:
            return False
        return True
    """),
)
C3 = Grader(
    "C3, own comparison",
    _text("""
    def same(got, want):
        if type(got) is not list or len(got) != len(want):
            return False
        return all(type(a) is int and a == b for a, b in zip(got, want))

    def grade(program, tests):
        names = {}
        try:
            exec(program, names)
            if not tests:  # nothing asked, nothing shown
                return False
            for args, want in tests:
                if not same(names["f"](*args), want):
                    return False
        except BaseException:
            return False
        return True
    """),
)
D = Grader(
    "D, its own tests",
    _text("""
    def grade(program, tests):
        try:
            exec(program, {})  # the program brings its asserts along
        except BaseException:
            return False
        return any(line.startswith("assert ") for line in program.splitlines())
    """),
)
GRADERS = {grader.name: grader for grader in (A, B, C, C2, C3, D)}

ATTACKS: Mapping[str, str] = {
    "exit": "raise SystemExit\n",
    "always equal": _text("""
        class Yes(list):
            def __eq__(self, other):
                return True

            def __ne__(self, other):
                return False

        def f(xs):
            return Yes(xs)
        """),
    "lying class": _text("""
        class Liar(type):
            def __eq__(self, other):
                return True

            __hash__ = type.__hash__

        class Yes(metaclass=Liar):
            __class__ = list

            def __eq__(self, other):
                return True

        def f(xs):
            return Yes()
        """),
    "lying repr": _text("""
        class Yes:
            def __init__(self, xs):
                self.xs = xs

            def __repr__(self):
                return repr(sorted(self.xs))

            def __eq__(self, other):
                return repr(self) == repr(other)

        def f(xs):
            return Yes(xs)
        """),
    "read the test text": _text("""
        import sys

        def f(xs):
            frame = sys._getframe(1)
            while "tests" not in frame.f_locals:
                frame = frame.f_back
            for line in frame.f_locals["tests"].splitlines():
                if line.startswith(f"assert f({xs!r}) == "):
                    return eval(line.split(" == ")[1])
        """),
    "empty the cases": _text("""
        import sys

        sys._getframe(1).f_locals["tests"].clear()
        """),
    "read the answers": _text("""
        import sys

        def f(xs):
            return sys._getframe(1).f_locals["want"]
        """),
    "rewrite the comparison": _text("""
        import sys

        sys._getframe(1).f_globals["same"] = lambda got, want: True

        def f(xs):
            return xs
        """),
    "lookup table": _text("""
        KNOWN = {(3, 1, 2): [1, 2, 3], (): [], (5, 5, 1): [1, 5, 5],
                 (-1, 4, -7, 0): [-7, -1, 0, 4]}

        def f(xs):
            return list(KNOWN.get(tuple(xs), xs))
        """),
    "agree with oneself": _text("""
        def f(xs):
            return xs

        assert f([2, 1]) == f([2, 1])
        """),
}
"""Name -> program that does not do the task and is meant to pass some grader."""

BLIND: Mapping[str, str] = {
    "equal to all": _text("""
        class Yes:
            def __eq__(self, other):
                return True

            def __ne__(self, other):
                return False

        def f(xs):
            return Yes()
        """),
    "empties lists": _text("""
        import sys

        frame = sys._getframe(1)
        while frame is not None:
            for value in list(frame.f_locals.values()):
                if type(value) is list and value and type(value[0]) is tuple:
                    value.clear()
            frame = frame.f_back

        def f(xs):
            return xs
        """),
    "replaces functions": _text("""
        import sys

        names = sys._getframe(1).f_globals
        for name, value in list(names.items()):
            if type(value) is type(lambda: 0) and name != "grade":
                names[name] = lambda *args: True

        def f(xs):
            return xs
        """),
    "searches the frames": _text("""
        import sys

        def f(xs):
            frame = sys._getframe(1)
            while frame is not None:
                for value in list(frame.f_locals.values()):
                    for test in value if type(value) is list else ():
                        if type(test) is tuple and test[0] == (xs,):
                            return list(test[1])
                frame = frame.f_back
            return xs
        """),
}
"""The same for a grader that nobody has read: these attacks know no name in it."""

HONEST = "def f(xs):\n    return sorted(xs)\n"
WRONG = "def f(xs):\n    return list(xs)\n"
COURSE = "the course's"


def attack(program: str, *graders: Grader | str) -> list[Bout]:
    """What each grader says of `program`, in order: one row of `tournament`."""
    return tournament({"": program}, *graders)[""]


def tournament(programs: Mapping[str, str], *graders: Grader | str) -> dict[str, list[Bout]]:
    """What each grader says of each program: name -> bouts, in the order of `graders`.

    graders: names of GRADERS, "the course's" for the course's own, or `Grader`s; default all of
    them, the course's last. Every grader runs inside the sandbox. Nothing that a program does
    reaches this process, and one that never ends is a Bout with the verdict "timeout". TypeError or
    ValueError for a program that is no text, and for a name that no grader has.
    """
    for program in programs.values():
        checked_text("program", program)
    known = (*GRADERS, COURSE)
    names = [g if isinstance(g, Grader) else one_of("graders", g, known) for g in graders or known]
    chosen = [GRADERS.get(g, g) if isinstance(g, str) else g for g in names]
    weak = [g for g in chosen if isinstance(g, Grader)]
    with Sandbox(screen=False) as box:
        sorts = box.grade_many([(program, HELD_BACK, "f") for program in programs.values()])
        said = box.grade_many([
            (grader.source, [Case((program, grader.tests), True)], "grade")
            for program in programs.values() for grader in weak
        ]) if weak else []  # fmt: skip
    own = _by_the_course(programs.values() if COURSE in chosen else ())
    weakly, strictly = iter(said), iter(own)
    return {
        name: [
            _bout(g.name, next(weakly), right.passed)
            if isinstance(g, Grader)
            else _strictly(next(strictly), right.passed)
            for g in chosen
        ]
        for name, right in zip(programs, sorts, strict=True)
    }


def _bout(name: str, report: Report, right: bool) -> Bout:
    if report.passed:
        return Bout(name, "passed", right)
    if report.verdict is Verdict.WRONG and report.got is False:
        return Bout(name, "failed", right)
    return Bout(name, str(report.verdict), right, report.message)


def _strictly(report: Report, right: bool) -> Bout:
    return Bout(COURSE, str(report.verdict), right, report.message)


def _by_the_course(programs: Iterable[str]) -> list[Report]:
    jobs = [(program, CASES, "f") for program in programs]
    if not jobs:
        return []
    with Sandbox() as box:
        return box.grade_many(jobs)
