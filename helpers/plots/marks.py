"""Curves: the rows behind them, and the marks that `curves` puts on its axes.

A `Chart` collects, while marks are drawn, the labels to write beside the curves and the sentences
and numbers to say about them, so that picture and words cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from helpers._arguments import one_of, positive_int, real_array, real_number
from helpers.plots import style
from helpers.plots.style import INK, percent, short

Curve = Sequence[float] | np.ndarray | Callable[[int], float]
Point = tuple[float, float, str]  # generation, value, where it is published

DIAMOND = "\N{WHITE DIAMOND}"  # goes before the name of what is published
FEW = 10  # runs: of fewer no share of nine in ten can be told
TURN, FLAT = 0.2, 0.05  # a turn is told so far beyond both ends: of the span, and of the start
_RUN = ("replicate", "seed", "run")
_HALO = [patheffects.withStroke(linewidth=4.5, foreground=style.PAPER)]


@dataclass
class Chart:
    """What has been drawn on one axes so far: the labels beside it and the words about it."""

    axes: Axes
    labels: list[tuple[float, str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)


COLUMNS = ["arm", "generation", "low", "middle", "high", "runs"]


@dataclass(frozen=True)
class Options:
    """What to draw of a frame: see `helpers.plots.curves.band`."""

    metric: str
    centre: str
    level: float
    runs: int
    log: bool
    log_x: bool = False

    def __post_init__(self) -> None:
        one_of("centre", self.centre, ("median", "mean"))
        real_number("level", self.level, low=0.0, high=1.0, open_low=True)
        positive_int("runs", self.runs, minimum=0)


def checked(frame: Any, name: str, options: Options) -> pd.DataFrame:
    """The rows of the metric, with columns arm and run; ValueError for what cannot be drawn."""
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"{name} must be a tidy DataFrame, got {type(frame).__name__}")
    missing = {"generation", "metric", "value"} - set(frame.columns)
    if missing:
        raise ValueError(f"{name} must have the columns generation, metric and value; "
                         f"missing: {', '.join(sorted(missing))}")  # fmt: skip
    rows = frame[frame["metric"] == options.metric]
    if rows.empty:
        known = ", ".join(map(str, frame["metric"].unique()))
        raise ValueError(f"metric must be one of those in {name} ({known}), "
                         f"got {options.metric!r}")  # fmt: skip
    values = real_array(f"the values of {options.metric} in {name}", rows["value"])
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must hold finite values of {options.metric}, "
                         "got NaN or infinity")  # fmt: skip
    if options.log and values.min() <= 0:
        raise ValueError(f"log=True needs values above 0, got {values.min():g} in {name}")
    if options.log_x and rows["generation"].min() <= 0:
        raise ValueError(f"log_x=True needs counts above 0 as the generations of {name}, "
                         f"got {rows['generation'].min():g}")  # fmt: skip
    run = next((column for column in _RUN if column in rows), None)
    return pd.DataFrame({
        "arm": rows["arm"].astype(str) if "arm" in rows else "all",
        "run": rows[run] if run else 0,
        "generation": rows["generation"].astype(int),
        "value": values,
    })  # fmt: skip


def quantiles(frame: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Arm, generation, low, middle, high and number of runs, arms in order of appearance.

    With fewer than FEW runs, low and high are the least and the greatest.
    """
    rows = checked(frame, "frame", options)
    outside = (1 - options.level) / 2
    groups = rows.groupby(["arm", "generation"], sort=False)["value"]
    cuts = groups.quantile(np.array([outside, 0.5, 1 - outside])).unstack()
    middle = groups.mean() if options.centre == "mean" else cuts[0.5]
    runs = groups.size()
    table = pd.DataFrame({
        "low": cuts.iloc[:, 0].where(runs >= FEW, groups.min()), "middle": middle,
        "high": cuts.iloc[:, -1].where(runs >= FEW, groups.max()), "runs": runs,
    }).reset_index()  # fmt: skip
    order = {arm: i for i, arm in enumerate(rows["arm"].unique())}
    key = table["arm"].map(order)
    return table.assign(key=key).sort_values(["key", "generation"])[COLUMNS]


def arm_labels(table: pd.DataFrame, options: Options) -> dict[str, str]:
    """Arm -> what it is called in the figure; a single arm without a name is "median"."""
    labels = {name: look.label for name, look in style.styles(table["arm"].unique()).items()}
    if list(labels) == ["all"]:
        labels["all"] = options.centre if table["runs"].max() > 1 else "one run"
    return labels


def draw_bands(chart: Chart, frame: pd.DataFrame, table: pd.DataFrame, options: Options) -> None:
    """The band and the middle of each arm, and single runs where they are asked for."""
    looks = style.styles(table["arm"].unique())
    labels = arm_labels(table, options)
    for arm, look in looks.items():
        rows = table[table["arm"] == arm]
        x = rows["generation"].to_numpy()
        several = rows["runs"].max() > 1
        if several:
            chart.axes.fill_between(x, rows["low"], rows["high"], color=look.colour, alpha=0.18,
                                    linewidth=0)  # fmt: skip
        chart.axes.plot(x, rows["middle"], color=look.colour, linestyle=look.line, linewidth=2.2,
                        marker=look.marker, markersize=5, markevery=_every(len(x)))  # fmt: skip
        name = labels[arm]
        chart.labels.append((float(rows["middle"].iloc[-1]), name, look.colour))
        chart.words.append(_sentence(name, rows, options))
        ends = rows.iloc[-1]
        spread = f" [{short(ends['low'])}, {short(ends['high'])}]" if several else ""
        chart.numbers.append(f"{name} {short(ends['middle'])}{spread}")
    if options.runs:
        _draw_runs(chart, frame, options, looks, labels)
    if len(looks) > 1:
        ends = table.groupby("arm", sort=False)["middle"].last()
        low, high = (labels[str(arm)] for arm in (ends.idxmin(), ends.idxmax()))
        chart.words.append(f"At the end {high} is the highest and {low} the lowest.")


def _draw_runs(
    chart: Chart, frame: pd.DataFrame, options: Options, looks: Mapping[str, style.PolicyStyle],
    labels: Mapping[str, str],
) -> None:  # fmt: skip
    rows = checked(frame, "frame", options)
    for arm, look in looks.items():
        group = rows[rows["arm"] == arm]
        wide = group.pivot(index="generation", columns="run", values="value")
        some = wide.iloc[:, : options.runs]
        paths = [np.column_stack([some.index, some[run]]) for run in some]
        chart.axes.add_collection(LineCollection(paths, colors=look.colour, linewidths=0.6,
                                                 alpha=0.45, zorder=1.5))  # fmt: skip
        whose = f" of {labels[str(arm)]}" if len(looks) > 1 else ""
        chart.words.append(f"{some.shape[1]} single runs{whose} are drawn as thin lines.")


def _sentence(name: str, rows: pd.DataFrame, options: Options) -> str:
    """From where to where one arm goes, and how far its runs lie apart at the end."""
    last = rows.iloc[-1]
    runs = int(last["runs"])
    which = f"the {options.centre} of {runs} runs"
    who = which if name == options.centre else f"{name}, {which},"
    who = who if runs > 1 else name  # a run, or a law, or a mean of others: its name says which
    text = f"{who} {_course(rows, options)}"
    if runs > 1:
        ends = f"{short(last['low'])} and {short(last['high'])}"
        text += f"; at the end {_share(runs, options.level)} runs lie between {ends}"
    return style.sentence(text) + "."


def _share(runs: int, level: float) -> str:
    """How many of so many runs a band holds. Of ten, a quantile of 5 % leaves one out, not half."""
    if runs < FEW:
        return "all"
    about = "" if runs * (1 - level) / 2 >= 1 - 1e-9 else "about "
    return f"{about}{percent(level)} of the"


def _course(rows: pd.DataFrame, options: Options) -> str:
    """How the middle goes: from its start to its end, by way of a turn that the eye would see."""
    values = rows["middle"].to_numpy(float)
    seen = np.log(values) if options.log else values
    low, high = sorted((seen[0], seen[-1]))
    beyond = np.maximum(seen - high, low - seen)  # how far outside of both ends
    turn = int(beyond.argmax())
    start, end = short(values[0]), short(values[-1])
    if beyond[turn] > max(TURN * np.ptp(seen), FLAT if options.log else FLAT * abs(values[0])):
        down, up = ("falls", "rises") if seen[turn] < low else ("rises", "falls")
        at = short(rows["generation"].iloc[turn])
        return f"{down} from {start} to {short(values[turn])} at {at} and {up} to {end}"
    how = "rises" if values[-1] > values[0] else "falls"
    if abs(values[-1] - values[0]) <= 0.01 * abs(values[0]):
        how = "stays, going"
    return f"{how} from {start} to {end}"


def draw_exact(chart: Chart, exact: Mapping[str, Curve], last: int) -> None:
    """Dotted lines: values from generation 0 on, or functions of the generation."""
    for name, curve in exact.items():
        if callable(curve):
            curve = [curve(generation) for generation in range(last + 1)]
        values = real_array(f"exact[{name!r}]", curve)
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            raise ValueError(f"exact[{name!r}] must hold finite values, one a generation")
        chart.axes.plot(range(len(values)), values, color=INK, linestyle=":", linewidth=1.6)
        chart.labels.append((float(values[-1]), name, INK))
        chart.words.append(f"The dotted line, {name}, goes from {short(values[0])} "
                           f"to {short(values[-1])}.")  # fmt: skip
        chart.numbers.append(f"{name} {short(values[-1])}")


def live_labels(live: pd.DataFrame | None, name: str = "your run") -> list[str]:
    """What the reader's own runs are called: `name`, or by their arms if there are several."""
    if live is None:
        return []
    arms = live["arm"].unique()
    return [name if len(arms) == 1 else f"your {arm}" for arm in arms]


def draw_live(
    chart: Chart, live: pd.DataFrame | None, table: pd.DataFrame, called: str = "your run"
) -> None:
    """The reader's own runs in ink, each compared with the band of its arm (or the first)."""
    if live is None:
        return
    looks = style.styles(table["arm"].unique())
    for name, arm in zip(live_labels(live, called), live["arm"].unique(), strict=True):
        rows = live[live["arm"] == arm]
        home = arm if arm in looks else next(iter(looks))
        for _, run in rows.groupby("run"):
            chart.axes.plot(run["generation"], run["value"], color=INK, linewidth=1.8,
                            linestyle=looks[home].line, path_effects=_HALO, zorder=4)  # fmt: skip
        end = rows.sort_values("generation").iloc[-1]
        chart.axes.plot(end["generation"], end["value"], color=INK, marker=looks[home].marker,
                        markersize=7, zorder=5)  # fmt: skip
        inside = _where(table[table["arm"] == home], rows)
        chart.labels.append((float(end["value"]), name, INK))
        early = end["generation"] < table["generation"].max()  # a run that was stopped, say
        value = short(end["value"]) + (f" at {short(end['generation'])}" if early else "")
        chart.words.append(f"{style.sentence(name)} ends at {value}, {inside}.")
        chart.numbers.append(f"{name} {value} ({inside})")


def _where(table: pd.DataFrame, live: pd.DataFrame) -> str:
    """Where a run ends: inside, above or below the band at that generation."""
    end = live.sort_values("generation").iloc[-1]
    at = table[table["generation"] == end["generation"]]
    if at.empty or at["runs"].iloc[0] < 2:
        return "no band there to compare with"
    if end["value"] > at["high"].iloc[0]:
        return "above the band"
    return "below the band" if end["value"] < at["low"].iloc[0] else "inside the band"


def draw_published(chart: Chart, published: Sequence[Point]) -> None:
    """Hollow diamonds, labelled once a source."""
    last: dict[str, tuple[float, float]] = {}
    for generation, value, source in published:
        x = real_number("published generation", generation)
        y = real_number("published value", value)
        chart.axes.plot(x, y, marker="D", markersize=8, markerfacecolor=style.PAPER,
                        markeredgecolor=INK, markeredgewidth=1.6, zorder=5)  # fmt: skip
        chart.words.append(f"{source} published {short(y)} at {short(x)}.")
        chart.numbers.append(f"{source} {short(y)}")
        last[source] = (x, y)
    for source, (_, y) in last.items():
        chart.labels.append((y, f"{DIAMOND} {source}", INK))


def draw_prediction(chart: Chart, predicted: tuple[float, float], at: int, log: bool) -> None:
    """The reader's interval as an upright bar at one generation."""
    low, high = sorted(real_number("predicted", end) for end in predicted)
    said = f"{short(low)} to {short(high)}"
    if log:  # an interval that reaches 0 goes to the bottom of a log axis
        floor = chart.axes.get_ylim()[0]
        low, high = max(low, floor), max(high, floor)
    colour = style.PALETTE["indigo"]
    chart.axes.plot([at, at], [low, high], color=colour, linewidth=7, alpha=0.45, zorder=3.5,
                    solid_capstyle="butt")  # fmt: skip
    chart.axes.plot([at, at], [low, high], color=colour, linestyle="", marker="_", markersize=15,
                    markeredgewidth=2.5, zorder=3.6)  # fmt: skip
    chart.labels.append(((low * high) ** 0.5 if log else (low + high) / 2, "your prediction",
                         colour))  # fmt: skip
    chart.words.append(f"Your prediction, {said}, is drawn at {at}.")
    chart.numbers.append(f"predicted {said}")


def _every(length: int) -> int:
    """Space markers so that a curve has about eight."""
    return max(1, length // 8)
