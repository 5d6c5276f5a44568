"""How a GPT writes: batched sampling with a cache of keys and values, and beam search.

`generate` continues prompts of different lengths at once; `GPT.sample` is a thin layer over it.
Truncation is defined as in Holtzman et al. 2020 (top-p) and Fan et al. 2018 (top-k). Beam search
returns the likeliest of the continuations it kept, by plain total log-probability: there is no
length penalty and no penalty for repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from helpers._arguments import generator, positive_int, real_number
from helpers.models import devices
from helpers.models._neural import torch_stream
from helpers.models.gpt_network import Cache, Network
from helpers.models.sequences import check_prompts

ROWS = {"cpu": 512, "cuda": 8192}  # written side by side: bounds the memory of the cache
COMPACT = 0.75  # finished rows leave the batch when fewer than this share still write


class Fitted(Protocol):
    """What `generate` asks of a model; a fitted `helpers.models.GPT` has it."""

    vocabulary_size: int
    context: int  # tokens that the network sees at once
    network_: Network


def generate(
    model: Fitted,
    prompts: Sequence[Sequence[int]],
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    beams: int = 1,
    max_new_tokens: int | None = None,
    stop_token: int | None = None,
) -> list[np.ndarray]:
    """Continue each prompt; returns the new tokens alone, `stop_token` included where it came.

    The settings mean what they mean in `GPT`, but are this function's own: those of `model` are
    not looked at. max_new_tokens None: as many as the longest prompt leaves room for.
    Raises ValueError for settings out of range, unknown tokens, and prompts that with
    `max_new_tokens` would not fit the context.
    """
    check_sampling(model.vocabulary_size, temperature, top_k, top_p, beams)
    pool = check_prompts(prompts, model.vocabulary_size, model.context)
    longest = max(len(prompt) for prompt in pool)
    room = model.context + 1 - longest
    new = room if max_new_tokens is None else positive_int("max_new_tokens", max_new_tokens)
    if new > room:
        raise ValueError(
            f"max_new_tokens must be at most {room} after a prompt of {longest} tokens in a "
            f"context of {model.context}, got {new}"
        )
    if stop_token is not None and not 0 <= stop_token < model.vocabulary_size:
        raise ValueError(
            f"stop_token must be from 0 to {model.vocabulary_size - 1} or None, got {stop_token}"
        )
    stream = torch_stream(generator("rng", rng))
    network, device = model.network_, model.network_.embedding.device
    at_once = min(ROWS[device.type], len(pool))
    needed = _bytes(network, at_once * beams, longest + new)
    devices.check_room(device, needed, "writing", "this network is too large to write on it")

    def choose(logits: Tensor) -> Tensor:
        # Drawn on the CPU wherever the network is: the same numbers on every machine.
        uniform = torch.rand(len(logits), 1, dtype=torch.float64, generator=stream)
        return pick(logits, uniform.to(logits.device), temperature, top_k, top_p)

    # Prompts of like length share a batch: less padding.
    order = np.argsort([len(prompt) for prompt in pool], kind="stable")
    completions: list[np.ndarray] = [pool[0]] * len(pool)
    with torch.inference_mode():
        for start in range(0, len(pool), at_once):
            rows = order[start : start + at_once]
            tokens, pads = (part.to(device) for part in pad_left([pool[i] for i in rows]))
            if beams > 1:
                written = search(network, tokens, pads, beams, new, stop_token)
            else:
                written = draw(network, tokens, pads, choose, new, stop_token)
            for i, completion in zip(rows, written.cpu().numpy(), strict=True):
                completions[i] = until_stop(completion, stop_token)
    return completions


def draw(
    network: Network,
    tokens: Tensor,
    pads: Tensor,
    choose: Callable[[Tensor], Tensor],
    new: int,
    stop_token: int | None,
) -> Tensor:
    """Token after token from `choose(logits)`, for all rows at once; (rows, new).

    What stands after a row's stop token is of no meaning.
    """
    cache = Cache(network, tokens.shape[1] + new - 1, pads)
    device = tokens.device
    written = torch.zeros(len(tokens), new, dtype=torch.int64, device=device)
    live = torch.arange(len(tokens), device=device)
    writing = torch.ones(len(tokens), dtype=torch.bool, device=device)
    for step in range(new):
        chosen = choose(network.logits(network(tokens, cache)[:, -1]))
        written[live, step] = chosen
        tokens = chosen[:, None]
        if stop_token is None:
            continue
        writing &= chosen != stop_token
        still = int(writing.sum())
        if still == 0:
            break
        if still < COMPACT * len(live):
            cache.select(writing.nonzero().flatten())
            live, tokens, writing = live[writing], tokens[writing], writing[writing]
    return written


def pick(
    logits: Tensor,
    uniform: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """One token a row (rows,) by inverting the distribution function at `uniform` (rows, 1).

    The running sum is in double precision, so that a token of probability 1e-8 keeps its chance.
    A temperature too small to divide by counts as 0. Raises ValueError for logits that are NaN or
    infinite: the distribution function of NaN would give the last token, for ever.
    """
    _check_largest(logits)
    scaled = logits / temperature if temperature > 0 else logits
    if temperature == 0 or not bool(scaled.amax(-1).isfinite().all()):
        return logits.argmax(-1)
    probabilities = scaled.softmax(-1)
    order = None
    if top_k is not None or top_p is not None:
        probabilities, order = probabilities.sort(dim=-1, descending=True)
        if top_p is not None:  # a token stays while those before it hold less than top_p
            before = probabilities.cumsum(-1) - probabilities
            probabilities = probabilities.masked_fill(before >= top_p, 0.0)
        if top_k is not None:
            probabilities[:, top_k:] = 0.0
    running = probabilities.cumsum(-1, dtype=torch.float64)
    target = uniform * running[:, -1:]
    chosen = torch.searchsorted(running, target, right=True).clamp(max=logits.shape[-1] - 1)
    return (chosen if order is None else order.gather(-1, chosen)).squeeze(-1)


def search(
    network: Network,
    tokens: Tensor,
    pads: Tensor,
    beams: int,
    new: int,
    stop_token: int | None,
) -> Tensor:
    """Beam search: after each token keep the `beams` likeliest continuations of every prompt.

    Returns the best (rows, new). A continuation that has stopped keeps its score and its place.
    """
    prompts = len(tokens)
    cache = Cache(network, tokens.shape[1] + new - 1, pads)
    logp = network.logits(network(tokens, cache)[:, -1]).log_softmax(-1)
    vocabulary = logp.shape[-1]
    width = min(beams, vocabulary)
    scores, chosen = logp.topk(width)  # (prompts, width)
    numbers = torch.arange(prompts, device=tokens.device)[:, None]
    parents = numbers.expand(-1, width)  # the row each one goes on from
    written = tokens.new_zeros(prompts, 1, 0).expand(-1, width, -1)
    for step in range(new):
        if step > 0:
            logp = network.logits(network(chosen.reshape(-1, 1), cache)[:, -1]).log_softmax(-1)
            if stop_token is not None:
                stopped = (chosen == stop_token).flatten()
                logp[stopped] = -torch.inf
                logp[stopped, stop_token] = 0.0
            grown = (scores[:, :, None] + logp.view(prompts, -1, vocabulary)).flatten(1)
            before = scores.shape[1]
            scores, best = grown.topk(min(beams, grown.shape[1]))
            chosen, beam = best % vocabulary, best // vocabulary
            parents = numbers * before + beam
            written = written.gather(1, beam[:, :, None].expand(-1, -1, step))
        written = torch.cat([written, chosen[:, :, None]], dim=-1)
        if stop_token is not None and bool((chosen == stop_token).all()):
            written = torch.nn.functional.pad(written, (0, new - step - 1))
            break
        if step < new - 1:
            cache.select(parents.flatten())
    _check_largest(scores)  # once NaN, a sum stays NaN, and topk puts it first
    return written[:, 0]  # topk sorts: the first beam is the best


def _check_largest(scores: Tensor) -> None:
    """ValueError unless the largest of each row is a finite number; one NaN makes it NaN."""
    if not bool(scores.amax(-1).isfinite().all()):
        raise ValueError(
            "the network of GPT must answer with finite numbers to write on, got NaN or infinity: "
            "its weights are broken, or far too large"
        )


def _bytes(network: Network, rows: int, slots: int) -> float:
    """About the memory that writing takes: the cache, and a few copies of one step's logits."""
    vocabulary, width = network.embedding.shape
    return rows * (8.0 * len(network.blocks) * slots * width + 32 * vocabulary)


def pad_left(prompts: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Prompts flush right, (rows, longest), and how many places before each are padding."""
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    longest = int(lengths.max())
    tokens = torch.zeros(len(prompts), longest, dtype=torch.int64)
    for row, prompt in zip(tokens, prompts, strict=True):
        row[longest - len(prompt) :] = torch.from_numpy(prompt)
    return tokens, longest - lengths


def until_stop(completion: np.ndarray, stop_token: int | None) -> np.ndarray:
    """`completion` up to and with its first `stop_token`."""
    if stop_token is None:
        return completion
    stops = np.flatnonzero(completion == stop_token)
    return completion[: stops[0] + 1] if len(stops) else completion


def check_sampling(
    vocabulary_size: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    beams: int,
) -> None:
    """ValueError or TypeError for a sampling setting that is out of range."""
    real_number("temperature", temperature, low=0.0)
    if top_k is not None and positive_int("top_k", top_k) > vocabulary_size:
        raise ValueError(f"top_k must be at most the {vocabulary_size} tokens, got {top_k}")
    if top_p is not None:
        real_number("top_p", top_p, low=0.0, high=1.0, open_low=True)
    if positive_int("beams", beams) > 1 and not (
        temperature == 1 and top_k is None and top_p is None
    ):
        raise ValueError(
            f"beams={beams} takes the likeliest continuation: leave temperature at 1 and top_k "
            f"and top_p at None, got {temperature!r}, {top_k!r}, {top_p!r}"
        )
