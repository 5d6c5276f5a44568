"""Trials on many machines: the workers of a Dask scheduler, through joblib's own backend.

Scheduler and workers are started elsewhere (lessons/instructors/clusters.md). They share no disk
with who asks: what is kept of a trial comes back over the network. A worker that dies costs the
trial that it was computing, which another one computes again. Needs the extra `cluster`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from distributed import CancelledError, Client, KilledWorker, Security, as_completed, get_worker
from distributed.comm import CommClosedError
from distributed.core import connect
from distributed.utils import LoopRunner, sync
from joblib import Parallel, delayed, parallel_config
from joblib._dask import DaskDistributedBackend  # joblib has no public name for it

from helpers import studies

SOON = 5.0  # seconds in which a scheduler must answer and have a worker
PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "torch")  # of one version everywhere

Finished = dict[str, Any]  # what is kept of a trial


def finished(
    scheduler: str, name: str, seeds: Sequence[int], scale: str, switches: Mapping[str, Any]
) -> Iterator[tuple[int, Finished]]:
    """Each seed with what is to be kept of its trial, as soon as it is there, in any order.

    scheduler: its address, such as "tcp://HOST:8786".

    A trial that fails does not stop the others: the first failure is raised when all are done. One
    that was lost with the scheduler, or whose workers died again and again, is a ConnectionError.
    Raised before the first trial: ConnectionError where no scheduler answers, or one without a
    worker; ValueError for an address that is none, for a worker of several threads, and for one
    that has another version of the study or of a package.
    """
    stand = _stand(name, scale, switches)
    failures: list[BaseException] = []
    with _connected(scheduler) as client:
        _check_workers(client, scheduler, stand, name, scale, switches)
        parallel = Parallel(
            n_jobs=-1,
            backend=_Patient(client=client),
            batch_size=1,  # a worker that dies costs one trial
            pre_dispatch="all",  # a worker that comes later finds something to do
            return_as="generator_unordered",
        )
        for found in parallel(delayed(_trial)(stand, name, s, scale, switches) for s in seeds):
            if isinstance(found, BaseException):
                failures.append(_in_a_sentence(found, scheduler))
            else:
                yield found
    if failures:
        raise failures[0]


class _Patient(DaskDistributedBackend):
    """joblib's backend, where a call that fails has its exception as result and ends nothing.

    It tells joblib of calls that Dask gives up, and of results that do not arrive, too: joblib
    would wait for them for ever.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client=client)
        self.waiting_futures = _Arriving(loop=client.loop, with_results=True, raise_errors=False)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Never one, whatever workers there are: joblib computes one job in its own process."""
        return max(2, super().effective_n_jobs(n_jobs))

    def submit(self, func: Any, callback: Callable[[Any], None]) -> Any:
        """One call to the workers; `callback` gets what comes of it."""

        def given_up(done: Future[Any]) -> None:
            if error := done.exception():
                callback(error)

        future = super().submit(func, callback)
        future.add_done_callback(given_up)
        return future

    def retrieve_result_callback(self, out: Any) -> list[Any]:
        """The result, or the exception, as joblib wants it: a list of one."""
        try:
            return list(super().retrieve_result_callback(out))
        except BaseException as error:
            return [error]


class _Arriving(as_completed):
    """Dask's results as they come. Where one cannot be fetched, the reason takes its place.

    Dask's own class stops looking after such a call: of a scheduler that dies in that moment, say.
    """

    async def _track_future(self, future: Any) -> None:
        try:
            await super()._track_future(future)
        except Exception as error:
            with self.lock:
                if self.futures.pop(future, 0):
                    self.queue.put_nowait((future, error))
            async with self.condition:
                self.condition.notify()


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    try:
        _check_answer(scheduler)
        client = Client(scheduler, timeout=SOON, set_as_default=False)
    except OSError as error:
        message = f"no Dask scheduler answers at {scheduler} within {SOON:g} seconds"
        raise ConnectionError(message) from error
    except ValueError as error:
        raise ValueError(f"scheduler must be like tcp://HOST:8786, got {scheduler!r}") from error
    with client:
        yield client


def _check_answer(scheduler: str) -> None:
    """OSError where nothing answers as Dask does; a Client would wait for the answer for ever."""

    async def greet() -> None:
        security = Security().get_connection_args("client")
        comm = await connect(scheduler, timeout=SOON, **security)
        await comm.close()

    runner = LoopRunner()
    runner.start()
    try:
        sync(runner.loop, greet, callback_timeout=SOON)
    finally:
        runner.stop()


def _check_workers(client: Client, scheduler: str, stand: Mapping[str, str], *study: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=SOON)
    except TimeoutError:
        raise ConnectionError(f"the Dask scheduler at {scheduler} has no worker yet") from None
    for worker, threads in client.nthreads().items():
        _check_threads(worker, threads)
    for worker, there in client.run(_stand, *study, on_error="return").items():
        if isinstance(there, ImportError):
            raise ImportError(f"worker {worker} cannot load the course: {there}")
        if isinstance(there, BaseException):
            raise there
        _check_stand(worker, stand, there)


def _stand(name: str, scale: str, switches: Mapping[str, Any]) -> dict[str, str]:
    """The versions here of all that must be the same for trials of one table."""
    mark = studies._fingerprint(studies._study(name), scale, switches)
    return {name: mark} | {package: studies._version(package) for package in PACKAGES}


def _check_stand(worker: str, wanted: Mapping[str, str], there: Mapping[str, str]) -> None:
    for what, version in wanted.items():
        if there[what] != version:
            raise ValueError(
                f"workers must have {what} of version {version}, {worker} has {there[what]}"
            )


def _check_threads(worker: str, threads: int) -> None:
    """A trial sets the number of threads of its whole process: two would disturb each other."""
    if threads != 1:
        raise ValueError(f"workers must have one thread (--nthreads 1), {worker} has {threads}")


def _trial(
    stand: Mapping[str, str], name: str, seed: int, scale: str, switches: Mapping[str, Any]
) -> tuple[int, Finished]:
    """On a worker, which may have come after the check of the others, and is checked here."""
    worker = get_worker()
    _check_threads(worker.address, worker.state.nthreads)
    _check_stand(worker.address, stand, _stand(name, scale, switches))
    with parallel_config(backend="sequential"):  # what a trial does in parallel stays on its worker
        return seed, studies._finished(name, seed, scale, switches)


def _in_a_sentence(error: BaseException, scheduler: str) -> BaseException:
    """The same, unless it is one of Dask's."""
    if isinstance(error, CancelledError | CommClosedError):
        return ConnectionError(f"the Dask scheduler at {scheduler} is gone")
    if isinstance(error, KilledWorker):
        tries = error.allowed_failures + 1
        return ConnectionError(f"a trial was given up: workers died at it, {tries} of them")
    return error
