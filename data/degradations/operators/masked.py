"""Inpainting: y is what is known of x."""

from __future__ import annotations

from torch import Tensor

from ....rng import Rng
from ..masks.mask import Mask
from .operator import KNOWN, Facts
from .pull_push import pull_push


class Masked:
    """y = m x, 0 where nothing is known; A is its own adjoint and pseudo-inverse, and the projection pastes y.

    Shown with its holes filled by ``pull_push``: of pixels missing here and there that is a good start already, and
    deep in a hole it is smooth. The mask, 1 where known, joins the condition, because a filled hole does not show.

    Args:
        mask: which pixels are known.
    """

    num_maps, exact = 1, True

    def __init__(self, mask: Mask) -> None:
        self.mask = mask

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        """The mask, (B, 1, H, W) bool."""
        return {KNOWN: self.mask.draw((clean.shape[-2], clean.shape[-1]), rng).to(clean.device)}

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
