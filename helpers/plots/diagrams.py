"""Where we are in the loop: the map that every lesson opens with."""

from __future__ import annotations

from typing import Any

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers._arguments import one_of
from helpers.plots import style
from helpers.plots.picture import Picture
from helpers.plots.style import GREY, INK, PALETTE

# knob: the station that it turns, and the question that it answers
KNOBS = {
    "size": ("real data", "how many?"),
    "model": ("fit", "which family?"),
    "budget": ("fit", "how many steps?"),
    "sampler": ("sample", "how drawn?"),
    "verifier": ("verify", "who checks?"),
    "policy": ("choose", "what to fit to?"),
}
_STATIONS = ("real data", "fit", "sample", "verify", "choose")
_WIDE, _TALL, _STEP = 1.16, 0.56, 1.5
_HIGH, _LINE, _PILL, _DOWN = 3.35, 2.22, 1.39, 0.76  # sheet, stations, first pill, to the next


def loop_map(highlight: str | None = None, *, note: str = "") -> Picture:
    """Real data, fit, sample, verify, choose and back to fit, with the six knobs.

    highlight  the knob of this lesson: "size", "model", "budget", "sampler", "policy",
               "verifier"; None for the loop itself
    note       a few words of this lesson beside the knob ("against rarity", "the real share")
    """
    if highlight is not None:
        one_of("highlight", highlight, tuple(KNOBS))
    figure = style.sheet(_HIGH, width=7.6)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 7.6), ylim=(0, _HIGH))
    axes.axis("off")
    for place, station in enumerate(_STATIONS):
        _station(axes, place, station, highlight)
        if place:
            _arrow(axes, (_x(place - 1) + _WIDE / 2, _LINE), (_x(place) - _WIDE / 2, _LINE))
    _back(axes)
    if note:
        axes.text(0.22, _HIGH - 0.05, note, fontsize=11, color=INK, va="top", style="italic")
    knobs = ", ".join(f"{knob} at {where}" for knob, (where, _) in KNOBS.items())
    alt = f"Map of the loop: {', '.join(_STATIONS)}, and back to fit. Six knobs: {knobs}."
    where = f"the knob {highlight}" if highlight else "the whole loop"
    alt += f" This lesson turns {where}{f': {note}' if note else ''}"
    alt += "" if note.endswith((".", "?", "!")) else "."
    return Picture(figure, alt, f"we are here: {where}{f' ({note})' if note else ''}")


def _x(place: int) -> float:
    return 0.8 + place * _STEP


def _station(axes: Any, place: int, station: str, highlight: str | None) -> None:
    """A box, and under it a pill for each of its knobs, filled when it is this lesson's."""
    _box(axes, _x(place), _LINE, _WIDE, _TALL, "white", INK, station, INK, 12, 1.4)
    above = _LINE - _TALL / 2
    owned = [(knob, asks) for knob, (where, asks) in KNOBS.items() if where == station]
    for row, (knob, asks) in enumerate(owned):
        lit = knob == highlight
        colour = PALETTE["vermillion"] if lit else style.PAPER
        edge = PALETTE["vermillion"] if lit else GREY
        y = _PILL - row * _DOWN
        axes.plot([_x(place)] * 2, [above, y + 0.19], color=edge, linewidth=1.2,
                  linestyle="-" if lit else ":")  # fmt: skip
        _box(axes, _x(place), y, 1.0, 0.36, colour, edge, knob, "white" if lit else INK, 11, 1.2)
        axes.text(_x(place), y - 0.33, asks, ha="center", va="center", fontsize=10,
                  color=INK if lit else GREY, weight="bold" if lit else "normal")  # fmt: skip
        above = y - 0.45


def _box(
    axes: Any, x: float, y: float, wide: float, tall: float, face: str, edge: str,
    text: str, ink: str, size: float, line: float,
) -> None:  # fmt: skip
    axes.add_patch(
        FancyBboxPatch((x - wide / 2 + 0.08, y - tall / 2 + 0.08), wide - 0.16, tall - 0.16,
                       boxstyle="round,pad=0.08", facecolor=face, edgecolor=edge, linewidth=line)
    )  # fmt: skip
    axes.text(x, y, text, ha="center", va="center_baseline", fontsize=size, color=ink,
              weight="bold")  # fmt: skip


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, color=INK,
                                   linewidth=1.5, shrinkA=1, shrinkB=1))  # fmt: skip


def _back(axes: Any) -> None:
    """The arrow that closes the loop: from choose over the top back to fit."""
    top = _LINE + _TALL / 2
    axes.add_patch(
        FancyArrowPatch((_x(4), top), (_x(1), top), arrowstyle="-|>", mutation_scale=14,
                        connectionstyle="bar,fraction=0.075", color=INK, linewidth=1.5)
    )  # fmt: skip
    axes.text((_x(1) + _x(4)) / 2, top + 0.42, "next generation", ha="center", va="bottom",
              fontsize=10.5, color=INK)  # fmt: skip
