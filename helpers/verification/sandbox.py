"""The sandbox: runs programs nobody has checked against cases, and says what happened.

    with Sandbox(limits=Limits(), workers=1) as box:
        report = box.grade("def f(x):\\n    return x + 1", [Case((1,), 2)], "f")

A program is read by the screen, then run in a process of its own kind: a warm interpreter that is
no copy of the notebook forks a child, the child is locked in and gets the inputs, and what it
returns comes back over one bounded pipe to be compared here. Every program gets a child of its
own, so that none can decide another's verdict.

What is covered. On Linux (a laptop, JupyterHub, Binder, Colab, root or not) the kernel's own
filters keep a program from files, network, other processes and signals, and rlimits from memory
and CPU; this needs no privileges, but a container may forbid it. On macOS there is no such filter:
screen, audit hook, CPU limit (whole seconds) and the limit by the clock remain, no memory limit.
On Windows every program gets a fresh interpreter, with the screen, the audit hook and the time
limits. `protection` says what is in force here, and it was tried out, not guessed; a layer that is
missing gives a warning. What is not covered anywhere: errors in the kernel, timing, and programs
that are right on the cases and wrong elsewhere. Ran and tested on Linux on x86-64 only. This is a
tool for a course, for what your own models write, not a service for strangers.
"""

from __future__ import annotations

import contextlib
import keyword
import os
import selectors
import threading
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from helpers.verification.cases import Case, Limits, Report, Verdict
from helpers.verification.extract import extract as extract_program
from helpers.verification.interrupts import Interrupts
from helpers.verification.judge import judge
from helpers.verification.processes import LostError, Program, RawReport, Worker, run_fresh
from helpers.verification.screen import screen as read_program

LAYERS = ("screen", "audit", "rlimits", "seccomp", "landlock")
BATCH = 16  # programs sent to a worker together: fewer messages, and each is still run alone
# Characters of sources and inputs after which a batch is sent: a worker reads all of it before it
# runs the first program, and holds it in memory, which every child shares.
_BATCH_TEXT = 1 << 20
# Tries to start a worker, at first or in the place of one that was lost: one that does not start
# twice may start when memory is free again, one that does not start three times will not.
RESTARTS = 3
_HAS_FORK = hasattr(os, "fork")

_REENTRY = "a check may not use the Sandbox that called it: give the check a Sandbox of its own"

Job = tuple[str, Sequence[Case], str]  # program, cases, entry point


class _Checks(threading.local):
    """Of each thread: whether it runs checks, and whether one of them called the sandbox."""

    running = reentered = False


class MissingProtection(RuntimeWarning):
    """A layer of the sandbox is not available on this machine."""


class Sandbox:
    """Grades programs; use it as a context manager, or call `close`.

    limits: what each program may use. workers: fork servers, one for each core you can spare.
    screen: whether programs are read and refused before they run; without it the kernel's layers
    are the only wall. extract: whether a program is first taken out of a model's text, out of
    Markdown fences and prose; the report says so (`Report.extracted`), and its line counts the
    program's. Raises TypeError or ValueError for other arguments, RuntimeError if the workers do
    not start, if it is used after `close`, or if a `Case.check` that it calls uses it again. Safe
    to call from several threads; calls wait for each other. An interrupt ends the call and all
    processes that run programs; the next call starts new ones.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        workers: int = 1,
        screen: bool = True,
        extract: bool = False,
    ) -> None:
        limits = Limits() if limits is None else limits
        if not isinstance(limits, Limits):
            raise TypeError(f"limits must be a Limits, got {limits!r}")
        if isinstance(workers, bool) or not isinstance(workers, int):
            raise TypeError(f"workers must be an integer of at least 1, got {workers!r}")
        if workers < 1:
            raise ValueError(f"workers must be an integer of at least 1, got {workers!r}")
        if not isinstance(screen, bool):
            raise TypeError(f"screen must be True or False, got {screen!r}")
        self.limits = limits
        if not isinstance(extract, bool):
            raise TypeError(f"extract must be True or False, got {extract!r}")
        self.screen = screen
        self.extract = extract
        self._lock = threading.Lock()
        self._workers: list[Worker] = []
        self._n_workers = workers
        self._closed = False
        self._checks = _Checks()
        self._owner = os.getpid()
        # Runs when the sandbox is forgotten without `close`, and at the end of the interpreter.
        weakref.finalize(self, _stop_all, self._workers, self._owner)
        with Interrupts(self._stop) as interrupts, interrupts.welcome():
            if _HAS_FORK:
                self._start(interrupts)
                if len(self._workers) < workers:
                    raise RuntimeError("the sandbox could not start its worker processes")
                found = [name for name in LAYERS if all(name in w.layers for w in self._workers)]
            else:
                found = self._try_fresh()
        in_force = {"screen", *found} if screen else set(found)
        self.protection = tuple(layer for layer in LAYERS if layer in in_force)
        missing = [layer for layer in LAYERS[1:] if layer not in in_force]
        if missing:
            warnings.warn(
                f"this machine does not offer {', '.join(missing)}: a determined program could "
                "get out of the sandbox, so run only programs of your own models here",
                MissingProtection,
                stacklevel=2,
            )

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes of the sandbox; calling it again does nothing."""
        self._refuse_reentry()
        with self._lock, Interrupts(self._stop):
            self._closed = True
            self._stop()

    def grade(self, program: str, cases: Sequence[Case], entry_point: str) -> Report:
        """Run `program` and compare what `entry_point` returns on every case.

        Whatever the program does is a verdict, never an exception. TypeError or ValueError where
        an argument is not what it must be, or where no answer could be right within `output_kb`;
        RuntimeError as said of the class.
        """
        return self._grade([_checked(0, "", program, cases, entry_point, self.limits)])[0]

    def grade_many(self, jobs: Sequence[Job]) -> list[Report]:
        """One report for each (program, cases, entry_point), in order.

        Nothing runs unless all jobs are well formed: TypeError or ValueError, as for `grade`, names
        the job. An interrupt ends all processes.
        """
        programs = []
        for index, job in enumerate(jobs):
            if not isinstance(job, tuple) or len(job) != 3:
                raise TypeError(
                    f"jobs[{index}] must be a tuple (program, cases, entry_point), got {job!r:.80}"
                )
            programs.append(_checked(index, f"jobs[{index}].", *job, self.limits))
        return self._grade(programs)

    def _grade(self, programs: list[Program]) -> list[Report]:
        if self._owner != os.getpid():
            raise RuntimeError("this Sandbox belongs to another process: start one of your own")
        self._refuse_reentry()
        texts = [program.source for program in programs]
        for program in programs if self.extract else ():
            program.source = extract_program(program.source, program.entry)
        reports: dict[int, Report] = {}
        unchecked: list[tuple[Program, RawReport]] = []
        # The lock first: whoever waits for it holds nothing back.
        with self._lock, Interrupts(self._stop) as interrupts:
            if self._closed:
                raise RuntimeError("this Sandbox is closed: start a new one")
            with interrupts.welcome():
                self._run(self._batches(programs, reports), reports, unchecked, interrupts)
        self._judge_with_checks(unchecked, reports)
        return [
            _say_extracted(reports[program.index], program.source, text)
            for program, text in zip(programs, texts, strict=True)
        ]

    def _run(
        self,
        batches: Iterator[list[Program]],
        reports: dict[int, Report],
        unchecked: list[tuple[Program, RawReport]],
        interrupts: Interrupts,
    ) -> None:
        """Run what is in the batches and report it; `unchecked` gets what needs a check first."""

        def done(program: Program, raw: RawReport) -> None:
            if any(case.check is not None for case in program.cases):
                unchecked.append((program, raw))
            else:
                reports[program.index] = judge(*raw, program.cases, program.entry, self.limits)

        def lost(program: Program) -> None:
            message = "the process that ran the program was lost twice"
            reports[program.index] = Report(
                Verdict.HARNESS_ERROR, message, n_cases=len(program.cases)
            )

        if _HAS_FORK:
            self._start(interrupts)
            _Pool(self._workers, self.limits, interrupts, done, lost).run(batches)
        else:
            for program in (program for batch in batches for program in batch):
                done(program, run_fresh(program, self.limits))

    def _judge_with_checks(
        self, unchecked: list[tuple[Program, RawReport]], reports: dict[int, Report]
    ) -> None:
        """Report what only a `Case.check` can judge: the caller's code, so nobody waits for it.

        It may start a thread that uses this sandbox, and wait for that thread: the lock is free.
        """
        checks = self._checks
        checks.running, checks.reentered = True, False
        try:
            for program, raw in unchecked:
                report = judge(*raw, program.cases, program.entry, self.limits)
                if checks.reentered:  # a check that swallows the error does not hide it
                    raise RuntimeError(_REENTRY)
                reports[program.index] = report
        finally:
            checks.running = False

    def _refuse_reentry(self) -> None:
        """A check that calls its own sandbox is a mistake, and most likely one without an end."""
        if self._checks.running:
            self._checks.reentered = True
            raise RuntimeError(_REENTRY)

    def _batches(
        self, programs: list[Program], reports: dict[int, Report]
    ) -> Iterator[list[Program]]:
        """What is sent to a worker together; reports what never runs."""
        size = min(BATCH, -(-len(programs) // self._n_workers))
        batch: list[Program] = []
        text = 0
        for program in programs:
            finding = read_program(program.source)
            program.guarded = self.screen
            if finding.verdict == Verdict.SYNTAX_ERROR or (finding.verdict and self.screen):
                verdict, n_cases = Verdict(finding.verdict), len(program.cases)
                reports[program.index] = Report(
                    verdict, finding.message, finding.line, n_cases=n_cases
                )
                continue
            batch.append(program)
            text += len(program.source) + sum(len(case.inputs) for case in program.cases)
            if len(batch) >= size or text > _BATCH_TEXT:
                yield batch
                batch, text = [], 0
        if batch:
            yield batch

    def _start(self, interrupts: Interrupts) -> None:
        """Start the workers that are missing; RuntimeError if there is none in the end."""
        with interrupts.held():
            for worker in self._workers[:]:
                if not worker.idle:  # ended since, or left by an interrupt in the middle of a call
                    _stop(worker, self._workers)
        for _ in range(RESTARTS):
            new = []
            with interrupts.held(), contextlib.suppress(LostError):
                while len(self._workers) < self._n_workers:
                    new.append(Worker())
                    self._workers.append(new[-1])
            for worker in new:  # all of them start at once; then each is waited for
                try:
                    worker.greet()
                except LostError:
                    with interrupts.held():
                        _stop(worker, self._workers)
        if not self._workers:
            raise RuntimeError("the sandbox could not start its worker processes")

    def _stop(self) -> None:
        _stop_all(self._workers, self._owner)

    def _try_fresh(self) -> list[str]:
        """Without fork: two programs that try to break out, to see what holds."""
        limits = Limits(seconds=2, memory_mb=32)
        tries = {
            "audit": ("def f():\n    open('x')", Verdict.FORBIDDEN),
            "rlimits": ("def f():\n    return len(bytearray(10 ** 8))", Verdict.MEMORY),
        }
        found = []
        for layer, (source, verdict) in tries.items():
            program = _checked(0, "", source, [Case((), None)], "f", limits)
            program.guarded = False
            raw = run_fresh(program, limits)
            if judge(*raw, program.cases, "f", limits).verdict is verdict:
                found.append(layer)
        return found


def _say_extracted(report: Report, program: str, text: str) -> Report:
    """The report, which says so where the program was taken out of a longer text."""
    if program == text:
        return report
    message = f"{report.message} (the program was taken out of the text round it)"
    return replace(report, message=message, extracted=program)


def _checked(
    index: int, prefix: str, program: Any, cases: Any, entry_point: Any, limits: Limits
) -> Program:
    """A job, if the caller wrote it well; TypeError or ValueError that name what is wrong."""
    if not isinstance(program, str):
        raise TypeError(f"{prefix}program must be a str, got {program!r:.80}")
    if not isinstance(cases, Sequence) or isinstance(cases, (str, bytes)):
        raise TypeError(f"{prefix}cases must be a sequence of Case, got {cases!r:.80}")
    if not cases:
        raise ValueError(f"{prefix}cases must hold at least one Case, got none")
    for position, case in enumerate(cases):
        if not isinstance(case, Case):
            raise TypeError(f"{prefix}cases[{position}] must be a Case, got {case!r:.80}")
    if not isinstance(entry_point, str):
        raise TypeError(f"{prefix}entry_point must be a str, got {entry_point!r:.80}")
    if not entry_point.isidentifier() or keyword.iskeyword(entry_point):
        raise ValueError(f"{prefix}entry_point must be a Python identifier, got {entry_point!r}")
    room = limits.output_kb * 1024
    # Most cases are small; only where what they expect is too long is it worth a closer look.
    if sum(len(case.answer) for case in cases) > room:
        needed = sum(case.least_answer() for case in cases)
        if needed > room:
            raise ValueError(
                f"{prefix}cases expect answers of {needed} characters as text at least, and "
                f"output_kb={limits.output_kb} allows {room}: no program could pass, so raise "
                f"output_kb"
            )
    source = str(program).removeprefix("\ufeff")  # the mark that some editors put before a text
    return Program(index, source, list(cases), entry_point)


class _Pool:
    """One run of batches over the workers of a sandbox.

    done: called with each program and what its process left. lost: called instead if the worker
    that ran it was lost twice.
    """

    def __init__(
        self,
        workers: list[Worker],
        limits: Limits,
        interrupts: Interrupts,
        done: Callable[[Program, RawReport], None],
        lost: Callable[[Program], None],
    ) -> None:
        self.workers, self.limits, self.interrupts = workers, limits, interrupts
        self.done, self.lost = done, lost
        self.busy: list[Worker] = []
        self.again: deque[list[Program]] = deque()  # what a lost worker had, one by one

    def run(self, batches: Iterator[list[Program]]) -> None:
        """Give every idle worker a batch, and judge what comes back, until all is done.

        RuntimeError if no worker is left and none can be started.
        """
        ready = next(batches, None)
        while ready or self.again or self.busy:
            for worker in [worker for worker in self.workers if worker not in self.busy]:
                if self.again:
                    self._hand(self.again.popleft(), worker)
                elif ready:
                    self._hand(ready, worker)
                    ready = next(batches, None)  # screened while the worker runs
            self._collect()

    def _hand(self, batch: list[Program], worker: Worker) -> None:
        try:
            worker.send(batch, self.limits)
            self.busy.append(worker)
        except LostError:
            self._replace(worker)

    def _collect(self) -> None:
        """Wait for an answer, or for a worker that takes longer than it can possibly need."""
        if not self.busy:
            return
        with selectors.DefaultSelector() as selector:
            for worker in self.busy:
                selector.register(worker.output, selectors.EVENT_READ, worker)
            patience = min(worker.deadline for worker in self.busy) - time.monotonic()
            answered = [key.data for key, _ in selector.select(max(0.0, patience))]
        for worker in self.busy[:]:
            try:
                reports = worker.receive() if worker in answered else None
                if reports is None and time.monotonic() > worker.deadline:
                    raise LostError
            except LostError:
                self.busy.remove(worker)
                self._replace(worker)
            else:
                if reports is not None:
                    self.busy.remove(worker)
                    for program, raw in reports:
                        self.done(program, raw)

    def _replace(self, worker: Worker) -> None:
        """A new worker for one that was lost; its programs are run again, each alone, once."""
        for program in worker.batch:
            program.losses += 1
            if program.losses < 2:
                self.again.append([program])
            else:
                self.lost(program)
        with self.interrupts.held():
            _stop(worker, self.workers)
        for _ in range(RESTARTS):
            try:
                with self.interrupts.held():
                    fresh = Worker()
                    self.workers.append(fresh)
            except LostError:
                continue
            try:
                fresh.greet()
                return
            except LostError:
                with self.interrupts.held():
                    _stop(fresh, self.workers)
        if not self.workers:
            raise RuntimeError("the sandbox could not restart its worker processes")


def _stop(worker: Worker, workers: list[Worker]) -> None:
    """End one worker; it leaves the list only when it has ended."""
    worker.stop()
    workers.remove(worker)


def _stop_all(workers: list[Worker], owner: int) -> None:
    """End the workers, unless this is a forked copy of the process that started them."""
    with Interrupts(lambda: None):
        while workers and os.getpid() == owner:
            _stop(workers[-1], workers)
