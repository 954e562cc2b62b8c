"""Time of a run, in the two units everything is a function of: clean images seen and generator steps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn

from . import ranks


@dataclass
class Times:
    """What the clock reads."""

    images_seen: int = 0
    generator_steps: int = 0
    critic_steps: int = 0
    nonfinite_steps: int = 0
    skipped_images: int = 0  # of all ranks, up to the last gathering
    seconds: float = 0.0
    nonfinite_in_a_row: dict[str, int] = field(default_factory=dict)  # by move: a player, or slope_critic


class Clock(nn.Module):
    """Own clocks, saved with the weights; Lightning's ``global_step`` counts every optimiser step of both players."""

    def __init__(self) -> None:
        super().__init__()
        self.times = Times()
        self._skipped_here = 0

    def skip(self, images: int) -> None:
        """Note images that this rank could not read."""
        self._skipped_here += images

    def gather(self) -> None:
        """Add up what the ranks have noted."""
        here, self._skipped_here = self._skipped_here, 0
        self.times.skipped_images += sum(ranks.each(here))

    def get_extra_state(self) -> dict[str, Any]:
        """For ``state_dict``: plain numbers, so that a checkpoint loads without running code."""
        return asdict(self.times)

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """From ``load_state_dict``."""
        self.times = Times(**state)
