"""From a picture file to what a sampler restores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ...data.degradation import Recording
from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.degradations.jpeg import Jpeg
from ...data.from_picture import FromPicture
from ...data.jpeg.facts import coded_of
from ...data.jpeg.file import JpegFile
from ...data.noise_level import LEAST_SIDE, noise_level
from ...data.photographs.file import MAX_PIXELS, read
from ...data.photographs.photograph import Photograph
from ...rng import Rng
from ..loaded_sampler import LoadedSampler
from .hints import Hints, kind_of
from .jpeg_picture import JpegPicture, frame_of_levels
from .level_file import read_levels
from .measured_picture import MeasuredPicture
from .measuring import picture_degraded, picture_read, require_channels
from .noisy_picture import NoisyPicture, noisy_picture
from .subject import Frame, Subject, recoloured
from .windows import Window

AUTO = "auto"


class Opened(NamedTuple):
    """A picture, ready to be restored.

    Attributes:
        subject: before the sampler.
        clean: the truth of a window, where y was made here; else None.
    """

    subject: Subject
    clean: Callable[[Window], Tensor] | None = None


@dataclass(frozen=True)
class Opener:
    """Opens pictures for one sampler.

    Attributes:
        sampler: that will restore them; trained on Gaussian noise, on JPEG, or on any other ``FromPicture``.
        sigma: of Gaussian noise on the 0..255 scale; ``auto`` estimates it, where noise is all there is; None is what
            the sampler knows, or else ``auto``.
        slack: see ``JpegPicture``.
        degrade: whether files are clean and are degraded first, as in training.
        seed: of that degradation.
        max_pixels: of a picture, and of what it is restored to; larger ones are refused before they are decoded.
        hints: what else is known of them.

    Raises:
        ValueError: if the sampler restores what no picture file holds, or an option does not go with it.
    """

    sampler: LoadedSampler
    sigma: float | Literal["auto"] | None = None
    slack: float = 0.0
    degrade: bool = False
    seed: int = 0
    max_pixels: int = MAX_PIXELS
    hints: Hints = field(default_factory=Hints)

    def __post_init__(self) -> None:
        degradation = self.sampler.degradation
        kind = kind_of(degradation)
        if not isinstance(degradation, FromPicture):
            raise ValueError(f"the model was trained on {kind}, whose y no picture file holds")
        if self.degrade and isinstance(degradation, Recording):
            raise ValueError(
                f"degrade is true; the model was trained on {kind}, and nothing makes y of a clean picture"
            )
        has_sigma = isinstance(degradation, GaussianNoise) or "sigma" in self._tellable
        if self.sigma is not None and not has_sigma:
            raise ValueError(f"sigma is {self.sigma}; the model was trained on {kind}, which has none")
        if self.sigma == AUTO and not isinstance(degradation, GaussianNoise):
            raise ValueError(f"sigma is {AUTO}; allowed for the model, which was trained on {kind}, is a number")
        if self.sigma is not None and self.degrade:
            raise ValueError(f"sigma is {self.sigma}; with degrade the noise is drawn as in training, and is known")
        if self.slack and not isinstance(degradation, Jpeg):
            raise ValueError(f"slack is {self.slack}; the model was trained on {kind}, which has none")
        if isinstance(degradation, GaussianNoise) and isinstance(self.sigma, float):
            degradation.measure(torch.zeros(1, 1, 1, 1), self.sigma)  # refuses what it does not know
        self.hints.check(degradation, self.degrade)

    def open(self, path: Path) -> Opened:
        """Open one file.

        Raises:
            UnreadableImage: naming the file and the reason.
            UnreadableJpeg: likewise, of a sampler of .jpg files.
            UnsuitablePicture: if this sampler cannot restore it.
        """
        if self.degrade:
            return self._degraded(read(path, self.max_pixels))
        if isinstance(self.sampler.degradation, Jpeg):
            return Opened(JpegPicture(read_levels(path, self.max_pixels), self.sampler, self.slack))
        if not isinstance(self.sampler.degradation, GaussianNoise):
            return Opened(self._of_file(path))
        photograph = read(path, self.max_pixels)
        frame = _frame(photograph)
        found = noise_level(photograph.pixels) if min(frame.height, frame.width) >= LEAST_SIDE else None
        picture = self._noisy(lambda window: photograph.window(*window.place), frame, found)
        picture.facts["notes"] = list(photograph.notes)
        return Opened(picture)

    @property
    def _tellable(self) -> tuple[str, ...]:
        return getattr(self.sampler.degradation, "tellable", ())

    def _noisy(self, shown: Callable[[Window], Tensor], frame: Frame, found: float | None) -> NoisyPicture:
        return noisy_picture(shown, frame, self.sampler, self.sigma if isinstance(self.sigma, float) else None, found)

    def _of_file(self, path: Path) -> MeasuredPicture:
        """Any other picture that is y: what is a ``FromPicture`` needs nothing else."""
        notes: Sequence[str] = ()
        coded = None
        if "coded" in self._tellable:
            file = read_levels(path, self.max_pixels)
            picture, frame, coded = file.decoded / 255, frame_of_levels(file), file.coded
        else:
            photograph = read(path, self.max_pixels)
            frame, notes = _frame(photograph), photograph.notes
            picture = photograph.window(0, 0, frame.height, frame.width)
        sigma = self.sigma if isinstance(self.sigma, float) else None
        told = replace(self.hints.told(path, frame), sigma=sigma, coded=coded)
        frame = replace(frame, alpha=None) if "mask" in self._tellable and self.hints.mask is None else frame
        return picture_read(picture[None], frame, told, self.sampler, self.max_pixels, notes)

    def _degraded(self, photograph: Photograph) -> Opened:
        """y made of a clean picture; a grey one becomes colour for a sampler that knows only colour."""
        frame = _frame(photograph)
        channels = require_channels(frame, self.sampler)
        clean = photograph.window(0, 0, frame.height, frame.width).expand(channels, -1, -1)
        return Opened(
            self._measured(clean[None], recoloured(frame, channels)),
            lambda window: clean[(slice(None), *window.area)],
        )

    def _measured(self, clean: Tensor, frame: Frame) -> Subject:
        if not isinstance(self.sampler.degradation, GaussianNoise | Jpeg):
            return picture_degraded(clean, frame, self.sampler, self.seed)
        measurement = self.sampler.degradation(clean, Rng(self.seed, "degrade", [0]))
        y, facts = measurement.degraded[0], measurement.facts
        if isinstance(self.sampler.degradation, GaussianNoise):
            return self._noisy(lambda window: y[(slice(None), *window.area)], frame, 255 * float(facts["sigma"]))
        ((_, coded),) = coded_of(facts, frame.height, frame.width)
        decoded = (255 * y).round().to(torch.uint8)
        return JpegPicture(JpegFile(coded, decoded, frame.exif, frame.icc_profile), self.sampler, self.slack)


def _frame(photograph: Photograph) -> Frame:
    height, width, channels = photograph.pixels.shape
    kind = photograph.pixels.dtype.type
    return Frame(height, width, channels, kind, photograph.alpha, photograph.exif, photograph.icc_profile)
