"""Transports that no model was restored for."""

import torch

from pscgan.models.transport.spaces import Pixels
from pscgan.train.inference.transport import patch_law, transport_bytes


def textures(channels, seed, still=False):
    """Images whose neighbours are alike; ``still``: whose rows are equal."""
    images = torch.rand(4, channels, 40, 40, generator=torch.Generator().manual_seed(seed)).cumsum(-1) / 20
    return images[..., :1, :].expand(-1, -1, 40, -1) if still else images


def written(path, channels=3, space=Pixels(), patch=3, still=False, name=None):  # noqa: B008  it has no state
    """A file of a transport from some textures to others; ``name`` is that of the space it says."""
    laws = [patch_law([textures(channels, 1, still)], space, patch), patch_law([textures(channels, 2)], space, patch)]
    said = {"space": name or space.name, "patch": patch, "image_channels": channels}
    path.write_bytes(transport_bytes(*laws, said))
    return path
