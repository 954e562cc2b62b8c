"""A penalty on the generator as a map: what becomes of the samples when y moves and z stays."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ..rng import Rng
from .occasion import Occasion
from .precision import at_least_fp32

Restore = Callable[[Tensor], Tensor]
"""A condition (B, C + M, H, W) to K samples (K, B, C, H, W), always from the same z."""

GeneratorEstimator = Callable[[Restore, Tensor, Tensor, Rng], Tensor]
"""(restore, samples_KBCHW, condition, rng) -> scalar; the samples are those of ``condition`` itself."""


class GeneratorPenalty(Occasion):
    """A penalty whose estimator asks for restorations of other conditions; arguments: ``Occasion``."""

    estimator: GeneratorEstimator

    def forward(self, restore: Restore, samples_KBCHW: Tensor, condition: Tensor, rng: Rng) -> Tensor:
        """The unweighted value on K samples of all images given, in fp32 or above, a scalar."""
        samples = at_least_fp32(samples_KBCHW[: self.samples_per_image])
        return self.estimator(lambda moved: at_least_fp32(restore(moved)), samples, at_least_fp32(condition), rng)
