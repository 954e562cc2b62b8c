"""What a .jpg declares about itself, read before anything is decoded."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .coefficients import BLOCK

JFIF, ADOBE, HIERARCHY = 0xE0, 0xEE, 0xDE
COEFFICIENTS = BLOCK * BLOCK


def _along_the_diagonals(index: int) -> tuple[int, int]:
    row, column = divmod(index, BLOCK)
    return row + column, row if (row + column) % 2 else column


ZIGZAG = sorted(range(COEFFICIENTS), key=_along_the_diagonals)
"""Row-major index, vertical frequency first, of each coefficient in the order of the file."""


class Component(NamedTuple):
    """As the frame declares it: sampling factors (how finely it is sampled), and the number of its table."""

    identifier: int
    horizontal: int
    vertical: int
    table: int


class Scan(NamedTuple):
    """Which components (by place in the frame) and coefficients (first..last in zigzag order) down to which bit."""

    components: tuple[int, ...]
    first: int
    last: int
    lowest_bit: int


@dataclass(frozen=True)
class Header:
    """All that the markers say; whether that is a file we read, ``support_check`` says.

    Attributes:
        frame: marker of the frame: 0xC0 baseline, 0xC2 progressive, and so on.
        precision: bits a sample.
        height: in pixels; 0 where a later marker would say it.
        width: in pixels.
        components: in the order of the frame.
        tables: quantisation steps by number of the table, 64 each, row-major with vertical frequency first.
        scans: in the order of the file.
        jfif: whether a JFIF segment says that three components are Y, Cb and Cr.
        adobe_transform: 0 none, 1 YCbCr, 2 YCCK; None without an Adobe segment.
    """

    frame: int
    precision: int
    height: int
    width: int
    components: tuple[Component, ...]
    tables: dict[int, tuple[int, ...]] = field(default_factory=dict)
    scans: tuple[Scan, ...] = ()
    jfif: bool = False
    adobe_transform: int | None = None


def parse(data: bytes) -> Header:
    """Read the markers of a whole .jpg, from start to end of image.

    Raises:
        ValueError: with the reason, if they are not a JPEG's, are cut short, or contradict each other.
    """
    frame: Header | None = None
    tables: dict[int, tuple[int, ...]] = {}
    scans: list[Scan] = []
    jfif, adobe_transform = False, None
    for marker, body, _, _ in segments(data):
        if marker in FRAMES or marker == HIERARCHY:
            if frame is not None and frame.frame != HIERARCHY:
                raise ValueError("it is damaged: it declares two frames")
            frame = frame or _frame(marker, body)
        elif marker == QUANTISATION_TABLES:
            new = _tables(body)
            if scans and any(tables.get(number, steps) != steps for number, steps in new.items()):
                raise ValueError("its quantisation tables change between scans")
            tables |= new
        elif marker == START_OF_SCAN:
            if frame is None:
                raise ValueError("it is damaged: a scan comes before the frame")
            scans.append(_scan(body, [component.identifier for component in frame.components]))
        elif marker == JFIF and body.startswith(b"JFIF\0") and len(body) >= 14:
            jfif = True
        elif marker == ADOBE and body.startswith(b"Adobe") and len(body) >= 12:
            adobe_transform = body[11]
    if frame is None:
        raise ValueError("it is damaged: it has no frame, so no size")
    return replace(frame, tables=tables, scans=tuple(scans), jfif=jfif, adobe_transform=adobe_transform)


def _frame(marker: int, body: bytes) -> Header:
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise ValueError("it is damaged: its frame is longer or shorter than its components")
    components = [Component(body[i], body[i + 1] >> 4, body[i + 1] & 15, body[i + 2]) for i in range(6, len(body), 3)]
    if len({component.identifier for component in components}) < len(components):
        raise ValueError("it is damaged: two of its components have the same identifier")
    return Header(marker, body[0], int.from_bytes(body[1:3]), int.from_bytes(body[3:5]), tuple(components))


def _tables(body: bytes) -> dict[int, tuple[int, ...]]:
    tables = {}
    while body:
        size = 1 + (body[0] >> 4)  # bytes a step
        number, steps, body = body[0] & 15, body[1 : 1 + COEFFICIENTS * size], body[1 + COEFFICIENTS * size :]
        if number > 3 or size > 2 or len(steps) < COEFFICIENTS * size:
            raise ValueError("it is damaged: a quantisation table is not one of 0 to 3 with 64 steps of 1 or 2 bytes")
        in_file = [int.from_bytes(steps[i : i + size]) for i in range(0, len(steps), size)]
        tables[number] = tuple(step for _, step in sorted(zip(ZIGZAG, in_file, strict=True)))
    return tables


def _scan(body: bytes, identifiers: list[int]) -> Scan:
    count = body[0] if body else 0
    if count == 0 or len(body) != 4 + 2 * count or not {*body[1 : 1 + 2 * count : 2]} <= {*identifiers}:
        raise ValueError("it is damaged: a scan names components that the frame does not have")
    components = tuple(identifiers.index(identifier) for identifier in body[1 : 1 + 2 * count : 2])
    return Scan(components, first=body[-3], last=body[-2], lowest_bit=body[-1] & 15)


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
        raise ValueError(f"it is not a JPEG: it must begin with the bytes ff d8 ff, got {data[:3].hex(' ')}")
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
        raise ValueError(f"it is damaged: the segment at byte {position} must have a length >= 2, got {length}")
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
