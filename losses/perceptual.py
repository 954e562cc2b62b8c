"""Distances of frozen features: place by place, and as distributions over places."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..checks import require_at_least
from ..precision import at_least_fp32, without_autocast
from ..rng import key
from .distances import DistanceLoss, Embedding, require_same_shapes, safe_root

Features = Callable[[Tensor], Sequence[Tensor]]
"""(N, C, H, W) in [0, 1] -> activations (N, C_l, H_l, W_l) of each tap l."""


class FeatureDistance(DistanceLoss):
    """Σ_l w_l d(f_l(x̂), f_l(x)) over the taps of a network; subclasses define ``of_tap``, and ``summary`` if need be.

    Args:
        features: (N, C, H, W) in [0, 1] to activations (N, C_l, H_l, W_l) of each tap.
        weights: w_l, one a tap; None for 1.
    """

    def __init__(self, features: Features, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        if weights is not None and (not all(weight >= 0 for weight in weights) or not any(weights)):
            raise ValueError(f"weights must be >= 0, one of them above 0, or null, got {list(weights)}")
        self.features, self.weights = features, weights

    def summary(self, tap: int, activation: Tensor) -> Tensor:
        """What is kept of the activations (N, C_l, H_l, W_l) of a tap, (N, ...)."""
        return activation

    def of_tap(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances (N,) of what is kept of a tap, restored and clean."""
        raise NotImplementedError

    def embed(self, images: Tensor) -> Embedding:
        """What is kept of each tap, in fp32 or above."""
        with without_autocast(images):
            taps = self.features(at_least_fp32(images))
            return [self.summary(tap, activation) for tap, activation in enumerate(taps)]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), the weighted sum over taps.

        Raises:
            ValueError: if there is not one weight a tap.
        """
        weights = [1.0] * len(a) if self.weights is None else self.weights
        if len(weights) != len(a):
            raise ValueError(f"weights must be one for each of {len(a)} taps, got {len(weights)}")
        with without_autocast(a[0]):
            taps = zip(weights, a, b, strict=True)
            return torch.stack([weight * self.of_tap(one, other) for weight, one, other in taps]).sum(0)


class FeatureL1(FeatureDistance):
    """Σ_l w_l mean |f_l(x̂) − f_l(x)|, over channels and positions: the perceptual loss of arXiv 1603.08155, in L1.

    Alone it is least, for a fixed y, at one answer, the median of every feature. In an energy score it is the CRPS of
    every feature.
    """

    def of_tap(self, a: Tensor, b: Tensor) -> Tensor:
        """(N,), in units of the activations.

        Raises:
            ValueError: if the images differ in size.
        """
        require_same_shapes([a], [b])
        return (a - b).abs().flatten(1).mean(1)


class ProjectedDistributionLoss(FeatureDistance):
    """Wasserstein distance in one dimension between activations, channel by channel (PDL, arXiv 2012.09289).

    Of tap l with activations f_l (C_l, P positions), s(v) sorting v over positions::

        p = 1:   Σ_l w_l mean_c mean_k |s(f_lc(x̂))_k − s(f_lc(x))_k|
        p = 2:   Σ_l w_l mean_c sqrt(mean_k (s(f_lc(x̂))_k − s(f_lc(x))_k)²)

    Images may differ in size: the distance is that of step functions, exact.

    For a fixed y the plain form is least at one answer, for p = 1 the median of every rank, and rewards a sampler
    that ignores z. For p = 1 it is an L1 norm of differences, so the energy form ``EnergyScore`` is a proper score of
    the distribution of the sorted features. Where features lie, neither sees: a pixel term must stand beside it.

    Cost: C P log P a tap. Sorting dominates at shallow taps, where P is the number of pixels.

    Args:
        features: see ``FeatureDistance``.
        weights: w_l, one a tap; None for 1.
        p: 1 or 2.
        quantiles: so many, evenly spaced, of the sorted activations are compared; None for all.
        channels: so many of a tap's channels are compared, if it has more; None for all.
        seed: of the choice of channels, which stays the same.
    """

    def __init__(
        self,
        features: Features,
        weights: Sequence[float] | None = None,
        p: int = 1,
        quantiles: int | None = None,
        channels: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(features, weights)
        if p not in (1, 2):
            raise ValueError(f"p must be 1 or 2, got {p}")
        for name, count in (("quantiles", quantiles), ("channels", channels)):
            if count is not None:
                require_at_least(1, **{name: count})
        self.p, self.quantiles, self.channels, self.seed = p, quantiles, channels, seed

    def summary(self, tap: int, activation: Tensor) -> Tensor:
        """Sorted projections, (N, D, P)."""
        ascending = self.project(tap, activation.flatten(2)).sort(dim=-1).values
        P = ascending.shape[-1]
        if self.quantiles is None or self.quantiles >= P:
            return ascending
        levels = torch.arange(self.quantiles, device=ascending.device)
        return ascending[..., (2 * levels + 1) * P // (2 * self.quantiles)]

    def of_tap(self, a: Tensor, b: Tensor) -> Tensor:
        """(N,), in units of the activations."""
        return wasserstein(a, b, self.p).mean(1)

    def project(self, tap: int, values: Tensor) -> Tensor:
        """Activations (N, C, P) of a tap to D numbers at each position, (N, D, P): here some channels or all."""
        C = values.shape[1]
        if self.channels is None or self.channels >= C:
            return values
        chosen = torch.randperm(C, generator=self.generator(tap))[: self.channels].sort().values
        return values[:, chosen.to(values.device)]

    def generator(self, tap: int) -> torch.Generator:
        """Random numbers of a tap, the same each time."""
        return torch.Generator().manual_seed(key(self.seed, "projections", tap))


def wasserstein(a: Tensor, b: Tensor, p: int = 1) -> Tensor:
    """W_p of two sets of numbers in ascending order, (..., P) and (..., Q) to (...).

    (∫₀¹ |F_a⁻¹(t) − F_b⁻¹(t)|^p dt)^(1/p); the inverse distribution functions are constant between multiples of 1/P
    and of 1/Q.
    """
    P, Q = a.shape[-1], b.shape[-1]
    if P == Q:
        differences, shares = a - b, a.new_full((P,), 1 / P)
    else:
        steps = torch.arange(1, max(P, Q) + 1, device=a.device)
        ends = torch.unique(torch.cat([steps[:P] * Q, steps[:Q] * P]))  # in units of 1/(PQ)
        shares = (ends.diff(prepend=ends.new_zeros(1)).double() / (P * Q)).to(a)
        differences = a[..., (ends - 1) // Q] - b[..., (ends - 1) // P]
    if p == 1:
        return (shares * differences.abs()).sum(-1)
    return safe_root((shares * differences.square()).sum(-1))
