"""Samples at other scales of z, from the best guess at 0 to a sample at 1; transported ones at other alphas."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...checks import require_in
from ...data.measurement import Measurement
from ...models.transport.interpolation import ALPHAS
from ..inference.transported import Transported
from ..metrics.patch_distribution import PatchDistribution
from ..sampling import Restorer
from .metric_suite import MetricStates, compute, states_of


@dataclass(frozen=True)
class TemperatureSweep:
    """One sample an image at each factor on z, and alpha, from the same z: the first of image i of seed ``seed + i``.

    Attributes:
        sigma_zs: factors on z, each at least 0.
        images: of the first so many.
        seed: of z.
        alphas: of ``Transported`` methods, each in [-1, 2].
    """

    sigma_zs: Sequence[float]
    images: int
    seed: int
    alphas: Sequence[float] = field(default=())

    def __post_init__(self) -> None:
        wrong = next((sigma_z for sigma_z in self.sigma_zs if not sigma_z >= 0), None)
        if wrong is not None:
            raise ValueError(f"sigma_z must be >= 0, got {wrong}")
        for alpha in self.alphas:
            require_in(ALPHAS, alpha=alpha)

    @torch.no_grad()
    def metrics(
        self, restorer: Restorer, clean: Tensor, measurement: Measurement, numbers: Sequence[int]
    ) -> dict[tuple[str, float], PatchDistribution]:
        """By what is varied and its value, a metric updated with a batch x, (B, C, H, W)."""
        found = {}
        for varied, value, restore in self._points(restorer):
            found[varied, value] = PatchDistribution(1).to(clean.device)
            sample = restore(measurement, 1, [self.seed + number for number in numbers])
            found[varied, value].update(sample, clean, measurement)
        return found

    def _points(self, restorer: Restorer) -> Iterator[tuple[str, float, Callable[..., Tensor]]]:
        """``sigma_z`` of a method with z, ``alpha`` of a transported one."""
        if restorer.stochastic and getattr(restorer, "scales_z", True):
            yield from (("sigma_z", value, partial(restorer.restore, sigma_z=value)) for value in self.sigma_zs)
        if isinstance(restorer, Transported):
            yield from (("alpha", value, partial(restorer.at, value)) for value in self.alphas)

    def states_of(self, restorer: Restorer, number: int, clean: Tensor, measurement: Measurement) -> MetricStates:
        """The part of image ``number``, (1, C, H, W)."""
        if number >= self.images:
            return {}
        metrics = self.metrics(restorer, clean, measurement, [number])
        return {
            state: value for at, metric in metrics.items() for state, value in states_of(metric, _name(*at)).items()
        }

    def compute(self, states: MetricStates) -> dict[str, dict[float, dict[str, Any]]]:
        """Results of ``PatchDistribution`` by what is varied and its value, of summed states."""
        return {
            varied: {
                value: compute(PatchDistribution(1), _name(varied, value), states)
                for value in values
                if f"{_name(varied, value)}.error" in states
            }
            for varied, values in (("sigma_z", self.sigma_zs), ("alpha", self.alphas))
        }


def _name(varied: str, value: float) -> str:
    return f"{varied}={value:g}".replace(".", "_")
