"""A model of the hub behind fit, sample and score: offline, on checkpoints of random weights.

The checkpoints are made here, in the hub's own format; what such models write means nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from transformers import BertConfig, BertForMaskedLM, GenerationConfig, GPT2Config, GPT2LMHeadModel

from helpers.data.corpora import documentation
from helpers.loop import run_loop
from helpers.metrics import language as lm
from helpers.models import HubLanguageModel, hub_files
from helpers.models.hub_files import check_reachable, open_checkpoint, save_tiny
from helpers.models.sequences import Record
from helpers.policies import Accumulate, Replace

TEXT = documentation()[:30_000]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"), [TEXT])


def model(tiny: Path, **settings: Any) -> HubLanguageModel:
    usual = {"steps": 3, "batch_size": 4, "learning_rate": 1e-2, "block": 16}
    return HubLanguageModel(tiny, **(usual | settings))


@pytest.fixture(scope="session")
def rows(tiny: Path) -> np.ndarray:
    return model(tiny).blocks(TEXT)[:24]


# --- the same promises as every model here -----------------------------------------------------


@pytest.mark.parametrize("lora_rank", [None, 2])
def test_the_loop_runs_a_hub_model_end_to_end(
    tiny: Path, rows: np.ndarray, lora_rank: int | None
) -> None:
    one = model(tiny, lora_rank=lora_rank)
    runs = [
        run_loop(one, rows, policy=policy, generations=2, n_samples=10, seed=1)
        for policy in (Replace(), Replace(), Accumulate())
    ]
    for run in runs:
        assert [samples.shape for samples in run.samples] == [(10, 16)] * 3
        assert all(np.isfinite(fitted.score(rows)) for fitted in run.models)
    replace, again, accumulate = (run.samples for run in runs)
    assert all(map(np.array_equal, replace, again))
    assert np.array_equal(replace[0], accumulate[0])  # the policy comes in later
    assert runs[0].models[1].score(rows) != runs[2].models[1].score(rows)


def test_a_fit_learns_what_it_is_given(tiny: Path, rows: np.ndarray) -> None:
    # With frozen random embeddings added matrices can do little; how little is not the point.
    for rank, gain in ((None, 0.3), (4, 0.03)):
        fitted = model(tiny, lora_rank=rank, steps=40).fit(rows, rng())
        assert fitted.score(rows) > fitted.pretrained().score(rows) + gain
        assert len(fitted.losses_) == 40


def test_lora_trains_a_part_and_leaves_the_shared_weights(tiny: Path, rows: np.ndarray) -> None:
    shared = open_checkpoint(tiny).network
    before = {name: w.clone() for name, w in shared.named_parameters()}
    one = model(tiny, lora_rank=2).fit(rows, rng())
    whole = model(tiny).fit(rows, rng())
    assert one.n_trained_ < 0.1 * whole.n_trained_ == 0.1 * whole.n_parameters_
    assert all(torch.equal(w, before[name]) for name, w in shared.named_parameters())
    assert not any(w.requires_grad for w in shared.parameters())
    # The base is not copied for each fit: a history of many fits costs the added matrices.
    held = {w.data_ptr() for w in one.network_.parameters()}
    assert {w.data_ptr() for w in shared.parameters()} <= held


def test_scores_are_those_of_the_network(tiny: Path, rows: np.ndarray) -> None:
    fitted = model(tiny).pretrained()
    tokens = torch.from_numpy(rows)
    with torch.inference_mode():
        loss = open_checkpoint(tiny).network(input_ids=tokens, labels=tokens).loss.item()
    assert fitted.score(rows) == pytest.approx(-loss, abs=1e-5)
    assert fitted.token_scores(rows).shape == (24, 15)
    assert lm.surprise(fitted, rows) == pytest.approx(-fitted.score_samples(rows))
    ragged = [rows[0], rows[1][:7]]
    np.testing.assert_allclose(
        fitted.token_scores(ragged)[1, :6], fitted.token_scores(rows)[1, :6], atol=1e-5
    )
    assert np.isnan(fitted.token_scores(ragged)[1, 6:]).all()


def test_records_are_scored_and_written_behind_their_prompt(tiny: Path, rows: np.ndarray) -> None:
    records = [Record(tuple(row[:4]), tuple(row[4:])) for row in rows]
    fitted = model(tiny, prompts=rows[:5, :4].tolist(), new_tokens=3).fit(records, rng())
    assert np.isnan(fitted.token_scores(records)[:, :3]).all()
    written = fitted.sample(7, rng())
    assert all(isinstance(one, Record) and len(one.completion) == 3 for one in written)
    assert {one.prompt for one in written} == {tuple(row[:4]) for row in rows[:5].tolist()}


def test_a_fit_goes_on_from_another(tiny: Path, rows: np.ndarray) -> None:
    for rank in (None, 2):
        first = model(tiny, lora_rank=rank, steps=30).fit(rows, rng())
        second = model(tiny, lora_rank=rank, steps=1).fit(rows, rng(), init=first)
        afresh = model(tiny, lora_rank=rank, steps=1).fit(rows, rng())
        assert second.losses_[0] < afresh.losses_[0] - 0.01
    with pytest.raises(ValueError, match="init must have trained weights of the same sizes"):
        model(tiny, lora_rank=3).fit(rows, rng(), init=first)
    with pytest.raises(TypeError, match="init must be a fitted HubLanguageModel or None"):
        model(tiny).fit(rows, rng(), init=model(tiny))


def test_the_global_stream_is_left_as_it_was(tiny: Path, rows: np.ndarray, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    fitted = model(tiny, lora_rank=2).fit(rows, rng())
    fitted.sample(2, rng())
    fitted.save(tmp_path / "one.safetensors")
    HubLanguageModel.load(tmp_path / "one.safetensors")
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("rank", [None, 2])
def test_what_is_saved_comes_back(
    tiny: Path, rows: np.ndarray, rank: int | None, tmp_path: Path
) -> None:
    fitted = model(tiny, lora_rank=rank, prompts=rows[:3, :4], top_k=7).fit(rows, rng())
    fitted.save(tmp_path / "one.safetensors")
    again = HubLanguageModel.load(tmp_path / "one.safetensors")
    assert again.score(rows) == fitted.score(rows)
    assert np.array_equal(again.sample(3, rng(4)), fitted.sample(3, rng(4)))
    assert again.losses_ == fitted.losses_


def test_a_device_is_not_saved(tiny: Path, rows: np.ndarray, tmp_path: Path) -> None:
    fitted = model(tiny, lora_rank=2, device="auto").fit(rows, rng())
    assert fitted.sample(2, rng()).shape == (2, 16)
    fitted.save(tmp_path / "one.safetensors")
    assert HubLanguageModel.load(tmp_path / "one.safetensors").device == "cpu"
    assert HubLanguageModel.load(tmp_path / "one.safetensors", device="auto").device == "auto"
    with pytest.raises(ValueError, match="device must be"):
        HubLanguageModel.load(tmp_path / "one.safetensors", device="tpu")


def test_a_clone_is_not_fitted(tiny: Path) -> None:
    fitted = model(tiny).pretrained()
    assert not hasattr(clone(fitted), "network_")


# --- the sampler -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose next token is nearly any of a thousand, with a sampler of its own."""
    folder = save_tiny(tmp_path_factory.mktemp("flat"), [TEXT], vocab_size=1000, init_std=1e-3)
    own = GenerationConfig(
        do_sample=True, top_k=3, repetition_penalty=5.0, suppress_tokens=[*range(100, 1000)]
    )
    own.save_pretrained(folder)
    return folder


def first_tokens(fitted: HubLanguageModel, n: int = 2000) -> int:
    rows = fitted.with_sampler(new_tokens=1).sample(n, rng())
    return len(np.unique(rows[:, -1]))


def test_the_defaults_draw_from_the_whole_distribution(flat: Path) -> None:
    """1,000 tokens of equal chance, 2,000 draws: 865 different are expected, with sd below 11."""
    fitted = model(flat).pretrained()
    assert 800 < first_tokens(fitted) < 930
    assert fitted.sampler_arguments() == {
        "do_sample": True,
        "num_beams": 1,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
    }


def test_the_library_on_its_own_would_not(flat: Path) -> None:
    """What this class is for: the call that looks plain keeps 50 tokens."""
    network = model(flat).pretrained().network_
    begin = torch.zeros(2000, 1, dtype=torch.int64)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = network.generate(begin, do_sample=True, max_new_tokens=1)[:, -1]
    assert len(drawn.unique()) == 50


@pytest.mark.parametrize(
    ("settings", "most"), [({"top_k": 50}, 50), ({"temperature": 0.0}, 1), ({"beams": 3}, 1)]
)
def test_a_sampler_that_is_asked_for_is_passed(flat: Path, settings: Any, most: int) -> None:
    fitted = model(flat, **settings).pretrained()
    assert first_tokens(fitted, 500) == most


def test_what_was_passed_is_recorded(flat: Path) -> None:
    fitted = model(flat, top_k=9, top_p=0.8, temperature=0.5, repetition_penalty=1.5).pretrained()
    fitted.sample(1, rng())
    assert fitted.sampler_ == fitted.sampler_arguments() | {"max_new_tokens": 15}
    assert {"top_k": 9, "top_p": 0.8, "temperature": 0.5}.items() <= fitted.sampler_.items()
    assert fitted.sampler_["repetition_penalty"] == 1.5


def test_beams_find_what_is_likelier_than_draws(tiny: Path, rows: np.ndarray) -> None:
    fitted = model(tiny, prompts=rows[:6, :8].tolist(), steps=40).fit(rows, rng())
    drawn, searched = (fitted.with_sampler(beams=beams).sample(6, rng(2)) for beams in (1, 5))
    assert fitted.score(searched) > fitted.score(drawn) + 0.5
    assert fitted.with_sampler(beams=5).sampler_arguments()["num_beams"] == 5


def test_nature_reads_a_block_and_writes_the_next(tiny: Path, rows: np.ndarray) -> None:
    fitted = model(tiny, prompts=rows.tolist(), with_prompts=False).pretrained()
    assert fitted.sample(24, rng()).shape == rows.shape


def test_prompts_of_different_lengths_do_not_disturb_each_other(
    tiny: Path, rows: np.ndarray
) -> None:
    fitted = model(tiny, temperature=0.0, new_tokens=4).fit([*rows], rng())
    together = fitted.write([rows[0][:3], rows[1][:9]], rng())
    for prompt, expected in ((rows[0][:3], together[0]), (rows[1][:9], together[1])):
        assert np.array_equal(fitted.write([prompt], rng())[0], expected)


def test_an_end_ends_a_sample(tiny: Path, rows: np.ndarray) -> None:
    end = model(tiny).end_token
    ending = [np.array([*row[: 2 + 6 * (i % 2)], end]) for i, row in enumerate(rows)]
    fitted = model(tiny, stop_at_end=True, steps=60).fit(ending, rng())
    written = fitted.sample(20, rng())
    assert all(np.count_nonzero(one[1:] == end) <= 1 for one in written)
    assert min(map(len, written)) < 16
    assert all(one[-1] == end or len(one) == 16 for one in written)


# --- texts -------------------------------------------------------------------------------------


def test_blocks_hold_the_text_and_its_ends(tiny: Path) -> None:
    one = model(tiny, block=8)
    texts = [TEXT[:300], TEXT[300:600]]
    stream = [*one.encode(texts[0]), one.end_token, *one.encode(texts[1])]
    blocks = one.blocks(texts)
    assert blocks.shape == (len(stream) // 8, 8)
    assert blocks.ravel().tolist() == stream[: blocks.size]
    assert one.decode(one.encode(texts[0])) == texts[0]
    with pytest.raises(ValueError, match="texts must hold at least 8 tokens, got 1"):
        one.blocks("a")


# --- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("top_k", -1, ValueError),
        ("top_p", 0.0, ValueError),
        ("temperature", -0.5, ValueError),
        ("beams", 0, ValueError),
        ("lora_rank", 0, ValueError),
        ("block", 1, ValueError),
        ("steps", 0, ValueError),
        ("learning_rate", 0.0, ValueError),
        ("repetition_penalty", 0.0, ValueError),
        ("device", "tpu", ValueError),
        ("new_tokens", 0, ValueError),
        ("new_tokens", 16, ValueError),
        ("top_k", 1.5, TypeError),
    ],
)
def test_a_bad_setting_is_named(
    tiny: Path, rows: np.ndarray, name: str, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"{name} must be"):
        model(tiny, **{name: value}).fit(rows, rng()).sample(1, rng())


def test_beams_take_no_other_sampler(tiny: Path) -> None:
    with pytest.raises(ValueError, match="beams=5 takes the likeliest continuation: leave"):
        model(tiny, beams=5, top_k=50).pretrained()


def test_rows_must_have_one_length(tiny: Path, rows: np.ndarray) -> None:
    fitted = model(tiny, prompts=[[1], [1, 2]]).fit(rows, rng())
    with pytest.raises(ValueError, match="prompts must have one length and stop_at_end"):
        fitted.sample(2, rng())


def test_a_block_too_long_for_the_checkpoint_is_refused(tiny: Path) -> None:
    tokens = np.zeros((4, 300), dtype=int)
    with pytest.raises(ValueError, match=r"block must be at most 256, the tokens that .* got 300"):
        model(tiny, block=300).fit(tokens, rng())
    # A block is read and another written: both must be seen.
    one = model(tiny, block=200, prompts=tokens[:, :200], with_prompts=False).pretrained()
    with pytest.raises(ValueError, match="must fit the 256 tokens that"):
        one.sample(1, rng())


def test_bad_input_of_write(tiny: Path) -> None:
    one = model(tiny).pretrained()
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        one.write([[1]], 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="temperature must be a finite number"):
        one.with_sampler(temperature=-1.0).write([[1]], rng())


def test_too_long_a_sequence_is_refused(tiny: Path) -> None:
    with pytest.raises(ValueError, match="sequences of at most 16 tokens"):
        model(tiny).fit(np.zeros((3, 17), dtype=int), rng())


def test_a_broken_fit_leaves_no_model(tiny: Path, rows: np.ndarray) -> None:
    one = model(tiny, learning_rate=1e30)
    with pytest.raises(ValueError, match="the fit stopped: its"):
        one.fit(rows, rng())
    assert not hasattr(one, "network_")


def test_another_architecture_is_refused(tmp_path: Path, tiny: Path) -> None:
    small = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertForMaskedLM(BertConfig(intermediate_size=16, **small)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"must be a causal language model .* is BertForMaskedLM"):
        HubLanguageModel(tmp_path).pretrained()


def gpt2(folder: Path, tiny: Path, **tokenizer: Any) -> Path:
    """A checkpoint of another architecture that is causal, with the tokenizer of `tiny`."""
    from transformers import AutoTokenizer

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=400, n_embd=16, n_layer=1, n_head=2, n_positions=64)
    GPT2LMHeadModel(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny, **tokenizer).save_pretrained(folder)
    return folder


def test_a_tokenizer_without_an_end_is_refused(tmp_path: Path, tiny: Path) -> None:
    folder = gpt2(tmp_path, tiny, eos_token=None)
    with pytest.raises(ValueError, match="must have an end token"):
        HubLanguageModel(folder).pretrained()


def test_another_causal_architecture_goes_the_same_way(
    tmp_path: Path, tiny: Path, rows: np.ndarray
) -> None:
    folder = gpt2(tmp_path, tiny)
    fitted = model(folder, lora_rank=2).fit(rows, rng())
    assert fitted.sample(3, rng()).shape == (3, 16)


def test_missing_weights_are_not_filled_with_random_ones(tmp_path: Path, tiny: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = gpt2(tmp_path, tiny)
    weights = load_file(folder / "model.safetensors")
    weights.pop(next(name for name in sorted(weights) if name.endswith("c_attn.weight")))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks 1 of them, such as .*c_attn.weight"):
        HubLanguageModel(folder).pretrained()


@pytest.mark.parametrize(
    ("file", "kept", "part"),
    [
        ("model.safetensors", 0.0, "weights"),
        ("model.safetensors", 0.5, "weights"),
        ("tokenizer.json", 0.0, "tokenizer"),
        ("config.json", 0.5, "configuration"),
    ],
)
def test_a_damaged_checkpoint_is_one_sentence(
    tiny: Path, tmp_path: Path, file: str, kept: float, part: str
) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "one"))
    content = (folder / file).read_bytes()
    (folder / file).unlink()
    if kept:
        (folder / file).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=f"can open, and the {part} of .* cannot be read") as told:
        HubLanguageModel(folder).pretrained()
    assert "\n" not in str(told.value)


def test_what_was_fetched_before_needs_no_network(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def connect(self: Any, address: Any) -> None:
        asked.append(address)
        raise OSError("no network")

    monkeypatch.setattr("socket.socket.connect", connect)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    kept = tmp_path / "models--somebody--something"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("a" * 40)
    folder = Path(shutil.copytree(tiny, kept / "snapshots" / ("a" * 40)))
    for download in (False, True):
        HubLanguageModel("somebody/something", download=download).pretrained()
    assert not asked
    (folder / "model.safetensors").unlink()  # as an interrupted download leaves it
    hub_files._opened.cache_clear()
    with pytest.raises(FileNotFoundError, match="was not fetched before, or not whole"):
        HubLanguageModel("somebody/something").pretrained()
    assert not asked
    with pytest.raises(ConnectionError, match="cannot be reached"):
        HubLanguageModel("somebody/something", download=True).pretrained()


def test_no_file_is_one_sentence(tmp_path: Path) -> None:
    for checkpoint, file, error, words in (
        ("nowhere/at-all", None, FileNotFoundError, "is no folder and was not fetched before"),
        ("nowhere/at/all", None, FileNotFoundError, "there is no such folder"),
        (tmp_path, "one.gguf", FileNotFoundError, "must be a folder with one.gguf"),
        (tmp_path, None, FileNotFoundError, "must be a folder with config.json"),
    ):
        with pytest.raises(error, match=words) as told:
            HubLanguageModel(checkpoint, gguf_file=file).pretrained()
        assert "\n" not in str(told.value)


def test_no_network_is_one_sentence_and_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_files, "getproxies", dict)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody answers there
    start = time.monotonic()
    with pytest.raises(ConnectionError, match="cannot be reached") as told:
        HubLanguageModel("nowhere/at-all", download=True).pretrained()
    assert "\n" not in str(told.value)
    assert time.monotonic() - start < 30  # the first import of transformers counts


def test_a_host_that_does_not_answer_costs_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def never(address: tuple[str, int], timeout: float) -> None:
        asked.update(address=address, timeout=timeout)
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", never)
    monkeypatch.setattr("helpers.models.hub_files.getproxies", dict)
    with pytest.raises(ConnectionError, match=r"https://hub.example cannot be reached \(Timeout"):
        check_reachable("https://hub.example")
    assert asked["address"] == ("hub.example", 443)
    assert asked["timeout"] <= 5


@pytest.mark.parametrize("package", ["transformers", "peft"])
def test_without_the_extra_one_sentence_says_the_command(tiny: Path, package: str) -> None:
    """Importing the models needs none of it; using one says what to type."""
    program = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        "from helpers.models import HubLanguageModel\n"
        "assert 'torch' not in sys.modules and 'transformers' not in {\n"
        "    name for name, module in sys.modules.items() if module}\n"
        "try:\n"
        f"    HubLanguageModel({str(tiny)!r}, lora_rank=2).pretrained()\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout == (
        f"models of the hub need the package {package}, which is not installed; in the course's "
        'folder: python -m pip install -e ".[hub]"\n'
    ), answer.stderr[-500:]
