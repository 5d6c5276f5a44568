"""What two workers bring a study: two jobs against one, and Dask's workers against joblib's own.

The trials of `regression` at full scale, SEEDS of them, of half a second each: one after the other,
by joblib's two processes, and by two workers of a Dask cluster on this machine. Processes are
started and have loaded the study before the clock runs. Alternating, wall clock, medians of ROUNDS.
Targets: two jobs at least 1.7 times one; Dask at most 15 % slower than joblib's own. Needs the
extra `cluster` and two cores that nobody else uses: what else runs is said, too.

    python tests/benchmarks/cluster.py
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from distributed import LocalCluster

from helpers import studies

NAME, N_SEEDS, ROUNDS = "regression", 24, 3
FASTER, SLOWER = 1.7, 1.15


def seconds(**how: Any) -> float:
    """Wall seconds of a run that finds no trial done."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        studies.run(NAME, place=Path(folder, "place"), results=Path(folder), **how)
        return time.perf_counter() - start


def main() -> int:
    """Print both ratios; 1 when a target is missed."""
    study = studies._study(NAME)
    study.SEEDS = range(100, 100 + N_SEEDS)  # only which seeds there are: workers do not ask
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        ways: dict[str, dict[str, Any]] = {
            "one": {},
            "joblib": {"n_jobs": 2},
            "dask": {"backend": "dask", "scheduler": cluster.scheduler_address},
        }
        spent: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(ROUNDS + 1):
            for way, how in ways.items():
                took = seconds(**how)
                if number > 0:  # the first round starts processes and loads the study
                    spent[way].append(took)
    one, joblib, dask = (statistics.median(spent[way]) for way in ways)
    print(
        f"{N_SEEDS} trials: one job {one:.1f} s; two jobs {joblib:.1f} s, {one / joblib:.2f} times "
        f"faster, target {FASTER}; Dask's two workers {dask:.1f} s, {dask / joblib:.2f} times the "
        f"time of two jobs, target {SLOWER}; load of the machine {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} cores"
    )
    return 0 if one >= FASTER * joblib and dask <= SLOWER * joblib else 1


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
