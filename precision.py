"""What must not be rounded to 16 bits: one way to raise a tensor, one way to leave autocast."""

import torch
from torch import Tensor


def without_autocast(tensor: Tensor) -> torch.autocast:
    """Matrix products and convolutions within keep the precision of their inputs; for the device of ``tensor``."""
    return torch.autocast(tensor.device.type, enabled=False)


def at_least_fp32(tensor: Tensor) -> Tensor:
    """Raise fp16 and bf16 to fp32; leave fp32 and float64 as they are.

    Raises:
        ValueError: if it holds integers, as images of 0 to 255 do.
    """
    if not tensor.is_floating_point():
        raise ValueError(f"images must hold floating-point values in [0, 1], got {tensor.dtype}")
    return tensor.float() if tensor.dtype.itemsize < 4 else tensor
