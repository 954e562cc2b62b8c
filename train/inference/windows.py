"""Windows of a picture that is too large to be computed as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor


class Window(NamedTuple):
    """A rectangle of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.left + self.width

    @property
    def area(self) -> tuple[slice, slice]:
        """Rows and columns of the picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, margin: int, unit: int, height: int, width: int) -> Window:
        """With a margin on all sides, to multiples of ``unit`` or the border of a picture of H x W."""
        top, left = (max(0, (start - margin) // unit * unit) for start in (self.top, self.left))
        bottom, right = (
            min(side, -(-(end + margin) // unit) * unit) for end, side in ((self.bottom, height), (self.right, width))
        )
        return Window(top, left, bottom - top, right - left)

    def cut_from(self, image: Tensor, around: Window) -> Tensor:
        """This window of an image (..., h, w) of the window ``around`` it."""
        top, left = self.top - around.top, self.left - around.left
        return image[..., top : top + self.height, left : left + self.width]


def windows_of(height: int, width: int, side: int) -> Iterator[Window]:
    """Windows of ``side`` pixels that cover a picture, row by row, the last of a row or column smaller."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield Window(top, left, min(side, height - top), min(side, width - left))
