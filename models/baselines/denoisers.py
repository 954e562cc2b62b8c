"""DnCNN (arXiv 1608.03981) and FFDNet (arXiv 1710.04026) with the weights that their authors publish."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...checks import optional_package
from ..features.weights import fill, read_state
from ..layers import pad_to_multiple

CONVOLUTIONS, WIDTH = 17, 64  # of DnCNN
HALF = 2  # FFDNet works on 2 x 2 pixels as channels


class DnCNN(nn.Module):
    """The grey DnCNN for one noise level, batch norms merged into its 17 convolutions.

    Args:
        weights: path of a state dict with names model.0.weight, model.0.bias, model.2.weight ..., as
            ``dncnn_25.pth`` of its authors.
        sigma: noise level of the weights on the 0..255 scale.

    Raises:
        ValueError: if the file is missing or does not fit.
    """

    def __init__(self, weights: str, sigma: float = 25) -> None:
        super().__init__()
        self.sigma = sigma
        widths = [1, *(WIDTH,) * (CONVOLUTIONS - 1), 1]
        self.model = nn.Sequential()
        for place in range(CONVOLUTIONS):
            self.model.append(nn.Conv2d(widths[place], widths[place + 1], 3, padding=1))
            self.model.append(nn.ReLU())
        del self.model[-1]
        fill(self, read_state(Path(weights)), weights)
        self.eval().requires_grad_(False)

    def forward(self, degraded: Tensor, sigma: Tensor) -> Tensor:
        """y less the noise the network sees in it.

        Args:
            degraded: (B, 1, H, W), about [0, 1].
            sigma: of each image, (B,), in the unit of the images; must be what the weights are for.

        Returns:
            (B, 1, H, W), not clamped.

        Raises:
            ValueError: if the images are not grey, or sigma is another.
        """
        if degraded.ndim != 4 or degraded.shape[1] != 1:
            raise ValueError(f"degraded must be (B, 1, H, W) for the grey DnCNN, got {tuple(degraded.shape)}")
        if not torch.isclose(255 * sigma, torch.full_like(sigma, self.sigma), rtol=1e-4).all():
            found = sorted(set((255 * sigma).flatten().tolist()))
            raise ValueError(f"sigma must be {self.sigma:g} on the 0..255 scale, as of the weights, got {found}")
        noise: Tensor = self.model(degraded)
        return degraded - noise


class FFDNet(nn.Module):
    """The colour or the grey FFDNet, as the file has it: one network for any noise level.

    Args:
        weights: path of the authors' ``FFDNet_color.mat`` or ``FFDNet_gray.mat``.

    Attributes:
        channels: C, 3 or 1.

    Raises:
        ValueError: if package h5py is not installed, or the file is missing or holds no such network.
    """

    def __init__(self, weights: str) -> None:
        super().__init__()
        convolutions = read_matconvnet(weights)
        inputs, outputs = convolutions[0][0].shape[1], convolutions[-1][0].shape[0]
        self.channels = outputs // HALF**2
        if self.channels not in (1, 3) or inputs != outputs + 1:
            raise ValueError(
                f"weights {weights} must take 13 and give 12 channels, or 5 and 4, got {inputs} and {outputs}"
            )
        self.layers = nn.ModuleList()
        for kernel, bias in convolutions:
            layer = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
            layer.weight.data, layer.bias.data = kernel, bias  # type: ignore[union-attr]
            self.layers.append(layer)
        self.eval().requires_grad_(False)

    def forward(self, degraded: Tensor, sigma: Tensor) -> Tensor:
        """The denoised images.

        Args:
            degraded: (B, C, H, W), about [0, 1], of any size.
            sigma: of each image, (B,), in the unit of the images.

        Returns:
            (B, C, H, W), not clamped.

        Raises:
            ValueError: if the images have another number of channels, or there is not one sigma an image.
        """
        if degraded.ndim != 4 or degraded.shape[1] != self.channels:
            raise ValueError(f"degraded must be (B, {self.channels}, H, W), got {tuple(degraded.shape)}")
        if sigma.shape != degraded.shape[:1]:
            raise ValueError(f"sigma must be ({len(degraded)},), one number an image, got {tuple(sigma.shape)}")
        height, width = degraded.shape[-2:]
        # 2 x 2 pixels as channels in MATLAB's order, down a column first: transposing gives that to torch's own
        x = F.pixel_unshuffle(pad_to_multiple(degraded, HALF).mT, HALF).mT
        level = sigma.to(x).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[-2:])
        x = torch.cat([x, level], dim=1)
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return F.pixel_shuffle(self.layers[-1](x).mT, HALF).mT[..., :height, :width]


def read_matconvnet(path: str) -> list[tuple[Tensor, Tensor]]:
    """Kernels (out, in, 3, 3) and biases (out,) of all layers of type ``conv`` of a MatConvNet network, in their order.

    The file is of MATLAB 7.3, which is HDF5. MATLAB keeps (height, width, in, out) with the first axis fastest; HDF5
    reads that as (out, in, width, height).

    Raises:
        ValueError: if package h5py is not installed, or the file is missing or holds no such network.
    """
    h5py = optional_package("h5py", "references", "a file of MatConvNet")
    try:
        with h5py.File(path, "r") as file:
            layers = [file[reference] for reference in file["net/layers"][:].ravel()]
            kinds = ["".join(map(chr, layer["type"][:].ravel())) for layer in layers]
            found = [_convolution(file, layer) for layer, kind in zip(layers, kinds, strict=True) if kind == "conv"]
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"weights file {path} cannot be read as a network of MatConvNet") from error
    if not found or any(kernel.ndim != 4 or kernel.shape[2:] != (3, 3) for kernel, _ in found):
        raise ValueError(f"weights file {path} holds no network of 3 x 3 convolutions")
    return found


def _convolution(file: Any, layer: Any) -> tuple[Tensor, Tensor]:
    kernel, bias = (torch.from_numpy(file[reference][:]) for reference in layer["weights"][:].ravel())
    return kernel.mT.contiguous(), bias.flatten()
