"""A network of transformers as `helpers.models.hub` needs it: scores, weights, stream.

Not the estimator, and nothing that opens a checkpoint (see `helpers.models.hub_files`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.models.sequences import NOT_SCORED

if TYPE_CHECKING:
    import torch


def target_scores(network: Any, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of `targets`, of the same shape (n, length); 0 where nothing is scored."""
    from torch.nn import functional

    logits = network(input_ids=inputs, use_cache=False).logits
    flat = functional.cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), reduction="none", ignore_index=NOT_SCORED
    )
    return -flat.view(targets.shape)


def trained(network: Any) -> dict[str, torch.Tensor]:
    """The weights that a fit may change, by name."""
    return {name: w.detach() for name, w in network.named_parameters() if w.requires_grad}


def fill(network: Any, weights: dict[str, torch.Tensor], name: str) -> None:
    """Put trained weights into `network`; ValueError for others than it trains, NaN, infinity."""
    import torch

    wanted = {key: tuple(w.shape) for key, w in trained(network).items()}
    given = {key: tuple(w.shape) for key, w in weights.items()}
    if wrong := [key for key in {**wanted, **given} if wanted.get(key) != given.get(key)]:
        key = wrong[0]
        raise ValueError(
            f"{name} must have trained weights of the same sizes: {key} should be "
            f"{wanted.get(key, 'absent')}, got {given.get(key, 'absent')}"
        )
    if broken := [key for key, w in weights.items() if not bool(w.isfinite().all())]:
        raise ValueError(f"{name} must have finite weights, got NaN or infinity in {broken[0]}")
    with torch.no_grad():
        for key, parameter in network.named_parameters():
            if key in weights:
                parameter.copy_(weights[key])


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Inside, torch's global stream is seeded by one draw from `rng`; afterwards it is as before.

    transformers and peft draw from the global stream and take no generator.
    """
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(int(rng.integers(2**63)))
        yield
