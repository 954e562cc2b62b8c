"""bf16 where it pays."""

from __future__ import annotations

from typing import Literal

import torch

PRECISIONS = ("auto", "bf16", "fp32")


def lightning_precision(precision: str, gpu: bool) -> Literal["bf16-mixed", "32-true"]:
    """Lightning's name for a precision; ``auto`` takes bf16 where the hardware multiplies it faster than fp32.

    On processors without bf16 instructions (AMX or AVX-512 BF16) bf16 is emulated, about three times slower than fp32.

    Raises:
        ValueError: if ``precision`` is none of auto, bf16, fp32.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision}; allowed is one of {', '.join(PRECISIONS)}")
    if precision == "auto":
        fast_on_cpu = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
        fast = torch.cuda.is_bf16_supported() if gpu else fast_on_cpu
        precision = "bf16" if fast else "fp32"
    return "bf16-mixed" if precision == "bf16" else "32-true"
