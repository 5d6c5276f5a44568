"""What is left of a widget on a page that is opened again, when no kernel is there to run it.

A widget's own output is then a dead "Error displaying widget". So each of our widgets is followed
by a second output, in HTML: what it showed last, and one line that says what to do. Style sheets
show either the one or the other: in JupyterLab and Notebook 7 the HTML hides while its widget
lives, and the dead widget hides beside its HTML. Elsewhere the HTML is there to be read.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

VIEW = "application/vnd.jupyter.widget-view+json"
LIVE = "ctl-live"  # the class of our widgets
KEPT = "course_kept"  # marks the second output in its metadata
KEPT_PAGE = '<div class="ctl-kept">'  # begins the HTML of that output
TO_DO = "This is how it was when the page was saved. Run this cell (Shift+Enter) to use it."
_ALIVE = f":has(.{LIVE}:not(.jupyter-widgets-disconnected))"
_STYLE = f"""<style>
.jp-OutputArea-child{_ALIVE} + .jp-OutputArea-child:has(.ctl-kept) {{ display: none; }}
.jp-OutputArea-child:not({_ALIVE}):has(+ .jp-OutputArea-child .ctl-kept) {{ display: none; }}
.ctl-kept {{ animation: ctl-appear 0s 1s both; }}
@keyframes ctl-appear {{ from {{ visibility: hidden; }} to {{ visibility: visible; }} }}
</style>"""


def view(widget: Any) -> dict[str, Any]:
    """What a front end needs to show a widget; empty when it is closed.

    ipywidgets 8 makes it itself, 7 does not: and 7 is what Colab can show.
    """
    if widget.comm is None:
        return {}
    return {VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.comm.comm_id}}


class Kept:
    """The second output of one widget. `text` and `page` say what it shows now."""

    def __init__(self, text: Callable[[], str], page: Callable[[], str]) -> None:
        self._text, self._page = text, page
        self._handle: Any = None

    def display(self, live: Mapping[str, Any]) -> None:
        """Show a widget, whose own bundle is `live`, and what is kept of it behind."""
        from IPython.display import display

        if VIEW in live:
            display({VIEW: live[VIEW], "text/plain": ""}, raw=True)
        self._handle = display(self._bundle(), raw=True, metadata={KEPT: True}, display_id=True)

    def renew(self) -> None:
        """Keep what the widget shows now."""
        if self._handle is not None:
            self._handle.update(self._bundle(), raw=True, metadata={KEPT: True})

    def _bundle(self) -> dict[str, str]:
        page = f"{_STYLE}{self._page()}<p><em>{html.escape(TO_DO)}</em></p>"
        return {"text/plain": self._text(), "text/html": f"{KEPT_PAGE}{page}</div>"}
