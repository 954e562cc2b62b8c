"""How far from known posteriors objectives lead: a table for each problem, and a figure.

Every row is an objective, trained on a problem by the same step as any run, or a sampler that is given the exact
denoiser; ``exact`` draws from the posterior itself, so its figures are the finite-sample noise floor. Finished
entries are kept in ``--out``: the same command continues an interrupted table, and more seeds, problems or rows
extend it::

    python -m pscgan.scripts.benchmarks.posterior.run --problems field_noise --rows exact default rcgan --seeds 0 1 2
    python -m pscgan.scripts.benchmarks.posterior.run --rows exact default rcgan
"""

import argparse
import json
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from hydra.errors import HydraException

from ....checks import optional_package
from ....memory import keep_freed_memory
from ....train.runs.atomic_write import atomic_write
from ....train.runs.cli_errors import report_user_errors, user_error
from ...command_line import Parser
from .entry import BenchmarkEntry, problem_names, read_finished, select_entries
from .table import Results, draw_figure, tables

PROGRAM = "python -m pscgan.scripts.benchmarks.posterior.run"


def run_and_keep(entry: BenchmarkEntry, overrides: Sequence[str], out: Path) -> dict[str, Any]:
    """Run an entry, and write its figures."""
    from .train_on import run_entry

    figures = run_entry(entry, overrides)
    path = entry.path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(figures, indent=1))
    return figures


def run_all(
    todo: Sequence[BenchmarkEntry], overrides: Sequence[str], out: Path, processes: int
) -> Iterator[tuple[BenchmarkEntry, Any]]:
    """Entries as they end, each with its figures or with the error that ended it; processes of one thread each."""
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_prepare) as pool:
        futures = {pool.submit(run_and_keep, entry, overrides, out): entry for entry in todo}
        try:
            for future in as_completed(futures):
                yield futures[future], future.exception() or future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _prepare() -> None:
    import torch

    keep_freed_memory()
    torch.set_num_threads(1)


def main() -> None:
    """Run what is not there yet; print the tables; write ``tables.md`` and ``figure.png``."""
    options = _parse(sys.argv[1:])
    with report_user_errors(PROGRAM):
        optional_package("matplotlib", "evaluate", "the figure")
        chosen = select_entries(options.problems, options.rows, options.seeds, options.overrides)
        found = ((entry, read_finished(options.out, entry, options.overrides)) for entry in chosen)
        results: Results = {entry: figures for entry, figures in found if figures is not None}
    todo, start, failed = [entry for entry in chosen if entry not in results], time.perf_counter(), False
    print(f"{len(chosen)} entries, {len(results)} of them finished; {options.processes} processes", flush=True)
    for entry, outcome in run_all(todo, options.overrides, options.out, options.processes):
        if isinstance(outcome, BaseException):
            failed = True
            line = user_error(outcome) if isinstance(outcome, ValueError | HydraException) else None
            said = f"failed: {line or f'{type(outcome).__name__}: {outcome}'}"
        else:
            results[entry] = outcome
            said = f"{len(results)}/{len(chosen)} after {(time.perf_counter() - start) / 60:.1f} min"
        print(*entry, said, flush=True)
    if results:
        text = tables(results)
        atomic_write(options.out / "tables.md", text)
        draw_figure(results, options.out / "figure.png")
        print(f"{text}\ntables.md, figure.png and every entry are in {options.out}")
    if failed:
        sys.exit(1)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("--problems", nargs="+", default=problem_names(), help=f"default: {', '.join(problem_names())}")
    parser.add_argument("--rows", nargs="+", help="default: those of each problem")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--out", type=Path, default=Path("runs/posterior_benchmark"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="each of one thread")
    parser.add_argument("overrides", nargs="*", help="of conf/posterior_benchmark.yaml, for every entry")
    overrides = [word for word in arguments if re.match(r"[^-].*=|~", word)]  # else the list before takes them
    options = parser.parse_args([word for word in arguments if word not in overrides])
    options.overrides += overrides
    return options


if __name__ == "__main__":
    main()
