"""What a validation says of a sampler: distortion, diversity, and whether the two belong together."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.image import structural_similarity_index_measure as ssim

from ...data.measurement import Measurement
from ...losses.fair_crps import FairCRPS

SUMS = (
    "images",
    "values",
    "error_degraded",
    "error_sample",
    "error_mean",
    "variance",
    "psnr_degraded",
    "psnr_sample",
    "psnr_mean",
    "ssim_degraded",
    "ssim_sample",
    "ssim_mean",
    "crps",
    "roughness_degraded",
    "roughness_sample",
    "roughness_mean",
    "roughness_clean",
)


def gain_db_exact(num_samples: int) -> float:
    """What averaging K samples gains over one if they are exact: MSE_K = (1 + 1/K) MMSE, so 10 log10(2K / (K + 1))."""
    return 10 * math.log10(2 * num_samples / (num_samples + 1))


def psnr(mean_squared_error: float | Tensor) -> float:
    """In dB, for images in [0, 1]."""
    return -10 * math.log10(max(float(mean_squared_error), 1e-20))


class Quality(Metric):
    """Scores of K samples an image, from float64 sums: the same for any batch layout or number of ranks.

    Images are neither clamped nor rounded. PSNRs are pooled over all values, and ``*_per_image`` are means of each
    image's own. Single-sample figures average over the K samples; SSIM takes the first one. Sharpness is the root mean
    square difference of neighbouring pixels over that of the clean images: 1 is as sharp as they are, noise has more.

    Args:
        samples_per_image: K, at least 1; with 1 (a deterministic restorer) gain and spread are 0.
    """

    full_state_update = False

    def __init__(self, samples_per_image: int) -> None:
        super().__init__()
        self.samples_per_image = samples_per_image
        for name in SUMS:
            self.add_state(name, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        """Add a batch: (K, B, C, H, W), (B, C, H, W) and its measurement."""
        degraded = measurement.degraded
        samples_KBCHW, mean = samples_KBCHW.float(), samples_KBCHW.float().mean(dim=0)
        self._add(images=len(clean), values=clean.numel())
        if self.samples_per_image > 1:
            self._add(variance=samples_KBCHW.var(dim=0).double().sum())
            self._add(crps=FairCRPS()(samples_KBCHW, clean, None) * clean.numel())
        else:
            self._add(crps=(mean - clean).abs().double().sum())
        for name, candidates, shown in (
            ("degraded", degraded[None], degraded),
            ("sample", samples_KBCHW, samples_KBCHW[0]),
            ("mean", mean[None], mean),
        ):
            errors_KB = (candidates - clean).double().square().mean(dim=(2, 3, 4))
            sums: dict[str, Tensor | float] = {
                f"error_{name}": errors_KB.mean(dim=0).sum() * clean[0].numel(),
                f"psnr_{name}": sum(psnr(error) for error in errors_KB.flatten()) / len(candidates),
                f"ssim_{name}": _ssim(shown, clean),
                f"roughness_{name}": _roughness(candidates) / len(candidates),
            }
            self._add(**sums)
        self._add(roughness_clean=_roughness(clean))

    def _add(self, **sums: Tensor | float) -> None:
        for name, value in sums.items():
            setattr(self, name, getattr(self, name) + value)

    def compute(self) -> dict[str, float]:
        """All figures by name, as plain numbers."""
        total = {name: float(getattr(self, name)) for name in SUMS}
        k, images, values = self.samples_per_image, total["images"], total["values"]
        scores = {}
        for name in ("degraded", "sample", "mean"):
            scores[f"psnr_{name}"] = psnr(total[f"error_{name}"] / values)
            scores[f"psnr_{name}_per_image"] = total[f"psnr_{name}"] / images
            scores[f"ssim_{name}"] = total[f"ssim_{name}"] / images
            scores[f"sharpness_{name}"] = math.sqrt(total[f"roughness_{name}"] / max(total["roughness_clean"], 1e-20))
        return scores | {
            "gain_db": scores["psnr_mean"] - scores["psnr_sample"],
            "gain_db_exact": gain_db_exact(k),
            # E (x - mean_K)^2 = (1 + 1/K) E variance for an exact sampler, so 1 is calibrated and less is collapsed
            "spread_skill": math.sqrt((k + 1) / k * total["variance"] / max(total["error_mean"], 1e-20)),
            "crps": total["crps"] / values,
            "samples_per_image": k,
        }


def _ssim(images: Tensor, clean: Tensor) -> Tensor:
    """Summed over images."""
    each = ssim(images, clean, data_range=1.0, reduction="none")
    assert isinstance(each, Tensor)
    return each.double().sum()


def _roughness(images: Tensor) -> Tensor:
    """Squared differences of neighbours below and to the right, summed."""
    return sum((images.diff(dim=dim).double().square().sum() for dim in (-2, -1)), images.new_zeros(()))
