"""A noisy picture before a sampler that was trained on Gaussian noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.degradations.jpeg import Jpeg
from ...data.from_image import FromImage
from ...data.jpeg.coefficients import SAMPLINGS, JpegCoefficients, crop, grey_as_colour, unit
from ...data.jpeg.quantisation import QualityEstimate, estimate_quality
from ...data.jpeg.reader import JpegFile
from ...data.jpeg.verify import Verification
from ...data.luma import luma
from ...data.measurement import Measurement
from ...data.noise_level import MIN_SIDE
from ..inference.sampler import LoadedSampler
from .restoration_input import ImageInfo, UnsupportedImageError, to_pixels
from .windows import Window

FAR = 0.25  # of sigma: so far from it, a warning is given


class NoisyInput:
    """A ``Subject``: any picture, taken for y.

    A grey picture is told to a sampler that knows colour as three equal colours; of what comes, the luma is taken.

    Args:
        shown: y of a window, (c, h, w) float, 1 for white.
        frame: of the picture, with c channels.
        sampler: trained on Gaussian noise.
        sigma: of the noise on the 0..255 scale, one the sampler knows.

    Raises:
        UnsuitablePicture: if it has colour and the sampler knows only grey.
    """

    unit = 1

    def __init__(
        self, shown: Callable[[Window], Tensor], frame: ImageInfo, sampler: LoadedSampler, sigma: float
    ) -> None:
        assert isinstance(sampler.degradation, GaussianNoise)
        self.shown, self.frame, self.seen, self.sigma = shown, frame, sampler.degradation, sigma
        self.known = sampler.image_channels
        if frame.channels > self.known:
            raise UnsupportedImageError("it has colour; allowed for this model, trained on grey, is grey")
        self.facts: dict[str, Any] = {"sigma": sigma}
        self.warnings = []
        if frame.channels < self.known:
            self.warnings.append("it is grey, and its noise the same in all colours, on which the run was not trained")

    def condition(self, window: Window) -> Tensor:
        """See ``Subject``."""
        return self.seen.measure(self.shown(window)[None].expand(-1, self.known, -1, -1), self.sigma).condition

    def project(self, drawn: Tensor, window: Window) -> Tensor:
        """See ``Subject``: Gaussian noise can explain any y."""
        return luma(drawn) if drawn.shape[1] > self.frame.channels else drawn

    def finish(self, image: Tensor, window: Window) -> tuple[np.ndarray, None]:
        """See ``Subject``."""
        return to_pixels(image, self.frame.dtype), None

    def residual(self, pixels: np.ndarray) -> dict[str, Any]:
        """See ``Subject``."""
        return {}


def noisy_picture(
    shown: Callable[[Window], Tensor],
    frame: ImageInfo,
    sampler: LoadedSampler,
    sigma: float | None,
    found: float | None,
) -> NoisyInput:
    """One whose noise was found to have some sigma.

    Args:
        shown: see ``NoisyInput``, as frame and sampler.
        frame: of the picture.
        sampler: trained on Gaussian noise.
        sigma: that is told; None takes what the sampler knows, or was found.
        found: sigma by estimate; None where the picture is too small for that.

    Raises:
        UnsuitablePicture: if sigma has to be found and was not; and as ``NoisyInput``.
    """
    noise = sampler.degradation
    assert isinstance(noise, GaussianNoise)
    low, high = 255 * noise.low, 255 * noise.high
    if sigma is not None or low == high:
        told = low if sigma is None else sigma
    elif found is None:
        raise UnsupportedImageError(
            f"it has less than {MIN_SIDE} pixels a side, too few to find its noise; allowed is a number as sigma"
        )
    else:
        told = min(max(found, low), high)
    picture = NoisyInput(shown, frame, sampler, told)
    picture.facts["sigma_found"] = found
    if found is not None and abs(found - told) > FAR * told:
        trained = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        picture.warnings.append(
            f"its noise has a sigma of about {found:.1f}; it is restored as one of {told:g}, and the run was "
            f"trained on {trained}"
        )
    return picture


NAMES = {sampling: name for name, sampling in SAMPLINGS.items()}


class JpegInput:
    """A ``Subject``: levels and pixels of a file, as they are stored, not rotated.

    A grey file is told to a sampler that knows colour as colour without chroma; of what comes, the luma is taken.

    Args:
        file: as it was read.
        sampler: trained on JPEG.
        tolerance: by how many quantisation steps levels may miss the file's, for files of encoders that do not round to
            the nearest; certificates count whatever differs.

    Raises:
        UnsuitablePicture: if it has colour and the sampler knows only grey.
    """

    def __init__(self, file: JpegFile, sampler: LoadedSampler, tolerance: float = 0.0) -> None:
        assert isinstance(sampler.degradation, Jpeg)
        self.file, self.seen, self.device = file, sampler.degradation, sampler.device
        self.frame, channels = frame_of_levels(file), len(file.decoded)
        self.known = sampler.image_channels
        if channels > self.known:
            raise UnsupportedImageError("it has colour; allowed for this model, trained on grey, is grey")
        self.projection = self.seen.with_tolerance(tolerance)
        self.told = grey_as_colour(file.coded, self.seen.samplings[0]) if channels < self.known else file.coded
        self.unit = max(unit(file.coded), unit(self.told))
        quality = estimate_quality(file.coded)
        self.facts: dict[str, Any] = {
            "sampling": NAMES[file.coded.sampling] if channels > 1 else "grey",
            "tables": described(quality),
        }
        self.warnings = self._warnings(quality)
        self._held: tuple[Window, Measurement] | None = None

    def shown(self, window: Window) -> Tensor:
        """See ``Subject``: the plain decode."""
        return self._pixels(window) / 255

    def condition(self, window: Window) -> Tensor:
        """See ``Subject``."""
        told = self._pixels(window).expand(self.known, -1, -1)
        return self.seen.measure(_part(self.told, window), told[None]).condition

    def project(self, drawn: Tensor, window: Window) -> Tensor:
        """See ``Subject``."""
        image = luma(drawn) if drawn.shape[1] > self.frame.channels else drawn
        return self.projection.project(image, self._measurement(window))

    @torch.inference_mode()
    def finish(self, image: Tensor, window: Window) -> tuple[np.ndarray, Verification]:
        """See ``Subject``: the 8-bit picture near it, and what libjpeg makes of it."""
        measurement = self._measurement(window)
        pixels = self.projection.to_exact_uint8(image.float().to(self.device), measurement)
        return pixels[0].movedim(0, -1).cpu().numpy(), self.projection.verify(pixels, measurement)

    def residual(self, pixels: np.ndarray) -> dict[str, Any]:
        """See ``Subject``."""
        return {}

    def _measurement(self, window: Window) -> Measurement:
        """Kept for the samples of one window, each of which is projected and finished."""
        if self._held is None or self._held[0] != window:
            measurement = self.projection.measure(_part(self.file.coded, window), self._pixels(window)[None])
            self._held = window, measurement.to(self.device)
        return self._held[1]

    def _pixels(self, window: Window) -> Tensor:
        return self.file.decoded[(slice(None), *window.area)]

    def _warnings(self, found: QualityEstimate) -> list[str]:
        """What of the file's tables and sampling the sampler has not seen, and what it has."""
        low, high, samplings = self.seen.low, self.seen.high, self.seen.samplings
        chroma, grey = self.file.coded.sampling, self.frame.channels == 1
        if found.exact and low <= found.quality <= high and (grey or chroma in samplings):
            return []
        colour = " in grey" if grey else f" at {NAMES[chroma]}"
        seen = f"{low}" if low == high else f"{low} to {high}"
        at = f" at {', '.join(NAMES[sampling] for sampling in samplings)}" if self.known > 1 else ""
        return [f"its tables are {described(found)}{colour}; the run was trained on quality {seen}{at}"]


def frame_of_levels(file: JpegFile) -> ImageInfo:
    """As it is stored."""
    channels, height, width = file.decoded.shape
    return ImageInfo(height, width, channels, exif=file.exif, icc_profile=file.icc_profile)


def described(quality: QualityEstimate) -> str:
    """In words."""
    return (
        f"those of quality {quality.quality}"
        if quality.exact
        else f"not libjpeg's, nearest to quality {quality.quality}"
    )


def _part(coded: JpegCoefficients, window: Window) -> JpegCoefficients:
    return crop(coded, *window.place)


MOST_TURNS, NEAR = 20, 0.1 / 255  # so near to [0, 1], clipping is left to rounding


class MeasuredInput:
    """A ``Subject``: y, facts and maps of all of it, held as floats; its memory grows with the picture.

    Restorations are grey where the frame is and the sampler knows colour: of what comes the luma is taken, which
    explains a y of three equal colours as well as they do.

    Args:
        measurement: of one image, with the channels that the sampler knows.
        frame: of what is written.
        sampler: whose degradation is a ``FromImage``.
        facts: what is known of the file.
        warnings: what speaks against it.
    """

    def __init__(
        self,
        measurement: Measurement,
        frame: ImageInfo,
        sampler: LoadedSampler,
        facts: dict[str, Any],
        warnings: list[str],
    ) -> None:
        assert isinstance(sampler.degradation, FromImage)
        self.measurement, self.frame, self.seen = measurement, frame, sampler.degradation
        self.known = measurement.degraded.shape[1]
        self.facts, self.warnings = facts | {"held_whole": True}, warnings

    @property
    def unit(self) -> int | None:
        """See ``Subject``."""
        return self.seen.unit

    def shown(self, window: Window) -> Tensor:
        """See ``Subject``."""
        return self.measurement.degraded[(0, slice(self.frame.channels), *window.area)]

    def condition(self, window: Window) -> Tensor:
        """See ``Subject``."""
        return self._part(window).condition

    def project(self, drawn: Tensor, window: Window) -> Tensor:
        """See ``Subject``."""
        image = self.seen.project(drawn, self._part(window).to(drawn.device))
        return luma(image) if self.known > self.frame.channels else image

    @torch.inference_mode()
    def finish(self, image: Tensor, window: Window) -> tuple[np.ndarray, None]:
        """See ``Subject``: clipped and projected by turns, as clipping alone may leave what explains y."""
        for _ in range(MOST_TURNS):
            clipped = image.clamp(0, 1)
            if (image - clipped).abs().max() <= NEAR:
                break
            image = self.project(clipped.expand(-1, self.known, -1, -1), window)
        return to_pixels(image, self.frame.dtype), None

    @torch.inference_mode()
    def residual(self, pixels: np.ndarray) -> dict[str, Any]:
        """See ``Subject``."""
        if self.seen.residual_unit is None:
            return {}
        image = torch.from_numpy(pixels / np.float32(np.iinfo(pixels.dtype).max)).movedim(-1, 0)[None]
        (residual,) = self.seen.residual(image.expand(-1, self.known, -1, -1), self.measurement)
        return {"residual": float(residual), "residual_unit": self.seen.residual_unit}

    def _part(self, window: Window) -> Measurement:
        return self.measurement.window(*window.place, self.unit or 1)
