"""From a picture file to what a sampler restores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ...data.decoding import UnreadableImage
from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.degradations.jpeg import Jpeg
from ...data.jpeg import file as jpeg_file
from ...data.jpeg.facts import coded_of
from ...data.jpeg.file import JpegFile, UnreadableJpeg
from ...data.measurement import Measurement
from ...data.noise_level import LEAST_SIDE, noise_level
from ...data.photographs.file import MAX_PIXELS, read
from ...data.photographs.photograph import Photograph
from ...rng import Rng
from ..loaded_sampler import LoadedSampler
from .jpeg_picture import JpegPicture
from .noisy_picture import NoisyPicture
from .subject import Frame, Subject
from .unsuitable import UnsuitablePicture
from .windows import Window

AUTO = "auto"
FAR = 0.25  # of sigma: so far from it, a warning is given


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
        sampler: that will restore them; trained on Gaussian noise or on JPEG.
        sigma: of Gaussian noise on the 0..255 scale; ``auto`` estimates it; None is what the sampler knows, or else
            ``auto``.
        slack: see ``JpegPicture``.
        degrade: whether files are clean and are degraded first, as in training.
        seed: of that degradation.
        max_pixels: of a picture; larger ones are refused before they are decoded.

    Raises:
        ValueError: if the sampler restores what no picture file holds, or an option does not go with it.
    """

    sampler: LoadedSampler
    sigma: float | Literal["auto"] | None = None
    slack: float = 0.0
    degrade: bool = False
    seed: int = 0
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        degradation = self.sampler.degradation
        kind = type(degradation).__name__
        if not isinstance(degradation, GaussianNoise | Jpeg):
            raise ValueError(f"the model was trained on {kind}; picture files are restored of GaussianNoise and Jpeg")
        if self.sigma is not None and not isinstance(degradation, GaussianNoise):
            raise ValueError(f"sigma is {self.sigma}; the model was trained on {kind}, which has none")
        if self.sigma is not None and self.degrade:
            raise ValueError(f"sigma is {self.sigma}; with degrade the noise is drawn as in training, and is known")
        if self.slack and not isinstance(degradation, Jpeg):
            raise ValueError(f"slack is {self.slack}; the model was trained on {kind}, which has none")
        if isinstance(degradation, GaussianNoise) and isinstance(self.sigma, float):
            degradation.measure(torch.zeros(1, 1, 1, 1), self.sigma)  # refuses what it does not know

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
            return Opened(JpegPicture(self._jpeg(path), self.sampler, self.slack))
        photograph = read(path, self.max_pixels)
        frame = _frame(photograph)
        found = noise_level(photograph.pixels) if min(frame.height, frame.width) >= LEAST_SIDE else None
        picture = self._noisy(lambda window: photograph.window(*window.place), frame, found)
        picture.facts["notes"] = list(photograph.notes)
        return Opened(picture)

    def _jpeg(self, path: Path) -> JpegFile:
        try:
            return jpeg_file.read(path, self.max_pixels)
        except UnreadableJpeg as error:
            kind = _kind_of_another(path, self.max_pixels)
            if kind is None:
                raise
            raise UnsuitablePicture(
                f"it is a {kind} file; this model restores .jpg files by the levels they hold: give the .jpg it was "
                "made of, or take a model that was trained on noise"
            ) from error

    def _noisy(self, shown: Callable[[Window], Tensor], frame: Frame, found: float | None) -> NoisyPicture:
        """A picture whose noise was found to have some sigma, or is too small for that."""
        noise = self.sampler.degradation
        assert isinstance(noise, GaussianNoise)
        low, high = 255 * noise.low, 255 * noise.high
        if isinstance(self.sigma, float) or low == high:
            told = self.sigma if isinstance(self.sigma, float) else low
        elif found is None:
            raise UnsuitablePicture(
                f"it has less than {LEAST_SIDE} pixels a side, too few to find its noise; allowed is a number as sigma"
            )
        else:
            told = min(max(found, low), high)
        picture = NoisyPicture(shown, frame, self.sampler, told)
        picture.facts["sigma_found"] = found
        if found is not None and abs(found - told) > FAR * told:
            trained = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            picture.warnings.append(
                f"its noise has a sigma of about {found:.1f}; it is restored as one of {told:g}, and the run was "
                f"trained on {trained}"
            )
        return picture

    def _degraded(self, photograph: Photograph) -> Opened:
        """y made of a clean picture; a grey one becomes colour for a sampler that knows only colour."""
        channels, frame = int(self.sampler.about["image_channels"]), _frame(photograph)
        if frame.channels > channels:
            raise UnsuitablePicture("it has colour; allowed for this model, trained on grey, is grey")
        clean = photograph.window(0, 0, frame.height, frame.width).expand(channels, -1, -1)
        measurement = self.sampler.degradation(clean[None], Rng(self.seed, "degrade", [0]))
        return Opened(
            self._measured(measurement, replace(frame, channels=channels)),
            lambda window: clean[(slice(None), *window.area)],
        )

    def _measured(self, measurement: Measurement, frame: Frame) -> Subject:
        y, facts = measurement.degraded[0], measurement.facts
        if isinstance(self.sampler.degradation, GaussianNoise):
            return self._noisy(lambda window: y[(slice(None), *window.area)], frame, 255 * float(facts["sigma"]))
        ((_, coded),) = coded_of(facts, frame.height, frame.width)
        decoded = (255 * y).round().to(torch.uint8)
        return JpegPicture(JpegFile(coded, decoded, frame.exif, frame.icc_profile), self.sampler, self.slack)


def _kind_of_another(path: Path, max_pixels: int) -> str | None:
    """PNG, WEBP or TIFF, where it is a whole one; else None."""
    try:
        kind = read(path, max_pixels).format
    except UnreadableImage:
        return None
    return None if kind == "JPEG" else kind


def _frame(photograph: Photograph) -> Frame:
    height, width, channels = photograph.pixels.shape
    kind = photograph.pixels.dtype.type
    return Frame(height, width, channels, kind, photograph.alpha, photograph.exif, photograph.icc_profile)
