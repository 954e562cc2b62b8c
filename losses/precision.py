"""Losses are computed in fp32, whatever the networks run in."""

from __future__ import annotations

from torch import Tensor


def at_least_fp32(tensor: Tensor) -> Tensor:
    """Raise fp16 and bf16 to fp32; leave fp32 and float64 as they are."""
    return tensor.float() if tensor.dtype.itemsize < 4 else tensor
