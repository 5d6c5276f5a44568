"""Policies: what they return, in what order, how much of it, and that they touch nothing.

Samples are numbered so that every row of a training set can be traced to where it came from: real
rows are 0 .. 999, generation g's rows start at 1000 (g + 1).
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import theory
from helpers.data import Replicates, concat, draw, size, take
from helpers.loop import run_batched
from helpers.models import Gaussian
from helpers.policies import (
    Accumulate,
    AccumulateSubsample,
    DetectAndDrop,
    FreshReal,
    FrozenReal,
    Mix,
    Replace,
)

KINDS = ("array", "rows", "list")


def numbered(start: int, count: int, kind: str) -> Any:
    numbers = np.arange(start, start + count)
    if kind == "array":
        return numbers
    if kind == "rows":
        return np.column_stack([numbers, -numbers]).astype(float)
    return [f"sample {number}" for number in numbers]


def kind_of(data: Any) -> str:
    return "list" if isinstance(data, list) else KINDS[np.ndim(data) - 1]


def identities(data: Any) -> list[int]:
    """The numbers of the samples, whatever kind they are."""
    if isinstance(data, list):
        return [int(sample.split()[1]) for sample in data]
    return [int(row if np.ndim(row) == 0 else row[0]) for row in data]


@st.composite
def situations(draw_: st.DrawFn) -> tuple[Any, list[Any], int]:
    kind = draw_(st.sampled_from(KINDS))
    sizes = draw_(st.lists(st.integers(1, 12), min_size=1, max_size=5))
    real = numbered(0, draw_(st.integers(1, 12)), kind)
    synthetic = [numbered(1000 * (g + 1), count, kind) for g, count in enumerate(sizes)]
    return real, synthetic, draw_(st.integers(0, 2**31))


def training_set(policy: Any, situation: tuple[Any, list[Any], int]) -> Any:
    """Ask twice and check what holds for every policy: determinism, no mutation, no alias, kind."""
    real, synthetic, seed = situation
    before = copy.deepcopy((real, synthetic))
    chosen = policy.training_set(real, synthetic, np.random.default_rng(seed))
    again = policy.training_set(real, synthetic, np.random.default_rng(seed))
    assert identities(chosen) == identities(again)
    assert type(chosen) is type(real)
    assert identities(real) == identities(before[0])
    assert [identities(part) for part in synthetic] == [identities(part) for part in before[1]]
    for part in (real, *synthetic):
        assert chosen is not part
        if isinstance(chosen, np.ndarray):
            assert not np.shares_memory(chosen, part)
    return chosen


def everything(real: Any, synthetic: Sequence[Any]) -> list[int]:
    return [number for part in (real, *synthetic) for number in identities(part)]


@given(situations())
def test_replace_is_the_last_generation(situation: tuple[Any, list[Any], int]) -> None:
    assert identities(training_set(Replace(), situation)) == identities(situation[1][-1])


@given(situations())
def test_accumulate_is_everything_in_order(situation: tuple[Any, list[Any], int]) -> None:
    real, synthetic, _ = situation
    assert identities(training_set(Accumulate(), situation)) == everything(real, synthetic)


@given(situations(), st.data())
def test_subsample_is_a_part_of_the_pool(
    situation: tuple[Any, list[Any], int], data: st.DataObject
) -> None:
    real, synthetic, _ = situation
    pool = everything(real, synthetic)
    wanted = data.draw(st.one_of(st.none(), st.integers(1, len(pool))))
    chosen = identities(training_set(AccumulateSubsample(wanted), situation))
    assert len(chosen) == (len(real) if wanted is None else wanted)
    assert not Counter(chosen) - Counter(pool)  # nothing twice, nothing from elsewhere


@given(situations(), st.data())
def test_frozen_rows_are_the_first_and_the_same_for_ever(
    situation: tuple[Any, list[Any], int], data: st.DataObject
) -> None:
    real, synthetic, _ = situation
    total = min(len(real), len(synthetic[-1]))
    m = data.draw(st.integers(0, total))
    chosen = identities(training_set(FrozenReal(m, size=total), situation))
    assert chosen[:m] == identities(real)[:m]
    assert len(chosen) == total
    assert not Counter(chosen[m:]) - Counter(identities(synthetic[-1]))  # nothing twice
    later = FrozenReal(m, size=total).training_set(real, synthetic, np.random.default_rng(99))
    assert identities(later)[:m] == chosen[:m]


def test_frozen_rows_of_many_runs_are_each_run_s_own() -> None:
    rng = np.random.default_rng(5)
    real, newest = rng.random((2, 9, 4, 1))
    chosen = FrozenReal(3).training_set(Replicates(real), [Replicates(newest)], rng)
    assert isinstance(chosen, Replicates)
    assert (chosen.values[:3] == real[:3]).all()
    for run in range(4):
        assert np.isin(chosen.values[3:, run], newest[:, run]).all()


@given(situations(), st.floats(0, 1), st.sampled_from(["last", "all"]), st.booleans())
def test_mix_has_its_share_of_real_samples(
    situation: tuple[Any, list[Any], int], share: float, pool: str, with_replacement: bool
) -> None:
    real, synthetic, _ = situation
    source = synthetic[-1] if pool == "last" else concat(synthetic)
    total = len(real)
    n_real = round(share * total)
    policy = Mix(share, pool=pool, with_replacement=with_replacement)
    if total - n_real > len(source) and not with_replacement:
        with pytest.raises(ValueError, match="synthetic samples"):
            policy.training_set(real, synthetic, np.random.default_rng(0))
        return
    chosen = identities(training_set(policy, situation))
    assert len(chosen) == total
    assert set(chosen[:n_real]) <= set(identities(real))
    assert set(chosen[n_real:]) <= set(identities(source))
    if not with_replacement:
        assert len(set(chosen)) == total


@given(situations(), st.integers(0, 8))
def test_fresh_real_comes_first(situation: tuple[Any, list[Any], int], n_real: int) -> None:
    real, synthetic, _ = situation

    def source(n: int, rng: np.random.Generator) -> Any:
        return numbered(100_000 + int(rng.integers(1000)), n, kind_of(real))

    chosen = identities(training_set(FreshReal(source, n_real), situation))
    assert len(chosen) == n_real + len(synthetic[-1])
    assert all(number >= 100_000 for number in chosen[:n_real])
    assert chosen[n_real:] == identities(synthetic[-1])


@given(situations(), st.integers(0, 8), st.floats(0, 1), st.floats(0, 1))
def test_a_detector_drops_so_many_of_each(
    situation: tuple[Any, list[Any], int], n_real: int, wrongly: float, missed: float
) -> None:
    real, synthetic, _ = situation

    def source(n: int, rng: np.random.Generator) -> Any:
        return numbered(100_000 + int(rng.integers(1000)), n, kind_of(real))

    policy = DetectAndDrop(source, n_real, wrongly, missed)
    kept, through = round((1 - wrongly) * n_real), round(missed * len(synthetic[-1]))
    if kept + through == 0:
        with pytest.raises(ValueError, match="DetectAndDrop leaves nothing"):
            policy.training_set(real, synthetic, np.random.default_rng(0))
        return
    chosen = identities(training_set(policy, situation))
    assert [number >= 100_000 for number in chosen] == [True] * kept + [False] * through
    assert len(set(chosen)) == len(chosen)
    assert set(chosen[kept:]) <= set(identities(synthetic[-1]))


def test_a_detector_errs_by_lot() -> None:
    """Each sample has the same chance. Size: sd of a share below .012; .05 is over four of it."""
    policy = DetectAndDrop(lambda n, rng: np.arange(n), 4, called_wrongly=0.25, missed=0.5)
    rng, newest = np.random.default_rng(7), [np.arange(10, 16)]
    drawn = [policy.training_set(np.arange(3), newest, rng) for _ in range(2000)]
    counts = np.bincount(np.concatenate(drawn), minlength=16) / 2000
    assert counts[:4] == pytest.approx(np.full(4, 0.75), abs=0.05)
    assert counts[10:] == pytest.approx(np.full(6, 0.5), abs=0.05)


def test_a_detector_in_many_runs_holds_the_floor_of_the_rows_that_it_lets_in() -> None:
    # Two of ten real rows are dropped and a twentieth of the others missed: 8 real rows of 12.
    # Size: a run's mean over the later half has sd .13: standard error .003 at 1,500 runs.
    frame = run_batched(
        Gaussian(), lambda shape, rng: rng.standard_normal((*shape, 1)), n_samples=80,
        policy=DetectAndDrop(lambda n, rng: rng.standard_normal((n, 1)), 10, 0.2, 0.05),
        generations=24, replicates=1500, seed=12,
        metrics={"variance": lambda model, _: model.covariance_[..., 0, 0]},
    )  # fmt: skip
    late = frame[frame["generation"] >= 12]["value"].mean()
    assert late == pytest.approx(theory.gaussian_floor(8, 12), abs=0.012)
    assert abs(theory.gaussian_floor(8, 12) - theory.gaussian_floor(10, 90)) > 0.024


def test_subsample_is_uniform() -> None:
    # Each of 30 rows is chosen with chance 1/3. Size: over 9,000 draws the standard error of a
    # frequency is 0.005; 0.025 is five of them, and there are 30 (chance of failure 2e-5).
    real, synthetic = np.arange(10), [np.arange(10, 20), np.arange(20, 30)]
    rng = np.random.default_rng(0)
    policy = AccumulateSubsample()
    chosen = np.concatenate([policy.training_set(real, synthetic, rng) for _ in range(9000)])
    assert np.bincount(chosen, minlength=30) / 9000 == pytest.approx(np.full(30, 1 / 3), abs=0.025)


@pytest.mark.parametrize(("pool", "n"), [(30, 10), (1000, 10)])  # both ways to draw distinct rows
def test_draws_for_many_runs_are_uniform_and_distinct(pool: int, n: int) -> None:
    runs = 20_000
    values = np.broadcast_to(np.arange(pool)[:, None], (pool, runs))
    chosen = draw(Replicates(values), n, np.random.default_rng(1))
    assert isinstance(chosen, Replicates)
    assert chosen.values.shape == (n, runs)
    ordered = np.sort(chosen.values, axis=0)
    assert (ordered[1:] != ordered[:-1]).all()
    # Size: in ten equal blocks of indices, each frequency has standard error below 0.0007.
    blocks = np.bincount((chosen.values * 10 // pool).ravel(), minlength=10) / chosen.values.size
    assert blocks == pytest.approx(np.full(10, 0.1), abs=0.004)
    # Every run draws its own.
    assert (chosen.values != chosen.values[:, :1]).any(axis=0)[1:].mean() > 0.99


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: AccumulateSubsample(0), ValueError, "size must be an integer of at least 1"),
        (lambda: AccumulateSubsample(2.5), TypeError, "size must be an integer"),  # type: ignore[arg-type]
        (lambda: Mix(1.5), ValueError, "real_fraction must be"),
        (lambda: Mix(float("nan")), ValueError, "real_fraction must be"),
        (lambda: Mix("half"), TypeError, "real_fraction must be"),  # type: ignore[arg-type]
        (lambda: Mix(0.5, size=-1), ValueError, "size must be"),
        (lambda: Mix(0.5, pool="first"), ValueError, "pool must be one of 'last', 'all'"),
        (lambda: FrozenReal(-1), ValueError, "n_real must be"),
        (lambda: FrozenReal(2.5), TypeError, "n_real must be"),  # type: ignore[arg-type]
        (lambda: FrozenReal(5, size=4), ValueError, "size must be an integer of at least 5"),
        (lambda: FreshReal(None, 3), TypeError, "source must be callable"),  # type: ignore[arg-type]
        (lambda: FreshReal(lambda n, rng: [], -1), ValueError, "n_real must be"),
    ],
)
def test_bad_parameters_fail_when_the_policy_is_made(
    make: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (AccumulateSubsample(21), "size must be at most the pool's 20 samples, got 21"),
        (Mix(0.9, size=15), "needs 14 real samples .* there are 10"),
        (Mix(0.1, size=15), "needs 13 synthetic samples .* there are 10"),
        (FrozenReal(12), "of real ones it would take 12 of 10"),
        (FrozenReal(11, size=15), "of real ones it would take 11 of 10"),
        (FrozenReal(2, size=15), "of synthetic ones it would take 13 of 10"),
        (FreshReal(lambda n, rng: np.zeros(n + 1), 3), "source must return 3 samples, got 4"),
        (DetectAndDrop(lambda n, rng: np.zeros(n + 1), 3), "source must return 3 samples, got 4"),
        (DetectAndDrop(lambda n, rng: np.zeros(n), 3, 1.0), "leaves nothing of 3 real and 10"),
    ],
)
def test_asking_for_more_than_there_is(policy: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        policy.training_set(np.zeros(10), [np.zeros(10)], np.random.default_rng(0))


EVERY = [
    Replace(),
    Accumulate(),
    AccumulateSubsample(),
    Mix(0.5),
    FreshReal(numbered, 1),
    FrozenReal(1),
    DetectAndDrop(numbered, 1),
]


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_a_policy_keeps_its_settings(policy: Any) -> None:
    """Arms of a study share it, and a run goes on with the one that it began with."""
    for setting in ("size", "real_fraction", "anything"):
        with pytest.raises(FrozenInstanceError):
            setattr(policy, setting, 0.25)
    assert policy in {policy}
    assert policy == copy.copy(policy)


def test_mix_can_draw_again_and_again_from_one_sample() -> None:
    again = Mix(0.25, size=8, with_replacement=True)
    chosen = again.training_set([7], [[3], [5]], np.random.default_rng(0))
    assert chosen == [7, 7, 5, 5, 5, 5, 5, 5]
    for real, synthetic in (([], [[5]]), ([7], [[]])):
        with pytest.raises(ValueError, match="but there are 0"):
            again.training_set(real, synthetic, np.random.default_rng(0))


@pytest.mark.parametrize(
    "policy",
    [Replace(), Mix(0.5), FrozenReal(1), FreshReal(lambda n, rng: [0] * n, 1),
     DetectAndDrop(lambda n, rng: [0] * n, 1)],
)  # fmt: skip
def test_a_policy_that_needs_synthetic_data_says_so(policy: Any) -> None:
    with pytest.raises(ValueError, match="synthetic must hold"):
        policy.training_set([1, 2], [], np.random.default_rng(0))


@pytest.mark.parametrize("policy", [Accumulate(), AccumulateSubsample(), Mix(0.5), FrozenReal(2)])
def test_arrays_and_lists_do_not_mix(policy: Any) -> None:
    with pytest.raises(TypeError, match="all arrays or all lists"):
        policy.training_set(np.zeros(4), [[0.0] * 4], np.random.default_rng(0))


def test_samples_of_different_shapes_do_not_mix() -> None:
    with pytest.raises(ValueError, match="one shape"):
        Accumulate().training_set(np.zeros((4, 2)), [np.zeros((4, 3))], np.random.default_rng(0))


def test_the_three_things_one_does_with_data() -> None:
    assert size([1, 2, 3]) == size(np.zeros((3, 2))) == size(Replicates(np.zeros((3, 5)))) == 3
    assert take(["a", "b", "c"], np.array([2, 0])) == ["c", "a"]
    with pytest.raises(ValueError, match="at least one data set"):
        concat([])
    with pytest.raises(TypeError, match="got str"):
        concat(["text"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="cannot draw 4 samples without replacement from 3"):
        draw([1, 2, 3], 4, np.random.default_rng(0))
    with pytest.raises(ValueError, match="cannot draw 1 samples without replacement from 0"):
        draw([], 1, np.random.default_rng(0), with_replacement=True)
