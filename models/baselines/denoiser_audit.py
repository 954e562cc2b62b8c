"""Which of RED's conditions a denoiser meets (arXiv 1611.02862, section 3; measured as by arXiv 1806.02296)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import require_at_least, require_in
from ...precision import at_least_fp32
from ...rng import Rng
from .chains import PROBE
from .denoiser_sampler import Denoiser, check_generators, denoise

STRETCH = 1e-3  # ε by which images are scaled
TINY = 1e-30  # for a D that is constant: J = 0


@dataclass(frozen=True)
class DenoiserAudit:
    """What of RED's conditions fails, and by how much; J is the Jacobian of D.

    Attributes:
        inhomogeneity: ‖D((1 + ε)x) − (1 + ε)D(x)‖ / ε‖D(x)‖: 0 where D is locally homogeneous, D(x) = Jx.
        asymmetry: ‖J − Jᵀ‖ / ‖J‖, Frobenius norms: 0 where J is symmetric, √2 on average for one without structure.
        spectral_radius: the largest |eigenvalue| of J, of all images: 1 or less where D is passive.
    """

    inhomogeneity: float
    asymmetry: float
    spectral_radius: float

    def conditions(self, tolerance: float = 0.01) -> dict[str, bool]:
        """By name, whether each condition holds but for ``tolerance``.

        With all three RED's E is convex, and its gradient is what the solvers take for it.
        """
        return {
            "locally homogeneous": self.inhomogeneity <= tolerance,
            "symmetric": self.asymmetry <= tolerance,
            "passive": self.spectral_radius <= 1 + tolerance,
        }


def audit_denoiser(
    denoiser: Denoiser, images: Tensor, s: float, rng: Rng, probes: int = 16, power_steps: int = 30
) -> DenoiserAudit:
    """Measure D(·, s) about some images, by 3 + 2 (``probes`` + ``power_steps``) calls without a graph.

    J is taken by central differences of 0.05 s along white noise, so that D may be any function. A denoiser that
    computes in 16 bit is measured to be worse than it is.

    Args:
        denoiser: D.
        images: about which, such as D meets: noisy by s for plug-and-play, nearly clean for RED. (B, C, H, W).
        s: level, in units of [0, 1] images.
        rng: one generator an image.
        probes: P, 2 or more; the asymmetry is a mean over B P (P − 1) / 2 pairs, known to about √(1 / pairs) of itself.
        power_steps: of the iteration for the largest eigenvalue; the radius is the mean growth in the second half.

    Raises:
        ValueError: if an argument is out of range, or D changes the shape.
    """
    require_at_least(2, probes=probes, power_steps=power_steps)
    require_in("(0, inf)", s=s)
    check_generators(rng, len(images))
    x = at_least_fp32(images.detach())

    def jacobian_times(v: Tensor) -> Tensor:
        step = PROBE * s
        return (denoise(denoiser, x + step * v, s) - denoise(denoiser, x - step * v, s)) / (2 * step)

    def noise() -> Tensor:
        return rng.randn(*x.shape[1:]).to(x)

    return DenoiserAudit(
        _inhomogeneity(denoiser, x, s),
        _asymmetry(jacobian_times, [noise() for _ in range(probes)]),
        _spectral_radius(jacobian_times, noise(), power_steps),
    )


def _inhomogeneity(denoiser: Denoiser, x: Tensor, s: float) -> float:
    restored = denoise(denoiser, x, s)
    difference = denoise(denoiser, (1 + STRETCH) * x, s) - (1 + STRETCH) * restored
    return float(difference.norm() / (STRETCH * restored.norm()))


def _asymmetry(jacobian_times: Callable[[Tensor], Tensor], probes: list[Tensor]) -> float:
    """By E (vᵀJw − wᵀJv)² = ‖J − Jᵀ‖² for each two of independent v, w ~ N(0, I), and E ‖Jv‖² = ‖J‖²."""
    V = torch.stack([v.flatten(1) for v in probes], dim=1)  # (B, P, C H W)
    JV = torch.stack([jacobian_times(v).flatten(1) for v in probes], dim=1)
    products = V @ JV.mT
    count = len(probes)
    antisymmetric = (products - products.mT).square().sum() / (count * (count - 1))
    return float((antisymmetric / (JV.square().sum() / count).clamp(min=TINY)).sqrt())


def _spectral_radius(jacobian_times: Callable[[Tensor], Tensor], v: Tensor, steps: int) -> float:
    growth = []
    for _ in range(steps):
        v = jacobian_times(v / _rms(v).clamp(min=TINY))
        growth.append(_rms(v).flatten())
    return float(torch.stack(growth[steps // 2 :]).log().mean(dim=0).exp().max())


def _rms(v: Tensor) -> Tensor:
    return v.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
