"""JPEG: y is what libjpeg shows of the file it wrote of x."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import torch
from torch import Tensor

from ...checks import number_or_range, require_at_least
from ...rng import Rng
from ..degradation import Verification
from ..from_image import ImageSideInfo, ParsedMeasurement
from ..jpeg import codec
from ..jpeg.coefficients import BLOCK, SAMPLINGS, JpegCoefficients, from_params, grey_as_colour, to_params
from ..jpeg.differentiable_codec import project
from ..jpeg.exact_projection import project_exactly
from ..jpeg.quantisation import estimate_quality, tables_of_quality
from ..jpeg.verify import verify
from ..measurement import Measurement, concatenate, size_of


class Jpeg:
    """Compression by libjpeg(-turbo), bit for bit, with the tables of a quality.

    The condition is the decoded image and, by ``maps``, for each component the logarithm of the quantisation step and
    the dequantised coefficient that stand at a pixel's place in its block: so one network can serve all qualities, and
    knows where blocks begin. Where chroma is shrunk, its maps are enlarged by repetition.

    Args:
        quality: 1 to 100. One number, or a pair ``[low, high]`` of which a whole number is drawn for each image.
        sampling: of chroma, ``4:4:4``, ``4:2:2`` or ``4:2:0``, or several, of which one is drawn for each image.
        channels: 3 for colour, 1 for grey, which has no chroma.
        maps: which maps join the condition, of ``steps`` and ``coefficients``.
        tolerance: by how many steps projections may miss a level: for files whose encoder did not round to the nearest.

    Raises:
        ValueError: if an argument is out of range or unknown.
    """

    accepted_side_info, residual_unit = ("coefficients",), "quantisation steps"
    unit: int | None = None
    window_unit = 2 * BLOCK  # chroma at half the size has blocks of so many pixels

    def __init__(
        self,
        quality: int | Sequence[int],
        sampling: str | Sequence[str] = "4:2:0",
        channels: int = 3,
        maps: Sequence[str] = ("steps",),
        tolerance: float = 0.0,
    ) -> None:
        self.low, self.high = number_or_range("quality", quality, "[1, 100]", "integer")
        names = [sampling] if isinstance(sampling, str) or not isinstance(sampling, Sequence) else list(sampling)
        if not names or any(name not in SAMPLINGS for name in names):
            raise ValueError(f"sampling must be one or several of {', '.join(SAMPLINGS)}, in quotes, got {sampling}")
        if channels not in (1, 3):
            raise ValueError(f"channels must be 3 (colour) or 1 (grey), got {channels}")
        if not isinstance(maps, Sequence) or any(name not in MAPS for name in maps) or len(set(maps)) < len(maps):
            raise ValueError(f"maps must be a list of {', '.join(MAPS)}, each once, or [], got {maps}")
        require_at_least(0, tolerance=tolerance)
        self.tolerance = tolerance
        self.samplings = [SAMPLINGS[name if channels == 3 else "4:4:4"] for name in names]
        self.maps = tuple(maps)
        self.num_maps = len(maps) * channels

    def with_tolerance(self, tolerance: float) -> Jpeg:
        """The same, with another tolerance."""
        require_at_least(0, tolerance=tolerance)
        other = copy(self)
        other.tolerance = tolerance
        return other

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        """Compress (B, C, H, W) in [0, 1], rounded to 8 bits."""
        picture = (255 * clean).round().clamp(0, 255)
        quality = rng.randint(self.low, self.high + 1).to(clean.device)
        drawn = rng.randint(0, len(self.samplings)).to(clean.device)
        tables = tables_of_quality(quality, picture.shape[1])
        groups = [(drawn == number).nonzero().flatten() for number in range(len(self.samplings))]
        parts = [
            self.measure(codec.encode(picture[images], tables[images], sampling))
            for images, sampling in zip(groups, self.samplings, strict=True)
            if len(images)
        ]
        return concatenate(parts)[torch.cat(groups).argsort()]

    def measure(self, coefficients: JpegCoefficients, decoded: Tensor | None = None) -> Measurement:
        """The measurement that files are.

        Args:
            coefficients: what they say.
            decoded: what their decoder shows, (B, C, H, W) uint8; None decodes here.
        """
        degraded = (codec.decode(coefficients) if decoded is None else decoded).float() / 255
        return Measurement(degraded, _maps(coefficients, self.maps) if self.maps else None, to_params(coefficients))

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        """See ``FromImage``: the decode of a .jpg file; grey is taken as colour without chroma, and the other way."""
        file = side_info.coefficients
        if not isinstance(file, JpegCoefficients):
            raise ValueError("it must be a .jpg file, as the networks are given its levels")
        coefficients = file
        if len(file.levels) < picture.shape[1]:
            coefficients = grey_as_colour(file, self.samplings[0])
        elif picture.shape[1] == 1:
            coefficients = file = file.luma
        measurement = self.measure(coefficients, (255 * picture).round().to(torch.uint8))
        return ParsedMeasurement(measurement, *self._facts(file))

    def side_info(self, measurement: Measurement) -> ImageSideInfo:
        ((_, coefficients),) = from_params(measurement.params, *size_of(measurement.degraded))
        return ImageSideInfo(coefficients=coefficients)

    def _facts(self, coefficients: JpegCoefficients) -> tuple[dict[str, str], tuple[str, ...]]:
        """Tables and sampling of a file in words, and what of them was not in training."""
        found, grey = estimate_quality(coefficients), len(coefficients.levels) == 1
        name = "grey" if grey else NAMES[coefficients.sampling]
        near = f"quality {found.quality}"
        tables = f"those of {near}" if found.exact else f"not libjpeg's, nearest to {near}"
        facts = {"sampling": name, "tables": tables}
        known = (
            found.exact and self.low <= found.quality <= self.high and (grey or coefficients.sampling in self.samplings)
        )
        if known:
            return facts, ()
        seen = f"{self.low}" if self.low == self.high else f"{self.low} to {self.high}"
        at = "in grey" if grey else f"at {name}"
        samplings = ", ".join(NAMES[sampling] for sampling in self.samplings)
        return facts, (f"its tables are {tables} {at}; the run was trained on quality {seen} at {samplings}",)

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """Mean distance of coefficients from their intervals in quantisation steps, (B,), rounded to 8 bits first."""
        return self.verify((255 * restored).round().clamp(0, 255).to(torch.uint8), measurement).violation

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The nearest image whose coefficients all lie in their intervals, in real numbers, differentiable."""
        groups, order = _groups(measurement)
        return torch.cat(
            [project(255 * restored[images], coefficients, self.tolerance) / 255 for images, coefficients in groups]
        )[order]

    def to_exact_uint8(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The 8-bit image near it that libjpeg writes to the very file, or as nearly as was reached; uint8."""
        groups, order = _groups(measurement)
        return torch.cat(
            [project_exactly(255 * restored[images], coefficients, self.tolerance) for images, coefficients in groups]
        )[order]

    def verify(self, image: Tensor, measurement: Measurement) -> Verification:
        """What libjpeg makes of (B, C, H, W) uint8, against the file."""
        groups, order = _groups(measurement)
        parts = [verify(image[images], coefficients) for images, coefficients in groups]
        return Verification(*(torch.cat(values)[order] for values in zip(*parts, strict=True)))


def _groups(measurement: Measurement) -> tuple[list[tuple[Tensor, JpegCoefficients]], Tensor]:
    """The images of each sampling with what their files say, and the order that undoes the grouping."""
    groups = list(from_params(measurement.params, *measurement.degraded.shape[-2:]))
    return groups, torch.cat([images for images, _ in groups]).argsort()


def _maps(coefficients: JpegCoefficients, names: Sequence[str]) -> Tensor:
    """Of each component the maps with these names, (B, components x names, H, W)."""
    maps = []
    for component, levels in enumerate(coefficients.levels):
        of_component = torch.stack(
            [MAPS[name](levels.float(), coefficients.tables[:, component]) for name in names], dim=1
        )
        if component:
            horizontal, vertical = coefficients.sampling
            of_component = of_component.repeat_interleave(vertical, 2).repeat_interleave(horizontal, 3)
        maps.append(of_component[..., : coefficients.height, : coefficients.width])
    return torch.cat(maps, dim=1)


def _steps(levels: Tensor, table: Tensor) -> Tensor:
    """log2 of the step over 8, 0 to 1 for 8-bit tables."""
    steps = codec.spread(table.float().log2() / 8, levels)
    return steps.expand(-1, levels.shape[1] // BLOCK, -1, -1).flatten(1, 2)


def _coefficients(levels: Tensor, table: Tensor) -> Tensor:
    """1/2 + c / 1024: 0 to 1 but for the means of blocks, -1/2 for black to 3/2 for white, up to half a step."""
    return 0.5 + codec.dequantise(levels, table) / 1024


NAMES = {sampling: name for name, sampling in SAMPLINGS.items()}
MAPS = {"steps": _steps, "coefficients": _coefficients}
