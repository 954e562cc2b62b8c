"""One WebDataset shard on its way to the disk."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any


class _CountedFile:
    """What a tar writer needs of a file; after ``abandon`` it takes anything and writes nothing."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.bytes = 0
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        if self.file.closed:
            return
        self.file.write(data)
        self.bytes += len(data)
        self.sha256.update(data)

    def finish(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def abandon(self) -> None:
        with suppress(OSError):  # what is left in its buffer does not fit either
            self.file.close()


class ShardFile:
    """A ``.tar`` of images, the same bytes for the same images; gone again if it was not written to the end.

    Args:
        path: of the file, which is replaced.

    Attributes:
        images: so far.
        payload: bytes of these images.

    Raises:
        ValueError: if the package ``webdataset`` is not installed.
        OSError: naming the file, if it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.images = self.payload = 0
        writer = _tar_writer()
        try:
            self._file = _CountedFile(path)
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._writer = writer(self._file, encoder=False, compress=False, mtime=0, format="PAX_FORMAT")

    def add(self, name: str, data: bytes) -> None:
        """One more image; name with its extension."""
        suffix = PurePosixPath(name).suffix
        self.payload += self._writer.write({"__key__": name.removesuffix(suffix), suffix[1:]: data})
        self.images += 1

    @property
    def facts(self) -> dict[str, Any]:
        """What a manifest says of the finished file."""
        return {"images": self.images, "bytes": self._file.bytes, "sha256": self._file.sha256.hexdigest()}

    def __enter__(self) -> ShardFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None and self.images:
                self._writer.close()
                self._file.finish()
                return
        except OSError as other:
            error = other
        self._file.abandon()
        self._writer.close()
        self.path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _cannot_write(self.path, error) from error


def _tar_writer() -> Any:
    try:
        from webdataset import TarWriter
    except ImportError as error:
        raise ValueError(
            "shards are written by the package webdataset, which is not installed: pip install 'pscgan[webdataset]'"
        ) from error
    return TarWriter


def _cannot_write(path: Path, error: OSError) -> OSError:
    return OSError(f"cannot write {path}: {error.strerror or error}")
