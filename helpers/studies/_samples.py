"""Samples that a study keeps for the figures: arrays by arm in helpers/results/NAME-samples.npz."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import numpy as np


def read_samples(study: str) -> dict[str, np.ndarray]:
    """Recorded samples of seed 0 by arm, generations on axis 0."""
    path = files("helpers.results") / f"{study}-samples.npz"
    with path.open("rb") as file, np.load(file) as stored:
        return dict(stored)


def write_samples(study: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep `arrays` beside the results of `study`."""
    path = files("helpers.results") / f"{study}-samples.npz"
    np.savez_compressed(str(path), allow_pickle=False, **arrays)
