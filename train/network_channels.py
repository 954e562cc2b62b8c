"""What networks are told of the images they work on."""

from __future__ import annotations

from omegaconf import DictConfig

from ..data.degradation import Degradation


def network_channels(config: DictConfig, degradation: Degradation) -> dict[str, int]:
    """Constructor arguments of the generator: C, and C + M with the maps of the degradation."""
    channels = config.dataset.channels
    return {"image_channels": channels, "condition_channels": channels + degradation.num_maps}


def critic_channels(config: DictConfig, degradation: Degradation) -> dict[str, int]:
    """Constructor arguments of the critic: those of the generator, and C more where it is shown pairs."""
    channels = network_channels(config, degradation)
    if config.game.paired:
        channels["condition_channels"] += channels["image_channels"]
    return channels
