"""What exact JPEG costs, as ratios of works that alternate in the same run.

Encoding: 32 pictures of 128 pixels by ``data.jpeg`` against a loop over Pillow, one CPU thread each; Pillow also writes
the file, ``data.jpeg`` ends at the levels. With a CUDA device also the batch there, against the same loop.

Exact projection: seconds a megapixel from what a network may return, a picture with a little noise, and from a blurred
one, also as a multiple of the exact encoding of the same picture.
"""

from __future__ import annotations

import argparse
import io
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F

from ...data.jpeg import codec
from ...data.jpeg.coefficients import SAMPLINGS
from ...data.jpeg.exact_projection import project_exactly
from ...data.jpeg.quantisation import tables_of_quality
from ...data.jpeg.verify import verify
from ...data.sources.image_source import BUNDLED, ImageSource
from .throughput import seconds

COUNT, SIZE, ENCODED_QUALITY = 32, 128, 50
PROJECTED_QUALITIES = (10, 20, 30, 50)
NOISE_STD, BLUR_WIDTH = 3.0, 5
MEGAPIXEL, TILE = 1_000_000, 320


def photographs(count: int, height: int, width: int) -> Tensor:
    """Centres of the bundled photographs, repeated where they are too few or too small, (count, 3, height, width)."""
    source = ImageSource(BUNDLED)
    crops = []
    for name in source.names[:count]:
        pixels = source.read(name)
        pixels = pixels.repeat(1, -(-height // pixels.shape[1]), -(-width // pixels.shape[2]))
        top, left = (pixels.shape[1] - height) // 2, (pixels.shape[2] - width) // 2
        crops.append(pixels[:, top : top + height, left : left + width])
    return torch.stack(crops).repeat(-(-count // len(crops)), 1, 1, 1)[:count].contiguous()


def mosaic(megapixels: float) -> Tensor:
    """All bundled photographs side by side, (1, 3, H, W) of about so many megapixels."""
    side = min(TILE, round((megapixels * MEGAPIXEL) ** 0.5))
    tiles = photographs(max(1, round(megapixels * MEGAPIXEL / side**2)), side, side)
    return tiles.permute(1, 2, 0, 3).reshape(1, 3, side, -1)


def alternate(works: dict[str, Callable[[], Any]], device: torch.device, rounds: int) -> dict[str, list[float]]:
    """Seconds of each work in each round; works take turns, and the first round is thrown away."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            taken[name].append(seconds(work, device))
    return {name: times[1:] for name, times in taken.items()}


def median_ratio(times: dict[str, list[float]], name: str, against: str) -> float:
    """Of the times of the same round."""
    return statistics.median(one / two for one, two in zip(times[name], times[against], strict=True))


def encoding(sampling: str, device: torch.device, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of the batch and of the loop, and their ratio."""
    pictures = photographs(COUNT, SIZE, SIZE)
    images = [Image.fromarray(picture.permute(1, 2, 0).numpy()) for picture in pictures]
    batch = pictures.to(device)
    tables = tables_of_quality(torch.full((COUNT,), ENCODED_QUALITY, device=device), 3)

    def pillow() -> None:
        for image in images:
            image.save(io.BytesIO(), "JPEG", quality=ENCODED_QUALITY, subsampling=sampling)

    works = {"batch": lambda: codec.encode(batch, tables, SAMPLINGS[sampling]), "loop": pillow}
    times = alternate(works, device, rounds)
    batch_ms, loop_ms = (1000 * statistics.median(times[name]) for name in works)
    return batch_ms, loop_ms, median_ratio(times, "batch", "loop")


def projection(truth: Tensor, sampling: str, quality: int, rounds: int) -> dict[str, tuple[float, float, float]]:
    """By start: seconds a megapixel, the ratio to an exact encoding, and the share of exact blocks."""
    tables = tables_of_quality(torch.tensor([quality], device=truth.device), 3)
    coded = codec.encode(truth, tables, SAMPLINGS[sampling])
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(truth.shape, generator=generator).to(truth.device)
    starts = {
        "restored": truth + NOISE_STD * noise,
        "blurred": F.avg_pool2d(truth.float(), BLUR_WIDTH, 1, BLUR_WIDTH // 2, count_include_pad=False),
    }
    works: dict[str, Callable[[], Any]] = {"encode": partial(codec.encode, truth, tables, coded.sampling)}
    for name, start in starts.items():
        works[name] = partial(project_exactly, start, coded)
    times = alternate(works, truth.device, rounds)
    figures = {}
    for name, start in starts.items():
        certificate = verify(project_exactly(start, coded), coded)
        wrong = (certificate.blocks_wrong / certificate.blocks).item()
        a_megapixel = statistics.median(times[name]) * MEGAPIXEL / truth[0, 0].numel()
        figures[name] = (a_megapixel, median_ratio(times, name, "encode"), 1 - wrong)
    return figures


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many CPU threads within."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def encoding_table(devices: list[torch.device], rounds: int) -> Table:
    """Of all devices and samplings."""
    table = Table("", "data.jpeg, ms", "Pillow, ms", "ratio", title=f"encode {COUNT} pictures of {SIZE} px")
    with threads(1):
        for device in devices:
            for sampling in ("4:2:0", "4:4:4"):
                batch, loop, ratio = encoding(sampling, device, rounds)
                label = f"{sampling}, {'1 thread' if device.type == 'cpu' else device.type}"
                table.add_row(label, f"{batch:.3g}", f"{loop:.3g}", f"{ratio:.2f}")
    return table


def projection_table(device: torch.device, megapixels: float, thread_count: int, rounds: int) -> Table:
    """Of both samplings, all qualities and starts."""
    truth = mosaic(megapixels).to(device)
    where = f"{thread_count} threads" if device.type == "cpu" else device.type
    title = f"exact projection, {truth[0, 0].numel() / MEGAPIXEL:.2g} megapixels, {where}"
    table = Table("sampling", "quality", "start", "s a megapixel", "exact encodings", "blocks exact", title=title)
    with threads(thread_count):
        for sampling in ("4:2:0", "4:4:4"):
            for quality in PROJECTED_QUALITIES:
                for start, (time, ratio, exact) in projection(truth, sampling, quality, rounds).items():
                    figures = (f"{time:.3g}", f"{ratio:.1f}", f"{100 * exact:.4g} %")
                    table.add_row(sampling, str(quality), start, *figures)
    return table


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pscgan.scripts.benchmarks.jpeg",
        description=(__doc__ or "").strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--megapixels", type=float, default=1.0, help="of the picture that is projected (default 1)")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU for the projection (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds after the one that warms up (default 5)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    for name in ("threads", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; allowed is 1 or more")
    if not options.megapixels > 0:
        parser.error(f"--megapixels is {options.megapixels}; allowed is more than 0")
    return options


def main(arguments: list[str] | None = None) -> None:
    """The command ``python -m pscgan.scripts.benchmarks.jpeg``."""
    options = _parse(arguments)
    device, console = torch.device(options.device), Console(highlight=False)
    devices = [torch.device("cpu"), *([device] if device.type != "cpu" else [])]
    console.print(encoding_table(devices, options.rounds))
    console.print(projection_table(device, options.megapixels, options.threads, options.rounds))


if __name__ == "__main__":
    main()
