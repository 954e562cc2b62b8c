"""The nearest picture, in real numbers, whose coefficients could have been rounded to the levels of a file."""

from __future__ import annotations

import torch
from torch import Tensor

from ..straight_through_clamp import straight_through_clamp
from . import codec, linear
from .coefficients import JpegCoefficients


def project(restored: Tensor, coded: JpegCoefficients, tolerance: float = 0.0) -> Tensor:
    """Every coefficient moved into its interval of one quantisation step; differentiable.

    The correction alone is added, so chroma finer than its sampling, of which the file says nothing, stays as it is.
    Exact where sizes are multiples of a unit (16 pixels at 4:2:0), up to the rounding of ``restored``'s dtype. Pixels
    are neither clipped nor rounded: for files, see ``exact_projection``.

    Args:
        restored: (B, C, H, W) float in 0..255.
        coded: what the files say.
        tolerance: by how many steps the intervals are wider at both ends.

    Returns:
        (B, C, H, W), at least fp32.
    """
    with torch.autocast(restored.device.type, enabled=False):
        restored = restored.float() if restored.dtype.itemsize < 4 else restored
        moves = []
        for component, plane in enumerate(linear.analyse(restored, coded.sampling)):
            blocks, levels = codec.by_rows(plane), codec.by_rows(coded.levels[component].to(plane))
            steps = codec.spread(coded.tables[:, component], plane)
            low, high = ((levels + side * (0.5 + tolerance)) * steps for side in (-1, 1))
            moves.append((straight_through_clamp(blocks, low, high) - blocks).flatten(1, 2))
        return restored + linear.synthesise(moves, coded.sampling, coded.height, coded.width)
