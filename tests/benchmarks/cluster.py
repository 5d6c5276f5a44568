"""What two workers bring a study: two jobs against one, and Dask's workers against joblib's own.

Trials at full scale, one after the other, by joblib's two processes, and by two workers of a Dask
cluster on this machine, with the settings that the page for clusters names: of `regression` (half a
second each, where what Dask does for each trial shows) and of `tails` (four seconds; of half the
recorded studies a trial takes over fifteen). Processes are started and have loaded the study before
the clock runs; no cluster stands idle beside what it is compared with, for it takes part of a core.
Alternating, wall clock, medians of ROUNDS. Targets, judged on `tails`: two jobs at least 1.7 times
one; Dask at most 15 % slower than joblib's own. Needs the extra `cluster` and two cores that nobody
else uses: what else runs is said, too, and so is what a trial costs alone and beside another.

    python tests/benchmarks/cluster.py
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers import studies
from helpers._ground import ROOT

os.environ["DASK_CONFIG"] = str(ROOT / "helpers" / "studies" / "dask.yaml")  # read by the import
from distributed import LocalCluster

TRIALS, ROUNDS = {"regression": 24, "tails": 8}, 3
FASTER, SLOWER = 1.7, 1.15


def seconds(name: str, **how: Any) -> tuple[float, float]:
    """Wall seconds of a run that finds no trial done, and CPU seconds of its trials."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        studies.run(name, place=Path(folder, "place"), results=Path(folder), **how)
        wall = time.perf_counter() - start
        return wall, json.loads(Path(folder, f"{name}.json").read_text("utf-8"))["cpu_seconds"]


def by_dask(name: str) -> tuple[float, float]:
    """The same by two workers of a cluster that lives no longer than this."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        how = {"backend": "dask", "scheduler": cluster.scheduler_address}
        seconds(name, scale="small", **how)  # loads the study
        return seconds(name, **how)


def ratios(name: str, n_trials: int) -> tuple[float, float]:
    """One job's time in those of two, and Dask's in those of joblib's two; says both."""
    study = studies._study(name)
    study.SEEDS = range(100, 100 + n_trials)  # only which seeds there are: workers do not ask
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        "one": lambda: seconds(name),
        "joblib": lambda: seconds(name, n_jobs=2),
        "dask": lambda: by_dask(name),
    }
    for jobs in (1, 2):  # loads the study, and starts joblib's processes
        seconds(name, scale="small", n_jobs=jobs)
    spent = {way: [run()] for way, run in ways.items()}
    for _ in range(1, ROUNDS):
        for way, run in ways.items():
            spent[way].append(run())
    one, joblib, dask = (statistics.median(wall for wall, _ in spent[way]) for way in ways)
    alone, beside = (statistics.median(cpu for _, cpu in spent[way]) for way in ("one", "joblib"))
    print(
        f"{n_trials} trials of {name}: one job {one:.1f} s; two jobs {joblib:.1f} s, "
        f"{one / joblib:.2f} times faster, target {FASTER} (a trial costs {beside / alone:.2f} "
        f"times its CPU seconds beside another); Dask's two workers {dask:.1f} s, "
        f"{dask / joblib:.2f} times the time of two jobs, target {SLOWER}; load of the machine "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    return one / joblib, dask / joblib


def main() -> int:
    """Print the ratios of both studies; 1 when a target is missed on the longer trials."""
    for name, n_trials in TRIALS.items():
        faster, slower = ratios(name, n_trials)
    return 0 if faster >= FASTER and slower <= SLOWER else 1


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
