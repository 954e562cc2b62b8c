"""The square root as a norm uses it: its gradient at 0 is 0, not infinite."""

from __future__ import annotations

import torch
from torch import Tensor


def safe_root(squares: Tensor) -> Tensor:
    """Square root of numbers of at least 0; a zero passes no gradient."""
    positive = squares > 0
    return torch.where(positive, torch.where(positive, squares, 1.0).sqrt(), 0.0)
