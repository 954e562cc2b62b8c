"""A loaded sampler as models of deepinv: a ``Reconstructor`` that samples, a ``Denoiser`` that is the MMSE estimate.

They stand wherever deepinv takes a model of denoising; both refuse by name a noise level the sampler was not trained
on, which networks do not, and both work without gradients.
"""

from typing import Any

import torch
from torch import Tensor

from ...checks import optional_package
from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.measurement import Measurement
from .sampler import LoadedSampler

deepinv: Any = optional_package("deepinv", "deepinv", "a model of deepinv")
SAME = 1e-3  # relative: levels that are written in different ways are one


class MmseDenoiser(deepinv.models.Denoiser):  # type: ignore[misc]
    """E[x | y]: the mean of K samples, or what a deterministic sampler gives.

    Args:
        sampler: trained on Gaussian noise.
        k: K; 1 for a deterministic sampler.
        seed: of z, the same in every call.

    Raises:
        ValueError: if the sampler is of another degradation.
    """

    def __init__(self, sampler: LoadedSampler, k: int = 16, seed: int = 0) -> None:
        super().__init__()
        if not isinstance(sampler.degradation, GaussianNoise):
            raise ValueError(f"sampler must be one of GaussianNoise, got one of {type(sampler.degradation).__name__}")
        self.sampler, self.k, self.seed = sampler, k, seed

    def forward(self, x: Tensor, sigma: float | Tensor, **_: Any) -> Tensor:
        """(B, C, H, W) to the same, on the device of x.

        Args:
            x: noisy images, 1 for white.
            sigma: standard deviation of the noise, 1 for white; a number, or one an image.

        Raises:
            ValueError: naming the level, if the sampler was not trained on it.
        """
        return self.sampler.mean(_measurement(self.sampler, x, sigma), self.k, self.seed).to(x.device)


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


def _measurement(sampler: LoadedSampler, degraded: Tensor, sigma: float | Tensor) -> Measurement:
    """y, and the map of noise levels where the sampler was trained on several."""
    degradation: Any = sampler.degradation
    levels = torch.as_tensor(sigma, dtype=torch.float32).detach().cpu().flatten()
    if levels.numel() not in (1, len(degraded)):
        raise ValueError(f"sigma must have 1 value, or {len(degraded)}, one an image, got {levels.numel()}")
    least, most = degradation.low * (1 - SAME), degradation.high * (1 + SAME)
    if not bool(((levels >= least) & (levels <= most)).all()):
        trained = " to ".join(map(_word, sorted({degradation.low, degradation.high})))
        given = ", ".join(map(_word, levels.tolist()))
        raise ValueError(f"sigma is {given}; the sampler was trained on {trained} (1 for white)")
    levels = levels.expand(len(degraded)).to(degraded.device)
    maps = levels.view(-1, 1, 1, 1).expand(-1, 1, *degraded.shape[2:]) if degradation.num_maps else None
    return Measurement(degraded.float(), maps, {"sigma": levels})


def _word(level: float) -> str:
    return f"{level:.4g} ({255 * level:.4g} of 255)"
