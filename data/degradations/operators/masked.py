"""Inpainting: y is what is known of x."""

from __future__ import annotations

from torch import Tensor

from ....rng import Rng
from ...from_picture import Told
from ...measurement import size_of
from ..masks.mask import Mask
from .operator import KNOWN, Facts, PictureRead
from .pull_push import pull_push


class Masked:
    """y = m x, 0 where nothing is known; A is its own adjoint and pseudo-inverse, and the projection pastes y.

    Shown with its holes filled by ``pull_push``: of pixels missing here and there that is a good start already, and
    deep in a hole it is smooth. The mask, 1 where known, joins the condition, because a filled hole does not show.

    Args:
        mask: which pixels are known.
    """

    num_maps, exact, unit, tellable = 1, True, 1, ("mask",)

    def __init__(self, mask: Mask) -> None:
        self.mask = mask

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        """The mask, (B, 1, H, W) bool."""
        return {KNOWN: self.mask.draw(size_of(clean), rng).to(clean.device)}

    def read_picture(self, picture: Tensor, told: Told) -> PictureRead:
        """A picture and any mask of its size; what the picture shows where it is not known is not looked at."""
        known = told.mask
        if known is None:
            raise ValueError("nothing says what of it is known; allowed is a mask, or transparency where it is missing")
        if known.all() or not known.any():
            what = "known" if known.all() else "missing"
            raise ValueError(f"every pixel of it is {what}; allowed is a mask, or transparency, with both")
        size = size_of(picture)
        said = {"known": float(known.double().mean())}
        return PictureRead(self.forward(picture, {KNOWN: known}), {KNOWN: known}, size, said)

    def forward(self, image: Tensor, facts: Facts) -> Tensor:
        """(B, C, H, W) to the same."""
        return image * facts[KNOWN]

    def adjoint(self, measured: Tensor, facts: Facts, size: tuple[int, int]) -> Tensor:
        """The mask again."""
        return measured * facts[KNOWN]

    def pseudoinverse(self, measured: Tensor, facts: Facts, size: tuple[int, int]) -> Tensor:
        """The mask again."""
        return measured * facts[KNOWN]

    def shown(self, measured: Tensor, facts: Facts, size: tuple[int, int], sigma: float) -> Tensor:
        """y with its holes filled."""
        return pull_push(measured, facts[KNOWN])

    def maps(self, facts: Facts, size: tuple[int, int]) -> Tensor:
        """The mask as 0 and 1."""
        return facts[KNOWN].float()
