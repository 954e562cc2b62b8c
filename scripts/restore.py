"""``pscgan restore``: picture files in; of each several restorations out, their mean and their spread.

The demo model removes noise; a model trained on JPEG restores .jpg files, each sample an 8-bit picture that libjpeg
writes to the very levels of the file, or as near to them as could be reached, which is counted by encoding again.
Models of other tasks take pictures that are measured so: small, grey, with holes, blurred, and so on::

    pscgan restore photos --model bundled:demo --samples 8 --out restored
    pscgan restore photo.jpg --model runs/jpeg_demo --out restored
    pscgan restore small.png --model runs/sr4_demo --out restored
    pscgan restore torn.png --mask known.png --model runs/inpaint_box_demo --out restored
    pscgan restore photos --degrade --model runs/sr4_demo --out restored

Pictures of any size are restored by tiles that share one z. Any PNG, JPEG, WebP or TIFF is read, of 8 or 16 bits; what
is written is PNG of the same depth, with alpha, profile and EXIF of the file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ..data.image_io.decode import UnreadableImage
from ..data.image_io.safe_read import on_one_line
from ..train.inference.load import load
from ..train.inference.sampler import LoadedSampler
from ..train.restore.inputs import Input, inputs_of
from ..train.restore.open_image import ImageOpener
from ..train.restore.pipeline import Outputs, Request, Restoration
from ..train.restore.restoration_input import UnsupportedImageError
from ..train.restore.side_info import SideInfo
from ..train.restore.tiling import Tiling
from ..train.runs.atomic_write import atomic_write
from ..train.runs.cli_errors import report_user_errors
from ..train.runs.provenance import provenance
from .restore_options import REPORT, check, parse, planned

PROGRAM = "pscgan restore"


class Call:
    """All files of one call, each as far as it goes.

    Args:
        options: checked.

    Raises:
        ValueError: if options, model and files do not go together; nothing is written before.
        OSError: if the model cannot be opened.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, inputs = options, inputs_of(options.inputs, options.out)
        self.sampler = load(options.model, options.device, precision=options.precision)
        self.request = _request(options, self.sampler)
        self.outputs = planned(inputs, options)
        self.opener = ImageOpener(
            self.sampler,
            options.sigma,
            options.tolerance,
            options.degrade,
            options.seed,
            int(1e6 * options.max_megapixels),
            SideInfo(options.mask, options.phase, options.kernel, options.photons),
        )
        self.tiling = Tiling(self.sampler, options.tile, options.overlap)

    def run(self) -> int:
        """The exit code: 2 if one or more could not be restored.

        Raises:
            OSError: if the report cannot be written.
        """
        self.options.out.mkdir(parents=True, exist_ok=True)
        entries: list[dict[str, Any]] = []
        report = self._about() | {"files": entries}
        with _progress() as bar:
            for place, (one, outputs) in enumerate(self.outputs.items(), start=1):
                task = bar.add_task(f"{place} of {len(self.outputs)}: {on_one_line(one.path.name)}", total=None)
                entries.append(self._restored(one, outputs, bar, task))
                bar.remove_task(task)
                atomic_write(self.options.out / REPORT, f"{json.dumps(report, indent=2)}\n".encode())
        return 2 if any("error" in entry for entry in entries) else 0

    def _restored(self, one: Input, outputs: Outputs, bar: Progress, task: TaskID) -> dict[str, Any]:
        """What the report says of a file."""
        name = on_one_line(one.path)
        try:
            opened = self.opener.open(one.path)
            for warning in opened.y.warnings:
                print(f"{PROGRAM}: warning: {name}: {warning}", file=sys.stderr)
            outputs.mean.parent.mkdir(parents=True, exist_ok=True)
            restoration = Restoration(self.tiling, opened, self.request, outputs)
            bar.update(task, total=restoration.steps)
            restoration.run(lambda: bar.advance(task))
            written = restoration.write()
        except (UnreadableImage, UnsupportedImageError, OSError, MemoryError, RuntimeError) as error:
            reason = _reason(error).removeprefix(f"{name}: ")
            print(f"{PROGRAM}: {name}: {reason}", file=sys.stderr)
            return {"file": str(one.path), "error": reason}
        for entry in (*written["samples"], written["mean"]):
            print(_line(entry), flush=True)
        return {"file": str(one.path), **written}

    def _about(self) -> dict[str, Any]:
        """What the report says of the call."""
        metadata, run = self.sampler.metadata, self.sampler.run
        told = ("name", "images_seen", "degradation", "seed", "commit")
        model = {name: metadata[name] for name in told if name in metadata}
        model |= {} if run is None else {"checkpoint": str(run.checkpoint)}
        asked = ("samples", "average", "seed", "sigma_z", "sigma", "tolerance", "degrade", "phase", "photons")
        files = {name: path and str(path) for name in ("mask", "kernel") for path in [getattr(self.options, name)]}
        tiling = {"side": self.tiling.side, "overlap": self.tiling.overlap, "reach": self.tiling.reach}
        return provenance() | {
            "model": {"opened": self.options.model, **model},
            "device": str(self.sampler.device),
            "precision": self.options.precision,
            **{name: getattr(self.options, name) for name in asked},
            **files,
            "tiles": tiling | {"as_one_piece": self.tiling.exact},
        }


def _request(options: argparse.Namespace, sampler: LoadedSampler) -> Request:
    """With defaults filled in, which are written to the options too."""
    if options.samples is None:
        options.samples = 8 if sampler.stochastic else 1
    if options.average is None:
        options.average = options.samples
    if options.average < options.samples:
        raise ValueError(f"--average is {options.average}; allowed is --samples ({options.samples}) or more")
    if options.average > 1 and not sampler.stochastic:
        name = "samples" if options.samples > 1 else "average"
        raise ValueError(
            f"--{name} is {getattr(options, name)}; allowed for the deterministic generator of {options.model} is 1"
        )
    return Request(options.samples, options.average, options.seed, options.sigma_z)


def _reason(error: Exception) -> str:
    """Of a file that was not restored; a defect of ours is raised again."""
    text = on_one_line(" ".join(str(error).split()))
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return f"it does not fit into memory: {text}"
    if isinstance(error, RuntimeError):
        raise error
    return text


def _line(entry: dict[str, Any]) -> str:
    """Of one picture."""
    parts = [
        f"{name} {entry[name] - entry[f'{name}_wrong']:,} of {entry[name]:,} exact"
        for name in ("blocks", "levels")
        if name in entry
    ]
    if "residual" in entry:
        parts.append(f"residual {entry['residual']:.2g} {entry['residual_unit']}")
    for key, value in entry.items():
        if key.startswith("psnr_to_"):
            other = {"input": "the input", "clean": "the clean picture"}[key.removeprefix("psnr_to_")]
            parts.append(f"the pixels of {other}" if value is None else f"{value:.2f} dB to {other}")
    return f"{on_one_line(entry['file'])}: {', '.join(parts)}"


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar with the time left of the file at hand, on a terminal."""
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(
        *columns,
        console=console,
        disable=not console.is_terminal,
        transient=True,
        redirect_stderr=sys.stderr.isatty(),
    ) as bar:
        yield bar


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan restore``."""
    options = parse(arguments, PROGRAM, __doc__ or "")
    with report_user_errors(PROGRAM):
        check(options)
        try:
            code = Call(options).run()
        except KeyboardInterrupt:
            code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
