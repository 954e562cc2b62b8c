"""Quantisation: y has a few levels a channel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...checks import number_or_range
from ...rng import Rng
from ..from_image import ImageSideInfo, ParsedMeasurement
from ..measurement import Measurement, level_map
from ..straight_through_clamp import straight_through_clamp

ROUNDING = 0.51 / 255  # of a centre in a file of 8 bits


class Quantisation:
    """[0, 1] is cut into L cells of equal length, and every value is shown by the centre of its cell.

    Not linear. A restoration explains y if each of its values lies in its cell, ends included; the nearest that does is
    found by clamping.

    Args:
        levels: L, 2 to 256. One number, or a pair ``[low, high]`` of which a whole number is drawn for each image; the
            condition then gains a map of 1 / L, the length of a cell.

    Raises:
        ValueError: if it is neither.
    """

    accepted_side_info: tuple[str, ...] = ()
    residual_unit, unit = "cells", 1
    level = "levels"

    def __init__(self, levels: int | Sequence[int]) -> None:
        self.low, self.high = number_or_range("levels", levels, "[2, 256]", "integer")
        self.num_maps = 0 if self.low == self.high else 1

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        drawn = rng.randint(self.low, self.high + 1) if self.num_maps else clean.new_full((len(clean),), self.low)
        return self.at_levels(clean, drawn.to(clean))

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        """See ``FromImage``: each value is taken for its cell, by whichever value in it the cell is shown.

        A number of levels that was drawn is the least by whose centres the picture can be, or else its count of values.
        """
        count = max(len(torch.unique(channel)) for channel in picture[0])
        levels = self._levels(torch.unique(picture), count) if self.num_maps else self.low
        warnings: tuple[str, ...] = ()
        if count > levels:
            warnings = (f"it has {count} values a channel; it is taken for one of {levels} levels",)
        return ParsedMeasurement(self.at_levels(picture, picture.new_tensor([levels])), {"levels": levels}, warnings)

    def _levels(self, values: Tensor, count: int) -> int:
        for levels in range(self.low, self.high + 1):
            off = (values * levels - (values * levels).floor() - 0.5) / levels
            if off.abs().max() <= ROUNDING:
                return levels
        return min(max(count, self.low), self.high)

    def at_levels(self, image: Tensor, levels: Tensor) -> Measurement:
        """See ``LevelledDegradation``; an image that is not quantised yet is, and one that is does not change."""
        levels_B111 = levels.view(-1, 1, 1, 1)
        cell = (image * levels_B111).floor().clamp(min=0).minimum(levels_B111 - 1)
        maps = level_map(1 / levels, image) if self.num_maps else None
        return Measurement((cell + 0.5) / levels_B111, maps, {"levels": levels})

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """Mean distance of the values from their cells, (B,), in lengths of a cell: 0 for the truth."""
        levels = measurement.params["levels"].view(-1, 1, 1, 1)
        distance = (restored - measurement.degraded).abs() * levels - 0.5
        return distance.clamp(min=0).mean(dim=(1, 2, 3))

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """Each value clamped to its cell; gradients that lead back inside pass."""
        restored = restored.float() if restored.dtype.itemsize < 4 else restored
        half = (0.5 / measurement.params["levels"]).view(-1, 1, 1, 1)
        low, high = (measurement.degraded + side * half for side in (-1, 1))
        return straight_through_clamp(restored, low.to(restored), high.to(restored))
