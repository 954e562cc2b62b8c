"""Perceptual distances between pairs of images: the protocol, and LPIPS and DISTS as torchmetrics has them."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

import torch
import torchvision
from torch import Tensor, nn
from torchmetrics.functional.image.dists import DISTSNetwork
from torchmetrics.image import LearnedPerceptualImagePatchSimilarity

from ...precision import without_autocast
from .frozen import require_images
from .weights import downloading, read_state, require_fit, weights_hash

Network = TypeVar("Network", bound=nn.Module)


class PerceptualDistance(Protocol):
    """How different two images look.

    Attributes:
        identity: name, network and hash of the weights, in one line. Figures are compared only where it is the same.
    """

    identity: str

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances (N,) fp32 of images (N, C, H, W) in [0, 1] with C of 1 or 3, pair by pair; 0 of equal images.

        Raises:
            ValueError: if the images are no such pairs or are too small.
        """
        ...


class Lpips(nn.Module):
    """LPIPS 0.1 (arXiv 1801.03924) on ImageNet's AlexNet, as most tables have it: a ``PerceptualDistance``.

    Args:
        weights: of AlexNet: "hub" (downloaded by torchvision), or the path of torchvision's state dict.

    Raises:
        ValueError: if the weights cannot be had or do not fit.
    """

    min_size = 31

    def __init__(self, weights: str = "hub") -> None:
        super().__init__()
        self.metric = on_torchvision(
            lambda: LearnedPerceptualImagePatchSimilarity("alex", reduction="none", normalize=True), "alexnet", weights
        )
        self.identity = f"LPIPS 0.1 (AlexNet), {weights}, sha256 {weights_hash(self.metric)}"

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """(N,), of pairs of sides of at least 31 pixels."""
        a, b = colour_pair(a, b, self.min_size)
        with without_autocast(a):
            distances: Tensor = self.metric(a, b)
        self.metric.reset()  # it would keep every distance
        return distances.view(len(a))


class Dists(nn.Module):
    """DISTS (arXiv 2004.07728) on VGG-16: a ``PerceptualDistance`` that takes one texture for another of its kind.

    Args:
        weights: of VGG-16: "hub" (downloaded by torchvision), or the path of torchvision's state dict.

    Raises:
        ValueError: if the weights cannot be had or do not fit.
    """

    min_size = 16

    def __init__(self, weights: str = "hub") -> None:
        super().__init__()
        self.network = on_torchvision(DISTSNetwork, "vgg16", weights)
        self.identity = f"DISTS (VGG-16), {weights}, sha256 {weights_hash(self.network)}"

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """(N,), of pairs of sides of at least 16 pixels."""
        a, b = colour_pair(a, b, self.min_size)
        with without_autocast(a):
            distances: Tensor = self.network(a, b, require_grad=a.requires_grad or b.requires_grad)
        return distances.view(len(a))


def on_torchvision(build: Callable[[], Network], network: str, weights: str) -> Network:
    """What a library builds on a network of torchvision, frozen, in evaluation mode.

    Libraries take the weights from the cache of torch.hub, and download what is not there. A file of the user's is
    shown to them as that cache, once it is known to hold tensors alone that fit.

    Args:
        build: calls torchvision for the network with its default weights.
        network: its name there.
        weights: "hub", or the path of torchvision's state dict.

    Raises:
        ValueError: if the weights cannot be had or do not fit.
    """
    hub_folder = torch.hub.get_dir()
    with torch.random.fork_rng(devices=[]), TemporaryDirectory() as folder:
        if weights != "hub":
            name = Path(torchvision.models.get_model_weights(network).DEFAULT.url).name
            (Path(folder) / "checkpoints").mkdir()
            torch.save(_state_of(network, Path(weights)), Path(folder) / "checkpoints" / name)
            torch.hub.set_dir(folder)
        try:
            with downloading(network, "weights=FILE"):
                return build().eval().requires_grad_(False)
        finally:
            torch.hub.set_dir(hub_folder)


def _state_of(network: str, path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(f'weights must be "hub" or the path of torchvision\'s state dict of {network}, got {path}')
    state = read_state(path)
    with torch.device("meta"):
        require_fit(torchvision.models.get_model(network, weights=None), state, str(path))
    return state


def colour_pair(a: Tensor, b: Tensor, min_size: int) -> tuple[Tensor, Tensor]:
    """Both as (N, 3, H, W) fp32.

    Raises:
        ValueError: if they are no pairs (N, C, H, W) of floats with C of 1 or 3, or a side is below ``min_size``.
    """
    require_images(a, min_size)
    if a.shape != b.shape:
        raise ValueError(f"images must be pairs of one shape, got {tuple(a.shape)} and {tuple(b.shape)}")
    return a.float().expand(-1, 3, -1, -1), b.float().expand(-1, 3, -1, -1)
