"""From a picture file to what a sampler restores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...data.degradation import PairedDegradation
from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.degradations.jpeg import Jpeg
from ...data.from_image import FromImage, ImageSideInfo
from ...data.image_io.decode import UnreadableImage
from ...data.image_io.pixels import DecodedImage
from ...data.image_io.read_image import MAX_PIXELS, read
from ...data.jpeg import reader as jpeg_file
from ...data.jpeg.coefficients import from_params
from ...data.jpeg.reader import JpegFile
from ...data.noise_level import MIN_SIDE, noise_level
from ...rng import Rng
from ..inference.sampler import LoadedSampler
from .restoration_input import ImageInfo, RestorationInput, UnsupportedImageError, recoloured
from .side_info import SideInfo, kind_of
from .sources import JpegInput, MeasuredInput, NoisyInput, frame_of_levels, noisy_picture
from .windows import Window

AUTO = "auto"


class OpenedImage(NamedTuple):
    """A picture, ready to be restored.

    Attributes:
        subject: before the sampler.
        clean: the truth of a window, where y was made here; else None.
    """

    subject: RestorationInput
    clean: Callable[[Window], Tensor] | None = None


@dataclass(frozen=True)
class ImageOpener:
    """Opens pictures for one sampler.

    Attributes:
        sampler: that will restore them; trained on Gaussian noise, on JPEG, or on any other ``FromImage``.
        sigma: of Gaussian noise on the 0..255 scale; ``auto`` estimates it, where noise is all there is; None is what
            the sampler knows, or else ``auto``.
        tolerance: see ``JpegInput``.
        degrade: whether files are clean and are degraded first, as in training.
        seed: of that degradation.
        max_pixels: of a picture, and of what it is restored to; larger ones are refused before they are decoded.
        hints: what else is known of them.

    Raises:
        ValueError: if the sampler restores what no picture file holds, or an option does not go with it.
    """

    sampler: LoadedSampler
    sigma: float | Literal["auto"] | None = None
    tolerance: float = 0.0
    degrade: bool = False
    seed: int = 0
    max_pixels: int = MAX_PIXELS
    hints: SideInfo = field(default_factory=SideInfo)

    def __post_init__(self) -> None:
        degradation = self.sampler.degradation
        kind = kind_of(degradation)
        if not isinstance(degradation, FromImage):
            raise ValueError(f"the model was trained on {kind}, whose y no picture file holds")
        if self.degrade and isinstance(degradation, PairedDegradation):
            raise ValueError(
                f"degrade is true; the model was trained on {kind}, and nothing makes y of a clean picture"
            )
        has_sigma = isinstance(degradation, GaussianNoise) or "sigma" in self._accepted_side_info
        if self.sigma is not None and not has_sigma:
            raise ValueError(f"sigma is {self.sigma}; the model was trained on {kind}, which has none")
        if self.sigma == AUTO and not isinstance(degradation, GaussianNoise):
            raise ValueError(f"sigma is {AUTO}; allowed for the model, which was trained on {kind}, is a number")
        if self.sigma is not None and self.degrade:
            raise ValueError(f"sigma is {self.sigma}; with degrade the noise is drawn as in training, and is known")
        if self.tolerance and not isinstance(degradation, Jpeg):
            raise ValueError(f"tolerance is {self.tolerance}; the model was trained on {kind}, which has none")
        if isinstance(degradation, GaussianNoise) and isinstance(self.sigma, float):
            degradation.measure(torch.zeros(1, 1, 1, 1), self.sigma)  # refuses what it does not know
        self.hints.check(degradation, self.degrade)

    def open(self, path: Path) -> OpenedImage:
        """Open one file.

        Raises:
            UnreadableImage: naming the file and the reason.
            UnsuitablePicture: if this sampler cannot restore it.
        """
        if self.degrade:
            return self._degraded(read(path, self.max_pixels))
        if isinstance(self.sampler.degradation, Jpeg):
            return OpenedImage(JpegInput(read_levels(path, self.max_pixels), self.sampler, self.tolerance))
        if not isinstance(self.sampler.degradation, GaussianNoise):
            return OpenedImage(self._of_file(path))
        photograph = read(path, self.max_pixels)
        frame = _frame(photograph)
        found = noise_level(photograph.pixels) if min(frame.height, frame.width) >= MIN_SIDE else None
        picture = self._noisy(lambda window: photograph.window(*window.place), frame, found)
        picture.facts["notes"] = list(photograph.notes)
        return OpenedImage(picture)

    @property
    def _accepted_side_info(self) -> tuple[str, ...]:
        return getattr(self.sampler.degradation, "accepted_side_info", ())

    def _noisy(self, shown: Callable[[Window], Tensor], frame: ImageInfo, found: float | None) -> NoisyInput:
        return noisy_picture(shown, frame, self.sampler, self.sigma if isinstance(self.sigma, float) else None, found)

    def _of_file(self, path: Path) -> MeasuredInput:
        """Any other picture that is y: what is a ``FromImage`` needs nothing else."""
        notes: Sequence[str] = ()
        coded = None
        if "coded" in self._accepted_side_info:
            file = read_levels(path, self.max_pixels)
            picture, frame, coded = file.decoded / 255, frame_of_levels(file), file.coded
        else:
            photograph = read(path, self.max_pixels)
            frame, notes = _frame(photograph), photograph.notes
            picture = photograph.window(0, 0, frame.height, frame.width)
        sigma = self.sigma if isinstance(self.sigma, float) else None
        told = replace(self.hints.told(path, frame), sigma=sigma, coded=coded)
        frame = replace(frame, alpha=None) if "mask" in self._accepted_side_info and self.hints.mask is None else frame
        return picture_read(picture[None], frame, told, self.sampler, self.max_pixels, notes)

    def _degraded(self, photograph: DecodedImage) -> OpenedImage:
        """y made of a clean picture; a grey one becomes colour for a sampler that knows only colour."""
        frame = _frame(photograph)
        channels = require_channels(frame, self.sampler)
        clean = photograph.window(0, 0, frame.height, frame.width).expand(channels, -1, -1)
        return OpenedImage(
            self._measured(clean[None], recoloured(frame, channels)),
            lambda window: clean[(slice(None), *window.area)],
        )

    def _measured(self, clean: Tensor, frame: ImageInfo) -> RestorationInput:
        if not isinstance(self.sampler.degradation, GaussianNoise | Jpeg):
            return picture_degraded(clean, frame, self.sampler, self.seed)
        measurement = self.sampler.degradation(clean, Rng(self.seed, "degrade", [0]))
        y, facts = measurement.degraded[0], measurement.params
        if isinstance(self.sampler.degradation, GaussianNoise):
            return self._noisy(lambda window: y[(slice(None), *window.area)], frame, 255 * float(facts["sigma"]))
        ((_, coded),) = from_params(facts, frame.height, frame.width)
        decoded = (255 * y).round().to(torch.uint8)
        return JpegInput(JpegFile(coded, decoded, frame.exif, frame.icc_profile), self.sampler, self.tolerance)


def _frame(photograph: DecodedImage) -> ImageInfo:
    height, width, channels = photograph.pixels.shape
    kind = photograph.pixels.dtype.type
    return ImageInfo(height, width, channels, kind, photograph.alpha, photograph.exif, photograph.icc_profile)


def read_levels(path: Path, max_pixels: int) -> JpegFile:
    """Of one file.

    Raises:
        UnreadableImage: naming the file and the reason.
        UnsuitablePicture: if it is a whole picture of another kind.
    """
    try:
        return jpeg_file.read(path, max_pixels)
    except UnreadableImage as error:
        kind = _kind_of_another(path, max_pixels)
        if kind is None:
            raise
        raise UnsupportedImageError(
            f"it is a {kind} file; this model restores .jpg files by the levels they hold: give the .jpg it was "
            "made of, or take a model that was trained on noise"
        ) from error


def _kind_of_another(path: Path, max_pixels: int) -> str | None:
    """PNG, WEBP or TIFF, where it is a whole one; else None."""
    try:
        kind = read(path, max_pixels).format
    except UnreadableImage:
        return None
    return None if kind == "JPEG" else kind


def require_channels(frame: ImageInfo, sampler: LoadedSampler) -> int:
    """How many channels a sampler knows.

    Raises:
        UnsuitablePicture: if the picture has colour and the sampler knows only grey.
    """
    known = sampler.image_channels
    if frame.channels > known:
        raise UnsupportedImageError("it has colour; allowed for this model, trained on grey, is grey")
    return known


def picture_read(
    picture: Tensor,
    frame: ImageInfo,
    told: ImageSideInfo,
    sampler: LoadedSampler,
    max_pixels: int,
    notes: Sequence[str] = (),
) -> MeasuredInput:
    """A file that is y.

    Args:
        picture: its pixels, (1, c, h, w) in [0, 1].
        frame: of the file.
        told: what is known besides.
        sampler: whose degradation is a ``FromImage``.
        max_pixels: of what is restored.
        notes: of reading the file.

    Raises:
        UnsuitablePicture: if it cannot be such a y, or would become too large.
    """
    degradation, known = sampler.degradation, require_channels(frame, sampler)
    assert isinstance(degradation, FromImage)
    scale = getattr(degradation, "scale", 1)
    if scale**2 * frame.height * frame.width > max_pixels:
        size = f"{scale * frame.width}x{scale * frame.height}"
        raise UnsupportedImageError(f"it would be restored to {size} pixels, above the limit of {max_pixels}")
    try:
        reading = degradation.from_image(picture.expand(-1, known, -1, -1), told)
    except ValueError as error:
        raise UnsupportedImageError(str(error)) from error
    warnings = list(reading.warnings)
    if frame.channels < known and not reading.adds_colour:
        warnings.append("it is grey, and y the same in all colours, on which the run was not trained")
    if reading.adds_colour:
        frame = recoloured(frame, known)
    facts = {**reading.said, "notes": list(notes)}
    return MeasuredInput(reading.measurement, enlarged(frame, scale), sampler, facts, warnings)


def picture_degraded(clean: Tensor, frame: ImageInfo, sampler: LoadedSampler, seed: int) -> MeasuredInput:
    """A clean picture (1, C, H, W), degraded as in training.

    Raises:
        UnsuitablePicture: if it is of a size or kind that the degradation refuses.
    """
    try:
        measurement = sampler.degradation(clean, Rng(seed, "degrade", [0]))
    except ValueError as error:
        raise UnsupportedImageError(str(error)) from error
    return MeasuredInput(measurement, frame, sampler, {}, [])


def enlarged(frame: ImageInfo, scale: int) -> ImageInfo:
    """Of a picture ``scale`` times as large, each value of alpha repeated."""
    alpha = frame.alpha if frame.alpha is None else np.repeat(np.repeat(frame.alpha, scale, 0), scale, 1)
    return replace(frame, height=scale * frame.height, width=scale * frame.width, alpha=alpha)
