"""Samples that are drawn by tiles and projected as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from ..latent_arc import Field
from ..loaded_sampler import LoadedSampler
from .subject import Subject
from .tile import Tile
from .windows import Window


class Mosaic:
    """All of a picture: what a ``Tile`` is where ``project`` needs to see the whole.

    Each tile is encoded anew for every sample, as the features of all of them would be many times the picture.

    Args:
        sampler: that restores.
        subject: the picture.
        windows: that cover it.
        overlap: what is seen beyond a window, in pixels.
    """

    def __init__(self, sampler: LoadedSampler, subject: Subject, windows: Sequence[Window], overlap: int) -> None:
        self.sampler, self.subject, self.windows, self.overlap = sampler, subject, windows, overlap
        self.window = Window(0, 0, subject.frame.height, subject.frame.width)

    def draw(self, fields: Iterable[Field], sigma_z: float = 1.0) -> Iterator[Tensor]:
        """See ``Tile``."""
        channels = int(self.sampler.about["image_channels"])
        for field in fields:
            image = torch.empty(1, channels, self.window.height, self.window.width, device=self.sampler.device)
            for window in self.windows:
                tile = Tile(self.sampler, self.subject, window, self.overlap)
                (image[(..., *window.area)],) = tile.unprojected([field], sigma_z)
            yield self.subject.project(image, self.window)
