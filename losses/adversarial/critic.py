"""The seam of critics."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Critic = Callable[[Tensor, Tensor], Tensor]
"""(image, condition) -> (B,): how real an image is for its measurement."""
