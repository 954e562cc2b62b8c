"""Light is counted in photons, and the counter is read with noise: y = g Poisson(x / g) + sigma n."""

from collections.abc import Sequence

from torch import Tensor

from ...checks import number_or_range, require_in
from ...linear_problem import PoissonProblem
from ...rng import Rng
from ..from_image import ImageSideInfo, ParsedMeasurement
from ..measurement import Measurement, level_map


class Poisson:
    """y = Poisson(p x) / p + (sigma / 255) n with n ~ N(0, I), p photons at white; nothing is clipped.

    Its variance is x / p + (sigma / 255)², so the noise grows with the light. After Foi et al., "Practical
    Poissonian-Gaussian noise modeling and fitting for single-image raw-data" (IEEE TIP 2008).

    Args:
        photons: p. One number: known to the networks by training. A pair ``[low, high]``: drawn for each image, its
            logarithm uniformly, and the condition gains a map of p^(-1/2), the standard deviation at white.
        sigma: standard deviation of the read noise on the 0..255 scale, 0 for none.

    Raises:
        ValueError: if photons leave [1, 1e6] or are no increasing range, or sigma leaves [0, 255].
    """

    residual_unit, unit = "standard deviations", 1
    level = "photons"

    def __init__(self, photons: float | Sequence[float], sigma: float = 0.0) -> None:
        self.low, self.high = number_or_range("photons", photons, "[1, 1e6]")
        require_in("[0, 255]", sigma=sigma)
        self.sigma = sigma / 255
        self.num_maps = 0 if self.low == self.high else 1
        self.accepted_side_info = ("photons",) if self.num_maps else ()

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        photons = self._photons(clean, rng)
        photons_B111 = photons.view(-1, 1, 1, 1)
        degraded = rng.poisson(photons_B111 * clean.clamp(min=0)).to(clean) / photons_B111
        if self.sigma:
            degraded = degraded + self.sigma * rng.randn(*clean.shape[1:]).to(clean)
        return self.at_levels(degraded, photons)

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        """See ``FromImage``: photons are those of training, or given where they were drawn."""
        photons = side_info.photons if self.num_maps else self.low
        if photons is None or not self.low <= photons <= self.high:
            raise ValueError(f"photons at white must be given, from {self.low:g} to {self.high:g}, got {photons}")
        return ParsedMeasurement(self.at_levels(picture, picture.new_tensor([photons])), {"photons": photons})

    def at_levels(self, degraded: Tensor, photons: Tensor) -> Measurement:
        """See ``LevelledDegradation``."""
        maps = level_map(photons.rsqrt(), degraded) if self.num_maps else None
        return Measurement(degraded, maps, {"photons": photons})

    def poisson_problem(self, measurement: Measurement) -> PoissonProblem:
        """See ``PoissonDegradation``.

        Raises:
            ValueError: if the images differ in photons.
        """
        low, high = (float(photons) for photons in measurement.params["photons"].aminmax())
        if low != high:
            raise ValueError(f"photons must be the same for all images of a batch, got {low:g} to {high:g}")
        return PoissonProblem(measurement.degraded, low, self.sigma)

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """RMS of (y - restored) / std(restored), (B,): about 1 for the truth.

        Where less than one photon is expected, the standard deviation is taken as that of one: in black regions, where
        the truth leaves no remainder at all, it is less than 1 for the truth.
        """
        photons = measurement.params["photons"].view(-1, 1, 1, 1)
        variance = restored.maximum(1 / photons) / photons + self.sigma**2
        return ((measurement.degraded - restored).square() / variance).mean(dim=(1, 2, 3)).sqrt()

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The identity: counts have full support, and every image that is not black explains every measurement."""
        return restored

    def _photons(self, clean: Tensor, rng: Rng) -> Tensor:
        uniform = rng.rand().to(clean) if self.num_maps else clean.new_zeros(len(clean))
        return self.low * (self.high / self.low) ** uniform
