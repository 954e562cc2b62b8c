"""Networks that treat every pixel by itself: a sampler and a critic for problems of one point."""

import torch
from torch import Tensor, nn

from ..checks import require_at_least
from .generator import Latent, MapSize, NoiseMapGenerator, repeat
from .layers import GAIN, NEGATIVE_SLOPE


class PointwiseGenerator(NoiseMapGenerator):
    """x̂ = y + f(y, z) at every pixel, f a perceptron.

    Args:
        image_channels: C.
        condition_channels: C + M, channels of y and of its maps.
        width: of the hidden layers.
        layers: hidden layers after z has entered.
        latent_channels: values of z a pixel; 0 leaves z out: the deterministic baseline.
    """

    stride = 1

    def __init__(
        self, image_channels: int, condition_channels: int, width: int = 64, layers: int = 2, latent_channels: int = 4
    ) -> None:
        super().__init__()
        require_at_least(1, width=width, layers=layers)
        require_at_least(0, latent_channels=latent_channels)
        self.image_channels, self.latent_channels = image_channels, latent_channels
        self.seen = _linear(condition_channels, width, gain=1.0)
        self.noise = _linear(latent_channels, width, gain=1.0) if latent_channels else None
        self.hidden = _perceptron(width, layers)
        self.out = _linear(width, image_channels, gain=0.15)

    def encode(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """y, and what z will be added to."""
        return condition[:, : self.image_channels], self.seen(2 * condition.movedim(1, -1) - 1)

    def decode(self, features: tuple[Tensor, Tensor], latent: Latent) -> Tensor:
        degraded, seen = features
        height, width = degraded.shape[-2:]
        num_samples, maps = self.noise_maps(latent, height, width, seen)
        x = repeat(seen, num_samples)
        if self.noise is not None:
            x = x + self.noise(maps[0].movedim(1, -1))
        residual: Tensor = self.out(self.hidden(x)).movedim(-1, 1)
        return degraded + residual.reshape(num_samples, *degraded.shape)

    def latent_sizes(self, height: int, width: int) -> list[MapSize]:
        return [(self.latent_channels, height, width)] if self.latent_channels else []


class PointwiseCritic(nn.Module):
    """D(x, y), the mean over pixels of a perceptron's score.

    Args:
        image_channels: C.
        condition_channels: C + M, channels of y and of its maps.
        width: of the hidden layers.
        layers: hidden layers.
        conditional: False for D(x), which leaves the condition out; see ``PatchCritic``.
    """

    def __init__(
        self,
        image_channels: int,
        condition_channels: int,
        width: int = 64,
        layers: int = 3,
        conditional: bool = True,
    ) -> None:
        super().__init__()
        require_at_least(1, width=width, layers=layers)
        self.conditional = conditional
        self.seen = _linear(image_channels + conditional * condition_channels, width, gain=1.0)
        self.hidden = _perceptron(width, layers)
        self.score = _linear(width, 1, gain=1.0)

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Realism of (B, C, H, W) given (B, C + M, H, W): (B,), unbounded, higher for real."""
        seen = torch.cat([image, condition], dim=1) if self.conditional else image
        seen = self.seen(2 * seen.movedim(1, -1) - 1)
        scores: Tensor = self.score(self.hidden(seen))
        return scores.mean(dim=(1, 2, 3))


def _perceptron(width: int, layers: int) -> nn.Sequential:
    """Activation and linear layer, ``layers`` times, and an activation."""
    steps = [module for _ in range(layers) for module in (nn.LeakyReLU(NEGATIVE_SLOPE), _linear(width, width))]
    return nn.Sequential(*steps, nn.LeakyReLU(NEGATIVE_SLOPE))


def _linear(in_channels: int, out_channels: int, gain: float = GAIN) -> nn.Linear:
    """On the last axis; keeps the second moment of an activated input at ``gain`` GAIN."""
    layer = nn.Linear(in_channels, out_channels)
    nn.init.normal_(layer.weight, std=gain / in_channels**0.5)
    nn.init.zeros_(layer.bias)
    return layer
