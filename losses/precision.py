"""Losses are computed in fp32, whatever the networks run in."""

from __future__ import annotations

from torch import Tensor


def at_least_fp32(tensor: Tensor) -> Tensor:
    """Raise fp16 and bf16 to fp32; leave fp32 and float64 as they are.

    Raises:
        ValueError: if it holds whole numbers, as images of 0 to 255 do.
    """
    if not tensor.is_floating_point():
        raise ValueError(f"images are {tensor.dtype}; allowed are floating-point values in [0, 1]")
    return tensor.float() if tensor.dtype.itemsize < 4 else tensor
