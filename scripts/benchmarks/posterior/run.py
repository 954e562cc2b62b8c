"""``python -m pscgan.scripts.benchmarks.posterior.run``: how far objectives lead from posteriors that are known.

Every row is an objective, trained on a world by the framework's own game, or a sampler that is given the exact
denoiser; ``exact`` draws from the posterior itself, so its figures are what chance leaves of a perfect sampler. A cell
that is finished is kept in ``--out``, so the same command continues an interrupted table, and more seeds, worlds
or rows extend it::

    python -m pscgan.scripts.benchmarks.posterior.run --worlds field_noise --rows exact default rcgan --seeds 0 1 2
    python -m pscgan.scripts.benchmarks.posterior.run --rows exact default rcgan
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch
from hydra.errors import HydraException
from omegaconf import DictConfig
from rich.console import Console

from ....train.runs.atomic_write import atomic_write
from ....train.runs.cli_errors import report_user_errors, user_error
from .entry import EXACT, BenchmarkEntry, compose_cell, identity, run_cell, world_names
from .table import Results, draw_figure, require_matplotlib, tables

PROGRAM = "python -m pscgan.scripts.benchmarks.posterior.run"


def rows_of(config: DictConfig) -> list[str]:
    """What a world shows by default: its rows, and what is given the denoiser where that can sample."""
    return [*config.rows, *(config.comparators if config.white_noise else [])]


def cells(
    worlds: Sequence[str], rows: Sequence[str] | None, seeds: Sequence[int], overrides: list[str]
) -> list[BenchmarkEntry]:
    """All places of the table asked for, seed by seed; without what a denoiser alone cannot sample.

    Raises:
        ValueError: if a world or a row is not known.
    """
    unknown = sorted(set(worlds) - set(world_names()))
    if unknown:
        raise ValueError(f"--worlds has {', '.join(unknown)}; allowed are {', '.join(world_names())}")
    found = []
    for world in worlds:
        config = compose_cell(BenchmarkEntry(world, EXACT, 0), overrides)
        known = [EXACT, *config.objectives, *config.comparators]
        for row in rows or rows_of(config):
            if row not in known:
                raise ValueError(f"--rows has {row}; allowed are {', '.join(known)}")
            if row in config.comparators and not config.white_noise:
                continue
            found += [BenchmarkEntry(world, row, seed) for seed in seeds]
    return sorted(found, key=lambda cell: cell.seed)


def path_of(out: Path, cell: BenchmarkEntry) -> Path:
    """Where a finished cell is kept."""
    return out / "cells" / cell.world / cell.row / f"{cell.seed}.json"


def finished(out: Path, cell: BenchmarkEntry, overrides: list[str]) -> dict[str, Any] | None:
    """Figures of a cell from an earlier run, if there are any.

    Raises:
        ValueError: if they were made with another config.
    """
    path = path_of(out, cell)
    if not path.is_file():
        return None
    figures: dict[str, Any] = json.loads(path.read_text())
    if figures["config"] != identity(cell, compose_cell(cell, overrides)):
        raise ValueError(f"{path} was made with another config; allowed is the same one, or another --out")
    return figures


def run_and_keep(cell: BenchmarkEntry, overrides: list[str], out: Path) -> dict[str, Any]:
    """Run a cell, and write its figures."""
    figures = run_cell(cell, overrides)
    path = path_of(out, cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(figures, indent=1).encode())
    return figures


def run_all(
    todo: Sequence[BenchmarkEntry], overrides: list[str], out: Path, processes: int
) -> Iterator[tuple[BenchmarkEntry, Any]]:
    """Cells as they end, each with its figures or with the error that ended it."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures: dict[Future[dict[str, Any]], BenchmarkEntry] = {
            pool.submit(run_and_keep, cell, overrides, out): cell for cell in todo
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.exception() or future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def main() -> None:
    """Run what is not there yet; print the tables; write ``tables.md`` and ``figure.png``."""
    with report_user_errors(PROGRAM):
        _main(_arguments())


def _main(options: argparse.Namespace) -> None:
    require_matplotlib()
    console, start = Console(), time.perf_counter()
    overrides = options.overrides
    wanted = cells(options.worlds or world_names(), options.rows, options.seeds, overrides)
    results: Results = {}
    for cell in wanted:
        if (figures := finished(options.out, cell, overrides)) is not None:
            results[cell] = figures
    todo = [cell for cell in wanted if cell not in results]
    console.print(f"{len(wanted)} cells, {len(results)} of them finished; {options.processes} processes")
    failed = 0
    for cell, outcome in run_all(todo, overrides, options.out, options.processes):
        if isinstance(outcome, BaseException):
            failed += 1
            console.print(f"{cell.world} {cell.row} {cell.seed} failed: {_line(outcome)}", markup=False)
        else:
            results[cell] = outcome
            minutes = (time.perf_counter() - start) / 60
            console.print(f"{len(results)}/{len(wanted)}  {minutes:5.1f} min  {cell.world} {cell.row} {cell.seed}")
    if results:
        text = tables(results)
        atomic_write(options.out / "tables.md", text.encode())
        console.print(text, markup=False, soft_wrap=True)
        draw_figure(results, options.out / "figure.png")
        console.print(f"tables.md, figure.png and every cell in {options.out}")
    if failed:
        raise SystemExit(1)


def _line(error: BaseException) -> str:
    """The user's own error in one line; a defect of ours by its name."""
    line = user_error(error) if isinstance(error, ValueError | HydraException) else None
    return line or f"{type(error).__name__}: {error}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(PROGRAM, description="How far objectives lead from posteriors that are known.")
    parser.add_argument("--worlds", nargs="+", help=f"default: all of {', '.join(world_names())}")
    parser.add_argument("--rows", nargs="+", help="default: those of each world")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--out", type=Path, default=Path("runs/posterior_benchmark"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="each of one thread")
    parser.add_argument("overrides", nargs="*", help="of conf/posterior_benchmark.yaml, for every cell")
    overrides = [word for word in sys.argv[1:] if re.match(r"[^-].*=|~", word)]  # else the list before takes them
    options = parser.parse_args([word for word in sys.argv[1:] if word not in overrides])
    options.overrides += overrides
    return options


if __name__ == "__main__":
    main()
