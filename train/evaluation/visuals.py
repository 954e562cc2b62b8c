"""PNG files of a report: crops of images, of samples, of their mean, standard deviation and principal components."""

import json
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ...data.crops import center_crop
from ..callbacks.sample_grid import samples_std
from ..runs.atomic_write import atomic_write
from .dataset import EvaluationItem

COMPONENTS = 3


def write_item(folder: Path, item: EvaluationItem, size: int) -> None:
    """``clean.png`` and ``degraded.png``: the central ``size`` pixels, clipped to what can be shown."""
    folder.mkdir(parents=True, exist_ok=True)
    _save(folder / "clean.png", center_crop(item.clean[0], size))
    _save(folder / "degraded.png", center_crop(item.measurement.degraded[0], size))


def write_samples(folder: Path, samples_KCHW: Tensor, size: int, count: int) -> None:
    """Samples; of several their mean, standard deviation and principal components, with ``scales.json``.

    The standard deviation is white where it is largest, root mean square over colours. Components are those of the
    crop, grey where they are 0, white or black where they change it most; their scale is that largest change, at one
    standard deviation along them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    samples = center_crop(samples_KCHW, size)
    for number, sample in enumerate(samples[:count], start=1):
        _save(folder / f"sample{number}.png", sample)
    if len(samples) == 1:
        return
    _save(folder / "mean.png", samples.mean(dim=0))
    std = samples_std(samples)
    scales = {"std": float(std.max())}
    _save(folder / "std.png", std / std.max().clamp(min=1e-12))
    for number, component in enumerate(principal_components(samples)[:COMPONENTS], start=1):
        scales[f"component{number}"] = largest = float(component.abs().max())
        _save(folder / f"component{number}.png", 0.5 + 0.5 * component / max(largest, 1e-12))
    atomic_write(folder / "scales.json", f"{json.dumps(scales, indent=2)}\n")


def principal_components(samples_KCHW: Tensor) -> Tensor:
    """Principal components of K samples, each as long as its standard deviation, (K − 1, C, H, W), the largest first.

    From the K x K matrix of inner products, which has the same eigenvalues as the covariance of all pixels. The sign of
    each is that in which its sum is not negative.
    """
    k = len(samples_KCHW)
    centred = (samples_KCHW - samples_KCHW.mean(dim=0)).flatten(1).double()
    _, vectors = torch.linalg.eigh(centred @ centred.T)
    along = (vectors.T @ centred).flip(0)[: k - 1] / (k - 1) ** 0.5  # of norm √λ
    signs = torch.where(along.sum(dim=1, keepdim=True) < 0, -1.0, 1.0)
    components: Tensor = (signs * along).view(-1, *samples_KCHW.shape[1:]).float()
    return components


def _save(path: Path, image: Tensor) -> None:
    values = (255 * image.clamp(0, 1)).round().byte().cpu()
    pixels = values[0].numpy() if len(values) == 1 else values.permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path)


def tiles(images: Tensor, side: int | None) -> Tensor:
    """Of (N, C, H, W), (N T, C, side, side): those that fit without overlap, from the centre; None leaves images whole.

    Raises:
        ValueError: if an image is smaller than a tile.
    """
    if side is None:
        return images
    height, width = images.shape[-2:]
    if side < 1 or min(height, width) < side:
        raise ValueError(
            f"feature_tile must be in [1, {min(height, width)}] for images of {height} x {width}, got {side}"
        )
    top, left = height % side // 2, width % side // 2
    cut = images[..., top : top + height - height % side, left : left + width - width % side]
    tiled = cut.unfold(2, side, side).unfold(3, side, side)  # (N, C, rows, columns, side, side)
    return tiled.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
