"""Which images a run trains on and has held out, in its folder."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from .atomic_write import atomic_write

IMAGES = "images.json.gz"


def write_names(folder: Path, names: Mapping[str, Sequence[str]]) -> None:
    """Write the names of each part of the split.

    Raises:
        OSError: naming the file, if it cannot be written.
    """
    content = json.dumps({part: list(found) for part, found in names.items()})
    atomic_write(folder / IMAGES, gzip.compress(content.encode(), compresslevel=1, mtime=0))


def difference(folder: Path, part: str, names: Sequence[str]) -> str:
    """How many images of a part are others than those written there, with one of each; empty if none, or none are."""
    if not (folder / IMAGES).exists():
        return ""
    before, now = set(json.loads(gzip.decompress((folder / IMAGES).read_bytes()))[part]), set(names)
    changes = {"added": now - before, "removed": before - now}
    said = [f"{len(some)} {change}, such as {min(some)}" for change, some in changes.items() if some]
    return " and ".join(said)
