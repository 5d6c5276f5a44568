"""The grader: verdicts and their words, limits, processes that come and go, bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter, OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hostile.battery import left_behind

from helpers.verification import (
    Case,
    Limits,
    MissingProtection,
    Report,
    Sandbox,
    Verdict,
    equal,
    processes,
    score,
    wire,
)
from helpers.verification import sandbox as sandbox_module
from helpers.verification.judge import judge

ROOT = Path(__file__).parents[1]
LINUX = sys.platform.startswith("linux")
RIGHT = "def f(x):\n    return x + 1\n"
LOOP = "def f(x):\n    while True:\n        pass\n"
CASES = [Case((1,), 2), Case((5,), 6)]
QUICK = Limits(seconds=0.2, memory_mb=64)


@pytest.fixture(scope="module")
def box():
    with Sandbox(QUICK) as box:
        yield box


@pytest.fixture(scope="module")
def open_box():
    with Sandbox(QUICK, screen=False) as box:
        yield box


# --- verdicts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "verdict", "message", "line", "failed_case", "n_passed"),
    [
        (RIGHT, "passed", "all 2 cases passed", None, None, 2),
        ("def f(x):\n    return 2", "wrong", "f(5) returned 2, expected 6", None, 1, 1),
        ("def f(x):\n    return x / 0", "exception",
         "ZeroDivisionError: division by zero in f(1)", 2, 0, 0),
        ("def f(x):\n    if x > 1:\n        x.y\n    return 2", "exception",
         "AttributeError: 'int' object has no attribute 'y' in f(5)", 3, 1, 1),
        ("x = 1\n1 / 0", "exception", "ZeroDivisionError: division by zero", 2, None, 0),
        ("def g(x):\n    return 1", "exception", "NameError: name 'f' is not defined",
         None, None, 0),
        ("def f(x)\n    return 1", "syntax_error", "SyntaxError: expected ':'", 1, None, 0),
        ("def f(x):\n    return 1\nreturn 2", "syntax_error",
         "SyntaxError: 'return' outside function", 3, None, 0),
        ("y = 1\nimport os", "refused", "the module os is not allowed", 2, None, 0),
        (LOOP, "timeout", "not finished after 0.2 s of CPU time", None, 0, 0),
        ("def f(x):\n    return 'a' * 10 ** 9", "memory", "needs more than 64 MiB of memory",
         None, 0, 0),
        ("def f(x):\n    print('a' * 10 ** 6)\n    return x + 1", "output",
         "printed or returned more than 64 KiB", None, 0, 0),
    ],
)  # fmt: skip
def test_each_verdict_says_where_and_why(
    box: Sandbox,
    program: str,
    verdict: str,
    message: str,
    line: int | None,
    failed_case: int | None,
    n_passed: int,
) -> None:
    report = box.grade(program, CASES, "f")
    assert report.verdict == verdict
    assert (report.message, report.line, report.failed_case) == (message, line, failed_case)
    assert (report.n_passed, report.n_cases) == (n_passed, 2)
    assert report.passed == (verdict == "passed")


@pytest.mark.skipif(not LINUX, reason="expects the kernel's filters")
@pytest.mark.parametrize(
    ("body", "verdict", "message"),
    [
        ("open('/etc/passwd')", "forbidden", "tried open('/etc/passwd')"),
        ("os.getppid()", "forbidden", "tried a system call"),
        ("os._exit(0)", "exited", "ended its own process (exit code 0)"),
        ("os.abort()", "crashed", "its process was ended by SIGABRT"),
        ("os.close(3)", "crashed", "its process was taken apart"),
    ],
)
def test_verdicts_that_the_screen_would_prevent(
    open_box: Sandbox, body: str, verdict: str, message: str
) -> None:
    program = f"import os\ndef f(x):\n    {body}\n"
    report = open_box.grade(program, CASES, "f")
    assert (report.verdict, report.message) == (verdict, message)


def test_the_first_wrong_answer_comes_before_what_stopped_the_program(box: Sandbox) -> None:
    program = "def f(x):\n    while x == 5:\n        pass\n    return 0"
    report = box.grade(program, CASES, "f")
    assert (report.verdict, report.failed_case) == ("wrong", 0)
    program = "def f(x):\n    if x == 1:\n        raise ValueError\n    return 0"
    assert box.grade(program, CASES, "f").verdict == "wrong"


def test_messages_stay_short(box: Sandbox) -> None:
    program = "def f(x):\n    return list(range(5000))"
    assert len(box.grade(program, CASES, "f").message) < 300
    program = "def f(x):\n    raise ValueError('x' * 10 ** 6)"
    assert len(box.grade(program, CASES, "f").message) < 300
    report = box.grade("def f(x):\n    return 10 ** 5000", CASES, "f")
    assert report.message == "f(1) returned <int too large to show>, expected 2"


@pytest.mark.parametrize(
    "text",
    [
        "\ud800",
        "\ud83d\ude00",
        "\x1b[2J\x07",
        "\u202edessap",
        "a\x00b",
        "\x9b31m",
        "\u200b",
        "\ue000",
    ],
)
def test_messages_are_printable(box: Sandbox, text: str) -> None:
    programs = [
        f"def f(x):\n    raise ValueError({text!a})",
        f"def f(x):\n    return {text!a}",
        f"def f(x):\n    return {{{text!a}: [{text!a}]}}",
        f"class E(Exception):\n    def __str__(self):\n        return {text!a}\nraise E",
        f"raise SyntaxError({text!a})",
        f"x = 1 {text}",
        f"def f(x):\n    raise type('E', (Exception,), {{}})({text!a})",
    ]
    for program in programs:
        for report in (
            box.grade(program, CASES, "f"),
            box.grade(program, [Case(("a",), text)], "f"),
        ):
            assert report.message.isprintable()
            print(report.message.encode("utf-8"))


def test_output_is_counted_over_printing_and_returning(box: Sandbox) -> None:
    half = "def f(x):\n    print('a' * {})\n    return 'b' * {}\n"
    cases = [Case((1,), "b" * 30_000)]
    assert box.grade(half.format(30_000, 30_000), cases, "f").verdict == "passed"
    assert box.grade(half.format(40_000, 30_000), cases, "f").verdict == "output"


def test_seconds_are_cpu_time_of_the_program(box: Sandbox) -> None:
    busy = "def f(x):\n    s = 0\n    for i in range(400_000):\n        s += i\n    return x + 1\n"
    report = box.grade(busy, CASES, "f")
    assert report.passed
    assert 0.01 < report.seconds < 0.2
    assert box.grade(RIGHT, CASES, "f").seconds < 0.01


def test_sleeping_is_limited_by_the_clock_and_not_by_cpu_time(box: Sandbox) -> None:
    nap = "import time\ndef f(x):\n    time.sleep({})\n    return x + 1\n"
    assert box.grade(nap.format(0.3), CASES[:1], "f").verdict == "passed"
    report = box.grade(nap.format(9), CASES[:1], "f")
    assert (report.verdict, report.message) == ("timeout", "slept for more than 0.6 s")


def test_a_check_runs_in_this_process_and_its_errors_mean_wrong(box: Sandbox) -> None:
    seen = []

    def is_divisor(args: tuple[Any, ...], got: Any) -> bool:
        seen.append(os.getpid())
        return bool(args[0] % got == 0)

    cases = [Case((12,), 3, check=is_divisor)]
    assert box.grade("def f(x):\n    return 4", cases, "f").passed
    assert box.grade("def f(x):\n    return 5", cases, "f").verdict == "wrong"
    report = box.grade("def f(x):\n    return 0", cases, "f")
    assert report.verdict == "wrong"
    assert report.message == "f(12) returned 0, a right answer would be 3"
    assert box.grade("def f(x):\n    return f", cases, "f").verdict == "wrong"
    assert set(seen) == {os.getpid()}


def test_arguments_are_fresh_for_every_case_and_program(box: Sandbox) -> None:
    shared = [1, 2]
    cases = [Case((shared,), [1, 2, 0]), Case((shared,), [1, 2, 0])]
    program = "def f(x):\n    x.append(0)\n    return x"
    assert [r.verdict for r in box.grade_many([(program, cases, "f")] * 3)] == ["passed"] * 3
    assert shared == [1, 2]


def test_expected_values_never_leave_this_process() -> None:
    case = Case((7,), "the-answer", check=None)
    program = sandbox_module._checked(0, "", RIGHT, [case], "f", Limits())
    message = processes.request([program], Limits())
    assert b"[7]" in message
    assert b"the-answer" not in message


def test_verdicts_do_not_depend_on_the_worker() -> None:
    """The order of a set of texts is fixed, so an answer that depends on it is stable."""
    program = "def f(x):\n    return list({str(i) for i in range(20)})"
    answers = set()
    for _ in range(3):
        with Sandbox() as box:
            answers.add(box.grade(program, [Case((1,), None)], "f").message)
    assert len(answers) == 1


# --- equality and data -----------------------------------------------------------------------

NAN = float("nan")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0), (2**60, float(2**60)), (NAN, NAN), ([1, [2.0]], [1.0, [2]]), (0.0, -0.0),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ({1: NAN}, {1.0: NAN}), ({NAN}, {float("nan")}),
        ({(1, NAN): 2}, {(1, float("nan")): 2}), (None, None), (b"x", b"x"), ({1, 2}, {2, 1}),
        (frozenset({(1, 2)}), frozenset({(1.0, 2)})), (complex(NAN, 1), complex(NAN, 1)), ((), ()),
        (10**400, 10**400), ([], []), (True, True),
    ],
)  # fmt: skip
def test_equal(a: Any, b: Any) -> None:
    assert equal(a, b)
    assert equal(b, a)


class Chameleon(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, True), (0, False), ([1], [True]), ({1}, {True}), ({1: 2}, {True: 2}), (1, "1"),
        ([1], (1,)), ({1}, frozenset({1})), (1, 1.0000001), (NAN, 1.0), ({NAN}, {1.0}), (None, 0),
        ("x", b"x"), ({"a": 1}, {"a": 2}), ({"a": 1}, {"a": 1, "b": 1}), ([1, 2], [1]),
        (1, Chameleon(1)), ([1], [Chameleon(1)]), (1, wire.Foreign("int")), (10**400, NAN),
        (wire.Foreign("x"), wire.Foreign("x")), ({(1, 2)}, {(1, True)}), (1, 1 + 0j), ("", None),
        ({(1, NAN)}, {(2, NAN)}), ({NAN: 1}, {NAN: 2}), ({(NAN, 1)}, {(1, NAN)}),
        ({(1, NAN), (2, NAN)}, {(1, NAN), (3, NAN)}), ({NAN, 1}, {NAN, 2}), ({NAN, 1}, {1, 2}),
        (complex(NAN, 1), complex(NAN, 2)), (complex(1, NAN), complex(2, NAN)),
        ({frozenset({NAN})}, {frozenset({1.0})}), ({(1, NAN): 2}, {(1, float("nan")): 3}),
    ],
)  # fmt: skip
def test_not_equal(a: Any, b: Any) -> None:
    assert not equal(a, b)
    assert not equal(b, a)


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -7, 2**64, -(2**200), pytest.param(10**5000, id="huge"), 1.5, -0.0,
        1e300, float("inf"), 2 - 3j, "", "\ud83d\ude00", "\U0001f600", {"\udc00": "\ud800"},
        "é\ud800\n\U0001f600", b"\x00\xff", [], [1, 2], (1, [2, (3,)]), {1, "a"}, frozenset(),
        {"k": [1], (1, 2): {3: None}}, [True, False, None], {"t": [1]}, [[[[]]]], [2**63, 2**65],
    ],
)  # fmt: skip
def test_data_survive_the_journey(value: Any) -> None:
    back = wire.build(wire.parse(wire.encode(value, 10**6, strict=True)))
    assert type(back) is type(value)
    assert equal(back, value)


def journey(value: Any, loose: bool = False) -> Any:
    return wire.build(wire.parse(wire.encode(value, 10**6, strict=False)), loose)


def test_two_halves_are_not_the_character_that_they_would_spell() -> None:
    halves, whole = "\ud83d\ude00", "\U0001f600"
    assert journey(halves) == halves != journey(whole)
    assert Case((1,), halves).answer != Case((1,), whole).answer
    assert not equal(journey(halves), whole)


def test_subclasses_travel_as_their_value_and_run_no_code() -> None:
    class Trap:
        """Every method that the encoder could call by mistake."""

        def trap(self, *args: Any) -> Any:
            raise AssertionError("code of the program ran")

        __iter__ = __len__ = items = keys = __getitem__ = __str__ = __repr__ = trap
        __int__ = __index__ = __float__ = __pos__ = __eq__ = trap
        real = imag = property(trap)

        def __hash__(self) -> int:
            raise AssertionError("code of the program ran")

    values = [{"a": [1]}, [1, 2], (1, (2,)), {1, 2}, frozenset({3}), "ab", b"ab", 7, 2**70, 1.5,
              -0.0, 1 - 2j]  # fmt: skip
    for value in values:
        kind = type("Kind", (Trap, type(value)), {})
        back = journey([kind(value)])[0]
        assert isinstance(back, wire.Foreign)
        assert type(back.plain) is type(value)
        assert repr(back) == f"Kind({value!r})"
        assert equal(value, back.plain)
        assert not equal(value, back)
        assert equal([value], journey([kind(value)], loose=True))


def test_what_counts_as_a_dict_or_a_tuple() -> None:
    plain = {"a": 2, "b": 1}
    counted = defaultdict(int, plain)
    for value in (Counter("aab"), counted, OrderedDict(plain)):
        assert type(journey(value)) is dict
        assert equal(plain, journey(value))
    point = namedtuple("point", "x y")
    assert equal((1, [2]), journey(point(1, [2])))
    assert isinstance(journey(type("Mine", (dict,), {})(plain)), wire.Foreign)
    assert isinstance(journey(type("Mine", (Counter,), {})(plain)), wire.Foreign)


TRUTHS = {
    "range(0)": False,
    "range(3)": True,
    "re.match('a', 'b') or {}.keys()": False,
    "re.match('a', 'a')": True,
    "Decimal(0)": False,
    "type('Empty', (), {'__len__': lambda self: 0})()": False,
}


@pytest.mark.parametrize("answer", TRUTHS)
def test_an_object_is_as_true_as_it_was_in_the_program(answer: str) -> None:
    program = f"import re\nfrom decimal import Decimal\ndef f():\n    return {answer}\n"
    with Sandbox(screen=False) as box:
        asked = [(program, [Case((), truth, compare="truth")], "f") for truth in (True, False)]
        verdicts = [report.passed for report in box.grade_many(asked)]
    assert verdicts == [TRUTHS[answer], not TRUTHS[answer]]


@pytest.mark.parametrize(
    ("compare", "expected", "got", "right"),
    [
        ("==", True, 1, True), ("==", [0, 1], [False, True], True),
        ("==", 0.5, Fraction(1, 2), True),
        ("==", 2, Decimal("2.0"), True), ("==", 2, Decimal("sNaN"), False),
        ("==", [1], (1,), False),
        ("==", {"a": 1}, OrderedDict(a=1), True), ("==", NAN, NAN, False), ("==", 1, None, False),
        ("==", 0.3, 0.1 + 0.2, False), ("exact", 0.5, Fraction(1, 2), False),
        ("exact", True, 1, False), ("truth", True, [0], True), ("truth", True, object(), True),
        ("truth", False, 0, True), ("truth", True, "", False), ("tuple", [1, 2], (1, 2), True),
        ("tuple", [1, 2], {1: 0, 2: 0}, True), ("tuple", [1], 1, False), ("tuple", [1], [2], False),
    ],
)  # fmt: skip
def test_what_a_case_may_compare(compare: str, expected: Any, got: Any, right: bool) -> None:
    case = Case((1,), expected, compare=compare)
    assert case.accepts(journey(got, case.loose)) is right


@pytest.mark.parametrize("compare", ["exact", "=="])
@pytest.mark.parametrize(
    ("expected", "got", "right"),
    [
        (0.3, 0.1 + 0.2, True), (0.3, 0.31, False),
        ([1.0, (2, {"a": 0.3})], [1, (2, {"a": 0.3000001})], True),
        ([1.0, 2.0], [1.0], False), (10**400, 0.5, False), (0.3, None, False), (0.3, "0.3", False),
        ({"a": 0.3}, {"b": 0.3}, False), ("a", "a", True), (0.0, NAN, False),
    ],
)  # fmt: skip
def test_a_case_may_ask_for_a_tolerance(compare: str, expected: Any, got: Any, right: bool) -> None:
    case = Case((1,), expected, tolerance=1e-6, compare=compare)
    assert case.accepts(got) is right


def test_the_journey_of_nan() -> None:
    back = wire.build(wire.parse(wire.encode([NAN, {NAN: (NAN,)}], 10**6, strict=True)))
    assert equal(back, [NAN, {NAN: (NAN,)}])


def test_the_text_of_a_value_is_bounded() -> None:
    for value in ("x" * 100, [1] * 100, 2**1000, b"x" * 100, {i: i for i in range(100)}, 10**60):
        with pytest.raises(wire.TooLargeError):
            wire.encode(value, 50, strict=False)


def test_what_is_no_plain_data_travels_as_its_name() -> None:
    assert wire.encode([object(), 1], 100, strict=False) == '[{"o":"object object"},1]'
    assert wire.encode(Chameleon(1), 100, strict=False) == '{"k":["Chameleon",0,1]}'
    with pytest.raises(wire.NotPlainError, match="Chameleon"):
        wire.encode([Chameleon(1)], 100, strict=True)


RIGHT_ANSWERS = wire.FRAME.pack(b"v", 1) + b"2" + wire.FRAME.pack(b"v", 1) + b"6"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"x", b"v", wire.FRAME.pack(b"v", 2) + b"[", wire.FRAME.pack(b"P", 0),
        wire.FRAME.pack(b".", 3) + b"0.1", wire.FRAME.pack(b".", 4) + b"null",
        wire.FRAME.pack(b"v", 10) + b"[[1],2,3]]", wire.FRAME.pack(b"v", 9) + b"[1, 2, 3]",
        wire.FRAME.pack(b"v", 14) + b'[{"d": [[1]]}]', wire.FRAME.pack(b"l", 2) + b"{}",
        wire.FRAME.pack(b"v", 4000) + b"[" * 2000 + b"]" * 2000,
        RIGHT_ANSWERS, RIGHT_ANSWERS + RIGHT_ANSWERS, wire.FRAME.pack(b"v", 6) + b"[2, 6]",
    ],
)  # fmt: skip
def test_nonsense_on_the_pipe_is_never_a_pass(body: bytes) -> None:
    for fate in ("done", "exit 0", "signal 9", "closed"):
        for end in (b"", wire.FRAME.pack(b".", 3) + b"0.1"):
            report = judge(fate, 0.1, body + end, CASES, "f", Limits())
            truly_right = body == RIGHT_ANSWERS and end and fate == "done"
            assert report.passed == bool(truly_right)
            assert report.verdict is not Verdict.HARNESS_ERROR


# --- processes -------------------------------------------------------------------------------


def pids(box: Sandbox) -> set[int]:
    return {worker.process.pid for worker in box._workers}


def test_a_culprit_costs_nobody_else_anything() -> None:
    culprits = {
        3: (LOOP, "timeout"),
        7: ("def f(x):\n    return 'a' * 10 ** 10", "memory"),
        8: ("def f(x):\n    while True:\n        print('aaaa')", "output"),
        15: ("def f(x):\n    return f(x)", "exception"),
        20: ("def f(x):\n    return [0] * 10 ** 6", "output"),
    }
    jobs = [(culprits.get(i, (RIGHT, ""))[0], CASES, "f") for i in range(40)]
    for workers in (1, 2):
        with Sandbox(QUICK, workers=workers) as box:
            reports = box.grade_many(jobs)
        for i, report in enumerate(reports):
            assert report.verdict == culprits.get(i, ("", "passed"))[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_large_results_and_inputs_do_not_block(workers: int) -> None:
    row = list(range(9000))
    echo = "def f(x):\n    return x[:9000]"
    jobs = [(echo, [Case((row * 10,), row)], "f")] * 40
    with Sandbox(workers=workers) as box:
        assert score(box.grade_many(jobs)) == 1.0


def test_a_killed_worker_costs_one_program_at_most() -> None:
    slow = "def f(x):\n    s = 0\n    for i in range(200_000):\n        s += i\n    return x + 1\n"
    with Sandbox(workers=2) as box:
        before = pids(box)
        killer = threading.Timer(0.15, os.kill, (min(before), signal.SIGKILL))
        killer.start()
        reports = box.grade_many([(f"# {i}\n{slow}", CASES, "f") for i in range(80)])
        killer.join()
        assert score(reports) == 1.0
        assert len(pids(box)) == 2
        assert pids(box) != before
        assert box.grade(RIGHT, CASES, "f").passed


def test_a_program_that_kills_its_worker_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    original = processes.Worker.send

    def send(self: processes.Worker, batch: list[processes.Program], limits: Limits) -> None:
        if any("# poison" in program.source for program in batch):
            self.process.kill()
            self.process.wait()
        original(self, batch, limits)

    monkeypatch.setattr(processes.Worker, "send", send)
    with Sandbox() as box:
        jobs = [("# poison\n" * (i == 5) + RIGHT, CASES, "f") for i in range(12)]
        reports = box.grade_many(jobs)
    assert [r.verdict for i, r in enumerate(reports) if i != 5] == ["passed"] * 11
    assert reports[5].verdict is Verdict.HARNESS_ERROR
    with pytest.raises(RuntimeError, match="1 of 12"):
        score(reports)


def test_nothing_is_left_after_close() -> None:
    with Sandbox(QUICK, workers=2) as box:
        sessions = pids(box)
        box.grade_many([(LOOP, CASES, "f"), (RIGHT, CASES, "f")])
        assert not LINUX or left_behind(sessions)
    assert left_behind(sessions) == []
    assert box._workers == []


def test_a_forgotten_sandbox_cleans_up() -> None:
    box = Sandbox()
    sessions = pids(box)
    del box
    assert left_behind(sessions) == []


SCRIPT = """
import signal
from helpers.verification import Case, Limits, Sandbox
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started us with &
box = Sandbox(Limits(seconds=30), workers=2)
print(*(worker.process.pid for worker in box._workers), flush=True)
loop = "def f(x):\\n    while True:\\n        pass"
try:
    box.grade_many([(loop, [Case((1,), 2)], "f")] * 4)
except KeyboardInterrupt:
    report = box.grade("def f(x):\\n    return 2", [Case((1,), 2)], "f")
    print("interrupted", report.verdict, flush=True)
    box.close()
"""


@pytest.mark.skipif(not LINUX, reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ending_the_notebook_leaves_no_process_behind(how: signal.Signals) -> None:
    """An interrupt is survived, even with a worker in the middle of a program; a kill is not."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    sessions = set(map(int, process.stdout.readline().split()))
    time.sleep(0.6)  # programs are running
    assert len(left_behind(sessions)) > len(sessions)
    process.send_signal(how)
    output, _ = process.communicate(timeout=60)
    assert ("interrupted passed" in output) == (how == signal.SIGINT)
    deadline = time.monotonic() + 10
    while left_behind(sessions) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left_behind(sessions) == []


def test_threads_take_turns(box: Sandbox) -> None:
    results: dict[int, list[Report]] = {}

    def grade(number: int) -> None:
        program = f"def f(x):\n    return x + {number}"
        results[number] = box.grade_many([(program, [Case((1,), 1 + number)], "f")] * 20)

    threads = [threading.Thread(target=grade, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(score(results[number]) == 1.0 for number in range(4))


def test_use_after_close_and_in_another_process() -> None:
    box = Sandbox()
    box.close()
    box.close()
    with pytest.raises(RuntimeError, match="closed"):
        box.grade(RIGHT, CASES, "f")
    with pytest.raises(RuntimeError, match="closed"):
        box.grade_many([])
    with Sandbox() as box:
        box._owner = -1
        with pytest.raises(RuntimeError, match="another process"):
            box.grade(RIGHT, CASES, "f")
        box._owner = os.getpid()


# --- protection ------------------------------------------------------------------------------


@pytest.mark.skipif(not LINUX, reason="says what Linux offers")
def test_protection_on_linux(box: Sandbox, open_box: Sandbox) -> None:
    assert box.protection == ("screen", "audit", "rlimits", "seccomp", "landlock")
    assert open_box.protection == ("audit", "rlimits", "seccomp", "landlock")


def test_no_warning_where_nothing_is_missing(box: Sandbox) -> None:
    if set(sandbox_module.LAYERS) <= set(box.protection):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Sandbox().close()


def test_a_missing_layer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = processes.Worker.greet

    def greet(self: processes.Worker) -> None:
        original(self)
        self.layers = ["audit", "rlimits"]

    monkeypatch.setattr(processes.Worker, "greet", greet)
    with pytest.warns(MissingProtection, match="does not offer seccomp, landlock"):
        box = Sandbox()
    assert box.protection == ("screen", "audit", "rlimits")
    box.close()


def test_a_worker_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    start = processes.start_interpreter
    monkeypatch.setattr(processes, "start_interpreter", lambda *args: start("once"))
    monkeypatch.setattr(processes, "PATIENCE", 0.2)
    with pytest.raises(RuntimeError, match="could not start"):
        Sandbox()


def test_without_fork_every_program_gets_an_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_module, "_HAS_FORK", False)
    with pytest.warns(MissingProtection, match="seccomp, landlock"):
        box = Sandbox(Limits(seconds=0.2, memory_mb=64), screen=False)
    assert box.protection == ("audit", "rlimits")
    tries = {
        RIGHT: "passed",
        "def f(x):\n    return 0": "wrong",
        "def f(x):\n    x.y": "exception",
        "def f(x)": "syntax_error",
        LOOP: "timeout",
        "def f(x):\n    return 'a' * 10 ** 10": "memory",
        "def f(x):\n    while True:\n        print('a' * 100)": "output",
        "import os\ndef f(x):\n    os._exit(0)": "exited",
        "import os\ndef f(x):\n    os.abort()": "crashed",
        "import os\nwhile True:\n    os.write(3, bytes(100))": "output",
        "open('x')": "forbidden",
    }
    reports = box.grade_many([(program, CASES, "f") for program in tries])
    assert [report.verdict for report in reports] == list(tries.values())
    box.close()
    with pytest.raises(RuntimeError, match="closed"):
        box.grade(RIGHT, CASES, "f")


def test_the_package_is_light() -> None:
    """The worker imports it with the standard library alone; nothing heavy comes with Sandbox."""
    code = (
        "import sys, helpers.verification as v; v.Sandbox; v.Case; "
        "print(sorted({'numpy', 'torch', 'pandas', 'psutil'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout.replace("'", '"')) == []


# --- scores and bad input --------------------------------------------------------------------


def test_score() -> None:
    passed, wrong = Report(Verdict.PASSED), Report(Verdict.WRONG)
    assert score([passed, wrong, wrong, passed]) == 0.5
    assert score([wrong]) == 0.0
    with pytest.raises(ValueError, match="reports"):
        score([])
    with pytest.raises(RuntimeError, match="no score: the grader itself failed on 1 of 2"):
        score([passed, Report(Verdict.HARNESS_ERROR, "lost")])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((b"x", CASES, "f"), TypeError, "program must be a str"),
        ((None, CASES, "f"), TypeError, "program must be a str"),
        ((RIGHT, [], "f"), ValueError, "cases must hold at least one"),
        ((RIGHT, CASES[0], "f"), TypeError, "cases must be a sequence"),
        ((RIGHT, [((1,), 2)], "f"), TypeError, r"cases\[0\] must be a Case"),
        ((RIGHT, "cases", "f"), TypeError, "cases must be a sequence"),
        ((RIGHT, CASES, 3), TypeError, "entry_point must be a str"),
        ((RIGHT, CASES, "f()"), ValueError, "entry_point must be a Python identifier"),
        ((RIGHT, CASES, ""), ValueError, "entry_point must be a Python identifier"),
        ((RIGHT, CASES, "def"), ValueError, "entry_point must be a Python identifier"),
    ],
)
def test_bad_jobs(box: Sandbox, arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        box.grade(*arguments)
    with pytest.raises(error, match=rf"jobs\[1\]\.{message}"):
        box.grade_many([(RIGHT, CASES, "f"), tuple(arguments)])


def test_bad_list_of_jobs(box: Sandbox) -> None:
    with pytest.raises(TypeError, match=r"jobs\[0\] must be a tuple"):
        box.grade_many([RIGHT])
    assert box.grade_many([]) == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1], 2), TypeError, "args must be a tuple"),
        (((object(),), 2), TypeError, "args must be plain data, got a value of type object"),
        (((1,), {2: {3: object()}}), TypeError, "expected must be plain data"),
        (((Chameleon(1),), 2), TypeError, "type Chameleon"),
        (((1,), 2, "check"), TypeError, "check must be a function"),
        (((1,), 2, None, -1), ValueError, "tolerance must be a number"),
        (((1,), 2, None, NAN), ValueError, "tolerance must be a number"),
        (((1,), 2, None, True), TypeError, "tolerance must be a number"),
        (((1,), 2, None, 0, "is"), ValueError, "compare must be one of"),
    ],
)
def test_bad_cases(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Case(*arguments)


def test_a_case_of_numpy_numbers_says_so() -> None:
    numpy = pytest.importorskip("numpy")
    with pytest.raises(TypeError, match="args must be plain data, got a value of type int64"):
        Case((numpy.int64(3),), 3)


def test_a_case_that_holds_itself() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(TypeError, match="nested more than 100 levels"):
        Case((endless,), 1)


@pytest.mark.parametrize("name", ["seconds", "memory_mb", "output_kb"])
@pytest.mark.parametrize(
    ("value", "error"),
    [(0, ValueError), (-1, ValueError), ("1", TypeError), (True, TypeError), (None, TypeError),
     (float("nan"), Exception), (10**9, ValueError)],
)  # fmt: skip
def test_bad_limits(name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{name} must be"):
        Limits(**{name: value})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"limits": 3}, TypeError, "limits must be a Limits"),
        ({"workers": 0}, ValueError, "workers must be"),
        ({"workers": 1.5}, TypeError, "workers must be"),
        ({"workers": True}, TypeError, "workers must be"),
        ({"screen": 1}, TypeError, "screen must be"),
    ],
)
def test_bad_sandboxes(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Sandbox(**arguments)


@pytest.mark.parametrize("program", ["\ud800", "x = '\ud800'", "\x00", "", "\n", "#", "def", "f"])
def test_whatever_the_program_is_there_is_a_verdict(box: Sandbox, program: str) -> None:
    report = box.grade(program, CASES, "f")
    assert report.verdict in {Verdict.SYNTAX_ERROR, Verdict.EXCEPTION}
    assert report.n_cases == 2
