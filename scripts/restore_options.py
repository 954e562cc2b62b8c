"""What ``pscgan restore`` is asked for, checked before any work."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import get_args

import torch

from ..data.degradations.operators.bayer import PHASES
from ..data.image_io.read_image import MAX_PIXELS
from ..data.sources.open_source import open_root
from ..data.splits import held_out_photographs
from ..train.inference.load import BUNDLED
from ..train.restore.inputs import Input
from ..train.restore.open_image import AUTO
from ..train.restore.pipeline import Outputs, outputs_of
from ..train.restore.tiling import SIDE
from ..train.sampling import Precision

REPORT = "restore.json"


def parse(arguments: list[str] | None, program: str, description: str) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=program, description=description.strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("inputs", nargs="*", metavar="INPUT", help="picture files, folders, or patterns such as 'photos/**/*.jpg'")
    add("--model", help="a .safetensors file, bundled:demo, USER/REPO of the hub, the folder of a run, or a checkpoint")
    add("--out", type=Path, required=True, help="folder for what is written")
    add("--samples", type=int, default=None, help="of each file (default 8); 1 for a deterministic model")
    add("--average", type=int, default=None, metavar="N", help="mean and spread of N samples (default: those written)")
    add("--seed", type=int, default=0, help="of the samples (default 0)")
    add("--sigma-z", type=float, default=1.0, help="factor on z: 1 samples (default), 0 has no spread")
    add("--sigma", default=None, help="of the noise, on the 0..255 scale; auto estimates it (default, where needed)")
    tolerance = "quantisation steps by which levels may miss, for .jpg files of foreign encoders (default 0)"
    add("--tolerance", type=float, default=0.0, help=tolerance)
    mask = "what is known, white, for inpainting: a .png or .npy, or a folder of NAME.png (default: what is opaque)"
    add("--mask", type=Path, default=None, metavar="FILE", help=mask)
    phase = "of a mosaic, where the model was trained on several"
    add("--phase", choices=PHASES, default=None, help=phase)
    kernel = "of the blur, where it was drawn in training: a .npy of sum 1, or a .png"
    add("--kernel", type=Path, default=None, metavar="FILE", help=kernel)
    add("--photons", type=float, default=None, help="at white, where they were drawn in training")
    add("--demo", action="store_true", help="three bundled photographs, --degrade, --model bundled:demo")
    add("--degrade", action="store_true", help="the files are clean: degrade them first, as the model was trained")
    add("--tile", type=int, default=SIDE, help=f"side of the tiles, in pixels (default {SIDE})")
    add("--overlap", type=int, default=None, help="seen beyond a tile (default: all the network sees, at most 128)")
    most = MAX_PIXELS / 1e6
    add("--max-megapixels", type=float, default=most, help=f"larger pictures are refused unread (default {most:g})")
    add("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    add("--precision", choices=get_args(Precision), default="fp32", help="bf16 is faster where the hardware has it")
    add("--overwrite", action="store_true", help="replace what an earlier call wrote to --out")
    return parser.parse_intermixed_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Raise a ValueError that names the first number or device that is out of range; fill in what has a default."""
    if options.demo:
        options.inputs = [*options.inputs, *map(str, held_out())]
        options.model, options.degrade = options.model or f"{BUNDLED}demo", True
    for name in ("samples", "average"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} is {value}; allowed is 1 or more")
    for name in ("sigma_z", "tolerance"):
        value = getattr(options, name)
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"--{name.replace('_', '-')} is {value}; allowed is 0 or more")
    if not options.max_megapixels > 0:
        raise ValueError(f"--max-megapixels is {options.max_megapixels}; allowed is more than 0")
    if options.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device is cuda; allowed here is cpu, there is no CUDA device")
    if options.sigma not in (None, AUTO):
        options.sigma = _number(options.sigma)
    if not options.inputs:
        raise ValueError("there is no INPUT; allowed are picture files, folders and patterns, or --demo")
    if options.model is None:
        raise ValueError("there is no --model; allowed is what pscgan export or pscgan train wrote, or bundled:demo")


def held_out() -> list[Path]:
    """The bundled photographs that the demo is not trained on."""
    photos = open_root("bundled:photos")
    return [Path(photos.root, name) for name in held_out_photographs()]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"--sigma is {text}; allowed is a number on the 0..255 scale, or {AUTO}") from error


def planned(inputs: list[Input], options: argparse.Namespace) -> dict[Input, Outputs]:
    """By input, the files that will be written.

    Raises:
        ValueError: if one is there already, is an input, or the folder cannot be written.
    """
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out is {options.out}, a file; allowed is a folder, new or not")
    _require_writable(options.out)
    outputs = {one: outputs_of(options.out / one.folder, one.stem, options.samples, options.degrade) for one in inputs}
    sources = {os.path.abspath(one.path) for one in inputs}
    for path in (options.out / REPORT, *(path for files in outputs.values() for path in files.all)):
        if os.path.abspath(path) in sources:
            raise ValueError(f"{path} is an input and would be overwritten; choose another --out")
        if os.path.lexists(path) and not options.overwrite:
            raise ValueError(f"{path} is there already; choose another --out, or allow --overwrite")
    return outputs


def _require_writable(folder: Path) -> None:
    above = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise ValueError(f"--out is {folder}; {above} is not a folder that can be written")
