"""Which quality of libjpeg quantisation tables come from, or come near to."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .coded import Coded
from .quantisation import tables_of_quality


class RoughQuality(NamedTuple):
    """The quality whose tables are nearest.

    Attributes:
        quality: 1 to 100.
        exact: whether its tables are the very ones.
    """

    quality: int
    exact: bool


def rough_quality(coded: Coded) -> RoughQuality:
    """Of the first picture: least mean absolute difference of logarithms of steps, over all components."""
    tables = coded.tables[:1].cpu()
    known = tables_of_quality(torch.arange(1, 101), tables.shape[1])
    distance: Tensor = (known.double().log() - tables.double().log()).abs().mean(dim=(1, 2, 3))
    nearest = int(distance.argmin())
    return RoughQuality(nearest + 1, torch.equal(known[nearest], tables[0].to(known.dtype)))
