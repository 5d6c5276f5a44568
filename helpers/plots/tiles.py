"""The fading quilt: rows of tiles, each tile one draw, rows stacked downwards.

The picture is composed pixel by pixel (200 x 100 tiles in a few hundredths of a second, where one
Matplotlib patch a tile would take seconds). Every kind of tile has its colour, its texture and
its letter, so that the quilt reads without colour.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from helpers._arguments import not_complex, positive_int
from helpers.plots import style
from helpers.plots.picture import Picture
from helpers.plots.style import DOTS_PER_INCH, INK, PIXELS_PER_INCH

MOST_KINDS = 40
_LETTERS = string.ascii_uppercase + "abdefghkmnqrty"  # lower case only where the shape is new
_HUES = (
    "#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7", "#D55E00",
    "#8FB8DE", "#BBBBBB", "#B5CC6A", "#C49A6C", "#E8A9A0", "#8E8CD8",
)  # fmt: skip
_COLOURS = np.array([
    [round(255 * part) for part in to_rgb(_HUES[kind % len(_HUES)])] for kind in range(MOST_KINDS)
], dtype=np.uint8)  # fmt: skip
# Twelve hues and ten textures: no two of forty kinds share both.
_PATTERN = np.array([kind % 5 + 5 * (kind // len(_HUES) % 2) for kind in range(MOST_KINDS)])
_LETTER_PIXELS = 21  # of the PNG: 14 CSS pixels, 10 points


def quilt(
    rows: np.ndarray | Sequence[Sequence[int]],
    *,
    kinds: int | None = None,
    group: bool = True,
    title: str = "",
    first: int = 0,
    axis: str = "generation",
    height: float | None = None,
) -> Picture:
    """Rows of tiles, one row a generation, the newest at the bottom.

    rows    integers (generations, tiles): which of the kinds 0, 1, ... each tile shows
    kinds   how many kinds there are at most 40 (default: the largest number that occurs, plus 1)
    group   put equal tiles of a row side by side (the order within a row carries nothing)
    first   number of the first row
    axis    what the rows are numbered by
    height  inches of the quilt itself; by default it grows with the rows up to about five
    """
    tiles = _checked(rows)
    top = int(tiles.max()) + 1
    kinds = top if kinds is None else positive_int("kinds", kinds, minimum=top)
    if kinds > MOST_KINDS:
        raise ValueError(f"kinds must be at most {MOST_KINDS}, got {kinds}")
    left = np.array([len(np.unique(row)) for row in tiles])
    tall = height or float(np.clip(0.24 * len(tiles), 0.24, 4.5))
    figure = style.sheet(tall + (0.85 if title else 0.55), title)
    wide = figure.get_figwidth() - 0.75 - 1.0
    shape = round(tall * DOTS_PER_INCH), round(wide * DOTS_PER_INCH)
    image = _compose(np.sort(tiles, axis=1) if group else tiles, shape, group)
    axes = style.add_axes(figure, 0.75, 0.15, 1.0, 0.7 if title else 0.4)
    axes.grid(False)
    axes.imshow(image, aspect="auto", interpolation="nearest",
                extent=(0, 1, first + len(tiles) - 0.5, first - 0.5))  # fmt: skip
    _margins(axes, left, first, axis)
    survivors = [letters(kinds)[kind] for kind in np.unique(tiles[-1])]
    return Picture(figure, _words(tiles, left, first, survivors, axis),
                   _line(left, first, survivors, axis),
                   _table(tiles, left, first, kinds, axis))  # fmt: skip


def letters(kinds: int) -> list[str]:
    """The letters by which a quilt names its kinds: A, B, C, ..."""
    return list(_LETTERS[: positive_int("kinds", kinds)])


def _checked(rows: Any) -> np.ndarray:
    tiles = not_complex("rows", rows)
    if tiles.ndim != 2 or tiles.size == 0:
        raise ValueError(f"rows must have the shape (generations, tiles), got {tiles.shape}")
    if not np.issubdtype(tiles.dtype, np.integer):
        if not np.issubdtype(tiles.dtype, np.floating) or not np.all(tiles == np.floor(tiles)):
            raise TypeError("rows must hold whole numbers, the kinds of the tiles")
        tiles = tiles.astype(int)
    if tiles.min() < 0:
        raise ValueError(f"rows must hold kinds from 0 on, got {tiles.min()}")
    return tiles


def _compose(tiles: np.ndarray, shape: tuple[int, int], group: bool) -> np.ndarray:
    """The quilt as an image of `shape` pixels (height, width): colours, textures, letters."""
    y, x = (np.arange(pixels) * count // pixels
            for pixels, count in zip(shape, tiles.shape, strict=True))  # fmt: skip
    kind = tiles.astype(np.uint8)[y[:, None], x[None, :]]
    dark = _textures()[_PATTERN[kind], np.arange(shape[0])[:, None] % 48, np.arange(shape[1]) % 48]
    inks = np.concatenate([_COLOURS, (_COLOURS * 0.86).astype(np.uint8)])
    image = inks.take(kind + np.uint8(MOST_KINDS) * dark, axis=0)
    tile = np.broadcast_to(x, shape)
    if group and shape[1] / tiles.shape[1] >= 10:
        _draw_seams(image, tile, y, 0.92)
    _draw_seams(image, kind if group else tile, y, 0.45)
    _stamp_letters(image, tiles, shape, group)
    return image


@lru_cache(maxsize=1)
def _textures() -> np.ndarray:
    """Ten patterns that repeat every 48 pixels, as masks of the darker ones (10, 48, 48)."""
    y, x = np.indices((48, 48))
    fine = [
        np.zeros((48, 48), bool), (x + y) % 8 < 3, (y % 8 < 3) & (x % 8 < 3), y % 8 < 3, x % 8 < 3,
    ]  # fmt: skip
    bold = [
        (x - y) % 12 < 4, (x // 6 + y // 6) % 2 == 0, x % 16 < 8, y % 16 < 8, (x + y) % 24 < 12,
    ]  # fmt: skip
    return np.array(fine + bold)


def _draw_seams(image: np.ndarray, block: np.ndarray, row: np.ndarray, light: float) -> None:
    """A pale line between rows, where they are tall enough, and a darker one between blocks."""
    side = block[:, 1:] != block[:, :-1]
    image[:, 1:][side] = (image[:, 1:][side] * light).astype(np.uint8)
    starts = np.flatnonzero(np.diff(row)) + 1
    if len(starts) and len(row) / (len(starts) + 1) >= 8:
        image[starts] = 251


def _stamp_letters(
    image: np.ndarray, tiles: np.ndarray, shape: tuple[int, int], group: bool
) -> None:
    """A letter in every block of tiles that is wide enough, in as many rows as have room."""
    size = _LETTER_PIXELS
    masks = _letter_masks(size)
    step = max(1, -(-size * 4 // 3 * len(tiles) // shape[0]))
    for row in range(0, len(tiles), step):
        middle = int((row + 0.5) * shape[0] / len(tiles))
        y = min(max(middle - size // 2, 0), shape[0] - size)
        steps = np.diff(tiles[row]) if group else np.ones(tiles.shape[1] - 1)
        edges = np.flatnonzero(steps) + 1
        bounds = np.concatenate([[0], edges, [tiles.shape[1]]]) * shape[1] / tiles.shape[1]
        for start, end, kind in zip(
            bounds[:-1], bounds[1:], tiles[row][np.append(0, edges)], strict=True
        ):
            if end - start < size * 0.85 or y < 0:
                continue
            x = min(max(int((start + end - size) / 2), 0), shape[1] - size)
            patch = image[y : y + size, x : x + size]
            mask = masks[kind][..., None]
            patch[:] = (patch * (1 - mask) + 20 * mask).astype(np.uint8)


@lru_cache(maxsize=4)
def _letter_masks(size: int) -> np.ndarray:
    """The letters as ink between 0 and 1, (40, size, size)."""
    figure = Figure(figsize=(MOST_KINDS * size / 100, size / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    for kind, letter in enumerate(_LETTERS):
        figure.text((kind + 0.5) / MOST_KINDS, 0.47, letter, ha="center", va="center",
                    fontsize=size * 0.62, weight="bold")  # fmt: skip
    canvas.draw()
    strip = 1 - np.asarray(canvas.buffer_rgba())[..., 0] / 255
    return np.stack(np.split(strip, MOST_KINDS, axis=1))


def _margins(axes: Any, left: np.ndarray, first: int, axis: str) -> None:
    """Generations at the left; at the right how many colours the row has."""
    axes.set_xticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    style.round_ticks(axes.yaxis, 10, whole=True)
    axes.set_ylabel(axis if len(left) > 3 else "", fontsize=11, color=INK)
    axes.set_ylim(first + len(left) - 0.5, first - 0.5)
    tall = axes.get_window_extent().height / axes.figure.dpi * PIXELS_PER_INCH
    step = int(np.ceil(20 * len(left) / tall))
    for row in range(0, len(left), step):
        axes.text(1.015, first + row, str(left[row]), transform=axes.get_yaxis_transform(),
                  va="center", fontsize=10.5, color=INK)  # fmt: skip
    axes.text(1.0, 1 + 8 / tall, "colours", transform=axes.transAxes, ha="left",
              va="bottom", fontsize=10.5, color=INK)  # fmt: skip


def _words(tiles: np.ndarray, left: np.ndarray, first: int, survivors: list[str], axis: str) -> str:
    generations, width = tiles.shape
    if generations == 1:
        return f"A row of {width} tiles of {left[0]} colours: {', '.join(survivors)}."
    last = first + generations - 1
    text = (f"A quilt of {generations} rows, {axis} {first} to {last}, of "
            f"{width} tiles each. The first row holds {left[0]} colours, the middle row "
            f"{left[generations // 2]}, the last row {left[-1]}: "
            + ", ".join(survivors) + ".")  # fmt: skip
    alone = np.flatnonzero(left == 1)
    if len(alone):
        text += f" From {axis} {first + alone[0]} on there is a row of one single colour."
    return text


def _line(left: np.ndarray, first: int, survivors: list[str], axis: str) -> str:
    start = f"{left[0]} colours at {axis} {first}"
    if len(left) == 1:
        return start
    names = " ".join(survivors)
    return f"{start}, {left[-1]} at {axis} {first + len(left) - 1}: {names}"


def _table(tiles: np.ndarray, left: np.ndarray, first: int, kinds: int, axis: str) -> pd.DataFrame:
    rows = np.unique(np.linspace(0, len(left) - 1, 8).round().astype(int))
    alive = [" ".join(letters(kinds)[k] for k in np.unique(tiles[row])) for row in rows]
    return pd.DataFrame({axis: first + rows, "colours": left[rows], "which": alive})
