"""A GPT on a GPU, where there is none: nobody of us has run these lines on a card in a test.

torch's device "meta" has shapes and no numbers: an operation that mixes a tensor of it with one of
the CPU fails as it would on a card. So what is proven here is that nothing is left behind on the
CPU, that a fit in bfloat16 learns, and what is said where there is no GPU or too little memory on
it. Speed and numbers of a card are for tests/benchmarks/gpu.py.
"""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from helpers.models import devices, gpt, gpt_sampling
from helpers.models.gpt import GPT, Training, _target_scores
from helpers.models.gpt_network import Network
from helpers.models.sequences import NOT_SCORED, Padded

SMALL: dict[str, Any] = {"vocabulary_size": 11, "context": 12, "width": 16, "steps": 20}
GPU, META = torch.device("cuda"), torch.device("meta")
RECORDED = "021d8f63b446", [1.126611, 0.508125, -0.492806]  # text; mean and last loss, score


def rows(n: int = 40, length: int = 13) -> np.ndarray:
    starts = np.random.default_rng(5).integers(10, size=(n, 1))
    counted = 1 + (starts + np.arange(length - 1)) % 10
    return np.concatenate([np.zeros((n, 1), dtype=int), counted], axis=1)


def pretend(monkeypatch: pytest.MonkeyPatch, free: float = 80e9) -> None:
    """A GPU that can be asked about; nothing can be put there."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (int(free), int(80e9)))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 3_000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 1_000)


# ---------------------------------------------------------------------- which device


def test_the_cpu_is_the_default_and_its_numbers_are_what_they_were() -> None:
    """Recorded before there was a device to choose."""

    def numbers(**device: str) -> tuple[str, list[float]]:
        model = GPT(**SMALL, **device).fit(rows(), np.random.default_rng(0))
        written = np.ascontiguousarray(model.sample(600, np.random.default_rng(1)))
        found = [*model.losses_, *model.token_scores(rows()).ravel()]
        return hashlib.sha256(written.tobytes()).hexdigest()[:12], found

    assert GPT(11).device == "cpu"
    text, found = numbers()
    assert text == RECORDED[0]
    # Processors differ in the last digits of a sum; on one of them all digits are the same.
    some = [np.mean(found[: SMALL["steps"]]), found[SMALL["steps"] - 1]]
    assert [*some, np.mean(found[SMALL["steps"] :])] == pytest.approx(RECORDED[1], rel=1e-5)
    assert numbers(device="cpu") == (text, found)
    if not torch.cuda.is_available():
        assert numbers(device="auto") == (text, found)


def test_no_gpu_is_one_sentence_before_any_work(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(ValueError, match="device must be 'cpu' or 'auto' here, got 'cuda'"):
            GPT(**SMALL, device="cuda").fit(rows())
        model = GPT(**SMALL).set_params(steps=1).fit(rows(), np.random.default_rng(0))
        model.set_params(device="auto").save(tmp_path / "model")
        with pytest.raises(ValueError, match="got 'cuda': this torch"):
            GPT.load(tmp_path / "model", device="cuda")
        assert GPT.load(tmp_path / "model").device == "cpu"
    with pytest.raises(ValueError, match="device must be one of 'cpu', 'cuda', 'auto', got 'mps'"):
        GPT(**SMALL, device="mps").fit(rows())


def test_auto_takes_the_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    assert devices.choose("auto") == devices.choose("cuda") == GPU
    assert devices.choose("cpu") == torch.device("cpu")


def test_bfloat16_only_where_the_card_multiplies_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    assert devices.half(GPU)
    assert not devices.half(torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    assert not devices.half(GPU)


# ---------------------------------------------------------------------- memory


def test_too_little_memory_is_said_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, free=1e6)
    model = GPT(**SMALL | {"width": 512, "layers": 8, "heads": 8}, batch_size=256, device="cuda")
    with pytest.raises(ValueError, match=r"this fit would take about \d.\d GB on the GPU, and 0.0"):
        model.fit(rows())
    assert not hasattr(model, "network_")
    with pytest.raises(ValueError, match="a batch_size below 256"):
        model.fit(rows())


def test_what_torch_holds_in_reserve_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, free=1e6)
    devices.check_room(GPU, 1e6 + 2_000, "this", "less")
    with pytest.raises(ValueError, match="this would take"):
        devices.check_room(GPU, 1e6 + 2_001, "this", "less")
    devices.check_room(torch.device("cpu"), 1e30, "this", "less")


@pytest.mark.parametrize(
    ("vocabulary", "width", "layers", "batch"), [(50, 64, 4, 8), (3_000, 32, 1, 8), (300, 32, 2, 4)]
)
def test_the_estimate_is_what_a_step_keeps_and_not_much_more(
    vocabulary: int, width: int, layers: int, batch: int
) -> None:
    """Against the bytes that torch really keeps for the way back, in 32 bits."""
    model = GPT(vocabulary, 32, width, layers, steps=1, batch_size=batch)
    network = Network(vocabulary, 32, width, layers, 2)
    network.initialise(torch.Generator().manual_seed(0))
    tokens = torch.randint(vocabulary, (batch, 33), generator=torch.Generator().manual_seed(1))
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        _target_scores(network, tokens[:, :-1], tokens[:, 1:], full=True).mean().backward()
    weights = sum(4 * p.numel() for p in network.parameters())
    for p in network.parameters():
        kept.pop(p.untyped_storage().data_ptr(), None)
    # The loss's gradient and the logits exist once more while the way back begins.
    steps = sum(kept.values()) + 2 * 4 * vocabulary * 32 * batch
    estimate = model._fit_bytes(batch, 32) - 4.5 * weights
    assert steps <= estimate <= 2 * steps


# ---------------------------------------------------------------------- everything on the device


@pytest.fixture
def yes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Yes, where the code looks at a number: tensors of META have none."""
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda self: True)


def on_meta() -> Network:
    with META:
        return Network(11, 12, 16, 2, 2)


@pytest.mark.usefixtures("yes")
def test_a_step_mixes_no_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "arithmetic", lambda _: nullcontext())  # not for this device
    model = GPT(**SMALL)
    model.losses_, model.network_ = [], on_meta()
    tokens = torch.zeros(4, 13, dtype=torch.int64, device=META)
    optimiser = model._optimiser(model.network_)
    data = Padded("rows", np.zeros((4, 12)), np.zeros((4, 12)), np.full(4, 13))
    training = Training(data, np.zeros((1, 4)), optimiser)
    for full in (True, False):
        scores = _target_scores(model.network_, tokens[:, :-1], tokens[:, 1:], full)
        assert scores.device == META
    model._step(training, 0, tokens[:, :-1], tokens[:, 1:])
    for weights in model.network_.parameters():
        assert weights.grad is not None
        assert weights.grad.device == weights.device == META
    assert {part.device for parts in optimiser._state.values() for part in parts} == {META}
    assert [loss.device for loss in training.unread] == [META]


@pytest.mark.usefixtures("yes")
def test_writing_mixes_no_devices() -> None:
    """With and without padding, a stop token, a sampler's cuts, and beams."""

    def choose(logits: torch.Tensor, **settings: Any) -> torch.Tensor:
        uniform = torch.rand(len(logits), 1, dtype=torch.float64, device=META)
        return gpt_sampling.pick(logits, uniform, **settings)

    with torch.inference_mode():
        network = on_meta()
        tokens = torch.zeros(4, 3, dtype=torch.int64, device=META)
        for pads in (torch.zeros(4, dtype=torch.int64, device=META), tokens[:, 0] + 1):
            written = gpt_sampling.draw(network, tokens, pads, choose, 4, None)
            assert (written.device, written.shape) == (META, (4, 4))
            for stop in (None, 3):
                best = gpt_sampling.search(network, tokens, pads, 2, 4, stop)
                assert (best.device, best.shape) == (META, (4, 4))
        logits = torch.zeros(4, 11, device=META)
        settings: dict[str, Any]
        for settings in ({"top_k": 2}, {"top_p": 0.5}, {"temperature": 0.8}):
            assert choose(logits, **settings).device == META


@pytest.mark.usefixtures("yes")
def test_this_device_would_have_found_a_tensor_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(RuntimeError, match="meta"):
        torch.zeros(3, device=META) + torch.zeros(3)
    # As a cache was once made, on the CPU wherever the network is.
    zeros = torch.zeros
    monkeypatch.setattr(torch, "zeros", lambda *shape, device=None, **named: zeros(*shape, **named))
    tokens = zeros(4, 3, dtype=torch.int64, device=META)
    with torch.inference_mode(), pytest.raises(RuntimeError, match="meta"):
        gpt_sampling.search(on_meta(), tokens, tokens[:, 0], 2, 4, None)


# ---------------------------------------------------------------------- the same, with numbers


def test_bfloat16_learns_what_32_bits_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU, which multiplies in bfloat16, too: the way a fit goes on a GPU."""
    plain = GPT(**SMALL | {"steps": 60}).fit(rows(), np.random.default_rng(0))
    monkeypatch.setattr(devices, "half", lambda _: True)
    short = GPT(**SMALL | {"steps": 60}).fit(rows(), np.random.default_rng(0))
    assert plain.losses_ != short.losses_
    np.testing.assert_allclose(short.losses_, plain.losses_, atol=0.15)
    assert short.losses_[-1] < 0.5 * short.losses_[0]
    assert all(p.dtype == torch.float32 for p in short.network_.parameters())


@pytest.mark.parametrize("look", [2, 7, 64])
def test_losses_that_are_read_late_are_all_there(
    monkeypatch: pytest.MonkeyPatch, look: int
) -> None:
    straight = GPT(**SMALL).fit(rows(), np.random.default_rng(0))
    monkeypatch.setitem(gpt.LOOK, "cpu", look)
    assert GPT(**SMALL).fit(rows(), np.random.default_rng(0)).losses_ == straight.losses_
    # An interrupt between two looks: the steps that are done count, and it goes on from them.
    stopped, step = GPT(**SMALL), GPT._step

    def interrupted(self: GPT, training: Training, number: int, *batch: torch.Tensor) -> None:
        if number == 9:
            raise KeyboardInterrupt
        step(self, training, number, *batch)

    monkeypatch.setattr(GPT, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(rows(), np.random.default_rng(0))
    assert stopped.losses_ == straight.losses_[:9]
    monkeypatch.setattr(GPT, "_step", step)
    assert stopped.resume().losses_ == straight.losses_


def test_a_loss_that_breaks_between_two_looks_is_named_by_its_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(gpt.LOOK, "cpu", 8)
    model, seen = GPT(**SMALL), gpt._target_scores

    def broken(network: Network, inputs: Any, targets: Any, full: bool) -> torch.Tensor:
        scores = seen(network, inputs, targets, full)
        return scores * float("nan") if next(calls) == 3 else scores

    calls = iter(range(100))
    monkeypatch.setattr(gpt, "_target_scores", broken)
    with pytest.raises(ValueError, match="got nan in step 3 of 20"):
        model.fit(rows(), np.random.default_rng(0))
    assert len(model.losses_) == 3
    assert not hasattr(model, "network_")


def test_the_targets_of_a_rest_are_scored_by_place() -> None:
    network = Network(11, 12, 16, 2, 2)
    network.initialise(torch.Generator().manual_seed(0))
    tokens = torch.from_numpy(rows(6))
    targets = tokens[:, 1:].clone()
    every = _target_scores(network, tokens[:, :-1], targets, full=True)
    targets[:, :4] = NOT_SCORED
    rest = _target_scores(network, tokens[:, :-1], targets, full=False)
    torch.testing.assert_close(rest, every.view(6, 12)[:, 4:].flatten())
