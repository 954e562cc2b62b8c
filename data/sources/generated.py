"""Pictures made by code, of kinds that photographs are not: pages of text, and fields of stars."""

from collections.abc import Callable
from functools import cache
from math import ceil

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ...rng import Rng
from ..image_io.write_png import encode_png
from .names import Names

COUNT, SIDE = 8, 192  # pictures, and pixels a side
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


KINDS: dict[str, Callable[[int], Tensor]] = {"bundled:text": page_of_text, "bundled:stars": field_of_stars}


class Generated:
    """See ``ImageFiles``: 8 pictures of 192 x 192 pixels, the same wherever they are made.

    Args:
        root: one of ``KINDS``.
    """

    shards: tuple[str, ...] = ()
    version = ""

    def __init__(self, root: str) -> None:
        self.root, self.names = root, Names(f"{number:02d}.png" for number in range(COUNT))

    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        return _file(self.root, name)[: None if num_bytes < 0 else num_bytes]


@cache
def _file(root: str, name: str) -> bytes:
    return encode_png(KINDS[root](int(name.removesuffix(".png"))))
