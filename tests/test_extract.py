"""Programs are taken out of model text, if that is asked for, and the report says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.verification import Case, Sandbox
from helpers.verification.extract import extract

PROGRAM = "def f(x):\n    return x + 1\n"
OTHER = "print(f(1))\n"


@pytest.mark.parametrize(
    "text",
    [
        PROGRAM,
        f"```python\n{PROGRAM}```",
        f"Here is the code:\n\n```py\n{PROGRAM}```\n\nIt adds one.",
        f"```\n{PROGRAM}```\nUse it so:\n```python\n{OTHER}```\n",
        f"First:\n```python\n{OTHER}```\nthen:\n~~~Python\n{PROGRAM}~~~\n",
        f"```bash\npip install x\n```\n```python\n{PROGRAM}```",
        "1. Do this:\n\n   ```python\n   def f(x):\n       return x + 1\n   ```\n",
        f"```python\n{PROGRAM}",
        f"Sure! Here it is.\n\n{PROGRAM}",
        f"Sure:\n{PROGRAM}\nThis function adds one to x, doesn't it?",
        f"def is the keyword that begins it.\n{PROGRAM}",
        f"````python\n{PROGRAM}````",
    ],
)  # fmt: skip
def test_the_program_is_found(text: str) -> None:
    assert extract(text, "f").strip() == PROGRAM.strip()


def test_several_blocks_make_one_program() -> None:
    text = "```python\nK = 1\n```\nand\n```python\ndef g(x):\n    return x + K\nf = g\n"
    whole = extract(text, "f")
    assert whole == "K = 1\n\ndef g(x):\n    return x + K\nf = g\n"
    assert extract("```\nK = 1\n```\n```\nL = 2\n```", "f") == "K = 1\n\nL = 2\n"


@pytest.mark.parametrize("text", ["", "I cannot do that.", "def f(x:", "x" * 60_000, "```", "\x00"])
def test_where_there_is_none_the_text_stays(text: str) -> None:
    assert extract(text, "f").strip("\n") in (text, "")


@settings(max_examples=100)
@given(st.lists(st.sampled_from(["```", "```python\n", "\n", PROGRAM, "prose", "~~~", " "])))
def test_it_never_raises(pieces: list[str]) -> None:
    assert isinstance(extract("".join(pieces), "f"), str)


def test_the_report_says_so_and_counts_the_programs_lines() -> None:
    right = f"Here:\n```python\n{PROGRAM}```\n"
    failing = "Here:\n\n```python\ndef f(x):\n    return x / 0\n```\n"
    cases = [Case((1,), 2)]
    with Sandbox(extract=True) as box:
        report = box.grade(right, cases, "f")
        assert report.passed
        assert report.extracted == PROGRAM
        assert "taken out of the text" in report.message
        report = box.grade_many([(PROGRAM, cases, "f"), (failing, cases, "f")])[1]
        assert (report.verdict, report.line) == ("exception", 2)
        report = box.grade(PROGRAM, cases, "f")
        assert report.extracted is None
        assert report.message == "all 1 cases passed"
    with Sandbox() as box:
        report = box.grade(right, cases, "f")
        assert report.verdict == "syntax_error"
        assert report.extracted is None
        assert "extract=True" in report.message
    with pytest.raises(TypeError, match="extract must be True or False"):
        Sandbox(extract=1)  # type: ignore[arg-type]
