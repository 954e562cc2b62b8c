"""Deep image structure and texture similarity (DISTS, arXiv 2004.07728)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
import torchmetrics
from torch import Tensor, nn
from torch.nn import functional as F

from ..weights import fill, read_state, weights_hash
from .distance import colour_pair
from .imagenet_trunk import imagenet_trunk

CHANNELS = (3, 64, 128, 256, 512, 512)  # of the image and the taps
TAPS = (0, 4, 9, 16, 23, 30)  # between these modules of VGG-16 lie the stages
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EPSILON = 1e-6
WEIGHTS = Path(torchmetrics.__file__).parent / "functional" / "image" / "dists_models" / "weights.pt"


class Dists(nn.Module):
    """DISTS: a ``PerceptualDistance`` that takes one texture for another of the same kind.

    Over the channels of the image and of five taps of VGG-16, with means μ, variances σ² and covariances over places::

        1 − Σ α (2 μ_a μ_b + ε) / (μ_a² + μ_b² + ε) + β (2 σ_ab + ε) / (σ_a² + σ_b² + ε),    Σ α + β = 1

    α and β come with torchmetrics. Maximum pools are replaced by root mean squares under a Hann window.

    Args:
        weights: of VGG-16: "hub" (downloaded by torchvision), or the path of torchvision's state dict.

    Raises:
        ValueError: if the weights cannot be had or do not fit.
    """

    mean: Tensor
    std: Tensor
    least_side = 16

    def __init__(self, weights: str = "hub") -> None:
        super().__init__()
        trunk = imagenet_trunk("vgg16", weights)
        pools = [HannPool() if isinstance(module, nn.MaxPool2d) else module for module in trunk]
        self.stages = nn.ModuleList(nn.Sequential(*pools[start:end]) for start, end in pairwise(TAPS))
        self.alpha, self.beta = (nn.Parameter(torch.zeros(1, sum(CHANNELS), 1, 1)) for _ in range(2))
        trained = {f"stages.{name}": value for name, value in self.stages.state_dict().items()}
        fill(self, trained | read_state(WEIGHTS), "alpha and beta")
        for name, values in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)
        self.identity = f"DISTS (VGG-16), {weights}, sha256 {weights_hash(self)}"

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``PerceptualDistance``."""
        a, b = colour_pair(a, b, self.least_side)
        with torch.autocast(a.device.type, enabled=False):
            scores = [_structure_and_texture(x, y) for x, y in zip(self._taps(a), self._taps(b), strict=True)]
            textures, structures = (torch.cat(part, dim=1) for part in zip(*scores, strict=True))
            alpha, beta = self.alpha.flatten(), self.beta.flatten()
            return 1 - (textures @ alpha + structures @ beta) / (alpha.sum() + beta.sum())

    def _taps(self, images: Tensor) -> list[Tensor]:
        taps, x = [images], (images - self.mean) / self.std
        for stage in self.stages:
            x = stage(x)
            taps.append(x)
        return taps


class HannPool(nn.Module):
    """Root of the mean of squares under a Hann window of 3 x 3, at every second place."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        hann = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("window", torch.outer(hann, hann).view(1, 1, 3, 3), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, ⌈H / 2⌉, ⌈W / 2⌉)."""
        channels = x.shape[1]
        squares = F.conv2d(x.square(), self.window.expand(channels, -1, -1, -1), stride=2, padding=1, groups=channels)
        return (squares + 1e-12).sqrt()


def _structure_and_texture(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Similarities of means, and of values around them, (N, C) each."""
    mean_x, mean_y = x.mean(dim=(2, 3), keepdim=True), y.mean(dim=(2, 3), keepdim=True)
    covariance = ((x - mean_x) * (y - mean_y)).mean(dim=(2, 3))
    variances = ((x - mean_x).square() + (y - mean_y).square()).mean(dim=(2, 3))
    texture = (2 * mean_x * mean_y + EPSILON) / (mean_x.square() + mean_y.square() + EPSILON)
    return texture.flatten(1), (2 * covariance + EPSILON) / (variances + EPSILON)
