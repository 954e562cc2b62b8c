"""The page of a gallery: one table of all tasks, and of each a strip of pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from ...train.runs.atomic_write import atomic_write

SAMPLER, TWIN, INPUT = "sampler", "twin", "degraded"
PANELS = (
    "degraded.png",
    f"{SAMPLER}/sample1.png",
    f"{SAMPLER}/sample2.png",
    f"{SAMPLER}/mean.png",
    f"{SAMPLER}/std.png",
    f"{TWIN}/sample1.png",
    "clean.png",
)
PICTURES = "gallery"
PANEL, MARGIN = 128, 4  # pixels
HEADINGS = (
    "task",
    "input",
    "MMSE twin",
    "one sample",
    "mean of 8",
    "gain",
    "spread / skill",
    "the same, blocks of 8",
    "residual of a sample",
    "of x",
    "ST-LPIPS of a sample",
    "of the twin",
    "images",
    "minutes",
)
READING = """PSNR in dB over all pixels of the images held out; gain is that of the mean over one sample, of an exact
posterior sampler 2.50; spread / skill is that of pixels and of means over 8 x 8 pixels, exact 1; the residual is in the
unit of the task, for a sample that explains y as well as the truth does that of x; ST-LPIPS is a perceptual distance,
less is nearer; images and minutes are those of training the sampler. Pictures, from left to right: y, two samples, the
mean of 8, their standard deviation (white where it is largest), the MMSE twin, x; the middle of the first image held
out."""


@dataclass(frozen=True)
class Exhibit:
    """One task of the gallery.

    Attributes:
        task: name of its experiment.
        run: folder of the sampler's run.
        twin: of the deterministic twin's.
        evaluation: of their evaluation.
    """

    task: str
    run: Path
    twin: Path
    evaluation: Path

    @property
    def finished(self) -> bool:
        """Whether it can be shown."""
        return (self.evaluation / "result.json").is_file()


def write_page(out: Path, exhibits: Sequence[Exhibit]) -> Path:
    """``gallery.md`` and ``gallery/`` with a picture of each task, in ``out``; the path of the page."""
    (out / PICTURES).mkdir(parents=True, exist_ok=True)
    parts = ["# Gallery", READING, _table(exhibits)]
    for shown in exhibits:
        name = f"{PICTURES}/{shown.task}.webp"
        _strip(shown).save(out / name, quality=88, method=6)
        parts += [
            f"### {shown.task}",
            _about(shown),
            f"![y, two samples, mean, standard deviation, MMSE twin, x]({name})",
        ]
    page = out / "gallery.md"
    atomic_write(page, ("\n\n".join(parts) + "\n").encode())
    return page


def _table(exhibits: Sequence[Exhibit]) -> str:
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(_row(shown) for shown in exhibits)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(shown: Exhibit) -> tuple[str, ...]:
    result = json.loads((shown.evaluation / "result.json").read_text())
    sampler, twin, degraded = (result["restorers"][name]["values"] for name in (SAMPLER, TWIN, INPUT))
    run = json.loads((shown.run / "result.json").read_text())
    return (
        f"`{shown.task}`",
        _number(degraded, "psnr/sample"),
        _number(twin, "psnr/sample"),
        _number(sampler, "psnr/sample"),
        _number(sampler, "psnr/mean"),
        _number(sampler, "gain"),
        _number(sampler, "spread_skill/pixels"),
        _number(sampler, "spread_skill/blocks"),
        _number(sampler, "residual/sample", digits=3),
        _number(sampler, "residual/sample", digits=3, part="floor"),
        _number(sampler, "st_lpips/sample", digits=3),
        _number(twin, "st_lpips/sample", digits=3),
        f"{run['images_seen']:,}",
        f"{run['seconds'] / 60:.1f}",
    )


def _number(values: Mapping[str, Any], name: str, digits: int = 2, part: str = "value") -> str:
    """A figure; empty where there is none."""
    value = values.get(name, {}).get(part)
    return "" if value is None else f"{value:.{digits}f}"


def _about(shown: Exhibit) -> str:
    """What it is, as the comment of its experiment says it."""
    text = (resources.files("pscgan.conf") / "experiment" / f"{shown.task}.yaml").read_text()
    return text.splitlines()[2].removeprefix("# ")


def _strip(shown: Exhibit) -> Image.Image:
    """All panels side by side; small pictures are enlarged, each pixel to a square."""
    sheet = Image.new("RGB", (len(PANELS) * (PANEL + MARGIN) - MARGIN, PANEL), "white")
    for column, name in enumerate(PANELS):
        with Image.open(shown.evaluation / "pictures" / "0" / name) as picture:
            panel = picture.convert("RGB")
        scale = max(1, PANEL // max(panel.size))
        enlarged = panel.resize((scale * panel.width, scale * panel.height), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (column * (PANEL + MARGIN), 0))
    return sheet
