"""The pictures of an explorer, one for each stop of one or two of its controls.

An explorer needs a kernel; in the book its reader moves through pictures that were drawn when the
book was made. They are kept in `.artefacts/` by what they depend on, so that a book whose code did
not change is made without drawing any. Which controls, and where they stop, is said in SHOWN: the
few that carry the argument of their lesson, small enough for a telephone.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import itertools
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from helpers._ground import write_whole
from helpers.authoring.course import Course
from helpers.authoring.fingerprint import fingerprint
from helpers.authoring.lesson import parse
from helpers.book.cells import Pictures
from helpers.book.forms import Frame, Stops, slider
from helpers.explorers.lesson_00 import QUILT_POLICIES
from helpers.explorers.lesson_02 import SHOW
from helpers.explorers.lesson_06 import MODELS
from helpers.explorers.quick_runs import POLICIES

# The explorer that a cell calls -> its controls that move in the book -> where they stop.
SHOWN: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "quilt_explorer": {"tiles": (10, 20, 40, 80, 160), "policy": QUILT_POLICIES},
    "gaussian_explorer": {"n": (5, 10, 20, 50, 200), "show": SHOW},
    "story_explorer": {
        "sampler": ("T = 1.2", "T = 1", "T = 0.8", "T = 0.5", "top-p = 0.9", "beam 5"),
        "generation": (0, 1, 2, 5),
    },
    "policy_explorer": {"model": MODELS, "policy": POLICIES},
    "mix_explorer": {"real": (100, 300, 1000, 3000, 10_000, 30_000, 100_000)},
}


class Frames:
    """The sliders of one book. `cache` is a folder that may be lost at any time."""

    def __init__(self, course: Course, cache: Path) -> None:
        self.course, self.cache = course, cache

    def slider(self, stem: str, pictures: Pictures, source: str) -> str:
        """The slider for a cell of the lesson `stem`; "" where it shows no explorer of SHOWN."""
        calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
        names = [getattr(call.func, "id", "") for call in calls]
        name = next((name for name in names if name in SHOWN), None)
        if name is None:
            return ""
        drawn = self._drawn(stem, name)
        kept = json.loads((drawn / "frames.json").read_text(encoding="utf-8"))
        frames = [
            Frame(pictures.keep((drawn / file).read_bytes()), alt, summary)
            for file, alt, summary in kept["frames"]
        ]
        controls = [Stops(label, tuple(texts), start) for label, texts, start in kept["controls"]]
        return slider(controls, frames)

    def _drawn(self, stem: str, name: str) -> Path:
        """The folder with the frames of an explorer: drawn now, if they are not there yet."""
        lesson = parse(self.course.lessons / f"{stem}.md", f"lessons/{stem}.md")
        made_of = f"{fingerprint(lesson, self.course.helpers)} {dict(SHOWN[name])}"
        folder = self.cache / f"{name}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"
        if not folder.is_dir():
            for old in self.cache.glob(f"{name}-*"):
                shutil.rmtree(old)
            work = self.cache / f"unfinished-{folder.name}"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            _draw(stem[:2], name, work)
            work.rename(folder)
        return folder


def _draw(number: str, name: str, folder: Path) -> None:
    explorer = getattr(importlib.import_module(f"helpers.explorers.lesson_{number}"), name)()
    shown = SHOWN[name]
    starts = explorer.values
    controls = [
        (explorer.label(control), [_text(value) for value in stops], stops.index(starts[control]))
        for control, stops in shown.items()
    ]
    frames = list(_frames(explorer, shown, folder))
    packed = json.dumps({"controls": controls, "frames": frames}, ensure_ascii=False, indent=1)
    write_whole(folder / "frames.json", packed)


def _frames(
    explorer: Any, shown: Mapping[str, tuple[Any, ...]], folder: Path
) -> Iterator[tuple[str, str, str]]:
    for number, values in enumerate(itertools.product(*shown.values())):
        picture = explorer.picture(**dict(zip(shown, values, strict=True)))
        write_whole(folder / f"{number:03}.png", picture.png)
        yield f"{number:03}.png", picture.alt, picture.summary


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:,}"
