"""Colours that alpha hides, filled from what is visible, so that no network and no estimate depends on them."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F


def fill_hidden(colours: NDArray[Any], visible: NDArray[np.bool_]) -> NDArray[Any]:
    """Continue visible colours into hidden pixels, smoothly: the pull-push of Gortler et al. (SIGGRAPH 1996).

    Each coarser scale has means of what is visible; hidden pixels are interpolated from the finest scale at which their
    surroundings are seen. Memory: 16 bytes a pixel, for one colour after the other.

    Args:
        colours: (H, W, C) uint8 or uint16.
        visible: (H, W); one or more.
    """
    filled = colours.copy()
    weight = torch.from_numpy(visible).float()[None, None]
    for channel in range(colours.shape[2]):
        plane = torch.from_numpy(colours[..., channel].astype(np.float32))[None, None]
        values = _filled(plane * weight, weight)[0, 0].round().numpy()
        np.copyto(filled[..., channel], values, casting="unsafe", where=~visible)
    return filled


def _filled(plane: Tensor, weight: Tensor) -> Tensor:
    """(1, 1, h, w), 0 where ``weight`` is 0, which is 1 elsewhere."""
    if weight.all():
        return plane
    share = F.avg_pool2d(weight, 2, ceil_mode=True)
    means = F.avg_pool2d(plane, 2, ceil_mode=True) / share.clamp(min=0.25)  # 1 of 4 pixels
    coarse = _filled(means, (share > 0).float())
    height, width = plane.shape[2:]
    return torch.where(weight > 0, plane, F.interpolate(coarse, scale_factor=2, mode="bilinear")[..., :height, :width])
