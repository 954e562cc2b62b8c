"""GAN inversion: the picture that explains y and that the generator can make, by searching its z."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import require_at_least, require_in
from ..generator import Latent

Energy = Callable[[Tensor], Tensor]
"""Images (N, C, H, W) to a number each, (N,)."""


@dataclass(frozen=True)
class GanInversion:
    """The z of the least energy (Yeh et al., ICASSP 2018 and arXiv 1607.07539).

    ::

        J(z) = F(G(z)) − λ logit D(G(z)) + ½ λz ‖z‖²

    F says how far an image is from explaining y. The second term is the prior of the critic: with D = sigmoid(logit),
    log(1 − D) − log D = −logit, and log p(x) − log p_G(x) at the best D. The third is −log p(z) of z ~ N(0, I).

    All restarts of all images are searched together, by Adam whose rate falls as half a cosine, to 0; of each image the
    restart that ends lowest is taken. Published are Nesterov's momentum at a constant rate, z clipped to [−1, 1], 1,000
    steps and 64 restarts, and λ of 0.001 to 0.2 by task.

    Args:
        restarts: random starts of each image.
        steps: of Adam.
        lr: its rate at first, in units of z.
        critic_weight: λ; 0 needs no critic.
        latent_weight: λz.
    """

    restarts: int = 8
    steps: int = 300
    lr: float = 0.3
    critic_weight: float = 0.1
    latent_weight: float = 0.1

    def __post_init__(self) -> None:
        require_at_least(1, restarts=self.restarts, steps=self.steps)
        require_at_least(0, critic_weight=self.critic_weight, latent_weight=self.latent_weight)
        require_in("(0, inf)", lr=self.lr)

    @property
    def calls(self) -> int:
        """Evaluations of generator and gradient, each of all restarts, exactly."""
        return self.steps + 1

    def invert(
        self,
        decode: Callable[[Latent], Tensor],
        fidelity: Energy,
        logit: Energy | None,
        starts: Sequence[Tensor],
        called: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """G at the best z of each of B images, (B, C, H, W), without a graph.

        Args:
            decode: G, of maps of z (R, B, c, h, w) to (R, B, C, H, W); no weight, here or below, gets a gradient.
            fidelity: F, differentiable, of R * B images at a time.
            logit: of D, likewise; None leaves the critic out.
            starts: R restarts of z.
            called: after each call of ``decode``.

        Raises:
            ValueError: if J has no gradient.
        """
        with torch.inference_mode(False), torch.enable_grad():
            z = [start.clone().requires_grad_() for start in starts]
            adam = torch.optim.Adam(z, self.lr)
            for step in range(self.steps):
                energy = self.energy(decode(z), z, fidelity, logit).sum()
                if not energy.isfinite():
                    raise ValueError(f"the energy of inversion is not finite after {step} steps of lr {self.lr:g}")
                for part, gradient in zip(z, torch.autograd.grad(energy, z), strict=True):
                    part.grad = gradient
                adam.param_groups[0]["lr"] = self.lr * (1 + math.cos(math.pi * step / self.steps)) / 2
                adam.step()
                called()
        with torch.no_grad():
            images = decode(z)
            best = self.energy(images, z, fidelity, logit).argmin(dim=0)
            called()
        return images[best, torch.arange(len(best), device=best.device)]

    def energy(self, images: Tensor, z: Latent, fidelity: Energy, logit: Energy | None) -> Tensor:
        """J of each restart of each image, (R, B), of images (R, B, C, H, W) and their z."""
        flat = images.flatten(0, 1)
        total = fidelity(flat)
        if logit is not None:
            total = total - self.critic_weight * logit(flat)
        squares = sum((part.square().flatten(2).sum(dim=2) for part in z), start=torch.zeros(()).to(total))
        return total.view(images.shape[:2]) + self.latent_weight / 2 * squares
