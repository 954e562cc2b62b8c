"""A transport (DOT) as a file: fitted from a few restored and a few clean images, written, and opened again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...checks import closest
from ...data.crops import random_crop
from ...data.degradation import Degradation, PairedDegradation
from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.measurement import Measurement
from ...data.sources.image_source import Images
from ...models.autoencoder import Autoencoder
from ...models.transport.gaussian_map import Gaussian
from ...models.transport.interpolation import Transport
from ...models.transport.latent_space import LatentSpace
from ...models.transport.patches import PatchMoments, PatchTransport
from ...models.transport.spaces import Pixels, Space, Unshuffled
from ...rng import Rng
from ..sampling import Restorer
from .load import load
from .safetensors_file import export_bytes, read_export

KIND = "transport"  # what the file says it holds
LAWS = ("source", "target")
AUTOENCODER = "bundled:autoencoder"
SPACES: dict[str, Space] = {space.name: space for space in (Pixels(), Unshuffled(2), Unshuffled(4))}


def open_space(name: str) -> Space:
    """The space of that name, or that of the autoencoder that ``load`` opens under it.

    Raises:
        ValueError: if there is none, with the names there are, or a model is no autoencoder.
    """
    if name in SPACES:
        return SPACES[name]
    try:
        generator = load(name).generator
    except ValueError as error:
        raise ValueError(f"there is no space {name}{closest(name, [*SPACES, AUTOENCODER])}") from error
    if not isinstance(generator, Autoencoder):
        raise ValueError(f"the space {name} must be that of an autoencoder, got a {type(generator).__name__}")
    return LatentSpace(generator)


def degraded_and_clean(names: Sequence[str], seed: int, unpaired: bool) -> tuple[list[str], list[str]]:
    """Images to degrade and images that stay clean: both all of them, in a random order; unpaired a half each.

    Raises:
        ValueError: if unpaired there are fewer than two.
    """
    (order,) = Rng(seed, "transport images", [0]).rand(len(names)).argsort().tolist()
    shuffled = [names[place] for place in order]
    if not unpaired:
        return shuffled, shuffled
    if len(names) < 2:
        raise ValueError(f"there must be 2 images or more for an unpaired fit, got {len(names)}")
    return shuffled[: len(names) // 2], shuffled[len(names) // 2 :]


def crops(images: Images, names: Sequence[str], count: int, side: int, seed: int) -> Iterator[Tensor]:
    """Random squares (1, C, s, s) in [0, 1], s at most ``side``, of one image after the other, again from the first."""
    for number in range(count):
        image = images.read(names[number % len(names)])
        crop = random_crop(image, min(side, *image.shape[1:]), Rng(seed, "transport crop", [number]))
        yield crop[None].float() / 255


@torch.no_grad()
def restorations(
    restorer: Restorer, degradation: Degradation, clean: Iterable[Tensor], seed: int, sigma: float | None = None
) -> Iterator[Tensor]:
    """One sample of each of some images, (1, C, H, W), once they are degraded.

    Args:
        restorer: of such measurements.
        degradation: of the images.
        clean: (1, C, H, W) in [0, 1].
        seed: of measurements and samples.
        sigma: of the noise on the 0..255 scale, where the degradation would draw it.

    Raises:
        ValueError: if y cannot be made, or sigma is not of this degradation.
    """
    for number, image in enumerate(clean):
        measurement = _measured(degradation, image, Rng(seed, "transport measurement", [number]), sigma)
        device = getattr(restorer, "device", image.device)
        yield restorer.restore(measurement.to(device), 1, [seed + number])[0]


def _measured(degradation: Degradation, clean: Tensor, rng: Rng, sigma: float | None) -> Measurement:
    kind = type(degradation).__name__
    if isinstance(degradation, PairedDegradation):
        raise ValueError(f"the model was trained on {kind}, and nothing makes y of a clean picture")
    if sigma is None:
        return degradation(clean, rng)
    if not isinstance(degradation, GaussianNoise):
        raise ValueError(f"sigma is {sigma:g}; the model was trained on {kind}, which has none")
    return degradation.measure(clean + sigma / 255 * rng.randn(*clean.shape[1:]), sigma)


def patch_law(images: Iterable[Tensor], space: Space, patch: int) -> Gaussian:
    """Mean and covariance of the patches of the codes of images.

    Raises:
        ValueError: if patch is below 1, or there are too few patches.
    """
    moments = PatchMoments(patch)
    with torch.no_grad():
        for image in images:
            moments.add(space.encode(image))
    return moments.gaussian()


def transport_bytes(source: Gaussian, target: Gaussian, about: dict[str, Any]) -> bytes:
    """The content of a file.

    Args:
        source: law of restored patches.
        target: of clean ones.
        about: plain values, among them ``space``, ``patch`` and ``image_channels``.
    """
    laws = zip(LAWS, (source, target), strict=True)
    tensors = {f"{law}_{name}": value for law, moments in laws for name, value in moments._asdict().items()}
    return export_bytes({"holds": KIND, **about}, tensors)


def open_transport(path: Path | str, image_channels: int, space: Space | None = None) -> Transport:
    """What ``pscgan transport`` wrote.

    Args:
        path: of the file.
        image_channels: of the images that will be transported.
        space: that of the file, if it is none of those that come with the package.

    Raises:
        ValueError: naming the file, if it is no transport, is damaged, of other channels or of another space.
    """
    about, tensors = read_export(Path(path))
    if about.get("holds") != KIND:
        raise ValueError(f"{path} is no transport, which pscgan transport writes, but an export of {about.get('name')}")
    if about["image_channels"] != image_channels:
        raise ValueError(f"{path} is of images with {about['image_channels']} channels; these have {image_channels}")
    recorded = about["space"]
    if space is None:
        latent = recorded.startswith(f"{LatentSpace.kind}:")
        if not latent and recorded not in SPACES:  # nothing is opened because a file names it
            raise ValueError(f"{path} is of the space {recorded}, which must be given")
        space = open_space(AUTOENCODER if latent else recorded)
    if space.name != recorded:
        raise ValueError(f"{path} is of the space {recorded}, got {space.name}")
    source, target = (Gaussian(*(tensors[f"{law}_{name}"] for name in Gaussian._fields)) for law in LAWS)
    return Transport(space, PatchTransport(source, target, about["patch"]))
