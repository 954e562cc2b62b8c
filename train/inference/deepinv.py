"""A loaded sampler as models of deepinv: a ``Reconstructor`` that samples, a ``Denoiser`` that is the MMSE estimate.

They stand wherever deepinv takes a model of denoising; both refuse by name a noise level the sampler was not trained
on, which networks do not, and both work without gradients.
"""

from typing import Any

import torch
from torch import Tensor

from ...checks import optional_package
from .denoiser import of_sampler
from .sampler import LoadedSampler

deepinv: Any = optional_package("deepinv", "deepinv", "a model of deepinv")


class MmseDenoiser(deepinv.models.Denoiser):  # type: ignore[misc]
    """E[x | y]: the mean of K samples, or what a deterministic sampler gives.

    Args:
        sampler: trained on Gaussian noise.
        k: K; a deterministic sampler has one answer, whatever it is.
        seed: of z, the same in every call.

    Raises:
        ValueError: if the sampler is of another degradation.
    """

    def __init__(self, sampler: LoadedSampler, k: int = 16, seed: int = 0) -> None:
        super().__init__()
        self.denoiser = of_sampler(sampler, k, seed)

    @torch.no_grad()
    def forward(self, x: Tensor, sigma: float | Tensor, **_: Any) -> Tensor:
        """(B, C, H, W) to the same, on the device of x.

        Args:
            x: noisy images, 1 for white.
            sigma: standard deviation of the noise, 1 for white; a number, or one an image.

        Raises:
            ValueError: naming the level, if the sampler was not trained on it.
        """
        return self.denoiser.denoise(x, sigma)


class PosteriorReconstructor(deepinv.models.Reconstructor):  # type: ignore[misc]
    """One sample of p(x | y), or the mean of K, for ``physics`` of denoising.

    Args:
        sampler: trained on Gaussian noise.
        k: K; 1 is a sample, more are averaged.
        seed: of z, the same in every call.

    Raises:
        ValueError: if the sampler is of another degradation.
    """

    def __init__(self, sampler: LoadedSampler, k: int = 1, seed: int = 0) -> None:
        super().__init__()
        self.denoiser = MmseDenoiser(sampler, k, seed)

    def forward(self, y: Tensor, physics: Any, **_: Any) -> Tensor:
        """(B, C, H, W) to the same, on the device of y.

        Args:
            y: noisy images, 1 for white.
            physics: ``deepinv.physics.Denoising`` with ``deepinv.physics.GaussianNoise`` of a level that was trained.

        Raises:
            ValueError: naming the physics or the level, if it is another.
        """
        noise = getattr(physics, "noise_model", None)
        if not (isinstance(physics, deepinv.physics.Denoising) and isinstance(noise, deepinv.physics.GaussianNoise)):
            found = f"{type(physics).__name__} with {type(noise).__name__}"
            raise ValueError(f"physics must be Denoising with GaussianNoise, got {found}")
        denoised: Tensor = self.denoiser(y, noise.sigma)
        return denoised
