"""Super-resolution from bilinear samples without a filter before them, corners kept in place."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ....bounds import require_at_least
from ....rng import Rng
from ...from_picture import Told
from ...measurement import size_of
from .operator import Facts, PictureRead, read_small


class Bilinear:
    """y is x interpolated at n // factor points of each side, the first and the last on its corners; it aliases.

    A = A_h ⊗ A_w. Points lie at least two pixels apart, so no two rows of either use a pixel both and A⁺ is Aᵀ over the
    squares of the rows. Shown enlarged likewise.

    Args:
        factor: 2 or more.

    Raises:
        ValueError: if it is less; at the call, if an image is smaller than the factor.
    """

    num_maps, exact = 0, True

    def __init__(self, factor: int) -> None:
        require_at_least(2, factor=factor)
        self.factor = factor

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        """Nothing."""
        height, width = clean.shape[-2:]
        if min(height, width) < self.factor:
            raise ValueError(
                f"factor is {self.factor}; the image is {height} x {width}, allowed is at least the factor"
            )
        return {}

    def read_picture(self, picture: Tensor, told: Told) -> PictureRead:
        """The small picture."""
        return read_small(picture, self.factor)

    def forward(self, image: Tensor, facts: Facts) -> Tensor:
        """(B, C, H, W) to (B, C, H // f, W // f)."""
        down, right = self._rows(size_of(image), image)
        return down @ image @ right.T

    def adjoint(self, measured: Tensor, facts: Facts, size: tuple[int, int]) -> Tensor:
        """Each value at the pixels it was interpolated from, by their weights."""
        down, right = self._rows(size, measured)
        return down.T @ measured @ right

    def pseudoinverse(self, measured: Tensor, facts: Facts, size: tuple[int, int]) -> Tensor:
        """The adjoint, each row of A_h and A_w over its square."""
        down, right = (rows / rows.square().sum(dim=1, keepdim=True) for rows in self._rows(size, measured))
        return down.T @ measured @ right

    def shown(self, measured: Tensor, facts: Facts, size: tuple[int, int], sigma: float) -> Tensor:
        """Enlarged with corners kept in place."""
        return F.interpolate(measured, size=size, mode="bilinear", align_corners=True)

    def maps(self, facts: Facts, size: tuple[int, int]) -> None:
        """None."""

    def _rows(self, size: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
        return _rows(size[0], size[0] // self.factor).to(like), _rows(size[1], size[1] // self.factor).to(like)


def _rows(extent: int, points: int) -> Tensor:
    """(points, extent), float64."""
    pixels = torch.eye(extent, dtype=torch.float64)[None]
    return F.interpolate(pixels, size=points, mode="linear", align_corners=True)[0].T
