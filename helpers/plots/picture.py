"""A figure that can be read without seeing it.

JupyterLab drops the alternative text of a PNG output, so a picture shows itself as HTML: an
`<img alt=...>` with the PNG inside, and its numbers in a table that opens on demand. The PNG comes
a second time by itself, for what cannot show HTML: `jupyter nbconvert` to LaTeX and PDF. What a
picture is not: a figure to draw on further. Make a new one instead.
"""

from __future__ import annotations

import base64
import html
import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from helpers._imports import interrupt_waits
from helpers.plots.style import DOTS_PER_INCH, PIXELS_PER_INCH, short

# A cell and a widget's callback may draw at the same time; Matplotlib shares caches.
_RENDERING = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """A figure with its words.

    figure   the Matplotlib figure, made without pyplot
    alt      what is seen, in sentences, for people who do not see it
    summary  one line with the numbers that matter, rounded: the output that tests compare
    table    the numbers behind the figure, or None
    """

    figure: Figure
    alt: str
    summary: str
    table: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        for name, text in (("alt", self.alt), ("summary", self.summary)):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{name} must say what the picture shows, got {text!r}")
        if "\n" in self.summary:
            raise ValueError(f"summary must be one line, got {self.summary!r}")

    @cached_property
    def png(self) -> bytes:
        """The figure as PNG bytes: the same bytes for the same figure (no date, no version)."""
        with _RENDERING:
            self.figure.set_dpi(DOTS_PER_INCH)
            canvas = FigureCanvasAgg(self.figure)
            canvas.draw()
            pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        # A palette makes the file three to four times smaller: notebooks are committed.
        palette = pixels.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        palette.save(buffer, "png", compress_level=4)
        return buffer.getvalue()

    def html(self) -> str:
        """The picture as HTML for a notebook's output or a `widgets.HTML`."""
        width = round(self.figure.get_figwidth() * PIXELS_PER_INCH)
        with interrupt_waits():  # half a drawing ends in errors of its own
            image = self._base64
            table = self._table_html()
        return (
            f'<img alt="{html.escape(self.alt)}" width="{width}" '
            f'style="max-width:100%;height:auto" src="data:image/png;base64,{image}">' + table
        )

    @property
    def _base64(self) -> str:
        return base64.b64encode(self.png).decode("ascii")

    def _table_html(self) -> str:
        if self.table is None or self.table.empty:
            return ""
        rows = self.table.to_html(index=False, border=0, float_format=short, na_rep="")
        return f"<details><summary>The numbers in this figure</summary>{rows}</details>"

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, Any]:
        page = self.html()  # first: an interrupt waits for it, and the PNG is drawn then
        return {"text/plain": self.summary, "text/html": page, "image/png": self._base64}

    def __repr__(self) -> str:
        return self.summary
