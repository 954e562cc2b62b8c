"""The record a degradation makes of a clean image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Measurement:
    """y and what its degradation knows, batched: every tensor's first axis is the image.

    Attributes:
        degraded: y as an image, (B, C, H, W) float; may leave [0, 1].
        maps: further condition maps for the networks, (B, M, H, W) float, or None where there are none.
        params: what ``residual`` and ``project`` of the degradation need (sigma, mask, levels ...), each (B, ...).
    """

    degraded: Tensor
    maps: Tensor | None = None
    params: dict[str, Tensor] = field(default_factory=dict)

    @property
    def condition(self) -> Tensor:
        """What generator and critic are conditioned on, (B, C + M, H, W)."""
        return self.degraded if self.maps is None else torch.cat([self.degraded, self.maps], dim=1)

    def __len__(self) -> int:
        return self.degraded.shape[0]

    def __getitem__(self, images: slice | Tensor) -> Measurement:
        """The measurements of some images of the batch, by place or by an integer tensor of numbers."""
        return Measurement(
            self.degraded[images],
            None if self.maps is None else self.maps[images],
            {name: value[images] for name, value in self.params.items()},
        )

    def window(self, top: int, left: int, height: int, width: int, unit: int = 1) -> Measurement:
        """Of a part of the images; params with a value a pixel, or one for each ``unit`` x ``unit``, are cut with them.

        Args:
            top: where it begins, a multiple of the unit, as ``left``.
            left: likewise.
            height: of the part, a multiple of the unit unless it ends with the image, as ``width``.
            width: likewise.
            unit: in pixels.
        """
        H, W = self.degraded.shape[-2:]

        def cut(values: Tensor) -> Tensor:
            for by in (1, unit):
                if values.ndim == 4 and values.shape[-2:] == (-(-H // by), -(-W // by)):
                    rows, columns = (
                        slice(start // by, -(-(start + extent) // by))
                        for start, extent in ((top, height), (left, width))
                    )
                    return values[..., rows, columns]
            return values

        params = {name: cut(value) for name, value in self.params.items()}
        return Measurement(cut(self.degraded), None if self.maps is None else cut(self.maps), params)

    def to(self, device: torch.device) -> Measurement:
        """The same record on another device."""
        return Measurement(
            self.degraded.to(device),
            None if self.maps is None else self.maps.to(device),
            {name: value.to(device) for name, value in self.params.items()},
        )


def level_map(level: Tensor, image: Tensor) -> Tensor:
    """A condition map that says one number of each image: (B,) as (B, 1, H, W)."""
    return level.view(-1, 1, 1, 1).expand(-1, 1, *image.shape[2:])


def size_of(image: Tensor) -> tuple[int, int]:
    """(H, W)."""
    return image.shape[-2], image.shape[-1]


def concatenate(measurements: Sequence[Measurement]) -> Measurement:
    """One batch from several of equal image size and kind."""
    maps = [m.maps for m in measurements if m.maps is not None]
    return Measurement(
        torch.cat([m.degraded for m in measurements]),
        torch.cat(maps) if maps else None,
        {name: torch.cat([m.params[name] for m in measurements]) for name in measurements[0].params},
    )
