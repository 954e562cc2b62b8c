"""Weights rounded to float16, and what that costs a sampler, measured."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...data.crops import center_crop
from ...data.degradation import Degradation, PairedDegradation
from ...data.sources.image_source import BUNDLED, ImageSource
from ...rng import Rng
from ..sampling import GeneratorSampler

SIDE = 128  # of the central square of each photograph, in pixels


class RoundingError(NamedTuple):
    """Difference of samples for the same y and z, before and after rounding, in grey levels of 0..255.

    Attributes:
        max: of all pixels.
        rms: of all pixels.
        photographs: restored, ``SIDE`` pixels a side.
    """

    max: float
    rms: float
    photographs: int


def halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """float32 tensors as float16; others as they are.

    Raises:
        ValueError: naming the first tensor with a value beyond float16.
    """
    half = {name: weight.half() if weight.is_floating_point() else weight for name, weight in weights.items()}
    for name, weight in half.items():
        if not weight.isfinite().all():
            raise ValueError(f"--half: tensor {name} has values beyond float16, whose largest is 65,504")
    return half


@torch.no_grad()
def rounding_error(
    generator: Any, weights: dict[str, Tensor], degradation: Degradation, channels: int
) -> RoundingError:
    """Of one sample each of the photographs of the package, degraded as in training; always the same draws.

    Where y is recorded, a photograph is taken for its own recording.

    Args:
        generator: before rounding, on the CPU.
        weights: rounded.
        degradation: it was trained on.
        channels: C.
    """
    photographs, rounded = ImageSource(BUNDLED, channels), deepcopy(generator)
    rounded.load_state_dict(weights)
    differences = []
    for number, name in enumerate(photographs.names):
        clean = center_crop(photographs.read(name), SIDE)[None].float() / 255
        if isinstance(degradation, PairedDegradation):
            measurement = degradation.measure(clean)
        else:
            measurement = degradation(clean, Rng(0, "half", [number]))
        before, after = (
            GeneratorSampler(network, degradation).restore(measurement, 1, [number]) for network in (generator, rounded)
        )
        differences.append(255 * (after.double() - before.double()))
    levels = torch.cat(differences)
    return RoundingError(float(levels.abs().max()), float(levels.square().mean().sqrt()), len(differences))
