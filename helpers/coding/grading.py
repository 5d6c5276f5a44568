"""What running a program tells: reports, feedback for a writer, traces.

Nothing is decided here (see `helpers.coding.gates`), and no program runs in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from helpers._arguments import one_of
from helpers.coding.language import ENTRY_POINT, RETURN_LIST, Pieces, Task, source
from helpers.coding.writer import EXCEPTIONS, KINDS, Example, describe_value
from helpers.verification import Case, Limits, Report, Sandbox, Verdict, score


class Remembering(Sandbox):
    """A sandbox that runs a program on the same cases once, and from then on knows what came.

    For many exams on the same tasks, where most programs come again and again. Cases are told apart
    as objects. All of it is remembered for as long as the sandbox lives.
    """

    def __init__(self, limits: Limits | None = None, workers: int = 1) -> None:
        super().__init__(limits, workers)
        # With its cases, so that no other ones can get their place in memory and pass for them.
        self._known: dict[tuple[str, int, str], tuple[Report, Sequence[Case]]] = {}

    def grade_many(self, jobs: Sequence[tuple[str, Sequence[Case], str]]) -> list[Report]:
        """One report for each (program, cases, entry_point), in order, as of any `Sandbox`."""
        keys = [(program, id(cases), entry_point) for program, cases, entry_point in jobs]
        new = {k: job for k, job in zip(keys, jobs, strict=True) if k not in self._known}
        reports = super().grade_many(list(new.values())) if new else []
        for key, job, report in zip(new, new.values(), reports, strict=True):
            self._known[key] = report, job[1]
        return [self._known[key][0] for key in keys]


def grade(box: Sandbox, examples: Sequence[Example], *, hidden: bool = False) -> list[Report]:
    """A report for every program, on the visible cases or the hidden ones.

    Equal programs for one task run once. RuntimeError when the grader itself fails.
    """
    keys = [(id(example.task), example.program) for example in examples]
    first = dict(zip(keys, examples, strict=True))
    jobs = [
        (source(e.program), e.task.hidden if hidden else e.task.cases, ENTRY_POINT)
        for e in first.values()
    ]
    reports = box.grade_many(jobs) if jobs else []
    if reports:
        score(reports)  # refuses harness errors: they must never look like wrong programs
    by_key = dict(zip(first, reports, strict=True))
    return [by_key[key] for key in keys]


def feedback(report: Report, task: Task, detail: str = "repair") -> Pieces:
    """What a writer is told about a failing program.

    detail "repair": the kind of failure, and the exception's type or the first failing case with
    input, output and expected value. "kind": the kind alone. "blank": nothing.
    """
    one_of("detail", detail, ("repair", "kind", "blank"))
    if detail == "blank":
        return ()
    verdict = str(report.verdict)
    kind = f"<{verdict if verdict in KINDS else 'other'}>"
    if detail == "kind" or report.failed_case is None:
        return (kind,)
    case = task.cases[report.failed_case]
    shown: Pieces = (
        "<in>",
        *describe_value(case.args[0]),
        "<want>",
        *describe_value(case.expected),
    )
    if report.verdict is Verdict.WRONG:
        return (kind, *shown, "<got>", *describe_value(report.got))
    name = report.message.split(":")[0]
    return (kind, *shown, f"<{name}>" if name in EXCEPTIONS else "<unknown>")


def statements(program: Pieces) -> list[Pieces]:
    """The pieces of `program`, one group a statement."""
    groups: list[list[str]] = []
    for piece in program:
        if piece.startswith("    ") or not groups:
            groups.append([])
        groups[-1].append(piece)
    return [tuple(group) for group in groups]


def traces(box: Sandbox, examples: Sequence[Example], reports: Sequence[Report]) -> list[list[Any]]:
    """What `xs` is after each statement of a failing program, in its first failing case.

    Each prefix of the program runs by itself; the list ends where one does not run, and is empty
    where the program never got as far as a case.
    """
    jobs, steps_of, outputs = [], [], []
    for example, report in zip(examples, reports, strict=True):
        if report.failed_case is None:
            continue
        args = example.task.cases[report.failed_case].args
        body = statements(example.program)
        for length in range(1, len(body) + 1):
            prefix = [piece for statement in body[:length] for piece in statement]
            ending = () if "return" in body[length - 1][0] else RETURN_LIST
            out: list[Any] = []
            case = Case(args, None, check=writing_to(out))
            jobs.append((source((*prefix, *ending)), [case], ENTRY_POINT))
            steps_of.append(id(example))
            outputs.append(out)
    found: dict[int, list[Any]] = {}
    ended: set[int] = set()
    ran = box.grade_many(jobs) if jobs else []
    for key, out, report in zip(steps_of, outputs, ran, strict=True):
        if not report.passed:
            ended.add(key)
        if key not in ended:
            found.setdefault(key, []).append(out[0])
    return [found.get(id(example), []) for example in examples]


def writing_to(outputs: list[Any]) -> Callable[[tuple[Any, ...], Any], bool]:
    """A check that accepts any value and notes it down."""

    def check(args: tuple[Any, ...], got: Any) -> bool:
        outputs.append(got)
        return True

    return check
