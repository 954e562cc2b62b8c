"""FFDNet (arXiv 1710.04026) with the weights its authors publish: one network for any noise level."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..layers import pad_to_multiple
from .matconvnet import read_convolutions

HALF = 2  # the network works on 2 x 2 pixels as channels


class Ffdnet(nn.Module):
    """The colour or the grey FFDNet, as the file has it.

    Args:
        weights: path of the authors' ``FFDNet_color.mat`` or ``FFDNet_gray.mat``.

    Attributes:
        channels: C, 3 or 1.

    Raises:
        ValueError: if package h5py is not installed, or the file is missing or holds no such network.
    """

    def __init__(self, weights: str) -> None:
        super().__init__()
        convolutions = read_convolutions(weights)
        seen, given = convolutions[0][0].shape[1], convolutions[-1][0].shape[0]
        self.channels = given // HALF**2
        if self.channels not in (1, 3) or seen != given + 1:
            raise ValueError(
                f"weights {weights} take {seen} and give {given} channels; allowed are 13 and 12, or 5 and 4"
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
            raise ValueError(f"degraded is {tuple(degraded.shape)}; allowed is (B, {self.channels}, H, W)")
        if sigma.shape != degraded.shape[:1]:
            raise ValueError(f"sigma is {tuple(sigma.shape)}; allowed is one number an image, ({len(degraded)},)")
        height, width = degraded.shape[-2:]
        x = _to_channels(pad_to_multiple(degraded, HALF))
        level = sigma.to(x).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[-2:])
        x = torch.cat([x, level], dim=1)
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return _to_pixels(self.layers[-1](x))[..., :height, :width]


def _to_channels(image: Tensor) -> Tensor:
    """2 x 2 pixels as channels, MATLAB's order: down a column first; transposing gives that to torch's own."""
    return F.pixel_unshuffle(image.mT, HALF).mT


def _to_pixels(channels: Tensor) -> Tensor:
    """The inverse."""
    return F.pixel_shuffle(channels.mT, HALF).mT
