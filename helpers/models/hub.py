"""Any causal language model of the hub behind fit / sample / score, as every model of the course.

The network, its tokenizer and its sampler are those of transformers, low-rank adaptation is peft's
(Hu et al. 2021, LoRA): the optional extra "hub". What is ours is the loop round them, and that no
default is left to others: `generate(do_sample=True)` keeps the 50 likeliest tokens unless it is
told not to, which is a truncated sampler. Here every value is passed by name, and what was passed
is kept as `sampler_`.

Not a trainer for large models: one machine, one device, 32-bit weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from helpers._arguments import generator, positive_int, real_number
from helpers._ground import write_whole
from helpers.models import _neural
from helpers.models._hub_network import fill, seeded, target_scores, trained
from helpers.models.hub_files import Checkpoint, need, open_checkpoint, quiet
from helpers.models.sequences import NOT_SCORED, Padded, Record, batch_plan, check_prompts, pad

if TYPE_CHECKING:
    import torch

SCORE_ROWS = 16  # scored at once: with 50,000 tokens their logits take 200 MB
WRITE_ROWS = 32  # written side by side, beams not counted


class HubLanguageModel(BaseEstimator):
    """A pretrained causal language model that is tuned on token sequences and writes new ones.

    Parameters
    ----------
    checkpoint, gguf_file, download: see `helpers.models.hub_files.open_checkpoint`.
    block: tokens of the longest sequence. `blocks` cuts texts into rows of this length.
    steps, batch_size, learning_rate, weight_decay: of one fit, AdamW with a warm-up over the first
        tenth and half a cosine down to a tenth.
    lora_rank: rank of the matrices that are added to every linear layer and trained in place of
        the weights; None trains all weights (16 bytes each, against 4).
    temperature, top_k, top_p, repetition_penalty: how `sample` draws. The defaults leave the
        model's distribution as it is: top_k=0 keeps every token, as does top_p=1. temperature 0
        takes the likeliest token.
    beams: above 1, `sample` takes the likeliest continuation found by beam search instead.
    prompts: pool of token sequences; every sample goes on from one of them, the whole pool in
        shuffled order before any comes twice. None: from the token that begins a text.
    new_tokens: of a sample; None: as many as fill the block.
    with_prompts: whether a sample holds its prompt. False is Nature's recipe: a block is read, and
        what is kept is the next one. Records hold it in any case.
    stop_at_end: whether the end token ends a sample; otherwise another text may follow it.
    device: where `fit` and `pretrained` put the network, which stays there: "cpu", "cuda", or
        "auto" for a GPU where torch finds one.
    on_step: called as on_step(step, loss) after each training step.

    Learned: `network_`, `losses_` (nats a token, one a step), `n_parameters_`, `n_trained_`.
    `sampler_`: what the last `sample` passed to transformers.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        gguf_file: str | None = None,
        block: int = 64,
        steps: int = 100,
        batch_size: int = 8,
        learning_rate: float = 2e-5,
        weight_decay: float = 0.01,
        lora_rank: int | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        beams: int = 1,
        repetition_penalty: float = 1.0,
        prompts: Sequence[Sequence[int]] | None = None,
        new_tokens: int | None = None,
        with_prompts: bool = True,
        stop_at_end: bool = False,
        device: str = "cpu",
        download: bool = False,
        on_step: Callable[[int, float], None] | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.gguf_file = gguf_file
        self.block = block
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.lora_rank = lora_rank
        self.temperature = temperature
        self.top_k = top_k
        self.top_p = top_p
        self.beams = beams
        self.repetition_penalty = repetition_penalty
        self.prompts = prompts
        self.new_tokens = new_tokens
        self.with_prompts = with_prompts
        self.stop_at_end = stop_at_end
        self.device = device
        self.download = download
        self.on_step = on_step

    # ------------------------------------------------------------------ text and tokens

    def encode(self, text: str) -> list[int]:
        """Tokens of `text`, without marks of beginning or end."""
        tokens = self._open().tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return [int(token) for token in tokens]

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        """The text of `tokens`, marks included."""
        return str(self._open().tokenizer.decode([int(token) for token in tokens]))

    def blocks(self, texts: str | Sequence[str]) -> np.ndarray:
        """Rows (n, block): the tokens of all texts end to end, the end token between two texts.

        What does not fill a last row is dropped; ValueError when that is everything.
        """
        positive_int("block", self.block, minimum=2)
        stream: list[int] = []
        for text in [texts] if isinstance(texts, str) else texts:
            stream += [*([self.end_token] if stream else []), *self.encode(text)]
        n = len(stream) // self.block
        if n == 0:
            raise ValueError(f"texts must hold at least {self.block} tokens, got {len(stream)}")
        return np.array(stream[: n * self.block], dtype=np.int64).reshape(n, self.block)

    @property
    def end_token(self) -> int:
        """The token that ends a text."""
        return self._open().end

    # ------------------------------------------------------------------ learning

    def fit(
        self,
        data: np.ndarray | list[Any],
        rng: np.random.Generator | None = None,
        init: HubLanguageModel | None = None,
    ) -> Self:
        """Tune the checkpoint's weights, or go on from `init`'s, on `data`.

        data: as in `helpers.models.sequences`. Raises ValueError when a loss is not finite; what
        was learned before stays then as it was, as it does after an interrupt.
        """
        self._check_parameters()
        network = self._new_network()
        padded = pad(data, network.config.vocab_size, self.block - 1)
        rng = np.random.default_rng() if rng is None else generator("rng", rng)
        if init is not None:
            self._check_init(init)
        with seeded(rng):
            network = self._trainable(network)
            if init is not None:
                fill(network, trained(init.network_), "init")
            plan = batch_plan(padded.lengths, self.batch_size, self.steps, rng)
            network.to(self._place()).train()
            losses = self._train(network, padded, plan)
        network.eval()
        _neural.check_weights(network, self.steps, self.learning_rate)
        self._adopt(network, padded.kind)
        self.losses_ = losses
        return self

    def pretrained(self) -> HubLanguageModel:
        """The checkpoint as it is, not tuned: scores, and writes rows. Another object."""
        self._check_parameters()
        model = clone(self)
        model._adopt(model._new_network().to(model._place()), "rows")
        model.losses_ = []
        return model

    def _train(self, network: Any, padded: Padded, plan: np.ndarray) -> list[float]:
        import torch

        from helpers.models.gpt import _schedule

        weights = [p for p in network.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(
            weights, lr=self.learning_rate, weight_decay=self.weight_decay
        )
        losses: list[float] = []
        for step, batch in enumerate(plan):
            longest = padded.lengths[batch].max() - 1  # beyond it all is padding
            inputs, targets = (
                torch.from_numpy(part[batch, :longest]).to(network.device)
                for part in (padded.inputs, padded.targets)
            )
            for group in optimiser.param_groups:
                group["lr"] = self.learning_rate * _schedule(step, self.steps)
            scores = target_scores(network, inputs, targets)
            loss = -scores[targets != NOT_SCORED].mean()
            losses.append(_neural.check_loss(loss.item(), step, self.steps, self.learning_rate))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            if self.on_step is not None:
                self.on_step(step, losses[-1])
        return losses

    # ------------------------------------------------------------------ writing and scoring

    def sample(self, n_samples: int, rng: np.random.Generator) -> Any:
        """`n_samples` new samples of the same kind as the data of the fit.

        Raises ValueError when rows are wanted but the prompts, or an end, would make them differ
        in length.
        """
        check_is_fitted(self, "network_")
        positive_int("n_samples", n_samples)
        generator("rng", rng)
        pool = self._pool()
        lengths = {len(prompt) for prompt in pool} if self.with_prompts else {0}
        if self.kind_ == "rows" and (self.stop_at_end or len(lengths) > 1):
            raise ValueError(
                "prompts must have one length and stop_at_end must be False to write rows, got "
                f"lengths {sorted(lengths)} and stop_at_end={self.stop_at_end!r}"
            )
        rounds = -(-n_samples // len(pool))
        order = np.concatenate([rng.permutation(len(pool)) for _ in range(rounds)])[:n_samples]
        prompts = [pool[i] for i in order]
        completions = self.write(prompts, rng)
        pairs = list(zip(prompts, completions, strict=True))
        if self.kind_ == "records":
            return [Record(tuple(p.tolist()), tuple(c.tolist())) for p, c in pairs]
        joined = [np.concatenate(pair) if self.with_prompts else pair[1] for pair in pairs]
        return np.stack(joined) if self.kind_ == "rows" else joined

    def write(self, prompts: Sequence[Any], rng: np.random.Generator) -> list[np.ndarray]:
        """Continue each prompt; the new tokens alone, the end token included where it came."""
        import torch

        check_is_fitted(self, "network_")
        self._check_parameters()
        generator("rng", rng)
        pool = check_prompts(prompts, self.network_.config.vocab_size, self.block)
        new = self._new_tokens(max(len(prompt) for prompt in pool))
        self.sampler_ = self.sampler_arguments() | {"max_new_tokens": new}
        stop = {"eos_token_id": self.end_token} if self.stop_at_end else {}
        # Prompts of like length share a batch: less padding.
        order = np.argsort([len(prompt) for prompt in pool], kind="stable")
        completions: list[np.ndarray] = [pool[0]] * len(pool)
        with seeded(rng), quiet(), torch.inference_mode():
            for start in range(0, len(pool), WRITE_ROWS):
                rows = order[start : start + WRITE_ROWS]
                tokens, mask = self._pad_left([pool[i] for i in rows])
                written = self.network_.generate(
                    input_ids=tokens, attention_mask=mask, **self.sampler_, **stop
                )
                for i, row in zip(rows, written[:, tokens.shape[1] :].cpu().numpy(), strict=True):
                    completions[i] = self._until_end(row)
        return completions

    def sampler_arguments(self) -> dict[str, Any]:
        """How `sample` draws, in transformers' words: all that `generate` must be told."""
        if self.beams > 1:
            # Sequences of one length: the likeliest by the plain sum of log-probabilities.
            drawing = {"do_sample": False, "num_beams": self.beams, "length_penalty": 0.0}
        elif self.temperature == 0:
            drawing = {"do_sample": False, "num_beams": 1}
        else:
            drawing = {
                "do_sample": True,
                "num_beams": 1,
                "temperature": float(self.temperature),
                "top_k": self.top_k,
                "top_p": float(self.top_p),
            }
        return drawing | {"repetition_penalty": float(self.repetition_penalty)}

    def with_sampler(self, **settings: Any) -> HubLanguageModel:
        """The same weights under other parameters, such as temperature=0.8; not a copy of them."""
        check_is_fitted(self, "network_")
        return copy(self).set_params(**settings)

    def token_scores(self, data: np.ndarray | list[Any]) -> np.ndarray:
        """Log-probability (nats) of every token after the first, (n, longest - 1).

        NaN where nothing is scored: padding, and the prompts of records.
        """
        import torch

        check_is_fitted(self, "network_")
        padded = pad(data, self.network_.config.vocab_size, self.block - 1)
        scores = np.full(padded.targets.shape, np.nan)
        with torch.inference_mode():
            for start in range(0, len(scores), SCORE_ROWS):
                rows = slice(start, start + SCORE_ROWS)
                inputs, targets = (
                    torch.from_numpy(part[rows]).to(self.network_.device)
                    for part in (padded.inputs, padded.targets)
                )
                scored = targets != NOT_SCORED
                values = target_scores(self.network_, inputs, targets)[scored]
                _neural.check_answer(self, values)
                scores[rows][scored.cpu().numpy()] = values.cpu().numpy()
        return scores

    def score_samples(self, data: np.ndarray | list[Any]) -> np.ndarray:
        """Mean log-likelihood a token of each sequence, (n,); exp(-score) is its perplexity."""
        return np.nanmean(self.token_scores(data), axis=1)

    def score(self, data: np.ndarray | list[Any]) -> float:
        """Mean log-likelihood a token over all of `data` (nats): minus the cross-entropy."""
        return float(np.nanmean(self.token_scores(data)))

    # ------------------------------------------------------------------ keeping

    def save(self, path: str | Path) -> None:
        """The trained weights, losses and parameters as one safetensors file.

        With `lora_rank` these are the added matrices alone: `load` needs the checkpoint, too. Not
        `on_step`, and not `device`, which belongs to a machine and not to a model.
        """
        check_is_fitted(self, "network_")
        from safetensors.torch import save

        parameters = self.get_params() | {"checkpoint": str(self.checkpoint)}
        parameters |= {"on_step": None, "device": "cpu"}
        if self.prompts is not None:
            parameters["prompts"] = [[int(t) for t in prompt] for prompt in self.prompts]
        about = {
            "class": type(self).__name__,
            "parameters": json.dumps(parameters),
            "learned": json.dumps({"losses_": self.losses_, "kind_": self.kind_}),
        }
        weights = {name: w.contiguous().cpu() for name, w in trained(self.network_).items()}
        write_whole(Path(path), save(weights, metadata=about))

    @classmethod
    def load(cls, path: str | Path, device: str = "cpu") -> HubLanguageModel:
        """The model that `save` wrote, put on `device`.

        ValueError for another class or weights of another size, and for a GPU that is not there.
        """
        parameters, learned, weights = _neural.load_parts(path, cls.__name__)
        model = cls(**parameters | {"device": device})
        model._check_parameters()
        network = model._new_network()
        if learned["losses_"]:  # else it is the checkpoint as it was
            with seeded(np.random.default_rng(0)):  # peft draws what the file then replaces
                network = model._trainable(network)
            fill(network, weights, "the file")
        model._adopt(network.to(model._place()).eval(), learned["kind_"])
        model.losses_ = learned["losses_"]
        return model

    # ------------------------------------------------------------------ details

    def _open(self) -> Checkpoint:
        return open_checkpoint(self.checkpoint, self.gguf_file, self.download)

    def _place(self) -> torch.device:
        from helpers.models import devices  # loads torch

        return devices.choose(self.device)

    def _new_network(self) -> Any:
        """The checkpoint's network, its weights shared while they are frozen."""
        shared = self._open().network
        seen = getattr(shared.config, "max_position_embeddings", None)
        if seen is not None and self.block > seen:
            raise ValueError(
                f"block must be at most {seen}, the tokens that {self.checkpoint} sees at once, "
                f"got {self.block}"
            )
        tensors = [*shared.parameters(), *shared.buffers()]
        stay = self.lora_rank is not None and self._place().type == "cpu"
        return deepcopy(shared, {id(tensor): tensor for tensor in tensors} if stay else {})

    def _trainable(self, network: Any) -> Any:
        if self.lora_rank is None:
            return network.requires_grad_(True)
        peft = need("peft")
        settings = peft.LoraConfig(
            r=self.lora_rank,
            lora_alpha=2 * self.lora_rank,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        with quiet():
            return peft.get_peft_model(network, settings)

    def _adopt(self, network: Any, kind: str) -> None:
        self.network_ = network
        self.kind_ = kind
        self.n_trained_ = sum(w.numel() for w in trained(network).values())
        self.n_parameters_ = sum(weights.numel() for weights in network.parameters())

    def _pool(self) -> list[np.ndarray]:
        prompts = ((self._open().begin,),) if self.prompts is None else self.prompts
        return check_prompts(prompts, self.network_.config.vocab_size, self.block)

    def _new_tokens(self, longest: int) -> int:
        """How many tokens to write after prompts of up to `longest`."""
        room = self.block - longest if self.with_prompts else self.block
        new = room if self.new_tokens is None else positive_int("new_tokens", self.new_tokens)
        if not 1 <= new <= room:
            raise ValueError(
                f"new_tokens must be from 1 to {room} after a prompt of {longest} tokens in blocks "
                f"of {self.block}, got {new}"
            )
        seen = getattr(self.network_.config, "max_position_embeddings", None)
        if seen is not None and longest + new > seen:
            raise ValueError(
                f"prompts of {longest} tokens and {new} new ones must fit the {seen} tokens that "
                f"{self.checkpoint} sees at once"
            )
        return new

    def _pad_left(self, prompts: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        longest = max(len(prompt) for prompt in prompts)
        tokens = np.full((len(prompts), longest), self.end_token)
        mask = np.zeros((len(prompts), longest), dtype=np.int64)
        for i, prompt in enumerate(prompts):
            tokens[i, longest - len(prompt) :] = prompt
            mask[i, longest - len(prompt) :] = 1
        place = self.network_.device
        return torch.from_numpy(tokens).to(place), torch.from_numpy(mask).to(place)

    def _until_end(self, row: np.ndarray) -> np.ndarray:
        ends = np.flatnonzero(row == self.end_token)
        return row[: ends[0] + 1] if self.stop_at_end and len(ends) else row

    def _check_init(self, init: Any) -> None:
        if not isinstance(init, HubLanguageModel) or not hasattr(init, "network_"):
            raise TypeError(f"init must be a fitted HubLanguageModel or None, got {init!r}")

    def _check_parameters(self) -> None:
        need("transformers")
        positive_int("block", self.block, minimum=2)
        positive_int("steps", self.steps)
        positive_int("batch_size", self.batch_size)
        if self.lora_rank is not None:
            positive_int("lora_rank", self.lora_rank)
            need("peft")
        real_number("learning_rate", self.learning_rate, low=0.0, open_low=True)
        real_number("weight_decay", self.weight_decay, low=0.0)
        real_number("temperature", self.temperature, low=0.0)
        positive_int("top_k", self.top_k, minimum=0)
        real_number("top_p", self.top_p, low=0.0, high=1.0, open_low=True)
        real_number("repetition_penalty", self.repetition_penalty, low=0.0, open_low=True)
        plain = self.temperature == 1 and self.top_k == 0 and self.top_p == 1
        if positive_int("beams", self.beams) > 1 and not plain:
            raise ValueError(
                f"beams={self.beams} takes the likeliest continuation: leave temperature at 1, "
                f"top_k at 0 and top_p at 1, got {self.temperature!r}, {self.top_k!r}, "
                f"{self.top_p!r}"
            )
        self._place()
