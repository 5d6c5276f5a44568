"""Numbers in prose: `{{ study.key | .3g }}` becomes what the study measured.

Three kinds of reference, all read from files of the repository, never typed by hand:

* `{{ NAME.key | .3g }}`: the summary of the recorded study helpers/results/NAME.json;
* `{{ paper.key | .3g }}`: a published number, from helpers/results/published.json;
* `{{ theory.function(n=10, t=100) | .3g }}`: a closed form of helpers.theory.

`{{ budget.cpu_seconds }}` and its like come from the front matter and lessons/budget.json (those of
all lessons together, such as `{{ budget.kernels_that_fit }}`, from `memory`), and
`{{ lesson.title }}`, what lessons say of themselves, from `catalogue`.
No expression is ever evaluated: the call is taken apart with `ast`, its arguments are literals.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers import studies
from helpers.authoring.front import Problem
from helpers.authoring.lesson import Lesson
from helpers.authoring.markdown import mask_code, mask_maths, numbered_lists
from helpers.authoring.memory import Measured, memory_values

REFERENCE = re.compile(r"\{\{\s(.*?)\}\}", re.DOTALL)
FORMAT = re.compile(r"[+,]?(\.\d+)?[gfe%d]?")
LOOP = (  # as helpers.plots.loop_map draws it
    ("real data", ("size",)),
    ("fit", ("model", "budget")),
    ("sample", ("sampler",)),
    ("verify", ("verifier",)),
    ("choose", ("policy",)),
)
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOT_MEASURED = "not measured yet"


class References:
    """Where the numbers of one lesson come from.

    `results` is the folder of the studies' JSON files, `measured` what lessons/budget.json says of
    all lessons (without those that were never measured), `said` what lessons say of themselves.
    """

    def __init__(
        self,
        lesson: Lesson,
        results: Path,
        measured: Measured,
        said: Mapping[str, str] | None = None,
    ) -> None:
        self.said = said or {}
        self.lesson = lesson
        self.results = results
        self.measured = measured

    def fill(self, source: str, line: int) -> tuple[str, list[Problem]]:
        """`source` (a markdown cell that begins at `line`) with every reference replaced.

        Inside code it stays as it is; one that does not resolve stays too, and is a problem. A
        whole number that begins a line of a list keeps its full stop: Markdown would count from it.
        """
        prose, outside_maths = mask_code(source), mask_maths(source)
        problems: list[Problem] = []

        def replace(match: re.Match[str]) -> str:
            start = match.start()
            if prose[start] != "{":
                return match[0]
            try:
                text = self.text(match[1], maths=outside_maths[start] != "{")
            except (LookupError, ValueError, TypeError) as error:
                message = error.args[0] if error.args else type(error).__name__
                where = line + source.count("\n", 0, start)
                problems.append(Problem(where, f"reference {match[0]}: {message}"))
                return match[0]
            before = source[source.rfind("\n", 0, start) + 1 : start]
            counts = before.isspace() and text.isdigit() and source[match.end() :][:1] in (".", ")")
            return text + "\\" if counts else text

        filled = REFERENCE.sub(replace, source)
        # "... into" and, on the next line, "1.": a paragraph that has become a list.
        begun, meant = numbered_lists(filled), numbered_lists(source)
        if len(begun) > len(meant):
            at = next(at for at in begun if at not in meant)
            message = "a number begins this line, which is read as a list: break it elsewhere"
            problems.append(Problem(line + at, message))
        return filled, problems

    def text(self, reference: str, *, maths: bool = False) -> str:
        """What `reference` (the text between the braces) stands for, as it is printed."""
        expression, _, spec = (part.strip() for part in reference.partition("|"))
        value = self.value(expression)
        if isinstance(value, str):
            if spec:
                raise ValueError(f"is text, so the format {spec!r} does not apply")
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"must be a number or a text, is {value!r}")
        if not math.isfinite(value):
            raise ValueError(f"is {value}: there is nothing to print")
        if isinstance(value, float) and not spec:
            raise ValueError("needs a format, such as `| .3g`")
        if not FORMAT.fullmatch(spec):
            raise ValueError(f"format must be like .3g, .2f, .1e, .0% or ',', got {spec!r}")
        return typeset(format(value, spec), maths=maths)

    def value(self, expression: str) -> Any:
        """The value an expression such as `study.key` names; LookupError or ValueError if none."""
        match = re.fullmatch(r"([A-Za-z_]\w*)\.([\w.-]+)(\(.*\))?", expression, re.DOTALL)
        if not match:
            raise ValueError(
                "must be study.key, paper.key, theory.function(name=value), budget.key "
                "or lesson.key"
            )
        source, key, arguments = match.groups()
        if source == "theory":
            return _theory(expression)
        if arguments:
            raise ValueError("only theory takes arguments")
        if source == "budget":
            own = budget_values(self.lesson, self.measured.get(self.lesson.stem, {}))
            return _entry({**own, **memory_values(self.measured)}, key, "budget")
        if source == "lesson":
            return _entry(self.said, key, "the front matter")
        if source == "paper":
            try:
                published = studies.papers(self.results)
            except FileNotFoundError:
                raise LookupError("no numbers are recorded from papers") from None
            return _entry(published, key, "helpers/results/published.json")["value"]
        study = _read(self.results / f"{source}.json", f"no recorded study is called {source!r}")
        return _entry(study.get("summary", {}), key, f"the summary of study {source!r}")


def typeset(number: str, *, maths: bool = False) -> str:
    """A formatted number as prose wants it: powers of ten spelled out, a space before the per cent.

    >>> typeset("1.2e-05"), typeset("12%"), typeset("12%", maths=True)
    ('1.2 × 10⁻⁵', '12\\xa0%', '12\\\\,\\\\%')
    """
    if number.endswith("%"):
        return number[:-1] + (r"\,\%" if maths else "\N{NO-BREAK SPACE}%")
    mantissa, e, exponent = number.partition("e")
    if not e:
        return number
    if maths:
        return rf"{mantissa} \times 10^{{{int(exponent)}}}"
    return f"{mantissa} × 10{str(int(exponent)).translate(RAISED)}"


def budget_values(lesson: Lesson, measured: Mapping[str, float]) -> dict[str, int | str]:
    """What `{{ budget.* }}` may name: times on the clock, measured cost, and the header line.

    `live` is what the cells that show a progress line take, all together; Run buttons not counted.
    """
    values: dict[str, int | str] = {
        key: lesson.course[key] for key in ("minutes", "core_minutes") if key in lesson.course
    }
    # Rounded up and coarsely, so that the page does not change with every measurement.
    for key, step in (("cpu_seconds", 1), ("memory_mb", 10)):
        values[key] = math.ceil(measured[key] / step) * step if key in measured else NOT_MEASURED
    run = [name for cell in lesson.code if "explorer" not in cell.tags for name in cell.live]
    live = [measured[name] for name in run if name in measured]
    values["live"] = rounded_seconds(sum(live)) if live else NOT_MEASURED
    values["header"] = _header(lesson, values)
    return values


ELSEWHERE = (
    "- **Not started by `make lab`?** Install the course first, `pip install -e .` in its folder, "
    "and choose that Python as this notebook's kernel."
)


def rounded_seconds(seconds: float) -> str:
    """A time in words, rounded up: to five seconds, or to half a minute from ninety seconds on.

    >>> rounded_seconds(21.2), rounded_seconds(70.1), rounded_seconds(91)
    ('25 seconds', '75 seconds', '2 minutes')
    """
    if seconds <= 90:
        return f"{5 * math.ceil(seconds / 5)} seconds"
    return f"{math.ceil(seconds / 30) / 2:g} minutes"


def _header(lesson: Lesson, values: Mapping[str, int | str]) -> str:
    cost = f"about {values['cpu_seconds']} s of one processor core and {values['memory_mb']} MB"
    if NOT_MEASURED in (values["cpu_seconds"], values["memory_mb"]):
        cost = NOT_MEASURED
    lines = [
        f"- **Your time**: about {values.get('minutes', '?')} minutes, "
        f"{values.get('core_minutes', '?')} for the core path",
        f"- **The computer's**: {cost}",
    ]
    if lesson.course["knob"]:
        lines.append(f"- **Where we are in the loop**: {loop_line(lesson.course['knob'])}")
    lines.append(ELSEWHERE)
    return "\n".join(lines)


def loop_line(knobs: list[str]) -> str:
    """The loop on one line of Markdown, with the knobs a lesson turns in bold."""
    steps = []
    for step, owned in LOOP:
        names = [f"**{knob}**" if knob in knobs or "loop" in knobs else knob for knob in owned]
        steps.append(f"{step} ({', '.join(names)})")
    return " → ".join([*steps, "fit again"])


def _theory(expression: str) -> Any:
    try:
        call = ast.parse(expression, mode="eval").body
    except SyntaxError:
        call = None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and not call.args):
        raise ValueError("must be theory.function(name=value, ...), arguments by name")
    module = importlib.import_module("helpers.theory")
    function = getattr(module, call.func.attr, None)
    if (
        not inspect.isfunction(function)
        or function.__module__ != module.__name__
        or function.__name__[0] == "_"
    ):
        raise LookupError(f"helpers.theory has no function {call.func.attr!r}")
    try:
        arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except ValueError:
        raise ValueError("the arguments of a theory reference must be plain values") from None
    result = function(**arguments)
    return result.item() if hasattr(result, "item") else result


def _read(path: Path, missing: str) -> dict[str, Any]:
    if not path.is_file():
        raise LookupError(f"{missing} (looked for {path.name} in helpers/results)")
    return json.loads(path.read_text(encoding="utf-8"))


def _entry(values: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in values:
        raise LookupError(
            f"{where} has no {key!r}; it has {', '.join(sorted(values)) or 'nothing'}"
        )
    return values[key]
