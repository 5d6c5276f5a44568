"""The VAE: interface, likelihood sampling, an ELBO that is a bound, files, bad input."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone

from helpers.data import digits
from helpers.models import VAE, Diffusion, _neural


@pytest.fixture(scope="module")
def images():
    return digits.small_digits(n_train=300, n_test=100, seed=100)


@pytest.fixture(scope="module")
def fitted(images):
    return VAE(steps=200).fit(images.train, np.random.default_rng(0))


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.network_.parameters()])


def test_importing_the_models_loads_no_torch():
    code = "import sys, helpers.models; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("progress", [False, True])
def test_a_bar_is_drawn_only_on_request(images, progress, capsys, monkeypatch):
    """Generations of a loop have a line of their own, and stderr is for warnings."""
    monkeypatch.setattr(_neural, "QUIET_SECONDS", 0.0)
    rng, points = np.random.default_rng(0), np.random.default_rng(1).normal(size=(50, 2))
    capsys.readouterr()
    VAE(steps=3, progress=progress).fit(images.train, rng)
    drawn = capsys.readouterr().err
    Diffusion(steps=3, progress=progress).fit(points.clip(-3, 3), rng)
    assert ("VAE" in drawn, "Diffusion" in capsys.readouterr().err) == (progress, progress)
    if not progress:
        assert drawn == ""


def test_shapes(fitted, images):
    rng = np.random.default_rng(1)
    assert fitted.sample(7, rng).shape == (7, 8, 8)
    assert fitted.sample_means(7, rng).shape == (7, 8, 8)
    assert fitted.latents(images.test).shape == (100, 8)
    assert fitted.score_samples(images.test).shape == (100,)
    assert fitted.score(images.test) == pytest.approx(fitted.score_samples(images.test).mean())
    assert len(fitted.losses_) == 200


def test_the_same_seed_gives_the_same_model_and_samples(images):
    def run(seed):
        rng = np.random.default_rng(seed)
        model = VAE(steps=30).fit(images.train, rng)
        return weights(model), model.sample(5, rng), model.score(images.test)

    first, again, other = run(1), run(1), run(2)
    assert torch.equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert first[2] == again[2]
    assert not torch.equal(first[0], other[0])


def test_torchs_global_state_is_neither_used_nor_changed(images):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = VAE(steps=5).fit(images.train, np.random.default_rng(1))
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(12345)
    again = VAE(steps=5).fit(images.train, np.random.default_rng(1))
    assert torch.equal(weights(first), weights(again))


def test_data_are_not_modified(images):
    copy = images.train.copy()
    VAE(steps=2).fit(images.train, np.random.default_rng(0))
    assert np.array_equal(copy, images.train)


def test_gaussian_samples_are_means_plus_noise_of_the_stated_size(fitted):
    samples = fitted.sample(500, np.random.default_rng(3))
    means = fitted.sample_means(500, np.random.default_rng(3))
    residuals = (samples - means).ravel()  # 32,000 draws
    assert residuals.std() == pytest.approx(fitted.sigma, rel=0.03)
    assert abs(residuals.mean()) < 0.005
    assert means.min() >= 0
    assert means.max() <= 1


def test_bernoulli_samples_are_coin_tosses_with_the_means_as_chances(images):
    binary = (images.train > 0.5) * 1.0
    model = VAE("bernoulli", steps=60).fit(binary, np.random.default_rng(0))
    samples = model.sample(2000, np.random.default_rng(3))
    means = model.sample_means(2000, np.random.default_rng(3))
    assert set(np.unique(samples)) <= {0.0, 1.0}
    variance = means * (1 - means)
    z = (samples - means).sum() / np.sqrt(variance.sum())
    assert abs(z) < 4.5
    # a coin's variance, not that of a rounded mean
    assert ((samples - means) ** 2).mean() == pytest.approx(variance.mean(), rel=0.05)


def test_training_raises_the_elbo_and_learning_helps_unseen_images(fitted, images):
    untrained = VAE(steps=1).fit(images.train, np.random.default_rng(0))
    assert np.mean(fitted.losses_[-20:]) < np.mean(fitted.losses_[:20]) - 50
    assert fitted.score(images.test) > untrained.score(images.test) + 50


def test_one_batch_can_be_learned_by_heart(images):
    few = images.train[:8]
    model = VAE(steps=800, sigma=0.05, latent=4).fit(few, np.random.default_rng(0))
    with torch.no_grad():
        codes = torch.from_numpy(model.latents(few)).float()
        again = torch.sigmoid(model.network_["decoder"](codes)).numpy().reshape(few.shape)
    errors = np.sqrt(((again - few) ** 2).mean(axis=(1, 2)))
    assert errors.max() < 0.07  # to within the noise it was learned with, against 0.4 untrained


def exact_log_likelihood(model, pictures):
    """log p(x) of a VAE with one latent, by quadrature over z: no encoder involved."""
    z = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        chance = torch.sigmoid(model.network_["decoder"](z)).double().numpy()
    prior = np.exp(-(z[:, 0].double().numpy() ** 2) / 2) / np.sqrt(2 * np.pi)
    flat = pictures.reshape(len(pictures), 1, -1)
    likelihood = np.where(flat == 1, chance, 1 - chance).prod(axis=2)
    return np.log((likelihood * prior).sum(axis=1) * (16 / 4000))


def test_the_elbo_is_a_tight_lower_bound_where_the_truth_is_computable():
    every = np.array(list(itertools.product([0.0, 1.0], repeat=3))).reshape(8, 1, 3)
    chances = np.array([0.4, 0.02, 0.03, 0.05, 0.02, 0.03, 0.05, 0.4])
    data = every[np.random.default_rng(0).choice(8, size=2000, p=chances)]
    model = VAE("bernoulli", hidden=32, latent=1, steps=2000, learning_rate=3e-3)
    model.fit(data, np.random.default_rng(1))
    exact = exact_log_likelihood(model, every)
    assert np.exp(exact).sum() == pytest.approx(1, abs=1e-4)  # the reference is a distribution
    draws = model.score_samples(np.repeat(every, 100_000, axis=0), draws=1)
    elbo = draws.reshape(8, -1).mean(axis=1)
    error = draws.reshape(8, -1).std(axis=1) / np.sqrt(100_000)
    assert (elbo <= exact + 5 * error).all()
    assert error.max() < 0.01
    assert chances @ (exact - elbo) < 0.15  # and tight where the data are
    # no model beats the entropy of what it models (Gibbs), and this one comes close
    entropy = -(chances * np.log(chances)).sum()
    assert -entropy - 0.2 < chances @ elbo < -entropy + 0.02


def test_the_gaussian_elbo_has_its_constant():
    # A decoder that cannot use z: p(x) = N(mean, sigma^2), whose log-density is known.
    model = VAE(sigma=0.3, hidden=4, latent=1, steps=1)
    data = np.full((5, 1, 1), 0.5)
    model.fit(data, np.random.default_rng(0))
    with torch.no_grad():
        for parameter in model.network_.parameters():
            parameter.zero_()  # q = N(0, 1) = prior, decoded mean = sigmoid(0) = 0.5
    shifted = np.full((1, 1, 1), 0.8)
    expected = -0.5 - np.log(0.3 * np.sqrt(2 * np.pi))
    assert model.score(shifted) == pytest.approx(expected, abs=1e-5)


def test_init_starts_from_the_given_weights_and_leaves_them_alone(fitted, images):
    before = weights(fitted).clone()
    near = clone(fitted).set_params(steps=1, learning_rate=1e-9)
    near.fit(images.train, np.random.default_rng(0), init=fitted)
    assert torch.allclose(weights(near), before, atol=1e-6)
    further = clone(fitted).fit(images.train, np.random.default_rng(0), init=fitted)
    assert torch.equal(weights(fitted), before)
    assert further.score(images.train) > fitted.score(images.train)


def test_fitting_again_starts_from_scratch(fitted, images):
    model = clone(fitted).fit(images.train, np.random.default_rng(0))
    assert torch.equal(weights(model), weights(fitted))
    model.fit(images.train, np.random.default_rng(0))
    assert torch.equal(weights(model), weights(fitted))


def test_an_interrupt_keeps_the_work(images, monkeypatch):
    model, elbo, calls = VAE(steps=500), VAE._elbo, iter(range(500))

    def interrupted(self, pixels, stream):
        if next(calls) == 40:
            raise KeyboardInterrupt
        return elbo(self, pixels, stream)

    with monkeypatch.context() as patch:
        patch.setattr(VAE, "_elbo", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.fit(images.train, np.random.default_rng(0))
    assert len(model.losses_) == 40
    exactly = VAE(steps=40).fit(images.train, np.random.default_rng(0))
    assert torch.equal(weights(model), weights(exactly))
    assert model.sample(3, np.random.default_rng(0)).shape == (3, 8, 8)


def test_save_and_load_are_exact(fitted, images, tmp_path):
    fitted.save(tmp_path / "vae.safetensors")
    loaded = VAE.load(tmp_path / "vae.safetensors")
    assert loaded.get_params() == fitted.get_params()
    assert torch.equal(weights(loaded), weights(fitted))
    assert loaded.losses_ == fitted.losses_
    assert loaded.score(images.test) == fitted.score(images.test)
    first, second = (m.sample(4, np.random.default_rng(2)) for m in (fitted, loaded))
    assert np.array_equal(first, second)


def test_a_loop_can_train_on_what_the_model_emits(images):
    model = VAE(steps=20).fit(images.train, np.random.default_rng(0))
    produced = model.sample(5000, np.random.default_rng(1))
    assert produced.min() < 0 < 1 < produced.max()  # noise leaves [0, 1]: allowed
    VAE(steps=2).fit(produced, np.random.default_rng(0))


ZEROS = np.zeros((4, 8, 8))


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (VAE(), np.zeros((4, 64)), "data must have 3 axes"),
        (VAE(), ZEROS + 16, r"grey pixels in \[0, 1\].*got values from 16 to 16"),
        (VAE(), ZEROS - 2, "grey pixels"),
        (VAE(), np.full((4, 8, 8), np.nan), "finite"),
        (VAE(), np.zeros((0, 8, 8)), "at least one sample"),
        (VAE("bernoulli"), ZEROS + 0.5, "0 or 1 for the Bernoulli likelihood"),
        (VAE("poisson"), ZEROS, "likelihood must be one of 'gaussian', 'bernoulli'"),
        (VAE(sigma=0), ZEROS, "sigma"),
        (VAE(steps=0), ZEROS, "steps"),
        (VAE(latent=-1), ZEROS, "latent"),
        (VAE(learning_rate=0), ZEROS, "learning_rate"),
    ],
)
def test_bad_input_is_named_before_any_work(model, data, message):
    with pytest.raises(ValueError, match=message):
        model.fit(data, np.random.default_rng(0))
    assert not hasattr(model, "network_")


def test_lists_are_not_images():
    with pytest.raises(TypeError, match="data must be a NumPy array"):
        VAE().fit([[0.0]], np.random.default_rng(0))


def test_images_of_another_shape_are_refused_after_the_fit(fitted):
    with pytest.raises(ValueError, match=r"images of 8 x 8 pixels.*\(2, 28, 28\)"):
        fitted.score(np.zeros((2, 28, 28)))
    with pytest.raises(ValueError, match="n_samples"):
        fitted.sample(0, np.random.default_rng(0))
    with pytest.raises(TypeError, match="rng"):
        fitted.sample(3, 7)
    with pytest.raises(ValueError, match="not fitted"):
        VAE().sample(3, np.random.default_rng(0))


def test_weights_of_another_size_are_refused(fitted, images, tmp_path):
    with pytest.raises(ValueError, match="init must have weights of the same sizes"):
        VAE(hidden=64).fit(images.train, np.random.default_rng(0), init=fitted)
    with pytest.raises(ValueError, match="init must be a fitted model"):
        VAE().fit(images.train, np.random.default_rng(0), init=VAE())
    from safetensors.torch import load_file, save_file

    path = tmp_path / "vae.safetensors"
    fitted.save(path)
    from helpers.models import Diffusion

    with pytest.raises(ValueError, match="must hold a Diffusion, got VAE"):
        Diffusion.load(path)
    save_file(load_file(path), path)
    with pytest.raises(ValueError, match="must hold a VAE, got None"):
        VAE.load(path)
