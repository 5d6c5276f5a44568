"""The loop: what it promises about generations, seeds, sizes, verifiers, interrupts and errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_info, threadpool_limits

from helpers import loop, metrics
from helpers._progress import Progress
from helpers.loop import History, Interrupted, Verified, iterate, replicate, run_batched, run_loop
from helpers.models import Discrete, Gaussian, KernelDensity, LinearRegression
from helpers.policies import Accumulate, AccumulateSubsample, FreshReal, Mix, Replace

REAL = np.random.default_rng(100).standard_normal((12, 2))
POLICIES = [Replace(), Accumulate(), AccumulateSubsample(), Mix(0.5)]
BANDS = {"variance": metrics.variance, "mean": metrics.mean}


class Recorder(BaseEstimator):
    """A model that remembers what it was given and returns numbered strings."""

    def __init__(self, extra: int = 0, log: list[Any] | None = None) -> None:
        self.extra = extra
        self.log = log

    def __sklearn_clone__(self) -> Recorder:
        return Recorder(self.extra, self.log)  # all clones write into one log

    def fit(self, data: Any, rng: Any = None, init: Any = None) -> Self:
        if self.log is not None:
            self.log.append((list(data), init))
        self.seen_ = list(data)
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> list[str]:
        return [f"made {rng.integers(10**6)}" for _ in range(n_samples + self.extra)]

    def score(self, data: Any) -> float:
        return 0.0


def run(**changes: Any) -> History:
    arguments: dict[str, Any] = {
        "model": Gaussian(),
        "real": REAL,
        "policy": Replace(),
        "generations": 3,
    }
    return run_loop(**{**arguments, **changes})


# --- what one run holds ------------------------------------------------------------------------


def test_generation_zero_is_fitted_to_real_data() -> None:
    history = run(metrics=BANDS)
    assert [generation.index for generation in history.generations] == [0, 1, 2, 3]
    np.testing.assert_allclose(history.models[0].mean_, REAL.mean(axis=0))
    np.testing.assert_allclose(history.models[0].covariance_, np.cov(REAL.T, ddof=0))
    # ... and generation 1 to what generation 0 made.
    np.testing.assert_allclose(history.models[1].mean_, history.samples[0].mean(axis=0))


def test_the_frame_is_tidy() -> None:
    frame = run(metrics=BANDS).frame
    assert list(frame.columns) == ["generation", "metric", "value"]
    assert len(frame) == 4 * 2
    assert frame["value"].map(type).eq(float).all()
    first = frame[(frame["generation"] == 0) & (frame["metric"] == "variance")]["value"]
    assert first.item() == pytest.approx(REAL.var(axis=0).mean())


def test_without_metrics_the_frame_is_empty_but_there() -> None:
    assert list(run().frame.columns) == ["generation", "metric", "value"]
    assert run().frame.empty


@settings(max_examples=40)
@given(st.sampled_from(POLICIES), st.integers(0, 4), st.integers(12, 20), st.integers(0, 2**40))
def test_sizes_determinism_and_no_mutation(
    policy: Any, generations: int, n_samples: int, seed: int
) -> None:
    real, model = REAL.copy(), Gaussian()
    both = [
        run(
            model=model,
            real=real,
            policy=policy,
            generations=generations,
            n_samples=n_samples,
            seed=seed,
        )
        for _ in range(2)
    ]
    assert np.array_equal(real, REAL)
    assert not hasattr(model, "mean_")  # a clone is fitted, never the model itself
    assert len(both[0].generations) == generations + 1
    for one, two in zip(both[0].generations, both[1].generations, strict=True):
        assert one.produced.shape == (n_samples, 2)
        assert np.array_equal(one.produced, two.produced)


@given(st.integers(0, 2**31), st.integers(0, 2**31))
@settings(max_examples=25)
def test_seeds_matter(seed: int, other: int) -> None:
    if seed != other:
        assert not np.array_equal(run(seed=seed).samples[0], run(seed=other).samples[0])


def test_n_samples_defaults_to_the_number_of_real_ones() -> None:
    assert all(len(samples) == 12 for samples in run().samples)


def test_the_streams_of_a_generation_are_those_of_the_design() -> None:
    _, sample_rng, _, _ = (
        np.random.default_rng(s) for s in np.random.SeedSequence([7, 0]).spawn(4)
    )
    history = run(seed=7)
    assert np.array_equal(history.samples[0], history.models[0].sample(12, sample_rng))


def test_more_generations_do_not_change_the_first_ones() -> None:
    short, long = run(generations=1), run(generations=5)
    assert np.array_equal(short.samples[1], long.samples[1])


def test_iterate_goes_on_without_end() -> None:
    turns = iterate(Gaussian(), REAL, policy=Replace())
    assert [next(turns).index for _ in range(50)] == list(range(50))


def test_lists_are_data_too() -> None:
    log: list[Any] = []
    run(model=Recorder(log=log), real=["a", "b"], policy=Accumulate(), generations=2)
    assert log[0][0] == ["a", "b"]
    assert [len(data) for data, _ in log] == [2, 4, 6]
    assert log[2][0][:2] == ["a", "b"]


# --- init and first ----------------------------------------------------------------------------


def starts(init: Any) -> tuple[list[Any], History]:
    log: list[Any] = []
    history = run(model=Recorder(log=log), real=["a"], init=init)
    return [start for _, start in log], history


def test_init_none_is_from_scratch() -> None:
    assert starts(None)[0] == [None] * 4


def test_init_previous_is_the_generation_before() -> None:
    seen, history = starts("previous")
    assert seen[0] is None
    assert all(seen[g] is history.models[g - 1] for g in (1, 2, 3))


def test_init_can_be_one_fitted_model() -> None:
    base = Recorder().fit(["base"])
    assert all(start is base for start in starts(base)[0])


def test_first_is_generation_zero_without_a_fit() -> None:
    base = Gaussian().fit(100 + REAL)
    history = run(first=base)
    assert history.models[0] is base
    assert history.samples[0].mean() > 90
    # The arms of one seed share it: the same samples as a run that fitted it.
    assert np.array_equal(run(first=run().models[0]).samples[3], run().samples[3])


def test_models_without_weights_refuse_a_start() -> None:
    with pytest.raises(ValueError, match="init must be None for Gaussian"):
        run(init="previous")


@pytest.mark.parametrize("bad", ["last", "Previous", ""])
def test_init_must_be_a_word_that_exists(bad: str) -> None:
    with pytest.raises(ValueError, match="init must be None, 'previous' or a fitted model"):
        iterate(Gaussian(), REAL, policy=Replace(), init=bad)


# --- verifiers ---------------------------------------------------------------------------------


def keep_positive(model: Any, samples: np.ndarray, rng: np.random.Generator) -> Verified:
    kept = samples[samples[:, 0] > 0]
    return Verified(kept, {"kept_share": len(kept) / len(samples)})


def test_a_verifier_drops_and_reports() -> None:
    history = run(verifier=keep_positive, metrics=BANDS, generations=2)
    for generation in history.generations:
        assert len(generation.produced) == 12
        assert (generation.kept[:, 0] > 0).all()
        assert generation.report["kept_share"] == len(generation.kept) / 12
    assert set(history.frame["metric"]) == {"variance", "mean", "kept_share"}
    np.testing.assert_allclose(history.models[1].mean_, history.samples[0].mean(axis=0))


def test_metrics_see_what_was_produced_not_what_was_kept() -> None:
    seen: list[int] = []
    run(
        verifier=lambda model, samples, rng: Verified(samples[:3]),
        metrics={"n": lambda model, produced: seen.append(len(produced)) or 0.0},
        generations=1,
    )
    assert seen == [12, 12]


def test_a_verifier_may_add_by_repair_and_changes_no_other_draw() -> None:
    def doubles(model: Any, samples: np.ndarray, rng: np.random.Generator) -> Verified:
        rng.random(1000)  # its own stream
        return Verified(np.concatenate([samples, model.sample(5, rng)]))

    history = run(verifier=doubles, generations=1)
    assert len(history.samples[0]) == 17
    assert np.array_equal(history.generations[0].produced, run(generations=1).samples[0])


def test_an_empty_training_set_says_where_and_why() -> None:
    message = (
        r"generation 1 has no training data: the policy Replace\(\) chose none, "
        r"and 0 of 12 samples of generation 0 were kept"
    )
    with pytest.raises(ValueError, match=message):
        run(verifier=lambda model, samples, rng: Verified(samples[:0]))
    # With the real data in the pile the same verifier is no error.
    run(verifier=lambda model, samples, rng: Verified(samples[:0]), policy=Accumulate())


# --- interrupts --------------------------------------------------------------------------------


class Stop:
    """A metric that interrupts once, at generation 2, as a learner does in mid-work."""

    def __init__(self, whole: Any) -> None:
        self.whole, self.armed = whole, True

    def __call__(self, model: Any, produced: Any) -> float:
        if self.armed and np.array_equal(produced, self.whole.samples[2]):
            self.armed = False
            raise KeyboardInterrupt
        return 0.0


def test_an_interrupt_keeps_what_is_done_and_can_go_on() -> None:
    whole = run(generations=4)
    stop = {"x": Stop(whole)}
    with pytest.raises(Interrupted, match="2 of 5 generations are done and kept") as caught:
        run(generations=4, metrics=stop)
    stopped = caught.value.history
    assert stopped.interrupted
    assert [generation.index for generation in stopped.generations] == [0, 1]
    assert len(stopped.frame) == 2
    before = list(stopped.generations)
    resumed = run(generations=4, metrics=stop, resume=stopped)
    assert stopped.generations == before  # the interrupted history is left as it was
    assert not resumed.interrupted
    for one, two in zip(resumed.samples, whole.samples, strict=True):
        assert np.array_equal(one, two)


def test_an_interrupt_stops_all_that_the_run_is_a_part_of() -> None:
    """Three arms in one expression: the second is not begun."""
    begun = []

    def arm(seed: int) -> Any:
        begun.append(seed)
        return run(generations=4, metrics={"x": Stop(run(generations=4))})

    with pytest.raises(KeyboardInterrupt):
        _ = {seed: arm(seed) for seed in range(3)}
    assert begun == [0]


def test_turns_are_taken_again_after_an_interrupt_and_never_twice() -> None:
    """What a learner does with a live cell: interrupt it, run it again, run it once more."""
    whole = run(generations=4)
    turns = iterate(Gaussian(), REAL, policy=Replace(), metrics={"x": Stop(whole)})
    with pytest.raises(KeyboardInterrupt):
        turns.to(4)
    assert len(turns.history.generations) == 2
    for _ in range(2):
        history = turns.to(4)
        assert [generation.index for generation in history.generations] == [0, 1, 2, 3, 4]
        assert not history.interrupted
    for one, two in zip(history.samples, whole.samples, strict=True):
        assert np.array_equal(one, two)
    assert len(turns.to(1).generations) == 5  # more is done than was asked for
    assert next(turns).index == 5


def test_a_run_tells_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[Any, ...]] = []
    done: list[int] = []

    class Spy(Progress):
        def __init__(self, *arguments: Any, shown: bool = True) -> None:
            made.append((*arguments, shown))
            super().__init__(*arguments, shown=False)

        def done(self, count: int = 1) -> None:
            done.append(count)

    monkeypatch.setattr(loop, "Progress", Spy)
    turns = iterate(Recorder(), list("abc"), policy=Replace(), seed=3)
    turns.to(1)
    turns.to(3, progress=True)
    turns.to(4, progress="05-live")
    assert made == [
        (2, "generation", None, 0, False),
        (4, "generation", None, 2, True),
        (5, "generation", "05-live", 4, True),
    ]
    assert done == [1] * 5
    turns.to(0, progress=True)  # all of it is there
    assert made[-1] == (1, "generation", None, 1, True)
    own = Spy(2, "arm")
    turns.to(6, progress=own)
    assert done == [1] * 7  # and one given by the caller is told of each generation
    run_loop(Recorder(), list("abc"), policy=Replace(), generations=0, progress="05-live")
    assert made[-1] == (1, "generation", "05-live", 0, True)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_model_that_produces_nan_is_no_collapse(bad: float) -> None:
    class Breaks(Gaussian):
        limit = -np.inf

        def _sample_runs(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
            rows = super()._sample_runs(n_samples, rng)
            if rows.flat[0] < self.limit:
                rows[(-1,) * rows.ndim] = bad
            return rows

    real = np.random.default_rng(0).normal(size=(20, 2))
    turns = iterate(Breaks(), real, policy=Replace(), seed=0)
    turns.to(1)
    Breaks.limit = np.inf
    said = "Breaks.sample must return finite numbers, got NaN or infinity in generation 2"
    with pytest.raises(ValueError, match=said):
        turns.to(2)
    with pytest.raises(ValueError, match="in generation 0"):
        run_batched(
            Breaks(), lambda shape, rng: rng.normal(size=(*shape, 2)), policy=Replace(),
            generations=1, n_samples=9, replicates=2, metrics={"v": metrics.variance},
        )  # fmt: skip


def test_a_kernel_shows_one_line_of_an_interrupt() -> None:
    assert Interrupted(run(generations=1), 5)._render_traceback_() == [
        "Interrupted: 2 of 5 generations are done and kept."
    ]


def test_resuming_a_complete_run_adds_nothing() -> None:
    done = run()
    assert len(run(resume=done).generations) == 4
    assert len(run(resume=done, generations=1).generations) == 4


# --- the past stays as it was -----------------------------------------------------------------


class Editor:
    """Overwrites what it is given, and returns it."""

    def __init__(self, which: str) -> None:
        self.which = which

    def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
        data = real if self.which == "real" else synthetic[0]
        data[:] = data[:1] * len(data) if isinstance(data, list) else 0.0
        return synthetic[-1]


@pytest.mark.parametrize("which", ["real", "synthetic"])
def test_a_policy_cannot_change_the_past(which: str) -> None:
    history = History()
    turns = iterate(Gaussian(), REAL, policy=Editor(which), resume=history)
    before = REAL.copy(), next(turns).kept.copy()  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="read-only"):
        next(turns)
    np.testing.assert_array_equal(REAL, before[0])
    np.testing.assert_array_equal(turns.history.samples[0], before[1])
    assert turns.history.samples[0].flags.writeable, "who owns the history may do as they like"


@pytest.mark.parametrize("which", ["real", "synthetic"])
def test_a_policy_changes_its_own_list_and_not_the_past(which: str) -> None:
    real = ["a", "b", "c"]
    edited, plain = (
        run(model=Recorder(), real=real, policy=policy) for policy in (Editor(which), Replace())
    )
    assert real == ["a", "b", "c"]
    assert edited.samples[0] == plain.samples[0]
    assert len(set(edited.samples[0])) == 3


def test_runs_side_by_side_have_a_past_that_stays() -> None:
    class Zeros:
        def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
            synthetic[0].values[:] = 0.0
            return synthetic[-1]

    with pytest.raises(ValueError, match="read-only"):
        run_batched(
            Gaussian(),
            lambda shape, rng: rng.standard_normal((*shape, 1)),
            policy=Zeros(),
            generations=2,
            n_samples=5,
            replicates=3,
            metrics={"mean": lambda model, made: 0.0},
        )


def test_a_policy_may_return_what_it_was_given() -> None:
    """The model gets data of its own, which it may change."""

    class Scaling(Gaussian):
        def fit(self, data: Any, rng: Any = None, init: Any = None) -> Self:
            data *= 1.0
            return super().fit(data, rng, init)

    class Same:
        def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
            return synthetic[-1]

    ours, theirs = run(model=Scaling(), policy=Same()), run(policy=Replace())
    pd.testing.assert_frame_equal(ours.frame, theirs.frame)
    np.testing.assert_array_equal(ours.samples[3], theirs.samples[3])


def test_a_policy_draws_from_its_stream_and_does_not_learn_the_seed() -> None:
    seen: list[Any] = []

    class Curious:
        def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
            seen.append((rng.bit_generator.seed_seq.entropy, rng.random()))  # type: ignore[attr-defined]
            return synthetic[-1]

    run(policy=Curious(), seed=7)
    for generation, (entropy, drawn) in enumerate(seen, start=1):
        assert drawn == loop._streams(7, generation)[3].random()
        assert entropy == 0


# --- bad arguments -----------------------------------------------------------------------------


class Untouched(Gaussian):
    """Fails the test when any work is done before the arguments are checked."""

    def fit(self, data: Any, rng: Any = None, init: Any = None) -> Self:
        raise AssertionError("work was done before the arguments were checked")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"real": np.empty((0, 2))}, ValueError, "real must hold at least one sample"),
        ({"real": []}, ValueError, "real must hold at least one sample"),
        ({"real": "text"}, TypeError, "real must be a NumPy array .* or a list"),
        ({"real": np.float64(3)}, TypeError, "real must be"),
        ({"real": None}, TypeError, "real must be"),
        ({"n_samples": 0}, ValueError, "n_samples must be an integer of at least 1, got 0"),
        ({"n_samples": -5}, ValueError, "n_samples must be"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be"),
        ({"n_samples": True}, TypeError, "n_samples must be"),
        ({"generations": -1}, ValueError, "generations must be an integer of at least 0, got -1"),
        ({"generations": "3"}, TypeError, "generations must be"),
        ({"seed": -1}, ValueError, "seed must be an integer of at least 0"),
        ({"seed": 1.0}, TypeError, "seed must be"),
        ({"seed": None}, TypeError, "seed must be"),
        ({"policy": "replace"}, TypeError, "policy must be a policy such as Replace"),
        ({"policy": Replace}, TypeError, "policy must be a policy such as Replace"),
        ({"policy": None}, TypeError, "policy must be"),
        ({"model": Gaussian}, TypeError, "model must be an estimator"),
        ({"model": "gaussian"}, TypeError, "model must be an estimator"),
        ({"verifier": 3}, TypeError, "verifier must be callable or None"),
        ({"metrics": [metrics.variance]}, TypeError, "metrics must map names to functions"),
        ({"metrics": {"variance": 1.0}}, TypeError, "metrics must map names to functions"),
    ],
)
def test_bad_arguments_are_named_before_any_work(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(**{"model": Untouched(), **changes})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("model", [Gaussian(), KernelDensity(0.5), LinearRegression()])
def test_nan_and_infinity_in_real_data_are_refused(model: Any, bad: float) -> None:
    real = REAL.copy()
    real[3, 1] = bad
    with pytest.raises(ValueError, match="data must hold finite numbers only"):
        run(model=model, real=real)


def failing(model: Any, produced: Any) -> float:
    return {}["no such key"]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (failing, "metric 'x' failed in generation 0: KeyError: 'no such key'"),
        (
            lambda model, produced: produced.mean(axis=0),
            r"metric 'x' must return one number, got an array of shape \(2,\) in generation 0",
        ),
        (lambda model, produced: produced[:1, 0], r"'x' .* got an array of shape \(1,\)"),
        (lambda model, produced: produced.mean() + 1j, "'x' must return one number, got .*1j"),
        (lambda model, produced: None, "metric 'x' must return one number, got None"),
        (lambda model, produced: "0.5", "metric 'x' must return one number, got '0.5'"),
    ],
)
def test_the_name_of_a_metric_that_is_wrong(metric: Any, message: str) -> None:
    for verifier in (None, lambda model, made, rng: Verified(made)):
        with pytest.raises(ValueError, match=message):
            run(metrics={"variance": metrics.variance, "x": metric}, verifier=verifier)


def test_a_metric_may_return_any_kind_of_number() -> None:
    kinds = {"python": 3, "numpy": np.float32(3), "bool": np.True_, "array": np.array(3)}
    frame = run(metrics={k: lambda model, made, v=v: v for k, v in kinds.items()}).frame
    assert frame["value"].tolist() == [3.0, 3.0, 1.0, 3.0] * 4
    assert {type(value) for value in frame["value"]} == {float}


def test_a_metric_may_say_infinity_or_that_there_is_nothing_to_say() -> None:
    told = {"dead": lambda model, made: -np.inf, "none": lambda model, made: np.nan}
    values = run(metrics=told, generations=0).frame["value"]
    np.testing.assert_array_equal(values, [-np.inf, np.nan])


@pytest.mark.parametrize("model", [Gaussian(), KernelDensity(0.5), LinearRegression()])
def test_complex_data_are_refused(model: Any) -> None:
    with pytest.raises(TypeError, match="data must hold real numbers, got complex128"):
        run(model=model, real=REAL + 0j)


@pytest.mark.parametrize("extra", [-1, 1])
def test_a_model_must_return_as_many_samples_as_asked(extra: int) -> None:
    message = f"Recorder.sample must return n_samples = 3 samples, got {3 + extra} in generation 0"
    with pytest.raises(ValueError, match=message):
        run(model=Recorder(extra), real=["a", "b", "c"])


def test_real_arrays_and_synthetic_lists_do_not_mix() -> None:
    with pytest.raises(TypeError, match="all arrays or all lists"):
        run(model=Recorder(), real=np.zeros(3), policy=Accumulate())


def test_a_policy_that_asks_for_too_much() -> None:
    with pytest.raises(ValueError, match="size must be at most the pool's 24 samples, got 100"):
        run(policy=AccumulateSubsample(100))


def test_a_verifier_must_return_verified() -> None:
    with pytest.raises(TypeError, match="verifier must return Verified"):
        run(verifier=lambda model, samples, rng: samples)
    with pytest.raises(TypeError, match="kept must be a NumPy array"):
        run(verifier=lambda model, samples, rng: Verified("all"))  # type: ignore[arg-type]


def test_a_report_must_not_hide_a_metric() -> None:
    with pytest.raises(ValueError, match=r"must not repeat .* \['kept_share'\]"):
        run(verifier=keep_positive, metrics={"kept_share": metrics.variance})


# --- many runs at once -------------------------------------------------------------------------


def gaussian_real(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((*shape, 1))


def discrete_real(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    return rng.integers(6, size=shape)


def regression_real(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    inputs, noise = rng.standard_normal((*shape, 3)), rng.standard_normal((*shape, 1))
    return np.concatenate([inputs, inputs.sum(axis=-1, keepdims=True) + noise], axis=-1)


CASES: list[tuple[Any, Callable[..., np.ndarray], metrics.Metric]] = [
    (Gaussian(ddof=1), gaussian_real, metrics.variance),
    (Discrete(6), discrete_real, metrics.heterozygosity),
    (LinearRegression(), regression_real, metrics.excess_error(np.ones(3))),
]
ALL_POLICIES = [*POLICIES, AccumulateSubsample(7), Mix(0.3, pool="all"), "fresh"]


@pytest.mark.parametrize(("model", "draw_real", "metric"), CASES, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("policy", ALL_POLICIES, ids=str)
def test_run_batched_has_the_distribution_of_run_loop(
    model: Any, draw_real: Callable[..., np.ndarray], metric: metrics.Metric, policy: Any
) -> None:
    # Two-sample Kolmogorov-Smirnov at generation 4, 150 runs against 2,000. 21 cases: a level of
    # 4e-6 each keeps the chance that a correct program fails below 1e-4.
    def source(n: int, rng: np.random.Generator) -> np.ndarray:
        return draw_real((1, n), rng)[0]

    if policy == "fresh":
        policy = FreshReal(source, 3)
    n, generations = 10, 4
    alone = [
        run_loop(
            model,
            draw_real((1, n), np.random.default_rng([seed, 1]))[0],
            policy=policy,
            generations=generations,
            metrics={"m": metric},
            seed=seed,
        ).frame["value"].iloc[-1]
        for seed in range(150)
    ]  # fmt: skip
    frame = run_batched(
        model,
        draw_real,
        policy=policy,
        generations=generations,
        n_samples=n,
        replicates=2000,
        metrics={"m": metric},
        seed=0,
    )
    together = frame.loc[frame["generation"] == generations, "value"]
    assert ks_2samp(alone, together).pvalue > 4e-6


def batched(**changes: Any) -> pd.DataFrame:
    arguments: dict[str, Any] = {
        "model": Gaussian(),
        "draw_real": gaussian_real,
        "policy": Replace(),
        "generations": 2,
        "n_samples": 5,
        "replicates": 3,
        "metrics": BANDS,
    }
    return run_batched(**{**arguments, **changes})


def test_run_batched_returns_a_tidy_frame() -> None:
    frame = batched(seed=3)
    assert list(frame.columns) == ["generation", "metric", "replicate", "value"]
    assert len(frame) == 3 * 2 * 3
    assert not frame.duplicated(["generation", "metric", "replicate"]).any()
    pd.testing.assert_frame_equal(frame, batched(seed=3))
    assert not frame["value"].equals(batched(seed=4)["value"])


def test_run_batched_starts_from_real_data() -> None:
    drawn: list[np.ndarray] = []

    def real(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        drawn.append(gaussian_real(shape, rng))
        return drawn[0].copy()

    frame = batched(draw_real=real, metrics={"mean": metrics.mean})
    first = frame.loc[frame["generation"] == 0, "value"]
    np.testing.assert_allclose(first, drawn[0].mean(axis=(1, 2)))


def test_runs_are_independent_of_each_other() -> None:
    # A huge real mean in one run must not leak into another under any policy.
    def real(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        values = gaussian_real(shape, rng)
        values[0] += 1e6
        return values

    for policy in POLICIES:
        frame = batched(draw_real=real, policy=policy, metrics={"mean": metrics.mean})
        means = frame.pivot(index="generation", columns="replicate", values="value")
        assert (means[0] > 1e5).all()
        assert (means[[1, 2]].abs() < 1e2).all().all()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model": KernelDensity(0.1)}, TypeError, "Gaussian, Discrete or LinearRegression"),
        ({"replicates": 0}, ValueError, "replicates must be"),
        ({"n_samples": 0}, ValueError, "n_samples must be"),
        ({"generations": -1}, ValueError, "generations must be"),
        ({"policy": "replace"}, TypeError, "policy must be"),
        ({"metrics": {"x": 1}}, TypeError, "metrics must map"),
        ({"draw_real": lambda shape, rng: np.zeros(5)}, ValueError, "draw_real must return"),
        (
            {"draw_real": lambda shape, rng: np.full((*shape, 1), np.nan)},
            ValueError,
            "draw_real must return finite numbers",
        ),
        ({"model": Gaussian(ddof=2)}, ValueError, "ddof must be one of 0, 1"),
        (
            {"draw_real": lambda shape, rng: np.ones((*shape, 1), complex)},
            TypeError,
            "what draw_real returns must hold real numbers, got complex128",
        ),
        ({"metrics": {"x": failing}}, ValueError, "metric 'x' failed in generation 0: KeyError"),
        (
            {"metrics": {"x": lambda model, made: made[:, 0, 0]}},
            ValueError,
            r"metric 'x' must return one number or an array of shape \(\d+,\), got an array of",
        ),
        (
            {"metrics": {"x": lambda model, made: made[0, :, 0] * 1j}},
            ValueError,
            "metric 'x' must return one number or an array of shape .*, got array.*j",
        ),
    ],
)
def test_run_batched_names_bad_arguments(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        batched(**changes)


def test_run_batched_refuses_empty_metrics_before_any_work() -> None:
    def draw(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        raise AssertionError("work was done before the arguments were checked")

    with pytest.raises(ValueError, match=r"metrics must hold at least one metric, got \{\}"):
        batched(draw_real=draw, metrics={})


# --- many seeds --------------------------------------------------------------------------------


def one_run(seed: int) -> History:
    return run(seed=seed, metrics=BANDS)


def test_replicate_stacks_runs_in_the_order_of_seeds() -> None:
    frame = replicate(one_run, [5, 2, 9])
    assert list(dict.fromkeys(frame["replicate"])) == [5, 2, 9]
    alone = one_run(2).frame["value"].to_numpy()
    assert np.array_equal(frame.loc[frame["replicate"] == 2, "value"], alone)


def test_every_trial_runs_on_one_thread_and_leaves_things_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tests' own environment sets one thread: here there are two, until a trial begins."""

    def threads(seed: int) -> pd.DataFrame:
        blas = max(pool["num_threads"] for pool in threadpool_info())
        number = {"torch": torch.get_num_threads(), "blas": blas}
        return pd.DataFrame([number | {"variable": os.environ.get("OMP_NUM_THREADS")}])

    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    try:
        torch.set_num_threads(2)
        with threadpool_limits(2):
            usual = threads(0)
            inside = replicate(threads, [5])
            assert threads(0).equals(usual)
            monkeypatch.delenv("OMP_NUM_THREADS")
            replicate(threads, [5])
            assert "OMP_NUM_THREADS" not in os.environ
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert usual.iloc[0].tolist() == [2, 2, "2"]
    assert inside.iloc[0].tolist() == [1, 1, "1", 5]


@pytest.mark.parametrize(("n_jobs", "backend"), [(2, "loky"), (2, "threading"), (1, None)])
def test_replicate_does_not_depend_on_how_it_runs(n_jobs: int, backend: str | None) -> None:
    expected = replicate(one_run, range(4))
    pd.testing.assert_frame_equal(replicate(one_run, range(4), n_jobs, backend), expected)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, [0]), TypeError, "trial must be callable"),
        ((one_run, []), ValueError, "seeds must hold at least one"),
        ((one_run, [-1]), ValueError, "seeds must be"),
        ((one_run, [0.5]), TypeError, "seeds must be"),
        ((lambda seed: 3, [0]), TypeError, "trial must return a DataFrame or a History"),
    ],
)
def test_replicate_names_bad_arguments(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        replicate(*arguments)


def test_run_batched_looks_at_the_data_of_every_run() -> None:
    def one_bad(value: float) -> Any:
        def draw(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
            drawn = np.zeros((*shape, 1)) if isinstance(value, float) else np.zeros(shape, int)
            drawn[-1, -1] = value
            return drawn

        return draw

    settings: dict[str, Any] = {
        "policy": Replace(),
        "generations": 1,
        "n_samples": 5,
        "replicates": 3,
        "metrics": {"distinct": metrics.distinct},
    }
    with pytest.raises(ValueError, match="finite"):
        run_batched(Gaussian(), one_bad(float("nan")), **settings)
    with pytest.raises(ValueError, match="outcomes from 0 to 3"):
        run_batched(Discrete(4), one_bad(7), **settings)
