"""Metrics of images that are sums over them."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import torch
from torch import Tensor
from torchmetrics import Metric

Self = TypeVar("Self", bound=Metric)
Rest = ParamSpec("Rest")


def full_precision(update: Callable[Concatenate[Self, Tensor, Rest], None]) -> Callable[..., None]:
    """Run an ``update`` outside autocast, its first argument in fp32 or above: a validation in bf16 scores in fp32."""

    @wraps(update)
    def outside_autocast(self: Self, images: Tensor, *args: Rest.args, **kwargs: Rest.kwargs) -> None:
        with torch.autocast(images.device.type, enabled=False):
            update(self, images.to(torch.promote_types(images.dtype, torch.float32)), *args, **kwargs)

    return outside_autocast


class ImageMetric(Metric):
    """States are float64 sums: the same for any batch layout and number of ranks, and added up image by image.

    Those of restorations have ``update(samples_KBCHW, clean, measurement)``, with samples (K, B, C, H, W) and clean
    images (B, C, H, W), in [0, 1] but for rounding and overshoot.
    """

    full_state_update = False

    def add_sums(self, names: Iterable[str], *shape: int) -> None:
        """New states of one shape, 0 before the first update."""
        for name in names:
            self.add_state(name, torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")

    def add(self, **sums: Tensor | float) -> None:
        """Add to states by name."""
        for name, value in sums.items():
            setattr(self, name, getattr(self, name) + value)

    def totals(self, names: Iterable[str]) -> dict[str, float]:
        """States as numbers."""
        return {name: float(getattr(self, name)) for name in names}
