"""``pscgan prepare-data``: pack the images of any root into WebDataset shards, which slow and network disks read well.

pscgan prepare-data photos/ --out shards
pscgan prepare-data "hf:user/name?split=train" --out shards --size 256 --images-per-shard 1000
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..checks import optional_package, require_at_least
from ..train.runs.cli_errors import report_user_errors
from .command_line import Parser

if TYPE_CHECKING:
    from ..data.sources.image_source import ImageSource

PROGRAM = "pscgan prepare-data"
SIGNATURES = {b"\x89P": ".png", b"\xff\xd8": ".jpg", b"RI": ".webp", b"II": ".tif", b"MM": ".tif"}
"""Extensions by the first two bytes, for files without a name."""


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("root", help="folder, .zip, shards, hf:NAME or bundled:photos; any root of a data set")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the shards")
    parser.add_argument("--images-per-shard", type=int, default=100_000, help="at most (default %(default)s)")
    parser.add_argument(
        "--megabytes-per-shard", type=float, default=500.0, help="end a shard at this size (default %(default)g)"
    )
    parser.add_argument("--size", type=int, help="side in pixels to which the central square is reduced; writes PNG")
    return parser.parse_args(arguments)


def prepare(options: argparse.Namespace) -> list[str]:
    """Write all shards to a temporary folder beside ``out`` and rename it at the end.

    Returns:
        The reasons why images could not be read; these are left out.

    Raises:
        ValueError: if an option is out of range, ``out`` exists and is not empty, the temporary folder of an
            interrupted run is there, no image can be read, or see ``ImageSource``.
        OSError: if a shard cannot be written.
    """
    for name in ("images_per_shard", "size"):
        if getattr(options, name) is not None:
            require_at_least(1, **{f"--{name.replace('_', '-')}": getattr(options, name)})
    if not 0 < options.megabytes_per_shard < float("inf"):
        raise ValueError(f"--megabytes-per-shard must be > 0, got {options.megabytes_per_shard}")
    from ..data.sources.image_source import ImageSource

    source = ImageSource(options.root, resize=options.size)
    names = _packed_names(source, options.size)
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        raise ValueError(f"--out must be a new or empty folder, got {options.out}")
    temporary = options.out.with_name(f"{options.out.name}.part")
    if temporary.exists():
        raise ValueError(f"{temporary} was left by an interrupted run, or another run writes it now; delete it first")
    temporary.mkdir(parents=True)
    try:
        unreadable = _write(source, names, temporary, options)
        temporary.rename(options.out)
    except BaseException:
        shutil.rmtree(temporary)
        raise
    return unreadable


def _packed_names(source: ImageSource, size: int | None) -> Iterable[str]:
    """Names in the shards, which end in .png where pixels are new; of files without an extension see ``_write``."""
    if size is None:
        return source.names
    taken: dict[str, str] = {}
    for name in source.names:
        packed = str(PurePosixPath(name).with_suffix(".png"))
        if packed in taken:
            raise ValueError(f"{taken[packed]} and {name} would both become {packed}")
        taken[packed] = name
    return taken


def _write(source: ImageSource, names: Iterable[str], folder: Path, options: argparse.Namespace) -> list[str]:
    from rich.console import Console
    from rich.progress import track

    from ..data.image_io.decode import UnreadableImage
    from ..data.image_io.write_png import encode_png
    from ..data.sources.folder import is_image

    unreadable: list[str] = []
    pattern = f"{str(folder.absolute()).replace('%', '%%')}/%06d.tar"
    limits = {"maxcount": options.images_per_shard, "maxsize": 1e6 * options.megabytes_per_shard}
    form = {"encoder": False, "compress": False, "mtime": 0, "format": "PAX_FORMAT"}
    pairs = list(zip(source.names, names, strict=True))
    console = Console(stderr=True)
    webdataset = optional_package("webdataset", "webdataset", "writing shards")
    with webdataset.ShardWriter(pattern, **limits, **form, verbose=0) as writer:
        for name, packed in track(pairs, "images", console=console, disable=not console.is_terminal, transient=True):
            try:
                data = source.read_file(name) if options.size is None else encode_png(source.read(name))
            except UnreadableImage as error:
                unreadable.append(str(error))
                continue
            packed = packed if is_image(packed) else packed + SIGNATURES[data[:2]]
            suffix = PurePosixPath(packed).suffix
            writer.write({"__key__": packed.removesuffix(suffix), suffix[1:]: data})
    if len(unreadable) == len(pairs):
        raise ValueError(f"root is {source.root}; none of its {len(pairs)} image files can be read")
    return unreadable


def main(arguments: list[str] | None = None) -> None:
    """Run ``pscgan prepare-data``; the exit code is 2 if images were left out."""
    options = parse(arguments)
    with report_user_errors(PROGRAM):
        unreadable = prepare(options)
    shards = list(options.out.glob("*.tar"))
    print(f"{options.out}: {len(shards):,} shards, {sum(shard.stat().st_size for shard in shards) / 1e6:,.1f} MB")
    for reason in unreadable:
        print(f"{PROGRAM}: {reason}", file=sys.stderr)
    if unreadable:
        print(f"{PROGRAM}: {len(unreadable):,} images cannot be read and were left out", file=sys.stderr)
    sys.exit(2 if unreadable else 0)


if __name__ == "__main__":
    main()
