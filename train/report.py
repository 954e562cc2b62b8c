"""The end of a run: its numbers as a table and as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .metrics.consistency import ROWS
from .training import Training


def result_of(training: Training) -> dict[str, Any]:
    """What ``result.json`` holds: the scores of the last validation and what they cost."""
    times = training.game.clock.times
    spent = {
        "images_seen": times.images_seen,
        "generator_steps": times.generator_steps,
        "nonfinite_steps": times.nonfinite_steps,
        "skipped_images": times.skipped_images,
        "seconds": round(times.seconds, 1),
    }
    return training.scores | spent | ({"pruned": True} if training.pruned else {})


def print_result(result: dict[str, Any], folder: Path) -> None:
    """A table for people."""
    k = result["samples_per_image"]
    table = Table(title=f"{folder.name}: {result['images_seen']:,} images in {result['seconds']:.0f} s")
    for column in ("", "PSNR dB", "PSNR per image", "SSIM", "sharpness"):
        table.add_column(column, justify="right" if column else "left")
    rows = {"degraded": "y, the input", "sample": "one sample", "mean": f"mean of {k} samples"}
    for name, label in rows.items():
        if name == "mean" and k == 1:
            continue
        columns = {"psnr_{}": 2, "psnr_{}_per_image": 2, "ssim_{}": 3, "sharpness_{}": 2}
        figures = (f"{result[column.format(name)]:.{digits}f}" for column, digits in columns.items())
        table.add_row(label, *figures)
    console = Console(highlight=False)
    console.print(table)
    if "consistency/degraded/levels" in result:
        console.print(_consistency_table(result))
    if k > 1:
        console.print(
            f"averaging {k} gains {result['gain_db']:.2f} dB (an exact posterior sampler: "
            f"{result['gain_db_exact']:.2f}); spread / skill {result['spread_skill']:.2f} (exact: 1)",
            soft_wrap=True,
        )
    console.print(f"CRPS {255 * result['crps']:.2f} / 255; pictures, log and checkpoints in {folder}", soft_wrap=True)


def _consistency_table(result: dict[str, Any]) -> Table:
    """What an encoder makes of 8-bit images, against the files."""
    table = Table(
        title="8 bits, encoded again: what equals the file", caption="RMSE: of the two decoded, in levels of grey"
    )
    for column in ("", "levels", "blocks", "pictures", "RMSE", "PSNR dB"):
        table.add_column(column, justify="right" if column else "left")
    for row, label in ROWS.items():
        if row.startswith("mean") and result["samples_per_image"] == 1:
            continue
        figures = {name.rpartition("/")[2]: result[name] for name in result if name.startswith(f"consistency/{row}/")}
        shares = (f"{100 * figures[unit]:.3f} %" for unit in ("levels", "blocks", "pictures"))
        rest = (f"{figures[name]:.{digits}f}" for name, digits in (("reencode_rmse", 3), ("psnr", 2)))
        table.add_row(label, *shares, *rest)
    return table
