"""Nature's language model: OPT-125m on WikiText-2, tuned again and again on its own beam search.

Shumailov et al., Nature 2024, "Model collapse in language models" and its released code. Optional:
it needs weights and a text of others (`course study run nature_opt` says how large they are), a
GPU, and is not part of the recorded results: the table lies where you run it. Blocks of 64 tokens;
for each real block a model writes the next 64 by five beams, and these are the blocks of the next
generation; every fit starts from the pretrained weights (AdamW, 2e-5, batches of 128, cosine).

Switches, each with the paper's own setting first:
--real 0 or 0.1: the share of real blocks in each later generation.
--epochs 0, 5 or 10: 0 is the paper's, 5 without real blocks and 10 with them. So the paper's two
    settings differ in two things at once; equal epochs are the comparison that it lacks.
--penalty 1, 2 or 3: against repetition. The paper says none, and 2 in an ablation; its released
    script has 3.
--device cpu or cuda.
What differs from theirs: the rate falls to a tenth, and begins with a warm-up; the real blocks that
are gone on from are the same in every generation; the end token is not barred.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from helpers import studies
from helpers.data.corpora import WIKITEXT2, documentation, wikitext2
from helpers.policies import Mix, Named, Replace
from helpers.studies import fits
from helpers.studies.paired import interval, means, over_seeds

if TYPE_CHECKING:
    from helpers.models.hub import HubLanguageModel

SEEDS = range(5)
SWITCHES: dict[str, tuple[Any, ...]] = {
    "real": (0.0, 0.1),
    "epochs": (0, 5, 10),
    "penalty": (1.0, 2.0, 3.0),
    "device": ("cpu", "cuda"),
}
SETTINGS: dict[str, Any] = {
    "checkpoint": "facebook/opt-125m",
    "block": 64,
    "beams": 5,
    "batch_size": 128,
    "learning_rate": 2e-5,
    "generations": 9,
    "epochs_without_real": 5,
    "epochs_with_real": 10,
}
OPT = "OPT-125m (about 250 MB, for research and not for sale)"
SMALL = {"blocks": 8, "test_blocks": 4, "generations": 2, "batch_size": 4, "learning_rate": 1e-3}
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class Start(NamedTuple):
    """Real blocks for training and testing, and generation 0."""

    real: np.ndarray
    test: np.ndarray
    first: HubLanguageModel


def fetch(download: bool = False) -> None:
    """Have weights and text at hand; FileNotFoundError says what is missing and how large it is."""
    from helpers.models.hub_files import open_checkpoint

    missing = [] if corpus().is_file() else [WIKITEXT2.what]
    try:
        open_checkpoint(SETTINGS["checkpoint"])
    except FileNotFoundError:
        missing.append(OPT)
    if missing and not download:
        raise FileNotFoundError(f"nature_opt needs {' and '.join(missing)}: --download fetches it")
    corpus().parent.mkdir(parents=True, exist_ok=True)
    wikitext2(corpus(), download=download)
    open_checkpoint(SETTINGS["checkpoint"], download=download)


def corpus() -> Path:
    """The zip file of WikiText-2; git ignores it."""
    return studies.own_place() / "checkpoints" / "wikitext-2-raw-v1.zip"


def model(scale: str, **changes: Any) -> HubLanguageModel:
    """The pretrained model, not tuned; one of random weights where `scale` is not "full"."""
    from helpers.models.hub import HubLanguageModel
    from helpers.models.hub_files import save_tiny

    names = ("block", "beams", "batch_size", "learning_rate")
    settings = {name: number(name, scale) for name in names} | changes
    if scale == "full":
        return HubLanguageModel(SETTINGS["checkpoint"], **settings)
    folder = studies.own_place() / "nature_opt" / "tiny"
    if not (folder / "tokenizer.json").exists():
        save_tiny(folder, [documentation()[:20_000]])
    return HubLanguageModel(folder, **settings)


def number(name: str, scale: str) -> Any:
    """A number of the settings, or what a rehearsal has in its place."""
    return SETTINGS[name] if scale == "full" else SMALL.get(name, SETTINGS.get(name))


def data(scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Real blocks (n, block) for training and for testing: the corpus's own parts."""
    unfitted = model(scale)
    if scale == "full":
        return unfitted.blocks(wikitext2(corpus())), unfitted.blocks(wikitext2(corpus(), "test"))
    blocks = unfitted.blocks(documentation()[:40_000])
    return blocks[: SMALL["blocks"]], blocks[-SMALL["test_blocks"] :]


def n_epochs(real: float, epochs: int) -> int:
    """Epochs of one fit: what the switch says, or the paper's."""
    return epochs or int(SETTINGS["epochs_with_real" if real else "epochs_without_real"])


@lru_cache(maxsize=1)
def start(seed: int, scale: str, epochs: int, device: str, folder: Path) -> Start:
    """Data and generation 0, which is tuned on real blocks whatever their later share is."""
    real, test = data(scale)
    steps = epochs * -(-len(real) // number("batch_size", scale))
    unfitted = model(scale, steps=steps, device=device, prompts=real.tolist(), with_prompts=False)
    return Start(real, test, fits.first(folder / f"{seed}-first.safetensors", unfitted, real, seed))


def measures(begin: Start, fitted: HubLanguageModel, rows: np.ndarray) -> dict[str, float]:
    """Perplexity of a model on real blocks, and what generation 0 thinks of what it wrote."""
    perplexity = np.exp(-begin.first.score_samples(rows))
    quantiles = zip(QUANTILES, np.quantile(perplexity, QUANTILES), strict=True)
    return {
        "perplexity": float(np.exp(-fitted.score(begin.test))),
        "written": float(perplexity.mean()),
        **{f"written_q{round(100 * q):02d}": float(value) for q, value in quantiles},
    }


def policy(real: float) -> Named:
    """What each later generation is tuned on: a random share of real blocks, the rest its own."""
    return Mix(real) if real else Replace()


def trial(
    seed: int,
    scale: str = "full",
    real: float = 0.0,
    epochs: int = 0,
    penalty: float = 1.0,
    device: str = "cpu",
) -> pd.DataFrame:
    """One run: columns arm, generation, metric, value. Arms: `base`, not tuned, and the policy's.

    scale: "full", or anything else for two rounds of a tiny model of random weights.
    """
    switches = {"real": real, "epochs": epochs, "penalty": penalty, "device": device}
    folder = studies.own_place("nature_opt", scale, switches) / "fits"
    folder.mkdir(parents=True, exist_ok=True)
    begin = start(seed, scale, n_epochs(real, epochs), device, folder)
    arm = policy(real)
    unfitted = model(scale, **tuned_like(begin.first), repetition_penalty=penalty)
    numbers = fits.run(
        folder,
        f"{seed}-{arm.name}",
        unfitted,
        begin.real,
        policy=arm,
        generations=number("generations", scale),
        seed=seed,
        start=begin.first.with_sampler(repetition_penalty=penalty),
        measure=lambda fitted, rows: measures(begin, fitted, rows),
        shared=f"{seed}-{arm.name}",
    )
    before = float(np.exp(-begin.first.pretrained().score(begin.test)))
    rows = [("base", 0, "perplexity", before)]
    rows += [(arm.name, g, name, v) for g, one in enumerate(numbers) for name, v in one.items()]
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value"])


def tuned_like(fitted: HubLanguageModel) -> dict[str, Any]:
    """The settings in which every fit of a run agrees with its first."""
    return {name: getattr(fitted, name) for name in ("steps", "device", "prompts", "with_prompts")}


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds, and how many points of perplexity the last generation lost."""
    last = int(frame["generation"].max())
    (arm,) = set(frame["arm"]) - {"base"}
    lost = over_seeds(frame, arm, "perplexity", last) - over_seeds(frame, arm, "perplexity", 0)
    return means(frame, tuple(range(last + 1))) | interval(f"{arm}_lost", lost)
