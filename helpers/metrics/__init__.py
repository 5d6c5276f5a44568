"""Yardsticks: numbers on each generation, and what a series of them means (definitions).

Here are the light ones. Pictures are judged by `helpers.metrics.generative`, text by
`helpers.metrics.language`.
"""

from helpers.metrics.definitions import (
    any_risk_increase,
    catastrophic_risk,
    collapsing_variance,
    diverging_risk,
    hallucination,
    lost_modes,
    lost_tail,
    scaling_law_change,
)
from helpers.metrics.numbers import (
    Metric,
    coverage,
    distinct,
    entropy,
    excess_error,
    heterozygosity,
    likelihood_lost,
    log_determinant,
    log_likelihood,
    mean,
    mean_error,
    missing_mass,
    sample_variance,
    seen_once,
    share_between,
    support_size,
    survivors,
    tail_mass,
    variance,
    wasserstein2,
)
from helpers.metrics.readings import Reading, Thresholds, collapse_verdicts, readings

__all__ = [
    "Metric",
    "Reading",
    "Thresholds",
    "any_risk_increase",
    "catastrophic_risk",
    "collapse_verdicts",
    "collapsing_variance",
    "coverage",
    "distinct",
    "diverging_risk",
    "entropy",
    "excess_error",
    "hallucination",
    "heterozygosity",
    "likelihood_lost",
    "log_determinant",
    "log_likelihood",
    "lost_modes",
    "lost_tail",
    "mean",
    "mean_error",
    "missing_mass",
    "readings",
    "sample_variance",
    "scaling_law_change",
    "seen_once",
    "share_between",
    "support_size",
    "survivors",
    "tail_mass",
    "variance",
    "wasserstein2",
]
