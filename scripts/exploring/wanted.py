"""What a page asks to be shown, checked before any work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

LARGEST_SIGMA_Z = 1.5
MOST_AVERAGED = 64
MOST = 2**53 - 1
"""The largest whole number that every browser keeps."""


@dataclass(frozen=True)
class Wanted:
    """A view of one picture.

    Attributes:
        picture: id of an uploaded file.
        degrade: whether it is clean, and is degraded first as in training.
        sigma: of its noise on the 0..255 scale; None leaves it to the model.
        seed: of the samples, and of what degrades.
        sample: number of the one shown, from 1.
        other: number of the one that it is on the way to.
        share: of that way, 0 to 1.
        sigma_z: factor on z.
        average: samples of which mean and standard deviation are shown.
        held: names of panes that the page has already.

    Raises:
        ValueError: naming what is out of range.
    """

    picture: str
    degrade: bool = False
    sigma: float | None = None
    seed: int = 0
    sample: int = 1
    other: int = 2
    share: float = 0.0
    sigma_z: float = 1.0
    average: int = 1
    held: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require("picture", self.picture, isinstance(self.picture, str), "a text")
        _require("degrade", self.degrade, isinstance(self.degrade, bool), "true or false")
        _require("seed", self.seed, _whole(self.seed, 0, MOST), f"a whole number from 0 to {MOST}")
        for name in ("sample", "other"):
            number = getattr(self, name)
            _require(name, number, _whole(number, 1, MOST), f"a whole number from 1 to {MOST}")
        for name, most in (("share", 1.0), ("sigma_z", LARGEST_SIGMA_Z)):
            number = getattr(self, name)
            _require(name, number, _number(number) and 0 <= number <= most, f"a number from 0 to {most:g}")
        allowed = f"a whole number from 1 to {MOST_AVERAGED}"
        _require("average", self.average, _whole(self.average, 1, MOST_AVERAGED), allowed)
        _require("sigma", self.sigma, self.sigma is None or _number(self.sigma), "a number, or null")
        _require("held", self.held, all(isinstance(name, str) for name in self.held), "a list of texts")

    @property
    def opened_as(self) -> tuple[str, bool, float | None, int]:
        """All that the picture before the sampler depends on."""
        return self.picture, self.degrade, self.sigma, self.seed if self.degrade else 0

    @property
    def averaged_as(self) -> tuple[Any, ...]:
        """All that samples and their order depend on, but not how many."""
        return *self.opened_as, self.seed, self.sigma_z

    @property
    def shown_as(self) -> tuple[Any, ...]:
        """All that the shown sample depends on."""
        return *self.averaged_as, self.sample, self.other if self.share else 0, self.share


def wanted(asked: Any) -> Wanted:
    """From the JSON of a page.

    Raises:
        ValueError: naming an entry that is missing, unknown or out of range.
    """
    if not isinstance(asked, Mapping) or "picture" not in asked:
        raise ValueError("the request names no picture; allowed is a JSON object with one")
    names = [field.name for field in fields(Wanted)]
    unknown = sorted(set(asked) - set(names))
    if unknown:
        raise ValueError(f"the request has {', '.join(unknown)}; allowed is {', '.join(names)}")
    held = asked.get("held", [])
    return Wanted(**{**asked, "held": tuple(held) if isinstance(held, list) else (None,)})


def _require(name: str, value: Any, holds: bool, allowed: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value!r}; allowed is {allowed}")


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
