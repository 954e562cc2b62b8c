"""Convolutions of ImageNet networks as torchvision has them, with its weights."""

from __future__ import annotations

from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from ..weights import fill, read_state


def imagenet_trunk(network: str, weights: str) -> nn.Sequential:
    """``features`` of a torchvision network.

    Args:
        network: its name there, ``alexnet`` or ``vgg16``.
        weights: "hub" (downloaded by torchvision), or the path of its state dict.

    Raises:
        ValueError: if the weights cannot be had or do not fit.
    """
    with torch.device("meta"):
        features: nn.Sequential = torchvision.models.get_model(network, weights=None).features
    state = _from_hub(network) if weights == "hub" else _from_file(network, Path(weights))
    trunk = {name.removeprefix("features."): value for name, value in state.items() if name.startswith("features.")}
    features.to_empty(device="cpu")
    fill(features, trunk, weights)
    return features


def _from_hub(network: str) -> dict[str, Tensor]:
    weights = torchvision.models.get_model_weights(network).DEFAULT
    try:
        state: dict[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True)
    except Exception as error:  # each transport has errors of its own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"weights of {network} cannot be had from the hub ({reason}); give weights=FILE") from error
    return state


def _from_file(network: str, path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(
            f'weights is {path}; allowed is "hub", or the path of the state dict of torchvision\'s {network}'
        )
    return read_state(path)
