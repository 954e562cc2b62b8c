"""K samples of x̂ = G(y, z): one graph or two passes in training, encoded once and decoded by passes in use."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal, Protocol, cast, get_args

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from ..checks import require_at_least
from ..data.degradation import Degradation, project_samples
from ..data.measurement import Measurement
from ..models.generator import Generator, Latent, is_deterministic, scale_latent
from ..models.spatial_latent import SpatialLatent
from ..rng import Rng
from .data_step import encode_arguments, require_data_step


@dataclass(frozen=True)
class ProjectedDecoder:
    """Features of y and z to samples, as critic and penalties see them.

    Attributes:
        generator: G.
        degradation: whose projection the samples go through.
        project: whether they do.
    """

    generator: Generator
    degradation: Degradation
    project: bool

    def __post_init__(self) -> None:
        require_data_step(self.generator, self.degradation)

    def encode(self, measurement: Measurement) -> Any:
        """Features of B images."""
        return self.generator.encode(*encode_arguments(self.generator, self.degradation, measurement))

    def decode(self, features: Any, latent: Latent, measurement: Measurement) -> Tensor:
        """(K, B, C, H, W)."""
        samples_KBCHW = self.generator.decode(features, latent)
        return project_samples(self.degradation, samples_KBCHW, measurement) if self.project else samples_KBCHW


class TwoPassSamples:
    """K samples of each image, and the way of their gradient back into the generator.

    With ``samples_per_pass`` the first pass decodes without a graph, and the loss is a function of its samples. The
    second, ``backward``, decodes again a few at a time with a graph and hands each its part of the gradient: the
    gradients of the features add up, and go through the encoder once. The gradient is the same, a decoder's graph is
    held for a few samples instead of K, and decoding is paid for twice.

    Attributes:
        samples_KBCHW: after projection.
        latent: z they were decoded from.

    Args:
        decoder: from y and z to samples.
        measurement: of B images.
        num_samples: K.
        rng: of these images.
        samples_per_pass: samples of each image decoded at once; None keeps the graph of all. Features must be tensors
            in tuples, lists or dicts.
    """

    def __init__(
        self,
        decoder: ProjectedDecoder,
        measurement: Measurement,
        num_samples: int,
        rng: Rng,
        samples_per_pass: int | None,
    ) -> None:
        self.decoder, self.measurement, self.samples_per_pass = decoder, measurement, samples_per_pass
        height, width = measurement.degraded.shape[-2:]
        self.latent = decoder.generator.draw_latent(num_samples, height, width, rng)
        self._features = decoder.encode(measurement)
        if samples_per_pass is None:
            self.samples_KBCHW = decoder.decode(self._features, self.latent, measurement)
            return
        self._leaves = tree_map_only(Tensor, _leaf, self._features)
        with torch.no_grad():
            samples = [decoder.decode(self._leaves, latent, measurement) for latent in self._passes(samples_per_pass)]
        torch.clear_autocast_cache()  # weights cast without a graph would stay without
        self.samples_KBCHW = torch.cat(samples).requires_grad_(torch.is_grad_enabled())

    def backward(self) -> None:
        """Hand the gradient of the samples on to the generator; nothing to do where their graph was whole."""
        if self.samples_per_pass is None or self.samples_KBCHW.grad is None:
            return
        gradients = torch.split(self.samples_KBCHW.grad, self.samples_per_pass)
        for latent, gradient in zip(self._passes(self.samples_per_pass), gradients, strict=True):
            torch.autograd.backward(self.decoder.decode(self._leaves, latent, self.measurement), gradient)
        reached = [
            (feature, leaf.grad)
            for feature, leaf in zip(tree_leaves(self._features), tree_leaves(self._leaves), strict=True)
            if isinstance(leaf, Tensor) and leaf.grad is not None
        ]
        if reached:
            features, feature_gradients = zip(*reached, strict=True)
            torch.autograd.backward(features, feature_gradients)

    def _passes(self, samples: int) -> Sequence[Latent]:
        """z in groups of a few samples."""
        if not self.latent:
            return [self.latent]
        return [list(maps) for maps in zip(*(torch.split(z, samples) for z in self.latent), strict=True)]


def _leaf(feature: Tensor) -> Tensor:
    """A tensor that accumulates the gradient instead of passing it on."""
    return feature.detach().requires_grad_() if feature.requires_grad else feature


class SampleBatch:
    """Samples of a micro-batch: K of the first n images, a few of the others.

    Args:
        decoder: from y and z to samples.
        measurement: of the micro-batch.
        rng: of its images.
        num_samples: K.
        num_images: n.
        num_others: samples of each of the other images.
        samples_per_pass: see ``TwoPassSamples``.
    """

    def __init__(
        self,
        decoder: ProjectedDecoder,
        measurement: Measurement,
        rng: Rng,
        num_samples: int = 1,
        num_images: int = 0,
        num_others: int = 1,
        samples_per_pass: int | None = None,
    ) -> None:
        groups = [
            (slice(0, num_images), max(num_samples, num_others)),
            (slice(num_images, len(measurement)), num_others),
        ]
        self._draws = [
            TwoPassSamples(decoder, measurement[images], count, rng[images], samples_per_pass)
            for images, count in groups
            if images.start < images.stop
        ]

    @property
    def samples_KnCHW(self) -> Tensor:
        """Samples of the first n images."""
        return self._draws[0].samples_KBCHW

    def sample(self, number: int) -> Tensor:
        """One sample of every image, (B, C, H, W); the first, or below ``num_others``."""
        samples = [draw.samples_KBCHW[number] for draw in self._draws]
        return samples[0] if len(samples) == 1 else torch.cat(samples)

    def restore(self, degraded: Tensor, num_samples: int) -> Tensor:
        """The first images again, with another y (n, C, H, W) and the same z: (K, n, C, H, W)."""
        draw, n = self._draws[0], len(degraded)
        latent, measurement = [z[:num_samples, :n] for z in draw.latent], draw.measurement[:n]
        features = draw.decoder.encode(replace(measurement, degraded=degraded))
        return draw.decoder.decode(features, latent, measurement)

    def backward(self) -> None:
        """Hand the gradients of all samples on to the generator."""
        for draw in self._draws:
            draw.backward()


class Restorer(Protocol):
    """Draws restorations of measurements: a sampler, or a method it is compared with.

    Attributes:
        stochastic: whether samples of one measurement differ.
    """

    stochastic: bool

    def restore(self, measurement: Measurement, num_samples: int, seeds: Sequence[int], sigma_z: float = 1.0) -> Tensor:
        """K samples of each of B images.

        Args:
            measurement: of B images.
            num_samples: K; 1 where samples do not differ.
            seeds: one for each image, from which all of its randomness comes.
            sigma_z: factor on the latents; 1 samples.

        Returns:
            (K, B, C, H, W) fp32 about [0, 1], on the device of the measurement, neither clipped nor rounded. Gradients
            reach the measurement where autograd is on.
        """
        ...


Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class InferenceConfig:
    """Choices that change the time and not the distribution of the samples.

    Attributes:
        samples_per_pass: decoded at once; of small images more than one keeps a device busy, memory grows with it.
        precision: ``bf16`` computes convolutions in bfloat16 (autocast); what is added to y is rounded so, y is not.
        compile: whether encoder and decoder go through ``torch.compile``, once for each size of images; on CUDA as
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
            raise ValueError(f"precision must be {' or '.join(get_args(Precision))}, got {self.precision}")


class GeneratorSampler:
    """A trained generator as a ``Restorer``: x̂ = project(G(y, z), y), y encoded once, z decoded by passes.

    z of sample k of an image is a function of (seed of the image, k, place in the image): ``SpatialLatent``. So the
    first samples are the same whatever K is, those of an image whatever batch it is in, and whether it is restored
    whole or by tiles. z is drawn on the CPU for any device.

    Args:
        generator: in evaluation mode.
        degradation: whose projection the samples go through.
        config: how it computes.

    Raises:
        ValueError: if the generator unfolds, and the degradation is not linear.
    """

    def __init__(
        self, generator: Generator, degradation: Degradation, config: InferenceConfig = InferenceConfig()
    ) -> None:
        require_data_step(generator, degradation)
        cast(nn.Module, generator).to(memory_format=torch.channels_last)
        self.generator, self.degradation, self.config = generator, degradation, config
        self.stochastic = not is_deterministic(generator)
        self.device = next((p.device for p in cast(nn.Module, generator).parameters()), torch.device("cpu"))
        self._encode, self._decode = self._prepared(generator.encode), self._prepared(generator.decode)

    def __reduce__(self) -> tuple[Any, ...]:
        return GeneratorSampler, (self.generator, self.degradation, self.config)

    def restore(self, measurement: Measurement, num_samples: int, seeds: Sequence[int], sigma_z: float = 1.0) -> Tensor:
        return torch.stack(list(self.samples(measurement, num_samples, seeds, sigma_z)))

    def samples(
        self,
        measurement: Measurement,
        num_samples: int,
        seeds: Sequence[int],
        sigma_z: float = 1.0,
        project: bool = True,
    ) -> Iterator[Tensor]:
        """One after the other, each (B, C, H, W), so that memory does not grow with K; arguments as ``restore``.

        ``project`` is false where y is a bare image, of which the degradation has not said what it needs to project.
        """
        size = measurement.degraded.shape[-2:]
        latents = (SpatialLatent(self.generator, seeds, k).window(0, 0, *size) for k in range(1, num_samples + 1))
        features = self.encode(measurement)
        for sample in self.decode(features, (scale_latent(latent, sigma_z) for latent in latents)):
            yield self.degradation.project(sample, measurement) if project else sample

    def encode(self, measurement: Measurement) -> Any:
        """Features of B images."""
        return self._encode(*encode_arguments(self.generator, self.degradation, measurement.to(self.device)))

    def decode(self, features: Any, latents: Iterable[Latent]) -> Iterator[Tensor]:
        """Decode the z of each sample, maps (1, B, c, h, w), to (B, C, H, W) fp32, not projected."""
        latents = iter(latents)
        while group := list(islice(latents, self.config.samples_per_pass)):
            maps = map(torch.cat, zip(*group, strict=True))
            yield from self._decode(features, [z.to(self.device) for z in maps]).float()

    def _prepared(self, call: Callable[..., Any]) -> Callable[..., Any]:
        cuda_graphs = self.config.compile and self.device.type == "cuda"
        if self.config.compile:
            call = torch.compile(call, mode="reduce-overhead" if cuda_graphs else None)
        bf16 = self.config.precision == "bf16"

        def run(*arguments: Any) -> Any:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):  # not what a caller has chosen
                result = call(*arguments)
            # the next run of a CUDA graph writes over its results
            return tree_map_only(Tensor, Tensor.clone, result) if cuda_graphs else result

        return run
