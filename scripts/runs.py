"""``pscgan runs``: one table of all runs below the folders, the lowest CRPS first.

Columns: the keys of the config that differ between the runs; CRPS, PSNR of a sample and of the mean, gain of averaging
and what it is for an exact sampler, spread over skill, images, seconds; state::

    pscgan runs runs
    pscgan runs runs/demo,* --out comparison
"""

from pathlib import Path

from ..train.runs.cli_errors import report_user_errors
from ..train.runs.comparison_table import RunTable
from ..train.runs.record import read_run, runs_below
from .command_line import Parser

PROGRAM = "pscgan runs"


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan runs``."""
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="of runs, at any depth, or of one run")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write runs.csv and runs.md there")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        table = _table(options.folders)
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            table.write(options.out)
    table.print()


def _table(folders: list[Path]) -> RunTable:
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"FOLDER must be an existing folder, got {folder}")
    runs = runs_below(folders)
    if not runs:
        raise ValueError(f"FOLDER must hold a run of pscgan train, got {', '.join(map(str, folders))}")
    return RunTable.of([read_run(run) for run in runs])


if __name__ == "__main__":
    main()
