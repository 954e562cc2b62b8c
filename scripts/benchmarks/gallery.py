"""One table of all demos: every task's sampler beside its MMSE baseline, with links to the reports.

Runs are those of ``pscgan train``, evaluations those of ``pscgan evaluate``; docs/tasks.md has the commands. The page
shows the tasks whose evaluation is finished::

    python -m pscgan.scripts.benchmarks.gallery gallery
"""

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from ...train.runs.atomic_write import atomic_write
from ...train.runs.cli_errors import report_user_errors
from ..command_line import Parser

PROGRAM = "python -m pscgan.scripts.benchmarks.gallery"
COLUMNS: tuple[tuple[str, str, str, str, int], ...] = (  # heading, method, the first metric that has it, what, digits
    ("input", "degraded", "psnr/sample", "value", 2),
    ("MMSE baseline", "baseline", "psnr/sample", "value", 2),
    ("the denoiser alone", "denoiser", "psnr/sample", "value", 2),
    ("one sample", "sampler", "psnr/sample", "value", 2),
    ("mean of 8", "sampler", "psnr/mean", "value", 2),
    ("gain", "sampler", "gain", "value", 2),
    ("spread / skill", "sampler", "spread_skill/1", "value", 2),
    ("the same, blocks", "sampler", "spread_skill/8 spread_skill/4 spread_skill/2", "value", 2),
    ("residual of a sample", "sampler", "residual/sample", "value", 3),
    ("residual of x", "sampler", "residual/sample", "floor", 3),
    ("ST-LPIPS of a sample", "sampler", "st_lpips/sample", "value", 3),
    ("ST-LPIPS of the baseline", "baseline", "st_lpips/sample", "value", 3),
)
READING = """| column | meaning |
|---|---|
| input, MMSE baseline, the denoiser alone, one sample, mean of 8 | PSNR in dB over all pixels |
| the denoiser alone | `pnp_hqs` with `bundled:denoiser`, which was trained for none of the tasks; linear tasks only |
| gain | of the mean over one sample, dB; 2.50 for an exact posterior sampler |
| spread / skill | spread of the samples over the error of their mean, at pixels; exact 1 |
| the same, blocks | over blocks of 8, or of the largest side that y leaves open, in brackets |
| residual | distance to y in the unit of the task; a sample that explains y has that of x |
| ST-LPIPS | a perceptual distance; lower is better |
| images, minutes | training of the sampler, after that of its baseline |"""


def task_names() -> list[str]:
    """Experiments whose names end in ``_demo`` and that are the demo of another task, by name."""
    paths = (resources.files("pscgan.conf") / "experiment").iterdir()
    demos = (path for path in paths if path.name.endswith("_demo.yaml") and "\n  - demo\n" in path.read_text())
    return sorted(path.name.removesuffix(".yaml") for path in demos)


def _row(folder: Path, task: str) -> list[str]:
    methods = json.loads((folder / "evaluations" / task / "result.json").read_text())["methods"]
    run = json.loads((folder / "runs" / task / "result.json").read_text())
    numbers = []
    for _, method, metrics, part, digits in COLUMNS:
        found = methods[method]["values"] if method in methods else {}
        values = {metric: found.get(metric, {}).get(part) for metric in metrics.split()}
        metric, value = next(((m, v) for m, v in values.items() if v is not None), ("", None))
        side = f" ({metric.rpartition('/')[2]})" if len(values) > 1 else ""
        numbers.append("" if value is None else f"{value:.{digits}f}{side}")
    effort = [f"{run['images_seen']:,}", f"{run['seconds'] / 60:.1f}"]
    return [f"[`{task}`](evaluations/{task}/index.html)", *numbers, *effort]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write ``gallery.md`` of all tasks that are finished in a folder."""
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("folder", type=Path, help="with runs/TASK and evaluations/TASK")
    folder = parser.parse_args(arguments).folder
    with report_user_errors(PROGRAM):
        tasks = [name for name in task_names() if (folder / "evaluations" / name / "result.json").is_file()]
        if not tasks:
            raise ValueError(f"folder must hold evaluations/TASK/result.json of a demo, got {folder}")
        headings = ["task", *(column[0] for column in COLUMNS), "images", "minutes"]
        rows = [headings, ["---"] * len(headings), *(_row(folder, task) for task in tasks)]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        atomic_write(folder / "gallery.md", f"# Gallery\n\n{table}\n\n{READING}\n")
    print(folder / "gallery.md")


if __name__ == "__main__":
    main()
