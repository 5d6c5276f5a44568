"""Figures of the course: each function checks its data and returns a `Picture`.

A picture carries its own alternative text, a one-line summary and, where it helps, a small table,
all computed from the data that it draws. One colour, line and marker a policy, everywhere
(`policy_style`). Nothing here computes an experiment, and nothing here uses pyplot: pictures are
also drawn by widget callbacks, which run on other threads than the cells.

picture    Picture: the figure, its words, its HTML
style      palette, policies, number format, axes, labels beside the curves
curves     band, panels: a metric over the generations
tiles      quilt: rows of coloured tiles
shapes     ridge, histogram_pair: distributions
contrasts  contrasts, lottery: effects with intervals; who carries the mean
language   page, spreads: text as a picture; how its surprise spreads
diagrams   loop_map: where we are in the loop
"""

from helpers.plots.contrasts import contrasts, lottery
from helpers.plots.curves import band, panels
from helpers.plots.diagrams import KNOBS, loop_map
from helpers.plots.language import page, spreads
from helpers.plots.picture import Picture
from helpers.plots.shapes import histogram_pair, ridge
from helpers.plots.style import PALETTE, POLICY_COLOURS, PolicyStyle, policy_style, short
from helpers.plots.tiles import letters, quilt

__all__ = [
    "KNOBS",
    "PALETTE",
    "POLICY_COLOURS",
    "Picture",
    "PolicyStyle",
    "band",
    "contrasts",
    "histogram_pair",
    "letters",
    "loop_map",
    "lottery",
    "page",
    "panels",
    "policy_style",
    "quilt",
    "ridge",
    "short",
    "spreads",
]
