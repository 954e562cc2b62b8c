"""Whether restorations explain what was measured: residuals, and counts of coefficients that a file must have."""

import torch
from torch import Tensor

from ...data.degradation import Degradation, Verifiable
from ...data.measurement import Measurement
from .decibels import psnr
from .image_metric import ImageMetric, full_precision

RESIDUALS = ("sample", "mean", "clean")
ROWS = {
    "degraded": "y, plain decode",
    "sample": "one sample",
    "sample_finished": " - finished",
    "mean": "mean of samples",
    "mean_finished": " - finished",
}
SUMS = (
    *("levels", "levels_wrong", "blocks", "blocks_wrong", "pictures", "pictures_wrong"),
    *("reencode_rmse", "violation", "squared_error", "values"),
)


class Residual(ImageMetric):
    """The degradation's own residual of samples, of their mean, and of the clean images, as a mean over images.

    Args:
        degradation: of the measurements; its ``residual`` says what the unit is.
    """

    def __init__(self, degradation: Degradation) -> None:
        super().__init__()
        self.degradation = degradation
        self.add_sums(("images", *RESIDUALS))

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        shown = (samples_KBCHW[0], samples_KBCHW.mean(dim=0), clean)
        residuals = (self.degradation.residual(images, measurement).double().sum() for images in shown)
        self.add(images=len(clean), **dict(zip(RESIDUALS, residuals, strict=True)))

    def compute(self) -> dict[str, float]:
        """``sample``, ``mean`` and ``clean``."""
        total = self.totals(("images", *RESIDUALS))
        return {name: total[name] / total["images"] for name in RESIDUALS}


class JpegConsistency(ImageMetric):
    """Figures of 8-bit images after a certifying degradation looked at them, from float64 sums.

    Rows are the plain decode, the first sample and the mean of all, the last two rounded to 8 bits as they are, and
    ``finished``: moved to where they explain the file exactly.

    Args:
        degradation: of the measurements.
    """

    def __init__(self, degradation: Verifiable) -> None:
        super().__init__()
        self.degradation = degradation
        self.add_sums(f"{row}_{name}" for row in ROWS for name in SUMS)

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        for name, restored in (("sample", samples_KBCHW[0]), ("mean", samples_KBCHW.mean(dim=0))):
            self._add(name, to_8_bits(restored), clean, measurement)
            self._add(f"{name}_finished", self.degradation.to_exact_uint8(restored, measurement), clean, measurement)
        self._add("degraded", to_8_bits(measurement.degraded), clean, measurement)

    def _add(self, row: str, image: Tensor, clean: Tensor, measurement: Measurement) -> None:
        certificate = self.degradation.verify(image, measurement)
        sums = {name: getattr(certificate, name).double().sum() for name in SUMS if name in certificate._fields}
        sums["pictures"] = len(image)
        sums["pictures_wrong"] = (certificate.levels_wrong > 0).sum()
        sums["squared_error"] = (image.double() / 255 - clean).square().sum()
        sums["values"] = image.numel()
        self.add(**{f"{row}_{name}": value for name, value in sums.items()})

    def compute(self) -> dict[str, float]:
        """Shares that match, of levels, blocks and pictures; means over pictures; PSNR pooled; by row/figure."""
        scores = {}
        for row in ROWS:
            total = {name: float(getattr(self, f"{row}_{name}")) for name in SUMS}
            for unit in ("levels", "blocks", "pictures"):
                scores[f"{row}/{unit}"] = 1 - total[f"{unit}_wrong"] / total[unit]
            scores[f"{row}/reencode_rmse"] = total["reencode_rmse"] / total["pictures"]
            scores[f"{row}/violation_steps"] = total["violation"] / total["pictures"]
            scores[f"{row}/psnr"] = psnr(total["squared_error"] / total["values"])
        return scores


def to_8_bits(image: Tensor) -> Tensor:
    """[0, 1] to 0..255, rounded and clipped, uint8."""
    return (255 * image).round().clamp(0, 255).to(torch.uint8)
