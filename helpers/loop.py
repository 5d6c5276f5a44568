"""The loop: fit a model, sample from it, verify, choose what to train on, fit again.

    real data -> fit -> sample -> verify -> choose -> fit -> ...
                model   synthetic  verifier  policy

Everything in the course plugs into `iterate`. Replace without a verifier is the collapse of
Shumailov et al. (2024), accumulate without a verifier is Gerstgrasser et al. (2024), execution
with repair as verifier is section 4.3.1 of Llama 3. Models, policies and verifiers are seen here
as protocols only; nothing in this module knows what a Gaussian or a program is.

Conventions: generation 0 is fitted to real data, so generation g has been through g + 1 fits. The
four random streams of generation g are SeedSequence([seed, g]).spawn(4) = fit, sample, verify,
choose: changing one step never changes the draws of another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Required, Self, TypedDict, Unpack

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from helpers._arguments import not_complex, positive_int
from helpers._progress import Progress
from helpers.data import Data, Replicates, check_data, concat, read_only, size

# ---------------------------------------------------------------------- what plugs in


class Model(Protocol):
    """A scikit-learn style estimator; see helpers.models."""

    def fit(self, data: Any, rng: np.random.Generator | None = None, init: Any = None) -> Self:
        """Learn from `data`, starting from `init` where the model has weights."""

    def sample(self, n_samples: int, rng: np.random.Generator) -> Any:
        """Return `n_samples` new samples, of the same kind as the data."""

    def score(self, data: Any) -> float:
        """Return how well the model explains `data`; higher is better."""


class Policy(Protocol):
    """Decides what the next generation trains on; see helpers.policies.

    What it is given is the past, which nobody changes: arrays are read-only, lists are copies, and
    the generator does not tell the seed of the run (that of `run_batched` does).
    """

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """Return the data to fit; `synthetic` holds what each generation kept, oldest first."""


@dataclass(frozen=True, eq=False)
class Verified:
    """What a verifier let through, and the numbers it reports about it."""

    kept: Data
    report: Mapping[str, float] = field(default_factory=dict)


class Verifier(Protocol):
    """Keeps, drops or repairs what a model produced; see helpers.verification."""

    def __call__(self, model: Any, samples: Any, rng: np.random.Generator) -> Verified:
        """Return what is kept of `samples`; may call `model`, for instance to repair them."""


Metric = Callable[[Any, Any], Any]

# ---------------------------------------------------------------------- what comes out


@dataclass(frozen=True, eq=False)
class Generation:
    """One turn of the loop: the fitted model, what it produced and what was kept of that."""

    index: int
    model: Any
    produced: Data
    kept: Data
    report: Mapping[str, float]
    metrics: Mapping[str, float]


@dataclass
class History:
    """The generations of one run, in order; `interrupted` when it was stopped early."""

    generations: list[Generation] = field(default_factory=list)
    interrupted: bool = False

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy table with columns generation, metric, value: metrics and verifier reports."""
        rows = [
            (generation.index, name, value)
            for generation in self.generations
            for name, value in {**generation.metrics, **generation.report}.items()
        ]
        return pd.DataFrame(rows, columns=["generation", "metric", "value"])

    @property
    def samples(self) -> list[Data]:
        """What was kept of each generation's samples, oldest first."""
        return [generation.kept for generation in self.generations]

    @property
    def models(self) -> list[Any]:
        """The fitted models, oldest first."""
        return [generation.model for generation in self.generations]


# ---------------------------------------------------------------------- the loop itself


class Arguments(TypedDict, total=False):
    """What `iterate` takes by name, for those who pass it on; what it means is said there."""

    policy: Required[Policy]
    n_samples: int | None
    verifier: Verifier | None
    metrics: Mapping[str, Metric] | None
    seed: int
    init: Any
    first: Any
    resume: History | None


def iterate(
    model: Model,
    real: Data,
    *,
    policy: Policy,
    n_samples: int | None = None,
    verifier: Verifier | None = None,
    metrics: Mapping[str, Metric] | None = None,
    seed: int = 0,
    init: Any = None,
    first: Any = None,
    resume: History | None = None,
) -> Turns:
    """Run the loop one generation at a time, without end.

    Parameters
    ----------
    model: an estimator; a clone of it is fitted in each generation, itself never.
    real: the real data, an array with samples on axis 0 or a list.
    policy: what each generation after the first trains on.
    n_samples: how many samples each generation produces; None for as many as there are real ones.
    verifier: what is kept of them; None keeps everything.
    metrics: name -> function of (fitted model, what it produced before verification).
    seed: one integer decides every draw.
    init: where each fit starts: None (from scratch), "previous" (the generation before) or a
        fitted model (always that one, as in the Nature paper's language model).
    first: a fitted model that serves as generation 0 without a fit.
    resume: the History of an earlier call with the same arguments; goes on behind it.

    Raises TypeError or ValueError for a bad argument before any work is done, and ValueError
    during the run when a model returns the wrong number of samples, or NaN or infinity among them,
    when no training data are left, and when a metric fails or returns anything but one number.
    """
    total = size(check_data("real", real))
    if total == 0:
        raise ValueError("real must hold at least one sample, got none")
    n = total if n_samples is None else positive_int("n_samples", n_samples)
    positive_int("seed", seed, minimum=0)
    _check_plugs(model, policy, verifier, metrics)
    if isinstance(init, str) and init != "previous":
        raise ValueError(f"init must be None, 'previous' or a fitted model, got {init!r}")

    from sklearn.base import clone  # here: who reads recorded runs need not wait for it

    def turn(done: list[Generation]) -> Generation:
        """The generation behind those that are `done`, which are left as they are."""
        synthetic = [generation.kept for generation in done]
        index = len(done)
        # A stream for each step: arms of one seed differ only in what they do differently.
        fit_rng, sample_rng, verify_rng, choose_rng = _streams(seed, index)
        if index == 0 and first is not None:
            fitted = first
        else:
            data = _training_set(policy, real, synthetic, n, index, choose_rng)
            start = init if not isinstance(init, str) else done[-1].model if done else None
            # A clone, because History keeps every model, and fit overwrites what was learned.
            fitted = clone(model).fit(data, rng=fit_rng, init=start)
        produced = fitted.sample(n, sample_rng)
        _check_produced(fitted, produced, n, index)
        verified = (
            Verified(produced) if verifier is None else verifier(fitted, produced, verify_rng)
        )
        _check_verified(verified, metrics or {})
        values = {
            name: float(_measure(name, metric, fitted, produced, index, ((),)))
            for name, metric in (metrics or {}).items()
        }
        # All of it stays in memory: n samples a generation, for policies that want old ones.
        return Generation(index, fitted, produced, verified.kept, verified.report, values)

    return Turns(turn, History([] if resume is None else list(resume.generations)))


class Turns(Iterator[Generation]):
    """A run under way: `next` takes it one generation further, `to` as far as you say.

    `history` holds all that is done. An interrupt costs the generation at hand and nothing else:
    whoever calls again begins that generation anew, with the same draws. So a cell may be
    interrupted and run again, and run twice.
    """

    def __init__(self, turn: Callable[[list[Generation]], Generation], history: History) -> None:
        self._turn = turn
        self.history = history

    def __next__(self) -> Generation:
        generation = self._turn(self.history.generations)
        self.history.generations.append(generation)
        return generation

    def to(self, generation: int, progress: bool | str | Progress = False) -> History:
        """Go on until `generation` is done; nothing to do if it is. The `history`, as it then is.

        progress: True draws a bar; the name of a live cell, such as "05-live", lets it begin with
        the time that lessons/budget.json holds; a `Progress` is told of every generation. Raises
        `Interrupted` when the kernel is interrupted.
        """
        positive_int("generation", generation, minimum=0)
        wanted, there = generation + 1, len(self.history.generations)
        name = progress if isinstance(progress, str) else None
        own = Progress(wanted, "generation", name, min(there, wanted), shown=bool(progress))
        self.history.interrupted = False
        try:
            with nullcontext(progress) if isinstance(progress, Progress) else own as bar:
                for _ in range(there, wanted):
                    next(self)
                    bar.done()
        except KeyboardInterrupt:
            self.history.interrupted = True
            raise Interrupted(self.history, wanted) from None
        return self.history


class Interrupted(KeyboardInterrupt):
    """A run was stopped: `history` is what is done, for `resume`. A kernel shows one line of it."""

    def __init__(self, history: History, wanted: int) -> None:
        super().__init__(f"{len(history.generations)} of {wanted} generations are done and kept")
        self.history = history

    def _render_traceback_(self) -> list[str]:
        return [f"Interrupted: {self}."]


def run_loop(
    model: Model,
    real: Data,
    *,
    generations: int,
    progress: bool | str = False,
    **arguments: Unpack[Arguments],
) -> History:
    """`iterate` up to generation `generations`: that many rounds, one fit more.

    Interrupting the kernel raises `Interrupted`, so that whatever the run is a part of stops, too;
    its `history` is what is done: pass it as `resume` to go on from there with the same result as
    an uninterrupted run. `progress` draws a bar, see `Turns.to`. Everything else as in `iterate`:
    policy, n_samples, verifier, metrics, seed, init, first, resume.
    """
    positive_int("generations", generations, minimum=0)
    return iterate(model, real, **arguments).to(generations, progress)


# ---------------------------------------------------------------------- many runs at once


def run_batched(
    model: Any,
    draw_real: Callable[[tuple[int, int], np.random.Generator], np.ndarray],
    *,
    policy: Policy,
    generations: int,
    n_samples: int,
    replicates: int,
    metrics: Mapping[str, Metric],
    seed: int = 0,
) -> pd.DataFrame:
    """The loop for many independent runs side by side: Gaussian, Discrete or LinearRegression.

    The same distribution as `run_loop` under `replicates` seeds, not the same draws.

    Parameters
    ----------
    draw_real: called as draw_real((replicates, n_samples), rng), returns that many real samples
        as an array of shape (replicates, n_samples, ...).
    policy: any policy; the source of `FreshReal` is called for all runs together.
    metrics: name -> function of (model, produced), where the learned values carry the runs as
        first axis and produced has shape (n_samples, replicates, ...); returns (replicates,), or
        one number for all runs. At least one.

    Returns a tidy frame with columns generation, metric, replicate, value. Raises TypeError or
    ValueError for a bad argument, and in the course of the run as `iterate` does.
    """
    positive_int("generations", generations, minimum=0)
    n = positive_int("n_samples", n_samples)
    runs = positive_int("replicates", replicates)
    positive_int("seed", seed, minimum=0)
    _check_plugs(model, policy, None, metrics)
    if not metrics:
        raise ValueError(f"metrics must hold at least one metric, got {metrics!r}")
    if not hasattr(model, "_fit_runs"):
        raise TypeError(
            f"model must be Gaussian, Discrete or LinearRegression to run batched, got {model!r}"
        )
    from sklearn.base import clone  # as in `iterate`

    rng = np.random.default_rng(seed)
    real = _real_of_runs(draw_real, runs, n, rng)
    fitted = clone(model)
    design = getattr(model, "design", None)
    if design is None or design.ndim != 3:
        # By the front door, which checks: one run for its size, all rows together for their values.
        fitted.fit(real.values[:, 0])
        fitted.fit(real.values.reshape(runs * n, *real.values.shape[2:]))
    policy = _for_replicates(policy, runs)
    synthetic: list[Data] = []
    columns: dict[str, list[np.ndarray]] = {name: [] for name in metrics}
    for index in range(generations + 1):
        seen = [read_only(kept) for kept in synthetic]
        data: Any = real if index == 0 else policy.training_set(read_only(real), seen, rng)
        # One object for all generations: only the metrics are kept, not the models.
        fitted._fit_runs(data.values)
        produced = fitted._sample_runs(n, rng)
        _check_produced(fitted, produced, n, index)
        for name, metric in metrics.items():
            value = _measure(name, metric, fitted, produced, index, ((), (runs,)))
            columns[name].append(np.broadcast_to(value, (runs,)))
        synthetic.append(Replicates(produced))
    per_metric = (generations + 1) * runs
    return pd.DataFrame(
        {
            "generation": np.tile(np.repeat(np.arange(generations + 1), runs), len(metrics)),
            "metric": np.repeat(list(metrics), per_metric),
            "replicate": np.tile(np.arange(runs), (generations + 1) * len(metrics)),
            "value": np.concatenate([np.concatenate(values) for values in columns.values()]),
        }
    )


def replicate(
    trial: Callable[[int], pd.DataFrame | History],
    seeds: Sequence[int],
    n_jobs: int = 1,
    backend: str | None = None,
) -> pd.DataFrame:
    """Run `trial(seed)` for every seed and stack the tables, in the order of `seeds`.

    A column `replicate` holds the seed. `n_jobs` and `backend` are joblib's. Each trial runs on
    one BLAS and one torch thread whatever `n_jobs` is, so results do not depend on it.
    """
    if not callable(trial):
        raise TypeError(f"trial must be callable as trial(seed), got {trial!r}")
    chosen = [positive_int("seeds", seed, minimum=0) for seed in seeds]
    if not chosen:
        raise ValueError("seeds must hold at least one seed, got none")
    frames = Parallel(n_jobs=n_jobs, backend=backend)(
        delayed(_one_trial)(trial, seed) for seed in chosen
    )
    return pd.concat(frames, ignore_index=True)


# ---------------------------------------------------------------------- details


def _one_trial(trial: Callable[[int], pd.DataFrame | History], seed: int) -> pd.DataFrame:
    with single_thread():
        result = trial(seed)
    frame = result.frame if isinstance(result, History) else result
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"trial must return a DataFrame or a History, got {type(result).__name__}")
    return frame.assign(replicate=seed)


@contextmanager
def single_thread() -> Iterator[None]:
    """One thread for BLAS, OpenMP and torch inside, whether torch is loaded yet or not."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # what a torch that is loaded inside will read
    torch = sys.modules.get("torch")
    torch_threads = torch.get_num_threads() if torch else None
    if torch:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        if torch and torch_threads:
            torch.set_num_threads(torch_threads)
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def fit_stream(seed: int, generation: int = 0) -> np.random.Generator:
    """The randomness with which `run_loop` fits a generation, for who fits that model outside."""
    return _streams(seed, generation)[0]


def _streams(seed: int, index: int) -> list[np.random.Generator]:
    # Not seed + index: run 1's first generation would then share its draws with run 0's second.
    return [np.random.default_rng(s) for s in np.random.SeedSequence([seed, index]).spawn(4)]


def _check_plugs(model: Any, policy: Any, verifier: Any, metrics: Any) -> None:
    for method in ("fit", "sample"):
        if not callable(getattr(model, method, None)) or isinstance(model, type):
            raise TypeError(f"model must be an estimator with fit and sample, got {model!r}")
    if not callable(getattr(policy, "training_set", None)) or isinstance(policy, type):
        raise TypeError(f"policy must be a policy such as Replace(), got {policy!r}")
    if verifier is not None and not callable(verifier):
        raise TypeError(f"verifier must be callable or None, got {verifier!r}")
    if metrics is not None and not (
        isinstance(metrics, Mapping) and all(callable(metric) for metric in metrics.values())
    ):
        raise TypeError(f"metrics must map names to functions, got {metrics!r}")


def _check_produced(model: Any, produced: Any, n_samples: int, index: int) -> None:
    name = f"{type(model).__name__}.sample"
    if size(produced) != n_samples:
        raise ValueError(
            f"{name} must return n_samples = {n_samples} samples, "
            f"got {size(produced)} in generation {index}"
        )
    # A model that is broken would pass for one that collapsed.
    inexact = isinstance(produced, np.ndarray) and np.issubdtype(produced.dtype, np.inexact)
    if inexact and not np.isfinite(produced).all():
        raise ValueError(
            f"{name} must return finite numbers, got NaN or infinity in generation {index}"
        )


def _measure(
    name: str,
    metric: Metric,
    model: Any,
    produced: Any,
    index: int,
    shapes: tuple[tuple[int, ...], ...],
) -> np.ndarray:
    """What `metric` says of generation `index`: real numbers of one of the `shapes`.

    Raises ValueError, with the name of the metric, for anything else and for a metric that fails.
    """
    try:
        value = metric(model, produced)
    except Exception as error:
        raise ValueError(
            f"metric {name!r} failed in generation {index}: {type(error).__name__}: {error}"
        ) from error
    wanted = "one number" if len(shapes) == 1 else f"one number or an array of shape {shapes[-1]}"
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.shape not in shapes:
        got = f"an array of shape {array.shape}" if array.shape not in shapes else repr(value)
        raise ValueError(f"metric {name!r} must return {wanted}, got {got} in generation {index}")
    return array


def _check_verified(verified: Any, metrics: Mapping[str, Metric]) -> None:
    if not isinstance(verified, Verified):
        raise TypeError(f"verifier must return Verified(kept, report), got {verified!r}")
    check_data("kept", verified.kept)
    twice = sorted(set(verified.report) & set(metrics))
    if twice:
        raise ValueError(f"metrics must not repeat a name of the verifier's report: {twice}")


def _training_set(
    policy: Policy,
    real: Data,
    synthetic: Sequence[Data],
    n_samples: int,
    index: int,
    rng: np.random.Generator,
) -> Data:
    """What generation `index` is fitted to; ValueError when nothing is left."""
    if index == 0:
        return real
    seen = [read_only(data) for data in synthetic]
    data = policy.training_set(read_only(real), seen, _without_its_seed(rng))
    if size(data) == 0:
        raise ValueError(
            f"generation {index} has no training data: the policy {policy} chose none, "
            f"and {size(synthetic[-1])} of {n_samples} samples of generation {index - 1} "
            f"were kept"
        )
    # A policy may return what it was given: the model gets data of its own.
    shared = isinstance(data, np.ndarray) and not data.flags.writeable
    return concat([data]) if shared else data


def _without_its_seed(rng: np.random.Generator) -> np.random.Generator:
    """The same draws as from `rng`, by a generator whose `seed_seq` says nothing."""
    bits = np.random.PCG64(0)
    bits.state = rng.bit_generator.state  # type: ignore[assignment]
    return np.random.Generator(bits)


def _real_of_runs(
    draw_real: Callable[[tuple[int, int], np.random.Generator], np.ndarray],
    runs: int,
    n: int,
    rng: np.random.Generator,
) -> Replicates:
    """The real data of all runs, checked: values (n, runs, ...)."""
    drawn = draw_real((runs, n), rng)
    if np.shape(drawn)[:2] != (runs, n):
        raise ValueError(
            f"draw_real must return an array of shape ({runs}, {n}, ...), got {np.shape(drawn)}"
        )
    not_complex("what draw_real returns", drawn)
    # Samples first, as for one run, so that one policy serves both; then the runs.
    values = np.ascontiguousarray(np.moveaxis(drawn, 0, 1))
    if not np.isfinite(values).all():
        raise ValueError("draw_real must return finite numbers only, got NaN or infinity")
    return Replicates(values)


def _for_replicates(policy: Any, runs: int) -> Any:
    """`policy`, with a source of fresh real data, if it has one, that serves all runs at once."""
    source = getattr(policy, "source", None)
    if source is None:
        return policy

    def source_of_runs(n: int, rng: np.random.Generator) -> Data:
        rows = np.asarray(source(n * runs, rng))
        return Replicates(rows.reshape(n, runs, *rows.shape[1:]))

    return replace(policy, source=source_of_runs)
