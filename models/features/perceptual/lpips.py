"""LPIPS (arXiv 1801.03924) on ImageNet's AlexNet, as most tables have it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torchmetrics
from torch import Tensor, nn

from ..weights import fill, read_state, weights_hash
from .distance import colour_pair
from .imagenet_trunk import imagenet_trunk
from .learned_weights import LearnedWeights

CHANNELS = (64, 192, 384, 256, 256)
TAPS = (0, 2, 5, 8, 10, 12)  # between these modules of AlexNet lie the stages
HEADS = Path(torchmetrics.__file__).parent / "functional" / "image" / "lpips_models" / "alex.pth"


class Lpips(nn.Module):
    """LPIPS of version 0.1 on AlexNet: a ``PerceptualDistance``. Its heads come with torchmetrics.

    Args:
        weights: of AlexNet: "hub" (downloaded by torchvision), or the path of torchvision's state dict.

    Raises:
        ValueError: if the weights cannot be had or do not fit.
    """

    least_side = 31

    def __init__(self, weights: str = "hub") -> None:
        super().__init__()
        trunk = imagenet_trunk("alexnet", weights)
        stages = [trunk[start:end] for start, end in pairwise(TAPS)]
        self.distance = LearnedWeights(stages, CHANNELS)
        heads = read_state(HEADS)
        fill(
            self.distance.heads, {str(tap): heads[f"lin{tap}.model.1.weight"] for tap in range(len(CHANNELS))}, "heads"
        )
        self.identity = f"LPIPS 0.1 (AlexNet), {weights}, sha256 {weights_hash(self.distance)}"

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``PerceptualDistance``."""
        return self.distance(*colour_pair(a, b, self.least_side))  # type: ignore[no-any-return]
