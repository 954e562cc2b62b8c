"""Stein's unbiased risk estimate (SURE): the squared error of a denoiser, from the noisy image alone."""

from typing import Any

import torch
from torch import Tensor

from ..rng import Rng
from .penalty import Restore


class SURE:
    """|D(y) − y|²/N − σ² + 2σ²/N div D(y), div D estimated by bᵀJb with one b of random ±1; means over images.

    Its expectation over the noise of y = x + σn is that of |D(y) − x|²/N (Stein 1981), whatever D is, so long as it has
    a derivative: minimising it trains an MMSE denoiser on noisy images (Ramani, Blu and Unser, IEEE TIP 2008, who take
    a finite difference for Jb; here it is exact, by a second backward pass). It may be negative where the error is
    small. D is the mean of the K samples; a generator with z would lose its spread by it.
    """

    min_samples = 1

    def __call__(self, restore: Restore, samples_KBCHW: Tensor, measurement: Any, rng: Rng) -> Tensor:
        if measurement.params.keys() != {"sigma"}:
            known = ", ".join(measurement.params) or "nothing"
            raise ValueError(f"SURE needs degradation=gaussian_noise, whose y knows sigma alone, got one with {known}")
        C, variance = samples_KBCHW.shape[2], measurement.params["sigma"].square()
        with torch.enable_grad():
            condition = measurement.condition.detach().requires_grad_()
            residual = restore(condition).mean(0) - condition[:, :C]
            b = 2 * rng.randint(0, 2, *residual.shape[1:]).to(residual) - 1
            # bᵀJb of D − y, which is N less than that of D
            (gradient,) = torch.autograd.grad((b * residual).sum(), condition, create_graph=True)
        error = residual.square().flatten(1).mean(1)
        divergence = 1 + (b * gradient[:, :C]).flatten(1).mean(1)
        return (error + variance * (2 * divergence - 1)).mean()
