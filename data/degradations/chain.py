"""Several degradations one after the other."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ...rng import Rng
from ..degradation import Degradation
from ..from_image import FromImage, ImageSideInfo, ParsedMeasurement
from ..measurement import Measurement, size_of
from .linear import Linear


class Chain:
    """y = dₙ(… d₂(d₁(x))), as blur, shrinking, noise and JPEG in Real-ESRGAN (arXiv 2107.10833).

    A linear step hands on what it measured, smaller than its input where it shrinks; any other step its y. The last y
    is shown at the size of x: steps that change the shape show it as they would show their own, the others leave it
    as it is. Maps of all steps join the condition, enlarged to the size of x by repetition.

    Consistency is that of the last step, of x̂ pushed through the linear parts P of the steps before it. What those did
    at random or for good, noise and quantisation, is left out of P. So the truth's residual is what the last step
    states for it only if there was none; else it is larger by their errors.

    Projection: x̂ + P⁺(π(P x̂) − P x̂), π that of the last step, P⁺ the product of the A⁺. It explains y as π does, and
    is the nearest image that does where every A has orthogonal rows of one length, as whole blocks have. It needs every
    image to be P of another: all steps before the last linear, without noise, with ``exact`` and ``onto`` operators;
    else it is the identity.

    Args:
        steps: two degradations or more; a chain among them stands for its steps.

    Raises:
        ValueError: if they are fewer, or a step is no degradation.
    """

    def __init__(self, steps: Sequence[Degradation]) -> None:
        seam = ("__call__", "residual", "project", "num_maps")
        if not isinstance(steps, Sequence) or len(steps) < 2 or not all(hasattr(s, n) for s in steps for n in seam):
            raise ValueError(f"steps must be a list of at least 2 degradations, got {steps}")
        self.steps: list[Degradation] = []
        for step in steps:
            self.steps += step.steps if isinstance(step, Chain) else [step]
        self.before = [step.operator if isinstance(step, Linear) else None for step in self.steps[:-1]]
        self.num_maps = sum(step.num_maps for step in self.steps)
        self.exact = all(_can_be_undone(step) for step in self.steps[:-1])
        self.accepted_side_info = tuple(name for step in self.steps for name in getattr(step, "accepted_side_info", ()))
        self.scale = math.prod(getattr(step, "scale", 1) for step in self.steps)
        self.residual_unit: str | None = getattr(self.steps[-1], "residual_unit", None)
        self.unit = None if self.exact else 1

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        """Degrade (B, C, H, W) in [0, 1].

        Raises:
            ValueError: if a step before the last measures no image.
        """
        parts: list[Measurement] = []
        entering = clean
        for number, step in enumerate(self.steps):
            if entering.ndim != 4:
                raise ValueError(f"step {number - 1} must measure an image, got the shape {tuple(entering.shape)}")
            parts.append(step(entering, rng))
            entering = parts[-1].params.get("measured", parts[-1].degraded)
        return self._together(parts, clean)

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        """See ``FromImage``: y of the last step; every step takes the side information of the chain."""
        readings: list[ParsedMeasurement] = []
        leaving = picture
        for step in reversed(self.steps):
            reading = step.from_image(leaving, side_info) if isinstance(step, FromImage) else None
            if reading is None or reading.adds_colour:
                raise ValueError(f"the model was trained on a chain with {_name(step)}, of which no picture is read")
            readings.insert(0, reading)
            leaving = reading.measurement.degraded
        facts = {name: value for reading in readings for name, value in reading.facts.items()}
        warnings = tuple(warning for reading in readings for warning in reading.warnings)
        return ParsedMeasurement(
            self._together([reading.measurement for reading in readings], leaving), facts, warnings
        )

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """That of the last step, (B,), in its unit."""
        return self.steps[-1].residual(self._entering(restored, measurement)[-1], self._last(measurement))

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """An image that explains y as the last step's projection does, or the identity."""
        if not self.exact:
            return restored
        with torch.autocast(restored.device.type, enabled=False):
            image = restored.float() if restored.dtype.itemsize < 4 else restored
            entering = self._entering(image, measurement)
            missed = self.steps[-1].project(entering[-1], self._last(measurement)) - entering[-1]
            for number, operator in reversed(list(enumerate(self.before))):
                if operator:
                    params = _params(measurement, number)
                    missed = operator.pseudoinverse(missed, params, size_of(entering[number]))
            return image + missed

    def _entering(self, image: Tensor, measurement: Measurement) -> list[Tensor]:
        """What enters each step, of an image: noise and quantisation left out."""
        images = [image]
        for number, operator in enumerate(self.before):
            images.append(operator.forward(images[-1], _params(measurement, number)) if operator else images[-1])
        return images

    def _together(self, parts: Sequence[Measurement], entering: Tensor) -> Measurement:
        """One measurement of those of all steps, of images like those that enter the first."""
        size = size_of(entering)
        maps = [F.interpolate(part.maps, size, mode="nearest") for part in parts if part.maps is not None]
        params = {f"{number}.{name}": value for number, part in enumerate(parts) for name, value in part.params.items()}
        params[f"{len(parts) - 1}.degraded"] = parts[-1].degraded
        return Measurement(self._shown(parts).to(entering.dtype), torch.cat(maps, dim=1) if maps else None, params)

    def _shown(self, parts: Sequence[Measurement]) -> Tensor:
        """The last y, brought back through the steps that changed the shape."""
        shown = parts[-1].degraded
        for step, part in reversed(list(zip(self.steps[:-1], parts[:-1], strict=True))):
            if isinstance(step, Linear) and part.degraded.shape != shown.shape:
                shown = step.operator.to_image(shown, part.params, size_of(part.degraded), step.sigma)
        return shown

    def _last(self, measurement: Measurement) -> Measurement:
        params = _params(measurement, len(self.steps) - 1)
        return Measurement(params.pop("degraded"), params=params)


def _params(measurement: Measurement, number: int) -> dict[str, Tensor]:
    """Of the step with this number."""
    prefix = f"{number}."
    return {name.removeprefix(prefix): value for name, value in measurement.params.items() if name.startswith(prefix)}


def _can_be_undone(step: Degradation) -> bool:
    """Whether every image is what the step makes of its A⁺."""
    return isinstance(step, Linear) and not step.sigma and step.operator.exact and getattr(step.operator, "onto", False)


def _name(step: Degradation) -> str:
    return type(getattr(step, "operator", step)).__name__
