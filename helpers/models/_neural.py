"""What the models with weights share: streams, the training loop, starting weights, files.

torch is imported inside the functions, so that `import helpers.models` stays light.
Not a training framework: one optimiser, one loop, and every model writes its own loss.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

QUIET_SECONDS = 2.0  # shorter fits show no progress bar


def torch_stream(rng: np.random.Generator | None) -> torch.Generator:
    """A torch.Generator seeded by one draw from `rng` (None: a fresh, unpredictable seed)."""
    import torch

    source = np.random.default_rng() if rng is None else rng
    return torch.Generator().manual_seed(int(source.integers(2**63)))


def mlp(sizes: list[int], activation: type[nn.Module], stream: torch.Generator) -> nn.Sequential:
    """Linear layers of the given sizes with `activation` between them.

    Weights and biases are uniform within 1 / sqrt(inputs), torch's own rule, but drawn from
    `stream`: torch's constructor would draw them from the global state.
    """
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layer = torch.nn.utils.skip_init(nn.Linear, n_in, n_out)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.uniform_(-(n_in**-0.5), n_in**-0.5, generator=stream)
        layers += [layer, activation()]
    return nn.Sequential(*layers[:-1])


def start_from(network: nn.Module, init: Any, attribute: str = "network_") -> None:
    """Copy the weights of the fitted model `init` into `network`.

    Raises ValueError when `init` is not fitted or its weights have other shapes.
    """
    source = getattr(init, attribute, None)
    if source is None:
        raise ValueError(f"init must be a fitted model with weights, got {init!r}")
    _load_weights(network, source.state_dict(), "init")


def _load_weights(network: nn.Module, weights: dict[str, torch.Tensor], name: str) -> None:
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    given = {key: tuple(value.shape) for key, value in weights.items()}
    wrong = [key for key in {**wanted, **given} if wanted.get(key) != given.get(key)]
    if wrong:
        key = wrong[0]
        raise ValueError(
            f"{name} must have weights of the same sizes: {key} should be "
            f"{wanted.get(key, 'absent')}, got {given.get(key, 'absent')}"
        )
    network.load_state_dict(weights)


def train(
    network: nn.Module,
    batch_loss: Callable[[torch.Tensor], torch.Tensor],
    *,
    n_rows: int,
    batch: int,
    steps: int,
    learning_rate: float,
    stream: torch.Generator,
    losses: list[float],
    cosine: bool = False,
    name: str = "fit",
) -> None:
    """Adam for `steps` batches; `batch_loss(rows)` is the loss on those row numbers.

    Rows come in shuffled epochs. cosine: the learning rate falls to zero along half a cosine.
    The loss of every step is appended to `losses`. On an interrupt `network` and `losses` hold
    what was reached, and the interrupt goes on to the caller.
    """
    import torch
    from tqdm import tqdm  # the text bar: a widget would enter the outputs that tests compare

    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    order = torch.empty(0, dtype=torch.int64)
    for step in tqdm(range(steps), desc=name, delay=QUIET_SECONDS, leave=False):
        if len(order) < min(batch, n_rows):
            order = torch.randperm(n_rows, generator=stream)
        rows, order = order[:batch], order[batch:]
        if cosine:
            share = 0.5 + 0.5 * np.cos(np.pi * step / steps)
            optimiser.param_groups[0]["lr"] = learning_rate * share
        loss = batch_loss(rows)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())


def save_model(path: str | Path, model: Any, learned: dict[str, Any]) -> None:
    """Weights, constructor parameters and other learned values in one safetensors file."""
    from safetensors.torch import save_file

    about = {
        "class": type(model).__name__,
        "parameters": json.dumps(model.get_params()),
        "learned": json.dumps(learned),
    }
    save_file(dict(model.network_.state_dict()), str(path), metadata=about)


def load_parts(path: str | Path, class_name: str) -> tuple[dict, dict, dict[str, torch.Tensor]]:
    """Constructor parameters, learned values and weights, as `save_model` wrote them.

    Raises ValueError when the file holds a model of another class.
    """
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        about = file.metadata() or {}
        if about.get("class") != class_name:
            raise ValueError(f"{path} must hold a {class_name}, got {about.get('class')}")
        weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    return json.loads(about["parameters"]), json.loads(about["learned"]), weights


def fill(network: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Put weights read from a file into `network`; ValueError when the sizes differ."""
    _load_weights(network, weights, "the file")
