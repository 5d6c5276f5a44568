"""Every model of the course: scikit-learn style estimators with fit / sample / score.

Bigram, VAE, Diffusion and GPT are loaded when they are first asked for, and torch with the last
three; `import *` leaves them out for that reason.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from helpers.models.density import GaussianMixture, KernelDensity
from helpers.models.discrete import Discrete
from helpers.models.gaussian import Gaussian
from helpers.models.regression import LinearRegression

if TYPE_CHECKING:
    from helpers.models.bigram import Bigram as Bigram
    from helpers.models.diffusion import Diffusion as Diffusion
    from helpers.models.gpt import GPT as GPT
    from helpers.models.vae import VAE as VAE

_LAZY = {"Bigram": "bigram", "VAE": "vae", "Diffusion": "diffusion", "GPT": "gpt"}

__all__ = [
    "Discrete",
    "Gaussian",
    "GaussianMixture",
    "KernelDensity",
    "LinearRegression",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
