"""Every exercise of every lesson: its stub fails, its solution passes, and each named wrong answer
fails with its own hint. Stubs and solutions are read out of the lessons as learners see them.
"""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import pytest

from helpers.teaching import exercises as register
from helpers.teaching.checks import judged
from helpers.teaching.exercises import Exercise, exercise, exercises_of

ROOT = Path(__file__).resolve().parent.parent
LESSONS = {path.stem[:2]: path for path in sorted((ROOT / "lessons").glob("[0-9][0-9]-*.md"))}
MODULES = {
    path.stem.removeprefix("lesson_")
    for path in (ROOT / "helpers" / "teaching" / "exercises").glob("lesson_*.py")
}


@dataclass(frozen=True)
class Checked:
    """One call of `check` in a lesson: what it judges before and after the learner's work."""

    key: str
    stub: Any
    solution: Any


class _Solved(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.Name:
        if node.id.startswith("my_"):
            return ast.copy_location(ast.Name("solution_" + node.id[3:], node.ctx), node)
        return node


def checked_in(text: str, name: str) -> list[Checked]:
    """The exercises of a lesson's source. Only imports, stubs and solutions are run."""
    cells = [c for c in jupytext.reads(text, fmt="md:myst").cells if c.cell_type == "code"]
    trees = [ast.parse("\n".join(_python(c.source)), filename=name) for c in cells]
    space: dict[str, Any] = {"__name__": "lesson"}
    for tree in trees:
        for node in tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                exec(compile(ast.Module([node], []), name, "exec"), space)
    for cell, tree in zip(cells, trees, strict=True):
        if {"exercise", "solution"} & set(cell.metadata.get("tags", [])):
            exec(compile(tree, name, "exec"), space)
    return [
        Checked(call.args[0].value, _value(call.args[1], space), _value(_solved(call), space))
        for cell, tree in zip(cells, trees, strict=True)
        if "check" in cell.metadata.get("tags", [])
        for call in _calls(tree)
    ]


def _python(source: str) -> list[str]:
    return [line for line in source.splitlines() if not line.startswith(("%", "!"))]


def _calls(tree: ast.Module) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "check"
    ]


def _solved(call: ast.Call) -> ast.expr:
    return _Solved().visit(ast.parse(ast.unparse(call.args[1]), mode="eval").body)


def _value(expression: ast.expr, space: dict[str, Any]) -> Any:
    tree = ast.fix_missing_locations(ast.Expression(expression))
    return eval(compile(tree, "check", "eval"), space)


def problems(found: Exercise, checked: Checked) -> list[str]:
    """What an exercise gets wrong."""
    said = []
    if judged(found, checked.stub) is None:
        said.append(f"{found.key}: the stub passes")
    if (hint := judged(found, checked.solution)) is not None:
        said.append(f"{found.key}: the solution fails: {hint}")
    return said + wrong_answers(found)


def wrong_answers(found: Exercise) -> list[str]:
    said = []
    if len(found.wrong_answers) < 3:
        said.append(f"{found.key}: {len(found.wrong_answers)} named wrong answers, 3 are needed")
    hints = [wrong.hint for wrong in found.wrong_answers]
    if len(set(hints)) != len(hints):
        said.append(f"{found.key}: two wrong answers share a hint")
    for wrong in found.wrong_answers:
        hint = judged(found, wrong.answer)
        if hint != wrong.hint:
            said.append(f"{found.key}: {wrong.name!r} got {hint!r}, not {wrong.hint!r}")
    return said


@pytest.mark.parametrize("lesson", sorted(LESSONS.keys() | MODULES))
def test_lesson(lesson: str) -> None:
    """One lesson at a time: lesson and module hold the same exercises, and each keeps its word."""
    path = LESSONS.get(lesson)
    assert path, f"lesson_{lesson}.py has exercises, but there is no lesson {lesson}"
    checked = {one.key: one for one in checked_in(path.read_text(encoding="utf-8"), path.name)}
    known = exercises_of(lesson)
    assert checked.keys() == known.keys()
    assert [p for key, found in known.items() for p in problems(found, checked[key])] == []


def test_judges_are_deterministic() -> None:
    """The same answer gets the same line: hints are compared when notebooks are tested."""
    for lesson in sorted(MODULES):
        for found in exercises_of(lesson).values():
            for wrong in found.wrong_answers:
                assert judged(found, wrong.answer) == judged(found, wrong.answer), wrong.name


# ---- the machinery itself, on a lesson made for it

LESSON = """---
kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
---
# A lesson

```{code-cell} ipython3
import numpy as np
long_computation_that_is_not_run()
```

```{code-cell} ipython3
:tags: [exercise]

def my_spread(x):
    return 0.0
```

```{code-cell} ipython3
:tags: [check]

check("99-spread", my_spread)
```

```{code-cell} ipython3
:tags: [solution]

def solution_spread(x):
    return np.std(x)
```
"""
VARIANCE = "That is the variance; take its root."
RANGE = "That is the range."
MEAN = "That is the mean."


@pytest.fixture
def spread(monkeypatch: pytest.MonkeyPatch) -> Exercise:
    monkeypatch.setattr(register, "_register", {})

    @exercise("99-spread")
    def judge(answer: Any, rng: np.random.Generator) -> str | None:
        x = np.array([0.0, 2.0, 4.0, 10.0])
        hints = {np.var(x): VARIANCE, np.ptp(x): RANGE, np.mean(x): MEAN, np.std(x): None}
        return hints.get(answer(x), "Something else.")

    judge.wrong("variance", np.var, hint=VARIANCE)
    judge.wrong("range", np.ptp, hint=RANGE)
    judge.wrong("mean", np.mean, hint=MEAN)
    return judge


def test_a_good_exercise_has_no_problems(spread: Exercise) -> None:
    (checked,) = checked_in(LESSON, "99-lesson.md")
    assert checked.key == "99-spread"
    assert problems(spread, checked) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return 0.0", "return x.std()", "the stub passes"),
        ("np.std(x)", "np.var(x)", "the solution fails: That is the variance"),
        ("np.std(x)", "1 / 0", "the solution fails: Line"),
    ],
)
def test_a_bad_lesson_is_caught(spread: Exercise, old: str, new: str, said: str) -> None:
    (checked,) = checked_in(LESSON.replace(old, new), "99-lesson.md")
    assert said in "\n".join(problems(spread, checked))


def test_bad_wrong_answers_are_caught(spread: Exercise) -> None:
    spread.wrong("is right", np.std, hint="Not the root.")
    assert "'is right' got None" in wrong_answers(spread)[0]
    spread.wrong_answers[-1:] = []
    spread.wrong("another", lambda x: 5.0, hint=MEAN)
    assert "share a hint" in wrong_answers(spread)[0]
    del spread.wrong_answers[2:]
    assert "2 named wrong answers" in wrong_answers(spread)[0]
