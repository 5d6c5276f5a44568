"""Learning from execution with longer rounds: the main arms of `execution`, fed more.

Five rounds of 800 tasks and 120 steps, as in the prototype that the course began with, instead of
four of 300 and 100; otherwise as `helpers.studies.execution`, whose docstring explains the arms.
Nothing was tuned for it: the round is the prototype's, the first writer is that of `execution`.

Written down when one seed of `execution` had been seen, before any of these runs. Expected: every
gate that runs programs gains more than there; unit_tests above unchecked by more than .1; unchecked
below human; repair and repair_resample with no difference whose 95 % interval excludes 0.
"""

from __future__ import annotations

import pandas as pd

from helpers.studies import execution

SEEDS = range(10)
SETTINGS = execution.SETTINGS | {
    "sets": execution.SETTINGS["sets"] | {"n_pool": 4000},
    "round_tasks": 800,
    "round_steps": 120,
    "rounds": 5,
    "arms": [
        "human",
        "unchecked",
        "unchecked_newest",
        "own_tests",
        "unit_tests",
        "repair",
        "repair_blank",
        "repair_resample",
    ],
}


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """The arms of SETTINGS for one seed: columns arm, generation (the round), metric, value."""
    return execution.trial(seed, scale, SETTINGS)


summary = execution.summary
