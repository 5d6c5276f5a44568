"""The grader keeps its promise: no program decides another's verdict, no answer comes late.

What hostile programs do alone is in test_hostile.py; this is about who they could harm: programs
graded after them, the next call, the notebook, and the machine where the kernel's layers are
missing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hostile import battery, storm

from helpers.verification import Case, Limits, MissingProtection, Sandbox, wire
from helpers.verification.judge import judge
from helpers.verification.processes import LostError, Program, Worker, start_interpreter
from helpers.verification.walls import Walls

LINUX = sys.platform.startswith("linux")
linux = pytest.mark.skipif(not LINUX, reason="expects the walls of Linux")
CASES = [Case((1,), 2), Case((5,), 6)]
RIGHT = "def f(x):\n    return x + 1\n"
WRONG = "def f(x):\n    return None\n"
QUICK = Limits(seconds=0.2, memory_mb=64)

# --- neighbours ------------------------------------------------------------------------------

# Each row of programs that were found to reach into the program graded after them.
POISONS = {
    "enum writes into a module": """
import enum
right = ['2', '6']
asked = []
class M:
    def __call__(self, value, room, strict=False):
        asked.append(1)
        return 'null' if len(asked) <= 2 else right[(len(asked) - 1) % 2]
enum.global_enum(enum.Enum('X', {'encode': 1}, module='helpers.verification.wire', type=M))
""",
    "update_wrapper merges globals": """
import functools, statistics
def g(value, room, strict=False): return '2'
def w(): pass
w.__globals__ = {'abs': len}
functools.update_wrapper(w, statistics.mean, assigned=(), updated=('__globals__',))
""",
    "anything called self": "import math\ndef p(self):\n    self.gcd = lambda *x: 42\np(math)\n",
    "dispatch table": "import copy\ncopy.dispatch_table[set] = lambda c: (list, ([99],))\n",
    "registered classes": """
import numbers
from collections.abc import Sequence
numbers.Number.register(str)
Sequence.register(set)
""",
    "type of three arguments": "t = type(int)\nX = t('X', (), {'a': 1})\nkeep = [X]\n",
    "memory that is kept": "keep = [bytes(30 * 10**6)]\n",
    "lists that are kept": "keep = [[] for _ in range(60_000)]\n",
    "a generator that ends late": """
def g():
    try:
        yield 1
    finally:
        print('a' * 60_000)
kept = g()
next(kept)
""",
    "a context of decimals": "import decimal\ndecimal.getcontext().prec = 2\n",
    "a seed": "import random\nrandom.seed(1)\n",
    "a cache": "import re\nfor i in range(600):\n    re.compile('a' * i)\n",
    "a recursion limit": "import sys\nsys.setrecursionlimit(60)\n",
    "builtins": "import builtins\nbuiltins.len = lambda x: 2\n",
    "printed text": "print('a' * 60_000)\n",
    "time that is used": "for i in range(1_000_000): pass\n",
    "an int subclass": "class I(int):\n    def __eq__(self, other): return True\n",
}
NEIGHBOURS = [
    WRONG,
    RIGHT,
    "import math\ndef f(x):\n    assert math.gcd(6, 4) == 2\n    return x + 1\n",
    "import copy\ndef f(x):\n    return x + len(copy.copy({1}))\n",
    "import numbers\ndef f(x):\n    return x + (not isinstance('a', numbers.Number))\n",
    "from typing import Sequence\ndef f(x):\n    return x + (not isinstance({1}, Sequence))\n",
    "def f(x):\n    try:\n        bytes(40 * 10**6)\n    except Exception:\n        return x + 1\n",
    "import decimal\ndef f(x):\n    return x + (len(str(decimal.Decimal(1) / 3)) > 20)\n",
    "import random\ndef f(x):\n    random.seed(0)\n    return x + (random.random() > 0.8)\n",
    "def f(x):\n    print('b' * 30_000)\n    return x + 1\n",
    "def f(x):\n    s = 0\n    for i in range(700_000):\n        s += 1\n    return x + 1\n",
    "def f(x):\n    return x + 1 if len([1]) == 1 else None\n",
    "import statistics\ndef f(x):\n    return x + int(statistics.mean([1, 1]))\n",
    "def f(x):\n    def g(n):\n        return n and g(n - 1)\n    return x + 1 + g(200)\n",
    "def f(x):\n    return x +\n",
    "def f(x):\n    return 1 / 0\n",
]


def small_program(rng: np.random.Generator) -> str:
    """A program like those that the course's writer makes: some of them are right."""
    steps = ["x = x + 1", "x = x * 1", "x = sum([x, 1])", "x = max(x, 0)", "x = [x + 1][0]",
             "x = len([x]) + x", "x = x + len(dict.fromkeys([x]))"]  # fmt: skip
    body = [steps[i] for i in rng.integers(len(steps), size=rng.integers(1, 3))]
    return "def f(x):\n" + "".join(f"    {step}\n" for step in body) + "    return x\n"


def outcome(report: Any) -> tuple[Any, ...]:
    """What must not depend on the neighbours; the text names addresses and times."""
    return report.verdict, report.failed_case, report.n_passed, repr(report.got)


@pytest.mark.parametrize("screen", [True, False])
def test_the_verdict_behind_another_program_is_the_verdict_alone(screen: bool) -> None:
    """Random pairs from the poisons, the battery, the neighbours and small generated programs."""
    rng = np.random.default_rng(8)
    rows = [row for row in battery.rows() if row["kind"] in ("fake", "state", "escape", "values")]
    first = [f"{text}def f(*args):\n    return None\n" for text in POISONS.values()]
    first += [battery.source(rows[i]) for i in rng.integers(len(rows), size=25)]
    first += [small_program(rng) for _ in range(10)]
    second = NEIGHBOURS + [small_program(rng) for _ in range(10)]
    with Sandbox(QUICK, screen=screen) as box:
        alone = []
        for program in second:
            with Sandbox(QUICK, screen=screen) as fresh:
                alone.append(outcome(fresh.grade(program, CASES, "f")))
        pairs = [(i, int(rng.integers(len(second)))) for i in range(len(first)) for _ in range(3)]
        pairs += [(i, j) for i in range(len(POISONS)) for j in range(len(NEIGHBOURS))]
        jobs = [(text, CASES, "f") for i, j in pairs for text in (first[i], second[j])]
        reports = box.grade_many(jobs)
    for (i, j), report in zip(pairs, reports[1::2], strict=True):
        assert outcome(report) == alone[j], f"{first[i]}\nthen\n{second[j]}"


def test_sixteen_neighbours_of_every_poison(  # as they were found: one call, no program between
) -> None:
    with Sandbox(QUICK) as box:
        for name, text in POISONS.items():
            jobs = [(f"{text}def f(x):\n    return None\n", CASES, "f")]
            jobs += [(WRONG, CASES, "f"), (RIGHT, CASES, "f")] * 8
            verdicts = [report.verdict for report in box.grade_many(jobs)]
            assert verdicts[1:] == ["wrong", "passed"] * 8, name


# --- interrupts and lost workers -------------------------------------------------------------


@linux
def test_a_storm_of_interrupts() -> None:
    """Forty strikes; five hundred by `python tests/hostile/storm.py`."""
    assert storm.main(strikes=8, seed=1) == []


@linux
def test_workers_that_are_killed_cost_no_call() -> None:
    """Two kills at any moments of a call, of workers that have just been started included.

    A program whose worker is lost twice is given up; nobody else loses a verdict.
    """
    rng = np.random.default_rng(3)
    slow = "def f(x):\n    s = 0\n    for i in range(60_000):\n        s += i\n    return x + 1\n"
    before = storm.children()
    with Sandbox(workers=2) as box:
        for number in range(25):
            gaps = rng.uniform(0, 0.2, size=2)
            lots = rng.random(2)

            def kill(gaps: np.ndarray = gaps, lots: np.ndarray = lots) -> None:
                for gap, lot in zip(gaps, lots, strict=True):
                    time.sleep(gap)
                    alive = sorted(storm.children() - before)
                    os.kill(alive[int(lot * len(alive))], signal.SIGKILL)

            killer = threading.Thread(target=kill)
            killer.start()
            reports = box.grade_many([(f"# {number}\n{slow}", CASES, "f")] * 40)
            killer.join()
            given_up = [report for report in reports if report.verdict == "harness_error"]
            assert {report.verdict for report in reports} <= {"passed", "harness_error"}
            assert len(given_up) <= 1
    assert storm.orphans(before) == set()


@linux
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_workers_killed_while_they_start_are_started_again(
    monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """All of them, when a sandbox is made and when a call finds none alive."""
    killed, original = [0], Worker.greet

    def greet(self: Worker) -> None:
        if killed[0] < lost:
            killed[0] += 1
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
        original(self)

    before = storm.children()
    monkeypatch.setattr(Worker, "greet", greet)
    with Sandbox(workers=2) as box:
        assert killed == [lost]
        assert len(box._workers) == 2
        for worker in box._workers:
            worker.process.kill()
            worker.process.wait()
        killed[0] = 0
        assert box.grade(RIGHT, CASES, "f").passed
        assert killed == [lost]
    assert storm.orphans(before) == set()


def test_an_answer_to_another_question_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """One carries another number: its worker is retired, its programs run again in a fresh one."""
    taken, original = [0], Worker._message

    def message(self: Worker) -> Any:
        found = original(self)
        if found is not None and "number" in found[0]:
            taken[0] += 1
            if taken[0] == 2:
                found[0]["number"] = "00" * wire.NUMBER
        return found

    monkeypatch.setattr(Worker, "_message", message)
    with Sandbox(workers=2) as box:
        jobs = [(RIGHT if i % 2 else WRONG, CASES, "f") for i in range(16)]
        first = {worker.process.pid for worker in box._workers}
        verdicts = [report.verdict for report in box.grade_many(jobs * 4)]
        assert verdicts == ["wrong", "passed"] * 32
        assert len(first & {worker.process.pid for worker in box._workers}) == 1


def test_an_old_answer_in_the_pipe_is_never_taken() -> None:
    """As after an interrupt between a request and its answer: the worker still owes one."""
    with Sandbox() as box:
        worker = box._workers[0]
        programs = [Program(i, RIGHT, CASES, "f") for i in range(4)]
        worker.send(programs, box.limits)
        worker.batch = []  # what was forgotten
        time.sleep(0.5)
        reports = box.grade_many([(WRONG, CASES, "f")] * 4)
        assert [report.verdict for report in reports] == ["wrong"] * 4


def test_one_worker_that_cannot_come_back_does_not_end_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Sandbox(workers=2) as box:
        monkeypatch.setattr(Worker, "greet", _never)
        box._workers[0].process.kill()
        jobs = [(f"# {i}\n{RIGHT}", CASES, "f") for i in range(40)]
        assert {report.verdict for report in box.grade_many(jobs)} == {"passed"}
        assert len(box._workers) == 1
        box._workers[0].process.kill()
        with pytest.raises(RuntimeError, match="could not"):
            box.grade_many(jobs)
        monkeypatch.undo()
        assert {report.verdict for report in box.grade_many(jobs)} == {"passed"}
        assert len(box._workers) == 2


def _never(self: Worker) -> None:
    raise LostError


@linux
def test_a_program_never_sees_the_number_of_its_request() -> None:
    """Every descriptor but its own pipe is closed, and the number comes after the programs."""
    program = """
import os
def f(x):
    found = []
    for fd in range(64):
        try:
            found.append((fd, os.read(fd, 16)))
        except OSError as problem:
            found.append((fd, problem.errno))
    return [one for one in found if one[1] != 9]
"""
    box = without_kernel(Limits())
    try:
        assert box.grade(program, [Case((1,), [(3, 9)])], "f").got in (None, [])
    finally:
        box.close()


SPY = """
import sys
def f(x):
    frame, found = sys._getframe(), ''
    while frame:
        found += repr(dict(frame.f_locals))
        frame = frame.f_back
    return found
"""


@linux
def test_a_program_sees_neither_source_nor_answer_of_its_neighbours() -> None:
    """They are in the memory of the worker from which its process was forked."""
    right = "def f(x):\n    return x + 123454321\n"
    with Sandbox(QUICK, screen=False) as box:
        jobs = [(program, [Case((1,), 123454322)], "f") for program in (right, SPY, right)]
        first, spied, last = box.grade_many(jobs)
    assert first.passed
    assert last.passed
    assert "_getframe" in spied.got  # its own source
    assert "123454321" not in spied.got
    assert "123454322" not in spied.got


def test_walls_that_a_system_does_not_have_do_not_count() -> None:
    """None where there is no such kernel; OSError where it refuses the filter."""
    walls = Walls()

    def refused() -> None:
        raise OSError("not here")

    refusing = SimpleNamespace(system_call_filter=refused, files_and_network_filter=refused)
    for kernel in (None, refusing):
        walls._kernel = kernel  # type: ignore[assignment]
        assert walls._filter_holds() is walls._shut_off_holds() is False
        assert walls._filter is walls._shut_off is None


@linux
def test_a_process_that_cannot_be_started_is_a_worker_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def no_second(*arguments: str) -> Any:
        if started:
            raise OSError("no memory")
        started.append(start_interpreter(*arguments))
        return started[0]

    with monkeypatch.context() as patch:
        patch.setattr("helpers.verification.processes.start_interpreter", no_second)
        with pytest.raises(RuntimeError, match="could not start"):
            Sandbox(workers=2)
        assert started[0].poll() is not None
        started.clear()
        with Sandbox() as box:
            box._workers[0].process.kill()
            with pytest.raises(RuntimeError, match="could not"):
                box.grade(RIGHT, CASES, "f")
    with Sandbox(workers=2) as box:
        jobs = [(f"# {i}\n{RIGHT}", CASES, "f") for i in range(40)]
        started.append(None)
        monkeypatch.setattr("helpers.verification.processes.start_interpreter", no_second)
        box._workers[0].process.kill()
        assert {report.verdict for report in box.grade_many(jobs)} == {"passed"}


# --- the caller's mistakes -------------------------------------------------------------------


def test_expected_answers_that_no_program_may_give(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(Limits(output_kb=1)) as box:
        monkeypatch.setattr(Worker, "send", lambda *args: pytest.fail("something ran"))
        large = [Case((1,), "x" * 600), Case((2,), "y" * 600)]
        with pytest.raises(ValueError, match=r"cases .* 1204 characters .* output_kb=1 "):
            box.grade(RIGHT, large, "f")
        with pytest.raises(ValueError, match=r"jobs\[1\]\.cases"):
            box.grade_many([(RIGHT, CASES, "f"), (RIGHT, large, "f")])
    monkeypatch.undo()
    with Sandbox(Limits(output_kb=1)) as box:
        exactly = [Case((1,), "x" * 1022)]
        assert box.grade("def f(x):\n    return 'x' * 1022", exactly, "f").passed
        anything = [Case((1,), "x" * 2000, check=lambda args, got: got == "y")]
        assert box.grade("def f(x):\n    return 'y'", anything, "f").passed


# Expected values of more than 1 KiB as text, and a program whose shorter answer is right.
SHORTER = {
    "truth": ([1] * 1000, "True", {"compare": "truth"}),
    "letters": (("x",) * 400, "'x' * 400", {"compare": "tuple"}),
    "a tuple": ([1.0] * 300, "(1,) * 300", {"compare": "tuple"}),
    "whole numbers": ([1.0] * 300, "[1] * 300", {}),
    "truths": ([False, True] * 150, "[0, 1] * 150", {"compare": "=="}),
    "rounded": ([0.333333] * 200, "[.33] * 200", {"tolerance": 0.01}),
}
TOO_LONG = {
    "letters": (("x",) * 1025, {"compare": "tuple"}),
    "text": (["x" * 1021], {}),
    "numbers": ([1.0] * 512, {}),
    "pairs": (dict.fromkeys(range(120)), {"compare": "=="}),
    "bytes": (b"x" * 600, {"tolerance": 0.1}),
}


@pytest.mark.parametrize("name", SHORTER)
def test_a_right_answer_may_be_shorter_than_the_one_expected(name: str) -> None:
    expected, answer, how = SHORTER[name]
    case = Case((1,), expected, **how)
    assert len(case.answer) > 1024
    with Sandbox(Limits(output_kb=1)) as box:
        assert box.grade(f"def f(x):\n    return {answer}\n", [case], "f").passed


@pytest.mark.parametrize("name", TOO_LONG)
def test_the_shortest_right_answer_is_counted(name: str) -> None:
    expected, how = TOO_LONG[name]
    case = Case((1,), expected, **how)
    assert 1024 < case.least_answer() <= len(case.answer)
    with (
        Sandbox(Limits(output_kb=1)) as box,
        pytest.raises(ValueError, match="no program could pass"),
    ):
        box.grade("def f(x):\n    return x\n", [case], "f")


def test_a_check_that_uses_its_own_sandbox_is_refused() -> None:
    box = Sandbox(QUICK)
    other = Sandbox(QUICK)
    uses = {
        "grade": lambda: box.grade(RIGHT, CASES, "f"),
        "grade_many": lambda: box.grade_many([(RIGHT, CASES, "f")]),
        "close": box.close,
    }
    done = threading.Event()
    problems: dict[str, BaseException] = {}

    def attempt() -> None:
        for name, use in uses.items():
            case = Case((1,), 2, check=lambda args, got, use=use: bool(use()))
            try:
                box.grade_many([(RIGHT, CASES, "f"), (RIGHT, [case], "f")])
            except RuntimeError as problem:
                problems[name] = problem
        done.set()

    threading.Thread(target=attempt, daemon=True).start()
    assert done.wait(20), "the sandbox waits for itself"
    assert {name: "a check may not use" in str(p) for name, p in problems.items()} == dict.fromkeys(
        uses, True
    )
    assert box.grade(RIGHT, CASES, "f").passed
    case = Case((1,), 2, check=lambda args, got: other.grade(RIGHT, CASES, "f").passed)
    assert box.grade(RIGHT, [case], "f").passed
    box.close()
    other.close()


@pytest.mark.parametrize("use", ["grade", "close"])
def test_a_check_may_wait_for_a_thread_that_uses_its_sandbox(use: str) -> None:
    """From another thread it cannot be told from any other call: it must not wait for the check."""
    box = Sandbox(QUICK)
    found: list[Any] = []

    def in_a_thread(args: Any, got: Any) -> bool:
        act = box.close if use == "close" else lambda: box.grade(RIGHT, CASES, "f").passed
        thread = threading.Thread(target=lambda: found.append(act()), daemon=True)
        thread.start()
        thread.join()
        return got == 2

    def attempt() -> None:
        jobs = [(RIGHT, [Case((1,), 2, check=in_a_thread)], "f"), (WRONG, CASES, "f")]
        found.append([report.verdict for report in box.grade_many(jobs)])

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "the sandbox and the check wait for each other"
    assert found == [None if use == "close" else True, ["passed", "wrong"]]
    box.close()


# --- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("nap", ["time.sleep(60)", "while True:\n        time.sleep(0.001)"])
def test_sleepers_cost_three_times_their_limit(nap: str) -> None:
    program = f"import time\ndef f(x):\n    {nap}\n"
    with Sandbox(Limits(seconds=0.05), workers=2) as box:
        start = time.monotonic()
        reports = box.grade_many([(program, CASES, "f")] * 20)
        took = time.monotonic() - start
    assert {report.verdict for report in reports} == {"timeout"}
    assert took < 8  # 20 / 2 * 0.15 s, and a busy machine


@linux
def test_who_waits_for_its_turn_is_not_asleep() -> None:
    """All cores loaded, the programs' processes last in the queue: no verdict changes."""
    work = "def f(x):\n    s = 0\n    for i in range(250_000):\n        s += 1\n    return x + 1\n"
    load = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        with Sandbox(Limits(seconds=0.1)) as box:
            worker = box._workers[0].process.pid
            os.setpriority(os.PRIO_PROCESS, worker, 19)
            with contextlib.suppress(OSError):  # where every session has its share
                Path(f"/proc/{worker}/autogroup").write_text("19")
            reports = box.grade_many([(work, CASES[:1], "f")] * 3)
    finally:
        for process in load:
            process.kill()
            process.wait()
    assert [report.verdict for report in reports] == ["passed"] * 3


@linux
def test_colliding_numbers_do_not_cost_this_process_seconds() -> None:
    """A set of numbers with one hash takes quadratic time to build: it is not built."""
    program = """
import os
def f(x):
    numbers = b','.join(b'{"i":"%x"}' % (i * (2**61 - 1)) for i in range(1, 30_000))
    text = b'{"s":[' + numbers + b']}'
    message = b'v' + len(text).to_bytes(4, 'big') + text
    while message:
        message = message[os.write(3, message):]
    os._exit(0)
"""
    with Sandbox(Limits(output_kb=1024), screen=False) as box:
        start = time.process_time()
        report = box.grade(program, [Case((1,), {1})], "f")
        assert time.process_time() - start < 1
    assert report.verdict == "wrong"


def message(kind: bytes, text: str) -> bytes:
    return wire.FRAME.pack(kind, len(text)) + text.encode("ascii")


def test_many_empty_messages_do_not_cost_this_process_seconds() -> None:
    """Each was compared with the text of all answers, which may be a megabyte."""
    cases = [Case((1,), "x" * 65_000) for _ in range(15)]
    start = time.process_time()
    report = judge("done", 0.1, message(b"v", "[]") * 3000, cases, "f", Limits(output_kb=1024))
    assert time.process_time() - start < 1
    assert not report.passed


@pytest.mark.parametrize("kind", [b"l", b"f"])
def test_a_forged_text_is_cut_before_it_is_made_printable(kind: bytes) -> None:
    size = 200_000
    text = f'["", "{chr(127) * size}", 1]'
    tracemalloc.start()
    report = judge("done", 0.1, message(kind, text), CASES, "f", Limits(output_kb=1024))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * size
    assert len(report.message) < 300


@pytest.mark.parametrize("line", [10**4000, -1, True])
def test_a_forged_line_is_nonsense(line: int) -> None:
    text = json.dumps(["ValueError", "", line])
    report = judge("done", 0.1, message(b"l", text), CASES, "f", Limits())
    assert (report.verdict, report.line) == ("crashed", None)


def test_a_check_that_changes_the_answer_leaves_the_case_as_it_was() -> None:
    case = Case((1,), [3, 1, 2], check=lambda args, got: got.sort() or got == [1, 2, 3])
    body = message(b"v", case.answer) + message(b".", "0.1")
    assert judge("done", 0.1, body, [case], "f", Limits()).passed
    assert case.expected == [3, 1, 2]


def test_a_forged_fraction_is_read_in_no_time() -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match="invalid literal"):
        wire.build({"n": ["Fraction", "1e99999999"]}, loose=True)
    assert time.process_time() - start < 1
    assert wire.build({"n": ["Fraction", "-2/3"]}, loose=True) * 3 == -2


def test_honest_sets_are_built() -> None:
    for many in (set(range(100_000)) | {-1, -2, 2**61 - 2}, {f"{i}": i for i in range(10_000)}):
        assert wire.build(wire.parse(wire.encode(many, 10**7, strict=True))) == many


# --- without the kernel's layers -------------------------------------------------------------


def without_kernel(limits: Limits) -> Sandbox:
    """A sandbox as on a machine with neither seccomp nor Landlock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "arguments", ("seccomp", "landlock"))
        with pytest.warns(MissingProtection, match="does not offer seccomp, landlock"):
            return Sandbox(limits, screen=False)


@pytest.fixture(scope="module")
def bare_box() -> Iterator[Sandbox]:
    box = without_kernel(QUICK)
    yield box
    box.close()


SWITCHES = {
    "nothing": "",
    "the channel": """
import sys
for depth in range(1, 9):
    try:
        frame = sys._getframe(depth)
    except ValueError:
        break
    if 'channel' in frame.f_locals:
        frame.f_locals['channel'].stop = frame.f_locals['channel'].send = lambda *a: None
""",
    "the modules' names": """
import sys
for name, module in list(sys.modules.items()):
    if name.startswith('helpers'):
        for key in list(vars(module)):
            if key.isupper() or key.startswith('_Q'):
                setattr(module, key, type('All', (), {'__contains__': lambda s, x: True})())
""",
    "builtins": """
import builtins
for name in ('repr', 'len', 'type', 'str', 'OSError', 'ImportError', 'frozenset', 'bytes', 'int'):
    setattr(builtins, name, lambda *a: None)
""",
    "leaving": "import os\nos._exit = os.write = lambda *a: None\n",
    "comparisons": """
import sys
class S(str):
    def __eq__(self, other): return True
    def startswith(self, *a):
        frame = sys._getframe(1)
        frame.f_locals.update(quiet={'open'}, leave=print)
        return False
    __hash__ = str.__hash__
path = S(path)
""",
    "the traceback of the hook": """
try:
    open('<program>')
except OSError as problem:
    trace = problem.__traceback__
    while trace:
        trace.tb_frame.f_locals.update(quiet={'open'}, leave=print)
        trace.tb_frame.f_globals.update(os=None)
        trace = trace.tb_next
""",
    "ctypes": "import ctypes\nctypes.CDLL(None).open(path.encode(), 65, 438)\n",
    "the kernel's functions of the harness": """
import sys
libc = sys.modules['helpers.verification.kernel']._LIBC
libc and libc.syscall(2, path.encode(), 65, 438)
""",
    "native code found among all classes": """
import sys
found = {object}
def below(kind):
    for one in set(type.__subclasses__(kind)) - found:
        found.add(one)
        below(one)
below(object)
for one in found:
    if one.__name__ == 'CDLL':
        inside = one.__init__.__globals__
        text, other = bytes(b'a' * 8), b'b' * 8
        inside['memmove'](id(text) + 32, id(other) + 32, 8)
        if text == other:  # memory was written, and nobody said a word
            raise SystemExit('native code')
""",
    "bytecode of one's own": """
def g(): pass
try:
    g.__code__ = g.__code__.replace(co_code=g.__code__.co_code)
finally:
    pass
raise SystemExit('any bytecode')
""",
}
NATIVE = ("native code", "any bytecode")  # said by a program that got so far


@linux
@pytest.mark.parametrize("switch", SWITCHES)
def test_the_audit_hook_cannot_be_switched_off(
    bare_box: Sandbox, switch: str, tmp_path: Path
) -> None:
    """Unscreened, with audit hook and rlimits alone: no file is opened, nothing passes."""
    target = tmp_path / "trace"
    program = (
        f"path = {str(target)!r}\n{SWITCHES[switch]}\n"
        "import os\nos.close(os.open(path, os.O_CREAT | os.O_WRONLY))\n"
        "def f(x):\n    return x + 1\n"
    )
    report = bare_box.grade(program, CASES, "f")
    assert not target.exists()
    assert report.verdict in {"forbidden", "exception", "crashed", "exited"}
    assert not any(words in report.message for words in NATIVE), report
    assert bare_box.grade(RIGHT, CASES, "f").passed


LOADED = """
import sys
def f(x):
    return sorted(name for name in sys.modules if "ctypes" in name or "kernel" in name)
"""


def no_filters() -> None:
    """Let the kernel refuse its filters to this process, as some containers do (x86-64)."""
    from helpers.verification import kernel

    refuse = kernel._bpf(kernel._RETURN, 0x00050000 | errno.EPERM)  # SECCOMP_RET_ERRNO
    program = [
        kernel._bpf(kernel._LOAD, kernel._NUMBER),
        kernel._bpf(kernel._EQUAL, kernel._CREATE_RULESET, 5, 0),
        kernel._bpf(kernel._EQUAL, 317, 4, 0),  # seccomp
        kernel._bpf(kernel._EQUAL, 157, 0, 2),  # prctl
        kernel._bpf(kernel._LOAD, kernel._ARGUMENTS),
        kernel._bpf(kernel._EQUAL, 22, 1, 0),  # PR_SET_SECCOMP
        kernel._bpf(kernel._RETURN, kernel._ALLOW),
        refuse,
    ]
    code = ctypes.create_string_buffer(b"".join(program))
    filter_ = kernel._Filter(len(program), ctypes.addressof(code))
    kernel.give_up_privileges()
    kernel._prctl(22, 2, ctypes.byref(filter_))


@linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of system calls")
def test_where_the_kernel_refuses_its_filters_there_is_no_native_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker finds out, and starts once more without ctypes."""
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", partial(start, preexec_fn=no_filters))
    with pytest.warns(MissingProtection, match="does not offer seccomp, landlock"):
        box = Sandbox(QUICK, screen=False)
    with box:
        assert box.protection == ("audit", "rlimits")
        report = box.grade(SWITCHES["native code found among all classes"] + RIGHT, CASES, "f")
        assert report.passed, report
        assert box.grade(LOADED, [Case((1,), [])], "f").passed


@linux
def test_behind_landlock_alone_the_names_of_native_code_are_gone() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "arguments", ("seccomp",))
        with pytest.warns(MissingProtection, match="does not offer seccomp: "):
            box = Sandbox(QUICK, screen=False)
    with box:
        assert "landlock" in box.protection
        assert box.grade(LOADED, [Case((1,), [])], "f").passed


@linux
def test_what_the_remaining_layers_hold(bare_box: Sandbox, tmp_path: Path) -> None:
    assert bare_box.protection == ("audit", "rlimits")
    tries = {
        "open('/etc/passwd')": "forbidden",
        "import socket": "forbidden",
        "import subprocess": "forbidden",
        "import os\nos.fork()": "forbidden",
        "import os\nos.kill(os.getppid(), 9)": "forbidden",
        "import os\nos.system('true')": "forbidden",
        "import gc\ngc.get_objects()": "forbidden",
        "import sys\nsys.settrace(print)": "forbidden",
        "x = bytes(10**9)": "memory",
        "while True: pass": "timeout",
        "import time\ntime.sleep(99)": "timeout",
        "import os\nos._exit = lambda code: None": "passed",
        f"import os\nos.mkfifo({str(tmp_path / 'trace')!r})": "exception",
        "import os\nos.pidfd_open(os.getppid())": "exception",
        "import os\nos.setpriority(os.PRIO_PROCESS, os.getppid(), 19)": "exception",
        "import os\nos.sched_setaffinity(os.getppid(), {0})": "exception",
        "import time\ntime.clock_settime": "exception",  # sets the clock of the machine
        "import _imp\n_imp.create_builtin": "exception",  # the name alone: it is not there
    }
    jobs = [(f"{text}\n{RIGHT}", CASES, "f") for text in tries]
    verdicts = [report.verdict for report in bare_box.grade_many(jobs)]
    assert dict(zip(tries, verdicts, strict=True)) == tries


# --- chance ----------------------------------------------------------------------------------


@linux
def test_a_program_without_a_seed_draws_the_same_numbers_everywhere() -> None:
    program = "import random\ndef f(x):\n    return [random.random(), random.choice(range(99))]\n"
    answers = set()
    for _ in range(2):
        with Sandbox(QUICK) as box:
            reports = box.grade_many([(program, [Case((1,), 0)], "f")] * 3)
            answers |= {repr(report.got) for report in reports}
    assert len(answers) == 1


# --- many programs ---------------------------------------------------------------------------


@linux
def test_memory_and_descriptors_are_flat() -> None:
    """As many programs again leave no more than the first did; 10,000 in the benchmark."""

    def state(box: Sandbox) -> tuple[int, int]:
        pid = box._workers[0].process.pid
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        files = len(os.listdir(f"/proc/{pid}/fd")) + len(os.listdir("/proc/self/fd"))
        return pages * os.sysconf("SC_PAGE_SIZE"), files

    with Sandbox() as box:
        jobs = [(f"# {i}\n{RIGHT}", CASES, "f") for i in range(300)]
        box.grade_many(jobs)
        memory, files = state(box)
        box.grade_many(jobs * 3)
        more, files_then = state(box)
    assert files_then == files
    assert more - memory < 1 << 20
