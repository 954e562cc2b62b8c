"""Images of a root into shards, goes on wherever it was killed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from ..data.image_io.decode import UnreadableImage
from ..data.image_io.write_png import encode_png
from ..data.sources.folder import is_image
from ..data.sources.image_source import ImageSource
from ..data.sources.manifest import MANIFEST, VERSION, Manifest, load_manifest, require_size
from ..data.sources.tar_index import encode_index, index_path
from ..train.runs.atomic_write import atomic_write
from .shard_file import ShardFile

SIGNATURES = {b"\x89P": ".png", b"\xff\xd8": ".jpg", b"RI": ".webp", b"II": ".tif", b"MM": ".tif"}
"""Extensions by the first two bytes, for files without a name."""


@dataclass(frozen=True)
class Options:
    """What is packed and how.

    Attributes:
        root: see ``open_root``.
        images_per_shard: at most, or None.
        megabytes_per_shard: a shard ends with the image that reaches so many 10^6 bytes, or None.
        size: side in pixels to which the central square of each image is reduced, or None.
        format: ``"keep"`` for the bytes of the file, ``"png"`` for its 8-bit pixels.
    """

    root: str
    images_per_shard: int | None
    megabytes_per_shard: float | None
    size: int | None
    format: Literal["keep", "png"]


class Packing:
    """Shards 000000.tar, 000001.tar ... and their manifest in a folder, begun or gone on with.

    A shard is a function of the options and of the name it starts with. It is written beside its place, then its index;
    it is noted in the manifest, then put in place. Whatever the moment of a kill, what the manifest lists is whole, and
    it is not written again.

    Args:
        options: what is packed and how.
        out: the folder.

    Attributes:
        names: of all images of the root, in the order in which they are packed.
        manifest: of what is finished.

    Raises:
        ValueError: if the root cannot be opened, two images would get one name, or the folder is the root itself.
    """

    def __init__(self, options: Options, out: Path) -> None:
        self.options = options
        self.out = out
        self.source = ImageSource(options.root, resize=options.size)
        self.names = self.source.names
        if options.format == "png":
            _require_unique(self.names)
        if isinstance(self.source.root, Path) and out.resolve() == self.source.root.resolve():
            raise ValueError(f"--out is {out}, the root itself; allowed is another folder")
        self.manifest = Manifest(version=VERSION, options={}, shards=[], unreadable=[], complete=False)

    @property
    def done(self) -> int:
        """How many names have been dealt with."""
        if self.manifest["complete"]:
            return len(self.names)
        return self.manifest["shards"][-1]["stop"] if self.manifest["shards"] else 0

    def resume(self) -> None:
        """Take up what lies in the folder, which nobody else may write to from here on (see ``alone_in``).

        Raises:
            ValueError: if it was begun with other options, lacks a finished shard, or holds shards of other origin.
        """
        options = _comparable(self.options, self.source)
        manifest = load_manifest(self.out)
        if manifest is None:
            self.manifest["options"] = options
            self._require_no_shards()
            return
        for name, value in options.items():
            begun = manifest["options"].get(name)
            if begun != value:
                raise ValueError(
                    f"{name} is {value}, but the shards in {self.out} were begun with {begun}; choose another --out"
                )
        self.manifest = manifest
        self._put_in_place()
        for entry in manifest["shards"]:
            require_size(self.out, entry)

    def run(self, step: Callable[[], None]) -> None:
        """Write what is left, calling ``step`` after each image.

        Raises:
            ValueError: if an image is smaller than ``size``, or none can be read.
            OSError: naming the file that cannot be written.
        """
        while not self.manifest["complete"]:
            self._write_shard(step)

    def _write_shard(self, step: Callable[[], None]) -> None:
        name = f"{len(self.manifest['shards']):06d}.tar"
        unreadable: list[str] = []
        stop = self.done
        with ShardFile(self._part(name)) as shard:
            while stop < len(self.names) and not self._full(shard):
                try:
                    shard.add(*self._encoded(self.names[stop]))
                except UnreadableImage as error:
                    unreadable.append(str(error))
                stop += 1
                step()
        entries = [*self.manifest["shards"]]
        if shard.images:
            entries.append({"name": name, "stop": stop, **shard.facts})  # type: ignore[typeddict-item]
        if not entries:
            raise ValueError(f"root is {self.options.root}; it holds no readable image among {stop} files")
        self.manifest["shards"] = entries
        self.manifest["unreadable"] += unreadable
        self.manifest["complete"] = stop == len(self.names)
        if shard.images:
            atomic_write(index_path(self.out / name), encode_index(self._part(name)))
        atomic_write(self.out / MANIFEST, f"{json.dumps(self.manifest, indent=1)}\n".encode())
        self._put_in_place()

    def _full(self, shard: ShardFile) -> bool:
        images, megabytes = self.options.images_per_shard, self.options.megabytes_per_shard
        return shard.images == images or (megabytes is not None and shard.payload >= 1e6 * megabytes)

    def _encoded(self, name: str) -> tuple[str, bytes]:
        if self.options.format == "png":
            return _as_png(name), encode_png(self.source.read(name))
        data = self.source.read_file(name)
        return name if is_image(name) else name + SIGNATURES[data[:2]], data

    def _part(self, name: str) -> Path:
        return self.out / f"{name}.part"

    def _put_in_place(self) -> None:
        """The last shard of the manifest, if it is not there yet."""
        for entry in self.manifest["shards"][-1:]:
            path, part = self.out / entry["name"], self._part(entry["name"])
            if part.exists() and not path.exists():
                part.replace(path)

    def _require_no_shards(self) -> None:
        strange = next(iter(sorted(self.out.glob("*.tar"))), None)
        if strange is not None:
            raise ValueError(f"--out is {self.out}; it holds {strange.name} of other origin, choose another folder")


def _comparable(options: Options, source: ImageSource) -> dict[str, Any]:
    """What must be the same when packing goes on."""
    names = "\n".join(source.names).encode("utf-8", "surrogateescape")
    return {
        "root": str(source.root.resolve() if isinstance(source.root, Path) else source.root),
        "images": len(source.names),
        "sha256 of the names": hashlib.sha256(names).hexdigest(),
        "--images-per-shard": options.images_per_shard,
        "--megabytes-per-shard": options.megabytes_per_shard,
        "--size": options.size,
        "--format": options.format,
    }


def _as_png(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(".png"))


def _require_unique(names: Sequence[str]) -> None:
    taken: dict[str, str] = {}
    for name in names:
        other = taken.setdefault(_as_png(name), name)
        if other != name:
            raise ValueError(f"{other} and {name} would both become {_as_png(name)}; allowed is one image of a stem")
