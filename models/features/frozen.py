"""Activations of a frozen recognition network, as losses and critics compare them."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from ...precision import without_autocast
from .weights import network_with_weights, weights_hash

MAX_NAMED = 24  # layers in a message


class FrozenFeatures(nn.Module):
    """Activations of any timm network with maps, at chosen layers; nothing behind the last one is kept or run.

    The weights never move, and belong to nobody: they are in no state dict, and no parameters of the module that
    holds this one; ``.to``, ``.cuda`` and ``.double`` of the holder move them all the same. Gradients of any order
    reach the images.

    Args:
        network: name of the network in timm, as ``vgg19`` or ``tf_efficientnet_lite0``.
        layers: names of its modules, whose outputs are taken. Of a VGG also reluB_C: the one behind convolution C of
            block B.
        weights: "hub" (downloaded), "package" (EfficientNet-Lite0's, installed), "random", or a file's path.
        seed: of random weights.

    Attributes:
        min_size: least side of an image, in pixels.
        weights_hash: of the whole network, so that it is the same for any layers.
        identity: network, layers, source and ``weights_hash``, in one line.

    Raises:
        ValueError: if there is no such network, layer or weights, or a layer gives no map.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: str, layers: Sequence[str], weights: str = "hub", seed: int = 0) -> None:
        super().__init__()
        model = network_with_weights(network, weights, seed).eval().requires_grad_(False)
        self.weights_hash = weights_hash(model)
        self.layers = tuple(layers)
        config: dict[str, Any] = model.pretrained_cfg  # type: ignore[assignment]
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(config[name]).view(1, -1, 1, 1), persistent=False)
        self._taps = [_module_name(model, layer) for layer in self.layers]
        self._frozen = (_cut(model, self._taps),)  # in a tuple a module is no child
        self._require_maps(config["input_size"][-1])
        self.min_size = self._find_min_size(config["input_size"][-1])
        source = f"random, seed {seed}" if weights == "random" else weights
        self.identity = f"{network} [{', '.join(self.layers)}], {source}, sha256 {self.weights_hash}"

    def forward(self, images: Tensor) -> list[Tensor]:
        """Activations (N, C_l, H_l, W_l) of images (N, C, H, W) in [0, 1] with C of 1 or 3, in the weights' precision.

        Raises:
            ValueError: if the images are no such batch or are too small, or an activation is not finite.
        """
        require_images(images, self.min_size)
        with without_autocast(images):
            colour = images.to(self.mean.dtype).expand(-1, 3, -1, -1)
            activations = self._run((colour - self.mean) / self.std)
        for layer, activation in zip(self.layers, activations, strict=True):
            if not activation.detach().sum().isfinite():
                raise ValueError(f"activations of layer {layer} are not finite")
        return activations

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self._frozen[0]._apply(fn)  # type: ignore[no-untyped-call]
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call, no-any-return]

    def _run(self, normalised: Tensor) -> list[Tensor]:
        taken = self._frozen[0](normalised)
        return [taken[name] for name in self._taps]

    @torch.no_grad()
    def _require_maps(self, side: int) -> None:
        """Refuse layers that give no map of images of the network's own size, where no failure is one of size."""
        for layer, activation in zip(self.layers, self._run(torch.zeros(1, 3, side, side)), strict=True):
            if activation.ndim != 4:
                raise ValueError(f"layer {layer} must give a map (N, C, H, W), got {tuple(activation.shape)}")

    @torch.no_grad()
    def _find_min_size(self, own: int) -> int:
        """Of images that all layers take; known to be at most the network's own side."""
        for side in range(1, own):
            try:
                self._run(torch.zeros(1, 3, side, side))
            except (RuntimeError, ValueError, AssertionError):  # each layer has its own for maps it does not fit
                continue
            return side
        return own


def require_images(images: Tensor, min_size: int = 1) -> None:
    """Refuse what recognition networks cannot take.

    Raises:
        ValueError: if ``images`` are no floats (N, C, H, W) with C of 1 or 3, or a side is below ``min_size``.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not images.is_floating_point():
        shape = tuple(images.shape)
        raise ValueError(f"images must be floats (N, C, H, W) with C of 1 or 3, got {shape} of {images.dtype}")
    height, width = images.shape[-2:]
    if min(height, width) < min_size:
        raise ValueError(f"images must have sides of at least {min_size}, got {height} x {width}")


def _cut(model: nn.Module, names: Sequence[str]) -> nn.Module:
    """Images to the outputs of some modules, by name; without the modules that these do not need."""
    from timm.models import create_feature_extractor  # takes seconds

    if not names:
        raise ValueError("layers must name at least one layer, got none")
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = False  # type: ignore[assignment]  # it would overwrite an output that is taken
    try:
        both_modes = create_feature_extractor(model, {name: name for name in names})
    except ValueError as error:
        raise ValueError(f"layers must run in a forward pass of the network, got {', '.join(names)}") from error
    return GraphModule(
        both_modes, both_modes.graph
    ).eval()  # of evaluation alone: a copy must not fall back to training


def _module_name(model: nn.Module, layer: str) -> str:
    """Of a layer by its name in timm or in the field.

    Raises:
        ValueError: naming what there is.
    """
    field = _names_of_the_field(model)
    names = [name for name, _ in model.named_modules() if name]
    if layer in field:
        return field[layer]
    if layer in names:
        return layer
    known = [*field, *(name for name in names if name.count(".") < 2)]
    more = ", ..." if len(known) > MAX_NAMED else ""
    raise ValueError(f"layer must be one of {', '.join(known[:MAX_NAMED])}{more}, got {layer}")


def _names_of_the_field(model: nn.Module) -> dict[str, str]:
    """relu1_1 ... of a network that is one sequence of convolutions, ReLUs and pools, as VGG."""
    features = getattr(model, "features", None)
    names, block, convolution = {}, 1, 0
    for place, module in enumerate(features if isinstance(features, nn.Sequential) else ()):
        if isinstance(module, nn.Conv2d):
            convolution += 1
        elif isinstance(module, nn.ReLU):
            names[f"relu{block}_{convolution}"] = f"features.{place}"
        elif isinstance(module, nn.MaxPool2d):
            block, convolution = block + 1, 0
    return names
