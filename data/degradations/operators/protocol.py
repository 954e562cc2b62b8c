"""What a linear operator offers to ``Linear``."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from ....checks import require_at_least
from ....linear_problem import Gain
from ....rng import Rng
from ...from_image import ImageSideInfo
from ...measurement import size_of
from .spectral import spectral

Params = Mapping[str, Tensor]
"""What an operator has drawn for each image (a mask, a kernel ...), each (B, ...); empty for a fixed one."""

KNOWN = "known"
"""The value by which an operator says where y holds a value at all: bool, of y's shape or broadcast to it.

The rest of y is 0, takes no noise and counts in no residual. Where the value is missing, all of y is measured.
"""


class LinearOperator(Protocol):
    """A, the same or drawn anew for each image, from images (B, C, H, W) to measurements of any shape (B, ...).

    Attributes:
        num_maps: condition maps that tell a network what was drawn.
        exact: whether ``pseudoinverse`` is well conditioned, so that without noise samples are projected by it.

    Operators with A A⁺ = 1, for which every y is possible, say ``onto = True``: a ``Chain`` projects through no others.
    Those that measure windows as they measure the whole say by ``unit`` to multiples of how many pixels these are cut.
    """

    num_maps: int
    exact: bool

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        """Params for images like (B, C, H, W), on its device; image b uses the b-th generator and nothing else."""

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """A x, in the dtype of the image."""

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """Aᵀ y, (B, C, H, W) for images of H x W."""

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """A⁺ y, (B, C, H, W): of the images that are measured as near to y as can be, the one of least norm."""

    def filtered(self, image: Tensor, params: Params, gain: Gain) -> Tensor:
        """V gain(S) Vᵀ x of A = U S Vᵀ, (B, C, H, W); S is 0 in every direction of x that A does not see."""

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        """y as an image (B, C, H, W) from which a network starts; ``sigma`` is that of the noise in y, for 0..1."""

    def maps(self, params: Params, size: tuple[int, int]) -> Tensor | None:
        """The condition maps (B, num_maps, H, W); None where there are none."""


class Operator(ABC):
    """What most operators share: nothing is drawn, there are no maps, rows are orthonormal, and A⁺ y is shown.

    One with orthogonal rows of other lengths has its own ``pseudoinverse``; with others, its own ``filtered`` too.
    """

    num_maps = 0

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        return {}

    @abstractmethod
    def forward(self, image: Tensor, params: Params) -> Tensor:
        """A x."""

    @abstractmethod
    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """Aᵀ y."""

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        return self.adjoint(measured, params, size)

    def filtered(self, image: Tensor, params: Params, gain: Gain) -> Tensor:
        """By the lengths of the rows, which are the singular values: A Aᵀ is the diagonal matrix S²."""
        size = size_of(image)
        measured = self.forward(image, params)
        S = self.forward(self.adjoint(torch.ones_like(measured), params, size), params).sqrt()
        return spectral(image, gain, S, measured, lambda y: self.pseudoinverse(y, params, size))

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        return self.pseudoinverse(measured, params, size)

    def maps(self, params: Params, size: tuple[int, int]) -> Tensor | None:
        return None


@dataclass(frozen=True)
class ParsedImage:
    """What an operator read of a picture.

    Attributes:
        measured: y.
        params: as if they had been drawn.
        size: (H, W) of x.
        facts: as in ``ParsedMeasurement``, as the next two.
        warnings: sentences.
        adds_colour: whether y has no colours of its own.
    """

    measured: Tensor
    params: dict[str, Tensor]
    size: tuple[int, int]
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    adds_colour: bool = False


@runtime_checkable
class ImageOperator(Protocol):
    """A linear operator whose y a picture file can hold.

    ``accepted_side_info`` is as in ``FromImage``; ``factor`` says how many times larger x is than y.
    """

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedImage:
        """y and params of a picture; arguments and errors as of ``FromImage``."""


class Shrinking(Operator):
    """An operator whose y is a smaller image.

    Args:
        factor: how many times smaller, 2 or more.

    Raises:
        ValueError: if it is less.
    """

    def __init__(self, factor: int) -> None:
        require_at_least(2, factor=factor)
        self.factor = factor

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedImage:
        height, width = picture.shape[-2:]
        return ParsedImage(picture, {}, (self.factor * height, self.factor * width))
