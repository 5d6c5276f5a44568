"""Where a network computes, "cpu", "cuda" or "auto", and whether a GPU has the memory for it.

Numbers of a CPU are those of the records, to the last digit. A GPU adds up in another order, and
fits in bfloat16 where the card multiplies in it: the same draws, not the same digits. Nothing
here is for many GPUs: CUDA_VISIBLE_DEVICES says which one torch sees first.
"""

from __future__ import annotations

import torch

from helpers._arguments import one_of

DEVICES = ("cpu", "cuda", "auto")
GB = 1e9


def choose(device: str) -> torch.device:
    """The device of that name; "auto": a GPU where torch finds one, otherwise the CPU.

    Raises ValueError for another name, and for "cuda" where torch finds no GPU.
    """
    one_of("device", device, DEVICES)
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        why = "finds no GPU" if torch.version.cuda else "was built without CUDA"
        raise ValueError(f"device must be 'cpu' or 'auto' here, got 'cuda': this torch {why}")
    return torch.device("cuda" if there and device != "cpu" else "cpu")


def half(device: torch.device) -> bool:
    """Whether fits on `device` multiply in bfloat16: on GPUs that do it themselves."""
    # Older cards would imitate it, which is slower than 32 bits.
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def arithmetic(device: torch.device) -> torch.autocast:
    """The context of a fit's forward pass: products in bfloat16 where `half`, weights in 32 bits.

    With 8 bits of a number a sum of small steps would stand still: so the weights, the gradients,
    norms and the loss keep 32.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=half(device))


def check_room(device: torch.device, needed: float, what: str, advice: str) -> None:
    """ValueError when `device` is a GPU with less than `needed` bytes free.

    What torch holds in reserve of earlier work counts as free. what, advice: of the sentence.
    """
    if device.type != "cuda":
        return
    free, _ = torch.cuda.mem_get_info(device)
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if needed > free:
        raise ValueError(
            f"{what} would take about {needed / GB:.1f} GB on the GPU, and {free / GB:.1f} GB are "
            f"free: {advice}"
        )


def name(device: torch.device) -> str:
    """The card, as its maker calls it, or "cpu"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
