"""``pscgan adapt``: a trained model for pictures of one kind, from a few clean ones or from those to be restored.

Pages of text, maps, stars: what a model has not seen in training it learns in a minute or two, from clean pictures of
the kind, or, where the noise is Gaussian, from the noisy picture itself::

    pscgan adapt runs/demo_mmse --like page1.png page2.png --out text.safetensors
    pscgan adapt runs/demo_mmse --self noisy.npy --out noisy.safetensors
    pscgan restore page3.png --model text.safetensors --out restored

Training goes by the objective of the run. Weights that do not lower the error, as far as it is known, are not kept: the
file then holds those of the model, and that is said. The same command writes the same file.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..checks import optional_package
from .command_line import Parser, all_or_nothing, device_of, progress

if TYPE_CHECKING:
    from torch import Tensor

    from ..train.adaptation import Adapted
    from ..train.inference.sampler import LoadedSampler

PROGRAM = "pscgan adapt"
LIKE, SELF = {"images": 1_600, "lr": 2e-3}, {"images": 640, "lr": 3e-4}  # noisy pictures themselves are soon overfitted
CUT_OFF = 0.01  # of the values at 0 or 255: with more of them noise is not Gaussian
ARRAY = ".npy"  # with floats (H, W, C), 1 for white


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(PROGRAM, __doc__)
    add = parser.add_argument
    add("model", metavar="MODEL", help="a run's folder, a checkpoint, or an export of a model without z")
    pictures = parser.add_mutually_exclusive_group(required=True)
    clean = "clean pictures of the kind: files, folders, bundled:text, or any root of images"
    pictures.add_argument("--like", nargs="+", metavar="CLEAN", help=clean)
    noisy = "noisy pictures, to be restored by what is written; the model must be one of Gaussian noise"
    pictures.add_argument("--self", nargs="+", metavar="NOISY", dest="noisy", help=noisy)
    add("--out", type=Path, required=True, help="a .safetensors file that is not there yet")
    add("--sigma", type=float, help="with --self: of the noise, on the 0..255 scale, of a model of many levels")
    add("--images", type=int, help="crops seen, a multiple of 32 (default 1600, with --self 640)")
    add("--lr", type=float, help="largest learning rate (default 2e-3, with --self 3e-4)")
    add("--crop", type=int, default=64, help="pixels a side (default %(default)s)")
    add("--seed", type=int, default=0, help="of crops, noise and samples (default %(default)s)")
    add("--device", choices=("cpu", "cuda"), help="default: cuda where there is one")
    return parser.parse_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Raise a ValueError that names the first option that is out of range; fill in images and rate."""
    for name, default in (LIKE if options.like else SELF).items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    if options.out.suffix != ".safetensors":
        raise ValueError(f"--out must end with .safetensors, got {options.out}")
    if os.path.lexists(options.out):
        raise ValueError(f"--out must not be there yet, got {options.out}")
    if options.sigma is not None and options.noisy is None:
        raise ValueError("--sigma goes with --self, which is not given")
    for package in ("torchmetrics", "pytorch_lightning"):
        optional_package(package, "train", "training")


def adapt(options: argparse.Namespace) -> None:
    """Train, judge and write; the file is there as a whole or not at all."""
    from ..precision import plain_defaults
    from ..train.adaptation import BATCH, Adaptation, adapt_to_clean, adapt_to_noisy
    from ..train.inference.load import load
    from ..train.inference.safetensors_file import export_bytes
    from ..train.runs.atomic_write import atomic_write

    with plain_defaults(), progress() as bar:
        how = Adaptation(options.images, options.lr, options.crop, options.seed)
        sampler = load(options.model, device_of(options.device))
        pictures = _pictures(options.like or options.noisy, sampler.image_channels)
        task = bar.add_task("adapting", total=how.images // BATCH)
        if options.like:
            adapted = adapt_to_clean(sampler, pictures, how, lambda: bar.advance(task))
        else:
            _require_whole_noise(pictures)
            adapted = adapt_to_noisy(sampler, pictures, options.sigma, how, lambda: bar.advance(task))
        options.out.parent.mkdir(parents=True, exist_ok=True)
        about = _about(options, sampler, adapted)
        atomic_write(options.out, export_bytes(sampler.metadata | about, dict(adapted.weights)))
    _report(adapted)
    print(options.out)


def _pictures(roots: list[str], channels: int) -> list[Tensor]:
    """uint8 (C, H, W); of .npy files floats."""
    import numpy as np

    from ..data.sources.image_source import ImageSource
    from ..train.inference.image_input import as_batch

    arrays = [root for root in roots if root.endswith(ARRAY)]
    sources = [ImageSource(root, channels) for root in roots if root not in arrays]
    read = [source.read(name) for source in sources for name in source.names]
    return read + [as_batch(np.load(array, allow_pickle=False), channels)[0] for array in arrays]


def _require_whole_noise(pictures: list[Tensor]) -> None:
    """SURE of noise that is cut off falls where the error rises: three photographs lost 0.7 to 2.3 dB at sigma 50."""
    values = sum(picture.numel() for picture in pictures)
    ends = ((picture == 0) | (picture == 255) for picture in pictures if not picture.is_floating_point())
    share = sum(int(end.sum()) for end in ends) / values
    if share > CUT_OFF:
        remedy = f"give y as floats, an {ARRAY} file, or clean pictures by --like"
        raise ValueError(f"--self: {100 * share:.0f} % of the values are 0 or 255, where noise is cut off; {remedy}")


def _about(options: argparse.Namespace, sampler: LoadedSampler, adapted: Adapted) -> dict[str, object]:
    names = [name if ":" in name else Path(name).name for name in options.like or options.noisy]
    asked = {name: getattr(options, name) for name in ("images", "lr", "crop", "seed", "sigma")}
    errors = {"error_before": adapted.error_before, "error": adapted.error}
    of = {name: sampler.metadata[name] for name in ("name", "images_seen")}
    return {"adapted": {"of": of, "to": names, "noisy": options.noisy is not None, **asked, **errors}}


def _report(adapted: Adapted) -> None:
    before, after = adapted.error_before, adapted.error
    if after < before:
        print(f"{PROGRAM}: the error falls from {before:.5f} to {after:.5f}", file=sys.stderr)
    else:
        print(f"{PROGRAM}: the error does not fall from {before:.5f}: the weights stay as they are", file=sys.stderr)


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan adapt``."""
    options = parse(arguments)
    with all_or_nothing(PROGRAM):
        check(options)
        adapt(options)


if __name__ == "__main__":
    main()
