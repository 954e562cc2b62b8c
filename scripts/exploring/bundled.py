"""A photograph that no model of the bundled ones was trained on, to try a model with."""

from __future__ import annotations

import io

from ...data.image_io.decode import decode
from ...data.sources.open_source import BUNDLED, open_root
from ...data.splits import held_out_photographs


def bundled_photograph(channels: int) -> bytes:
    """As a PNG of 3 channels, or 1."""
    file = io.BytesIO()
    decode(open_root(BUNDLED).read_bytes(held_out_photographs()[1]), channels).save(file, "PNG")
    return file.getvalue()
