"""The seam of everything that restores, and what stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from ..data.degradation import Degradation, project_samples
from ..data.measurement import Measurement
from ..models.generator import Generator, is_deterministic, scale_latent
from ..rng import Rng


class Restorer(Protocol):
    """Draws restorations of measurements.

    Attributes:
        stochastic: whether samples of one measurement differ.
    """

    stochastic: bool

    def draw(self, measurement: Measurement, num_samples: int, rng: Rng, sigma_z: float = 1.0) -> Tensor:
        """K samples for each of B measurements.

        Args:
            measurement: of B images.
            num_samples: K; 1 where samples do not differ.
            rng: one generator an image, from which all randomness comes.
            sigma_z: factor on the latents; 1 samples.

        Returns:
            (K, B, C, H, W) fp32 about [0, 1], on the device of the measurement, neither clipped nor rounded. Gradients
            reach the measurement where autograd is on.
        """
        ...


class Sampler:
    """A stochastic conditional generator before its degradation's projection.

    Args:
        generator: in evaluation mode.
        degradation: whose projection the samples go through.
    """

    def __init__(self, generator: Generator, degradation: Degradation) -> None:
        self.generator, self.degradation = generator, degradation
        self.stochastic = not is_deterministic(generator)

    def draw(self, measurement: Measurement, num_samples: int, rng: Rng, sigma_z: float = 1.0) -> Tensor:
        """See ``Restorer``: encoded once, decoded one by one to bound memory; z is drawn on the CPU for any device."""
        condition = measurement.condition
        height, width = condition.shape[-2:]
        latent = scale_latent(self.generator.draw_latent(num_samples, height, width, rng), sigma_z)
        features = self.generator.encode(condition)
        samples = [
            self.generator.decode(features, [z[k : k + 1].to(condition.device) for z in latent]).float()
            for k in range(num_samples)
        ]
        return project_samples(self.degradation, torch.cat(samples), measurement)


class Degraded:
    """The measurement itself: the noisy image, or what an ordinary decoder shows of a .jpg file."""

    stochastic = False

    def draw(self, measurement: Measurement, num_samples: int, rng: Rng, sigma_z: float = 1.0) -> Tensor:
        """y, as it is."""
        return measurement.degraded.float()[None]


class Deterministic:
    """Any function of a measurement that gives one image.

    Args:
        restore: a measurement of B images to (B, C, H, W) in [0, 1].
    """

    stochastic = False

    def __init__(self, restore: Callable[[Measurement], Tensor]) -> None:
        self.restore = restore

    def draw(self, measurement: Measurement, num_samples: int, rng: Rng, sigma_z: float = 1.0) -> Tensor:
        """The one restoration."""
        return self.restore(measurement).float()[None]
