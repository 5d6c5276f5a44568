"""Lesson 10, running untrusted code: judges and named wrong answers.

B and C ask for the text of a program. It runs in the sandbox only, never in this process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from helpers.teaching.exercises import Praise, agrees, exercise, number, shown
from helpers.teaching.exercises._wrong_programs import (
    ALLOWED,
    FORBIDDEN,
    against_the_truth,
    knows,
    problem_of,
)
from helpers.verification import Sandbox, Verdict, arena

# ---------------------------------------------------------------------- A. pass@k

PLUG_IN = (
    "That is 1 - (1 - c/n)**k: you plugged c/n in, and it is too low on average. Count: of all "
    "choices of k programs, how many hold none that is right?"
)
SHARE = "That is c/n, the chance that one program is right. The question is about k of them."
ADDED = (
    "You added up k chances of c/n. Two of the k may be right at once: count the choices that hold "
    "no right one, and take them from one."
)
ALL_RIGHT = "That is the chance that all k are right. At least one is enough."
ONE_RIGHT = (
    "That is the chance that exactly one of the k is right. Two or more are enough, too: count the "
    "choices that hold none."
)
NONE_RIGHT = "That is the chance that none of the k is right. Take it from one."
FEW_WRONG = (
    "Where fewer than k programs are wrong every choice holds a right one: the answer is 1, and "
    "yours fails at n = 5, c = 3, k = 4."
)
TOO_LARGE = (
    "At n = 200 your numbers get too large for a float. math.comb works with whole numbers of any "
    "length; divide at the end."
)


@exercise("10-pass-at-k", praise="Counted: right on average, for every n, c and k.")
def pass_at_k(answer: Any, rng: np.random.Generator) -> str | None:
    """Chen et al. (2021), equation 1."""
    if not callable(answer):
        return f"my_pass_at_k must be a function (n, c, k); it is {shown(answer)}."
    got = number(answer(20, 4, 3), "my_pass_at_k(20, 4, 3)")
    for rule, hint in _OTHER_RULES.items():
        if agrees(got, rule(20, 4, 3)):
            return hint
    if not agrees(got, _counted(20, 4, 3)):
        return f"For n = 20, c = 4, k = 3 it is {_counted(20, 4, 3):.4f}; yours is {got:.4f}."
    try:
        edge = answer(5, 3, 4)
    except (ValueError, ZeroDivisionError, ArithmeticError):
        return FEW_WRONG
    if not agrees(number(edge, "my_pass_at_k(5, 3, 4)"), 1.0):
        return FEW_WRONG
    try:
        large = answer(200, 2, 100)
    except OverflowError:
        return TOO_LARGE
    if isinstance(large, float | np.floating) and not np.isfinite(large):
        return TOO_LARGE
    for n, c, k in ((200, 2, 100), (10, 0, 3), (10, 10, 1), (1, 1, 1), (7, 2, 7), (100, 13, 10)):
        got = number(answer(n, c, k), f"my_pass_at_k({n}, {c}, {k})")
        if not agrees(got, _counted(n, c, k)):
            return f"For n = {n}, c = {c}, k = {k} it is {_counted(n, c, k):.4f}; yours: {got:.4f}."
    return None


def _counted(n: int, c: int, k: int) -> float:
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def _by_ratio(n: int, c: int, k: int) -> float:
    """Right where at least k are wrong; there is no factorial of a number below zero."""
    f = math.factorial
    return 1 - f(n - c) * f(n - k) / (f(n - c - k) * f(n))


def _by_factorials(n: int, c: int, k: int) -> float:
    if n - c < k:
        return 1.0
    f = math.factorial
    return 1 - float(f(n - c)) / float(f(n - c - k)) * (float(f(n - k)) / float(f(n)))


_OTHER_RULES: dict[Callable[[int, int, int], float], str] = {
    lambda n, c, k: 1 - (1 - c / n) ** k: PLUG_IN,
    lambda n, c, k: c / n: SHARE,
    lambda n, c, k: min(1.0, k * c / n): ADDED,
    lambda n, c, k: math.comb(c, k) / math.comb(n, k): ALL_RIGHT,
    lambda n, c, k: math.comb(n - c, k) / math.comb(n, k): NONE_RIGHT,
    lambda n, c, k: c * math.comb(n - c, k - 1) / math.comb(n, k): ONE_RIGHT,
}
for name, (rule, hint) in zip(
    ("plugs in", "one program", "adds the chances", "all k right", "none right", "one right"),
    _OTHER_RULES.items(),
    strict=True,
):
    pass_at_k.wrong(name, rule, hint=hint)
pass_at_k.wrong("forgets that few may be wrong", _by_ratio, hint=FEW_WRONG)
pass_at_k.wrong("factorials as floats", _by_factorials, hint=TOO_LARGE)

# ---------------------------------------------------------------------- B. wrong and passing

WHAT = (
    "my_wrong must be a pair: the number of a problem (4, 40, 59 or 124), and the text of a "
    "program."
)
FAILS = (
    "It does not pass the cases ({said}). Begin with a right program, and change what no case asks."
)
REFUSED = "The sandbox refused it before it ran ({said}). That is a verdict, and no pass."
LOOKUP = (
    "It holds the inputs of the cases: that is the lookup table, the other attack. Here a program "
    "is wanted that looks like an honest mistake."
)
RAISES = (
    "Where it differs it raises an exception. That is loud: find one that returns a wrong value."
)
ONLY_FORBIDDEN = (
    "It differs only on inputs that the problem's text forbids: {said}. Nobody can call that "
    "wrong: find an input that is allowed."
)
EQUIVALENT = (
    "On every input that was tried it returns the right value: your change is equivalent, or the "
    "difference is well hidden. Ask yourself on which input it would show."
)


@exercise("10-wrong-and-passing", praise="Nobody cheated, and nothing was noticed.")
def wrong_and_passing(answer: Any, rng: np.random.Generator) -> str | None:
    """(number of a problem, text of a program), graded in the sandbox only."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return WHAT
    asked, program = answer
    if isinstance(asked, bool) or not isinstance(asked, int | float | np.number):
        return WHAT
    if asked not in ALLOWED or not isinstance(program, str):
        return WHAT
    asked = int(asked)
    problem = problem_of(asked)
    with Sandbox() as box:
        report = box.grade(program, problem.cases, problem.entry_point)
        if report.verdict is Verdict.REFUSED:
            return REFUSED.format(said=report.message)
        if not report.passed:
            return FAILS.format(said=f"{report.verdict}: {report.message}")
        if knows(program, problem):
            return LOOKUP
        allowed = against_the_truth(box, program, problem, ALLOWED[asked])
        forbidden = against_the_truth(box, program, problem, FORBIDDEN[asked])
    if allowed.verdict is Verdict.WRONG:
        return Praise(f"{allowed.message}, and every case passed.")
    if not allowed.passed:
        return RAISES
    if forbidden.verdict is Verdict.WRONG:
        return ONLY_FORBIDDEN.format(said=forbidden.message)
    return EQUIVALENT


_PRIMES = """
def largest_prime_factor(n):
    largest = {start}
    for j in range({first}, n + 1):
        if n % j == 0 and all(j % i for i in range(2, j)):
            largest = j
    return largest
"""
wrong = wrong_and_passing.wrong
wrong(
    "fails a case",
    (59, "def largest_prime_factor(n):\n    return n\n"),
    hint=FAILS.format(said="wrong: largest_prime_factor(15) returned 15, expected 5"),
)
wrong("an equivalent change", (59, _PRIMES.format(start=1, first=2)), hint=EQUIVALENT)
wrong(
    "a lookup table",
    (
        59,
        "def largest_prime_factor(n):\n"
        "    return {15: 5, 27: 3, 63: 7, 330: 11, 13195: 29}.get(n, 1)\n",
    ),
    hint=LOOKUP,
)
wrong(
    "raises",
    (4, "def mean_absolute_deviation(xs):\n    m = sum(xs) / len(xs)\n    xs[1], xs[2]\n"
        "    return sum(abs(x - m) for x in xs) / len(xs)\n"),
    hint=RAISES,
)  # fmt: skip
wrong(
    "is refused",
    (4, "def mean_absolute_deviation(xs):\n    return eval('sum(xs)')\n"),
    hint=REFUSED.format(said="eval is not allowed"),
)
wrong(
    "differs where the text forbids the input",
    (59, _PRIMES.format(start=1, first=2).replace("range(2, n + 1)", "range(2, n)")),
    hint=ONLY_FORBIDDEN.format(said="largest_prime_factor(2) returned 1, expected 2"),
)
wrong("a function in the place of its text", (59, math.sqrt), hint=WHAT)

# ---------------------------------------------------------------------- C. a grader

NOT_TEXT = "my_grader must be the text of a program: a string, not a function."
NO_GRADER = "It is no grader: {said}."
HONEST = (
    "It fails an honest program ({said}). A grader that passes nothing is safe, and of no use: "
    "call names['f'](*args) for each test, and answer True when all agree."
)
NOT_BOOL = (
    "Your grader must answer True or False, and nothing else. Of a program that sorts it says: "
    "{said}"
)
NO_COMPARISON = "It passes a program that returns the list as it is. Nothing is compared."
EXITS = "`raise SystemExit` passes: that is no Exception, so catch BaseException."
EQUALS = (
    "An object passes whose == always says yes. Whoever stands on the left of == decides: ask for "
    "the exact type before you compare."
)
SUBCLASS = (
    "A subclass of list passes whose == always says yes. isinstance takes every subclass: ask for "
    "the exact type before you compare, type(got) is list."
)
LIES = (
    "A class passes whose own == always says yes. == on types asks their class: "
    "`type(got) is list` asks nobody."
)
PRINTS = (
    "An object passes whose repr is the right answer. Text is what an object says of itself: ask "
    "for the exact type, then compare the numbers."
)
EMPTIED = (
    "A program passes that empties your lists before you loop over them. Count the tests before "
    "it runs, and answer True only when as many were right."
)
REPLACED = (
    "A program passes that replaces the functions of your file. Compare inside grade: what is "
    "no name in the file cannot be replaced."
)

MUST_STAND = {  # attack -> the hint for a grader that it beats
    "exit": (arena.ATTACKS["exit"], EXITS),
    "equal to all": (arena.BLIND["equal to all"], EQUALS),
    "always equal": (arena.ATTACKS["always equal"], SUBCLASS),
    "lying class": (arena.ATTACKS["lying class"], LIES),
    "lying repr": (arena.ATTACKS["lying repr"], PRINTS),
    "empties lists": (arena.BLIND["empties lists"], EMPTIED),
    "replaces functions": (arena.BLIND["replaces functions"], REPLACED),
}
NOT_FOR_GOOD = {
    "lookup table": arena.ATTACKS["lookup table"],
    "searches the frames": arena.BLIND["searches the frames"],
}
HONEST_PROGRAMS = {
    "sorted": arena.HONEST,
    "by a heap": "import heapq\n\ndef f(xs):\n    return heapq.nsmallest(len(xs), xs)\n",
}


@exercise("10-grader", praise="Now move the answers out of its reach.")
def grader(answer: Any, rng: np.random.Generator) -> str | None:
    """The text of a grader, in the arena: it runs in the sandbox only."""
    if not isinstance(answer, str):
        return NOT_TEXT
    try:
        mine = arena.Grader("yours", answer)
    except ValueError as problem:
        return NO_GRADER.format(said=problem)
    attacks = {name: text for name, (text, _) in MUST_STAND.items()}
    programs = {**HONEST_PROGRAMS, "wrong": arena.WRONG, **attacks, **NOT_FOR_GOOD}
    bouts = {name: row[0] for name, row in arena.tournament(programs, mine).items()}
    if bouts["wrong"].beaten:
        return NO_COMPARISON
    for name in HONEST_PROGRAMS:
        if bouts[name].verdict == Verdict.WRONG:
            return NOT_BOOL.format(said=_returned(bouts[name].message))
        if bouts[name].verdict != "passed":
            return HONEST.format(said=bouts[name].message or bouts[name].verdict)
    for name, (_, hint) in MUST_STAND.items():
        if bouts[name].beaten:
            return hint
    beaten = [name for name in NOT_FOR_GOOD if bouts[name].beaten]
    return Praise(
        "It stands against seven attacks of nine. Two cannot be kept out for good "
        f"({_fate(beaten)}): a table of the visible cases is right on them, and whoever shares "
        "your process can look for the answers."
    )


def _returned(message: str) -> str:
    """What a grader returned, from a message that also repeats the program and its tests."""
    return message.rpartition(" returned ")[2].removesuffix(", expected True")


def _fate(beaten: Sequence[str]) -> str:
    stood = [name for name in NOT_FOR_GOOD if name not in beaten]
    said = [f"{name}: passed" for name in beaten] + [f"{name}: not yet" for name in stood]
    return ", ".join(said)


_FRAME = """
{before}
def grade(program, tests):
    names, asked, right = {{}}, len(tests), 0
    try:
        exec(program, names)
        for args, want in tests:
            got = names["f"](*args)
            if not ({compare}):
                return False
            right += 1
    except {caught}:
        return {caught_says}
    return {end}
"""


def _grader(
    compare: str = "type(got) is list and got == want and all(type(a) is int for a in got)",
    *,
    before: str = "",
    caught: str = "BaseException",
    caught_says: str = "False",
    end: str = "right == asked > 0",
) -> str:
    """The text of a grader that is right but for what the arguments change."""
    return _FRAME.format(
        before=before, compare=compare, caught=caught, caught_says=caught_says, end=end
    )


wrong = grader.wrong
wrong("no comparison", _grader("True"), hint=NO_COMPARISON)
wrong("a function", len, hint=NOT_TEXT)
wrong("not Python", "def grade(program, tests)\n    return True\n",
      hint=NO_GRADER.format(said="grader must be Python that defines grade(program, tests), "
    "got expected ':' (line 1)"))  # fmt: skip
wrong("a number for True", _grader(end="int(right == asked > 0)"), hint=NOT_BOOL.format(said="1"))
wrong("fails everything", _grader("False"), hint=HONEST.format(said="failed"))
wrong(
    "an exit is well",
    _grader(caught="SystemExit", caught_says="True"),
    hint=EXITS,
)
wrong("== alone", _grader("got == want"), hint=EQUALS)
wrong("isinstance", _grader("isinstance(got, list) and got == want"), hint=SUBCLASS)
wrong("== on types", _grader("type(got) == type(want) and got == want"), hint=LIES)
wrong("repr", _grader("repr(got) == repr(want)"), hint=PRINTS)
wrong("no tests, no fault", _grader(end="True"), hint=EMPTIED)
wrong(
    "a function that compares",
    _grader("same(got, want)", before="def same(got, want):\n"
            "    return type(got) is list and got == want\n"),
    hint=REPLACED,
)  # fmt: skip
