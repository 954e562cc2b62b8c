"""Image files of a zip archive."""

import struct
import zipfile
from bisect import bisect_left
from pathlib import Path

import numpy as np

from .folder import is_image
from .names import Names, digest

KEPT = ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits")
"""Of each member, of what the table of contents says."""
HEADER = struct.Struct("<4s22xHH")
"""Before the bytes of a member: its mark, and the lengths of two fields that follow."""


class ZipArchive:
    """The image files of a ``.zip`` archive, of any nesting.

    The table of contents is read once, at construction: Python's own takes a gigabyte for a million members, in each
    process. Reading an image opens the archive at its place, so that processes share no file position.

    Args:
        root: the archive.

    Attributes:
        names: paths in the archive.

    Raises:
        ValueError: if the archive is damaged.
    """

    shards: tuple[str, ...] = ()

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            with zipfile.ZipFile(root) as archive:
                members = {member.filename: member for member in archive.infolist() if is_image(member.filename)}
        except zipfile.BadZipFile as error:
            raise ValueError(f"root must be a whole .zip archive, got {root}, which is damaged: {error}") from error
        self.names = Names(sorted(members))
        kept = [[getattr(members[name], field) for field in KEPT] for name in self.names]
        self._kept = np.array(kept, dtype=np.int64).reshape(-1, len(KEPT))
        self.version = digest([self._kept[:, KEPT.index("CRC")].tobytes()])

    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        member = zipfile.ZipInfo(name)
        for field, value in zip(KEPT, self._kept[bisect_left(self.names, name)].tolist(), strict=True):
            setattr(member, field, value)
        if member.flag_bits & 1:
            raise RuntimeError("it is encrypted")
        with self.root.open("rb") as file:
            file.seek(member.header_offset)
            mark, *lengths = HEADER.unpack(file.read(HEADER.size).ljust(HEADER.size))
            if mark != b"PK\3\4":
                raise zipfile.BadZipFile("its header in the archive is damaged")
            file.seek(sum(lengths), 1)
            with zipfile.ZipExtFile(file, "r", member) as content:
                return content.read(num_bytes)
