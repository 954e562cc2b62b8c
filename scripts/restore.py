"""``pscgan-restore``: real .jpg files in; of each several restorations out, their mean and their spread.

Each is an 8-bit picture that libjpeg writes to the very levels of the file, or as near to them as could be reached:
how near is counted by encoding the written pixels again, printed, and noted in restore.json::

    pscgan-restore photo.jpg --model runs/jpeg_demo --samples 8 --out restored
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from rich.console import Console
from rich.progress import Progress

from ..data.jpeg.file import UnreadableJpeg, read
from ..train.jpeg_restoration import JpegRestorer, UnsuitableJpeg
from ..train.provenance import provenance
from ..train.restored_files import facts_of, output_names, restore_file
from ..train.trained import Trained, load_trained
from ..train.user_errors import one_line_errors
from ..train.whole_file import write_whole

PROGRAM = "pscgan-restore"
REPORT = "restore.json"


def restore(options: argparse.Namespace) -> int:
    """All files of a call, each as far as it goes; the exit code, 2 if one or more could not be restored.

    Raises:
        ValueError: before anything is written, if options, model and files do not go together.
        OSError: if the report cannot be written.
    """
    outputs = _outputs(options)
    restorer = JpegRestorer(_trained(options), options.slack)
    options.out.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, Any]] = []
    with _progress(len(outputs) * (options.samples + 1)) as step:
        for path, paths in outputs.items():
            entries.append(_restore_one(restorer, path, paths, options, step))
            report = _about(restorer.trained, options) | {"files": entries}
            write_whole(options.out / REPORT, f"{json.dumps(report, indent=2)}\n".encode())
    return 2 if any("error" in entry for entry in entries) else 0


def _restore_one(
    restorer: JpegRestorer, path: Path, paths: list[Path], options: argparse.Namespace, step: Any
) -> dict[str, Any]:
    """What the report says of a file."""

    def done(entry: dict[str, Any]) -> None:
        print(_line(entry), flush=True)
        step()

    try:
        file = read(path)
        if warning := restorer.mismatch(file):
            print(f"{PROGRAM}: warning: {path}: {warning}", file=sys.stderr)
        written = restore_file(restorer, file, paths, options.seed, options.sigma_z, done)
    except (UnreadableJpeg, UnsuitableJpeg, OSError, torch.OutOfMemoryError) as error:
        reason = str(error).removeprefix(f"{path}: ").splitlines()[0]
        print(f"{PROGRAM}: {path}: {reason}", file=sys.stderr)
        return {"file": str(path), "error": reason}
    return {"file": str(path), **facts_of(file), **written}


def _line(entry: dict[str, Any]) -> str:
    """Of one picture."""
    parts = [
        f"{name} {entry[name] - entry[f'{name}_wrong']:,} of {entry[name]:,} exact" for name in ("blocks", "levels")
    ]
    psnr = entry["psnr_to_plain_decode"]
    distance = "the pixels of the plain decode" if psnr is None else f"{psnr:.2f} dB to the plain decode"
    return f"{entry['file']}: {', '.join(parts)}, {distance}"


def _about(trained: Trained, options: argparse.Namespace) -> dict[str, Any]:
    """What the report says of the call."""
    return provenance() | {
        "model": {
            "run": str(options.model),
            "checkpoint": str(trained.checkpoint),
            "images_seen": trained.images_seen,
            "name": trained.config.name,
            "degradation": OmegaConf.to_container(trained.config.degradation),
        },
        "device": str(trained.device),
        **{name: getattr(options, name) for name in ("samples", "seed", "sigma_z", "slack")},
    }


def _trained(options: argparse.Namespace) -> Trained:
    trained = load_trained(options.model, options.device)
    if options.samples > 1 and not trained.stochastic:
        raise ValueError(
            f"--samples is {options.samples}; allowed for the deterministic generator of {trained.checkpoint} is 1"
        )
    return trained


def _outputs(options: argparse.Namespace) -> dict[Path, list[Path]]:
    """By input; none is there already or comes twice."""
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


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A bar on a terminal; yields what moves it on."""
    console = Console()
    bar = Progress(
        console=console,
        disable=not console.is_terminal,
        transient=True,
        redirect_stderr=sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("pictures", total=total)
        yield lambda: bar.advance(task)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=(__doc__ or "").strip(),
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
    return parser.parse_args(arguments)


def _check(options: argparse.Namespace) -> None:
    if options.samples < 1:
        raise ValueError(f"--samples is {options.samples}; allowed is 1 or more")
    for name in ("sigma_z", "slack"):
        value = getattr(options, name)
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"--{name.replace('_', '-')} is {value}; allowed is 0 or more")
    if options.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device is cuda; allowed here is cpu, there is no CUDA device")


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan-restore``."""
    options = _parse(arguments)
    with one_line_errors(PROGRAM):
        _check(options)
        sys.exit(restore(options))


if __name__ == "__main__":
    main()
