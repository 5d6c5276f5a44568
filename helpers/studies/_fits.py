"""A folder of finished fits: a small file each, and the texts that later fits train on.

What is recorded fit by fit on machines that are lent for minutes is carried from one to the next as
such a folder. A fit is there whole or not at all, whenever its machine was taken away.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from helpers._ground import write_whole
from helpers.models.gpt import GPT


class Folder:
    """The fits in `path`, made if it is not there.

    mark: of settings and code. ValueError where a fit in the folder has another: such fits cannot
    stand in one table.
    """

    def __init__(self, path: Path, mark: str) -> None:
        self.path, self.mark = Path(path), mark
        self.path.mkdir(parents=True, exist_ok=True)
        strange = [name for name, content in self.all().items() if content["mark"] != mark]
        if strange:
            raise ValueError(
                f"{path} must be empty or hold fits of these settings and this code, got "
                f"{strange[0]} of others: name another folder"
            )

    def all(self) -> dict[str, dict[str, Any]]:
        """What is kept of every fit, by name."""
        return {path.stem: self.read(path.stem) for path in sorted(self.path.glob("*-g*.json"))}

    def has(self, name: str) -> bool:
        """Whether that fit is finished."""
        return (self.path / f"{name}.json").exists()

    def read(self, name: str) -> dict[str, Any]:
        """What is kept of a finished fit."""
        content: dict[str, Any] = json.loads((self.path / f"{name}.json").read_text("utf-8"))
        return content

    def keep(self, name: str, content: dict[str, Any], text: np.ndarray | None = None) -> None:
        """Keep a fit, and the tokens (rows, length) that it wrote."""
        if text is not None:  # first: a fit that is there has its text
            file = io.BytesIO()
            small = np.uint16 if text.max() < 2**16 else np.uint32
            np.savez_compressed(file, text=text.astype(small))
            write_whole(self.path / f"{name}.npz", file.getvalue())
        write_whole(self.path / f"{name}.json", json.dumps(content | {"mark": self.mark}) + "\n")

    def text(self, name: str) -> np.ndarray:
        """What a finished fit wrote, (rows, length) tokens; ValueError where it is not there."""
        path = self.path / f"{name}.npz"
        if not path.exists():
            raise ValueError(
                f"{self.path} must hold {path.name}, on which a fit still to come trains: carry "
                f"the folder whole, or delete {name}.json to have it written again"
            )
        with np.load(io.BytesIO(path.read_bytes())) as packed:
            tokens: np.ndarray = packed["text"].astype(np.int64)
        return tokens

    def drop_texts(self, needed: Set[str]) -> None:
        """Away with all texts but those of the fits in `needed`."""
        for path in self.path.glob("*.npz"):
            if path.stem not in needed:
                path.unlink()

    def about(self) -> dict[str, Any]:
        """For a record: seconds, versions and cards of all, and each fit without its numbers."""
        fits = list(self.all().values())
        cards, torches = ({fit[key] for fit in fits} for key in ("card", "torch"))
        return {
            "cpu_seconds": round(sum(sum(fit["seconds"].values()) for fit in fits), 1),
            "versions": {"torch": ", ".join(sorted(torches))},
            "machine": ", ".join(sorted(cards)),
            "fits": [
                {key: value for key, value in fit.items() if key not in ("measures", "mark")}
                | {"excess": fit["measures"]["excess"]}
                for fit in fits
            ],
        }

    def differences(
        self, other: Folder, names: Sequence[str], tolerance: Mapping[str, float], rest: float
    ) -> list[tuple[str, str, float, float, str, str]]:
        """Where the same fit was another: name, metric, both values and both cards.

        tolerance: by metric, as a share of the value; `rest` for those that it does not name.
        """
        found = []
        for name in names:
            old, new = self.read(name), other.read(name)
            for metric, value in old["measures"].items():
                again, allowed = new["measures"][metric], tolerance.get(metric, rest)
                if not np.isclose(again, value, rtol=allowed, atol=1e-9, equal_nan=True):
                    found.append((name, metric, value, again, old["card"], new["card"]))
        return found


class Clocked(GPT):
    """A GPT that knows how long its fit took."""

    def fit(self, *given: Any, **named: Any) -> Clocked:
        """As `GPT.fit`; a fit whose loss breaks leaves no model, as there."""
        began = time.perf_counter()
        super().fit(*given, **named)
        self.fit_seconds_ = time.perf_counter() - began
        return self
