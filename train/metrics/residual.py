"""How far restorations are from explaining what was measured, in the unit of their degradation."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from ...data.degradation import Degradation
from ...data.measurement import Measurement


class Residual(Metric):
    """The degradation's own residual of samples, of their mean, and of the clean images, as a mean over images.

    Args:
        degradation: of the measurements; its ``residual`` says what the unit is.
    """

    full_state_update = False
    images: Tensor
    sample: Tensor
    mean: Tensor
    clean: Tensor

    def __init__(self, degradation: Degradation) -> None:
        super().__init__()
        self.degradation = degradation
        for name in ("images", "sample", "mean", "clean"):
            self.add_state(name, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        """Add a batch: (K, B, C, H, W), (B, C, H, W) and its measurement; of the samples the first is taken."""
        residual = self.degradation.residual
        self.images = self.images + len(clean)
        self.sample = self.sample + residual(samples_KBCHW[0], measurement).double().sum()
        self.mean = self.mean + residual(samples_KBCHW.mean(dim=0), measurement).double().sum()
        self.clean = self.clean + residual(clean, measurement).double().sum()

    def compute(self) -> dict[str, float]:
        """``sample``, ``mean`` and ``clean``."""
        return {name: float(getattr(self, name) / self.images) for name in ("sample", "mean", "clean")}
