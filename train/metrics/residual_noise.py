"""Residual noise: whether what a sample leaves of y looks like the noise that was added (arXiv 2103.04192)."""

import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ...data.measurement import Measurement
from .image_metric import ImageMetric, full_precision

WINDOW = 15  # pixels a side, with all channels
CHOSEN = 20  # worst windows an image, and as many evenly spaced ones
LEVEL = 0.05  # of the tests: of white Gaussian noise a share of 0.95 passes
BINS, LARGEST_RMS = 200, 2.0  # of the histograms, in units of sigma
ROWS = ("residual", "noise")
SUMS = (
    "power",
    "horizontal",
    "vertical",
    "normal_worst",
    "normal_even",
    "normal_windows",
    "white_windows",
    "normal_image",
)
COUNTS = ("images", "values", "chosen", "windows", "places")
HISTOGRAMS = ("noise", "residual", "error")


class ResidualNoise(ImageMetric):
    """Figures of y − x̂₁ beside those of the true noise y − x, for additive white Gaussian noise; float64 sums.

    All is in units of sigma. Normality is tested (``normality_p``) in windows of 15 x 15 pixels and all channels: in
    the 20 of all overlapping windows in which x̂₁ is furthest from x, as published; in 20 evenly spaced ones, where the
    publication draws them at random; in all windows side by side; and in the whole image. Whiteness of a window is
    Box and Pierce's test (JASA 1970) on neighbours to the right and below. Images smaller than a window are refused.
    """

    def __init__(self) -> None:
        super().__init__()
        self.add_sums((*COUNTS, *(f"{row}_{name}" for row in ROWS for name in SUMS)))
        self.add_sums((f"histogram_{name}" for name in HISTOGRAMS), BINS)

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        """Add a batch.

        Raises:
            ValueError: if the measurement has no ``sigma``, or the image is smaller than a window.
        """
        if "sigma" not in measurement.params:
            raise ValueError(f"params must have sigma, as those of GaussianNoise, got {list(measurement.params)}")
        height, width = clean.shape[-2:]
        if min(height, width) < WINDOW:
            raise ValueError(f"images must be at least {WINDOW} x {WINDOW}, got {height} x {width}")
        sigma = measurement.params["sigma"].double().view(-1, 1, 1, 1)
        y, x, restored = (image.double() / sigma for image in (measurement.degraded, clean, samples_KBCHW[0]))
        for residual, noise, error in zip(y - restored, y - x, restored - x, strict=True):
            self._add_image(residual, noise, error)

    def _add_image(self, residual: Tensor, noise: Tensor, error: Tensor) -> None:
        rms = {"noise": window_rms(noise), "residual": window_rms(residual), "error": window_rms(error)}
        for name, values in rms.items():
            self.add(**{f"histogram_{name}": values.clamp(max=LARGEST_RMS).histc(BINS, 0.0, LARGEST_RMS)})
        worst = rms["error"].flatten().topk(min(CHOSEN, rms["error"].numel())).indices
        even = (torch.arange(len(worst), device=worst.device) + 0.5) * (rms["error"].numel() / len(worst))
        for row, image in (("residual", residual), ("noise", noise)):
            tiles = windows(image, WINDOW).flatten(0, 1)
            sums = lag_products(image) | {
                "normal_worst": _passed(normality_p(_some(image, worst))),
                "normal_even": _passed(normality_p(_some(image, even.long()))),
                "normal_windows": _passed(normality_p(tiles.flatten(1))),
                "white_windows": _passed(whiteness_p(tiles)),
                "normal_image": _passed(normality_p(image.reshape(1, -1))),
            }
            self.add(**{f"{row}_{name}": value for name, value in sums.items()})
        counts = (1, residual.numel(), len(worst), len(tiles), rms["error"].numel())
        self.add(**dict(zip(COUNTS, counts, strict=True)))

    def compute(self) -> dict[str, Any]:
        """Figures by row/name, each ``noise/`` being what the true noise itself reaches, and the histograms.

        ``variance_ratio`` is the mean square over sigma², ``autocorrelation`` the pooled correlation of neighbours (the
        mean of ``_horizontal`` and ``_vertical``); the rest are shares with p > 0.05. ``histograms`` holds ``edges``,
        in units of sigma, and by name densities of the RMS of overlapping windows; beyond 2 counts to the last bin.
        """
        total = self.totals(COUNTS)
        of = {"worst": "chosen", "even": "chosen", "windows": "windows", "image": "images"}
        scores: dict[str, Any] = {}
        for row in ROWS:
            sums = {name: float(getattr(self, f"{row}_{name}")) for name in SUMS}
            lags = [sums[name] / max(sums["power"], 1e-20) for name in ("horizontal", "vertical")]
            scores[f"{row}/variance_ratio"] = sums["power"] / total["values"]
            scores[f"{row}/autocorrelation_horizontal"], scores[f"{row}/autocorrelation_vertical"] = lags
            scores[f"{row}/autocorrelation"] = sum(lags) / 2
            for name in SUMS[3:]:
                scores[f"{row}/{name}"] = sums[name] / total[of[name.split("_")[1]]]
        width = LARGEST_RMS / BINS
        shares = {name: getattr(self, f"histogram_{name}") / total["places"] for name in HISTOGRAMS}
        scores["histograms"] = {
            "edges": [bin_ * width for bin_ in range(BINS + 1)],
            "histograms": {name: (share / width).tolist() for name, share in shares.items()},
        }
        return scores


def windows(image: Tensor, stride: int) -> Tensor:
    """(C, H, W) to (rows, columns, C, 15, 15); what does not fill a window at the right and below is left out."""
    return image.unfold(1, WINDOW, stride).unfold(2, WINDOW, stride).movedim(0, 2)


def window_rms(image: Tensor) -> Tensor:
    """Root mean square of (C, H, W) in every window of stride 1, (H − 14, W − 14), from running sums."""
    sums = pad(image.square().mean(dim=0), (1, 0, 1, 0)).cumsum(0).cumsum(1)
    rows = sums[WINDOW:] - sums[:-WINDOW]
    return ((rows[:, WINDOW:] - rows[:, :-WINDOW]).clamp(min=0) / WINDOW**2).sqrt()


def lag_products(images: Tensor) -> dict[str, Tensor]:
    """Sum of squares over (..., C, H, W), and of products of neighbours as if every value had one."""
    right = (images[..., 1:] * images[..., :-1]).mean(dim=(-3, -2, -1))
    below = (images[..., 1:, :] * images[..., :-1, :]).mean(dim=(-3, -2, -1))
    values = math.prod(images.shape[-3:])
    return {"power": images.square().sum(dim=(-3, -2, -1)), "horizontal": values * right, "vertical": values * below}


def whiteness_p(tiles: Tensor) -> Tensor:
    """p-value of each of (windows, C, 15, 15) being white: Q = N(ρ₁² + ρ₂²) is about χ² with two degrees of freedom.

    ρ₁ and ρ₂ are the correlations of the N pairs of neighbours along rows and along columns; 0 for a window of zeros.
    """
    sums = lag_products(tiles)
    pairs = tiles[0, ..., 1:].numel()
    squares = (sums["horizontal"] / sums["power"]).square() + (sums["vertical"] / sums["power"]).square()
    return (-0.5 * pairs * squares).exp().nan_to_num(0.0)


def _some(image: Tensor, places: Tensor) -> Tensor:
    """The values of the windows at some places, counted row by row, (places, 225 C)."""
    every = windows(image, 1)
    return every[places // every.shape[1], places % every.shape[1]].flatten(1)


def _passed(p: Tensor) -> Tensor:
    return (p > LEVEL).sum()


def normality_p(values: Tensor) -> Tensor:
    """p-value of each row (rows, n), n at least 20: its values are independent and Gaussian, of any mean and variance.

    The test of D'Agostino and Pearson: K² = Z(skewness)² + Z(kurtosis)² is about χ² with two degrees of freedom.
    (rows,) float64; 0 where all values of a row are equal.
    """
    from scipy.stats import normaltest  # a second to import

    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of rows of equal values
        p = normaltest(values.double().cpu().numpy(), axis=1).pvalue
    return torch.from_numpy(p).nan_to_num(0.0)
