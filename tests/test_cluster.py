"""A study on a Dask cluster of separate processes: killed workers, a killed scheduler, bad input."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from distributed import Client, LocalCluster

from helpers import studies
from helpers.studies import _cluster

NAME = "squeeze"  # forty trials of a tenth of a second, recorded
SEEDS = list(studies._study(NAME).SEEDS)
STUDY = (NAME, "full", {})
# Ends with who started it: nobody writes to its input, which closes then.
PROGRAM = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, int]]:
    """Address and process of a scheduler; its two workers are processes of their own."""
    program = folder / "cluster.py"
    program.write_text(PROGRAM, encoding="utf-8")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, program], stdin=pipe, stdout=pipe, text=True, cwd=folder
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster(tmp_path_factory.mktemp("cluster")) as (address, _):
        yield address


def run(tmp_path: Path, **changes: Any) -> pd.DataFrame:
    return studies.run(NAME, **({"place": tmp_path / "place", "results": tmp_path} | changes))


def kept(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.glob("place/*/*/trial-*.json"))


@pytest.fixture
def after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Any]], None]:
    """after(n, do): `do` is called when n trials are kept, while the others compute."""
    todo: dict[int, Callable[[], Any]] = {}
    count = iter(range(1, 1_000))
    keep = studies._keep

    def kept_and_done(*arguments: Any) -> None:
        keep(*arguments)
        todo.get(next(count), lambda: None)()

    monkeypatch.setattr(studies, "_keep", kept_and_done)
    return todo.__setitem__


def kill_a_worker(
    client: Client, after: Callable[[int, Callable[[], Any]], None]
) -> tuple[int, list[str]]:
    """One that stopped in the middle of a trial; its process, and the trials that it had got."""
    process = next(iter(client.run(os.getpid).values()))
    held: list[str] = []

    def kill() -> None:
        at = {pid: worker for worker, pid in client.run(os.getpid).items()}
        held.extend(client.processing()[at[process]])
        os.kill(process, signal.SIGKILL)

    after(3, kill)
    return process, held


# --- what dies, and what it costs --------------------------------------------------------------


def test_a_worker_killed_in_mid_run_costs_nothing(
    scheduler: str, tmp_path: Path, after: Callable[[int, Callable[[], Any]], None]
) -> None:
    with Client(scheduler, set_as_default=False) as client:
        process, held = kill_a_worker(client, after)
        frame = run(tmp_path, backend="dask", scheduler=scheduler)
        client.wait_for_workers(2, timeout=60)
        assert process not in client.run(os.getpid).values()
    assert held  # it died with trials
    pd.testing.assert_frame_equal(frame, studies.load(NAME), rtol=1e-4)
    assert len(kept(tmp_path)) == len(SEEDS)


def test_a_trial_that_dask_gives_up_costs_only_itself(
    scheduler: str,
    tmp_path: Path,
    after: Callable[[int, Callable[[], Any]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def allow(failures: int) -> None:
        client.run_on_scheduler(
            lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", failures)
        )

    with Client(scheduler, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        allow(0)
        try:
            kill_a_worker(client, after)
            with pytest.raises(ConnectionError, match="given up: 1 workers died while they comp"):
                run(tmp_path, backend="dask", scheduler=scheduler)
        finally:
            allow(3)
    missing = len(SEEDS) - len(kept(tmp_path))
    assert 1 <= missing <= 2  # what one worker had got
    said = f"{len(SEEDS) - missing} of {len(SEEDS)} trials are done and kept"
    assert said in capsys.readouterr().out
    frame = run(tmp_path)  # here, what is missing
    assert f"{len(SEEDS)} trials, {missing} to run" in capsys.readouterr().out
    pd.testing.assert_frame_equal(frame, studies.load(NAME), rtol=1e-4)


def test_a_killed_scheduler_costs_no_finished_trial(
    tmp_path: Path,
    after: Callable[[int, Callable[[], Any]], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with cluster(tmp_path) as (address, process):
        after(3, lambda: os.kill(process, signal.SIGKILL))
        with pytest.raises(ConnectionError, match=f"the Dask scheduler at {address} is gone"):
            run(tmp_path, backend="dask", scheduler=address)
    done = len(kept(tmp_path))
    assert 3 <= done < len(SEEDS)
    assert f"{done} of {len(SEEDS)} trials are done and kept" in capfd.readouterr().out
    pd.testing.assert_frame_equal(run(tmp_path), studies.load(NAME), rtol=1e-4)


def test_a_trial_that_raises_does_not_stop_the_others(scheduler: str) -> None:
    found = _cluster.finished(scheduler, NAME, [100, -1, 101], "small", {})
    done = {}
    with pytest.raises(ValueError, match="non-negative"):  # numpy's word on the seed
        done.update(found)
    done |= dict(found)
    assert set(done) == {100, 101}
