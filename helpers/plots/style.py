"""House style: palette, one look a policy, number format, axes, labels beside the curves.

The palette is Okabe and Ito's (2008), made for colour-blind readers, with two of Paul Tol's
muted colours; the light ones are darkened so that each has a contrast of at least 3 : 1 with the
page. Colour is never alone: each policy also has its line and its marker. Figures have an opaque
light background, so they read the same in JupyterLab's dark theme.
"""

from __future__ import annotations

import math
import re
import textwrap
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

PIXELS_PER_INCH = 100  # of the page: a figure 7.2 inches wide is shown 720 CSS pixels wide
DOTS_PER_INCH = 150  # of the PNG: half as many again, for sharp text on dense screens
WIDTH = 7.2

PAPER = "#FBFAF7"
INK = "#222222"
GREY = "#6B6B6B"
PALETTE = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#00835F",
    "purple": "#B0528A",
    "ochre": "#A87400",
    "sky": "#2A8FC4",
    "wine": "#882255",
    "indigo": "#332288",
    "rose": "#B5485F",
    "ink": INK,
}


@dataclass(frozen=True)
class PolicyStyle:
    """How a policy looks in every figure: colour, line (Matplotlib's words) and marker."""

    name: str
    label: str
    colour: str
    line: Any = "-"
    marker: str = "o"


# By name, and not asked of the policies: figures draw recorded tables, in which a policy is a word,
# and plots lies below policies, which know nothing of colours. A word without a line here gets a
# default; a test sees to it that every policy of helpers.policies has a line.
_STYLES = {
    style.name: style
    for style in (
        PolicyStyle("replace", "replace", PALETTE["vermillion"], "-", "o"),
        PolicyStyle("accumulate", "accumulate", PALETTE["blue"], "-", "s"),
        PolicyStyle("subsample", "subsample", PALETTE["green"], (0, (6, 2)), "^"),
        PolicyStyle("mix", "mix with real", PALETTE["ochre"], (0, (4, 2, 1, 2)), "D"),
        PolicyStyle("fresh", "fresh real", PALETTE["sky"], (0, (2, 1.5)), "v"),
        PolicyStyle("frozen", "frozen real", PALETTE["indigo"], (0, (1, 1.5)), "p"),
        PolicyStyle("detect-and-drop", "detect and drop", PALETTE["rose"], (0, (5, 1, 1, 1)), "h"),
        PolicyStyle("synthetic-only", "synthetic only", PALETTE["purple"], (0, (8, 2)), "P"),
        PolicyStyle("newest-growing", "newest, growing", PALETTE["wine"], (0, (1, 1)), "X"),
        PolicyStyle("human", "human only", PALETTE["ink"], "-", "*"),
    )
}
POLICY_COLOURS = {name: style.colour for name, style in _STYLES.items()}

# Arms that go by another name than the policy whose look they take.
_ALIASES = {
    "a-tenth-real-redrawn": "mix",
    "fresh-real": "fresh",
    "frozen-real": "frozen",
    "fresh-one-in-ten": "fresh",
    "fresh-real-rows": "fresh",
    "grown": "newest-growing",
    "half-real": "mix",
    "keep-synthetic-only": "synthetic-only",
    "newest": "newest-growing",
    "nothing": "human",  # no loop at all: the model of the real rows is kept
    "real": "human",
    "real-only": "human",
    "human-only": "human",
    "reference-only": "human",
}
# Arms that are no policies and stand in several figures of a lesson: each takes the turn of its
# place here, whatever stands beside it. Six neighbours have six colours, and arms of one figure
# differ as far as six go. A test of the lessons says when an arm is missing.
_ARMS_IN_TURN = (
    ("accumulate", "a tenth real, redrawn",  # policies, whose colours these two turns have
     "4 times the samples", "a larger net", "3 times the training"),
    ("T = 1.2", "T = 1", "top-p = 0.9", "T = 0.8", "T = 0.5"),
    ("unit tests", "unchecked", "repair", "own tests", "the start", "newest only", "blank",
     "resample", "parser and linter", "newest only, T=1.2", "newest only, T=0", "kind",
     "more practice", "random, in each task", "random, overall", "trace", "two turns",
     "reference programs"),
    ("small, by the big one", "small, start", "big, start", "small, itself", "big, itself",
     "small, reference only", "big, reference only", "small, itself, checked",
     "big, itself, checked", "small, twin", "small, twin, checked", "twin of the small one",
     "small, by the big one, checked", "big, twin", "big, twin, checked", "big, by the small one",
     "big, by the small one, checked", "twin of the big one", "small, half start, itself",
     "big, half start, itself", "small, half start, reference only",
     "big, half start, reference only"),
)  # fmt: skip
_OTHERS = tuple(PALETTE[name] for name in ("blue", "ochre", "purple", "green", "wine", "sky"))
_LINES = ("-", (0, (5, 2)), (0, (1, 1)), (0, (4, 2, 1, 2)))
_MARKERS = "osD^vPX*"


def policy_style(policy: object) -> PolicyStyle:
    """The look of a policy, given as an object with `name` and `label` or by its name.

    Names may use spaces, hyphens or underscores, and end in a number: mix10 is a mix. One that
    has no look of its own gets a default, the same in every figure.
    """
    name = policy if isinstance(policy, str) else getattr(policy, "name", type(policy).__name__)
    label = name if isinstance(policy, str) else getattr(policy, "label", name)
    known = _known(name)
    if known is None:
        turn = zlib.crc32(_key(name).encode())
        return _in_turn(_key(name), label, turn)
    return known if isinstance(policy, str) else replace(known, label=label)


def styles(names: Iterable[str]) -> dict[str, PolicyStyle]:
    """A look for each curve of one figure, by name: what is known keeps its own, others take turns.

    A difference, "repair less unchecked" written with a minus sign, looks as its first arm does.
    """
    known = {name: _known(name) for name in names}
    free = _free([look for look in known.values() if look is not None])
    return {
        name: _in_turn(name, name, next(free)) if look is None
        else replace(look, label=name if _key(name) in _TURNS else name.replace("-", " "))
        for name, look in known.items()
    }  # fmt: skip


def _key(name: str) -> str:
    first = name.split(" \N{MINUS SIGN} ")[0]
    return first.strip().lower().replace(" ", "-").replace("_", "-").replace(",", "")


def _known(name: str) -> PolicyStyle | None:
    key = re.sub(r"-?\d[\d.-]*(-%-real)?$", "", _key(name))  # mix10, "mix, 10 % real": a mix
    if (policy := _STYLES.get(_ALIASES.get(key, key))) is not None:
        return policy
    turn = _TURNS.get(_key(name))
    return None if turn is None else _in_turn(name, name, turn)


_TURNS = {_key(arm): turn for arms in _ARMS_IN_TURN for turn, arm in enumerate(arms)}


def _free(looks: Sequence[PolicyStyle]) -> Iterator[int]:
    """Turns beside `looks`: colours that none of them has come first."""
    colours, taken = {look.colour for look in looks}, {(look.colour, look.line) for look in looks}
    turns = [_in_turn("", "", turn) for turn in range(len(_OTHERS) * len(_LINES))]
    free = [turn for turn, look in enumerate(turns) if (look.colour, look.line) not in taken]
    return cycle(sorted(free, key=lambda turn: turns[turn].colour in colours))


def _in_turn(name: str, label: str, turn: int) -> PolicyStyle:
    line = _LINES[turn // len(_OTHERS) % len(_LINES)]
    colour = PALETTE.get(name, _OTHERS[turn % len(_OTHERS)])  # "green" is drawn in green
    return PolicyStyle(name, label, colour, line, _MARKERS[turn % len(_MARKERS)])


def short(number: float, digits: int = 3) -> str:
    """A number in `digits` significant digits, without needless zeros or exponents."""
    if math.isinf(number):
        return "\N{INFINITY}" if number > 0 else "-\N{INFINITY}"
    if number == 0 or math.isnan(number):
        return f"{number:g}"
    if abs(number) < 1e-3 or abs(number) >= 1e6:
        mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(number))))
    text = f"{round(number, digits - 1 - math.floor(math.log10(abs(number)))):,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded(number: float, decimals: int) -> float:
    """`number` as the texts round it, which have six digits of it; never a negative zero."""
    return round(float(f"{number:.6g}"), decimals) + 0.0


def sentence(text: str) -> str:
    """`text` as the beginning of a sentence; a symbol, as in n = 10, keeps its case."""
    return text if text[1:4] == " = " else text[0].upper() + text[1:]


def percent(share: float, digits: int = 0) -> str:
    """A share as a percentage, in words: .125 is 12 %."""
    return f"{100 * share:.{digits}f} %"


def sheet(height: float, title: str = "", width: float = WIDTH) -> Figure:
    """An empty figure in house style, `width` by `height` inches, the title at the top left."""
    figure = Figure(figsize=(width, height), facecolor=PAPER)
    if title:
        figure.text(
            0.12 / width, 1 - 0.1 / height, title,
            ha="left", va="top", fontsize=12.5, color=INK, weight="bold",
        )  # fmt: skip
    return figure


def add_axes(
    figure: Figure, left: float, bottom: float, right: float, top: float, **options: Any
) -> Axes:
    """Axes in house style; the four margins are inches from the figure's edges."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        (left / width, bottom / height,
         1 - (left + right) / width, 1 - (bottom + top) / height),
        facecolor=PAPER, **options,
    )  # fmt: skip
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=10, color=GREY)
    axes.grid(axis="y", color="#DDDBD4", linewidth=0.7)
    axes.set_axisbelow(True)
    return axes


def name_axes(axes: Axes, x: str, y: str) -> None:
    """Label both axes in house style."""
    axes.set_xlabel(x, fontsize=11, color=INK)
    axes.set_ylabel(y, fontsize=11, color=INK)


def keep_clear(axes: Axes) -> None:
    """Give the value axis more room at the left, where its numbers or its name take more of it.

    The name stands beyond the numbers; a margin has room for six characters and one line of a name.
    """
    low, high = sorted(axes.get_ylim())
    seen = [place for place in axes.get_yticks() if low <= place <= high]
    longest = max(map(len, axes.yaxis.get_major_formatter().format_ticks(seen)), default=0)
    inches = axes.figure.bbox.width / axes.figure.dpi
    lines = axes.yaxis.label.get_text().count("\n")
    if (more := (0.08 * (longest - 6) + 0.2 * lines) / inches) > 0:
        left, bottom, width, height = axes.get_position().bounds
        axes.set_position((left + more, bottom, width - more, height))


def round_ticks(axis: Axis, most: int, *, whole: bool = False) -> None:
    """About `most` ticks as people count, by ones, twos, fives and tens; `whole`: no fractions."""
    steps = [1, 2, 5, 10]  # the library's own hold 4 and 8, with which no tick stands at 10 or 50
    axis.set_major_locator(MaxNLocator(most, steps=steps, integer=whole, min_n_ticks=1))


def log_ticks(axis: Axis) -> None:
    """Powers of ten in plain text: minor ticks and typeset formulas cost a slider its speed."""
    axis.set_major_locator(LogLocator(numticks=7))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(_power))


def count_ticks(axis: Axis) -> None:
    """1, 2, 5, 10, 20 ... in plain text on a log axis of counts, such as tries or rows."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=20))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,g}"))


def _power(number: float, _: int | None = None) -> str:
    exponent = round(math.log10(number))
    if -2 <= exponent <= 3:
        return f"{number:,g}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def label_room(labels: Sequence[str]) -> float:
    """Inches to keep free at the right of the axes for these labels."""
    longest = max((len(line) for label in labels for line in wrap(label)), default=0)
    return 0.3 + 0.085 * longest


def wrap(label: str, width: int = 19) -> list[str]:
    """A label in lines short enough to stand beside a curve."""
    return textwrap.wrap(label, width) or [""]


def label_right(axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Write (height, text, colour) beside the curves, moved apart where they would overlap.

    Call it when the limits of the axes are final. A thin line leads from a moved label home.
    """
    if not labels:
        return
    tall = axes.get_window_extent().height / axes.figure.dpi * PIXELS_PER_INCH
    homes = [_share(axes, height) for height, _, _ in labels]
    order = sorted(range(len(labels)), key=lambda i: homes[i])
    sizes = [17 * len(wrap(text)) / tall for _, text, _ in labels]
    places = _spread([homes[i] for i in order], [sizes[i] for i in order])
    for i, place in zip(order, places, strict=True):
        _, text, colour = labels[i]
        axes.annotate(
            "\n".join(wrap(text)), (1.0, homes[i]), (1.035, place),
            xycoords="axes fraction", textcoords="axes fraction", annotation_clip=False,
            ha="left", va="center", fontsize=10.5, color=colour, linespacing=1.1,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8, "alpha": 0.6,
                        "shrinkA": 1, "shrinkB": 0, "relpos": (0, 0.5)},
        )  # fmt: skip


def _share(axes: Axes, height: float) -> float:
    """Where a data height lies between the bottom (0) and the top (1) of the axes."""
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        low, high, height = math.log(low), math.log(high), math.log(max(height, low))
    return min(1.0, max(0.0, (height - low) / (high - low)))


def _spread(homes: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Places as near to the sorted `homes` as may be (least squares), such that none overlap."""
    gaps = [0.0] + [(a + b) / 2 for a, b in pairwise(sizes)]
    starts = np.cumsum(gaps)
    free = np.asarray(homes) - starts
    if (np.diff(free) < 0).any():  # some overlap
        from scipy.optimize import isotonic_regression  # here: half a second, for who needs it

        free = isotonic_regression(free).x
    # Stay beside the axes; a few labels too many grow downwards, where the axis has room.
    free = np.minimum(free, 1.03 - starts[-1])
    return list(np.maximum(free, min(0.0, 1.03 - starts[-1])) + starts)
