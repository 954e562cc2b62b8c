"""Shift-tolerant LPIPS (arXiv 2207.13686): its AlexNet was trained from scratch on what people said, no ImageNet."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from torch import Tensor, nn

from ..weights import fill, read_state, weights_hash
from .blur_pool import BlurPool
from .distance import colour_pair
from .learned_weights import LearnedWeights

PACKAGE, FILE = "stlpips_pytorch", "weights/vST0.0/alex_shift_tolerant.pth"
CHANNELS = (64, 192, 384, 256, 256)
CONVOLUTIONS = {"slice1.0": "0.0", "slice2.5": "1.2", "slice3.9": "2.2", "slice4.11": "3.0", "slice5.13": "4.0"}


class StLpips(nn.Module):
    """ST-LPIPS on AlexNet: a ``PerceptualDistance``. A shift by a pixel, which nobody sees, costs little.

    Its weights come from package stlpips_pytorch, whose code is not run.

    Raises:
        ValueError: if the package is not installed.
    """

    least_side = 21

    def __init__(self) -> None:
        super().__init__()
        self.distance = LearnedWeights(_stages(), CHANNELS)
        fill(self.distance, _state(), PACKAGE)
        self.identity = f"ST-LPIPS (AlexNet), {PACKAGE}, sha256 {weights_hash(self.distance)}"

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``PerceptualDistance``."""
        return self.distance(*colour_pair(a, b, self.least_side))  # type: ignore[no-any-return]


def _stages() -> list[nn.Module]:
    """AlexNet, with every stride after a blur."""
    return [
        nn.Sequential(nn.Conv2d(3, 64, 11, padding=2), BlurPool(64), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, 1), BlurPool(64), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, 1), BlurPool(192), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    ]


def _state() -> dict[str, Tensor]:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ValueError(
            f'perceptual is StLpips, and package {PACKAGE} is not installed; pip install "pscgan[perceptual]"'
        )
    state = read_state(Path(spec.origin).parent / FILE)
    names = {f"heads.{tap}": f"lin{tap}.model.1.weight" for tap in range(len(CHANNELS))}
    for theirs, ours in CONVOLUTIONS.items():
        names |= {f"stages.{ours}.{kind}": f"net.{theirs}.{kind}" for kind in ("weight", "bias")}
    return {ours: state[theirs] for ours, theirs in names.items() if theirs in state}
