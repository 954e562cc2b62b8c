"""Shift-tolerant LPIPS (arXiv 2207.13686): its AlexNet was trained from scratch on what people said, no ImageNet."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...precision import without_autocast
from .perceptual import colour_pair
from .weights import fill, installed_state, weights_hash

PACKAGE, FILE = "stlpips_pytorch", "weights/vST0.0/alex_shift_tolerant.pth"
CHANNELS = (64, 192, 384, 256, 256)
CONVOLUTIONS = {"slice1.0": "0.0", "slice2.5": "1.2", "slice3.9": "2.2", "slice4.11": "3.0", "slice5.13": "4.0"}
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of images in [-1, 1], as the weights were learnt
EPSILON = 1e-10


class StLpips(nn.Module):
    """ST-LPIPS on AlexNet: a ``PerceptualDistance``. A shift by a pixel, which nobody sees, costs little.

    Σ_l mean over places of Σ_c w_lc (φ_lc(a) − φ_lc(b))², activations φ_l of tap l of unit length at each place.

    Its weights come from package stlpips_pytorch, whose code is not run.

    Raises:
        ValueError: if the package is not installed.
    """

    min_size = 21

    def __init__(self) -> None:
        super().__init__()
        self.distance = LearnedWeights()
        fill(self.distance, _state(), PACKAGE)
        self.eval().requires_grad_(False)
        self.identity = f"ST-LPIPS (AlexNet), {PACKAGE}, sha256 {weights_hash(self.distance)}"

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """(N,), of pairs of sides of at least 21 pixels."""
        a, b = colour_pair(a, b, self.min_size)
        with without_autocast(a):
            return self.distance(a, b)  # type: ignore[no-any-return]


class LearnedWeights(nn.Module):
    """AlexNet with every stride after a blur, and weights of the differences of its taps."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 64, 11, padding=2), BlurPool(64), nn.ReLU()),
                nn.Sequential(nn.MaxPool2d(3, 1), BlurPool(64), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()),
                nn.Sequential(nn.MaxPool2d(3, 1), BlurPool(192), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
                nn.Sequential(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
                nn.Sequential(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
            ]
        )
        self.heads = nn.ParameterList(torch.zeros(1, width, 1, 1) for width in CHANNELS)
        for name, values in (("shift", SHIFT), ("scale", SCALE)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances (N,) of images (N, 3, H, W) in [0, 1]."""
        total = a.new_zeros(len(a))
        for head, tap_a, tap_b in zip(self.heads, self._taps(a), self._taps(b), strict=True):
            total = total + (head * (tap_a - tap_b).square()).sum(1).mean(dim=(1, 2))
        return total

    def _taps(self, images: Tensor) -> list[Tensor]:
        x, taps = (2 * images - 1 - self.shift) / self.scale, []
        for stage in self.stages:
            x = stage(x)
            taps.append(x / (x.norm(dim=1, keepdim=True) + EPSILON))
        return taps


class BlurPool(nn.Module):
    """Antialiased subsampling (arXiv 1904.11486): every second place after the filter (1, 2, 1) / 4 in both directions.

    Two pixels are mirrored at borders, one more than the filter needs, so that borders count like the rest.

    Args:
        channels: of the map.
    """

    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        binomial = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = torch.outer(binomial, binomial).expand(channels, 1, 3, 3)
        self.register_buffer("kernel", kernel.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W') with H' = ⌊(H + 1) / 2⌋ + 1; H and W of at least 3."""
        return F.conv2d(F.pad(x, (2,) * 4, mode="reflect"), self.kernel, stride=2, groups=len(self.kernel))


def _state() -> dict[str, Tensor]:
    state = installed_state(PACKAGE, FILE, "evaluate")
    names = {f"heads.{tap}": f"lin{tap}.model.1.weight" for tap in range(len(CHANNELS))}
    for theirs, ours in CONVOLUTIONS.items():
        names |= {f"stages.{ours}.{kind}": f"net.{theirs}.{kind}" for kind in ("weight", "bias")}
    return {ours: state[theirs] for ours, theirs in names.items() if theirs in state}
