"""The protocol of generators: encode a condition once, decode as many samples as wanted."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..rng import Rng

Latent = Sequence[Tensor]
"""z: noise maps from coarse to fine, each (K, B, c, h, w); empty for a deterministic generator."""

MapSize = tuple[int, int, int]
"""(c, h, w) of a map of z."""


class LatentSource(Protocol):
    """What draws z for images of any size.

    Attributes:
        stride: pixels in which each map of z has a whole number of values.
    """

    @property
    def stride(self) -> int: ...

    def draw_latent(self, num_samples: int, height: int, width: int, rng: Rng) -> Latent:
        """z ~ N(0, I) for images of H x W, as many as ``rng`` has generators; drawn on the device of ``rng``."""
        ...


class Generator(LatentSource, Protocol):
    """x̂ = G(y, z). All randomness is in z; any H and W (padding and cropping happen inside).

    ``stride`` is also that to whose multiples images are padded, at the right and the bottom: a window of an image that
    begins at multiples of it is seen as it is seen in the image.
    """

    def encode(self, condition: Tensor) -> Any:
        """Features of (B, C + M, H, W), all of the work that does not depend on z."""
        ...

    def decode(self, features: Any, latent: Latent) -> Tensor:
        """One image a sample and measurement, (K, B, C, H, W), neither clamped nor rounded; K is 1 without z.

        Raises:
            ValueError: if the maps of z are not those of the images encoded, in number or in size.
        """
        ...


def draw_maps(sizes: Sequence[MapSize], num_samples: int, rng: Rng) -> Latent:
    """z ~ N(0, I), (K, B, c, h, w) of each size; one draw an image, however many maps: the kernel launches of one."""
    counts = [num_samples * c * h * w for c, h, w in sizes]
    maps = torch.split(rng.randn(sum(counts)), counts, dim=1) if counts else ()
    return [z.reshape(len(rng), num_samples, *size).movedim(1, 0) for z, size in zip(maps, sizes, strict=True)]


class NoiseMapGenerator(nn.Module):
    """A generator whose z is maps of known sizes; for subclasses that define ``latent_sizes``."""

    def latent_sizes(self, height: int, width: int) -> list[MapSize]:
        """Of each map of z for images of H x W before padding, coarse to fine; none for a deterministic network."""
        raise NotImplementedError

    def draw_latent(self, num_samples: int, height: int, width: int, rng: Rng) -> Latent:
        return draw_maps(self.latent_sizes(height, width), num_samples, rng)

    def noise_maps(self, latent: Latent, height: int, width: int, like: Tensor) -> tuple[int, list[Tensor]]:
        """K, 1 without z, and each map as (K * B, c, h, w) of the type and device of ``like``.

        Raises:
            ValueError: if the maps are not those of images of H x W, in number or in size, or are not of equally many
                samples and images.
        """
        expected = [(h, w) for _, h, w in self.latent_sizes(height, width)]
        received = [(z.shape[-2], z.shape[-1]) for z in latent]
        if received != expected:
            raise ValueError(
                f"latent must have maps of {_runs(expected)} for images of {height} x {width}, got {_runs(received)}"
            )
        if any(z.shape[:2] != latent[0].shape[:2] for z in latent):
            raise ValueError(
                f"maps of z must be of as many samples and images, got {[tuple(z.shape[:2]) for z in latent]}"
            )
        return latent[0].shape[0] if latent else 1, [z.to(like).flatten(0, 1) for z in latent]


def _runs(sizes: Sequence[tuple[int, int]]) -> str:
    return ", ".join(f"{len(list(run))} of {h} x {w}" for (h, w), run in groupby(sizes)) or "none"


def is_deterministic(generator: Generator) -> bool:
    """Whether it has no z."""
    return not generator.draw_latent(1, 1, 1, Rng(0, "latent", [0]))


def takes_data_step(generator: LatentSource) -> bool:
    """Whether it unfolds: ``encode`` is told the data step of the measurement beside the condition."""
    return getattr(generator, "takes_data_step", False)


def latent_strides(generator: LatentSource) -> list[int]:
    """Pixels of the image a value of z is wide, of each map."""
    stride = generator.stride
    return [stride // z.shape[-1] for z in generator.draw_latent(1, stride, stride, Rng(0, "latent", [0]))]


def repeat(x: Tensor, num_samples: int) -> Tensor:
    """(B, ...) to (K * B, ...), the order of a flattened (K, B, ...): a feature of y, once for each sample."""
    return x.expand(num_samples, *x.shape).flatten(0, 1)


def scale_latent(latent: Latent, sigma_z: float) -> Latent:
    """z at another temperature: 1 samples, 0 gives the centre, between them the spread grows."""
    return [sigma_z * z for z in latent]
