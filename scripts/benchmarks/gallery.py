"""The page of docs/gallery.md: every task's demo beside its MMSE baseline, one table and a strip of images for each.

Runs are those of ``pscgan train``, evaluations those of ``pscgan evaluate``; docs/tasks.md has the commands. The page
shows the tasks whose evaluation is finished::

    python -m pscgan.scripts.benchmarks.gallery gallery
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ...train.runs.cli_errors import report_user_errors
from .timing import make_parser

PROGRAM = "python -m pscgan.scripts.benchmarks.gallery"
SAMPLER, BASELINE, INPUT = "sampler", "baseline", "degraded"
PANELS = (
    "degraded.png",
    f"{SAMPLER}/sample1.png",
    f"{SAMPLER}/sample2.png",
    f"{SAMPLER}/mean.png",
    f"{SAMPLER}/std.png",
    f"{BASELINE}/sample1.png",
    "clean.png",
)
PANEL, MARGIN = 128, 4  # pixels
CAPTION = "y, two samples, mean, standard deviation, MMSE baseline, x"
COLUMNS: tuple[tuple[str, str, str, str, int], ...] = (  # heading, method, metric, what of it, digits
    ("input", INPUT, "psnr/sample", "value", 2),
    ("MMSE baseline", BASELINE, "psnr/sample", "value", 2),
    ("one sample", SAMPLER, "psnr/sample", "value", 2),
    ("mean of 8", SAMPLER, "psnr/mean", "value", 2),
    ("gain", SAMPLER, "gain", "value", 2),
    ("spread / skill", SAMPLER, "spread_skill/pixels", "value", 2),
    ("the same, blocks of 8", SAMPLER, "spread_skill/blocks", "value", 2),
    ("residual of a sample", SAMPLER, "residual/sample", "value", 3),
    ("residual of x", SAMPLER, "residual/sample", "floor", 3),
    ("ST-LPIPS of a sample", SAMPLER, "st_lpips/sample", "value", 3),
    ("ST-LPIPS of the baseline", BASELINE, "st_lpips/sample", "value", 3),
)
READING = """PSNR in dB over all pixels of the held-out images; gain is that of the mean over one sample, 2.50 for an
exact posterior sampler; spread / skill is that of pixels and of means over 8 x 8 pixels, exact 1; the residual is in
the unit of the task, and a sample that explains y as well as the truth has the residual of x; ST-LPIPS is a perceptual
distance, lower is better; images and minutes are those of training the sampler. Images, from left to right: y, two
samples, the mean of 8, their standard deviation (white where it is largest), the MMSE baseline, x; the centre of the
first held-out image."""


def task_names() -> list[str]:
    """Experiments whose names end in ``_demo``, by name."""
    names = (path.name.removesuffix(".yaml") for path in (resources.files("pscgan.conf") / "experiment").iterdir())
    return sorted(name for name in names if name.endswith("_demo"))


def write_page(folder: Path, tasks: Sequence[str]) -> Path:
    """Write ``gallery.md``, and ``gallery/`` with a strip of images for each task; the path of the page.

    Args:
        folder: with ``runs/TASK`` and ``evaluations/TASK`` of each task.
        tasks: names of their experiments.
    """
    from ...train.runs.atomic_write import atomic_write

    (folder / "gallery").mkdir(exist_ok=True)
    headings = ["task", *(column[0] for column in COLUMNS), "images", "minutes"]
    rows = [headings, ["---"] * len(headings), *(_row(folder, task) for task in tasks)]
    parts = ["# Gallery", READING, "\n".join(f"| {' | '.join(row)} |" for row in rows)]
    for task in tasks:
        name = f"gallery/{task}.webp"
        _save_strip(folder / "evaluations" / task / "visuals" / "0", folder / name)
        comment = (resources.files("pscgan.conf") / "experiment" / f"{task}.yaml").read_text().splitlines()[2]
        parts += [f"### {task}", comment.removeprefix("# "), f"![{CAPTION}]({name})"]
    page = folder / "gallery.md"
    atomic_write(page, ("\n\n".join(parts) + "\n").encode())
    return page


def _row(folder: Path, task: str) -> list[str]:
    methods = json.loads((folder / "evaluations" / task / "result.json").read_text())["methods"]
    run = json.loads((folder / "runs" / task / "result.json").read_text())
    numbers = [_number(methods[method]["values"], name, part, digits) for _, method, name, part, digits in COLUMNS]
    return [f"`{task}`", *numbers, f"{run['images_seen']:,}", f"{run['seconds'] / 60:.1f}"]


def _number(values: Mapping[str, Any], metric: str, part: str, digits: int) -> str:
    """A number; empty where there is none."""
    value = values.get(metric, {}).get(part)
    return "" if value is None else f"{value:.{digits}f}"


def _save_strip(images: Path, path: Path) -> None:
    """All panels side by side; small images are enlarged, each pixel to a square."""
    from PIL import Image

    sheet = Image.new("RGB", (len(PANELS) * (PANEL + MARGIN) - MARGIN, PANEL), "white")
    for column, name in enumerate(PANELS):
        with Image.open(images / name) as image:
            panel = image.convert("RGB")
        scale = max(1, PANEL // max(panel.size))
        enlarged = panel.resize((scale * panel.width, scale * panel.height), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (column * (PANEL + MARGIN), 0))
    sheet.save(path, quality=88, method=6)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page of all tasks that are finished in a folder."""
    parser = make_parser(PROGRAM, __doc__)
    parser.add_argument("folder", type=Path, help="with runs/TASK and evaluations/TASK")
    folder = parser.parse_args(arguments).folder
    with report_user_errors(PROGRAM):
        tasks = [name for name in task_names() if (folder / "evaluations" / name / "result.json").is_file()]
        if not tasks:
            raise ValueError(f"folder must hold evaluations/TASK/result.json of a demo, got {folder}")
        print(write_page(folder, tasks))


if __name__ == "__main__":
    main()
