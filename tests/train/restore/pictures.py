"""Samplers and pictures to restore."""

import numpy as np
import torch
from hydra.utils import instantiate
from PIL import Image

from pscgan.models.spatial_latent import SpatialLatent
from pscgan.train.inference.load import load
from pscgan.train.restore.open_image import ImageOpener

from ...data.jpeg.makers import by_pillow, picture
from ..export.exporting import JPEG, NOISE, exported

RANGE = {"_target_": NOISE, "sigma": [5, 80]}


def noise_sampler(folder, **arguments):
    folder.mkdir(exist_ok=True)
    return load(exported(folder, **arguments))


def jpeg_sampler(folder, **arguments):
    folder.mkdir(exist_ok=True)
    return load(exported(folder, degradation=JPEG, maps=3, **arguments))


def task_sampler(folder, degradation):
    """Of a degradation as plain values."""
    folder.mkdir(exist_ok=True)
    maps = instantiate(degradation, _convert_="all").num_maps
    return load(exported(folder, degradation=degradation, maps=maps))


def png(path, size, mode="RGB"):
    Image.fromarray(picture(size)).convert(mode).save(path)
    return path


def jpg(path, size, **options):
    return by_pillow(path, picture(size), quality=10, **options)


def opened(sampler, path, **options):
    return ImageOpener(sampler, **options).open(path)


def whole(sampler, y, k, seed=0, sigma_z=1.0):
    """Samples of the whole picture at once, projected, (K, c, H, W)."""
    from pscgan.train.inference.windows import Window

    info = y.info
    window = Window(0, 0, info.height, info.width)
    condition = y.measurement(window).condition
    with torch.no_grad():
        latents = [_latent(sampler, seed, number, info, sigma_z) for number in range(1, k + 1)]
        features = sampler.generator.encode(condition)
        return torch.cat([y.project(sampler.generator.decode(features, z)[0], window) for z in latents])


def _latent(sampler, seed, number, info, sigma_z):
    latent = SpatialLatent(sampler.generator, [seed], number).window(0, 0, info.height, info.width)
    return [sigma_z * z for z in latent]


def by_tiles(tiling, y, k, seed=0, sigma_z=1.0):
    """The same by tiles."""
    info = y.info
    image = torch.full((k, info.channels, info.height, info.width), np.nan)
    for window in tiling.windows(y):
        for number, sample in enumerate(tiling.draw(y, window, k, seed, sigma_z)):
            image[(number, slice(None), *window.area)] = sample[0]
    return image
