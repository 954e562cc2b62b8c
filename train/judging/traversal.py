"""Samples at other scales of z, from the best guess at 0 to a sample at 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...data.measurement import Measurement
from ...rng import Rng
from ..metrics.patch_law import PatchLaw
from .panel import States, compute
from .restorer import Restorer


@dataclass(frozen=True)
class Traversal:
    """One sample an image at each scale.

    Attributes:
        scales: of z, each at least 0.
        seed: of the latents.
    """

    scales: Sequence[float]
    seed: int

    def __post_init__(self) -> None:
        wrong = next((scale for scale in self.scales if not scale >= 0), None)
        if wrong is not None:
            raise ValueError(f"sigma_z has {wrong}; allowed are numbers of 0 or more")

    @torch.no_grad()
    def states_of(self, restorer: Restorer, number: int, clean: Tensor, measurement: Measurement) -> States:
        """The part of image ``number``, (1, C, H, W); nothing of a restorer without z."""
        states: States = {}
        for scale in self.scales if restorer.stochastic else ():
            law = PatchLaw(1)
            sample = restorer.draw(measurement, 1, Rng(self.seed, "evaluation latent", [number]), scale)
            law.to(sample.device).update(sample, clean, measurement)
            states |= {f"{_name(scale)}.{state}": getattr(law, state).cpu() for state in law.metric_state}
        return states

    def compute(self, states: States) -> dict[float, dict[str, Any]]:
        """What ``PatchLaw`` says at each scale, of summed states."""
        return {
            scale: compute(PatchLaw(1), _name(scale), states)
            for scale in self.scales
            if any(key.startswith(f"{_name(scale)}.") for key in states)
        }


def _name(scale: float) -> str:
    return f"sigma_z {scale:g}".replace(".", "_")
