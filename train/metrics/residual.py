"""How far restorations are from explaining what was measured, in the unit of their degradation."""

from __future__ import annotations

from torch import Tensor

from ...data.degradation import Degradation
from ...data.measurement import Measurement
from .image_metric import ImageMetric, full_precision

SERIES = ("sample", "mean", "clean")


class Residual(ImageMetric):
    """The degradation's own residual of samples, of their mean, and of the clean images, as a mean over images.

    Args:
        degradation: of the measurements; its ``residual`` says what the unit is.
    """

    def __init__(self, degradation: Degradation) -> None:
        super().__init__()
        self.degradation = degradation
        self.add_sums(("images", *SERIES))

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        """Add a batch: (K, B, C, H, W), (B, C, H, W) and its measurement; of the samples the first is taken."""
        shown = (samples_KBCHW[0], samples_KBCHW.mean(dim=0), clean)
        residuals = (self.degradation.residual(images, measurement).double().sum() for images in shown)
        self.add(images=len(clean), **dict(zip(SERIES, residuals, strict=True)))

    def compute(self) -> dict[str, float]:
        """``sample``, ``mean`` and ``clean``."""
        total = self.totals(("images", *SERIES))
        return {name: total[name] / total["images"] for name in SERIES}
