"""How much faster `run_batched` is than the loop one would write first.

Gaussian loop, one coordinate, 100 samples, 100 generations, 100 seeds, every sample drawn. The
peer draws one replicate at a time with numpy.random.multivariate_normal and estimates with
numpy.cov, as the papers' notebooks do. Both run in this process, interleaved; the ratio is of the
best CPU times, target at least 25.

    python tests/benchmarks/gaussian_loop.py
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import numpy as np

from helpers import metrics
from helpers.loop import run_batched, single_thread
from helpers.models import Gaussian
from helpers.policies import Replace

SAMPLES, GENERATIONS, SEEDS, ROUNDS, TARGET = 100, 100, 100, 3, 25.0


def plain_loop() -> np.ndarray:
    """Variance of every generation and seed, shape (GENERATIONS + 1, SEEDS), the plain way."""
    variance = np.empty((GENERATIONS + 1, SEEDS))
    for seed in range(SEEDS):
        np.random.seed(seed)  # noqa: NPY002 - the peer is the loop as it is usually written
        data = np.random.multivariate_normal([0.0], [[1.0]], SAMPLES)  # noqa: NPY002
        for generation in range(GENERATIONS + 1):
            mean, covariance = data.mean(axis=0), np.atleast_2d(np.cov(data.T))
            variance[generation, seed] = covariance[0, 0]
            data = np.random.multivariate_normal(mean, covariance, SAMPLES)  # noqa: NPY002
    return variance


def course_loop() -> np.ndarray:
    """The same experiment by `run_batched`."""
    frame = run_batched(
        Gaussian(ddof=1),
        lambda shape, rng: rng.standard_normal((*shape, 1)),
        policy=Replace(),
        generations=GENERATIONS,
        n_samples=SAMPLES,
        replicates=SEEDS,
        metrics={"variance": metrics.variance},
    )
    return frame["value"].to_numpy().reshape(GENERATIONS + 1, SEEDS)


def measure() -> tuple[float, float]:
    """Best CPU seconds of the plain loop and of ours, over ROUNDS interleaved rounds."""
    seconds: dict[Callable[[], np.ndarray], list[float]] = {plain_loop: [], course_loop: []}
    course_loop()  # imports and first calls are nobody's loop
    for _ in range(ROUNDS):
        for loop, spent in seconds.items():
            start = time.process_time()
            variance = loop()
            spent.append(time.process_time() - start)
            typical = np.log(variance[-1]).mean()
            # Both must be the experiment: E log variance is -1.02, its standard error 0.14.
            assert abs(typical + 1.02) < 0.7, f"{loop.__name__}: typical log variance {typical:.2f}"
    return min(seconds[plain_loop]), min(seconds[course_loop])


def main() -> int:
    """Print both times and the ratio; 1 when it misses the target."""
    with single_thread():
        plain, ours = measure()
    ratio = plain / ours
    print(
        f"plain loop {plain:.3f} s, run_batched {ours:.4f} s (CPU, best of {ROUNDS}): "
        f"{ratio:.1f} times faster, target {TARGET:.0f}"
    )
    return 0 if ratio >= TARGET else 1


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
