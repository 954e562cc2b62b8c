"""How a generator that unfolds is told A: the proximal step of each measurement joins what it encodes."""

from typing import Any

from torch import Tensor

from ..data.degradation import Degradation, linear_problem, require_linear
from ..data.degradations.gaussian_noise import GaussianNoise
from ..data.measurement import Measurement
from ..models.generator import Generator, takes_data_step
from ..models.unfolded import DataStep
from ..precision import at_least_fp32, without_autocast

NAME = "an unfolded generator"


def require_data_step(generator: Generator, degradation: Degradation) -> None:
    """Refuse a degradation that is not linear, where the generator unfolds.

    Raises:
        ValueError: naming it.
    """
    if takes_data_step(generator):
        require_linear(degradation, NAME)


def encode_arguments(generator: Generator, degradation: Degradation, measurement: Measurement) -> tuple[Any, ...]:
    """What ``encode`` of any generator takes: the condition and, where it unfolds, the data step.

    Raises:
        ValueError: if it unfolds, and y is a bare image or the degradation not linear.
    """
    if not takes_data_step(generator):
        return (measurement.condition,)
    return measurement.condition, data_step(degradation, measurement)


def data_step(degradation: Degradation, measurement: Measurement) -> DataStep:
    """The proximal map of the data term, differentiable in x and β; of white noise also in y, which is shown itself.

    Raises:
        ValueError: if the measurement has no params, or the degradation is not linear.
    """
    y, params = measurement.degraded, measurement.params
    if not params:
        raise ValueError(f"{NAME} must be given a Measurement with the params of its degradation, got an image alone")
    if isinstance(degradation, GaussianNoise):
        variance = params["sigma"].view(-1, 1, 1, 1).square()  # of each image
        return lambda x, beta: x + (y - x) / (1 + beta * variance)
    problem = linear_problem(degradation, measurement, NAME)

    def step(x: Tensor, beta: Tensor) -> Tensor:
        with without_autocast(x):
            return problem.proximal(at_least_fp32(x), beta)

    return step
