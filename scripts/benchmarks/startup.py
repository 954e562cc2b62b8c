"""Seconds until a command says its first line, and until it ends; each is started anew, and they take turns.

``pscgan train`` trains two steps, in a folder that is thrown away::

    python -m pscgan.scripts.benchmarks.startup
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from ...train.runs.cli_errors import report_user_errors
from ..command_line import Parser
from .timing import count, print_table

PROGRAM = "python -m pscgan.scripts.benchmarks.startup"
PSCGAN = (sys.executable, "-m", "pscgan")
STEPS = ("images=16", "log_every_images=8", "checkpoint_every_images=16", "init_from=null", "schedule.warmup_images=0")
COMMANDS = {
    "import pscgan": (sys.executable, "-c", "import pscgan; print()"),
    "import torch": (sys.executable, "-c", "import torch; print()"),
    "import pytorch_lightning": (sys.executable, "-c", "import pytorch_lightning; print()"),
    "pscgan train --help": (*PSCGAN, "train", "--help"),
    "pscgan train": (*PSCGAN, "train", *STEPS, "hydra.run.dir={folder}/run"),
    "pscgan restore": (*PSCGAN, "restore", "--demo", "--samples", "1", "--out", "{folder}/restored"),
}


def seconds_of(command: Sequence[str]) -> tuple[float, float]:
    """Until the first line on stdout, and until the end.

    Raises:
        ValueError: if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        words = [word.format(folder=folder) for word in command]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            first = time.perf_counter() - start
            process.stdout.read()
        if process.returncode:
            raise ValueError(f"{' '.join(words)} ended with {process.returncode}")
        return first, time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("--rounds", type=count, default=3, help="after one to warm up (default 3)")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        rounds = [{name: seconds_of(words) for name, words in COMMANDS.items()} for _ in range(options.rounds + 1)]
    rows = []
    for name in COMMANDS:
        first, end = (statistics.median(times) for times in zip(*(taken[name] for taken in rounds[1:]), strict=True))
        rows.append((name, f"{first:.2f}", f"{end:.2f}"))
    print_table("seconds until", ["", "the first line", "the end"], rows)


if __name__ == "__main__":
    main()
