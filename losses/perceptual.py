"""Mean absolute difference of frozen features, place by place: the plain perceptual loss (arXiv 1603.08155, in L1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from ..checks import require_at_least
from ..rng import key
from .distances import (
    Embedding,
    Features,
    at_least_fp32,
    mean_distance,
    require_same_shapes,
    require_weights,
    safe_root,
    weighted_sum,
    without_autocast,
)


class FeatureL1(nn.Module):
    """Σ_l w_l mean |f_l(x̂) − f_l(x)|, the mean over channels and positions of tap l.

    Alone it is least, for a fixed y, at one answer, the median of every feature. In an energy score it is the CRPS of
    every feature.

    Args:
        features: (N, C, H, W) in [0, 1] to activations (N, C_l, H_l, W_l) of each tap.
        weights: w_l, one a tap; None for 1.

    Raises:
        ValueError: if a weight is negative or all are 0.
    """

    def __init__(self, features: Features, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        require_weights(weights)
        self.features, self.weights = features, weights

    def embed(self, images: Tensor) -> Embedding:
        """The activations, in fp32 or above."""
        with without_autocast(images):
            return self.features(at_least_fp32(images))

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the activations.

        Raises:
            ValueError: if the images differ in size, or there is not one weight a tap.
        """
        require_same_shapes(a, b)
        terms = [(one - other).abs().flatten(1).mean(1) for one, other in zip(a, b, strict=True)]
        return weighted_sum(terms, self.weights)

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)


AXES = ("channels", "random", "both")


class ProjectedDistributionLoss(nn.Module):
    """Wasserstein distance in one dimension between activations, projection by projection.

    Of tap l with activations f_l (C_l, P positions), s(v) sorting v over positions and θ a projection::

        p = 1:   Σ_l w_l mean_θ mean_k |s(θᵀf_l(x̂))_k − s(θᵀf_l(x))_k|
        p = 2:   Σ_l w_l mean_θ sqrt(mean_k (s(θᵀf_l(x̂))_k − s(θᵀf_l(x))_k)²)

    The paper's projections are the channels. Random directions (sliced Wasserstein, Heitz et al., arXiv 2006.07229)
    also see how channels vary together; they have norm 1, so that for channels that vary alike and apart their
    distances are of the channels' size. Images may differ in size: the distance is that of step functions, exact.

    For a fixed y the plain form is least at one answer, for p = 1 the median of every rank, and rewards a sampler
    that ignores z. For p = 1 it is an L1 norm of differences, so the energy form ``EnergyScore`` is a proper score of
    the law of the sorted features. Where features lie, neither sees: a pixel term must stand beside it.

    Cost: D P log P a tap for D projections. Sorting dominates at shallow taps, where P is the number of pixels.

    Args:
        features: (N, C, H, W) in [0, 1] to activations (N, C_l, H_l, W_l) of each tap.
        weights: w_l, one a tap; None for 1.
        p: 1 or 2.
        axes: "channels", "random", or "both", the average of the two.
        directions: how many random ones a tap.
        quantiles: so many, evenly spaced, of the sorted activations are compared; None for all.
        channels: so many of a tap's channels are compared, if it has more; None for all.
        seed: of the directions and of the choice of channels, which stay the same.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(
        self,
        features: Features,
        weights: Sequence[float] | None = None,
        p: int = 1,
        axes: str = "channels",
        directions: int = 64,
        quantiles: int | None = None,
        channels: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        require_weights(weights)
        if p not in (1, 2):
            raise ValueError(f"p is {p}; allowed is 1 or 2")
        if axes not in AXES:
            raise ValueError(f"axes is {axes}; allowed is one of {', '.join(AXES)}")
        counts = {"directions": directions, "quantiles": quantiles, "channels": channels}
        require_at_least(1, **{name: count for name, count in counts.items() if count is not None})
        self.features, self.weights, self.p, self.axes = features, weights, p, axes
        self.directions, self.quantiles, self.channels, self.seed = directions, quantiles, channels, seed

    def embed(self, images: Tensor) -> Embedding:
        """Sorted projections (N, D, P) of each tap and kind of axes, in fp32 or above."""
        with without_autocast(images):
            taps = self.features(at_least_fp32(images))
            projected = [
                kind for tap, feature in enumerate(taps) for kind in self._projections(tap, feature.flatten(2))
            ]
            return [self._picked(values.sort(dim=-1).values) for values in projected]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the activations.

        Raises:
            ValueError: if there is not one weight a tap.
        """
        distances = [wasserstein(one, other, self.p).mean(1) for one, other in zip(a, b, strict=True)]
        if self.axes == "both":
            distances = [(one + other) / 2 for one, other in zip(distances[::2], distances[1::2], strict=True)]
        return weighted_sum(distances, self.weights)

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)

    def _projections(self, tap: int, values: Tensor) -> Iterator[Tensor]:
        """(N, C, P) to (N, D, P)."""
        C = values.shape[1]
        generator = torch.Generator().manual_seed(key(self.seed, "projections", tap))
        if self.axes != "random":
            if self.channels is None or self.channels >= C:
                yield values
            else:
                chosen = torch.randperm(C, generator=generator)[: self.channels].sort().values
                yield values[:, chosen.to(values.device)]
        if self.axes != "channels":
            directions = torch.randn(self.directions, C, generator=generator, dtype=torch.float64)
            directions = directions / directions.norm(dim=1, keepdim=True)
            yield directions.to(values) @ values

    def _picked(self, ascending: Tensor) -> Tensor:
        P = ascending.shape[-1]
        if self.quantiles is None or self.quantiles >= P:
            return ascending
        levels = torch.arange(self.quantiles, device=ascending.device)
        return ascending[..., (2 * levels + 1) * P // (2 * self.quantiles)]


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
