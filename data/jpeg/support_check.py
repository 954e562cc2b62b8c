"""Which .jpg files we do not read, each by its name."""

from .coefficients import SAMPLINGS, Sampling
from .markers import COEFFICIENTS, Header

PROGRESSIVE = 0xC2
READ = (0xC0, 0xC1, PROGRESSIVE)
LOSSLESS, ARITHMETIC, JPEG_LS = (0xC3, 0xCB), (0xC9, 0xCA), 0xF7
MAX_SCANS = 100
"""Encoders write up to about twenty; an empty one costs nothing in the file, and half a second over 88 megapixels."""

_OTHER_SAMPLINGS = {(1.0, 2.0): "4:4:0", (4.0, 1.0): "4:1:1", (4.0, 2.0): "4:1:0"}


def unsupported_reason(header: Header, max_pixels: int | None) -> str | None:
    """Why this file, of at most ``max_pixels`` pixels, is not read; None if it is."""
    reason = _kind(header) or _size(header, max_pixels)
    return reason or _colour(header) or _sampling(header) or _tables(header) or _scans(header)


def sampling(header: Header) -> Sampling | None:
    """Sampling of the chroma; None if it is none of ``SAMPLINGS``. Only the ratios of the factors matter."""
    luma, *chroma = header.components
    ratios = {(luma.horizontal / part.horizontal, luma.vertical / part.vertical) for part in chroma} or {(1.0, 1.0)}
    return next((known for known in SAMPLINGS.values() if ratios == {(*known,)}), None)


def _kind(header: Header) -> str | None:
    only = "it must be baseline, extended sequential or progressive, Huffman-coded, of 8 bits"
    if header.frame == JPEG_LS:
        return f"it is JPEG-LS; {only}"
    if header.frame in LOSSLESS:
        return f"it is lossless JPEG, without coefficients; {only}"
    if header.frame in ARITHMETIC:
        return f"it is arithmetic-coded; {only}"
    if header.frame not in READ:
        return f"it is hierarchical; {only}"
    if header.precision != 8:
        return f"it has {header.precision} bits a sample; {only}"
    return None


def _size(header: Header, limit: int | None) -> str | None:
    if header.height == 0:
        return "its height must be >= 1, got 0 (left to a later marker, DNL)"
    if header.width == 0:
        return "its width must be >= 1, got 0"
    if limit is not None and header.width * header.height > limit:
        return f"its size of {header.width}x{header.height} is above the limit of {limit} pixels"
    return None


def _colour(header: Header) -> str | None:
    count = len(header.components)
    if count == 4:
        name = "YCCK" if header.adobe_transform == 2 else "CMYK"
        return f"its colours must be grey or YCbCr, got {name}"
    if count not in (1, 3):
        return f"it must have 1 component (grey) or 3 (YCbCr), got {count}"
    if count == 3 and not header.jfif:  # the order in which libjpeg decides
        rgb = header.adobe_transform == 0
        if header.adobe_transform is None:
            rgb = bytes(component.identifier for component in header.components) == b"RGB"
        if rgb:
            return "its colours must be grey or YCbCr, got RGB, stored without colour transform"
    return None


def _sampling(header: Header) -> str | None:
    factors = ",".join(f"{component.horizontal}x{component.vertical}" for component in header.components)
    if not all(1 <= factor <= 4 for component in header.components for factor in component[1:3]):
        return f"its sampling factors must be 1 to 4, got {factors}"
    if sampling(header) is not None:
        return None
    luma, *chroma = header.components
    ratios = {(luma.horizontal / part.horizontal, luma.vertical / part.vertical) for part in chroma}
    name = _OTHER_SAMPLINGS.get(ratios.pop(), factors) if len(ratios) == 1 else factors
    return f"its chroma sampling must be {', '.join(SAMPLINGS)} or grey, got {name}"


def _tables(header: Header) -> str | None:
    for component in header.components:
        steps = header.tables.get(component.table)
        if steps is None:
            return f"its quantisation table {component.table} is missing"
        if 0 in steps:
            return f"its quantisation table {component.table} must have steps >= 1, got 0"
    return None


def _scans(header: Header) -> str | None:
    if len(header.scans) > MAX_SCANS:
        return f"it must have at most {MAX_SCANS} scans, got {len(header.scans)}"
    for place, _ in enumerate(header.components):
        lowest_bits: dict[int, int] = {}
        for scan in header.scans:
            if place in scan.components:
                whole = header.frame != PROGRESSIVE
                known = range(COEFFICIENTS) if whole else range(scan.first, scan.last + 1)
                lowest_bits |= dict.fromkeys(known, 0 if whole else scan.lowest_bit)
        if len(lowest_bits) < COEFFICIENTS or any(lowest_bits.values()):  # libjpeg would smooth the pixels
            return f"it is truncated: its scans leave coefficients of component {place + 1} open"
    return None
