"""What a picture is restored to, as files: samples, their mean, their spread, and what is known of each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...data.image_io.write_png import encode_png
from ..inference.sampler import RunningMoments
from ..runs.atomic_write import atomic_write
from .files import Outputs
from .open_image import OpenedImage
from .report import ReencodingReport
from .restoration_input import ImageInfo, rounded
from .tiling import Tiling, Window


@dataclass(frozen=True)
class Request:
    """What is wanted of every picture.

    Attributes:
        num_samples: written.
        average: samples of which mean and standard deviation are taken, of which the first are those written.
        seed: of the samples.
        sigma_z: factor on z.
    """

    num_samples: int
    average: int
    seed: int
    sigma_z: float


class Restoration:
    """One picture, on its way from windows to files.

    The mean is that of the projected samples before they are rounded, brought to pixels as they are. The standard
    deviation is that of the same, with divisor N - 1, root mean square over colours, on a linear grey scale from 0 to
    its largest value.

    Args:
        tiling: of which sampler, and how.
        opened: the picture.
        request: what is wanted.
        outputs: where it is written; the folder must be there.

    Raises:
        OSError: if there is no room on the disk.
    """

    def __init__(self, tiling: Tiling, opened: OpenedImage, request: Request, outputs: Outputs) -> None:
        self.tiling, self.y, self.clean, self.request, self.outputs = tiling, *opened, request, outputs
        self.windows = tiling.windows(self.y)
        info, folder = self.y.info, outputs.mean.parent
        count = request.num_samples + 1  # the mean is the last
        self.pictures = scratch_array(folder, (count, info.height, info.width, info.channels), info.dtype)
        self.std = scratch_array(folder, (info.height, info.width), np.float32)
        self.degraded = scratch_array(folder, self.pictures.shape[1:], info.dtype) if outputs.degraded else None
        self.reports = [ReencodingReport() for _ in range(count)]

    @property
    def steps(self) -> int:
        """How many times ``run`` calls ``step``."""
        return len(self.windows) * self.request.average

    def run(self, step: Callable[[], None]) -> None:
        """Draw everything; nothing is written yet but to scratch."""
        for window in self.windows:
            moments = RunningMoments()
            drawn = self.tiling.draw(self.y, window, self.request.average, self.request.seed, self.request.sigma_z)
            for number, sample in enumerate(drawn):
                moments.add(sample)
                if number < self.request.num_samples:
                    self._put(number, sample, window)
                step()
            self._put(self.request.num_samples, moments.mean.float(), window)
            if self.degraded is not None:
                self.degraded[window.area] = rounded(self.y.degraded(window)[None], self.y.info.dtype)
            self.std[window.area] = moments.std[0, 0].cpu().numpy()

    def write(self) -> dict[str, Any]:
        """Write all files, each whole or not at all; what is known of the picture and of each file, as plain values.

        Raises:
            OSError: naming the file that cannot be written.
        """
        info = self.y.info
        entries = []
        for path, pixels, report in zip(
            [*self.outputs.samples, self.outputs.mean], self.pictures, self.reports, strict=True
        ):
            self._write(path, pixels)
            entries.append({"file": path.name, **report.entry(), **self.y.residual(pixels)})
        written = {
            **self.y.record,
            "samples": entries[:-1],
            "mean": entries[-1],
            "std": self._write_std(info),
        }
        if self.outputs.degraded is not None and self.degraded is not None:
            self._write(self.outputs.degraded, self.degraded)
            written["degraded"] = {"file": self.outputs.degraded.name}
        return written

    def _write(self, path: Path, pixels: np.ndarray) -> None:
        info = self.y.info
        image = torch.from_numpy(pixels).movedim(-1, 0)
        atomic_write(path, encode_png(image, info.exif, info.icc_profile, info.alpha))

    def _put(self, number: int, image: Tensor, window: Window) -> None:
        pixels, verification = self.y.to_pixels(image, window)
        self.pictures[(number, *window.area)] = pixels
        images = {"input": self.y.degraded(window)}
        if self.clean is not None:
            images["clean"] = self.clean(window)
        self.reports[number].add(pixels, verification, **images)

    def _write_std(self, info: ImageInfo) -> dict[str, Any]:
        """As grey; a profile would not fit its values."""
        largest = float(self.std.max())
        pixels = np.rint(self.std * np.float32(255 / (largest or 1.0))).astype(np.uint8)
        atomic_write(self.outputs.std, encode_png(torch.from_numpy(pixels)[None], info.exif))
        return {"file": self.outputs.std.name, "grey_levels_at_255": 255 * largest}


PIECE = 2**24  # bytes written at once


def scratch_array(folder: Path, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of zeros in a nameless file of a folder, gone with the array.

    The room is written at once: a full disk is an error here, and not a signal that ends the process later.

    Raises:
        OSError: naming the folder, if there is no room.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for start in range(0, size, PIECE):
                file.write(bytes(min(PIECE, size - start)))
            file.flush()
            return np.memmap(file, dtype, "r+", shape=shape)
    except OSError as error:
        raise OSError(f"cannot write to {folder}: {error.strerror or error}") from error
