"""Images as tiles, where they are few and large and features want many."""

from __future__ import annotations

from torch import Tensor


def tiles(images: Tensor, side: int | None) -> Tensor:
    """Of (N, C, H, W), (N T, C, side, side): those that fit without overlap, from the centre; None leaves images whole.

    Raises:
        ValueError: if an image is smaller than a tile.
    """
    if side is None:
        return images
    height, width = images.shape[-2:]
    if side < 1 or min(height, width) < side:
        raise ValueError(
            f"feature_tile is {side}; allowed for images of {height} x {width} is 1 to {min(height, width)}"
        )
    top, left = height % side // 2, width % side // 2
    cut = images[..., top : top + height - height % side, left : left + width - width % side]
    tiled = cut.unfold(2, side, side).unfold(3, side, side)  # (N, C, rows, columns, side, side)
    return tiled.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
