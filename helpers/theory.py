"""Closed forms that the lessons quote, each with its source; no simulation in here.

Conventions, the same for every function unless its docstring says otherwise:
`n` is the number of samples a generation, which is also the number of real ones. `t` counts FITS,
the one to real data included, so generation g has t = g + 1, and t = 0 is the truth before any fit.
Exceptions count synthetic ROUNDS, t = g: `gaussian_sampling_bias`, `kde_variance_replace`,
`verified_share`, and the two functions on copies, whose argument is called `rounds`.
`t` is an integer or an array of integers; the result is a float or an array of its shape.
`ddof=0` is the maximum-likelihood estimate (divide by n), `ddof=1` the unbiased one (n - 1).
Gaussian results are for real variance 1: multiply by yours. Squared errors are expectations.
Every argument is checked: TypeError for a wrong type, ValueError for a value out of range.

"Derived here" marks what we worked out ourselves; tests/test_check_table.py simulates it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import betaincinv, digamma, expit, gammaln, logit

from helpers._arguments import finite_array, fraction, one_of, positive_int, real_array, real_number

# A float for an integer t, an array for an array of t.
Curve = Any


def _counts(t: Any, minimum: int = 0) -> Curve:
    """`t` as an int64 scalar or array, every entry at least `minimum`."""
    counts = np.asarray(t)
    if not np.issubdtype(counts.dtype, np.integer):
        raise TypeError(f"t must be an integer or an array of integers, got {t!r}")
    if counts.size == 0 or counts.min() < minimum:
        raise ValueError(f"t must be at least {minimum} everywhere, got {t!r}")
    return counts.astype(np.int64)[()]


def _plain(values: Any) -> Curve:
    """Python floats for scalars, arrays as they are."""
    return float(values) if np.ndim(values) == 0 else np.asarray(values, dtype=float)


def _cumulative(terms_up_to: Any, t: Curve) -> Curve:
    """Entry t of a table built for 0 .. max(t)."""
    return _plain(np.asarray(terms_up_to(int(np.max(t))))[t])


def _probabilities(p: Any) -> np.ndarray:
    """`p` as a vector of probabilities that sum to one."""
    vector = finite_array("p", real_array("p", p), ndim=1)
    if (vector < 0).any() or not math.isclose(vector.sum(), 1.0, abs_tol=1e-9):
        raise ValueError(f"p must be non-negative and sum to 1, got a sum of {vector.sum():g}")
    return vector


# --- Gaussian ----------------------------------------------------------------------------------


def gaussian_variance_replace(n: int, t: Any, ddof: int = 0) -> Curve:
    """E of the fitted variance under Replace: (1 - 1/n)**t for the MLE, 1 for the unbiased fit.

    Kazdan et al. 2410.16713 for the MLE; Shumailov et al., Nature 2024, SI 3.1.1 for the unbiased
    (a martingale). An expectation, not what one run does: see the geometric variance.
    """
    t, n = _counts(t), positive_int("n", n, minimum=2)
    keep = 1.0 if one_of("ddof", ddof, (0, 1)) else 1 - 1 / n
    return _plain(np.power(keep, t))


def gaussian_mean_error_replace(n: int, t: Any, ddof: int = 0) -> Curve:
    """E (fitted mean - true mean)**2 under Replace: 1 - (1 - 1/n)**t (MLE) or t/n (unbiased).

    Kazdan et al. 2410.16713 (MLE); Nature 2024, SI 3.1.1 (unbiased). The MLE's error stops at 1
    because its spread dies first.
    """
    t, n = _counts(t), positive_int("n", n, minimum=2)
    if one_of("ddof", ddof, (0, 1)):
        return _plain(t / n)
    return _plain(1 - np.power(1 - 1 / n, t))


def gaussian_geometric_variance_replace(n: int, t: Any, ddof: int = 0) -> Curve:
    """exp(E log variance) under Replace: what a typical run shows, close to the median.

    exp(t [psi((n-1)/2) - ln((n-ddof)/2)]), exact. Derived here, PAPERS table row 6.
    """
    return _plain(np.exp(_counts(t) * _log_drift(n, ddof)))


def gaussian_halving_time(n: int, ddof: int = 0) -> float:
    """Fits in which the typical (geometric) variance halves: about 0.69 n unbiased, 0.34 n MLE.

    Derived here from the geometric variance; PAPERS, notes under the table.
    """
    return math.log(0.5) / _log_drift(n, ddof)


def _log_drift(n: int, ddof: int) -> float:
    n = positive_int("n", n, minimum=2)
    return float(digamma((n - 1) / 2) - math.log((n - one_of("ddof", ddof, (0, 1))) / 2))


def gaussian_sd_replace(n: int, t: Any, ddof: int = 0) -> Curve:
    """E of the fitted standard deviation under Replace: alpha**t.

    alpha = E chi_(n-1) / sqrt(n - ddof), with chi_(n-1) the root of a chi-squared variable.
    Bertrand et al. 2310.00429, Gaussian lemma (unbiased); PAPERS table row 7.
    """
    t, n = _counts(t), positive_int("n", n, minimum=2)
    divisor = n - one_of("ddof", ddof, (0, 1))
    log_alpha = 0.5 * math.log(2 / divisor) + gammaln(n / 2) - gammaln((n - 1) / 2)
    return _plain(np.exp(t * log_alpha))


def gaussian_wasserstein_replace(n: int, t: Any, ddof: int = 0) -> Curve:
    """E of the squared 2-Wasserstein distance from N(0, 1) to the fitted Gaussian under Replace.

    (mean)**2 + (sd - 1)**2 in expectation; unbiased: t/n + 2 (1 - alpha**t), to first order
    (3/2) t/n, which is Nature 2024, SI equation 6. Exact form derived here, PAPERS row 8.
    """
    spread = gaussian_variance_replace(n, t, ddof) - 2 * gaussian_sd_replace(n, t, ddof) + 1
    return _plain(gaussian_mean_error_replace(n, t, ddof) + spread)


def gaussian_survival_bound(n: int, t: Any, epsilon: float) -> Curve:
    """Upper bound on P(sd > epsilon) under Replace with the UNBIASED fit: exp(-t/(4n-1)) / epsilon.

    Suresh et al. 2412.17646, Gaussian theorem, real sd 1. Never above 1.
    """
    t, n = _counts(t), positive_int("n", n, minimum=2)
    epsilon = real_number("epsilon", epsilon, low=0, open_low=True)
    return _plain(np.minimum(1.0, np.exp(-t / (4 * n - 1)) / epsilon))


def gaussian_variance_accumulate(n: int, t: Any) -> Curve:
    """E of the MLE variance under Accumulate: product over i <= t of (1 - 1/(n i**2)).

    Tends to sin(pi/sqrt(n)) / (pi/sqrt(n)). Kazdan et al. 2410.16713; form derived here.
    """
    t, n = _counts(t), positive_int("n", n, minimum=2)

    def products(last: int) -> np.ndarray:
        steps = 1 - 1 / (n * np.arange(1, last + 1, dtype=float) ** 2)
        return np.concatenate([[1.0], np.cumprod(steps)])

    return _cumulative(products, t)


def gaussian_mean_error_accumulate(n: int, t: Any) -> Curve:
    """E (fitted mean - true mean)**2 under Accumulate, MLE: what the variance has lost.

    About pi**2 / (6 n) for large t. Kazdan et al. 2410.16713; form derived here.
    """
    return _plain(1 - gaussian_variance_accumulate(n, t))


def gaussian_sampling_bias(lam: float, t: Any) -> Curve:
    """E of the unbiased variance after t synthetic ROUNDS from N(mean, lam * variance): lam**t.

    Alemohammad et al. 2307.01850 (MAD), Gaussian analysis. Generation g has t = g here.
    """
    return _plain(np.power(fraction("lam", lam), _counts(t).astype(float)))


def mixture_spread(n: int, kinds: int, t: Any, lam: float = 1.0) -> Curve:
    """E of the variance within the bells of a mixture after t >= 1 fits, weighted by their shares.

    lam**(t - 1) (1 - kinds/n)**t, MLE, the sampler with N(mean, lam * variance) in each bell: as
    one bell would fade that has n / kinds rows. Exact where each row's bell is known and all
    `kinds` are alive; when some have died, it lies between this and the value for one kind. The
    bells' shares drift as in `heterozygosity`, whatever lam is. One coordinate, real variance 1.
    Derived here, after the Gaussian analysis of Alemohammad et al. 2307.01850 (MAD), where kinds
    is 1.
    """
    factor = _kept_within(n, kinds)
    t = _counts(t, minimum=1)
    return _plain(np.power(fraction("lam", lam), t - 1.0) * np.power(factor, t))


def mixture_centre_error(n: int, kinds: int, t: Any, lam: float = 1.0) -> Curve:
    """E (centre - true centre)**2 of a mixture's bells after t >= 1 fits, weighted by their shares.

    A fit moves the centres by what it takes from the spread: with q = lam (1 - kinds/n) the sum is
    (kinds/n) (1 - q**t) / (1 - q). It goes to 1 for lam = 1, and stops near (kinds/n) / (1 - lam)
    below. Conditions and source as in `mixture_spread`. Derived here.
    """
    factor, t = _kept_within(n, kinds), _counts(t, minimum=1)
    q = fraction("lam", lam) * factor
    return _plain((1 - factor) * (1 - np.power(q, t)) / (1 - q))


def _kept_within(n: int, kinds: int) -> float:
    n, kinds = positive_int("n", n), positive_int("kinds", kinds)
    if kinds >= n:
        raise ValueError(f"kinds must be below n = {n}, got {kinds}")
    return 1 - kinds / n


def gaussian_floor(real_rows: int, n: int | None = None, ddof: int = 0) -> float:
    """E of the fitted variance in the long run when `real_rows` of n rows are new and real.

    With m real rows, a share f = m/n, and the MLE: 1 - 1 / (1 - f + m (2 - f)), exact. `n` None is
    the limit of n much larger than m, 1 - 1 / (1 + 2 m): the number of real rows counts, the share
    does not. What is missing to 1 is the squared error of the mean. ddof=1: m (2 - f) - f over
    (m - 1) (2 - f) + 1 - f, about m / (m - 1/2), above 1. The rest of the n rows is drawn from the
    newest fit. An expectation: the typical run lies below it. Derived here, after the fresh-data
    loop of Alemohammad et al. 2307.01850.
    """
    m = positive_int("real_rows", real_rows, minimum=0)
    f = 0.0 if n is None else _real_share(m, n)
    if one_of("ddof", ddof, (0, 1)) == 0:
        return 1 - 1 / (1 - f + m * (2 - f))
    if m == 0:
        return 1.0
    return (m * (2 - f) - f) / ((m - 1) * (2 - f) + 1 - f)


def gaussian_mean_error_fresh(n: int, real_rows: int, t: Any) -> Curve:
    """E (fitted mean - true mean)**2 after t >= 1 fits, `real_rows` of n new and real, MLE.

    Goes from 1/n at the first fit to D = 1 - gaussian_floor by a factor (1-f)**2 - (1-f)/n a fit,
    f the real share: so n / (1 + 2 m) fits are the pace, when m is small beside n. Without real
    rows this is `gaussian_mean_error_replace`. Derived here.
    """
    t = _counts(t, minimum=1)
    f = _real_share(positive_int("real_rows", real_rows, minimum=0), n)
    limit = 1 - gaussian_floor(real_rows, n)
    factor = (1 - f) ** 2 - (1 - f) / n
    return _plain(limit - (limit - 1 / n) * np.power(factor, t - 1))


def gaussian_variance_fresh(n: int, real_rows: int, t: Any) -> Curve:
    """E of the fitted variance (MLE) after t >= 1 fits, `real_rows` of n rows new and real.

    One minus the error of the mean: the expected square of a row stays 1. Derived here.
    """
    return _plain(1 - gaussian_mean_error_fresh(n, real_rows, t))


def _real_share(m: int, n: int) -> float:
    n = positive_int("n", n, minimum=2)
    if m > n:
        raise ValueError(f"real_rows must be at most n = {n}, got {m}")
    return m / n


# --- kernel density ----------------------------------------------------------------------------


def kde_variance_replace(n: int, t: Any, bandwidth: float, variance: float = 1.0) -> Curve:
    """E of the variance (ddof=0) of the t-th SYNTHETIC sample, kernel density under Replace, 1-D.

    Each round v becomes (1 - 1/n)(v + bandwidth**2), fixed point (n - 1) bandwidth**2: it may
    explode. `variance` is that of the real sample (ddof=0); t = 0 returns it. Derived here,
    PAPERS section 3 and row 12; Kazdan et al. 2410.16713 run the experiment.
    """
    t, n = _counts(t), positive_int("n", n, minimum=2)
    fixed_point = (n - 1) * real_number("bandwidth", bandwidth, low=0) ** 2
    start = real_number("variance", variance, low=0)
    return _plain(fixed_point + (start - fixed_point) * np.power(1 - 1 / n, t))


def kde_neutral_bandwidth(n: int, variance: float = 1.0) -> float:
    """Bandwidth at which the expected variance stands still: sqrt(variance / (n - 1)).

    `variance` is that of the sample (ddof=0). Derived here; PAPERS, notes under the table.
    """
    n = positive_int("n", n, minimum=2)
    return math.sqrt(real_number("variance", variance, low=0) / (n - 1))


# --- linear regression -------------------------------------------------------------------------


def _one_fit_error(d: int, n: int, sigma: float) -> float:
    """Excess error of one least-squares fit, rows N(0, I_d): sigma**2 d / (n - d - 1)."""
    d, n = positive_int("d", d), positive_int("n", n)
    if n < d + 2:
        raise ValueError(f"n must be at least d + 2 = {d + 2} for a finite error, got {n}")
    return real_number("sigma", sigma, low=0) ** 2 * d / (n - d - 1)


def _sum_of_inverse_squares(t: Curve) -> Curve:
    return _cumulative(
        lambda last: np.concatenate(
            [[0.0], np.cumsum(1 / np.arange(1, last + 1, dtype=float) ** 2)]
        ),
        t,
    )


def regression_error_replace(d: int, n: int, t: Any, sigma: float = 1.0) -> Curve:
    """E |coef - truth|**2 under Replace: t times the error of one fit, same or fresh design.

    Gerstgrasser et al. 2404.01413, Theorem 1 (after Dohmatob et al. 2402.07712).
    """
    return _plain(_one_fit_error(d, n, sigma) * _counts(t))


def regression_error_accumulate(d: int, n: int, t: Any, sigma: float = 1.0) -> Curve:
    """E |coef - truth|**2 under Accumulate: one fit's error times the sum of 1/i**2 up to t.

    Never above pi**2/6 times. Exact for one shared design; a fresh design each round ends two to
    three per cent below. Gerstgrasser et al. 2404.01413, Theorem 2.
    """
    return _plain(_one_fit_error(d, n, sigma) * _sum_of_inverse_squares(_counts(t)))


def regression_error_synthetic_only(d: int, n: int, t: Any, sigma: float = 1.0) -> Curve:
    """E |coef - truth|**2 when every synthetic generation is kept and no real row is.

    One fit's error times 1 + the sum of 1/i**2 up to t - 1, so at most 1 + pi**2/6: bounded
    without any real data. Shared design; t >= 1. Derived here; PAPERS, notes under the table.
    """
    t = _counts(t, minimum=1)
    return _plain(_one_fit_error(d, n, sigma) * (1 + _sum_of_inverse_squares(t - 1)))


def overparametrised_error_replace(d: int, n: int, t: Any, norm2: float = 1.0) -> Curve:
    """E |coef - truth|**2 under Replace, no noise, n <= d, minimum norm, FRESH design each round.

    norm2 (1 - (n/d)**t) with norm2 the squared length of the true coefficients. With the same
    design nothing happens after the first fit. Dohmatob et al. 2402.07712; form derived here.
    """
    d, n, t = positive_int("d", d), positive_int("n", n), _counts(t)
    if n > d:
        raise ValueError(f"n must be at most d = {d} (over-parametrised), got {n}")
    return _plain(real_number("norm2", norm2, low=0) * (1 - np.power(n / d, t)))


# --- discrete distributions --------------------------------------------------------------------


def tail_loss_one_step(q: float, n: int) -> float:
    """Probability (1 - q)**n that n samples miss an outcome of probability q. Elementary."""
    return (1 - fraction("q", q)) ** positive_int("n", n)


def heterozygosity(p: Any, n: int, t: Any) -> Curve:
    """E (1 - sum of squared probabilities) after t fits under Replace: decays by 1 - 1/n each.

    Population genetics (Wright-Fisher resampling); PAPERS row 15.
    """
    start = 1 - float(np.sum(_probabilities(p) ** 2))
    return _plain(start * np.power(1 - 1 / positive_int("n", n), _counts(t)))


def absorption_time(n: int, k: int) -> float:
    """Expected fits until one of k equally likely outcomes is alone: 2 n (k-1) ln(k/(k-1)).

    Diffusion limit: good for large n, 8 per cent too long at n = 10. Derived here for the plot of
    Kazdan et al. 2410.16713; PAPERS row 16.
    """
    n, k = positive_int("n", n), positive_int("k", k, minimum=2)
    return 2 * n * (k - 1) * math.log(k / (k - 1))


def _survival_rates(last: int) -> np.ndarray:
    """g_0 .. g_last with g_1 = 1, g_(k+1) = 1 - exp(-g_k); g_0 is a filler."""
    rates = [math.nan, 1.0]
    while len(rates) <= last:
        rates.append(-math.expm1(-rates[-1]))
    return np.array(rates)


def poisson_survival(n: int, rate: float, t: Any) -> Curve:
    """P(the fitted Poisson rate is not 0) after t >= 1 fits: 1 - exp(-n rate g_t), exact.

    Suresh et al. 2412.17646, Theorem 2; g_1 = 1, g_(k+1) = 1 - exp(-g_k).
    """
    n, t = positive_int("n", n), _counts(t, minimum=1)
    rate = real_number("rate", rate, low=0)
    return _plain(-np.expm1(-n * rate * _cumulative(_survival_rates, t)))


def expected_unique(p: Any, n: int, t: Any) -> Curve:
    """Lower bound on the expected COUNT of outcomes still alive after t >= 1 fits under Replace.

    Sum over i of 1 - exp(-n p_i g_t). Suresh et al. 2412.17646, Corollary 1.
    """
    p, n, t = _probabilities(p), positive_int("n", n), _counts(t, minimum=1)
    rates = np.asarray(_cumulative(_survival_rates, t))
    return _plain(-np.expm1(-n * p * rates[..., None]).sum(axis=-1))


def copies_survival(copies: Any, rounds: int, growth: float = 1.0) -> Curve:
    """P(a word with `copies` copies in the real text is still in it after `rounds` of Replace).

    1 - (1 - q)**copies, q_0 = 1, q_(k+1) = 1 - exp(-growth q_k): each copy has a Poisson number of
    children, `growth` on average, the factor by which the text grows a round. `rounds` counts
    synthetic rounds, so generation g is fitted to what is left after g. For a word that is a small
    part of a large text. Galton and Watson 1875; at growth 1 this is 1 - exp(-copies g_rounds), the
    survival of Suresh et al. 2412.17646, Theorem 2. The form with growth is derived here.
    """
    counts = real_array("copies", copies)
    if counts.size == 0 or not np.isfinite(counts).all() or counts.min() < 0:
        raise ValueError(f"copies must be numbers of at least 0, got {copies!r}")
    return _plain(1 - np.power(1 - _line_survival(rounds, growth), counts))


def copies_needed(rounds: int, chance: float = 0.9, growth: float = 1.0) -> float:
    """Copies at which a word lasts `rounds` of Replace with probability `chance`, not rounded.

    Solves `copies_survival` for the copies; at growth 1 and 90 % about 1.2 copies a round.
    Infinite when chance is 1. Derived here.
    """
    chance = fraction("chance", chance)
    lost = 1 - _line_survival(rounds, growth)
    if chance == 1:
        return math.inf
    return math.log(1 - chance) / math.log(lost) if lost > 0 else 0.0


def _line_survival(rounds: int, growth: float) -> float:
    """P(one copy has descendants after so many rounds), Poisson(growth) children each."""
    growth, alive = real_number("growth", growth, low=0, open_low=True), 1.0
    for _ in range(positive_int("rounds", rounds, minimum=0)):
        alive = -math.expm1(-growth * alive)
    return alive


def memory_error(p: Any, n: int, t: Any = 1) -> Curve:
    """Expected share of real text that a learner by heart cannot say after t >= 1 fits, Replace.

    Sum over i of p_i exp(-n p_i g_t): the error of Hutter's learner, which knows the outcomes that
    it has seen, and the companion of `expected_unique`; t fits cost as many rows as n g_t of n.
    At t = 1 exact for a Poisson number of rows, n on average; later an upper bound. Dohmatob et al.
    2402.07043, Theorem 2.1 (its order of size); Suresh et al. 2412.17646 for g_t.
    """
    p, n, t = _probabilities(p), positive_int("n", n), _counts(t, minimum=1)
    rates = np.asarray(_cumulative(_survival_rates, t))
    return _plain((p * np.exp(-n * p * rates[..., None])).sum(axis=-1))


def cut_memory_error(p: Any, n: int, kept: int, clean_share: float = 0.0) -> float:
    """The same after one fit to n rows of which only a share comes from `p`, whole.

    The others come from p cut behind its first `kept` outcomes, as from a generator that has
    lost its tail. Without clean rows the error stops at the mass that was cut. Dohmatob et al.
    2402.07043, Theorems 2.1 and 3.2 (their orders of size); this form derived here.
    """
    p, n = _probabilities(p), positive_int("n", n)
    kept, clean = positive_int("kept", kept), fraction("clean_share", clean_share)
    cut = np.where(np.arange(len(p)) < kept, p, 0.0)
    if cut.sum() == 0:
        raise ValueError(f"kept must leave outcomes with a probability above 0, got {kept}")
    rows = clean * p + (1 - clean) * cut / cut.sum()
    return float(np.sum(p * np.exp(-n * rows)))


# --- verifiers, mixtures, code -----------------------------------------------------------------


def verifier_threshold(keep_right: float, keep_wrong: float) -> float:
    """Share of wrong labels up to which verified data still teach the truth: 1 / (1 + psi/phi).

    In one round, with two answers, a learner that goes by the majority and no end of data.
    phi = P(keep | right) > 0, psi = P(keep | wrong). Feng et al. 2406.07515, Theorem 4.2.
    """
    keep_right = real_number("keep_right", keep_right, low=0, high=1, open_low=True)
    return 1 / (1 + fraction("keep_wrong", keep_wrong) / keep_right)


def verified_share(
    share: float, keep_right: float, keep_wrong: float, t: Any, temperature: float = 1.0
) -> Curve:
    """Share of right answers that a model holds after `t` rounds (not fits) with a judge.

    A question with two answers, replace, no end of draws: sampling at `temperature` divides the
    log odds of right against wrong by it, the judge adds ln(phi/psi), where phi = keep_right and
    psi = keep_wrong. `share` is the model's own at the start. Derived here.
    """
    share, odds = fraction("share", share), _log_ratio(keep_right, keep_wrong)
    temperature = real_number("temperature", temperature, low=0, open_low=True)
    rounds = _counts(t)
    if share in (0.0, 1.0):  # what is never written cannot be kept
        return _plain(np.full(np.shape(rounds), share))

    def path(last: int) -> np.ndarray:
        found = [float(logit(share))]
        for _ in range(last):
            found.append(float(np.clip(found[-1] / temperature + odds, -1e9, 1e9)))
        return np.asarray(expit(found))

    return _cumulative(path, rounds)


def loop_threshold(
    keep_right: float, keep_wrong: float, temperature: float, of: str = "written"
) -> float:
    """The share of right answers from which a loop with a judge recovers, below which it is lost.

    As `verified_share`, temperature 0 to 1. With r = phi/psi: 1 / (1 + r**(1 / (1 - T))) of the
    rows that are `written` at T, 1 / (1 + r**(T / (1 - T))) of what the `model` would write at
    temperature 1. At T = 0 the first is one minus `verifier_threshold`; T = 1 is the limit: 0, any
    start recovers, for phi > psi. Derived here.
    """
    power = {"written": 1.0, "model": real_number("temperature", temperature, low=0, high=1)}
    scale, odds = power[one_of("of", of, tuple(power))], _log_ratio(keep_right, keep_wrong)
    if odds == 0 or scale == 0:  # a model that writes its majority is right where that is right
        return 0.5
    if temperature == 1:
        return float(odds < 0)
    return float(expit(-odds * scale / (1 - temperature)))


def _log_ratio(keep_right: float, keep_wrong: float) -> float:
    """ln(phi / psi), infinite for psi = 0."""
    keep_right = real_number("keep_right", keep_right, low=0, high=1, open_low=True)
    keep_wrong = fraction("keep_wrong", keep_wrong)
    return math.log(keep_right / keep_wrong) if keep_wrong else math.inf


def clean_rows_worth(right: float, wrong: float) -> float:
    """How many rows with right labels are worth as much as `right` and `wrong` ones together.

    (right - wrong)**2 / (right + wrong), for a classifier that averages label times input: the
    rows of both kinds add noise, and wrong ones turn the signal round. Derived here.
    """
    right, wrong = (real_number(n, x, low=0) for n, x in (("right", right), ("wrong", wrong)))
    if right + wrong == 0:
        raise ValueError("right + wrong must be above 0, got 0")
    return (right - wrong) ** 2 / (right + wrong)


def judge_worth(bias: float, sigma: float = 1.0) -> float:
    """How many real rows a judge is worth whose centre lies `bias` from the truth: (sigma/bias)**2.

    A loop ends at the judge's centre (Yi et al. 2510.16657), the mean of that many real rows of
    standard deviation `sigma` has the same squared error. The law of `biased_rows_break_even` with
    one input: more real rows than that, and the judge harms.
    """
    bias = abs(real_number("bias", bias))
    if bias == 0:
        raise ValueError("bias must not be 0: a judge without bias is worth any number of rows")
    return (real_number("sigma", sigma, low=0, open_low=True) / bias) ** 2


def wrong_share_bound(wrong: int, n: int, confidence: float = 0.95) -> float:
    """The largest share of wrong rows in which `wrong` or fewer of `n` are not a rare event.

    Rare: a chance of 1 - confidence. One-sided; exact (Clopper and Pearson 1934): a quantile of the
    beta distribution with wrong + 1 and n - wrong.
    """
    n, wrong = positive_int("n", n), positive_int("wrong", wrong, minimum=0)
    if wrong > n:
        raise ValueError(f"wrong must be at most n = {n}, got {wrong}")
    confidence = real_number("confidence", confidence, low=0, high=1, open_low=True)
    return 1.0 if wrong == n else float(betaincinv(wrong + 1, n - wrong, confidence))


def strong_collapse_error(
    d: int, n: int, sigma: float, synthetic_share: float, shift: float
) -> float:
    """sigma**2 d/n + share**2 shift: a fixed share of shifted labels sets a floor.

    `shift` is already squared (c**2), n the number of rows in all, d/n small. Dohmatob et al.
    2410.04840, Corollary 1 and equation 12.
    """
    noise = real_number("sigma", sigma, low=0) ** 2 * positive_int("d", d) / positive_int("n", n)
    floor = fraction("synthetic_share", synthetic_share) ** 2 * real_number("shift", shift, low=0)
    return noise + floor


def biased_rows_best(d: int, real: int, shift: float, sigma: float = 1.0) -> float:
    """How many synthetic rows make `strong_collapse_error` smallest beside `real` rows.

    All rows weigh the same. With k = sigma**2 d / (2 shift): real k / (real - k), which falls to k
    as the real rows grow; infinite where real <= k, and where shift = 0. `shift` is squared already
    (c**2). Derived here from Dohmatob et al. 2410.04840, equation 12.
    """
    return _of_real_rows(real, _biased_scale(d, shift, sigma) / 2)


def biased_rows_break_even(d: int, real: int, shift: float, sigma: float = 1.0) -> float:
    """How many synthetic rows leave `strong_collapse_error` where the real rows alone have it.

    More of them harm. 2 k real / (real - 2 k), which falls to 2 k = sigma**2 d / shift; infinite
    where real <= 2 k. Derived here as `biased_rows_best`.
    """
    return _of_real_rows(real, _biased_scale(d, shift, sigma))


def biased_rows_worth(
    d: int, real: int, synthetic: int, shift: float, sigma: float = 1.0, weighted: bool = False
) -> float:
    """How many real rows one of `synthetic` rows is worth beside `real` of them; negative: harm.

    (rows of real data with the same error - real) / synthetic. All rows weigh the same, or the two
    parts as is best (`weighted`): then never negative, and together worth up to sigma**2 d / shift
    real rows. Derived here from Dohmatob et al. 2410.04840, equation 12.
    """
    real, synthetic = positive_int("real", real), positive_int("synthetic", synthetic)
    scale = _biased_scale(d, shift, sigma)  # of squared noise to squared bias, in rows
    if weighted:
        return 1 / (synthetic / scale + 1)
    n = real + synthetic
    return (1 / (1 / n + (synthetic / n) ** 2 / scale) - real) / synthetic


def _biased_scale(d: int, shift: float, sigma: float) -> float:
    """sigma**2 d / shift; infinite without a shift."""
    noise = real_number("sigma", sigma, low=0, open_low=True) ** 2 * positive_int("d", d)
    shift = real_number("shift", shift, low=0)
    return noise / shift if shift > 0 else math.inf


def _of_real_rows(real: int, k: float) -> float:
    real = positive_int("real", real)
    return real * k / (real - k) if real > k else math.inf


def years_bought(factor: float, growth: float) -> float:
    """How much longer a stock lasts when it is `factor` times as large and demand grows.

    log(factor) / log(growth) years, growth a factor a year above 1; negative for a factor below 1.
    Demand is taken to be a level that meets the stock, as in Villalobos et al. 2211.04325.
    """
    real_number("growth", growth, low=1, open_low=True)
    return math.log(real_number("factor", factor, low=0, open_low=True)) / math.log(growth)


def prevalence(observed: float, called_wrongly: float, missed: float) -> float:
    """The share that there is, from the share that a detector reports.

    called_wrongly: share of the others that it reports all the same; missed: share that it does
    not report. (observed - called_wrongly) / (1 - called_wrongly - missed), cut to 0 to 1. Rogan
    and Gladen (1978). ValueError for a detector that is no better than a coin.
    """
    observed, wrong = fraction("observed", observed), fraction("called_wrongly", called_wrongly)
    missed = fraction("missed", missed)
    if wrong + missed >= 1:
        raise ValueError(
            f"called_wrongly + missed must be below 1, or the detector tells nothing, got "
            f"{wrong + missed:g}"
        )
    return min(1.0, max(0.0, (observed - wrong) / (1 - wrong - missed)))


def golden_ratio_weight(ratio: float = 1.0) -> float:
    """Best weight on fresh real data in a recursive mean, ratio = n_real / n_synthetic.

    (sqrt(r**2 + 4 r) - r) / 2, which is 0.618... at r = 1. The stationary variance is this weight
    times sigma**2 / n_real. He et al. 2502.18049; form derived here.
    """
    r = real_number("ratio", ratio, low=0, open_low=True)
    return (math.sqrt(r * r + 4 * r) - r) / 2


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased estimate of pass@k from c correct among n samples: 1 - C(n-c, k) / C(n, k).

    Chen et al. 2107.03374 (Codex), section 2.1. Needs 0 <= c <= n and 1 <= k <= n.
    """
    n, c, k = positive_int("n", n), positive_int("c", c, minimum=0), positive_int("k", k)
    if c > n:
        raise ValueError(f"c must be at most n = {n}, got {c}")
    if k > n:
        raise ValueError(f"k must be at most n = {n}, got {k}")
    return 1 - math.comb(n - c, k) / math.comb(n, k)
