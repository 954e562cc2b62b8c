"""What is known of a written picture, gathered window by window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...data.degradation import Verification
from ...data.image_io.safe_read import on_one_line
from ..metrics.decibels import psnr


class ReencodingReport:
    """Of one picture: its distance to y and, where y is a file, what libjpeg makes of it."""

    def __init__(self) -> None:
        self._distances: dict[str, list[tuple[float, int]]] = {}
        self._verifications: list[tuple[Verification, int]] = []

    def add(self, pixels: np.ndarray, verification: Verification | None, **images: Tensor) -> None:
        """One window.

        Args:
            pixels: (h, w, c) as they are written.
            verification: of them; None where y is no file.
            **images: to which the distance is taken, each (c, h, w) in [0, 1], by name.
        """
        written = torch.from_numpy(pixels / np.iinfo(pixels.dtype).max).movedim(-1, 0)
        for name, image in images.items():
            squares = (written - image.cpu().double()).square()
            self._distances.setdefault(name, []).append((float(squares.sum()), squares.numel()))
        if verification is not None:
            self._verifications.append((verification, pixels.size))

    def entry(self) -> dict[str, Any]:
        """Of all windows as plain values: PSNR in dB, None for the same pixels; and the counts of ``Verification``."""
        distances = {f"psnr_to_{name}": _psnr(parts) for name, parts in self._distances.items()}
        return _together(self._verifications) | distances if self._verifications else distances


def _psnr(parts: list[tuple[float, int]]) -> float | None:
    squares, count = (sum(column) for column in zip(*parts, strict=True))
    return psnr(squares / count) if squares else None


def _together(parts: list[tuple[Verification, int]]) -> dict[str, Any]:
    """Counts are added; the violation is a mean over levels, the distance of decoded windows one over pixels."""
    found = [{name: values.item() for name, values in one._asdict().items()} for one, _ in parts]
    counts = {
        name: sum(int(one[name]) for one in found) for name in ("levels_wrong", "levels", "blocks_wrong", "blocks")
    }
    squares = sum(one["reencode_rmse"] ** 2 * pixels for one, (_, pixels) in zip(found, parts, strict=True))
    return counts | {
        "reencode_rmse": math.sqrt(squares / sum(pixels for _, pixels in parts)),
        "violation_steps": sum(one["violation"] * one["levels"] for one in found) / counts["levels"],
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
