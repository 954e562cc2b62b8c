"""RGB to luma and chroma and back (ITU-R BT.601, full range), as libjpeg's 16-bit fixed point does it."""

from __future__ import annotations

import torch
from torch import Tensor

BITS = 2.0**-16
TO_YCC = (
    (19595, 38470, 7471),
    (-11059, -21709, 32768),
    (32768, -27439, -5329),
)
TO_YCC_OFFSET = (2**15, 128 * 2**16 + 2**15 - 1, 128 * 2**16 + 2**15 - 1)  # chroma rounds half a level down
CR_TO_RED, CB_TO_BLUE, CB_TO_GREEN, CR_TO_GREEN = 91881, 116130, -22554, -46802


def to_ycc(rgb: Tensor) -> Tensor:
    """Whole numbers 0..255 to whole numbers 0..255, both (B, 3, H, W) float64."""
    matrix, offset = (torch.tensor(v, dtype=rgb.dtype, device=rgb.device) * BITS for v in (TO_YCC, TO_YCC_OFFSET))
    return torch.bmm(matrix.expand(len(rgb), 3, 3), rgb.flatten(2)).add_(offset[:, None]).floor_().view_as(rgb)


def to_rgb(ycc: Tensor) -> Tensor:
    """The way back, clipped to 0..255."""
    luma, blue, red = ycc.unbind(dim=1)
    blue, red = blue - 128, red - 128
    rgb = torch.empty_like(ycc)
    torch.mul(red, CR_TO_RED * BITS, out=rgb[:, 0])
    torch.add(blue.mul(CB_TO_GREEN * BITS), red, alpha=CR_TO_GREEN * BITS, out=rgb[:, 1])
    torch.mul(blue, CB_TO_BLUE * BITS, out=rgb[:, 2])
    return rgb.add_(0.5).floor_().add_(luma[:, None]).clamp_(0, 255)


def difference_to_rgb(ycc: Tensor) -> Tensor:
    """The linear part of ``to_rgb``: what a difference of luma and chroma is in RGB, neither rounded nor clipped."""
    luma, blue, red = ycc.unbind(dim=1)
    green = CB_TO_GREEN * BITS * blue + CR_TO_GREEN * BITS * red
    return torch.stack([CR_TO_RED * BITS * red, green, CB_TO_BLUE * BITS * blue], dim=1) + luma[:, None]
