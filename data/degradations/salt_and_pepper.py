"""Impulse noise: some values of y are black or white whatever they were."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...checks import number_or_range
from ...rng import Rng
from ..from_image import ImageSideInfo, ParsedMeasurement
from ..measurement import Measurement, level_map

FAR = 1.5  # times: so far from it, a warning is given


class SaltAndPepper:
    """Each value of each channel becomes 0 with probability rate / 2, 1 with the same, and stays what it was otherwise.

    What lies strictly between 0 and 1 in y is known exactly. What is 0 or 1 there says nothing for certain: it may be
    noise, or so in the truth. So the images that could have been measured as y are those that agree with it strictly
    between 0 and 1, the truth among them even where it is saturated; there the restoration is left as it is, and the
    networks, which see y, may keep black and white that their surroundings speak for.

    Args:
        rate: in (0, 1). One number, or a pair ``[low, high]``, drawn uniformly for each image; the condition then gains
            a map of it.

    Raises:
        ValueError: if a rate leaves (0, 1) or a range is not increasing.
    """

    accepted_side_info: tuple[str, ...] = ()
    residual_unit, unit = "grey levels", 1
    level = "rate"

    def __init__(self, rate: float | Sequence[float]) -> None:
        self.low, self.high = number_or_range("rate", rate, "(0, 1)")
        self.num_maps = 0 if self.low == self.high else 1

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        uniform = rng.rand().to(clean) if self.num_maps else clean.new_zeros(len(clean))
        rate = self.low + (self.high - self.low) * uniform
        rate_B111 = rate.view(-1, 1, 1, 1)
        chance = rng.rand(*clean.shape[1:]).to(clean)
        degraded = clean.masked_fill(chance < rate_B111, 1).masked_fill(chance < rate_B111 / 2, 0)
        return self.at_levels(degraded, rate)

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        """See ``FromImage``: a rate that was drawn is the share of black and white, as far as the range goes."""
        found = float(((picture == 0) | (picture == 1)).double().mean())
        rate = min(max(found, self.low), self.high)
        warnings: tuple[str, ...] = ()
        if not self.low / FAR <= found <= self.high * FAR:
            trained = f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"
            warnings = (f"a share of {found:.2g} of its values is black or white; the run was trained on {trained}",)
        return ParsedMeasurement(self.at_levels(picture, picture.new_tensor([rate])), {"rate": rate}, warnings)

    def at_levels(self, degraded: Tensor, rate: Tensor) -> Measurement:
        """See ``LevelledDegradation``."""
        maps = level_map(rate, degraded) if self.num_maps else None
        return Measurement(degraded, maps, {"rate": rate})

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """RMS of y - restored over what is known, (B,), in grey levels (0..255): 0 for the truth."""
        known = _known(measurement)
        square = (measurement.degraded - restored).square() * known
        return 255 * (square.flatten(1).sum(dim=1) / known.flatten(1).sum(dim=1).clamp(min=1)).sqrt()

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """What is known pasted, the rest as restored."""
        return torch.where(_known(measurement), measurement.degraded, restored)


def _known(measurement: Measurement) -> Tensor:
    return (measurement.degraded > 0) & (measurement.degraded < 1)
