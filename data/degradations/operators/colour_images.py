"""What some operators take is colour, and what they make of it is grey."""

from __future__ import annotations

from torch import Tensor


def require_colour(image: Tensor) -> None:
    """Raise a ValueError unless (B, C, H, W) has 3 channels."""
    if image.shape[1] != 3:
        raise ValueError(f"the image has {image.shape[1]} channels; allowed is 3 (colour), by dataset.channels=3")


def colour_range(image: Tensor) -> float:
    """How far the channels of a pixel of (B, C, H, W) lie apart at most; 0 for grey."""
    return float((image.amax(dim=1) - image.amin(dim=1)).max())
