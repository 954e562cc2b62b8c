"""What problems with a known posterior offer."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from ...rng import Rng
from ..degradation import Degradation
from ..measurement import Measurement


class ToyProblem(Protocol):
    """A distribution p(x) of images, a degradation p(y | x), and the posterior p(x | y) they imply.

    Attributes:
        image_channels: C.
        degradation: p(y | x).
    """

    image_channels: int
    degradation: Degradation

    def draw(self, rng: Rng) -> Tensor:
        """x ~ p(x), (B, C, H, W) float32, an image for each generator."""

    def posterior_mean(self, measurement: Measurement) -> Tensor:
        """E[x | y], (B, C, H, W) float64: the estimate of least mean squared error."""

    def posterior_variance(self, measurement: Measurement) -> Tensor:
        """Var[x | y] of each value, (B, C, H, W) float64; its mean over images is the MMSE."""

    def posterior_samples(self, measurement: Measurement, num_samples: int, rng: Rng) -> Tensor:
        """x ~ p(x | y), (K, B, C, H, W) float64, image b from the b-th generator."""


@runtime_checkable
class Denoising(Protocol):
    """A problem whose denoiser is known at every noise level: where y = x + noise, it is all that a sampler needs."""

    sigma: float

    def denoise(self, noisy: Tensor, sigma: float) -> Tensor:
        """E[x | x + sigma n] of (N, C, H, W), for any standard deviation, in the precision of ``noisy``."""
