"""Lognormal convergence fields as image files that lie nowhere: each is made when it is read."""

import io

from PIL import Image

from ...checks import whole_number
from ...rng import Rng
from ..convergence_fields import LognormalFields
from .names import Names

PREFIX = "lognormal:"
COUNT = 10_000


class LognormalFiles:
    """10,000 fields of ``LognormalFields`` as grey PNG files of 8 bits; field n is a function of n and the size.

    A grey level is a κ of 0.0016. What exceeds white is cut, in 3 of 100 fields of 31 x 31 pixels one.

    Args:
        root: ``lognormal:`` and the pixels a side.

    Raises:
        ValueError: if these are no whole number of 2 or more.
    """

    shards: tuple[str, ...] = ()
    version = ""

    def __init__(self, root: str) -> None:
        size = root.removeprefix(PREFIX)
        if not size.isdecimal():
            raise ValueError(f"root must be {PREFIX}SIZE, as {PREFIX}31, got {root}")
        self.root, self._fields = root, LognormalFields(whole_number("size", int(size)))
        self.names = Names(f"{number:04d}" for number in range(COUNT))

    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        (field,) = self._fields.draw(Rng(0, "lognormal", [int(name)]))[:, 0]
        file = io.BytesIO()
        Image.fromarray((255 * field.clamp(0, 1)).round().byte().numpy()).save(file, "PNG")
        return file.getvalue()[: num_bytes if num_bytes >= 0 else None]
