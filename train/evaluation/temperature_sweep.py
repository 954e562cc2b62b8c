"""Samples at other scales of z, from the best guess at 0 to a sample at 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...data.measurement import Measurement
from ..metrics.patch_distribution import PatchDistribution
from ..sampling import Restorer
from .metric_suite import MetricStates, compute, states_of


@torch.no_grad()
def temperature_sweep(
    restorer: Restorer,
    clean: Tensor,
    measurement: Measurement,
    numbers: Sequence[int],
    sigma_zs: Sequence[float],
    seed: int = 0,
) -> dict[float, PatchDistribution]:
    """One sample an image at each factor on z, from the same z: the first sample of image i of seed ``seed + i``.

    Args:
        restorer: a deterministic one has no sweep.
        clean: x, (B, C, H, W).
        measurement: of the same images.
        numbers: of the images.
        sigma_zs: factors on z.
        seed: of z.

    Returns:
        By factor, a metric updated with the batch; the states of metrics of several batches add up.
    """
    metrics = {}
    for sigma_z in sigma_zs if restorer.stochastic else ():
        metrics[sigma_z] = PatchDistribution(1).to(clean.device)
        sample = restorer.restore(measurement, 1, [seed + number for number in numbers], sigma_z)
        metrics[sigma_z].update(sample, clean, measurement)
    return metrics


@dataclass(frozen=True)
class TemperatureSweep:
    """The part of each image in it.

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

    def states_of(self, restorer: Restorer, number: int, clean: Tensor, measurement: Measurement) -> MetricStates:
        """Of image ``number``, (1, C, H, W); empty for a deterministic method."""
        sigma_zs = self.sigma_zs if number < self.images else ()
        metrics = temperature_sweep(restorer, clean, measurement, [number], sigma_zs, self.seed)
        return {state: value for s, metric in metrics.items() for state, value in states_of(metric, _name(s)).items()}

    def compute(self, states: MetricStates) -> dict[float, dict[str, Any]]:
        """Results of ``PatchDistribution`` at each factor, of summed states."""
        there = [sigma_z for sigma_z in self.sigma_zs if f"{_name(sigma_z)}.error" in states]
        return {sigma_z: compute(PatchDistribution(1), _name(sigma_z), states) for sigma_z in there}


def _name(sigma_z: float) -> str:
    return f"sigma_z={sigma_z:g}".replace(".", "_")
