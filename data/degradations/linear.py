"""Linear measurements with noise: y = A x + sigma n."""

from functools import partial

import torch
from torch import Tensor

from ...checks import require_in
from ...linear_problem import LinearProblem
from ...rng import Rng
from ..from_image import ImageSideInfo, ParsedMeasurement
from ..measurement import Measurement, size_of
from .operators.protocol import KNOWN, ImageOperator, LinearOperator, Params


class Linear:
    """y = A x + (sigma / 255) n, n ~ N(0, I); neither is clipped.

    Without noise a sample is projected onto the images that are measured as y: x̂ + A⁺(y − A x̂), the nearest of them.

    Args:
        operator: A.
        sigma: standard deviation of the noise on the 0..255 scale, 0 for none.

    Raises:
        ValueError: if sigma leaves [0, 255].
    """

    def __init__(self, operator: LinearOperator, sigma: float = 0.0) -> None:
        require_in("[0, 255]", sigma=sigma)
        self.operator, self.sigma = operator, sigma / 255
        self.num_maps = operator.num_maps
        self.accepted_side_info: tuple[str, ...] = getattr(operator, "accepted_side_info", ())
        self.scale: int = getattr(operator, "factor", 1)
        self.residual_unit = "sigma" if sigma else "grey levels"
        self.unit: int | None = getattr(operator, "unit", None) if self._projects else 1

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        with torch.autocast(clean.device.type, enabled=False):
            params = self.operator.draw(clean, rng)
            measured = self.operator.forward(clean, params)
            if self.sigma:
                noise = self.sigma * rng.randn(*measured.shape[1:]).to(measured)
                measured = measured + (noise * params[KNOWN] if KNOWN in params else noise)
            return self.measure(measured, params, size_of(clean))

    def measure(self, measured: Tensor, params: dict[str, Tensor], size: tuple[int, int]) -> Measurement:
        """The measurement that y is, of an image of H x W by an operator with these params."""
        shown = self.operator.to_image(measured, params, size, self.sigma)
        return Measurement(shown, self.operator.maps(params, size), {**params, "measured": measured})

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        """See ``FromImage``: by what the operator reads; noise is taken for that of training."""
        if not isinstance(self.operator, ImageOperator):
            raise ValueError(f"the model was trained on {type(self.operator).__name__}, whose y no picture file holds")
        read = self.operator.from_image(picture, side_info)
        measurement = self.measure(read.measured, read.params, read.size)
        return ParsedMeasurement(measurement, read.facts, read.warnings, read.adds_colour)

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """RMS of y − A x̂, (B,): in units of sigma, about 1 for the truth; without noise in grey levels (0..255)."""
        with torch.autocast(restored.device.type, enabled=False):
            image = restored.float() if restored.dtype.itemsize < 4 else restored
            difference = measurement.params["measured"] - self.operator.forward(image, measurement.params)
            rms = _mean(difference.square(), measurement.params).sqrt()
        return rms / self.sigma if self.sigma else 255 * rms

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The nearest image that is measured as y; the identity under noise, or where A⁺ is ill conditioned."""
        if not self._projects:
            return restored
        with torch.autocast(restored.device.type, enabled=False):
            image = restored.float() if restored.dtype.itemsize < 4 else restored
            measured = measurement.params["measured"].to(image)
            missed = measured - self.operator.forward(image, measurement.params)
            return image + self.operator.pseudoinverse(missed, measurement.params, size_of(image))

    def linear_problem(self, measurement: Measurement) -> LinearProblem:
        """See ``LinearDegradation``."""
        A, params, size = self.operator, measurement.params, size_of(measurement.degraded)
        without_autocast = partial(torch.autocast, measurement.degraded.device.type, enabled=False)
        return LinearProblem(
            measured=params["measured"],
            sigma=self.sigma,
            forward=without_autocast()(lambda image: A.forward(image, params)),
            adjoint=without_autocast()(lambda measured: A.adjoint(measured, params, size)),
            pseudoinverse=without_autocast()(lambda measured: A.pseudoinverse(measured, params, size)),
            filtered=without_autocast()(lambda image, gain: A.filtered(image, params, gain)),
            shown=measurement.degraded,
        )

    @property
    def _projects(self) -> bool:
        return not self.sigma and self.operator.exact


def _mean(values: Tensor, params: Params) -> Tensor:
    """Of each image over what is measured, (B,); 0 where nothing is."""
    if KNOWN not in params:
        return values.flatten(1).mean(dim=1)
    known = params[KNOWN].expand_as(values)
    return (values * known).flatten(1).sum(dim=1) / known.flatten(1).sum(dim=1).clamp(min=1)
