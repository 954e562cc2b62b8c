"""Another distance, of block means: what stays when texture is averaged away."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ..checks import require_at_least
from .distances import Distance, Embedding, at_least_fp32, mean_distance


class LowPass(nn.Module):
    """``distance`` between means over blocks of ``side`` x ``side`` pixels.

    Args:
        distance: of the images of block means.
        side: of a block in pixels. Rows and columns that fill no block are left out.

    Raises:
        ValueError: if ``side`` is below 1.
    """

    def __init__(self, distance: Distance, side: int) -> None:
        super().__init__()
        require_at_least(1, side=side)
        self.distance, self.side = distance, side

    def embed(self, images: Tensor) -> Embedding:
        """Of (N, C, H, W): that of (N, C, H / side, W / side).

        Raises:
            ValueError: if the images hold no block.
        """
        if min(images.shape[-2:]) < self.side:
            raise ValueError(f"side is {self.side}; images of {tuple(images.shape[-2:])} hold no block of it")
        return self.distance.embed(F.avg_pool2d(at_least_fp32(images), self.side))

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of ``distance``."""
        return self.distance.between(a, b)

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)
