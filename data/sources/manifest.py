"""What ``pscgan prepare-data`` notes beside the shards it writes, so that a missing or cut one is known at once."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypedDict

MANIFEST = "shards.json"
VERSION = 1


class ShardEntry(TypedDict):
    """A finished shard: its file, images and bytes in it, and at which number of the names of the root it stops."""

    name: str
    images: int
    bytes: int
    sha256: str
    stop: int


class Manifest(TypedDict):
    """The shards of a folder in their order; from which options; which names could not be read; whether it ended."""

    version: int
    options: dict[str, Any]
    shards: list[ShardEntry]
    unreadable: list[str]
    complete: bool


def load_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder, or None where there is none.

    Raises:
        ValueError: if it is damaged or of another version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        manifest: Manifest = json.loads(path.read_bytes())
        version = manifest["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged; allowed is what pscgan prepare-data wrote") from error
    if version != VERSION:
        raise ValueError(f"{path} is of version {version}; allowed is {VERSION}")
    return manifest


def require_whole(folder: Path, present: Collection[str], together: bool) -> None:
    """Compare shards of a folder with its manifest, if it has one, by presence and size.

    Args:
        folder: of the manifest.
        present: the shards in it that will be read; of these only the listed ones are compared.
        together: whether they should be all of the folder.

    Raises:
        ValueError: naming the first shard that is missing or of another size, or if packing has not ended.
    """
    manifest = load_manifest(folder)
    if manifest is None:
        return
    if not manifest["complete"]:
        raise ValueError(
            f"{folder} is not packed to the end; give the same pscgan prepare-data command again before it is read"
        )
    missing = [entry["name"] for entry in manifest["shards"] if entry["name"] not in present]
    if together and missing:
        raise ValueError(
            f"shard {folder / missing[0]} is missing; of {len(manifest['shards'])} in {MANIFEST} {len(missing)} are"
        )
    for entry in manifest["shards"]:
        if entry["name"] in present:
            require_size(folder, entry)


def require_size(folder: Path, entry: ShardEntry) -> None:
    """Raise a ValueError naming the shard if it is missing or its size is not what the manifest says."""
    path = folder / entry["name"]
    if not path.is_file():
        raise ValueError(f"shard {path} is missing; {MANIFEST} lists it")
    size = path.stat().st_size
    if size != entry["bytes"]:
        raise ValueError(f"shard {path} has {size:,} bytes; {MANIFEST} says {entry['bytes']:,}")
