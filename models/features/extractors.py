"""One vector an image, by which sets of images are compared: pooled features of any network, and FID's Inception."""

from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...checks import optional_package, require_at_least
from ...precision import without_autocast
from .frozen import FrozenFeatures, require_images
from .weights import downloading, read_state, weights_hash

INCEPTION = "pt_inception-2015-12-05-6726825d.pth"


class Extractor(Protocol):
    """Gives one vector an image.

    Attributes:
        identity: network, layer, source and hash of the weights, and how images are resized, in one line. Figures are
            compared only where it is the same.
        dimensions: d, length of the vector.
        weights_hash: of the whole network, the same for any layer.
    """

    identity: str
    dimensions: int
    weights_hash: str

    def __call__(self, images: Tensor) -> Tensor:
        """Vectors (N, d) fp32 of images (N, C, H, W) in [0, 1] with C of 1 or 3, any H and W; no gradients.

        Raises:
            ValueError: if the images are no such batch.
        """
        ...


class PooledFeatures(nn.Module):
    """Global average of one layer of a timm network: an ``Extractor``.

    Images are resized to a square, whatever their shape, by antialiased bicubic interpolation, then clamped to [0, 1];
    they are not rounded to 8 bits.

    Args:
        network: name of the network in timm.
        layer: name of its module whose output is averaged.
        weights: "hub", "package", "random", or a file's path, as ``FrozenFeatures`` takes them.
        side: of the square, in pixels.
        seed: of random weights.

    Raises:
        ValueError: if there is no such network, layer or weights, or ``side`` is smaller than the layer takes.
    """

    def __init__(self, network: str, layer: str, weights: str = "hub", side: int = 224, seed: int = 0) -> None:
        super().__init__()
        self.features = FrozenFeatures(network, [layer], weights, seed)
        require_at_least(self.features.min_size, side=side)
        self.side = side
        self.weights_hash = self.features.weights_hash
        resize = f"resized to {side} x {side} (bicubic, antialiased, clamped, not rounded)"
        self.identity = f"{self.features.identity}, averaged over places, images {resize}"
        self.dimensions = self(torch.zeros(1, 3, side, side)).shape[1]

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        require_images(images)
        square = F.interpolate(images.float(), (self.side, self.side), mode="bicubic", antialias=True).clamp(0, 1)
        (activation,) = self.features(square)
        vectors: Tensor = activation.float().mean(dim=(2, 3))
        return vectors


class Inception(nn.Module):
    """Pooled features of the Inception network of 2015 as package torch-fidelity has it, 2,048 an image.

    An ``Extractor``: what published FIDs (arXiv 1706.08500) were measured with. Images are clipped and rounded to 8
    bits, then resized inside to 299 x 299 by TensorFlow 1's bilinear rule, without antialiasing.

    Args:
        weights: "hub" (downloaded by torch-fidelity), or a file's path.

    Raises:
        ValueError: if torch-fidelity is not installed, or the weights cannot be had or do not fit.
    """

    dimensions = 2048

    def __init__(self, weights: str = "hub") -> None:
        super().__init__()
        self.network = _inception(weights)
        self.weights_hash = weights_hash(self.network)
        resize = "rounded to 8 bits, resized to 299 x 299 (bilinear as in TensorFlow 1, not antialiased)"
        self.identity = f"inception-v3-compat [2048], {weights}, sha256 {self.weights_hash}, images {resize}"

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        require_images(images)
        bytes_ = (255 * images.float()).round().clamp(0, 255).to(torch.uint8).expand(-1, 3, -1, -1)
        with without_autocast(images):
            (vectors,) = self.network(bytes_)
        return vectors.float()  # type: ignore[no-any-return]


def _inception(weights: str) -> Any:
    fidelity = optional_package("torch_fidelity.feature_extractor_inceptionv3", "inception", "Inception")
    if weights != "hub":
        if not Path(weights).is_file():
            raise ValueError(f'weights must be "hub" or the path of {INCEPTION}; there is no file {weights}')
        read_state(Path(weights))  # the package reads any pickle: only one that holds nothing but tensors gets there
    with downloading(INCEPTION, "its path"):
        return fidelity.FeatureExtractorInceptionV3("inception", ["2048"], None if weights == "hub" else weights)
