"""From a picture file to what a sampler restores."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ...data.degradation import PairedDegradation, Verifiable
from ...data.from_image import EstimatesSideInfo, FromImage, FromWindows, ImageSideInfo, ParsedMeasurement
from ...data.image_io.decode import UnreadableImage
from ...data.image_io.pixels import DecodedImage
from ...data.image_io.read_image import MAX_PIXELS, read
from ...data.jpeg import reader as jpeg_file
from ...data.jpeg.reader import JpegFile
from ...data.measurement import Measurement
from ...rng import Rng
from ..inference.sampler import LoadedSampler
from ..inference.windows import Window
from .restoration_input import ImageInfo, ImageModel, Pixels, RestorationInput, UnsupportedImageError
from .side_info import SideInfo, kind_of

AUTO = "auto"
GREY = "it is grey, and y the same in all colours, on which the run was not trained"


@dataclass(frozen=True)
class ImageOpener:
    """Opens pictures for one sampler.

    Attributes:
        sampler: that will restore them; trained on any ``FromImage``.
        sigma: of Gaussian noise on the 0..255 scale; ``auto`` estimates it, where noise is all there is; None is what
            the sampler knows, or else ``auto``.
        tolerance: by how many quantisation steps levels of a .jpg may be missed, for files of encoders that do not
            round to the nearest; reports count whatever differs.
        degrade: whether files are clean and are degraded first, as in training.
        seed: of that degradation.
        max_pixels: of a picture, and of what it is restored to; larger ones are refused before they are decoded.
        side_info: what else is known of them.

    Raises:
        ValueError: if the sampler restores what no picture file holds, or an option does not go with it.
    """

    sampler: ImageModel
    sigma: float | Literal["auto"] | None = None
    tolerance: float = 0.0
    degrade: bool = False
    seed: int = 0
    max_pixels: int = MAX_PIXELS
    side_info: SideInfo = field(default_factory=SideInfo)

    def __post_init__(self) -> None:
        degradation, kind = self.degradation, kind_of(self.sampler.degradation)
        if self.degrade and isinstance(degradation, PairedDegradation):
            raise ValueError(
                f"degrade is true; the model was trained on {kind}, and nothing makes y of a clean picture"
            )
        if self.sigma is not None and "sigma" not in degradation.accepted_side_info:
            raise ValueError(f"sigma is {self.sigma}; the model was trained on {kind}, which has none")
        if self.sigma == AUTO and not isinstance(degradation, EstimatesSideInfo):
            raise ValueError(f"sigma must be a number for the model, which was trained on {kind}, got {AUTO}")
        if self.sigma is not None and self.degrade:
            raise ValueError(f"sigma is {self.sigma}; with degrade the noise is drawn as in training, and is known")
        if isinstance(degradation, EstimatesSideInfo) and isinstance(self.sigma, float):
            degradation.from_image(torch.zeros(1, 1, 1, 1), ImageSideInfo(sigma=self.sigma))  # refuses what is unknown
        self.side_info.check(degradation, self.degrade)

    @cached_property
    def degradation(self) -> FromImage:
        """That of the sampler, with the tolerance that is asked for."""
        degradation: Any = self.sampler.degradation
        if not isinstance(degradation, FromImage):
            raise ValueError(f"the model was trained on {kind_of(degradation)}, whose y no picture file holds")
        if not self.tolerance:
            return degradation
        if not hasattr(degradation, "with_tolerance"):
            kind = kind_of(degradation)
            raise ValueError(f"tolerance is {self.tolerance}; the model was trained on {kind}, which has none")
        tolerant: FromImage = degradation.with_tolerance(self.tolerance)
        return tolerant

    def open(self, path: Path | bytes) -> RestorationInput:
        """Open one file, or the bytes of one.

        Raises:
            UnreadableImage: naming the file and the reason.
            UnsupportedImageError: if this sampler cannot restore it.
        """
        if self.degrade:
            return self._degraded(read(path, self.max_pixels))
        if "coefficients" in self.degradation.accepted_side_info:
            file = _read_levels(path, self.max_pixels)
            file_channels, height, width = file.decoded.shape
            channels = 1 if file.coefficients.is_grey else file_channels
            decoded, exif = file.decoded[:channels], file.exif  # as it is stored
            info = ImageInfo(height, width, channels, file_channels, exif=exif, icc_profile=file.icc_profile)
            side_info = replace(self._side_info(path, info), coefficients=file.coefficients)
            y = self._input(lambda w: decoded[(slice(None), *w.area)] / 255, info, side_info)
            y.facts["notes"] = list(file.notes)
            return y
        photograph = read(path, self.max_pixels)
        info = _info(photograph)
        side_info, facts, about = self._side_info(path, info), dict[str, Any](), tuple[str, ...]()
        if isinstance(self.degradation, EstimatesSideInfo):
            with _refusals():
                estimate = self.degradation.estimate_side_info(
                    photograph.pixels, side_info, photograph.visible, photograph.tables
                )
            side_info, facts, about = estimate.side_info, dict(estimate.facts), estimate.warnings
        if "mask" in self.degradation.accepted_side_info and self.side_info.mask is None:
            info = replace(info, alpha=None)
        y = self._input(lambda w: photograph.window(*w), info, side_info)
        y.facts |= {**facts, "notes": list(photograph.notes)}
        y.warnings += about
        return y

    def _side_info(self, path: Path | bytes, info: ImageInfo) -> ImageSideInfo:
        sigma = self.sigma if isinstance(self.sigma, float) else None
        return replace(self.side_info.of_image(path, info), sigma=sigma)

    def _input(self, pixels: Pixels, info: ImageInfo, side_info: ImageSideInfo) -> RestorationInput:
        """A picture that is y."""
        scale = getattr(self.degradation, "scale", 1)
        if scale**2 * info.height * info.width > self.max_pixels:
            size = f"{scale * info.width}x{scale * info.height}"
            raise UnsupportedImageError(f"it would be restored to {size} pixels, above the limit of {self.max_pixels}")
        channels = self._require_channels(info)
        if isinstance(self.degradation, FromWindows):
            return self._by_windows(self.degradation, pixels, info, side_info)
        picture = pixels(Window(0, 0, info.height, info.width))
        parsed = self._parsed(picture, channels, side_info)
        if parsed.adds_colour:
            info = info.with_channels(channels)
        held = {channels: parsed.measurement}
        if info.channels not in held:
            held[info.channels] = self._parsed(picture, info.channels, side_info).measurement
        y = self._held(held, info.enlarged(scale))
        y.facts |= parsed.facts
        y.warnings += [*parsed.warnings, *([GREY] if info.channels < channels else [])]
        return y

    def _degraded(self, photograph: DecodedImage) -> RestorationInput:
        """y made of a clean picture; a grey one becomes colour for a sampler that knows only colour."""
        info = _info(photograph)
        channels = self._require_channels(info)
        clean = photograph.window(0, 0, info.height, info.width).expand(channels, -1, -1)
        with _refusals():
            measurement = self.degradation(clean[None], Rng(self.seed, "degrade", [0]))
        if isinstance(self.degradation, Verifiable):
            info = replace(info.with_channels(channels), dtype=np.uint8, alpha=None)
        elif channels != info.channels:
            info = info.with_channels(channels)
        if isinstance(self.degradation, FromWindows):
            side_info = self.degradation.side_info(measurement)
            y = self._by_windows(self.degradation, _windows_of(measurement.degraded[0]), info, side_info)
        else:
            y = self._held({channels: measurement}, info)
        y.clean = _windows_of(clean)
        y.facts["notes"] = list(photograph.notes)
        return y

    def _by_windows(
        self, degradation: FromWindows, pixels: Pixels, info: ImageInfo, side_info: ImageSideInfo
    ) -> RestorationInput:
        """Windows are measured when they are asked for; what is said of the first holds for all."""

        def measured(window: Window, channels: int) -> Measurement:
            return self._parsed(pixels(window), channels, side_info.window(*window)).measurement

        unit, channels = degradation.window_unit, self.sampler.image_channels
        first = Window(0, 0, min(unit, info.height), min(unit, info.width))
        parsed = self._parsed(pixels(first), channels, side_info.window(*first))
        y = RestorationInput(self.sampler, degradation, info, measured, unit)
        y.facts |= parsed.facts
        y.warnings += parsed.warnings
        if info.channels < channels and not isinstance(degradation, Verifiable):
            y.warnings.append(GREY)
        return y

    def _held(self, held: dict[int, Measurement], info: ImageInfo) -> RestorationInput:
        """Measurements of all of the picture, by channels."""
        unit = self.degradation.unit

        def measured(window: Window, channels: int) -> Measurement:
            return held[channels].window(*window, unit or 1)

        y = RestorationInput(self.sampler, self.degradation, info, measured, unit, held[info.channels])
        y.facts["held_whole"] = True
        return y

    def _parsed(self, picture: Tensor, channels: int, side_info: ImageSideInfo) -> ParsedMeasurement:
        with _refusals():
            return self.degradation.from_image(picture[None].expand(-1, channels, -1, -1), side_info)

    def _require_channels(self, info: ImageInfo) -> int:
        """How many channels the sampler knows."""
        known = self.sampler.image_channels
        if info.channels > known:
            raise UnsupportedImageError("it must be grey for this model, which was trained on grey, and has colour")
        return known


def read_measurement(
    picture: Path | str | bytes, sampler: LoadedSampler, sigma: float | Literal["auto"] | None = None
) -> Measurement:
    """``pscgan.read``: y of a picture file, as ``pscgan restore`` sees it; ``sampler.sample`` takes it.

    The pixels, and what the sampler must know besides: the level of the noise, estimated if it is not given, or the
    levels that a .jpg file stores. What speaks against the picture is a ``UserWarning``.

    Args:
        picture: path or bytes of the file.
        sampler: that ``pscgan.load`` opened.
        sigma: of Gaussian noise on the 0..255 scale; None is what the sampler was trained on, or else ``auto``.

    Raises:
        UnreadableImage: naming the file and the reason.
        ValueError: if this sampler cannot restore it, or sigma is not of its range.
    """
    opener = ImageOpener(sampler, sigma if sigma in (None, AUTO) else float(sigma))
    y = opener.open(Path(picture) if isinstance(picture, str) else picture)
    for warning in y.warnings:
        warnings.warn(warning, stacklevel=2)
    return y.measurement(Window(0, 0, y.info.height, y.info.width))


@contextmanager
def _refusals() -> Iterator[None]:
    """What a degradation refuses is a picture that does not go with the model."""
    try:
        yield
    except ValueError as error:
        raise UnsupportedImageError(str(error)) from error


def _windows_of(image: Tensor) -> Pixels:
    return lambda window: image[(slice(None), *window.area)]


def _info(photograph: DecodedImage) -> ImageInfo:
    height, width, channels = photograph.pixels.shape
    stored = photograph.file_channels, photograph.pixels.dtype.type, photograph.alpha, photograph.hidden
    meant = photograph.exif, photograph.icc_profile, photograph.colour_chunks
    return ImageInfo(height, width, channels, *stored, *meant)


def _read_levels(path: Path | bytes, max_pixels: int) -> JpegFile:
    """Levels and pixels of a .jpg; another kind of picture is refused by name."""
    try:
        return jpeg_file.read(path, max_pixels)
    except UnreadableImage as error:
        try:
            kind = read(path, max_pixels).format
        except UnreadableImage:
            kind = "JPEG"
        if kind == "JPEG":
            raise
        raise UnsupportedImageError(
            f"it is a {kind} file; this model restores .jpg files by the levels they hold: give the .jpg it was "
            "made of, or take a model that was trained on noise"
        ) from error
