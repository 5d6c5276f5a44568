"""The table of checks: every published figure that this part of the course can reproduce.

The numbers in the names are the rows of the table from which the course was built; the tolerance
is the table's. "Size" says why a correct program fails less than once in 10,000 runs: the
tolerance is at least four standard errors (a two-sided normal error of 6e-5). All seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from helpers import metrics, studies, theory
from helpers.loop import Verified, run_batched, run_loop
from helpers.models import Discrete, Gaussian, KernelDensity, LinearRegression
from helpers.policies import Accumulate, AccumulateSubsample, FreshReal, Replace
from helpers.studies import noisy_verifier
from helpers.studies.real_rows import fresh_runs

Curves = dict[str, np.ndarray]
REPLACE = Replace()


def normal_real(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Standard normal real data with one coordinate."""
    return rng.standard_normal((*shape, 1))


def in_batches(
    simulate: Callable[[int, int], Any], runs: int, batch: int, metric_names: list[str]
) -> Curves:
    """Many runs, a batch at a time to keep memory small: metric -> array (fits, runs)."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in metric_names}
    for seed in range(runs // batch):
        frame = simulate(batch, seed)
        for name, rows in frame.groupby("metric"):
            parts[name].append(rows["value"].to_numpy().reshape(-1, batch))
    return {name: np.concatenate(arrays, axis=1) for name, arrays in parts.items()}


def gaussian_curves(
    n: int, fits: int, runs: int, batch: int, policy: Any = REPLACE, **parameters: Any
) -> Curves:
    """Fitted variance and mean, second moment of the samples: arrays (fits, runs)."""
    yardsticks = {
        "variance": metrics.variance,
        "mean": metrics.mean,
        "moment": lambda model, produced: (produced**2).mean(axis=(0, -1)),
    }

    def simulate(replicates: int, seed: int) -> Any:
        return run_batched(
            Gaussian(**parameters),
            normal_real,
            policy=policy,
            generations=fits - 1,
            n_samples=n,
            replicates=replicates,
            metrics=yardsticks,
            seed=seed,
        )

    return in_batches(simulate, runs, batch, list(yardsticks))


def regression_error(
    d: int, n: int, fits: int, runs: int, batch: int, policy: Any, *, shared: bool, sigma: float
) -> np.ndarray:
    """Mean excess error after each fit, shape (fits,); every run has its own real design."""
    truth = np.full(d, d**-0.5)  # squared length 1

    def simulate(replicates: int, seed: int) -> Any:
        design_rng, noise_rng = (np.random.default_rng([seed, part]) for part in (1, 2))
        design = design_rng.standard_normal((n, replicates, d))

        def real(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
            labels = design @ truth + sigma * noise_rng.standard_normal(design.shape[:2])
            return np.moveaxis(np.concatenate([design, labels[..., None]], axis=-1), 0, 1)

        return run_batched(
            LinearRegression(sigma, design if shared else None),
            real,
            policy=policy,
            generations=fits - 1,
            n_samples=n,
            replicates=replicates,
            metrics={"error": metrics.excess_error(truth)},
            seed=seed,
        )

    return in_batches(simulate, runs, batch, ["error"])["error"].mean(axis=1)


def discrete_curves(
    p: np.ndarray, n: int, fits: int, runs: int, batch: int, yardsticks: dict[str, Any]
) -> Curves:
    """Arrays (fits, runs) of the given metrics, replace, real data drawn from `p`."""

    def real(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return rng.choice(len(p), size=shape, p=p)

    def simulate(replicates: int, seed: int) -> Any:
        return run_batched(
            Discrete(len(p)),
            real,
            policy=Replace(),
            generations=fits - 1,
            n_samples=n,
            replicates=replicates,
            metrics=yardsticks,
            seed=seed,
        )

    return in_batches(simulate, runs, batch, list(yardsticks))


# --- linear regression -------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [True, False])
def test_row_01_regression_replace_is_a_line(shared: bool) -> None:
    # Size: the error of a run has a relative sd of 0.47: standard error 1.05 per cent at 2,000
    # runs, a fifth of the tolerance.
    error = regression_error(10, 100, 20, 2000, 250, Replace(), shared=shared, sigma=1.0)
    for t, published in ((10, 1.1236), (20, 2.247)):
        assert theory.regression_error_replace(10, 100, t) == pytest.approx(published, rel=1e-3)
        assert error[t - 1] == pytest.approx(published, rel=0.05)


def test_row_02_regression_accumulate_is_bounded() -> None:
    # Size: relative sd of a run 0.46, standard error 1.02 per cent at 2,000 runs.
    error = regression_error(10, 100, 20, 2000, 250, Accumulate(), shared=True, sigma=1.0)
    for t, published in ((5, 0.1645), (20, 0.1793)):
        assert theory.regression_error_accumulate(10, 100, t) == pytest.approx(published, rel=1e-3)
        assert error[t - 1] == pytest.approx(published, rel=0.05)
    cap = theory.regression_error_replace(10, 100, 1) * np.pi**2 / 6
    assert cap == pytest.approx(0.1848, rel=1e-3)
    assert theory.regression_error_accumulate(10, 100, np.arange(1, 5000)).max() < cap


def test_row_02_a_fresh_design_ends_a_little_below_the_formula() -> None:
    # The table's own measurement is 0.1603 at fit 5. Size: as above, 2,000 runs.
    error = regression_error(10, 100, 5, 2000, 500, Accumulate(), shared=False, sigma=1.0)
    assert error[4] == pytest.approx(0.1603, rel=0.05)


@pytest.mark.parametrize(
    ("n", "published", "runs", "batch"),
    # Size: relative sd of a run 0.46, 0.50, 0.61 for n = 1000, 100, 32: standard errors 2.9, 2.5
    # and 1.6 per cent. What we find in longer runs lies 3, 3 and 8 per cent below what was read
    # off the plot, so the nearer edge of the tolerance is more than four standard errors away.
    [(1000, 0.03, 260, 20), (100, 0.36, 400, 100), (32, 2.4, 1500, 250)],
)
def test_row_03_subsample_reaches_a_plateau(
    n: int, published: float, runs: int, batch: int
) -> None:
    error = regression_error(10, n, 40, runs, batch, AccumulateSubsample(), shared=True, sigma=1.0)
    assert error[39] == pytest.approx(published, rel=0.15)
    assert error[39] < 0.5 * theory.regression_error_replace(10, n, 40)


def test_row_22_noise_free_overparametrised() -> None:
    # Size: after one fit a share Beta(5, 20) of the squared length is lost: relative sd 0.39,
    # standard error 0.95 per cent at 1,700 runs. Later fits are tighter.
    fresh = regression_error(50, 40, 6, 1700, 100, Replace(), shared=False, sigma=0.0)
    published = [0.2, 0.36, 0.488, 0.590, 0.672, 0.738]
    assert theory.overparametrised_error_replace(50, 40, np.arange(1, 7)) == pytest.approx(
        published, abs=6e-4
    )
    assert fresh == pytest.approx(published, rel=0.04)
    same = regression_error(50, 40, 4, 50, 50, Replace(), shared=True, sigma=0.0)
    assert same == pytest.approx(np.full(4, same[0]), rel=1e-9)  # the projection is idempotent


# --- Gaussian ----------------------------------------------------------------------------------


@cache
def mle_100() -> Curves:
    # Shared by rows 4 and 5. Size: sd 0.79 of a run's variance, 0.75 of its squared mean (t = 50):
    # at 40,000 runs the tolerances 0.0182 and 0.0158 are 4.6 and 4.2 standard errors.
    return gaussian_curves(100, 50, 40_000, 1000)


def test_row_04_gaussian_replace_variance() -> None:
    assert theory.gaussian_variance_replace(100, 50) == pytest.approx(0.6050, abs=5e-5)
    assert mle_100()["variance"][-1].mean() == pytest.approx(0.6050, rel=0.03)


def test_row_05_gaussian_replace_mean_error() -> None:
    assert theory.gaussian_mean_error_replace(100, 50) == pytest.approx(0.3950, abs=5e-5)
    assert (mle_100()["mean"][-1] ** 2).mean() == pytest.approx(0.3950, rel=0.04)


@pytest.mark.parametrize(
    ("n", "published", "runs"),
    # Size: the log variance has sd sqrt(100 trigamma((n-1)/2)): 1.43 (n=100), 5.0 (n=10). The
    # tolerance of 5 per cent of the logarithm is 0.101 and 1.10: 4.5 and 7 standard errors.
    [(100, 0.1328, 4000), (10, 2.64e-10, 1000)],
)
def test_row_06_the_typical_variance(n: int, published: float, runs: int) -> None:
    assert theory.gaussian_geometric_variance_replace(n, 100) == pytest.approx(published, rel=2e-3)
    variance = gaussian_curves(n, 100, runs, 500)["variance"][-1]
    assert np.log(variance).mean() == pytest.approx(np.log(published), rel=0.05)


def test_row_07_unbiased_variance_dies_in_every_run() -> None:
    # Never the mean of the variance: its expectation is 1 and no simulation shows it.
    # Size: median of 5,000 log variances, sd 5.0: standard error 0.09 against 0.58 allowed.
    late = gaussian_curves(10, 100, 5000, 500, ddof=1)
    assert theory.gaussian_variance_replace(10, 100, ddof=1) == 1.0
    assert np.log(np.median(late["variance"][-1])) == pytest.approx(np.log(1.0e-5), rel=0.05)
    # Size: E sd at t = 20 is 0.574, its sd sqrt(1 - 0.33) = 0.82 exactly: standard error 0.0041
    # at 40,000 runs against 0.023 (4 per cent) allowed.
    early = gaussian_curves(10, 20, 40_000, 1000, ddof=1)
    expected = theory.gaussian_sd_replace(10, 20, ddof=1)
    assert np.sqrt(early["variance"][-1]).mean() == pytest.approx(expected, rel=0.04)
    assert theory.gaussian_sd_replace(10, 100, ddof=1) == pytest.approx(0.0625, rel=1e-3)
    # E mean**2 = t/n, at t = 10, where its sd is 2.2: standard error 0.011 against 0.05.
    assert theory.gaussian_mean_error_replace(10, 10, ddof=1) == 1.0
    assert (early["mean"][9] ** 2).mean() == pytest.approx(1.0, rel=0.05)


@cache
def unbiased_100() -> Curves:
    return gaussian_curves(100, 10, 20_000, 1000, ddof=1)


def test_row_08_distance_grows_by_three_halves() -> None:
    # Size: sd of a run about 0.17, standard error 0.0012 at 20,000 runs against 0.006.
    curves = unbiased_100()
    distance = curves["mean"][-1] ** 2 + (np.sqrt(curves["variance"][-1]) - 1) ** 2
    exact = theory.gaussian_wasserstein_replace(100, 10, ddof=1)
    assert exact == pytest.approx(0.1499, abs=5e-5)
    assert exact == pytest.approx(1.5 * 10 / 100, rel=0.01)  # SI equation 6, first order
    assert distance.mean() == pytest.approx(exact, rel=0.04)


def test_row_09_marginal_variance_of_the_samples_grows() -> None:
    # Size: a run's mean of x**2 has sd 0.5, standard error 0.0035 at 20,000 runs against 0.033.
    assert unbiased_100()["moment"][-1].mean() == pytest.approx(1.10, rel=0.03)


def test_row_10_gaussian_accumulate_is_bounded() -> None:
    # Size: sd of a run 0.57 (variance) and 0.25 (squared mean): standard errors 0.0033 and 0.0014
    # at 30,000 runs against 0.034 and 0.0062 allowed.
    curves = gaussian_curves(10, 100, 30_000, 500, policy=Accumulate())
    limit = np.sin(np.pi / np.sqrt(10)) / (np.pi / np.sqrt(10))
    assert theory.gaussian_variance_accumulate(10, 100) == pytest.approx(limit, rel=0.002)
    assert theory.gaussian_variance_accumulate(10, 100) == pytest.approx(0.8443, abs=5e-5)
    assert curves["variance"][-1].mean() == pytest.approx(0.8443, rel=0.04)
    assert (curves["mean"][-1] ** 2).mean() == pytest.approx(0.1557, rel=0.04)


def test_row_10_gaussian_accumulate_with_a_hundred_samples() -> None:
    # At fit 20, where the pool is still small; the formula's limit is checked beside it.
    # Size: the squared mean has relative sd 1.42: 1 per cent at 20,000 runs against 4.
    assert theory.gaussian_variance_accumulate(100, 100) == pytest.approx(0.9837, abs=2e-4)
    assert theory.gaussian_mean_error_accumulate(100, 100) == pytest.approx(0.01627, abs=1e-4)
    curves = gaussian_curves(100, 20, 20_000, 500, policy=Accumulate())
    assert curves["variance"][-1].mean() == pytest.approx(
        theory.gaussian_variance_accumulate(100, 20), rel=0.04
    )
    assert (curves["mean"][-1] ** 2).mean() == pytest.approx(
        theory.gaussian_mean_error_accumulate(100, 20), rel=0.04
    )


def test_row_11_sampling_bias() -> None:
    # Ten synthetic rounds are eleven fits. Size: relative sd 0.50, standard error 0.5 per cent at
    # 10,000 runs against 3.
    variance = gaussian_curves(100, 11, 10_000, 1000, ddof=1, sampling_bias=0.8)["variance"][-1]
    assert theory.gaussian_sampling_bias(0.8, 10) == pytest.approx(0.1074, abs=5e-5)
    assert variance.mean() == pytest.approx(0.1074, rel=0.03)


@pytest.mark.parametrize(("kinds", "lam"), [(1, 0.8), (4, 1.0), (4, 0.7)])
def test_row_11_sampling_bias_in_a_mixture(kinds: int, lam: float) -> None:
    # Rows whose bell is known. Size: of 1,500 runs the spread has a relative standard error below
    # .7 per cent, the error of the centres one below 3.5: 4 and 16 per cent are over four of them.
    n, fits, runs, rng = 60, 7, 1500, np.random.default_rng(11)
    spread, error = np.zeros(runs), np.zeros(runs)
    for run in range(runs):
        bells = [(1 / kinds, 0.0, 1.0)] * kinds
        for fit in range(fits):
            counts = rng.multinomial(n, [share for share, _, _ in bells])
            rows = [
                centre + np.sqrt(v * (lam if fit else 1)) * rng.standard_normal(many)
                for (_, centre, v), many in zip(bells, counts, strict=True)
            ]
            bells = [(len(part) / n, part.mean(), part.var()) for part in rows if len(part)]
        spread[run] = sum(share * v for share, _, v in bells)
        error[run] = sum(share * centre**2 for share, centre, _ in bells)
    assert spread.mean() == pytest.approx(theory.mixture_spread(n, kinds, fits, lam), rel=0.04)
    assert error.mean() == pytest.approx(theory.mixture_centre_error(n, kinds, fits, lam), rel=0.16)


def test_a_mixture_of_one_bell_is_a_gaussian() -> None:
    t = np.arange(1, 40)
    one = theory.gaussian_variance_replace(50, t)
    assert theory.mixture_spread(50, 1, t) == pytest.approx(one)
    assert theory.mixture_centre_error(50, 1, t) == pytest.approx(1 - one)
    # Whoever trims stops the centres: MAD's other half.
    assert theory.mixture_centre_error(100, 4, 10**6, 0.8) == pytest.approx(0.04 / (1 - 0.768))
    with pytest.raises(ValueError, match="kinds must be below n = 8, got 8"):
        theory.mixture_spread(8, 8, 1)
    with pytest.raises(ValueError, match="lam must be"):
        theory.mixture_centre_error(8, 2, 1, 1.5)


def test_row_19_survival_bound() -> None:
    # An inequality, for the unbiased fit. Size: the true chances are 0.080 and 0.004.
    for t, published in ((100, 0.770), (200, 0.0593)):
        sd = np.sqrt(gaussian_curves(10, t, 4000, 500, ddof=1)["variance"][-1])
        bound = theory.gaussian_survival_bound(10, t, epsilon=0.1)
        assert bound == pytest.approx(published, rel=1e-3)
        assert 0 < (sd > 0.1).mean() <= bound


# --- kernel density ----------------------------------------------------------------------------


def test_row_12_kernel_density_explodes() -> None:
    # 64 coordinates at once, 7,680 variances in all. They share which centres were drawn, so a run
    # counts as one value, the mean over its coordinates. Size: that has sd 0.99 (one coordinate:
    # 5 to 6), standard error 0.09 at 120 runs against 0.415.
    n, rounds, width, runs, d = 100, 50, 0.5, 120, 64
    final = []
    for seed in range(runs):
        real = np.random.default_rng([seed, 7]).standard_normal((n, d))
        real = (real - real.mean(axis=0)) / real.std(axis=0)  # sample variance 1, as in the row
        history = run_loop(
            KernelDensity(width),
            real,
            policy=Replace(),
            generations=rounds - 1,
            metrics={"variance": metrics.sample_variance},
            seed=seed,
        )
        final.append(history.frame["value"].iloc[-1])
    assert theory.kde_variance_replace(n, rounds, width) == pytest.approx(10.38, abs=5e-3)
    assert np.mean(final) == pytest.approx(10.38, rel=0.04)


# --- discrete distributions --------------------------------------------------------------------


def test_row_13_tail_loss_in_one_step() -> None:
    assert theory.tail_loss_one_step(0.0005, 1000) == pytest.approx(0.60645, abs=5e-6)


def test_row_14_the_chance_to_win_is_the_first_share() -> None:
    # Size: sd of a frequency at most 0.5 / sqrt(6000) = 0.0065 against 0.03.
    p = np.array([0.5, 0.3, 0.15, 0.05])
    yardsticks = {
        "support": metrics.support_size,
        "winner": lambda model, produced: model.probabilities_.argmax(axis=-1),
    }
    curves = discrete_curves(p, 50, 600, 6000, 500, yardsticks)
    decided = curves["support"][-1] == 1
    assert decided.mean() > 0.999
    shares = np.bincount(curves["winner"][-1][decided].astype(int), minlength=4) / decided.sum()
    assert shares == pytest.approx(p, abs=0.03)


def test_row_15_heterozygosity_decays() -> None:
    # Size: sd of a run 0.22, standard error 0.0010 at 46,000 runs against 0.0046.
    p = np.array([0.5, 0.3, 0.15, 0.05])
    values = discrete_curves(p, 50, 50, 46_000, 2000, {"h": metrics.heterozygosity})["h"][-1]
    assert theory.heterozygosity(p, 50, 50) == pytest.approx(0.2312, abs=5e-5)
    assert values.mean() == pytest.approx(0.2312, rel=0.02)


def absorption_fits(n: int, k: int, fits: int, runs: int, batch: int) -> np.ndarray:
    curves = discrete_curves(np.full(k, 1 / k), n, fits, runs, batch, {"s": metrics.support_size})
    return 1 + (curves["s"] > 1).sum(axis=0)


def test_row_16_absorption_time() -> None:
    # Cut off at 900 fits, which one run in some 2,000 outlives by about 100: 0.03 per cent of the
    # mean. Size: sd of a run 1.0 n: standard error 1.6 at 4,000 runs; ours is 183 (the formula is
    # a limit for large n), 12.8 away from the edge of the tolerance.
    formula = theory.absorption_time(100, 10)
    assert formula == pytest.approx(189.6, abs=0.06)
    assert absorption_fits(100, 10, 900, 4000, 1000).mean() == pytest.approx(formula, rel=0.10)
    # At n = 10 the limit is 8 per cent too long: the published 17 is right, and so are we.
    # Size: sd 10, standard error 0.07 at 20,000 runs against 0.5.
    assert theory.absorption_time(10, 10) == pytest.approx(19.0, abs=0.05)
    assert absorption_fits(10, 10, 150, 20_000, 2000).mean() == pytest.approx(17.5, abs=0.5)


def test_row_17_poisson_survival() -> None:
    # No Poisson model in the course: simulated here. Size: sd of a frequency at most 0.0024 at
    # 40,000 runs against 0.01.
    n, runs = 10, 40_000
    rng = np.random.default_rng(17)
    rate = np.ones(runs)
    alive = {}
    for fit in range(1, 51):
        rate = rng.poisson(n * rate) / n  # the mean of n Poisson draws
        alive[fit] = (rate > 0).mean()
    for t, published in ((10, 0.8214), (50, 0.3187)):
        assert theory.poisson_survival(n, 1.0, t) == pytest.approx(published, abs=5e-5)
        assert alive[t] == pytest.approx(published, abs=0.01)


def test_row_18_surviving_symbols() -> None:
    # Size: a run's share has sd below 0.015; at 4,000 runs four standard errors are below 0.001,
    # a quarter of the tolerance or less. The bound may be missed by no more than those four.
    rank = np.arange(1, 1001)
    p = 1 / (rank + 2.7)
    p /= p.sum()
    support = discrete_curves(p, 1000, 10, 4000, 200, {"s": metrics.support_size})["s"] / 1000
    for t, published in ((1, 0.390), (2, 0.2925), (5, 0.180), (10, 0.115)):
        bound = theory.expected_unique(p, 1000, t) / 1000
        found, error = support[t - 1].mean(), support[t - 1].std() / np.sqrt(4000)
        assert bound == pytest.approx(published, abs=5e-4)
        assert found == pytest.approx(bound, rel=0.02)
        assert found > bound - 4 * error


def tail_law(slope: float = 1.5, outcomes: int = 10**6) -> np.ndarray:
    p = np.arange(1, outcomes + 1, dtype=float) ** -slope
    return np.asarray(p / p.sum())


def test_row_26_a_learner_by_heart_and_a_cut_tail() -> None:
    # The exact form against the table, its slope against the theorem's -(beta - 1) / beta.
    p = tail_law()
    errors = [theory.memory_error(p, n) for n in (1000, 10_000, 100_000)]
    assert errors == pytest.approx([0.0934, 0.0430, 0.0195], abs=5e-5)
    assert np.polyfit([3, 4, 5], np.log10(errors), 1)[0] == pytest.approx(-1 / 3, abs=0.02)
    plateau = [theory.cut_memory_error(p, 10**power, kept=100) for power in (5, 6, 7)]
    assert plateau == pytest.approx([0.0757] * 3, abs=5e-5)
    # With all rows clean the cut does not matter; with few the curve bends down again.
    assert theory.cut_memory_error(p, 1000, 100, 1.0) == pytest.approx(errors[0])
    bent = [theory.cut_memory_error(p, 10**power, 100, 0.01) for power in (4, 5, 6)]
    assert bent[1] > 0.9 * bent[0]
    assert bent[2] == pytest.approx(errors[1], rel=0.01)


def test_row_26_in_a_simulation() -> None:
    # Size: at n = 1,000 a run's error has sd below 0.006: standard error 0.0003 at 400 runs,
    # against 0.0019; after ten rounds sd 0.012 against 0.009 (5 per cent).
    p, n = tail_law(outcomes=10**5), 1000
    rng = np.random.default_rng(26)
    first, late = [], []
    for _ in range(400):
        text = rng.choice(len(p), n, p=p)
        first.append(1 - p[np.unique(text)].sum())
        for _ in range(10):
            text = rng.choice(text, n)
        late.append(1 - p[np.unique(text)].sum())
    assert np.mean(first) == pytest.approx(theory.memory_error(p, n), rel=0.02)
    assert np.mean(late) == pytest.approx(theory.memory_error(p, n, 11), rel=0.05)


def fresh_chi_square(k: int, fresh: int, old: int, t: int) -> float:
    """E chi square of the fit to k equal outcomes, `fresh` of whose rows are newly drawn.

    Row 29, derived: the distance D is carried over by the old rows (b their share, b^2 D), and each
    kind of row adds its own noise. The first fit has `old` rows, all of them real.
    """
    m, size = fresh, fresh + old
    distance = (k - 1) / old
    for _ in range(t):
        distance = (
            (old / size) ** 2 * distance
            + m / size**2 * (k - 1)
            + old / size**2 * (k - 1 - distance)
        )
    return distance


@pytest.mark.parametrize(("fresh", "published"), [(0, 5.982), (4, 1.293), (10, 0.603), (20, 0.361)])
def test_row_29_fresh_real_rows_set_a_plateau(fresh: int, published: float) -> None:
    # Size: 3,000 runs, the sd of a run is below the mean but for fresh = 0 (sd 3.4 of 6), so that
    # the standard error is below 1.1 per cent in that arm and 0.8 in the others; tolerance 4.5.
    k, rows = 12, 40
    frame = run_batched(
        Discrete(k),
        lambda shape, rng: rng.integers(k, size=shape),
        policy=FreshReal(lambda n, rng: rng.integers(k, size=n), fresh),
        generations=30, n_samples=rows - fresh, replicates=3000, seed=29,
        metrics={"distance": lambda model, _: k * (model.probabilities_**2).sum(axis=-1) - 1},
    )  # fmt: skip
    distance = frame[frame["generation"] == 30]["value"].mean()
    exact = fresh_chi_square(k, fresh, rows - fresh, 30)
    assert exact == pytest.approx(published, rel=0.005)
    assert distance == pytest.approx(exact, rel=0.045)


def people(rewards: np.ndarray, weights: list[float]) -> Callable[..., Verified]:
    """Who choose as many samples as were made, each kind by its exp(reward), (kinds, outcomes)."""

    def choose(model: Any, made: np.ndarray, rng: np.random.Generator) -> Verified:
        kept = []
        for liked, many in zip(rewards, rng.multinomial(len(made), weights), strict=True):
            pull = np.exp(liked)[made]
            kept.append(rng.choice(made, many, p=pull / pull.sum()))
        return Verified(np.concatenate(kept))

    return choose


@pytest.mark.parametrize(("weights", "end"), [([0.7, 0.3], 0.8333), ([1.0], 1.0)])
@pytest.mark.parametrize("start", [0.1, 0.95])
def test_row_30_people_of_two_tastes_end_at_the_nash_point(
    weights: list[float], end: float, start: float
) -> None:
    # Size: a round of 40,000 has an sd of .002 and takes back about a fifth of what is off, so that
    # the mean over 30 rounds has one below .002 against .01.
    h, n = 4.0, 40_000
    rewards = np.log([[h, 1.0], [1.0, h]])[: len(weights)]
    if len(weights) == 2:
        assert end == pytest.approx((weights[0] * h - weights[1]) / (h - 1), abs=5e-5)
    real = (np.random.default_rng(30).random(n) > start).astype(int)
    history = run_loop(
        Discrete(2), real, policy=REPLACE, verifier=people(rewards, weights), generations=60,
        metrics={"first": lambda model, made: model.probabilities_[0]}, seed=30,
    )  # fmt: skip
    shares = history.frame.set_index("generation")["value"]
    assert abs(shares[0] - start) < 0.02
    assert shares[31:].mean() == pytest.approx(end, abs=0.01)


@pytest.mark.parametrize(
    ("growth", "alive"), [(1.0, 0.087), (1.05, 0.13), (1.1, 0.20), (1.5, 0.59), (2.4, 0.875)]
)
def test_one_copy_in_a_text_that_grows(growth: float, alive: float) -> None:
    # Simulated figures, good to 0.013. Ours: 4,000 families, each copy with a Poisson number of
    # children. Size: sd of a frequency at most 0.008 against 0.032.
    expected = theory.copies_survival(1, 20, growth)
    assert expected == pytest.approx(alive, abs=0.013)
    rng, family = np.random.default_rng(13), np.ones(4000)
    for _ in range(20):
        family = rng.poisson(growth * family)
    assert (family > 0).mean() == pytest.approx(expected, abs=0.032)


def test_the_law_of_copies_is_the_survival_of_a_poisson_rate() -> None:
    for rounds in (1, 10, 50):
        for copies in (1, 5, 13):
            same = theory.poisson_survival(1, copies, rounds)
            assert theory.copies_survival(copies, rounds) == pytest.approx(same)
    needed = [round(theory.copies_needed(rounds)) for rounds in (10, 20, 50, 100)]
    assert needed == [13, 25, 60, 118]
    assert theory.copies_survival(theory.copies_needed(20, 0.7, 1.2), 20, 1.2) == pytest.approx(0.7)
    assert theory.copies_survival([0, 1], 0).tolist() == [0, 1]
    assert theory.copies_needed(3, 1.0) == np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.copies_survival(-1, 3), "copies must be"),
        (lambda: theory.copies_survival(1, -3), "rounds must be"),
        (lambda: theory.copies_survival(1, 3, 0), "growth must be"),
        (lambda: theory.copies_needed(3, 1.5), "chance must be"),
        (lambda: theory.memory_error([0.5, 0.4], 3), "p must be non-negative and sum to 1"),
        (lambda: theory.cut_memory_error([1.0], 3, 1, 2.0), "clean_share must be"),
        (lambda: theory.cut_memory_error([0.0, 1.0], 3, 1), "kept must leave"),
    ],
)
def test_rare_things_with_bad_arguments(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# --- mixtures and code -------------------------------------------------------------------------


def recursive_mean_variance(weight: float, ratio: float) -> float:
    """Stationary variance, times n_real, of weight * real mean + (1 - weight) * synthetic mean."""
    kept = 1 - weight
    return (weight**2 + kept**2 * ratio) / (1 - kept**2)


@pytest.mark.parametrize("ratio", [1.0, 0.25, 4.0])
def test_row_23_golden_ratio(ratio: float) -> None:
    weight = theory.golden_ratio_weight(ratio)
    grid = np.linspace(0.001, 1, 20_000)
    assert grid[np.argmin(recursive_mean_variance(grid, ratio))] == pytest.approx(weight, abs=0.01)
    assert recursive_mean_variance(weight, ratio) == pytest.approx(weight, rel=1e-9)


def test_row_23_golden_ratio_in_a_simulation() -> None:
    # Size: relative sd of a variance over 40,000 runs 0.7 per cent against 3.
    assert theory.golden_ratio_weight() == pytest.approx(0.618, abs=5e-4)
    for weight in (0.5, theory.golden_ratio_weight(), 0.8):
        rng = np.random.default_rng(23)
        estimate = np.zeros(40_000)
        for _ in range(30):  # real and synthetic means of n samples, in units of sigma / sqrt(n)
            real, noise = rng.standard_normal((2, 40_000))
            estimate = weight * real + (1 - weight) * (estimate + noise)
        assert estimate.var() == pytest.approx(recursive_mean_variance(weight, 1.0), rel=0.03)
        assert estimate.var() > 0.97 * 0.618


# --- fresh real rows ---------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m"), [(20, 2), (100, 10)])
def test_row_24_fresh_real_rows_set_a_floor(n: int, m: int) -> None:
    # Size: 20,000 runs after ten paces and more; the standard error of the mean square is 1 per
    # cent of it, against 4, and below .3 per cent of the variance, against 1.5.
    means, variances = fresh_runs(m, n - m, 60, 20_000, np.random.default_rng(24))
    floor = theory.gaussian_floor(m, n)
    assert variances[-1].mean() == pytest.approx(floor, rel=0.015)
    assert (means[-1] ** 2).mean() == pytest.approx(1 - floor, rel=0.04)
    # The table's first order, .0526 for a tenth of a hundred, forgets the variance that has died.
    assert 1 - floor < 0.98 / n / (1 - (1 - m / n) ** 2)
    on_the_way = theory.gaussian_mean_error_fresh(n, m, np.arange(1, 62))
    assert (means**2).mean(axis=1) == pytest.approx(on_the_way, rel=0.05)
    # The other divisor, by the same draws of its own: v is larger by n / (n - 1) at every fit.
    rng = np.random.default_rng(25)
    mean, v = np.zeros(20_000), np.ones(20_000)
    for _ in range(60):
        real = rng.standard_normal((m, 20_000))
        rows = [real, mean + np.sqrt(v) * rng.standard_normal((n - m, 20_000))]
        whole = np.concatenate(rows)
        mean, v = whole.mean(axis=0), whole.var(axis=0, ddof=1)
    assert v.mean() == pytest.approx(theory.gaussian_floor(m, n, ddof=1), rel=0.06)


def test_row_24_sums_stand_for_rows() -> None:
    # Size: 1,000 runs each; a mean square has a relative standard error of 4.5 per cent, so that
    # two differ by less than 25; a variance of 2, against 10.
    source = FreshReal(lambda k, rng: rng.standard_normal((k, 1)), 3)
    square = {"square": lambda model, produced: metrics.mean(model, produced) ** 2}
    frame = run_batched(
        Gaussian(sampling_bias=0.8), normal_real, policy=source, generations=15, n_samples=17,
        replicates=1000, metrics={"variance": metrics.variance} | square, seed=24,
    )  # fmt: skip
    rows = frame[frame["generation"] == 15].groupby("metric")["value"].mean()
    means, variances = fresh_runs(3, 17, 15, 1000, np.random.default_rng(26), lam=0.8)
    assert rows["variance"] == pytest.approx(variances[-1].mean(), rel=0.1)
    assert rows["square"] == pytest.approx((means[-1] ** 2).mean(), rel=0.25)


@pytest.mark.parametrize(
    ("judge", "below", "above"),
    [("blind", 0.965, 0.054), ("usual", 0.953, 0.044), ("sharp", 0.972, 0.038)],
)
def test_row_20_an_edge_where_the_accuracy_jumps(judge: str, below: float, above: float) -> None:
    """A million rows in 20 dimensions, two hundredths on either side of 1 / (1 + psi / phi)."""
    # Size: 40 means of 20 data sets, with a standard deviation of .006; the papers' table has one.
    edge = round(
        1000 * theory.verifier_threshold(*noisy_verifier.SETTINGS["edge"]["judges"][judge])
    )
    table = studies.load("noisy_verifier").query("metric == 'accuracy'")
    found = table[table["arm"] == f"edge_{judge}_n1000000"].groupby("generation")["value"].mean()
    assert found[edge - 20] == pytest.approx(below, abs=0.02)
    assert found[edge + 20] == pytest.approx(above, abs=0.02)
    assert found[edge - 10] > 0.5 > found[edge + 10]


def test_row_27_a_verified_loop_ends_at_the_judges_centre() -> None:
    """Linear regression; the judge keeps rows near its own line, and knows no better."""
    # Size: 30 loops of 4,000 rows; the last distance to the truth has an error of about .002.
    features, bias, to_judge, to_truth = 5, 0.1, [], []
    truth = np.ones(features)

    def near_its_line(_: Any, rows: np.ndarray, rng: np.random.Generator) -> Verified:
        return Verified(rows[np.abs(rows[:, -1] - rows[:, :-1] @ (truth + bias)) <= 1], {})

    for seed in range(30):
        rng = np.random.default_rng([27, seed])
        x = rng.standard_normal((40, features))
        real = np.column_stack([x, x @ truth + rng.standard_normal(40)])
        history = run_loop(
            LinearRegression(), real, policy=REPLACE, verifier=near_its_line, generations=6,
            n_samples=4000, seed=seed,
        )  # fmt: skip
        lines = np.array([model.coef_ for model in history.models])
        to_judge.append(np.linalg.norm(lines - (truth + bias), axis=1))
        to_truth.append(np.linalg.norm(lines - truth, axis=1))
    judged, true = np.mean(to_judge, axis=0), np.mean(to_truth, axis=0)
    assert (np.diff(judged[:4]) < 0).all()
    assert judged[-1] < judged[0] / 10
    # To the truth it comes closer at first; then the judge's bias shows.
    assert true[1] < 0.6 * true[0]
    assert true[-1] > true.min() + 0.008
    assert true[-1] == pytest.approx(bias * features**0.5, abs=0.01)


def test_row_25_pass_at_k() -> None:
    # Exact expectation over the number of correct samples, so no Monte-Carlo error at all.
    n, k, p = 20, 5, 0.1
    correct = np.arange(n + 1)
    chance = binom.pmf(correct, n, p)
    unbiased = chance @ [theory.pass_at_k(n, int(c), k) for c in correct]
    plug_in = chance @ (1 - (1 - correct / n) ** k)
    assert unbiased == pytest.approx(0.40951, abs=5e-6)
    assert unbiased == pytest.approx(1 - (1 - p) ** k, abs=1e-12)
    assert unbiased - plug_in == pytest.approx(0.031, abs=0.002)
