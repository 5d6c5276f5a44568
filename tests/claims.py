"""What lessons claim in words, each sentence tied to the recorded table that decides it.

    python tests/claims.py

prints every claim with its values, intervals, budget and verdict, those of `claims_00_02` and
`claims_06` too.
`test_claims.py` asserts that each holds, and that its sentence still stands in the lesson. To add
one: a `Claim` in CLAIMS, with a `compute` that gives a `Found` for every round, arm or yardstick
that the sentence speaks of.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import claims_00_02  # noqa: E402
import claims_06  # noqa: E402

from helpers import studies  # noqa: E402
from helpers.studies.execution import CONTRASTS  # noqa: E402
from helpers.studies.paired import effect, holm, over_seeds  # noqa: E402


class Found(NamedTuple):
    """A value with its 95 % interval over seeds, and what it is of."""

    of: str
    value: float
    low: float
    high: float

    @property
    def side(self) -> str:
        """Where the interval lies: above zero, below it, or around it."""
        return "above" if self.low > 0 else "below" if self.high < 0 else "around"


class Claim(NamedTuple):
    """A sentence of a lesson (a part of it that holds no number) and what must be true for it."""

    lesson: str
    sentence: str
    study: str
    compute: Callable[[], list[Found]]
    holds: Callable[[list[Found]], bool]


# --- what is computed -------------------------------------------------------------------------


@lru_cache(maxsize=8)
def table(study: str) -> pd.DataFrame:
    """The recorded trials."""
    return studies.load(study)


def values(study: str, arm: str, metric: str, rounds: Iterable[int]) -> pd.Series:
    """One number a seed: the mean over some rounds."""
    return pd.DataFrame({g: over_seeds(table(study), arm, metric, g) for g in rounds}).mean(axis=1)


def changes(study: str, arms: Iterable[str], metric: str, rounds: Iterable[int]) -> list[Found]:
    """Each arm in each round less its value in generation 0."""
    return [
        found(
            f"{arm}, {metric}, {g}",
            values(study, arm, metric, [g]) - values(study, arm, metric, [0]),
        )
        for arm in arms
        for g in rounds
    ]


def gaps(
    study: str,
    pairs: Iterable[tuple[str, str]],
    metric: str,
    rounds: Iterable[int],
    mean: bool = False,
) -> list[Found]:
    """First minus second arm in each round; `mean`: of all the rounds together."""
    groups = [list(rounds)] if mean else [[g] for g in rounds]
    return [
        found(
            f"{first} - {second}, {metric}, {g[0] if len(g) == 1 else f'{g[0]}-{g[-1]}'}",
            values(study, first, metric, g) - values(study, second, metric, g),
        )
        for first, second in pairs
        for g in groups
    ]


def found(of: str, numbers: pd.Series) -> Found:
    """Mean and interval of one number a seed."""
    return Found(of, *effect(numbers)[:3])


# --- what must be true ------------------------------------------------------------------------


def all_are(side: str) -> Callable[[list[Found]], bool]:
    """Every interval lies there: "above" zero, "below" or "around"."""
    return lambda numbers: len(numbers) > 0 and {number.side for number in numbers} == {side}


def in_turn(*sides: str) -> Callable[[list[Found]], bool]:
    """The intervals lie there one by one, in the order computed."""
    return lambda numbers: [number.side for number in numbers] == list(sides)


def within(size: float) -> Callable[[list[Found]], bool]:
    """Every mean lies inside plus or minus `size`."""
    return lambda numbers: len(numbers) > 0 and all(abs(n.value) < size for n in numbers)


# --- lesson 11 --------------------------------------------------------------------------------


def _eleven(sentence: str, compute: Callable[[], list[Found]], holds: Callable) -> Claim:
    return Claim("11", sentence, "execution", compute, holds)


def _changes(*arms: str, metric: str = "pass_1", at: Iterable[int] = (4,)) -> Callable:
    return lambda: changes("execution", arms, metric, at)


def _gaps(*pairs: tuple[str, str], metric: str = "pass_1", at: Iterable[int] = (4,)) -> Callable:
    return lambda: gaps("execution", pairs, metric, at)


def _practised(*pairs: tuple[str, str]) -> Callable:
    """The share mended, mean of rounds 1 to 4."""
    return lambda: gaps("execution", pairs, "mended", (1, 2, 3, 4), mean=True)


def _survivors() -> list[Found]:
    """The planned contrasts whose p, corrected by Holm, is below .05."""
    every = [
        (
            pair,
            values("execution", pair[0], "pass_1", [4])
            - values("execution", pair[1], "pass_1", [4]),
        )
        for pair in CONTRASTS
    ]
    p = holm(pd.Series([effect(numbers)[3] for _, numbers in every]).to_numpy())
    return [
        found(" - ".join(pair), numbers)
        for (pair, numbers), corrected in zip(every, p, strict=True)
        if corrected < 0.05
    ]


BLANK, RESAMPLE = ("repair", "repair_blank"), ("repair_blank", "repair_resample")
NO_GAIN = ("static", "own_tests", "unchecked")
OVER = [("unit_tests", arm) for arm in ("unchecked", "human", "static", "own_tests")]
LESSON_11 = [
    _eleven(
        "Theirs is the only interval above zero",
        _changes("unit_tests", "unchecked", "human", "static", "unchecked_newest"),
        in_turn("above", "around", "around", "around", "below"),
    ),
    _eleven(
        "It is above zero after every one of the four rounds",
        _gaps(("unit_tests", "human"), at=(1, 2, 3, 4)),
        all_are("above"),
    ),
    _eleven(
        "That is down, and no further than at $T = 1$",
        lambda: (
            _changes("unchecked_newest_t0")() + _gaps(("unchecked_newest_t0", "unchecked_newest"))()
        ),
        in_turn("below", "around"),
    ),
    _eleven(
        "After rounds 1 and 2 it lies just below the start",
        _changes("unchecked", at=(1, 2, 3, 4)),
        in_turn("below", "below", "around", "around"),
    ),
    _eleven(
        "ever more different programs are written",
        _changes("unchecked_newest_t12", metric="distinct", at=(1, 2, 3, 4)),
        lambda n: all_are("above")(n) and [x.value for x in n] == sorted(x.value for x in n),
    ),
    _eleven(
        "The programs become fewer",
        _changes("unchecked_newest_t0", metric="distinct"),
        all_are("below"),
    ),
    _eleven(
        "accept more in round 4 than in round 0, and a larger share of what they keep is wrong",
        lambda: (
            _changes("own_tests", "static", metric="accepted")()
            + _changes("own_tests", "static", metric="false_pass")()
        ),
        all_are("above"),
    ),
    _eleven(
        "the linter shows no less of it",
        lambda: [
            found(
                "own_tests - static, change of false_pass",
                values("execution", "own_tests", "false_pass", [4])
                - values("execution", "own_tests", "false_pass", [0])
                - values("execution", "static", "false_pass", [4])
                + values("execution", "static", "false_pass", [0]),
            )
        ],
        lambda n: n[0].value < 0 and n[0].side == "around",
    ),
    _eleven(
        "pass@1 does not fall with own tests",
        _changes("own_tests", at=(1, 2, 3, 4)),
        lambda n: all_are("around")(n) and all(x.value > 0 for x in n),
    ),
    _eleven(
        "In round 0 the message is worth", _gaps(BLANK, metric="mended", at=(0,)), all_are("above")
    ),
    _eleven(
        "with an interval that hardly leaves zero out",
        _gaps(BLANK, metric="mended", at=(1,)),
        lambda n: 0 < n[0].low < 0.001,
    ),
    _eleven(
        "In rounds 2, 3 and 4 no difference is shown",
        _gaps(BLANK, metric="mended", at=(2, 3, 4)),
        all_are("around"),
    ),
    _eleven(
        "In round 0 a blank message mends *fewer* than no failing program at all",
        _gaps(RESAMPLE, metric="mended", at=(0,)),
        all_are("below"),
    ),
    _eleven(
        "In rounds 3 and 4 it mends more",
        _gaps(RESAMPLE, metric="mended", at=(1, 2, 3, 4)),
        in_turn("around", "around", "above", "above"),
    ),
    _eleven(
        "Two ideas mend more, for dull reasons",
        _practised(*((f"repair_{idea}", "repair_blank") for idea in ("turns", "more"))),
        all_are("above"),
    ),
    _eleven(
        "moves nothing that we can see once the arms have practised",
        _practised(BLANK, *((f"repair_{idea}", "repair_blank") for idea in ("kind", "trace"))),
        all_are("around"),
    ),
    _eleven(
        "In pass@1 no second try differs from the blank one after four rounds",
        _gaps(
            *(
                (arm, "repair_blank")
                for arm in (
                    "repair",
                    "repair_resample",
                    "repair_kind",
                    "repair_trace",
                    "repair_turns",
                    "repair_more",
                )
            )
        ),
        all_are("around"),
    ),
    _eleven(
        "It does as well, and leaves more different right programs of ten",
        lambda: (
            _gaps(("unit_tests", "repair_blank"))()
            + _gaps(("unit_tests", "repair"), metric="distinct_right")()
        ),
        in_turn("around", "above"),
    ),
    _eleven(
        "The different *right* ones rise",
        lambda: (
            _changes("unit_tests", metric="distinct")()
            + _changes("unit_tests", metric="distinct_right")()
            + _changes("unit_tests", metric="pass_10")()
        ),
        in_turn("around", "above", "above"),
    ),
    _eleven(
        "The arm that narrows is *reference only*",
        _changes("human", "unit_tests", "unchecked", "static", metric="distinct"),
        in_turn("below", "around", "above", "above"),
    ),
    _eleven(
        "That makes for more of both",
        lambda: (
            _changes("static", metric="distinct")()
            + _changes("static", metric="distinct_right")()
            + _changes("static", metric="pass_10")()
        ),
        all_are("above"),
    ),
    _eleven(
        "Four are *unit tests* over something else. The fifth is *unchecked* over *newest only*",
        _survivors,
        lambda n: (
            {x.of for x in n} == {" - ".join(p) for p in [*OVER, ("unchecked", "unchecked_newest")]}
        ),
    ),
    _eleven(
        "The linter and own tests did leave more different right programs of ten",
        lambda: _changes(*NO_GAIN)() + _changes("static", "own_tests", metric="distinct_right")(),
        in_turn("around", "around", "around", "above", "above"),
    ),
    _eleven(
        "Unchecked output beside reference programs was not shown to do harm after four rounds",
        _changes("unchecked"),
        all_are("around"),
    ),
    _eleven(
        "lowered pass@1, most when it was sampled hot",
        lambda: (
            _changes("unchecked_newest")()
            + _gaps(
                ("unchecked_newest_t12", "unchecked_newest"),
                ("unchecked_newest_t12", "unchecked_newest_t0"),
            )()
        ),
        all_are("below"),
    ),
    _eleven(
        "than with a blank one in the first two rounds, and not visibly more later",
        _gaps(BLANK, metric="mended", at=range(5)),
        in_turn("above", "above", "around", "around", "around"),
    ),
]


def _controls(*terms: tuple[float, str, str, Iterable[int]]) -> Callable[[], list[Found]]:
    """A weighted sum of measures of `execution` and `execution_controls`, one number a seed."""

    def compute() -> list[Found]:
        parts = []
        for weight, arm, metric, rounds in terms:
            study = "execution" if arm in set(table("execution")["arm"]) else "execution_controls"
            parts.append(weight * values(study, arm, metric, rounds))
        return [
            found(" ".join(f"{w:+g} {arm}" for w, arm, _, _ in terms), sum(parts[1:], parts[0]))
        ]

    return compute


def _control(sentence: str, compute: Callable, holds: Callable) -> Claim:
    return Claim("11", sentence, "execution_controls", compute, holds)


def _last(weight: float, arm: str) -> tuple[float, str, str, tuple[int, ...]]:
    return weight, arm, "pass_1", (4,)


IN_TASK = _controls(_last(1, "unit_tests"), _last(-1, "random_in_task"))
OVERALL = _controls(_last(1, "unit_tests"), _last(-1, "random_overall"))
HALF = _controls(_last(1, "unit_tests"), _last(-0.5, "reference"), (-0.5, "start", "pass_1", (0,)))
MORE = [(w, f"repair_more{end}", "mended", (1, 2, 3, 4)) for w, end in ((1, ""), (-1, "_blank"))]
LESSON_11 += [
    _control("The tests beat both, by", lambda: IN_TASK() + OVERALL(), all_are("above")),
    _control("bring less than half of that gain", HALF, all_are("below")),
    _control(
        "A blank message with as much practice mends as many",
        _controls(*MORE),
        lambda n: all_are("around")(n) and within(0.01)(n) and n[0].high < 0.01,
    ),
    _control(
        "more than a random choice of as many and less than as many reference programs",
        lambda: IN_TASK() + OVERALL() + _controls(_last(1, "reference"), _last(-1, "unit_tests"))(),
        all_are("above"),
    ),
]
CLAIMS = [*LESSON_11]


# --- the list ---------------------------------------------------------------------------------


def budget(study: str) -> str:
    """Seeds and CPU seconds of a recorded study, and what its settings say of training steps."""
    record = studies.provenance(study)
    steps = {
        k: v for k, v in record["settings"].items() if "step" in k or k in ("rounds", "budgets")
    }
    said = "".join(f", {key} {value}" for key, value in steps.items())
    return f"{len(record['seeds'])} seeds, {record['cpu_seconds']:.0f} CPU s{said}"


def text_of(lesson: str) -> str:
    """A lesson's source with single spaces."""
    (path,) = (ROOT / "lessons").glob(f"{lesson}-*.md")
    return re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))


def main() -> int:
    """Print all claims, those of lessons 00, 02 and 06 first; 1 if any fails."""
    others = [*claims_00_02.CLAIMS, *claims_06.CLAIMS]
    print(*others, sep="\n")
    failed = sum(not claim.decide().holds for claim in others)
    for claim in CLAIMS:
        numbers = claim.compute()
        holds = claim.holds(numbers)
        failed += not holds
        print(f"{claim.lesson}  {'holds' if holds else 'FAILS'}  {claim.sentence}")
        print(f"    {claim.study}: {budget(claim.study)}")
        for number in numbers:
            print(f"    {number.value:+.4f} [{number.low:+.4f}, {number.high:+.4f}]  {number.of}")
    print(f"{len(CLAIMS) + len(others)} claims, {failed} fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
