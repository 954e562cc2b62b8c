"""Distance between images patch by patch: with the energy score, a proper score of how neighbours vary together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .distance import Embedding


class PatchDistance:
    """Root mean square of a − b over a patch, averaged over overlapping patches of several sizes.

    A norm for every patch, over its channels and pixels, so the energy score of this distance is least for the true
    joint law of every patch and no other (Gneiting and Raftery 2007, section 4.3; a sum of proper scores is proper).
    One norm over the whole image would ask for the joint law of all pixels, but tell little of it: norms of many values
    hardly vary. With ``sides`` [1] each pixel's colours are judged together and nothing else.

    Args:
        sides: of the patches, in pixels; patches are half their side apart.

    Raises:
        ValueError: if there is no side, or one is below 1.
    """

    def __init__(self, sides: Sequence[int] = (1, 2, 4, 8)) -> None:
        if not sides or min(sides) < 1:
            raise ValueError(f"sides is {list(sides)}; allowed are one or more sides of at least 1 pixel")
        self.sides = tuple(sides)

    def embed(self, images: Tensor) -> Embedding:
        """The pixels themselves, (N, C, H, W).

        Raises:
            ValueError: if the largest patch does not fit into the images.
        """
        if max(self.sides) > min(images.shape[-2:]):
            raise ValueError(f"sides is {list(self.sides)}; images of {tuple(images.shape[-2:])} hold no such patch")
        return [images]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in the unit of the images; has derivative 0 in patches that are equal."""
        square = (a[0] - b[0]).square().mean(dim=1, keepdim=True)
        return torch.stack([_root(F.avg_pool2d(square, s, max(1, s // 2))) for s in self.sides]).mean(dim=0)


def _root(mean_square: Tensor) -> Tensor:
    """Mean of the roots of (N, 1, h, w) over patches, (N,)."""
    differs = mean_square > 0
    return torch.where(differs, mean_square, 1).sqrt().mul(differs).mean(dim=(1, 2, 3))
