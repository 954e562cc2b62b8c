"""How the average of a generator is validated: K samples of each held-out image, always of the same measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..bounds import require_at_least
from ..data.degradation import Degradation, measure
from ..data.measurement import Measurement
from ..models.generator import Generator
from ..rng import Rng
from .judging.restorer import Sampler


@dataclass(frozen=True)
class Evaluation:
    """When and with how many samples to validate.

    Measurement and latents of image i are functions of (seed, i) alone and are drawn on the CPU: the same for any
    batch size, number of workers, rank or device, and for runs that differ in their training seed.

    Attributes:
        samples_per_image: K; 1 for a deterministic restorer.
        every_images: validate each time so many clean images have been seen, and at the end.
        seed: of the measurements and of the latents.
    """

    samples_per_image: int
    every_images: int
    seed: int = 0

    def __post_init__(self) -> None:
        counts = {"evaluation.samples_per_image": self.samples_per_image, "evaluation.every_images": self.every_images}
        require_at_least(1, **counts)

    def measure(self, degradation: Degradation, batch: Mapping[str, Any]) -> tuple[Tensor, Measurement]:
        """Clean images in [0, 1] and their measurements, on the device of the batch."""
        images = batch["clean"].float() / 255
        rng = Rng(self.seed, "evaluation", batch["number"].tolist())
        clean, measurement = measure(degradation, images.cpu(), rng)
        return clean.to(images.device), measurement.to(images.device)

    def draw(self, generator: Generator, degradation: Degradation, measurement: Measurement, numbers: Tensor) -> Tensor:
        """K projected samples (K, B, C, H, W) in fp32."""
        rng = Rng(self.seed, "evaluation latent", numbers.tolist())
        return Sampler(generator, degradation).draw(measurement, self.samples_per_image, rng)
