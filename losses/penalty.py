"""A penalty on the sample set: a formula, and when, on what and with which weight it is applied."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from ..checks import require_at_least
from ..precision import at_least_fp32, without_autocast
from ..rng import Rng

Estimator = Callable[[Tensor, Tensor, Any], Tensor]
"""(samples_KBCHW, clean, measurement) -> scalar. May set ``min_samples``, the least K it is defined for."""


@runtime_checkable
class Adaptive(Protocol):
    """A module in a penalty with a weight that follows what validations measure; the weight is a buffer."""

    def adapt(self, gain_db: float, gain_db_exact: float) -> None:
        """Called after each validation with the gain of averaging, as measured and of exact samples."""
        ...


class PenaltySchedule(nn.Module):
    """What every penalty has besides its formula.

    Args:
        estimator: the formula; may set ``min_samples``, the least K it is defined for.
        weight: factor in the generator's objective. The log shows the unweighted value.
        samples_per_image: K.
        images: applied to the first so many images of the batch; None means all.
        every_generator_steps: applied at generator steps 0, n, 2n ...; the weight is not multiplied by n.
    """

    def __init__(
        self,
        estimator: Callable[..., Tensor],
        weight: float = 1.0,
        samples_per_image: int = 2,
        images: int | None = None,
        every_generator_steps: int = 1,
    ) -> None:
        super().__init__()
        least = getattr(estimator, "min_samples", 1)
        if samples_per_image < least:
            name = getattr(estimator, "__name__", type(estimator).__name__)
            raise ValueError(f"samples_per_image must be >= {least} for {name}, got {samples_per_image}")
        require_at_least(1, every_generator_steps=every_generator_steps, images=1 if images is None else images)
        self.estimator = estimator
        self.weight = weight
        self.samples_per_image = samples_per_image
        self.images = images
        self.every_generator_steps = every_generator_steps

    def is_due(self, generator_step: int) -> bool:
        """Whether it is applied at this step."""
        return generator_step % self.every_generator_steps == 0

    def count(self, batch_size: int, start: int = 0, stop: int | None = None) -> int:
        """How many images of ``batch[start:stop]`` it is applied to: it takes the first ones of the whole batch."""
        last = batch_size if self.images is None else min(self.images, batch_size)
        return max(0, min(last, batch_size if stop is None else stop) - start)


class Penalty(PenaltySchedule):
    """A penalty on the sample set, whose estimator sees samples, truth and measurement; see ``PenaltySchedule``."""

    estimator: Estimator

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The unweighted value on K samples of all images given, in fp32 or above, a scalar."""
        samples, clean = at_least_fp32(samples_KBCHW[: self.samples_per_image]), at_least_fp32(clean)
        with without_autocast(clean):
            return self.estimator(samples, clean, measurement)


class Term(NamedTuple):
    """A scalar of the objective: logged as it is, minimised times its weight and ``images / total``."""

    value: Tensor
    weight: float = 1.0
    images: int = 1
    """How many images the value is a mean over."""
    total: int = 1
    """On how many images of the batch of all ranks the term is applied."""


Terms = dict[str, Term]


Restore = Callable[[Tensor], Tensor]
"""Another y (B, C, H, W) of the same measurement to K samples (K, B, C, H, W), always from the same z."""

GeneratorEstimator = Callable[[Restore, Tensor, Any, Rng], Tensor]
"""(restore, samples_KBCHW, measurement, rng) -> scalar; the samples are those of the measurement's own y."""


class GeneratorPenalty(PenaltySchedule):
    """A penalty whose estimator asks for restorations of another y, and sees no x; see ``PenaltySchedule``."""

    estimator: GeneratorEstimator

    def forward(self, restore: Restore, samples_KBCHW: Tensor, measurement: Any, rng: Rng) -> Tensor:
        """The unweighted value on K samples of all images given, in fp32 or above, a scalar."""
        samples = at_least_fp32(samples_KBCHW[: self.samples_per_image])
        return self.estimator(lambda moved: at_least_fp32(restore(moved)), samples, measurement, rng)
