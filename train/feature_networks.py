"""The frozen networks that judge in a game."""

from __future__ import annotations

from torch import nn

from ..models.frozen_features import FrozenFeatures


def feature_networks(game: nn.Module) -> list[str]:
    """Identities of all frozen networks that judge: network, layers, source and hash of the weights."""
    return sorted({module.identity for module in game.modules() if isinstance(module, FrozenFeatures)})
