"""How different restorations look from the truth, by a distance learnt from people."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from ...data.measurement import Measurement
from ...models.features.perceptual import PerceptualDistance

SHOWN = ("degraded", "sample", "mean")


class Perceptual(Metric):
    """Mean distance of y, of the first sample and of the mean of samples from the truth, from float64 sums.

    Images are clamped to [0, 1], as they are seen, and not rounded.

    Args:
        distance: between pairs of images.
        name: of the figures.
    """

    full_state_update = False
    images: Tensor

    def __init__(self, distance: PerceptualDistance, name: str) -> None:
        super().__init__()
        self.distance, self.name = distance, name
        for state in ("images", *SHOWN):
            self.add_state(state, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        """Add a batch: (K, B, C, H, W), (B, C, H, W) and its measurement."""
        self.images = self.images + len(clean)
        shown = (measurement.degraded, samples_KBCHW[0], samples_KBCHW.mean(dim=0))
        for state, images in zip(SHOWN, shown, strict=True):
            distances = self.distance(images.clamp(0, 1), clean)
            setattr(self, state, getattr(self, state) + distances.double().sum())

    def compute(self) -> dict[str, float]:
        """``NAME_degraded``, ``NAME_sample`` and ``NAME_mean``, means over images."""
        return {f"{self.name}_{state}": float(getattr(self, state) / self.images) for state in SHOWN}
