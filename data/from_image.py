"""How picture files become measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from .degradation import Degradation
from .measurement import Measurement


class StoredImage(Protocol):
    """What an image file stores of y besides its pixels."""

    def window(self, top: int, left: int, height: int, width: int) -> StoredImage:
        """What a file of this part alone would store."""


@dataclass(frozen=True)
class ImageSideInfo:
    """What is known of one picture besides its pixels; None where nothing is.

    Attributes:
        mask: True where a pixel is known, (1, 1, H, W) bool.
        phase: of a mosaic, as ``Bayer`` has it.
        kernel: by which it was blurred, (h, w) float64 of sum 1 with odd sides.
        photons: at white.
        sigma: of its noise, on the 0..255 scale.
        coefficients: what the file stores whose decode it is, as ``JpegCoefficients``.
    """

    mask: Tensor | None = None
    phase: str | None = None
    kernel: Tensor | None = None
    photons: float | None = None
    sigma: float | None = None
    coefficients: StoredImage | None = None

    def window(self, top: int, left: int, height: int, width: int) -> ImageSideInfo:
        """What is known of a part of the picture; that of a .jpg file is cut at multiples of its units."""
        part = slice(top, top + height), slice(left, left + width)
        mask = None if self.mask is None else self.mask[(..., *part)]
        coefficients = None if self.coefficients is None else self.coefficients.window(top, left, height, width)
        return replace(self, mask=mask, coefficients=coefficients)


@dataclass(frozen=True)
class ParsedMeasurement:
    """What a picture was read as.

    Attributes:
        measurement: of one image.
        facts: what was found or given, as plain values.
        warnings: sentences, of what speaks against it.
        adds_colour: whether y has no colours of its own, so that restorations have more channels than the picture.
    """

    measurement: Measurement
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    adds_colour: bool = False


@runtime_checkable
class FromImage(Degradation, Protocol):
    """A degradation whose y a picture file can hold.

    Attributes:
        accepted_side_info: which attributes of ``ImageSideInfo`` it asks for.
        residual_unit: that of its ``residual``, in words; None where it has no residual.
        unit: of windows that begin and end at multiples of it, ``project`` makes what it makes of the whole image;
            None where it takes the whole.

    One whose restorations are larger than the picture says so by ``scale``, how many times.
    """

    accepted_side_info: tuple[str, ...]
    residual_unit: str | None
    unit: int | None

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        """The measurement that a picture is: params, maps and start as if it had been measured here.

        Args:
            picture: (1, C, h, w) in [0, 1], with the channels of restorations; grey ones are equal in all of them.
            side_info: what else is known.

        Raises:
            ValueError: naming what is missing, or why it cannot be such a measurement.
        """


@runtime_checkable
class FromWindows(FromImage, Protocol):
    """One that reads the measurement of a window from that window alone, so that no picture is held in floats.

    What it says of a window must hold for all, and ``project`` makes of windows what it makes of the whole.

    Attributes:
        window_unit: pixels to whose multiples windows are cut.
    """

    window_unit: int

    def side_info(self, measurement: Measurement) -> ImageSideInfo:
        """What is known of an image besides its pixels, of a measurement (B = 1) that was made here."""


@dataclass(frozen=True)
class SideInfoEstimate:
    """What a picture shows of itself.

    Attributes:
        side_info: with what was missing.
        facts: what was found, as plain values.
        warnings: sentences, of what speaks against it.
    """

    side_info: ImageSideInfo
    facts: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


@runtime_checkable
class EstimatesSideInfo(Protocol):
    """A degradation that finds in a whole picture what is not told of it."""

    def estimate_side_info(
        self,
        pixels: np.ndarray,
        side_info: ImageSideInfo,
        visible: np.ndarray | None = None,
        tables: Sequence[np.ndarray] = (),
    ) -> SideInfoEstimate:
        """Complete what is known.

        Args:
            pixels: (H, W, C) uint8 or uint16.
            side_info: what is told.
            visible: (H, W) bool, where pixels are not made up; None where none is.
            tables: quantisation steps of luma and chroma, (8, 8) each, where the picture is a .jpg file.

        Raises:
            ValueError: if something has to be told because it cannot be found.
        """
