"""The slope of the critic from two values of it (arXiv 2501.08316)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..precision import at_least_fp32
from .critic import Critic


def squared_difference(critic: Critic, image: Tensor, condition: Tensor, direction: Tensor, std: float) -> Tensor:
    """((D(x + sn, y) − D(x, y)) / s)², n ~ N(0, I): ‖∇ₓ D(x, y)‖² as one random direction tells it, (B,), in fp32.

    Nothing is differentiated twice, so it takes a critic that is compiled, and costs one pass of 2B images. D(x, y) is
    computed anew beside D(x + sn, y), in one call: a lazy penalty finds a critic that has moved since it was known.

    For a linear critic it is ‖∇D‖² χ²₁, whatever s: expectation ‖∇D‖², variance 2‖∇D‖⁴, so that a mean over B images
    is off by √(2/B) of its value. For a smooth one the expectation is off by O(s²).

    Args:
        critic: (image, condition) -> (B,).
        image: x, (B, C, H, W) in [0, 1].
        condition: y and its maps, (B, C + M, H, W), the same in both values.
        direction: n, (B, C, H, W).
        std: s, in units of the image. D is rounded in fp32 to about 1e-7 of its size, which is divided by s.
    """
    x, y = at_least_fp32(image.detach()), at_least_fp32(condition.detach())
    moved = x + std * direction.to(x)
    with torch.autocast(x.device.type, enabled=False):
        D_moved, D = critic(torch.cat([moved, x]), torch.cat([y, y])).chunk(2)
    squared: Tensor = ((D_moved - D) / std).square()
    return squared
