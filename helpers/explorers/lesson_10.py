"""Lesson 10: the scoreboard of the arena, mutants as they were recorded, and estimates of pass@k.

`mutant_picture` shows one recorded mutant and what its tests said; `mutant_explorer` puts controls
in front of it. Nothing runs but `scoreboard`, which lets every attack meet every grader again.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy import optimize, stats
from scipy.special import betaln

from helpers import studies
from helpers._arguments import one_of, positive_int, real_number
from helpers.explorers.controls import Explorer, choice, one_at_first, whole
from helpers.plots import Picture, band, histogram_pair, page
from helpers.studies.tests_of_tests import SETTINGS, best_constant, recorded_mutants
from helpers.theory import pass_at_k
from helpers.verification import Problem, arena, human_eval_problems
from helpers.verification.mutants import Mutant, drawn, mutants

COLUMNS = {  # of the scoreboard: grader -> its name there
    "A, exit code": "A",
    "B, asserts": "B",
    "C, values": "C",
    "C2, and types": "C2",
    "C3, own comparison": "C3",
    arena.COURSE: "the course's",
}
INPUTS = {"recorded": 0, "10 near": 10, "60 near": SETTINGS["inputs"]}
WAYS = ("count", "plug in")
SIZES = (5, 6, 7, 8, 10, 12, 15, 20, 30, 40, 60, 80, 100)


def scoreboard() -> pd.DataFrame:
    """Every attack on every grader, in the arena: P where a wrong program passed.

    The column of the course's own grader says its verdict instead.
    """
    attacks = {name: text for name, text in arena.ATTACKS.items() if name != "agree with oneself"}
    rows = arena.tournament(attacks, *COLUMNS)
    return pd.DataFrame(
        [
            {
                label: bout.verdict if label == COLUMNS[arena.COURSE] else "P" * bout.beaten
                for label, bout in zip(COLUMNS.values(), bouts, strict=True)
            }
            for bouts in rows.values()
        ],
        index=list(rows),
    )


# ---------------------------------------------------------------------- mutants


@cache
def _problems() -> list[Problem]:
    return human_eval_problems()


@cache
def draw_0(number: int) -> list[Mutant]:
    """The mutants of a problem in draw 0 of the study, made again: nothing runs."""
    rng = np.random.default_rng([0, number])
    return drawn(mutants(_problems()[number]), SETTINGS["mutants"], rng)


def mutant_picture(problem: int = 124, mutant: int = 19, inputs: str = "60 near") -> Picture:
    """One mutant of draw 0, and whether its tests, or inputs near them, told it from the original.

    problem: number of a HumanEval problem, 0 to 163. mutant: from 1; beyond the last one, the last.
    inputs: a key of INPUTS, the recorded cases alone or up to 10 or 60 near ones besides.
    """
    number = one_of("problem", problem, tuple(range(len(_problems()))))
    tried = INPUTS[one_of("inputs", inputs, tuple(INPUTS))]
    positive_int("mutant", mutant)
    asked, rows = _problems()[number], recorded_mutants()[f"HumanEval/{number}"]
    constant, share = best_constant(asked)
    head = f"HumanEval/{number}, {asked.entry_point}"
    foot = [
        f"of its {len(rows)} mutants the recorded cases kill "
        f"{sum(row['verdict'] != 'passed' for row in rows)}",
        f"the constant {constant!r:.40} passes {share:.0%} of the cases",
    ]
    if not rows:
        return page([head, "no operator, no number and no branch to change", foot[-1]],
                    title="no mutants")  # fmt: skip
    place = min(mutant, len(rows)) - 1
    made, row = draw_0(number)[place], rows[place]
    told = row["verdict"] != "passed" or row.get("first", np.inf) < tried
    lines = [
        f"{head}: mutant {place + 1} of {len(rows)}",
        f"before: {_line(made.original, made.line)}",
        f"after:  {_line(made.source, made.line)}",
        f"{len(asked.cases)} recorded cases: {row['verdict']}. {row['said']}",
        *_near(row, tried),
        *foot,
    ]
    return page(lines, title="told from its original" if told else "not told from its original")


def _near(row: dict[str, object], tried: int) -> list[str]:
    """What up to `tried` near inputs said of a survivor."""
    if not tried or row["verdict"] != "passed":
        return []
    first = row.get("first")
    if isinstance(first, int) and first < tried:
        return [f"near input {first + 1}: {row['beyond']}"]
    return [f"up to {tried} near inputs: the same values as the original"]


def _line(program: str, line: int) -> str:
    return program.splitlines()[line - 1].strip()


def mutant_explorer() -> Explorer:
    """Controls over `mutant_picture`: the problem first, then mutant and inputs."""
    return one_at_first(
        mutant_picture,
        problem=whole("problem", 0, len(_problems()) - 1, 124),
        mutant=whole("mutant", 1, SETTINGS["mutants"], 19),
        inputs=choice("inputs", tuple(INPUTS), "60 near"),
    )


def scores() -> np.ndarray:
    """Mutation score of each problem that has mutants, mean of the draws: share killed, (155,)."""
    wide = studies.load("tests_of_tests").pivot_table(
        index="arm", columns="metric", values="value", aggfunc="mean"
    )
    wide = wide[wide["mutants"] > 0]
    return 1 - (wide["survived"] / wide["mutants"]).to_numpy()


def constants() -> np.ndarray:
    """Largest share of its cases that one constant passes, for each of the 164 problems."""
    table = studies.load("tests_of_tests").query("metric == 'constant' and replicate == 0")
    return table["value"].to_numpy()


def scores_picture() -> Picture:
    """Both beside each other: what tests kill, and what a constant passes, a problem each."""
    return histogram_pair(
        scores(),
        constants(),
        bins=20,
        labels=("mutants killed", "cases that one constant passes"),
        xlabel="share of a problem's mutants, or cases",
    )


# ---------------------------------------------------------------------- pass@k


def estimate(way: str, n: int, c: int, k: int) -> float:
    """pass@k from c right of n: by counting the choices of k, or by plugging c/n in."""
    return pass_at_k(n, c, k) if one_of("way", way, WAYS) == "count" else 1 - (1 - c / n) ** k


def mean_estimate(way: str, n: int, k: int, p: float) -> float:
    """The mean of `estimate` over all draws of n programs that are right with chance p; exact."""
    real_number("p", p, low=0, high=1)
    right = np.arange(positive_int("n", n) + 1)
    chances = stats.binom.pmf(right, n, p)
    return float(chances @ [estimate(way, n, int(c), k) for c in right])


def estimates_picture(k: int = 5, p: float = 0.1, draws: int = 400, seed: int = 10) -> Picture:
    """Both estimates of pass@k over the number of programs drawn, from k on."""
    rng = np.random.default_rng(seed)
    sizes = [n for n in SIZES if n >= positive_int("k", k)]
    rows = [
        (f"{way}, {n}", way, n, replicate, "pass@k", estimate(way, n, int(c), k))
        for n in sizes
        for replicate, c in enumerate(rng.binomial(n, p, size=positive_int("draws", draws)))
        for way in WAYS
    ]
    names = ["label", "arm", "generation", "replicate", "metric", "value"]
    true = 1 - (1 - p) ** k
    return band(
        pd.DataFrame(rows, columns=names).drop(columns="label"),
        "pass@k",
        centre="mean",
        exact={"true": lambda _: true},
        xlabel="programs drawn (log scale)",
        log_x=True,
        ylabel=f"pass@{k}, estimated",
        title=f"Programs that are right with chance {p:g}",
    )


def beta_of(one: float, many: float, k: int) -> tuple[float, float]:
    """The beta distribution of chances over problems with mean `one` and pass@k `many`: (a, b).

    ValueError unless 0 < one < many < the pass@k of problems that are all alike.
    """
    alike = 1 - (1 - real_number("one", one, low=0, high=1)) ** positive_int("k", k)
    if not 0 < one < real_number("many", many) < alike:
        raise ValueError(f"many must lie between one = {one:g} and {alike:g}, got {many:g}")

    def missing(total: float) -> float:
        a, b = one * total, (1 - one) * total
        return float(1 - np.exp(betaln(a, b + k) - betaln(a, b)) - many)

    total = optimize.brentq(missing, 1e-6, 1e6)
    return one * total, (1 - one) * total
