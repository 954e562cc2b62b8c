"""A part of a picture, encoded once, of which any number of samples can be drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from torch import Tensor

from ...models.generator import scale_latent
from ..latent_arc import Field
from ..loaded_sampler import LoadedSampler
from .subject import Subject
from .windows import Window


class Tile:
    """One window of a subject, with the features of what is around it.

    Args:
        sampler: that restores.
        subject: the picture.
        window: of it.
        overlap: what is seen beyond the window, in pixels.
    """

    def __init__(self, sampler: LoadedSampler, subject: Subject, window: Window, overlap: int) -> None:
        unit = math.lcm(sampler.generator.stride, subject.unit or 1)
        self.sampler, self.subject, self.window = sampler, subject, window
        self.around = window.grown(overlap, unit, subject.frame.height, subject.frame.width)
        self.features = sampler.decoder.encode(subject.condition(self.around))

    def draw(self, fields: Iterable[Field], sigma_z: float = 1.0) -> Iterator[Tensor]:
        """A sample of each z, (1, c, h, w) fp32 about [0, 1], projected, neither clipped nor rounded."""
        for drawn in self.unprojected(fields, sigma_z):
            yield self.subject.project(drawn, self.window)

    def unprojected(self, fields: Iterable[Field], sigma_z: float = 1.0) -> Iterator[Tensor]:
        """As the network gives them, (1, C, h, w)."""
        latents = (scale_latent(field.window(*self.around.place), sigma_z) for field in fields)
        for drawn in self.sampler.decoder.decode(self.features, latents):
            yield self.window.cut_from(drawn, self.around)
