"""What is known of a written picture, gathered window by window."""

import math
from collections import defaultdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...data.degradation import Verification
from ...data.image_io.safe_read import on_one_line
from ..metrics.decibels import psnr

COUNTS = ("levels_wrong", "levels", "blocks_wrong", "blocks")


class ReencodingReport:
    """The distance of one picture to y and, where y is a file, what libjpeg makes of the picture."""

    def __init__(self) -> None:
        self._values = 0
        self._squares: dict[str, float] = defaultdict(float)  # of differences, by image
        self._counts: dict[str, int] = defaultdict(int)
        self._violation = self._reencoding = 0.0  # sums over levels and over values

    def add(self, pixels: np.ndarray, verification: Verification | None, **images: Tensor) -> None:
        """One window.

        Args:
            pixels: (h, w, c) as they are written.
            verification: of them; None where y is no file.
            **images: to which the distance is taken, each (c, h, w) in [0, 1], by name.
        """
        self._values += pixels.size
        written = torch.from_numpy(pixels / np.iinfo(pixels.dtype).max).movedim(-1, 0)
        for name, image in images.items():
            self._squares[name] += float((written - image.cpu().double()).square().sum())
        if verification is not None:
            found = {name: values.item() for name, values in verification._asdict().items()}
            for name in COUNTS:
                self._counts[name] += int(found[name])
            self._violation += found["violation"] * found["levels"]
            self._reencoding += found["reencode_rmse"] ** 2 * pixels.size

    def entry(self) -> dict[str, Any]:
        """Plain values for all windows: PSNR in dB, None for the same pixels; and the counts of ``Verification``."""
        distances = {
            f"psnr_to_{name}": psnr(squares / self._values) if squares else None
            for name, squares in self._squares.items()
        }
        if not self._counts:
            return distances
        return {
            **self._counts,
            "reencode_rmse": math.sqrt(self._reencoding / self._values),
            "violation_steps": self._violation / self._counts["levels"],
            **distances,
        }


def describe(entry: dict[str, Any]) -> str:
    """The record of a written file on one line."""
    parts = [
        f"{name} {entry[name] - entry[f'{name}_wrong']:,} of {entry[name]:,} exact"
        for name in ("blocks", "levels")
        if name in entry
    ]
    if "residual" in entry:
        parts.append(f"residual {entry['residual']:.2g} {entry['residual_unit']}")
    for key, value in entry.items():
        if key.startswith("psnr_to_"):
            other = {"input": "the input", "clean": "the clean picture"}[key.removeprefix("psnr_to_")]
            parts.append(f"the pixels of {other}" if value is None else f"{value:.2f} dB to {other}")
    return f"{on_one_line(entry['file'])}: {', '.join(parts)}"
