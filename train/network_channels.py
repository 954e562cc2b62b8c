"""What networks are told of the images they work on."""

from __future__ import annotations

from ..data.degradation import Degradation


def network_channels(image_channels: int, degradation: Degradation) -> dict[str, int]:
    """Constructor arguments of the generator: C, and C + M with the maps of the degradation."""
    return {"image_channels": image_channels, "condition_channels": image_channels + degradation.num_maps}


def critic_channels(channels: dict[str, int], paired: bool) -> dict[str, int]:
    """Constructor arguments of the critic: those of the generator, and C more where it is shown pairs."""
    more = channels["image_channels"] if paired else 0
    return channels | {"condition_channels": channels["condition_channels"] + more}
