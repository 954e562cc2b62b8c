"""What travels with the pixels: EXIF without orientation, and the colour profile."""

from __future__ import annotations

from PIL import Image, PngImagePlugin

ORIENTATION = 0x0112
DESCRIPTIVE = (270, 271, 272, 305, 306, 315, 33432, 34665, 34853)
"""What a TIFF says besides how its pixels are stored: title, camera, software, time, artist, copyright, EXIF, GPS."""
PROFILE_SPACES = {1: b"GRAY", 3: b"RGB "}


def orientation(image: Image.Image) -> int:
    """1 to 8, of a loaded image; 1 where it is none of these, or cannot be read."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # of many types on damaged bytes
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def kept_metadata(image: Image.Image, colours: int) -> tuple[bytes, bytes | None, list[str]]:
    """EXIF, profile and why one of them was left out, of a loaded image that now has 1 or 3 colours."""
    exif, profile, notes = b"", None, []
    try:
        exif = _exif(image)
    except Exception:  # of many types on damaged bytes
        notes.append("its EXIF is damaged and was left out")
    try:
        profile = _profile(image, colours)
    except ValueError as error:
        notes.append(f"its colour profile was left out: {error}")
    return exif, profile, notes


def _exif(image: Image.Image) -> bytes:
    """Without orientation; as it lies in the file if it has none."""
    exif = image.getexif()
    stored = image.info.get("exif", b"")
    if image.format == "TIFF":
        for tag in {*exif} - {*DESCRIPTIVE}:
            del exif[tag]
    elif stored and ORIENTATION not in exif:
        return bytes(stored)
    exif.pop(ORIENTATION, None)
    return exif.tobytes() if len(exif) else b""


def _profile(image: Image.Image, colours: int) -> bytes | None:
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    if not isinstance(profile, bytes) or profile[36:40] != b"acsp":
        raise ValueError("it is damaged")
    if profile[16:20] != PROFILE_SPACES[colours]:
        raise ValueError("it is for other colours than the pixels now have")
    if len(profile) > PngImagePlugin.MAX_TEXT_CHUNK:
        raise ValueError(f"it has more than {PngImagePlugin.MAX_TEXT_CHUNK} bytes")
    return profile
