"""A study on a Dask cluster of separate processes: what is killed, what is refused, the page."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask
import pandas as pd
import pytest
import yaml
from distributed import Client, LocalCluster
from joblib import effective_n_jobs, parallel_config

from helpers import studies
from helpers._ground import ROOT
from helpers.data.stories import StoryGrammar
from helpers.models.gpt import GPT
from helpers.studies import _cluster, gpt_scale, nature_opt, stories

NAME = "squeeze"  # forty trials of a tenth of a second, recorded
SEEDS = list(studies._study(NAME).SEEDS)
STUDY = (NAME, "full", {})
SETTINGS = Path("helpers", "studies", "dask.yaml")  # of workers, as the page names it
PAGE = ROOT / "lessons" / "instructors" / "clusters.md"
# Ends with who started it: nobody writes to its input, which closes then.
PROGRAM = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(
        n_workers=int(sys.argv[1]),
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=":0",
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[tuple[str, int]]:
    """Address and process of a scheduler; its workers are processes of their own."""
    program = folder / "cluster.py"
    program.write_text(PROGRAM, encoding="utf-8")
    pipe = subprocess.PIPE
    changes = {
        "DASK_CONFIG": str(ROOT / SETTINGS),
        # Fifteen seconds after a worker's death a LocalCluster ends the one in its place, should
        # that one have died a moment ago, too. Here the next test kills it again.
        "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1 hour",
    }
    with subprocess.Popen(
        [sys.executable, program, str(workers)],
        stdin=pipe,
        stdout=pipe,
        text=True,
        cwd=folder,
        env=os.environ | changes,
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


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """A call that joblib waits for in vain fails its test; it would hold up all others."""
    if not hasattr(signal, "SIGALRM"):  # Windows
        yield
        return

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(180)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


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
    """One in the middle of its trials; its process, and the trials that it will have had."""
    worker, process = next(iter(client.run(os.getpid).items()))
    held: list[str] = []

    def kill() -> None:
        held.extend(client.processing()[worker])
        os.kill(process, signal.SIGKILL)

    after(1, lambda: os.kill(process, signal.SIGSTOP))  # what it has got, it does not finish
    after(4, kill)
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
            _, held = kill_a_worker(client, after)
            with pytest.raises(ConnectionError, match="given up: workers died at it, 1 of them"):
                run(tmp_path, backend="dask", scheduler=scheduler)
        finally:
            allow(3)
    missing = len(SEEDS) - len(kept(tmp_path))
    assert missing == len(held) > 0
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


def test_a_result_that_was_on_its_way_is_lost_with_the_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask then stops looking after its trial, and joblib hears neither a result nor an error."""
    gather = Client._gather_remote
    with cluster(tmp_path) as (address, process):

        async def killed(*arguments: Any, **named: Any) -> Any:
            if len(kept(tmp_path)) >= 3:
                os.kill(process, signal.SIGKILL)
            return await gather(*arguments, **named)

        monkeypatch.setattr(Client, "_gather_remote", killed)
        with pytest.raises(ConnectionError, match=f"the Dask scheduler at {address} is gone"):
            run(tmp_path, backend="dask", scheduler=address)
    assert 3 <= len(kept(tmp_path)) < len(SEEDS)


def test_one_worker_is_enough(tmp_path: Path) -> None:
    """joblib computes what is one job in its own process: here, where there is no worker."""
    with cluster(tmp_path, workers=1) as (address, _):
        assert dict(_cluster.finished(address, NAME, [100, 101], "small", {})).keys() == {100, 101}


def test_a_trial_that_raises_does_not_stop_the_others(scheduler: str) -> None:
    found = _cluster.finished(scheduler, NAME, [100, -1, 101], "small", {})
    done = {}
    with pytest.raises(ValueError, match="non-negative"):  # numpy's word on the seed
        done.update(found)
    done |= dict(found)
    assert set(done) == {100, 101}


# --- bad input: one sentence, soon, before any trial -------------------------------------------


def refused(what: str, kind: type[Exception], match: str, tmp_path: Path, **changes: Any) -> None:
    with pytest.raises(kind, match=match) as told:
        run(tmp_path, **({"backend": "dask", "scheduler": what} | changes))
    assert "\n" not in str(told.value)
    assert not kept(tmp_path)


def test_what_is_no_scheduler_is_said_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_cluster, "SOON", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections and says nothing
        nobody, silent = "tcp://127.0.0.1:1", f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        for address in (nobody, silent):
            start = time.monotonic()
            message = f"no Dask scheduler answers at {address} within 0.5 seconds"
            refused(address, ConnectionError, message, tmp_path)
            assert time.monotonic() - start < 20
    for address in ("nonsense", "foo://127.0.0.1:1", ""):
        message = f"scheduler must be like tcp://HOST:8786, got '{address}'"
        refused(address, ValueError, message, tmp_path)
    assert studies.main(["run", NAME, "--backend", "dask", "--scheduler", nobody]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"course study: no Dask scheduler answers at {nobody} within 0.5 seconds"
    ]


def test_a_scheduler_without_a_worker_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cluster, "SOON", 0.5)
    with LocalCluster(
        n_workers=0, processes=False, host="127.0.0.1", protocol="tcp", dashboard_address=":0"
    ) as empty:
        address = empty.scheduler_address
        message = f"the Dask scheduler at {address} has no worker yet"
        refused(address, ConnectionError, message, tmp_path)


def test_workers_of_two_threads_are_refused(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = r"workers must have one thread \(--nthreads 1\), tcp://.* has 2"

    def threads(dask_worker: Any, count: int) -> None:
        dask_worker.state.nthreads = count

    monkeypatch.setattr(Client, "nthreads", lambda self: {"tcp://127.0.0.1:9": 2})
    refused(scheduler, ValueError, message, tmp_path)
    # One that comes when the others have been checked.
    monkeypatch.setattr(Client, "nthreads", lambda self: {})
    with Client(scheduler, set_as_default=False) as client:
        client.run(threads, count=2)
        try:
            refused(scheduler, ValueError, message, tmp_path)
        finally:
            client.run(threads, count=1)


def test_workers_of_another_version_are_refused(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = _cluster._stand(*STUDY)
    assert set(ours) == {NAME, *_cluster.PACKAGES}
    for what in (NAME, "torch"):
        monkeypatch.setattr(_cluster, "_stand", lambda *_, what=what: ours | {what: "other"})
        message = f"workers must have {what} of version other, tcp://.* has {ours[what]}"
        calls = {"client": _cluster._check_workers, "worker": lambda *_: None}
        for check in calls.values():
            monkeypatch.setattr(_cluster, "_check_workers", check)
            refused(scheduler, ValueError, message, tmp_path)
        monkeypatch.undo()


def test_a_scheduler_goes_with_dask_and_dask_with_a_scheduler(tmp_path: Path) -> None:
    address = "tcp://127.0.0.1:1"
    both = "scheduler must be given with backend 'dask' and no other, got "
    refused(address, ValueError, f"{both}'{address}' with 'loky'", tmp_path, backend="loky")
    refused(address, ValueError, f"{both}None with 'dask'", tmp_path, scheduler=None)
    jobs = "n_jobs must be left out with backend 'dask', got 2"
    refused(address, ValueError, jobs, tmp_path, n_jobs=2)


@pytest.mark.parametrize("package", ["dask", "distributed"])
def test_without_the_extra_one_sentence_says_the_command(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "distributed"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "helpers.studies._cluster")
    monkeypatch.setitem(sys.modules, package, None)
    message = (
        rf"needs the package {package}, which is not.*: python -m pip install -e \"\.\[cluster\]\""
    )
    refused("tcp://127.0.0.1:1", ImportError, message, tmp_path)


def test_what_a_trial_does_in_parallel_stays_on_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """joblib's backend would spread it over the cluster again."""
    here = SimpleNamespace(address="tcp://127.0.0.1:9", state=SimpleNamespace(nthreads=1))
    monkeypatch.setattr(_cluster, "get_worker", lambda: here)
    monkeypatch.setattr(studies, "_finished", lambda *_: effective_n_jobs(None))
    with parallel_config(backend="threading", n_jobs=4):
        assert effective_n_jobs(None) == 4
        assert _cluster._trial(_cluster._stand(*STUDY), NAME, 3, "full", {}) == (3, 1)


# --- the page ----------------------------------------------------------------------------------


def weights(vocabulary: int, model: GPT) -> int:
    """Of matrices: those whose products take the time."""
    return (12 * model.layers * model.width + vocabulary) * model.width


def test_the_costs_on_the_page_follow_from_what_is_recorded() -> None:
    record = studies.provenance("gpt")
    said = record["settings"]
    fits = 1 + len(said["arms"]) * said["generations"]  # generation 0 is that of all arms
    length = said["data"]["length"] - 1
    tokens = fits * said["model"]["steps"] * said["model"]["batch_size"] * length
    tokens *= len(record["seeds"])
    pace = tokens / record["cpu_seconds"]
    vocabulary = len(stories.WORLD.words)
    ours = weights(vocabulary, GPT(vocabulary, context=length, **said["model"]))
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert (
        f"trained {tokens / 1e6:.0f} million tokens in {record['cpu_seconds']:,.0f} seconds of one "
        f"core, its writing and its yardsticks included: **{round(pace, -3):,.0f} tokens a "
        f"second**, of a network with {ours:,} weights"
    ) in page
    world = len(StoryGrammar(**gpt_scale.SETTINGS["world"]).words)
    sizes = {
        name: weights(world, GPT(world, context=32, **gpt_scale.SETTINGS["sizes"][name]))
        for name in ("middle", "big")
    }
    found = re.findall(r"\| ([\d.,]+)( million)? \| ([\d,]+) \|", page)
    rows = [
        (float(number.replace(",", "")) * (1e6 if million else 1), int(hours.replace(",", "")))
        for number, million, hours in found
    ]
    exact = [ours, *sizes.values(), 125_000_000]
    assert [row[0] for row in rows] == pytest.approx(exact, rel=0.01)
    hours = [1e9 / pace / 3_600 * number / ours for number in exact]
    assert [row[1] for row in rows] == pytest.approx(hours, rel=0.06)
    paper = nature_opt.SETTINGS
    models = len(nature_opt.SEEDS) * (paper["generations"] + 1)
    assert f"{models * paper['epochs_without_real']} tokens are trained for each token" in page


def test_workers_have_the_settings_of_the_page(scheduler: str) -> None:
    """Where a worker is started as the page says: at home, by Slurm and on Kubernetes."""
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"DASK_CONFIG(?:=|, value: )([^\s\"}]+)", text)
    assert named == [SETTINGS.as_posix()] * 3
    wanted = yaml.safe_load((ROOT / SETTINGS).read_text(encoding="utf-8"))["distributed"]
    memory = {k: str(v) for k, v in wanted["nanny"]["pre-spawn-environ"].items()}
    assert memory
    with Client(scheduler, set_as_default=False) as client:
        for there in client.run(lambda: dict(os.environ)).values():
            assert memory.items() <= there.items()
        looks = client.run(lambda: dask.config.get("distributed.worker.profile.enabled"))
    assert set(looks.values()) == {wanted["worker"]["profile"]["enabled"]} == {False}


def test_the_commands_on_the_page_are_those_that_are_tested() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for command in re.findall(r"(?m)^course (study run .*)$", text):
        address = re.search(r"--scheduler (\S+)", command)
        assert address is not None
        assert "--backend dask" in command
        assert command.split()[2] in studies.names()
    (program,) = re.findall(r"(?s)```python\n(.*?)```", text)
    compile(program, "page", "exec")
    (config,) = re.findall(r"(?s)```yaml\n(.*?)```", text)
    service, scheduler, workers = yaml.safe_load_all(config)
    (at,) = scheduler["spec"]["template"]["spec"]["containers"]
    (work,) = workers["spec"]["template"]["spec"]["containers"]
    assert at["command"] == ["dask", "scheduler", "--port", "8786"]
    name, port = service["metadata"]["name"], service["spec"]["ports"][0]["port"]
    assert work["command"] == ["dask", "worker", f"tcp://{name}:{port}", "--nthreads", "1"]
    assert service["spec"]["selector"] == scheduler["spec"]["template"]["metadata"]["labels"]
