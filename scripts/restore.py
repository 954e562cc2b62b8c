"""``pscgan-restore``: real .jpg files in; of each several restorations out, their mean and their spread.

Each is an 8-bit picture that libjpeg writes to the very levels of the file, or as near to them as could be reached:
how near is counted by encoding the written pixels again, printed, and noted in restore.json::

    pscgan-restore photo.jpg --model runs/jpeg_demo --samples 8 --out restored
"""

from __future__ import annotations

import argparse
import json
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
from ..train.restored_files import facts_of, restore_file
from ..train.trained import Trained, load_trained
from ..train.user_errors import one_line_errors
from ..train.whole_file import write_whole
from .restore_options import REPORT, check, outputs_of, parse

PROGRAM = "pscgan-restore"


def restore(options: argparse.Namespace) -> int:
    """All files of a call, each as far as it goes; the exit code, 2 if one or more could not be restored.

    Raises:
        ValueError: before anything is written, if options, model and files do not go together.
        OSError: if the report cannot be written.
    """
    outputs = outputs_of(options)
    restorer = JpegRestorer(_trained(options), options.slack)
    options.out.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, Any]] = []
    report = _about(restorer.trained, options) | {"files": entries}
    with _progress(len(outputs) * (options.samples + 1)) as step:
        for path, paths in outputs.items():
            entries.append(_restore_one(restorer, path, paths, options, step))
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
        warning = restorer.mismatch(file)
        if warning is not None:
            print(f"{PROGRAM}: warning: {path}: {warning}", file=sys.stderr)
        written = restore_file(restorer, file, paths, options.seed, options.sigma_z, done)
    except (UnreadableJpeg, UnsuitableJpeg, OSError, MemoryError, RuntimeError) as error:
        reason = _reason(error).removeprefix(f"{path}: ")
        print(f"{PROGRAM}: {path}: {reason}", file=sys.stderr)
        return {"file": str(path), "error": reason}
    return {"file": str(path), **facts_of(file), "warning": warning, **written}


def _reason(error: Exception) -> str:
    """Of a file that was not restored; a defect of ours is raised again."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return f"it does not fit into memory: {text}"
    if isinstance(error, RuntimeError):
        raise error
    return text


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


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan-restore``."""
    options = parse(arguments, PROGRAM, __doc__ or "")
    with one_line_errors(PROGRAM):
        check(options)
        try:
            code = restore(options)
        except KeyboardInterrupt:
            code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
