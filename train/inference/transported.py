"""Any restorer with its outputs transported (DOT): one more ``Restorer``, on the way from perception to distortion."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ...checks import require_in
from ...data.degradation import Degradation
from ...data.measurement import Measurement
from ...models.features.weights import weights_hash
from ...models.transport.interpolation import ALPHAS
from ...models.transport.spaces import Space
from ..sampling import Restorer
from .load import load
from .transport import open_transport


class Transported:
    """x̂_α = (1 − α) x̂_0 + α x* of each sample x* of a restorer; without noise projected onto what explains y.

    Args:
        of: the restorer, or what ``pscgan.load`` takes, or what makes a restorer of ``degradation`` and ``device``.
        map: file that ``pscgan transport`` wrote.
        degradation: of the measurements.
        alpha: α in [-1, 2]: 0 for the law of clean images, 1 for the restorer itself, to the bit.
        device: where a model that is opened computes.
        space: of the codes, if it is none of those that come with the package.
        image_channels: 3 for colour, 1 for grey; of a model that is opened its own.

    Attributes:
        stochastic: whether samples differ.
        identity: of the restorer's weights, where they are known, and of the map.

    Raises:
        ValueError: if alpha is out of range, and as ``load`` and ``open_transport``.
    """

    def __init__(
        self,
        of: Restorer | str | partial[Restorer],
        map: str,
        degradation: Degradation,
        alpha: float = 0.0,
        device: torch.device | str = "cpu",
        space: Space | None = None,
        image_channels: int = 3,
    ) -> None:
        require_in(ALPHAS, alpha=alpha)
        self.alpha, self.degradation, weights = alpha, degradation, "restorer"
        if isinstance(of, str):
            loaded = load(of, device, trust_code=True)
            image_channels, weights = loaded.image_channels, weights_hash(cast(nn.Module, loaded.generator))
            of = loaded.on(degradation)
        elif isinstance(of, partial):
            of = of(degradation=degradation, device=device)
        self.of, self.map = of, open_transport(map, image_channels, space)
        self.scales_z = of.stochastic and getattr(of, "scales_z", True)
        self.stochastic = of.stochastic or self.map.stochastic
        self.identity = f"{weights}, {hashlib.sha256(Path(map).read_bytes()).hexdigest()[:12]}"

    def restore(self, measurement: Measurement, num_samples: int, seeds: Sequence[int], sigma_z: float = 1.0) -> Tensor:
        """As of ``Restorer``."""
        return self.at(self.alpha, measurement, num_samples, seeds, sigma_z)

    def at(
        self, alpha: float, measurement: Measurement, num_samples: int, seeds: Sequence[int], sigma_z: float = 1.0
    ) -> Tensor:
        """As ``restore``, for another α."""
        samples = self.of.restore(measurement, num_samples if self.of.stochastic else 1, seeds, sigma_z)
        if alpha == 1:
            return samples.expand(num_samples, *samples.shape[1:])
        moved = [self.map(samples[k % len(samples)], alpha, seeds, k + 1) for k in range(num_samples)]
        return torch.stack([self.degradation.project(image, measurement) for image in moved])
