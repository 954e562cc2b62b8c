"""When, on how many samples of how many images, and with which weight a penalty is applied."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..bounds import require_at_least


class Occasion(nn.Module):
    """What every penalty has besides its formula.

    Args:
        estimator: the formula; may set ``min_samples``, the least K it is defined for.
        weight: factor in the generator's objective. The log shows the unweighted value.
        samples_per_image: K.
        images: applied to the first so many images of the batch; None means all.
        every_generator_steps: applied at generator steps 0, n, 2n ...; the weight is not multiplied by n.

    Raises:
        ValueError: if an argument is out of range or K is too small for the estimator.
    """

    def __init__(
        self,
        estimator: Any,
        weight: float = 1.0,
        samples_per_image: int = 2,
        images: int | None = None,
        every_generator_steps: int = 1,
    ) -> None:
        super().__init__()
        if not isinstance(weight, int | float):
            raise ValueError(f"weight is {weight}; allowed is a number")
        least = getattr(estimator, "min_samples", 1)
        if samples_per_image < least:
            name = getattr(estimator, "__name__", type(estimator).__name__)
            raise ValueError(f"samples_per_image is {samples_per_image}; {name} needs at least {least}")
        if images is not None and images < 1:
            raise ValueError(f"images is {images}; allowed is a count of at least 1, or null for the whole batch")
        require_at_least(1, every_generator_steps=every_generator_steps)
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
