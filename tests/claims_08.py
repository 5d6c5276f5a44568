"""What lesson 08 says in words: see claims.py."""

from __future__ import annotations

import numpy as np
from claims import Claim, Found, mean, values

from helpers.metrics import Reading
from helpers.metrics.definitions import NAMES
from helpers.studies import judged


def _row(run: str) -> dict[str, Reading]:
    return judged.matrix()[run]


def _letters(run: str) -> list[str]:
    return [one.alone for one in _row(run).values()]


def _count(of: str, value: float, holds: bool) -> Found:
    return Found(value, value, value, holds, of)


def _empty() -> Found:
    cells = [letter for run in judged.RUNS for letter in _letters(run)]
    empty = cells.count("not measured")
    return _count("cells of 560 without a verdict", empty, len(cells) == 560 and empty > 200)


def _on_both() -> list[Found]:
    """The laxest and the strictest definition on the runs that both judge."""
    rows = [
        row
        for row in judged.matrix().values()
        if "not measured" not in (row["any risk increase"].alone, row["lost modes"].alone)
    ]
    lax, strict = (
        np.mean([row[name].alone == "yes" for row in rows])
        for name in ("any risk increase", "lost modes")
    )
    return [_count("yes by any rise", float(lax), len(rows) >= 20 and lax - strict > 0.75),
            _count("yes by lost modes", float(strict), True)]  # fmt: skip


def _three_cells() -> list[Found]:
    found = []
    for run in judged.RUNS:
        said = [letter for letter in _letters(run) if letter != "not measured"]
        if len(said) >= 3 and set(said) == {"yes"}:
            found.append(_count(run, len(said), len(said) == 3))
    return found


def _valley() -> Found:
    row = _row("two humps, replace, width neutral")
    one, other = row["hallucination"], row["lost modes"]
    same = bool(np.isclose(
        values("kde", "two_replace_neutral", "valley").iloc[:, -1].mean(),
        1 - other.number * (1 - values("kde", "two_replace_neutral", "valley")[0].mean()),
    ))  # fmt: skip
    return Found(one.number, one.low, one.high, one.alone == "yes" and other.alone == "no" and same)


def _same_letters() -> list[Found]:
    first = _letters("GPT, replace, 200 steps")
    return [
        _count(policy, sum(x == "yes" for x in first),
               _letters(f"GPT, {policy}, 200 steps") == first
               and first.count("not measured") == 1)
        for policy in ("subsample", "accumulate")
    ]  # fmt: skip


def _by_two() -> list[Found]:
    found = []
    arms = (("replace_200", "gpt_budget"), ("accumulate_200", "gpt_steps"))
    excess = [values(study, arm, "excess") for arm, study in arms]
    rise = [table[8] - table[0] for table in excess]
    three = mean(rise[0] - 2 * rise[1])
    found.append(Found(*three, three[1] > 0, "excess: replace less twice accumulate"))
    left = [values(s, a, "recall_tail")[8] for a, s in arms]
    three = mean(left[1] - 2 * left[0])
    found.append(Found(*three, three[1] > 0, "rare recall: accumulate less twice replace"))
    return found


def _fewer_mistakes() -> list[Found]:
    cold = values("gpt_steps", "t08_replace_200", "mistakes")
    warm = values("gpt_budget", "replace_200", "mistakes")
    less, more = mean(cold[5] - cold[0]), mean(warm[8] - warm[0])
    found = [Found(*less, less[2] < 0, "T = 0.8"), Found(*more, more[1] > 0, "T = 1")]
    row = _row("GPT, replace, 200 steps, T = 0.8")
    for name in ("collapsing variance", "lost modes", "lost tail"):
        one = row[name]
        found.append(Found(one.number, one.low, one.high, one.verdict == "yes", name))
    return found


def _budget_turns() -> list[Found]:
    counts = [_letters(f"GPT, accumulate, {s}").count("yes")
              for s in ("200 steps", "400 steps", "steps by rows")]  # fmt: skip
    row = _row("GPT, accumulate, steps by rows")
    fell = row["any risk increase"]
    only = [name for name in NAMES if row[name].alone == "yes"] == ["diverging risk"]
    return [
        _count("yes by 200 steps, 400, by rows", counts[-1], counts[0] > counts[1] > counts[2]),
        Found(fell.number, fell.low, fell.high, fell.number < 0 and only, "risk, by rows"),
    ]


def _one_place() -> Found:
    replace, accumulate = (_letters(f"GPT, {p}, 400 steps") for p in ("replace", "accumulate"))
    apart = [n for n, a, b in zip(NAMES, replace, accumulate, strict=True) if a != b]
    return _count("letters that differ", len(apart), apart == ["lost tail"])


def _fates() -> list[tuple[str, Reading]]:
    truth = {True: "yes", False: "no"}
    return [(truth[run.diverges], _row(name)["diverging risk"])
            for name, run in judged.RUNS.items() if run.diverges is not None]  # fmt: skip


def _a_coin() -> Found:
    fates = _fates()
    right = sum(one.alone == fate for fate, one in fates)
    return _count("right of fourteen", right, len(fates) == 14 and right <= 9)


def _mostly_silent() -> Found:
    silent = sum(one.verdict == "cannot tell" for _, one in _fates())
    return _count("cannot tell, of fourteen", silent, 2 * silent > 14)


def _sure_and_wrong() -> list[Found]:
    wrong = [
        (name, run) for name, run in judged.RUNS.items()
        if (run.diverges is False and _row(name)["diverging risk"].verdict == "yes")
        or (run.diverges and _row(name)["diverging risk"].verdict == "no")
    ]  # fmt: skip
    risk = judged._series("Gaussian n = 100, replace, divisor n", 1.0)["risk"]
    climbs = mean(risk[:, -1] - risk[:, -2])
    return [
        _count("sure and wrong", len(wrong),
               [name for name, _ in wrong] == ["Gaussian n = 100, replace, divisor n"]),
        Found(*climbs, climbs[1] > 0, "W2 squared from fit 50 to fit 100"),
    ]  # fmt: skip


def _not_yet() -> Found:
    run = "GPT, replace, 400 steps"
    early, late = (judged.readings_of(run, until=u)["lost tail"] for u in (0.25, 1.0))
    return Found(early.number, early.low, early.high, early.alone == "no" and late.alone == "yes")


def _silent_variance() -> Found:
    runs = [row for row in judged.matrix().values() if row["lost tail"].alone == "yes"]
    kept = sum(row["collapsing variance"].alone == "no" for row in runs)
    return _count("lost the tail, kept the variance", kept, kept >= 3)


def _variety_rises() -> list[Found]:
    found = []
    for policy in ("replace", "accumulate", "subsample"):
        row = _row(f"GPT, {policy}, 200 steps")
        variety, tail = row["collapsing variance"], row["lost tail"]
        found.append(Found(variety.number, variety.low, variety.high,
                           variety.low > 1 and tail.verdict == "yes", policy))  # fmt: skip
    return found


TABLES = "the recorded tables, thresholds as given"
CLAIMS = [
    Claim("08", "Many boxes are empty, too", TABLES, _empty),
    Claim("08", "on the runs that both of these two judge, the gap is as wide", TABLES, _on_both),
    Claim("08", "But all of these runs had three cells judged and no more", TABLES, _three_cells),
    Claim("08", "It says no by definition 6, because most of the points are still on the humps",
          "kde, 100 seeds", _valley),
    Claim("08", "All three rows are the same", "gpt_budget and gpt_steps, 10 seeds", _same_letters),
    Claim("08", "The same word, and the damage differs by more than a factor of two",
          "gpt_budget and gpt_steps, 10 seeds", _by_two),
    Claim("08", "Equal verdicts hid damage that differed by a factor of two",
          "gpt_budget and gpt_steps, 10 seeds", _by_two),
    Claim("08", "At $T = 0.8$ replace loses names, three-word phrases and rare facts, and makes "
          "fewer mistakes. At $T = 1$ it loses rare facts and makes more",
          "gpt_budget and gpt_steps, 10 seeds", _fewer_mistakes),
    Claim("08", "The one yes that remains with steps by rows is diverging risk, of a risk that "
          "fell", "gpt_budget and gpt_steps, 10 seeds", _budget_turns),
    Claim("08", "a longer training turned a verdict", "gpt_budget and gpt_steps, 10 seeds",
          _budget_turns),
    Claim("08", "the letters of replace and accumulate differ, in one place", "gpt_steps, 10 seeds",
          _one_place),
    Claim("08", "no better than a coin", TABLES, _a_coin),
    Claim("08", "An honest yardstick is mostly silent here", TABLES, _mostly_silent),
    Claim("08", "a finite run can mostly say nothing", TABLES, _mostly_silent),
    Claim("08", "after a hundred fits it still climbs", "gaussian, 100 seeds", _sure_and_wrong),
    Claim("08", '"Not yet" is no "no"', "gpt_steps, 10 seeds", _not_yet),
    Claim("08", "Several runs lost their tail and kept their variance", TABLES, _silent_variance),
    Claim("08", "it rises while the rare facts go", "GPT at 200 steps, 10 seeds", _variety_rises),
]  # fmt: skip
