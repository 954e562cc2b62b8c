"""Fair CRPS of block means at several scales: a proper score that also looks at how neighbours vary together."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from ..bounds import require_at_least
from .fair_crps import FairCRPS


class MultiscaleCRPS:
    """Mean of the fair CRPS of means over blocks of 1, 2, 4 ... pixels a side.

    The CRPS of pixels is least for the true law of each pixel, whether neighbours agree or not: independent noise of
    the right strength is as good to it as texture. The mean of a block has the right law only if its pixels vary
    together as they do in the truth. A sum of proper scores is proper.

    Args:
        scales: how many; block sides are 1, 2, 4 ... 2^(scales − 1) pixels. Rows and columns that fill no block are
            left out.
        alpha: see ``FairCRPS``.

    Raises:
        ValueError: if ``scales`` is below 1 or ``alpha`` leaves [0, 1].
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
            raise ValueError(f"scales is {self.scales}; images of {tuple(clean.shape[-2:])} hold no block of {side}")
        score = self.crps(samples_KBCHW, clean, measurement)
        for side in (2**scale for scale in range(1, self.scales)):
            score = score + self.crps(_block_means(samples_KBCHW, side), _block_means(clean, side), measurement)
        return score / self.scales


def _block_means(images: Tensor, side: int) -> Tensor:
    """(..., C, H, W) to (..., C, H / side, W / side)."""
    means = F.avg_pool2d(images.flatten(0, -4), side)
    return means.view(*images.shape[:-2], *means.shape[-2:])
