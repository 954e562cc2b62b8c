"""Restorations on the perception-distortion plane, by the distribution of their patches."""

import math
from typing import Any

import torch
from torch import Tensor

from ...checks import require_at_least
from ...data.luma import luma
from ...data.measurement import Measurement
from .frechet import bures
from .image_metric import ImageMetric, full_precision

BOUND_POINTS = 17
SERIES = ("mean", "clean", "even")  # mean of K samples, x, every second patch of x


class PatchDistribution(ImageMetric):
    """Samples, and means of n of them, on the perception-distortion plane; float64 sums.

    The luma patches of p x p side by side, of all places and images, are one distribution of p² values. The *distance*
    of two distributions is W2 between the Gaussians of their moments (Gelbrich 1990), at most their own W2; *rmse* is
    the error of the same patches. Both are root mean squares a value.

    The mean over all choices of n out of K samples needs no choosing. With M the second moment of the mean of K and V
    the covariance of samples around it, the second moment is M + (1/n − 1/K) V, and the squared error likewise. The
    limit n → ∞ is x̂*, the restorer's own E[x̂ | y], with distance P* and squared error D*. Every estimate has
    (Blau and Michaeli 2018; Freirich, Michaeli and Meir 2021)::

        D(P) ≥ D* + [(P* − P)₊]²

    if x̂* is the posterior mean; if not, those still have it whose mean given y is x̂*, as means of n samples do.
    Equality is reached where distributions are Gaussian. With a Gelbrich distance the bound always holds. Few patches
    make all distances too large, P* the more the fewer samples there are.

    Args:
        samples_per_image: K; of 1 sample x̂* is taken to be itself, as of a deterministic restorer it is.
        patch: p.

    Raises:
        ValueError: if an argument is below 1.
    """

    error: Tensor
    within: Tensor
    clean_count: Tensor
    even_count: Tensor

    def __init__(self, samples_per_image: int, patch: int = 8) -> None:
        super().__init__()
        require_at_least(1, samples_per_image=samples_per_image, patch=patch)
        self.samples_per_image, self.patch = samples_per_image, patch
        n = patch**2
        self.add_sums(["error", *(f"{series}_count" for series in SERIES)])
        self.add_sums((f"{series}_first" for series in SERIES), n)
        self.add_sums(["within", *(f"{series}_second" for series in SERIES)], n, n)

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement | None = None) -> None:
        """Add a batch, C of 1 or 3.

        Raises:
            ValueError: if there are not K samples, or images have no luma or no whole patch.
        """
        K = self.samples_per_image
        if len(samples_KBCHW) != K:
            raise ValueError(f"there must be {K} samples (samples_per_image), got {len(samples_KBCHW)}")
        average = samples_KBCHW.mean(dim=0)
        mean, truth = self._patches(average).double(), self._patches(clean).double()
        for sample in samples_KBCHW if K > 1 else ():
            residual = self._patches(sample - average).flatten(0, 2)
            self.add(within=(residual.T @ residual).double() / (K - 1))
        self.add(error=(mean - truth).square().sum())
        place = torch.arange(mean.shape[1])[:, None] + torch.arange(mean.shape[2])
        self._add("mean", mean.flatten(0, 2))
        self._add("clean", truth.flatten(0, 2))
        self._add("even", truth[:, (place % 2 == 0).to(truth.device)].flatten(0, 1))

    def _patches(self, images: Tensor) -> Tensor:
        """(B, C, H, W) to (B, rows, columns, p²); a rest at the right and below is left out."""
        p = self.patch
        if min(images.shape[-2:]) < p:
            raise ValueError(f"images must be at least {p} x {p}, got {images.shape[-2]} x {images.shape[-1]}")
        return _luma(images).unfold(1, p, p).unfold(2, p, p).flatten(3)

    def _add(self, series: str, patches: Tensor) -> None:
        sums: dict[str, Tensor | float] = {
            "count": len(patches),
            "first": patches.sum(dim=0),
            "second": patches.T @ patches,
        }
        self.add(**{f"{series}_{moment}": value for moment, value in sums.items()})

    def compute(self) -> dict[str, Any]:
        """Distances of one ``sample``, of the ``mean`` of K and of chance (``floor``); and points of the plane.

        The points are ``averaged`` by ``n``, ``limit`` (x̂*) and ``bound``, each with ``rmse`` and ``distance``. The
        floor is the distance between every second patch of x and the rest: half as many, of other places, so that an
        exact sampler, made for the same x, comes nearer. Without a second patch there is none.
        """
        K = self.samples_per_image
        counts = [2**power for power in range(K.bit_length()) if 2**power < K] + [K]
        averaged = [{"n": n, **self._point(1 / n - 1 / K)} for n in counts]
        limit = self._point(-1 / K)
        away = [limit["distance"] * step / (BOUND_POINTS - 1) for step in range(BOUND_POINTS)]
        bound = [{"rmse": math.hypot(limit["rmse"], step), "distance": limit["distance"] - step} for step in away]
        scores = {"sample": averaged[0]["distance"], "mean": averaged[-1]["distance"]}
        if self.even_count < self.clean_count:
            even, clean = self._moments("even"), self._moments("clean")
            odd = (whole - part for whole, part in zip(clean, even, strict=True))
            scores["floor"] = gelbrich(_gaussian(*even), _gaussian(*odd))
        return {**scores, "averaged": averaged, "limit": limit, "bound": bound}

    def _point(self, spread: float) -> dict[str, float]:
        """Of the mean of K samples and ``spread`` times their covariance beside."""
        count, first, second = self._moments("mean")
        error, second = self.error + spread * self.within.trace(), second + spread * self.within
        return {
            "rmse": math.sqrt(max(float(error / (count * self.patch**2)), 0.0)),
            "distance": gelbrich(_gaussian(count, first, second), _gaussian(*self._moments("clean"))),
        }

    def _moments(self, series: str) -> list[Tensor]:
        return [getattr(self, f"{series}_{moment}") for moment in ("count", "first", "second")]


def _luma(images: Tensor) -> Tensor:
    """(B, C, H, W) to (B, H, W): Rec. 601 of colour, grey as it is."""
    channels = images.shape[1]
    if channels not in (1, 3):
        raise ValueError(f"images must have 1 channel (grey) or 3 (colour), got {channels}")
    return (luma(images) if channels == 3 else images)[:, 0]


def gelbrich(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> float:
    """W2 between the Gaussians of two pairs of mean and covariance, root mean square a value."""
    return math.sqrt(float((one[0] - other[0]).square().mean()) + bures(one[1], other[1]))


def _gaussian(count: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance from sums."""
    mean = first / count
    return mean, second / count - torch.outer(mean, mean)
