"""Exponential moving average of the generator: the network that is validated, sampled from and exported."""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import nn


class Ema(nn.Module):
    """Averages parameters with a half-life counted in images, so it does not depend on the batch size.

    After b further images the average keeps 0.5 ** (b / halflife) of itself. Early in a run the half-life is at most
    ``rampup`` times the images seen (Karras et al., arXiv 2006.06676). Buffers are copied.

    Args:
        halflife_images: 0 switches averaging off: the average is the generator itself.
        rampup: longest half-life as a share of the images seen so far.

    Raises:
        ValueError: if the half-life is negative or ``rampup`` is not positive.
    """

    def __init__(self, halflife_images: float, rampup: float = 0.05) -> None:
        super().__init__()
        if halflife_images < 0:
            raise ValueError(f"halflife_images must be >= 0 (0: no averaging), got {halflife_images}")
        if rampup <= 0:
            raise ValueError(f"rampup must be > 0, got {rampup}")
        self.halflife_images = halflife_images
        self.rampup = rampup
        self.average = nn.Module()

    def start(self, generator: nn.Module) -> None:
        """Begin from a copy of the generator."""
        self.average = copy.deepcopy(generator).eval().requires_grad_(False)

    def kept(self, new_images: int, images_seen: int) -> float:
        """The share of the average that is kept when ``images_seen`` includes ``new_images`` new ones."""
        halflife = min(self.halflife_images, self.rampup * images_seen)
        return cast(float, 0.5 ** (new_images / halflife)) if halflife > 0 else 0.0

    @torch.no_grad()
    def update(self, generator: nn.Module, new_images: int, images_seen: int) -> None:
        """Move the average towards the generator, in place."""
        averages: list[torch.Tensor] = list(self.average.parameters())
        parameters: list[torch.Tensor] = list(generator.parameters())
        torch._foreach_lerp_(averages, parameters, 1 - self.kept(new_images, images_seen))
        for average, buffer in zip(self.average.buffers(), generator.buffers(), strict=True):
            average.copy_(buffer)

    def train(self, mode: bool = True) -> Ema:
        return super().train(False)  # the average stays in evaluation mode
