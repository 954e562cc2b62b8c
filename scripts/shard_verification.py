"""Every byte of a folder of shards against its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from ..data.sources.manifest import MANIFEST, Manifest, load_manifest, require_size
from ..data.sources.tar_index import encode_index, index_path


def verify(out: Path, step: Callable[[], None]) -> Manifest:
    """Compare every byte of the shards of a folder with their manifest, calling ``step`` after each shard.

    Raises:
        ValueError: naming the first shard that is missing, damaged or not listed, or if there is no whole manifest.
    """
    manifest = load_manifest(out)
    if manifest is None or not manifest["complete"]:
        raise ValueError(f"--out is {out}; allowed is a folder that pscgan prepare-data has packed to the end")
    listed = {entry["name"] for entry in manifest["shards"]}
    strange = next((path for path in sorted(out.glob("*.tar")) if path.name not in listed), None)
    if strange is not None:
        raise ValueError(f"shard {strange} is not listed in {MANIFEST}")
    for entry in manifest["shards"]:
        require_size(out, entry)
        path = out / entry["name"]
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != entry["sha256"]:
            raise ValueError(f"shard {path} is damaged: its SHA-256 is not the one in {MANIFEST}")
        if index_path(path).read_bytes() != encode_index(path):
            raise ValueError(f"{index_path(path)} is damaged; without it the shard is scanned when it is opened")
        step()
    return manifest
