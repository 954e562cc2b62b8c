"""The seam between images and measurements."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ..rng import Rng
from .measurement import Measurement


class Degradation(Protocol):
    """A forward operator with noise, p(y | x), and its own notion of consistency.

    Attributes:
        num_maps: condition maps it adds to y (``Measurement.maps`` has that many channels).
    """

    num_maps: int

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        """Degrade (B, C, H, W) in [0, 1]; image b uses the b-th generator of ``rng`` and nothing else."""
        ...

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """How far each restored image is from explaining its measurement, (B,), in the unit the class states."""
        ...

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The nearest image that explains the measurement, (B, C, H, W)."""
        ...
