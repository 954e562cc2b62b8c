"""From what a file holds to a picture that is measured as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from ...data.from_picture import FromPicture, Told
from ...rng import Rng
from ..loaded_sampler import LoadedSampler
from .measured_picture import MeasuredPicture
from .subject import Frame, recoloured
from .unsuitable import UnsuitablePicture


def require_channels(frame: Frame, sampler: LoadedSampler) -> int:
    """How many channels a sampler knows.

    Raises:
        UnsuitablePicture: if the picture has colour and the sampler knows only grey.
    """
    known = int(sampler.about["image_channels"])
    if frame.channels > known:
        raise UnsuitablePicture("it has colour; allowed for this model, trained on grey, is grey")
    return known


def picture_read(
    picture: Tensor, frame: Frame, told: Told, sampler: LoadedSampler, max_pixels: int, notes: Sequence[str] = ()
) -> MeasuredPicture:
    """A file that is y.

    Args:
        picture: its pixels, (1, c, h, w) in [0, 1].
        frame: of the file.
        told: what is known besides.
        sampler: whose degradation is a ``FromPicture``.
        max_pixels: of what is restored.
        notes: of reading the file.

    Raises:
        UnsuitablePicture: if it cannot be such a y, or would become too large.
    """
    degradation, known = sampler.degradation, require_channels(frame, sampler)
    assert isinstance(degradation, FromPicture)
    scale = getattr(degradation, "scale", 1)
    if scale**2 * frame.height * frame.width > max_pixels:
        size = f"{scale * frame.width}x{scale * frame.height}"
        raise UnsuitablePicture(f"it would be restored to {size} pixels, above the limit of {max_pixels}")
    try:
        reading = degradation.read_picture(picture.expand(-1, known, -1, -1), told)
    except ValueError as error:
        raise UnsuitablePicture(str(error)) from error
    warnings = list(reading.warnings)
    if frame.channels < known and not reading.adds_colour:
        warnings.append("it is grey, and y the same in all colours, on which the run was not trained")
    if reading.adds_colour:
        frame = recoloured(frame, known)
    facts = {**reading.said, "notes": list(notes)}
    return MeasuredPicture(reading.measurement, enlarged(frame, scale), sampler, facts, warnings)


def picture_degraded(clean: Tensor, frame: Frame, sampler: LoadedSampler, seed: int) -> MeasuredPicture:
    """A clean picture (1, C, H, W), degraded as in training.

    Raises:
        UnsuitablePicture: if it is of a size or kind that the degradation refuses.
    """
    try:
        measurement = sampler.degradation(clean, Rng(seed, "degrade", [0]))
    except ValueError as error:
        raise UnsuitablePicture(str(error)) from error
    return MeasuredPicture(measurement, frame, sampler, {}, [])


def enlarged(frame: Frame, scale: int) -> Frame:
    """Of a picture ``scale`` times as large, each value of alpha repeated."""
    alpha = frame.alpha if frame.alpha is None else np.repeat(np.repeat(frame.alpha, scale, 0), scale, 1)
    return replace(frame, height=scale * frame.height, width=scale * frame.width, alpha=alpha)
