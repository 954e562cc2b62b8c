"""Distance between images patch by patch: with the energy score, a proper score of how neighbours vary together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .distance import Embedding, mean_distance, require_same_shapes
from .precision import at_least_fp32
from .safe_root import safe_root


class PatchDistance(nn.Module):
    """Root mean square of a − b over a patch, averaged over overlapping patches of several sizes.

    A norm for every patch, over its channels and pixels, so the energy score of this distance is least for the true
    joint law of every patch and no other (Gneiting and Raftery 2007, section 4.3; a sum of proper scores is proper).
    One norm over the whole image would ask for the joint law of all pixels, but tell little of it: norms of many values
    hardly vary. With ``sides`` [1] each pixel's colours are judged together and nothing else.

    Args:
        sides: of the patches, in pixels; patches are half their side apart. Rows and columns that fill no patch are
            left out.

    Raises:
        ValueError: if there is no side, or one is below 1.
    """

    def __init__(self, sides: Sequence[int] = (1, 2, 4, 8)) -> None:
        super().__init__()
        if not sides or min(sides) < 1:
            raise ValueError(f"sides is {list(sides)}; allowed are one or more sides of at least 1 pixel")
        self.sides = tuple(sides)

    def embed(self, images: Tensor) -> Embedding:
        """The images, in fp32 or above.

        Raises:
            ValueError: if the largest patch does not fit into them.
        """
        if max(self.sides) > min(images.shape[-2:]):
            raise ValueError(f"sides is {list(self.sides)}; images of {tuple(images.shape[-2:])} hold no such patch")
        return [at_least_fp32(images)]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the images; the gradient of patches that are equal is 0.

        Raises:
            ValueError: if the images differ in size.
        """
        require_same_shapes(a, b)
        squares = (a[0] - b[0]).square().mean(dim=1, keepdim=True)
        roots = [safe_root(F.avg_pool2d(squares, side, max(1, side // 2))) for side in self.sides]
        return torch.stack([root.mean(dim=(1, 2, 3)) for root in roots]).mean(dim=0)

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)
