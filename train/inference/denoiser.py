"""The MMSE denoiser D(x, s) that a trained model is: what plug-and-play, RED and Langevin methods call."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ...checks import closest, whole_number
from ...data.degradations.gaussian_noise import GaussianNoise
from ...models.baselines.denoisers import CONVOLUTIONS, HALF, DnCNN, FFDNet
from ...models.receptive_field import receptive_field_radius
from .classics import CLASSICS, one_by_one
from .load import load
from .sampler import LoadedSampler, RunningMoments
from .windows import windows_of

SAME = 1e-3  # relative: levels that are written in different ways are one
SIDE = 512  # of windows, in pixels
CLASSIC = "classic:"
CLASSIC_LEVELS = 1e-4, 4.0  # at 0 there is nothing to do, and no strength to divide by
FFDNET_HIGHEST = 75 / 255  # of the levels it was trained on (arXiv 1710.04026, section 4.1)


@dataclass(frozen=True)
class TrainedDenoiser:
    """D(x, s) = E[clean | clean + s n = x], n ~ N(0, I), for the images and levels it was trained on and no others.

    Levels are in the unit of the images, 1 for white. (D(x, s) − x) / s² is the score of noisy images (Tweedie).

    Attributes:
        function: (N, C, H, W) and levels (N,), fp32 on ``device``, to (N, C, H, W).
        channels: C, 3 for colour and 1 for grey.
        low: least level.
        high: largest level.
        device: where it computes.
        network: whose weights it is of.
        stride: of the network, in pixels.
        radius: pixels beyond which nothing changes a pixel of D. Large images are computed by windows that see so far,
            which is what the whole gives; where it is None, as a whole.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    channels: int
    low: float
    high: float
    device: torch.device
    network: nn.Module
    stride: int = 1
    radius: int | None = None

    def denoise(self, images: Tensor, sigma: float | Tensor) -> Tensor:
        """D(x, s), (N, C, H, W) of the type and on the device of the images; not clipped, with gradients where on.

        Args:
            images: x, (N, C, H, W) about [0, 1].
            sigma: s, one number or one an image.

        Raises:
            ValueError: naming sigma, if it was not trained on one; if the images have other channels.
        """
        if images.ndim != 4 or images.shape[1] != self.channels:
            kind = "colour" if self.channels == 3 else "grey"
            raise ValueError(f"images must be (N, {self.channels}, H, W), {kind}, got {tuple(images.shape)}")
        levels = torch.as_tensor(sigma, dtype=torch.float32).detach().flatten().cpu()
        if levels.numel() not in (1, len(images)):
            raise ValueError(f"sigma must have 1 value, or {len(images)}, one an image, got {levels.numel()}")
        self._require_trained(levels)
        levels = levels.clamp(self.low, self.high).expand(len(images)).to(self.device)
        denoised = self._by_windows if max(images.shape[-2:]) > SIDE else self.function
        return denoised(images.to(self.device, torch.float32), levels).to(images)

    def _by_windows(self, images: Tensor, levels: Tensor) -> Tensor:
        if self.radius is None:
            return self.function(images, levels)
        height, width = images.shape[-2:]
        whole = torch.empty_like(images)
        for window in windows_of(height, width, SIDE):
            around = window.grown(self.radius, self.stride, height, width)
            denoised = self.function(images[(..., *around.area)], levels)
            whole[(..., *window.area)] = window.cut_from(denoised, around)
        return whole

    def _require_trained(self, levels: Tensor) -> None:
        trained = (levels >= self.low * (1 - SAME)) & (levels <= self.high * (1 + SAME))
        if not bool(trained.all()):
            low, high = 255 * self.low, 255 * self.high
            allowed = f"{low:g}" if low == high else f"in [{low:g}, {high:g}]"
            wrong = 255 * float(levels[~trained][0])
            raise ValueError(f"sigma must be {allowed} as in training, got {wrong:g} (in units of 1 / 255 of white)")


def open_denoiser(name: Path | str, device: torch.device | str = "cpu", k: int = 16, seed: int = 0) -> TrainedDenoiser:
    """That of a run, a checkpoint, an export or ``bundled:denoiser``: what ``load`` opens; see ``of_sampler``.

    Or ``classic:NAME``, for colour; see ``classic``.
    """
    if str(name).startswith(CLASSIC):
        return classic(str(name).removeprefix(CLASSIC), device=device)
    return of_sampler(load(name, device), k, seed)


def of_sampler(sampler: LoadedSampler, k: int = 16, seed: int = 0) -> TrainedDenoiser:
    """The mean of K samples, or what a deterministic model gives.

    Args:
        sampler: trained on Gaussian noise, of one level or a range.
        k: K; a deterministic model has one answer, whatever it is.
        seed: of z, the same for all images and in every call, so that D is one function.

    Raises:
        ValueError: if the sampler is of another degradation, or k is below 1.
    """
    degradation, k = sampler.degradation, whole_number("k", k, 1)
    if not isinstance(degradation, GaussianNoise):
        raise ValueError(f"sampler must be one of GaussianNoise, got one of {type(degradation).__name__}")
    mean = _MeanOfSamples(sampler, degradation, k if sampler.stochastic else 1, seed)
    network, channels = cast(nn.Module, sampler.generator), sampler.image_channels
    see = None if sampler.stochastic else receptive_field_radius(sampler.generator, channels + degradation.num_maps)
    levels = degradation.low, degradation.high
    return TrainedDenoiser(mean, channels, *levels, sampler.device, network, sampler.generator.stride, see)


@dataclass(frozen=True)
class _MeanOfSamples:
    sampler: LoadedSampler
    degradation: GaussianNoise
    k: int
    seed: int

    def __call__(self, images: Tensor, sigma: Tensor) -> Tensor:
        moments, measurement = RunningMoments(), self.degradation.at_levels(images, sigma)
        for sample in self.sampler.restorer.samples(measurement, self.k, [self.seed] * len(images)):
            moments.add(sample)
        return moments.mean.float()


def ffdnet(weights: str, device: torch.device | str = "cpu") -> TrainedDenoiser:
    """FFDNet, colour or grey, for sigma 0 to 75; arguments and errors are those of ``FFDNet``."""
    network = FFDNet(weights).to(device)
    sees = HALF * len(network.layers)
    return TrainedDenoiser(network, network.channels, 0.0, FFDNET_HIGHEST, torch.device(device), network, HALF, sees)


def dncnn(weights: str, sigma: float = 25, device: torch.device | str = "cpu") -> TrainedDenoiser:
    """The grey DnCNN of one level; arguments and errors are those of ``DnCNN``."""
    network, level = DnCNN(weights, sigma).to(device), sigma / 255
    return TrainedDenoiser(network, 1, level, level, torch.device(device), network, radius=CONVOLUTIONS)


def classic(name: str, channels: int = 3, device: torch.device | str = "cpu") -> TrainedDenoiser:
    """A classical denoiser, for sigma 0.0255 to 1,020; without gradients.

    Args:
        name: of ``CLASSICS``, as ``tv``.
        channels: 3 for colour, 1 for grey.
        device: of the images; it computes on the processor.

    Raises:
        ValueError: if there is none of this name, or its packages are not installed.
    """
    if name not in CLASSICS:
        raise ValueError(f"there is no classical denoiser {name}{closest(name, CLASSICS)}")
    no_weights = nn.Module()
    no_weights.register_buffer(name, torch.empty(0))  # by its name a record tells one from another
    function = partial(one_by_one, CLASSICS[name]())
    return TrainedDenoiser(function, channels, *CLASSIC_LEVELS, torch.device(device), no_weights)
