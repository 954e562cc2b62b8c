"""The projection onto intervals, for networks that are trained through it."""

from typing import Any

import torch
from torch import Tensor


def straight_through_clamp(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """x clamped to [low, high], all of one shape.

    Gradients whose descent leads back inside pass, those that lead further out end: a value outside stays trainable.
    Low and high take none.
    """
    clamped: Tensor = _ClampInwards.apply(x, low, high)
    return clamped


class _ClampInwards(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        ctx.save_for_backward(x < low, x > high)
        return torch.minimum(torch.maximum(x, low), high)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        below, above = ctx.saved_tensors
        (gradient,) = gradients
        outwards = (below & (gradient > 0)) | (above & (gradient < 0))
        return gradient.masked_fill(outwards, 0), None, None
