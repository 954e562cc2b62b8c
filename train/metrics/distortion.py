"""What a validation says of a sampler: distortion, diversity, and whether the two belong together."""

import math

import torch
from torch import Tensor

from ...checks import optional_package
from ...data.measurement import Measurement
from ...losses.crps import FairCRPS
from .decibels import gain_db_exact, psnr
from .image_metric import ImageMetric, full_precision

WINDOW = 11  # pixels a side, of SSIM
FEW = 8  # samples of the CRPS, whose sort would cost more than all else, and of the sharpness
SERIES = ("degraded", "sample", "mean")
SUMS = (
    *("images", "values", "deviation", "crps", "roughness_clean"),
    *(f"{name}_{series}" for name in ("error", "psnr", "ssim", "roughness") for series in SERIES),
)


def mean_and_variance(samples_KBCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Over the samples, (B, C, H, W) each, the variance with divisor K − 1, and 0 for one sample.

    One sample after the other, which stays in the processor's cache: several times as fast as torch's own.
    """
    mean = samples_KBCHW.mean(dim=0)
    squares = torch.zeros_like(mean)
    for sample in samples_KBCHW:
        squares += (sample - mean).square_()
    return mean, squares / max(len(samples_KBCHW) - 1, 1)


class Distortion(ImageMetric):
    """Scores of K samples an image, from float64 sums: the same for any batch layout or number of ranks.

    Images are neither clamped nor rounded. PSNRs are pooled over all values, and ``*_per_image`` are means of each
    image's own. Single-sample figures average over the K samples; SSIM takes the first one. Sharpness is the root mean
    square difference of neighbouring pixels over that of the clean images, neither below that of rounding to 8 bits: 1
    is as sharp as they are, noise has more. APSD is the mean over pixels of the samples' standard deviation. Sharpness
    and CRPS are of the first 8 samples; both have one expectation for any number of them.

    Args:
        samples_per_image: K, at least 1; with 1 (a deterministic restorer) the gain is 0.
    """

    def __init__(self, samples_per_image: int) -> None:
        super().__init__()
        self.samples_per_image = samples_per_image
        self.add_sums(SUMS)

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        height, width = clean.shape[-2:]
        if min(height, width) < WINDOW:
            raise ValueError(f"images must be at least {WINDOW} x {WINDOW}, a window of SSIM, got {height} x {width}")
        clean, degraded = clean.float(), measurement.degraded.float()
        mean, variance = mean_and_variance(samples_KBCHW)
        spread = FairCRPS()(samples_KBCHW[:FEW], clean, None) if self.samples_per_image > 1 else None
        crps = (mean - clean).abs().mean() if spread is None else spread
        self.add(images=len(clean), values=clean.numel(), crps=crps.double() * clean.numel())
        self.add(deviation=variance.sqrt().sum(dtype=torch.float64))
        for name, candidates, shown in (
            ("degraded", degraded[None], degraded),
            ("sample", samples_KBCHW, samples_KBCHW[0]),
            ("mean", mean[None], mean),
        ):
            errors_KB = torch.stack([_sums(images - clean) for images in candidates]) / clean[0].numel()
            sums: dict[str, Tensor | float] = {
                f"error_{name}": errors_KB.mean(dim=0).sum() * clean[0].numel(),
                f"psnr_{name}": sum(psnr(error) for error in errors_KB.flatten().tolist()) / len(candidates),
                f"ssim_{name}": _ssim(shown, clean),
                f"roughness_{name}": torch.stack([_roughness(images) for images in candidates[:FEW]]).mean(),
            }
            self.add(**sums)
        self.add(roughness_clean=_roughness(clean))

    def compute(self) -> dict[str, float]:
        """All figures by name, as plain numbers."""
        total = self.totals(SUMS)
        k, images, values = self.samples_per_image, total["images"], total["values"]
        scores, rounding = {}, values / 3 / 255**2  # two differences a value, of two roundings of variance 1/12 each
        for name in SERIES:
            scores[f"psnr_{name}"] = psnr(total[f"error_{name}"] / values)
            scores[f"psnr_{name}_per_image"] = total[f"psnr_{name}"] / images
            scores[f"ssim_{name}"] = total[f"ssim_{name}"] / images
            rough, clean = (max(total[f"roughness_{which}"], rounding) for which in (name, "clean"))
            scores[f"sharpness_{name}"] = math.sqrt(rough / clean)
        return scores | {
            "gain_db": scores["psnr_mean"] - scores["psnr_sample"],
            "gain_db_exact": gain_db_exact(k),
            "crps": total["crps"] / values,
            "apsd": total["deviation"] / values,
            "samples_per_image": k,
        }


def _ssim(images: Tensor, clean: Tensor) -> Tensor:
    """Of windows of 11 pixels that lie inside (Wang 2004), a mean an image, summed over images."""
    kornia = optional_package("kornia.metrics", "train", "SSIM")  # which takes half a second to import
    ssim: Tensor = kornia.ssim(images, clean, window_size=WINDOW, padding="valid")
    return ssim.mean(dim=(1, 2, 3)).double().sum()


def _roughness(images: Tensor) -> Tensor:
    """Squared differences of neighbours below and to the right, summed."""
    return _sums(images.diff(dim=-2)).sum() + _sums(images.diff(dim=-1)).sum()


def _sums(differences_BCHW: Tensor) -> Tensor:
    """Of squares, an image, (B,), squared in place: rows in fp32, which is fast, and what is long in float64."""
    return differences_BCHW.square_().sum(dim=-1).sum(dim=(1, 2), dtype=torch.float64)
