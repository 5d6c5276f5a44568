"""Lesson 12: figures and an explorer over two recorded studies; nothing is trained.

`size_picture` draws what two writers can do with k tries, and says their paired difference at one
k. Starts are examined in generation 0, arms in the last.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import pandas as pd

from helpers import studies
from helpers._arguments import one_of
from helpers.explorers.controls import Explorer, choice, one_at_first
from helpers.plots import Picture, band, contrasts, panels
from helpers.plots.style import rounded
from helpers.studies import gpt_size
from helpers.studies.paired import effect, over_seeds

WRITERS = {
    "small_start": "small, start",
    "small_human": "small, reference only",
    "small_own_unchecked": "small, itself",
    "small_own_checked": "small, itself, checked",
    "small_twin_unchecked": "small, twin",
    "small_twin_checked": "small, twin, checked",
    "small_other_unchecked": "small, by the big one",
    "small_other_checked": "small, by the big one, checked",
    "twin_of_small": "twin of the small one",
    "big_start": "big, start",
    "big_human": "big, reference only",
    "big_own_unchecked": "big, itself",
    "big_own_checked": "big, itself, checked",
    "big_twin_unchecked": "big, twin",
    "big_twin_checked": "big, twin, checked",
    "big_other_unchecked": "big, by the small one",
    "big_other_checked": "big, by the small one, checked",
    "twin_of_big": "twin of the big one",
}
HALF = {
    "small_half_human": "small, half start, reference only",
    "small_half_own_unchecked": "small, half start, itself",
    "big_half_human": "big, half start, reference only",
    "big_half_own_unchecked": "big, half start, itself",
}
THIRDS = ("a third or less", "between a third and two thirds", "two thirds or more")
EXPECTED = {  # a rule of the study in words; pass@1 where nothing else is said
    "harmed": "big: itself below its start",
    "beyond": "big: itself above reference only",
    "small_harmed": "small: itself below its start",
    "small_beyond": "small: itself above reference only",
    "half_beyond": "big, half start: itself below reference only",
    "small_half_beyond": "small, half start: itself below reference only",
    "checked": "big: itself, checked, above reference only",
    "small_checked": "small: itself, checked, above reference only",
    "teacher": "small: by the big one above by itself",
    "widens": "small, pass@40: by its twin above by itself",
    "overtakes": "pass@40: small, by the big one, above the big one",
    "teacher_widens": "small, pass@40: by the big one above by its twin",
    "narrows": "small, pass@40: by the big one, checked below unchecked",
    "not_heat": "small, pass@40: by its twin above by itself, as varied",
}
TRIES = (1, 2, 5, 10, 20, 40)
_NAMED = {label: name for name, label in WRITERS.items()}


def values(writer: str, metric: str) -> pd.Series:
    """One number a seed: of a start as it began, of an arm in the last generation."""
    table = _recorded()
    rows = table[(table["arm"] == writer) & (table["metric"] == metric)]
    if rows.empty:
        raise ValueError(f"there is no {metric!r} of {writer!r} in the study size")
    return over_seeds(table, writer, metric, int(rows["generation"].max()))


def expected() -> pd.DataFrame:
    """The rules of the study, a row each, in words: found, low, high (95 %), p by Holm."""
    known = studies.summary("size")
    columns = {"found": "", "low": "_low", "high": "_high", "p": "_p"}
    rows = {
        words: {column: known[f"{rule}{end}"] for column, end in columns.items()}
        for rule, words in EXPECTED.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").round(3) + 0.0


def starts() -> pd.DataFrame:
    """The starts, a row each: the steps they were taught; pass@1 and pass@40, means over seeds."""
    steps: dict[str, int] = _settings()["start_steps"]
    rows = {
        WRITERS[name]: {
            "steps": steps[which],
            **{f"pass@{k}": round(float(values(name, f"pass_{k}").mean()), 2) for k in (1, 40)},
        }
        for which in ("small", "big")
        for name in (f"{which}_start", f"twin_of_{which}")
    }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"steps": int})


def budgets() -> pd.DataFrame:
    """What an arm may use, a row a kind: steps, programs written for it and tested, its exam's."""
    known = _settings()
    tasks = known["rounds"] * known["round_tasks"]
    written = {"reference only": 0, "unchecked": tasks, "checked": tasks * known["attempts"]}
    return pd.DataFrame({
        "steps": known["rounds"] * known["round_steps"],
        "written": written,
        "tested": written | {"unchecked": 0},
        "exam": known["sets"]["n_test"] * known["exam"]["attempts"],
    }, index=list(written))  # fmt: skip


def gains_by_size(arm: str = "own_checked", metric: str = "pass_1") -> pd.DataFrame:
    """What an arm is worth to either size, and to the big one more than to the small: low, high.

    arm: of both students, SIZE_arm. A row a baseline. 95 % by t, over seeds.
    """
    rows = {}
    for base, label in (("start", "start"), ("human", "reference only")):
        small, big = (
            values(f"{which}_{arm}", metric) - values(f"{which}_{base}", metric)
            for which in ("small", "big")
        )
        more, low, high = effect(big - small)[:3]
        rows[f"minus {label}"] = {
            "small": small.mean(), "big": big.mean(), "big minus small": more,
            "low": low, "high": high,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").round(3) + 0.0


def twin_share() -> str:
    """One of THIRDS: of the pass@40 that the big teacher adds to own programs, what the twin adds.

    Unchecked programs, the small student; mean divided by mean.
    """
    own, twin, big = (
        values(f"small_{who}_unchecked", "pass_40").mean() for who in ("own", "twin", "other")
    )
    share = (twin - own) / (big - own)
    return THIRDS[int(share > 1 / 3) + int(share >= 2 / 3)]


def differences(*pairs: tuple[str, str], metric: str = "pass_1") -> pd.DataFrame:
    """Paired differences for `plots.contrasts`: label, value, low, high (95 %, t, over seeds)."""
    known = WRITERS | HALF
    rows = []
    for first, second in pairs:
        found = effect(values(first, metric) - values(second, metric))
        label = f"{known[first]} \N{MINUS SIGN} {_short(known[first], known[second])}"
        rows.append((label, *found[:3]))
    return pd.DataFrame(rows, columns=["label", "value", "low", "high"])


def side(first: str, second: str, metric: str = "pass_1") -> str:
    """Where the 95 % interval of first minus second lies: above, below, or not told apart."""
    row = differences((first, second), metric=metric).iloc[0]
    return "above" if row["low"] > 0 else "below" if row["high"] < 0 else "not told apart"


def baselines_picture() -> Picture:
    """Own unchecked programs against two baselines, the start and as many steps, by size."""
    pairs = [
        pair
        for which in ("small", "big")
        for pair in (
            (f"{which}_own_unchecked", f"{which}_start"),
            (f"{which}_human", f"{which}_start"),
            (f"{which}_own_unchecked", f"{which}_human"),
        )
    ]
    return contrasts(differences(*pairs), xlabel="difference in pass@1")


def checked_picture() -> Picture:
    """Own checked programs against both baselines, by size."""
    pairs = [
        (f"{which}_own_checked", f"{which}_{other}")
        for which in ("small", "big")
        for other in ("start", "human")
    ]
    return contrasts(differences(*pairs), xlabel="difference in pass@1")


def teachers(*writers: str) -> pd.DataFrame:
    """Means over seeds: pass@1, pass@40 and different programs of a hundred, a row a writer."""
    metrics = {"pass_1": "pass@1", "pass_40": "pass@40", "distinct": "different of 100"}
    rows = {
        WRITERS[one_of("writer", writer, tuple(WRITERS))]: {
            name: values(writer, metric).mean() for metric, name in metrics.items()
        }
        for writer in writers
    }
    return pd.DataFrame.from_dict(rows, orient="index").round(
        {"pass@1": 2, "pass@40": 2, "different of 100": 0}
    )


def curves_picture(*writers: str, title: str = "") -> Picture:
    """pass@k against k, from one try to forty: mean of the seeds and their band."""
    rows = [
        pd.DataFrame({
            "arm": WRITERS[writer], "generation": k, "metric": "pass@k",
            "value": (found := values(writer, f"pass_{k}")).to_numpy(), "replicate": found.index,
        })
        for writer in writers for k in TRIES
    ]  # fmt: skip
    table = pd.concat(rows, ignore_index=True)
    return band(
        table, "pass@k", centre="mean", title=title, xlabel="tries k (log scale)", log_x=True
    )


def widths_picture(metric: str = "recall_tail", ylabel: str = "rare facts recalled") -> Picture:
    """The small GPT in three widths, replace and accumulate side by side (study `gpt_size`)."""
    frame = studies.load("gpt_size")
    frame = frame[frame["metric"] == metric]
    frames = {}
    for policy in gpt_size.POLICIES:
        of = frame[frame["arm"].str.endswith(f"_{policy}")]
        frames[policy] = of.assign(arm=of["arm"].str.removesuffix(f"_{policy}"))
    return panels(frames, metric, centre="mean", ylabel=ylabel)


def size_picture(
    writer: str = WRITERS["small_other_unchecked"],
    against: str = WRITERS["small_start"],
    k: int = 40,
) -> Picture:
    """Two writers, values of WRITERS, over k; title and alt say their paired difference at `k`."""
    first, second = (
        _NAMED[one_of(name, label, tuple(_NAMED))]
        for name, label in (("writer", writer), ("against", against))
    )
    metric = f"pass_{one_of('k', k, TRIES)}"
    if first == second:
        title = f"{writer}: pass@{k} {values(first, metric).mean():.3f}"
    else:
        row = differences((first, second), metric=metric).iloc[0]
        value, low, high = (rounded(row[name], 3) for name in ("value", "low", "high"))
        interval = f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"
        title = f"pass@{k}, writer \N{MINUS SIGN} against: {interval}"
    picture = curves_picture(*dict.fromkeys((first, second)), title=title)
    picture.figure.axes[0].axvline(k, color="0.45", linewidth=0.8, linestyle=":")
    alt = f"{title}. {picture.alt} A dotted line stands at k = {k}."
    return replace(picture, alt=alt, summary=f"{title}; {picture.summary}")


def size_explorer() -> Explorer:
    """Controls over `size_picture`: k at first, the two writers behind a switch."""
    labels = tuple(_NAMED)
    return one_at_first(
        size_picture,
        k=choice("tries k", TRIES, 40),
        writer=choice("writer", labels, WRITERS["small_other_unchecked"]),
        against=choice("against", labels, WRITERS["small_start"]),
    )


def _settings() -> dict[str, Any]:
    settings: dict[str, Any] = studies.provenance("size")["settings"]
    return settings


@lru_cache(maxsize=1)
def _recorded() -> pd.DataFrame:
    return studies.load("size")


def _short(label: str, other: str) -> str:
    """The second of a pair, without the words that it shares with the first at the beginning."""
    mine, theirs = label.split(", "), other.split(", ")
    while len(theirs) > 1 and mine and mine[0] == theirs[0]:
        mine, theirs = mine[1:], theirs[1:]
    return ", ".join(theirs)
