"""An unfolded network: rounds of a data step, which knows A, and a small U-Net, which knows images."""

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from ..checks import require_at_least
from ..rng import Rng
from .generator import Latent
from .unet import Features, UNet

DataStep = Callable[[Tensor, Tensor], Tensor]
"""Images x (B, C, H, W) and β > 0, a scalar, to the z of least ‖A z − y‖² / 2σ² + β/2 ‖z − x‖², in fp32 at least."""

START = 0.03  # standard deviation that the error of x is first taken to have: β is one over its square
FIRST_GAIN = 0.02  # of U beside that of a U-Net alone: at first the rounds are little but T proximal steps
SPEED = 10.0  # by which ln β learns faster than a weight, which is far smaller


class Unfolded(nn.Module):
    """T rounds of half-quadratic splitting, each a layer, trained end to end (Gregor and LeCun, ICML 2010).

    As in MoDL (arXiv 1712.02862) all rounds share the network U; β, how far x is trusted, is learned for each::

        x₀ = y as it is shown    zₜ = prox(xₜ₋₁; βₜ)    xₜ = zₜ + U(zₜ, y, t)

    ``encode`` is told the proximal step. z has its place in the last round; in those before it is 0. So these, and the
    way down of the last, are computed once for all samples, and a sample costs the way up of a small U-Net.

    Args:
        image_channels: C.
        condition_channels: C + M.
        rounds: T.
        width: of the ``UNet``, as the next four.
        levels: of it.
        encoder_blocks: of it.
        decoder_blocks: of it.
        latent_channels: of it.
    """

    takes_data_step = True

    def __init__(
        self,
        image_channels: int,
        condition_channels: int,
        rounds: int = 4,
        width: int = 28,
        levels: int = 3,
        encoder_blocks: int = 1,
        decoder_blocks: int = 1,
        latent_channels: int = 4,
    ) -> None:
        super().__init__()
        require_at_least(1, rounds=rounds)
        self.image_channels, self.rounds = image_channels, rounds
        seen = image_channels + condition_channels + 1
        self.network = UNet(image_channels, seen, width, levels, encoder_blocks, decoder_blocks, latent_channels)
        cast(nn.Conv2d, self.network.out[-1]).weight.data *= FIRST_GAIN
        self.log_beta = nn.Parameter(torch.full((rounds,), -2 * math.log(START) / SPEED))

    @property
    def stride(self) -> int:
        """That of the network."""
        return self.network.stride

    @property
    def beta(self) -> Tensor:
        """βₜ of each round, (T,)."""
        return (SPEED * self.log_beta).exp()

    def encode(self, condition: Tensor, data_step: DataStep | None = None) -> Features:
        """All rounds but the way up of the last.

        Raises:
            ValueError: without a data step.
        """
        if data_step is None:
            raise ValueError("an unfolded network must be told the data step of each measurement; here none is known")
        x, beta = condition[:, : self.image_channels], self.beta
        for number in range(self.rounds - 1):
            x = self.network.decode(self._encoded(x, condition, data_step, beta, number), self._no_z(x))[0]
        return self._encoded(x, condition, data_step, beta, self.rounds - 1)

    def decode(self, features: Features, latent: Latent) -> Tensor:
        return self.network.decode(features, latent)

    def draw_latent(self, num_samples: int, height: int, width: int, rng: Rng) -> Latent:
        """z of the last round."""
        return self.network.draw_latent(num_samples, height, width, rng)

    def _encoded(self, x: Tensor, condition: Tensor, data_step: DataStep, beta: Tensor, number: int) -> Features:
        time = torch.full_like(x[:, :1], (number + 1) / self.rounds)
        return self.network.encode(torch.cat([data_step(x, beta[number]), condition, time], dim=1))

    def _no_z(self, x: Tensor) -> Latent:
        return [x.new_zeros(1, len(x), *size) for size in self.network.latent_sizes(*x.shape[-2:])]
