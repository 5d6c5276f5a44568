"""Samples that a study keeps for the figures: arrays by arm in helpers/results/NAME-samples.npz."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from io import BytesIO

import numpy as np

from helpers._ground import ROOT, write_whole


def read_samples(study: str) -> dict[str, np.ndarray]:
    """Recorded samples of seed 0 by arm, generations on axis 0."""
    path = files("helpers.results") / f"{study}-samples.npz"
    with path.open("rb") as file, np.load(file) as stored:
        return dict(stored)


def write_samples(study: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep `arrays` beside the results of `study`."""
    packed = BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    write_whole(ROOT / "helpers" / "results" / f"{study}-samples.npz", packed.getvalue())
