"""What a .jpg is restored to, as files: samples, their mean, their spread, and what is known of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data.jpeg.file import JpegFile
from ..data.jpeg.rough_quality import rough_quality
from ..data.png import encode_png
from .jpeg_restoration import NAMES, JpegRestoration, JpegRestorer, described
from .moments import Moments
from .whole_file import write_whole

Done = Callable[[dict[str, Any]], None]


def output_names(stem: str, num_samples: int) -> list[str]:
    """Of samples, mean and standard deviation, in this order."""
    return [*(f"{stem}_sample{k}.png" for k in range(1, num_samples + 1)), f"{stem}_mean.png", f"{stem}_std.png"]


def facts_of(file: JpegFile) -> dict[str, Any]:
    """What the file says of itself, as plain values."""
    channels, height, width = file.decoded.shape
    return {
        "width": width,
        "height": height,
        "sampling": NAMES[file.coded.sampling] if channels > 1 else "grey",
        "tables": described(rough_quality(file.coded)),
    }


def restore_file(
    restorer: JpegRestorer, file: JpegFile, paths: list[Path], seed: int, sigma_z: float, done: Done
) -> dict[str, Any]:
    """Draw and write samples, then their mean and standard deviation.

    The mean is that of the projected samples before they are rounded, brought to 8 bits as they are. The standard
    deviation is that of the same, with divisor K - 1, root mean square over colours, on a linear grey scale from 0 to
    its largest value. All keep the stored orientation and carry EXIF and profile.

    Args:
        restorer: the run.
        file: as it was read.
        paths: of the samples, the mean and the standard deviation, as ``output_names`` has them.
        seed: of the samples.
        sigma_z: factor on z.
        done: is told what is known of each sample, and of the mean, once it is written.

    Returns:
        What was told, and the scale, as plain values.

    Raises:
        UnsuitableJpeg: if the run knows only grey, and the file has colour.
        OSError: naming the file that cannot be written.
    """
    restoration, moments = restorer.open(file), Moments()
    *sample_paths, mean_path, std_path = paths

    def write(path: Path, image: Tensor) -> dict[str, Any]:
        entry = _write_proven(path, image, restoration, file)
        done(entry)
        return entry

    samples = []
    drawn = restoration.draw(len(sample_paths), seed, sigma_z)
    for path, sample in zip(sample_paths, drawn, strict=True):
        moments.add(sample)
        samples.append(write(path, sample))
    mean = write(mean_path, moments.mean)
    return {"samples": samples, "mean": mean, "std": _write_std(std_path, moments.std[0], file)}


def _write_proven(path: Path, image: Tensor, restoration: JpegRestoration, file: JpegFile) -> dict[str, Any]:
    """One picture, certified as it is written."""
    pixels, certificate = restoration.finish(image)
    write_whole(path, encode_png(pixels, file.exif, file.icc_profile))
    proof = {name: values.item() for name, values in certificate._asdict().items()}
    proof["violation_steps"] = proof.pop("violation")
    psnr = restoration.psnr_to_plain_decode(pixels)
    return {"file": path.name, **proof, "psnr_to_plain_decode": psnr if math.isfinite(psnr) else None}


def _write_std(path: Path, std: Tensor, file: JpegFile) -> dict[str, Any]:
    """(1, H, W) as grey; a profile would not fit its values."""
    largest = float(std.max())
    pixels = (std * (255 / (largest or 1.0))).round().to(torch.uint8)
    write_whole(path, encode_png(pixels, file.exif))
    return {"file": path.name, "grey_levels_at_255": 255 * largest}
