"""Training on several processes against one: images a second of ``pscgan train`` itself, runs in turn.

Each process has one thread, or one GPU. Beside N processes stand one with its part of the batch, N times as fast as
which they would be if nothing were sent and nothing shared, and on the CPU one with N threads, which is what else their
cores could be used for. Takes any override of ``pscgan train``::

    python -m pscgan.scripts.benchmarks.scaling experiment=demo --processes 2
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...train.runs.cli_errors import report_user_errors
from ..command_line import Parser, device_of
from .timing import count, print_table

PROGRAM = "python -m pscgan.scripts.benchmarks.scaling"


@dataclass(frozen=True)
class Way:
    """So many processes, with so many threads each, for one of so many parts of a batch."""

    processes: int
    threads: int
    parts: int = 1

    def images_a_second(self, overrides: Sequence[str], batch: int, steps: int, gpu: bool) -> float:
        """Of a run of these overrides, in a folder that is thrown away.

        Raises:
            ValueError: if it fails.
        """
        batch //= self.parts
        images = batch * steps
        trainer = {(True, False): "gpu", (True, True): "ddp"}.get((gpu, self.processes > 1), "ddp_cpu")
        chosen = [f"trainer={trainer}", f"trainer.devices={self.processes}", f"dataset.batch_size={batch}"]
        clock = [f"{name}={images}" for name in ("images", "log_every_images", "checkpoint_every_images")]
        clock += [f"evaluation.every_images={images}", "schedule.warmup_images=0", "init_from=null"]
        with tempfile.TemporaryDirectory() as folder:
            command = [
                sys.executable,
                "-m",
                "pscgan",
                "train",
                *chosen,
                *clock,
                *overrides,
                f"hydra.run.dir={folder}/run",
            ]
            environment = os.environ | {"OMP_NUM_THREADS": str(self.threads)}
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
            if done.returncode:
                raise ValueError(done.stderr.strip().splitlines()[-1])
            seconds: float = json.loads((Path(folder) / "run" / "result.json").read_text())["seconds"]
        return images / seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("--rounds", type=count, default=3, help="default 3")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    parser.add_argument("overrides", nargs="*", help="of pscgan train, for instance experiment=demo")
    parser.add_argument("--processes", type=count, default=2, help="N, which divides the batch (default 2)")
    parser.add_argument("--batch", type=count, default=16, help="images a step (default 16)")
    parser.add_argument("--steps", type=count, default=200, help="of each run (default 200)")
    options = parser.parse_args(arguments)
    n, size = options.processes, (options.overrides, options.batch, options.steps)
    if options.batch % n:
        parser.error(f"--batch must be a multiple of the {n} processes, got {options.batch}")
    with report_user_errors(PROGRAM):
        gpu = device_of(options.device).startswith("cuda")
        ways = {f"{n} processes": Way(n, 1), f"one with 1/{n} of the batch": Way(1, 1, n)}
        ways |= {} if gpu else {f"one with {n} threads": Way(1, n)}
        rounds = [{name: way.images_a_second(*size, gpu) for name, way in ways.items()} for _ in range(options.rounds)]
    first = next(iter(ways))
    rows = []
    for name in ways:
        speed, ratio = statistics.median(r[name] for r in rounds), statistics.median(r[first] / r[name] for r in rounds)
        rows.append((name, f"{speed:.4g}", f"{ratio:.2f}"))
    print_table(" ".join(options.overrides) or "experiment=demo", ["", "images/s", f"{first} against it"], rows)


if __name__ == "__main__":
    main()
