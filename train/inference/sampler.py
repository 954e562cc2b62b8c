"""A trained sampler as a user loads it: samples of p(x | y), their mean and their spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ...checks import require_at_least
from ...data.degradation import Degradation
from ...data.measurement import Measurement
from ...models.generator import Generator, Latent, is_deterministic, scale_latent
from ...rng import Rng
from ..restorer import Sampler
from .image_input import ImageLike, as_batch
from .spatial_latent import SpatialLatent


class LoadedSampler:
    """x̂ = G(y, z), with the degradation it was trained on; a ``Restorer`` as well.

    y is an image as ``image_input.as_batch`` takes it, or a ``Measurement`` of the degradation. Samples are projected
    onto what explains a measurement where it has params, which an image alone has not.

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
        serving: InferenceConfig | None = None,
    ) -> None:
        self.generator, self.degradation, self.about, self.device = generator, degradation, about, device
        self.decoder = Decoder(generator, device, serving or InferenceConfig())
        self.stochastic = not is_deterministic(generator)

    def sample(self, degraded: ImageLike | Measurement, k: int, seed: int = 0, sigma_z: float = 1.0) -> Tensor:
        """K samples, (K, B, C, H, W) fp32 about [0, 1], not clipped, on the sampler's device; B is 1 for one image.

        z of sample k is a function of (seed, k) and of the place in the image (``SpatialLatent``): the first samples
        are the same whatever K is, the samples of an image whatever batch it is in, and whether it is restored whole
        or by tiles. Images of one batch share their z.

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
            measurement: as ``sample`` takes it; without params nothing is known that an image could contradict.

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
        return self.degradation.project(restored, measurement) if measurement.params else restored

    def draw(self, measurement: Measurement, num_samples: int, rng: Rng, sigma_z: float = 1.0) -> Tensor:
        """See ``judging.restorer.Restorer``."""
        return Sampler(self.generator, self.degradation).draw(measurement, num_samples, rng, sigma_z)

    def _moments(self, degraded: ImageLike | Measurement, k: int, seed: int) -> RunningMoments:
        moments = RunningMoments()
        for sample in self._draw(degraded, k, seed, 1.0):
            moments.add(sample)
        return moments

    def _draw(self, degraded: ImageLike | Measurement, k: int, seed: int, sigma_z: float) -> Iterator[Tensor]:
        """Samples 1 to K, each (B, C, H, W); z is drawn on the CPU for any device."""
        self._require(k, sigma_z)
        measurement = self._measurement(degraded).to(self.device)
        size = measurement.degraded.shape[-2:]
        fields = (SpatialLatent(self.generator, seed, number) for number in range(1, k + 1))
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
                "pscgan.data.measurement.Measurement(degraded, maps, params): of noise of many strengths sigma / 255 "
                "at every pixel, of a .jpg file degradation.measure(file.coded, file.decoded[None]) with file of "
                "pscgan.data.jpeg.reader.read"
            )
        return measurement


Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class InferenceConfig:
    """Choices that change the time and not the law of the samples.

    Attributes:
        samples_per_pass: decoded at once: of small pictures more than one keeps a device busy, memory grows with it.
        precision: ``bf16`` computes convolutions in bfloat16 (autocast); what is added to y is rounded so, y is not.
        compile: whether encoder and decoder go through ``torch.compile``, once for each size of pictures; on CUDA as
            graphs, which spares small networks the time of their launches.

    Raises:
        ValueError: if one is not what is allowed.
    """

    samples_per_pass: int = 1
    precision: Precision = "fp32"
    compile: bool = False

    def __post_init__(self) -> None:
        require_at_least(1, samples_per_pass=self.samples_per_pass)
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision is {self.precision}; allowed is {' or '.join(get_args(Precision))}")


class Decoder:
    """A generator that is served: encodes a condition once and decodes z by passes, on any device, without gradients.

    Args:
        generator: in evaluation mode.
        device: of it.
        serving: how.
    """

    def __init__(self, generator: Generator, device: torch.device, serving: InferenceConfig) -> None:
        self.device, self.serving = device, serving
        self._encode, self._decode = (self._served(call) for call in (generator.encode, generator.decode))

    def encode(self, condition: Tensor) -> Any:
        """Features of (B, C + M, H, W)."""
        return self._encode(condition.to(self.device))

    def decode(self, features: Any, latents: Iterable[Latent]) -> Iterator[Tensor]:
        """Of each z for one sample, (1, B, c, h, w), a sample (B, C, H, W) fp32, not projected."""
        latents = iter(latents)
        while group := list(islice(latents, self.serving.samples_per_pass)):
            together = map(torch.cat, zip(*group, strict=True))
            yield from self._decode(features, [z.to(self.device) for z in together])

    def _served(self, call: Callable[..., Any]) -> Callable[..., Any]:
        graphs = self.serving.compile and self.device.type == "cuda"
        if self.serving.compile:
            call = torch.compile(call, mode="reduce-overhead" if graphs else None)

        @torch.no_grad()
        def run(*arguments: Any) -> Any:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.serving.precision == "bf16"):
                result = call(*arguments)
            if isinstance(result, Tensor):
                result = result.float()
            return tree_map(_clone, result) if graphs else result  # the next run of a graph writes over it

        return run


def _clone(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


class RunningMoments:
    """Of samples (B, C, H, W), in float64; memory does not grow with their number (Welford 1962)."""

    def __init__(self) -> None:
        self.count = 0
        self._mean = self._squares = torch.zeros((), dtype=torch.float64)

    def add(self, sample: Tensor) -> None:
        """One more."""
        sample = sample.double()
        if not self.count:
            self._mean, self._squares = torch.zeros_like(sample), torch.zeros_like(sample)
        self.count += 1
        before = sample - self._mean
        self._mean += before / self.count
        self._squares += before * (sample - self._mean)

    @property
    def mean(self) -> Tensor:
        """(B, C, H, W)."""
        return self._mean

    @property
    def std(self) -> Tensor:
        """With divisor K - 1, root mean square over colours, (B, 1, H, W); 0 for a single sample."""
        return (self._squares / max(self.count - 1, 1)).mean(dim=1, keepdim=True).sqrt()
