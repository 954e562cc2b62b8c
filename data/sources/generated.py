"""Pictures made by code, of kinds that photographs are not: pages of text, fields of stars, mass in the universe."""

from collections.abc import Callable
from functools import partial
from math import ceil

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ...checks import whole_number
from ...rng import Rng
from ..convergence_fields import LognormalFields
from ..image_io.write_png import encode_png
from .names import Names

Picture = Callable[[int], Tensor]
"""A number to uint8 (C, H, W)."""

COUNT, SIDE = 8, 192  # pictures, and pixels a side
FIELDS = 10_000  # of one size
LETTERS = "eeeeeetttttaaaaooooiiiinnnnsssshhhrrrrddllluuccmmffwwyyppggbvk"  # about as often as in English
STARS = 400  # in a field


def page_of_text(number: int) -> Tensor:
    """Lines of random words, ink on paper, in the font that comes with Pillow; uint8 (3, H, W)."""
    rng = Rng(0, "page of text", [number])
    size, stop = int(rng.randint(10, 20)), SIDE - 8
    paper, ink = (215 + 40 * rng.rand(3)[0]).tolist(), (70 * rng.rand(3)[0]).tolist()
    page = Image.new("RGB", (SIDE, SIDE), tuple(map(round, paper)))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size)
    left, top = 8.0, 6.0
    while top + size < stop:
        letters = rng.randint(0, len(LETTERS), int(rng.randint(1, 10)))[0].tolist()
        word = "".join(LETTERS[letter] for letter in letters) + " "
        if left + draw.textlength(word, font) > stop:
            left, top = 8.0, top + ceil(1.3 * size)
        else:
            draw.text((left, top), word, tuple(map(round, ink)), font)
            left += draw.textlength(word, font)
    return torch.from_numpy(np.array(page)).movedim(-1, 0)


def field_of_stars(number: int) -> Tensor:
    """Points of light on a dark sky, the brightest cut off at white; uint8 (3, H, W).

    The point-spread function is that of Moffat (1969), β = 3. Fluxes f follow a power law, N(> f) ~ 1/f: the fainter
    they are, the more stars there are.
    """
    rng = Rng(0, "field of stars", [number])
    places, flux = SIDE * rng.rand(2, STARS, 1, 1)[0], 0.15 / (1 - rng.rand(STARS, 1, 1)[0]).clamp(min=1e-3)
    width, colours = 1.2 + 0.8 * rng.rand()[0], 0.7 + 0.3 * rng.rand(STARS, 3)[0]
    y, x = (torch.arange(SIDE).view(shape) + 0.5 for shape in ((-1, 1), (1, -1)))
    light = flux / (1 + ((y - places[0]) ** 2 + (x - places[1]) ** 2) / width**2) ** 3
    sky = (0.03 + 0.03 * rng.rand(3)[0]).view(3, 1, 1)
    return (255 * (sky + torch.einsum("nc,nhw->chw", colours, light)).clamp(0, 1)).round().byte()


def convergence_field(fields: LognormalFields, number: int) -> Tensor:
    """Of ``LognormalFields``, uint8 (1, H, W): a grey level is a κ of 0.0016.

    What exceeds white is cut, in 3 of 100 fields of 31 x 31 pixels one.
    """
    (field,) = fields.draw(Rng(0, "lognormal", [number]))
    levels: Tensor = (255 * field.clamp(0, 1)).round().byte()
    return levels


def _lognormal(size: str) -> tuple[int, Picture]:
    if not size.isdecimal():
        raise ValueError(f"root must be lognormal:SIZE, as lognormal:31, got lognormal:{size}")
    return FIELDS, partial(convergence_field, LognormalFields(whole_number("size", int(size))))


KINDS: dict[str, Callable[[str], tuple[int, Picture]]] = {
    "bundled:text": lambda rest: (COUNT, page_of_text),
    "bundled:stars": lambda rest: (COUNT, field_of_stars),
    "lognormal:": _lognormal,
}
"""By how a root begins, for the rest of it: how many pictures there are, and each by its number."""


class Generated:
    """See ``ImageFiles``: PNG files that lie nowhere, the same wherever and whenever they are made.

    Args:
        root: ``bundled:text`` or ``bundled:stars``, 8 pictures of 192 x 192 pixels in colour; ``lognormal:`` and the
            pixels a side, 10,000 grey ones.

    Raises:
        ValueError: if it is none of these.
    """

    shards: tuple[str, ...] = ()
    version = ""

    def __init__(self, root: str) -> None:
        kind = next(kind for kind in KINDS if root.startswith(kind))
        self.root, (count, self._picture) = root, KINDS[kind](root.removeprefix(kind))
        self.names = Names(f"{number:05d}.png" for number in range(count))

    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        file = encode_png(self._picture(int(name.removesuffix(".png"))))
        return file[: None if num_bytes < 0 else num_bytes]
