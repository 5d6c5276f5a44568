"""check: one line whatever the learner's answer does; only the author's mistakes raise."""

import json
import math
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

from helpers.teaching import check, checks, progress
from helpers.teaching import exercises as register
from helpers.teaching.checks import judged
from helpers.teaching.exercises import Hint, Praise, array, exercise, number, read_only

SQUARE = "Squares, not doubles."


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    return file


@pytest.fixture(autouse=True)
def _square(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "_register", {})

    @exercise("99-square", praise="Well squared.")
    def square(answer: Any, rng: np.random.Generator) -> str | None:
        values = read_only(rng.integers(3, 9, size=4))
        got = array(answer(values), "Your squares")
        if got.shape != (4,):
            raise Hint(f"Your squares must have the shape (4,); it has {got.shape}.")
        return None if (got == values**2).all() else SQUARE

    @exercise("99-number")
    def a_number(answer: Any, rng: np.random.Generator) -> str | None:
        return None if 135 <= number(answer, "Your n") <= 160 else "Use the median."


def cell(source: str, name: str = "f") -> Any:
    """What a notebook's cell defines: its code has a file name that is no file of the course."""
    space: dict[str, Any] = {"np": np}
    exec(compile(source, "/somewhere/ipykernel_1/2.py", "exec"), space)
    return space[name]


def test_right_and_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("99-square", lambda x: x**2)
    assert not check("99-square", lambda x: 2 * x)
    assert capsys.readouterr().out.splitlines() == [
        "99-square: right. Well squared.",
        "99-square: not yet. Squares, not doubles.",
    ]


def test_the_last_value_of_a_cell_shows_nothing() -> None:
    outcome = check("99-square", lambda x: x**2)
    assert DisplayFormatter().format(outcome) == ({}, {})


MUTE = """class E(Exception):
    def __str__(self):
        raise self
def f(x):
    raise E
"""
STUBBORN = """def f(x):
    while True:
        try:
            x + 1
        except Exception:
            pass
"""
MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "raises": (
        lambda: cell("def f(x):\n    y = 1\n    return y / 0"),
        "Line 3 of your cell raised ZeroDivisionError",
    ),
    "raises below NumPy": (
        lambda: cell("def f(x):\n    return np.linalg.inv(x)"),
        "Line 2 of your cell raised LinAlgError",
    ),
    "exits": (lambda: cell("def f(x):\n    exit()"), "SystemExit"),
    "recurses": (
        lambda: cell("def f(x):\n    return f(x)"),
        "Line 2 of your cell raised RecursionError",
    ),
    "changes its input": (
        lambda: cell("def f(x):\n    x *= x\n    return x"),
        "Line 2 of your cell changes its input",
    ),
    "wrong arguments": (lambda: cell("def f(x, y):\n    return x"), "could not use your answer"),
    "no function": (lambda: 3, "Hand over the function itself: its name, without () behind it."),
    "returns nothing": (lambda: cell("def f(x):\n    x ** 2"), "None (is a return missing?)"),
    "returns a text": (lambda: lambda x: "9", "'9' (str)"),
    "returns objects": (lambda: lambda x: [object(), {}], "must be an array of numbers"),
    "wrong shape": (lambda: lambda x: x[:2] ** 2, "must have the shape (4,); it has (2,)"),
    "not finite": (lambda: lambda x: x * math.nan, "NaN or infinity"),
    "an error that cannot be printed": (
        lambda: cell(MUTE),
        "Line 5 of your cell raised E.",
    ),
}


@pytest.mark.parametrize(("make", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_become_one_message(
    make: Callable[[], Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not check("99-square", make())
    line = " ".join(capsys.readouterr().out.splitlines())
    assert line.startswith("99-square: not yet. ")
    assert said in line


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "None (is a return missing?)"),
        ("146", "'146' (str)"),
        (True, "True (bool)"),
        (float("nan"), "nan (float)"),
        ([146], "[146] (list)"),
        (list(range(999)), "... (list)"),
        (Unprintable(), "something that cannot be printed (Unprintable)"),
        (20, "Use the median."),
    ],
)
def test_values_of_the_wrong_kind(value: Any, said: str) -> None:
    outcome = check("99-number", value)
    assert not outcome
    assert said in outcome.message


@pytest.mark.parametrize("value", [146, 146.0, np.int64(146), np.float32(146), np.array([146])])
def test_numbers_of_every_kind(value: Any) -> None:
    assert check("99-number", value)


def test_long_hints_are_broken_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = check("99-square", cell("def f(x):\n    raise ValueError('a rather long word ' * 9)"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 90
    assert " ".join(lines).endswith(" ".join(outcome.message.split()))


def test_prints_are_hidden_and_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    noisy = cell("def f(x):\n    print('noise')\n    return x ** 2")
    assert check("99-square", noisy)
    assert capsys.readouterr().out == (
        "99-square: right. Well squared. (What your code printed is hidden here.)\n"
    )


def test_a_loop_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_SECONDS", 0.3)
    assert "loop without end" in check("99-square", cell(STUBBORN)).message
    assert check("99-square", lambda x: x**2)


def test_the_timer_is_given_back_and_that_of_others_left_alone() -> None:
    free = (signal.SIG_DFL, (0.0, 0.0))

    def state() -> tuple[Any, tuple[float, float]]:
        return signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)

    seen: list[tuple[Any, tuple[float, float]]] = []
    check("99-square", lambda x: seen.append(state()))
    assert callable(seen[0][0])
    assert 15 < seen[0][1][0] <= 20  # seconds left to a learner's answer
    assert seen[0][1][1] == 0  # it rings once
    assert state() == free

    def theirs(*_: Any) -> None:
        raise AssertionError

    signal.signal(signal.SIGALRM, theirs)
    try:
        assert check("99-square", lambda x: x**2)
        check("99-square", lambda x: seen.append(state()))
        assert seen[1] == (theirs, (0.0, 0.0)) == state()
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    outcomes: list[bool] = []
    other = threading.Thread(target=lambda: outcomes.append(bool(check("99-square", np.square))))
    other.start()
    other.join()
    assert outcomes == [True]  # where no timer can be set, the check works without


def test_what_is_stored_of_a_check(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([100.9, 200.0, 300.0])
    monkeypatch.setattr(checks, "time", SimpleNamespace(time=lambda: next(times)))
    for tries, (answer, passed) in enumerate(((2, False), (146, True), (2, True)), 1):
        outcome = check("99-number", answer)
        assert outcome.passed is bool(outcome) is (answer == 146)
        stored = json.loads(place.read_text())["checks"]["99-number"]
        assert stored == {"passed": passed, "tries": tries, "at": 100}
    assert repr(outcome) == "Outcome(passed=False, message='Use the median.')"


@pytest.mark.parametrize(("more", "kept"), [(0, True), (1, False)])
def test_code_is_kept_up_to_twenty_thousand_characters(
    place: Path, monkeypatch: pytest.MonkeyPatch, more: int, kept: bool
) -> None:
    code = "my_square = 1  # ".ljust(20_000 + more, "x")
    shell = Shell(code, 'check("99-square", my_square)')
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    check("99-square", lambda x: x**2)
    assert ("code" in json.loads(place.read_text())["checks"]["99-square"]) is kept


@pytest.mark.parametrize("length", [140, 160, 161, 500])
def test_what_was_raised_is_told_in_160_characters(length: int) -> None:
    told = "ValueError: ".ljust(length, "w")
    answer = cell(f"def f(x):\n    raise ValueError({'w' * (length - 12)!r})")
    said = check("99-square", answer).message
    shown = told if length <= 160 else told[:157] + "..."
    assert said == f"Line 2 of your cell raised {shown}."


def test_what_goes_to_stderr_is_hidden_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(
        "99-square", cell("import sys\ndef f(x):\n    sys.stderr.write('!')\n    return x**2")
    )
    written = capsys.readouterr()
    assert written.err == ""
    assert "is hidden here" in written.out


def test_an_interrupt_is_no_mistake() -> None:
    with pytest.raises(KeyboardInterrupt):
        check("99-square", cell("def f(x):\n    raise KeyboardInterrupt"))


def test_the_generator_depends_on_the_key_alone() -> None:
    seen: list[list[int]] = []

    def spy(x: np.ndarray) -> np.ndarray:
        seen.append(x.tolist())
        return x

    check("99-square", spy)
    check("99-number", 146)
    check("99-square", spy)
    assert seen[0] == seen[1]


def test_unknown_exercises_are_the_authors_error() -> None:
    with pytest.raises(ValueError, match=r"99-number, 99-square.*'99-cube'"):
        check("99-cube", lambda x: x)
    with pytest.raises(ValueError, match="exercise"):
        check("square", lambda x: x)
    with pytest.raises(ValueError, match="none"):
        check("98-square", lambda x: x)


def test_passed_once_is_passed() -> None:
    check("99-number", 146)
    check("99-number", 2)
    assert "1 exercises passed" in repr(progress.save())


class Shell:
    """What `check` asks of IPython: the cells that were run, the present one last."""

    def __init__(self, *cells: str) -> None:
        self.history_manager = self
        self.input_hist_raw = ["", *cells]


FUNCTION = "%matplotlib inline\ndef my_square(x):\n    return x ** 2  # by hand"
POLICY = "class My:\n    def training_set(self, real):\n        return real\n\nmy_policy = My()"


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        ([FUNCTION, "1 + 1", 'check("99-square", my_square)'], FUNCTION),
        ([POLICY, 'check("99-square", my_policy)'], POLICY),
        (
            ["my_n = 1", "my_n = 50  # guess", 'print(check("99-square", my_n))'],
            "my_n = 50  # guess",
        ),
        ([FUNCTION, 'check(exercise="99-square", answer=my_square)'], FUNCTION),
        (["my_other = 1", 'check("99-number", my_other)\ncheck("99-square", my_square)'], None),
        (["def my_square(:", 'check("99-square", my_square)'], None),
        (["my_square = 1  # " + "x" * 30_000, 'check("99-square", my_square)'], None),
        ([], None),
    ],
)
def test_the_code_of_an_answer_is_kept(
    place: Path, monkeypatch: pytest.MonkeyPatch, cells: list[str], kept: str | None
) -> None:
    monkeypatch.setattr("IPython.get_ipython", lambda: Shell(*cells))
    check("99-square", lambda x: x**2)
    assert json.loads(place.read_text())["checks"]["99-square"].get("code") == kept


def test_code_that_passed_is_not_lost_to_a_later_try(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code, answer in (("my_f = 1", 0), ("my_f = 2", 1), ("my_f = 3", 0), ("my_f = 4", 1)):
        monkeypatch.setattr(
            "IPython.get_ipython", lambda code=code: Shell(code, 'check("99-square", my_f)')
        )
        check("99-square", (lambda x: x**2) if answer else (lambda x: x))
        stored = json.loads(place.read_text())["checks"]["99-square"]["code"]
        assert stored == ("my_f = 2" if code == "my_f = 3" else code)


STUB, ANSWER = "my_f = 0  # your code here", "my_f = 7  # of yesterday"


def restored(place: Path, monkeypatch: pytest.MonkeyPatch, passed: bool) -> None:
    entry = {"at": 1, "passed": passed, "tries": 1, "code": ANSWER}
    place.write_text(json.dumps({"version": 1, "checks": {"99-square": entry}}))
    monkeypatch.setattr(checks, "_MET", {})


@pytest.mark.parametrize("passed", [True, False])
def test_an_answer_of_another_day_is_shown_under_the_stub_and_not_displaced_by_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], passed: bool
) -> None:
    restored(place, monkeypatch, passed)
    shell = Shell(STUB, 'check("99-square", my_f)')
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    for _ in range(2):
        check("99-square", lambda x: x)
        said = capsys.readouterr().out
        assert ANSWER in said
        assert 'progress.load("99-square")' in said
        assert json.loads(place.read_text())["checks"]["99-square"]["code"] == ANSWER
    monkeypatch.setattr(
        "IPython.get_ipython", lambda: Shell(ANSWER, "my_f = 8", 'check("99-square", my_f)')
    )
    check("99-square", lambda x: x)  # it is in its cell now, and changed
    assert ANSWER not in capsys.readouterr().out
    stored = json.loads(place.read_text())["checks"]["99-square"]["code"]
    assert stored == (ANSWER if passed else "my_f = 8")


def test_a_right_answer_shows_no_other(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    restored(place, monkeypatch, passed=True)
    monkeypatch.setattr(
        "IPython.get_ipython", lambda: Shell("my_f = 9", 'check("99-square", my_f)')
    )
    assert check("99-square", lambda x: x**2)
    assert ANSWER not in capsys.readouterr().out


def test_a_judge_may_say_what_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    @exercise("99-praised", praise="Done.")
    def praised(answer: Any, rng: np.random.Generator) -> str | None:
        return Praise(f"{answer} it is.")

    assert check("99-praised", 4).message == "4 it is. Done."
    assert judged(praised, 4) is None


def test_registering_twice_is_refused() -> None:
    def other(answer: Any, rng: np.random.Generator) -> str | None:
        return None

    other.__module__ = "elsewhere"
    with pytest.raises(ValueError, match="registered twice"):
        exercise("99-square")(other)
    with pytest.raises(ValueError, match="key"):
        exercise("Square")
    found = register.find("99-square")
    with pytest.raises(ValueError, match="hint"):
        found.wrong("doubles", lambda x: 2 * x, hint=" ")
