"""What exact JPEG costs, as ratios of works that are timed in turn.

Encoding: 32 images of 128 pixels by ``data.jpeg`` against a loop over Pillow, one CPU thread each; Pillow also writes
the file, ``data.jpeg`` ends at the quantised coefficients. With a CUDA device also the batch there, against the same
loop.

Exact projection: seconds a megapixel from what a network may return, an image with a little noise, and from a blurred
one, also as a multiple of the exact encoding of the same image.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from .timing import Works, alternate, choose_device, count, describe, make_parser, print_table

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PROGRAM = "python -m pscgan.scripts.benchmarks.jpeg"
COUNT, SIZE, ENCODED_QUALITY = 32, 128, 50
PROJECTED_QUALITIES = (10, 20, 30, 50)
CHROMA = ("4:2:0", "4:4:4")
NOISE_STD, BLUR_WIDTH = 3.0, 5


def crops(number: int, side: int) -> Tensor:
    """Centres of the bundled photographs, repeated where they are too few, uint8 (number, 3, side, side)."""
    import torch

    from ...data.crops import center_crop
    from ...data.sources.image_source import BUNDLED, ImageSource

    source = ImageSource(BUNDLED)
    squares = [center_crop(source.read(name), side) for name in source.names[:number]]
    return torch.stack(squares).repeat(-(-number // len(squares)), 1, 1, 1)[:number].contiguous()


def encoding(chroma: str, device: torch.device, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of the batch and of the loop, and their ratio."""
    import torch
    from PIL import Image

    from ...data.jpeg import codec
    from ...data.jpeg.coefficients import SAMPLINGS
    from ...data.jpeg.quantisation import tables_of_quality

    pixels = crops(COUNT, SIZE)
    images = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in pixels]
    tables = tables_of_quality(torch.full((COUNT,), ENCODED_QUALITY, device=device), 3)

    def pillow() -> None:
        for image in images:
            image.save(io.BytesIO(), "JPEG", quality=ENCODED_QUALITY, subsampling=chroma)

    works: Works = {"batch": partial(codec.encode, pixels.to(device), tables, SAMPLINGS[chroma]), "loop": pillow}
    times = alternate(works, device, rounds)
    return times.median_ms("batch"), times.median_ms("loop"), times.median_ratio("batch", "loop")


def projection(truth: Tensor, chroma: str, quality: int, rounds: int) -> dict[str, tuple[float, float, float]]:
    """By start: seconds a megapixel, the ratio to an exact encoding, and the share of exact blocks."""
    import torch
    from torch.nn import functional as F

    from ...data.jpeg import codec
    from ...data.jpeg.coefficients import SAMPLINGS
    from ...data.jpeg.exact_projection import project_exactly
    from ...data.jpeg.quantisation import tables_of_quality
    from ...data.jpeg.verify import verify

    tables = tables_of_quality(torch.tensor([quality], device=truth.device), 3)
    coefficients = codec.encode(truth, tables, SAMPLINGS[chroma])
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0)).to(truth.device)
    starts = {
        "restored": truth + NOISE_STD * noise,
        "blurred": F.avg_pool2d(truth.float(), BLUR_WIDTH, 1, BLUR_WIDTH // 2, count_include_pad=False),
    }
    works: Works = {name: partial(project_exactly, start, coefficients) for name, start in starts.items()}
    times = alternate(
        works | {"encode": partial(codec.encode, truth, tables, coefficients.sampling)}, truth.device, rounds
    )
    figures = {}
    for name, start in starts.items():
        found = verify(project_exactly(start, coefficients), coefficients)
        a_megapixel = 1000 * times.median_ms(name) / truth[0, 0].numel()
        exact = 1 - (found.blocks_wrong / found.blocks).item()
        figures[name] = (a_megapixel, times.median_ratio(name, "encode"), exact)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of encoding and one of projection."""
    parser = make_parser(PROGRAM, __doc__, rounds=5)
    parser.add_argument("--crops", type=count, default=10, help="of photographs, projected as one image (default 10)")
    parser.add_argument("--size", type=count, default=320, help="side of these crops in pixels (default 320)")
    parser.add_argument("--threads", type=count, default=2, help="of the CPU for the projection (default 2)")
    options = parser.parse_args(arguments)
    import torch

    device, rows = choose_device(options.device), []
    torch.set_num_threads(1)
    for where in dict.fromkeys([choose_device("cpu"), device]):
        for chroma in CHROMA:
            batch, loop, ratio = encoding(chroma, where, options.rounds)
            rows.append((f"{chroma}, {describe(where)}", f"{batch:.3g}", f"{loop:.3g}", f"{ratio:.2f}"))
    print_table(f"encode {COUNT} images of {SIZE} px", ["", "data.jpeg, ms", "Pillow, ms", "ratio"], rows)
    torch.set_num_threads(options.threads)
    truth, rows = torch.cat([*crops(options.crops, options.size)], dim=-1)[None].to(device), []
    for chroma in CHROMA:
        for quality in PROJECTED_QUALITIES:
            for start, (time, ratio, exact) in projection(truth, chroma, quality, options.rounds).items():
                label = f"{chroma}, quality {quality}, {start}"
                rows.append((label, f"{time:.3g}", f"{ratio:.1f}", f"{100 * exact:.4g} %"))
    title = f"exact projection, {truth[0, 0].numel() / 1e6:.2g} megapixels, {describe(device)}"
    print_table(title, ["", "s a megapixel", "exact encodings", "blocks exact"], rows)


if __name__ == "__main__":
    main()
