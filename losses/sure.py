"""Stein's unbiased risk estimate (SURE): the squared error of a denoiser, from the noisy image alone."""

from typing import Any

from torch import Tensor

from ..checks import require_in
from ..precision import without_autocast
from ..rng import Rng
from .penalty import Restore


class SURE:
    """|D(y) − y|²/N − σ² + 2σ²/N bᵀ(D(y + εb) − D(y))/ε with one b of random ±1 an image; means over images.

    Its expectation over the noise of y = x + σn is that of |D(y) − x|²/N (Stein 1981), so that minimising it trains an
    MMSE denoiser on noisy images alone (Ramani, Blu and Unser, IEEE TIP 2008). It may be negative where the error is
    small. Exact for linear D whatever ε; of a trained network too large by 7 % at ε = 0.1 σ, by nothing to be seen at
    0.01. A derivative in place of the difference would be exact, but not its gradient: of a network of rectifiers it
    jumps where one switches, and the gradient of the weights does not see jumps. Trained by it, a network gets worse.

    D is the mean of the K samples; a generator with z would lose its spread by it.

    Args:
        epsilon: ε in units of σ.
    """

    min_samples = 1

    def __init__(self, epsilon: float = 0.01) -> None:
        require_in("(0, 1]", epsilon=epsilon)
        self.epsilon = epsilon

    def __call__(self, restore: Restore, samples_KBCHW: Tensor, measurement: Any, rng: Rng) -> Tensor:
        if measurement.params.keys() != {"sigma"}:
            known = ", ".join(measurement.params) or "nothing"
            raise ValueError(f"SURE needs degradation=gaussian_noise, whose y knows sigma alone, got one with {known}")
        y, sigma = measurement.degraded, measurement.params["sigma"].view(-1, 1, 1, 1)
        b = 2 * rng.randint(0, 2, *y.shape[1:]).to(y) - 1
        with without_autocast(y):  # bf16 does not see so small a step
            denoised, there = (restore(image).mean(0) for image in (y, y + self.epsilon * sigma * b))
        divergence = b * (there - denoised) / (self.epsilon * sigma)
        risk: Tensor = (denoised - y).square() + sigma.square() * (2 * divergence - 1)
        return risk.mean()
