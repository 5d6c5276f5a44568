"""What lesson 08 says in words: see claims.py."""

from __future__ import annotations

import numpy as np
from claims import Claim, Found, mean, values

from helpers import theory
from helpers.explorers import lesson_08
from helpers.metrics import Reading, Thresholds
from helpers.metrics.definitions import NAMES, doubling_ratio
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
    """Yes in all of three cells or more; how many of these runs have a series beside the risk."""
    found, alone = [], 0
    for run in judged.RUNS:
        said = {name: one.alone for name, one in _row(run).items() if one.alone != "not measured"}
        if len(said) >= 3 and set(said.values()) == {"yes"}:
            found.append(_count(run, len(said), len(said) == 3))
            alone += set(said) <= set(NAMES[:4])
    return [*found, _count("of them by the risk alone", alone, len(found) == 4 and alone == 2)]


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


def _mistakes_by_less() -> Found:
    arms = (("replace_200", "gpt_budget"), ("accumulate_200", "gpt_steps"))
    replace, accumulate = (values(study, arm, "mistakes") for arm, study in arms)
    three = mean((replace[8] - replace[0]) - 2 * (accumulate[8] - accumulate[0]))
    return Found(*three, three[2] < 0, "mistakes: replace less twice accumulate")


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


def _more_at_five_too() -> Found:
    warm = values("gpt_budget", "replace_200", "mistakes")
    three = mean(warm[5] - warm[0])
    return Found(*three, three[1] > 0, "T = 1, generation 5 minus 0")


def _beside_the_best_of_the_real_rows() -> list[Found]:
    """Accumulate with steps by rows, its last model against one of the real rows, 400 steps."""
    found = []
    for metric, sign in (("excess", 1), ("recall_tail", -1)):
        last, alone = (
            values("gpt_budget", arm, metric)[8] for arm in ("accumulate_epochs", "nothing")
        )
        three = mean(sign * (last - alone))
        found.append(Found(*three, three[1] > 0, f"{metric}: worse than the real rows alone"))
    steps = values("gpt_budget", "accumulate_epochs", "steps").mean()
    same = (steps[0], steps[8], values("gpt_budget", "nothing", "steps")[0].mean())
    return [*found, _count("steps of the last model", same[1], same == (200, 1800, 400))]


def _no_rise_before_and_a_small_one_after() -> list[Found]:
    """Excess with steps by rows over two doublings of fits, and what two flat curves say."""
    table = values("gpt_budget", "accumulate_epochs", "excess")
    first, before, after = (mean(table[b] - table[a]) for a, b in ((0, 1), (1, 3), (3, 8)))
    sure = _row("GPT, accumulate, steps by rows")["diverging risk"]
    flat = [
        _row(f"regression, {arm}")["diverging risk"] for arm in ("real and newest", "half real")
    ]
    return [
        Found(*first, first[2] < 0, "generation 0 to 1"),
        Found(*before, before[0] <= 0 < before[2], "generations 1 to 3"),
        Found(*after, after[1] > 0, "generations 3 to 8"),
        _count("ratio", sure.number, sure.verdict == "yes" and np.isinf(sure.number)),
        *(_count("ratio, flat", one.number, one.verdict == "cannot tell" and np.isinf(one.number))
          for one in flat),
    ]  # fmt: skip


LEFT = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SLIDERS: dict[str, tuple[str, tuple[float, ...]]] = {  # of `ruler_explorer`, with its settings
    "tail": ("lost tail", LEFT),
    "rise": ("any risk increase", (0, 0.1, 0.25, 0.5, 1, 1.4, 2, 3, 4)),
    "invented": ("hallucination", (0, 0.05, 0.1, 0.2, 0.3, 0.5)),
    "ignorance": ("catastrophic risk", (0.1, 0.25, 0.5, 0.75, 1)),
    "modes": ("lost modes", LEFT),
    "variance": ("collapsing variance", LEFT),
}


def _four_sliders() -> list[Found]:
    """Settings of each slider of the explorer at which one letter of the two runs differs."""
    found = []
    for slider, (name, settings) in SLIDERS.items():
        apart = 0
        for value in settings:
            limits = Thresholds(**{slider: value})
            letters = {
                lesson_08._says(run, name, _row(run)[name], limits, "usual")
                for run in ("GPT, replace, 200 steps", "GPT, accumulate, 200 steps")
            }
            apart += len(letters) == 2
        found.append(_count(slider, apart, (apart > 0) == (slider not in ("modes", "variance"))))
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


HORIZONS = {  # the start of a run's name -> its last generation, as in the table
    "Gaussian": 99, "quilt": 60, "Zipf": 50, "one hump": 49, "two humps": 49, "regression": 39,
    "bigram": 20, "words": 100, "a rare digit": 20, "smoother": 50, "memory": 10, "VAE": 8,
    "VAE, mnist": 4, "diffusion": 8, "GPT": 8,
}  # fmt: skip


def _horizons() -> list[Found]:
    """The last recorded generation of each run, by the longest start that its name has."""
    found = []
    for name, run in judged.RUNS.items():
        start = max((s for s in HORIZONS if name.startswith(s)), key=len)
        expected = 5 if name.endswith("T = 0.8") else HORIZONS[start]
        last = max(max(t.columns) for (arm, _), t in judged._table(run.study).items()
                   if arm == run.arm)  # fmt: skip
        found.append(_count(name, int(last), last == expected))
    return found


def _doublings() -> list[Found]:
    """Definition 3 on a hundred fits of a logarithm and of the sum of 1/i squared."""
    fits = np.arange(1, 101)
    curves = {"logarithm": np.log(fits), "sum of 1/i squared": np.cumsum(1 / fits**2.0)}
    found = {name: float(doubling_ratio(curve, fits)) for name, curve in curves.items()}
    return [
        _count("logarithm", found["logarithm"], abs(found["logarithm"] - 1) < 1e-9),
        _count("sum", found["sum of 1/i squared"], abs(found["sum of 1/i squared"] - 0.5) < 0.02),
    ]


def _below_zero() -> list[Found]:
    """The runs whose first risk is below zero."""
    below = [name for name in judged.RUNS if judged.first_risk(name) < 0]
    return [_count(name, judged.first_risk(name), name.startswith("VAE, ")) for name in below] + [
        _count("runs", len(below), len(below) == 3)
    ]


def _silent_variance() -> Found:
    runs = [row for name, row in judged.matrix().items()
            if name.startswith("VAE") and row["lost tail"].alone == "yes"]  # fmt: skip
    kept = sum(row["collapsing variance"].verdict == "no" for row in runs)
    return _count("VAEs that lost the tail and kept the variance", kept, kept == len(runs) == 2)


def _facts_stay_and_mistakes_grow() -> Found:
    row = _row("GPT, accumulate, 400 steps")
    tail, more = row["lost tail"], row["hallucination"]
    return Found(tail.number, tail.low, tail.high, tail.low > 0.5 and more.verdict == "yes")


def _variety_rises() -> list[Found]:
    found = []
    for policy in ("replace", "accumulate", "subsample"):
        row = _row(f"GPT, {policy}, 200 steps")
        variety, tail = row["collapsing variance"], row["lost tail"]
        found.append(Found(variety.number, variety.low, variety.high,
                           variety.low > 1 and tail.verdict == "yes", policy))  # fmt: skip
    return found


def _slopes(shift: float, top: int) -> tuple[float, float]:
    """Of 1 % wrong labels: how the slope differs from that of clean rows, and the factor at `top`.

    Sizes from 1,000 on, as in the lesson's cell.
    """
    sizes = np.geomspace(1000, top, 9).round().astype(int).tolist()
    risks = [
        [theory.strong_collapse_error(10, n, 1, share, shift) for n in sizes]
        for share in (0.01, 0.0)
    ]
    wrong, clean = (np.polyfit(np.log(sizes), np.log(risk), 1)[0] for risk in risks)
    return float(wrong - clean), float(risks[0][-1] / risks[1][-1])


def _far_enough() -> list[Found]:
    near, far = _slopes(1, 10**4)[0], _slopes(1, 10**6)[0]
    return [_count("slope, up to 10,000", near, 0 < near < 0.05),
            _count("slope, up to a million", far, far > 0.2)]  # fmt: skip


def _second_paper() -> list[Found]:
    """All rows kept: the factor, its bound, and what definitions 2, 3 and 4 say of it."""
    n, fits = 1000, np.arange(1, 401)
    risk = theory.regression_error_accumulate(10, n, fits)
    ratio = float(doubling_ratio(risk, fits))
    factor = float(risk[-1] / risk[0])
    return [_count("factor after 400 fits", factor, 1 < factor < np.pi**2 / 6),
            _count("last doubling over the one before", ratio, ratio < 0.75)]  # fmt: skip


def _small_shift() -> list[Found]:
    slope, factor = _slopes(0.02, 10**6)
    return [_count("slope, up to a million", slope, slope < 0.1),
            _count("factor at a million", factor, factor < 1.3),
            _count("factor at fifty million", _slopes(0.02, 5 * 10**7)[1],
                   abs(_slopes(0.02, 5 * 10**7)[1] - 11) < 0.1),
            _count("factor for shift 1 at a million", _slopes(1, 10**6)[1],
                   abs(_slopes(1, 10**6)[1] - 11) < 0.1)]  # fmt: skip


TABLES = "the recorded tables, thresholds as given"
CLAIMS = [
    Claim("08", "Many cells are empty, too", TABLES, _empty),
    Claim("08", "on the runs that both of these two judge, the gap is nearly as wide", TABLES,
          _on_both),
    Claim("08", "had three cells judged and no more. Their other cells are empty. And in two of "
          "them all three cells read one series, the risk", TABLES, _three_cells),
    Claim("08", "It says no by definition 6, because most of the points are still on the humps",
          "kde, 100 seeds", _valley),
    Claim("08", "All three rows are the same", "gpt_budget and gpt_steps, 10 seeds", _same_letters),
    Claim("08", "two of the three numbers differ by more than a factor of two",
          "gpt_budget and gpt_steps, 10 seeds", _by_two),
    Claim("08", "The mistakes are less far apart", "gpt_budget and gpt_steps, 10 seeds",
          _mistakes_by_less),
    Claim("08", "one excess rose more than twice as much as another",
          "gpt_budget and gpt_steps, 10 seeds", lambda: _by_two()[0]),
    Claim("08", "At $T = 0.8$ replace loses names, three-word phrases and rare facts, and makes "
          "fewer mistakes. At $T = 1$ it loses rare facts and makes more",
          "gpt_budget and gpt_steps, 10 seeds", _fewer_mistakes),
    Claim("08", "The one yes that remains with steps by rows is diverging risk, of a risk that "
          "fell", "gpt_budget and gpt_steps, 10 seeds", _budget_turns),
    Claim("08", "A longer training turned a verdict", "gpt_budget and gpt_steps, 10 seeds",
          _budget_turns),
    Claim("08", "the letters of replace and accumulate differ, in one place", "gpt_steps, 10 seeds",
          _one_place),
    Claim("08", "no better than a coin", TABLES, _a_coin),
    Claim("08", "An honest yardstick is mostly silent here", TABLES, _mostly_silent),
    Claim("08", "our finite runs could mostly say nothing", TABLES, _mostly_silent),
    Claim("08", "after a hundred fits it still climbs", "gaussian, 100 seeds", _sure_and_wrong),
    Claim("08", "Every verdict in this lesson was seen from where a run ends", TABLES, _horizons),
    Claim("08", "A logarithm, which has no bound, rises by as much in each doubling", "exact",
          _doublings),
    Claim("08", "Up to 10,000 rows the slope has hardly moved, up to a million by far more than",
          "exact", _far_enough),
    Claim("08", "its factor has a bound", "exact", _second_paper),
    Claim("08", "even a million rows say no; to be eleven times as large, the error needs fifty "
          "million", "exact", _small_shift),
    Claim("08", "Where that is below zero, as for the VAE", TABLES, _below_zero),
    Claim("08", '"Not yet" is no "no"', "gpt_steps, 10 seeds", _not_yet),
    Claim("08", "Two VAEs lost their tail and kept more than half of their variance", TABLES,
          _silent_variance),
    Claim("08", "with 400 steps accumulate keeps most of them and makes more mistakes",
          "gpt_steps, 10 seeds", _facts_stay_and_mistakes_grow),
    Claim("08", "In generation 5 the second made more mistakes, too", "gpt_budget, 10 seeds",
          _more_at_five_too),
    Claim("08", "Beside that model the last one is worse, and it knows fewer rare facts",
          "gpt_budget, 10 seeds", _beside_the_best_of_the_real_rows),
    Claim("08", "In the mean there was no rise before and a small one after, so that the ratio is "
          "infinite. This yes is even a sure one", "gpt_budget, regression",
          _no_rise_before_and_a_small_one_after),
    Claim("08", "find a slider that makes their letters differ. Four of them can", TABLES,
          _four_sliders),
    Claim("08", "In the GPT runs of 200 steps at T = 1 it rises while the rare facts go",
          "gpt_budget and gpt_steps, 10 seeds", _variety_rises),
]  # fmt: skip
