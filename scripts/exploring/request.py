"""What the page asks to be shown, checked before any work."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

MAX_SIGMA_Z = 1.5
MAX_AVERAGED = 64
MAX_WHOLE = 2**53 - 1  # the largest whole number that every browser keeps
RANGES: dict[str, tuple[type, float, float]] = {
    "seed": (int, 0, MAX_WHOLE),
    "sample": (int, 1, MAX_WHOLE),
    "other": (int, 1, MAX_WHOLE),
    "average": (int, 1, MAX_AVERAGED),
    "share": (float, 0, 1),
    "sigma_z": (float, 0, MAX_SIGMA_Z),
    "alpha": (float, -1, 2),
}


@dataclass(frozen=True)
class ViewRequest:
    """A view of one picture.

    Attributes:
        picture: id of an uploaded file.
        degrade: whether it is clean and is degraded first, as in training.
        sigma: of its noise on the 0..255 scale; None leaves it to the model.
        seed: of the samples and of the degradation.
        sample: number of the sample that is shown, from 1.
        other: number of the sample at the end of the interpolation.
        share: of the way from ``sample`` to ``other``, 0 to 1.
        sigma_z: factor on z.
        alpha: α of the transport of all samples: 0 for the law of clean images, 1 for the model's own.
        average: samples of which mean and standard deviation are shown.
        held: keys of the panes that the page has already.

    Raises:
        ValueError: naming the entry that is out of range.
    """

    picture: str
    degrade: bool = False
    sigma: float | None = None
    seed: int = 0
    sample: int = 1
    other: int = 2
    share: float = 0.0
    sigma_z: float = 1.0
    alpha: float = 1.0
    average: int = 1
    held: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, holds, allowed in (
            ("picture", isinstance(self.picture, str), "a string"),
            ("degrade", isinstance(self.degrade, bool), "true or false"),
            ("sigma", self.sigma is None or _is_number(self.sigma, float), "a number or null"),
            ("held", isinstance(self.held, list | tuple) and all(isinstance(key, str) for key in self.held), "strings"),
            *((name, *_in_range(getattr(self, name), *limits)) for name, limits in RANGES.items()),
        ):
            if not holds:
                raise ValueError(f"{name} must be {allowed}, got {getattr(self, name)!r}")

    @property
    def picture_key(self) -> tuple[Any, ...]:
        """All that the measurement depends on."""
        return self.picture, self.degrade, self.sigma, self.seed if self.degrade else 0

    @property
    def samples_key(self) -> tuple[Any, ...]:
        """All that samples 1, 2, ... depend on."""
        return *self.picture_key, self.seed, self.sigma_z, self.alpha

    @property
    def sample_key(self) -> tuple[Any, ...]:
        """All that the shown sample depends on."""
        return *self.samples_key, self.sample, self.other if self.share else 0, self.share


def parse_request(body: bytes) -> ViewRequest:
    """The request of a JSON object.

    Raises:
        ValueError: if it is no JSON object, or naming an entry that is missing, unknown or out of range.
    """
    try:
        entries: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("the request is no JSON") from error
    if not isinstance(entries, dict) or "picture" not in entries:
        raise ValueError("the request must be a JSON object with a picture")
    names = [field.name for field in fields(ViewRequest)]
    if unknown := sorted(entries.keys() - set(names)):
        raise ValueError(f"entries must be among {', '.join(names)}, got {', '.join(unknown)}")
    return ViewRequest(**entries)


def _in_range(value: Any, kind: type, low: float, high: float) -> tuple[bool, str]:
    text = f"{'a whole number' if kind is int else 'a number'} from {low:g} to {high:g}"
    return _is_number(value, kind) and low <= value <= high, text


def _is_number(value: Any, kind: type) -> bool:
    allowed = int if kind is int else int | float
    return isinstance(value, allowed) and not isinstance(value, bool) and math.isfinite(value)
