"""``pscgan prepare-data``: images of any root into shards, which slow and network disks read well.

The same command goes on where it was interrupted, also by kill -9, and ends with the same bytes::

    pscgan prepare-data photos/ --out shards
    pscgan prepare-data "hf:user/name?split=train" --out shards --size 256 --images-per-shard 1000
    pscgan prepare-data --out shards --verify
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from ..checks import require_at_least
from ..data.sources.manifest import Manifest, load_manifest
from ..train.runs.cli_errors import report_user_errors
from ..train.runs.folder import FolderLock
from .packing import Options, Packing
from .shard_verification import verify

PROGRAM = "pscgan prepare-data"
MEGABYTES = 500.0
"""Of images in a shard, where nothing is asked for."""


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=(__doc__ or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", nargs="?", help="folder, .zip, shards, hf:NAME or bundled:photos; none with --verify")
    parser.add_argument("--out", type=Path, required=True, help="folder for the shards and shards.json")
    shard = parser.add_mutually_exclusive_group()
    shard.add_argument("--images-per-shard", type=int, help="so many")
    shard.add_argument(
        "--megabytes-per-shard",
        type=float,
        help=f"a shard ends with the image that reaches this (default {MEGABYTES:g})",
    )
    parser.add_argument("--size", type=int, help="side in pixels to which the central square is reduced (Lanczos)")
    formats = "keep: the bytes of the file (default); png: 8-bit pixels (default and only choice with --size)"
    parser.add_argument("--format", choices=("keep", "png"), help=formats)
    parser.add_argument("--verify", action="store_true", help="compare the checksums of all shards at the end")
    options = parser.parse_args(arguments)
    if options.root is None and not options.verify:
        parser.error("a root is missing; it may be left out with --verify")
    return options


def prepare(options: argparse.Namespace) -> int:
    """Pack, verify, or both; the exit code, 2 if images were left out.

    Raises:
        ValueError: if an option is not what is allowed, or see ``Packing`` and ``verify``.
        OSError: naming the file that cannot be written.
    """
    if options.root is None:
        return _report(_verify(options.out), options.out)
    manifest = _pack(_options(options), options.out)
    return _report(_verify(options.out) if options.verify else manifest, options.out)


def _options(options: argparse.Namespace) -> Options:
    megabytes = options.megabytes_per_shard
    if options.images_per_shard is None and megabytes is None:
        megabytes = MEGABYTES
    for name in ("images_per_shard", "size"):
        if getattr(options, name) is not None:
            require_at_least(1, **{f"--{name.replace('_', '-')}": getattr(options, name)})
    if megabytes is not None and not 0 < megabytes < float("inf"):
        raise ValueError(f"--megabytes-per-shard is {megabytes}; allowed is more than 0")
    if options.size is not None and options.format == "keep":
        raise ValueError("--format is keep; allowed with --size is png, because the pixels are new")
    png = options.format == "png" or options.size is not None
    return Options(options.root, options.images_per_shard, megabytes, options.size, "png" if png else "keep")


def _pack(options: Options, out: Path) -> Manifest:
    packing = Packing(options, out)
    with FolderLock(out):
        packing.resume()
        with _progress("images", packing.done, len(packing.names)) as step:
            packing.run(step)
    return packing.manifest


def _verify(out: Path) -> Manifest:
    shards = (load_manifest(out) or {"shards": []})["shards"]
    with _progress("shards", 0, len(shards)) as step:
        return verify(out, step)


def _report(manifest: Manifest, out: Path) -> int:
    shards, unreadable = manifest["shards"], manifest["unreadable"]
    images, size = sum(entry["images"] for entry in shards), sum(entry["bytes"] for entry in shards)
    print(f"{out}: {images:,} images in {len(shards):,} shards, {size / 1e6:,.1f} MB")
    for reason in unreadable:
        print(f"{PROGRAM}: {reason}", file=sys.stderr)
    if unreadable:
        total = images + len(unreadable)
        print(f"{PROGRAM}: {len(unreadable):,} of {total:,} images cannot be read and are left out", file=sys.stderr)
    return 2 if unreadable else 0


@contextmanager
def _progress(what: str, done: int, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; yields what moves it on."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total, completed=done)
        yield lambda: bar.advance(task)


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan prepare-data``."""
    options = parse(arguments)
    with report_user_errors(PROGRAM):
        try:
            code = prepare(options)
        except KeyboardInterrupt:
            code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
