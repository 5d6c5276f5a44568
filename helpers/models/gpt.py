"""A small GPT as an estimator: fit on token sequences, sample new ones, score given ones.

The network is in `helpers.models.gpt_network`, how it writes in `helpers.models.gpt_sampling`,
what data may be in `helpers.models.sequences`. Training is AdamW with a warm-up and half a
cosine. Not a production model: one GPU at most, and nothing that pays off only beyond it.
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from helpers._arguments import generator, one_of, positive_int, real_array, real_number
from helpers.models import _neural, devices
from helpers.models.gpt_network import Network
from helpers.models.gpt_sampling import check_sampling, generate
from helpers.models.sequences import NOT_SCORED, Padded, Record, batch_plan, check_prompts, pad

SCORE_ROWS = 256  # sequences scored at once: a few tens of megabytes
# Steps between two looks at the losses: a look makes a GPU wait for the processor.
LOOK = {"cpu": 1, "cuda": 64}


@dataclass
class Training:
    """All that a fit needs to go on exactly where it stopped."""

    data: Padded
    plan: np.ndarray
    optimiser: _neural.AdamW
    unread: list[Tensor] = field(default_factory=list)  # losses of steps that are done


class GPT(BaseEstimator):
    """A language model over tokens 0 .. vocabulary_size - 1.

    Parameters
    ----------
    vocabulary_size, context, width, layers, heads: the size of the network. A sequence holds at
        most context + 1 tokens: `context` to read and one to predict.
    steps, batch_size, learning_rate, weight_decay: of one fit, whatever the amount of data, so
        that generations that train on more data are not trained for longer.
    temperature, top_k, top_p: how `sample` draws; temperature 0 takes the likeliest token. top_k
        keeps the k likeliest tokens, top_p the fewest that hold that probability together.
    beams: above 1, `sample` takes the likeliest continuation found by beam search instead.
    prompts: pool of token sequences; every sample goes on from one of them, the whole pool in
        shuffled order before any comes twice. Default: the single prompt (0,).
    max_new_tokens: of a sample; None fills the context. stop_token: ends a sample early.
    on_step: called as on_step(step, loss) after each training step; to stop there, raise
        KeyboardInterrupt. A plain function, since `sklearn.base.clone` copies parameters.
    progress: draw a bar for fits over two seconds.
    device: where `fit` puts the network, which stays there: "cpu", "cuda", or "auto" for a GPU
        where there is one. A GPU fits in bfloat16 and writes and scores in 32-bit floats, from
        the same random draws; its numbers agree with a CPU's to a few digits only.

    Learned: `network_`, `losses_` (nats a token, one a step), `n_parameters_`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        context: int = 32,
        width: int = 64,
        layers: int = 2,
        heads: int = 2,
        steps: int = 200,
        batch_size: int = 16,
        learning_rate: float = 6e-3,
        weight_decay: float = 0.1,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        beams: int = 1,
        prompts: Sequence[Sequence[int]] = ((0,),),
        max_new_tokens: int | None = None,
        stop_token: int | None = None,
        on_step: Callable[[int, float], None] | None = None,
        progress: bool = False,
        device: str = "cpu",
    ) -> None:
        self.vocabulary_size = vocabulary_size
        self.context = context
        self.width = width
        self.layers = layers
        self.heads = heads
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.temperature = temperature
        self.top_k = top_k
        self.top_p = top_p
        self.beams = beams
        self.prompts = prompts
        self.max_new_tokens = max_new_tokens
        self.stop_token = stop_token
        self.on_step = on_step
        self.progress = progress
        self.device = device

    # ------------------------------------------------------------------ learning

    def fit(
        self,
        data: np.ndarray | list[Any],
        rng: np.random.Generator | None = None,
        init: GPT | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> Self:
        """Train on `data` (see `helpers.models.sequences`) from scratch, or from `init`'s weights.

        sample_weight: how often each sequence is drawn, in proportion; None: shuffled epochs.
        An interrupt is raised after the step at hand, and `resume` then goes on to exactly what
        an uninterrupted fit would have given; until then the model is usable as it is. Raises
        ValueError, and leaves no model, when a loss is not finite; before any work for a GPU that
        is not there or has too little memory.
        """
        self._check_parameters()
        device = devices.choose(self.device)
        padded = pad(data, self.vocabulary_size, self.context)
        weights = _check_weights(sample_weight, len(padded.lengths))
        rng = np.random.default_rng() if rng is None else generator("rng", rng)
        needed = self._fit_bytes(*padded.inputs.shape)
        advice = f"take a batch_size below {self.batch_size}, or a smaller network"
        devices.check_room(device, needed, "this fit", advice)
        network = self._new_network()
        if init is None:
            network.initialise(_neural.torch_stream(rng))
        else:
            _neural.start_from(network, init)
        plan = batch_plan(padded.lengths, self.batch_size, self.steps, rng, weights)
        self._adopt(network.to(device), padded.kind)
        self.losses_: list[float] = []
        self._training: Training | None = Training(padded, plan, self._optimiser(network))
        return self.resume()

    def resume(self) -> Self:
        """Go on with an interrupted fit; ValueError when there is none."""
        training = getattr(self, "_training", None)
        if training is None or not hasattr(self, "network_"):
            raise ValueError("resume needs a fit that was interrupted, and there is none")
        device = self._device
        inputs, targets, plan = (
            torch.from_numpy(array).to(device)
            for array in (training.data.inputs, training.data.targets, training.plan)
        )
        # Beyond the longest row of the batch all is padding: do not compute on it.
        longest = training.data.lengths[training.plan].max(axis=1) - 1
        look = 1 if self.on_step is not None else LOOK[device.type]
        steps = range(len(self.losses_), self.steps)
        bar = {"desc": "fit", "delay": _neural.QUIET_SECONDS, "leave": False}
        with self._losses_read(training), _interrupt_between_steps() as pause:
            for step in tqdm(steps, disable=not self.progress, **bar):
                batch, length = plan[step], longest[step]
                self._step(training, step, inputs[batch, :length], targets[batch, :length])
                if len(training.unread) == look:
                    self._read_losses(training)
                if self.on_step is not None:
                    self.on_step(step, self.losses_[-1])
                pause()
        self._training = None
        with _neural.no_model_on_error(self):
            _neural.check_weights(self.network_, self.steps, self.learning_rate)
        return self

    def _step(self, training: Training, step: int, inputs: Tensor, targets: Tensor) -> None:
        for group in training.optimiser.param_groups:
            group["lr"] = self.learning_rate * _schedule(step, self.steps)
        with devices.arithmetic(inputs.device):
            full = training.data.kind == "rows"
            loss = -_target_scores(self.network_, inputs, targets, full).mean()
        training.optimiser.zero_grad()
        loss.backward()
        # Length at most 1: with steps this long one odd batch would undo many.
        nn.utils.clip_grad_norm_(self.network_.parameters(), 1.0)
        training.optimiser.step()
        training.unread.append(loss.detach())

    def _read_losses(self, training: Training) -> None:
        """Take over the losses of the steps that are done; ValueError where one is not finite."""
        values = [loss.item() for loss in training.unread]
        training.unread.clear()
        with _neural.no_model_on_error(self):
            for value in values:
                step = len(self.losses_)
                _neural.check_loss(value, step, self.steps, self.learning_rate)
                self.losses_.append(value)

    @contextmanager
    def _losses_read(self, training: Training) -> Iterator[None]:
        """However a fit ends, by an interrupt too, `losses_` holds those of all steps done."""
        try:
            yield
        except KeyboardInterrupt:
            self._read_losses(training)
            raise
        self._read_losses(training)

    def _optimiser(self, network: Network) -> _neural.AdamW:
        matrices = [p for p in network.parameters() if p.ndim == 2]
        norms = [p for p in network.parameters() if p.ndim == 1]
        # Decay pulls towards 0. The gains of a norm belong near 1: none for them.
        groups = [
            {"params": matrices, "weight_decay": self.weight_decay},
            {"params": norms, "weight_decay": 0.0},
        ]
        # 0.98: gradients' squares averaged over some 50 steps. The usual 0.999 averages a thousand,
        # and a whole fit has 200.
        return _neural.AdamW(groups, lr=self.learning_rate, betas=(0.9, 0.98))

    # ------------------------------------------------------------------ writing and scoring

    def sample(self, n_samples: int, rng: np.random.Generator) -> Any:
        """`n_samples` new samples, prompt included, of the same kind as the data of the fit.

        Raises ValueError when rows are wanted but the prompts or `stop_token` would make them
        differ in length.
        """
        check_is_fitted(self, "network_")
        positive_int("n_samples", n_samples)
        generator("rng", rng)
        pool = check_prompts(self.prompts, self.vocabulary_size, self.context)
        if self.kind_ == "rows" and (
            self.stop_token is not None or len({len(prompt) for prompt in pool}) > 1
        ):
            raise ValueError(
                "prompts must have one length and stop_token must be None to write rows, got "
                f"lengths {sorted({len(p) for p in pool})} and stop_token={self.stop_token!r}"
            )
        # Each prompt once before any comes twice, so that samples cover the pool evenly.
        rounds = -(-n_samples // len(pool))
        order = np.concatenate([rng.permutation(len(pool)) for _ in range(rounds)])[:n_samples]
        prompts = [pool[i] for i in order]
        completions = generate(
            self,
            prompts,
            rng,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            beams=self.beams,
            max_new_tokens=self.max_new_tokens,
            stop_token=self.stop_token,
        )
        pairs = list(zip(prompts, completions, strict=True))
        if self.kind_ == "records":
            return [Record(tuple(p.tolist()), tuple(c.tolist())) for p, c in pairs]
        joined = [np.concatenate(pair) for pair in pairs]
        return np.stack(joined) if self.kind_ == "rows" else joined

    def with_sampler(self, **settings: Any) -> GPT:
        """The same weights under other parameters, such as temperature=0.8; not a copy of them."""
        check_is_fitted(self, "network_")
        return copy(self).set_params(**settings)

    def token_scores(self, data: np.ndarray | list[Any]) -> np.ndarray:
        """Log-probability (nats) of every token after the first, (n, longest - 1).

        NaN where nothing is scored: padding, and the prompts of records.
        """
        check_is_fitted(self, "network_")
        padded = pad(data, self.vocabulary_size, self.context)
        scores = np.full(padded.targets.shape, np.nan)
        device = self._device
        with torch.inference_mode():
            for start in range(0, len(scores), SCORE_ROWS):
                rows = slice(start, start + SCORE_ROWS)
                inputs, targets = (
                    torch.from_numpy(array[rows]).to(device)
                    for array in (padded.inputs, padded.targets)
                )
                values = _target_scores(self.network_, inputs, targets, padded.kind == "rows")
                _neural.check_answer(self, values)
                scores[rows][padded.targets[rows] != NOT_SCORED] = values.cpu().numpy()
        return scores

    def score_samples(self, data: np.ndarray | list[Any]) -> np.ndarray:
        """Mean log-likelihood a token of each sequence, (n,); exp(-score) is its perplexity."""
        return np.nanmean(self.token_scores(data), axis=1)

    def score(self, data: np.ndarray | list[Any]) -> float:
        """Mean log-likelihood a token over all of `data` (nats): minus the cross-entropy."""
        return float(np.nanmean(self.token_scores(data)))

    def next_token_probabilities(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """(n, vocabulary_size) probabilities of what follows each prompt, at temperature 1."""
        check_is_fitted(self, "network_")
        pool = check_prompts(prompts, self.vocabulary_size, self.context)
        lengths = torch.tensor([len(prompt) for prompt in pool])
        tokens = torch.zeros(len(pool), int(lengths.max()), dtype=torch.int64)
        for row, prompt in zip(tokens, pool, strict=True):
            row[: len(prompt)] = torch.from_numpy(prompt)
        with torch.inference_mode():
            hidden = self.network_(tokens.to(self._device))
            last = hidden[torch.arange(len(pool)), lengths - 1]
            logits = _neural.check_answer(self, self.network_.logits(last))
            return logits.softmax(-1).cpu().numpy()

    # ------------------------------------------------------------------ keeping

    def save(self, path: str | Path) -> None:
        """Weights, losses and parameters as one safetensors file.

        Not `on_step`, and not `device`, which belongs to a machine and not to a model.
        """
        check_is_fitted(self, "network_")
        bare = clone(self).set_params(on_step=None, device="cpu")
        bare.network_ = self.network_
        _neural.save_model(path, bare, {"losses_": self.losses_, "kind_": self.kind_})

    @classmethod
    def load(cls, path: str | Path, device: str = "cpu") -> GPT:
        """The model that `save` wrote, put on `device`.

        ValueError for another class or weights of another size, and for a GPU that is not there.
        """
        place = devices.choose(device)
        parameters, learned, weights = _neural.load_parts(path, cls.__name__)
        model = cls(**parameters | {"device": device})
        model._check_parameters()
        network = model._new_network()
        _neural.fill(network, weights)
        model._adopt(network.to(place), learned["kind_"])
        model.losses_ = learned["losses_"]
        return model

    # ------------------------------------------------------------------ details

    def _new_network(self) -> Network:
        return Network(self.vocabulary_size, self.context, self.width, self.layers, self.heads)

    def _adopt(self, network: Network, kind: str) -> None:
        self.network_ = network
        self.kind_ = kind
        self.n_parameters_ = sum(weights.numel() for weights in network.parameters())

    @property
    def _device(self) -> torch.device:
        """Where the fitted network is."""
        return self.network_.embedding.device

    def _fit_bytes(self, rows: int, length: int) -> float:
        """About how much memory a fit on that many rows takes, a little too much if anything."""
        weights = (12 * self.layers * self.width + self.vocabulary_size) * self.width
        # What a token leaves behind for the way back: each block some 24 vectors of its width,
        # and at the end the logits, their softmax and the gradient of both.
        token = 4 * (24 * self.layers * self.width + 4 * self.vocabulary_size)
        # 32-bit weights, gradients and Adam's two averages, and the weights once more in 16 bits;
        # inputs, targets and the plan of the batches as 64-bit numbers.
        data = 8 * (2 * rows * length + self.steps * self.batch_size)
        return 18 * weights + token * self.batch_size * length + data

    def _check_parameters(self) -> None:
        for name in ("vocabulary_size", "context", "width", "layers", "heads", "batch_size"):
            positive_int(name, getattr(self, name))
        positive_int("steps", self.steps)
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width must be a multiple of twice the number of heads, got {self.width} "
                f"with heads={self.heads}"
            )
        real_number("learning_rate", self.learning_rate, low=0.0, open_low=True)
        real_number("weight_decay", self.weight_decay, low=0.0)
        one_of("device", self.device, devices.DEVICES)
        check_sampling(self.vocabulary_size, self.temperature, self.top_k, self.top_p, self.beams)


def _target_scores(network: Network, inputs: Tensor, targets: Tensor, full: bool) -> Tensor:
    """Log-probabilities (scored targets,) of `targets`, in reading order.

    full: every target counts, and nobody need look.
    """
    scored = targets != NOT_SCORED
    hidden = network(inputs)
    if full or bool(scored.all()):  # no need to pick positions
        hidden, labels = hidden.flatten(0, 1), targets.flatten()
    else:
        hidden, labels = hidden[scored], targets[scored]
    return -functional.cross_entropy(network.logits(hidden), labels, reduction="none")


def _schedule(step: int, steps: int) -> float:
    """Share of the learning rate: up over the first tenth, then half a cosine down to a tenth."""
    # Adam's steps are long from the first, when its averages rest on one batch: begin small.
    warm_up = max(1, steps // 10)
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * done))


def _check_weights(weights: Any, n: int) -> np.ndarray | None:
    if weights is None:
        return None
    array = real_array("sample_weight", weights)
    if array.shape != (n,) or not np.isfinite(array).all() or array.min() < 0 or array.sum() == 0:
        raise ValueError(
            f"sample_weight must be {n} finite numbers of at least 0 that are not all 0, "
            f"got shape {array.shape}"
        )
    return array


@contextmanager
def _interrupt_between_steps() -> Iterator[Callable[[], None]]:
    """Hold an interrupt back until `pause()` is called, so that no step is left half done."""
    pending: list[int] = []

    def pause() -> None:
        if pending:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # interrupts do not get here
        yield pause
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: pending.append(number))
    try:
        yield pause
    finally:
        signal.signal(signal.SIGINT, before)
