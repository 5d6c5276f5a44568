"""Checkpoints in the format of the Hugging Face hub: opened, or refused in one sentence.

A checkpoint is a folder with config.json, weights and a tokenizer, or with one GGUF file; or the
name of such a model on the hub ("facebook/opt-125m"), which is looked for among those fetched
before, and fetched only where `download` says so. What opens it is transformers. `save_tiny` makes
a checkpoint of random weights: the same format, nothing to fetch, and nothing learned.

Not here: learning, writing and scoring (see `helpers.models.hub`).
"""

from __future__ import annotations

import os
import re
import socket
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from functools import lru_cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

INSTALL = 'python -m pip install -e ".[hub]"'
HUB = "https://huggingface.co"
REACH_SECONDS = 3.0  # to find out whether there is a network, before anything is fetched


class Checkpoint(NamedTuple):
    """What was opened. The network is in 32-bit numbers, frozen, and shared: copy, do not train it.

    tokenizer: transformers' own. end, begin: tokens that end and begin a text; begin is end where
    the tokenizer has none.
    """

    network: Any
    tokenizer: Any
    end: int
    begin: int


class UnreadableError(ValueError):
    """A checkpoint of which a part is missing or damaged."""


def need(package: str) -> Any:
    """The module `package` of the extra "hub"; ImportError of one sentence where it is missing."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ImportError(
            f"models of the hub need the package {package}, which is not installed; in the "
            f"course's folder: {INSTALL}",
            name=package,
        ) from None


def open_checkpoint(
    checkpoint: str | Path, gguf_file: str | None = None, download: bool = False
) -> Checkpoint:
    """Network and tokenizer of `checkpoint`; opened once, then the same objects again.

    gguf_file: the file in the folder that holds everything, where it is a GGUF.
    download: whether a model that is not here may be fetched from the hub.

    Raises, before any weight is read: ImportError without the extra; FileNotFoundError where
    there is neither folder nor fetched model; ConnectionError where it should be fetched and the
    hub cannot be reached; ValueError for what is no causal language model and for a tokenizer
    without an end token. ValueError, too, for weights that cannot be read, or lack some of the
    network's. What was fetched before is opened without a network, `download` or not.
    """
    need("transformers")
    need("gguf" if gguf_file is not None else "safetensors")
    folder = Path(checkpoint)
    if folder.is_dir():
        wanted = folder / (gguf_file or "config.json")
        if not wanted.is_file():
            raise FileNotFoundError(
                f"checkpoint must be a folder with {wanted.name}, and {folder} holds none"
            )
        # A folder that was written anew is opened anew.
        return _opened(str(folder), gguf_file, wanted.stat().st_mtime_ns)
    name = str(checkpoint)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise FileNotFoundError(
            f"checkpoint must be a folder, or a model of the hub such as 'facebook/opt-125m', "
            f"got {name!r}: there is no such folder"
        )
    try:
        return _fetched(name, gguf_file)
    except FileNotFoundError:
        if not download:
            raise
    check_reachable(os.environ.get("HF_ENDPOINT", HUB))
    _read(name, gguf_file)
    return _fetched(name, gguf_file)


def check_reachable(address: str) -> None:
    """ConnectionError of one sentence, within seconds, unless the host of `address` answers."""
    proxy = getproxies().get(urlsplit(address).scheme)
    parts = urlsplit(proxy or address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=REACH_SECONDS).close()
    except OSError as error:
        raise ConnectionError(
            f"{address} cannot be reached ({type(error).__name__}): is there a network? Or give a "
            f"folder as checkpoint"
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, transformers draws no bars and warns of nothing: what matters is raised by us."""
    log = need("transformers").utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


@lru_cache(maxsize=2)
def _opened(source: str, gguf_file: str | None, written: int) -> Checkpoint:
    """`written` is only there to tell apart what lay in one folder at different times."""
    return _read(source, gguf_file)


def _fetched(name: str, gguf_file: str | None) -> Checkpoint:
    """The model of that name, out of the folder of those fetched before.

    By its name transformers would ask the network for more, even where it is told not to.
    """
    from huggingface_hub import try_to_load_from_cache

    wanted = gguf_file or "config.json"
    file = try_to_load_from_cache(name, wanted)
    if isinstance(file, str):
        folder = Path(file).parents[len(Path(wanted).parts) - 1]
        with suppress(UnreadableError):  # fetched in part
            return _opened(str(folder), gguf_file, 0)
    raise FileNotFoundError(
        f"checkpoint {name!r} is no folder and was not fetched before, or not whole; "
        f"download=True fetches it from {HUB}"
    )


def _read(source: str, gguf_file: str | None) -> Checkpoint:
    """Open a folder; or a model by its name, which fetches what is not here."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    where = {} if gguf_file is None else {"gguf_file": gguf_file}
    with quiet():
        with _reading(source, "configuration"):
            config = AutoConfig.from_pretrained(source, **where)
        _check_causal(source, config)
        with _reading(source, "tokenizer"):
            tokenizer = AutoTokenizer.from_pretrained(source, **where)
        if tokenizer.eos_token_id is None:
            raise ValueError(
                f"the tokenizer of {source} must have an end token (eos_token), and has none: "
                f"texts could not be told apart"
            )
        # Unpacking a GGUF draws a bar that nothing turns off.
        with _reading(source, "weights"), redirect_stderr(StringIO()):
            network, report = AutoModelForCausalLM.from_pretrained(
                source, dtype=torch.float32, output_loading_info=True, **where
            )
    if missing := sorted(report["missing_keys"]):
        # transformers would fill them with random numbers, and go on.
        raise ValueError(
            f"checkpoint must hold all weights of its network, and {source} lacks {len(missing)} "
            f"of them, such as {missing[0]}"
        )
    # A checkpoint may bring a sampler of its own, which would mix into ours where we are silent.
    network.generation_config = GenerationConfig(pad_token_id=tokenizer.eos_token_id)
    network.config.quantization_config = None  # a GGUF was unpacked to 32 bits
    network.requires_grad_(False).eval()
    end = int(tokenizer.eos_token_id)
    begin = end if tokenizer.bos_token_id is None else int(tokenizer.bos_token_id)
    return Checkpoint(network, tokenizer, end, begin)


def _check_causal(source: str, config: Any) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as KNOWN

    known = set(KNOWN.values())
    named = list(config.architectures or [])
    # A GGUF names no class: there the kind of model decides.
    if not (set(named) & known if named else config.model_type in KNOWN):
        raise ValueError(
            f"checkpoint must be a causal language model of transformers (OPT, GPT-2, Llama, ...), "
            f"and {source} is {' and '.join(named) or config.model_type}"
        )


@contextmanager
def _reading(source: str, part: str) -> Iterator[None]:
    """What transformers raises inside is raised as one sentence of ours."""
    from safetensors import SafetensorError

    broken = (OSError, ValueError, TypeError, RuntimeError, struct.error, SafetensorError)
    try:
        yield
    except broken as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, OSError) and not Path(source).is_dir():
            raise FileNotFoundError(f"checkpoint {source!r} could not be fetched: {said}") from None
        raise UnreadableError(
            f"checkpoint must be one that transformers can open, and the {part} of {source} cannot "
            f"be read: {said}"
        ) from None


def save_tiny(folder: str | Path, texts: Sequence[str], seed: int = 0, **changes: Any) -> Path:
    """A checkpoint of about 30,000 random weights, an OPT with a tokenizer of `texts`; its folder.

    For trying what a real checkpoint would go through, offline and in a second: what such a model
    writes means nothing. changes: of transformers' OPTConfig.
    """
    import torch

    from helpers.models.tokenizers import BytePairTokenizer

    transformers = need("transformers")
    folder = Path(folder)
    pieces = BytePairTokenizer(400).fit(list(texts)).model_
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=pieces, eos_token="<eos>")
    end = tokenizer.eos_token_id
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "ffn_dim": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 256,
        "word_embed_proj_dim": 32,
        **{f"{kind}_token_id": end for kind in ("pad", "bos", "eos")},
        **changes,
    }
    with quiet(), torch.random.fork_rng():
        torch.manual_seed(seed)
        network = transformers.OPTForCausalLM(transformers.OPTConfig(**settings))
        network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
