"""The diffusion model: interface, noise schedule, temperature, denoising loss, files, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone

from helpers.data import digits
from helpers.metrics import generative as gm
from helpers.models import VAE, Diffusion
from helpers.models.diffusion import _signal_kept


@pytest.fixture(scope="module")
def points():
    return digits.eight_gaussians(1000, np.random.default_rng(100))


@pytest.fixture(scope="module")
def fitted(points):
    return Diffusion().fit(points, np.random.default_rng(0))


class Exact(torch.nn.Module):
    """The best possible denoiser for data N(0, v), which is linear.

    Its gain is Cov(noise, noisy) / Var(noisy) = sqrt(1 - kept) / (kept * v + 1 - kept).
    """

    def __init__(self, model, variance):
        super().__init__()
        kept = torch.tensor(_signal_kept(model.levels))
        self.gain = (1 - kept).sqrt() / (kept * variance + 1 - kept)
        self.levels = model.levels

    def guess(self, noisy, level):
        return self.gain[level, None] * noisy


def exact_model(variance, monkeypatch, **settings):
    """A Diffusion whose network is replaced by the formula for N(0, variance * I) in 2-D."""
    model = Diffusion(steps=1, **settings)
    model.fit(np.zeros((10, 2)), np.random.default_rng(0))
    formula = Exact(model, variance)
    monkeypatch.setattr(model, "_guess", formula.guess)
    return model


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.network_.parameters()])


def test_shapes(fitted):
    assert fitted.sample(7, np.random.default_rng(1)).shape == (7, 2)
    line = Diffusion(steps=3).fit(np.zeros((10, 1)), np.random.default_rng(0))
    assert line.sample(4, np.random.default_rng(1)).shape == (4, 1)


def test_the_same_seed_gives_the_same_model_and_samples(points):
    def run(seed):
        rng = np.random.default_rng(seed)
        model = Diffusion(steps=30).fit(points, rng)
        return weights(model), model.sample(5, rng), model.score(points)

    first, again, other = run(1), run(1), run(2)
    assert torch.equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert first[2] == again[2]
    assert not torch.equal(first[0], other[0])


def test_torchs_global_state_is_neither_used_nor_changed(points):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = Diffusion(steps=5).fit(points, np.random.default_rng(1))
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(12345)
    again = Diffusion(steps=5).fit(points, np.random.default_rng(1))
    assert torch.equal(weights(first), weights(again))


@pytest.mark.parametrize("levels", [1, 2, 40, 400])
def test_the_schedule_goes_down_from_signal_to_noise(levels):
    kept = np.array([1.0, *_signal_kept(levels)])
    assert len(kept) == levels + 1
    assert (np.diff(kept) < 0).all()
    assert 0 < kept[-1] < 0.01
    if levels == 400:
        assert kept[1] > 0.999
        middle = (
            np.cos((0.5 + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
        )
        assert kept[200] == pytest.approx(middle)


@pytest.mark.parametrize("variance", [0.25, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 0.5, 0.0])
def test_temperature_scales_the_variance_of_gaussian_data(variance, temperature, monkeypatch):
    model = exact_model(variance, monkeypatch, levels=400, temperature=temperature)
    samples = model.sample(20_000, np.random.default_rng(0))
    # 5 %: finite number of levels (1-2 %) and Monte-Carlo error of 40,000 numbers (0.7 %)
    assert samples.var() == pytest.approx(temperature * variance, rel=0.05)


def test_score_is_minus_the_loss_of_the_best_denoiser_where_it_is_known(monkeypatch):
    model = exact_model(1.0, monkeypatch)
    data = np.random.default_rng(1).standard_normal((5000, 2)).clip(-4, 4)
    kept = np.array(_signal_kept(model.levels))
    # Var(noise | noisy) = kept for unit data
    assert -model.score(data) == pytest.approx(kept.mean(), rel=0.02)
    worse = exact_model(0.3, monkeypatch)
    assert worse.score(data) < model.score(data) - 0.01


def test_training_lowers_the_denoising_loss(fitted, points):
    test = digits.eight_gaussians(1000, np.random.default_rng(101))
    untrained = Diffusion(steps=1).fit(points, np.random.default_rng(0))
    assert fitted.score(test) > untrained.score(test) + 0.3
    assert np.mean(fitted.losses_[-100:]) < 0.5 * np.mean(fitted.losses_[:20])
    # 0.5 is what the best linear denoiser reaches; the modes must have been found
    assert -fitted.score(test) < 0.37


def test_score_uses_common_random_numbers(fitted, points):
    assert fitted.score(points) == fitted.score(points)
    hot = clone(fitted).set_params(temperature=0.5)
    hot.network_, hot.n_features_in_ = fitted.network_, 2
    assert hot.score(points) == fitted.score(points)


def test_generation_zero_is_good_enough_to_lose_something(fitted):
    test = digits.eight_gaussians(1000, np.random.default_rng(101))
    samples = fitted.sample(1000, np.random.default_rng(2))
    assert gm.share_near(test, samples, 0.1) > 0.9
    assert gm.share_near(samples, digits.CENTRES, 4 * digits.SPREAD) > 0.95
    assert np.abs(samples).max() <= fitted.bound


def test_cooler_samples_are_less_spread_and_more_precise(fitted):
    test = digits.eight_gaussians(1000, np.random.default_rng(101))
    cool = clone(fitted).set_params(temperature=0.3)
    cool.network_, cool.n_features_in_ = fitted.network_, 2
    warm_samples, cool_samples = (m.sample(1000, np.random.default_rng(2)) for m in (fitted, cool))
    assert gm.total_variance(cool_samples) < 0.9 * gm.total_variance(warm_samples)
    assert gm.share_near(test, cool_samples, 0.1) < gm.share_near(test, warm_samples, 0.1)


def test_one_batch_can_be_learned_by_heart():
    few = np.array([[1.0, 0.0], [-1.0, 0.5], [0.0, -1.2]])
    model = Diffusion(steps=1500, batch=128).fit(
        np.repeat(few, 50, axis=0), np.random.default_rng(0)
    )
    samples = model.sample(300, np.random.default_rng(1))
    distances = np.linalg.norm(samples[:, None] - few, axis=2)
    assert (distances.min(axis=1) < 0.1).mean() > 0.95
    assert np.bincount(distances.argmin(axis=1), minlength=3).min() > 60


def test_samples_stay_in_the_box_so_that_a_loop_never_breaks(points):
    rough = Diffusion(steps=5, bound=2.5).fit(points, np.random.default_rng(0))
    samples = rough.sample(2000, np.random.default_rng(0))
    assert np.abs(samples).max() <= 2.5
    Diffusion(steps=2, bound=2.5).fit(samples, np.random.default_rng(0))


def test_init_starts_from_the_given_weights_and_leaves_them_alone(fitted, points):
    before = weights(fitted).clone()
    near = Diffusion(steps=1, learning_rate=1e-9)
    near.fit(points, np.random.default_rng(0), init=fitted)
    assert torch.allclose(weights(near), before, atol=1e-6)
    Diffusion(steps=5).fit(points, np.random.default_rng(0), init=fitted)
    assert torch.equal(weights(fitted), before)


def test_an_interrupt_keeps_the_work(points, monkeypatch):
    model, errors, calls = Diffusion(steps=300), Diffusion._squared_errors, iter(range(300))

    def interrupted(self, *arguments):
        if next(calls) == 40:
            raise KeyboardInterrupt
        return errors(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Diffusion, "_squared_errors", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.fit(points, np.random.default_rng(0))
    assert len(model.losses_) == 40
    assert model.sample(3, np.random.default_rng(0)).shape == (3, 2)


def test_save_and_load_are_exact(fitted, points, tmp_path):
    fitted.save(tmp_path / "diffusion.safetensors")
    loaded = Diffusion.load(tmp_path / "diffusion.safetensors")
    assert loaded.get_params() == fitted.get_params()
    assert torch.equal(weights(loaded), weights(fitted))
    assert loaded.losses_ == fitted.losses_
    assert loaded.score(points) == fitted.score(points)
    first, second = (m.sample(4, np.random.default_rng(2)) for m in (fitted, loaded))
    assert np.array_equal(first, second)


ZEROS = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (Diffusion(temperature=-0.1), ZEROS, "temperature must be a finite number in"),
        (Diffusion(), np.zeros((4, 8, 8)), "data must have 2 axes"),
        (Diffusion(), ZEROS + 9, r"unit variance.*\[-4, 4\].*got 9 to 9"),
        (Diffusion(), np.full((4, 2), np.inf), "finite"),
        (Diffusion(), np.zeros((0, 2)), "at least one sample"),
        (Diffusion(bound=0), ZEROS, "bound"),
        (Diffusion(levels=0), ZEROS, "levels"),
        (Diffusion(frequencies=-1), ZEROS, "frequencies"),
        (Diffusion(steps=0), ZEROS, "steps"),
    ],
)
def test_bad_input_is_named_before_any_work(model, data, message):
    with pytest.raises(ValueError, match=message):
        model.fit(data, np.random.default_rng(0))
    assert not hasattr(model, "network_")


def test_bad_use_after_the_fit_is_named(fitted, points, tmp_path):
    with pytest.raises(ValueError, match="data must have 2 columns"):
        fitted.score(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="n_samples"):
        fitted.sample(0, np.random.default_rng(0))
    with pytest.raises(TypeError, match="rng"):
        fitted.sample(3, 7)
    with pytest.raises(ValueError, match="not fitted"):
        Diffusion().sample(3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="init must have weights of the same sizes"):
        Diffusion(hidden=64).fit(points, np.random.default_rng(0), init=fitted)
    with pytest.raises(ValueError, match="init must be a fitted model"):
        Diffusion().fit(points, np.random.default_rng(0), init=Diffusion())
    images = VAE(steps=1).fit(np.zeros((9, 8, 8)), np.random.default_rng(0))
    with pytest.raises(ValueError, match="init must have weights of the same sizes"):
        Diffusion().fit(points, np.random.default_rng(0), init=images)
