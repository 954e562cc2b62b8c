"""From any image size to one that strides divide."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """(B, C, H, W) grown at the right and the bottom to multiples; cropping to [:H, :W] undoes it.

    The border is mirrored, or repeated where the image is too small for its mirror image to fill the margin.
    """
    height, width = image.shape[-2:]
    below, right = -height % multiple, -width % multiple
    mode = "reflect" if below < height and right < width else "replicate"
    return F.pad(image, (0, right, 0, below), mode=mode)
