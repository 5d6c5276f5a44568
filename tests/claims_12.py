"""What lesson 12 says in words: see claims.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from claims import Claim, Found, between, exactly, mean, within
from claims import values as recorded

from helpers import studies
from helpers.explorers.lesson_12 import EXPECTED, values
from helpers.studies import gpt_size, published, size, stories
from helpers.studies.scorecard import CLAIMS as CLAIMS_OF_THE_CARD
from helpers.studies.scorecard import judge


def _gap(first: str, second: str, metric: str = "pass_1") -> pd.Series:
    return values(first, metric) - values(second, metric)


def _lies(side: str, *pairs: tuple[str, str], metric: str = "pass_1") -> Callable[[], list[Found]]:
    """Where the 95 % interval of each first minus second lies: above 0, below, or around it."""

    def decide() -> list[Found]:
        found = []
        for first, second in pairs:
            three = mean(_gap(first, second, metric))
            one = Found(*three, True, f"{first} - {second}, {metric}")
            found.append(replace(one, holds=one.side == side))
        return found

    return decide


def _both(*parts: Callable[[], list[Found]]) -> Callable[[], list[Found]]:
    return lambda: [one for part in parts for one in part()]


def _two_points_are_inside() -> list[Found]:
    """A loss of two points lies in the interval of either student, and so does none."""
    found = []
    for which in ("small", "big"):
        value, low, high = mean(_gap(f"{which}_own_unchecked", f"{which}_start"))
        found.append(Found(value, low, high, low < -0.02 and high > 0, which))
    return found


def _a_price_of_the_twin() -> list[Found]:
    """A loss of five points in a hundred at one try lies in the interval of the twin's student."""
    value, low, high = mean(_gap("small_twin_unchecked", "small_start"))
    return [Found(value, low, high, low < -0.05, "the twin's student, from its start")]


def _hot_seeds() -> Found:
    """Seeds in which the twin's student is more varied than the other at 1.2."""
    gap = values("small_twin_unchecked", "distinct") - values("small_own_unchecked", "distinct_hot")
    n = float((gap > 0).sum())
    return Found(n, n, n, n == 2, "seeds")


def _most_is_not_temperature() -> list[Found]:
    own, warm, twin = (
        values(f"small_{who}_unchecked", metric)
        for who, metric in (("own", "pass_40"), ("own", "as_varied"), ("twin", "pass_40"))
    )
    return [
        between(warm - own, 0, np.inf, "by temperature"),
        between(twin - warm, 0, np.inf, "beyond it"),
        between((twin - warm) - (warm - own), 0, np.inf, "the second minus the first"),
    ]


def _share_of_the_twin() -> Found:
    """Of what the big teacher adds, what the twin adds: drawn anew over seeds, 5,000 times."""
    own, twin, big = (values(f"small_{w}_unchecked", "pass_40") for w in ("own", "twin", "other"))
    seeds = np.random.default_rng(0).integers(len(own), size=(5000, len(own)))
    drawn = [x.to_numpy()[seeds].mean(axis=1) for x in (twin - own, big - own)]
    low, high = np.quantile(drawn[0] / drawn[1], (0.025, 0.975))
    found = (twin - own).mean() / (big - own).mean()
    return Found(found, low, high, low < 2 / 3 and high > 1, "share")


def _on_the_scorecard() -> Found:
    """Row P71, judged among the rows of `size`."""
    rows = judge([c for c in CLAIMS_OF_THE_CARD if any(r.study == "size" for r in c.parts)])
    (row,) = (row for row in rows if row.claim.id == "P71")
    found = row.parts[0].found
    assert found is not None
    return Found(found.value, found.low, found.high, "hangs on one seed" in row.why, row.verdict)


def _survive(*pairs: tuple[str, bool]) -> Callable[[], list[Found]]:
    """Rules, and whether each is shown after the correction for all fourteen."""

    def decide() -> list[Found]:
        table = size.effects(studies.load("size")).set_index("rule")
        return [
            Found(*table.loc[rule, ["difference", "low", "high"]],
                  (table.loc[rule, "verdict"] == "shown") == shown, rule)
            for rule, shown in pairs
        ]  # fmt: skip

    return decide


def _size_of_the_gain() -> list[Found]:
    """What checking is worth to the big student more than to the small one: both hold zero."""
    found = []
    for base in ("start", "human"):
        small, big = (_gap(f"{w}_own_checked", f"{w}_{base}") for w in ("small", "big"))
        three = mean(big - small)
        found.append(Found(*three, three[1] < 0 < three[2], f"big minus small, minus {base}"))
    return found


def _rules(*expected: str) -> Callable[[], list[Found]]:
    """Which rules have which verdict: `expected` are those shown; the others are open."""

    def decide() -> list[Found]:
        table = size.effects(studies.load("size"))
        return [
            Found(row.difference, row.low, row.high,
                  row.verdict == ("shown" if row.rule in expected else "open"), row.rule)
            for row in table.itertuples()
        ]  # fmt: skip

    return decide


def _likely() -> list[Found]:
    """Of the open rules three have an interval on the expected side; those of the others hold 0."""
    likely = {"small_half_beyond", "small_checked", "teacher"}
    table = size.effects(studies.load("size"))
    return [
        Found(row.difference, row.low, row.high,
              (size.RULES[row.rule].sign * row.difference > 0 and row.low * row.high > 0)
              == (row.rule in likely), row.rule)
        for row in table.itertuples()
        if row.verdict == "open"
    ]  # fmt: skip


def _set_up() -> list[Found]:
    """What the lesson says of the generations, from the recorded settings."""
    known = studies.provenance("size")["settings"]
    pairs = {
        "reference programs": (known["sets"]["n_human"], 300),
        "generations": (known["rounds"], 3),
        "share of a batch": (known["human_share"], 0.25),
        "written": (known["attempts"], 4),
        "kept": (known["kept"], 2),
        "programs for a test task": (known["exam"]["attempts"], 100),
        "the same, half starts": (known["short_exam"]["attempts"], 20),
        "test tasks": (known["sets"]["n_test"], 40),
        "rules": (len(EXPECTED), 14),
    }
    return [Found(got, got, got, got == said, of) for of, (got, said) in pairs.items()]


def _rises() -> list[float]:
    models = ("gpt2_9m", "llama2_12m", "llama2_42m", "llama2_126m")
    return [
        published(f"gerstgrasser_{model}_t4_replace") - published(f"gerstgrasser_{model}_first")
        for model in models
    ]


def _order_of_one_kind() -> list[Found]:
    """From Llama to larger Llama the rise falls; from the GPT-2, smaller than all, it grows."""
    first, *others = (float(step) for step in np.diff(_rises()))
    return [
        Found(first, first, first, first > 0, "from the GPT-2 to the smallest Llama"),
        *(Found(step, step, step, step < 0, "from Llama to Llama") for step in others),
    ]


def _parameters() -> list[Found]:
    widths = studies.provenance("size")["settings"]["widths"]
    found = []
    for which, about in (("small", 35_000), ("big", 437_000)):
        width = widths[which]
        # Two layers of 12 w^2 weights and two norms, 335 tokens, one last norm.
        n = 2 * (12 * width**2 + 2 * width) + 335 * width + width
        found.append(Found(n, n, n, abs(n - about) < 1000, which))
    return found


def _gpt(size_: str, arm: str, metric: str, at: int) -> pd.Series:
    return recorded("gpt_size", f"{size_}_{arm}", metric)[at]


def _gap_of_widths(arm: str, metric: str, at: int) -> pd.Series:
    return _gpt("big", arm, metric, at) - _gpt("small", arm, metric, at)


def _rise_of_widths(arm: str) -> pd.Series:
    return _gap_of_widths(arm, "excess", 5) - _gap_of_widths(arm, "excess", 0)


def _weights_of_the_widths() -> list[Found]:
    found = []
    for name, said in (("small", 32_000), ("middle", 114_000), ("big", 424_000)):
        width = gpt_size.SETTINGS["widths"][name]
        # As in _parameters: two layers, the words of the world, one last norm.
        n = 2 * (12 * width**2 + 2 * width) + len(stories.WORLD.words) * width + width
        found.append(Found(n, n, n, abs(n - said) < 1000, name))
    return found


def _the_gap_grows() -> list[Found]:
    first = _gap_of_widths("replace", "recall_tail", 0)
    return [
        between(first, 0, 1, "generation 0"),
        *(between(_gap_of_widths("replace", "recall_tail", g) - first, 0, 1, f"generation {g}")
          for g in (5, 8)),
        *(between(_gpt(w, "replace", "recall_tail", 8) / _gpt(w, "replace", "recall_tail", 0),
                  0, 0.5, f"left of {w}") for w in ("small", "big")),
    ]  # fmt: skip


def _middle_and_big() -> list[Found]:
    found = []
    for arm in ("replace", "accumulate"):
        for g in (0, 5, 8):
            gap = _gpt("big", arm, "recall_tail", g) - _gpt("middle", arm, "recall_tail", g)
            one = Found(*mean(gap), False, f"{arm}, generation {g}")
            side = "above" if (arm, g) == ("replace", 8) else "around"
            found.append(replace(one, holds=one.side == side))
    return found


def _the_middle_rises_most() -> list[Found]:
    """The rise of excess until generation 8 under replace: above that of the small and the big."""
    rise = {
        name: _gpt(name, "replace", "excess", 8) - _gpt(name, "replace", "excess", 0)
        for name in gpt_size.SETTINGS["widths"]
    }
    return [
        between(rise["middle"] - rise[other], 0, 1, f"middle minus {other}")
        for other in ("small", "big")
    ]


def _alike() -> list[Found]:
    """Within .1 under replace; under accumulate the interval leaves it, and by less than .01."""
    three = mean(_rise_of_widths("accumulate"))
    return [between(_rise_of_widths("replace"), -0.1, 0.1, "replace"),
            Found(*three, -0.11 < three[1] < -0.1 < three[2], "accumulate")]  # fmt: skip


def _not_taken_away() -> list[Found]:
    none, bad = (-_gap_of_widths("mix", "excess", percent) for percent in (0, 100))
    lost = Found(*mean(none - bad), False, "lost")
    return [between(none, 0, 1, "real rows"), between(bad, 0, 1, "bad rows only"),
            replace(lost, holds=lost.side == "around")]  # fmt: skip


def _two_of_five() -> Found:
    """The rules of gpt_size, as its head has them."""

    def alike(difference: pd.Series) -> bool:
        return between(difference, -0.1, 0.1).holds

    none, bad = (-_gap_of_widths("mix", "excess", percent) for percent in (0, 100))
    held = [
        between(_gap_of_widths("replace", "recall_tail", 0), 0, 1).holds,
        all(alike(_gap_of_widths("replace", "recall_tail", g)) for g in (5, 8)),
        alike(_rise_of_widths("replace")),
        alike(_rise_of_widths("accumulate")),
        between(none - bad, 0, 1).holds,
    ]
    n = float(sum(held))
    return Found(n, n, n, held == [True, False, True, False, False], "rules")


BUDGET = "size: ten seeds, three generations of 100 steps; exams of 40 tasks, 100 programs each"
HALVES = (
    "size: ten seeds, half starts, three generations of 100 steps; exams of 40 tasks, 20 programs "
    "each"
)
FOUR = f"{BUDGET}; checked: four programs written and tested for each task, unchecked: one written"
GPTS = "gpt_size: ten seeds, 800 rows and 400 steps for each fit"
OWN = {which: f"{which}_own_unchecked" for which in ("small", "big")}

CLAIMS = [
    Claim("12", "The small student has about 35,000 parameters, the big one about 437,000",
          "weights of the two writers", _parameters),
    Claim("12", "four are written for each task, and at most two that pass its tests are kept",
          "settings of size", _set_up),
    Claim("12", "Neither is told apart from no change", BUDGET,
          _lies("around", *((OWN[w], f"{w}_start") for w in OWN))),
    Claim("12", "a loss of two points in a hundred lies inside both intervals", BUDGET,
          _two_points_are_inside),
    Claim("12", "neither student's first try was told apart from its start, or from as many steps "
          "on reference programs", BUDGET,
          _lies("around", *((OWN[w], f"{w}_{base}") for w in OWN for base in ("start", "human")))),
    Claim("12", "Both are right, and they can have two answers", BUDGET, _both(
        _lies("around", (OWN["big"], "big_start"), metric="pass_40"),
        _lies("below", ("big_human", "big_start"), metric="pass_40"),
        _lies("above", (OWN["big"], "big_human"), metric="pass_40"))),
    Claim("12", "Own output was seen to cost something only where the old data still had something "
          "to teach", HALVES, _both(
              _lies("below", ("small_half_own_unchecked", "small_half_human")),
              _lies("above", ("small_half_human", "small_half_start")),
              _lies("around", ("big_half_own_unchecked", "big_half_human"),
                    *((OWN[w], f"{w}_human") for w in OWN)))),
    Claim("12", "From its half start own data moved the small one by", HALVES,
          _lies("around", ("small_half_own_unchecked", "small_half_start"))),
    Claim("12", "In the three other starts they added nothing that we can see", HALVES,
          _lies("around", ("small_human", "small_start"), ("big_human", "big_start"),
                ("big_half_human", "big_half_start"))),
    Claim("12", "Programs that had passed their tests raised the big student's first try", FOUR,
          _lies("above", *(("big_own_checked", f"big_{o}")
                           for o in ("start", "human", "own_unchecked")))),
    Claim("12", "Against its start the small student's is not told apart from zero", FOUR,
          _lies("around", ("small_own_checked", "small_start"))),
    Claim("12", "Of the two gains beyond the steps only the big one's survives the correction for "
          "fourteen rules", FOUR,
          _survive(("checked", True), ("small_checked", False))),
    Claim("12", "trained on own checked programs, either student gained there, too", FOUR,
          _lies("above", *((f"{w}_own_checked", f"{w}_start") for w in OWN), metric="pass_40")),
    Claim("12", "Two thirds and the whole both lie inside its 95 % interval", BUDGET,
          _share_of_the_twin),
    Claim("12", "On the scorecard the verdict of its row depends on one seed", BUDGET,
          _on_the_scorecard),
    Claim("12", "both intervals of *big minus small* hold zero", FOUR, _size_of_the_gain),
    Claim("12", "at forty tries the two are not told apart", BUDGET,
          _lies("around", ("small_other_unchecked", "big_start"), metric="pass_40")),
    Claim("12", "there it is behind", BUDGET,
          _lies("below", ("small_other_unchecked", "big_start"))),
    Claim("12", "The twin itself was no better than the student", BUDGET, _both(
        _lies("below", ("twin_of_small", "small_start"), metric="pass_40"),
        _lies("around", ("twin_of_small", "small_start")))),
    Claim("12", "Somebody else widens, even a somebody who is no better", BUDGET,
          _lies("above", ("small_twin_unchecked", OWN["small"]),
                ("small_twin_unchecked", "small_start"), metric="pass_40")),
    Claim("12", "A better somebody seems to help the first try, too; that interval lies above zero",
          BUDGET, _lies("above", ("small_other_unchecked", OWN["small"]),
                        ("small_other_unchecked", "small_twin_unchecked"))),
    Claim("12", "Both intervals hold zero; a loss is not ruled out", BUDGET, _both(
        _lies("around", ("small_other_unchecked", "small_start"),
              ("small_twin_unchecked", "small_start")), _a_price_of_the_twin)),
    Claim("12", "in pass@1, not told apart from zero", BUDGET, _both(
        _lies("around", ("small_twin_unchecked", "small_start")),
        _lies("above", ("small_twin_unchecked", "small_start"), metric="pass_40"))),
    Claim("12", "The higher temperature gives a small part of the gain", BUDGET,
          _most_is_not_temperature),
    Claim("12", "A twin that was no better raised pass@40, and most of that was not temperature",
          BUDGET, _most_is_not_temperature),
    Claim("12", "In two seeds of ten even the hotter exam was less varied", BUDGET, _hot_seeds),
    Claim("12", "Only the loss at one try is told apart from zero: a worse teacher cost the big "
          "student a part of its first try", BUDGET, _both(
              _lies("below", ("big_other_unchecked", "big_start"),
                    ("big_other_unchecked", "big_human"), ("small_start", "big_start")),
              _lies("around", *((f"big_{w}_unchecked", "big_start")
                                for w in ("own", "twin", "other")), metric="pass_40"))),
    Claim("12", "minus the big student that taught *itself*, the students of both teachers lie "
          "above zero at forty tries", BUDGET,
          _lies("above", *((f"big_{w}_unchecked", OWN["big"]) for w in ("twin", "other")),
                metric="pass_40")),
    Claim("12", "no narrowing was seen, and a small one is not ruled out", FOUR,
          _lies("around", ("small_other_checked", "small_other_unchecked"), metric="pass_40")),
    Claim("12", "A bigger teacher was not shown to add to it", BUDGET,
          _lies("around", ("small_other_unchecked", "small_twin_unchecked"), metric="pass_40")),
    Claim("12", "with about 32,000, 114,000 and 424,000 parameters", "weights of the GPT",
          _weights_of_the_widths),
    Claim("12", "takes the 400 steps that suit the middle width", "settings of gpt_size",
          exactly(lambda: gpt_size.SETTINGS["model"]["steps"], 400, 400)),
    Claim("12", "the gap grows", GPTS, _the_gap_grows),
    Claim("12", "the middle and the big one are told apart only in the last, and only under "
          "*replace*", GPTS, _middle_and_big),
    Claim("12", "kept more of the rare facts than the narrowest, and lost most of them all the "
          "same", GPTS,
          _the_gap_grows),
    Claim("12", "the middle one's rises most of the three until generation 8: no order by size "
          "here", GPTS, _the_middle_rises_most),
    Claim("12", "Until generation 5 the big one's excess rises less than the small one's", GPTS,
          within(lambda: _rise_of_widths("replace"), -1, 0)),
    Claim("12", "and its interval just leaves that margin", GPTS, _alike),
    Claim("12", "That a bad teacher takes this lead away is not shown", GPTS,
          _not_taken_away),
    Claim("12", "two of our five rules hold, the first and *alike* under replace", GPTS,
          _two_of_five),
    Claim("12", "Three of the fourteen are shown", BUDGET, _rules("checked", "widens", "not_heat")),
    Claim("12", "Three of these have an interval on the expected side", BUDGET, _likely),
    Claim("12", "The three Llamas rise less, the larger they are. The smallest model, of another "
          "kind, breaks this order", "four published rises", _order_of_one_kind),
]  # fmt: skip
