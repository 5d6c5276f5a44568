"""Finished fits that are kept on disk: what the studies of models from the hub share.

A fit of a real language model takes minutes to hours, and a seed holds twenty of them. So each is
kept as it is done, in a folder that belongs to the study as it is now, and an interrupted trial
goes on behind the last one. Every fit starts from the pretrained weights, so a generation's text
and numbers are all that the next one needs; of the models only generation 0's is kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers._ground import write_whole
from helpers.loop import Generation, History, fit_stream, iterate

if TYPE_CHECKING:
    from helpers.models.hub import HubLanguageModel

Measure = Callable[[Any, np.ndarray], dict[str, float]]


def first(file: Path, unfitted: HubLanguageModel, real: np.ndarray, seed: int) -> HubLanguageModel:
    """Generation 0, fitted as `run_loop` would fit it, or read from `file` where it is there."""
    from helpers.models.hub import HubLanguageModel

    if file.exists():
        return HubLanguageModel.load(file)
    fitted = unfitted.fit(real, fit_stream(seed))
    fitted.save(file)
    return fitted


def run(
    folder: Path,
    name: str,
    unfitted: HubLanguageModel,
    real: np.ndarray,
    *,
    policy: Any,
    generations: int,
    seed: int,
    start: HubLanguageModel,
    measure: Measure,
    shared: str,
) -> list[dict[str, float]]:
    """The numbers of generations 0 to `generations`; those finished before are read, not run.

    name, shared: of the files in `folder`; generation 0 is SHARED-0, as it writes the same text
    whatever the policy will do with it. start: the fitted model that is generation 0. measure: of
    (fitted model, rows it wrote).
    """
    done: list[Generation] = []
    for g in range(generations + 1):
        file = folder / f"{shared if g == 0 else name}-{g}.json"
        if not file.exists():
            turns = iterate(
                unfitted, real, policy=policy, seed=seed, first=start, resume=History(done)
            )
            new = next(turns)
            rows = np.asarray(new.produced)
            content = {"rows": rows.tolist(), "numbers": measure(new.model, rows)}
            write_whole(file, json.dumps(content) + "\n")
            print(f"{file.stem} is done and kept", file=sys.stderr, flush=True)
        found = json.loads(file.read_text(encoding="utf-8"))
        rows = np.array(found["rows"], dtype=np.int64)
        done.append(Generation(g, None, rows, rows, {}, found["numbers"]))
    return [dict(generation.metrics) for generation in done]
