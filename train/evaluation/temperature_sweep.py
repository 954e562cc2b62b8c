"""Samples at other scales of z, from the best guess at 0 to a sample at 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...data.measurement import Measurement
from ..metrics.patch_distribution import PatchDistribution
from ..sampling import Restorer
from .metric_suite import MetricStates, compute, states_of


@dataclass(frozen=True)
class TemperatureSweep:
    """One sample an image at each factor on z, from the same z: the first sample of image i of seed ``seed + i``.

    Attributes:
        sigma_zs: factors on z, each at least 0.
        images: of the first so many.
        seed: of z.
    """

    sigma_zs: Sequence[float]
    images: int
    seed: int

    def __post_init__(self) -> None:
        wrong = next((sigma_z for sigma_z in self.sigma_zs if not sigma_z >= 0), None)
        if wrong is not None:
            raise ValueError(f"sigma_z must be >= 0, got {wrong}")

    @torch.no_grad()
    def metrics(
        self, restorer: Restorer, clean: Tensor, measurement: Measurement, numbers: Sequence[int]
    ) -> dict[float, PatchDistribution]:
        """By factor, a metric updated with a batch x, (B, C, H, W); none for a method without z."""
        found = {}
        for sigma_z in self.sigma_zs if restorer.stochastic and getattr(restorer, "scales_z", True) else ():
            found[sigma_z] = PatchDistribution(1).to(clean.device)
            sample = restorer.restore(measurement, 1, [self.seed + number for number in numbers], sigma_z)
            found[sigma_z].update(sample, clean, measurement)
        return found

    def states_of(self, restorer: Restorer, number: int, clean: Tensor, measurement: Measurement) -> MetricStates:
        """The part of image ``number``, (1, C, H, W)."""
        if number >= self.images:
            return {}
        metrics = self.metrics(restorer, clean, measurement, [number])
        return {state: value for s, metric in metrics.items() for state, value in states_of(metric, _name(s)).items()}

    def compute(self, states: MetricStates) -> dict[float, dict[str, Any]]:
        """Results of ``PatchDistribution`` at each factor, of summed states."""
        there = [sigma_z for sigma_z in self.sigma_zs if f"{_name(sigma_z)}.error" in states]
        return {sigma_z: compute(PatchDistribution(1), _name(sigma_z), states) for sigma_z in there}


def _name(sigma_z: float) -> str:
    return f"sigma_z={sigma_z:g}".replace(".", "_")
