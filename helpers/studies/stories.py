"""What the three studies of a GPT on stories share: one seed's data, measures and first model.

Every arm of a seed shares the real rows, the test rows, generation 0 and the random streams, so
that arms of one seed can be compared pair by pair, also across the three studies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from helpers._ground import ROOT, write_whole
from helpers.data.stories import StoryGrammar
from helpers.loop import History, fit_stream
from helpers.metrics import language as lm
from helpers.policies import Accumulate, Replace, by_name

if TYPE_CHECKING:
    from helpers.models.gpt import GPT

WORLD = StoryGrammar()
DATA = {"rows": 800, "length": 33, "test_rows": 400}
# The rest: defaults of GPT. The steps are those that fit 800 real rows best, chosen on other seeds:
# see DEVELOPMENT in `helpers.studies.gpt_budget`, where the budget is turned as a knob.
MODEL = {"steps": 400, "batch_size": 16, "learning_rate": 6e-3}
SAMPLERS: dict[str, dict[str, Any]] = {  # temperature 1 without a name
    "t12": {"temperature": 1.2},
    "t08": {"temperature": 0.8},
    "t05": {"temperature": 0.5},
    "p09": {"top_p": 0.9},
    "beam5": {"beams": 5},
}
CONTROLS: dict[str, dict[str, Any]] = {  # plain and cool sampling from the prompts of beam search
    "t10prompt": {"temperature": 1.0},
    "t08prompt": {"temperature": 0.8},
}
PROMPT = {"beam5": 2, **dict.fromkeys(CONTROLS, 2)}  # tokens of real rows that are gone on from
POLICIES = by_name(Replace(), Accumulate())
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
N_TEXTS = 12  # rows kept for the lesson of each arm and generation


class Start(NamedTuple):
    """Real rows for training and testing, the true scores of the latter, and generation 0."""

    real: np.ndarray
    test: np.ndarray
    truth: np.ndarray
    first: GPT


def data(seed: int, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Real rows and test rows of a seed."""
    real, test = (np.random.default_rng([seed, stream]) for stream in (1, 2))
    n, n_test = (DATA["rows"], DATA["test_rows"]) if scale == "full" else (60, 30)
    return WORLD.sample(n, DATA["length"], real), WORLD.sample(n_test, DATA["length"], test)


def model(scale: str, **changes: Any) -> GPT:
    """A GPT for stories, not fitted; barely trained when `scale` is not "full"."""
    from helpers.models.gpt import GPT  # torch: only to train

    settings = MODEL | changes
    if scale != "full":
        settings["steps"] = 5
    return GPT(len(WORLD.words), context=DATA["length"] - 1, **settings)


def sampler(name: str, real: np.ndarray) -> dict[str, Any]:
    """Arguments of a GPT that make it draw as SAMPLERS or CONTROLS says; prompts of real rows."""
    prompts = {"prompts": real[:, : PROMPT[name]].tolist()} if name in PROMPT else {}
    return (SAMPLERS | CONTROLS)[name] | prompts


def first_stream(seed: int) -> np.random.Generator:
    """The randomness with which `run_loop` fits generation 0."""
    return fit_stream(seed)


@lru_cache(maxsize=8)
def start(seed: int, scale: str) -> Start:
    """Data and generation 0 of a seed, as `run_loop` would fit it."""
    real, test = data(seed, scale)
    first = model(scale).fit(real, first_stream(seed))
    return Start(real, test, WORLD.token_log_probabilities(test), first)


def measures(
    begin: Start, fitted: GPT, rows: np.ndarray, prompt: int = 1, world: StoryGrammar = WORLD
) -> dict[str, float]:
    """All yardsticks of one generation: the fitted model and the rows it produced.

    prompt: tokens of each row that were given, not written: names and n-grams are counted in the
    rest. Surprise is that of generation 0, over the rows. world: which the stories are of.
    """
    written = rows[:, prompt:]
    surprise = lm.surprise(begin.first, rows)
    result = {
        "excess": lm.excess_cross_entropy(fitted, begin.test, begin.truth),
        "names_alive": lm.names_alive(written, world),
        "distinct_2": lm.distinct_ngrams(written, 2),
        "distinct_3": lm.distinct_ngrams(written, 3),
        "fact_accuracy": lm.fact_accuracy(rows, world),
        "mistakes": lm.mistakes_per_story(rows, world),
        "surprise_mean": float(surprise.mean()),
        "surprise_sd": float(surprise.std(ddof=1)),
    }
    known = lm.recall_by_fame(fitted, world)
    result |= {f"recall_{part}": value for part, value in known.items()}
    quantiles = np.quantile(surprise, QUANTILES)
    return result | {
        f"surprise_q{round(100 * q):02d}": float(v)
        for q, v in zip(QUANTILES, quantiles, strict=True)
    }


def frame(begin: Start, runs: Mapping[str, History]) -> pd.DataFrame:
    """One tidy table of all arms, named SAMPLER_POLICY, or POLICY at temperature 1."""
    rows = [
        (arm, g, metric, value)
        for arm, run in runs.items()
        for g, (fitted, samples) in enumerate(zip(run.models, run.samples, strict=True))
        for metric, value in measures(
            begin, fitted, np.asarray(samples), PROMPT.get(arm.partition("_")[0], 1)
        ).items()
    ]
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value"])


def texts_of(runs: Mapping[str, History]) -> dict[str, list[list[str]]]:
    """For each arm and generation the first rows as text."""
    return {
        arm: [[WORLD.decode(row) for row in np.asarray(rows)[:N_TEXTS]] for rows in run.samples]
        for arm, run in runs.items()
    }


def write_texts(study: str, runs: Mapping[str, History]) -> None:
    """Keep `texts_of(runs)` beside the results of `study`."""
    text = json.dumps(texts_of(runs), indent=0) + "\n"
    write_whole(ROOT / "helpers" / "results" / f"{study}-texts.json", text)
