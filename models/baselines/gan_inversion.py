"""GAN inversion: the picture that explains y and that the generator can make, by searching its z."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

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
    restart that ends lowest is taken. The published search has Nesterov's momentum of 0.9 at a constant rate, and clips
    z to [−1, 1], 1,000 steps of 64 restarts; on images in [−1, 1], where F is twice ours, its rates and λ are 3e-4 and
    0.2 for holes, 1e-2 and 0.1 for colours, 1e-4 and 0.01, 0.03, 0.001 for a quarter of the size, noise, 5 levels.

    Args:
        restarts: random starts of each image.
        steps: of the search.
        lr: its rate at first; of Adam in units of z.
        critic_weight: λ; 0 needs no critic.
        latent_weight: λz.
        published: whether it is the published search, not Adam's.
    """

    restarts: int = 4
    steps: int = 150
    lr: float = 0.3
    critic_weight: float = 0.1
    latent_weight: float = 0.1
    published: bool = False

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
        called: Callable[[Tensor], None] = lambda images: None,
    ) -> Tensor:
        """G at the best z of each of B images, (B, C, H, W), without a graph.

        Args:
            decode: G, of maps of z (R, B, c, h, w) to (R, B, C, H, W); no weight, here or below, gets a gradient.
            fidelity: F, differentiable, of R * B images at a time.
            logit: of D, likewise; None leaves the critic out.
            starts: R restarts of z.
            called: with the best G(z) of each call of ``decode``, (B, C, H, W).

        Raises:
            ValueError: if J has no gradient.
        """
        with torch.inference_mode(False), torch.enable_grad():
            z = [start.clone().requires_grad_() for start in starts]
            nesterov, adam = partial(torch.optim.SGD, momentum=0.9, nesterov=True), torch.optim.Adam
            search: torch.optim.Optimizer = (nesterov if self.published else adam)(z, lr=self.lr)
            for step in range(self.steps):
                images = decode(z)
                energies = self.energy(images, z, fidelity, logit)
                energy = energies.sum()
                if not energy.isfinite():
                    raise ValueError(f"the energy of inversion is not finite after {step} steps of lr {self.lr:g}")
                for part, gradient in zip(z, torch.autograd.grad(energy, z), strict=True):
                    part.grad = gradient
                if not self.published:
                    search.param_groups[0]["lr"] = self.lr * (1 + math.cos(math.pi * step / self.steps)) / 2
                search.step()
                if self.published:
                    for part in z:
                        part.detach().clamp_(-1, 1)
                called(_best(images.detach(), energies))
        with torch.no_grad():
            images = decode(z)
            found = _best(images, self.energy(images, z, fidelity, logit))
            called(found)
        return found

    def energy(self, images: Tensor, z: Latent, fidelity: Energy, logit: Energy | None) -> Tensor:
        """J of each restart of each image, (R, B), of images (R, B, C, H, W) and their z."""
        flat = images.flatten(0, 1)
        total = fidelity(flat)
        if logit is not None:
            total = total - self.critic_weight * logit(flat)
        squares = sum((part.square().flatten(2).sum(dim=2) for part in z), start=torch.zeros(()).to(total))
        return total.view(images.shape[:2]) + self.latent_weight / 2 * squares


def _best(images: Tensor, energies: Tensor) -> Tensor:
    """Of restarts (R, B, C, H, W) the one of the least energy (R, B), of each image, (B, C, H, W)."""
    best = energies.argmin(dim=0)
    return images[best, torch.arange(len(best), device=best.device)]
