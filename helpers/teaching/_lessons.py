"""What the lessons tell this room: their claims, how much they ask, the Monday list.

`course build` writes it (`helpers.authoring.told`), so that nothing of it is counted or typed by
hand, and so that an installation without the lessons has it, too.
"""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any


@functools.cache
def told() -> dict[str, Any]:
    """All of it; `helpers.authoring.told.told` says what it holds."""
    return dict(json.loads(files("helpers.teaching").joinpath("lessons.json").read_text("utf-8")))


def asked() -> dict[str, int]:
    """How many predictions all lessons hold that will meet their answer: intervals, choices."""
    each = told()["predictions"].values()
    return {kind: sum(one[kind] for one in each) for kind in ("intervals", "choices")}


def card(name: str) -> dict[str, Any]:
    """Of one claim card: `judged`, what lessons say of it, and `rows` of the scorecard."""
    return dict(told()["claims"].get(name, {"judged": [], "rows": {}}))
