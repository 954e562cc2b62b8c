"""Super-resolution by whole numbers: each pixel of y is the mean of a block of x."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .protocol import Params, Shrinking


class BlockAverage(Shrinking):
    """Means of blocks of ``factor`` x ``factor`` pixels; at the right and the bottom, of what is left of a block.

    Shown by repetition: A⁺ y.

    Args:
        factor: 2 or more.

    Raises:
        ValueError: if it is less.
    """

    exact, onto = True, True

    def __init__(self, factor: int) -> None:
        super().__init__(factor)
        self.unit = factor

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """(B, C, H, W) to (B, C, ceil(H / f), ceil(W / f))."""
        return F.avg_pool2d(image, self.factor, ceil_mode=True)

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """Each mean over the count of its pixels, at all of them."""
        return self.pseudoinverse(measured / self._counts(measured, size), params, size)

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """Each mean at all of its pixels: the rows of A are orthogonal."""
        repeated = measured.repeat_interleave(self.factor, dim=-2).repeat_interleave(self.factor, dim=-1)
        return repeated[..., : size[0], : size[1]]

    def _counts(self, measured: Tensor, size: tuple[int, int]) -> Tensor:
        ones = torch.ones(1, 1, *size, dtype=measured.dtype, device=measured.device)
        return F.avg_pool2d(ones, self.factor, ceil_mode=True, divisor_override=1)
