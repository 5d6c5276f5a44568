"""The small GPT: learning, the cache, sampling, beam search, files, interrupts, bad input."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.base import clone

from helpers.models import _neural
from helpers.models.gpt import GPT
from helpers.models.gpt_network import Cache
from helpers.models.gpt_sampling import generate, pad_left, pick
from helpers.models.sequences import NOT_SCORED, Record, batch_plan, pad

SMALL: dict[str, Any] = {
    "vocabulary_size": 11,
    "context": 12,
    "width": 16,
    "layers": 2,
    "heads": 2,
    "steps": 30,
    "batch_size": 8,
}


def rows(n: int = 40, length: int = 13, seed: int = 5) -> np.ndarray:
    """Rows that count upwards modulo 10 from a random start; token 0 opens each."""
    starts = np.random.default_rng(seed).integers(10, size=(n, 1))
    counted = 1 + (starts + np.arange(length - 1)) % 10
    return np.concatenate([np.zeros((n, 1), dtype=int), counted], axis=1)


def records(n: int = 40, seed: int = 6) -> list[Record]:
    """A prompt of 1 to 5 tokens; the completion is its last token twice, then 0."""
    rng = np.random.default_rng(seed)
    prompts = [tuple(rng.integers(1, 11, size=rng.integers(1, 6)).tolist()) for _ in range(n)]
    return [Record(prompt, (prompt[-1], prompt[-1], 0)) for prompt in prompts]


@pytest.fixture(scope="module")
def fitted() -> GPT:
    return GPT(**SMALL).fit(rows(), np.random.default_rng(0))


def weights(model: GPT) -> dict[str, np.ndarray]:
    return {key: value.numpy().copy() for key, value in model.network_.state_dict().items()}


def assert_same_weights(a: GPT, b: GPT) -> None:
    one, two = weights(a), weights(b)
    assert one.keys() == two.keys()
    for key in one:
        np.testing.assert_array_equal(one[key], two[key])


# ---------------------------------------------------------------------- learning


def test_overfits_one_batch() -> None:
    noise = np.random.default_rng(1).integers(11, size=(8, 13))
    model = GPT(**SMALL | {"steps": 400, "width": 32}).fit(noise, np.random.default_rng(0))
    # the second token cannot be known from the first where two rows share it
    assert -model.score(noise[:, 2:]) > 0.5  # another position than it was learnt at
    assert np.nanmean(model.token_scores(noise)[:, 3:]) > -0.05
    assert model.losses_[0] > 2.0


def test_score_is_the_log_softmax_of_a_plain_forward(fitted: GPT) -> None:
    data = rows(7, seed=9)
    with torch.inference_mode():
        logits = fitted.network_.logits(fitted.network_(torch.from_numpy(data[:, :-1])))
    logp = logits.double().log_softmax(-1).gather(-1, torch.from_numpy(data[:, 1:, None]))[..., 0]
    np.testing.assert_allclose(fitted.token_scores(data), logp.numpy(), atol=1e-5)
    np.testing.assert_allclose(fitted.score_samples(data), logp.mean(1).numpy(), atol=1e-5)
    assert fitted.score(data) == pytest.approx(float(logp.mean()), abs=1e-5)


def test_padding_does_not_change_a_score(fitted: GPT) -> None:
    short, long = [0, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    together = fitted.score_samples([short, long])
    alone = [fitted.score_samples([s])[0] for s in (short, long)]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_model_of_records_learns_completions_only() -> None:
    data = records()
    padded = pad(data, 11, 12)
    for record, inputs, targets in zip(data, padded.inputs, padded.targets, strict=True):
        scored = targets[targets != NOT_SCORED]
        assert tuple(scored) == record.completion
        assert inputs[len(record.prompt) - 1] == record.prompt[-1]
    model = GPT(**SMALL | {"steps": 250, "batch_size": 16}).fit(
        records(400), np.random.default_rng(0)
    )
    fresh = records(seed=77)
    assert model.score(fresh) > -0.6  # a guess has -1.5
    whole = [record.prompt + record.completion for record in fresh]
    assert model.score(whole) < -1.0  # the prompts are random and were not learnt


def test_init_goes_on_from_given_weights(fitted: GPT) -> None:
    data = rows(seed=8)
    before = weights(fitted)
    more = GPT(**SMALL | {"steps": 2, "learning_rate": 1e-4})
    more.fit(data, np.random.default_rng(1), init=fitted)
    assert more.score(data) > GPT(**SMALL | {"steps": 2}).fit(data, np.random.default_rng(1)).score(
        data
    )
    for key, value in weights(fitted).items():
        np.testing.assert_array_equal(value, before[key])


def test_sample_weight_chooses_the_sequences() -> None:
    lengths = np.full(10, 5)
    chosen = batch_plan(lengths, 4, 25, np.random.default_rng(0), np.eye(10)[3])
    assert (chosen == 3).all()
    data = np.concatenate([rows(20), rows(20)[:, ::-1]])
    keep = np.repeat([1.0, 0.0], 20)
    model = GPT(**SMALL | {"steps": 60}).fit(data, np.random.default_rng(0), sample_weight=keep)
    assert model.score(data[:20]) > model.score(data[20:]) + 1


def test_plan_sees_each_sequence_once_an_epoch_and_pools_lengths() -> None:
    lengths = np.random.default_rng(3).integers(2, 100, size=64)
    plan = batch_plan(lengths, 8, 16, np.random.default_rng(0))
    assert (np.bincount(plan.ravel(), minlength=64) == 2).all()
    spread = np.ptp(lengths[plan], axis=1).mean()
    assert spread < 0.3 * np.ptp(lengths)


def test_the_same_seed_gives_the_same_model_and_global_state_is_left_alone() -> None:
    state = torch.get_rng_state()
    a = GPT(**SMALL).fit(rows(), np.random.default_rng(3))
    b = clone(a).fit(rows(), np.random.default_rng(3))
    assert_same_weights(a, b)
    one, two = (m.sample(20, np.random.default_rng(4)) for m in (a, b))
    np.testing.assert_array_equal(one, two)
    assert torch.equal(state, torch.get_rng_state())
    c = clone(a).fit(rows(), np.random.default_rng(4))
    assert not np.array_equal(weights(a)["embedding"], weights(c)["embedding"])


def test_one_and_two_threads_agree() -> None:
    before = torch.get_num_threads()
    scores = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            model = GPT(**SMALL | {"width": 64}).fit(rows(), np.random.default_rng(0))
            scores.append(model.score(rows(seed=9)))
    finally:
        torch.set_num_threads(before)
    assert scores[0] == pytest.approx(scores[1], abs=5e-4)


# ---------------------------------------------------------------------- interrupts and files


@pytest.mark.parametrize("how", ["callback", "signal"])
def test_interrupted_and_resumed_is_exact(how: str) -> None:
    straight = GPT(**SMALL).fit(rows(), np.random.default_rng(0))
    stop_at = [11]

    def stop(step: int, loss: float) -> None:
        if step in stop_at:
            stop_at.remove(step)
            if how == "callback":
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGINT)

    model = GPT(**SMALL, on_step=stop)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        model.fit(rows(), np.random.default_rng(0))
    assert signal.getsignal(signal.SIGINT) is handler
    assert len(model.losses_) == 12
    assert model.sample(3, np.random.default_rng(0)).shape == (3, 13)  # usable as it is
    model.resume()
    assert_same_weights(model, straight)
    assert model.losses_ == straight.losses_
    with pytest.raises(ValueError, match="resume"):
        model.resume()


def test_save_and_load_are_exact(fitted: GPT, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    again = GPT.load(path)
    assert_same_weights(again, fitted)
    assert again.losses_ == fitted.losses_
    assert again.n_parameters_ == fitted.n_parameters_
    assert again.get_params().keys() == fitted.get_params().keys()
    np.testing.assert_array_equal(
        again.sample(9, np.random.default_rng(2)), fitted.sample(9, np.random.default_rng(2))
    )


# ---------------------------------------------------------------------- the cache and sampling


def test_cached_equals_full_forward(fitted: GPT) -> None:
    data = torch.from_numpy(rows(6, length=12, seed=2))
    with torch.inference_mode():
        full = fitted.network_(data)
        cache = Cache(fitted.network_, 12, torch.zeros(6, dtype=torch.int64))
        parts = [fitted.network_(data[:, :5], cache)]
        parts += [fitted.network_(data[:, i : i + 1], cache) for i in range(5, 10)]
        parts += [fitted.network_(data[:, 10:], cache)]
    torch.testing.assert_close(torch.cat(parts, 1), full, atol=1e-5, rtol=0)


def test_cached_equals_full_forward_for_prompts_of_different_lengths(fitted: GPT) -> None:
    prompts = [np.array([0]), np.array([0, 4, 5]), np.array([0, 1, 2, 3, 4, 5, 6])]
    tokens, pads = pad_left(prompts)
    following = torch.tensor([[7, 8], [6, 7], [7, 8]])
    with torch.inference_mode():
        cache = Cache(fitted.network_, 9, pads)
        hidden = [fitted.network_(tokens, cache)[:, -1]]
        hidden += [fitted.network_(following[:, i : i + 1], cache)[:, 0] for i in (0, 1)]
        for row, prompt in enumerate(prompts):
            whole = torch.cat([torch.from_numpy(prompt), following[row]])[None]
            expected = fitted.network_(whole)[0, -3:]
            got = torch.stack([h[row] for h in hidden])
            torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)


def test_greedy_of_a_batch_equals_greedy_one_by_one_without_cache(fitted: GPT) -> None:
    prompts = [[0], [0, 4, 5, 6], [0, 9], [0, 2, 3, 4, 5, 6, 7]]
    got = generate(fitted, prompts, np.random.default_rng(0), temperature=0, max_new_tokens=5)
    for prompt, completion in zip(prompts, got, strict=True):
        tokens = list(prompt)
        for _ in range(5):
            tokens.append(int(fitted.next_token_probabilities([tokens])[0].argmax()))
        assert tokens[len(prompt) :] == completion.tolist()


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, None, None), (0.5, None, None), (1.5, 4, None), (1.0, None, 0.7), (1.3, 6, 0.8)],
)
def test_frequencies_match_the_softmax(
    temperature: float, top_k: int | None, top_p: float | None
) -> None:
    logits = torch.from_numpy(np.random.default_rng(0).normal(0, 1.5, size=12).astype(np.float32))
    n = 40_000
    uniform = torch.rand(n, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    chosen = pick(logits.expand(n, -1), uniform, temperature, top_k, top_p)
    p = np.exp(logits.numpy().astype(float) / temperature)
    p /= p.sum()
    order = np.argsort(-p)  # the slow, obvious definition of truncation
    kept, mass = [], 0.0
    for token in order:
        if (top_k is not None and len(kept) >= top_k) or (top_p is not None and mass >= top_p):
            break
        kept.append(token)
        mass += p[token]
    counts = np.bincount(chosen.numpy(), minlength=12)
    assert counts.sum() == counts[kept].sum()
    expected = p[kept] / p[kept].sum() * n
    assert stats.chisquare(counts[kept], expected).pvalue > 1e-4


def test_a_rare_token_keeps_its_chance() -> None:
    """1e-8 is below what single precision can add to 1: it would be drawn never, or too often."""
    logits = torch.zeros(1, 3)
    logits[0, 1] = np.log(1e-8)
    logits[0, 2] = -60.0
    share = torch.softmax(logits.double(), -1)[0]
    first = float(share[0])
    inside = first + float(share[1]) * torch.linspace(0.1, 0.9, 41, dtype=torch.float64)
    below = first - float(share[1]) * torch.linspace(0.1, 0.9, 41, dtype=torch.float64)
    for uniform, token in ((inside, 1), (below, 0)):
        chosen = pick(logits.expand(41, -1), uniform[:, None])
        assert (chosen == token).all()


def test_samples_of_a_model_match_its_own_probabilities(fitted: GPT) -> None:
    produced = fitted.sample(20_000, np.random.default_rng(3))
    expected = fitted.next_token_probabilities([[0]])[0].astype(float)
    counts = np.bincount(produced[:, 1], minlength=11)
    usual = expected * 20_000 >= 5
    assert counts[~usual].sum() <= 20 * (expected[~usual].sum() * 20_000 + 1)
    share = expected[usual] / expected[usual].sum()
    assert stats.chisquare(counts[usual], share * counts[usual].sum()).pvalue > 1e-4
    assert produced.shape == (20_000, 13)


def test_samples_are_of_the_kind_that_was_fitted() -> None:
    rng = np.random.default_rng(0)
    data = records()
    prompts = [record.prompt for record in data]
    model = GPT(**SMALL | {"steps": 250, "batch_size": 16}, prompts=prompts, stop_token=0)
    model.fit(records(400), rng)
    produced = model.sample(60, rng)
    assert all(isinstance(record, Record) for record in produced)
    assert sorted(record.prompt for record in produced[:40]) == sorted(prompts)  # the whole pool
    right = np.mean([r.completion == (r.prompt[-1], r.prompt[-1], 0) for r in produced])
    assert right > 0.4  # a guess is right once in a hundred
    assert all(0 not in record.completion[:-1] for record in produced)
    listed = clone(model).fit([list(r.prompt + r.completion) for r in data], rng)
    assert all(isinstance(s, np.ndarray) for s in listed.sample(4, rng))
    model.fit(produced, rng, init=model)  # a loop can train on what it produced


def test_rows_leave_the_batch_when_they_are_done_and_nothing_else_changes() -> None:
    rng = np.random.default_rng(0)
    model = GPT(**SMALL).fit(records(), rng)
    prompts = [[1 + i % 10] * (1 + i % 4) for i in range(50)]
    free = generate(model, prompts, rng, temperature=0, max_new_tokens=6)
    stopped = generate(model, prompts, rng, temperature=0, max_new_tokens=6, stop_token=0)
    for whole, cut in zip(free, stopped, strict=True):
        end = np.flatnonzero(whole == 0)
        np.testing.assert_array_equal(cut, whole[: end[0] + 1] if len(end) else whole)


def test_another_sampler_shares_the_weights(fitted: GPT) -> None:
    greedy = fitted.with_sampler(temperature=0)
    assert fitted.temperature == 1
    assert greedy.network_ is fitted.network_
    assert len(np.unique(greedy.sample(9, np.random.default_rng(0)), axis=0)) == 1


# ---------------------------------------------------------------------- beam search


def toy(seed: int) -> GPT:
    """Three tokens and weights large enough that greedy choices go wrong."""
    model = GPT(vocabulary_size=3, context=8, width=8, layers=1, heads=1, steps=1, batch_size=2)
    model.fit(np.array([[0, 1, 2], [0, 2, 1]]), np.random.default_rng(seed))
    stream = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.network_.parameters():
            parameter.normal_(0, 0.8, generator=stream)
    return model


def exhaustive(
    model: GPT, prompt: list[int], new: int, stop: int | None
) -> tuple[list[int], float]:
    """The likeliest of all continuations, each scored on its own."""
    best, best_score = [], -np.inf
    seen = set()
    for tokens in itertools.product(range(3), repeat=new):
        end = tokens.index(stop) + 1 if stop in tokens else new
        seen.add(tokens[:end])
    for tokens in sorted(seen):
        score = np.nansum(model.token_scores([Record(tuple(prompt), tokens)]))
        if score > best_score:
            best, best_score = list(tokens), score
    return best, best_score


@pytest.mark.parametrize("stop", [None, 2])
def test_wide_beams_equal_exhaustive_search(stop: int | None) -> None:
    greedy_was_wrong = 0
    for seed in range(8):
        model = toy(seed)
        prompts = [[0], [1, 2, 0], [2, 2]]
        rng = np.random.default_rng(0)
        got = generate(model, prompts, rng, beams=81, max_new_tokens=4, stop_token=stop)
        greedy = generate(model, prompts, rng, temperature=0, max_new_tokens=4, stop_token=stop)
        for prompt, completion, first in zip(prompts, got, greedy, strict=True):
            best, _ = exhaustive(model, prompt, 4, stop)
            assert completion.tolist() == best
            greedy_was_wrong += first.tolist() != best
    assert greedy_was_wrong > 0  # otherwise the test would show nothing


def test_narrow_beams_equal_a_plain_beam_search() -> None:
    model, prompt = toy(3), [0, 1]
    beams: list[tuple[list[int], float]] = [([], 0.0)]
    for _ in range(6):
        grown = []
        for tokens, score in beams:
            logp = np.log(model.next_token_probabilities([prompt + tokens])[0].astype(float))
            grown += [([*tokens, token], score + logp[token]) for token in range(3)]
        beams = sorted(grown, key=lambda beam: -beam[1])[:2]
    got = generate(model, [prompt], np.random.default_rng(0), beams=2, max_new_tokens=6)
    assert got[0].tolist() == beams[0][0]


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (np.zeros((3, 14), dtype=int), ValueError, "at most 13 tokens"),
        ([[0] * 14], ValueError, "at most 13 tokens"),
        (np.array([[0, 11]]), ValueError, "from 0 to 10, got 11"),
        ([[0, -1]], ValueError, "from 0 to 10, got -1"),
        ([], ValueError, "empty corpus"),
        (np.zeros((0, 5), dtype=int), ValueError, "empty corpus"),
        (np.zeros(5, dtype=int), ValueError, "shape"),
        (np.zeros((3, 5)), TypeError, "integers"),
        ([[0]], ValueError, "at least 2 tokens"),
        ("text", TypeError, "data must be"),
        ([Record((), (1,))], ValueError, "either part"),
        ([Record((1,), (1,)), [0, 1]], TypeError, "mix"),
    ],
)
def test_bad_data(data: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        GPT(**SMALL).fit(data, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"top_k": 12}, "top_k must be at most the 11"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"beams": 0}, "beams"),
        ({"beams": 2, "temperature": 0.5}, "beams=2"),
        ({"width": 18, "heads": 4}, "width"),
        ({"steps": 0}, "steps"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"vocabulary_size": 0}, "vocabulary_size"),
    ],
)
def test_bad_parameters_are_refused_before_training(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GPT(**SMALL | change).fit(rows(), np.random.default_rng(0))


def test_bad_calls(fitted: GPT, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="max_new_tokens must be at most 9"):
        generate(fitted, [[0], [0, 1, 2, 3]], rng, max_new_tokens=10)
    with pytest.raises(ValueError, match="prompts must have 1 to 12 tokens"):
        generate(fitted, [[]], rng)
    with pytest.raises(ValueError, match="got none"):
        generate(fitted, [], rng)
    with pytest.raises(ValueError, match="stop_token"):
        generate(fitted, [[0]], rng, stop_token=11)
    with pytest.raises(TypeError, match="rng"):
        generate(fitted, [[0]], 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one length"):
        clone(fitted).set_params(prompts=[[0], [0, 1]]).fit(rows(), rng).sample(2, rng)
    with pytest.raises(ValueError, match="sizes"):
        GPT(**SMALL | {"width": 32}).fit(rows(), rng, init=fitted)
    with pytest.raises(ValueError, match="fitted"):
        GPT(**SMALL).fit(rows(), rng, init=GPT(**SMALL))
    with pytest.raises(ValueError, match="sample_weight"):
        GPT(**SMALL).fit(rows(), rng, sample_weight=np.ones(3))
    from safetensors import safe_open
    from safetensors.torch import save_file

    path = tmp_path / "model.safetensors"
    fitted.save(path)
    with safe_open(str(path), framework="pt") as file:
        about = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    tensors["norm"] = torch.ones(3)
    save_file(tensors, str(path), metadata=about)
    with pytest.raises(ValueError, match="sizes"):
        GPT.load(path)


# --- the optimiser -----------------------------------------------------------------------------


@pytest.mark.parametrize(("torchs", "decay"), [("AdamW", 0.1), ("Adam", 0.0)])
def test_the_optimiser_gives_the_numbers_of_torch_s(torchs: str, decay: float) -> None:
    """To the last bit, with another rate each step and with weights that have no gradient.

    Without decay they are Adam's, with which the other networks were trained for the records.
    """
    start = [torch.randn(7, 5, generator=torch.Generator().manual_seed(3)), torch.ones(5)]
    data = torch.randn(9, 7, generator=torch.Generator().manual_seed(4))
    unused = torch.ones(2, requires_grad=True)
    ends = []
    for make in (_neural.AdamW, partial(getattr(torch.optim, torchs), fused=True)):
        matrix, gain = (weights.clone().requires_grad_() for weights in start)
        groups = [{"params": [matrix, unused], "weight_decay": decay}]
        groups += [{"params": [gain], "weight_decay": 0.0}]
        optimiser: Any = make(groups, lr=1e-2, betas=(0.9, 0.98))
        for step in range(6):
            for group in optimiser.param_groups:
                group["lr"] = 1e-2 / (step + 1)
            optimiser.zero_grad()
            ((data @ matrix * gain).sin() ** 2).mean().backward()
            optimiser.step()
        ends.append((matrix, gain))
    for ours, theirs, before in zip(*ends, start, strict=True):
        assert torch.equal(ours, theirs)
        assert not torch.equal(ours, before)
    assert torch.equal(unused, torch.ones(2))


def test_a_fit_does_not_load_torch_s_compiler() -> None:
    """It takes two seconds and 70 MB."""
    fit = """
import sys, numpy as np
from helpers.models import GPT, VAE
GPT(5, context=4, width=8, steps=2).fit(np.ones((3, 5), dtype=int), np.random.default_rng(0))
VAE(steps=2).fit(np.random.default_rng(0).random((8, 8, 8)), np.random.default_rng(0))
print("torch" in sys.modules, "torch._dynamo" in sys.modules)"""
    said = subprocess.run([sys.executable, "-c", fit], capture_output=True, text=True, check=False)
    assert said.stdout.split() == ["True", "False"], said.stderr
