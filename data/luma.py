"""Luma of ITU-R BT.601, by which colour becomes grey everywhere, and whether there is colour."""

from torch import Tensor

BT601 = (0.299, 0.587, 0.114)
"""Weights of red, green and blue."""


def luma(image: Tensor, weights: tuple[float, ...] = BT601) -> Tensor:
    """Brightness of (B, 3, H, W), (B, 1, H, W)."""
    return (image.new_tensor(weights).view(1, -1, 1, 1) * image).sum(dim=1, keepdim=True)


def require_colour(image: Tensor) -> None:
    """Raise a ValueError unless (B, C, H, W) has 3 channels."""
    if image.shape[1] != 3:
        raise ValueError(f"the image must have 3 channels (colour), by dataset.channels=3, got {image.shape[1]}")


def colour_range(image: Tensor) -> float:
    """How far the channels of a pixel of (B, C, H, W) lie apart at most; 0 for grey."""
    return float((image.amax(dim=1) - image.amin(dim=1)).max())
