"""Robustness of a sampler to its input (Ohayon et al., arXiv 2211.08944), which keeps its samples apart."""

from typing import Any

import torch
from torch import Tensor

from ..checks import require_at_least
from ..precision import at_least_fp32
from ..rng import Rng
from .penalty import Restore


class Robustness:
    """The most that samples can be moved by a small change of y, z held fixed.

    ::

        R = max_{‖d‖₂ ≤ ε} 1/K Σᵢ |G(y, zᵢ) − G(y + d, zᵢ)|²    mean over channels, pixels and images

    A sampler that is sharp, consistent and hardly depends on z must jump when y moves; where jumping costs, samples
    vary with z instead. The same z on both sides makes R an upper bound of the distance between the two distributions.
    The attack is Adam's, fresh for each call, started at random on the sphere and projected onto the ball after
    each step. Its steps are of equal size in each value, so d tends to patterns of sign: a lower bound of the maximum.
    Only y is moved. Projection is that of the original measurement.

    Args:
        epsilon: ε, Euclidean over all values of an image in [0, 1]; 2.5 for 3 x 64 x 64 is 33 dB.
        steps: of the attack, each of which decodes all K samples with their graph; 0 leaves d at its random start.
        learning_rate: of the attack.
    """

    min_samples = 1

    def __init__(self, epsilon: float = 2.5, steps: int = 5, learning_rate: float = 1.0) -> None:
        require_at_least(0, epsilon=epsilon, steps=steps, learning_rate=learning_rate)
        self.epsilon, self.steps, self.learning_rate = epsilon, steps, learning_rate

    def __call__(self, restore: Restore, samples_KBCHW: Tensor, measurement: Any, rng: Rng) -> Tensor:
        y = at_least_fp32(measurement.degraded)
        start = on_sphere(samples_KBCHW, rng, self.epsilon)
        d = self._attack(restore, samples_KBCHW.detach(), y, start)
        return (restore(y + d) - samples_KBCHW).square().mean()

    @torch.enable_grad()
    def _attack(self, restore: Restore, samples_KBCHW: Tensor, y: Tensor, start: Tensor) -> Tensor:
        """Ascend; gradients go to d alone, whatever the state of the networks."""
        d = start.requires_grad_()
        adam = torch.optim.Adam([d], self.learning_rate, betas=(0.9, 0.999), maximize=True)
        for _ in range(self.steps):
            (d.grad,) = torch.autograd.grad((restore(y + d) - samples_KBCHW).square().sum(), d)
            adam.step()
            norms = torch.linalg.vector_norm(d.detach(), dim=(1, 2, 3), keepdim=True)
            d.data *= (self.epsilon / norms.clamp_min(1e-12)).clamp(max=1)
        return d.detach()


def on_sphere(samples_KBCHW: Tensor, rng: Rng, radius: float) -> Tensor:
    """One uniform direction an image, (B, C, H, W), of Euclidean length ``radius``."""
    draw = rng.randn(*samples_KBCHW.shape[2:]).to(samples_KBCHW)
    norms: Tensor = torch.linalg.vector_norm(draw, dim=(1, 2, 3), keepdim=True)
    return radius * draw / norms
