"""A trained sampler as a user loads it: samples of p(x | y), their mean and their spread."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ..data.degradation import Degradation
from ..data.measurement import Measurement
from ..models.generator import Generator, is_deterministic, scale_latent
from ..rng import Rng
from .image_input import ImageLike, as_batch
from .judging.restorer import Sampler
from .latent_field import LatentField
from .moments import Moments
from .serving import Decoder, Serving


class LoadedSampler:
    """x̂ = G(y, z), with the degradation it was trained on; a ``Restorer`` as well.

    y is an image as ``image_input.as_batch`` takes it, or a ``Measurement`` of the degradation. Samples are projected
    onto what explains a measurement where it has facts, which an image alone has not.

    Args:
        generator: in evaluation mode, on ``device``.
        degradation: it was trained on.
        about: plain values: config, images seen, seed, versions.
        device: of the generator.
        serving: how it computes.

    Attributes:
        stochastic: whether samples differ with z.
    """

    def __init__(
        self,
        generator: Generator,
        degradation: Degradation,
        about: dict[str, Any],
        device: torch.device,
        serving: Serving | None = None,
    ) -> None:
        self.generator, self.degradation, self.about, self.device = generator, degradation, about, device
        self.decoder = Decoder(generator, device, serving or Serving())
        self.stochastic = not is_deterministic(generator)

    def sample(self, degraded: ImageLike | Measurement, k: int, seed: int = 0, sigma_z: float = 1.0) -> Tensor:
        """K samples, (K, B, C, H, W) fp32 about [0, 1], not clipped, on the sampler's device; B is 1 for one image.

        z of sample k is a function of (seed, k) and of the place in the image (``LatentField``): the first samples are
        the same whatever K is, the samples of an image whatever batch it is in, and whether it is restored whole or by
        tiles. Images of one batch share their z.

        Args:
            degraded: y.
            k: K, 1 or more; 1 for a deterministic sampler.
            seed: of z.
            sigma_z: factor on z; 1 samples, 0 has no spread.

        Raises:
            ValueError: naming what is out of range, or the maps that an image alone does not have.
        """
        return torch.stack(list(self._draw(degraded, k, seed, sigma_z)))

    def mean(self, degraded: ImageLike | Measurement, k: int, seed: int = 0) -> Tensor:
        """Of K samples as ``sample`` draws them, (B, C, H, W) fp32; memory does not grow with K."""
        return self._moments(degraded, k, seed).mean.float()

    def std(self, degraded: ImageLike | Measurement, k: int, seed: int = 0) -> Tensor:
        """With divisor K - 1, root mean square over colours, (B, 1, H, W) fp32; 0 for K = 1. As ``mean`` otherwise."""
        return self._moments(degraded, k, seed).std.float()

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The nearest images that explain a measurement, (B, C, H, W) on the sampler's device.

        Samples, whose mean or any other edit of them may explain it no longer, are projected already.

        Args:
            restored: (B, C, H, W), 1 for white.
            measurement: as ``sample`` takes it; without facts nothing is known that an image could contradict.

        Raises:
            ValueError: if it is no measurement, or the images are not of its size.
        """
        if not isinstance(measurement, Measurement):
            raise ValueError(f"measurement is a {type(measurement).__name__}; allowed is a Measurement")
        if restored.shape != measurement.degraded.shape:
            raise ValueError(
                f"restored has shape {tuple(restored.shape)}; allowed is that of y, {tuple(measurement.degraded.shape)}"
            )
        restored, measurement = restored.to(self.device), measurement.to(self.device)
        return self.degradation.project(restored, measurement) if measurement.facts else restored

    def draw(self, measurement: Measurement, num_samples: int, rng: Rng, sigma_z: float = 1.0) -> Tensor:
        """See ``judging.restorer.Restorer``."""
        return Sampler(self.generator, self.degradation).draw(measurement, num_samples, rng, sigma_z)

    def _moments(self, degraded: ImageLike | Measurement, k: int, seed: int) -> Moments:
        moments = Moments()
        for sample in self._draw(degraded, k, seed, 1.0):
            moments.add(sample)
        return moments

    def _draw(self, degraded: ImageLike | Measurement, k: int, seed: int, sigma_z: float) -> Iterator[Tensor]:
        """Samples 1 to K, each (B, C, H, W); z is drawn on the CPU for any device."""
        self._require(k, sigma_z)
        measurement = self._measurement(degraded).to(self.device)
        size = measurement.degraded.shape[-2:]
        fields = (LatentField(self.generator, seed, number) for number in range(1, k + 1))
        maps = (scale_latent(field.window(0, 0, *size), sigma_z) for field in fields)
        latents = ([z.expand(-1, len(measurement), -1, -1, -1) for z in latent] for latent in maps)
        for sample in self.decoder.decode(self.decoder.encode(measurement.condition), latents):
            yield self.project(sample, measurement)

    def _require(self, k: int, sigma_z: float) -> None:
        if not isinstance(k, int) or k < 1:
            raise ValueError(f"k is {k}; allowed is a whole number of at least 1")
        if not (math.isfinite(sigma_z) and sigma_z >= 0):
            raise ValueError(f"sigma_z is {sigma_z}; allowed is 0 or more")
        if k > 1 and not self.stochastic:
            raise ValueError(f"k is {k}; allowed for a deterministic sampler is 1")

    def _measurement(self, degraded: ImageLike | Measurement) -> Measurement:
        channels, maps = int(self.about["image_channels"]), self.degradation.num_maps
        measurement = degraded if isinstance(degraded, Measurement) else Measurement(as_batch(degraded, channels))
        given = measurement.condition.shape[1] - measurement.degraded.shape[1]
        if measurement.degraded.shape[1] != channels or given != maps:
            raise ValueError(
                f"degraded has {measurement.degraded.shape[1]} channels and {given} maps; "
                f"{type(self.degradation).__name__} as trained has {channels} and {maps}. Maps come with a "
                "pscgan.data.measurement.Measurement(degraded, maps, facts): of noise of many strengths sigma / 255 at "
                "every pixel, of a .jpg file degradation.measure(file.coded, file.decoded[None]) with file of "
                "pscgan.data.jpeg.file.read"
            )
        return measurement
