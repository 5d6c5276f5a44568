"""Yardsticks: numbers on each generation, and what a series of them means (definitions).

Here are the light ones. Pictures are judged by `helpers.metrics.generative`, text by
`helpers.metrics.language`.
"""

from helpers.metrics.definitions import (
    any_risk_increase,
    catastrophic_risk,
    collapse_verdicts,
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
    log_determinant,
    log_likelihood,
    mean,
    mean_error,
    sample_variance,
    share_between,
    support_size,
    survivors,
    tail_mass,
    variance,
    wasserstein2,
)

__all__ = [
    "Metric",
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
    "log_determinant",
    "log_likelihood",
    "lost_modes",
    "lost_tail",
    "mean",
    "mean_error",
    "sample_variance",
    "scaling_law_change",
    "share_between",
    "support_size",
    "survivors",
    "tail_mass",
    "variance",
    "wasserstein2",
]
