"""What some operators take is colour."""

from __future__ import annotations

from torch import Tensor


def require_colour(image: Tensor) -> None:
    """Raise a ValueError unless (B, C, H, W) has 3 channels."""
    if image.shape[1] != 3:
        raise ValueError(f"the image has {image.shape[1]} channels; allowed is 3 (colour), by dataset.channels=3")
