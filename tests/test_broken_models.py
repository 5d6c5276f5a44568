"""A model that is broken must say so: its NaN or last token for ever would pass for a collapse."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from helpers import metrics
from helpers.coding.language import draw_task_sets
from helpers.coding.writer import CodeWriter, Example
from helpers.data.stories import StoryGrammar
from helpers.loop import run_batched, run_loop
from helpers.metrics import generative, language
from helpers.models import (
    GPT,
    VAE,
    Diffusion,
    Discrete,
    Gaussian,
    KernelDensity,
    LinearRegression,
    _neural,
)
from helpers.models.bigram import Bigram
from helpers.models.density import GaussianMixture
from helpers.models.gpt_sampling import pick
from helpers.policies import Replace

TEXT = np.random.default_rng(1).integers(5, size=(30, 9))
POINTS = np.random.default_rng(2).standard_normal((60, 2)).clip(-3, 3)
IMAGES = np.random.default_rng(3).random((40, 4, 4))
BITS = (IMAGES > 0.5).astype(float)
SETS = draw_task_sets(np.random.default_rng(0), n_human=20, n_pool=20, n_test=10)
PROGRAMS = [Example(task, program) for task, program in SETS.human]
TINY_GPT: dict[str, Any] = {"vocabulary_size": 5, "context": 8, "width": 8, "layers": 1}
TINY_WRITER: dict[str, Any] = {"prompts": SETS.pool, "width": 8, "layers": 1, "batch_size": 4}
LOSING: dict[str, tuple[Callable[..., Any], Any]] = {  # every model with a loss
    "GPT": (lambda **settings: GPT(**TINY_GPT, **settings), TEXT),
    "VAE": (VAE, IMAGES),
    "VAE of bits": (lambda **settings: VAE("bernoulli", **settings), BITS),
    "Diffusion": (Diffusion, POINTS),
    "CodeWriter": (lambda **settings: CodeWriter(**TINY_WRITER, **settings), PROGRAMS),
}
every_loss = pytest.mark.parametrize("name", list(LOSING))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def with_weights(model: Any, value: float) -> Any:
    """`model`, every weight of its network replaced by `value`."""
    with torch.no_grad():
        for weights in network(model).parameters():
            weights.fill_(value)
    return model


def network(model: Any) -> torch.nn.Module:
    return getattr(model, "gpt_", model).network_


# --- a fit whose loss is not finite ------------------------------------------------------------


@every_loss
def test_a_fit_stops_at_the_first_loss_that_is_not_finite(name: str) -> None:
    make, data = LOSING[name]
    model = make(steps=9, learning_rate=1e30)
    with pytest.raises(ValueError, match=r"loss must be finite, got (nan|inf) in step") as caught:
        model.fit(data, rng())
    step = re.search(r"in step (\d+) of 9 with learning_rate=1e\+30;", str(caught.value))
    assert step
    assert 1 <= int(step[1]) <= 3, "step 0 was fine, and no later than its consequences"
    if hasattr(model, "losses_"):
        assert len(model.losses_) == int(step[1])
        assert np.isfinite(model.losses_).all()
    with pytest.raises(NotFittedError):
        model.sample(3, rng())


@every_loss
def test_weights_spoilt_by_the_last_step_are_seen_too(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, data = LOSING[name]
    model = make(steps=1)

    def to_infinity(optimiser: Any) -> None:
        for group in optimiser.param_groups:
            for weights in group["params"]:
                weights.data.fill_(torch.inf)

    monkeypatch.setattr(_neural.AdamW, "step", to_infinity)
    monkeypatch.setattr(torch.optim.AdamW, "step", to_infinity)
    with pytest.raises(ValueError, match=r"weights must be finite, .* after step 0 of 1"):
        model.fit(data, rng())
    with pytest.raises(NotFittedError):
        model.sample(3, rng())


@every_loss
def test_a_fit_that_went_well_can_be_repeated_after_one_that_did_not(name: str) -> None:
    make, data = LOSING[name]
    model = make(steps=3, learning_rate=1e30)
    with pytest.raises(ValueError, match="loss must be finite"):
        model.fit(data, rng())
    model.set_params(learning_rate=1e-3).fit(data, rng())
    assert len(model.sample(3, rng())) == 3


def test_a_gpt_that_stopped_so_cannot_be_resumed() -> None:
    model = GPT(**TINY_GPT, steps=9, learning_rate=1e30)
    with pytest.raises(ValueError, match="loss must be finite"):
        model.fit(TEXT, rng())
    with pytest.raises(ValueError, match="resume needs a fit that was interrupted"):
        model.resume()


@every_loss
def test_no_fit_starts_from_broken_weights(name: str) -> None:
    make, data = LOSING[name]
    broken = with_weights(make(steps=1).fit(data, rng()), np.nan)
    with pytest.raises(ValueError, match="init must have finite weights, got NaN or infinity"):
        make(steps=1).fit(data, rng(), init=broken)


@pytest.mark.parametrize("name", ["GPT", "VAE", "Diffusion"])
def test_a_file_with_broken_weights_is_refused(name: str, tmp_path: Path) -> None:
    make, data = LOSING[name]
    broken = with_weights(make(steps=1).fit(data, rng()), np.nan)
    broken.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="the file must have finite weights"):
        type(broken).load(tmp_path / "model.safetensors")


# --- samplers and scores -----------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_network_writes_nothing_and_scores_nothing(name: str, value: float) -> None:
    make, data = LOSING[name]
    model = with_weights(make(steps=1).fit(data, rng()), value)
    broken = "must answer with finite numbers.*got NaN or infinity"
    with pytest.raises(ValueError, match=broken):
        model.sample(3, rng())
    with pytest.raises(ValueError, match=broken):
        model.score(data)


@pytest.mark.parametrize("name", ["VAE", "VAE of bits", "Diffusion"])
def test_a_sigmoid_or_a_clamp_does_not_hide_infinity(name: str) -> None:
    make, data = LOSING[name]
    model = make(steps=1).fit(data, rng())
    with torch.no_grad():
        *_, last = model.network_.parameters()  # the bias of what comes out
        last[0] = torch.inf
    with pytest.raises(ValueError, match=r"must answer with finite numbers.*got NaN or infinity"):
        model.sample(3, rng())


@pytest.mark.parametrize(
    "settings",
    [{"temperature": 0}, {"temperature": 0.5}, {"top_k": 2}, {"top_p": 0.9}, {"beams": 3}],
)
def test_every_way_to_write_refuses_a_broken_network(settings: dict[str, Any]) -> None:
    model = with_weights(GPT(**TINY_GPT, steps=1, **settings).fit(TEXT, rng()), np.nan)
    with pytest.raises(ValueError, match="finite numbers to write on"):
        model.sample(3, rng())
    with pytest.raises(ValueError, match="must answer with finite numbers"):
        model.next_token_probabilities([(0,)])


def test_one_broken_row_is_enough() -> None:
    """A mean over the rows must not leave the broken one out, nor the batch hide it."""
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    logits[2, 3] = torch.nan
    with pytest.raises(ValueError, match="got NaN or infinity"):
        pick(logits, torch.full((4, 1), 0.5, dtype=torch.float64))
    model = GPT(**TINY_GPT, steps=1).fit(TEXT, rng())
    with torch.no_grad():
        model.network_.embedding[4] = torch.nan
    for score in (model.score, model.score_samples):
        with pytest.raises(ValueError, match="must answer with finite numbers"):
            score(TEXT)


def test_what_a_vae_sees_in_images_must_be_finite() -> None:
    model = with_weights(VAE(steps=1).fit(IMAGES, rng()), np.nan)
    with pytest.raises(ValueError, match="network of VAE must answer with finite numbers"):
        model.latents(IMAGES)
    with pytest.raises(ValueError, match="network of VAE must answer with finite numbers"):
        model.sample_means(3, rng())


SIMPLE: list[tuple[Any, Any, str]] = [
    (Gaussian(), POINTS, "mean_"),
    (Gaussian(), POINTS, "covariance_"),
    (Discrete(5), TEXT[0], "probabilities_"),
    (LinearRegression(), POINTS, "coef_"),
    (KernelDensity(0.3), POINTS, "centres_"),
    (Bigram(5), TEXT, "frequencies_"),
]


@pytest.mark.parametrize(("model", "data", "learned"), SIMPLE)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_a_formula_learned_must_be_finite(
    model: Any, data: np.ndarray, learned: str, value: float
) -> None:
    model.fit(data, rng())
    getattr(model, learned).flat[0] = value
    message = f"{learned} of {type(model).__name__} must hold finite numbers"
    with pytest.raises(ValueError, match=message):
        model.sample(3, rng())
    with pytest.raises(ValueError, match=message):
        model.score(data)


def test_data_that_are_far_too_large_are_seen_when_the_model_samples() -> None:
    model = Gaussian()
    with np.errstate(over="ignore"):
        model.fit(1e200 * POINTS)
    with pytest.raises(ValueError, match=r"covariance_ of Gaussian .* far too large\?"):
        model.sample(3, rng())


def test_a_broken_mixture_samples_nothing() -> None:
    model = GaussianMixture(2).fit(POINTS, rng())
    model.mixture_.means_[:] = np.nan
    with pytest.raises(ValueError, match="the samples must hold finite numbers only"):
        model.sample(3, rng())


# --- a temperature too small to divide by ------------------------------------------------------


@pytest.mark.parametrize("temperature", [1e-38, 1e-40, 1e-50, 1e-300, 5e-324])
def test_a_tiny_temperature_is_greedy(temperature: float) -> None:
    logits = 5 * torch.randn(50, 9, generator=torch.Generator().manual_seed(0))
    for sign in (1, -1):  # overflow to +infinity, or all to -infinity
        shifted = logits + sign * 100
        uniform = torch.rand(50, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        greedy = pick(shifted, uniform, 0.0)
        for settings in ({}, {"top_k": 3}, {"top_p": 0.5}):
            assert torch.equal(pick(shifted, uniform, temperature, **settings), greedy)
    model = GPT(**TINY_GPT, steps=5).fit(TEXT, rng())
    tiny, zero = (model.with_sampler(temperature=t).sample(20, rng()) for t in (temperature, 0))
    assert np.array_equal(tiny, zero)


def test_a_writer_at_a_tiny_temperature_is_greedy() -> None:
    writer = CodeWriter(**TINY_WRITER, steps=5).fit(PROGRAMS, rng())
    asked = [Example(task, ()) for task in SETS.pool[:5]]
    tiny, zero = (writer.answer(asked, rng(), temperature=t) for t in (1e-300, 0.0))
    assert [a.program for a in tiny] == [b.program for b in zero]


# --- the loop ----------------------------------------------------------------------------------


class Broken(Gaussian):
    """Samples NaN from the second generation on, and says nothing."""

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        made = super().sample(n_samples, rng)
        return made if self.mean_.sum() < 100 else made * np.nan

    def _sample_runs(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        return super()._sample_runs(n_samples, rng) * np.nan


def test_the_loop_refuses_samples_that_are_not_finite() -> None:
    with pytest.raises(ValueError, match=r"Broken.sample must return finite .* in generation 0"):
        run_loop(Broken(), POINTS + 100, policy=Replace(), generations=3)


def test_batched_runs_refuse_samples_that_are_not_finite() -> None:
    with pytest.raises(ValueError, match=r"Broken.sample must return finite .* in generation 0"):
        run_batched(
            Broken(),
            lambda shape, rng: rng.normal(size=(*shape, 1)),
            policy=Replace(),
            generations=3,
            n_samples=4,
            replicates=2,
            metrics={"variance": metrics.variance},
        )


# --- yardsticks --------------------------------------------------------------------------------

GAUSSIAN = Gaussian().fit(POINTS)
COUNTS = Discrete(5).fit(TEXT[0])
LINE = LinearRegression().fit(POINTS)
CENTRE, SPREAD = np.zeros(2), np.eye(2)
LEARNED: dict[str, tuple[metrics.Metric, Any, str]] = {  # yardstick, model, what it reads
    "mean": (metrics.mean, GAUSSIAN, "mean_"),
    "variance": (metrics.variance, GAUSSIAN, "covariance_"),
    "log_determinant": (metrics.log_determinant, GAUSSIAN, "covariance_"),
    "mean_error": (metrics.mean_error(0.0), GAUSSIAN, "mean_"),
    "wasserstein2": (metrics.wasserstein2(CENTRE, SPREAD), GAUSSIAN, "covariance_"),
    "wasserstein2 of means": (metrics.wasserstein2(CENTRE, SPREAD), GAUSSIAN, "mean_"),
    "support_size": (metrics.support_size, COUNTS, "probabilities_"),
    "entropy": (metrics.entropy, COUNTS, "probabilities_"),
    "heterozygosity": (metrics.heterozygosity, COUNTS, "probabilities_"),
    "tail_mass": (metrics.tail_mass([3, 4]), COUNTS, "probabilities_"),
    "survivors": (metrics.survivors([3, 4]), COUNTS, "probabilities_"),
    "excess_error": (metrics.excess_error(np.ones(1)), LINE, "coef_"),
    "log_likelihood": (metrics.log_likelihood(POINTS), GAUSSIAN, "mean_"),
}


@pytest.mark.parametrize("name", list(LEARNED))
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_yardstick_reads_a_collapse_off_a_broken_model(name: str, value: float) -> None:
    yardstick, fitted, learned = LEARNED[name]
    model = deepcopy(fitted)
    assert np.isfinite(yardstick(model, None))
    getattr(model, learned)[...] = value
    with pytest.raises(ValueError, match=f"{learned} of {type(model).__name__} must hold finite"):
        yardstick(model, None)


MADE: dict[str, metrics.Metric] = {
    "sample_variance": metrics.sample_variance,
    "distinct": metrics.distinct,
    "share_between": metrics.share_between(-1.0, 1.0),
    "coverage": metrics.coverage(np.arange(9.0)[:, None]),
    "total_variance": lambda model, made: generative.total_variance(made),
    "frechet_distance": lambda model, made: generative.frechet_distance(np.ones((9, 1)), made),
    "share_near": lambda model, made: generative.share_near(np.ones((9, 1)), made, 1.0),
}


@pytest.mark.parametrize("name", list(MADE))
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_yardstick_reads_a_collapse_off_broken_samples(name: str, value: float) -> None:
    made = np.arange(9.0)[:, None]
    assert np.isfinite(MADE[name](None, made)).all()
    made[4] = value
    with pytest.raises(ValueError, match=r"must hold finite numbers.* got NaN or infinity"):
        MADE[name](None, made)


def test_a_distance_that_overflows_is_not_zero() -> None:
    """max(0.0, NaN) is 0.0 in Python: the best distance there is."""
    far = 1e200 * POINTS
    with pytest.raises(ValueError, match="far too large"), np.errstate(all="ignore"):
        generative.frechet_distance(far, far)


WORLD = StoryGrammar()
STORIES = WORLD.sample(20, 40, np.random.default_rng(0))


class Answering:
    """A language model that answers every question with one number."""

    def __init__(self, value: float) -> None:
        self.value = value

    def token_scores(self, rows: np.ndarray) -> np.ndarray:
        scores = np.full((len(rows), rows.shape[1] - 1), -1.0)
        scores[0, 0] = self.value
        return scores

    def score_samples(self, rows: np.ndarray) -> np.ndarray:
        return self.token_scores(rows).mean(axis=1)

    def next_token_probabilities(self, prompts: Any) -> np.ndarray:
        return np.full((len(prompts), len(WORLD.words)), self.value)


def test_no_yardstick_of_text_takes_nan_for_an_answer() -> None:
    broken = Answering(np.nan)
    truth = WORLD.token_log_probabilities(STORIES)
    for measure in (
        lambda model: language.excess_cross_entropy(model, STORIES, truth),
        lambda model: language.surprise(model, STORIES),
        lambda model: language.recall(model, WORLD),
        lambda model: language.recall_by_fame(model, WORLD),
    ):
        measure(Answering(0.5))
        with pytest.raises(ValueError, match="the model must answer with numbers, got NaN"):
            measure(broken)


def test_text_with_nan_in_it_is_no_text() -> None:
    holes = STORIES.astype(float)
    holes[3:] = np.nan
    for measure in (
        lambda rows: language.names_alive(rows, WORLD),
        lambda rows: language.distinct_ngrams(rows, 2),
        lambda rows: language.fact_accuracy(rows, WORLD),
        lambda rows: language.mistakes_per_story(rows, WORLD),
    ):
        measure(STORIES)
        with pytest.raises(TypeError, match="rows must be an array of integers"):
            measure(holes)
