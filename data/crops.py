"""Square crops of one image, and how they are refused."""

from __future__ import annotations

from torch import Tensor

from ..rng import Rng


def require_size(image: Tensor, crop: int, name: str) -> None:
    """Raise a ValueError naming file, size and crop if (C, H, W) is smaller than the crop."""
    height, width = image.shape[1:]
    if min(height, width) < crop:
        raise ValueError(f"crop is {crop}; {name} has {height}x{width} pixels, allowed is at most {min(height, width)}")


def random_crop(image: Tensor, crop: int, rng: Rng) -> Tensor:
    """(C, crop, crop) of (C, H, W), every place equally likely."""
    top, left = (int(rng.randint(0, extent - crop + 1)) for extent in image.shape[1:])
    return image[:, top : top + crop, left : left + crop]


def random_flip(image: Tensor, rng: Rng) -> Tensor:
    """The image or, half of the time, its mirror image."""
    return image.flip(2) if int(rng.randint(0, 2)) else image


def center_crop(image: Tensor, crop: int) -> Tensor:
    """(C, crop, crop) of (C, H, W)."""
    top, left = ((extent - crop) // 2 for extent in image.shape[1:])
    return image[:, top : top + crop, left : left + crop]
