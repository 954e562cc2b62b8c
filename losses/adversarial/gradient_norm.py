"""The slope of the critic, exactly."""

from __future__ import annotations

import torch
from torch import Tensor

from ..precision import at_least_fp32
from .critic import Critic


def gradient_norm(critic: Critic, image: Tensor, condition: Tensor) -> Tensor:
    """‖∇ₓ D(x, y)‖ over channels and pixels, (B,), in fp32 or above, differentiable in the critic's parameters.

    The gradient is with respect to the image only: distances between p(x̂|y) and p(x|y) need a critic that is smooth
    in x, while it may depend on y as steeply as it likes (arXiv 2310.13433).
    """
    x, y = at_least_fp32(image.detach()).requires_grad_(), at_least_fp32(condition)
    # eager, because a compiled critic cannot be differentiated twice
    with torch.autocast(x.device.type, enabled=False), torch.compiler.set_stance("force_eager"):
        (gradient,) = torch.autograd.grad(critic(x, y).sum(), x, create_graph=True)
    # has derivative 0 where the gradient vanishes; the root of a sum of squares would give nan
    norm: Tensor = torch.linalg.vector_norm(gradient, dim=(1, 2, 3))
    return norm
