"""All benchmarks that a GPU has a say in, and the tests that need one, by one command: a page and a JSON file.

Each runs as a program of its own, in full; what fails, or takes longer than its share of the time, is said and the
rest goes on. Without a GPU the same programs run on the CPU, the tests of the GPU are left out::

    python -m pscgan.scripts.benchmarks.gpu --out gpu          # gpu/benchmarks.md, gpu/benchmarks.json
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ...train.runs.atomic_write import atomic_write
from ...train.runs.cli_errors import report_user_errors
from ..command_line import Parser, device_of
from .timing import count

PROGRAM = "python -m pscgan.scripts.benchmarks.gpu"
SIZES = {"demo": 32, "denoise64": 64, "denoise128": 128}


def programs(device: str, batch: int) -> list[list[str]]:
    """What is run, in the order of what is wanted most: tests, training in bf16 against fp32, sampling, losses."""
    from_folder = ["dataset=photos", f"dataset.batch_size={batch}"]
    found = [["pytest", "-q", "-n", "0", "-m", "gpu"]] if device == "cuda" else []
    found.append(["against_pscgan", "--batch", str(batch), "--rounds", "2"])
    for experiment, crop in SIZES.items():
        chosen = [f"experiment={experiment}", *from_folder, f"dataset.crop={crop}"]
        both = [*chosen, "precision=bf16", "--against", *chosen, "precision=fp32"]
        found.append(["throughput", *both, "--rounds", "3"])
    found.append(["inference", "bundled:demo", "--rounds", "3", *(["--compile"] if device == "cuda" else [])])
    found.append(["losses", "--rounds", "3"])
    found.append(["scaling", "--batch", str(batch), "--rounds", "1"])
    return found


def run(program: Sequence[str], device: str, seconds: float) -> dict[str, object]:
    """Command, exit code (None: it took longer), seconds and what it printed."""
    name, *arguments = program
    module = name if name == "pytest" else f"pscgan.scripts.benchmarks.{name}"
    command = ["python", "-m", module, *arguments, *([] if name == "pytest" else ["--device", device])]
    start, environment = time.perf_counter(), os.environ | {"COLUMNS": "200"}
    try:
        done = subprocess.run(
            [sys.executable, *command[1:]], capture_output=True, text=True, timeout=seconds, env=environment
        )
        code, printed = done.returncode, done.stdout + (done.stderr if done.returncode else "")
    except subprocess.TimeoutExpired:
        code, printed = None, f"not finished after {seconds:.0f} s"
    return {
        "command": " ".join(command),
        "code": code,
        "seconds": round(time.perf_counter() - start, 1),
        "printed": printed,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run them all; exit code 1 if one failed."""
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the page and the JSON file")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    parser.add_argument("--batch", type=count, default=32, help="images a training step, a multiple of 4 (default 32)")
    parser.add_argument("--minutes", type=count, default=8, help="for all (default 8)")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        device = device_of(options.device)
        options.out.mkdir(parents=True, exist_ok=True)
    end, results = time.perf_counter() + 60 * options.minutes, []
    for program in programs(device, options.batch):
        results.append(result := run(program, device, max(1.0, end - time.perf_counter())))
        print(f"{result['command']}: code {result['code']}, {result['seconds']} s", flush=True)
        page = [f"`{done['command']}`, {done['seconds']} s\n\n```\n{done['printed']}\n```\n" for done in results]
        atomic_write(options.out / "benchmarks.md", "\n".join(page))
        atomic_write(options.out / "benchmarks.json", json.dumps({"device": device, "results": results}, indent=1))
    sys.exit(any(result["code"] != 0 for result in results))


if __name__ == "__main__":
    main()
