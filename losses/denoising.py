"""Squared error of a denoiser of any level of noise: no level, and no scale of the image, drowns the others."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from ..checks import require_at_least


class DenoisingError:
    """1/s (x − D)² + w/s² Σ_b b² (mean_b (x − D))², averaged over images, channels, pixels and blocks of b x b pixels.

    Whatever the weights, the minimum is at the MMSE denoiser; they say which errors of a small network count. The MMSE
    of photographs grows about as s, so that with 1/s every level counts alike, where EDM2 learns a weight (arXiv
    2312.02696, section 3.2). Of the second sum each term is 1 for y itself: means of noise over b x b pixels have the
    variance s²/b². In the first they are one pixel of b² and hardly learned, but a method that calls D a hundred times
    at small s sums their errors up: without the second its samples drift over large blocks.

    Args:
        sides: b. Those larger than the image are left out.
        block_weight: w, in units of [0, 1] images.
    """

    min_samples = 1

    def __init__(self, sides: Sequence[int] = (8, 32), block_weight: float = 0.001) -> None:
        for side in sides:
            require_at_least(1, sides=side)
        require_at_least(0, block_weight=block_weight)
        self.sides, self.block_weight = sides, block_weight

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        if "sigma" not in measurement.params:
            raise ValueError("measurement must know sigma, as those of GaussianNoise do, for the error of a denoiser")
        s = measurement.params["sigma"].view(-1, 1, 1, 1)
        residual = clean - samples_KBCHW.mean(0)
        error: Tensor = (residual.square() / s).mean()
        for side in self.sides:
            if side <= min(residual.shape[-2:]):
                error = error + self.block_weight * (side / s * F.avg_pool2d(residual, side)).square().mean()
        return error
