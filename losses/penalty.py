"""A penalty on the sample set: a formula, and when, on what and with which weight it is applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from .occasion import Occasion
from .precision import at_least_fp32

Estimator = Callable[[Tensor, Tensor, Any], Tensor]
"""(samples_KBCHW, clean, measurement) -> scalar. May set ``min_samples``, the least K it is defined for."""


@runtime_checkable
class Adaptive(Protocol):
    """A module in a penalty with a weight that follows what validations measure; the weight is a buffer."""

    def adapt(self, gain_db: float, gain_db_exact: float) -> None:
        """Told after each validation what averaging gains, and what it would gain if the samples were exact."""
        ...


class Penalty(Occasion):
    """A penalty on the sample set, whose estimator sees samples, truth and measurement; arguments: ``Occasion``."""

    estimator: Estimator

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The unweighted value on K samples of all images given, in fp32 or above, a scalar."""
        samples, clean = at_least_fp32(samples_KBCHW[: self.samples_per_image]), at_least_fp32(clean)
        with torch.autocast(clean.device.type, enabled=False):
            return self.estimator(samples, clean, measurement)
