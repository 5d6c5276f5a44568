"""What the next generation trains on: one small class a policy.

A policy sees the original real data and everything that was produced and kept since, oldest
first, and returns a training set. It is the one word that separates the collapse of Shumailov et
al. (`Replace`) from the bounded error of Gerstgrasser, Schaeffer et al. (`Accumulate`). A policy
neither fits nor samples, and it never modifies what it is given.

A policy knows its name, which arms of studies bear, and its label, which people read. A new one is
one class: a subclass of `Named` with a method `training_set`. Menus, arms and legends ask it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np

from helpers._arguments import fraction, one_of, positive_int
from helpers.data import Data, concat, draw, size, take


class Named:
    """What every policy here has beside `training_set`: what to call it, `name` and `label`.

    Both follow from the name of the class, unless a class sets them: name = "subsample".
    """

    @property
    def name(self) -> str:
        """A word of a table, with underscores: how arms of studies are named."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def label(self) -> str:
        """For people: menus and legends."""
        return self.name.replace("_", " ")

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """What the next generation trains on; `synthetic` is what each one kept, oldest first."""
        raise NotImplementedError


def plain() -> list[Named]:
    """One of each known policy that needs no settings, in the order in which they were defined."""
    found: dict[str, Named] = {}
    waiting = list(Named.__subclasses__())
    while waiting:
        kind = waiting.pop(0)
        waiting += kind.__subclasses__()
        try:
            signature(kind).bind()
        except TypeError:
            continue  # it has settings without a default
        policy = kind()
        found[policy.name] = policy  # a cell that is run again defines its class again: the last
    return list(found.values())


def by_name(*policies: Named) -> dict[str, Named]:
    """The policies by their names, as arms of a study; ValueError when two have the same name."""
    arms = {policy.name: policy for policy in policies}
    if len(arms) < len(policies):
        raise ValueError(f"policies must have different names, got {[p.name for p in policies]}")
    return arms


def _newest(synthetic: Sequence[Data]) -> Data:
    if not synthetic:
        raise ValueError("synthetic must hold the samples of at least one generation, got none")
    return synthetic[-1]


def _check_source(source: Any, n_real: Any) -> None:
    if not callable(source):
        raise TypeError(f"source must be callable as source(n, rng), got {source!r}")
    positive_int("n_real", n_real, minimum=0)


def _collected(
    source: Callable[[int, np.random.Generator], Data], n_real: int, rng: np.random.Generator
) -> Data:
    fresh = source(n_real, rng)
    if size(fresh) != n_real:
        raise ValueError(f"source must return {n_real} samples, got {size(fresh)}")
    return fresh


@dataclass(frozen=True)
class Replace(Named):
    """Only what the last generation produced (Shumailov et al., Nature 2024, section Theory)."""

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """The last element of `synthetic`, copied."""
        return concat([_newest(synthetic)])


@dataclass(frozen=True)
class Accumulate(Named):
    """The real data and every synthetic generation (Gerstgrasser et al. 2024, section 2)."""

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """`real` followed by all of `synthetic`: grows by a generation each time."""
        return concat([real, *synthetic])


@dataclass(frozen=True)
class AccumulateSubsample(Named):
    """A fixed-size random part of what `Accumulate` trains on (Kazdan et al. 2024).

    Drawn without replacement; `size` None means as many samples as there are real ones, so that
    every generation costs the same.
    """

    size: int | None = None
    name = "subsample"

    def __post_init__(self) -> None:
        if self.size is not None:
            positive_int("size", self.size)

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """`size` samples of the pool; ValueError when the pool is smaller."""
        pool = concat([real, *synthetic])
        wanted = size(real) if self.size is None else self.size
        if wanted > size(pool):
            raise ValueError(f"size must be at most the pool's {size(pool)} samples, got {wanted}")
        return draw(pool, wanted, rng)


@dataclass(frozen=True)
class Mix(Named):
    """A fixed share of the original real data in a training set of fixed size.

    round(real_fraction * size) samples come from the real data, always the same original ones to
    draw from; the rest from the last generation (`pool` "last") or from all of them ("all").
    `size` None: as many as there are real samples. Nature's second language-model setting, a
    random tenth of the original data, is `Mix(0.1)`.
    """

    real_fraction: float
    size: int | None = None
    pool: str = "last"
    with_replacement: bool = False

    def __post_init__(self) -> None:
        fraction("real_fraction", self.real_fraction)
        if self.size is not None:
            positive_int("size", self.size)
        one_of("pool", self.pool, ("last", "all"))

    @property
    def name(self) -> str:
        """mix10: ten per cent of it real."""
        return f"mix{100 * self.real_fraction:g}".replace(".", "_")

    @property
    def label(self) -> str:
        """mix, 10 % real."""
        return f"mix, {100 * self.real_fraction:.3g} % real"

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """Real samples first, then synthetic ones; ValueError when either runs short."""
        total = size(real) if self.size is None else self.size
        n_real = round(self.real_fraction * total)
        source = _newest(synthetic) if self.pool == "last" else concat(list(synthetic))
        for what, pool, wanted in (("real", real, n_real), ("synthetic", source, total - n_real)):
            if wanted > size(pool) and (size(pool) == 0 or not self.with_replacement):
                raise ValueError(
                    f"Mix needs {wanted} {what} samples (real_fraction {self.real_fraction:g} of "
                    f"size {total}), but there are {size(pool)}; lower size, keep more, or use "
                    f"with_replacement=True"
                )
        return concat(
            [
                draw(real, n_real, rng, with_replacement=self.with_replacement),
                draw(source, total - n_real, rng, with_replacement=self.with_replacement),
            ]
        )


@dataclass(frozen=True)
class FreshReal(Named):
    """`n_real` newly collected real samples each round, beside the last generation's.

    `source(n, rng)` returns n new real samples: the fresh-data loop of Alemohammad et al. 2023.
    """

    source: Callable[[int, np.random.Generator], Data]
    n_real: int
    name = "fresh"
    label = "fresh real"

    def __post_init__(self) -> None:
        _check_source(self.source, self.n_real)

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """The new real samples first, then the last element of `synthetic`."""
        return concat([_collected(self.source, self.n_real, rng), _newest(synthetic)])


@dataclass(frozen=True)
class FrozenReal(Named):
    """The same `n_real` real samples in every round, the first ones; the rest is the newest.

    In all `size` samples, None for as many as there are real ones. `Mix` draws its real samples
    anew each round from all of them, `FreshReal` collects new ones: the three ways to have a
    tenth of real data.
    """

    n_real: int
    size: int | None = None
    name = "frozen"
    label = "frozen real"

    def __post_init__(self) -> None:
        positive_int("n_real", self.n_real, minimum=0)
        if self.size is not None:
            positive_int("size", self.size, minimum=max(1, self.n_real))

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """Real samples first, then a draw from the newest; ValueError when either runs short."""
        newest = _newest(synthetic)
        n_synthetic = (size(real) if self.size is None else self.size) - self.n_real
        for what, there, wanted in (
            ("real", size(real), self.n_real),
            ("synthetic", size(newest), n_synthetic),
        ):
            if not 0 <= wanted <= there:
                raise ValueError(
                    f"FrozenReal needs {self.n_real} real samples and others up to its size, "
                    f"but of {what} ones it would take {wanted} of {there}"
                )
        return concat([take(real, np.arange(self.n_real)), draw(newest, n_synthetic, rng)])


@dataclass(frozen=True)
class DetectAndDrop(Named):
    """`FreshReal` behind a detector, which drops what it takes for machine-made.

    Each round `n_real` new real samples come in, and all that the last generation produced. The
    detector drops the share `called_wrongly` of the real ones and lets the share `missed` of the
    others through, as in `theory.prevalence`; with both 0 real samples alone are left. It errs by
    lot, whatever a sample is like: a detector that errs on the rare ones does more harm than this.
    Both numbers are rounded, so that all runs keep equally many.
    """

    source: Callable[[int, np.random.Generator], Data]
    n_real: int
    called_wrongly: float = 0.0
    missed: float = 0.0

    def __post_init__(self) -> None:
        _check_source(self.source, self.n_real)
        fraction("called_wrongly", self.called_wrongly)
        fraction("missed", self.missed)

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        """What is left of the new real samples, then of the newest; ValueError when nothing is."""
        newest = _newest(synthetic)
        fresh = _collected(self.source, self.n_real, rng)
        n_kept = round((1 - self.called_wrongly) * self.n_real)
        n_missed = round(self.missed * size(newest))
        if n_kept + n_missed == 0:
            raise ValueError(
                f"DetectAndDrop leaves nothing of {self.n_real} real and {size(newest)} other "
                f"samples (called_wrongly {self.called_wrongly:g}, missed {self.missed:g})"
            )
        return concat([draw(fresh, n_kept, rng), draw(newest, n_missed, rng)])
