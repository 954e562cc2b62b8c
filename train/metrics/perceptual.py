"""How different restorations look from the truth, by a distance learnt from people."""

from torch import Tensor

from ...data.measurement import Measurement
from ...models.features.perceptual import PerceptualDistance
from .image_metric import ImageMetric, full_precision

SERIES = ("degraded", "sample", "mean")


class Perceptual(ImageMetric):
    """Mean distance of y, of the first sample and of the mean of samples from the truth, from float64 sums.

    Images are clamped to [0, 1], as they are seen, and not rounded.

    Args:
        distance: between pairs of images.
        name: of the results.
    """

    def __init__(self, distance: PerceptualDistance, name: str) -> None:
        super().__init__()
        self.distance, self.name = distance, name
        self.add_sums(("images", *SERIES))

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        shown = (measurement.degraded, samples_KBCHW[0], samples_KBCHW.mean(dim=0))
        distances = (self.distance(images.float().clamp(0, 1), clean).double().sum() for images in shown)
        self.add(images=len(clean), **dict(zip(SERIES, distances, strict=True)))

    def compute(self) -> dict[str, float]:
        """``NAME_degraded``, ``NAME_sample`` and ``NAME_mean``, means over images."""
        total = self.totals(("images", *SERIES))
        return {f"{self.name}_{series}": total[series] / total["images"] for series in SERIES}
