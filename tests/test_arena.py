"""The arena of lesson 10: every attack on every weak grader, and what it refuses."""

from __future__ import annotations

import pytest

from helpers.verification import Sandbox, arena

P, F = "passed", "failed"
# A, B, C, C2, C3, D, the course's with its screen, the course's without.
TABLE = {
    "honest": (P, P, P, P, P, F, "passed", "passed"),
    "wrong": (F, F, F, F, F, F, "wrong", "wrong"),
    "exit": (P, F, F, F, F, F, "exception", "exception"),
    "always equal": (P, P, P, F, F, F, "wrong", "wrong"),
    "lying class": (P, P, P, F, F, F, "refused", "wrong"),
    "lying repr": (P, P, P, F, F, F, "wrong", "wrong"),
    "read the test text": (P, P, F, F, F, F, "refused", "exception"),
    "empty the cases": (F, F, P, P, F, F, "refused", "exception"),
    "read the answers": (F, F, P, P, P, F, "refused", "exception"),
    "rewrite the comparison": (F, F, F, F, P, F, "refused", "wrong"),
    "lookup table": (P, P, P, P, P, F, "passed", "passed"),
    "agree with oneself": (F, F, F, F, F, P, "wrong", "wrong"),
    "equal to all": (P, P, P, F, F, F, "wrong", "wrong"),
    "empties lists": (F, F, P, P, F, F, "refused", "wrong"),
    "replaces functions": (F, F, F, F, P, F, "refused", "crashed"),
    "searches the frames": (F, F, P, P, P, F, "refused", "wrong"),
    "no end": ("timeout",) * 8,
    "patch builtins": (*("crashed",) * 6, "refused", "crashed"),
    "end the process": (*("exited",) * 6, "refused", "exited"),
}
PROGRAMS = {
    "honest": arena.HONEST,
    "wrong": arena.WRONG,
    **arena.ATTACKS,
    **arena.BLIND,
    "no end": "while True:\n    pass\n",
    "patch builtins": "import builtins\nbuiltins.all = builtins.len = builtins.type = None\n",
    "end the process": "import os\nos._exit(0)\n",
}


@pytest.fixture(scope="module")
def bouts() -> dict[str, list[arena.Bout]]:
    return arena.tournament(PROGRAMS)


def test_every_attack_on_every_grader(bouts: dict[str, list[arena.Bout]]) -> None:
    with Sandbox(screen=False) as box:
        bare = box.grade_many([(program, arena.CASES, "f") for program in PROGRAMS.values()])
    said = {
        name: (*(bout.verdict for bout in row), str(report.verdict))
        for (name, row), report in zip(bouts.items(), bare, strict=True)
    }
    assert said == TABLE


def test_only_a_program_that_does_not_sort_beats_a_grader(
    bouts: dict[str, list[arena.Bout]],
) -> None:
    for name, row in bouts.items():
        for bout in row:
            assert bout.right == (name == "honest")
            assert bout.beaten == (bout.verdict == "passed" and name != "honest")


def test_each_attack_beats_a_grader_and_each_grader_is_beaten(
    bouts: dict[str, list[arena.Bout]],
) -> None:
    for name in (*arena.ATTACKS, *arena.BLIND):
        assert any(bout.beaten for bout in bouts[name]), name
    for place in range(len(arena.GRADERS) + 1):
        assert any(row[place].beaten for row in bouts.values())


def test_a_bout_says_what_happened(bouts: dict[str, list[arena.Bout]]) -> None:
    assert str(bouts["exit"][0]) == (
        "A, exit code: beaten. It passed a program that does not sort."
    )
    assert str(bouts["exit"][1]) == "B, asserts: stands. It failed the program."
    assert str(bouts["honest"][0]).endswith("The program sorts, so that is no attack.")
    assert str(bouts["no end"][0]) == (
        "A, exit code: no answer (timeout). not finished after 0.5 s of CPU time"
    )


def test_a_grader_of_ones_own_is_asked_beside_others() -> None:
    mine = arena.Grader("mine", "def grade(program, tests):\n    return len(tests) == 4\n")
    first, second = arena.attack(arena.WRONG, mine, "C, values")
    assert first.beaten
    assert not second.beaten


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("def grade(program, tests:", ValueError, "grader must be Python that defines grade"),
        ("def judge(program, tests):\n    return True", ValueError, "grader must define grade"),
        ("x = 1\0", ValueError, "grader must be Python"),
        (len, TypeError, "grader must be the text of a program"),
    ],
)
def test_a_grader_that_is_none_is_refused(
    source: object, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        arena.Grader("mine", source)  # type: ignore[arg-type]


def test_an_attack_is_a_text_and_a_grader_is_known() -> None:
    with pytest.raises(TypeError, match="program must be the text of a program"):
        arena.attack(lambda xs: xs, "A, exit code")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="graders must be one of"):
        arena.attack(arena.WRONG, "E")
