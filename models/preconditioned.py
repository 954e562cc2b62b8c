"""A generator between scalings that make its task the same at every noise level (EDM, arXiv 2206.00364, section 5)."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from ..rng import Rng
from .generator import Generator, Latent

MEAN, STD = 0.5, 0.25  # m and σd: of images in [0, 1]
KNOTS, LOWEST, HIGHEST = 6, 0.5 / 255, 4.0  # levels, of one ratio, between which the first layer is interpolated


class Features(NamedTuple):
    """All that ``decode`` needs but z."""

    inner: Any
    """What the network makes of ``shown``."""
    shown: Tensor
    """The scaled image, (B, C, H, W)."""
    kept: Tensor
    """m + c_skip (y − m), (B, C, H, W)."""
    factor: Tensor
    """s c_in, (B, 1, H, W)."""


class Preconditioned(nn.Module):
    """D(y, s) = m + c_skip (y − m) + c_out U(c_in (y − m), ¼ ln s), of images y = x + s n, s being the map of y.

    With the mean m = ½ and the standard deviation σd = ¼ of images, equations 7 and 8 of the paper are::

        c_skip = σd² / (s² + σd²)    c_out = s σd / √(s² + σd²)    c_in = 1 / √(s² + σd²)

    U has inputs and, where it is trained to the squared error over c_out², targets of variance 1 at every level. As
    s → 0, D is y whatever U is; as s → ∞ nothing of y is left but what U sees, and D is m where U is 0.

    The network is shown images of [0, 1] as everywhere, w = m + σd c_in (y − m), and σd U is what it adds to w. Beside
    w it gets ln s, as weights of six knots from 0.5 to 1,020 of 255, linear between two, and w − m times each: its
    first layer is one a knot, interpolated, and can amplify the little that U is made of where s is small.

    The scalings are in fp32 at least, also where autocast computes the network in 16 bit: (D − y) / s² is a score, in
    which their rounding would be all there is.

    Args:
        image_channels: C.
        condition_channels: C + 1, with the map of s in units of images, as of ``GaussianNoise`` with a range.
        network: makes the generator in between from ``image_channels`` and ``condition_channels``.
        latent_channels: further argument of ``network``, 0 for one without z; None for its own.

    Raises:
        ValueError: if y has not one map.
    """

    def __init__(
        self,
        image_channels: int,
        condition_channels: int,
        network: Callable[..., Generator],
        latent_channels: int | None = None,
    ) -> None:
        super().__init__()
        if condition_channels != image_channels + 1:
            raise ValueError(
                f"condition_channels must be {image_channels + 1}, of images and one map of the noise level, as of a "
                f"GaussianNoise with a range of sigma, got {condition_channels}"
            )
        self.image_channels = image_channels
        seen = image_channels + KNOTS * (1 + image_channels)
        latents = {} if latent_channels is None else {"latent_channels": latent_channels}
        self.network = cast(Any, network(image_channels=image_channels, condition_channels=seen, **latents))

    @property
    def stride(self) -> int:
        """That of the network."""
        return int(self.network.stride)

    def encode(self, condition: Tensor) -> Features:
        """Features of (B, C + 1, H, W)."""
        centred, s = condition[:, : self.image_channels] - MEAN, condition[:, self.image_channels :]
        c_in, c_skip = (s**2 + STD**2).rsqrt(), STD**2 / (s**2 + STD**2)
        scaled = STD * c_in * centred
        knots = _knots(s)
        layers = (knots[:, :, None] * scaled[:, None]).flatten(1, 2)
        inner = self.network.encode(torch.cat([MEAN + scaled, knots, MEAN + layers], dim=1))
        return Features(inner, MEAN + scaled, MEAN + c_skip * centred, s * c_in)

    def decode(self, features: Features, latent: Latent) -> Tensor:
        change: Tensor = self.network.decode(features.inner, latent) - features.shown  # σd U
        return features.kept + features.factor * change  # c_out U = s c_in σd U

    def draw_latent(self, num_samples: int, height: int, width: int, rng: Rng) -> Latent:
        """z of the network."""
        return cast(Latent, self.network.draw_latent(num_samples, height, width, rng))


def _knots(s: Tensor) -> Tensor:
    """(B, 1, H, W) to (B, KNOTS, H, W): weights, at least 0, of sum 1; levels beyond the ends count as these."""
    place = (KNOTS - 1) * (s / LOWEST).log() / math.log(HIGHEST / LOWEST)
    knots = torch.arange(KNOTS, device=s.device, dtype=s.dtype).view(-1, 1, 1)
    return (1 - (place.clamp(0, KNOTS - 1) - knots).abs()).clamp(min=0)
