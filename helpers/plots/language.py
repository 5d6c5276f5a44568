"""Text as a picture, and how the surprise of texts spreads, generation by generation.

`page` sets lines of text as they are; its alternative text is the text itself. `spreads` draws
distributions of which only quantiles are known: a row a generation, seen from above.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers._arguments import real_array
from helpers.plots import style
from helpers.plots.picture import Picture
from helpers.plots.style import INK, PALETTE, short

_LETTER = 0.0793  # inches a letter of 9.5 points is wide in the fixed font
_LINE = 0.2  # inches from line to line
_BARS = ((0.01, 0.99, 0.2), (0.05, 0.95, 0.42), (0.25, 0.75, 0.68))  # from, to, height of the bar


def page(lines: Sequence[str], *, title: str = "", summary: str = "") -> Picture:
    """Lines of text in a fixed font, long ones broken between words; an indent stays.

    summary: the one line that stands for the page; by default how it begins and how long it is.
    """
    texts = [line[: len(line) - len(line.lstrip())] + " ".join(line.split()) for line in lines]
    if not texts or not all(text.strip() for text in texts):
        raise ValueError(f"lines must be one or more texts that are not empty, got {lines!r}")
    rows = [row for text in texts for row in _rows(text)]
    figure = style.sheet(_LINE * len(rows) + (0.7 if title else 0.3), title)
    width, height = figure.get_size_inches()
    for place, row in enumerate(rows):
        y = height - (0.55 if title else 0.15) - _LINE * place
        figure.text(0.2 / width, y / height, row, family="monospace", fontsize=9.5, color=INK,
                    ha="left", va="top")  # fmt: skip
    head = f"{title}. " if title else ""
    alt = f"{head}A page of text. {' / '.join(texts)}"
    begins = textwrap.shorten(texts[0], 60, placeholder=" ...")
    return Picture(figure, alt, summary or f"{head}{len(texts)} lines of text: {begins}")


def spreads(
    tables: Mapping[str, pd.DataFrame],
    *,
    title: str = "",
    xlabel: str = "surprise under generation 0, nats a token",
) -> Picture:
    """Where values lie in each generation, from their quantiles: a panel a table, one axis.

    tables: name of the panel -> rows by generation (index), columns the quantiles .01, .05, .25,
    .5, .75, .95 and .99. One to three panels.
    """
    if not 1 <= len(tables) <= 3:
        raise ValueError(f"tables must hold 1 to 3 panels, got {len(tables)}")
    for name, table in tables.items():
        _check_quantiles(name, table)
    longest = max(len(table) for table in tables.values())
    figure = style.sheet(0.27 * longest + (1.7 if title else 1.35), title)
    total = figure.get_figwidth()
    each = (total - 0.75 - 0.2 - 0.2 * (len(tables) - 1)) / len(tables)
    low = min(float(table[0.01].min()) for table in tables.values())
    high = max(float(table[0.99].max()) for table in tables.values())
    last = max(int(table.index.max()) for table in tables.values())
    for i, (name, table) in enumerate(tables.items()):
        left = 0.75 + i * (each + 0.2)
        axes = style.add_axes(figure, left, 0.6, total - left - each, 0.8 if title else 0.45)
        _draw_spreads(axes, table)
        axes.set(xlim=(low - 0.04 * (high - low), high + 0.04 * (high - low)),
                 ylim=(last + 0.6, int(table.index.min()) - 0.6))  # fmt: skip
        axes.set_yticks(range(last + 1))
        axes.set_title(name, fontsize=11, color=INK)
        axes.tick_params(labelleft=i == 0)
        axes.set_ylabel("" if i else "generation", fontsize=11, color=INK)
    figure.text((0.75 + (total - 0.95) / 2) / total, 0.12 / figure.get_figheight(), xlabel,
                ha="center", va="bottom", fontsize=11, color=INK)  # fmt: skip
    words, numbers = zip(*(_said(name, table) for name, table in tables.items()), strict=True)
    alt = (
        f"Bars of {xlabel}: a row a generation from the top down, the middle half dark, nine "
        f"tenths paler, all but 2 % palest. {' '.join(words)}"
    )
    whole = pd.concat([table.assign(panel=name) for name, table in tables.items()])
    shown = whole.reset_index(names="generation")
    shown = shown[["panel", "generation", 0.01, 0.5, 0.99]].rename(columns=lambda c: _named(c))
    return Picture(figure, alt, " | ".join(numbers), shown)


def _rows(text: str) -> list[str]:
    width = int((style.WIDTH - 0.4) / _LETTER)
    broken = style.wrap(text, width)
    return broken[:1] + [f"  {row}" for row in style.wrap(" ".join(broken[1:]), width - 2) if row]


def _check_quantiles(name: str, table: Any) -> None:
    wanted = sorted({q for low, high, _ in _BARS for q in (low, high)} | {0.5})
    if not isinstance(table, pd.DataFrame) or table.empty:
        raise ValueError(f"tables[{name!r}] must be a DataFrame with a row a generation")
    missing = [q for q in wanted if q not in table.columns]
    if missing:
        raise ValueError(f"tables[{name!r}] must have the quantiles {wanted}; missing: {missing}")
    values = real_array(f"tables[{name!r}]", table[wanted])
    if not np.isfinite(values).all() or (np.diff(values, axis=1) < 0).any():
        raise ValueError(f"tables[{name!r}] must hold finite quantiles that do not fall")


def _draw_spreads(axes: Any, table: pd.DataFrame) -> None:
    places = table.index.to_numpy()
    for (low, high, tall), alpha in zip(_BARS, (0.3, 0.45, 0.85), strict=True):
        axes.barh(places, table[high] - table[low], left=table[low], height=tall,
                  color=PALETTE["blue"], alpha=alpha, linewidth=0)  # fmt: skip
    axes.plot(table[0.5], places, color=INK, marker="|", markersize=11, markeredgewidth=2,
              linewidth=0)  # fmt: skip
    axes.axvline(float(table[0.5].iloc[0]), color=INK, linestyle=":", linewidth=1.2, zorder=0.5)
    axes.grid(axis="y", visible=False)


def _said(name: str, table: pd.DataFrame) -> tuple[str, str]:
    first, last = table.iloc[0], table.iloc[-1]
    ends = (f"median {short(first[0.5])} to {short(last[0.5])}, "
            f"99 % quantile {short(first[0.99])} to {short(last[0.99])}")  # fmt: skip
    rows = f"generation {table.index[0]} to {table.index[-1]}"
    return f"{name}, {rows}: {ends}.", f"{name}: {ends}"


def _named(column: Any) -> str:
    names = {0.01: "1 %", 0.5: "median", 0.99: "99 %"}
    return names.get(column, str(column))
