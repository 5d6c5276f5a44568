"""The network inside `GPT`: a decoder-only transformer in about a hundred lines.

Token embeddings, rotary positions (Su et al. 2021, eq. 34), blocks of causal attention and a
two-layer perceptron with squared ReLU, layer norms before each, output weights tied to the
embeddings. Weights only: no loss, no optimiser, no sampling, and no dropout.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Cache:
    """Keys and values of the tokens read so far, in memory set aside once.

    Row by row the work of reading a token again is saved: a step costs one token, not a context.
    Prompts of different lengths are padded on the left: pads (rows,) counts those places, which
    no real token may look at. `filled` places of `slots` are in use.
    """

    def __init__(self, network: Network, slots: int, pads: Tensor) -> None:
        layers, heads = len(network.blocks), network.heads
        shape = (layers, 2, len(pads), heads, slots, network.width // heads)
        # 32-bit floats: 512 rows of the default GPT, 32 places each, take 17 MB.
        self.memory = torch.zeros(shape, device=pads.device)
        self.pads = pads if bool(pads.any()) else None
        self.filled = 0

    def store(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add keys and values (rows, heads, positions, head width); return all so far."""
        end = self.filled + keys.shape[2]
        self.memory[layer, 0, :, :, self.filled : end] = keys
        self.memory[layer, 1, :, :, self.filled : end] = values
        return self.memory[layer, 0, :, :, :end], self.memory[layer, 1, :, :, :end]

    def mask(self, positions: int) -> Tensor | None:
        """Which places the next `positions` tokens may look at; None: all of them."""
        if self.pads is None and positions == 1:
            return None
        places = torch.arange(self.filled + positions, device=self.memory.device)
        queries = places[self.filled :, None]
        if self.pads is None:
            return places <= queries
        padded = places < self.pads[:, None, None, None]
        # A padded place may look at itself: a softmax over no place at all would be NaN.
        return (places <= queries) & (~padded | (places == queries))

    def select(self, rows: Tensor) -> None:
        """Keep `rows`, in that order; one may come more than once."""
        self.memory = self.memory[:, :, rows]
        self.pads = None if self.pads is None else self.pads[rows]


class Block(nn.Module):
    """Attention, then a perceptron, each added to its input. Shapes (rows, positions, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.Parameter(torch.ones(width))
        self.to_qkv = nn.Parameter(torch.empty(3 * width, width))
        self.from_heads = nn.Parameter(torch.empty(width, width))
        self.norm_perceptron = nn.Parameter(torch.ones(width))
        self.up = nn.Parameter(torch.empty(4 * width, width))
        self.down = nn.Parameter(torch.empty(width, 4 * width))

    def forward(self, x: Tensor, rotation: Tensor, cache: Cache | None, layer: int) -> Tensor:
        rows, positions, width = x.shape
        normed = functional.layer_norm(x, (width,), self.norm_attention)
        qkv = functional.linear(normed, self.to_qkv).view(rows, positions, 3, self.heads, -1)
        queries_keys, values = qkv.permute(2, 0, 3, 1, 4).split([2, 1])
        queries, keys = Rotate.apply(queries_keys, *rotation)
        if cache is None:
            mixed = functional.scaled_dot_product_attention(
                queries, keys, values[0], is_causal=True
            )
        else:
            keys, all_values = cache.store(layer, keys, values[0])
            mask = cache.mask(positions)
            mixed = functional.scaled_dot_product_attention(
                queries, keys, all_values, attn_mask=mask
            )
        # Added to what came in, which so reaches the end whatever the block does.
        x = x + functional.linear(
            mixed.transpose(1, 2).reshape(rows, positions, width), self.from_heads
        )
        normed = functional.layer_norm(x, (width,), self.norm_perceptron)
        active = SquaredReLU.apply(functional.linear(normed, self.up))
        return x + functional.linear(active, self.down)


class Rotate(torch.autograd.Function):
    """Turn each pair (i, i + half) of the last axis by an angle that grows with the position.

    The product of a turned query and a turned key depends on their distance alone: that is how
    attention knows the order, and why padding on the left changes nothing. The gradient is the
    gradient of the result, turned back; said outright, this takes half of what autograd would.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        ctx.save_for_backward(cosine, sine)
        return turned(x, cosine, sine)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        cosine, sine = ctx.saved_tensors
        return turned(gradients[0], cosine, -sine), None, None


def turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """`x` (..., positions, 2 half), its pairs turned; cosine and sine are (positions, half)."""
    first, second = x.chunk(2, dim=-1)
    result = torch.empty_like(x)
    left, right = result.chunk(2, dim=-1)
    torch.mul(first, cosine, out=left).sub_(second * sine)
    torch.mul(second, cosine, out=right).add_(first * sine)
    return result


class SquaredReLU(torch.autograd.Function):
    """max(x, 0)**2 (So et al. 2021); its slope 2 max(x, 0) needs no second look at the sign."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        positive = x.relu()
        ctx.save_for_backward(positive)
        return positive.square()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (positive,) = ctx.saved_tensors
        return (2 * positive).mul_(gradients[0])


class Network(nn.Module):
    """From tokens to hidden states, and from those to logits over the vocabulary."""

    def __init__(
        self, vocabulary_size: int, context: int, width: int, layers: int, heads: int
    ) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.embedding = nn.Parameter(torch.empty(vocabulary_size, width))
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.norm = nn.Parameter(torch.ones(width))
        half = width // heads // 2
        # Radians a token, from 1 down: quick pairs tell neighbours apart, slow ones far places.
        angles = torch.outer(torch.arange(context), 10_000.0 ** (-torch.arange(half) / half))
        self.rotation: Tensor
        # False: not among the saved weights, since it follows from the sizes.
        self.register_buffer("rotation", torch.stack([angles.cos(), angles.sin()]), False)

    def initialise(self, stream: torch.Generator) -> None:
        """Normal weights of SD 1 / sqrt(inputs), smaller where a block adds to its input (GPT-2).

        The usual 0.02 suits wide networks; here it would waste half of a short training.
        """
        smaller = 1 / math.sqrt(2 * len(self.blocks))
        with torch.no_grad():
            for name, weights in self.named_parameters():
                if weights.ndim == 2:
                    adds = name.endswith(("from_heads", "down"))
                    scale = weights.shape[1] ** -0.5 * (smaller if adds else 1.0)
                    weights.normal_(0.0, scale, generator=stream)

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """Hidden states (rows, positions, width) of `tokens` (rows, positions)."""
        start = 0 if cache is None else cache.filled
        rotation = self.rotation[:, start : start + tokens.shape[1]]
        x = functional.embedding(tokens, self.embedding)
        for layer, block in enumerate(self.blocks):
            x = block(x, rotation, cache, layer)
        if cache is not None:
            cache.filled += tokens.shape[1]
        return functional.layer_norm(x, self.norm.shape, self.norm)

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., width) to (..., vocabulary_size)."""
        # The embedding, read the other way (Press and Wolf 2017): one table less to learn.
        return functional.linear(hidden, self.embedding)
