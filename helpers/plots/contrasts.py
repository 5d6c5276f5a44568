"""Effects with their intervals, and who carries the mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from helpers._arguments import real_array, real_number
from helpers.plots import style
from helpers.plots.picture import Picture
from helpers.plots.style import GREY, INK, PALETTE, percent, short


def contrasts(
    rows: pd.DataFrame,
    *,
    reference: float | None = 0.0,
    published: dict[str, float] | None = None,
    log: bool = False,
    title: str = "",
    xlabel: str = "effect",
    interval: str = "95 % interval",
) -> Picture:
    """One dot with its interval a row, top to bottom as given.

    rows       columns label, value, low, high (low <= value <= high)
    reference  the value of "no effect", a dotted vertical line; None for none
    published  label -> the published value, a hollow diamond in that row
    interval   what low and high are
    """
    table = _checked(rows, log)
    looks = style.styles(table["label"])
    lines = [style.wrap(label) for label in table["label"]]
    figure = style.sheet(0.46 * len(table) + (1.4 if title else 1.1), title)
    margin = 0.35 + 0.085 * max(len(line) for label in lines for line in label)
    numbers = table[["value", "low", "high"]].to_numpy(float)
    write = _writer(numbers, log)
    said = [f"{write(value)} [{write(low)}, {write(high)}]" for value, low, high in numbers]
    room = max(1.9, 0.3 + 0.083 * max(map(len, said)))
    axes = style.add_axes(figure, margin, 0.65, room, 0.6 if title else 0.3)
    axes.grid(False)
    if log:
        axes.set_xscale("log")
        style.log_ticks(axes.xaxis)
    else:
        style.round_ticks(axes.xaxis, 6)
    if reference is not None:
        axes.axvline(real_number("reference", reference), color=INK, linestyle=":", linewidth=1.4)
    for place, (label, (value, low, high)) in enumerate(zip(table["label"], numbers, strict=True)):
        colour, marker = looks[label].colour, looks[label].marker
        axes.plot([low, high], [place, place], color=colour, linewidth=3, alpha=0.6)
        axes.plot(value, place, color=colour, marker=marker, markersize=9)
        axes.text(1.03, place, said[place], transform=axes.get_yaxis_transform(),
                  va="center", fontsize=10.5, color=INK)  # fmt: skip
        if published and label in published:
            axes.plot(published[label], place, marker="D", markersize=9, color=INK,
                      markerfacecolor="none", markeredgewidth=1.6)  # fmt: skip
    axes.set(ylim=(len(table) - 0.5, -0.5), yticks=range(len(table)))
    axes.set_yticklabels(["\n".join(line) for line in lines], fontsize=10.5)
    axes.tick_params(axis="y", length=0)
    note = f"{xlabel} (dot, {interval}{', diamond: published' if published else ''})"
    style.name_axes(axes, note, "")
    rows_said = "; ".join(map(" ".join, zip(table["label"], said, strict=True)))
    alt = f"Dots with the {interval} of {xlabel}, top to bottom: {rows_said}."
    if reference is not None:
        alt += _against(table, reference)
    if published:
        alt += " Published: " + "; ".join(f"{k} {short(v)}" for k, v in published.items()) + "."
    return Picture(figure, alt, f"{xlabel}: {rows_said}", table)


def lottery(
    values: Sequence[float] | np.ndarray,
    *,
    expected: float | None = None,
    title: str = "",
    what: str = "the mean",
) -> Picture:
    """Who carries the mean: share of the total held by the richest runs, richest first.

    values    one non-negative number a run, such as its last variance
    expected  the exact expectation, said beside the mean of these runs
    """
    array = np.sort(real_array("values", values).ravel())[::-1]
    if len(array) < 2 or not np.isfinite(array).all() or array[-1] < 0 or array[0] <= 0:
        raise ValueError("values must be two or more finite numbers of at least 0, not all 0")
    share = np.cumsum(array) / array.sum()
    half = int(np.searchsorted(share, 0.5)) + 1
    figure = style.sheet(3.7, title)
    axes = style.add_axes(figure, 0.85, 0.65, 0.3, 0.55 if title else 0.3)
    rank = np.arange(1, len(array) + 1)
    # A few hundred points draw the same line as a hundred thousand.
    picks = np.unique(np.geomspace(1, len(array), 400).round().astype(int)) - 1
    axes.fill_between(rank[picks], 0, share[picks], color=PALETTE["ochre"], alpha=0.25, linewidth=0)
    axes.plot(rank[picks], share[picks], color=PALETTE["ochre"], linewidth=2.4)
    axes.set(xscale="log", xlim=(0.9, len(array) * 1.1), ylim=(0, 1.12))
    style.log_ticks(axes.xaxis)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.plot([half, half, 0.9], [0, share[half - 1], share[half - 1]], color=GREY, linestyle=":")
    axes.plot(half, share[half - 1], color=INK, marker="o", markersize=8)
    runs = "run carries" if half == 1 else "runs carry"
    late = half > len(array) ** 0.55
    axes.annotate(f"{half:,} of {len(array):,} {runs} half", (half, share[half - 1]),
                  (-12 if late else 12, -4), textcoords="offset points", fontsize=11, color=INK,
                  ha="right" if late else "left", va="top")  # fmt: skip
    style.name_axes(axes, "runs, the largest first (log scale)", f"share of {what}")
    middle = float(np.median(array))
    text = (f"{half:,} of {len(array):,} runs hold half of {what}, the largest alone "
            f"{percent(share[0])}; mean {short(array.mean())}, median {short(middle)}")  # fmt: skip
    if expected is not None:
        text += f", exact expectation {short(real_number('expected', expected))}"
    alt = f"Curve of the share of {what} held by the largest runs. {style.sentence(text)}."
    tops = [k for k in (1, 10, 100, 1000, 10_000, 100_000) if k < len(array)]
    table = pd.DataFrame({"largest runs": tops, "share": [share[k - 1] for k in tops]})
    return Picture(figure, alt, text, table)


def _checked(rows: pd.DataFrame, log: bool) -> pd.DataFrame:
    if not isinstance(rows, pd.DataFrame) or rows.empty:
        raise ValueError("rows must be a DataFrame with at least one row")
    missing = {"label", "value", "low", "high"} - set(rows.columns)
    if missing:
        raise ValueError(f"rows must have the columns label, value, low and high; "
                         f"missing: {', '.join(sorted(missing))}")  # fmt: skip
    table = rows[["label", "value", "low", "high"]].reset_index(drop=True)
    table["label"] = table["label"].astype(str)
    numbers = real_array("rows", table[["low", "value", "high"]])
    if not np.isfinite(numbers).all() or (np.diff(numbers, axis=1) < 0).any():
        raise ValueError("rows must have finite numbers with low <= value <= high")
    if log and numbers.min() <= 0:
        raise ValueError(f"log=True needs numbers above 0, got {numbers.min():g}")
    return table


def _writer(numbers: np.ndarray, log: bool) -> Callable[[float], str]:
    """How to write all numbers of one figure: to the same decimals, so that a column can be read.

    numbers: (rows, 3), value, low, high. As many decimals as show two digits of the narrowest
    interval, and no more than five digits of the largest number. On a log scale each by itself.
    """
    widths = numbers[:, 2] - numbers[:, 1]
    largest = np.abs(numbers).max()
    if log or not widths.any() or not 1e-3 <= largest < 1e6:
        return short
    narrowest = widths[widths > 0].min()
    decimals = min(1 - math.floor(math.log10(narrowest)), 4 - math.floor(math.log10(largest)))
    decimals = max(0, decimals)
    return lambda number: f"{style.rounded(number, decimals):,.{decimals}f}"


def _against(table: pd.DataFrame, reference: float) -> str:
    above = table.loc[table["low"] > reference, "label"]
    below = table.loc[table["high"] < reference, "label"]
    said = [f"{', '.join(labels)} wholly {side}" for labels, side in ((above, "above"),
            (below, "below")) if len(labels)]  # fmt: skip
    rest = len(table) - len(above) - len(below)
    said += [f"{rest} of {len(table)} hold it"] if rest else []
    return f" Against the reference {short(reference)}: {'; '.join(said)}."
