"""Every exercise of every lesson: its stub fails, its solution passes, and each named wrong answer
fails with its own hint. Stubs and solutions are read out of the lessons as learners see them.
"""

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any
from urllib.robotparser import RobotFileParser

import jupytext
import numpy as np
import pytest

from helpers import studies
from helpers.studies import tails
from helpers.teaching import check
from helpers.teaching import exercises as register
from helpers.teaching.checks import judged
from helpers.teaching.exercises import Exercise, agrees, exercise, exercises_of, lesson_03
from helpers.theory import gaussian_geometric_variance_replace

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


# Programs, and what test_what_is_no_answer_at_all and test_right_programs_in_another_order show.
NO_NAMED_ANSWER = {"05": {"FORM"}, "10": {"_FRAME", "_PRIMES"}, "11": {"ORDER"}, "13": {"WHAT"}}


@pytest.mark.parametrize("lesson", sorted(MODULES))
def test_each_hint_has_its_wrong_answer(lesson: str) -> None:
    """A sentence that a judge may say stands in capitals; somebody's answer must call it up."""
    module = import_module(f"{register.__name__}.lesson_{lesson}")
    said = [wrong.hint for found in exercises_of(lesson).values() for wrong in found.wrong_answers]
    sentences = {
        name: value
        for name, value in vars(module).items()
        if name.lstrip("_").isupper() and isinstance(value, str) and " " in value
    }
    parts = {name: re.split(r"\{\w*\}", value) for name, value in sentences.items()}
    never = {
        name
        for name, some in parts.items()
        if not any(all(p in hint for p in some) for hint in said)
    }
    assert never == NO_NAMED_ANSWER.get(lesson, set())


@pytest.mark.parametrize("factor", [1.96, 2.0, 2.01, 2.262])
@pytest.mark.parametrize("first", [0, 1])
def test_rows_of_all_generations_are_told_so(factor: float, first: int) -> None:
    """Also with generation 0, whose mean is by chance near the right one."""
    module = import_module(f"{register.__name__}.lesson_11")
    answer = lambda table: module._around(module._rows(table, first), factor)  # noqa: E731
    assert judged(exercises_of("11")["11-was-repair-worth-it"], answer) == module.GENERATIONS


@pytest.mark.parametrize("factor", [1.96, 2.0, 2.262])
def test_who_takes_the_last_generation_is_not_told_to_take_it(factor: float) -> None:
    """Divided by 10 for its root, the interval is by chance near that of fifty rows."""
    module = import_module(f"{register.__name__}.lesson_11")
    answer = lambda table: module._around(module._differences(table), factor / 10**0.5)  # noqa: E731
    said = judged(exercises_of("11")["11-was-repair-worth-it"], answer)
    assert said is not None
    assert said != module.GENERATIONS


def test_a_copy_is_noticed_that_does_not_stand_behind_its_first() -> None:
    module = import_module(f"{register.__name__}.lesson_11")

    def choose(reports: list[Any], per_prompt: int = 2) -> list[tuple[str, str]]:
        kept: list[tuple[str, str]] = []
        last = None
        for task, program, report in reports:
            room = sum(t == task for t, _ in kept) < per_prompt
            if report.passed and room and (task, program) != last:
                kept.append((task, program))
            last = (task, program)
        return kept

    assert judged(exercises_of("11")["11-choose"], choose) == module.DUPLICATES


def test_what_is_no_answer_at_all() -> None:
    said = judged(exercises_of("05")["05-coroner"], "X: replace")
    assert (
        said == "Give a dictionary with the keys X, Y, Z and misleads. You gave 'X: replace' (str)."
    )
    said = judged(exercises_of("13")["13-keeper"], 3)
    assert said is not None
    assert said.startswith(import_module(f"{register.__name__}.lesson_13").WHAT)
    assert said.endswith("Yours is 3 (int).")


ASKED = re.compile(r"[Rr]eturns \((\w+(?:, \w+)+)\)|^(Mean, low, high)\.")


@pytest.mark.parametrize("lesson", sorted(LESSONS))
def test_a_hint_asks_for_what_the_exercise_asks_for(lesson: str) -> None:
    """Of an answer in the wrong form, in the words of the exercise and not of its judge."""
    for one in checked_in(LESSONS[lesson].read_text(encoding="utf-8"), lesson):
        if not isinstance(one.stub, FunctionType):
            continue
        found = exercises_of(lesson)[one.key]
        for wrong in (None, 0.5, "text", [None], (1.0,), (1, 2, 3, 4)):
            hint = judged(found, lambda *_, wrong=wrong, **__: wrong) or ""
            assert "could not use your answer" not in hint, (one.key, wrong)
            asked = ASKED.search(one.stub.__doc__ or "")
            if asked and not (wrong == 0.5 and "one number" in hint):
                words = (asked[1] or asked[2]).lower()
                assert f"({words})" in hint, (one.key, wrong)


def test_right_programs_in_another_order() -> None:
    said = judged(
        exercises_of("11")["11-choose"],
        lambda reports, per_prompt: _choose_by_keyword(reports, per_prompt=per_prompt)[::-1],
    )
    assert said is not None
    assert "not in the order in which they were written" in said


@pytest.mark.parametrize("lesson", sorted(MODULES))
def test_a_solution_stands_alone(lesson: str) -> None:
    """Copied into the learner's cell, in the place of the stub and its imports, it passes."""
    path = LESSONS[lesson]
    cells = jupytext.reads(path.read_text("utf-8"), fmt="md:myst").cells
    tagged = {
        tag: [c.source for c in cells if tag in c.metadata.get("tags", [])]
        for tag in ("solution", "check")
    }
    for solution, checking in zip(tagged["solution"], tagged["check"], strict=True):
        space: dict[str, Any] = {"__name__": "lesson"}
        exec(compile(solution, path.name, "exec"), space)
        (call,) = _calls(ast.parse(checking))
        key = ast.literal_eval(call.args[0])
        assert judged(exercises_of(lesson)[key], _value(_solved(call), space)) is None, key


# ---- right answers in other clothes

DECIMALS = {"05-rare-recall": 2}  # as the lesson prints them; three elsewhere


def _as_float32(value: Any) -> Any:
    if (
        isinstance(value, (tuple, list))
        and value
        and all(isinstance(v, int | float) for v in value)
    ):
        return tuple(map(_as_float32, value))
    if isinstance(value, np.ndarray) and value.dtype == float:
        return value.astype(np.float32)
    return np.float32(value) if isinstance(value, (float, np.floating)) else value


def _rounded(value: Any, decimals: int) -> Any:
    if (
        isinstance(value, (tuple, list))
        and value
        and all(isinstance(v, int | float) for v in value)
    ):
        return tuple(_rounded(v, decimals) for v in value)
    return round(float(value), decimals) if isinstance(value, (float, np.floating)) else value


class _Dressed:
    """An answer whose results, or itself if it is a value, go through `change`."""

    def __init__(self, answer: Any, change: Callable[[Any], Any]) -> None:
        self.answer, self.change = answer, change

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self.change(self.answer(*given, **named))

    def training_set(self, *given: Any) -> Any:
        return self.change(self.answer.training_set(*given))


class _Player:
    """A policy of the capstone whose orders come as NumPy numbers in a list; its rows stay rows."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def order(self, ledger: Any) -> list[np.int64]:
        return [np.int64(number) for number in self.answer.order(ledger)]

    def training_set(self, *given: Any) -> Any:
        return self.answer.training_set(*given)


def dressed(answer: Any, change: Callable[[Any], Any]) -> Any:
    if hasattr(answer, "order"):
        return _Player(answer)
    works = callable(answer) or hasattr(answer, "training_set")
    return _Dressed(answer, change) if works else change(answer)


@pytest.mark.parametrize("lesson", sorted(MODULES))
def test_right_answers_pass_rounded_and_in_single_precision(lesson: str) -> None:
    for one in checked_in(LESSONS[lesson].read_text(encoding="utf-8"), f"{lesson}.md"):
        found, places = exercises_of(lesson)[one.key], DECIMALS.get(one.key, 3)
        for name, change in (
            ("float32", _as_float32),
            ("rounded", lambda value, places=places: _rounded(value, places)),
        ):
            assert judged(found, dressed(one.solution, change)) is None, (one.key, name)


def test_a_number_may_be_rounded_to_four_digits_and_no_further() -> None:
    for right, rounded, too_far in (
        (0.98765, 0.988, 0.99),
        (50.7849, 50.78, 50.8),
        (-50.7849, -50.78, -50.8),
        (123.456, 123.5, 123),
        (98_765.4, 98_765, 98_770),
    ):
        assert agrees(rounded, right)
        assert not agrees(too_far, right)
    assert agrees(50.8, 50.7849, decimals=2)


@pytest.mark.parametrize("lesson", sorted(MODULES - {"05"}))  # two places are too few to tell there
def test_a_wrong_answer_that_is_rounded_gets_its_own_hint(lesson: str) -> None:
    for key, found in exercises_of(lesson).items():
        for wrong in found.wrong_answers:
            said = judged(found, dressed(wrong.answer, lambda value: _rounded(value, 3)))
            assert wrong.hint in str(said), (key, wrong.name)


def _rare_recall_by_keyword(model: Any, world: Any) -> float:
    rare = range(50, 100)
    prompts = [world.question(fact="city", name=k) for k in rare]
    asked = model.next_token_probabilities(prompts=prompts)
    return float(
        np.mean([asked[i, world.tokens[world.facts["city"][k]]] for i, k in enumerate(rare)])
    )


def _choose_by_keyword(reports: Any, *, per_prompt: int) -> Any:
    (solution,) = (
        one.solution
        for one in checked_in(LESSONS["11"].read_text(encoding="utf-8"), "11.md")
        if one.key == "11-choose"
    )
    return solution(reports=reports, per_prompt=per_prompt)


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("00-fresh-tiles", lambda real_source, newest_row, rng: real_source(n=6, rng=rng)),
        ("00-fresh-tiles", lambda s, row, rng: s(rng=rng, n=4)),
        ("01-shut-out", lambda files, agent, page: _shut_out_by_keyword(files, agent, page)),
        ("02-next-generation", lambda *given: _by_name(*given)),
        ("03-which-words", lambda real, newest, rng: rng.choice(a=real, size=200)),
        ("05-rare-recall", _rare_recall_by_keyword),
        ("11-choose", _choose_by_keyword),
    ],
)
def test_what_an_answer_is_given_may_be_called_by_keyword(key: str, answer: Any) -> None:
    assert judged(exercises_of(key[:2])[key], answer) is None


def _shut_out_by_keyword(files: Any, agent: str, page: str) -> int:
    shut = 0
    for text in files:
        reader = RobotFileParser()
        reader.parse(lines=text.splitlines())
        shut += not reader.can_fetch(useragent=agent, url=page)
    return shut


def _by_name(mean: float, var: float, n: int, rng: np.random.Generator) -> tuple[float, float]:
    sample = rng.normal(loc=mean, scale=var**0.5, size=n)
    return float(sample.mean()), float(sample.var(ddof=1))


@pytest.mark.parametrize(
    "cause",
    ["T=0.8, accumulate", "t = .8 , Accumulate()", "accumulate, T = 0.8", "T 0,8 accumulated"],
)
def test_the_coroner_reads_other_spellings(cause: str) -> None:
    report = {
        "X": cause,
        "Y": "T = 1.0 replace",
        "Z": "Replace at T=0.80",
        "misleads": "Facts right",
    }
    assert judged(exercises_of("05")["05-coroner"], report) is None


@pytest.mark.parametrize(
    "one", [0.5, Fraction(1, 2), Decimal("0.5"), np.float32(0.5), np.array([0.5])]
)
def test_a_number_may_be_of_any_kind_of_number(one: Any) -> None:
    assert register.number(one, "it") == 0.5


@pytest.mark.parametrize("one", [10**400, math.inf, Decimal("NaN"), True, 1j, None, "0.5"])
def test_what_is_no_finite_number_gets_a_hint(one: Any) -> None:
    with pytest.raises(register.Hint, match="it must be a finite number"):
        register.number(one, "it")


@pytest.mark.parametrize("tiles", [4, 5, 8])
def test_praise_for_fresh_tiles_names_their_number(tiles: int) -> None:
    outcome = check("00-fresh-tiles", lambda s, row, rng: s(tiles, rng))
    assert outcome, outcome.message
    assert f"With {tiles} fresh tiles a generation" in outcome.message
    assert ("4 are enough" in outcome.message) == (tiles > 4)


def test_tiles_that_were_thrown_away_are_named_too() -> None:
    outcome = check("00-fresh-tiles", lambda s, row, rng: np.setdiff1d(s(8, rng), row))
    assert outcome, outcome.message
    assert "With 8 fresh tiles a generation" in outcome.message
    assert "4 are enough" in outcome.message
    hint = judged(
        exercises_of("00")["00-fresh-tiles"], lambda s, row, rng: np.setdiff1d(s(5, rng), row)
    )
    assert hint is not None
    assert "With 5.0 tiles" in hint


def test_three_fresh_tiles_are_too_few() -> None:
    hint = judged(exercises_of("00")["00-fresh-tiles"], lambda s, row, rng: s(3, rng))
    assert hint is not None
    assert "a few more" in hint


@pytest.mark.parametrize(
    ("hint", "ends"),
    [
        ("a whole number, 2 or more", (-3, 0, 1, 7.5)),
        ("The average over all runs is 1", (2, 7)),
        ("You multiplied", (67, 70)),
        ("right for 50 fits", (71, 76)),
        ("the divisor n", (278, 300)),
        ("a smaller n will do, too", (161, 277, 301)),
        ("One run proves little", (8, 66, 77, 134)),
        (None, (135, 146, 160)),
    ],
)
def test_the_smallest_n_is_judged_up_to_the_ends(hint: str | None, ends: tuple[float]) -> None:
    for n in ends:
        said = judged(exercises_of("02")["02-smallest-n"], n)
        assert said is None if hint is None else hint in str(said), n


def test_a_hint_that_is_computed_is_true() -> None:
    """The named wrong answer takes its hint from the judge: both would be wrong together."""
    said = judged(exercises_of("02")["02-smallest-n"], 50)
    assert str(said).startswith(
        "With n = 50 the median of 1,000 runs is 0.15. One run proves little: 26% of them end "
    )
    # A log of standard deviation 2, in the middle of 1,000 runs: .08, and its law is skewed.
    assert math.log(0.15 / gaussian_geometric_variance_replace(50, 100, 1)) < 0.25


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


@pytest.mark.parametrize(
    ("arm", "choose"), [("random", tails.at_random), ("rare", tails.of_the_rare_half)]
)
def test_the_nats_that_a_rescue_is_said_to_lose_are_those_of_the_study(
    arm: str, choose: tails.Choose
) -> None:
    rows = studies.load("tails").query(f"arm == 'rescue_{arm}' and metric == 'lost'")
    recorded = rows[rows["generation"] == lesson_03.ROUNDS]["value"]
    assert len(recorded) == 40
    assert recorded.min() < lesson_03._lost(choose) < recorded.max()


@pytest.mark.parametrize(
    ("name", "half"),
    [
        ("1.96 for ten seeds", lambda d: 1.96 * d.std() / math.sqrt(10)),
        ("the spread of the seeds", lambda d: 2.262157 * d.std()),
        ("the best seed", lambda d: 0.0),
        ("the wrong way round", lambda d: 2.262157 * d.std() / math.sqrt(10)),
    ],
)
def test_a_slip_of_the_interval_is_what_it_is_called(
    name: str, half: Callable[[Any], float]
) -> None:
    """The judge of lesson 11 compares with these answers themselves, so they are computed anew."""
    table = studies.load("execution")
    rows = table.query("metric == 'pass_1' and generation == 4")
    wide = rows.pivot(index="replicate", columns="arm", values="value")
    gaps = wide["repair"] - wide["repair_resample"]
    centre = {"the best seed": gaps.max(), "the wrong way round": -gaps.mean()}
    (slip,) = [w for w in exercises_of("11")["11-was-repair-worth-it"].wrong_answers
               if w.name == name]  # fmt: skip
    middle, width = centre.get(name, gaps.mean()), half(gaps)
    found = np.asarray(slip.answer(table))
    assert found == pytest.approx([middle, middle - width, middle + width], abs=1e-6)
