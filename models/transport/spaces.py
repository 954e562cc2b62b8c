"""Where patches are transported: pixels, unshuffled pixels, or the codes of an autoencoder."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor
from torch.nn import functional as F

from ...checks import require_at_least


class Space(Protocol):
    """Images as codes and back, for any H and W: what is missing to whole codes is repeated from the border.

    Attributes:
        name: what a written transport records; it is refused with a space of another name.
        factor: pixels a code is wide. A window that begins at multiples of it is coded as it is in its image.
        radius: pixels beyond which nothing changes a pixel of ``decode(encode(images))``, not counting those of its own
            code; None where it has no end.
    """

    @property
    def name(self) -> str: ...
    @property
    def factor(self) -> int: ...
    @property
    def radius(self) -> int | None: ...

    def encode(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [0, 1] to (N, c, h, w), h and w those of H and W over ``factor``, rounded up."""

    def decode(self, codes: Tensor) -> Tensor:
        """(N, C, h ``factor``, w ``factor``) about [0, 1]; the caller knows H and W, and crops."""


class Pixels:
    """Images as they are."""

    name, factor, radius = "pixels", 1, 0

    def encode(self, images: Tensor) -> Tensor:
        return images

    def decode(self, codes: Tensor) -> Tensor:
        return codes


class Unshuffled:
    """Blocks of pixels as channels: patches reach so many times as far, from places that are multiples of ``factor``.

    Args:
        factor: pixels a side of a block.

    Raises:
        ValueError: if factor is below 2.
    """

    radius = 0

    def __init__(self, factor: int = 2) -> None:
        require_at_least(2, factor=factor)
        self.factor, self.name = factor, f"unshuffled:{factor}"

    def encode(self, images: Tensor) -> Tensor:
        return F.pixel_unshuffle(repeated_to(images, self.factor), self.factor)

    def decode(self, codes: Tensor) -> Tensor:
        return F.pixel_shuffle(codes, self.factor)


def repeated_to(images: Tensor, factor: int) -> Tensor:
    """(N, C, H, W) grown at the right and the bottom to multiples, by repeating the border."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % factor, 0, -height % factor), mode="replicate")
