"""Samples of the prior implicit in a denoiser, free or under linear measurements (Kadkhodaie and Simoncelli)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import require_in
from ...linear_problem import MEAN, SMALLEST_S, LinearProblem
from ...rng import Rng
from .chains import Chains
from .denoiser_sampler import Denoiser


@dataclass(frozen=True)
class KadkhodaieSimoncelli:
    """Coarse-to-fine stochastic ascent on the prior (arXiv 2007.13640), of measurements without noise.

    From f = 1/2 in place of D, and x = f + s n, until s is at most ``last_level``::

        f = (I − A⁺A) D(x, s) + A⁺y
        x ← x + h (f − x) + s √((1 − βh)² − (1 − h)²) n,    h = h₀ t / (1 + h₀ (t − 1)),    t = 1, 2, ...
        s ← (1 − βh) s

    and f is the sample, which explains y. S up to 0.001 count as 0. The factor on n is such that the noise falls to the
    next s where D finds the truth. The paper's denoiser is blind, and s is ‖f − x‖ / √N of each image, so that it takes
    as many calls as it takes; here s is what the rule means it to be, for all images. With ``beta=0.01`` and that
    s photographs came out as by the default here, in twice the calls; with ``beta=0.01`` and this s 2 dB worse, in 662.

    A rule of synthesis rather than one that samples the posterior: of a coordinate that A does not see it keeps half to
    three quarters of the variance.

    Denoiser: s from ``first_level`` to ``last_level``.

    Args:
        h0: h₀ in (0, 1], the share of the first step.
        beta: β in (0, 1]: 1 injects no noise, less takes longer.
        first_level: of the noise it begins with, in units of [0, 1] images.
        last_level: below which it ends.
    """

    h0: float = 0.01
    beta: float = 0.1
    first_level: float = 1.0
    last_level: float = 0.01
    stochastic = True

    def __post_init__(self) -> None:
        require_in("(0, 1]", h0=self.h0, beta=self.beta)
        require_in("(0, inf)", first_level=self.first_level, last_level=self.last_level)

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser a sample: one a step, and the last."""
        return len(list(self.steps())) + 1

    def steps(self) -> Iterator[tuple[float, float, float]]:
        """s, h and the level after, of each."""
        s, t = self.first_level, 1
        while s > self.last_level:
            h = self.h0 * t / (1 + self.h0 * (t - 1))
            after = (1 - self.beta * h) * s
            yield s, h, after
            s, t = after, t + 1

    def sample(self, denoiser: Denoiser, problem: LinearProblem, num_samples: int, rng: Rng) -> Tensor:
        if problem.sigma:
            raise ValueError(f"sigma must be 0 for KadkhodaieSimoncelli, got {problem.sigma:.3g}")
        chains = Chains(denoiser, problem.adjoint(problem.measured), num_samples, rng)
        measured = chains.filtered(
            problem, chains.images, lambda S: (S > SMALLEST_S) / S.square().clamp(min=SMALLEST_S**2)
        )

        def consistent(restored: Tensor) -> Tensor:
            return chains.filtered(problem, restored, lambda S: (S <= SMALLEST_S).to(S)) + measured

        x = consistent(torch.full_like(measured, MEAN)) + self.first_level * chains.normal()
        for s, h, after in self.steps():
            noise = math.sqrt(after**2 - ((1 - h) * s) ** 2)
            x = x + h * (consistent(chains.denoise(x, s)) - x) + noise * chains.normal()
        return chains.samples(consistent(chains.denoise(x, self.last_level)))
