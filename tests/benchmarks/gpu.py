"""How fast the GPT learns and writes on a GPU; where there is none, one line that says so.

- Training at the lesson's size and at 3 million parameters, against the same fit on this machine's
  CPU, one thread, in tokens a second.
- Training at 25 million parameters, as a share of the FLOP/s of a large bfloat16 matrix product on
  the same card: aim 40 %. The products of weights and of attention count; nothing else does.
- The same fit, and the same writing, by transformers' own layers and `generate` on the same card;
  left out, and said so, where transformers is not installed. Aim: at least as fast.

Whole fits by wall clock, after one that does not count, medians of alternating runs; the card waits
for nobody in between. Nobody of us has run this on a card yet.

    python tests/benchmarks/gpu.py
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))  # the other benchmark, whose comparisons are used
import gpt as on_cpu

from helpers.models import devices
from helpers.models.gpt import GPT

ROUNDS = 3
VOCABULARY = 5_674  # of StoryGrammar(5_000, 200)
SIZES: dict[str, dict[str, int]] = {
    "lesson": {"width": 64, "layers": 2, "heads": 2, "batch_size": 16, "steps": 200},
    "3 M": {"width": 256, "layers": 4, "heads": 4, "batch_size": 256, "steps": 200},
    "25 M": {"width": 512, "layers": 8, "heads": 8, "batch_size": 1024, "steps": 60},
}
CONTEXT, ROWS = 32, 8_192
PRODUCT = 8_192  # side of the matrices of the product that stands for the card's best


def medians(jobs: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median wall seconds of each job, alternating, after one round that does not count."""
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds + 1):
        for name, job in jobs.items():
            torch.cuda.synchronize()
            start = time.perf_counter()
            job()
            torch.cuda.synchronize()
            if number > 0:
                spent[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in spent.items()}


def model(size: str, device: str, **changes: Any) -> GPT:
    return GPT(VOCABULARY, CONTEXT, learning_rate=1e-3, device=device, **SIZES[size] | changes)


def rows(n: int = 4_096) -> np.ndarray:
    return np.random.default_rng(0).integers(VOCABULARY, size=(n, CONTEXT + 1))


def tokens(fitted: GPT) -> int:
    return int(fitted.steps * fitted.batch_size * fitted.context)


def flops(fitted: GPT) -> float:
    """Floating-point operations of a fit: 6 a weight and token, and the products of attention."""
    weights = (12 * fitted.layers * fitted.width + VOCABULARY) * fitted.width
    attention = 12 * fitted.layers * fitted.context * fitted.width / 2  # causal: half of them
    return float((6 * weights + attention) * tokens(fitted))


def products(a: torch.Tensor, b: torch.Tensor, times: int = 10) -> None:
    for _ in range(times):
        a @ b


def transformers_training(other: nn.Module, data: torch.Tensor, ours: GPT) -> None:
    """The same number of steps as one would write them around a model of transformers."""
    optimiser = torch.optim.AdamW(other.parameters(), lr=1e-3, betas=(0.9, 0.98), fused=True)
    for _ in range(ours.steps):
        batch = data[torch.randint(len(data), (ours.batch_size,), device=data.device)]
        with torch.autocast("cuda", torch.bfloat16):
            logits = other(batch[:, :-1]).logits
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(other.parameters(), 1.0)
        optimiser.step()


@torch.inference_mode()
def transformers_writing(other: Any, new: int) -> None:
    start = torch.zeros(ROWS, 1, dtype=torch.int64, device="cuda")
    other.generate(
        start, attention_mask=torch.ones_like(start), do_sample=True, top_k=0,
        max_new_tokens=new, min_new_tokens=new, use_cache=True,
    )  # fmt: skip


def against_the_cpu() -> None:
    data = rows()
    for size in ("lesson", "3 M"):
        few = 20 if size == "lesson" else 2  # steps: the CPU is slow, and its pace is even
        fits = {"cuda": model(size, "cuda"), "cpu": model(size, "cpu", steps=few)}
        seconds = medians(
            {d: lambda m=m: m.fit(data, np.random.default_rng(0)) for d, m in fits.items()}
        )
        pace = {d: tokens(fits[d]) / seconds[d] for d in fits}
        print(
            f"training, {size}: {pace['cuda']:,.0f} tokens/s, on the CPU {pace['cpu']:,.0f}: "
            f"{pace['cuda'] / pace['cpu']:.1f} times"
        )


def against_a_product() -> bool:
    shape = {"device": "cuda", "dtype": torch.bfloat16}
    a, b = (torch.randn(PRODUCT, PRODUCT, **shape) for _ in range(2))  # zeros would be faster
    ours, data = model("25 M", "cuda"), rows()
    seconds = medians(
        {
            "ours": lambda: ours.fit(data, np.random.default_rng(0)),
            "product": lambda: products(a, b),
        }
    )
    rate, best = flops(ours) / seconds["ours"], 10 * 2 * PRODUCT**3 / seconds["product"]
    print(
        f"training, 25 M: {tokens(ours) / seconds['ours']:,.0f} tokens/s; {rate / 1e12:.1f} of "
        f"{best / 1e12:.0f} TFLOP/s of a matrix product: {rate / best:.0%}, aim 40%"
    )
    return rate >= 0.4 * best


def against_transformers() -> bool:
    ours, data = model("3 M", "cuda").fit(rows(), np.random.default_rng(0)), rows()
    on_cpu.VOCABULARY = VOCABULARY
    ours.network_.cpu()  # the weights are compared with those of transformers before the clock runs
    other = on_cpu.as_starcoder(ours)
    ours.network_.cuda()
    if other is None:
        seconds = medians({"ours": lambda: ours.sample(ROWS, np.random.default_rng(0))})
        pace = ROWS * CONTEXT / seconds["ours"]
        print(f"writing, 3 M: {pace:,.0f} tokens/s (transformers is not installed: not compared)")
        return True
    other.cuda()
    there, fresh = torch.from_numpy(data).cuda(), model("3 M", "cuda")
    writing = medians(
        {
            "ours": lambda: ours.sample(ROWS, np.random.default_rng(0)),
            "transformers": lambda: transformers_writing(other, CONTEXT),
        }
    )
    training = medians(
        {
            "ours": lambda: fresh.fit(data, np.random.default_rng(0)),
            "transformers": lambda: transformers_training(other, there, fresh),
        }
    )
    for what, count, seconds in (
        ("writing", ROWS * CONTEXT, writing),
        ("training", tokens(fresh), training),
    ):
        ratio = seconds["transformers"] / seconds["ours"]
        print(f"{what}, 3 M: {count / seconds['ours']:,.0f} tokens/s: {ratio:.1f} times, aim 1")
    return all(seconds["transformers"] >= seconds["ours"] for seconds in (writing, training))


def main() -> int:
    """Print all ratios; 1 when an aim is missed, 0 where there is nothing to measure with."""
    if not torch.cuda.is_available():
        print("gpu: torch finds no GPU here, so nothing is measured")
        return 0
    place = devices.choose("cuda")
    kind = "bfloat16" if devices.half(place) else "32 bits: this card does not do bfloat16"
    print(f"{devices.name(place)}, torch {torch.__version__}, fits in {kind}")
    against_the_cpu()
    return 0 if all([against_a_product(), against_transformers()]) else 1


if __name__ == "__main__":
    sys.exit(main())
