"""Every task's demo beside its deterministic twin: trained, judged, and shown on one page.

Runs are those of ``pscgan train``, judgements those of ``pscgan evaluate``, each in a process of its own; the same
command goes on where it was ended. Of all that is finished a page is written::

    python -m pscgan.scripts.benchmarks.gallery
    python -m pscgan.scripts.benchmarks.gallery sr4_demo colourise_demo --out gallery --at-once 2
    python -m pscgan.scripts.benchmarks.gallery sr4_demo images=800 schedule.warmup_images=0
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib import resources
from pathlib import Path

from ...checks import require_at_least
from ...train.runs.cli_errors import report_user_errors
from .gallery_page import SAMPLER, TWIN, Exhibit, write_page

PROGRAM = "python -m pscgan.scripts.benchmarks.gallery"
DEMO = "_demo"
TWIN_OVERRIDES = ("twin=mmse", "images=14400", "evaluation.every_images=14400")
"""What makes of a demo its twin, trained for about half the time."""
JUDGED = ("samples=8", "sigma_z=[1.0]", "extractor=[]", "shown=3", "shown_crop=128", "shown_samples=2")


class FailedCommand(Exception):
    """A command of a task that ended with another exit code than 0."""


def task_names() -> list[str]:
    """Experiments whose names end in ``_demo``, by name."""
    names = (path.name.removesuffix(".yaml") for path in (resources.files("pscgan.conf") / "experiment").iterdir())
    return sorted(name for name in names if name.endswith(DEMO))


def exhibit(task: str, out: Path) -> Exhibit:
    """Where all of a task lies."""
    return Exhibit(task, out / "runs" / task, out / "runs" / f"{task}_mmse", out / "evaluations" / task)


def commands(shown: Exhibit, overrides: Sequence[str]) -> list[list[str]]:
    """Train the sampler, train the twin, judge both and the input."""
    train = ["pscgan", "train", f"experiment={shown.task}"]
    judged = f"restorers={{{SAMPLER}: '{shown.run}', {TWIN}: '{shown.twin}', degraded: degraded}}"
    return [
        [*train, *overrides, f"hydra.run.dir='{shown.run}'"],
        [*train, *TWIN_OVERRIDES, *overrides, f"hydra.run.dir='{shown.twin}'"],
        ["pscgan", "evaluate", judged, *JUDGED, f"hydra.run.dir='{shown.evaluation}'"],
    ]


def run(shown: Exhibit, overrides: Sequence[str], threads: int) -> None:
    """All commands of a task, one after the other, or what is left of them; what they print goes to files.

    Raises:
        FailedCommand: naming the file that says why.
    """
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    for command in commands(shown, overrides):
        folder = Path(command[-1].removeprefix("hydra.run.dir=").strip("'"))
        folder.parent.mkdir(parents=True, exist_ok=True)
        printed = folder.with_name(f"{folder.name}.log")
        with printed.open("w") as log:
            code = subprocess.run([sys.executable, "-m", *command], stdout=log, stderr=log, env=environment).returncode
        if code:
            raise FailedCommand(f"exit code {code}, see {printed}")


def main() -> None:
    """The command ``python -m pscgan.scripts.benchmarks.gallery``."""
    with report_user_errors(PROGRAM):
        sys.exit(_main(_arguments()))


def _main(options: argparse.Namespace) -> int:
    tasks, overrides = _split(options.tasks)
    require_at_least(1, at_once=options.at_once)
    exhibits = [exhibit(task, options.out) for task in tasks]
    threads = max(1, (os.cpu_count() or 1) // options.at_once)
    start, failed = time.perf_counter(), 0
    with ThreadPoolExecutor(options.at_once) as pool:
        futures = {pool.submit(run, shown, overrides, threads): shown for shown in exhibits}
        for future in as_completed(futures):
            error = future.exception()
            if error is not None and not isinstance(error, FailedCommand):
                raise error
            failed += error is not None
            minutes = (time.perf_counter() - start) / 60
            print(f"{minutes:6.1f} min  {futures[future].task}: {error or 'judged'}", flush=True)
    print(write_page(options.out, [shown for shown in exhibits if shown.finished]))
    return 1 if failed else 0


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names of tasks and overrides.

    Raises:
        ValueError: if a task is not known.
    """
    overrides = [word for word in words if "=" in word or word.startswith("~")]
    tasks = [word for word in words if word not in overrides]
    unknown = sorted(set(tasks) - set(task_names()))
    if unknown:
        raise ValueError(f"tasks has {', '.join(unknown)}; allowed are {', '.join(task_names())}")
    return tasks or task_names(), overrides


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(PROGRAM, description="Every task's demo beside its twin, on one page.")
    parser.add_argument("tasks", nargs="*", help="names of demos, default all; and overrides of conf/train.yaml")
    parser.add_argument("--out", type=Path, default=Path("gallery"))
    parser.add_argument("--at-once", type=int, default=1, help="tasks at once, which share the cores")
    return parser.parse_args()


if __name__ == "__main__":
    main()
