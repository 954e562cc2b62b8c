"""Types of tensors that no default of torch and no autocast decides."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor


@contextmanager
def plain_defaults() -> Iterator[None]:
    """fp32 and the CPU are what torch makes tensors of within, whatever its defaults are outside; gradients can be had.

    For what is built once; the default type is one for all threads, so a sample, which many may draw at once, names
    types where it makes tensors.
    """
    before, elsewhere = torch.get_default_dtype(), torch.get_default_device().type != "cpu"
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.device("cpu") if elsewhere else nullcontext():
            yield
    finally:
        torch.set_default_dtype(before)


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
