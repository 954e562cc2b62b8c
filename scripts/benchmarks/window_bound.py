"""How far any denoiser could get that sees a window of k x k pixels: a bound without a model, on photographs.

A library of clean windows stands for p(x) (Levin and Nadler, CVPR 2011). The PSNR of the MMSE lies between the two
columns, in expectation; where they stand apart, or few windows of the library count, the library is too small for the
window. Larger windows know more, so a network beats the bound of small ones::

    python -m pscgan.scripts.benchmarks.window_bound --sigma 50 --sides 3 5 7
    python -m pscgan.scripts.benchmarks.window_bound --library PHOTOS --images OTHERS --sigma 25
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...checks import require_in
from ...train.runs.cli_errors import report_user_errors
from ..command_line import Parser
from .timing import count, print_table

if TYPE_CHECKING:
    from torch import Tensor

    from ...data.sources.image_source import ImageSource

PROGRAM = "python -m pscgan.scripts.benchmarks.window_bound"


def windows(source: ImageSource, names: Sequence[str], side: int, number: int, seed: int) -> Tensor:
    """At least so many windows (N, C, side, side) in [0, 1], as many of each image, at places drawn by seed and image.

    Raises:
        ValueError: if an image cannot be read or is smaller than a window.
    """
    import torch

    from ...data.crops import require_size
    from ...data.measurement import size_of
    from ...rng import Rng

    share, found = -(-number // len(names)), []
    for place, name in enumerate(names):
        image = source.read(name)
        require_size(f"{source.root}/{name}", size_of(image), "side", side)
        rng = Rng(seed, f"windows of {side}", [place])
        rows, columns = (rng.randint(0, extent - side + 1, share)[0] for extent in size_of(image))
        every = image.unfold(1, side, 1).unfold(2, side, 1)  # a view, (C, rows, columns, side, side)
        found.append(every[:, rows, columns].transpose(0, 1).float() / 255)
    return torch.cat(found)


def rows(
    library: tuple[ImageSource, Sequence[str]],
    images: tuple[ImageSource, Sequence[str]],
    sides: Sequence[int],
    sizes: tuple[int, int],
    sigma: float,
    seed: int,
) -> Iterator[tuple[str, ...]]:
    """Side, both ends in dB with standard errors, and how much of the library counts."""
    from ...rng import Rng
    from ...train.metrics.decibels import decibels, psnr
    from ...train.metrics.window_mmse import window_mmse

    for side in sides:
        clean = windows(*images, side, sizes[0], seed)
        noisy = clean + sigma / 255 * Rng(seed, "noise", [side]).randn(*clean.shape)[0]
        found = window_mmse(clean, noisy, windows(*library, side, sizes[1], seed), sigma / 255)
        ends = [(found.lower, found.lower_error), (found.upper, found.upper_error)]
        shown = [f"{psnr(mse):.2f} ± {decibels(1 + error / mse):.2f}" for mse, error in ends]
        yield f"{side} x {side}", *shown, f"{found.effective:.3g}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("--library", help="root of the library (default: the other bundled photographs)")
    parser.add_argument("--images", help="root of other images (default: the bundled photographs that are held out)")
    parser.add_argument("--sigma", type=float, default=50.0, help="of the noise, on the 0..255 scale (default 50)")
    parser.add_argument("--sides", type=count, nargs="+", default=[3, 5, 7], help="of windows (default 3 5 7)")
    parser.add_argument("--windows", type=count, default=4000, help="noisy ones (default 4000)")
    parser.add_argument("--atoms", type=count, default=100_000, help="windows of the library (default 100000)")
    parser.add_argument("--seed", type=int, default=0, help="of places and noise (default 0)")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        from ...data.sources.image_source import BUNDLED, ImageSource
        from ...data.splits import held_out_photographs

        require_in("(0, inf)", sigma=options.sigma)
        held_out, opened = set(held_out_photographs()), []
        for root, is_held_out in ((options.library, False), (options.images, True)):
            source = ImageSource(root or BUNDLED)
            opened.append((source, [name for name in source.names if root or (name in held_out) == is_held_out]))
        sizes = (options.windows, options.atoms)
        found = list(rows(opened[0], opened[1], options.sides, sizes, options.sigma, options.seed))
    title = f"PSNR of the MMSE, sigma {options.sigma:g}"
    print_table(title, ("window", "at most, dB", "at least, dB", "of the library count"), found)


if __name__ == "__main__":
    main()
