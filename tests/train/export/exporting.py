"""Exports that no run has written."""

import torch

from pscgan.models.unet import UNet
from pscgan.train.inference.safetensors_file import export_bytes

GENERATOR = "pscgan.models.unet.UNet"
NOISE = "pscgan.data.degradations.gaussian_noise.GaussianNoise"
JPEG = {"_target_": "pscgan.data.degradations.jpeg.Jpeg", "quality": 10}


def exported(folder, generator=None, degradation=None, channels=3, maps=0, latent_channels=2, about=None, weights=None):
    """A file with a valid checksum, of a generator that is not trained, whatever it says it holds."""
    arguments = {"width": 4, "levels": 2, "latent_channels": latent_channels}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = UNet(channels, channels + maps, **arguments)
    said = {
        "name": "made",
        "generator": generator or {"_target_": GENERATOR, **arguments},
        "degradation": degradation or {"_target_": NOISE, "sigma": 50},
        "image_channels": channels,
        "images_seen": 0,
        "seed": 0,
        "feature_networks": [],
    }
    content = export_bytes(said | (about or {}), weights or network.state_dict())
    (folder / "made.safetensors").write_bytes(content)
    return folder / "made.safetensors"
