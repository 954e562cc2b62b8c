"""A batch on its way through the training step: images, measurements, random streams, and what the critic sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.measurement import Measurement
from ..losses.penalty import Terms
from ..rng import Rng


@dataclass(frozen=True)
class StepRandomness:
    """The random streams of the images of a batch, each a function of (seed, name, number of the image)."""

    seed: int
    numbers: Sequence[int]
    device: torch.device

    def stream(self, name: str) -> Rng:
        """From its beginning, at every call."""
        return Rng(self.seed, name, self.numbers, self.device)

    def __getitem__(self, images: slice) -> StepRandomness:
        return StepRandomness(self.seed, self.numbers[images], self.device)


@dataclass(frozen=True)
class Batch:
    """This rank's share of a batch, or a micro-batch of it.

    Attributes:
        clean: x, (B, C, H, W).
        start: place of the first image in the batch of all ranks.
        total: images in the batch of all ranks.
    """

    clean: Tensor
    measurement: Measurement
    randomness: StepRandomness
    start: int
    total: int

    def split(self, size: int | None) -> Iterator[Batch]:
        """Micro-batches of at most ``size`` images; None is the whole."""
        size = size or len(self.clean)
        for first in range(0, len(self.clean), size):
            part = slice(first, min(first + size, len(self.clean)))
            clean, measurement = self.clean[part], self.measurement[part]
            yield Batch(clean, measurement, self.randomness[part], self.start + first, self.total)

    def share(self, terms: Terms) -> Terms:
        """Means over these images, as a share of the batch of all ranks: the shares add up to its mean."""
        return {name: term._replace(images=len(self.clean), total=self.total) for name, term in terms.items()}


@dataclass(frozen=True)
class CriticBatch:
    """What the critic sees of a micro-batch, without the generator's graph.

    Attributes:
        fake: one sample of each image, (B, C, H, W).
        condition: see ``critic_condition``.
    """

    batch: Batch
    fake: Tensor
    condition: Tensor


def critic_condition(measurement: Measurement, other_sample: Tensor | None) -> Tensor:
    """What the critic is conditioned on: y, its maps, and the other sample of a pair."""
    condition = measurement.condition
    return condition if other_sample is None else torch.cat([condition, other_sample], dim=1)
