"""Activations of a frozen recognition network, as losses and critics compare them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .weights import network_with_weights, weights_hash

MOST_NAMED = 24  # layers in a message


class _Enough(Exception):
    """The last wanted layer has been reached."""


class FrozenFeatures(nn.Module):
    """Activations of any timm network with maps, at chosen layers.

    The weights never move, and belong to nobody: they are in no state dict, and no parameters of the module that
    holds this one; ``.to``, ``.cuda`` and ``.double`` of the holder move them all the same. Gradients of any order
    reach the images.

    Args:
        network: name of the network in timm, as ``vgg19`` or ``tf_efficientnet_lite0``.
        layers: names of its modules, whose outputs are taken. Of a VGG also reluB_C: the one behind convolution C of
            block B.
        weights: "hub" (downloaded), "package" (EfficientNet-Lite0 of a package), "random", or a file's path.
        seed: of random weights.

    Attributes:
        min_size: of an image, in pixels.
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
        self._modules_of_taps = [_module_name(model, layer) for layer in self.layers]
        if not self.layers:
            raise ValueError("layers is empty; allowed is at least one name")
        self._frozen = (model,)  # in a tuple a module is no child
        config: dict[str, Any] = model.pretrained_cfg  # type: ignore[assignment]
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(config[name]).view(1, -1, 1, 1), persistent=False)
        self._require_maps(config["input_size"][-1])
        self.min_size = self._find_min_size(config["input_size"][-1])
        self._drop_what_is_not_run()
        source = f"random, seed {seed}" if weights == "random" else weights
        self.identity = f"{network} [{', '.join(self.layers)}], {source}, sha256 {self.weights_hash}"

    def forward(self, images: Tensor) -> list[Tensor]:
        """Activations (N, C_l, H_l, W_l) of images (N, C, H, W) in [0, 1] with C of 1 or 3, in the weights' precision.

        Raises:
            ValueError: if the images are no such batch or are too small, or an activation is not finite.
        """
        self._check(images)
        with torch.autocast(images.device.type, enabled=False):
            colour = images.to(self.mean.dtype).expand(-1, 3, -1, -1)
            activations = self._run((colour - self.mean) / self.std)
        for layer, activation in zip(self.layers, activations, strict=True):
            if not activation.detach().sum().isfinite():
                raise ValueError(f"activations of layer {layer} are not finite")
        return activations

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self._frozen[0]._apply(fn)  # type: ignore[no-untyped-call]
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call, no-any-return]

    def _check(self, images: Tensor) -> None:
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(f"images is {tuple(images.shape)}; allowed is (N, C, H, W) with C of 1 or 3")
        if not images.is_floating_point():
            raise ValueError(f"images is of {images.dtype}; allowed are floats in [0, 1]")
        if min(images.shape[-2:]) < self.min_size:
            height, width = images.shape[-2:]
            raise ValueError(f"images is {height} x {width}; the layers need sides of at least {self.min_size}")

    def _run(self, normalised: Tensor) -> list[Tensor]:
        """The taps, and nothing behind the last one."""
        taken: dict[str, Tensor] = {}

        def take(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
            def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
                taken[name] = output.clone()  # what follows may work in place
                if len(taken) == len(set(self._modules_of_taps)):
                    raise _Enough

            return hook

        model = self._frozen[0]
        handles = [model.get_submodule(name).register_forward_hook(take(name)) for name in set(self._modules_of_taps)]
        try:
            model(normalised)
        except _Enough:
            pass
        finally:
            _remove(handles)
        for layer, name in zip(self.layers, self._modules_of_taps, strict=True):
            if name not in taken:
                raise ValueError(f"layer is {layer}; allowed is one that runs in a forward pass of the network")
        return [taken[name] for name in self._modules_of_taps]

    @torch.no_grad()
    def _require_maps(self, side: int) -> None:
        """Refuse layers that give no map of images of the network's own size, where no failure is one of size."""
        for layer, activation in zip(self.layers, self._run(torch.zeros(1, 3, side, side)), strict=True):
            if activation.ndim != 4:
                raise ValueError(f"layer {layer} gives {tuple(activation.shape)}; allowed is a map (N, C, H, W)")

    @torch.no_grad()
    def _find_min_size(self, own: int) -> int:
        """Of images that all taps take; known to be at most the network's own side."""
        for side in range(1, own):
            try:
                self._run(torch.zeros(1, 3, side, side))
            except (RuntimeError, ValueError, AssertionError):  # each layer has its own for maps it does not fit
                continue
            return side
        return own

    @torch.no_grad()
    def _drop_what_is_not_run(self) -> None:
        model, run = self._frozen[0], set()
        handles = [
            module.register_forward_pre_hook(lambda _, __, name=name: run.add(name))
            for name, module in model.named_modules()
        ]
        self._run(torch.zeros(1, 3, self.min_size, self.min_size))
        _remove(handles)
        for name, module in list(model.named_modules()):
            if name not in run and not any(module.children()):
                model.set_submodule(name, nn.Identity().eval())


def _remove(handles: Sequence[RemovableHandle]) -> None:
    for handle in handles:
        handle.remove()


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
    more = ", ..." if len(known) > MOST_NAMED else ""
    raise ValueError(f"layer is {layer}; allowed is one of {', '.join(known[:MOST_NAMED])}{more}")


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
