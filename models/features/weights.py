"""Where the weights of a frozen network come from: a hub, a package, a file, or a seed."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...checks import optional_package
from .efficientnet_lite0 import NETWORK, package_state

MOST_NAMED = 3  # keys of each kind in a message


def network_with_weights(network: str, weights: str, seed: int) -> nn.Module:
    """A timm model.

    Args:
        network: its name in timm.
        weights: "hub" (timm's pretrained ones, downloaded), "package" (EfficientNet-Lite0's, which are installed),
            "random", or the path of a .pth or .safetensors state dict.
        seed: of random weights.

    Raises:
        ValueError: if timm has no such network, or its weights cannot be had or do not fit.
    """
    timm = optional_package("timm", "train", "a network of timm")  # which takes seconds to import

    if not timm.is_model(network):
        near = timm.list_models(f"*{network}*")[:5] or ["vgg19", NETWORK]
        raise ValueError(f"network must be a model of timm, as {', '.join(near)}, got {network}")
    if weights == "hub":
        return _from_hub(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = timm.create_model(network, pretrained=False)
    if weights == "package":
        if network != NETWORK:
            raise ValueError(f'network must be {NETWORK} for weights "package", got {network}')
        fill(model, package_state(), weights)
    elif weights != "random":
        fill(model, _from_file(Path(weights)), weights)
    return model


def weights_hash(model: nn.Module) -> str:
    """First 12 hex digits of the SHA-256 of all names and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def _from_hub(network: str) -> nn.Module:
    timm = optional_package("timm", "train", "a network of timm")

    try:
        model: nn.Module = timm.create_model(network, pretrained=True)
    except Exception as error:  # each hub and transport has errors of its own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(
            f'weights of {network} cannot be had from the hub ({reason}); give weights=FILE, or "random"'
        ) from error
    return model


def _from_file(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (".pth", ".pt", ".safetensors") or not path.is_file():
        raise ValueError(f'weights must be "hub", "package", "random", or a .pth or .safetensors file, got {path}')
    return read_state(path)


def read_state(path: Path) -> dict[str, Tensor]:
    """Names and values in a .pth, .pt or .safetensors file; of pickles, only tensors are read.

    Raises:
        ValueError: if it holds anything else.
    """
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        raise ValueError(f"weights file {path} cannot be read as a state dict") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"weights file {path} must hold a state dict, names to tensors")
    return state


def fill(model: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Load, strictly.

    Args:
        model: that is filled.
        state: names and values.
        source: of the state, for the message.

    Raises:
        ValueError: naming what is missing, unexpected or of another shape.
    """
    require_fit(model, state, source)
    model.load_state_dict(state)


def require_fit(model: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Refuse a state that is not the model's; arguments and errors are those of ``fill``."""
    expected = model.state_dict()
    wrong = {
        "missing": [name for name in expected if name not in state],
        "unexpected": [name for name in state if name not in expected],
        "misshapen": [
            f"{name} {tuple(state[name].shape)} for {tuple(tensor.shape)}"
            for name, tensor in expected.items()
            if name in state and state[name].shape != tensor.shape
        ],
    }
    if any(wrong.values()):
        kinds = [f"{kind}: {', '.join(names[:MOST_NAMED])}" for kind, names in wrong.items() if names]
        raise ValueError(f"weights {source} do not fit {type(model).__name__}; {'; '.join(kinds)}")
