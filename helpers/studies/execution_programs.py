"""Programs of the execution study, to be read: what a table of numbers cannot show.

    python -m helpers.studies.execution_programs

trains the start writer of seed 0 and writes helpers/results/execution-programs.json (about a minute
of CPU). Programs are taken by rule, in the order written, none by eye:

to_mark     the first four different programs that parser and linter let through, for the first test
            task of three steps, none underspecified, where some of the four are right, some wrong
mended      second tries, prompted as in the arm `repair`, that pass: the first two
not_mended  and the first two that fail again, with the program they now offer
false_pass  the first program that passes the visible cases and fails a hidden one

This is no study: the lesson runs these programs again and shows what the grader says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from helpers._ground import write_whole
from helpers.coding.exam import TEMPERATURE
from helpers.coding.gates import reads_well, unsolved
from helpers.coding.grading import feedback, grade
from helpers.coding.language import Pieces, Task, source
from helpers.coding.writer import CodeWriter, Example
from helpers.loop import single_thread
from helpers.verification import Case, Report, Sandbox

SEED = 0
NAME = "execution-programs.json"
ATTEMPTS, TASKS = 10, 300


def programs() -> dict[str, list[Example]]:
    """The recorded programs by the name of their rule, with their tasks and cases."""
    text = files("helpers.results").joinpath(NAME).read_text(encoding="utf-8")
    entries = json.loads(text)
    return {rule: [_example(entry) for entry in found] for rule, found in entries.items()}


def told(report: Report) -> str:
    """One line on what the grader says: the verdict, and the first case that failed."""
    return f"{report.verdict}: {report.message}" if report.message else str(report.verdict)


def in_words(feedback: Pieces) -> str:
    """What a writer was told, without the brackets of its tokens."""
    plain = " ".join(token.strip("<>") for token in feedback)
    return plain.replace("[list ", "[").replace(" list]", "]")


def record_programs(path: Path) -> None:
    """Train the writer, ask it, and write the chosen programs to `path`."""
    from helpers.studies import execution  # torch: only to record

    rng = np.random.default_rng([SEED, 3])
    with single_thread(), Sandbox() as box:
        begin = execution.start(SEED, "full", box)
        chosen = {"to_mark": _to_mark(begin.writer, begin.sets.test, box, rng)}
        tasks = begin.sets.pool[:TASKS]
        asked = [Example(task, ()) for task in tasks for _ in range(2)]
        written = begin.writer.answer(asked, rng, temperature=1.0)
        reports = grade(box, written)
        chosen |= _second_tries(begin.writer, written, reports, box, rng)
        chosen["false_pass"] = _false_passes(written, reports, box)[:1]
    entries = {rule: [_entry(example) for example in found] for rule, found in chosen.items()}
    write_whole(path, json.dumps(entries, indent=1) + "\n")


def _to_mark(
    writer: CodeWriter, tasks: Sequence[Task], box: Sandbox, rng: np.random.Generator
) -> list[Example]:
    for task in tasks:
        if len(task.steps) != 3 or task.is_underspecified:
            continue
        asked = [Example(task, ())] * ATTEMPTS
        written = writer.answer(asked, rng, temperature=TEMPERATURE)
        fine = [example for example in written if reads_well(source(example.program))]
        four = list({example.program: example for example in fine}.values())[:4]
        passed = [report.passed for report in grade(box, four, hidden=True)]
        if len(four) == 4 and any(passed) and not all(passed):
            return four
    raise RuntimeError("no test task has four readable programs, right and wrong ones")


def _second_tries(
    writer: CodeWriter,
    written: Sequence[Example],
    reports: Sequence[Report],
    box: Sandbox,
    rng: np.random.Generator,
) -> dict[str, list[Example]]:
    """For each task that nothing solved, its first failing program and one second try."""
    first = {id(e.task): (e, report) for e, report in reversed(unsolved(written, reports))}
    asked = [
        Example(e.task, (), wrong=e.program, feedback=feedback(report, e.task))
        for e, report in reversed(first.values())
    ]
    answers = writer.answer(asked, rng, temperature=1.0)
    passed = [report.passed for report in grade(box, answers)]
    right = [e for e, is_right in zip(answers, passed, strict=True) if is_right]
    wrong = [e for e, is_right in zip(answers, passed, strict=True) if not is_right]
    return {"mended": right[:2], "not_mended": wrong[:2]}


def _false_passes(
    written: Sequence[Example], reports: Sequence[Report], box: Sandbox
) -> list[Example]:
    passed = [e for e, report in zip(written, reports, strict=True) if report.passed]
    hidden = grade(box, passed, hidden=True)
    return [e for e, report in zip(passed, hidden, strict=True) if not report.passed]


def _entry(example: Example) -> dict[str, Any]:
    task = example.task
    return {
        "phrases": task.phrases,
        "steps": task.steps,
        "cases": [[case.args[0], case.expected] for case in task.cases],
        "hidden": [[case.args[0], case.expected] for case in task.hidden],
        "program": example.program,
        "wrong": example.wrong,
        "feedback": example.feedback,
    }


def _example(entry: dict[str, Any]) -> Example:
    cases, hidden = (
        tuple(Case((xs,), expected) for xs, expected in entry[name]) for name in ("cases", "hidden")
    )
    task = Task(tuple(entry["phrases"]), tuple(entry["steps"]), cases, hidden)
    return Example(task, *(tuple(entry[name]) for name in ("program", "wrong", "feedback")))


if __name__ == "__main__":
    record_programs(Path(str(files("helpers.results") / NAME)))
    for rule, examples in programs().items():
        for example in examples:
            print(rule, " ".join(example.task.words), source(example.program), sep="\n")
