"""A variational autoencoder of a few dense layers, as one generation of the loop.

The model says: draw a latent z from N(0, I), decode it into one number a pixel, then draw every
pixel from its likelihood around that number. `sample` does exactly this. It never hands out the
decoder's means as data: means are smoother than any real image, so a loop on means measures that
bias and not the loop. Source: Kingma and Welling 2014, arXiv 1312.6114, equations 7 and 10.

Not a strong image model: one fit takes seconds on one core, and its samples are rough on purpose.
Settings that worked: 8 x 8 grey digits with the defaults; binarised MNIST with
`VAE(likelihood="bernoulli", hidden=256, latent=16, steps=600)`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from helpers._arguments import finite_array, generator, one_of, positive_int, real_number
from helpers.models import _neural

if TYPE_CHECKING:
    import torch
    from torch import nn

SCORE_SEED = 20_240_724  # the noise of `score`: the same for all models and all data of one size
ROOM = 8  # Gaussian samples leave [0, 1]; pixels this many sigmas outside are taken for a mistake


class VAE(BaseEstimator):
    """Dense VAE on images of shape (n, height, width), learned from scratch at every fit.

    likelihood: "gaussian" with standard deviation `sigma` for grey pixels in [0, 1] (samples carry
        that noise, so they leave [0, 1] a little), or "bernoulli" for pixels that are 0 or 1.
    hidden, latent: width of the two hidden layers on each side, and dimensions of z.
    steps, batch, learning_rate: Adam batches. The same number at every size of the training set,
        so that policies are compared at equal compute.
    progress: draw a bar for fits over two seconds.
    Learned: `network_` (torch), `image_shape_`, `losses_` (minus ELBO of every batch, nats).
    """

    def __init__(
        self,
        likelihood: str = "gaussian",
        sigma: float = 0.15,
        hidden: int = 128,
        latent: int = 8,
        steps: int = 900,
        batch: int = 100,
        learning_rate: float = 2e-3,
        progress: bool = False,
    ) -> None:
        self.likelihood = likelihood
        self.sigma = sigma
        self.hidden = hidden
        self.latent = latent
        self.steps = steps
        self.batch = batch
        self.learning_rate = learning_rate
        self.progress = progress

    def fit(
        self, data: np.ndarray, rng: np.random.Generator | None = None, init: Any = None
    ) -> Self:
        """Maximise the ELBO on images (n, height, width); from scratch, or from `init`'s weights.

        Raises TypeError or ValueError when the pixels do not suit the likelihood, or when `init`
        has weights of another size. An interrupt leaves a usable model behind. ValueError, and no
        model, when a loss is not finite.
        """
        self._check_parameters()
        images = self._images("data", data)
        shape = (images.shape[1], images.shape[2])
        stream = _neural.torch_stream(rng)
        network = self._build(shape, stream)
        if init is not None:
            _neural.start_from(network, init)
        self.network_, self.image_shape_ = network, shape
        self.losses_: list[float] = []
        pixels = _flat(images)
        with _neural.no_model_on_error(self):
            _neural.train(
                network,
                lambda rows: -self._elbo(pixels[rows], stream).mean(),
                n_rows=len(pixels),
                batch=self.batch,
                steps=self.steps,
                learning_rate=self.learning_rate,
                stream=stream,
                losses=self.losses_,
                name="VAE",
                progress=self.progress,
            )
        return self

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """`n_samples` images drawn from the likelihood, shape (n_samples, height, width)."""
        import torch

        means, stream = self._decode(n_samples, rng)
        if self.likelihood == "bernoulli":
            pixels = torch.bernoulli(means, generator=stream)
        else:
            pixels = means + self.sigma * torch.randn(means.shape, generator=stream)
        return self._pictures(pixels)

    def sample_means(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """What `sample` would draw around, shape (n_samples, height, width): to look at, not to
        train on. The same `rng` state gives the means of the same latents as `sample`."""
        return self._pictures(self._decode(n_samples, rng)[0])

    def score(self, data: np.ndarray) -> float:
        """Mean ELBO of images (n, height, width), in nats an image: a lower bound on the mean
        log-likelihood. Latents are drawn from a fixed stream: common random numbers."""
        return float(self.score_samples(data).mean())

    def score_samples(self, data: np.ndarray, draws: int = 8) -> np.ndarray:
        """ELBO of every image, shape (n,), averaged over `draws` latents an image."""
        import torch

        pixels = _flat(self._images("data", data, self._fitted_shape()))
        stream = torch.Generator().manual_seed(SCORE_SEED)
        with torch.no_grad():
            total = sum(self._elbo(pixels, stream) for _ in range(positive_int("draws", draws)))
        total = _neural.check_answer(self, torch.as_tensor(total))
        return np.asarray(total, dtype=float) / draws

    def latents(self, data: np.ndarray) -> np.ndarray:
        """Means of q(z | image), shape (n, latent): where the encoder puts every image."""
        import torch

        pixels = _flat(self._images("data", data, self._fitted_shape()))
        with torch.no_grad():
            mean, _ = self.network_["encoder"](pixels).chunk(2, dim=1)
        return _neural.check_answer(self, mean).double().numpy()

    def save(self, path: str | Path) -> None:
        """Parameters and weights to one safetensors file."""
        learned = {"image_shape": self._fitted_shape(), "losses": self.losses_}
        _neural.save_model(path, self, learned)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model that `save` wrote; ValueError when the file holds something else."""
        parameters, learned, weights = _neural.load_parts(path, cls.__name__)
        model = cls(**parameters)
        model.image_shape_ = tuple(learned["image_shape"])
        model.losses_ = learned["losses"]
        model.network_ = model._build(model.image_shape_, _neural.torch_stream(None))
        _neural.fill(model.network_, weights)
        return model

    def _elbo(self, pixels: torch.Tensor, stream: torch.Generator) -> torch.Tensor:
        """One-draw estimate of E_q log p(x | z) - KL(q(z | x) || p(z)) for every row of pixels."""
        import torch
        from torch.nn import functional

        mean, log_variance = self.network_["encoder"](pixels).chunk(2, dim=1)
        # The draw as a function of mean and spread, so that gradients pass through it (Kingma and
        # Welling 2014, section 2.4). One draw: the batch averages over many.
        noise = torch.randn(mean.shape, generator=stream)
        decoded = self.network_["decoder"](mean + torch.exp(log_variance / 2) * noise)
        if self.likelihood == "bernoulli":
            minus_log = functional.binary_cross_entropy_with_logits(
                decoded, pixels, reduction="none"
            )
        else:
            distance = (pixels - torch.sigmoid(decoded)) / self.sigma
            minus_log = distance**2 / 2 + math.log(self.sigma * math.sqrt(2 * math.pi))
        # KL(N(mean, variance) || N(0, 1)) in closed form, nats a latent.
        divergence = (mean**2 + log_variance.exp() - 1 - log_variance) / 2
        # Sums, not means: nats an image. Means would weigh a latent as much as all pixels together.
        return -minus_log.sum(dim=1) - divergence.sum(dim=1)

    def _decode(
        self, n_samples: int, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Generator]:
        import torch

        self._fitted_shape()
        n_samples = positive_int("n_samples", n_samples)
        stream = _neural.torch_stream(generator("rng", rng))
        latents = torch.randn(n_samples, self.latent, generator=stream)
        with torch.no_grad():
            # Looked at before the sigmoid, which makes a 1 of infinity.
            decoded = _neural.check_answer(self, self.network_["decoder"](latents))
            return torch.sigmoid(decoded), stream

    def _build(self, shape: tuple[int, int], stream: torch.Generator) -> nn.ModuleDict:
        from torch import nn

        n_pixels, width = shape[0] * shape[1], self.hidden
        return nn.ModuleDict(
            {
                "encoder": _neural.mlp([n_pixels, width, width, 2 * self.latent], nn.ReLU, stream),
                "decoder": _neural.mlp([self.latent, width, width, n_pixels], nn.ReLU, stream),
            }
        )

    def _check_parameters(self) -> None:
        one_of("likelihood", self.likelihood, ("gaussian", "bernoulli"))
        real_number("sigma", self.sigma, low=0, open_low=True)
        real_number("learning_rate", self.learning_rate, low=0, open_low=True)
        for name in ("hidden", "latent", "steps", "batch"):
            positive_int(name, getattr(self, name))

    def _images(self, name: str, data: Any, shape: tuple[int, int] | None = None) -> np.ndarray:
        images = finite_array(name, data, ndim=3)
        if shape is not None and images.shape[1:] != shape:
            raise ValueError(
                f"{name} must hold images of {shape[0]} x {shape[1]} pixels, as in the fit, "
                f"got shape {images.shape}"
            )
        if self.likelihood == "bernoulli":
            if not np.isin(images, (0.0, 1.0)).all():
                raise ValueError(
                    f"{name} must hold pixels that are 0 or 1 for the Bernoulli likelihood, "
                    f"got values from {images.min():g} to {images.max():g}"
                )
            return images
        room = ROOM * self.sigma
        if images.min() < -room or images.max() > 1 + room:
            raise ValueError(
                f"{name} must hold grey pixels in [0, 1] (with {ROOM} sigmas of room for sampling "
                f"noise), got values from {images.min():g} to {images.max():g}"
            )
        return images

    def _fitted_shape(self) -> tuple[int, int]:
        check_is_fitted(self, "network_")
        return self.image_shape_

    def _pictures(self, pixels: torch.Tensor) -> np.ndarray:
        return pixels.double().numpy().reshape(-1, *self.image_shape_)


def _flat(images: np.ndarray) -> torch.Tensor:
    import torch

    return torch.from_numpy(images.reshape(len(images), -1)).float()
