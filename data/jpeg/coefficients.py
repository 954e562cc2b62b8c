"""What a .jpg says, as tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 8


class Sampling(NamedTuple):
    """How many luma pixels a chroma pixel is wide and high."""

    horizontal: int
    vertical: int


SAMPLINGS = {"4:4:4": Sampling(1, 1), "4:2:2": Sampling(2, 1), "4:2:0": Sampling(2, 2)}
"""By the name the field gives them; a grey picture has 4:4:4."""


@dataclass(frozen=True)
class JpegCoefficients:
    """B pictures of one size and sampling, as JPEG stores them.

    Attributes:
        levels: by component (Y; or Y, Cb, Cr), quantised DCT coefficients, (B, 8 rows, 8 columns) int16: a picture of
            its blocks, in which entry (8 i + u, 8 j + v) is vertical frequency u and horizontal frequency v of block
            (i, j). Components have their own sizes: at 4:2:0 chroma has half of the rows and columns, rounded up.
        tables: quantisation steps, (B, components, 8, 8), vertical frequency first, each 1 or more.
        sampling: of the chroma components.
        height: of the pictures in pixels; blocks may reach beyond it.
        width: likewise.
    """

    levels: list[Tensor]
    tables: Tensor
    sampling: Sampling
    height: int
    width: int

    @property
    def is_grey(self) -> bool:
        """Whether there is no chroma, or all of its levels are 0."""
        return not any(plane.any() for plane in self.levels[1:])

    @property
    def luma(self) -> JpegCoefficients:
        """The same of grey pictures, without chroma."""
        return replace(self, levels=self.levels[:1], tables=self.tables[:, :1], sampling=SAMPLINGS["4:4:4"])

    def window(self, top: int, left: int, height: int, width: int) -> JpegCoefficients:
        """What files of this part alone would say, with the same levels.

        Args:
            top: a multiple of ``unit``.
            left: likewise.
            height: a multiple of ``unit``, or what is left of the picture.
            width: likewise.
        """
        planes = []
        for component, plane in enumerate(self.levels):
            horizontal, vertical = self.sampling if component else (1, 1)
            row, column = top // vertical, left // horizontal
            rows, columns = blocks(height, vertical) * BLOCK, blocks(width, horizontal) * BLOCK
            planes.append(plane[:, row : row + rows, column : column + columns])
        return replace(self, levels=planes, height=height, width=width)


def blocks(extent: int, subsampling: int = 1) -> int:
    """How many blocks cover so many pixels in a component with that subsampling."""
    return -(-extent // (BLOCK * subsampling))


@dataclass(frozen=True)
class Units:
    """The units of equal size of B pictures.

    Attributes:
        top: of the first unit in pixels, ``left`` likewise.
        down: units in a column, ``across`` in a row.
        height: of a unit in pixels, ``width`` likewise.
    """

    top: int
    left: int
    down: int
    across: int
    height: int
    width: int

    def of_picture(self, picture: Tensor) -> Tensor:
        """(B, C, H, W) to (B down across, C, height, width)."""
        channels = picture.shape[1]
        tiles = self._view(picture).permute(0, 2, 4, 1, 3, 5)
        return tiles.reshape(-1, channels, self.height, self.width)

    def put_back(self, tiles: Tensor, picture: Tensor) -> None:
        """Write (B down across, C, height, width) where it was taken from."""
        batch, channels = picture.shape[:2]
        parted = tiles.view(batch, self.down, self.across, channels, self.height, self.width)
        self._view(picture).copy_(parted.permute(0, 3, 1, 4, 2, 5))

    def of_coefficients(self, coefficients: JpegCoefficients) -> JpegCoefficients:
        """What the file says of each of them."""
        levels = []
        for component, plane in enumerate(coefficients.levels):
            horizontal, vertical = coefficients.sampling if component else (1, 1)
            high, wide = blocks(self.height, vertical) * BLOCK, blocks(self.width, horizontal) * BLOCK
            part = plane[:, self.top // vertical :, self.left // horizontal :]
            part = part[:, : self.down * high, : self.across * wide]
            tiles = part.reshape(len(part), self.down, high, self.across, wide).transpose(2, 3)
            levels.append(tiles.reshape(-1, high, wide))
        tables = coefficients.tables.repeat_interleave(self.down * self.across, dim=0)
        return JpegCoefficients(levels, tables, coefficients.sampling, self.height, self.width)

    def _view(self, picture: Tensor) -> Tensor:
        """(B, C, down, height, across, width), of the same memory."""
        part = picture[..., self.top : self.top + self.down * self.height, :]
        part = part[..., self.left : self.left + self.across * self.width]
        return part.view(*part.shape[:2], self.down, self.height, self.across, self.width)


def units(coefficients: JpegCoefficients) -> Iterator[Units]:
    """All units of a picture, by size."""
    colour = len(coefficients.levels) > 1
    high, wide = (
        BLOCK * (step if colour else 1) for step in (coefficients.sampling.vertical, coefficients.sampling.horizontal)
    )
    for top, down, height in _parts(coefficients.height, high):
        for left, across, width in _parts(coefficients.width, wide):
            yield Units(top, left, down, across, height, width)


def _parts(extent: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Start, count and size of the whole units, and of the one that the edge cuts."""
    whole, rest = divmod(extent, size)
    if whole:
        yield 0, whole, size
    if rest:
        yield whole * size, 1, rest


def select(coefficients: JpegCoefficients, pictures: Tensor | slice) -> JpegCoefficients:
    """What it says of some of its pictures."""
    return replace(
        coefficients, levels=[plane[pictures] for plane in coefficients.levels], tables=coefficients.tables[pictures]
    )


def unit(coefficients: JpegCoefficients) -> int:
    """Pixels to whose multiples parts are cut: a block of the chroma."""
    return BLOCK * max(coefficients.sampling)


def to_params(coefficients: JpegCoefficients) -> dict[str, Tensor]:
    """As params of a measurement.

    Returns:
        ``levels``, (B, C, 8 rows, 8 columns) int16 of the luma's size, chroma in its upper left part and 0 beyond;
        ``tables``, (B, C, 8, 8); ``sampling``, (B, 2): horizontal, vertical.
    """
    luma = coefficients.levels[0]
    levels = luma.new_zeros(len(luma), len(coefficients.levels), *luma.shape[1:])
    for component, plane in enumerate(coefficients.levels):
        levels[:, component, : plane.shape[1], : plane.shape[2]] = plane
    sampling = torch.tensor(coefficients.sampling, device=luma.device).repeat(len(luma), 1)
    return {"levels": levels, "tables": coefficients.tables, "sampling": sampling}


def from_params(params: Mapping[str, Tensor], height: int, width: int) -> Iterator[tuple[Tensor, JpegCoefficients]]:
    """The way back: by sampling, the numbers of the images in the batch, and what their files say."""
    for horizontal, vertical in torch.unique(params["sampling"], dim=0).tolist():
        sampling = Sampling(horizontal, vertical)
        (images,) = (params["sampling"] == params["sampling"].new_tensor(sampling)).all(dim=1).nonzero(as_tuple=True)
        levels = params["levels"][images]
        rows, columns = (blocks(side, step) * BLOCK for side, step in ((height, vertical), (width, horizontal)))
        planes = [levels[:, 0], *(plane[:, :rows, :columns] for plane in levels[:, 1:].unbind(1))]
        yield images, JpegCoefficients(planes, params["tables"][images], sampling, height, width)


def grey_as_colour(coefficients: JpegCoefficients, sampling: Sampling) -> JpegCoefficients:
    """The same pictures with chroma whose levels are all 0, which is the truth: grey has none.

    A chroma table is not in the file. The network must be given one like those it has seen, and the luma's is: of the
    same quality, with steps in the same range.

    Args:
        coefficients: of one component.
        sampling: of the chroma; any tells the truth, take one that the network has seen.
    """
    (luma,) = coefficients.levels
    rows, columns = blocks(coefficients.height, sampling.vertical), blocks(coefficients.width, sampling.horizontal)
    chroma = torch.zeros(len(luma), BLOCK * rows, BLOCK * columns, dtype=luma.dtype, device=luma.device)
    tables = coefficients.tables.expand(-1, 3, -1, -1)
    return replace(coefficients, levels=[luma, chroma, chroma], tables=tables, sampling=sampling)
