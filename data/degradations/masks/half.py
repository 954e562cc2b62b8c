"""Half an image."""

from __future__ import annotations

import torch
from torch import Tensor

from ....rng import Rng

SIDES = ("left", "right", "top", "bottom")


class Half:
    """Half of the image is missing; where an extent is odd, the missing half is the smaller.

    Args:
        side: which half is missing: ``left``, ``right``, ``top``, ``bottom``, or ``random``, drawn for each image.

    Raises:
        ValueError: if it is none of them.
    """

    def __init__(self, side: str = "random") -> None:
        if side not in (*SIDES, "random"):
            raise ValueError(f"side is {side}; allowed is {', '.join(SIDES)} or random")
        self.side = side

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        """(B, 1, H, W)."""
        known = torch.ones(len(SIDES), *size, dtype=torch.bool, device=rng.device)
        height, width = size
        known[0, :, : width // 2] = False
        known[1, :, width - width // 2 :] = False
        known[2, : height // 2] = False
        known[3, height - height // 2 :] = False
        drawn = rng.randint(0, 4) if self.side == "random" else torch.full((len(rng),), SIDES.index(self.side))
        return known[drawn.to(rng.device), None]
