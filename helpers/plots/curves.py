"""A metric over the generations: seed bands, live runs, exact curves, published points.

Frames are tidy: columns generation, metric, value; one of replicate, seed or run where there are
several runs; arm where there are several policies or settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers._arguments import positive_int
from helpers.plots import style
from helpers.plots.marks import (
    COLUMNS,
    DIAMOND,
    Chart,
    Curve,
    Options,
    Point,
    arm_labels,
    checked,
    draw_bands,
    draw_exact,
    draw_live,
    draw_prediction,
    draw_published,
    live_labels,
    quantiles,
)
from helpers.plots.picture import Picture
from helpers.plots.style import INK


def band(
    frame: pd.DataFrame,
    metric: str,
    *,
    live: pd.DataFrame | None = None,
    live_name: str = "your run",
    published: Sequence[Point] = (),
    exact: Mapping[str, Curve] | None = None,
    predicted: tuple[float, float] | None = None,
    predicted_at: int | None = None,
    centre: str = "median",
    level: float = 0.9,
    runs: int = 0,
    log: bool = False,
    log_x: bool = False,
    until: int | None = None,
    title: str = "",
    ylabel: str = "",
    xlabel: str = "generation",
) -> Picture:
    """A metric over the generations: the middle run of each arm inside its seed band.

    frame         tidy; each arm has its line, and its band where it has several runs
    live          tidy; runs drawn on top, compared with the band of their arm
    live_name     what they are called where they are of one arm
    published     (generation, value, source) points from papers
    exact         name -> value at each generation (from 0), or a function of the generation
    predicted     the reader's interval (low, high), drawn at `predicted_at` (the last generation);
                  None draws nothing, so `prediction.value` can be passed as it is
    centre        "median" or "mean" of the runs
    level         share of the runs inside the band: .9 is from the 5 % to the 95 % quantile; of
                  fewer than ten runs it holds all
    runs          so many single runs of each arm are drawn as thin lines
    log           logarithmic value axis
    log_x         the other axis, too, where `generation` holds a count, such as tries
    until         the generation at which the axis ends, for a run that is still growing

    ValueError for a missing column or metric, values that are not finite, or values of zero or
    less on a log axis.
    """
    options = Options(metric, centre, level, runs, log, log_x)
    table = quantiles(frame, options)
    fresh = checked(live, "live", options) if live is not None else None
    labels = list(arm_labels(table, options).values())
    labels += [*(exact or {}), *(f"{DIAMOND} {label}" for _, _, label in published)]
    labels += ["your prediction"] if predicted is not None else []
    labels += live_labels(fresh, live_name)
    figure = style.sheet(4.0, title)
    room = style.label_room(labels)
    chart = _new_chart(figure, 0.85, room, options, top=0.2 + 0.3 * len(title.splitlines()))
    style.name_axes(chart.axes, xlabel, ylabel or metric)
    first, last = int(table["generation"].min()), int(table["generation"].max())
    if log_x:
        chart.axes.set_xlim(first / 1.25, last * 1.25)
    if until is not None:
        margin = 0.05 * positive_int("until", until)
        chart.axes.set_xlim(-margin, until + margin)
    draw_bands(chart, frame, table, options)
    draw_exact(chart, exact or {}, last)
    draw_live(chart, fresh, table, live_name)
    draw_published(chart, published)
    if predicted is not None:
        draw_prediction(chart, predicted, last if predicted_at is None else predicted_at, log)
    style.keep_clear(chart.axes)
    style.label_right(chart.axes, chart.labels)
    what = (ylabel or metric).replace("\n", " ")
    scale = " on a log scale" if log else ""
    alt = f"Line chart of {what} over {xlabel} {first} to {last}{scale}. " + " ".join(chart.words)
    return Picture(figure, alt, f"{what} at {xlabel} {last}: " + "; ".join(chart.numbers),
                   _thinned(table))  # fmt: skip


def panels(
    frames: Mapping[str, pd.DataFrame],
    metric: str,
    *,
    exact: Mapping[str, Mapping[str, Curve]] | None = None,
    centre: str = "median",
    level: float = 0.9,
    runs: int = 0,
    log: bool = False,
    title: str = "",
    ylabel: str = "",
    xlabel: str = "generation",
) -> Picture:
    """Small multiples on one value axis: title of the panel -> frame, as in `band`.

    exact: title of the panel -> the `exact` of that panel. At most four panels.
    """
    if not 1 <= len(frames) <= 4:
        raise ValueError(f"frames must hold 1 to 4 panels, got {len(frames)}")
    options = Options(metric, centre, level, runs, log)
    tables = {name: quantiles(frame, options) for name, frame in frames.items()}
    arms = [str(arm) for table in tables.values() for arm in table["arm"].unique()]
    extra = [str(name) for curves in (exact or {}).values() for name in curves]
    room = style.label_room([*arms, *extra]) if len(set(arms)) > 1 or extra else 0.15
    figure = style.sheet(3.6, title, width=8.4)
    charts = _row_of_charts(figure, list(frames), room, options, top=0.85 if title else 0.5)
    for (name, frame), chart in zip(frames.items(), charts, strict=True):
        draw_bands(chart, frame, tables[name], options)
        last = int(tables[name]["generation"].max())
        draw_exact(chart, (exact or {}).get(name, {}), last)
        chart.axes.set_xlabel(xlabel, fontsize=11, color=INK)
        chart.axes.set_title("\n".join(style.wrap(name, 84 // len(frames))), fontsize=11, color=INK)
    charts[0].axes.set_ylabel(ylabel or metric, fontsize=11, color=INK)
    style.keep_clear(charts[0].axes)
    if room > 0.15:
        style.label_right(charts[-1].axes, charts[-1].labels)
    said = [f"{name}: {' '.join(c.words)}" for name, c in zip(frames, charts, strict=True)]
    found = [f"{name}: {'; '.join(c.numbers)}" for name, c in zip(frames, charts, strict=True)]
    alt = f"{len(frames)} line charts of {ylabel or metric} on the same axis. " + " ".join(said)
    whole = pd.concat([t.assign(panel=name) for name, t in tables.items()], ignore_index=True)
    ends = whole.groupby(["panel", "arm"], sort=False).tail(1)
    return Picture(figure, alt, " | ".join(found), ends[["panel", *COLUMNS]])


def _new_chart(
    figure: Figure, left: float, right: float, options: Options, *, top: float, bottom: float = 0.6
) -> Chart:
    axes = style.add_axes(figure, left, bottom, right, top)
    if options.log:
        axes.set_yscale("log")
        style.log_ticks(axes.yaxis)
    if options.log_x:
        axes.set_xscale("log")
        style.count_ticks(axes.xaxis)
    else:
        style.round_ticks(axes.xaxis, 7, whole=True)
    return Chart(axes)


def _row_of_charts(
    figure: Figure, names: Sequence[str], room: float, options: Options, *, top: float
) -> list[Chart]:
    """Axes side by side that share the value axis; only the first shows its numbers."""
    total = figure.get_figwidth()
    each = (total - 0.85 - room - 0.25 * (len(names) - 1)) / len(names)
    charts: list[Chart] = []
    for i in range(len(names)):
        left = 0.85 + i * (each + 0.25)
        chart = _new_chart(figure, left, total - left - each, options, top=top)
        if i:
            chart.axes.sharey(charts[0].axes)
            chart.axes.tick_params(labelleft=False)
        charts.append(chart)
    return charts


def _thinned(table: pd.DataFrame, rows: int = 8) -> pd.DataFrame:
    """A few generations of each arm, the first and the last among them."""
    kept = []
    for _, group in table.groupby("arm", sort=False):
        places = np.unique(np.linspace(0, len(group) - 1, rows).round().astype(int))
        kept.append(group.iloc[places])
    return pd.concat(kept, ignore_index=True)
