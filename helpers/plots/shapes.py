"""Distributions: bell curves generation by generation, and two histograms side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex, to_rgb

from helpers._arguments import positive_int, real_array, real_number
from helpers.plots import style
from helpers.plots.picture import Picture
from helpers.plots.style import GREY, INK, PALETTE, percent, short


def ridge(
    means: Sequence[float] | np.ndarray,
    variances: Sequence[float] | np.ndarray,
    *,
    truth: tuple[float, float] | None = (0.0, 1.0),
    shown: int = 8,
    title: str = "",
    xlabel: str = "x",
) -> Picture:
    """Bell curves of one run, one below the other, narrowing and wandering.

    means, variances  one a generation, from generation 0
    truth             mean and variance of the real distribution, dotted behind each curve
    shown             how many generations are drawn, the first and the last among them

    All curves are drawn to the same height: their width is what counts.
    """
    centres, spreads = _bells(means, variances)
    shown = positive_int("shown", shown, minimum=2)
    picks = np.unique(np.linspace(0, len(centres) - 1, shown).round().astype(int))
    reach = 3.2 * np.sqrt(spreads[picks])
    low, high = (centres[picks] - reach).min(), (centres[picks] + reach).max()
    figure = style.sheet(0.52 * len(picks) + 1.2, title)
    axes = style.add_axes(figure, 0.7, 0.6, 1.35, 0.55 if title else 0.35)
    axes.grid(False)
    x = np.linspace(low, high, 801)
    for place, generation in enumerate(picks):
        _bell(axes, x, centres[generation], spreads[generation], -place, truth,
              _shade(place / (len(picks) - 1 or 1)))  # fmt: skip
    axes.set(xlim=(low, high), ylim=(-len(picks) + 0.85, 1.35), yticks=-np.arange(len(picks)))
    axes.set_yticklabels([str(generation) for generation in picks])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    style.name_axes(axes, xlabel, "generation")
    axes.text(1.02, 1.35, "width (sd)", transform=axes.get_yaxis_transform(), va="top",
              fontsize=10.5, color=INK)  # fmt: skip
    for place, sd in enumerate(np.sqrt(spreads[picks])):
        axes.text(1.02, -place + 0.12, short(sd), transform=axes.get_yaxis_transform(),
                  fontsize=10.5, color=INK, va="center")  # fmt: skip
    last = len(centres) - 1
    sd = np.sqrt(spreads)
    alt = (f"Bell curves of generation 0 to {last}, one below the other. Their standard deviation "
           f"goes from {short(sd[0])} to {short(sd[-1])}, their centre from {short(centres[0])} "
           f"to {short(centres[-1])}.")  # fmt: skip
    if truth is not None:
        alt += (f" The dotted curve is the real distribution, centre {short(truth[0])}, "
                f"standard deviation {short(truth[1] ** 0.5)}.")  # fmt: skip
    summary = (f"generation 0: mean {short(centres[0])}, sd {short(sd[0])}; "
               f"generation {last}: mean {short(centres[-1])}, sd {short(sd[-1])}")  # fmt: skip
    table = pd.DataFrame({"generation": picks, "mean": centres[picks], "sd": sd[picks]})
    return Picture(figure, alt, summary, table)


def histogram_pair(
    left: Sequence[float] | np.ndarray,
    right: Sequence[float] | np.ndarray,
    *,
    labels: tuple[str, str],
    bins: int | Sequence[float] = 30,
    whole_numbers: bool = False,
    between: tuple[float, float] | None = None,
    title: str = "",
    xlabel: str = "value",
) -> Picture:
    """Two histograms on the same axes scale: share of the values in each bin.

    whole_numbers  one bar a whole number (dice) instead of `bins`
    between        a range (low, high) to shade, such as the valley between two humps; the share
                   of the values inside it is printed and said
    """
    pair = [_values(name, v) for name, v in zip(("left", "right"), (left, right), strict=True)]
    if len(labels) != 2:
        raise ValueError(f"labels must be two names, got {labels!r}")
    edges = _edges(np.concatenate(pair), bins, whole_numbers)
    figure = style.sheet(3.3, title)
    shares = [np.histogram(values, edges)[0] / len(values) for values in pair]
    words, numbers = [], []
    for i, (values, share, label) in enumerate(zip(pair, shares, labels, strict=True)):
        axes = style.add_axes(figure, 0.8 if i == 0 else 4.15, 0.6, 3.5 if i == 0 else 0.15,
                              0.85 if title else 0.55)  # fmt: skip
        axes.bar(edges[:-1], share, np.diff(edges), align="edge", edgecolor=style.PAPER,
                 color=PALETTE["blue" if i == 0 else "vermillion"], linewidth=0.8,
                 hatch="" if i == 0 else "//")  # fmt: skip
        axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.12 * max(s.max() for s in shares)))
        axes.set_title(label, fontsize=11, color=INK)
        style.round_ticks(axes.xaxis, 7, whole=whole_numbers)
        style.round_ticks(axes.yaxis, 5)
        style.name_axes(axes, xlabel, "share" if i == 0 else "")
        if i:
            axes.tick_params(labelleft=False)
        if between is not None:
            _mark(axes, values, between)
        words.append(_described(label, values, share, edges, between, whole_numbers))
        numbers.append(_numbered(label, values, between))
    alt = f"Two histograms of {xlabel}, on the same scale. " + " ".join(words)
    table = pd.DataFrame({"from": edges[:-1], "to": edges[1:], labels[0]: shares[0],
                          labels[1]: shares[1]})  # fmt: skip
    if whole_numbers:
        table = table.drop(columns="to").rename(columns={"from": xlabel})
        table[xlabel] = np.ceil(table[xlabel]).astype(int)
    return Picture(figure, alt, "; ".join(numbers), table if len(table) <= 12 else None)


def _bells(means: Any, variances: Any) -> tuple[np.ndarray, np.ndarray]:
    centres = real_array("means", means).ravel()
    spreads = real_array("variances", variances).ravel()
    if len(centres) != len(spreads) or len(centres) < 2:
        raise ValueError("means and variances must be as long as each other, two or more, "
                         f"got {len(centres)} and {len(spreads)}")  # fmt: skip
    if not np.isfinite(centres).all() or not np.isfinite(spreads).all() or spreads.min() <= 0:
        raise ValueError("means must be finite and variances above 0")
    return centres, spreads


def _bell(
    axes: Any, x: np.ndarray, mean: float, variance: float, base: float,
    truth: tuple[float, float] | None, colour: str,
) -> None:  # fmt: skip
    """One curve of height 1.15 standing on `base`, with the true one dotted behind it."""
    # Add the neighbourhood of a very narrow bell, which an even grid would step over.
    grid = np.union1d(x, mean + np.sqrt(variance) * np.linspace(-4, 4, 81))
    curve = base + 1.15 * np.exp(-((grid - mean) ** 2) / (2 * variance))
    axes.fill_between(grid, base, curve, color=colour, alpha=0.75, linewidth=0, zorder=-base)
    axes.plot(grid, curve, color=INK, linewidth=1.0, zorder=-base + 0.1)
    if truth is not None:
        real = base + 1.15 * np.exp(-((x - truth[0]) ** 2) / (2 * truth[1]))
        axes.plot(x, real, color=INK, linestyle=":", linewidth=1.2, zorder=-base + 0.2)


def _shade(share: float) -> str:
    """From blue (generation 0) to vermillion (the last)."""
    start, end = np.array(to_rgb(PALETTE["blue"])), np.array(to_rgb(PALETTE["vermillion"]))
    red, green, blue = (1 - share) * start + share * end
    return to_hex((red, green, blue))


def _values(name: str, values: Any) -> np.ndarray:
    array = real_array(name, values).ravel()
    if not len(array) or not np.isfinite(array).all():
        raise ValueError(f"{name} must hold at least one value, all of them finite")
    return array


def _edges(values: np.ndarray, bins: int | Sequence[float], whole_numbers: bool) -> np.ndarray:
    if whole_numbers:
        return np.arange(np.floor(values.min()) - 0.5, np.ceil(values.max()) + 1)
    if isinstance(bins, int):
        return np.histogram_bin_edges(values, positive_int("bins", bins))
    edges = real_array("bins", bins)
    if edges.ndim != 1 or len(edges) < 2 or (np.diff(edges) <= 0).any():
        raise ValueError("bins must be a number or two or more rising edges")
    return edges


def _inside(values: np.ndarray, between: tuple[float, float]) -> float:
    return float(np.mean((values >= between[0]) & (values <= between[1])))


def _mark(axes: Any, values: np.ndarray, between: tuple[float, float]) -> None:
    low, high = (real_number("between", end) for end in between)
    axes.axvspan(low, high, color=GREY, alpha=0.18, linewidth=0)
    axes.text((low + high) / 2, axes.get_ylim()[1] * 0.99, percent(_inside(values, between), 1),
              ha="center", va="top", fontsize=11, color=INK)  # fmt: skip


def _described(
    label: str, values: np.ndarray, share: np.ndarray, edges: np.ndarray,
    between: tuple[float, float] | None, whole_numbers: bool,
) -> str:  # fmt: skip
    top = int(share.argmax())
    peak = (f"{edges[top] + 0.5:.0f}" if whole_numbers
            else f"{short(edges[top], 2)} to {short(edges[top + 1], 2)}")  # fmt: skip
    text = (f"{label}: {len(values):,} values, mean {short(values.mean())}, standard deviation "
            f"{short(values.std())}, tallest bar at {peak} ({percent(share[top])}).")  # fmt: skip
    if between is not None:
        text += (f" {percent(_inside(values, between), 1)} lie between {short(between[0])} and "
                 f"{short(between[1])}.")  # fmt: skip
    return text


def _numbered(label: str, values: np.ndarray, between: tuple[float, float] | None) -> str:
    text = f"{label}: mean {short(values.mean())}, variance {short(values.var())}"
    if between is not None:
        text += f", {percent(_inside(values, between), 1)} between"
    return text
