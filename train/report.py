"""The end of a run: its numbers as a table and as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .training import Training


def result_of(training: Training) -> dict[str, Any]:
    """What ``result.json`` holds: the scores of the last validation and what they cost."""
    times = training.game.clock.times
    return training.scores | {
        "images_seen": times.images_seen,
        "generator_steps": times.generator_steps,
        "nonfinite_steps": times.nonfinite_steps,
        "skipped_images": times.skipped_images,
        "seconds": round(times.seconds, 1),
    }


def print_result(result: dict[str, Any], folder: Path) -> None:
    """A table for people."""
    k = result["samples_per_image"]
    table = Table(title=f"{folder.name}: {result['images_seen']:,} images in {result['seconds']:.0f} s")
    for column in ("", "PSNR dB", "PSNR per image", "SSIM"):
        table.add_column(column, justify="right" if column else "left")
    rows = {"degraded": "y, the input", "sample": "one sample", "mean": f"mean of {k} samples"}
    for name, label in rows.items():
        if name == "mean" and k == 1:
            continue
        figures = (result[f"psnr_{name}"], result[f"psnr_{name}_per_image"], result[f"ssim_{name}"])
        table.add_row(label, *(f"{figure:.{digits}f}" for figure, digits in zip(figures, (2, 2, 3), strict=True)))
    console = Console(highlight=False)
    console.print(table)
    if k > 1:
        console.print(
            f"averaging {k} gains {result['gain_db']:.2f} dB (an exact posterior sampler: "
            f"{result['gain_db_exact']:.2f}); spread / skill {result['spread_skill']:.2f} (exact: 1)",
            soft_wrap=True,
        )
    console.print(f"CRPS {255 * result['crps']:.2f} / 255; pictures, log and checkpoints in {folder}", soft_wrap=True)
