"""DnCNN (arXiv 1608.03981) with the weights its authors publish."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ..features.weights import fill, read_state

CONVOLUTIONS, WIDTH = 17, 64


class Dncnn(nn.Module):
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
        if not Path(weights).is_file():
            raise ValueError(f"weights is {weights}, and there is no such file; allowed is the path of dncnn_25.pth")
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
            raise ValueError(f"degraded is {tuple(degraded.shape)}; allowed is (B, 1, H, W): this DnCNN is grey")
        if not torch.isclose(255 * sigma, torch.full_like(sigma, self.sigma), rtol=1e-4).all():
            found = sorted(set((255 * sigma).flatten().tolist()))
            raise ValueError(f"sigma is {found} on the 0..255 scale; allowed is {self.sigma:g}, of the weights")
        noise: Tensor = self.model(degraded)
        return degraded - noise
