"""Additive white Gaussian noise: y = x + sigma n."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from torch import Tensor

from ...checks import number_or_range
from ...linear_problem import LinearProblem, denoising_problem
from ...rng import Rng
from ..from_image import ImageSideInfo, ParsedMeasurement, SideInfoEstimate
from ..measurement import Measurement, level_map
from ..noise_level import MIN_SIDE, NoiseLevel, noise_level

FAR = 0.25  # of sigma: so far from it, a warning is given
UNKNOWN = "the level of its noise cannot be found, which is not white, or hidden by texture"
HALVED = "its noise is found in luma alone: chroma holds less, as where a file stores it at half resolution"
TOLERANCE = 1e-6  # of sigma, on the 0..255 scale: rounding
Draw = Literal["uniform", "log"]


class GaussianNoise:
    """y = x + (sigma / 255) n with n ~ N(0, I); neither noise nor y is clipped.

    Args:
        sigma: standard deviation on the 0..255 scale. One number: known to the networks by training. A pair
            ``[low, high]``: drawn for each image, and the condition gains a map of sigma / 255.
        draw: of a pair, ``uniform``, or ``log`` for a uniform logarithm, as for levels of several magnitudes.

    Raises:
        ValueError: if a sigma leaves (0, 1020], where nothing of an image is left to see, or a range is not increasing.
    """

    residual_unit, unit, window_unit = "sigma", 1, 1
    level = "sigma"
    accepted_side_info = ("sigma",)

    def __init__(self, sigma: float | Sequence[float], draw: Draw = "uniform") -> None:
        self.low, self.high = (bound / 255 for bound in number_or_range("sigma", sigma, "(0, 1020]"))
        if draw not in get_args(Draw):
            raise ValueError(f"draw must be {' or '.join(get_args(Draw))}, got {draw}")
        self.draw, self.num_maps = draw, 0 if self.low == self.high else 1

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        uniform = rng.rand().to(clean) if self.num_maps else clean.new_zeros(len(clean))
        log = self.draw == "log"
        sigma = self.low * (self.high / self.low) ** uniform if log else self.low + (self.high - self.low) * uniform
        degraded = clean + sigma.view(-1, 1, 1, 1) * rng.randn(*clean.shape[1:]).to(clean)
        return self.at_levels(degraded, sigma)

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
            raise ValueError(f"sigma must be {allowed} on the 0..255 scale, got {sigma}")
        return self.at_levels(degraded, degraded.new_full((len(degraded),), sigma / 255))

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        measurement = self.measure(picture, side_info.sigma)
        return ParsedMeasurement(measurement, {"sigma": 255 * self.low if side_info.sigma is None else side_info.sigma})

    def side_info(self, measurement: Measurement) -> ImageSideInfo:
        return ImageSideInfo(sigma=255 * float(measurement.params["sigma"]))

    def estimate_side_info(
        self,
        pixels: np.ndarray,
        side_info: ImageSideInfo,
        visible: np.ndarray | None = None,
        tables: Sequence[np.ndarray] = (),
    ) -> SideInfoEstimate:
        """See ``EstimatesSideInfo``: sigma as estimated, clipped to the range; one that is given or fixed stands."""
        large = min(pixels.shape[:2]) >= MIN_SIDE
        found, told = noise_level(pixels, visible, tables) if large else NoiseLevel(None), side_info.sigma is not None
        low, high = 255 * self.low, 255 * self.high
        unknown = UNKNOWN if large else f"it has less than {MIN_SIDE} pixels a side, too few to estimate its noise"
        if not told and low < high and found.sigma is None:
            raise ValueError(f"{unknown}; give sigma")
        sigma = side_info.sigma if side_info.sigma is not None else min(max(found.sigma or low, low), high)
        about = unknown if found.sigma is None and large and not told else None
        if found.sigma is not None and abs(found.sigma - sigma) > FAR * sigma:
            about = f"its noise has a sigma of about {found.sigma:.1f}"
        warnings = [HALVED] if found.luma_only and not told else []
        if about is not None:
            trained = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            warnings.append(f"{about}; it is restored as one of {sigma:g}, and the run was trained on {trained}")
        return SideInfoEstimate(replace(side_info, sigma=sigma), {"sigma_found": found.sigma}, tuple(warnings))

    def at_levels(self, degraded: Tensor, sigma: Tensor) -> Measurement:
        """See ``LevelledDegradation``; sigma in units of images in [0, 1]."""
        maps = level_map(sigma, degraded) if self.num_maps else None
        return Measurement(degraded, maps, {"sigma": sigma})

    def linear_problem(self, measurement: Measurement) -> LinearProblem:
        """See ``LinearDegradation``: A = I.

        Raises:
            ValueError: if the images differ in sigma.
        """
        low, high = (float(sigma) for sigma in measurement.params["sigma"].aminmax())
        if low != high:
            raise ValueError(f"sigma must be the same for all images of a batch, got {255 * low:g} to {255 * high:g}")
        return denoising_problem(measurement.degraded, low)

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """RMS of the remainder y - restored in units of sigma, (B,): about 1 for a consistent restoration."""
        remainder = (measurement.degraded - restored).square().mean(dim=(1, 2, 3)).sqrt()
        return remainder / measurement.params["sigma"]

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The identity: Gaussian noise has full support, every image can explain every measurement."""
        return restored
