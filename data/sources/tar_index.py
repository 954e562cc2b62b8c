"""Where the images lie in a WebDataset shard."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .folder import is_image

BLOCK = 512
"""Bytes; a tar archive is made of such blocks and ends with blocks of zeros."""


class Member(NamedTuple):
    """An image in a shard: its name, and the place of its bytes."""

    name: str
    offset: int
    size: int


def image_members(path: Path) -> Iterable[Member]:
    """The images of a shard in their order, from the index beside it if it is of a shard of this size, or by ``scan``.

    Raises:
        ValueError: see ``scan``.
    """
    try:
        index = json.loads(index_path(path).read_bytes())
        if index["bytes"] == path.stat().st_size:
            return [Member(*image) for image in index["images"]]
    except (OSError, ValueError, KeyError, TypeError):  # there is none, or it is damaged; the shard itself decides
        pass
    return scan(path)


def index_path(path: Path) -> Path:
    """Where the index of a shard lies."""
    return path.with_name(f"{path.name}.index.json")


def encode_index(path: Path) -> bytes:
    """The index of a shard, which spares opening it a read for each image."""
    return json.dumps({"bytes": path.stat().st_size, "images": list(scan(path))}).encode()


def scan(path: Path) -> Iterator[Member]:
    """The images of a shard in their order. Only headers are read. Links and what is no image are left out.

    Raises:
        ValueError: naming the shard, if it is not there, is no plain .tar, is truncated, or has a damaged header.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if member.isreg() and not member.issparse() and is_image(member.name):
                    yield Member(member.name, member.offset_data, member.size)
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
            end = archive.offset
        _require_end(path, end)
    except FileNotFoundError as error:
        raise ValueError(f"shard {path} is missing; allowed is a root whose shards are all there") from error
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ValueError(f"shard {path} is damaged or truncated, or no uncompressed .tar: {error}") from error


def _require_end(path: Path, end: int) -> None:
    """Behind the last whole member: tarfile takes a damaged header and a cut between members for the end."""
    with path.open("rb") as file:
        file.seek(end)
        block = file.read(BLOCK)
    if len(block) < BLOCK or any(block):
        raise EOFError(f"after {end:,} bytes there is neither an image nor the end of the archive")
