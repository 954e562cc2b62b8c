"""Energy score (Gneiting and Raftery 2007) over any distance, fair for K samples (Ferro 2014)."""

from typing import Any

import torch
from torch import Tensor, nn

from ..checks import require_in
from .distances import Distance, embed_samples


class EnergyScore(nn.Module):
    """Distance of K samples to the truth, less half their distance from each other, averaged over images.

    With a distance d between images::

        E = 1/K Σᵢ d(x, x̂ᵢ) − (1 − ε) / (2K(K−1)) Σ_{i≠j} d(x̂ᵢ, x̂ⱼ),    ε = (1 − α)/K

    With α = 1 its expectation is E d(x, x̂) − E d(x̂, x̂')/2 for every K. It is a proper score where d is conditionally
    negative definite, as norms, their sums and sorted L1 are: no sampler does better than the posterior. Strictly
    so for what d compares: over whole images with the Euclidean norm the posterior alone is best; over the
    mean |a − b| of pixels it is the fair CRPS, which knows nothing of how pixels depend on each other.

    Args:
        distance: what is compared; if it is a module, part of the penalty.
        alpha: see ``FairCRPS``.
    """

    min_samples = 2

    def __init__(self, distance: Distance, alpha: float = 1.0) -> None:
        super().__init__()
        require_in("[0, 1]", alpha=alpha)
        self.distance = distance
        self.alpha = alpha

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The score, a scalar; no gradient goes to ``clean``.

        Raises:
            ValueError: if the images are integers.
        """
        (K, B), between = samples_KBCHW.shape[:2], self.distance.between
        drawn, truth = embed_samples(self.distance, samples_KBCHW, clean)
        error = between(drawn, truth).mean()
        # ½ Σ_{i≠j}: every pair once, those i places apart in one call
        apart = (between([x[i * B :] for x in drawn], [x[: -i * B] for x in drawn]) for i in range(1, K))
        differences = torch.stack([distances.sum() for distances in apart]).sum() / B
        epsilon = (1 - self.alpha) / K
        return error - (1 - epsilon) / (K * (K - 1)) * differences
