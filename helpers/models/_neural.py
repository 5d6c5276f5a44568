"""What the models with weights share: streams, the training loop, starting weights, files.

torch is imported inside the functions, so that `import helpers.models` stays light.
Not a training framework: one optimiser, one loop, and every model writes its own loss.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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

    Raises ValueError when `init` is not fitted, its weights have other shapes or are not finite.
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
    broken = [key for key, value in weights.items() if not bool(value.isfinite().all())]
    if broken:
        raise ValueError(f"{name} must have finite weights, got NaN or infinity in {broken[0]}")
    network.load_state_dict(weights)


class AdamW:
    """Adam, and weight decay beside it (Loshchilov and Hutter 2019, algorithm 2).

    The numbers are those of torch.optim.AdamW(fused=True), to the last bit; weights decay where a
    group says weight_decay. That class loads torch's compiler, too: two seconds and 70 MB, for
    nothing that a small model needs.
    """

    def __init__(
        self, groups: Sequence[dict[str, Any]], lr: float, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        self.param_groups = [{"lr": lr, "weight_decay": 0.0, **group} for group in groups]
        self.betas = betas
        self._state: dict[torch.Tensor, list[torch.Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for group in self.param_groups:
            for weights in group["params"]:
                weights.grad = None

    def step(self) -> None:
        """Move all weights that have a gradient."""
        import torch
        from torch.optim.adamw import adamw

        for group in self.param_groups:
            moved = [weights for weights in group["params"] if weights.grad is not None]
            for weights in moved:
                if weights not in self._state:  # averages of gradient and square, steps done
                    steps = torch.zeros((), dtype=torch.float32, device=weights.device)
                    averages = (torch.zeros_like(weights) for _ in range(2))
                    self._state[weights] = [*averages, steps]
            gradients = [weights.grad for weights in moved]
            means, squares, done = (
                [self._state[weights][part] for weights in moved] for part in range(3)
            )
            with torch.no_grad():
                adamw(
                    moved, gradients, means, squares, [], done, fused=True,
                    lr=group["lr"], weight_decay=group["weight_decay"], eps=1e-8,
                    beta1=self.betas[0], beta2=self.betas[1], amsgrad=False, maximize=False,
                )  # fmt: skip


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
    progress: bool = False,
) -> None:
    """Adam for `steps` batches; `batch_loss(rows)` is the loss on those row numbers.

    Rows come in shuffled epochs. cosine: the learning rate falls to zero along half a cosine.
    progress: draw a bar for fits over two seconds. The loss of every step is appended to `losses`.
    On an interrupt `network` and `losses` hold what was reached, and the interrupt goes on to the
    caller. Raises ValueError at the first loss that is not finite, and when the last step leaves
    weights that are not.
    """
    import torch
    from tqdm import tqdm  # the text bar: a widget would enter the outputs that tests compare

    optimiser = AdamW([{"params": list(network.parameters())}], lr=learning_rate)
    order = torch.empty(0, dtype=torch.int64)
    bar = {"desc": name, "delay": QUIET_SECONDS, "leave": False}
    for step in tqdm(range(steps), disable=not progress, **bar):
        if len(order) < min(batch, n_rows):
            order = torch.randperm(n_rows, generator=stream)
        rows, order = order[:batch], order[batch:]
        if cosine:
            share = 0.5 + 0.5 * np.cos(np.pi * step / steps)
            optimiser.param_groups[0]["lr"] = learning_rate * share
        loss = batch_loss(rows)
        value = check_loss(loss.item(), step, steps, learning_rate)  # before it spoils the weights
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(value)
    check_weights(network, steps, learning_rate)


def check_loss(loss: float, step: int, steps: int, learning_rate: float) -> float:
    """`loss`, the loss of step `step` (counted from 0) of `steps`; ValueError unless finite.

    A network whose loss is NaN goes on without a word, and what it then makes looks like a
    collapse that never was.
    """
    if not math.isfinite(loss):
        raise ValueError(
            f"the fit stopped: its loss must be finite, got {loss} in step {step} of {steps} with "
            f"learning_rate={learning_rate:g}; a smaller learning_rate may help"
        )
    return loss


def check_weights(network: nn.Module, steps: int, learning_rate: float) -> None:
    """ValueError unless all weights are finite: no loss looks at what the last step did."""
    if not all(bool(weights.isfinite().all()) for weights in network.parameters()):
        raise ValueError(
            f"the fit stopped: its weights must be finite, got NaN or infinity after step "
            f"{steps - 1} of {steps} with learning_rate={learning_rate:g}; a smaller "
            f"learning_rate may help"
        )


def check_answer(model: Any, answer: torch.Tensor) -> torch.Tensor:
    """`answer` of the network of `model`; ValueError where it is NaN or infinite."""
    if not bool(answer.isfinite().all()):
        raise ValueError(
            f"the network of {type(model).__name__} must answer with finite numbers, got NaN or "
            f"infinity: its weights are broken, or far too large"
        )
    return answer


@contextmanager
def no_model_on_error(model: Any) -> Iterator[None]:
    """Take `network_` off `model` when a fit fails: what is left of it must not be sampled.

    An interrupt is no failure: the work done so far stays. `losses_` stays in any case.
    """
    try:
        yield
    except Exception:
        del model.network_
        raise


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
    """Put weights read from a file into `network`; ValueError for other sizes, NaN, infinity."""
    _load_weights(network, weights, "the file")
