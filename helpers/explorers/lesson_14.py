"""Lesson 14: models of the hub, of random weights, where the extra "hub" is installed.

What such models write means nothing, and nothing is fetched. Where transformers or peft is not
installed, `where_installed` says so in one line instead of a traceback. `distinct_tokens` counts
what transformers draws; `chances` reckons the same from its rules, on any machine.

Nothing here loads torch or transformers until it is called. Not here: what a run costs
(`helpers.explorers.bill`), and the recorded study of a real model (`helpers.explorers.pretrained`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers import metrics
from helpers._arguments import positive_int, real_array, real_number
from helpers._progress import Progress
from helpers.data.stories import StoryGrammar
from helpers.loop import run_loop
from helpers.models import Gaussian
from helpers.models.hub_files import INSTALL, need
from helpers.policies import Replace

if TYPE_CHECKING:
    from helpers.coding.hub_writer import HubCodeWriter
    from helpers.models.hub import HubLanguageModel
    from helpers.verification.human_eval import Problem

PACKAGES = ("transformers", "peft")  # of the extra "hub", those that this lesson calls
ROWS, LENGTH = 120, 32  # of real stories, from which the tokenizer and the blocks come
DRAWN, VOCABULARY = 2_000, 1_000  # first tokens that are drawn, tokens to draw from
USUAL_TOP_K = 50  # what transformers keeps where nobody says otherwise

# ---------------------------------------------------------------------- what is installed


@contextmanager
def where_installed() -> Iterator[None]:
    """Inside, a package of the extra "hub" that is not installed costs one line, no traceback."""
    try:
        yield
    except ImportError as error:
        _say(error)


def start(progress: str | None = None) -> None:
    """Load torch and the packages of the extra, and make the checkpoint; or say what is missing.

    Some seconds, once in a kernel. progress: the name of the cell, for the line that counts them.
    """
    with where_installed():
        for package in PACKAGES:
            if not _is_there(package):
                need(package)  # raises the sentence
        with Progress(len(PACKAGES) + 1, "step", progress) as bar:
            for package in PACKAGES:
                need(package)
                bar.done()
            checkpoint()
            bar.done()
        print(f"{' and '.join(PACKAGES)} are here: every cell runs whole")


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _say(error: ImportError) -> None:
    if INSTALL not in str(error):  # something else cannot be imported
        raise error
    print(f"Left out here: it needs {error.name}. {INSTALL}")


# ---------------------------------------------------------------------- models of random weights


def tiny(**settings: Any) -> HubLanguageModel:
    """A model of the hub with 41,952 random weights, not fitted. settings: of its class."""
    from helpers.models.hub import HubLanguageModel

    usual: dict[str, Any] = {"block": 24, "steps": 30, "batch_size": 8, "learning_rate": 1e-2}
    return HubLanguageModel(checkpoint(), **(usual | settings))


def story_blocks(n: int = 64) -> np.ndarray:
    """The stories of lesson 05 as rows (n, 24) of this model's tokens."""
    return tiny().blocks(_stories())[: positive_int("n", n)]


def code_writer(problems: list[Problem]) -> HubCodeWriter:
    """A writer of programs on the same checkpoint: two attempts a problem, of 16 tokens each."""
    from helpers.coding.hub_writer import HubCodeWriter

    model = tiny(block=600, steps=2, batch_size=2)
    return HubCodeWriter(model, problems, attempts=2, longest=16)


def short_problems(n: int = 3) -> list[Problem]:
    """The `n` problems of HumanEval with the shortest text."""
    from helpers.verification.human_eval import human_eval_problems

    every = sorted(human_eval_problems(), key=lambda problem: len(problem.prompt))
    return every[: positive_int("n", n)]


def checkpoint() -> Path:
    """The folder of a checkpoint of random weights, in the hub's format, made in this process.

    ImportError without the extra. The folder goes when the process ends.
    """
    return _checkpoint(None)


@lru_cache(maxsize=2)
def _checkpoint(vocab_size: int | None) -> Path:
    """vocab_size: more tokens than the tokenizer knows, for drawing alone; None: as many."""
    from helpers.models.hub_files import save_tiny

    changes: dict[str, int] = {"max_position_embeddings": 640}
    changes |= {} if vocab_size is None else {"vocab_size": vocab_size}
    return save_tiny(_folder() / f"tiny-{vocab_size}", [_stories()], **changes)


@lru_cache(maxsize=1)
def _stories() -> str:
    grammar = StoryGrammar()
    rows = grammar.sample(ROWS, LENGTH, np.random.default_rng(14))
    return grammar.decode(rows.ravel()).replace("<eos> ", "")


@lru_cache(maxsize=1)
def _temporary() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="lesson-14-")


def _folder() -> Path:
    return Path(_temporary().name)


def what_it_needs(study: ModuleType) -> str:
    """What a study would have to fetch on this machine, or that all is here."""
    try:
        study.fetch()
    except FileNotFoundError as missing:
        return str(missing)
    return "all that it needs is here"


def toy_trial(seed: int) -> pd.DataFrame:
    """A loop of bell curves, ten samples a generation: what `replicate` calls for each seed."""
    real = np.random.default_rng([seed, 1]).normal(size=(10, 1))
    run = run_loop(Gaussian(), real, policy=Replace(), generations=5, seed=seed,
                   metrics={"variance": metrics.variance})  # fmt: skip
    return run.frame


# ---------------------------------------------------------------------- what a sampler keeps


def distinct_tokens(**arguments: Any) -> int:
    """How many different first tokens come in 2,000 draws from 1,000 of about equal chance.

    arguments: of transformers' `generate`, and nothing is added to them. Where transformers is not
    installed the draws are made by `chances`, and a line says so.
    """
    try:
        drawn = _generated(arguments)
    except ImportError as error:
        _say(error)
        print("Reckoned instead, by the rules of transformers:")
        rng = np.random.default_rng(14)
        kept = chances(rng.normal(0, 0.1, VOCABULARY), **arguments)
        drawn = rng.choice(VOCABULARY, size=DRAWN, p=kept)
    return len(np.unique(drawn))


def _generated(arguments: dict[str, Any]) -> np.ndarray:
    """(2000,) first tokens as transformers' own `generate` draws them."""
    import torch

    from helpers.models.hub_files import quiet

    network = _even_network()
    begin = torch.zeros((DRAWN, 1), dtype=torch.long)
    with quiet(), torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(14)  # generate takes no generator
        rows = network.generate(
            begin, attention_mask=torch.ones_like(begin), max_new_tokens=1, **arguments
        )
    return np.asarray(rows[:, 1].numpy())


def usual_top_k() -> object:
    """What the network says of its own top-k, as transformers opens it."""
    return _even_network().generation_config.top_k


@lru_cache(maxsize=1)
def _even_network() -> Any:
    """1,000 tokens of about equal chance, opened as anybody would open it, without our settings."""
    from helpers.models.hub_files import quiet

    transformers = need("transformers")
    with quiet():
        return transformers.AutoModelForCausalLM.from_pretrained(_checkpoint(VOCABULARY))


def chances(
    logits: np.ndarray,
    *,
    do_sample: bool = False,
    temperature: float | None = 1.0,
    top_k: int | None = USUAL_TOP_K,
    top_p: float | None = 1.0,
    num_beams: int = 1,
) -> np.ndarray:
    """The chance of each first token under arguments of `generate`, with its own defaults; (n,).

    As transformers does it: temperature, then the top_k likeliest, then the fewest tokens that
    hold at least top_p of what is left. Without do_sample the likeliest token, with beams or not.
    """
    scores = real_array("logits", logits).astype(float)
    if not do_sample:
        return np.eye(len(scores))[scores.argmax()]
    if num_beams != 1:
        raise ValueError(f"num_beams must be 1 to draw, got {num_beams!r}")
    temperature, top_p = (1.0 if value is None else value for value in (temperature, top_p))
    scores = scores / real_number("temperature", temperature, low=0, open_low=True)
    if top_k:
        least = np.sort(scores)[-min(positive_int("top_k", top_k), len(scores))]
        scores = np.where(scores < least, -np.inf, scores)
    p = np.exp(scores - scores.max())
    p /= p.sum()
    if real_number("top_p", top_p, low=0, high=1) < 1:
        order = np.argsort(-p, kind="stable")
        likelier = np.cumsum(p[order]) - p[order]
        left_out = likelier >= top_p
        left_out[0] = False  # one token stays
        p[order[left_out]] = 0
    return np.asarray(p / p.sum())
