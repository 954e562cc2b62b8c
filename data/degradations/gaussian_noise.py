"""Additive white Gaussian noise: y = x + sigma n."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...rng import Rng
from ..from_image import ImageSideInfo, ParsedMeasurement
from ..measurement import Measurement

LARGEST_SIGMA = 255.0
TOLERANCE = 1e-6  # of sigma, on the 0..255 scale: rounding


class GaussianNoise:
    """y = x + (sigma / 255) n with n ~ N(0, I); neither noise nor y is clipped.

    Args:
        sigma: standard deviation on the 0..255 scale. One number: known to the networks by training. A pair
            ``[low, high]``: drawn uniformly for each image, and the condition gains a map of sigma / 255.

    Raises:
        ValueError: if a sigma leaves (0, 255] or a range is not increasing.
    """

    residual_unit, unit = "sigma", 1

    def __init__(self, sigma: float | Sequence[float]) -> None:
        bounds = [float(s) for s in sigma] if isinstance(sigma, Sequence) else [float(sigma)] * 2
        if len(bounds) != 2 or not 0 < bounds[0] <= bounds[1] <= LARGEST_SIGMA:
            raise ValueError(
                f"sigma is {sigma}; allowed is one number in (0, {LARGEST_SIGMA:g}] on the 0..255 scale, "
                "or an increasing pair [low, high] of such numbers"
            )
        self.low, self.high = (bound / 255 for bound in bounds)
        self.num_maps = 0 if self.low == self.high else 1
        self.accepted_side_info = ("sigma",) if self.num_maps else ()

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        """Degrade (B, C, H, W) in [0, 1]."""
        uniform = rng.rand().to(clean) if self.num_maps else torch.zeros(len(clean)).to(clean)
        sigma = self.low + (self.high - self.low) * uniform
        degraded = clean + sigma.view(-1, 1, 1, 1) * rng.randn(*clean.shape[1:]).to(clean)
        return self._measurement(degraded, sigma)

    def measure(self, degraded: Tensor, sigma: float | None = None) -> Measurement:
        """The measurement that noisy images are.

        Args:
            degraded: y, (B, C, H, W).
            sigma: of their noise on the 0..255 scale; None for the one number this noise has.

        Raises:
            ValueError: if sigma is not in the range of this noise, or None where it has a range.
        """
        low, high = 255 * self.low, 255 * self.high
        if sigma is None and low == high:
            sigma = low
        if sigma is None or not low - TOLERANCE <= sigma <= high + TOLERANCE:
            allowed = f"{low:g}" if low == high else f"a number from {low:g} to {high:g}"
            raise ValueError(f"sigma is {sigma}; allowed is {allowed} on the 0..255 scale")
        return self._measurement(degraded, degraded.new_full((len(degraded),), sigma / 255))

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        """See ``FromImage``."""
        measurement = self.measure(picture, side_info.sigma)
        return ParsedMeasurement(measurement, {"sigma": 255 * self.low if side_info.sigma is None else side_info.sigma})

    def _measurement(self, degraded: Tensor, sigma: Tensor) -> Measurement:
        maps = sigma.view(-1, 1, 1, 1).expand(-1, 1, *degraded.shape[2:]) if self.num_maps else None
        return Measurement(degraded, maps, {"sigma": sigma})

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """RMS of the remainder y - restored in units of sigma, (B,): about 1 for a consistent restoration."""
        remainder = (measurement.degraded - restored).square().mean(dim=(1, 2, 3)).sqrt()
        return remainder / measurement.params["sigma"]

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The identity: Gaussian noise has full support, every image can explain every measurement."""
        return restored
