"""Generators whose graphs are tried, and graphs as users run them."""

import json

import torch

from pscgan.models.dcgan import DcganGenerator
from pscgan.models.pointwise import PointwiseGenerator
from pscgan.models.published.pscgan import PscganGenerator
from pscgan.models.published.rrdb import RrdbGenerator
from pscgan.models.unet import UNet
from pscgan.rng import Rng
from pscgan.train.export.graph import by_name

SEALED = json.dumps({"name": "made", "sha256": "0"})


def made(network, image_channels=3, maps=0, **arguments):
    """One of these with weights that leave nothing at its start of 0."""
    own = {"unet": UNet, "pointwise": PointwiseGenerator, "dcgan": DcganGenerator}
    kinds = own | {"pscgan": PscganGenerator, "rrdb": RrdbGenerator}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = kinds[network](image_channels, image_channels + maps, **arguments).eval().requires_grad_(False)
        for parameter in generator.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return generator


def inputs(generator, channels, k, batch, height, width, sigma_z=0.7):
    """y and z as for ``.pt2``."""
    rng = Rng(3, "z", range(batch))
    condition, latent = rng.rand(channels, height, width), list(generator.draw_latent(k, height, width, rng))
    return (condition, latent, torch.tensor(sigma_z)) if latent else (condition,)


def expected(generator, condition, latent=(), sigma_z=1.0):
    return generator.decode(generator.encode(condition), [sigma_z * z for z in latent])


def of_onnx(session, given):
    (samples,) = session.run(None, {name: tensor.numpy() for name, tensor in by_name(given).items()})
    return torch.from_numpy(samples)
