"""From the bytes of a .jpg to its marker segments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xD8, 0xD9, 0xDA
HUFFMAN_TABLES, QUANTISATION_TABLES, RESTART_INTERVAL = 0xC4, 0xDB, 0xDD
FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7)
ALONE = (0x00, 0x01, *range(0xD0, START_OF_IMAGE + 1))  # no length follows, and none belongs between segments
LEVELS = (*FRAMES, HUFFMAN_TABLES, QUANTISATION_TABLES, RESTART_INTERVAL, START_OF_SCAN)

_AFTER_SCAN = re.compile(b"\xff[\x01-\xcf\xd8-\xfe]")  # what is neither a stuffed 255 nor a restart


class Segment(NamedTuple):
    """One marker, what it says, and where it stands.

    Attributes:
        marker: the byte after 255.
        body: what follows the length, without the entropy-coded data of a scan.
        start: offset of the marker.
        stop: offset behind the segment; for a start of scan, behind its entropy-coded data.
    """

    marker: int
    body: bytes
    start: int
    stop: int


def segments(data: bytes) -> Iterator[Segment]:
    """What stands between the start and the end of the image, both left out; bytes after the end are not looked at.

    Raises:
        ValueError: if the bytes are no JPEG, end before the image does, or hold anything but segments.
    """
    if not data:
        raise ValueError("the file is empty")
    if not data.startswith(bytes((0xFF, START_OF_IMAGE, 0xFF))[: len(data)]):
        raise ValueError(f"it is not a JPEG: it begins with the bytes {data[:3].hex(' ')}, allowed is ff d8 ff")
    position = 2
    while (segment := _segment(data, position)).marker != END_OF_IMAGE:
        yield segment
        position = segment.stop


def _segment(data: bytes, position: int) -> Segment:
    while data[position : position + 2] == b"\xff\xff":  # fill
        position += 1
    marker = data[position + 1 : position + 2]
    if not marker:
        raise ValueError("it is truncated: it has no end-of-image marker")
    if data[position] != 0xFF or marker[0] in ALONE:
        raise ValueError(f"it is damaged: no segment begins at byte {position}")
    if marker[0] == END_OF_IMAGE:
        return Segment(END_OF_IMAGE, b"", position, position + 2)
    length = int.from_bytes(data[position + 2 : position + 4])
    stop = position + 2 + length
    if stop > len(data) or len(data) < position + 4:
        raise ValueError(f"it is truncated: it ends inside the segment at byte {position}")
    if length < 2:
        raise ValueError(f"it is damaged: the segment at byte {position} has length {length}, allowed is 2 or more")
    body = data[position + 4 : stop]
    if marker[0] == START_OF_SCAN:
        after = _AFTER_SCAN.search(data, stop)
        if after is None:
            raise ValueError("it is truncated: it has no end-of-image marker")
        stop = after.start()
    return Segment(marker[0], body, position, stop)


def levels_only(data: bytes) -> bytes:
    """The same JPEG without metadata and comments, and without what follows its end.

    Raises:
        ValueError: as ``segments``.
    """
    kept = b"".join(data[part.start : part.stop] for part in segments(data) if part.marker in LEVELS)
    return bytes((0xFF, START_OF_IMAGE)) + kept + bytes((0xFF, END_OF_IMAGE))
