"""What a picture is restored to, as files: samples, their mean, their spread, and what is known of each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ...data.image_io.write_png import encode_png
from ..inference.sampler import RunningMoments
from ..inference.synthesis import contact_sheet
from ..inference.windows import Window
from ..runs.atomic_write import written_together
from .files import Outputs
from .report import ReencodingReport
from .restoration_input import RestorationInput, rounded
from .tiling import Tiling

if TYPE_CHECKING:
    from .by_method import WholePicture
    from .transported_tiling import TransportedTiling


class Restoration:
    """One picture, on its way from windows to files.

    The mean is that of the projected samples before they are rounded, brought to pixels as they are. The standard
    deviation is that of the same, with divisor N - 1, root mean square over colours, on a linear grey scale from 0 to
    its largest value.

    Args:
        tiling: of which sampler, and how.
        y: the picture.
        outputs: where it is written; the folder must be there.
        average: samples of which mean and standard deviation are taken; the first of them are written.
        seed: of the samples.
        sigma_z: factor on z.

    Raises:
        OSError: if there is no room on the disk.
    """

    def __init__(
        self,
        tiling: Tiling | TransportedTiling | WholePicture,
        y: RestorationInput,
        outputs: Outputs,
        average: int,
        seed: int = 0,
        sigma_z: float = 1.0,
    ) -> None:
        self.tiling, self.y, self.outputs = tiling, y, outputs
        self.average, self.seed, self.sigma_z = average, seed, sigma_z
        self.windows = tiling.windows(self.y)
        info, folder = self.y.info, outputs.mean.parent
        count = len(outputs.samples) + 1  # the mean is the last
        self.pictures = scratch_array(folder, (count, info.height, info.width, info.channels), info.dtype)
        self.std = scratch_array(folder, (info.height, info.width), np.float32)
        self.degraded = scratch_array(folder, self.pictures.shape[1:], info.dtype) if outputs.degraded else None
        self.reports = [ReencodingReport() for _ in range(count)]

    @property
    def steps(self) -> int:
        """How many times ``run`` calls ``step``."""
        return len(self.windows) * self.average

    def run(self, step: Callable[[], None]) -> None:
        """Draw everything; nothing is written yet but to scratch.

        Raises:
            ValueError: if a sample is not finite.
        """
        for window in self.windows:
            moments = RunningMoments()
            drawn = self.tiling.draw(self.y, window, self.average, self.seed, self.sigma_z)
            for number, sample in enumerate(drawn):
                if not sample.isfinite().all():
                    raise ValueError(f"sample {number + 1} is not finite; nothing is written")
                moments.add(sample)
                if number < len(self.outputs.samples):
                    self._put(number, sample, window)
                step()
            self._put(-1, moments.mean.float(), window)
            if self.degraded is not None:
                self.degraded[window.area] = rounded(self.y.degraded(window)[None], self.y.info.dtype)
            self.std[window.area] = moments.std[0, 0].cpu().numpy()

    def write(
        self, note: Callable[[dict[str, Any]], None] = lambda record: None, way: Sequence[Tensor] = ()
    ) -> dict[str, Any]:
        """Write all files; what is known of the picture and of each of them, as plain values.

        Args:
            note: is told the same when all are written and none is in place yet.
            way: pictures (C, H, W) uint8 on the way to the first sample, where ``outputs`` has a file for them.

        Raises:
            OSError: naming the file that cannot be written.
        """
        outputs, png, entries = self.outputs, self.y.info.png, []
        paths = [*outputs.samples, outputs.mean]
        with written_together() as write:
            with ThreadPoolExecutor(os.cpu_count()) as pool:  # deflating takes longer than drawing, on one core
                writing = pool.map(lambda path, pixels: write(path, png(pixels)), paths, self.pictures)
                for path, pixels, report in zip(paths, self.pictures, self.reports, strict=True):
                    entries.append({"file": path.name, **report.entry(), **self.y.residual(pixels)})
                list(writing)
            pixels, std = self._std_as_grey()
            write(outputs.std, encode_png(torch.from_numpy(pixels)[None], self.y.info.exif))
            written = {**self.y.record, "samples": entries[:-1], "mean": entries[-1], "std": std}
            if outputs.degraded is not None and self.degraded is not None:
                write(outputs.degraded, png(self.degraded))
                written["degraded"] = {"file": outputs.degraded.name}
            if outputs.way is not None:
                write(outputs.way, encode_png(contact_sheet(list(way), len(way))))
                written["way"] = {"file": outputs.way.name}
            note(written)
        return written

    def _put(self, number: int, image: Tensor, window: Window) -> None:
        pixels, verification = self.y.to_pixels(image, window)
        self.pictures[(number, *window.area)] = pixels
        self.reports[number].add(pixels, verification, **self.y.references(window))

    def _std_as_grey(self) -> tuple[np.ndarray, dict[str, Any]]:
        """Pixels (H, W), whose values no colour profile fits, and what they stand for."""
        largest = float(self.std.max())
        pixels = np.rint(self.std * np.float32(255 / (largest or 1.0))).astype(np.uint8)
        return pixels, {"file": self.outputs.std.name, "grey_levels_at_255": 255 * largest}


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
