"""Colourisation: y is the brightness of each pixel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ....rng import Rng
from ...from_image import ImageSideInfo
from ...luma import BT601, colour_range, luma, require_colour
from ...measurement import size_of
from .protocol import Operator, Params, ParsedImage

SLIGHT = 2.5 / 255  # between channels of a grey picture: rounding and JPEG


class Luma(Operator):
    """y = w · x of each pixel, by default the luma of ITU-R BT.601; A⁺ y = w y / |w|².

    Shown as grey, y in each channel.

    Args:
        weights: of red, green and blue.

    Raises:
        ValueError: if they are not three numbers of 0 or more with the sum 1; at the call, if images are not in colour.
    """

    exact, unit = True, 1

    def __init__(self, weights: Sequence[float] = BT601) -> None:
        if len(weights) != 3 or not all(weight >= 0 for weight in weights) or abs(sum(weights) - 1) > 1e-3:
            raise ValueError(f"weights must be three numbers >= 0 with the sum 1, got {weights}")
        self.weights = tuple(weights)

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        require_colour(clean)
        return {}

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedImage:
        """A grey picture; of one with colour, its luma."""
        require_colour(picture)
        warnings = ("it has colour, of which only the brightness is taken",) if colour_range(picture) > SLIGHT else ()
        size = size_of(picture)
        return ParsedImage(self.forward(picture, {}), {}, size, warnings=warnings, adds_colour=True)

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """(B, 3, H, W) to (B, 1, H, W)."""
        return luma(image, self.weights)

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """Each value by the three weights."""
        return self._weights(measured) * measured

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """The adjoint over |w|²."""
        weights = self._weights(measured)
        return weights / weights.square().sum() * measured

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        return measured.repeat(1, 3, 1, 1)

    def _weights(self, like: Tensor) -> Tensor:
        return torch.tensor(self.weights, dtype=like.dtype, device=like.device).view(1, 3, 1, 1)
