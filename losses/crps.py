"""Fair continuous ranked probability score (Ferro 2014), almost fair as in AIFS-CRPS (arXiv 2412.15832).

Of pixels, of differences of block means, and of DCT coefficients.
"""

from math import pi, sqrt
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..checks import require_at_least, require_in


class FairCRPS:
    """CRPS of K samples at every pixel, averaged over images, channels and pixels.

    A proper score of a set of samples against one truth::

        C = 1/K Σᵢ |x − x̂ᵢ| − (1 − ε) / (2K(K−1)) Σ_{i≠j} |x̂ᵢ − x̂ⱼ|,    ε = (1 − α)/K

    With α = 1 its expectation is E|x − x̂| − E|x̂ − x̂'|/2 for every K, least for the true distribution of each
    pixel and no other, Gaussian or not. It knows nothing of how pixels depend on each other.

    Args:
        alpha: weight of the fair score against the standard one (α = 0: divisor 2K²), which rewards too little spread.
            With α = 1, where K − 1 samples agree, the last may lie anywhere beyond the truth at no cost; a little
            below 1 ends that.
    """

    min_samples = 2

    def __init__(self, alpha: float = 1.0) -> None:
        require_in("[0, 1]", alpha=alpha)
        self.alpha = alpha

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        return self.of_residuals(samples_KBCHW - clean)

    def of_residuals(self, residuals_KBCHW: Tensor) -> Tensor:
        """The score of x̂ᵢ − x, a scalar."""
        K = len(residuals_KBCHW)
        epsilon = (1 - self.alpha) / K
        # sign(x̂ᵢ − x) − (1 − ε)/(K−1) Σⱼ sign(x̂ᵢ − x̂ⱼ), K times the derivative of C in x̂ᵢ; C is linear between ties
        apart = residuals_KBCHW.detach()
        slope = apart.sign()
        for i in range(1, K):  # each pair once
            order = (apart[i:] - apart[:-i]).sign_()
            slope[i:].sub_(order, alpha=(1 - epsilon) / (K - 1))
            slope[:-i].add_(order, alpha=(1 - epsilon) / (K - 1))
        return (slope * residuals_KBCHW).mean()


class MultiscaleCRPS:
    """Mean of the fair CRPS of differences of means over blocks of 1, 2, 4 ... pixels a side.

    The means of each side less those of the next, which hold them, and the coarsest means as they are (Lang et al.,
    arXiv 2506.10868): each scale is scored once and by itself. The CRPS of pixels is least for the true distribution of
    each pixel, whether neighbours agree or not: independent noise of the right strength is as good to it as texture.
    The mean of a block has the right distribution only if its pixels vary together as they do in the truth. A sum of
    proper scores is proper.

    Args:
        scales: how many; block sides are 1, 2, 4 ... 2^(scales − 1) pixels. Rows and columns that fill no block of the
            largest are left out.
        alpha: see ``FairCRPS``.
    """

    min_samples = 2

    def __init__(self, scales: int = 4, alpha: float = 1.0) -> None:
        require_at_least(1, scales=scales)
        self.scales = scales
        self.crps = FairCRPS(alpha)

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The score, a scalar.

        Raises:
            ValueError: if the images are smaller than the largest block.
        """
        side = 2 ** (self.scales - 1)
        if min(clean.shape[-2:]) < side:
            size = tuple(clean.shape[-2:])
            raise ValueError(f"images must have sides >= {side} for scales={self.scales}, got {size}")
        return torch.stack([self.crps.of_residuals(band) for band in self._bands(samples_KBCHW - clean)]).mean()

    def _bands(self, images: Tensor) -> list[Tensor]:
        """Of (..., C, H, W), fine to coarse."""
        side = 2 ** (self.scales - 1)
        height, width = (extent // side * side for extent in images.shape[-2:])
        bands, means = [], images[..., :height, :width].flatten(0, -4)
        for _ in range(self.scales - 1):
            coarser = F.avg_pool2d(means, 2)
            bands.append(means - F.interpolate(coarser, scale_factor=2.0))
            means = coarser
        return [band.view(*images.shape[:-2], *band.shape[-2:]) for band in (*bands, means)]


class DCTCRPS:
    """Fair CRPS of the coefficients of an orthonormal DCT of windows and colours.

    A pixel's CRPS cannot tell white noise from texture of the same strength. A coefficient mixes all pixels of a window
    and has the right distribution only if they vary together as in the truth: each frequency is scored by itself, as
    the spectral CRPS of FourCastNet 3 (arXiv 2507.12144) does on the sphere. The transform being orthonormal, the mean
    square of the coefficients is that of the pixels, and the score has the scale of the pixels' CRPS.

    It scores coefficients one by one, so structure beyond the second order, as edges that move as a whole, is not seen;
    and a coefficient being a sum over a window, hardly that a pixel has two modes.

    Args:
        side: n of the windows, in pixels; of smaller images their shorter side. Windows are n/2 apart, so every border
            of one lies inside others; rows and columns that fill none are left out. Spread over more than n pixels is
            not seen.
        alpha: see ``FairCRPS``.
    """

    min_samples = 2

    def __init__(self, side: int = 16, alpha: float = 1.0) -> None:
        require_at_least(1, side=side)
        self.side = side
        self.crps = FairCRPS(alpha)

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The score, a scalar."""
        return self.crps.of_residuals(self._coefficients(samples_KBCHW - clean))

    def _coefficients(self, images: Tensor) -> Tensor:
        """(..., C, H, W) to (..., C, rows * n, columns * n): rows x columns windows."""
        *_, channels, height, width = images.shape
        side = min(self.side, height, width)
        colours, down, across = (
            _dct_of_windows(n, extent, images.device).to(images)
            for n, extent in ((channels, channels), (side, height), (side, width))
        )
        return down @ torch.einsum("dc,...chw->...dhw", colours, images) @ across.T


def _dct_of_windows(n: int, extent: int, device: torch.device) -> Tensor:
    """Orthonormal DCT-II of every window of n values, n/2 apart, of a row: (windows * n, extent) float64.

    Of three colours, one window, the first row is their mean, the second red less blue.
    """
    frequency = torch.arange(n, device=device)[:, None]
    start = torch.arange(0, extent - n + 1, max(1, n // 2), device=device)
    place = torch.arange(extent, dtype=torch.float64, device=device) - start[:, None, None]
    waves = sqrt(2 / n) * torch.cos(pi / n * (place + 0.5) * frequency)
    waves[:, 0] /= sqrt(2)
    return (waves * ((place >= 0) & (place < n))).flatten(0, 1)
