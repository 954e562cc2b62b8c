"""``pscgan synthesise``: images drawn from the prior of a denoiser or of an unconditional GAN, from pure noise.

An MMSE denoiser of many levels, as experiment=denoiser_demo trains, holds a prior; a rule draws from it: chain, the
reverse chain with Gaussian steps of the right covariance; annealed, annealed Langevin dynamics (NCSNv2); simoncelli,
stochastic ascent by Kadkhodaie and Simoncelli. A GAN, as experiment=textures_gan trains, draws in one call::

    pscgan synthesise bundled:denoiser --count 16 --size 32 --out textures
    pscgan synthesise runs/denoiser_demo --rule annealed --count 64 --like bundled:photos --out textures
    pscgan synthesise runs/textures_gan --count 1000 --like bundled:photos --out textures

Written are the images; grid.png, the first hundred together; of a denoiser way.png, the way from noise to the first of
them (above what it was given, below what it returned); and synthesis.json, how they were made. The same seed gives the
same images, however many they are.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks import require_at_least
from .command_line import Parser, all_or_nothing, device_of, progress

if TYPE_CHECKING:
    from torch import Tensor

    from ..train.inference.synthesis import GanSynthesis, Synthesis, Way

PROGRAM = "pscgan synthesise"
IN_GRID = 100
DEFAULT_SIZE = 32, 32
SHARES = "precision", "recall"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(PROGRAM, __doc__)
    add = parser.add_argument
    model = "of noise of many levels, or of degradation=nothing: bundled:denoiser, or a run, or an export"
    add("model", metavar="MODEL", help=model)
    add("--rule", help="of a denoiser: annealed, chain or simoncelli (default chain)")
    add("--count", type=int, default=16, help="of the images (default %(default)s)")
    add("--size", metavar="S", help="pixels a side, or HxW (default: that of a GAN, or 32)")
    add("--seed", type=int, default=0, help="of the noise (default %(default)s)")
    add("--out", type=Path, required=True, help="new or empty folder for what is written")
    like = "measure the distance (KID) to crops of these photographs: a folder, .zip, shards, or bundled:photos"
    add("--like", metavar="ROOT", help=like)
    add("--device", choices=("cpu", "cuda"), help="default: cuda where there is one")
    return parser.parse_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Raise a ValueError that names the first option that is out of range; make of ``size`` the pair (H, W)."""
    require_at_least(1, **{"--count": options.count})
    if options.size is not None:
        if not re.fullmatch(r"\d+(x\d+)?", options.size):
            raise ValueError(f"--size must be pixels a side, as 32, or HxW, as 32x48, got {options.size}")
        height, _, width = options.size.partition("x")
        options.size = int(height), int(width or height)
        if options.like is not None and options.size[0] != options.size[1]:
            raise ValueError(f"--size must be that of a square with --like, got {height}x{width}")
    if options.out.is_dir() and any(options.out.iterdir()):
        raise ValueError(f"--out must be a new or empty folder, got {options.out}, which is not empty")


def opened(options: argparse.Namespace) -> Synthesis | GanSynthesis:
    """What draws, by the model that is named."""
    from ..data.degradations.nothing import Nothing
    from ..train.inference.denoiser import of_sampler
    from ..train.inference.load import load
    from ..train.inference.synthesis import GanSynthesis, Synthesis

    sampler = load(options.model, device_of(options.device))
    if not isinstance(sampler.degradation, Nothing):
        return Synthesis(of_sampler(sampler), options.rule or "chain", options.size or DEFAULT_SIZE, options.seed)
    if options.rule is not None:
        raise ValueError(f"--rule goes with a denoiser, and {options.model} is a GAN")
    return GanSynthesis(sampler, options.size, options.seed)


def synthesise(options: argparse.Namespace) -> None:
    """Draw, measure and write; what is written is there as a whole or not at all."""
    from ..train.inference.synthesis import to_pixels

    synthesis, distance = opened(options), None
    if options.like is not None:
        from ..train.evaluation.crop_distance import CropDistance

        channels, side, _ = synthesis.shape
        distance = CropDistance(options.like, channels, side, options.count)
    print(f"{PROGRAM}: {synthesis.cost(options.count)}", file=sys.stderr)
    with _folder(options.out), progress() as bar:
        task, start = bar.add_task("drawing", total=synthesis.calls(options.count)), time.perf_counter()
        pixels = [to_pixels(image) for image in synthesis.images(options.count, lambda: bar.advance(task))]
        record = _record(options, synthesis, time.perf_counter() - start)
        if distance is not None:
            record["distance"] = distance(pixels)
        _write(options.out, pixels, synthesis.way, record)
    if distance is not None:
        print(_in_words(record["distance"]))
    print(options.out)


def _in_words(distance: dict[str, float]) -> str:
    kid, error, floor, blurred = (1000 * distance[name] for name in ("kid", "kid_error", "floor", "blurred"))
    shares = ", ".join(f"{name} {distance[name]:.2f} ({distance[f'{name}_floor']:.2f})" for name in SHARES)
    return f"KID x 1,000: {kid:.1f} ± {error:.1f} (of other crops {floor:.1f}, of blurred ones {blurred:.1f}); {shares}"


@contextmanager
def _folder(out: Path) -> Iterator[None]:
    """The folder is there and this process's alone; made here, it is left where something was written to it."""
    from ..train.runs.folder import lock_folder

    made = not out.exists()
    try:
        with lock_folder(out):
            yield
    finally:
        if made:
            with suppress(OSError):
                out.rmdir()


def _record(options: argparse.Namespace, synthesis: Synthesis | GanSynthesis, seconds: float) -> dict[str, Any]:
    from ..models.features.weights import weights_hash
    from ..train.runs.provenance import provenance

    return {
        "model": options.model,
        "weights": weights_hash(synthesis.network),
        **synthesis.about,
        "seconds": round(seconds, 2),
        "count": options.count,
        "size": synthesis.shape[1:],
        "seed": options.seed,
        "device": str(device_of(options.device)),
        **provenance(),
    }


def _write(out: Path, pixels: list[Tensor], way: Way | None, record: dict[str, Any]) -> None:
    from ..data.image_io.write_png import encode_png
    from ..train.inference.synthesis import contact_sheet, to_pixels
    from ..train.runs.atomic_write import written_together

    shown = pixels[:IN_GRID]
    with written_together() as write:
        for number, image in enumerate(pixels, start=1):
            write(out / f"{number:05d}.png", encode_png(image))
        write(out / "grid.png", encode_png(contact_sheet(shown, math.ceil(math.sqrt(len(shown))))))
        if way is not None:
            strip = [*map(to_pixels, way.states), pixels[0], *map(to_pixels, way.denoised), pixels[0]]
            write(out / "way.png", encode_png(contact_sheet(strip, len(strip) // 2)))
        write(out / "synthesis.json", f"{json.dumps(record, indent=2)}\n")


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan synthesise``."""
    options = parse(arguments)
    with all_or_nothing(PROGRAM):
        check(options)
        synthesise(options)


if __name__ == "__main__":
    main()
