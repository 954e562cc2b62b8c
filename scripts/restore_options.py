"""What ``pscgan-restore`` is asked for, checked before any work."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path

import torch

from ..train.restored_files import output_names

REPORT = "restore.json"


def parse(arguments: list[str] | None, program: str, description: str) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description=description.strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, help=".jpg files, of any size")
    parser.add_argument("--model", type=Path, required=True, help="folder of a run, or one of its checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is written")
    parser.add_argument("--samples", type=int, default=8, help="of each file (default 8); 1 for a deterministic run")
    parser.add_argument("--seed", type=int, default=0, help="of the samples (default 0)")
    parser.add_argument("--sigma-z", type=float, default=1.0, help="factor on z: 1 samples (default), 0 has no spread")
    slack = "quantisation steps by which levels may miss, for foreign encoders (default 0)"
    parser.add_argument("--slack", type=float, default=0.0, help=slack)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier call wrote to --out")
    return parser.parse_intermixed_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Raise a ValueError that names the first number or device that is out of range."""
    if options.samples < 1:
        raise ValueError(f"--samples is {options.samples}; allowed is 1 or more")
    for name in ("sigma_z", "slack"):
        value = getattr(options, name)
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"--{name.replace('_', '-')} is {value}; allowed is 0 or more")
    if options.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device is cuda; allowed here is cpu, there is no CUDA device")


def outputs_of(options: argparse.Namespace) -> dict[Path, list[Path]]:
    """By input, the paths of samples, mean and standard deviation.

    Raises:
        ValueError: if one is there already, comes twice, is an input, or the folder cannot be written.
    """
    stems: dict[str, Path] = {}
    for path in options.files:
        other = stems.setdefault(path.stem.casefold(), path)
        if other is not path:
            raise ValueError(f"{other} and {path} would be restored to the same files; allowed is one of a name a call")
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out is {options.out}, a file; allowed is a folder, new or not")
    _require_writable(options.out)
    outputs = {
        path: [options.out / name for name in output_names(path.stem, options.samples)] for path in options.files
    }
    inputs = {path.resolve() for path in options.files}
    for output in (options.out / REPORT, *(path for paths in outputs.values() for path in paths)):
        if output.resolve() in inputs:
            raise ValueError(f"{output} is an input and would be overwritten; choose another --out")
        if output.exists() and not options.overwrite:
            raise ValueError(f"{output} is there already; choose another --out, or allow --overwrite")
    return outputs


def _require_writable(folder: Path) -> None:
    above = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise ValueError(f"--out is {folder}; {above} is not a folder that can be written")
