"""Lesson 03: what becomes of a kind of words, `word_picture`, and sliders over it.

Also the lesson's own figures of the recorded study `tails`. Not through `run_batched`: of a text
that is counted only the counts matter, as in `helpers.studies.tails.copies`. A test compares
`kind_runs` with the law.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import studies, theory
from helpers._arguments import generator, one_of, positive_int, real_number
from helpers.explorers.controls import Explorer, choice, one_at_first, whole
from helpers.explorers.quick_runs import tidy
from helpers.loop import run_loop
from helpers.models import ClassMeans
from helpers.plots import Picture, band, contrasts, style
from helpers.policies import Replace
from helpers.studies import tails

RUNS, WORDS = 20, 100  # texts, and words of the kind in each
SHOW = ("words alive", "their share of the text", "share of a survivor")
LONGEST = 10**12  # words: a text that grows stops growing there


def kind_runs(
    copies: int, n: int, rounds: int, rng: np.random.Generator, growth: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Twenty texts of `n` words under Replace, followed for the words that start with `copies`.

    Two arrays (rounds + 1, 20): the share of these words that the text still holds, and their
    share of the text over their share of the first. There are 100 of them, or as many as fit into
    half of the text. `growth`: factor by which the text grows a generation.
    """
    n, copies = positive_int("n", n, minimum=2), positive_int("copies", copies)
    if copies > n // 2:
        raise ValueError(f"copies must be at most half of the {n} words of the text, got {copies}")
    positive_int("rounds", rounds)
    generator("rng", rng)
    growth = real_number("growth", growth, low=0, open_low=True)
    words = min(WORDS, n // (2 * copies))
    counts = np.full((RUNS, words + 1), copies)
    counts[:, -1] = n - words * copies  # all other words
    alive, share = np.ones((2, rounds + 1, RUNS))
    for g in range(1, rounds + 1):
        size = round(min(LONGEST, max(1.0, n * growth**g)))
        counts = rng.multinomial(size, counts / counts.sum(axis=1, keepdims=True))
        alive[g] = (counts[:, :-1] > 0).mean(axis=1)
        share[g] = counts[:, :-1].sum(axis=1) / size * n / (words * copies)
    return alive, share


def word_picture(
    copies: int = 1,
    rounds: int = 20,
    n: int = 10_000,
    growth: float = 1.0,
    show: str = "words alive",
    seed: int = 0,
) -> Picture:
    """What becomes of words with so many copies: twenty texts and the law of copies.

    show: the share of the words that are alive; the share of the text that they hold together, over
    the first; or that of one survivor, over its first.
    """
    one_of("show", show, SHOW)
    positive_int("seed", seed, minimum=0)
    alive, share = kind_runs(copies, n, rounds, np.random.default_rng(seed), growth)
    law = np.array([theory.copies_survival(copies, g, growth) for g in range(rounds + 1)])
    name = f"{copies} {'copy' if copies == 1 else 'copies'}"
    title = f"{name} in a text of {n:,} words"
    if growth != 1:
        title += f" that grows {growth:g} times a generation"
    if show == SHOW[0]:
        values, exact = alive, {"law of copies": law}
    elif show == SHOW[1]:
        values, exact = share, {"expected": np.ones(rounds + 1)}
    else:
        # Where nobody is left there is no survivor: those texts drop out of the mean.
        held = np.where(alive > 0, share, 0).sum(axis=1)
        values = (held / np.maximum(alive.sum(axis=1), 1e-9))[:, None]
        exact = {"law of copies": 1 / law}
    return band(
        tidy(values, "value", "twenty texts"), "value", exact=exact, centre="mean", title=title,
        ylabel=show, xlabel="generation",
    )  # fmt: skip


def word_explorer() -> Explorer:
    """Sliders over `word_picture`: one at first, the others behind a switch."""
    return one_at_first(
        word_picture,
        copies=whole("copies", 1, 100, 1),
        rounds=whole("generations", 5, 100, 20, step=5),
        n=choice("words in the text n", (1000, 10_000, 100_000), 10_000),
        growth=choice("growth a generation", (1.0, 1.05, 1.1, 1.5, 2.4), 1.0),
        show=choice("show", SHOW),
    )


# ---------------------------------------------------------------------- the recorded study


def dials(arm: str, **labels: str) -> pd.DataFrame:
    """Several metrics of one arm of `tails` as the curves of one figure: metric -> its label.

    Columns generation, replicate, arm (the label), metric ("value") and value.
    """
    table = studies.load("tails")
    table = table[table["arm"] == one_of("arm", arm, tuple(table["arm"].unique()))]
    for metric in labels:
        one_of("metric", metric, tuple(table["metric"].unique()))
    order = {metric: place for place, metric in enumerate(labels)}
    table = table[table["metric"].isin(labels)]
    table = table.sort_values("metric", key=lambda column: column.map(order), kind="stable")
    return table.assign(arm=table["metric"].map(labels), metric="value")


def smoothers() -> pd.DataFrame:
    """Nats a word lost on real text by each recorded smoother of `tails`, as for `dials`."""
    labels = {
        "zipf_none": "none", "zipf_add_one": "add 1", "zipf_good_turing": "Good-Turing",
        "zipf_discount": "discount", "zipf_back_off": "back off to real",
    }  # fmt: skip
    table = studies.load("tails").query("metric == 'lost' and arm in @labels")
    return table.assign(arm=table["arm"].map(labels), metric="value")


def clean_rows_picture(powers: range = range(3, 8)) -> Picture:
    """What a learner by heart does not know, against its rows, when a share of them is real.

    The others come from a generator that lost all beyond rank 100. Exact, from `theory`.
    """
    p, cut = tails.memory_law(), tails.SETTINGS["memory"]["cut"]
    rows = [
        (power, f"{100 * share:g} % real",
         theory.cut_memory_error(p, 10**power, kept=cut, clean_share=share))
        for share in (0, 0.01, 0.1, 1) for power in powers
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["generation", "arm", "value"])
    return band(
        frame.assign(metric="value"), "value", log=True, ylabel="share not known",
        xlabel="rows, as a power of ten",
    )  # fmt: skip


def rescues_picture() -> Picture:
    """The recorded rescues of `tails`: nats lost by generation 20, more than by a random draw."""
    labels = {
        "new": "newly collected", "died": "one of each that died", "same": "the same 200",
        "common": "one each of the commonest", "rare": "of the rarer half",
    }  # fmt: skip
    numbers, rows = studies.summary("tails"), []
    for name, label in labels.items():
        key = f"rescue_{name}_minus_random_lost_g20"
        rows.append((label, *(numbers[key + end] for end in ("", "_low", "_high"))))
    table = pd.DataFrame(rows, columns=["label", "value", "low", "high"])
    return contrasts(table, xlabel="nats a word lost, more than by a random draw")


def portraits(
    rare: int = 8, generations: tuple[int, ...] = (0, 2, 5, 10, 20), seed: int = 0
) -> Picture:
    """What a generator of digits thinks a rare and a common one look like, as generations pass.

    One run under Replace, the rare-class arms of the study `tails`; a lost class is an empty frame.
    """
    one_of("rare", rare, tuple(tails.SETTINGS["rare"]["digits"]))
    real, test, weights = tails.cases(rare, seed)
    history = run_loop(
        ClassMeans(10), real, policy=Replace(), generations=max(generations), seed=seed,
        metrics=tails.rare_metrics(rare, test, weights),
    )  # fmt: skip
    common = 1
    figure = style.sheet(3.5)
    wide = (figure.get_figwidth() - 1.3) / len(generations)
    found = history.frame.pivot(index="generation", columns="metric", values="value")
    for row, digit in enumerate((common, rare)):
        figure.text(0.15 / figure.get_figwidth(), 0.72 - 0.45 * row,
                    f"{'common' if digit == common else 'rare'}: {digit}", fontsize=11)  # fmt: skip
        for place, g in enumerate(generations):
            left = 1.2 + place * wide
            right = figure.get_figwidth() - left - 1.15
            axes = style.add_axes(figure, left, 1.85 - 1.6 * row, right, 0.35 + 1.6 * row)
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
            model = history.models[g]
            if model.shares_[digit] > 0:
                axes.imshow(model.means_[digit].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            else:
                axes.text(0.5, 0.5, "lost", transform=axes.transAxes, ha="center", fontsize=11)
            if row == 0:
                axes.set_title(f"generation {g}", fontsize=10.5)
    ends = found.loc[list(generations), "found"]
    told = "; ".join(f"generation {g}: {share:.0%} found" for g, share in ends.items())
    alt = (
        f"Mean pictures of a common digit, {common}, and of a rare one, {rare}, at generations "
        f"{', '.join(map(str, generations))}. The common one hardly changes. The rare one gets "
        f"noisier from picture to picture. Of the rare cases this run's classifier finds: {told}."
    )
    return Picture(figure, alt, f"rare cases of digit {rare}, one run: {told}")
