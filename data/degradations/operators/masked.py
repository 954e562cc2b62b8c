"""Inpainting: y is what is known of x."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ....rng import Rng
from ...from_image import ImageSideInfo
from ...measurement import size_of
from ..masks import Mask
from .protocol import KNOWN, Operator, Params, ParsedImage


class Masked(Operator):
    """y = m x, 0 where nothing is known; A is its own adjoint and pseudo-inverse, and the projection pastes y.

    Shown with its holes filled by ``pull_push``: of pixels missing here and there that is a good start already, and
    deep in a hole it is smooth. The mask, 1 where known, joins the condition, because a filled hole does not show.

    Args:
        mask: which pixels are known.
    """

    num_maps, exact, unit, accepted_side_info = 1, True, 1, ("mask",)

    def __init__(self, mask: Mask) -> None:
        self.mask = mask

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        """The mask, (B, 1, H, W) bool."""
        return {KNOWN: self.mask.draw(size_of(clean), rng).to(clean.device)}

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedImage:
        """A picture and any mask of its size; what the picture shows where it is not known is not looked at."""
        known = side_info.mask
        if known is None:
            raise ValueError("nothing says what of it is known; give a mask, or transparency where it is missing")
        if known.all() or not known.any():
            what = "known" if known.all() else "missing"
            raise ValueError(f"every pixel of it is {what}; give a mask, or transparency, with both")
        size = size_of(picture)
        facts = {"known": float(known.double().mean())}
        return ParsedImage(self.forward(picture, {KNOWN: known}), {KNOWN: known}, size, facts)

    def forward(self, image: Tensor, params: Params) -> Tensor:
        return image * params[KNOWN]

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        return measured * params[KNOWN]

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        return pull_push(measured, params[KNOWN])

    def maps(self, params: Params, size: tuple[int, int]) -> Tensor:
        """The mask as 0 and 1."""
        return params[KNOWN].float()


def pull_push(values: Tensor, known: Tensor) -> Tensor:
    """What is known as it is; the rest from means of what is known, as coarse as the hole is deep.

    Close to the harmonic fill (Laplace's equation in the hole) for the price of a few averages, where the harmonic one
    takes a linear solve for every image. What is filled in lies between the least and the greatest known value.

    Args:
        values: (B, C, H, W).
        known: (B, 1, H, W) bool.

    Returns:
        (B, C, H, W); 1/2 where nothing of an image is known.
    """
    if values.shape[-2:] == (1, 1):
        return torch.where(known, values, 0.5)
    weight = F.avg_pool2d(known.to(values), 2, ceil_mode=True)
    total = F.avg_pool2d(values * known, 2, ceil_mode=True)
    coarse = pull_push(total / weight.masked_fill(weight == 0, 1), weight > 0)
    height, width = values.shape[-2:]
    fine = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return torch.where(known, values, fine)
