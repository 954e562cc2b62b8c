"""PNG files that viewers show as they show the .jpg the pixels belong to."""

from __future__ import annotations

import io

from PIL import Image
from torch import Tensor


def encode_png(pixels: Tensor, exif: bytes = b"", icc_profile: bytes | None = None) -> bytes:
    """The bytes of a file with exactly these pixels.

    Args:
        pixels: (C, H, W) uint8; C is 1 for grey, 3 for RGB.
        exif: with the orientation in which to show them.
        icc_profile: what they mean; None for sRGB.
    """
    values = pixels.cpu().movedim(0, -1).numpy()
    image = Image.fromarray(values[..., 0] if len(pixels) == 1 else values)
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif, icc_profile=icc_profile)
    return file.getvalue()
