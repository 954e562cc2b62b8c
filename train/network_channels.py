"""What networks are told of the images they work on."""

from __future__ import annotations

from omegaconf import DictConfig

from ..data.degradation import Degradation


def network_channels(config: DictConfig, degradation: Degradation) -> dict[str, int]:
    """Constructor arguments of generator and critic: C, and C + M with the maps of the degradation."""
    channels = config.dataset.channels
    return {"image_channels": channels, "condition_channels": channels + degradation.num_maps}
