"""Latent spaces: the codes of an autoencoder as a ``Space``, of ours and of any with diffusers' interface."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...checks import require_at_least
from ..autoencoder import Autoencoder, Features
from ..features.weights import weights_hash
from ..receptive_field import receptive_field_radius
from .spaces import repeated_to


class LatentSpace:
    """Codes of our own autoencoder, without its noise.

    Args:
        autoencoder: in evaluation mode.

    Attributes:
        name: has the hash of the weights, so that another autoencoder is another space.
    """

    kind = "autoencoder"

    def __init__(self, autoencoder: Autoencoder) -> None:
        self.autoencoder, self.factor = autoencoder, autoencoder.stride
        self.name = f"{self.kind}:{weights_hash(autoencoder)}"
        self.radius = receptive_field_radius(autoencoder, autoencoder.image_channels)

    def encode(self, images: Tensor) -> Tensor:
        """See ``Space``.

        Raises:
            ValueError: if the images have other channels than those it was trained on.
        """
        if images.shape[1] != self.autoencoder.image_channels:
            wanted = self.autoencoder.image_channels
            raise ValueError(f"images must have {wanted} channels for {self.name}, got {images.shape[1]}")
        return self.autoencoder.encode(repeated_to(images, self.factor).to(self._weight)).code.to(images)

    def decode(self, codes: Tensor) -> Tensor:
        moved = codes.to(self._weight)
        height, width = (self.factor * side for side in codes.shape[-2:])
        return self.autoencoder.decode(Features(moved, height, width), [torch.zeros_like(moved)[None]])[0].to(codes)

    @property
    def _weight(self) -> Tensor:
        return next(self.autoencoder.parameters())


class DiffusersLatentSpace:
    """Codes of an autoencoder of diffusers, as Stable Diffusion's (arXiv 2112.10752): the mean times a factor.

    As ``--space`` of ``pscgan transport``, with diffusers installed and weights that its hub knows::

        {_target_: pscgan.models.transport.latent_space.DiffusersLatentSpace, name: sd-vae-ft-ema, factor: 8,
          autoencoder: {_target_: diffusers.AutoencoderKL.from_pretrained,
            pretrained_model_name_or_path: stabilityai/sd-vae-ft-ema}}

    Args:
        autoencoder: with ``encode(x).latent_dist.mean``, ``decode(z).sample`` and ``config.scaling_factor``; of colour
            images in [-1, 1].
        name: of the space, for the written file.
        factor: pixels a code is wide.

    Raises:
        ValueError: if factor is below 1.
    """

    radius = None  # it normalises over the whole image, and attends to it

    def __init__(self, autoencoder: Any, name: str, factor: int = 8) -> None:
        require_at_least(1, factor=factor)
        self.autoencoder, self.name, self.factor = autoencoder, name, factor

    def encode(self, images: Tensor) -> Tensor:
        scaled = 2 * repeated_to(images, self.factor) - 1
        codes: Tensor = self.autoencoder.encode(scaled).latent_dist.mean * self.autoencoder.config.scaling_factor
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        images: Tensor = self.autoencoder.decode(codes / self.autoencoder.config.scaling_factor).sample
        return (images + 1) / 2
